use kafka_client::KafkaRecord;

#[derive(KafkaRecord)]
#[kafka(topic = "a b")]
enum Event {
    Created { id: u8 },
}

#[derive(KafkaRecord)]
struct Tuple(u8, u8);

#[derive(KafkaRecord)]
struct Unit;

#[derive(KafkaRecord)]
union Union {
    a: u8,
    b: i8,
}

fn main() {}

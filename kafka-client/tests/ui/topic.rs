use kafka_client::KafkaRecord;

#[derive(KafkaRecord)]
#[kafka(topic = "orders placed")]
struct Space {
    id: u8,
}

#[derive(KafkaRecord)]
#[kafka(topic = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
struct Long {
    id: u8,
}

#[derive(KafkaRecord)]
#[kafka(topic = "")]
struct Empty {
    id: u8,
}

#[derive(KafkaRecord)]
#[kafka(topic = "..")]
struct Dots {
    id: u8,
}

#[derive(KafkaRecord)]
#[kafka(topic = orders)]
struct NotText {
    id: u8,
}

#[derive(KafkaRecord)]
#[kafka(topic("orders"))]
struct NotEqual {
    id: u8,
}

#[derive(KafkaRecord)]
#[kafka(topic = "a")]
#[kafka(topic = "b")]
struct Twice {
    id: u8,
}

fn main() {}

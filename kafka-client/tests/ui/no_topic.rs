use kafka_client::KafkaRecord;
use kafka_client::record::HasTopic;

#[derive(KafkaRecord)]
struct Order {
    id: u8,
}

struct Plain;

fn send<T: HasTopic>(_: &T) {}

fn send_to<T: KafkaRecord>(_: &str, _: &T) {}

fn main() {
    send_to("orders", &Order { id: 1 });
    send(&Order { id: 1 });
    send_to("orders", &Plain);
}

//! A record with an error still is a record: code that uses it adds no message.

use kafka_client::KafkaRecord;
use kafka_client::record::{DecodeError, HasTopic, RecordBuffer, RecordRef};

#[derive(KafkaRecord)]
#[kafka(tpic = "orders")]
struct Order {
    #[kafka(key)]
    id: u8,
}

fn send<T: HasTopic>(record: &T) {
    RecordBuffer::new().encode(record).unwrap();
}

fn receive(record: &RecordRef<'_>) -> Result<Order, DecodeError> {
    Order::decode(record)
}

fn main() {
    send(&Order { id: 1 });
    let _ = receive;
}

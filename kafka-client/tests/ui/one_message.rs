//! A record with an error still is a record: code that uses it adds no message.

use kafka_client::{KafkaRecord, KafkaRecords};
use kafka_client::record::{DecodeError, HasTopic, RecordBuffer, RecordRef};

#[derive(KafkaRecord)]
#[kafka(tpic = "orders")]
struct Order {
    #[kafka(key)]
    id: u8,
}

#[derive(KafkaRecord)]
#[kafka(topic = "orders")]
enum Change {
    #[kafka(tombstone)]
    Deleted {
        #[kafka(kye)]
        id: u8,
    },
    Placed(Order),
}

#[derive(KafkaRecords)]
#[kafka(topic = "orders", dispatch = header("type"), rename_al = "snake_case")]
enum Event {
    Placed(Order),
}

fn send<T: HasTopic>(record: &T) {
    RecordBuffer::new().encode(record).unwrap();
}

fn receive(record: &RecordRef<'_>) -> Result<Order, DecodeError> {
    Order::decode(record)
}

fn main() {
    send(&Order { id: 1 });
    send(&Change::Deleted { id: 1 });
    send(&Event::Placed(Order { id: 1 }));
    let _ = receive;
}

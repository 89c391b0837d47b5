use kafka_client::listen::*;
use kafka_client::{Kafka, KafkaRecord};

#[derive(KafkaRecord)]
#[kafka(topic = "orders")]
struct Order {
    #[kafka(key)]
    id: String,
}

#[derive(Clone)]
struct Db;

async fn bill(Value(_): Value<Order>, _: State<Db>) {}

fn main() {
    let _ = |kafka: Kafka| kafka.listen("billing").on(bill);
}

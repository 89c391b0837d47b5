use kafka_client::listen::*;
use kafka_client::{Kafka, KafkaRecord};

#[derive(KafkaRecord)]
#[kafka(topic = "orders")]
struct Order {
    #[kafka(key)]
    id: String,
}

async fn bill(_: Batch<Order>, _: Partition) {}

fn main() {
    let second = std::time::Duration::from_secs(1);
    let _ = |kafka: Kafka| kafka.listen("billing").on_batch(bill, 100, second);
}

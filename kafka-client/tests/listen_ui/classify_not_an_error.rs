use kafka_client::listen::*;
use kafka_client::{Kafka, KafkaRecord};

#[derive(KafkaRecord)]
#[kafka(topic = "orders")]
struct Order {
    #[kafka(key)]
    id: String,
}

async fn bill(_: Value<Order>) {}

fn main() {
    let _ = |kafka: Kafka| {
        let listener = kafka.listen("billing").on(bill);
        listener.classify(|_: &String| Verdict::Skip)
    };
}

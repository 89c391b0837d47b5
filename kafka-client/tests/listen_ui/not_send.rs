use kafka_client::listen::*;
use kafka_client::{Kafka, KafkaRecord};

#[derive(KafkaRecord)]
#[kafka(topic = "orders")]
struct Order {
    #[kafka(key)]
    id: String,
}

async fn bill(_: Value<Order>) {
    let shared = std::rc::Rc::new(1);
    std::future::ready(()).await;
    drop(shared);
}

fn main() {
    let _ = |kafka: Kafka| kafka.listen("billing").on(bill);
}

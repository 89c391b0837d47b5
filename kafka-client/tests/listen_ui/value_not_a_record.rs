use kafka_client::listen::*;
use kafka_client::{Kafka, KafkaRecord};

#[derive(KafkaRecord)]
#[kafka(topic = "orders")]
struct Order {
    #[kafka(key)]
    id: String,
}

struct Payment;

async fn bill(_: Value<Payment>) {}

fn main() {
    let _ = |kafka: Kafka| kafka.listen("billing").on_topic("payments", bill);
}

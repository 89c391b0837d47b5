use kafka_client::listen::*;
use kafka_client::{Kafka, KafkaRecord};

#[derive(KafkaRecord)]
#[kafka(topic = "orders")]
struct Order {
    #[kafka(key)]
    id: String,
}

struct Trace;

async fn bill(_: Value<Order>, _: HeaderSet<Trace>) {}

fn main() {
    let _ = |kafka: Kafka| kafka.listen("billing").on(bill);
}

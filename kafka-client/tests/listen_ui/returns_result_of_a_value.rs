use kafka_client::listen::*;
use kafka_client::{Kafka, KafkaRecord};

#[derive(KafkaRecord)]
#[kafka(topic = "orders")]
struct Order {
    #[kafka(key)]
    id: String,
}

async fn bill(_: Value<Order>) -> Result<u32, std::io::Error> {
    Ok(7)
}

fn main() {
    let _ = |kafka: Kafka| kafka.listen("billing").on(bill);
}

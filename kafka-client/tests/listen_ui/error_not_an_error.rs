use kafka_client::listen::*;
use kafka_client::{Kafka, KafkaRecord};

#[derive(KafkaRecord)]
#[kafka(topic = "orders")]
struct Order {
    #[kafka(key)]
    id: String,
}

struct BillError;

async fn bill(_: Value<Order>) -> Result<(), BillError> {
    Ok(())
}

fn main() {
    let _ = |kafka: Kafka| kafka.listen("billing").on(bill);
}

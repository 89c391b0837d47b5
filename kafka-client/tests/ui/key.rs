use kafka_client::KafkaRecord;

#[derive(KafkaRecord)]
struct TwoKeys {
    #[kafka(key)]
    id: u8,
    #[kafka(key)]
    tenant: String,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct OrderId(u64);

#[derive(KafkaRecord)]
struct NoKey {
    #[kafka(key)]
    id: OrderId,
}

#[derive(KafkaRecord)]
struct Lost {
    #[kafka(key)]
    #[serde(skip)]
    id: u8,
}

fn main() {}

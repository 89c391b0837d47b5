use kafka_client::KafkaRecord;

#[derive(KafkaRecord)]
#[kafka(tpoic = "orders", format = json)]
struct Order {
    #[kafka(kye)]
    id: u8,
    #[kafka(heder = "tenant")]
    tenant: String,
    #[kafka(time_stamp)]
    at: i64,
    #[kafka(partitions)]
    shard: i32,
    #[kafka(topic = "orders")]
    amount: u64,
    #[kafka(colour(red))]
    note: String,
    #[kafka(only)]
    other: String,
    #[kafka(some::path)]
    path: String,
}

#[derive(KafkaRecord)]
#[kafka(key, key_format = json)]
struct OnType {
    id: u8,
}

fn main() {}

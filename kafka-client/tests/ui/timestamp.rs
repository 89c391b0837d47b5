use kafka_client::KafkaRecord;

#[derive(KafkaRecord)]
struct Seconds {
    #[kafka(timestamp)]
    at: u32,
}

#[derive(KafkaRecord)]
struct TwoTimes {
    #[kafka(timestamp)]
    created: i64,
    #[kafka(timestamp)]
    updated: Option<i64>,
}

fn main() {}

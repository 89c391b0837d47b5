use kafka_client::KafkaRecord;

#[derive(KafkaRecord)]
struct Options {
    #[kafka(key(onyl))]
    a: u8,
    #[kafka(key = "a")]
    b: u8,
    #[kafka(key("only"))]
    c: u8,
    #[kafka(key(only, also))]
    d: u8,
    #[kafka(timestamp(also))]
    e: i64,
    #[kafka(partition(only))]
    f: i32,
    #[kafka(skip = true)]
    g: u8,
    #[kafka(value(json))]
    h: u8,
}

#[derive(KafkaRecord)]
struct HeaderOptions {
    #[kafka(header(also))]
    a: u8,
    #[kafka(header("b", also))]
    b: u8,
    #[kafka(header(name = "c", als))]
    c: u8,
    #[kafka(header(name, also))]
    d: u8,
}

#[derive(KafkaRecord)]
struct TwoPlaces {
    #[kafka(key(only), header = "a")]
    a: u8,
    #[kafka(key, timestamp(only))]
    b: i64,
    #[kafka(skip, header(name = "c", also))]
    c: u8,
    #[kafka(partition, skip)]
    d: i32,
}

#[derive(KafkaRecord)]
struct TwoPartitions {
    #[kafka(partition)]
    a: i32,
    #[kafka(partition)]
    b: Option<i32>,
}

#[derive(KafkaRecord)]
struct Lost {
    #[kafka(header(name = "a", also))]
    #[serde(skip)]
    a: u8,
}

#[derive(KafkaRecord)]
struct WidePartition {
    #[kafka(partition)]
    shard: u64,
}

struct NoDefault;

#[derive(KafkaRecord)]
struct Skipped {
    #[kafka(skip)]
    cache: NoDefault,
}

fn main() {}

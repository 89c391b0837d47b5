use kafka_client::KafkaRecord;

#[derive(KafkaRecord)]
struct Mixed {
    #[kafka(key)]
    id: u8,
    #[kafka(header(name = "tenant", also))]
    tenant: String,
    #[kafka(timestamp)]
    at: i64,
    more: u8,
    #[kafka(value)]
    body: String,
}

#[derive(KafkaRecord)]
struct Two {
    #[kafka(value)]
    a: u8,
    #[kafka(value)]
    b: u8,
}

#[derive(KafkaRecord)]
struct KeyToo {
    #[kafka(key, value)]
    id: u8,
}

#[derive(KafkaRecord)]
struct MadeAnew {
    #[kafka(value)]
    #[serde(with = "hex")]
    body: u32,
}

struct Opaque;

#[derive(KafkaRecord)]
struct NotSerde {
    #[kafka(value)]
    body: Option<Opaque>,
}

fn main() {}

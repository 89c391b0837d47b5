use kafka_client::KafkaRecord;

#[derive(KafkaRecord)]
struct Duplicate {
    #[kafka(header = "tenant")]
    tenant: String,
    #[kafka(header = "tenant")]
    owner: String,
    #[kafka(header)]
    r#type: String,
    #[kafka(header = "")]
    nameless: String,
    #[kafka(header = trace)]
    trace: String,
    #[kafka(key, header = "id")]
    id: String,
}

struct Opaque;

#[derive(KafkaRecord)]
struct NoHeader {
    #[kafka(header = "opaque")]
    opaque: Option<Opaque>,
}

fn main() {}

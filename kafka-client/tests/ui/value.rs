use kafka_client::KafkaRecord;

#[derive(KafkaRecord)]
struct Borrowed<'a> {
    name: &'a str,
    more: Option<&'a [u8]>,
}

#[derive(KafkaRecord)]
#[serde(from = "u8", into = "u8")]
struct Converted {
    id: u8,
}

fn main() {}

use kafka_client::KafkaRecord;

struct MyCodec;

#[derive(KafkaRecord)]
#[kafka(format = string)]
struct NoField {
    text: String,
}

#[derive(KafkaRecord)]
#[kafka(format = json, with = MyCodec)]
struct Both {
    #[kafka(value)]
    text: String,
}

#[derive(KafkaRecord)]
#[kafka(with)]
struct Missing {
    id: u8,
}

#[derive(KafkaRecord)]
#[kafka(with = 7)]
struct NoType {
    id: u8,
}

#[derive(KafkaRecord)]
#[kafka(with = MyCodec)]
struct TakenOut {
    #[kafka(key(only))]
    id: u8,
    #[kafka(header = "tenant")]
    tenant: String,
    #[kafka(partition)]
    shard: i32,
}

#[derive(KafkaRecord)]
#[kafka(content_type = "")]
struct NoContentType {
    id: u8,
}

#[derive(KafkaRecord)]
#[kafka(content_type = json)]
struct NotText {
    id: u8,
}

#[derive(KafkaRecord)]
#[kafka(content_type = "application/json")]
struct TwoContentTypes {
    #[kafka(header = "content-type")]
    content_type: String,
}

#[derive(KafkaRecord)]
#[kafka(format = string)]
struct NumberAsText {
    #[kafka(value)]
    number: u64,
}

#[derive(KafkaRecord)]
#[kafka(with = MyCodec)]
struct NoCodec {
    #[kafka(value)]
    number: u64,
}

fn main() {}

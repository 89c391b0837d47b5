use kafka_client::KafkaRecord;

#[derive(KafkaRecord)]
#[kafka(format = xml)]
struct Unknown {
    id: u8,
}

#[derive(KafkaRecord)]
#[kafka(format = avro(schema = "order.avsc"))]
struct Later {
    id: u8,
}

#[derive(KafkaRecord)]
#[kafka(format = Json)]
struct Typo {
    id: u8,
}

#[derive(KafkaRecord)]
#[kafka(format = "json")]
struct Quoted {
    id: u8,
}

#[derive(KafkaRecord)]
#[kafka(format)]
struct Missing {
    id: u8,
}

fn main() {}

use std::collections::BTreeMap;

use kafka_client::{KafkaHeaders, KafkaRecord};

#[derive(KafkaHeaders)]
struct Trace {
    #[kafka(header = "tenant")]
    tenant: String,
}

#[derive(KafkaRecord)]
struct SameHeader {
    #[kafka(header = "tenant")]
    tenant: String,
    #[kafka(headers)]
    trace: Trace,
}

#[derive(KafkaRecord)]
struct SameSet {
    #[kafka(headers)]
    a: Trace,
    #[kafka(headers)]
    b: Trace,
}

#[derive(KafkaRecord)]
struct TwoMaps {
    #[kafka(headers)]
    a: BTreeMap<String, String>,
    #[kafka(headers)]
    b: Vec<(String, Vec<u8>)>,
}

#[derive(KafkaRecord)]
struct NoSet {
    #[kafka(headers)]
    tenant: String,
}

#[derive(KafkaRecord)]
struct WithName {
    #[kafka(headers = "tenant")]
    tenant: String,
    #[kafka(headers, key)]
    both: Trace,
}

fn main() {}

use kafka_client::KafkaHeaders;
use kafka_client::record::{DecodeError, RecordRef};

#[derive(KafkaHeaders)]
struct Wrong {
    tenant: String,
    #[kafka(header = "a")]
    a: u8,
    #[kafka(header = "a")]
    b: u8,
    #[kafka(header(name = "c", also))]
    c: u8,
    #[kafka(header = "d", skip)]
    d: u8,
    #[kafka(key)]
    e: u8,
    #[kafka(heders)]
    f: u8,
    #[kafka(header = "g")]
    g: &'static str,
    #[kafka(header)]
    h: u8,
}

#[derive(KafkaHeaders)]
#[kafka(topic = "orders")]
struct NoRecord {
    #[kafka(header = "a")]
    a: u8,
}

#[derive(KafkaHeaders)]
struct Tuple(u8);

#[derive(KafkaHeaders)]
enum Either {
    A,
    B,
}

struct Opaque;

#[derive(KafkaHeaders)]
struct NoHeader {
    #[kafka(header = "opaque")]
    opaque: Opaque,
}

/// A set with an error still is one.
fn read(record: &RecordRef<'_>) -> Result<Wrong, DecodeError> {
    record.read_headers()
}

fn main() {
    let _ = read;
}

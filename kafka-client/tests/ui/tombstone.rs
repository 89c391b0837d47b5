use kafka_client::KafkaRecord;

#[derive(KafkaRecord)]
#[kafka(topic = "users")]
struct User {
    id: u8,
}

#[derive(KafkaRecord)]
#[kafka(topic = "orders")]
enum NoTombstone {
    Placed(User),
    Cancelled(User),
}

#[derive(KafkaRecord)]
enum TwoTombstones {
    #[kafka(tombstone)]
    A {
        #[kafka(key)]
        id: u8,
    },
    #[kafka(tombstone)]
    B {
        #[kafka(key)]
        id: u8,
    },
}

#[derive(KafkaRecord)]
enum ThreeVariants {
    #[kafka(tombstone)]
    Deleted {
        #[kafka(key)]
        id: u8,
    },
    Created(User),
    Changed(User),
}

#[derive(KafkaRecord)]
enum NoKey {
    #[kafka(tombstone)]
    Deleted {
        id: u8,
        #[kafka(value)]
        body: u8,
    },
    Upserted(User),
}

#[derive(KafkaRecord)]
enum NoNames {
    #[kafka(tombstone)]
    Deleted(String),
    Upserted,
}

#[derive(KafkaRecord)]
#[kafka(format = string, with = Codec, content_type = "application/json")]
enum FormatOfTheRecord {
    #[kafka(tombstone)]
    Deleted {
        #[kafka(key)]
        id: u8,
    },
    Upserted(#[kafka(value)] User),
}

#[derive(KafkaRecord)]
enum Typo {
    #[kafka(tombston)]
    Deleted {
        #[kafka(key)]
        id: u8,
    },
    #[kafka(key)]
    Upserted(User),
}

#[derive(KafkaRecord)]
enum TwoNulls {
    #[kafka(tombstone)]
    Deleted {
        #[kafka(key)]
        id: u8,
    },
    Upserted {
        #[kafka(value)]
        body: Option<String>,
    },
}

#[derive(KafkaRecord)]
#[kafka(tombstone)]
#[serde(rename_all = "camelCase")]
enum SerdeOnTheType {
    #[kafka(tombstone)]
    Deleted {
        #[kafka(key)]
        id: u8,
    },
    #[serde(untagged)]
    Upserted { full_name: String },
}

#[derive(KafkaRecord)]
#[kafka(topic = "orders")]
enum OtherTopic {
    #[kafka(tombstone)]
    Deleted {
        #[kafka(key)]
        id: u8,
    },
    Upserted(User),
}

struct Plain;

#[derive(KafkaRecord)]
enum NoRecord {
    #[kafka(tombstone)]
    Deleted {
        #[kafka(key)]
        id: u8,
    },
    Upserted(Plain),
}

fn main() {}

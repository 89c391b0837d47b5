//! Enums with a variant that is a tombstone.

use kafka_client::record::{DecodeErrorKind, HasTopic, Header, Record, RecordBuffer};
use kafka_client::{KafkaHeaders, KafkaRecord};

use super::{encoded, json, round_trip};

#[derive(Debug, PartialEq, KafkaRecord)]
#[kafka(topic = "users")]
struct User {
    #[kafka(key(only))]
    id: String,
    name: String,
}

#[derive(Debug, PartialEq, KafkaRecord)]
#[kafka(topic = "users")]
enum UserChange {
    #[kafka(tombstone)]
    Deleted {
        #[kafka(key(only))]
        id: String,
        #[kafka(header = "by")]
        by: Option<String>,
    },
    Upserted(User),
}

fn deleted(by: Option<&str>) -> UserChange {
    UserChange::Deleted {
        id: "u-1".into(),
        by: by.map(Into::into),
    }
}

#[test]
fn a_null_value_is_the_tombstone() {
    assert_eq!(
        (UserChange::TOPIC, UserChange::TOPIC_NAME),
        (Some("users"), "users")
    );
    for change in [deleted(None), deleted(Some("me"))] {
        encoded(&change, |record| {
            assert_eq!((record.key, record.value), (Some(&b"u-1"[..]), None));
        });
        assert_eq!(round_trip(&change).unwrap(), change);
    }
    let no_key = UserChange::decode(&Record::to("t").as_received(3, 42)).unwrap_err();
    assert_eq!(
        no_key.to_string(),
        "record t-3@42 does not read as `UserChange`: its key is null"
    );
}

#[test]
fn any_other_value_is_the_other_variant() {
    let change = UserChange::Upserted(User {
        id: "u-1".into(),
        name: "Ada".into(),
    });
    encoded(&change, |record| {
        let wanted = Record::to("t").key("u-1").value(r#"{"name":"Ada"}"#);
        assert_eq!(record, wanted);
    });
    assert_eq!(round_trip(&change).unwrap(), change);
    // Bytes that are no user are no tombstone either.
    let record = Record::to("t").key("u-1").value("").as_received(0, 0);
    let error = UserChange::decode(&record).unwrap_err();
    assert_eq!(error.kind(), &DecodeErrorKind::Value { field: None });
}

#[derive(Debug, PartialEq, KafkaHeaders)]
struct Trace {
    #[kafka(header = "trace")]
    id: u8,
}

/// Everything at once, with names that need care.
#[derive(Debug, PartialEq, KafkaRecord)]
#[kafka(content_type = "application/json")]
enum Change<K, T>
where
    T: Clone,
{
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    Put {
        #[kafka(key)]
        r#type: K,
        #[kafka(headers)]
        trace: Trace,
        #[kafka(timestamp(only))]
        at: i64,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        long_name: Option<T>,
        #[serde(rename = "n")]
        number: u8,
        #[kafka(skip)]
        me: Option<Box<Self>>,
    },
    #[kafka(tombstone)]
    Gone {
        #[kafka(key)]
        key: K,
        #[kafka(timestamp)]
        at: Option<i64>,
        #[kafka(partition)]
        shard: i32,
        #[kafka(skip)]
        cache: Vec<T>,
    },
}

#[test]
fn fields_of_a_variant() {
    let put = |long_name| Change::<u8, String>::Put {
        r#type: 1,
        trace: Trace { id: 2 },
        at: 3,
        long_name,
        number: 4,
        me: None,
    };
    assert_eq!(json(&put(None)), r#"{"type":1,"n":4}"#);
    let whole = put(Some("x".to_owned()));
    encoded(&whole, |record| {
        let headers = [
            Header::new("trace", &[2]),
            Header::new("content-type", "application/json"),
        ];
        let wanted = Record::to("t")
            .key(&[1])
            .timestamp_ms(3)
            .value(r#"{"type":1,"longName":"x","n":4}"#);
        assert_eq!(record, wanted.headers(&headers));
    });
    for put in [put(None), whole] {
        assert_eq!(round_trip(&put).unwrap(), put);
    }
    let gone = Change::<u8, String>::Gone {
        key: 1,
        at: None,
        shard: 3,
        cache: vec![],
    };
    encoded(&gone, |record| {
        assert_eq!(record, Record::to("t").key(&[1]).partition(3));
    });
    assert_eq!(round_trip(&gone).unwrap(), gone);

    let headers = [Header::new("trace", &[2])];
    let record = Record::to("t")
        .value(r#"{"type":1,"n":4,"more":5}"#)
        .timestamp_ms(1)
        .headers(&headers);
    let error = Change::<u8, String>::decode(&record.as_received(0, 0)).unwrap_err();
    assert!(
        error.to_string().contains("unknown field `more`"),
        "{error}"
    );
}

#[test]
fn errors_on_writing_name_type_and_field() {
    #[derive(KafkaRecord)]
    enum Level {
        #[kafka(tombstone)]
        None {
            #[kafka(key)]
            id: u8,
        },
        Some {
            #[kafka(key)]
            id: u8,
            degrees: Vec<f64>,
        },
    }
    let mut buffer = RecordBuffer::new();
    let hot = Level::Some {
        id: 1,
        degrees: vec![f64::NAN],
    };
    let error = buffer.encode(&hot).unwrap_err();
    assert_eq!(
        (error.record(), error.field()),
        ("Level", Some("degrees[0]"))
    );
    buffer.encode(&Level::None { id: 1 }).unwrap();
    buffer.with_record("t", |record| assert_eq!(record, Record::to("t").key(&[1])));
}

#[test]
fn one_field_is_the_value() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    #[kafka(format = string)]
    enum Line<T> {
        #[kafka(tombstone)]
        Cut {
            #[kafka(key)]
            number: u8,
        },
        Text {
            #[kafka(key(only))]
            number: u8,
            #[kafka(value)]
            text: T,
        },
    }
    let text = Line::Text {
        number: 1,
        text: "a".to_owned(),
    };
    encoded(&text, |record| {
        assert_eq!(record, Record::to("t").key(&[1]).value("a"));
    });
    assert_eq!(round_trip(&text).unwrap(), text);
    let cut = Line::<String>::Cut { number: 1 };
    assert_eq!(round_trip(&cut).unwrap(), cut);
}

#[test]
fn a_generic_record_in_a_variant() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    #[kafka(topic = "users")]
    enum Of<T> {
        #[kafka(tombstone)]
        Gone {
            #[kafka(key)]
            id: String,
        },
        Is(T),
    }
    let is = Of::Is(User {
        id: "u".into(),
        name: "n".into(),
    });
    assert_eq!(round_trip(&is).unwrap(), is);
}

#[test]
fn serde_on_the_fields_of_a_variant() {
    trait Shape {
        type Side: serde::Serialize + serde::de::DeserializeOwned;
    }
    struct Square;
    impl Shape for Square {
        type Side = u8;
    }
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Audit {
        by: String,
    }
    #[derive(KafkaRecord)]
    #[serde(bound(serialize = "", deserialize = "S::Side: serde::Deserialize<'de>"))]
    enum Sides<S: Shape> {
        #[kafka(tombstone)]
        Gone {
            #[kafka(key)]
            id: u8,
        },
        Is {
            #[kafka(key(only))]
            id: u8,
            side: S::Side,
            #[serde(flatten)]
            audit: Audit,
            #[serde(skip)]
            cache: u8,
            #[serde(alias = "old", default)]
            new: u8,
        },
    }
    let sides = Sides::<Square>::Is {
        id: 1,
        side: 2,
        audit: Audit { by: "me".into() },
        cache: 3,
        new: 4,
    };
    assert_eq!(json(&sides), r#"{"side":2,"by":"me","new":4}"#);
    assert!(matches!(
        round_trip(&sides).unwrap(),
        Sides::Is { id: 1, side: 2, audit, cache: 0, new: 4 } if audit.by == "me"
    ));
    let gone = round_trip(&Sides::<Square>::Gone { id: 1 }).unwrap();
    assert!(matches!(gone, Sides::Gone { id: 1 }));
}

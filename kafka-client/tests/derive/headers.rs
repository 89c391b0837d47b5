//! `#[kafka(headers)]` and `#[derive(KafkaHeaders)]`.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use kafka_client::record::{DecodeErrorKind, Header, Record, RecordBuffer};
use kafka_client::{KafkaHeaders, KafkaRecord};

use super::{encoded, json, round_trip};

#[derive(Debug, Clone, PartialEq, KafkaHeaders)]
struct Trace {
    #[kafka(header = "tenant")]
    tenant: String,
    #[kafka(header = "trace-id")]
    trace: Option<String>,
    #[kafka(skip)]
    hops: u8,
}

#[derive(Debug, PartialEq, KafkaHeaders)]
struct Priority {
    #[kafka(header = "priority")]
    priority: u8,
}

#[derive(Debug, PartialEq, KafkaRecord)]
#[kafka(content_type = "application/json")]
struct Order<Others: KafkaHeaders> {
    #[kafka(header = "attempt")]
    attempt: Option<u8>,
    #[kafka(headers)]
    trace: Trace,
    #[kafka(headers)]
    priority: Priority,
    #[kafka(headers)]
    others: Others,
    amount: u64,
}

fn order<Others: KafkaHeaders>(others: Others) -> Order<Others> {
    Order {
        attempt: Some(1),
        trace: Trace {
            tenant: "acme".into(),
            trace: None,
            hops: 0,
        },
        priority: Priority { priority: 9 },
        others,
        amount: 99,
    }
}

const NULL: Option<Vec<u8>> = None;

#[test]
fn sets_and_a_map_of_all_others() {
    let others = BTreeMap::from([("b".to_owned(), "2".to_owned()), ("a".into(), "1".into())]);
    let order = order(others);
    encoded(&order, |record| {
        let headers = [
            Header::new("attempt", &[1]),
            Header::new("tenant", "acme"),
            Header::new("priority", &[9]),
            Header::new("a", "1"),
            Header::new("b", "2"),
            Header::new("content-type", "application/json"),
        ];
        assert_eq!(record.headers, headers);
    });
    assert_eq!(json(&order), r#"{"amount":99}"#);
    assert_eq!(round_trip(&order).unwrap(), order);
}

#[test]
fn other_maps() {
    fn reads_back<Others: KafkaHeaders + PartialEq + Debug>(others: Others) {
        let order = order(others);
        assert_eq!(round_trip(&order).unwrap(), order);
    }
    reads_back(HashMap::from([("a".to_owned(), 7_i64)]));
    reads_back(Vec::<(String, String)>::new());
    // Order, repeated names and nulls are kept.
    reads_back(vec![
        ("b".to_owned(), Some(b"2".to_vec())),
        ("a".to_owned(), NULL),
        ("b".to_owned(), Some(vec![])),
    ]);
}

#[test]
fn a_set_alone() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    struct Bare {
        #[kafka(headers)]
        trace: Trace,
    }
    let headers = [
        Header::new("tenant", "a"),
        Header::new("tenant", "b"),
        Header::new("trace-id", "4bf9"),
    ];
    let wanted = Trace {
        tenant: "b".into(),
        trace: Some("4bf9".into()),
        hops: 0,
    };
    let record = Record::to("t").value("{}").headers(&headers);
    let record = record.as_received(3, 42);
    assert_eq!(Bare::decode(&record).unwrap().trace, wanted);
    assert_eq!(record.read_headers::<Trace>().unwrap(), wanted);
    let all: Vec<(String, String)> = record.read_headers().unwrap();
    assert_eq!(all.len(), 3);
}

#[test]
fn errors_say_where_and_why() {
    let read = |headers: &[Header<'_>]| {
        let record = Record::to("t").value(r#"{"amount":1}"#).headers(headers);
        Order::<BTreeMap<String, String>>::decode(&record.as_received(3, 42)).unwrap_err()
    };
    assert_eq!(
        read(&[]).to_string(),
        "record t-3@42 does not read as `Order`: it has no header `tenant`"
    );
    let whole = [Header::new("tenant", "a"), Header::new("priority", &[1])];
    let with = |last| read(&[whole[0], whole[1], last]);
    let no_text = with(Header::new("x", &[0xff]));
    assert_eq!(
        no_text.kind(),
        &DecodeErrorKind::InvalidHeader { name: "x".into() }
    );
    assert_eq!(no_text.record(), "Order");
    let null = with(Header {
        key: "x",
        value: None,
    });
    assert_eq!(
        null.kind(),
        &DecodeErrorKind::NullHeader { name: "x".into() }
    );

    let alone = Record::to("t").as_received(3, 42);
    let error = alone.read_headers::<Priority>().unwrap_err();
    assert!(error.record().ends_with("Priority"), "{error}");
}

#[test]
fn generic_sets() {
    #[derive(Debug, PartialEq, KafkaHeaders)]
    struct Id<T, S> {
        #[kafka(header = "id")]
        id: T,
        #[kafka(skip)]
        skipped: S,
    }
    #[derive(Debug, PartialEq, KafkaRecord)]
    struct Wrapper<T> {
        #[kafka(headers)]
        id: Id<T, ()>,
    }
    let record = Wrapper {
        id: Id {
            id: 7_u16,
            skipped: (),
        },
    };
    let mut buffer = RecordBuffer::new();
    buffer.encode(&record).unwrap();
    buffer.with_record("t", |record| {
        assert_eq!(record.headers, [Header::new("id", &[0, 7])]);
    });
    assert_eq!(round_trip(&record).unwrap(), record);
}

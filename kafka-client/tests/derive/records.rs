//! `#[derive(KafkaRecords)]`: several types of records in one topic.

use std::collections::BTreeMap;

use kafka_client::record::{
    DecodeError, DecodeErrorKind, HasTopic, Header, RawRecord, Record, RecordBuffer,
};
use kafka_client::{KafkaRecord, KafkaRecords};

use super::{encoded, json, round_trip};

#[derive(Debug, PartialEq, KafkaRecord)]
#[kafka(topic = "orders")]
struct OrderPlaced {
    #[kafka(key)]
    id: String,
    amount: u64,
}

#[derive(Debug, PartialEq, KafkaRecord)]
struct OrderCancelled {
    #[kafka(key(only))]
    id: String,
}

#[derive(Debug, PartialEq, KafkaRecords)]
#[kafka(topic = "orders", dispatch = header("type"), rename_all = "snake_case")]
enum OrderEvent {
    OrderPlaced(OrderPlaced),
    #[kafka(rename = "gone")]
    Cancelled(OrderCancelled),
}

fn placed() -> OrderPlaced {
    OrderPlaced {
        id: "o-17".into(),
        amount: 99,
    }
}

fn cancelled() -> OrderCancelled {
    OrderCancelled { id: "o-17".into() }
}

#[test]
fn a_header_says_the_type() {
    assert_eq!(
        (OrderEvent::TOPIC, OrderEvent::TOPIC_NAME),
        (Some("orders"), "orders")
    );
    let event = OrderEvent::OrderPlaced(placed());
    encoded(&event, |record| {
        let headers = [Header::new("type", "order_placed")];
        let wanted = Record::to("t").key("o-17").headers(&headers);
        assert_eq!(record, wanted.value(r#"{"id":"o-17","amount":99}"#));
    });
    assert_eq!(round_trip(&event).unwrap(), event);
    let event = OrderEvent::Cancelled(cancelled());
    encoded(&event, |record| {
        let headers = [Header::new("type", "gone")];
        let wanted = Record::to("t").key("o-17").headers(&headers);
        assert_eq!(record, wanted.value("{}"));
    });
    assert_eq!(round_trip(&event).unwrap(), event);
}

#[test]
fn an_unknown_type_is_an_error_that_names_it() {
    let read = |headers: &[Header<'_>]| {
        let record = Record::to("t").value("{}").headers(headers);
        OrderEvent::decode(&record.as_received(3, 42)).unwrap_err()
    };
    let unknown = read(&[Header::new("type", "shipped")]);
    assert_eq!(
        unknown.to_string(),
        "record t-3@42 does not read as `OrderEvent`: its type `shipped` is none of \
         `order_placed`, `gone`"
    );
    assert_eq!(
        unknown.kind(),
        &DecodeErrorKind::UnknownType {
            found: "shipped".into(),
            known: &["order_placed", "gone"]
        }
    );
    let name = || "type".to_owned();
    let missing = DecodeErrorKind::MissingHeader { name: name() };
    assert_eq!(read(&[]).kind(), &missing);
    let null = [Header {
        key: "type",
        value: None,
    }];
    assert_eq!(
        read(&null).kind(),
        &DecodeErrorKind::NullHeader { name: name() }
    );
    let no_text = read(&[Header::new("type", &[0xff])]);
    assert_eq!(
        no_text.kind(),
        &DecodeErrorKind::InvalidHeader { name: name() }
    );
    // Of a known type, but not what it says.
    let wrong = read(&[Header::new("type", "order_placed")]);
    assert_eq!(wrong.record(), "OrderPlaced");
}

#[derive(Debug, PartialEq, KafkaRecords)]
#[kafka(topic = "orders", dispatch = tag("type"))]
enum Tagged {
    Placed(OrderPlaced),
    Cancelled(OrderCancelled),
}

#[test]
fn a_field_of_the_value_says_the_type() {
    let event = Tagged::Placed(placed());
    assert_eq!(json(&event), r#"{"type":"Placed","id":"o-17","amount":99}"#);
    assert_eq!(round_trip(&event).unwrap(), event);
    let event = Tagged::Cancelled(cancelled());
    assert_eq!(json(&event), r#"{"type":"Cancelled"}"#);
    assert_eq!(round_trip(&event).unwrap(), event);
    // The tag may be anywhere.
    let value = r#"{"id":"o-17","amount":99,"type":"Placed"}"#;
    let record = Record::to("t").value(value).as_received(0, 0);
    assert_eq!(Tagged::decode(&record).unwrap(), Tagged::Placed(placed()));
}

#[test]
fn errors_on_tags() {
    let read = |value: Option<&str>| {
        let record = Record {
            value: value.map(str::as_bytes),
            ..Record::to("t")
        };
        let error = Tagged::decode(&record.as_received(3, 42)).unwrap_err();
        (error.kind().clone(), error.to_string())
    };
    assert_eq!(read(None).0, DecodeErrorKind::UnexpectedTombstone);
    assert_eq!(
        read(Some("{}")).1,
        "record t-3@42 does not read as `Tagged`: its value has no field `type` that says its type"
    );
    let unknown = read(Some(r#"{"type":"Shipped"}"#));
    assert!(
        unknown
            .1
            .contains("`Shipped` is none of `Placed`, `Cancelled`")
    );
    let no_text = read(Some(r#"{"type":5}"#));
    assert_eq!(
        no_text.0,
        DecodeErrorKind::Value {
            field: Some("type".into())
        }
    );
    assert_eq!(read(Some("no")).0, DecodeErrorKind::Value { field: None });
}

#[derive(Debug, PartialEq, KafkaRecords)]
#[kafka(dispatch = header("type"))]
enum Known {
    Placed(OrderPlaced),
    #[kafka(other)]
    Unknown(RawRecord),
}

/// Whatever is of no known type goes to `other`, and is written back byte for byte.
#[test]
fn what_is_of_no_known_type() {
    let read_back = |record: Record<'_>| {
        let read = Known::decode(&record.as_received(3, 42)).unwrap();
        assert!(matches!(&read, Known::Unknown(_)), "{read:?}");
        encoded(&read, |again| assert_eq!(again, record));
    };
    let headers = [Header::new("type", "Shipped"), Header::new("a", &[0xff])];
    let shipped = Record::to("t").key("k").value(b"\xff\x00").timestamp_ms(7);
    read_back(shipped.headers(&headers));
    read_back(Record::to("t"));
    read_back(Record::to("t").value("no type"));

    let placed = Known::Placed(placed());
    assert_eq!(round_trip(&placed).unwrap(), placed);
    // What is of a known type has to read as that.
    let headers = [Header::new("type", "Placed")];
    let record = Record::to("t").value("{}").headers(&headers);
    assert!(Known::decode(&record.as_received(0, 0)).is_err());
}

#[test]
fn other_by_tag() {
    #[derive(Debug, PartialEq, KafkaRecords)]
    #[kafka(dispatch = tag("type"))]
    enum Known {
        Placed(OrderPlaced),
        #[kafka(other)]
        Unknown(RawRecord),
    }
    for value in [Some("{}"), None, Some("no JSON"), Some(r#"{"type":"X"}"#)] {
        let record = Record {
            value: value.map(str::as_bytes),
            ..Record::to("t")
        };
        let read = Known::decode(&record.as_received(3, 42)).unwrap();
        encoded(&read, |again| assert_eq!(again, record));
    }
    let placed = Known::Placed(placed());
    assert_eq!(round_trip(&placed).unwrap(), placed);
}

#[test]
fn a_record_that_says_something_else_is_not_sent() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    struct Own {
        #[kafka(header = "type")]
        header: String,
        r#type: String,
    }
    #[derive(Debug, PartialEq, KafkaRecords)]
    #[kafka(dispatch = header("type"))]
    enum ByHeader {
        Own(Own),
    }
    #[derive(Debug, PartialEq, KafkaRecords)]
    #[kafka(dispatch = tag("type"))]
    enum ByTag {
        Own(Own),
        Text(Text),
        Maybe(Maybe),
    }
    #[derive(Debug, PartialEq, KafkaRecord)]
    #[kafka(format = string)]
    struct Text {
        #[kafka(value)]
        text: String,
    }
    #[derive(Debug, PartialEq, KafkaRecord)]
    struct Maybe {
        #[kafka(value)]
        value: Option<BTreeMap<String, u8>>,
    }

    fn error<T: KafkaRecord>(record: &T) -> String {
        let error = RecordBuffer::new().encode(record).unwrap_err();
        error.to_string()
    }
    let own = |text: &str| Own {
        header: text.into(),
        r#type: text.into(),
    };
    assert_eq!(
        error(&ByHeader::Own(own("other"))),
        "cannot encode `ByHeader`: it has a header `type` of its own, which is to be `Own`"
    );
    assert_eq!(
        error(&ByTag::Own(own("other"))),
        "cannot encode `ByTag`: its value has a field `type` of its own, which is to be `Own`"
    );
    // What says the same is left as it is.
    let same = ByHeader::Own(own("Own"));
    encoded(&same, |record| assert_eq!(record.headers.len(), 1));
    assert_eq!(round_trip(&same).unwrap(), same);
    let same = ByTag::Own(own("Own"));
    assert_eq!(json(&same), r#"{"type":"Own"}"#);
    assert_eq!(round_trip(&same).unwrap(), same);

    let text = "\"type\"".to_owned();
    assert_eq!(
        error(&ByTag::Text(Text { text })),
        "cannot encode `ByTag`: its value is no JSON object, so it has no field `type` to say that \
         it is a `Text`"
    );
    assert_eq!(
        error(&ByTag::Maybe(Maybe { value: None })),
        "cannot encode `ByTag`: a tombstone has no field `type` to say that it is a `Maybe`"
    );
    let nested = ByTag::Maybe(Maybe {
        value: Some(BTreeMap::from([("a \"type\"".to_owned(), 1)])),
    });
    assert_eq!(json(&nested), r#"{"type":"Maybe","a \"type\"":1}"#);
}

/// The header that says the type belongs to the enum: a record may become one of another type with
/// all other headers.
#[test]
fn the_type_is_not_among_all_other_headers() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    struct Open {
        #[kafka(headers)]
        headers: Vec<(String, String)>,
    }
    #[derive(Debug, PartialEq, KafkaRecords)]
    #[kafka(dispatch = header("type"))]
    enum Events {
        First(Open),
        Second(Open),
    }
    let headers = vec![("a".to_owned(), "1".to_owned())];
    let first = Events::First(Open { headers });
    let read = round_trip(&first).unwrap();
    assert_eq!(read, first);
    let Events::First(open) = read else {
        panic!("{read:?}")
    };
    encoded(&Events::Second(open), |record| {
        let headers = [Header::new("a", "1"), Header::new("type", "Second")];
        assert_eq!(record.headers, headers);
    });
}

#[test]
fn tombstones_and_several_types() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    #[kafka(topic = "orders")]
    enum Change {
        #[kafka(tombstone)]
        Deleted {
            #[kafka(key)]
            id: String,
        },
        Event(OrderEvent),
    }
    let deleted = Change::Deleted { id: "o".into() };
    assert_eq!(round_trip(&deleted).unwrap(), deleted);
    let event = Change::Event(OrderEvent::Cancelled(cancelled()));
    assert_eq!(round_trip(&event).unwrap(), event);
}

#[test]
fn generic_records() {
    #[derive(Debug, PartialEq, KafkaRecords)]
    #[kafka(topic = "orders", dispatch = header("type"))]
    enum Either<A, B>
    where
        A: Clone,
    {
        Left(Of<A>),
        Right(B),
    }
    #[derive(Debug, PartialEq, KafkaRecord)]
    struct Of<T> {
        body: T,
    }
    let left = Either::<u8, OrderPlaced>::Left(Of { body: 1 });
    assert_eq!(round_trip(&left).unwrap(), left);
    let right = Either::<u8, OrderPlaced>::Right(placed());
    assert_eq!(round_trip(&right).unwrap(), right);
    let read: Result<Either<u8, OrderPlaced>, DecodeError> =
        Either::decode(&Record::to("t").as_received(0, 0));
    assert!(read.is_err());
}

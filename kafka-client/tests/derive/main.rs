//! `#[derive(KafkaRecord)]` and its siblings: what is written, and what is read back.

mod headers;
mod hygiene;
mod places;
mod records;
mod sent;
mod serde_attributes;
mod tombstone;
mod value;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kafka_client::KafkaRecord;
use kafka_client::record::{
    ConsumerRecord, DecodeError, DecodeErrorKind, FieldError, HasTopic, Header, KafkaHeader,
    KafkaKey, Record, RecordBuffer,
};

/// What `read` makes of the encoded record.
fn encoded<T: KafkaRecord, R>(record: &T, read: impl FnOnce(Record<'_>) -> R) -> R {
    let mut buffer = RecordBuffer::new();
    buffer.encode(record).expect("the record encodes");
    buffer.with_record("t", read)
}

fn json<T: KafkaRecord>(record: &T) -> String {
    encoded(record, |record| {
        String::from_utf8(record.value.expect("a value").to_vec()).expect("JSON is UTF-8")
    })
}

fn round_trip<T: KafkaRecord>(record: &T) -> Result<T, DecodeError> {
    encoded(record, |record| T::decode(&record.as_received(3, 42)))
}

fn from_json<T: KafkaRecord>(value: &str) -> Result<T, DecodeError> {
    T::decode(&Record::to("t").value(value).as_received(3, 42))
}

#[derive(Debug, Clone, PartialEq, KafkaRecord)]
#[kafka(topic = "orders", format = json)]
struct Order {
    #[kafka(key)]
    id: String,
    #[kafka(header = "tenant")]
    tenant: String,
    #[kafka(header = "attempt")]
    attempt: Option<i32>,
    #[kafka(timestamp)]
    placed_at_ms: i64,
    amount: u64,
}

fn order() -> Order {
    Order {
        id: "o-17".into(),
        tenant: "acme".into(),
        attempt: Some(2),
        placed_at_ms: 1_500,
        amount: 99,
    }
}

#[test]
fn each_part_goes_to_its_place() {
    assert_eq!(
        (Order::TOPIC, Order::TOPIC_NAME),
        (Some("orders"), "orders")
    );
    encoded(&order(), |record| {
        assert_eq!(record.key, Some(&b"o-17"[..]));
        assert_eq!(record.timestamp, Some(1_500));
        assert_eq!(record.partition, None);
        let headers = [
            Header::new("tenant", "acme"),
            Header::new("attempt", &[0, 0, 0, 2]),
        ];
        assert_eq!(record.headers, headers);
    });
    assert_eq!(
        json(&order()),
        r#"{"id":"o-17","placed_at_ms":1500,"amount":99}"#
    );
}

#[test]
fn a_record_reads_back() {
    assert_eq!(round_trip(&order()).unwrap(), order());
    let once = Order {
        attempt: None,
        ..order()
    };
    encoded(&once, |record| {
        assert_eq!(record.headers, [Header::new("tenant", "acme")])
    });
    assert_eq!(round_trip(&once).unwrap(), once);
}

#[test]
fn a_received_record_reads_as_a_type() {
    let record = ConsumerRecord::new("orders", 1, 7)
        .with_value(r#"{"id":"a","placed_at_ms":1,"amount":2}"#)
        .with_headers([Header::new("tenant", "x"), Header::new("tenant", "y")]);
    let order: Order = record.decode().unwrap();
    assert_eq!(
        (order.id.as_str(), order.tenant.as_str(), order.attempt),
        ("a", "y", None)
    );
}

#[test]
fn errors_on_reading_say_where_and_why() {
    let no_value = Order::decode(&Record::to("orders").as_received(3, 42)).unwrap_err();
    assert_eq!(no_value.kind(), &DecodeErrorKind::UnexpectedTombstone);
    assert_eq!(
        (no_value.topic(), no_value.partition(), no_value.offset()),
        ("orders", 3, 42)
    );
    assert_eq!(
        no_value.to_string(),
        "record orders-3@42 does not read as `Order`: its value is null (a tombstone)"
    );

    let value = r#"{"id":"a","placed_at_ms":1,"amount":2}"#;
    let with = |headers: &[Header<'_>]| {
        let record = Record::to("orders")
            .value(value)
            .headers(headers)
            .as_received(3, 42);
        Order::decode(&record).unwrap_err()
    };
    assert_eq!(
        with(&[]).to_string(),
        "record orders-3@42 does not read as `Order`: it has no header `tenant`"
    );
    let null = with(&[Header {
        key: "tenant",
        value: None,
    }]);
    assert_eq!(
        null.kind(),
        &DecodeErrorKind::NullHeader {
            name: "tenant".into()
        }
    );
    let short = with(&[Header::new("tenant", "a"), Header::new("attempt", "9")]);
    assert_eq!(
        short.kind(),
        &DecodeErrorKind::InvalidHeader {
            name: "attempt".into()
        }
    );
    assert_eq!(
        short.reason().unwrap().to_string(),
        "expected 4 bytes, found 1"
    );

    let wrong = from_json::<Order>(r#"{"id":"a","placed_at_ms":1,"amount":"2"}"#).unwrap_err();
    assert_eq!(
        wrong.kind(),
        &DecodeErrorKind::Value {
            field: Some("amount".into())
        }
    );
    assert!(
        wrong.reason().unwrap().to_string().contains("expected u64"),
        "{wrong:?}"
    );
    let cut = from_json::<Order>("").unwrap_err();
    assert_eq!(cut.kind(), &DecodeErrorKind::Value { field: None });
    assert!(cut.reason().unwrap().to_string().contains("EOF"), "{cut:?}");
    let more = from_json::<Order>(&format!("{value} x")).unwrap_err();
    assert!(
        more.reason().unwrap().to_string().contains("trailing"),
        "{more:?}"
    );
}

#[test]
fn errors_on_writing_name_type_and_field() {
    let early = Order {
        placed_at_ms: -5,
        ..order()
    };
    let mut buffer = RecordBuffer::new();
    let error = buffer.encode(&early).unwrap_err();
    assert_eq!(
        (error.record(), error.field()),
        ("Order", Some("placed_at_ms"))
    );
    assert_eq!(
        error.to_string(),
        "cannot encode field `placed_at_ms` of `Order`: -5 ms is before 1970, which a Kafka timestamp \
         cannot be"
    );
    assert!(error.reason().to_string().contains("before 1970"));
    buffer.with_record("t", |record| {
        assert_eq!(record, Record::to("t"), "nothing is left")
    });

    #[derive(Debug, KafkaRecord)]
    struct Measured {
        degrees: Vec<f64>,
    }
    let degrees = vec![1.5, f64::NAN];
    let error = buffer.encode(&Measured { degrees }).unwrap_err();
    assert_eq!(error.field(), Some("degrees[1]"));
    assert!(error.to_string().contains("JSON has no NaN"), "{error}");

    #[derive(Debug, KafkaRecord)]
    struct Odd {
        lines: Vec<BTreeMap<Option<u8>, u8>>,
    }
    let odd = Odd {
        lines: vec![BTreeMap::new(), BTreeMap::from([(None, 3)])],
    };
    let error = buffer.encode(&odd).unwrap_err();
    assert_eq!((error.record(), error.field()), ("Odd", Some("lines[1]")));
    assert!(
        error.reason().to_string().contains("key must be a string"),
        "{error:?}"
    );
}

#[test]
fn an_optional_key_and_time_may_be_missing() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    struct Loose {
        #[kafka(key)]
        id: Option<u16>,
        #[kafka(timestamp)]
        at: Option<SystemTime>,
    }
    let none = Loose { id: None, at: None };
    encoded(&none, |record| {
        assert_eq!((record.key, record.timestamp), (None, None))
    });
    assert_eq!(round_trip(&none).unwrap(), none);
    let some = Loose {
        id: Some(258),
        at: Some(UNIX_EPOCH + Duration::new(1, 500_000_000)),
    };
    encoded(&some, |record| {
        assert_eq!(
            (record.key, record.timestamp),
            (Some(&[1u8, 2][..]), Some(1_500))
        );
    });
    assert_eq!(round_trip(&some).unwrap(), some);
}

#[test]
fn key_and_time_come_from_the_value() {
    let value = r#"{"id":"in the value","placed_at_ms":7,"amount":2}"#;
    let headers = [Header::new("tenant", "a")];
    let record = Record::to("t")
        .key("elsewhere")
        .timestamp_ms(9)
        .value(value)
        .headers(&headers);
    let order = Order::decode(&record.as_received(0, 0)).unwrap();
    assert_eq!((order.id.as_str(), order.placed_at_ms), ("in the value", 7));
}

/// A header type that has no default, is not serde's, and is no key.
#[derive(Debug, Clone, PartialEq)]
struct Priority(u8);

impl KafkaHeader for Priority {
    fn encode_header(&self, out: &mut Vec<u8>) {
        out.push(self.0);
    }

    fn decode_header(bytes: &[u8]) -> Result<Self, FieldError> {
        match bytes {
            [byte] => Ok(Self(*byte)),
            _ => Err(FieldError::new("expected one byte")),
        }
    }
}

#[test]
fn a_header_type_needs_nothing_of_serde() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    struct OnlyHeaders {
        #[kafka(header = "a")]
        a: Priority,
    }
    let record = OnlyHeaders { a: Priority(7) };
    assert_eq!(json(&record), "{}");
    assert_eq!(round_trip(&record).unwrap(), record);
}

#[test]
fn keys_of_ones_own() {
    #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
    struct OrderId(u64);
    impl KafkaKey for OrderId {
        fn encode_key(&self, out: &mut Vec<u8>) {
            self.0.encode_key(out);
        }
        fn decode_key(bytes: &[u8]) -> Result<Self, FieldError> {
            u64::decode_key(bytes).map(Self)
        }
    }
    #[derive(Debug, PartialEq, KafkaRecord)]
    struct Keyed {
        #[kafka(key)]
        r#type: OrderId,
    }
    let keyed = Keyed { r#type: OrderId(1) };
    encoded(&keyed, |record| {
        assert_eq!(record.key, Some(&[0, 0, 0, 0, 0, 0, 0, 1][..]))
    });
    assert_eq!(json(&keyed), r#"{"type":1}"#);
    assert_eq!(round_trip(&keyed).unwrap(), keyed);
}

#[test]
fn generic_records() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    #[kafka(topic = "events")]
    struct Event<'a, K, T, H = String, const N: usize = 2>
    where
        K: Clone,
    {
        #[kafka(key)]
        key: K,
        #[kafka(header = "h")]
        header: Option<H>,
        body: Vec<T>,
        name: Cow<'a, str>,
        #[serde(with = "array")]
        pair: [u8; N],
    }

    mod array {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        pub(super) fn serialize<S: Serializer, const N: usize>(
            value: &[u8; N],
            to: S,
        ) -> Result<S::Ok, S::Error> {
            value.as_slice().serialize(to)
        }

        pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
            from: D,
        ) -> Result<[u8; N], D::Error> {
            let bytes = Vec::deserialize(from)?;
            bytes
                .try_into()
                .map_err(|_| serde::de::Error::custom("wrong length"))
        }
    }

    let event = Event::<'_, u32, Option<bool>> {
        key: 7,
        header: Some("h".into()),
        body: vec![None, Some(true)],
        name: Cow::Borrowed("n"),
        pair: [1, 2],
    };
    let wanted = r#"{"key":7,"body":[null,true],"name":"n","pair":[1,2]}"#;
    assert_eq!(json(&event), wanted);
    assert_eq!(round_trip(&event).unwrap(), event);
    assert_eq!(Event::<'_, u32, bool>::TOPIC_NAME, "events");
}

/// Inside of itself a record is a value like any other, so serde has to know it.
#[test]
fn records_in_themselves() {
    #[derive(Debug, PartialEq, KafkaRecord, serde::Serialize, serde::Deserialize)]
    struct Chain<T> {
        link: T,
        next: Option<Box<Self>>,
    }
    let chain = Chain {
        link: 1,
        next: Some(Box::new(Chain {
            link: 2,
            next: None,
        })),
    };
    assert_eq!(json(&chain), r#"{"link":1,"next":{"link":2,"next":null}}"#);
    assert_eq!(round_trip(&chain).unwrap(), chain);
}

#[test]
fn floats_read_back_exactly() {
    #[derive(KafkaRecord)]
    struct Reading {
        value: f64,
    }
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..10_000 {
        let value = random.f64() * 10f64.powi(random.i32(-20..20));
        let read = round_trip(&Reading { value }).unwrap();
        assert_eq!(read.value.to_bits(), value.to_bits(), "{value:?}");
    }
}

/// One buffer for many records: nothing of one shows in the next.
#[test]
fn a_buffer_is_used_again() {
    #[derive(KafkaRecord)]
    struct Bare {
        a: u8,
    }
    let mut buffer = RecordBuffer::new();
    buffer.encode(&order()).unwrap();
    buffer.encode(&Bare { a: 1 }).unwrap();
    buffer.with_record("t", |record| {
        assert_eq!(record, Record::to("t").value("{\"a\":1}"))
    });
}

//! Fields that are outside of the value, or in it and elsewhere too.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kafka_client::KafkaRecord;
use kafka_client::record::{DecodeErrorKind, Header, Record, RecordBuffer};

use super::{encoded, json, round_trip};

#[derive(Debug, Clone, PartialEq, KafkaRecord)]
struct Placed {
    #[kafka(key(only))]
    id: u16,
    #[kafka(header(name = "tenant", also))]
    tenant: String,
    #[kafka(timestamp(only))]
    at: SystemTime,
    #[kafka(partition)]
    shard: i32,
    #[kafka(skip)]
    cache: Option<std::rc::Rc<str>>,
    amount: u64,
}

fn placed() -> Placed {
    Placed {
        id: 258,
        tenant: "acme".into(),
        at: UNIX_EPOCH + Duration::from_millis(1_500),
        shard: 3,
        cache: None,
        amount: 99,
    }
}

#[test]
fn each_part_goes_to_its_place() {
    encoded(&placed(), |record| {
        let headers = [Header::new("tenant", "acme")];
        let wanted = Record::to("t")
            .key(&[1, 2])
            .value(r#"{"tenant":"acme","amount":99}"#)
            .partition(3)
            .timestamp_ms(1_500)
            .headers(&headers);
        assert_eq!(record, wanted);
    });
    assert_eq!(round_trip(&placed()).unwrap(), placed());
}

#[test]
fn what_is_skipped_is_its_default() {
    let warm = Placed {
        cache: Some("warm".into()),
        ..placed()
    };
    assert_eq!(json(&warm), json(&placed()));
    assert_eq!(round_trip(&warm).unwrap(), placed());
}

/// A header that is in the value too is read from the value: it need not be there.
#[test]
fn what_is_also_in_the_value_is_read_from_it() {
    let record = Record::to("t")
        .key(&[1, 2])
        .value(r#"{"tenant":"acme","amount":99}"#)
        .timestamp_ms(1_500);
    assert_eq!(Placed::decode(&record.as_received(3, 0)).unwrap(), placed());
}

#[test]
fn errors_on_reading_say_where_and_why() {
    let value = r#"{"tenant":"acme","amount":99}"#;
    let whole = Record::to("t").key(&[1, 2]).value(value).timestamp_ms(1);
    let kind = |record: Record<'_>, partition| {
        let error = Placed::decode(&record.as_received(partition, 42)).unwrap_err();
        (error.kind().clone(), error.to_string())
    };
    let no_key = Record { key: None, ..whole };
    assert_eq!(
        kind(no_key, 3),
        (
            DecodeErrorKind::NullKey,
            "record t-3@42 does not read as `Placed`: its key is null".into()
        )
    );
    assert_eq!(
        kind(whole.key("long"), 3),
        (
            DecodeErrorKind::InvalidKey,
            "record t-3@42 does not read as `Placed`: its key is invalid: expected 2 bytes, \
             found 4"
                .into()
        )
    );
    let no_time = Record {
        timestamp: None,
        ..whole
    };
    assert_eq!(kind(no_time, 3).0, DecodeErrorKind::MissingTimestamp);
    assert_eq!(kind(whole, -1).0, DecodeErrorKind::UnknownPartition);
}

#[test]
fn a_partition_below_zero_is_not_sent() {
    let wrong = Placed {
        shard: -1,
        ..placed()
    };
    let error = RecordBuffer::new().encode(&wrong).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot encode field `shard` of `Placed`: partitions begin at 0: -1 is none"
    );
}

#[test]
fn what_is_optional_may_be_missing() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    struct Loose {
        #[kafka(key(only))]
        id: Option<u8>,
        #[kafka(header(name = "h", also))]
        h: Option<u8>,
        #[kafka(timestamp(only))]
        at: Option<i64>,
        #[kafka(partition)]
        shard: Option<i32>,
    }
    let none = Loose {
        id: None,
        h: None,
        at: None,
        shard: None,
    };
    encoded(&none, |record| {
        assert_eq!(record, Record::to("t").value(r#"{"h":null}"#));
        let unknown = Loose::decode(&record.as_received(-1, 0)).unwrap();
        assert_eq!(unknown, none);
    });
    // The partition is the one that the record came from, whoever chose it.
    assert_eq!(round_trip(&none).unwrap().shard, Some(3));
}

/// One field may be several things, as long as it stays in the value.
#[test]
fn key_header_and_time_at_once() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    struct Tick {
        #[kafka(key, timestamp, header(name = "at", also))]
        at: i64,
    }
    let tick = Tick { at: 5 };
    encoded(&tick, |record| {
        let bytes = 5_i64.to_be_bytes();
        let headers = [Header::new("at", &bytes)];
        let wanted = Record::to("t")
            .key(&bytes)
            .timestamp_ms(5)
            .value(r#"{"at":5}"#);
        assert_eq!(record, wanted.headers(&headers));
    });
    assert_eq!(round_trip(&tick).unwrap(), tick);
}

/// What is not in the value needs nothing of serde; what is skipped needs a default alone.
#[test]
fn generic_places() {
    struct NotSerde;
    impl Default for NotSerde {
        fn default() -> Self {
            Self
        }
    }
    #[derive(KafkaRecord)]
    struct Generic<K, T, P, S> {
        #[kafka(key(only))]
        key: K,
        #[kafka(timestamp(only))]
        at: T,
        #[kafka(partition)]
        shard: P,
        #[kafka(skip)]
        skipped: S,
    }
    let record = Generic {
        key: [1u8; 3],
        at: 7_i64,
        shard: Some(1),
        skipped: NotSerde,
    };
    let read = round_trip(&record).unwrap();
    assert_eq!((read.key, read.at, read.shard), ([1; 3], 7, Some(3)));
    let NotSerde = read.skipped;
}

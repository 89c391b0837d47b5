//! `#[kafka(value)]`, formats and codecs.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use kafka_client::KafkaRecord;
use kafka_client::record::{
    DecodeError, DecodeErrorKind, Header, Record, RecordBuffer, RecordRef, ValueCodec,
};

use super::{encoded, json, round_trip};

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct User {
    name: String,
    weight: f64,
}

#[derive(Debug, PartialEq, KafkaRecord)]
#[kafka(topic = "users", content_type = "application/json")]
struct UserRecord {
    #[kafka(key(only))]
    id: String,
    #[kafka(header = "h")]
    header: Option<u8>,
    #[kafka(value)]
    user: Option<User>,
}

fn user(weight: f64) -> UserRecord {
    UserRecord {
        id: "u-1".into(),
        header: Some(1),
        user: Some(User {
            name: "Ada".into(),
            weight,
        }),
    }
}

#[test]
fn one_field_is_the_value() {
    encoded(&user(1.5), |record| {
        let headers = [
            Header::new("h", &[1]),
            Header::new("content-type", "application/json"),
        ];
        let wanted = Record::to("t")
            .key("u-1")
            .value(r#"{"name":"Ada","weight":1.5}"#);
        assert_eq!(record, wanted.headers(&headers));
    });
    assert_eq!(round_trip(&user(1.5)).unwrap(), user(1.5));
}

#[test]
fn none_is_a_tombstone() {
    let gone = UserRecord {
        user: None,
        ..user(1.5)
    };
    encoded(&gone, |record| {
        let headers = [Header::new("h", &[1])];
        let wanted = Record::to("t").key("u-1").headers(&headers);
        assert_eq!(record, wanted, "no value has no content type");
    });
    assert_eq!(round_trip(&gone).unwrap(), gone);
}

#[test]
fn a_tombstone_needs_an_option() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    struct Always {
        #[kafka(value)]
        numbers: Vec<u8>,
    }
    let record = Always {
        numbers: vec![1, 2],
    };
    assert_eq!(json(&record), "[1,2]");
    assert_eq!(round_trip(&record).unwrap(), record);
    let error = Always::decode(&Record::to("t").as_received(0, 0)).unwrap_err();
    assert_eq!(error.kind(), &DecodeErrorKind::UnexpectedTombstone);
}

#[test]
fn errors_name_the_path_from_the_field() {
    let error = RecordBuffer::new().encode(&user(f64::NAN)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot encode field `user.weight` of `UserRecord`: JSON has no NaN"
    );
    let value = r#"{"name":1,"weight":1}"#;
    let record = Record::to("t").key("k").value(value).as_received(0, 0);
    let error = UserRecord::decode(&record).unwrap_err();
    assert_eq!(
        error.kind(),
        &DecodeErrorKind::Value {
            field: Some("name".into())
        }
    );

    #[derive(KafkaRecord)]
    struct Measured {
        #[kafka(value)]
        degrees: Vec<f64>,
    }
    let degrees = vec![f64::INFINITY];
    let error = RecordBuffer::new()
        .encode(&Measured { degrees })
        .unwrap_err();
    assert_eq!(error.field(), Some("degrees[0]"));
}

#[test]
fn text() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    #[kafka(format = string)]
    struct Line<T> {
        #[kafka(value)]
        text: T,
    }
    #[derive(Debug, PartialEq, KafkaRecord)]
    #[kafka(format = string)]
    struct MaybeLine {
        #[kafka(value)]
        text: Option<Arc<str>>,
    }
    let line = Line {
        text: "naïve".to_owned(),
    };
    encoded(&line, |record| {
        assert_eq!(record, Record::to("t").value("naïve"));
    });
    assert_eq!(round_trip(&line).unwrap(), line);
    let line = Line {
        text: Cow::Borrowed(""),
    };
    encoded(&line, |record| {
        assert_eq!(record, Record::to("t").value(""), "empty is no tombstone");
    });
    for text in [None, Some("a".into())] {
        let line = MaybeLine { text };
        assert_eq!(round_trip(&line).unwrap(), line);
    }
    let record = Record::to("t").value(b"a\xff").as_received(0, 0);
    let error = Line::<Box<str>>::decode(&record).unwrap_err();
    assert_eq!(error.kind(), &DecodeErrorKind::Value { field: None });
    assert!(error.to_string().contains("utf-8"), "{error}");
}

#[test]
fn bytes() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    #[kafka(format = bytes)]
    struct Blob<T> {
        #[kafka(value)]
        bytes: Option<T>,
    }
    let blob = Blob {
        bytes: Some(vec![0u8, 255]),
    };
    encoded(&blob, |record| {
        assert_eq!(record, Record::to("t").value(&[0, 255]));
    });
    assert_eq!(round_trip(&blob).unwrap(), blob);
    let none = Blob::<Box<[u8]>> { bytes: None };
    assert_eq!(round_trip(&none).unwrap(), none);
}

#[derive(Debug)]
struct NotEven;

impl fmt::Display for NotEven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not even")
    }
}

impl std::error::Error for NotEven {}

/// A codec of one's own.
struct Halves;

impl ValueCodec<u8> for Halves {
    type Error = NotEven;

    fn encode(value: &u8, out: &mut Vec<u8>) -> Result<(), NotEven> {
        if !value.is_multiple_of(2) {
            return Err(NotEven);
        }
        out.push(value / 2);
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<u8, NotEven> {
        match bytes {
            [byte] => Ok(byte * 2),
            _ => Err(NotEven),
        }
    }
}

#[test]
fn a_codec_writes_a_field() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    #[kafka(with = Halves)]
    struct Even {
        #[kafka(value)]
        number: u8,
    }
    #[derive(Debug, PartialEq, KafkaRecord)]
    #[kafka(with = "Halves")]
    struct MaybeEven {
        #[kafka(value)]
        number: Option<u8>,
    }
    let even = Even { number: 8 };
    encoded(&even, |record| {
        assert_eq!(record, Record::to("t").value(&[4]));
    });
    assert_eq!(round_trip(&even).unwrap(), even);
    for number in [None, Some(2)] {
        let even = MaybeEven { number };
        assert_eq!(round_trip(&even).unwrap(), even);
    }
    let error = RecordBuffer::new().encode(&Even { number: 3 }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot encode field `number` of `Even`: not even"
    );
    let record = Record::to("t").value("").as_received(0, 0);
    let error = Even::decode(&record).unwrap_err();
    assert_eq!(
        error.to_string(),
        "record t-0@0 does not read as `Even`: its value is invalid: not even"
    );
    let error = Even::decode(&Record::to("t").as_received(0, 0)).unwrap_err();
    assert_eq!(error.kind(), &DecodeErrorKind::UnexpectedTombstone);
}

/// A codec whose format is partly in a header, as with the ids of a schema registry.
struct Framed;

impl ValueCodec<Point> for Framed {
    type Error = DecodeError;

    fn encode(point: &Point, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        out.extend_from_slice(&[point.x, point.y]);
        Ok(())
    }

    fn decode(_: &[u8]) -> Result<Point, DecodeError> {
        unreachable!("`decode_from` is asked")
    }

    fn encode_into(point: &Point, buffer: &mut RecordBuffer) -> Result<(), DecodeError> {
        buffer.push_header("schema", "7");
        Self::encode(point, buffer.value_mut())
    }

    fn decode_from(value: &[u8], record: &RecordRef<'_>) -> Result<Point, DecodeError> {
        match (record.headers.get("schema"), value) {
            (Some(Some(b"7")), &[x, y]) => Ok(Point { x, y }),
            _ => Err(DecodeError::new(
                "Point",
                record,
                DecodeErrorKind::Value { field: None },
            )),
        }
    }
}

/// Without a `value` field, the codec writes the struct with all of its fields.
#[derive(Debug, PartialEq, KafkaRecord)]
#[kafka(with = Framed)]
struct Point {
    #[kafka(key, header(name = "x", also))]
    x: u8,
    y: u8,
}

#[test]
fn a_codec_writes_the_whole() {
    let point = Point { x: 1, y: 2 };
    encoded(&point, |record| {
        let headers = [Header::new("x", &[1]), Header::new("schema", "7")];
        let wanted = Record::to("t").key(&[1]).value(&[1, 2]);
        assert_eq!(record, wanted.headers(&headers));
    });
    assert_eq!(round_trip(&point).unwrap(), point);
    let plain = Record::to("t").value(&[1, 2]).as_received(0, 0);
    assert!(Point::decode(&plain).is_err());
}

#[test]
fn generic_values() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    #[kafka(content_type = "text/json")]
    struct Envelope<T> {
        #[kafka(value)]
        body: Option<Vec<T>>,
    }
    let envelope = Envelope {
        body: Some(vec![1u8]),
    };
    assert_eq!(json(&envelope), "[1]");
    assert_eq!(round_trip(&envelope).unwrap(), envelope);

    #[derive(Debug, PartialEq, KafkaRecord)]
    #[kafka(with = Halves)]
    struct Generic<T> {
        #[kafka(value)]
        body: T,
    }
    let generic = Generic { body: 4_u8 };
    assert_eq!(round_trip(&generic).unwrap(), generic);
}

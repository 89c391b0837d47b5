//! serde's attributes on a record mean what they always mean.

use std::fmt::Debug;
use std::marker::PhantomData;

use kafka_client::KafkaRecord;

use super::{from_json, json, round_trip};

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

mod hex {
    use serde::{Deserialize, Deserializer, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
    pub(super) fn serialize<S: Serializer>(value: &u32, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{value:x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
        let text = String::deserialize(from)?;
        u32::from_str_radix(&text, 16).map_err(serde::de::Error::custom)
    }
}

#[test]
fn on_fields_and_the_type() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    #[serde(rename_all = "camelCase", tag = "type")]
    struct Attributes {
        #[kafka(key)]
        order_id: u64,
        #[kafka(header = "h")]
        #[serde(rename = "ignored")]
        in_header: String,
        #[serde(rename = "n")]
        renamed: u8,
        #[serde(default, skip_serializing_if = "is_default")]
        sparse: u32,
        #[serde(with = "hex")]
        colour: u32,
        #[serde(skip)]
        cache: Vec<u8>,
    }

    let record = Attributes {
        order_id: 1,
        in_header: "h".into(),
        renamed: 2,
        sparse: 0,
        colour: 0x00c0_ffee,
        cache: vec![],
    };
    assert_eq!(
        json(&record),
        r#"{"type":"Attributes","orderId":1,"n":2,"colour":"c0ffee"}"#
    );
    assert_eq!(round_trip(&record).unwrap(), record);
    let sparse = Attributes {
        sparse: 1,
        ..record
    };
    assert!(json(&sparse).contains(r#""sparse":1"#));
}

#[test]
fn a_header_is_no_field_of_the_value() {
    #[derive(Debug, KafkaRecord)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[kafka(header = "h")]
        h: Option<String>,
        #[serde(alias = "number")]
        n: u8,
    }
    let strict: Strict = from_json(r#"{"number":2}"#).unwrap();
    assert_eq!((strict.n, strict.h), (2, None));
    let error = from_json::<Strict>(r#"{"n":2,"h":"x"}"#).unwrap_err();
    assert!(
        error
            .reason()
            .unwrap()
            .to_string()
            .contains("unknown field `h`"),
        "{error:?}"
    );
}

#[test]
fn flatten() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Audit {
        by: String,
    }
    #[derive(Debug, PartialEq, KafkaRecord)]
    struct Audited {
        id: u8,
        #[serde(flatten)]
        audit: Audit,
    }
    let record = Audited {
        id: 1,
        audit: Audit { by: "me".into() },
    };
    assert_eq!(json(&record), r#"{"id":1,"by":"me"}"#);
    assert_eq!(round_trip(&record).unwrap(), record);
}

#[test]
fn a_default_of_the_type_fills_missing_fields() {
    #[derive(Debug, PartialEq, KafkaRecord)]
    #[serde(default)]
    struct Settings<T> {
        #[kafka(header = "h")]
        h: Option<u8>,
        retries: u8,
        name: T,
    }
    impl<T: Default> Default for Settings<T> {
        fn default() -> Self {
            Self {
                h: None,
                retries: 5,
                name: T::default(),
            }
        }
    }
    let read: Settings<String> = from_json(r#"{"name":"y"}"#).unwrap();
    assert_eq!(
        read,
        Settings {
            name: "y".into(),
            retries: 5,
            h: None
        }
    );

    #[derive(Debug, PartialEq, KafkaRecord)]
    #[serde(default = "twelve", bound = "T: Stored")]
    struct ByPath<T> {
        value: T,
        months: u8,
    }
    trait Stored: serde::Serialize + serde::de::DeserializeOwned + Default {}
    impl Stored for u64 {}
    fn twelve<T: Default>() -> ByPath<T> {
        ByPath {
            value: T::default(),
            months: 12,
        }
    }
    let read: ByPath<u64> = from_json(r#"{"value":1}"#).unwrap();
    assert_eq!(
        read,
        ByPath {
            value: 1,
            months: 12
        }
    );
}

#[test]
fn bounds() {
    trait Shape {
        type Side: serde::Serialize + serde::de::DeserializeOwned + Debug + PartialEq;
    }
    struct Square;
    impl Shape for Square {
        type Side = u8;
    }

    #[derive(KafkaRecord)]
    #[serde(bound(serialize = "", deserialize = "S::Side: serde::Deserialize<'de>"))]
    struct OnType<S: Shape> {
        side: S::Side,
    }
    let record = OnType::<Square> { side: 3 };
    assert_eq!(json(&record), r#"{"side":3}"#);
    assert_eq!(round_trip(&record).unwrap().side, 3);

    #[derive(KafkaRecord)]
    struct OnField<S: Shape> {
        #[serde(bound(serialize = "", deserialize = "S::Side: serde::Deserialize<'de>"))]
        side: S::Side,
        shape: PhantomData<S>,
    }
    let record = OnField::<Square> {
        side: 4,
        shape: PhantomData,
    };
    assert_eq!(json(&record), r#"{"side":4,"shape":null}"#);
    assert_eq!(round_trip(&record).unwrap().side, 4);

    struct NotSerde;
    #[derive(KafkaRecord)]
    struct Skipped<T> {
        #[serde(skip)]
        cache: Option<Box<T>>,
        #[serde(default)]
        number: u8,
    }
    // serde asks for `T: Default` here, and so does the record.
    impl Default for NotSerde {
        fn default() -> Self {
            Self
        }
    }
    let record = Skipped {
        cache: Some(Box::new(NotSerde)),
        number: 1,
    };
    assert!(round_trip(&record).unwrap().cache.is_none());
    assert_eq!(json(&record), r#"{"number":1}"#);
}

/// The type's own serde traits show all fields; the record's value has no headers either way.
#[test]
fn serde_may_be_derived_as_well() {
    #[derive(Debug, PartialEq, KafkaRecord, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "UPPERCASE")]
    struct Both {
        id: u8,
        #[kafka(header = "h")]
        h: String,
    }
    let both = Both {
        id: 1,
        h: "x".into(),
    };
    assert_eq!(json(&both), r#"{"ID":1}"#);
    assert_eq!(serde_json::to_string(&both).unwrap(), r#"{"ID":1,"H":"x"}"#);
    assert_eq!(round_trip(&both).unwrap(), both);
}

//! The expansion depends on no name where the derive stands, and on no name of the crate.

use kafka_client::KafkaRecord;
use kafka_client::record::HasTopic;

use super::{json, round_trip};

/// Names that the expansion itself uses mean something else here.
mod shadowed {
    #![allow(dead_code, non_camel_case_types, unused_macros)]

    pub(super) struct Result;
    pub(super) struct Option;
    pub(super) struct Ok;
    pub(super) struct Err;
    pub(super) struct Some;
    pub(super) struct None;
    pub(super) struct Vec;
    pub(super) struct Box;
    pub(super) trait Default {}
    pub(super) trait Serialize {}
    pub(super) trait Deserialize {}
    pub(super) trait Into {}
    pub(super) struct PhantomData;
    pub(super) struct record;
    pub(super) struct buffer;
    pub(super) struct value;
    pub(super) mod core {}
    pub(super) mod std {}
    pub(super) mod serde {}
    pub(super) mod kafka_client {}
    macro_rules! unreachable {
        () => {};
    }

    #[derive(::serde::Serialize, ::serde::Deserialize, Debug, PartialEq, Clone)]
    pub(super) struct String(pub(super) i32);

    impl ::kafka_client::record::KafkaKey for String {
        fn encode_key(&self, out: &mut ::std::vec::Vec<u8>) {
            self.0.encode_key(out);
        }
        fn decode_key(
            bytes: &[u8],
        ) -> ::core::result::Result<Self, ::kafka_client::record::FieldError> {
            i32::decode_key(bytes).map(Self)
        }
    }

    #[derive(::kafka_client::KafkaRecord, Debug, PartialEq)]
    #[kafka(topic = "t", format = json)]
    #[serde(default)]
    pub(super) struct KafkaRecord {
        #[kafka(key)]
        pub(super) record: String,
        #[kafka(header = "h")]
        pub(super) value: ::core::option::Option<i64>,
        #[kafka(timestamp)]
        pub(super) buffer: i64,
    }

    impl ::core::default::Default for KafkaRecord {
        fn default() -> Self {
            Self {
                record: String(0),
                value: ::core::option::Option::None,
                buffer: 0,
            }
        }
    }
}

#[test]
fn names_in_scope_do_not_matter() {
    let record = shadowed::KafkaRecord {
        record: shadowed::String(1),
        value: Some(2),
        buffer: 3,
    };
    assert_eq!(json(&record), r#"{"record":1,"buffer":3}"#);
    assert_eq!(round_trip(&record).unwrap(), record);
}

/// The crate under another name, as through a re-export or a rename in `Cargo.toml`.
mod renamed {
    pub(super) mod vendor {
        pub(crate) use ::kafka_client as messaging;
    }

    #[derive(vendor::messaging::KafkaRecord, Debug, PartialEq)]
    #[kafka(crate = vendor::messaging, topic = "t")]
    pub(super) struct ByPath {
        pub(super) id: u8,
    }

    #[derive(vendor::messaging::KafkaRecord, Debug, PartialEq)]
    #[kafka(crate = "crate::hygiene::renamed::vendor::messaging")]
    pub(super) struct ByText {
        pub(super) id: u8,
    }
}

#[test]
fn the_crate_may_have_another_name() {
    let (path, text) = (renamed::ByPath { id: 1 }, renamed::ByText { id: 2 });
    assert_eq!(round_trip(&path).unwrap(), path);
    assert_eq!(round_trip(&text).unwrap(), text);
}

/// A struct made by a macro: its names come from elsewhere than its derive.
#[test]
fn records_made_by_macros() {
    macro_rules! record {
        ($name:ident, $topic:literal, $field:ident: $ty:ty) => {
            #[derive(Debug, PartialEq, KafkaRecord)]
            #[kafka(topic = $topic)]
            struct $name {
                #[kafka(key)]
                $field: $ty,
                size: u8,
            }
        };
    }
    record!(Made, "made", id: Option<String>);
    let made = Made {
        id: Some("a".into()),
        size: 1,
    };
    assert_eq!(Made::TOPIC_NAME, "made");
    assert_eq!(round_trip(&made).unwrap(), made);
}

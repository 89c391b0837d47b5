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
    pub(super) struct KafkaHeaders;
    pub(super) struct KafkaRecords;
    pub(super) trait ValueCodec {}
    macro_rules! unreachable {
        () => {};
    }
    macro_rules! assert {
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

    #[derive(::kafka_client::KafkaHeaders, Debug, PartialEq)]
    pub(super) struct Headers {
        #[kafka(header = "a")]
        pub(super) buffer: ::core::option::Option<i64>,
        #[kafka(skip)]
        pub(super) record: i32,
    }

    #[derive(::kafka_client::KafkaHeaders, Debug, PartialEq)]
    pub(super) struct More {
        #[kafka(header = "b")]
        pub(super) from: String,
    }

    impl ::kafka_client::record::KafkaHeader for String {
        fn encode_header(&self, out: &mut ::std::vec::Vec<u8>) {
            self.0.encode_header(out);
        }
        fn decode_header(
            bytes: &[u8],
        ) -> ::core::result::Result<Self, ::kafka_client::record::FieldError> {
            i32::decode_header(bytes).map(Self)
        }
    }

    #[derive(::kafka_client::KafkaRecord, Debug, PartialEq)]
    #[kafka(topic = "t", content_type = "c")]
    pub(super) enum Change {
        #[kafka(tombstone)]
        None {
            #[kafka(key)]
            record: String,
            #[kafka(skip)]
            buffer: ::core::option::Option<i64>,
        },
        Some {
            #[kafka(key)]
            id: String,
            #[kafka(headers)]
            from: Headers,
            #[kafka(headers)]
            more: More,
            #[kafka(partition)]
            shard: i32,
            #[kafka(timestamp(only))]
            inner: i64,
        },
    }

    #[derive(::kafka_client::KafkaRecord, Debug, PartialEq)]
    #[kafka(topic = "t")]
    pub(super) struct Body {
        #[kafka(key(only))]
        pub(super) record: String,
        #[kafka(value)]
        pub(super) value: ::core::option::Option<String>,
    }

    #[derive(::kafka_client::KafkaRecords, Debug, PartialEq)]
    #[kafka(topic = "t", dispatch = header("type"))]
    pub(super) enum Several {
        Ok(Change),
        Err(Body),
        #[kafka(other)]
        Result(::kafka_client::record::RawRecord),
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

#[test]
fn names_in_scope_do_not_matter_to_enums() {
    use shadowed::{Body, Change, Headers, More, Several};

    let some = Change::Some {
        id: shadowed::String(1),
        from: Headers {
            buffer: Some(2),
            record: 0,
        },
        more: More {
            from: shadowed::String(3),
        },
        shard: 3,
        inner: 4,
    };
    let none = Change::None {
        record: shadowed::String(1),
        buffer: None,
    };
    let body = Body {
        record: shadowed::String(1),
        value: None,
    };
    for several in [Several::Ok(some), Several::Ok(none), Several::Err(body)] {
        assert_eq!(round_trip(&several).unwrap(), several);
    }
}

/// What is expanded breaks no lint, whatever a crate denies.
mod strict {
    #![deny(
        warnings,
        missing_docs,
        unused,
        unreachable_pub,
        clippy::all,
        clippy::pedantic
    )]
    #![deny(
        clippy::unwrap_used,
        clippy::panic,
        unused_qualifications,
        single_use_lifetimes
    )]

    use kafka_client::record::RawRecord;
    use kafka_client::{KafkaHeaders, KafkaRecord, KafkaRecords};

    #[derive(Debug, PartialEq, KafkaHeaders)]
    pub(super) struct Trace {
        #[kafka(header = "trace")]
        pub(super) id: String,
    }

    #[derive(Debug, PartialEq, KafkaRecord)]
    #[kafka(topic = "t")]
    pub(super) struct Placed<T> {
        #[kafka(key(only))]
        pub(super) id: String,
        #[kafka(headers)]
        pub(super) trace: Trace,
        #[kafka(header(name = "h", also))]
        pub(super) body: Option<T>,
    }

    #[derive(Debug, PartialEq, KafkaRecord)]
    #[kafka(topic = "t", format = string)]
    pub(super) enum Note {
        #[kafka(tombstone)]
        Gone {
            #[kafka(key)]
            id: String,
        },
        Kept {
            #[kafka(key(only))]
            id: String,
            #[kafka(value)]
            text: String,
        },
    }

    #[derive(Debug, PartialEq, KafkaRecords)]
    #[kafka(topic = "t", dispatch = header("type"))]
    pub(super) enum Event<T> {
        Placed(Placed<T>),
        Note(Note),
        #[kafka(other)]
        Unknown(RawRecord),
    }
}

#[test]
fn expansions_are_clean() {
    use strict::{Event, Note, Placed, Trace};

    let id = || "a".to_owned();
    let placed = Event::Placed(Placed {
        id: id(),
        trace: Trace { id: id() },
        body: Some(1_u8),
    });
    assert_eq!(round_trip(&placed).unwrap(), placed);
    let (gone, text) = (Note::Gone { id: id() }, id());
    for note in [gone, Note::Kept { id: id(), text }] {
        let note = Event::<u8>::Note(note);
        assert_eq!(round_trip(&note).unwrap(), note);
    }
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
    macro_rules! body {
        ($name:ident, $ty:ty) => {
            #[derive(Debug, PartialEq, KafkaRecord)]
            struct $name {
                #[kafka(value)]
                body: $ty,
            }
        };
    }
    body!(Body, Option<u8>);
    for body in [None, Some(1)] {
        assert_eq!(round_trip(&Body { body }).unwrap(), Body { body });
    }
    super::encoded(&Body { body: None }, |record| {
        assert_eq!(record.value, None, "an `Option` is one wherever it is from");
    });
    let made = Made {
        id: Some("a".into()),
        size: 1,
    };
    assert_eq!(Made::TOPIC_NAME, "made");
    assert_eq!(round_trip(&made).unwrap(), made);
}

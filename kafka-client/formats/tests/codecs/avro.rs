//! Avro: values, evolution and references.

use kafka_client_formats::avro::Avro;
use kafka_client_formats::codec::{CodecErrorKind, Register, Settings};
use kafka_client_formats::schema::Schema;
use kafka_client_formats::subject::Naming;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::memory::Memory;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Placed {
    customer: String,
    cents: i64,
    note: Option<String>,
}

const PLACED: &str = r#"{"type":"record","name":"Placed","namespace":"shop","fields":[
    {"name":"customer","type":"string"},
    {"name":"cents","type":"long"},
    {"name":"note","type":["null","string"],"default":null}]}"#;

fn placed() -> Placed {
    Placed {
        customer: "Ada".to_owned(),
        cents: 1250,
        note: Some("x".to_owned()),
    }
}

async fn codec(registry: std::sync::Arc<Memory>) -> Avro<Placed> {
    let settings = Settings::new("orders").register(Register::AtStart);
    Avro::new(registry, Schema::avro(PLACED), settings)
        .await
        .unwrap()
}

#[tokio::test]
async fn values_are_read_as_they_were_written() {
    let codec = codec(Memory::new()).await;
    codec.prepare().await.unwrap();
    let mut out = Vec::new();
    codec.encode(&placed(), &mut out).unwrap();
    // By the specification: a length and text, a zigzag varint, the branch of the union and its value.
    assert_eq!(out, b"\0\0\0\0\x01\x06Ada\xc4\x13\x02\x02x");
    assert_eq!(codec.read(&out).await.unwrap(), placed());
    out.push(0);
    let error = codec.decode(&out).unwrap_err();
    assert!(error.to_string().contains("1 bytes are left"), "{error}");
    let error = codec.decode(&out[..8]).unwrap_err();
    assert_eq!(error.kind(), CodecErrorKind::Decode, "{error}");
}

#[tokio::test]
async fn what_an_older_writer_wrote_is_resolved() {
    let registry = Memory::new();
    let older = r#"{"type":"record","name":"Placed","namespace":"shop","fields":[
        {"name":"cents","type":"int"},
        {"name":"gone","type":"boolean"},
        {"name":"customer","type":"string"}]}"#;
    registry.put("orders-value", Schema::avro(older));
    let codec = codec(registry).await;
    let read = codec
        .read(&b"\0\0\0\0\x01\x02\x01\x06Ada".to_vec())
        .await
        .unwrap();
    let wanted = Placed {
        cents: 1,
        note: None,
        ..placed()
    };
    assert_eq!(read, wanted);
}

#[tokio::test]
async fn what_cannot_be_resolved_names_field_and_subject() {
    for (fields, field, words) in [
        (
            r#"{"name":"customer","type":"string"}"#,
            "/cents",
            "no default",
        ),
        (
            r#"{"name":"customer","type":"int"},{"name":"cents","type":"long"}"#,
            "/customer",
            "int is written, string is read",
        ),
    ] {
        let registry = Memory::new();
        let older = format!(r#"{{"type":"record","name":"shop.Placed","fields":[{fields}]}}"#);
        registry.put("orders-value", Schema::avro(older));
        let codec = codec(registry).await;
        let error = codec
            .read(&b"\0\0\0\0\x01\x06Ada\x02".to_vec())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), CodecErrorKind::Evolution);
        assert_eq!(
            (error.subject(), error.field_path()),
            ("orders-value", Some(field))
        );
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// Six bytes announce 256 MiB; a megabyte is a million lists in one another.
#[tokio::test]
async fn bytes_that_announce_more_than_is_there_cost_nothing() {
    #[derive(Debug, Serialize, Deserialize)]
    struct List {
        next: Option<Box<List>>,
    }
    let registry = Memory::new();
    let codec = codec(registry.clone()).await;
    codec.prepare().await.unwrap();
    let error = codec
        .read(&b"\0\0\0\0\x01\x80\x80\x80\x80\x02".to_vec())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("are announced, and 0 are there"),
        "{error}"
    );

    let list =
        r#"{"type":"record","name":"List","fields":[{"name":"next","type":["null","List"]}]}"#;
    let settings = Settings::new("lists").register(Register::AtStart);
    let codec = Avro::<List>::new(registry, Schema::avro(list), settings)
        .await
        .unwrap();
    codec.prepare().await.unwrap();
    let deep = [&b"\0\0\0\0\x02"[..], &[2].repeat(1_000_000)].concat();
    let error = codec.read(&deep).await.unwrap_err();
    assert!(error.to_string().contains("nested deeper"), "{error}");
    let short = [&b"\0\0\0\0\x02"[..], &[2].repeat(50), &[0]].concat();
    assert!(codec.read(&short).await.unwrap().next.is_some());
}

#[tokio::test]
async fn the_newest_schema_is_written_if_that_is_wanted() {
    let registry = Memory::new();
    let newest = PLACED.replace(r#""long""#, r#""double""#);
    registry.put("orders-value", Schema::avro(newest));
    let settings = Settings::new("orders").register(Register::UseLatest);
    #[derive(Serialize, Deserialize)]
    struct WithDouble {
        customer: String,
        cents: f64,
        note: Option<String>,
    }
    let codec = Avro::<WithDouble>::new(registry, Schema::avro(PLACED), settings)
        .await
        .unwrap();
    codec.prepare().await.unwrap();
    let value = WithDouble {
        customer: "Ada".to_owned(),
        cents: 0.0,
        note: None,
    };
    let mut out = Vec::new();
    codec.encode(&value, &mut out).unwrap();
    assert_eq!(out, b"\0\0\0\0\x01\x06Ada\0\0\0\0\0\0\0\0\0");
}

#[tokio::test]
async fn schemas_that_are_referred_to_are_read() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        a: Inner,
        b: Inner,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        n: i32,
        deep: Deep,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Deep {
        x: i32,
    }
    let registry = Memory::new();
    let deep = r#"{"type":"record","name":"Deep","fields":[{"name":"x","type":"int"}]}"#;
    let deep = registry.put("deep", Schema::avro(deep));
    let inner = r#"{"type":"record","name":"Inner","fields":[{"name":"n","type":"int"},{"name":"deep","type":"Deep"}]}"#;
    let inner = registry.put("inner", Schema::avro(inner).reference("Deep", "deep", deep));
    let outer = r#"{"type":"record","name":"Outer","fields":[{"name":"a","type":"Inner"},{"name":"b","type":"Inner"}]}"#;
    let outer = Schema::avro(outer).reference("Inner", "inner", inner);
    let settings = Settings::new("t")
        .naming(Naming::Record)
        .register(Register::AtStart);
    let codec = Avro::<Outer>::new(registry, outer, settings).await.unwrap();
    assert_eq!(codec.subject(), "Outer");
    codec.prepare().await.unwrap();
    let part = |n| Inner {
        n,
        deep: Deep { x: 10 * n },
    };
    let value = Outer {
        a: part(1),
        b: part(2),
    };
    let mut out = Vec::new();
    codec.encode(&value, &mut out).unwrap();
    assert_eq!(codec.read(&out).await.unwrap(), value);
}

#[tokio::test]
async fn a_value_that_does_not_fit_leaves_nothing_behind() {
    let settings = Settings::new("orders").register(Register::AtStart);
    #[derive(Serialize, Deserialize)]
    struct Other {
        customer: String,
        cents: String,
    }
    let codec = Avro::<Other>::new(Memory::new(), Schema::avro(PLACED), settings)
        .await
        .unwrap();
    codec.prepare().await.unwrap();
    let value = Other {
        customer: "Ada".to_owned(),
        cents: "x".to_owned(),
    };
    let mut out = b"before".to_vec();
    let error = codec.encode(&value, &mut out).unwrap_err();
    assert_eq!(
        (error.kind(), &out[..]),
        (CodecErrorKind::Encode, &b"before"[..])
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let registry = Memory::new();
            let older = PLACED.replace(r#""long""#, r#""int""#);
            registry.put("older", Schema::avro(older));
            let codec = codec(registry).await;
            codec.prepare().await.unwrap();
            for id in [b"\0\0\0\0\x01", b"\0\0\0\0\x02"] {
                let _ = codec.read(&[id, bytes.as_slice()].concat()).await;
            }
        });
    }
}

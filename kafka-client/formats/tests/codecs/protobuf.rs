//! Protobuf: messages, and which of a file it is.

use kafka_client_formats::codec::{CodecErrorKind, IdIn, Register, Settings};
use kafka_client_formats::protobuf::Protobuf;
use kafka_client_formats::schema::Schema;
use kafka_client_formats::wire::{Encoded, SchemaId, VALUE_HEADER};
use proptest::prelude::*;

use crate::memory::{Memory, guid};

#[derive(Clone, PartialEq, prost::Message)]
struct Line {
    #[prost(string, tag = "1")]
    item: String,
    #[prost(uint32, tag = "2")]
    count: u32,
}

const FILE: &str = r#"
    syntax = "proto3";
    package shop;
    message Order {
        map<string, int32> totals = 1;
        message Line { string item = 1; uint32 count = 2; }
    }
    message Other { string item = 1; }
"#;

fn line() -> Line {
    Line {
        item: "tea".to_owned(),
        count: 3,
    }
}

fn codec(registry: std::sync::Arc<Memory>, message: &str, id_in: IdIn) -> Protobuf<Line> {
    let settings = Settings::new("t").register(Register::AtStart).id_in(id_in);
    Protobuf::new(registry, Schema::protobuf(FILE), settings, message).unwrap()
}

#[tokio::test]
async fn the_way_to_the_message_is_before_the_payload() {
    for (message, way) in [
        ("shop.Order", &b"\0"[..]),
        ("shop.Order.Line", b"\x04\0\0"),
        ("shop.Other", b"\x02\x02"),
    ] {
        let codec = codec(Memory::new(), message, IdIn::Payload);
        codec.prepare().await.unwrap();
        let mut out = Vec::new();
        codec.encode(&line(), &mut out).unwrap();
        let wanted = [b"\0\0\0\0\x01", way, b"\x0a\x03tea\x10\x03"].concat();
        assert_eq!(out, wanted, "{message}");
        assert_eq!(codec.read(&out).await.unwrap(), line());
    }
}

#[tokio::test]
async fn the_way_goes_into_the_header_with_the_id() {
    let codec = codec(Memory::new(), "shop.Order.Line", IdIn::Header);
    codec.prepare().await.unwrap();
    let mut out = Vec::new();
    codec.encode(&line(), &mut out).unwrap();
    assert_eq!(out, b"\x0a\x03tea\x10\x03");
    let mut header = Vec::new();
    SchemaId::Guid(guid(1)).encode(&mut header);
    header.extend_from_slice(b"\x04\0\0");
    assert_eq!(
        codec.header().unwrap(),
        Some((VALUE_HEADER, header.clone()))
    );
    let encoded = Encoded::new(&out).header(Some(&header));
    assert_eq!(codec.read(encoded).await.unwrap(), line());
}

#[tokio::test]
async fn another_message_is_an_error() {
    let registry = Memory::new();
    registry.put(
        "x",
        Schema::protobuf("syntax = \"proto3\"; message A {} message Line { string item = 1; }"),
    );
    let codec = codec(registry, "shop.Order.Line", IdIn::Payload);
    for (behind, words) in [
        (&b"\0"[..], "message A is written, shop.Order.Line is read"),
        (b"\x02\x06", "no message at [3]"),
        (b"", "does not end"),
    ] {
        let error = codec
            .read(&[b"\0\0\0\0\x01", behind].concat())
            .await
            .unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    // The same, elsewhere in another file.
    let read = codec
        .read(&b"\0\0\0\0\x01\x02\x02\x0a\x03tea".to_vec())
        .await
        .unwrap();
    assert_eq!(read.item, "tea");
    let error = codec
        .read(&b"\0\0\0\0\x01\x02\x02\x0a\x09tea".to_vec())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), CodecErrorKind::Decode);
}

#[tokio::test]
async fn files_that_are_imported_are_read() {
    let registry = Memory::new();
    let other = "syntax = \"proto3\"; package other; message Unit { string name = 1; }";
    let other = registry.put("unit", Schema::protobuf(other));
    let file = "syntax = \"proto3\"; import \"unit.proto\"; \
                message Line { string item = 1; uint32 count = 2; other.Unit unit = 3; }";
    let schema = Schema::protobuf(file).reference("unit.proto", "unit", other);
    let settings = Settings::new("t").register(Register::AtStart);
    let codec = Protobuf::<Line>::new(registry.clone(), schema, settings, "Line").unwrap();
    codec.prepare().await.unwrap();
    let mut out = Vec::new();
    codec.encode(&line(), &mut out).unwrap();
    assert_eq!(codec.read(&out).await.unwrap(), line());
    assert!(
        registry
            .asked()
            .contains(&format!("version {other} of unit"))
    );
}

#[test]
fn a_file_without_the_message_is_refused() {
    for (file, message, words) in [
        (FILE, "shop.Line", "no message shop.Line"),
        ("message {", "A", "no file of Protobuf"),
        ("", "A", "no message A"),
        (&"message A {".repeat(1000), "A", "nested deeper"),
    ] {
        let settings = Settings::new("t");
        let codec = Protobuf::<Line>::new(Memory::new(), Schema::protobuf(file), settings, message);
        let error = codec.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let codec = codec(Memory::new(), "shop.Order.Line", IdIn::Payload);
            codec.prepare().await.unwrap();
            let _ = codec.read(&[b"\0\0\0\0\x01", bytes.as_slice()].concat()).await;
        });
    }
}

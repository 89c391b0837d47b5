//! JSON with a schema.

use kafka_client_formats::codec::{CodecErrorKind, Register, Settings};
use kafka_client_formats::json_schema::JsonSchema;
use kafka_client_formats::schema::Schema;
use serde::{Deserialize, Serialize};

use crate::memory::Memory;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    lines: Vec<Line>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    price: u32,
}

fn codec() -> JsonSchema<Order> {
    let settings = Settings::new("t").register(Register::AtStart);
    JsonSchema::new(
        Memory::new(),
        Schema::json(r#"{"type":"object"}"#),
        settings,
    )
    .unwrap()
}

#[tokio::test]
async fn errors_name_the_field() {
    let codec = codec();
    codec.prepare().await.unwrap();
    for (body, field) in [
        (r#"{"lines":[{"price":1},{"price":"x"}]}"#, "lines[1].price"),
        (r#"{"lines":7}"#, "lines"),
    ] {
        let bytes = [b"\0\0\0\0\x01", body.as_bytes()].concat();
        let error = codec.read(&bytes).await.unwrap_err();
        assert_eq!(error.kind(), CodecErrorKind::Decode);
        assert_eq!(error.field_path(), Some(field), "{error}");
        assert!(
            error.to_string().starts_with("subject t-value, field "),
            "{error}"
        );
    }
    let error = codec
        .read(&b"\0\0\0\0\x01{\"lines\":[]} x".to_vec())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("trailing"), "{error}");
}

#[tokio::test]
async fn a_validator_of_the_users_is_asked_both_ways() {
    let codec = codec().validated_by(|value| match value["lines"].as_array() {
        Some(lines) if lines.is_empty() => Err("lines: none".to_owned()),
        _ => Ok(()),
    });
    codec.prepare().await.unwrap();
    let mut out = Vec::new();
    let error = codec
        .encode(&Order { lines: Vec::new() }, &mut out)
        .unwrap_err();
    assert_eq!((error.kind(), out.len()), (CodecErrorKind::Encode, 0));
    let order = Order {
        lines: vec![Line { price: 1 }],
    };
    codec.encode(&order, &mut out).unwrap();
    assert_eq!(codec.read(&out).await.unwrap(), order);
    let error = codec
        .read(&b"\0\0\0\0\x01{\"lines\":[]}".to_vec())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("lines: none"), "{error}");
}

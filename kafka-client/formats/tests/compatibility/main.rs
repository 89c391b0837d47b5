//! The rules of compatibility against other judges, pair by pair. `golden/` holds what they say; `pairs/` the pairs
//! that were written by hand for them. How they are made: `integration/java/SchemaVerdicts.java` and
//! `integration/python/schema_witnesses.py`.
#![allow(
    clippy::unwrap_used,
    reason = "in a test, a failed unwrap is the message"
)]

mod avro;
mod json;
#[cfg(feature = "protobuf")]
mod protobuf;

use std::path::Path;

/// The lines of a golden file.
fn golden(name: &str) -> Vec<serde_json::Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn text<'a>(pair: &'a serde_json::Value, name: &str) -> &'a str {
    pair[name].as_str().unwrap()
}

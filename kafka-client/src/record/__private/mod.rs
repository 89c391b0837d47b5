//! What code written by the derive macros calls. Not public API.

mod codec;
mod dispatch;
mod headers;
mod json;
mod parts;
mod tag;
mod text;

pub use codec::{
    Binary, Text, read_with, read_with_or_null, write_whole_with, write_with, write_with_or_null,
};
pub use dispatch::{
    type_by_header, type_by_tag, without_type_header, write_type_header, write_type_tag,
};
pub use headers::{is_taken, read_headers, write_headers};
pub use json::{
    SerializeValue, read_json, read_json_or_null, write_json, write_json_field, write_json_or_null,
};
pub use parts::{
    KafkaPartition, read_header, read_key, read_partition, read_timestamp, write_content_type,
    write_header, write_key, write_partition, write_timestamp,
};
pub use serde;
pub use text::is_of_topic;

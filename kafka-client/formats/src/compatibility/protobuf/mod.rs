//! Protobuf: the rules of Confluent's registry, by what its messages of error and its documentation say.
//!
//! They look at what bytes mean, so a field is its number and not its name. What may not be:
//!
//! - another package, and a message that is gone;
//! - a field of another kind (message, map or scalar), another group of scalars (`int32`, `int64`, `uint32`,
//!   `uint64`, `bool` and enums; `sint32` and `sint64`; `string` and `bytes`; `fixed32` and `sfixed32`; `fixed64`
//!   and `sfixed64`; `float`; `double`), or another message;
//! - a `required` field that is new or gone;
//! - several fields that become one `oneof`, one that is put into a `oneof` that was there, and a field of a
//!   `oneof` that is gone.
//!
//! Fields and enums may come and go otherwise, and so may their names and numbers of enums. Not covered, as it is
//! not by Confluent's: whether a field is `repeated`, and what is `reserved`.
//!
//! - `model`: a file as these rules see it
//! - `rules`: whether one reads the other

mod model;
mod rules;

pub use self::model::ProtobufModel;

//! JSON Schema: the rules of Confluent's registry, by its documentation and what its messages of error say.
//!
//! They ask whether each value that the writer's schema allows is allowed by the reader's, keyword by keyword. What
//! a schema says of properties that it does not name is its *content model*: open (anything goes), closed
//! (`additionalProperties: false`), or partly open (a schema for them, or for names that match). A property may
//! only be added to a model that was not open, as an open one let anything be written under its name, and only be
//! taken out of one that stays open, or lets it through otherwise.
//!
//! What these rules do not know is refused rather than guessed: where a keyword below differs in the two schemas,
//! the one does not read the other. These are `if`, `then`, `else`, `contains`, `minContains`, `maxContains`,
//! `propertyNames`, `unevaluatedItems`, `unevaluatedProperties`, `dependentSchemas`, `$dynamicRef` and
//! `$recursiveRef`; so are a `$ref` to another document, and patterns of names that are more than a literal with
//! anchors. Confluent's own rules let some of them pass.
//!
//! - `model`: a schema with its references followed
//! - `rules`: whether one reads the other
//! - `combined`: `allOf`, `anyOf` and `oneOf`
//! - `objects`: properties and content models
//! - `values`: texts, numbers, lists and lists of values

mod combined;
mod model;
mod objects;
mod rules;
mod values;

pub use self::model::JsonModel;

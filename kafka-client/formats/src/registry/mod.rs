//! Registries of schemas.
//!
//! [`Registry`] speaks Confluent's REST API, which Apicurio and Karapace speak as well, and [`Cached`] remembers
//! what never changes. Codecs know the trait [`SchemaRegistry`] alone, so that another registry is an adapter.
//!
//! - `answers`: bodies of the REST API
//! - `attempts`: which address is asked, and when again (pure)
//! - `builder`: settings
//! - `cached`: one request for many who ask
//! - `client`: the calls
//! - `error`: what went wrong, and what to do
//! - `transport`: a request until it is answered

mod answers;
mod attempts;
mod builder;
mod cached;
mod client;
mod error;
mod transport;

#[cfg(any(feature = "avro", feature = "protobuf", feature = "json-schema"))]
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use self::builder::{RegistryBuilder, Retry};
pub use self::cached::Cached;
pub use self::client::{Deletion, Registry, Verdict};
pub use self::error::{RegistryError, RegistryErrorKind};
#[cfg(any(feature = "avro", feature = "protobuf", feature = "json-schema"))]
use crate::schema::Reference;
use crate::schema::Schema;
use crate::wire::{Guid, SchemaId};

/// The future of what a registry is asked for.
pub type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, RegistryError>> + Send + 'a>>;

/// A schema that is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its id in this registry.
    pub id: i32,
    /// Its GUID, where the registry has one.
    pub guid: Option<Guid>,
    /// Its version under the subject, where the registry says it.
    pub version: Option<i32>,
}

/// A version of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectVersion {
    /// The subject.
    pub subject: String,
    /// The version, from 1.
    pub version: i32,
    /// The id of its schema.
    pub id: i32,
    /// The GUID of its schema, where the registry has one.
    pub guid: Option<Guid>,
    /// Its schema.
    pub schema: Schema,
}

/// What codecs need of a registry. Implement it to have them use another one.
///
/// Dropping a future that a call gives loses its answer and nothing else: a schema may be registered all the
/// same.
pub trait SchemaRegistry: Send + Sync + 'static {
    /// Registers a schema under a subject, if it is not there.
    ///
    /// # Errors
    /// [`Incompatible`](RegistryErrorKind::Incompatible) if the subject's rules do not allow it, and those of any
    /// request.
    fn register<'a>(&'a self, subject: &'a str, schema: &'a Schema) -> Asking<'a, Registered>;

    /// Looks for a schema under a subject, where it was registered before.
    ///
    /// # Errors
    /// [`NotFound`](RegistryErrorKind::NotFound) if it is not there, and those of any request.
    fn look_up<'a>(&'a self, subject: &'a str, schema: &'a Schema) -> Asking<'a, Registered>;

    /// The newest version of a subject.
    ///
    /// # Errors
    /// [`NotFound`](RegistryErrorKind::NotFound) if there is no such subject, and those of any request.
    fn latest<'a>(&'a self, subject: &'a str) -> Asking<'a, SubjectVersion>;

    /// A version of a subject.
    ///
    /// # Errors
    /// [`NotFound`](RegistryErrorKind::NotFound) if there is none, and those of any request.
    fn version<'a>(&'a self, subject: &'a str, version: i32) -> Asking<'a, SubjectVersion>;

    /// The schema that a record names. Ids count in each context by themselves: that of `subject` is meant, if
    /// there is one.
    ///
    /// # Errors
    /// [`NotFound`](RegistryErrorKind::NotFound) if there is none, and those of any request.
    fn schema<'a>(&'a self, id: SchemaId, subject: Option<&'a str>) -> Asking<'a, Arc<Schema>>;
}

/// How deep and how many schemas may be referred to.
#[cfg(any(feature = "avro", feature = "protobuf", feature = "json-schema"))]
const REFERENCES_MAX: usize = 1000;

/// All schemas that a schema refers to, also by others, each once, with the name that it is referred to by. What is
/// referred to comes before who refers to it.
///
/// # Errors
/// Those of [`SchemaRegistry::version`], and when there are more than 1000.
///
/// # Cancel safety
/// Cancel safe.
#[cfg(any(feature = "avro", feature = "protobuf", feature = "json-schema"))]
pub(crate) async fn referenced(
    registry: &dyn SchemaRegistry,
    schema: &Schema,
) -> Result<Vec<(String, Schema)>, RegistryError> {
    let mut read = HashMap::new();
    let mut asked = schema.references.clone();
    while let Some(reference) = asked.pop() {
        let key = (reference.subject, reference.version);
        if read.contains_key(&key) {
            continue;
        }
        if read.len() == REFERENCES_MAX {
            let text = format!("more than {REFERENCES_MAX} schemas are referred to");
            return Err(RegistryError::bad_answer("", text).about(&key.0));
        }
        let schema = registry.version(&key.0, key.1).await?.schema;
        asked.extend(schema.references.iter().cloned());
        read.insert(key, schema);
    }
    Ok(in_order(&schema.references, &mut read))
}

/// Takes the schemas out of `read`, what is referred to before who refers to it.
#[cfg(any(feature = "avro", feature = "protobuf", feature = "json-schema"))]
fn in_order(
    references: &[Reference],
    read: &mut HashMap<(String, i32), Schema>,
) -> Vec<(String, Schema)> {
    let mut ordered = Vec::new();
    // With a schema once all that it refers to is done.
    let mut stack: Vec<(Reference, Option<Schema>)> = references
        .iter()
        .cloned()
        .map(|reference| (reference, None))
        .collect();
    while let Some((reference, done)) = stack.pop() {
        if let Some(schema) = done {
            ordered.push((reference.name, schema));
        } else if let Some(schema) = read.remove(&(reference.subject.clone(), reference.version)) {
            let inner: Vec<_> = schema
                .references
                .iter()
                .cloned()
                .map(|it| (it, None))
                .collect();
            stack.push((reference, Some(schema)));
            stack.extend(inner);
        }
    }
    ordered
}

#[cfg(test)]
#[cfg(any(feature = "avro", feature = "protobuf", feature = "json-schema"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_referred_to_comes_first() {
        let reference = |name: &str| Reference {
            name: name.to_owned(),
            subject: name.to_owned(),
            version: 1,
        };
        // Two that share one, and one in itself, which no registry has.
        let refers = [
            ("a", &["c", "b"][..]),
            ("b", &["d"]),
            ("c", &["d", "c"]),
            ("d", &[]),
        ];
        let mut read = HashMap::new();
        for (name, others) in refers {
            let mut schema = Schema::avro(name);
            schema.references = others.iter().map(|other| reference(other)).collect();
            read.insert((name.to_owned(), 1), schema);
        }
        let ordered = in_order(&[reference("a"), reference("d")], &mut read);
        let names: Vec<_> = ordered.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), 4);
        let place = |name| names.iter().position(|other| *other == name).unwrap();
        assert!(
            place("d") < place("b") && place("d") < place("c"),
            "{names:?}"
        );
        assert!(
            place("b") < place("a") && place("c") < place("a"),
            "{names:?}"
        );
    }
}

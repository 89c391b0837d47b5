//! Under which subject a schema is registered (pure).

use std::fmt;

use crate::wire;

/// Whether it is about a record's key or its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Part {
    /// The key.
    Key,
    /// The value.
    #[default]
    Value,
}

impl Part {
    /// The header that names the schema of this part.
    #[must_use]
    pub fn header(self) -> &'static str {
        match self {
            Self::Key => wire::KEY_HEADER,
            Self::Value => wire::VALUE_HEADER,
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
        }
    }
}

/// What a subject is named after, as with `value.subject.name.strategy` of Confluent's serializers.
///
/// ```
/// use kafka_client_formats::subject::{Naming, Part};
///
/// let name = |naming: Naming| naming.subject("orders", Part::Value, Some("shop.Placed"));
/// assert_eq!(name(Naming::Topic)?, "orders-value");
/// assert_eq!(name(Naming::Record)?, "shop.Placed");
/// assert_eq!(name(Naming::TopicRecord)?, "orders-shop.Placed");
/// # Ok::<(), kafka_client_formats::subject::NoRecordName>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Naming {
    /// `TopicNameStrategy`: one schema for all keys or values of a topic.
    #[default]
    Topic,
    /// `RecordNameStrategy`: a schema for each type, the same in all topics.
    Record,
    /// `TopicRecordNameStrategy`: a schema for each type in each topic.
    TopicRecord,
}

/// The schema has no name that a subject could be named after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoRecordName {
    topic: String,
}

impl fmt::Display for NoRecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topic = &self.topic;
        write!(
            f,
            "the schema for topic {topic} has no name, which its subject is to have: name it (a record in \
             Avro, a title in JSON Schema), or take Naming::Topic"
        )
    }
}

impl std::error::Error for NoRecordName {}

impl Naming {
    /// The subject for a part of a topic's records. `record` is the full name of their type.
    ///
    /// # Errors
    /// When the name is needed and there is none.
    pub fn subject(
        self,
        topic: &str,
        part: Part,
        record: Option<&str>,
    ) -> Result<String, NoRecordName> {
        let record = || {
            record.ok_or_else(|| NoRecordName {
                topic: topic.to_owned(),
            })
        };
        Ok(match self {
            Self::Topic => format!("{topic}-{}", part.suffix()),
            Self::Record => record()?.to_owned(),
            Self::TopicRecord => format!("{topic}-{}", record()?),
        })
    }
}

/// A subject in a context: `:.context:subject`, or the subject alone for the context that has no name.
///
/// ```
/// use kafka_client_formats::subject::in_context;
///
/// assert_eq!(in_context(Some("staging"), "orders-value"), ":.staging:orders-value");
/// assert_eq!(in_context(None, "orders-value"), "orders-value");
/// // One that names its context stays there.
/// assert_eq!(in_context(Some("staging"), ":.other:orders"), ":.other:orders");
/// ```
#[must_use]
pub fn in_context(context: Option<&str>, subject: &str) -> String {
    match context {
        Some(context) if context_of(subject).is_none() => format!(":.{context}:{subject}"),
        _ => subject.to_owned(),
    }
}

/// The context that a subject names, without its dot; `None` if it names none.
#[must_use]
pub fn context_of(subject: &str) -> Option<&str> {
    let (context, _) = subject.strip_prefix(":.")?.split_once(':')?;
    Some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_without_a_name_has_only_the_topics() {
        assert_eq!(
            Naming::Topic.subject("t", Part::Key, None).unwrap(),
            "t-key"
        );
        for naming in [Naming::Record, Naming::TopicRecord] {
            let error = naming.subject("t", Part::Key, None).unwrap_err();
            assert!(error.to_string().contains("topic t has no name"), "{error}");
        }
    }

    #[test]
    fn contexts_are_those_in_front() {
        assert_eq!(context_of(":.a:s"), Some("a"));
        assert_eq!(context_of(":.:s"), Some(""));
        for none in ["s", "", ":s", ":.a", ":a:s"] {
            assert_eq!(context_of(none), None, "{none}");
        }
    }
}

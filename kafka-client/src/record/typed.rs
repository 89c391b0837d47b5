use super::{DecodeError, EncodeError, RecordBuffer, RecordRef};

/// A type that is a record: it knows its key, value, headers and timestamp, and mostly its topic.
///
/// Derive it, see [the module](super); or implement it for a type whose bytes you make yourself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a Kafka record",
    label = "not a record type",
    note = "add `#[derive(KafkaRecord)]` to `{Self}`"
)]
pub trait KafkaRecord: Sized {
    /// The topic that the type names; `None` if each call has to. See [`HasTopic`].
    const TOPIC: Option<&'static str>;

    /// Puts the record into `buffer`, which is clear: use [`RecordBuffer::encode`] to call this.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] if a field cannot be written; what `buffer` holds then is of no use.
    fn encode(&self, buffer: &mut RecordBuffer) -> Result<(), EncodeError>;

    /// Reads a record back.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are not of this type, or the value is null and the type has no
    /// place for a tombstone.
    fn decode(record: &RecordRef<'_>) -> Result<Self, DecodeError>;
}

/// A record type that names its topic, so that calls need not.
///
/// The derive macro implements it for types with `#[kafka(topic = "..")]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no topic",
    label = "a record type with a topic is needed here",
    note = "add `#[kafka(topic = \"..\")]` below `#[derive(KafkaRecord)]` on `{Self}`",
    note = "or name the topic in the call: `send_to(\"topic\", &record)`"
)]
pub trait HasTopic: KafkaRecord {
    /// The topic.
    const TOPIC_NAME: &'static str;
}

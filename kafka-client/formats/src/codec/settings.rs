//! How values are written.

use crate::subject::{Naming, Part};

/// When a codec registers its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Register {
    /// Never: the same schema is to be there, registered by somebody else.
    #[default]
    Never,
    /// Never: values are written with the newest version of the subject, whatever it is. What it wants and the
    /// type does not have is an error when a value is written.
    UseLatest,
    /// In `prepare`.
    AtStart,
    /// In the first `write`. `prepare` asks nothing.
    AtFirstSend,
}

/// Where the id of the schema is written. All are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum IdIn {
    /// The id, before the payload. All clients know this form.
    #[default]
    Payload,
    /// The GUID, before the payload.
    PayloadGuid,
    /// The GUID, in a header: the payload is alone.
    Header,
}

/// Settings of a codec.
///
/// ```
/// use kafka_client_formats::codec::{Register, Settings};
/// use kafka_client_formats::subject::{Naming, Part};
///
/// let settings = Settings::new("orders")
///     .naming(Naming::TopicRecord)
///     .register(Register::AtStart);
/// let keys = Settings::new("orders").part(Part::Key);
/// # let _ = (settings, keys);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Settings {
    pub(crate) topic: String,
    pub(crate) part: Part,
    pub(crate) naming: Naming,
    pub(crate) register: Register,
    pub(crate) id_in: IdIn,
}

impl Settings {
    /// For the values of a topic.
    pub fn new(topic: impl Into<String>) -> Self {
        Self {
            topic: topic.into(),
            part: Part::default(),
            naming: Naming::default(),
            register: Register::default(),
            id_in: IdIn::default(),
        }
    }

    /// For keys or values. Defaults to values.
    pub fn part(mut self, part: Part) -> Self {
        self.part = part;
        self
    }

    /// What the subject is named after. Defaults to the topic.
    pub fn naming(mut self, naming: Naming) -> Self {
        self.naming = naming;
        self
    }

    /// When the schema is registered. Defaults to never.
    pub fn register(mut self, register: Register) -> Self {
        self.register = register;
        self
    }

    /// Where the id is written. Defaults to before the payload.
    pub fn id_in(mut self, id_in: IdIn) -> Self {
        self.id_in = id_in;
        self
    }
}

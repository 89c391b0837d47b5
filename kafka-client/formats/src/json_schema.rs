//! Values in JSON, with a schema.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::codec::{CodecError, CodecErrorKind, Core, Settings};
use crate::registry::SchemaRegistry;
use crate::schema::{Schema, SchemaType};
use crate::wire::{Encoded, Split};

/// Checks a value against a schema: an error says what is wrong.
type Validate = dyn Fn(&Value) -> Result<(), String> + Send + Sync;

/// Writes and reads a type in JSON, with a JSON Schema in a registry.
///
/// Values are not checked against the schema by themselves: [`validated_by`](Self::validated_by) takes a function
/// for that, so that a program chooses the validator, and pays for it only if it wants one.
pub struct JsonSchema<T> {
    core: Core<()>,
    validate: Option<Box<Validate>>,
    types: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for JsonSchema<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}

impl<T> JsonSchema<T> {
    /// A codec for a type with this schema, whose `title` names the type where a subject is named after it.
    ///
    /// # Errors
    /// When the schema is no JSON.
    pub fn new(
        registry: Arc<dyn SchemaRegistry>,
        schema: Schema,
        settings: Settings,
    ) -> Result<Self, CodecError> {
        let wrong = |text: String| CodecError::new(CodecErrorKind::Schema, &settings.topic, text);
        if schema.schema_type != SchemaType::Json {
            let text = format!(
                "the schema is of type {}, and JSON is wanted",
                schema.schema_type
            );
            return Err(wrong(text));
        }
        let read: Value = serde_json::from_str(&schema.text)
            .map_err(|error| wrong(format!("the schema is no JSON: {error}")))?;
        let title = read.get("title").and_then(Value::as_str);
        // A writer's schema says nothing that reading takes, but it is to be there and of this language.
        let core = Core::new(registry, schema, settings, title, |_, _| Ok(()))?;
        Ok(Self {
            core,
            validate: None,
            types: PhantomData,
        })
    }

    /// Checks each value before it is written and before it is read.
    #[must_use]
    pub fn validated_by(
        mut self,
        validate: impl Fn(&Value) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.validate = Some(Box::new(validate));
        self
    }

    fn check(&self, kind: CodecErrorKind, value: &Value) -> Result<(), CodecError> {
        let Some(validate) = &self.validate else {
            return Ok(());
        };
        validate(value).map_err(|what| {
            let text = format!("the value does not fit its schema: {what}");
            self.core.error(kind, text)
        })
    }
}

crate::codec::codec_calls!(JsonSchema, [T: Serialize], [T: DeserializeOwned]);

impl<T: Serialize> JsonSchema<T> {
    fn payload(&self, (): &(), value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let failed = |field: String, error: serde_json::Error| {
            let text = format!("the value cannot be written: {error}");
            self.core.error(CodecErrorKind::Encode, text).field(field)
        };
        if self.validate.is_some() {
            let value =
                serde_json::to_value(value).map_err(|error| failed(".".to_owned(), error))?;
            self.check(CodecErrorKind::Encode, &value)?;
        }
        let mut json = serde_json::Serializer::new(out);
        serde_path_to_error::serialize(value, &mut json)
            .map_err(|error| failed(error.path().to_string(), error.into_inner()))
    }

    fn header_payload(&self, (): &(), _: &mut Vec<u8>) {}
}

impl<T: DeserializeOwned> JsonSchema<T> {
    fn value(&self, (): &(), split: &Split<'_>) -> Result<T, CodecError> {
        let bytes = split.elsewhere.unwrap_or(split.behind);
        let failed = |error: serde_json::Error| {
            let text = format!("the bytes are not this type: {error}");
            self.core.error(CodecErrorKind::Decode, text)
        };
        if self.validate.is_some() {
            let value: Value = serde_json::from_slice(bytes).map_err(failed)?;
            self.check(CodecErrorKind::Decode, &value)?;
        }
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            failed(error.into_inner()).field(path)
        })?;
        json.end().map_err(failed)?;
        Ok(value)
    }
}

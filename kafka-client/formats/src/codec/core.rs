//! The id that is written, and the schemas of writers that were read.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tokio::sync::Mutex as AsyncMutex;

use super::{CodecError, CodecErrorKind, IdIn, Register, Settings};
use crate::registry::{Registered, SchemaRegistry, referenced};
use crate::schema::Schema;
use crate::wire::{Encoded, SchemaId, Split};

/// A schema, and all that it refers to, by the names that it uses.
pub(crate) type Referenced = Vec<(String, Schema)>;

/// Makes what a codec needs of a schema.
type Parse<P> = Box<dyn Fn(&Schema, &Referenced) -> Result<P, CodecError> + Send + Sync>;

/// Writers' schemas that are kept: more come and go in a topic only if something registers without end.
const READERS_MAX: usize = 1000;

/// What a codec of a language `P` builds on.
pub(crate) struct Core<P> {
    pub(crate) subject: String,
    registry: Arc<dyn SchemaRegistry>,
    settings: Settings,
    schema: Schema,
    parse: Parse<P>,
    writer: OnceLock<Writer<P>>,
    resolving: AsyncMutex<()>,
    readers: RwLock<HashMap<SchemaId, Arc<P>>>,
}

/// What values are written with.
pub(crate) struct Writer<P> {
    pub(crate) parsed: P,
    /// The magic byte and the id.
    pub(crate) prefix: Vec<u8>,
}

impl<P> fmt::Debug for Core<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codec")
            .field("subject", &self.subject)
            .field("settings", &self.settings)
            .field("prepared", &self.writer.get().is_some())
            .finish_non_exhaustive()
    }
}

impl<P> Core<P> {
    /// `name` is the full name of the type, if the schema has one.
    ///
    /// # Errors
    /// When the subject is to be named after a type that has no name.
    pub(crate) fn new(
        registry: Arc<dyn SchemaRegistry>,
        schema: Schema,
        settings: Settings,
        name: Option<&str>,
        parse: impl Fn(&Schema, &Referenced) -> Result<P, CodecError> + Send + Sync + 'static,
    ) -> Result<Self, CodecError> {
        let subject = settings
            .naming
            .subject(&settings.topic, settings.part, name);
        let subject = subject.map_err(|error| {
            CodecError::new(CodecErrorKind::Schema, &settings.topic, error.to_string())
        })?;
        Ok(Self {
            subject,
            registry,
            settings,
            schema,
            parse: Box::new(parse),
            writer: OnceLock::new(),
            resolving: AsyncMutex::new(()),
            readers: RwLock::default(),
        })
    }

    pub(crate) fn error(&self, kind: CodecErrorKind, message: impl Into<String>) -> CodecError {
        CodecError::new(kind, &self.subject, message)
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Settles the id, unless that is left to the first value.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn prepare(&self) -> Result<(), CodecError> {
        match self.settings.register {
            Register::AtFirstSend => Ok(()),
            _ => self.resolve().await,
        }
    }

    /// Settles the id, if it is not. Of many who call, one asks the registry.
    ///
    /// # Cancel safety
    /// Cancel safe: the next call goes on.
    pub(crate) async fn resolve(&self) -> Result<(), CodecError> {
        if self.writer.get().is_some() {
            return Ok(());
        }
        let _turn = self.resolving.lock().await;
        if self.writer.get().is_some() {
            return Ok(());
        }
        let failed = |error| CodecError::registry(&self.subject, error);
        let (registered, schema) = match self.settings.register {
            Register::UseLatest => {
                let latest = self.registry.latest(&self.subject).await.map_err(failed)?;
                let registered = Registered {
                    id: latest.id,
                    guid: latest.guid,
                    version: Some(latest.version),
                };
                (registered, latest.schema)
            }
            Register::Never => {
                let found = self.registry.look_up(&self.subject, &self.schema);
                (found.await.map_err(failed)?, self.schema.clone())
            }
            Register::AtStart | Register::AtFirstSend => {
                let registered = self.registry.register(&self.subject, &self.schema);
                (registered.await.map_err(failed)?, self.schema.clone())
            }
        };
        let id = self.written_id(&registered, &schema).await?;
        let parsed = self.parsed(&schema).await?;
        let mut prefix = Vec::new();
        id.encode(&mut prefix);
        // Nobody else sets it: the lock is held.
        let _ = self.writer.set(Writer { parsed, prefix });
        Ok(())
    }

    async fn written_id(
        &self,
        registered: &Registered,
        schema: &Schema,
    ) -> Result<SchemaId, CodecError> {
        if self.settings.id_in == IdIn::Payload {
            return Ok(SchemaId::Id(registered.id));
        }
        let mut guid = registered.guid;
        if guid.is_none() {
            // Some say it only when they are asked.
            let found = self.registry.look_up(&self.subject, schema).await;
            guid = found
                .map_err(|error| CodecError::registry(&self.subject, error))?
                .guid;
        }
        guid.map(SchemaId::Guid).ok_or_else(|| {
            let text = "the registry gives no GUID, which the id is to be written as: it is older than \
                        GUIDs, so write the id (IdIn::Payload)";
            self.error(CodecErrorKind::Schema, text)
        })
    }

    async fn parsed(&self, schema: &Schema) -> Result<P, CodecError> {
        if schema.schema_type != self.schema.schema_type {
            let (found, wanted) = (schema.schema_type, self.schema.schema_type);
            let text = format!("the schema is of type {found}, and {wanted} is wanted");
            return Err(self.error(CodecErrorKind::Schema, text));
        }
        let others = referenced(&*self.registry, schema).await;
        let others = others.map_err(|error| CodecError::registry(&self.subject, error))?;
        (self.parse)(schema, &others)
    }

    /// What values are written with.
    pub(crate) fn writer(&self) -> Result<&Writer<P>, CodecError> {
        self.writer.get().ok_or_else(|| {
            let text = match self.settings.register {
                Register::AtFirstSend => {
                    "no value was written yet, which registers the schema: call write for the first one"
                }
                _ => "the schema's id is not known yet: call prepare before values are written",
            };
            self.error(CodecErrorKind::NotPrepared, text)
        })
    }

    /// Writes the id, or remembers that it is in a header, and lets `payload` append the rest. What was in `out`
    /// before stays, and on an error nothing is added.
    pub(crate) fn encode(
        &self,
        out: &mut Vec<u8>,
        payload: impl FnOnce(&P, &mut Vec<u8>) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        let writer = self.writer()?;
        let length = out.len();
        if self.settings.id_in != IdIn::Header {
            out.extend_from_slice(&writer.prefix);
        }
        payload(&writer.parsed, out).inspect_err(|_| out.truncate(length))
    }

    /// Whether ids are written into headers.
    pub(crate) fn has_header(&self) -> bool {
        self.settings.id_in == IdIn::Header
    }

    /// The name of the header.
    pub(crate) fn header_name(&self) -> &'static str {
        self.settings.part.header()
    }

    /// A value with its schema's id taken off.
    pub(crate) fn split<'a>(&self, encoded: &Encoded<'a>) -> Result<Split<'a>, CodecError> {
        Split::of(encoded).map_err(|error| CodecError::wire(&self.subject, error))
    }

    /// The schema that a value was written with.
    pub(crate) fn reader(&self, id: SchemaId) -> Result<Arc<P>, CodecError> {
        let readers = self.readers.read().unwrap_or_else(PoisonError::into_inner);
        readers.get(&id).cloned().ok_or_else(|| {
            let text =
                format!("the schema with {id} was not read yet: call load with the same bytes");
            self.error(CodecErrorKind::NotLoaded(id), text)
        })
    }

    /// Reads the schema that a value was written with, if it was not read before.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn load(&self, id: SchemaId) -> Result<Arc<P>, CodecError> {
        if let Ok(parsed) = self.reader(id) {
            return Ok(parsed);
        }
        let asked = self.registry.schema(id, Some(&self.subject)).await;
        let schema = asked.map_err(|error| CodecError::registry(&self.subject, error))?;
        let parsed = Arc::new(self.parsed(&schema).await?);
        let mut readers = self.readers.write().unwrap_or_else(PoisonError::into_inner);
        if readers.len() >= READERS_MAX {
            // Rare enough to begin again: whatever is needed is in the registry's cache.
            readers.clear();
        }
        Ok(readers.entry(id).or_insert(parsed).clone())
    }
}

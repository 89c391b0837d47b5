//! The calls of Confluent's REST API.

use std::sync::Arc;

use kafka_client::__http::{Verb, segment};
use serde::de::DeserializeOwned;

use super::answers::{LevelBody, ModeBody, RegisteredBody, SchemaAnswer, SchemaBody};
use super::answers::{VerdictBody, VersionBody};
use super::transport::{Question, Transport};
use super::{Asking, Registered, RegistryBuilder, RegistryError, SchemaRegistry, SubjectVersion};
use crate::compatibility::{Level, UnknownLevel};
use crate::schema::Schema;
use crate::subject::in_context;
use crate::wire::SchemaId;

/// A registry that speaks Confluent's REST API. Clones share it.
///
/// Each request is tried at all addresses in turn, again when a failure may pass, until its time is over
/// ([`Retry`](super::Retry)). What a registry refuses is an error at once.
///
/// # Cancel safety
/// Of all calls: dropping the future closes the connection. The registry may have done what it was asked for.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use kafka_client_formats::registry::Registry;
/// use kafka_client_formats::schema::Schema;
///
/// let registry = Registry::builder("http://one:8081,http://two:8081").build()?;
/// let schema = Schema::avro(r#""string""#);
/// let registered = registry.register("greetings-value", &schema).await?;
/// println!("id {}", registered.id);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Registry {
    transport: Arc<Transport>,
    context: Option<Arc<str>>,
}

/// Whether a schema may be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it may.
    pub is_compatible: bool,
    /// Why not, in the registry's words.
    pub messages: Vec<String>,
}

/// How something is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// It is not listed any more, and its schemas can still be read by id.
    Soft,
    /// For good, which takes a soft deletion before.
    Permanent,
}

impl Registry {
    /// A client with default settings, of one address or several, separated by commas (`schema.registry.url`).
    pub fn builder(urls: impl Into<String>) -> RegistryBuilder {
        RegistryBuilder::new(urls.into())
    }

    pub(super) fn with(transport: Transport, context: Option<String>) -> Self {
        Self {
            transport: Arc::new(transport),
            context: context.map(Arc::from),
        }
    }

    /// The subject with its context.
    fn full(&self, subject: &str) -> String {
        in_context(self.context.as_deref(), subject)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        verb: Verb,
        path: &str,
        subject: Option<&str>,
        body: Option<String>,
    ) -> Result<T, RegistryError> {
        let question = Question {
            verb,
            path,
            body,
            subject,
        };
        self.transport.ask(question).await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        subject: Option<&str>,
    ) -> Result<T, RegistryError> {
        self.ask(Verb::Get, path, subject, None).await
    }

    /// Registers a schema under a subject, if it is not there.
    ///
    /// # Errors
    /// [`Incompatible`](super::RegistryErrorKind::Incompatible) if the subject's rules do not allow it, and those
    /// of any request.
    pub async fn register(
        &self,
        subject: &str,
        schema: &Schema,
    ) -> Result<Registered, RegistryError> {
        let subject = self.full(subject);
        let path = format!("/subjects/{}/versions", segment(&subject));
        let body = Some(SchemaBody::of(schema).json());
        let answer: RegisteredBody = self.ask(Verb::Post, &path, Some(&subject), body).await?;
        Ok(answer.read())
    }

    /// Looks for a schema under a subject, where it was registered before.
    ///
    /// # Errors
    /// [`NotFound`](super::RegistryErrorKind::NotFound) if it is not there, and those of any request.
    pub async fn look_up(
        &self,
        subject: &str,
        schema: &Schema,
    ) -> Result<Registered, RegistryError> {
        let subject = self.full(subject);
        let path = format!("/subjects/{}", segment(&subject));
        let body = Some(SchemaBody::of(schema).json());
        let answer: RegisteredBody = self.ask(Verb::Post, &path, Some(&subject), body).await?;
        Ok(answer.read())
    }

    /// The newest version of a subject.
    ///
    /// # Errors
    /// [`NotFound`](super::RegistryErrorKind::NotFound) if there is no such subject, and those of any request.
    pub async fn latest(&self, subject: &str) -> Result<SubjectVersion, RegistryError> {
        self.version_named(subject, "latest").await
    }

    /// A version of a subject.
    ///
    /// # Errors
    /// [`NotFound`](super::RegistryErrorKind::NotFound) if there is none, and those of any request.
    pub async fn version(
        &self,
        subject: &str,
        version: i32,
    ) -> Result<SubjectVersion, RegistryError> {
        self.version_named(subject, &version.to_string()).await
    }

    async fn version_named(
        &self,
        subject: &str,
        version: &str,
    ) -> Result<SubjectVersion, RegistryError> {
        let subject = self.full(subject);
        let path = format!("/subjects/{}/versions/{version}", segment(&subject));
        let answer: VersionBody = self.get(&path, Some(&subject)).await?;
        answer.read().map_err(|error| error.about(&subject))
    }

    /// The schema with this id or GUID. Ids count in each context by themselves: that of `subject` is meant, or
    /// the client's.
    ///
    /// # Errors
    /// [`NotFound`](super::RegistryErrorKind::NotFound) if there is none, and those of any request.
    pub async fn schema(
        &self,
        id: SchemaId,
        subject: Option<&str>,
    ) -> Result<Schema, RegistryError> {
        let subject = self.full(subject.unwrap_or_default());
        let path = match id {
            SchemaId::Guid(guid) => format!("/schemas/guids/{guid}"),
            SchemaId::Id(id) if subject.is_empty() => format!("/schemas/ids/{id}"),
            SchemaId::Id(id) => format!("/schemas/ids/{id}?subject={}", segment(&subject)),
        };
        let about = (!subject.is_empty()).then_some(subject.as_str());
        let answer: SchemaAnswer = self.get(&path, about).await?;
        answer.read()
    }

    /// All subjects, of the client's context if it has one; with `deleted` also those that are softly deleted.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn subjects(&self, deleted: bool) -> Result<Vec<String>, RegistryError> {
        let prefix = match &self.context {
            Some(context) => format!(":.{context}:"),
            None => ":*:".to_owned(),
        };
        let path = format!(
            "/subjects?subjectPrefix={}&deleted={deleted}",
            segment(&prefix)
        );
        self.get(&path, None).await
    }

    /// The versions of a subject.
    ///
    /// # Errors
    /// [`NotFound`](super::RegistryErrorKind::NotFound) if there is no such subject, and those of any request.
    pub async fn versions(&self, subject: &str) -> Result<Vec<i32>, RegistryError> {
        let subject = self.full(subject);
        let path = format!("/subjects/{}/versions", segment(&subject));
        self.get(&path, Some(&subject)).await
    }

    /// The ids of schemas that refer to a version of a subject.
    ///
    /// # Errors
    /// [`NotFound`](super::RegistryErrorKind::NotFound) if there is no such version, and those of any request.
    pub async fn referenced_by(
        &self,
        subject: &str,
        version: i32,
    ) -> Result<Vec<i32>, RegistryError> {
        let subject = self.full(subject);
        let path = format!(
            "/subjects/{}/versions/{version}/referencedby",
            segment(&subject)
        );
        self.get(&path, Some(&subject)).await
    }

    /// The contexts, with their dots.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn contexts(&self) -> Result<Vec<String>, RegistryError> {
        self.get("/contexts", None).await
    }

    /// Whether a schema may follow those of a subject, by the subject's level; nothing is registered.
    ///
    /// # Errors
    /// Those of any request. A schema that may not is no error.
    pub async fn test_compatibility(
        &self,
        subject: &str,
        schema: &Schema,
    ) -> Result<Verdict, RegistryError> {
        self.test(subject, "", schema).await
    }

    /// Whether a schema may follow this version of a subject, by the subject's level.
    ///
    /// # Errors
    /// [`NotFound`](super::RegistryErrorKind::NotFound) if there is no such version, and those of any request. A
    /// schema that may not is no error.
    pub async fn test_compatibility_with(
        &self,
        subject: &str,
        version: i32,
        schema: &Schema,
    ) -> Result<Verdict, RegistryError> {
        self.test(subject, &format!("/{version}"), schema).await
    }

    async fn test(
        &self,
        subject: &str,
        version: &str,
        schema: &Schema,
    ) -> Result<Verdict, RegistryError> {
        let subject = self.full(subject);
        let name = segment(&subject);
        let path = format!("/compatibility/subjects/{name}/versions{version}?verbose=true");
        let body = Some(SchemaBody::of(schema).json());
        let answer: VerdictBody = self.ask(Verb::Post, &path, Some(&subject), body).await?;
        Ok(Verdict {
            is_compatible: answer.is_compatible,
            messages: answer.messages,
        })
    }

    /// The level of a subject, or that which holds for all that have none of their own.
    ///
    /// # Errors
    /// Those of any request, and when the level is none that is known.
    pub async fn compatibility(&self, subject: Option<&str>) -> Result<Level, RegistryError> {
        let subject = subject.map(|subject| self.full(subject));
        let path = match &subject {
            Some(subject) => format!("/config/{}?defaultToGlobal=true", segment(subject)),
            None => "/config".to_owned(),
        };
        let answer: LevelBody = self.get(&path, subject.as_deref()).await?;
        level(&answer.level)
    }

    /// Sets the level of a subject, or that which holds for all that have none of their own.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn set_compatibility(
        &self,
        subject: Option<&str>,
        level: Level,
    ) -> Result<(), RegistryError> {
        let subject = subject.map(|subject| self.full(subject));
        let body = format!(r#"{{"compatibility":"{}"}}"#, level.as_str());
        let path = config(subject.as_deref());
        let _: LevelBody = self
            .ask(Verb::Put, &path, subject.as_deref(), Some(body))
            .await?;
        Ok(())
    }

    /// Takes the level of a subject's own away.
    ///
    /// # Errors
    /// [`NotFound`](super::RegistryErrorKind::NotFound) if it has none, and those of any request.
    pub async fn unset_compatibility(&self, subject: &str) -> Result<(), RegistryError> {
        let subject = self.full(subject);
        let path = config(Some(&subject));
        let _: serde_json::Value = self.ask(Verb::Delete, &path, Some(&subject), None).await?;
        Ok(())
    }

    /// The mode of a subject, or of the registry: `READWRITE`, `READONLY`, `IMPORT` or another.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn mode(&self, subject: Option<&str>) -> Result<String, RegistryError> {
        let subject = subject.map(|subject| self.full(subject));
        let path = match &subject {
            Some(subject) => format!("/mode/{}?defaultToGlobal=true", segment(subject)),
            None => "/mode".to_owned(),
        };
        let answer: ModeBody = self.get(&path, subject.as_deref()).await?;
        Ok(answer.mode)
    }

    /// Deletes a subject; gives the versions that it had.
    ///
    /// A deletion whose answer is lost is tried again, and the second answer may be that there is no such
    /// subject.
    ///
    /// # Errors
    /// [`NotFound`](super::RegistryErrorKind::NotFound) if there is no such subject, and those of any request.
    pub async fn delete_subject(
        &self,
        subject: &str,
        deletion: Deletion,
    ) -> Result<Vec<i32>, RegistryError> {
        let subject = self.full(subject);
        let path = format!("/subjects/{}?{}", segment(&subject), deletion.query());
        self.ask(Verb::Delete, &path, Some(&subject), None).await
    }

    /// Deletes a version of a subject.
    ///
    /// # Errors
    /// As [`delete_subject`](Self::delete_subject).
    pub async fn delete_version(
        &self,
        subject: &str,
        version: i32,
        deletion: Deletion,
    ) -> Result<(), RegistryError> {
        let subject = self.full(subject);
        let (name, query) = (segment(&subject), deletion.query());
        let path = format!("/subjects/{name}/versions/{version}?{query}");
        let _: i32 = self.ask(Verb::Delete, &path, Some(&subject), None).await?;
        Ok(())
    }
}

impl Deletion {
    fn query(self) -> &'static str {
        match self {
            Self::Soft => "permanent=false",
            Self::Permanent => "permanent=true",
        }
    }
}

fn config(subject: Option<&str>) -> String {
    match subject {
        Some(subject) => format!("/config/{}", segment(subject)),
        None => "/config".to_owned(),
    }
}

fn level(name: &str) -> Result<Level, RegistryError> {
    let level = name.parse();
    level.map_err(|error: UnknownLevel| RegistryError::bad_answer("", error.to_string()))
}

impl SchemaRegistry for Registry {
    fn register<'a>(&'a self, subject: &'a str, schema: &'a Schema) -> Asking<'a, Registered> {
        Box::pin(self.register(subject, schema))
    }

    fn look_up<'a>(&'a self, subject: &'a str, schema: &'a Schema) -> Asking<'a, Registered> {
        Box::pin(self.look_up(subject, schema))
    }

    fn latest<'a>(&'a self, subject: &'a str) -> Asking<'a, SubjectVersion> {
        Box::pin(self.latest(subject))
    }

    fn version<'a>(&'a self, subject: &'a str, version: i32) -> Asking<'a, SubjectVersion> {
        Box::pin(self.version(subject, version))
    }

    fn schema<'a>(&'a self, id: SchemaId, subject: Option<&'a str>) -> Asking<'a, Arc<Schema>> {
        Box::pin(async move { Ok(Arc::new(self.schema(id, subject).await?)) })
    }
}

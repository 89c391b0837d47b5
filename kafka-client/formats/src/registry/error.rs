//! What went wrong with a registry, and what to do.

use std::fmt;
use std::sync::Arc;

/// A registry did not do what it was asked for. Clones share it, as callers that waited for one request do.
#[derive(Debug, Clone)]
pub struct RegistryError(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: RegistryErrorKind,
    url: String,
    subject: Option<String>,
    status: Option<u16>,
    code: Option<i64>,
    message: String,
}

/// What kind of failure it is, by who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegistryErrorKind {
    /// A setting is wrong, or there is no runtime.
    Config,
    /// No address was reached, or none answered in time.
    Unreachable,
    /// The registry answers that it cannot now, and did so until the time was over.
    Unavailable,
    /// Who asks is not known, or may not.
    Unauthorized,
    /// There is no such subject, version or schema.
    NotFound,
    /// The schema breaks the rules of its subject.
    Incompatible,
    /// The registry does not take the schema, the subject or a setting.
    Invalid,
    /// The answer is not of the API: usually an address of something else.
    BadAnswer,
    /// Another answer that no retry changes.
    Refused,
}

impl RegistryError {
    fn new(kind: RegistryErrorKind, url: &str, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            url: url.to_owned(),
            subject: None,
            status: None,
            code: None,
            message: message.into(),
        }))
    }

    /// An error of a registry that is not Confluent's, for those who adapt one.
    #[must_use]
    pub fn other(kind: RegistryErrorKind, url: &str, message: impl Into<String>) -> Self {
        Self::new(kind, url, message)
    }

    pub(super) fn config(message: impl Into<String>) -> Self {
        Self::new(RegistryErrorKind::Config, "", message)
    }

    pub(super) fn unreachable(url: &str, message: impl Into<String>) -> Self {
        Self::new(RegistryErrorKind::Unreachable, url, message)
    }

    pub(super) fn bad_answer(url: &str, message: impl Into<String>) -> Self {
        Self::new(RegistryErrorKind::BadAnswer, url, message)
    }

    /// An answer with this status.
    pub(super) fn answered(url: &str, status: u16, code: Option<i64>, message: String) -> Self {
        let kind = match status {
            401 | 403 => RegistryErrorKind::Unauthorized,
            404 => RegistryErrorKind::NotFound,
            409 => RegistryErrorKind::Incompatible,
            400 | 422 => RegistryErrorKind::Invalid,
            408 | 425 | 429 | 500.. => RegistryErrorKind::Unavailable,
            _ => RegistryErrorKind::Refused,
        };
        Self(Arc::new(Inner {
            kind,
            url: url.to_owned(),
            subject: None,
            status: Some(status),
            code,
            message,
        }))
    }

    /// With the subject that it was about.
    #[must_use]
    pub fn about(mut self, subject: &str) -> Self {
        let inner = Arc::make_mut(&mut self.0);
        inner.subject.get_or_insert_with(|| subject.to_owned());
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> RegistryErrorKind {
        self.0.kind
    }

    /// Whether asking again later may help.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        let kind = self.kind();
        matches!(
            kind,
            RegistryErrorKind::Unreachable | RegistryErrorKind::Unavailable
        )
    }

    /// The registry's `error_code`, such as 40401, if it has sent one.
    #[must_use]
    pub fn error_code(&self) -> Option<i64> {
        self.0.code
    }

    /// The status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// What the registry says, or what kept it from that.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The subject that it is about, if it is about one.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// The address that was asked; empty if none was.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// What a person may do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match (self.0.kind, self.0.code) {
            (RegistryErrorKind::Config, _) => "change the setting",
            (RegistryErrorKind::Unreachable, _) => {
                "check the registry's address, and that it runs and can be reached from here"
            }
            (RegistryErrorKind::Unavailable, _) => {
                "the registry, or the cluster behind it, is in trouble: see its log"
            }
            (RegistryErrorKind::Unauthorized, _) => {
                "check user and password or the token, and what they may do there"
            }
            (RegistryErrorKind::NotFound, Some(40401)) => {
                "no schema was registered under this subject: check its name and the naming of subjects, or \
                 register the schema first"
            }
            (RegistryErrorKind::NotFound, Some(40403)) => {
                "the schema is not in this registry: check that it is the one that the writer uses"
            }
            (RegistryErrorKind::NotFound, Some(_)) => "check the subject and the version",
            (RegistryErrorKind::NotFound, None) => {
                "check the registry's address: there may be something else at it"
            }
            (RegistryErrorKind::Incompatible, _) => {
                "change the schema so that it fits what was registered before (a new field takes a default), \
                 or the subject's compatibility level"
            }
            (RegistryErrorKind::Invalid, _) => "correct the schema, or the name",
            (RegistryErrorKind::BadAnswer, _) => {
                "check the registry's address: there may be something else at it"
            }
            (RegistryErrorKind::Refused, _) => "see what the registry says",
        }
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("schema registry")?;
        if !self.0.url.is_empty() {
            write!(f, " {}", self.0.url)?;
        }
        if let Some(subject) = &self.0.subject {
            write!(f, ", subject {subject}")?;
        }
        match (self.0.status, self.0.code) {
            (_, Some(code)) => write!(f, ": error {code}")?,
            (Some(status), None) => write!(f, ": status {status}")?,
            (None, None) => {}
        }
        write!(f, ": {} ({})", self.0.message, self.remedy())
    }
}

impl std::error::Error for RegistryError {}

//! Where AWS's own programs look for credentials, one file for each place.
//!
//! - `environment`, `profile`, `web_identity`, `container`, `machine`: the places
//! - `answer`: credentials in JSON, as machines and containers give them (pure)
//! - `xml`: the little of XML that STS speaks (pure)

mod answer;
mod container;
mod environment;
mod machine;
mod profile;
mod web_identity;
mod xml;

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::credentials::{AwsCredentials, CredentialsProvider, Lending};
use crate::env::Env;
use crate::security::http::{Failure, Http, Limits, Retries, Then};
use crate::security::sasl::mechanism::SaslError;
use crate::security::{Secret, Tls};

/// The environment's variables.
#[derive(Clone)]
pub(super) struct Variables(Arc<Find>);

type Find = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Variables {
    pub(super) fn of_process() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    pub(super) fn new(find: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    /// What is set, and not empty.
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.trim().is_empty())
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        self.get(name).map(Secret::from)
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
    }
}

/// Why a source has none.
#[derive(Debug)]
enum Missing {
    /// It is not set up: the next one is asked.
    Absent(String),
    /// It is, and fails.
    Failed(Failure),
}

impl Missing {
    fn stop(text: impl Into<String>) -> Self {
        Self::Failed(Failure::stop(text))
    }
}

type Found = Result<AwsCredentials, Missing>;

/// All the places.
pub(super) struct Sources {
    variables: Variables,
    http: Http,
    /// Of machines and containers, which are near and answer at once.
    near: Http,
    /// That the user wants, before all others.
    profile: Option<String>,
    /// For STS.
    region: String,
}

impl Sources {
    pub(super) fn new(env: &Env, variables: Variables, profile: Option<String>) -> Self {
        let tls = match variables.get("AWS_CA_BUNDLE") {
            Some(path) => Tls::new().ca_file(path),
            None => Tls::new(),
        };
        let near = Limits {
            connect: Duration::from_secs(1),
            answer: Duration::from_secs(2),
            ..Limits::DEFAULT
        };
        Self {
            http: Http::new(env, tls.clone(), Limits::DEFAULT),
            near: Http::new(env, tls, near),
            variables,
            profile,
            region: String::new(),
        }
    }

    pub(super) fn in_region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.region);
        self
    }

    /// The region that is set outside of this program.
    pub(super) fn region(&self) -> Option<String> {
        let mut variable = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter();
        let variable = variable.find_map(|name| self.variables.get(name));
        variable.or_else(|| self.profile_region())
    }

    async fn find(&self) -> Result<AwsCredentials, SaslError> {
        let mut tried = Tried::default();
        if self.profile.is_some() {
            let found = tried.judge("the profile", self.profile().await)?;
            return found.ok_or_else(|| SaslError::Refused(tried.none().into()));
        }
        if let Some(found) = tried.judge("the environment", self.environment())? {
            return Ok(found);
        }
        if let Some(found) = tried.judge("a role for a web identity", self.web_identity().await)? {
            return Ok(found);
        }
        if let Some(found) = tried.judge("the profile", self.profile().await)? {
            return Ok(found);
        }
        if let Some(found) = tried.judge("the container", self.container().await)? {
            return Ok(found);
        }
        if let Some(found) = tried.judge("the machine (IMDS)", self.machine().await)? {
            return Ok(found);
        }
        Err(SaslError::Refused(tried.none().into()))
    }
}

/// The sources that had none, and why.
#[derive(Default)]
struct Tried(Vec<String>);

impl Tried {
    /// What a source has given; `None` to go on with the next.
    fn judge(&mut self, source: &str, found: Found) -> Result<Option<AwsCredentials>, SaslError> {
        match found {
            Ok(credentials) => {
                tracing::debug!(source, ?credentials, "credentials of AWS");
                Ok(Some(credentials))
            }
            Err(Missing::Absent(reason)) => {
                self.0.push(format!("{source}: {reason}"));
                Ok(None)
            }
            // Those of another source would be somebody else's.
            Err(Missing::Failed(failure)) => {
                self.0.push(format!("{source}: {}", failure.text));
                Err(match failure.then {
                    Then::Stop => SaslError::Refused(self.none().into()),
                    Then::Retry | Then::Later => SaslError::Unavailable(self.none().into()),
                })
            }
        }
    }

    fn none(&self) -> String {
        format!("there are no credentials of AWS: {}", self.0.join("; "))
    }
}

impl CredentialsProvider for Sources {
    fn credentials(&self) -> Lending<'_> {
        Box::pin(async {
            self.find()
                .await
                .map_err(|error| Box::new(error) as Box<dyn Error + Send + Sync>)
        })
    }
}

/// How long those who are near are asked again.
fn patience() -> Retries {
    Retries::new(Duration::from_millis(100), Duration::from_secs(2))
}

/// A file with a token, which others keep fresh. It is small, and on a disk of this machine.
fn read(path: &str, variable: &str) -> Result<Secret, Missing> {
    // It may be in the middle of a change.
    let later = |what: String| Missing::Failed(Failure::new(Then::Later, what));
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| later(format!("{variable}: cannot read {path}: {error}")))?;
    let text = Secret::from(text);
    match text.expose().trim() {
        "" => Err(later(format!("{variable}: {path} is empty"))),
        text => Ok(Secret::from(text)),
    }
}

/// The user's own directory.
fn home(variables: &Variables) -> Option<PathBuf> {
    let home = variables
        .get("HOME")
        .or_else(|| variables.get("USERPROFILE"));
    home.map(PathBuf::from)
}

//! A request until it is answered.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use kafka_client::__http::{Answer, Base, Client, Verb};
use kafka_client::security::Secret;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::answers::Failed;
use super::attempts::{Attempts, may_pass};
use super::{RegistryError, Retry};

/// Of what a server says, in characters.
const WORDS_MAX: usize = 2000;

const CONTENT: &str = "application/vnd.schemaregistry.v1+json";

/// The way to a registry with several addresses.
pub(super) struct Transport {
    client: Client,
    bases: Vec<Base>,
    headers: Vec<(&'static str, Secret)>,
    secrets: Vec<Secret>,
    retry: Retry,
    /// The address that answered last.
    good: AtomicUsize,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("bases", &self.bases)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) verb: Verb,
    pub(super) path: &'a str,
    pub(super) body: Option<String>,
    /// What it is about, for errors.
    pub(super) subject: Option<&'a str>,
}

impl Transport {
    pub(super) fn new(
        client: Client,
        bases: Vec<Base>,
        mut headers: Vec<(&'static str, Secret)>,
        secrets: Vec<Secret>,
        retry: Retry,
    ) -> Self {
        headers.push((
            "accept",
            Secret::from(format!("{CONTENT}, application/json")),
        ));
        Self {
            client,
            bases,
            headers,
            secrets,
            retry,
            good: AtomicUsize::new(0),
        }
    }

    /// The answer to a question.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; the registry may have done what it was asked for.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        question: Question<'_>,
    ) -> Result<T, RegistryError> {
        let answered = self.answer(&question).await;
        let read = answered.and_then(|(base, answer)| self.read(base, &answer));
        read.map_err(|error| match question.subject {
            Some(subject) => error.about(subject),
            None => error,
        })
    }

    /// Tries until there is an answer that does not pass.
    async fn answer(&self, question: &Question<'_>) -> Result<(&Base, Answer), RegistryError> {
        let mut headers = self.headers.clone();
        if question.body.is_some() {
            headers.push(("content-type", Secret::from(CONTENT)));
        }
        let body = question.body.as_deref().unwrap_or_default();
        let begin = Instant::now();
        let good = self.good.load(Ordering::Relaxed);
        let mut attempts = Attempts::new(self.retry, self.bases.len(), good);
        // Addresses in a row of which nothing is to be hoped for, such as one whose certificate is not believed.
        let mut hopeless = 0;
        loop {
            let address = attempts.address();
            let base = &self.bases[address];
            let send = self
                .client
                .send(question.verb, base, question.path, &headers, body);
            let left = attempts.left(begin.elapsed());
            let (error, may_pass) = match self.client.timeout(left, send).await {
                Some(Ok(answer)) if !may_pass(answer.status) => {
                    self.good.store(address, Ordering::Relaxed);
                    return Ok((base, answer));
                }
                Some(Ok(answer)) => (self.refused(base, &answer), true),
                Some(Err(failure)) => {
                    let text = self.clean(failure.text);
                    let error = RegistryError::unreachable(&base.to_string(), text);
                    (error, failure.may_pass)
                }
                None => {
                    let text = format!("no answer within {:?}", self.retry.deadline);
                    return Err(RegistryError::unreachable(&base.to_string(), text));
                }
            };
            hopeless = match may_pass {
                true => 0,
                false => hopeless + 1,
            };
            if hopeless == self.bases.len() {
                return Err(error);
            }
            let wait = attempts.failed(begin.elapsed(), self.client.chance());
            let Some(wait) = wait else {
                return Err(error);
            };
            tracing::debug!(%error, ?wait, "asking the schema registry again");
            if !wait.is_zero() {
                self.client.sleep(wait).await;
            }
        }
    }

    fn read<T: DeserializeOwned>(&self, base: &Base, answer: &Answer) -> Result<T, RegistryError> {
        if !(200..300).contains(&answer.status) {
            return Err(self.refused(base, answer));
        }
        serde_json::from_slice(&answer.body).map_err(|error| {
            // Without what it found, which may be whatever is at that address.
            let at = (error.line(), error.column());
            let text = format!(
                "its answer is not of the API (line {}, column {})",
                at.0, at.1
            );
            RegistryError::bad_answer(&base.to_string(), text)
        })
    }

    fn refused(&self, base: &Base, answer: &Answer) -> RegistryError {
        let (code, words) = match serde_json::from_slice::<Failed>(&answer.body) {
            Ok(failed) => (Some(failed.error_code), failed.message),
            Err(_) => (None, String::from_utf8_lossy(&answer.body).into_owned()),
        };
        let words = match (answer.status, words.as_str()) {
            (300..400, _) => {
                "the answer leads elsewhere and is not followed: set the address that it leads to"
                    .to_owned()
            }
            (_, "") => "nothing is said about it".to_owned(),
            _ => self.clean(words),
        };
        RegistryError::answered(&base.to_string(), answer.status, code, words)
    }

    /// Without secrets, and no longer than anybody reads.
    fn clean(&self, mut words: String) -> String {
        for secret in &self.secrets {
            // What is shorter is no secret, and to look for it would garble the words.
            if secret.expose().len() >= 6 {
                words = words.replace(secret.expose(), "[hidden]");
            }
        }
        if let Some((end, _)) = words.char_indices().nth(WORDS_MAX) {
            words.truncate(end);
        }
        words
    }
}

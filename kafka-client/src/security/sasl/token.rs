//! Tokens, and where they come from.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use crate::security::Secret;

/// A bearer token.
#[derive(Debug, Clone)]
pub struct Token {
    pub(super) value: Secret,
    pub(super) expires_at: Option<SystemTime>,
    pub(super) extensions: BTreeMap<String, String>,
}

impl Token {
    /// A token. When it expires is read from it, if it is a JWT with an `exp` claim; else it is asked for
    /// anew for each connection.
    pub fn new(value: impl Into<Secret>) -> Self {
        let value = value.into();
        Self {
            expires_at: expiry(value.expose()),
            value,
            extensions: BTreeMap::new(),
        }
    }

    /// When it expires, for tokens that do not say so themselves.
    #[must_use]
    pub fn expires_at(mut self, at: SystemTime) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// A SASL extension (KIP-342), such as `logicalCluster` and `identityPoolId` of Confluent Cloud.
    #[must_use]
    pub fn extension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extensions.insert(name.into(), value.into());
        self
    }
}

/// The future of [`TokenProvider::token`].
pub type Tokening<'a> =
    Pin<Box<dyn Future<Output = Result<Token, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// Where tokens come from. A closure that gives a future is one:
///
/// ```
/// use kafka_client::security::{Sasl, Token};
///
/// let sasl = Sasl::oauthbearer(|| async {
///     let token = "eyJhbGciOi.."; // of your identity provider
///     Ok(Token::new(token))
/// });
/// ```
pub trait TokenProvider: Send + Sync + 'static {
    /// A token that is valid for a while. One is asked for at a time, however many connections wait.
    ///
    /// # Errors
    /// When there is none now: the client asks again, or goes on with the one before while that is valid.
    /// A [`SaslError::Refused`](super::SaslError::Refused) in the box says that it stays so: what waits for the
    /// token ends with it.
    ///
    /// # Cancel safety
    /// The future is dropped when nobody waits for the token any more.
    fn token(&self) -> Tokening<'_>;
}

impl<F, Fut> TokenProvider for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Token, Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    fn token(&self) -> Tokening<'_> {
        Box::pin(self())
    }
}

/// Tokens from a file that somebody else keeps fresh, such as those that Kubernetes projects: it is read
/// each time a token is needed.
#[derive(Debug, Clone)]
pub struct FileTokens {
    path: PathBuf,
    extensions: BTreeMap<String, String>,
}

impl FileTokens {
    /// The file with nothing but the token.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            extensions: BTreeMap::new(),
        }
    }

    /// A SASL extension of each token, as [`Token::extension`].
    #[must_use]
    pub fn extension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extensions.insert(name.into(), value.into());
        self
    }
}

impl TokenProvider for FileTokens {
    fn token(&self) -> Tokening<'_> {
        Box::pin(async {
            // It is small, and on a disk of this machine.
            let text = std::fs::read_to_string(&self.path).map_err(|error| {
                let path = self.path.display();
                format!(
                    "cannot read the token in {path}: {error}; it is the file of \
                     sasl.oauthbearer.token.endpoint.url, or of FileTokens"
                )
            })?;
            let text = Secret::from(text);
            let mut token = Token::new(text.expose().trim());
            token.extensions.clone_from(&self.extensions);
            Ok(token)
        })
    }
}

/// When a JWT says that it expires. Its signature is the broker's to check.
fn expiry(token: &str) -> Option<SystemTime> {
    let payload = token.split('.').nth(1)?;
    let claims: serde_json::Value =
        serde_json::from_slice(&BASE64.decode(payload.trim_end_matches('=')).ok()?).ok()?;
    // Some issuers write fractions.
    let seconds = claims.get("exp")?.as_f64()?;
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!(
            "{}.{}.",
            BASE64.encode("{\"alg\":\"none\"}"),
            BASE64.encode(claims)
        )
    }

    fn seconds(token: &Token) -> Option<f64> {
        let since = token.expires_at?.duration_since(SystemTime::UNIX_EPOCH);
        Some(since.unwrap().as_secs_f64())
    }

    #[test]
    fn a_jwt_says_when_it_expires() {
        for (token, expected) in [
            (
                jwt("{\"sub\":\"alice\",\"exp\":1700000000}"),
                Some(1_700_000_000.0),
            ),
            (jwt("{\"exp\":1700000000.5}"), Some(1_700_000_000.5)),
            (jwt("{\"exp\":-1}"), None),
            (jwt("{\"exp\":1e300}"), None),
            (jwt("{\"sub\":\"alice\"}"), None),
            ("opaque".to_owned(), None),
            ("a.%.c".to_owned(), None),
        ] {
            assert_eq!(seconds(&Token::new(token.as_str())), expected, "{token}");
        }
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(5);
        assert_eq!(seconds(&Token::new("opaque").expires_at(at)), Some(5.0));
    }

    #[test]
    fn a_token_is_not_shown() {
        let token = Token::new("opaque");
        assert!(!format!("{token:?}").contains("opaque"));
    }
}

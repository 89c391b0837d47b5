//! Who signs.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::SystemTime;

use crate::security::Secret;

/// Credentials of AWS.
#[derive(Clone)]
pub struct AwsCredentials {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: Secret,
    pub(super) session_token: Option<Secret>,
    pub(super) expires_at: Option<SystemTime>,
}

impl AwsCredentials {
    /// A key that stays.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<Secret>) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            session_token: None,
            expires_at: None,
        }
    }

    /// The token that belongs to a key which is lent, as those of roles are.
    #[must_use]
    pub fn session_token(mut self, token: impl Into<Secret>) -> Self {
        self.session_token = Some(token.into());
        self
    }

    /// When the key ends. What is signed with it is not used for longer.
    #[must_use]
    pub fn expires_at(mut self, at: SystemTime) -> Self {
        self.expires_at = Some(at);
        self
    }
}

impl fmt::Debug for AwsCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsCredentials")
            .field("access_key_id", &self.access_key_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The future of [`CredentialsProvider::credentials`].
pub type Lending<'a> =
    Pin<Box<dyn Future<Output = Result<AwsCredentials, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// Where credentials of AWS come from, if not from where this client looks itself: the SDK of AWS, for
/// example. A closure that gives a future is one:
///
/// ```
/// use kafka_client::security::{AwsCredentials, MskIam, Sasl};
///
/// let msk = MskIam::new().region("eu-central-1").credentials(|| async {
///     // With aws-config: what its provider gives.
///     Ok(AwsCredentials::new("AKIDEXAMPLE", "secret"))
/// });
/// let sasl = Sasl::msk_iam(msk);
/// # let _ = sasl;
/// ```
pub trait CredentialsProvider: Send + Sync + 'static {
    /// Credentials that are valid now. They are asked for when a token is to be signed, about every twelve
    /// minutes, one at a time.
    ///
    /// # Errors
    /// When there are none now: the client asks again, or goes on with the token before while that is valid.
    ///
    /// # Cancel safety
    /// The future is dropped when nobody waits for the token any more.
    fn credentials(&self) -> Lending<'_>;
}

impl<F, Fut> CredentialsProvider for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<AwsCredentials, Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    fn credentials(&self) -> Lending<'_> {
        Box::pin(self())
    }
}

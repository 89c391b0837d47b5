//! SASL: who the client says it is, and how it proves that.
//!
//! - `mechanism`: what a mechanism is, for those of this crate and of users
//! - `authenticate`: the exchange with a broker
//! - `plain`, `scram`, `oauthbearer`, `gssapi`: the mechanisms
//! - `oidc`: tokens of an identity provider; `msk`: those of Amazon MSK with IAM
//! - `token`: tokens and where they come from; `tokens` keeps them fresh

mod authenticate;
#[cfg(feature = "gssapi")]
mod gssapi;
mod mechanism;
#[cfg(feature = "aws-msk")]
mod msk;
mod oauthbearer;
#[cfg(feature = "oidc")]
mod oidc;
mod plain;
#[cfg(feature = "_tls")]
mod scram;
mod token;
mod tokens;

use std::fmt;
use std::sync::Arc;

pub(crate) use self::authenticate::{Ask, Authenticated, begin, exchange};
#[cfg(feature = "gssapi")]
pub use self::gssapi::Kerberos;
#[cfg(feature = "gssapi")]
pub(super) use self::gssapi::from_properties as kerberos;
pub use self::mechanism::{
    Beginning, Responding, SaslError, SaslExchange, SaslMechanism, SaslStart,
};
#[cfg(feature = "aws-msk")]
pub use self::msk::{AwsCredentials, CredentialsProvider, Lending, MskIam};
#[cfg(feature = "oidc")]
pub use self::oidc::{Algorithm, Assertion, Oidc};
pub use self::token::{FileTokens, Token, TokenProvider, Tokening};

use self::oauthbearer::OauthBearer;
use self::plain::Plain;
#[cfg(feature = "_tls")]
use self::scram::{Hash, Scram};
use super::Secret;
use crate::env::Env;
use crate::error::Error;

/// The mechanism that a client authenticates with (`sasl.mechanism`), with its credentials.
///
/// ```
/// use kafka_client::security::Sasl;
///
/// let sasl = Sasl::scram_sha_512("alice", "secret");
/// assert!(!format!("{sasl:?}").contains("secret"));
/// ```
#[derive(Clone)]
pub struct Sasl(Kind);

#[derive(Clone)]
enum Kind {
    Plain {
        user: String,
        password: Secret,
    },
    #[cfg(feature = "_tls")]
    Scram {
        hash: Hash,
        user: String,
        password: Secret,
        is_token: bool,
    },
    OauthBearer(Arc<dyn TokenProvider>),
    #[cfg(feature = "gssapi")]
    Gssapi(Kerberos),
    #[cfg(feature = "oidc")]
    Oidc(Box<Oidc>),
    #[cfg(feature = "aws-msk")]
    Msk(MskIam),
    Other(Arc<dyn SaslMechanism>),
}

impl Sasl {
    /// `PLAIN`: a name and a password, sent as they are (RFC 4616). Use it with TLS only.
    pub fn plain(user: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self(Kind::Plain {
            user: user.into(),
            password: password.into(),
        })
    }

    /// `SCRAM-SHA-256`: a name and a password that is never sent; the broker proves that it knows it too
    /// (RFC 5802, RFC 7677).
    #[cfg(feature = "_tls")]
    pub fn scram_sha_256(user: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self::scram(Hash::Sha256, user.into(), password.into(), false)
    }

    /// `SCRAM-SHA-512`, as [`scram_sha_256`](Self::scram_sha_256) with the longer hash.
    #[cfg(feature = "_tls")]
    pub fn scram_sha_512(user: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self::scram(Hash::Sha512, user.into(), password.into(), false)
    }

    /// A delegation token (KIP-48): its id and its HMAC in base64, over `SCRAM-SHA-256`.
    #[cfg(feature = "_tls")]
    pub fn delegation_token(id: impl Into<String>, hmac: impl Into<Secret>) -> Self {
        Self::scram(Hash::Sha256, id.into(), hmac.into(), true)
    }

    /// A delegation token over the mechanism of this name.
    #[cfg(feature = "_tls")]
    pub(super) fn lent(mechanism: &str, id: &str, hmac: Secret) -> Self {
        let hash = match mechanism {
            "SCRAM-SHA-512" => Hash::Sha512,
            _ => Hash::Sha256,
        };
        Self::scram(hash, id.to_owned(), hmac, true)
    }

    /// `OAUTHBEARER`: a token of an identity provider (RFC 7628, KIP-255). A token is used until a fifth
    /// of its life is left; then the next one is asked for when a connection needs it.
    pub fn oauthbearer(tokens: impl TokenProvider) -> Self {
        Self(Kind::OauthBearer(Arc::new(tokens)))
    }

    /// `GSSAPI`: Kerberos (RFC 4752), by the system's library. Each connection shows a ticket of its own, also
    /// when it authenticates again, so tickets that are got anew are used without more.
    #[cfg(feature = "gssapi")]
    pub fn gssapi(kerberos: Kerberos) -> Self {
        Self(Kind::Gssapi(kerberos))
    }

    /// `OAUTHBEARER` with tokens of an identity provider, which the client asks for itself. Kept fresh as
    /// those of [`oauthbearer`](Self::oauthbearer).
    #[cfg(feature = "oidc")]
    pub fn oidc(oidc: Oidc) -> Self {
        Self(Kind::Oidc(Box::new(oidc)))
    }

    /// Amazon MSK with IAM, in this region, with the credentials that AWS's own programs would use.
    #[cfg(feature = "aws-msk")]
    pub fn aws_msk_iam(region: impl Into<String>) -> Self {
        Self::msk_iam(MskIam::new().region(region))
    }

    /// Amazon MSK with IAM. Tokens are signed by the client, and kept fresh as those of
    /// [`oauthbearer`](Self::oauthbearer).
    #[cfg(feature = "aws-msk")]
    pub fn msk_iam(msk: MskIam) -> Self {
        Self(Kind::Msk(msk))
    }

    /// A mechanism of the user's.
    pub fn custom(mechanism: impl SaslMechanism) -> Self {
        Self(Kind::Other(Arc::new(mechanism)))
    }

    #[cfg(feature = "_tls")]
    fn scram(hash: Hash, user: String, password: Secret, is_token: bool) -> Self {
        Self(Kind::Scram {
            hash,
            user,
            password,
            is_token,
        })
    }

    /// By Kafka's names, for those that need a name and a password.
    pub(super) fn with_password(mechanism: &str, user: &str, password: &Secret) -> Option<Self> {
        match mechanism {
            "PLAIN" => Some(Self::plain(user, password.clone())),
            #[cfg(feature = "_tls")]
            "SCRAM-SHA-256" => Some(Self::scram_sha_256(user, password.clone())),
            #[cfg(feature = "_tls")]
            "SCRAM-SHA-512" => Some(Self::scram_sha_512(user, password.clone())),
            _ => None,
        }
    }

    /// `sasl.mechanism`
    pub(super) fn name(&self) -> &str {
        match &self.0 {
            Kind::Plain { .. } => plain::NAME,
            #[cfg(feature = "_tls")]
            Kind::Scram { hash, .. } => hash.mechanism(),
            Kind::OauthBearer(_) => oauthbearer::NAME,
            #[cfg(feature = "gssapi")]
            Kind::Gssapi(_) => gssapi::NAME,
            #[cfg(feature = "oidc")]
            Kind::Oidc(_) => oauthbearer::NAME,
            #[cfg(feature = "aws-msk")]
            Kind::Msk(_) => oauthbearer::NAME,
            Kind::Other(mechanism) => mechanism.name(),
        }
    }

    /// Whether what is sent is the secret itself.
    pub(super) fn shows_its_secret(&self) -> bool {
        matches!(self.name(), plain::NAME | oauthbearer::NAME)
    }

    /// The mechanism at work in an environment.
    ///
    /// # Errors
    /// When a setting is wrong, or a file cannot be read.
    pub(super) async fn mechanism(&self, env: &Env) -> Result<Arc<dyn SaslMechanism>, Error> {
        Ok(match &self.0 {
            Kind::Plain { user, password } => Arc::new(Plain::new(user, password)),
            #[cfg(feature = "_tls")]
            Kind::Scram {
                hash,
                user,
                password,
                is_token,
            } => Arc::new(Scram::new(env, *hash, user, password, *is_token)),
            Kind::OauthBearer(tokens) => Arc::new(OauthBearer::new(env, tokens.clone())),
            #[cfg(feature = "gssapi")]
            Kind::Gssapi(kerberos) => Arc::new(gssapi::Gssapi::new(env, kerberos)),
            #[cfg(feature = "oidc")]
            Kind::Oidc(oidc) => {
                let issuer = oidc::Issuer::new(env, oidc).await?;
                Arc::new(OauthBearer::new(env, Arc::new(issuer)))
            }
            #[cfg(feature = "aws-msk")]
            Kind::Msk(msk) => {
                let signer = msk::Signer::new(env, msk)?;
                Arc::new(OauthBearer::new(env, Arc::new(signer)))
            }
            Kind::Other(mechanism) => mechanism.clone(),
        })
    }
}

impl fmt::Debug for Sasl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sasl = f.debug_struct("Sasl");
        sasl.field("mechanism", &self.name());
        match &self.0 {
            Kind::Plain { user, .. } => sasl.field("user", user),
            #[cfg(feature = "_tls")]
            Kind::Scram { user, .. } => sasl.field("user", user),
            #[cfg(feature = "gssapi")]
            Kind::Gssapi(kerberos) => sasl.field("kerberos", kerberos),
            #[cfg(feature = "oidc")]
            Kind::Oidc(oidc) => sasl.field("tokens", oidc),
            #[cfg(feature = "aws-msk")]
            Kind::Msk(msk) => sasl.field("tokens", msk),
            Kind::OauthBearer(_) | Kind::Other(_) => &mut sasl,
        }
        .finish_non_exhaustive()
    }
}

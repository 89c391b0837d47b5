//! Tokens of an identity provider (KIP-768, KIP-1139): settings.
//!
//! - `issuer`: asks the token endpoint
//! - `answer`: what it says (pure)
//! - `assertion`: what a client without a secret shows it; `jws` signs that

mod answer;
mod assertion;
mod issuer;
mod jws;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

pub use self::assertion::{Algorithm, Assertion};
pub(super) use self::issuer::Issuer;
use crate::security::http::{Limits, Retries};
use crate::security::{Secret, Tls};

/// Where tokens for `OAUTHBEARER` are got from: the token endpoint of an identity provider (OAuth 2.0),
/// and how this client shows it who it is. For [`Sasl::oidc`](super::Sasl::oidc).
///
/// Connections to the endpoint are made by the client's [`Connector`](crate::Connector), with TLS for
/// `https://`; no redirect is followed, and no proxy is used but by a connector of yours.
///
/// ```
/// use kafka_client::security::{Oidc, Sasl};
///
/// let oidc = Oidc::client_credentials("https://idp.example/oauth2/token", "client-1", "secret")
///     .scope("kafka")
///     .extension("logicalCluster", "lkc-abc123")
///     .extension("identityPoolId", "pool-1");
/// let sasl = Sasl::oidc(oidc);
/// assert!(!format!("{sasl:?}").contains("secret"));
/// ```
#[derive(Clone)]
#[must_use = "settings do nothing until they are given to Sasl::oidc"]
pub struct Oidc {
    endpoint: String,
    grant: Grant,
    scope: Option<String>,
    parameters: Vec<(String, Secret)>,
    extensions: BTreeMap<String, String>,
    tls: Tls,
    limits: Limits,
    retry_backoff: Duration,
    retry_backoff_max: Duration,
    urlencode_header: bool,
    secret_in_body: bool,
}

/// How the client shows who it is.
#[derive(Clone)]
enum Grant {
    /// `client_credentials` with a secret.
    Secret { id: String, secret: Secret },
    /// `client_credentials` with a signed assertion (RFC 7523, section 2.2).
    Assertion {
        id: Option<String>,
        assertion: Assertion,
    },
    /// The assertion is the grant (RFC 7523, section 2.1).
    JwtBearer(Assertion),
}

impl Oidc {
    /// The grant `client_credentials` (RFC 6749, section 4.4): `sasl.oauthbearer.token.endpoint.url`,
    /// `sasl.oauthbearer.client.credentials.client.id` and `.client.secret`.
    pub fn client_credentials(
        endpoint: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<Secret>,
    ) -> Self {
        Self::new(
            endpoint.into(),
            Grant::Secret {
                id: client_id.into(),
                secret: client_secret.into(),
            },
        )
    }

    /// The grant `client_credentials` with an assertion in the place of a secret, which is also called
    /// `private_key_jwt` (RFC 7523, section 2.2).
    pub fn client_assertion(
        endpoint: impl Into<String>,
        client_id: impl Into<String>,
        assertion: Assertion,
    ) -> Self {
        Self::with_assertion(endpoint.into(), Some(client_id.into()), assertion)
    }

    /// The same, where the assertion's subject may be enough for the endpoint.
    pub(in crate::security) fn with_assertion(
        endpoint: String,
        id: Option<String>,
        assertion: Assertion,
    ) -> Self {
        Self::new(endpoint, Grant::Assertion { id, assertion })
    }

    /// The grant `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523, section 2.1, KIP-1139): the
    /// assertion says for whom the token is to be.
    pub fn jwt_bearer(endpoint: impl Into<String>, assertion: Assertion) -> Self {
        Self::new(endpoint.into(), Grant::JwtBearer(assertion))
    }

    fn new(endpoint: String, grant: Grant) -> Self {
        Self {
            endpoint,
            grant,
            scope: None,
            parameters: Vec::new(),
            extensions: BTreeMap::new(),
            tls: Tls::new(),
            limits: Limits::DEFAULT,
            retry_backoff: Duration::from_millis(100),
            retry_backoff_max: Duration::from_secs(10),
            urlencode_header: false,
            secret_in_body: false,
        }
    }

    /// `sasl.oauthbearer.scope`: what the token is to be good for; several are parted by blanks. Defaults to
    /// none, which leaves it to the endpoint.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// A field more in the request, such as `audience` of Auth0 or `resource`. Those of OAuth's own that
    /// this client sends cannot be set.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// A SASL extension of each token (KIP-342), as [`Token::extension`](super::Token::extension).
    pub fn extension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extensions.insert(name.into(), value.into());
        self
    }

    /// Whom to believe, and what to show, at the endpoint. It is apart from what is set for brokers.
    /// Defaults to the operating system's authorities and no certificate.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// `sasl.oauthbearer.header.urlencode`: escapes id and secret before they go into the header
    /// `Authorization`, as RFC 6749 wants it (section 2.3.1). Defaults to `false`, as Kafka's client has it,
    /// because many endpoints take them as they are. The two differ for characters other than letters,
    /// digits, `-`, `_`, `.` and `~` only.
    pub fn urlencode_header(mut self, urlencode: bool) -> Self {
        self.urlencode_header = urlencode;
        self
    }

    /// Sends id and secret as fields `client_id` and `client_secret`, for endpoints that do not look at the
    /// header `Authorization` (`client_secret_post`).
    pub fn secret_in_body(mut self) -> Self {
        self.secret_in_body = true;
        self
    }

    /// `sasl.login.connect.timeout.ms`: how long a connection to the endpoint may take, with TLS. Defaults to
    /// 4 s.
    ///
    /// A connection to a broker waits for its token, and is given up after
    /// `socket.connection.setup.timeout.ms`. So this and [`read_timeout`](Self::read_timeout) together
    /// should be less than that.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.limits.connect = limit;
        self
    }

    /// `sasl.login.read.timeout.ms`: how long the endpoint may take for a whole answer. Defaults to 5 s.
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        self.limits.answer = limit;
        self
    }

    /// `sasl.login.retry.backoff.ms`: how long to wait before an endpoint that is not reached, or too busy,
    /// is asked again; it doubles. Defaults to 100 ms.
    pub fn retry_backoff(mut self, wait: Duration) -> Self {
        self.retry_backoff = wait;
        self
    }

    /// `sasl.login.retry.backoff.max.ms`: how long it is asked again before the attempt has failed. The
    /// client makes further ones, as it does for a broker that is away. Defaults to 10 s.
    pub fn retry_backoff_max(mut self, limit: Duration) -> Self {
        self.retry_backoff_max = limit;
        self
    }

    fn retries(&self) -> Retries {
        Retries::new(self.retry_backoff, self.retry_backoff_max)
    }
}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut oidc = f.debug_struct("Oidc");
        // Its query may hold a key.
        let endpoint = self.endpoint.split('?').next().unwrap_or_default();
        // And so may what stands before the host.
        let endpoint = match (endpoint.split_once("://"), endpoint.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, host))) => format!("{scheme}://[hidden]@{host}"),
            _ => endpoint.to_owned(),
        };
        oidc.field("endpoint", &endpoint);
        match &self.grant {
            Grant::Secret { id, .. } => oidc.field("client_id", id),
            Grant::Assertion { id, assertion } => {
                oidc.field("client_id", id).field("assertion", assertion)
            }
            Grant::JwtBearer(assertion) => oidc.field("assertion", assertion),
        };
        let parameters: Vec<&str> = self.parameters.iter().map(|(name, _)| &**name).collect();
        oidc.field("scope", &self.scope)
            .field("parameters", &parameters)
            .field("extensions", &self.extensions)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

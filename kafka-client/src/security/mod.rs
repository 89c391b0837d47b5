//! Who the client is, and whom it believes: TLS and SASL.
//!
//! A connection is secured in this order: TCP, TLS if [`KafkaBuilder::tls`](crate::KafkaBuilder::tls)
//! is set, the agreement on versions, SASL if [`KafkaBuilder::sasl`](crate::KafkaBuilder::sasl) is set.
//! Both together are what Kafka calls `SASL_SSL`. The chapter `securing` has an example for each
//! mechanism.
//!
//! - `http`: how those are asked who issue tokens and credentials
//! - `tls`: whom the client believes, and its certificate
//! - `sasl`: mechanisms, and the exchange with a broker
//! - `crypto`: whose cryptography it is
//! - `properties`: all of this by Kafka's names, `oauth_properties` and `oidc_properties` those of
//!   OAUTHBEARER, `msk_properties` those of Amazon MSK; `jaas` reads the one-liners of `sasl.jaas.config`
//! - `secret`: text that is never shown, and wiped when it goes

#[cfg(feature = "_tls")]
mod crypto;
#[cfg(feature = "_http")]
#[cfg_attr(
    not(feature = "_tokens"),
    allow(dead_code, unused_imports, reason = "what is asked for tokens alone")
)]
mod http;
mod jaas;
mod msk_properties;
mod oauth_properties;
#[cfg(feature = "oidc")]
mod oidc_properties;
mod properties;
mod sasl;
mod secret;
#[cfg(feature = "_tls")]
mod tls;

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "_registry")]
pub use self::http::door as __http;
#[cfg(feature = "gssapi")]
pub use self::sasl::Kerberos;
#[cfg(feature = "oidc")]
pub use self::sasl::{Algorithm, Assertion, Oidc};
pub(crate) use self::sasl::{Ask, Authenticated, begin, exchange};
#[cfg(feature = "aws-msk")]
pub use self::sasl::{AwsCredentials, CredentialsProvider, Lending, MskIam};
pub use self::sasl::{
    Beginning, FileTokens, Responding, Sasl, SaslError, SaslExchange, SaslMechanism, SaslStart,
    Token, TokenProvider, Tokening,
};
pub use self::secret::Secret;
#[cfg(feature = "_tls")]
pub use self::tls::Tls;
pub(crate) use self::tls_or_none::{TlsConnector, explain};
use crate::env::Env;
use crate::error::Error;

pub(crate) use self::properties::from_properties;

/// What the user has set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Security {
    #[cfg(feature = "_tls")]
    pub(crate) tls: Option<Tls>,
    pub(crate) sasl: Option<Sasl>,
}

impl Security {
    /// What connections need of it. Files are read now, so that a wrong one is told at once.
    ///
    /// # Errors
    /// When a certificate or a key cannot be read or used.
    pub(crate) async fn prepare(&self, env: &Env) -> Result<Secured, Error> {
        let tls = TlsConnector::new(env, self).await?;
        if let Some(sasl) = &self.sasl
            && tls.is_none()
            && sasl.shows_its_secret()
        {
            tracing::warn!(
                mechanism = sasl.name(),
                "the password or token is sent as it is, for everybody on the way to read: use TLS \
                 (security.protocol=SASL_SSL)"
            );
        }
        let mechanism = match &self.sasl {
            Some(sasl) => Some(sasl.mechanism(env).await?),
            None => None,
        };
        Ok(Secured { tls, mechanism })
    }
}

/// How connections are secured. All connections of a client share it: sessions are resumed, tokens and
/// salted passwords used again.
#[derive(Clone, Default)]
pub(crate) struct Secured {
    pub(crate) tls: Option<Arc<TlsConnector>>,
    pub(crate) mechanism: Option<Arc<dyn SaslMechanism>>,
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.protocol())
    }
}

impl Secured {
    /// `security.protocol`, as Kafka calls it.
    pub(crate) fn protocol(&self) -> &'static str {
        match (&self.tls, &self.mechanism) {
            (None, None) => "PLAINTEXT",
            (Some(_), None) => "SSL",
            (None, Some(_)) => "SASL_PLAINTEXT",
            (Some(_), Some(_)) => "SASL_SSL",
        }
    }
}

#[cfg(feature = "_tls")]
use self::tls as tls_or_none;

/// A build without TLS.
#[cfg(not(feature = "_tls"))]
mod tls_or_none {
    use std::io;
    use std::sync::Arc;

    use super::Security;
    use crate::env::{Env, Stream};
    use crate::error::Error;

    /// There is none.
    pub(crate) enum TlsConnector {}

    impl TlsConnector {
        pub(super) async fn new(_: &Env, _: &Security) -> Result<Option<Arc<Self>>, Error> {
            Ok(None)
        }

        pub(crate) async fn secure(
            &self,
            _: &Env,
            _: &str,
            _: Box<dyn Stream>,
        ) -> Result<Box<dyn Stream>, Error> {
            match *self {}
        }
    }

    pub(crate) fn explain(_: &io::Error) -> Option<Error> {
        None
    }
}

//! TLS: whom the client believes, and its certificate.
//!
//! - `connector`: from a plain stream to an encrypted one; certificates are read anew when files change
//! - `material`: certificates and keys, from files or bytes
//! - `verify`: brokers whose host names are not checked
//! - `explain`: what a failure means, and what to try

mod connector;
mod explain;
mod material;
mod pem;
mod verify;

use std::fmt;
use std::path::PathBuf;

pub(crate) use self::connector::TlsConnector;
#[cfg(feature = "oidc")]
pub(super) use self::connector::provider;
pub(crate) use self::explain::explain;
use self::material::Identity;
pub(super) use self::material::Source;
use super::Secret;

/// A file in PEM.
pub(super) fn file(path: &str) -> Source {
    Source::File(path.into())
}

/// A text in PEM.
pub(super) fn pem(text: &str) -> Source {
    Source::pem(text)
}

/// Settings of TLS (`ssl.*`). The default believes what the operating system believes, checks host names
/// and shows no certificate.
///
/// ```
/// use kafka_client::security::Tls;
///
/// let tls = Tls::new()
///     .ca_file("/etc/kafka/ca.pem")
///     .client_certificate_files("/etc/kafka/client.pem", "/etc/kafka/client.key");
/// # let _ = tls;
/// ```
#[derive(Clone, Default)]
#[must_use = "settings do nothing until they are given to a builder"]
pub struct Tls {
    /// Whom to believe; the system's roots if it is empty.
    pub(super) roots: Vec<Source>,
    pub(super) also_system_roots: bool,
    pub(super) identity: Option<Identity>,
    pub(super) any_host: bool,
}

impl Tls {
    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// `ssl.truststore.location` with `ssl.truststore.type=PEM` (`ssl.ca.location` of librdkafka): a file
    /// with certificates of authorities in PEM. They are believed instead of the system's; several files
    /// add up.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.roots.push(Source::File(path.into()));
        self
    }

    /// `ssl.truststore.certificates`: as [`ca_file`](Self::ca_file), with the text itself.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(Source::pem(pem));
        self
    }

    /// Believes the operating system's authorities beside those that are given.
    pub fn system_roots(mut self) -> Self {
        self.also_system_roots = true;
        self
    }

    /// `ssl.keystore.*` with `ssl.keystore.type=PEM`: the certificate that is shown to brokers, with what
    /// leads from it to an authority, and its key (PKCS#8, PKCS#1 or SEC1): two files in PEM, which may be
    /// the same one.
    pub fn client_certificate_files(
        self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        let certificate = Source::File(certificate.into());
        self.identity(certificate, Source::File(key.into()))
    }

    /// `ssl.keystore.certificate.chain` and `ssl.keystore.key`: as
    /// [`client_certificate_files`](Self::client_certificate_files), with the texts themselves.
    pub fn client_certificate_pem(
        self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.identity(Source::pem(certificate), Source::pem(key))
    }

    pub(super) fn identity(mut self, certificate: Source, key: Source) -> Self {
        let password = self.identity.take().and_then(|identity| identity.password);
        self.identity = Some(Identity {
            certificate: Some(certificate),
            key: Some(key),
            password,
        });
        self
    }

    /// `ssl.key.password`: the password of an encrypted key.
    pub fn key_password(mut self, password: impl Into<Secret>) -> Self {
        self.identity.get_or_insert_default().password = Some(password.into());
        self
    }

    /// `ssl.endpoint.identification.algorithm=` (empty): believes a certificate of a known authority for
    /// whatever host it is. Whoever has any certificate of such an authority can then stand between client
    /// and broker, so the client warns of it when it connects.
    pub fn danger_accept_any_host(mut self) -> Self {
        self.any_host = true;
        self
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("roots", &self.roots)
            .field("also_system_roots", &self.also_system_roots)
            .field("identity", &self.identity)
            .field("any_host", &self.any_host)
            .finish()
    }
}

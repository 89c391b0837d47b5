//! The broker's side of TLS, from PEM (KIP-651).

use std::fmt;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::SupportedProtocolVersion;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;

use crate::config::{PropertyError, invalid};

use super::SecurityProtocol;
use super::authority::{Authority, Certificate};
use super::distinguished_name;
use super::settings::Scope;

const CLIENT_AUTH: &str = "ssl.client.auth";
const NONE: &str = "none";

/// The names of a broker in a test.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The certificate of a broker in library form, for its listeners with TLS.
///
/// Kafka's `ssl.keystore.*` and `ssl.truststore.*` win over it.
#[derive(Clone)]
pub struct Tls {
    identity: Certificate,
    authority: Option<Authority>,
    trusted: String,
}

impl Tls {
    /// An authority made in memory and a certificate by it for `localhost`, `127.0.0.1` and `::1`.
    /// Clients find the authority's certificate in [`Broker::certificate`](crate::Broker::certificate)
    /// and may get one of their own by
    /// [`Broker::client_certificate`](crate::Broker::client_certificate).
    ///
    /// # Panics
    /// When the system gives no random numbers.
    #[must_use]
    pub fn generated() -> Self {
        Self::by(&Authority::new("kafka-broker"))
    }

    /// The same by an authority that is there already.
    #[must_use]
    pub fn by(authority: &Authority) -> Self {
        Self {
            identity: authority.server(&NAMES),
            authority: Some(authority.clone()),
            trusted: authority.certificate(),
        }
    }

    /// A certificate and its key as they are, whether a client would accept them or not.
    #[must_use]
    pub fn new(certificate: Certificate) -> Self {
        Self {
            identity: certificate,
            authority: None,
            trusted: String::new(),
        }
    }

    /// Adds certificates in PEM whose holders may vouch for clients (`ssl.client.auth`).
    #[must_use]
    pub fn trust(mut self, certificates: impl AsRef<str>) -> Self {
        self.trusted.push_str(certificates.as_ref());
        self
    }

    pub(crate) fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// The settings of a listener with TLS.
pub(crate) fn server(
    scope: &Scope<'_>,
    protocol: SecurityProtocol,
    own: Option<&Tls>,
) -> Result<Arc<ServerConfig>, PropertyError> {
    let (name, identity) = key_store(scope, own)?;
    let chain = certificates(name, &identity.chain)?;
    if chain.is_empty() {
        return Err(invalid(name, "[hidden]", "has no certificate in PEM"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions(scope)?)
        .map_err(|error| invalid("ssl.enabled.protocols", "", error.to_string()))?;
    // With SASL, only a setting of the listener's own asks for certificates (KIP-684).
    let client_auth = if protocol.has_sasl() {
        scope.own(CLIENT_AUTH)
    } else {
        scope.get(CLIENT_AUTH)
    };
    let client_auth = client_auth.unwrap_or(NONE);
    if protocol.has_sasl()
        && scope.own(CLIENT_AUTH).is_none()
        && let Some(unheeded) = scope.get(CLIENT_AUTH)
        && !unheeded.eq_ignore_ascii_case(NONE)
    {
        tracing::warn!(
            "{CLIENT_AUTH}={unheeded} is applied to listeners with SSL only, where clients do not \
             say by SASL who they are; set {}{CLIENT_AUTH} for this one",
            scope.prefix()
        );
    }
    let builder = match client_auth.to_ascii_lowercase().as_str() {
        NONE => builder.with_no_client_auth(),
        auth @ ("requested" | "required") => {
            let mut roots = RootCertStore::empty();
            let (name, trusted) = trust_store(scope, own)?;
            for certificate in certificates(name, &trusted)? {
                roots
                    .add(certificate)
                    .map_err(|error| invalid(name, "[hidden]", error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if auth == "requested" {
                verifier.allow_unauthenticated()
            } else {
                verifier
            };
            let verifier = verifier
                .build()
                .map_err(|error| invalid(name, "[hidden]", error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
        _ => {
            return Err(invalid(
                CLIENT_AUTH,
                client_auth,
                "must be none, requested or required",
            ));
        }
    };
    let config = builder
        .with_single_cert(chain, private_key(name, scope, &identity.key)?)
        .map_err(|error| invalid(name, "[hidden]", error.to_string()))?;
    Ok(Arc::new(config))
}

/// The principal's name in a client's certificate.
pub(crate) fn client_name(certificate: &CertificateDer<'_>) -> Option<String> {
    distinguished_name::subject(certificate)
}

/// The certificate and key, and the property they are from.
fn key_store(
    scope: &Scope<'_>,
    own: Option<&Tls>,
) -> Result<(&'static str, Certificate), PropertyError> {
    const KEY: &str = "ssl.keystore.key";
    const CHAIN: &str = "ssl.keystore.certificate.chain";
    const LOCATION: &str = "ssl.keystore.location";
    const PASSWORD: &str = "ssl.keystore.password";
    if let Some(key) = scope.get(KEY) {
        must_be_pem(scope, "ssl.keystore.type", "")?;
        must_not_be_there(scope, LOCATION, "the key itself is there already")?;
        must_not_be_there(scope, PASSWORD, PEM_HAS_NO_PASSWORD)?;
        let chain = scope
            .get(CHAIN)
            .ok_or_else(|| invalid(KEY, "[hidden]", format!("needs {CHAIN} beside it")))?;
        let identity = Certificate {
            chain: unfold(chain),
            key: unfold(key),
        };
        return Ok((CHAIN, identity));
    }
    if let Some(path) = scope.get(LOCATION) {
        must_be_pem(scope, "ssl.keystore.type", path)?;
        must_not_be_there(scope, PASSWORD, PEM_HAS_NO_PASSWORD)?;
        let text = read(LOCATION, path)?;
        let identity = Certificate {
            chain: text.clone(),
            key: text,
        };
        return Ok((LOCATION, identity));
    }
    match own {
        Some(own) => Ok(("the certificate of the builder", own.identity.clone())),
        None => Err(invalid(
            LOCATION,
            "",
            "a listener with TLS needs a certificate and its key",
        )),
    }
}

fn trust_store(
    scope: &Scope<'_>,
    own: Option<&Tls>,
) -> Result<(&'static str, String), PropertyError> {
    const CERTIFICATES: &str = "ssl.truststore.certificates";
    const LOCATION: &str = "ssl.truststore.location";
    const PASSWORD: &str = "ssl.truststore.password";
    if let Some(certificates) = scope.get(CERTIFICATES) {
        must_be_pem(scope, "ssl.truststore.type", "")?;
        must_not_be_there(
            scope,
            LOCATION,
            "the certificates themselves are there already",
        )?;
        must_not_be_there(scope, PASSWORD, PEM_HAS_NO_PASSWORD)?;
        return Ok((CERTIFICATES, unfold(certificates)));
    }
    if let Some(path) = scope.get(LOCATION) {
        must_be_pem(scope, "ssl.truststore.type", path)?;
        must_not_be_there(scope, PASSWORD, PEM_HAS_NO_PASSWORD)?;
        return Ok((LOCATION, read(LOCATION, path)?));
    }
    match own.filter(|own| !own.trusted.is_empty()) {
        Some(own) => Ok(("what the builder trusts", own.trusted.clone())),
        None => Err(invalid(
            LOCATION,
            "",
            "ssl.client.auth needs certificates to trust",
        )),
    }
}

const PEM_HAS_NO_PASSWORD: &str =
    "cannot be given for a store in PEM; only a key may have one (ssl.key.password)";

/// Refuses a setting that would have no effect, as Kafka does.
fn must_not_be_there(scope: &Scope<'_>, name: &str, why: &str) -> Result<(), PropertyError> {
    match scope.get(name) {
        None => Ok(()),
        Some(_) => Err(invalid(name, "[hidden]", why)),
    }
}

fn must_be_pem(scope: &Scope<'_>, property: &str, path: &str) -> Result<(), PropertyError> {
    let kind = scope.get(property).unwrap_or("JKS");
    if kind.eq_ignore_ascii_case("PEM") {
        return Ok(());
    }
    let path = if path.is_empty() { "store" } else { path };
    let to_p12 = if kind.eq_ignore_ascii_case("JKS") {
        format!(
            "`keytool -importkeystore -srckeystore {path} -destkeystore store.p12 \
             -deststoretype PKCS12`, then "
        )
    } else {
        String::new()
    };
    let p12 = if to_p12.is_empty() { path } else { "store.p12" };
    Err(invalid(
        property,
        kind,
        format!(
            "this broker reads PEM only; convert by {to_p12}`openssl pkcs12 -in {p12} -out \
             store.pem -nodes`, and set {property}=PEM"
        ),
    ))
}

fn read(property: &str, path: &str) -> Result<String, PropertyError> {
    std::fs::read_to_string(path).map_err(|error| invalid(property, path, error.to_string()))
}

/// PEM in a property may stand on one line, as Kafka has it.
fn unfold(pem: &str) -> String {
    let mut text = String::with_capacity(pem.len() + 64);
    let mut rest = pem;
    while let Some(begin) = rest.find("-----BEGIN ") {
        rest = &rest[begin..];
        let Some((head, body)) = rest[11..].split_once("-----") else {
            break;
        };
        let Some((body, after)) = body.split_once("-----END ") else {
            break;
        };
        text.push_str(&format!("-----BEGIN {head}-----\n"));
        for line in body.split_whitespace() {
            text.push_str(line);
            text.push('\n');
        }
        text.push_str(&format!("-----END {head}-----\n"));
        rest = after.split_once("-----").map_or("", |(_, after)| after);
    }
    text
}

fn certificates(property: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, PropertyError> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| invalid(property, "[hidden]", reason(&error)))
}

/// What is wrong, without the bytes: the library shows those that it stumbles over, and they may be a key's.
fn reason(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section in PEM has no end",
        pem::Error::IllegalSectionStart { .. } => "a section in PEM has a malformed beginning",
        pem::Error::Base64Decode(_) => "a section in PEM is no base64",
        _ => "it is no PEM",
    }
}

fn private_key(
    property: &str,
    scope: &Scope<'_>,
    pem: &str,
) -> Result<PrivateKeyDer<'static>, PropertyError> {
    if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || scope.get("ssl.key.password").is_some() {
        return Err(invalid(
            property,
            "[hidden]",
            "this broker reads no encrypted keys; decrypt by `openssl pkcs8 -in key.pem -out \
             plain.pem`, and leave ssl.key.password out",
        ));
    }
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| {
        invalid(
            property,
            "[hidden]",
            format!("has no key in PEM: {}", reason(&error)),
        )
    })
}

fn versions(scope: &Scope<'_>) -> Result<Vec<&'static SupportedProtocolVersion>, PropertyError> {
    const NAME: &str = "ssl.enabled.protocols";
    let Some(names) = scope.list(NAME) else {
        return Ok(vec![&rustls::version::TLS13, &rustls::version::TLS12]);
    };
    names
        .map(|name| match name {
            "TLSv1.3" => Ok(&rustls::version::TLS13),
            "TLSv1.2" => Ok(&rustls::version::TLS12),
            _ => Err(invalid(NAME, name, "must be TLSv1.2 or TLSv1.3")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::settings::SecuritySettings;

    fn result(properties: &[(&str, &str)], own: Option<&Tls>) -> Result<(), String> {
        let mut settings = SecuritySettings::default();
        for (name, value) in properties {
            settings.set(name, value);
        }
        server(&settings.of("SSL"), SecurityProtocol::Ssl, own)
            .map(|_| ())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn pem_is_read_from_files_and_from_one_line() {
        let authority = Authority::new("test");
        let Certificate { chain, key } = authority.server(&["localhost"]);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.pem");
        std::fs::write(&path, format!("{key}{chain}")).unwrap();
        let path = path.to_str().unwrap();
        let store = [
            ("ssl.keystore.type", "PEM"),
            ("ssl.keystore.location", path),
        ];
        assert_eq!(result(&store, None), Ok(()));
        let (chain, key) = (chain.replace('\n', " "), key.replace('\n', " "));
        let one_line = [
            ("ssl.keystore.type", "PEM"),
            ("ssl.keystore.certificate.chain", &*chain),
            ("ssl.keystore.key", &*key),
        ];
        assert_eq!(result(&one_line, None), Ok(()));
    }

    #[test]
    fn what_cannot_be_used_says_what_to_do() {
        let own = Tls::generated();
        let untrusting = Tls::new(Authority::new("x").server(&["localhost"]));
        for (properties, own, expected) in [
            (&[][..], None, "needs a certificate"),
            (
                &[("ssl.keystore.location", "a.jks")],
                None,
                "keytool -importkeystore -srckeystore a.jks",
            ),
            (
                &[
                    ("ssl.keystore.location", "a.p12"),
                    ("ssl.keystore.type", "PKCS12"),
                ],
                None,
                "openssl pkcs12 -in a.p12",
            ),
            (
                &[
                    ("ssl.keystore.location", "/no/file"),
                    ("ssl.keystore.type", "PEM"),
                ],
                None,
                "/no/file",
            ),
            (
                &[("ssl.keystore.key", "hush"), ("ssl.keystore.type", "PEM")],
                None,
                "ssl.keystore.certificate.chain",
            ),
            (&[("ssl.key.password", "hush")], Some(&own), "openssl pkcs8"),
            (
                &[("ssl.client.auth", "maybe")],
                Some(&own),
                "none, requested or required",
            ),
            (
                &[("ssl.client.auth", "required")],
                Some(&untrusting),
                "certificates to trust",
            ),
            (
                &[("ssl.enabled.protocols", "TLSv1.1")],
                Some(&own),
                "TLSv1.2 or TLSv1.3",
            ),
        ] {
            let error = result(properties, own).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }
}

//! What a client shows an identity provider when it has no secret: a signed statement (RFC 7523).

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::jws;
use crate::security::Secret;
use crate::security::tls::{Source, provider};

/// `sasl.oauthbearer.assertion.algorithm`: how an assertion is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Algorithm {
    /// With an RSA key, and SHA-256. Kafka's default.
    #[default]
    Rs256,
    /// With an EC key of the curve P-256, and SHA-256.
    Es256,
}

impl Algorithm {
    /// As JWS calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// A signed statement of who the client is, which an identity provider takes in the place of a secret
/// (RFC 7523): made elsewhere and read from a file, or made here with a private key.
///
/// ```
/// use kafka_client::security::{Algorithm, Assertion, Oidc};
///
/// let assertion = Assertion::signed_with_file(Algorithm::Es256, "/etc/kafka/client.key")
///     .issuer("client-1")
///     .subject("client-1")
///     .audience("https://idp.example")
///     .key_id("2026-01");
/// let oidc = Oidc::jwt_bearer("https://idp.example/token", assertion);
/// # let _ = oidc;
/// ```
#[derive(Clone)]
#[must_use = "an assertion does nothing until it is given to Oidc"]
pub struct Assertion(Kind);

#[derive(Clone)]
enum Kind {
    File(PathBuf),
    Signed(Box<Signed>),
}

#[derive(Clone)]
struct Signed {
    algorithm: Algorithm,
    key: Source,
    password: Option<Secret>,
    template: Option<PathBuf>,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    lifetime: Duration,
    not_before: Duration,
    jwt_id: bool,
}

impl Assertion {
    /// `sasl.oauthbearer.assertion.file`: a file with the assertion, which somebody else keeps fresh, such
    /// as a token that Kubernetes projects. It is read for each request.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Kind::File(path.into()))
    }

    /// `sasl.oauthbearer.assertion.private.key.file`: made for each request, and signed with the key in
    /// this file, in PEM. It is read for each request, so that it may change.
    pub fn signed_with_file(algorithm: Algorithm, key: impl Into<PathBuf>) -> Self {
        Self::signed(algorithm, Source::File(key.into()))
    }

    /// `sasl.oauthbearer.assertion.private.key.pem` of librdkafka: as
    /// [`signed_with_file`](Self::signed_with_file), with the key itself.
    pub fn signed_with_pem(algorithm: Algorithm, key: impl Into<Vec<u8>>) -> Self {
        Self::signed(algorithm, Source::pem(key))
    }

    pub(in crate::security) fn signed(algorithm: Algorithm, key: Source) -> Self {
        Self(Kind::Signed(Box::new(Signed {
            algorithm,
            key,
            password: None,
            template: None,
            header: Map::new(),
            claims: Map::new(),
            lifetime: Duration::from_secs(300),
            not_before: Duration::from_secs(60),
            jwt_id: false,
        })))
    }

    fn change(mut self, change: impl FnOnce(&mut Signed)) -> Self {
        if let Kind::Signed(signed) = &mut self.0 {
            change(signed);
        }
        self
    }

    /// `sasl.oauthbearer.assertion.private.key.passphrase`: the password of an encrypted key. This takes the
    /// feature `encrypted-keys`. As all that follows, it has no effect on an assertion of a file.
    pub fn key_password(self, password: impl Into<Secret>) -> Self {
        self.change(|signed| signed.password = Some(password.into()))
    }

    /// `sasl.oauthbearer.assertion.claim.iss`: who says it; often the client's id.
    pub fn issuer(self, issuer: impl Into<String>) -> Self {
        self.claim("iss", issuer.into())
    }

    /// `sasl.oauthbearer.assertion.claim.sub`: of whom it is said; often the client's id.
    pub fn subject(self, subject: impl Into<String>) -> Self {
        self.claim("sub", subject.into())
    }

    /// `sasl.oauthbearer.assertion.claim.aud`: to whom it is said; often the address of the endpoint.
    pub fn audience(self, audience: impl Into<String>) -> Self {
        self.claim("aud", audience.into())
    }

    /// Another claim.
    pub fn claim(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.change(|signed| {
            signed.claims.insert(name.into(), value.into());
        })
    }

    /// The header `kid`: which of the client's keys it is.
    pub fn key_id(self, id: impl Into<String>) -> Self {
        self.change(|signed| {
            signed.header.insert("kid".to_owned(), id.into().into());
        })
    }

    /// `sasl.oauthbearer.assertion.claim.exp.seconds`: how long it is good. Defaults to 300 s.
    pub fn lifetime(self, life: Duration) -> Self {
        self.change(|signed| signed.lifetime = life)
    }

    /// `sasl.oauthbearer.assertion.claim.nbf.seconds`: for how long it has been good when it is made, for
    /// endpoints whose clock is behind. Defaults to 60 s.
    pub fn not_before(self, ago: Duration) -> Self {
        self.change(|signed| signed.not_before = ago)
    }

    /// `sasl.oauthbearer.assertion.claim.jti.include`: whether each has an id of its own, a random UUID.
    /// Defaults to `false`.
    pub fn jwt_id(self, included: bool) -> Self {
        self.change(|signed| signed.jwt_id = included)
    }

    /// `sasl.oauthbearer.assertion.template.file`: a file with a JSON object whose `header` and `payload`
    /// become part of it; what is set here as well is as the file has it. `alg`, `typ`, `iat`, `exp`, `nbf`
    /// and `jti` are made in any case. It is read for each request.
    pub fn template_file(self, path: impl Into<PathBuf>) -> Self {
        self.change(|signed| signed.template = Some(path.into()))
    }

    /// Makes it, or reads it. Takes the processor and a disk for some milliseconds.
    ///
    /// # Errors
    /// When a file cannot be read, or the key cannot be used.
    pub(super) fn make(&self, now: SystemTime) -> Result<Secret, String> {
        match &self.0 {
            Kind::File(path) => {
                let text = read(path, "sasl.oauthbearer.assertion.file")?;
                match text.expose().trim() {
                    "" => Err(format!(
                        "sasl.oauthbearer.assertion.file: {} is empty",
                        path.display()
                    )),
                    text => Ok(Secret::from(text)),
                }
            }
            Kind::Signed(signed) => signed.make(now),
        }
    }
}

impl Signed {
    fn make(&self, now: SystemTime) -> Result<Secret, String> {
        let setting = "sasl.oauthbearer.assertion.private.key.file";
        let key = self.key.key(setting, self.password.as_ref());
        let key = key.map_err(|error| error.to_string())?;
        let key = jws::key(key, self.algorithm).map_err(|what| format!("{setting}: {what}"))?;
        let (mut header, mut payload) = (self.header.clone(), self.claims.clone());
        if let Some(path) = &self.template {
            let template = read(path, "sasl.oauthbearer.assertion.template.file")?;
            let parts = parts(template.expose()).ok_or_else(|| {
                format!(
                    "sasl.oauthbearer.assertion.template.file: {} is no JSON object with objects named \
                     header and payload",
                    path.display()
                )
            })?;
            header.extend(parts.0);
            payload.extend(parts.1);
        }
        header.insert("alg".to_owned(), self.algorithm.name().into());
        header.insert("typ".to_owned(), "JWT".into());
        let now = now.duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap_or_default().as_secs();
        for (name, seconds) in [
            ("iat", now),
            ("exp", now.saturating_add(self.lifetime.as_secs())),
            ("nbf", now.saturating_sub(self.not_before.as_secs())),
        ] {
            payload.insert(name.to_owned(), seconds.into());
        }
        if self.jwt_id {
            payload.insert("jti".to_owned(), uuid()?.into());
        }
        let text = jws::sign(&*key, self.algorithm, &header, &payload);
        text.map(|text| Secret::from(text.as_str()))
    }
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::File(path) => f.debug_tuple("Assertion").field(path).finish(),
            Kind::Signed(signed) => f
                .debug_struct("Assertion")
                .field("algorithm", &signed.algorithm)
                .field("key", &signed.key)
                .field("template", &signed.template)
                .field("claims", &signed.claims)
                .finish_non_exhaustive(),
        }
    }
}

fn read(path: &Path, setting: &str) -> Result<Secret, String> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| format!("{setting}: cannot read {}: {error}", path.display()));
    text.map(Secret::from)
}

/// Header and payload of a template. Either may be missing.
fn parts(template: &str) -> Option<(Map<String, Value>, Map<String, Value>)> {
    let Value::Object(mut template) = serde_json::from_str(template).ok()? else {
        return None;
    };
    let mut part = |name: &str| match template.remove(name) {
        None => Some(Map::new()),
        Some(Value::Object(part)) => Some(part),
        Some(_) => None,
    };
    let parts = (part("header")?, part("payload")?);
    // A word that is misspelled is not passed over.
    template.is_empty().then_some(parts)
}

/// A random UUID (RFC 9562, version 4).
fn uuid() -> Result<String, String> {
    let mut bytes = [0; 16];
    let filled = provider().secure_random.fill(&mut bytes);
    filled.map_err(|_| "the system gives no random numbers")?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    Ok(parts.join("-"))
}

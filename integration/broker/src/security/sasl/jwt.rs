//! The tokens of OAUTHBEARER: JSON Web Tokens (RFC 7519), without a signature for tests, or signed
//! with a key of a JWKS file (RFC 7517).
//!
//! Which it is depends on `sasl.oauthbearer.jwks.endpoint.url`, which must be there where anything else
//! asks for checked tokens; the rules are those of Kafka's
//! `OAuthBearerUnsecuredValidatorCallbackHandler` and `BrokerJwtValidator`. Of the algorithms there
//! are RS256 and ES256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::config::{PropertyError, invalid};
use crate::security::jaas;
use crate::security::settings::Scope;

use super::{HANDLER, Mechanism};

/// Which tokens a listener accepts.
#[derive(Debug)]
pub(crate) struct Tokens {
    rules: Rules,
    sub_claim: String,
    scope_claim: String,
    skew_ms: i64,
}

#[derive(Debug)]
enum Rules {
    Unsecured {
        scopes: Vec<String>,
    },
    Signed {
        keys: Vec<Jwk>,
        issuer: Option<String>,
        audiences: Vec<String>,
    },
}

/// What an accepted token says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) principal: String,
    /// When it ends, by the wall clock.
    pub(crate) end_ms: i64,
}

/// Why a token is not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// For the log.
    pub(crate) reason: String,
    /// The scope that is missing, which the client is told.
    scope: Option<String>,
}

impl Refusal {
    fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            scope: None,
        }
    }

    /// What the client is told.
    pub(crate) fn status(&self) -> String {
        match &self.scope {
            None => r#"{"status":"invalid_token"}"#.to_owned(),
            Some(scope) => {
                format!(r#"{{"status":"insufficient_scope", "scope":"{scope}"}}"#)
            }
        }
    }
}

/// A key, as far as these algorithms need it.
#[derive(Debug, Clone, Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

/// Settings that say what a checked token must be. Where one of them is set, a token that is believed
/// as it is would be the opposite of what was asked for.
const RULES_OF_SIGNED: [&str; 5] = [
    SKEW,
    "sasl.oauthbearer.expected.audience",
    "sasl.oauthbearer.expected.issuer",
    "sasl.oauthbearer.scope.claim.name",
    "sasl.oauthbearer.sub.claim.name",
];
const SKEW: &str = "sasl.oauthbearer.clock.skew.seconds";
const KEYS: &str = "sasl.oauthbearer.jwks.endpoint.url";

/// Kafka's two handlers, by what they demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handler {
    Unsecured,
    Signed,
}

impl Tokens {
    /// What a listener's properties say; the handler is the one they name, if they do.
    pub(crate) fn new(scope: &Scope<'_>, handler: Option<Handler>) -> Result<Self, PropertyError> {
        const URL: &str = KEYS;
        let property = |name| scope.of_mechanism(Mechanism::OauthBearer, name);
        let Some(url) = property(URL) else {
            let rule = RULES_OF_SIGNED
                .into_iter()
                .find(|name| property(name).is_some());
            let reason = match (handler, rule) {
                (Some(Handler::Signed), _) => HANDLER,
                (_, Some(rule)) => rule,
                _ => return Self::unsecured(scope),
            };
            let expected =
                format!("is needed where {reason} is set: tokens are not believed as they are");
            return Err(invalid(URL, "", expected));
        };
        if handler == Some(Handler::Unsecured) {
            let expected = format!("the handler of {HANDLER} checks no signature");
            return Err(invalid(URL, url, expected));
        }
        let path = url.strip_prefix("file:").ok_or_else(|| {
            invalid(
                URL,
                url,
                "this broker reads files only, file:///path/to/jwks.json",
            )
        })?;
        let path = path.strip_prefix("//").unwrap_or(path);
        let text =
            std::fs::read_to_string(path).map_err(|error| invalid(URL, url, error.to_string()))?;
        let list = |name| {
            let values = property(name).unwrap_or_default().split(',').map(str::trim);
            values
                .filter(|value| !value.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let skew = property(SKEW).unwrap_or("30");
        let skew: u32 = skew
            .parse()
            .map_err(|_| invalid(SKEW, skew, "must be a number of seconds"))?;
        let claim = |name, default: &str| property(name).unwrap_or(default).to_owned();
        Ok(Self {
            rules: Rules::Signed {
                keys: keys(&text).map_err(|reason| invalid(URL, url, reason))?,
                issuer: property("sasl.oauthbearer.expected.issuer").map(str::to_owned),
                audiences: list("sasl.oauthbearer.expected.audience"),
            },
            sub_claim: claim("sasl.oauthbearer.sub.claim.name", "sub"),
            scope_claim: claim("sasl.oauthbearer.scope.claim.name", "scope"),
            skew_ms: i64::from(skew) * 1000,
        })
    }

    /// The options are in the JAAS configuration.
    fn unsecured(scope: &Scope<'_>) -> Result<Self, PropertyError> {
        const JAAS: &str = "sasl.jaas.config";
        const SKEW: &str = "unsecuredValidatorAllowableClockSkewMs";
        let line = scope.of_mechanism(Mechanism::OauthBearer, JAAS);
        let options = line
            .map(jaas::options)
            .transpose()
            .map_err(|reason| invalid(JAAS, "[hidden]", reason))?
            .unwrap_or_default();
        let option = |name: &str| options.get(name).map(|value| value.as_str());
        let skew = option(SKEW).unwrap_or("0");
        Ok(Self {
            rules: Rules::Unsecured {
                scopes: option("unsecuredValidatorRequiredScope")
                    .unwrap_or_default()
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect(),
            },
            sub_claim: option("unsecuredValidatorPrincipalClaimName")
                .unwrap_or("sub")
                .to_owned(),
            scope_claim: option("unsecuredValidatorScopeClaimName")
                .unwrap_or("scope")
                .to_owned(),
            skew_ms: skew
                .parse::<u32>()
                .map(i64::from)
                .map_err(|_| invalid(SKEW, skew, "must be a number of milliseconds"))?,
        })
    }

    /// Whether a token needs no signature, so that its holder is whoever it says.
    pub(crate) fn are_believed_unsigned(&self) -> bool {
        matches!(self.rules, Rules::Unsecured { .. })
    }

    /// Checks a token at a moment.
    pub(crate) fn check(&self, token: &str, wall_ms: i64) -> Result<Token, Refusal> {
        let parts: Vec<&str> = token.split('.').collect();
        let &[header, payload, signature] = parts.as_slice() else {
            return Err(Refusal::new("the token has not three parts"));
        };
        let header_claims = object(header)?;
        let claims = object(payload)?;
        match &self.rules {
            Rules::Unsecured { .. } => {
                if header_claims.get("alg").and_then(Value::as_str) != Some("none")
                    || !signature.is_empty()
                {
                    return Err(Refusal::new(
                        "the token is signed, and no keys are configured",
                    ));
                }
            }
            Rules::Signed { keys, .. } => {
                let signed = &token[..header.len() + 1 + payload.len()];
                verify(keys, &header_claims, signed, signature)?;
            }
        }
        let end_ms = self.check_times(&claims, wall_ms)?;
        self.check_claims(&claims)?;
        let principal = claims.get(&self.sub_claim).and_then(Value::as_str);
        let principal = principal.map(str::trim).filter(|name| !name.is_empty());
        let principal =
            principal.ok_or_else(|| Refusal::new(format!("no claim {}", self.sub_claim)))?;
        Ok(Token {
            principal: principal.to_owned(),
            end_ms,
        })
    }

    /// The end of the token.
    fn check_times(&self, claims: &Map<String, Value>, wall_ms: i64) -> Result<i64, Refusal> {
        let end_ms = moment(claims, "exp")?.ok_or_else(|| Refusal::new("no claim exp"))?;
        if end_ms <= wall_ms.saturating_sub(self.skew_ms) {
            return Err(Refusal::new("the token has expired"));
        }
        let began_ms = moment(claims, "iat")?;
        let is_signed = matches!(self.rules, Rules::Signed { .. });
        if is_signed && began_ms.is_none() {
            return Err(Refusal::new("no claim iat"));
        }
        if !is_signed {
            let latest = wall_ms.saturating_add(self.skew_ms);
            if began_ms.is_some_and(|began| began > latest) {
                return Err(Refusal::new("the token is from the future"));
            }
            if began_ms.is_some_and(|began| end_ms <= began) {
                return Err(Refusal::new("the token ends before it begins"));
            }
        } else if moment(claims, "nbf")?
            .is_some_and(|from| from > wall_ms.saturating_add(self.skew_ms))
        {
            return Err(Refusal::new("the token is not valid yet"));
        }
        Ok(end_ms)
    }

    fn check_claims(&self, claims: &Map<String, Value>) -> Result<(), Refusal> {
        match &self.rules {
            Rules::Unsecured { scopes } => {
                let has = strings(claims.get(&self.scope_claim));
                let missing = scopes.iter().find(|scope| !has.contains(&scope.as_str()));
                missing.map_or(Ok(()), |missing| {
                    Err(Refusal {
                        reason: format!("the scope {missing} is missing"),
                        scope: Some(scopes.join(" ")),
                    })
                })
            }
            Rules::Signed {
                issuer, audiences, ..
            } => {
                let found = claims.get("iss").and_then(Value::as_str);
                if issuer.is_some() && issuer.as_deref() != found {
                    return Err(Refusal::new("the token is from another issuer"));
                }
                let found = match claims.get("aud") {
                    // An audience may have blanks, other than a scope.
                    Some(Value::String(one)) => vec![one.as_str()],
                    other => strings(other),
                };
                let is_meant = audiences.iter().any(|one| found.contains(&one.as_str()));
                if !audiences.is_empty() && !is_meant {
                    return Err(Refusal::new("the token is for another audience"));
                }
                Ok(())
            }
        }
    }
}

/// The words of a string, or the strings of a list.
fn strings(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => text.split_whitespace().collect(),
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Seconds since 1970, in milliseconds.
fn moment(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, Refusal> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let seconds = value
        .as_f64()
        .ok_or_else(|| Refusal::new(format!("{name} is no number")))?;
    Ok(Some((seconds * 1000.0) as i64))
}

fn object(part: &str) -> Result<Map<String, Value>, Refusal> {
    decoded(part)
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| Refusal::new("the token is no JSON in Base64"))
}

fn decoded(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()
}

fn keys(text: &str) -> Result<Vec<Jwk>, String> {
    let set: Jwks = serde_json::from_str(text).map_err(|error| error.to_string())?;
    // A key of a kind that this broker does not know is for somebody else.
    let keys: Vec<Jwk> = set
        .keys
        .into_iter()
        .filter_map(|key| serde_json::from_value(key).ok())
        .collect();
    if keys.is_empty() {
        return Err("has no key".to_owned());
    }
    Ok(keys)
}

fn verify(
    keys: &[Jwk],
    header: &Map<String, Value>,
    signed: &str,
    signature: &str,
) -> Result<(), Refusal> {
    let text = |name| header.get(name).and_then(Value::as_str);
    let algorithm = text("alg").unwrap_or_default();
    let id = text("kid");
    let signature =
        decoded(signature).ok_or_else(|| Refusal::new("the signature is not in Base64"))?;
    let is_fit = |key: &&Jwk| {
        id.is_none_or(|id| key.kid.as_deref() == Some(id))
            && key.alg.as_deref().is_none_or(|alg| alg == algorithm)
            && key
                .purpose
                .as_deref()
                .is_none_or(|purpose| purpose == "sig")
    };
    let mut fit = keys.iter().filter(is_fit);
    if fit.any(|key| key.has_signed(algorithm, signed.as_bytes(), &signature)) {
        return Ok(());
    }
    Err(Refusal::new(format!(
        "no key has signed the token (alg {algorithm}, kid {id:?})"
    )))
}

impl Jwk {
    fn has_signed(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        let part = |value: &Option<String>| value.as_deref().and_then(decoded);
        match (algorithm, self.kty.as_str()) {
            ("RS256", "RSA") => {
                let (Some(n), Some(e)) = (part(&self.n), part(&self.e)) else {
                    return false;
                };
                RsaPublicKeyComponents { n: &n, e: &e }
                    .verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
                    .is_ok()
            }
            ("ES256", "EC") if self.crv.as_deref() == Some("P-256") => {
                let (Some(x), Some(y)) = (part(&self.x), part(&self.y)) else {
                    return false;
                };
                let point = [&[4][..], &x, &y].concat();
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)
                    .verify(message, signature)
                    .is_ok()
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{EcdsaKeyPair, KeyPair};

    use super::*;
    use crate::security::settings::SecuritySettings;

    const NOW_MS: i64 = 1_700_000_000_000;

    fn part(json: &str) -> String {
        URL_SAFE_NO_PAD.encode(json)
    }

    fn tokens(properties: &[(&str, &str)]) -> Result<Tokens, String> {
        let mut settings = SecuritySettings::default();
        for (name, value) in properties {
            settings.set(name, value);
        }
        Tokens::new(&settings.of("X"), None).map_err(|error| error.to_string())
    }

    fn unsecured(options: &str) -> Tokens {
        let line = format!("OAuthBearerLoginModule required {options};");
        tokens(&[("listener.name.x.oauthbearer.sasl.jaas.config", &line)]).unwrap()
    }

    fn unsigned(claims: &str) -> String {
        format!("{}.{}.", part(r#"{"alg":"none"}"#), part(claims))
    }

    #[test]
    fn an_unsecured_token_is_believed_while_it_lasts() {
        let token = unsecured("").check(&unsigned(r#"{"sub":"alice","exp":1700000001.5}"#), NOW_MS);
        assert_eq!(
            token,
            Ok(Token {
                principal: "alice".to_owned(),
                end_ms: NOW_MS + 1500,
            })
        );
        for (claims, reason) in [
            (
                r#"{"sub":"alice","exp":1700000000}"#,
                "the token has expired",
            ),
            (r#"{"sub":"alice"}"#, "no claim exp"),
            (r#"{"sub":"alice","exp":"x"}"#, "exp is no number"),
            (r#"{"exp":1700000001}"#, "no claim sub"),
            (r#"{"sub":"","exp":1700000001}"#, "no claim sub"),
            (
                r#"{"sub":"a","exp":1700000009,"iat":1700000001}"#,
                "the token is from the future",
            ),
            ("[]", "the token is no JSON in Base64"),
        ] {
            let refusal = unsecured("").check(&unsigned(claims), NOW_MS).unwrap_err();
            assert_eq!(refusal.reason, reason, "{claims}");
            assert_eq!(refusal.status(), r#"{"status":"invalid_token"}"#);
        }
        for token in ["", ".", "..", "a.b.c.d", "!.!."] {
            assert!(unsecured("").check(token, NOW_MS).is_err(), "{token}");
        }
    }

    #[test]
    fn the_options_of_the_unsecured_mode_are_heeded() {
        let tokens = unsecured(
            "unsecuredValidatorPrincipalClaimName=\"name\" \
             unsecuredValidatorRequiredScope=\"read write\" \
             unsecuredValidatorAllowableClockSkewMs=\"5000\"",
        );
        let claims = r#"{"name":"alice","exp":1699999996,"scope":["read","write","more"]}"#;
        assert_eq!(
            tokens.check(&unsigned(claims), NOW_MS).unwrap().principal,
            "alice"
        );
        let claims = r#"{"name":"alice","exp":1700000001,"scope":"read"}"#;
        let refusal = tokens.check(&unsigned(claims), NOW_MS).unwrap_err();
        assert_eq!(
            refusal.status(),
            r#"{"status":"insufficient_scope", "scope":"read write"}"#
        );
    }

    /// A signer of ES256, and its key as JSON.
    fn signer() -> (EcdsaKeyPair, String) {
        let random = SystemRandom::new();
        let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap();
        let point = key.public_key().as_ref();
        let jwk = format!(
            r#"{{"kty":"EC","crv":"P-256","kid":"one","use":"sig","x":"{}","y":"{}"}}"#,
            URL_SAFE_NO_PAD.encode(&point[1..33]),
            URL_SAFE_NO_PAD.encode(&point[33..])
        );
        (key, jwk)
    }

    fn signed(key: &EcdsaKeyPair, header: &str, claims: &str) -> String {
        let text = format!("{}.{}", part(header), part(claims));
        let signature = key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    #[test]
    fn a_signed_token_is_checked_with_the_keys_of_the_file() {
        let (key, jwk) = signer();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jwks.json");
        std::fs::write(&path, format!(r#"{{"keys":[{{"kty":"oct"}},{jwk}]}}"#)).unwrap();
        let url = format!("file://{}", path.display());
        let tokens = tokens(&[
            ("sasl.oauthbearer.jwks.endpoint.url", &url),
            ("sasl.oauthbearer.expected.issuer", "https://issuer"),
            ("sasl.oauthbearer.expected.audience", "kafka, other"),
        ])
        .unwrap();
        let header = r#"{"alg":"ES256","kid":"one"}"#;
        let claims = r#"{"sub":"alice","iat":1699999000,"exp":1700000060,"iss":"https://issuer","aud":["kafka"]}"#;
        let token = signed(&key, header, claims);
        assert_eq!(tokens.check(&token, NOW_MS).unwrap().principal, "alice");
        // A skew of 30 s, by default.
        assert!(tokens.check(&token, NOW_MS + 89_000).is_ok());
        assert!(tokens.check(&token, NOW_MS + 90_000).is_err());

        let (other, _) = signer();
        let forged = token.replace(&part(claims), &part(&claims.replace("alice", "root ")));
        for (token, reason) in [
            (signed(&other, header, claims), "no key has signed"),
            (forged, "no key has signed"),
            (unsigned(claims), "no key has signed"),
            (
                signed(&key, r#"{"alg":"ES256","kid":"two"}"#, claims),
                "no key has signed",
            ),
            (
                signed(&key, r#"{"alg":"RS256"}"#, claims),
                "no key has signed",
            ),
            (
                signed(&key, header, &claims.replace("https", "http")),
                "another issuer",
            ),
            (
                signed(&key, header, &claims.replace("kafka", "x")),
                "another audience",
            ),
            (
                signed(&key, header, &claims.replace("iat", "at")),
                "no claim iat",
            ),
            (
                signed(
                    &key,
                    header,
                    &claims.replace("iat", "nbf\":1800000000,\"iat"),
                ),
                "not valid yet",
            ),
        ] {
            let refusal = tokens.check(&token, NOW_MS).unwrap_err();
            assert!(refusal.reason.contains(reason), "{}", refusal.reason);
        }
    }

    #[test]
    fn a_signature_by_openssl_is_right() {
        let key: Jwk = serde_json::from_str(RSA_KEY).unwrap();
        let (signed, signature) = RSA_TOKEN.rsplit_once('.').unwrap();
        let signature = decoded(signature).unwrap();
        assert!(key.has_signed("RS256", signed.as_bytes(), &signature));
        assert!(!key.has_signed("RS256", &signed.as_bytes()[1..], &signature));
    }

    #[test]
    fn files_that_are_none_are_refused() {
        let name = "sasl.oauthbearer.jwks.endpoint.url";
        for url in ["https://issuer/keys", "file:///no/such/file"] {
            assert!(tokens(&[(name, url)]).unwrap_err().contains(url), "{url}");
        }
        for text in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kid":"x"}]}"#] {
            assert!(keys(text).is_err(), "{text}");
        }
    }

    /// Made by openssl, `dgst -sha256 -sign`.
    const RSA_KEY: &str = "{\"kty\":\"RSA\",\"n\":\"s9UHom0hJAgFU1_9ULxtVg7ed8mXuTWr1BfL5Sm6XyvX6GHyOeSBwMF\
        B2fL2pStRYyailqmngdjksm-n0kqQgYKkISEWvZDJf1eLgXff-4cgTNrCLexl3n_v94sKwNVOi1ZPPRJ\
        wWx5fsAUlrUxCcKJAazNhAo-eN-w41JXp7iJN4tQihuVidmieChohYJ5FcbOH2Ng1ottJnqQa3RASa3y\
        LweH-aXrEP5cTAIneNFINxGGC_XqoZLm14a3Nyq1KpBOw4puz_S_Gc2bDSk9L3-5KMhSyXoKS7C2ZcC0\
        RpiDzOndqjz3CZ2MR6UtiwDUiU1kNpq9ZO357bSVIpQLy9w\",\"e\":\"AQAB\"}";
    const RSA_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLCJleHAiOjEzMDA4MTkzODB9.Ka_rPqyjKpIFmXcPOF\
        RI_bBRdJx7CC6i8b2k5FB05whe50CG75SdhgyAii2ZPu2-v-G3OdgMe_8XRWp7MydgDjd9h_exA3xno5\
        EONFbPJWGEHKs68cU2-LpOFWBZZV7uUQDgCwib3SkzwF7hMYOzN9dxhFPOovtDxbHPE077s5xRjIYfm7\
        ArNHpiV4bTNOSYlxzTk9cEArr-J95m3NURlJDFbNIouVL6k_NFE9tePLNUPLC-VmNsj6guHF2PVl3VMB\
        2Hgr1XLza74BZa38qCzY8gyW6zwxDmLjvMa-KRVCETNAmFOPR6axl0lLV0P0d-qmptos-24kUYbeUhdx\
        YFDQ";
}

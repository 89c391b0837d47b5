//! Asks a token endpoint.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::mechanism::SaslError;
use super::super::token::{Token, TokenProvider, Tokening};
use super::{Grant, Oidc, answer};
use crate::env::Env;
use crate::error::Error;
use crate::security::Secret;
use crate::security::http::{Failure, Http, Request, Then, Url, escaped, form};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const CLIENT_ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The fields that this client may send itself.
const FIELDS: [&str; 7] = [
    "grant_type",
    "scope",
    "client_id",
    "client_secret",
    "assertion",
    "client_assertion",
    "client_assertion_type",
];

/// A token endpoint, in the environment of a client.
pub(in crate::security::sasl) struct Issuer {
    settings: Oidc,
    url: Url,
    http: Http,
}

impl Issuer {
    /// Checks the settings, so that what is wrong with them is told when the client connects.
    ///
    /// # Errors
    /// When the address is none, a certificate cannot be read, or an assertion cannot be made.
    pub(in crate::security::sasl) async fn new(env: &Env, settings: &Oidc) -> Result<Self, Error> {
        let url = Url::parse(&settings.endpoint).map_err(|what| {
            Error::config(format!(
                "sasl.oauthbearer.token.endpoint.url {what}: it is an address such as \
                 https://idp.example/oauth2/token"
            ))
        })?;
        let reserved = settings
            .parameters
            .iter()
            .find(|(name, _)| FIELDS.contains(&&**name));
        if let Some((name, _)) = reserved {
            return Err(Error::config(format!(
                "the parameter {name} for the token endpoint is set by this client itself: use the setter \
                 for what it means"
            )));
        }
        let issuer = Self {
            http: Http::new(env, settings.tls.clone(), settings.limits),
            settings: settings.clone(),
            url,
        };
        // Else it would be taken for that of brokers.
        let prepared = issuer.http.prepare(&issuer.url).await;
        prepared.map_err(|error| Error::config(format!("{}: {error}", issuer.url)))?;
        issuer.assertion().await?.map_err(Error::config)?;
        if !issuer.url.is_https() {
            tracing::warn!(
                endpoint = %issuer.url,
                "the token endpoint is asked without TLS: secrets and tokens can be read on the way"
            );
        }
        Ok(issuer)
    }

    /// The assertion of the grant, if it has one.
    async fn assertion(&self) -> Result<Result<Option<Secret>, String>, Error> {
        let assertion = match &self.settings.grant {
            Grant::Secret { .. } => return Ok(Ok(None)),
            Grant::Assertion { assertion, .. } | Grant::JwtBearer(assertion) => assertion.clone(),
        };
        let env = self.http.env();
        let now = env.system_time();
        env.blocking(move || assertion.make(now).map(Some)).await
    }

    fn request(&self, assertion: Option<&Secret>) -> Request {
        let settings = &self.settings;
        let assertion = assertion.map_or("", Secret::expose);
        let mut fields = Vec::new();
        let mut authorization = None;
        match &settings.grant {
            Grant::Secret { id, secret } => {
                fields.push(("grant_type", "client_credentials"));
                if settings.secret_in_body {
                    fields.push(("client_id", id));
                    fields.push(("client_secret", secret.expose()));
                } else {
                    let encoded = encoded(id, secret, settings.urlencode_header);
                    authorization = Some(Secret::from(format!("Basic {}", encoded.expose())));
                }
            }
            Grant::Assertion { id, .. } => {
                fields.push(("grant_type", "client_credentials"));
                fields.extend(id.iter().map(|id| ("client_id", id.as_str())));
                fields.push(("client_assertion_type", CLIENT_ASSERTION));
                fields.push(("client_assertion", assertion));
            }
            Grant::JwtBearer(_) => {
                fields.push(("grant_type", JWT_BEARER));
                fields.push(("assertion", assertion));
            }
        }
        fields.extend(settings.scope.iter().map(|scope| ("scope", scope.as_str())));
        let parameters = settings.parameters.iter();
        fields.extend(parameters.map(|(name, value)| (name.as_str(), value.expose())));
        let request = Request::post(form(fields)).header("cache-control", "no-cache");
        match authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        }
    }

    async fn ask(&self) -> Result<Token, SaslError> {
        let assertion = self.assertion().await;
        let assertion = assertion.map_err(|error| SaslError::Unavailable(Box::new(error)))?;
        // A file may be in the middle of a change.
        let assertion = assertion.map_err(|what| SaslError::Unavailable(what.into()))?;
        let request = self.request(assertion.as_ref());
        let asked = self.http.env().system_time();
        let judge = |answer: &_| {
            let token = answer::token(&self.url, answer, asked);
            // Here, as failures that are asked again are logged.
            token.map_err(|failure| self.without_secrets(failure, assertion.as_ref()))
        };
        let retries = self.settings.retries();
        let token = self.http.ask(&self.url, &request, retries, judge).await;
        let mut token = token.map_err(|failure| match failure.then {
            Then::Stop => SaslError::Refused(failure.text.into()),
            Then::Retry | Then::Later => SaslError::Unavailable(failure.text.into()),
        })?;
        token.extensions.clone_from(&self.settings.extensions);
        Ok(token)
    }

    /// A failure without what the endpoint may have repeated.
    fn without_secrets(&self, failure: Failure, assertion: Option<&Secret>) -> Failure {
        let mut secrets: Vec<Secret> = assertion.cloned().into_iter().collect();
        if let Grant::Secret { id, secret } = &self.settings.grant {
            secrets.push(secret.clone());
            secrets.push(encoded(id, secret, self.settings.urlencode_header));
        }
        let parameters = self.settings.parameters.iter();
        secrets.extend(parameters.map(|(_, value)| value.clone()));
        failure.without(&secrets)
    }
}

impl TokenProvider for Issuer {
    fn token(&self) -> Tokening<'_> {
        Box::pin(async { Ok(self.ask().await?) })
    }
}

/// Id and secret as the header of RFC 7617 has them.
fn encoded(id: &str, secret: &Secret, urlencode: bool) -> Secret {
    let both = zeroize::Zeroizing::new(match urlencode {
        true => format!("{}:{}", escaped(id), escaped(secret.expose())),
        false => format!("{id}:{}", secret.expose()),
    });
    Secret::from(STANDARD.encode(both.as_bytes()))
}

//! Token endpoints by Kafka's names, and by those of librdkafka.

use std::str::FromStr;
use std::time::Duration;

use super::oauth_properties::{OauthOptions, Retriever};
use super::properties::Properties;
use super::tls::{file, pem};
use super::{Algorithm, Assertion, Oidc, Sasl, Secret, Tls};
use crate::error::Error;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

impl Properties {
    /// OAUTHBEARER with the endpoint at this address.
    pub(super) fn with_endpoint(
        &mut self,
        endpoint: &str,
        options: OauthOptions,
    ) -> Result<Sasl, Error> {
        let OauthOptions {
            mut jaas,
            extensions,
            retriever,
        } = options;
        let mut option = |name: &str| jaas.as_mut().and_then(|jaas| jaas.take(name));
        let (id, secret, scope) = (option("clientId"), option("clientSecret"), option("scope"));
        let id = self.or_jaas(
            &[
                "sasl.oauthbearer.client.credentials.client.id",
                "sasl.oauthbearer.client.id",
            ],
            ("clientId", id),
        )?;
        let secret = self.or_jaas(
            &[
                "sasl.oauthbearer.client.credentials.client.secret",
                "sasl.oauthbearer.client.secret",
            ],
            ("clientSecret", secret),
        )?;
        let scope = self.or_jaas(&["sasl.oauthbearer.scope"], ("scope", scope))?;
        let of_endpoint = jaas.as_mut().map(|jaas| jaas.take_all("ssl."));
        if let Some(jaas) = jaas {
            jaas.finish()?;
        }
        let is_bearer = self.is_bearer(retriever)?;
        let assertion = self.assertion()?;
        let mut oidc = match (is_bearer, assertion, id, secret) {
            (_, Some(_), _, Some(_)) => {
                return Err(Error::config(
                    "sasl.oauthbearer: a client's secret and an assertion are both set, and one of them has \
                     no effect: leave it out",
                ));
            }
            (true, Some(assertion), None, None) => Oidc::jwt_bearer(endpoint, assertion),
            (true, _, None, None) => {
                return Err(Error::config(
                    "sasl.oauthbearer: the grant jwt-bearer takes an assertion: set \
                     sasl.oauthbearer.assertion.file or sasl.oauthbearer.assertion.private.key.file",
                ));
            }
            (true, ..) => {
                return Err(Error::config(
                    "sasl.oauthbearer: a client's id and secret have no effect with the grant jwt-bearer: \
                     leave them out",
                ));
            }
            (false, Some(assertion), id, None) => {
                let id = id.map(|id| id.expose().to_owned());
                Oidc::with_assertion(endpoint.to_owned(), id, assertion)
            }
            (false, None, Some(id), Some(secret)) => {
                Oidc::client_credentials(endpoint, id.expose(), secret)
            }
            (false, None, ..) => {
                return Err(Error::config(
                    "sasl.oauthbearer.token.endpoint.url takes the client's id and secret \
                     (sasl.oauthbearer.client.credentials.client.id and .client.secret), or an assertion \
                     (sasl.oauthbearer.assertion.*)",
                ));
            }
        };
        if let Some(scope) = scope {
            oidc = oidc.scope(scope.expose());
        }
        for (name, value) in extensions {
            oidc = oidc.extension(name, value.expose());
        }
        if let Some(tls) = self.endpoint_tls(of_endpoint.unwrap_or_default())? {
            oidc = oidc.tls(tls);
        }
        if let Some(urlencode) =
            self.parsed("sasl.oauthbearer.header.urlencode", "true or false")?
        {
            oidc = oidc.urlencode_header(urlencode);
        }
        for (name, set) in [
            (
                "sasl.login.connect.timeout.ms",
                Oidc::connect_timeout as fn(Oidc, Duration) -> Oidc,
            ),
            ("sasl.login.read.timeout.ms", Oidc::read_timeout),
            ("sasl.login.retry.backoff.ms", Oidc::retry_backoff),
            ("sasl.login.retry.backoff.max.ms", Oidc::retry_backoff_max),
        ] {
            if let Some(ms) = self.parsed(name, "a number of milliseconds")? {
                oidc = set(oidc, Duration::from_millis(ms));
            }
        }
        Ok(Sasl::oidc(oidc))
    }

    /// A property, or the option of `sasl.jaas.config` that it has replaced.
    fn or_jaas(
        &mut self,
        names: &[&'static str],
        (option, of_jaas): (&str, Option<Secret>),
    ) -> Result<Option<Secret>, Error> {
        match (self.one_of(names)?, of_jaas) {
            (Some((name, _)), Some(_)) => Err(Error::config(format!(
                "{name} and {option} of sasl.jaas.config say the same: set one of them"
            ))),
            (property, of_jaas) => Ok(property.map(|(_, value)| value).or(of_jaas)),
        }
    }

    /// Whether the grant is that of RFC 7523.
    fn is_bearer(&mut self, retriever: Retriever) -> Result<bool, Error> {
        if let Some(method) = self.take("sasl.oauthbearer.method") {
            let method = method.expose().trim();
            if !method.eq_ignore_ascii_case("oidc") {
                return Err(Error::config(format!(
                    "sasl.oauthbearer.method={method}: with a token endpoint it is oidc"
                )));
            }
        }
        let grant = self.take("sasl.oauthbearer.grant.type");
        match (grant.as_ref().map(|grant| grant.expose().trim()), retriever) {
            (None, retriever) => Ok(retriever == Retriever::JwtBearer),
            (Some("client_credentials"), Retriever::Default | Retriever::ClientCredentials) => {
                Ok(false)
            }
            (Some(JWT_BEARER), Retriever::Default | Retriever::JwtBearer) => Ok(true),
            (Some(grant), _) => Err(Error::config(format!(
                "sasl.oauthbearer.grant.type={grant}: it is client_credentials or {JWT_BEARER}, as \
                 sasl.oauthbearer.jwt.retriever.class says if that is set"
            ))),
        }
    }

    fn assertion(&mut self) -> Result<Option<Assertion>, Error> {
        const PREFIX: &str = "sasl.oauthbearer.assertion.";
        let made = self.take(&format!("{PREFIX}file"));
        let key = self.one_of(&[
            "sasl.oauthbearer.assertion.private.key.file",
            "sasl.oauthbearer.assertion.private.key.pem",
        ])?;
        let key = match (made, key) {
            (Some(_), Some((name, _))) => {
                return Err(Error::config(format!(
                    "{PREFIX}file and {name} say the same: set one of them"
                )));
            }
            (Some(path), None) => return Ok(Some(Assertion::file(path.expose()))),
            (None, None) => return Ok(None),
            (None, Some(("sasl.oauthbearer.assertion.private.key.file", path))) => {
                file(path.expose())
            }
            (None, Some((_, text))) => pem(text.expose()),
        };
        let algorithm = self.take(&format!("{PREFIX}algorithm"));
        let algorithm = match algorithm.as_ref().map(|name| name.expose().trim()) {
            None => Algorithm::default(),
            Some(name) if name.eq_ignore_ascii_case("RS256") => Algorithm::Rs256,
            Some(name) if name.eq_ignore_ascii_case("ES256") => Algorithm::Es256,
            Some(name) => {
                return Err(Error::config(format!(
                    "{PREFIX}algorithm={name}: it is RS256 or ES256"
                )));
            }
        };
        let mut assertion = Assertion::signed(algorithm, key);
        if let Some(password) = self.take(&format!("{PREFIX}private.key.passphrase")) {
            assertion = assertion.key_password(password);
        }
        for claim in ["iss", "sub", "aud"] {
            if let Some(value) = self.take(&format!("{PREFIX}claim.{claim}")) {
                assertion = assertion.claim(claim, value.expose());
            }
        }
        let seconds = "a number of seconds";
        if let Some(life) = self.parsed("sasl.oauthbearer.assertion.claim.exp.seconds", seconds)? {
            assertion = assertion.lifetime(Duration::from_secs(life));
        }
        if let Some(ago) = self.parsed("sasl.oauthbearer.assertion.claim.nbf.seconds", seconds)? {
            assertion = assertion.not_before(Duration::from_secs(ago));
        }
        let jwt_id = self.parsed(
            "sasl.oauthbearer.assertion.claim.jti.include",
            "true or false",
        )?;
        if let Some(included) = jwt_id {
            assertion = assertion.jwt_id(included);
        }
        let template = self.one_of(&[
            "sasl.oauthbearer.assertion.template.file",
            "sasl.oauthbearer.assertion.jwt.template.file",
        ])?;
        Ok(Some(match template {
            Some((_, path)) => assertion.template_file(path.expose()),
            None => assertion,
        }))
    }

    /// Whom to believe at the endpoint: librdkafka has names for it, Java has options of the one-liner.
    fn endpoint_tls(&mut self, of_jaas: Vec<(String, Secret)>) -> Result<Option<Tls>, Error> {
        let ca = self.one_of(&["https.ca.location", "https.ca.pem"])?;
        match (ca, of_jaas.is_empty()) {
            (None, true) => Ok(None),
            (None, false) => {
                let named = of_jaas.into_iter();
                let named = named.map(|(name, value)| (format!("ssl.{name}"), value));
                Properties::tls_of(named.collect()).map(Some)
            }
            (Some(("https.ca.location", path)), true) => {
                Ok(Some(Tls::new().ca_file(path.expose())))
            }
            (Some((_, text)), true) => Ok(Some(Tls::new().ca_pem(text.expose()))),
            (Some((name, _)), false) => Err(Error::config(format!(
                "{name} and ssl.* of sasl.jaas.config say the same: set one of them"
            ))),
        }
    }

    fn parsed<T: FromStr>(&mut self, name: &str, what: &str) -> Result<Option<T>, Error> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let value = value.expose().trim();
        let parsed = value.parse().map(Some);
        parsed.map_err(|_| Error::config(format!("{name}={value}: it is {what}")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Security;
    use super::super::properties::from_properties;
    use super::*;

    const ENDPOINT: &str = "sasl.oauthbearer.token.endpoint.url=https://idp.example/token";

    fn read(text: &str) -> Result<Security, Error> {
        let text = format!(
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER\n{ENDPOINT}\n{text}"
        );
        from_properties(text.lines().filter_map(|line| {
            let (name, value) = line.trim().split_once('=')?;
            Some((name.to_owned(), Secret::from(value)))
        }))
    }

    fn shown(text: &str) -> String {
        let shown = format!("{:?}", read(text).unwrap().sasl);
        assert!(!shown.contains("hunter2"), "{shown}");
        shown
    }

    #[test]
    fn the_ways_to_say_the_same_do() {
        let kafka = shown(
            "sasl.oauthbearer.client.credentials.client.id=client-1\n\
             sasl.oauthbearer.client.credentials.client.secret=hunter2\n\
             sasl.oauthbearer.scope=kafka\n\
             sasl.oauthbearer.extensions=logicalCluster=lkc-1",
        );
        let old = shown(
            "sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \
             clientId=\"client-1\" clientSecret=\"hunter2\" scope=\"kafka\" \
             extension_logicalCluster=\"lkc-1\" ssl.truststore.location=\"/idp.pem\" \
             ssl.truststore.type=\"PEM\";\n\
             sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.secured.\
             OAuthBearerLoginCallbackHandler",
        );
        let librdkafka = shown(
            "sasl.oauthbearer.method=OIDC\n\
             sasl.oauthbearer.client.id=client-1\n\
             sasl.oauthbearer.client.secret=hunter2\n\
             sasl.oauthbearer.grant.type=client_credentials\n\
             sasl.oauthbearer.scope=kafka\n\
             sasl.oauthbearer.extensions=logicalCluster=lkc-1\n\
             https.ca.location=/idp.pem",
        );
        assert_eq!(kafka, old);
        assert_eq!(kafka, librdkafka);
        for part in ["client-1", "kafka", "lkc-1", "https://idp.example/token"] {
            assert!(kafka.contains(part), "{kafka}");
        }
    }

    #[test]
    fn assertions_are_read_with_their_claims() {
        let signed = "sasl.oauthbearer.assertion.private.key.file=/client.key\n\
             sasl.oauthbearer.assertion.algorithm=ES256\n\
             sasl.oauthbearer.assertion.private.key.passphrase=hunter2\n\
             sasl.oauthbearer.assertion.claim.iss=client-1\n\
             sasl.oauthbearer.assertion.claim.sub=alice\n\
             sasl.oauthbearer.assertion.claim.aud=idp\n\
             sasl.oauthbearer.assertion.claim.exp.seconds=60\n\
             sasl.oauthbearer.assertion.claim.nbf.seconds=0\n\
             sasl.oauthbearer.assertion.claim.jti.include=true\n\
             sasl.oauthbearer.assertion.template.file=/template.json";
        let bearer = "sasl.oauthbearer.jwt.retriever.class=org.apache.kafka.common.security.oauthbearer.\
             JwtBearerJwtRetriever";
        let made = shown(&format!("{bearer}\n{signed}"));
        for part in ["Es256", "/client.key", "/template.json", "alice"] {
            assert!(made.contains(part), "{made}");
        }
        assert!(!made.contains("client_id"), "{made}");
        let librdkafka = format!("sasl.oauthbearer.grant.type={JWT_BEARER}\n{signed}");
        assert_eq!(shown(&librdkafka), made);
        // Without a grant, the assertion stands for the secret.
        let client = shown(&format!("{signed}\nsasl.oauthbearer.client.id=client-1"));
        assert!(client.contains("client_id"), "{client}");
        let from_file = shown(&format!("{bearer}\nsasl.oauthbearer.assertion.file=/a.jwt"));
        assert!(from_file.contains("/a.jwt"), "{from_file}");
    }

    #[test]
    fn what_does_not_fit_is_named_without_its_secrets() {
        let client = "sasl.oauthbearer.client.id=a\nsasl.oauthbearer.client.secret=hunter2";
        let grant = format!("sasl.oauthbearer.grant.type={JWT_BEARER}");
        for (text, words) in [
            (String::new(), "client.credentials.client.id"),
            ("sasl.oauthbearer.client.id=a".to_owned(), "id and secret"),
            (format!("{client}\nsasl.oauthbearer.assertion.file=/a"), "both set"),
            (grant.clone(), "takes an assertion"),
            (format!("{grant}\n{client}"), "no effect with the grant"),
            (format!("{client}\nsasl.oauthbearer.grant.type=password"), "it is client_credentials"),
            (format!("{client}\nsasl.oauthbearer.method=default"), "it is oidc"),
            (
                format!("{client}\nsasl.oauthbearer.client.credentials.client.secret=hunter2"),
                "say the same",
            ),
            (
                format!("{client}\nsasl.jaas.config=x.OAuthBearerLoginModule required clientId=\"b\";"),
                "clientId of sasl.jaas.config",
            ),
            (
                format!("{client}\nsasl.jaas.config=x.OAuthBearerLoginModule required ssl.x=\"hunter2\";"),
                "ssl.x",
            ),
            (
                format!("{client}\nsasl.jaas.config=x.OAuthBearerLoginModule required client=\"hunter2\";"),
                "client of OAuthBearerLoginModule",
            ),
            (format!("{client}\nsasl.login.read.timeout.ms=soon"), "milliseconds"),
            (format!("{client}\nsasl.oauthbearer.header.urlencode=yes"), "true or false"),
            (format!("{client}\nsasl.oauthbearer.assertion.claim.iss=x"), "no effect"),
            (format!("{client}\nsasl.login.refresh.window.factor=0.5"), "not taken"),
            (
                "sasl.oauthbearer.assertion.file=/a\nsasl.oauthbearer.assertion.private.key.pem=hunter2"
                    .to_owned(),
                "say the same",
            ),
            (
                "sasl.oauthbearer.assertion.private.key.pem=hunter2\n\
                 sasl.oauthbearer.assertion.algorithm=HS256"
                    .to_owned(),
                "RS256 or ES256",
            ),
        ] {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}

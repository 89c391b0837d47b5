//! Security by Kafka's names, and by those of librdkafka.

use std::collections::BTreeMap;

use super::jaas::Jaas;
#[cfg(feature = "_tls")]
use super::tls::Tls;
use super::{Sasl, Secret, Security};
use crate::error::Error;

/// What these properties say.
///
/// # Errors
/// When one is unknown, has an impossible value, or is without effect. Secrets are not shown.
pub(crate) fn from_properties(
    properties: impl IntoIterator<Item = (String, Secret)>,
) -> Result<Security, Error> {
    let mut properties = Properties(properties.into_iter().collect());
    let protocol = properties.take("security.protocol");
    let is_set = protocol.is_some();
    let protocol = protocol
        .as_ref()
        .map_or("PLAINTEXT", |text| text.expose().trim());
    let (has_tls, has_sasl) = match protocol.to_ascii_uppercase().as_str() {
        "PLAINTEXT" => (false, false),
        "SSL" => (true, false),
        "SASL_PLAINTEXT" => (false, true),
        "SASL_SSL" => (true, true),
        _ => {
            return Err(Error::config(format!(
                "security.protocol={protocol}: it is one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"
            )));
        }
    };
    let security = Security {
        #[cfg(feature = "_tls")]
        tls: match has_tls {
            true => Some(properties.tls()?),
            false => None,
        },
        sasl: match has_sasl {
            true => Some(properties.sasl()?),
            false => None,
        },
    };
    if has_tls && cfg!(not(feature = "_tls")) {
        return Err(Error::config(format!(
            "security.protocol={protocol}: this build has no TLS; build kafka-client with the feature tls or \
             tls-aws-lc"
        )));
    }
    match properties.0.keys().next() {
        None => Ok(security),
        Some(name) if is_other_half(name, has_tls, has_sasl) => {
            let wanted = match (name.starts_with("ssl."), has_tls, has_sasl) {
                (true, _, true) | (false, true, _) => "SASL_SSL",
                (true, ..) => "SSL (or to SASL_SSL)",
                (false, ..) => "SASL_SSL (or to SASL_PLAINTEXT)",
            };
            let so = match is_set {
                true => format!("security.protocol={protocol}"),
                false => "the default of security.protocol, which is PLAINTEXT".to_owned(),
            };
            Err(Error::config(format!(
                "{name} has no effect with {so}: set that to {wanted}, or leave {name} out"
            )))
        }
        Some(name) => Err(unknown(name)),
    }
}

/// Whether a property would be taken under another `security.protocol`.
fn is_other_half(name: &str, has_tls: bool, has_sasl: bool) -> bool {
    (name.starts_with("ssl.") && !has_tls) || (name.starts_with("sasl.") && !has_sasl)
}

/// Whether some mechanism takes a setting of this name.
fn is_known_of_sasl(name: &str) -> bool {
    let groups = ["sasl.kerberos.", "sasl.oauthbearer.", "sasl.login."];
    !name.starts_with("sasl.")
        || ["sasl.username", "sasl.password"].contains(&name)
        || groups.iter().any(|group| name.starts_with(group))
}

fn unknown(name: &str) -> Error {
    let reason = match name {
        "ssl.truststore.password" | "ssl.keystore.password" => {
            "is for JKS and PKCS#12 stores, and stores in PEM have none: convert the store, and leave it out"
        }
        "ssl.provider"
        | "ssl.keymanager.algorithm"
        | "ssl.trustmanager.algorithm"
        | "ssl.secure.random.implementation"
        | "ssl.engine.factory.class" => "is about Java's TLS, which is not used here: leave it out",
        "ssl.cipher.suites" | "ssl.enabled.protocols" | "ssl.protocol" => {
            "is not taken: this client speaks TLS 1.2 and 1.3 with safe cipher suites; limit them on the \
             broker, or leave it out"
        }
        "ssl.crl.location" => "is not taken: revocation lists are not looked at",
        "sasl.kerberos.kinit.cmd"
        | "sasl.kerberos.ticket.renew.jitter"
        | "sasl.kerberos.ticket.renew.window.factor"
        | "sasl.kerberos.min.time.before.relogin" => {
            "is not taken: the system's Kerberos library gets tickets with a keytab, and gets them anew in time"
        }
        name if name.starts_with("sasl.kerberos.") => "is for sasl.mechanism=GSSAPI: leave it out",
        "sasl.username" | "sasl.password" | "sasl.oauthbearer.token.endpoint.url" => {
            "has no effect with this sasl.mechanism: leave it out"
        }
        "sasl.login.callback.handler.class"
        | "sasl.client.callback.handler.class"
        | "sasl.login.class" => {
            "names a class of Java: use KafkaBuilder::sasl with Sasl::oauthbearer or Sasl::custom"
        }
        name if name.starts_with("sasl.oauthbearer.client.")
            || name.starts_with("sasl.oauthbearer.assertion.")
            || name == "sasl.oauthbearer.scope" =>
        {
            "has no effect with this way to get tokens: leave it out"
        }
        name if name.starts_with("sasl.login.") || name.starts_with("sasl.oauthbearer.") => {
            "is not taken by this client: leave it out, and use KafkaBuilder::sasl with Sasl::oauthbearer \
             where it is needed"
        }
        _ => "is no setting of security that this client knows: check its spelling",
    };
    Error::config(format!("{name} {reason}"))
}

pub(super) struct Properties(BTreeMap<String, Secret>);

impl Properties {
    pub(super) fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Secret> {
        self.0.remove(name)
    }

    /// The first of these that is set: names of Java and of librdkafka for the same thing.
    ///
    /// # Errors
    /// When two are.
    pub(super) fn one_of(
        &mut self,
        names: &[&'static str],
    ) -> Result<Option<(&'static str, Secret)>, Error> {
        let mut found: Option<(&'static str, Secret)> = None;
        for name in names {
            let Some(value) = self.take(name) else {
                continue;
            };
            if let Some((other, _)) = found {
                return Err(Error::config(format!(
                    "{other} and {name} say the same: set one of them"
                )));
            }
            found = Some((name, value));
        }
        Ok(found)
    }

    /// How an endpoint that is no broker is believed, by the same names.
    ///
    /// # Errors
    /// As [`from_properties`].
    #[cfg(feature = "oidc")]
    pub(super) fn tls_of(properties: Vec<(String, Secret)>) -> Result<Tls, Error> {
        let mut properties = Self(properties.into_iter().collect());
        let tls = properties.tls()?;
        match properties.0.keys().next() {
            Some(name) => Err(unknown(name)),
            None => Ok(tls),
        }
    }

    #[cfg(feature = "_tls")]
    fn tls(&mut self) -> Result<Tls, Error> {
        for name in ["ssl.truststore.type", "ssl.keystore.type"] {
            let store = self.take(name);
            let store = store.as_ref().map_or("PEM", |store| store.expose().trim());
            if !store.eq_ignore_ascii_case("PEM") {
                return Err(Error::config(format!(
                    "{name}={store}: only PEM is read (KIP-651). Convert the store: openssl pkcs12 -in \
                     <store.p12> -nodes -out store.pem; before that, for JKS, keytool -importkeystore \
                     -srckeystore <store.jks> -destkeystore store.p12 -deststoretype PKCS12"
                )));
            }
        }
        let mut tls = Tls::new();
        let roots = [
            "ssl.truststore.location",
            "ssl.truststore.certificates",
            "ssl.ca.location",
            "ssl.ca.pem",
        ];
        if let Some((name, value)) = self.one_of(&roots)? {
            let value = value.expose();
            tls = match name {
                "ssl.truststore.location" | "ssl.ca.location" => tls.ca_file(value),
                _ => tls.ca_pem(value),
            };
        }
        let chain = self.one_of(&[
            "ssl.keystore.location",
            "ssl.keystore.certificate.chain",
            "ssl.certificate.location",
            "ssl.certificate.pem",
        ])?;
        let key = self.one_of(&["ssl.keystore.key", "ssl.key.location", "ssl.key.pem"])?;
        let source = |(name, value): &(&str, Secret)| match *name {
            "ssl.keystore.location" | "ssl.certificate.location" | "ssl.key.location" => {
                super::tls::file(value.expose())
            }
            _ => super::tls::pem(value.expose()),
        };
        match (&chain, &key) {
            (Some(both @ ("ssl.keystore.location", _)), None) => {
                // One file holds both.
                tls = tls.identity(source(both), source(both));
            }
            (Some(chain), Some(key)) => tls = tls.identity(source(chain), source(key)),
            (Some((name, _)), None) => {
                return Err(Error::config(format!(
                    "{name} is set, but the key that belongs to it is not (ssl.keystore.key, ssl.key.location)"
                )));
            }
            (None, Some((name, _))) => {
                return Err(Error::config(format!(
                    "{name} is set, but the certificate that belongs to it is not \
                     (ssl.keystore.certificate.chain, ssl.certificate.location)"
                )));
            }
            (None, None) => {}
        }
        if let Some(password) = self.take("ssl.key.password") {
            tls = tls.key_password(password);
        }
        if let Some(algorithm) = self.take("ssl.endpoint.identification.algorithm") {
            let algorithm = algorithm.expose().trim();
            tls = match algorithm.to_ascii_lowercase().as_str() {
                // librdkafka says `none`.
                "" | "none" => tls.danger_accept_any_host(),
                "https" => tls,
                _ => {
                    return Err(Error::config(format!(
                        "ssl.endpoint.identification.algorithm={algorithm}: it is https, or empty for none"
                    )));
                }
            };
        }
        Ok(tls)
    }

    fn sasl(&mut self) -> Result<Sasl, Error> {
        let mechanism = self.one_of(&["sasl.mechanism", "sasl.mechanisms"])?;
        let mechanism = mechanism.map(|(_, value)| value.expose().trim().to_owned());
        // Kafka's default, which few mean.
        let is_default = mechanism.is_none();
        let mechanism = mechanism.unwrap_or_else(|| "GSSAPI".to_owned());
        let jaas = self.take("sasl.jaas.config");
        let jaas = jaas.map(|text| Jaas::read(text.expose())).transpose()?;
        match mechanism.as_str() {
            "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" => self.with_password(&mechanism, jaas),
            "AWS_MSK_IAM" => self.with_msk(jaas),
            "OAUTHBEARER" if self.is_msk() => self.with_msk(jaas),
            "OAUTHBEARER" => self.with_tokens(jaas),
            "GSSAPI" if !is_default || self.0.contains_key("sasl.kerberos.service.name") => {
                self.with_kerberos(jaas.as_ref())
            }
            _ if is_default => {
                let misspelt = self.0.keys().find(|name| !is_known_of_sasl(name));
                let misspelt =
                    misspelt.map(|name| format!("; {name} is no setting that this client knows"));
                Err(Error::config(format!(
                    "sasl.mechanism is not set{}: set it to one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, \
                     OAUTHBEARER, AWS_MSK_IAM, or GSSAPI, which is Kafka's default and takes \
                     sasl.kerberos.service.name",
                    misspelt.unwrap_or_default()
                )))
            }
            _ => Err(Error::config(format!(
                "sasl.mechanism={mechanism}: set it to one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, \
                 GSSAPI, AWS_MSK_IAM; others take KafkaBuilder::sasl with Sasl::custom"
            ))),
        }
    }

    fn with_password(&mut self, mechanism: &str, jaas: Option<Jaas>) -> Result<Sasl, Error> {
        let (user, password) = (self.take("sasl.username"), self.take("sasl.password"));
        let (user, password) = match jaas {
            Some(_) if user.is_some() || password.is_some() => {
                return Err(Error::config(
                    "sasl.jaas.config and sasl.username with sasl.password say the same: set one of them",
                ));
            }
            Some(mut jaas) => {
                let expected = match mechanism {
                    "PLAIN" => "PlainLoginModule",
                    _ => "ScramLoginModule",
                };
                if jaas.module != expected {
                    return Err(Error::config(format!(
                        "sasl.jaas.config has {}, and sasl.mechanism={mechanism} takes {expected}",
                        jaas.module
                    )));
                }
                let (user, password) = (jaas.take("username"), jaas.take("password"));
                let token = jaas.take("tokenauth");
                let token = token.as_ref().map(Secret::expose);
                jaas.finish()?;
                #[cfg(feature = "_tls")]
                if token == Some("true")
                    && mechanism != "PLAIN"
                    && let (Some(id), Some(hmac)) = (&user, &password)
                {
                    return Ok(Sasl::lent(mechanism, id.expose(), hmac.clone()));
                }
                if token.is_some_and(|token| token != "false") {
                    return Err(Error::config(
                        "sasl.jaas.config: tokenauth=true takes SCRAM as sasl.mechanism, a username and a \
                         password",
                    ));
                }
                (user, password)
            }
            None => (user, password),
        };
        let (Some(user), Some(password)) = (user, password) else {
            return Err(Error::config(format!(
                "sasl.mechanism={mechanism} takes a name and a password: set sasl.jaas.config, or \
                 sasl.username and sasl.password"
            )));
        };
        Sasl::with_password(mechanism, user.expose(), &password).ok_or_else(|| {
            Error::config(format!(
                "sasl.mechanism={mechanism}: build kafka-client with the feature tls or tls-aws-lc, which \
                 bring its cryptography"
            ))
        })
    }

    #[cfg(feature = "gssapi")]
    fn with_kerberos(&mut self, jaas: Option<&Jaas>) -> Result<Sasl, Error> {
        super::sasl::kerberos(|name| self.take(name), jaas).map(Sasl::gssapi)
    }

    #[cfg(not(feature = "gssapi"))]
    fn with_kerberos(&mut self, _: Option<&Jaas>) -> Result<Sasl, Error> {
        Err(Error::config(
            "sasl.mechanism=GSSAPI: build kafka-client with the feature gssapi, which needs the Kerberos library \
             of the system; or set sasl.mechanism to one that the brokers take beside it",
        ))
    }
}

#[cfg(test)]
#[cfg(feature = "_tls")]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Security, Error> {
        from_properties(text.lines().filter_map(|line| {
            let (name, value) = line.trim().split_once('=')?;
            Some((name.to_owned(), Secret::from(value)))
        }))
    }

    fn shown(text: &str) -> String {
        let security = read(text).unwrap();
        format!("{:?} {:?}", security.tls, security.sasl)
    }

    #[test]
    fn properties_of_java_and_of_librdkafka_say_the_same() {
        let java = "security.protocol=SASL_SSL\n\
             ssl.truststore.type=PEM\n\
             ssl.truststore.location=/ca.pem\n\
             sasl.mechanism=SCRAM-SHA-512\n\
             sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
             username=\"alice\" password=\"hunter2\";";
        let librdkafka = "security.protocol=sasl_ssl\n\
             ssl.ca.location=/ca.pem\n\
             sasl.mechanisms=SCRAM-SHA-512\n\
             sasl.username=alice\n\
             sasl.password=hunter2";
        assert_eq!(shown(java), shown(librdkafka));
        assert!(shown(java).contains("/ca.pem"), "{}", shown(java));
        assert!(shown(java).contains("SCRAM-SHA-512"), "{}", shown(java));
        assert!(shown(java).contains("alice"), "{}", shown(java));
        assert!(!shown(java).contains("hunter2"), "{}", shown(java));
        let security = read("security.protocol=PLAINTEXT").unwrap();
        assert!(security.tls.is_none() && security.sasl.is_none());
    }

    #[test]
    fn certificates_of_the_client_come_in_one_file_in_two_or_as_text() {
        for text in [
            "ssl.keystore.location=/client.pem",
            "ssl.certificate.location=/client.pem\nssl.key.location=/client.key",
            "ssl.keystore.certificate.chain=PEM\nssl.keystore.key=KEY\nssl.key.password=hunter2",
        ] {
            let shown = shown(&format!("security.protocol=SSL\n{text}"));
            assert!(shown.contains("identity: Some"), "{shown}");
            assert!(
                !shown.contains("hunter2") && !shown.contains("KEY"),
                "{shown}"
            );
        }
        let open = shown("security.protocol=SSL\nssl.endpoint.identification.algorithm=");
        assert!(open.contains("any_host: true"), "{open}");
    }

    #[test]
    fn what_is_wrong_is_named_without_its_secrets() {
        for (text, words) in [
            (
                "security.protocol=TLS",
                "PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
            ),
            (
                "ssl.ca.location=/ca.pem",
                "no effect with the default of security.protocol, which is PLAINTEXT",
            ),
            ("security.protocol=SSL\nsasl.password=hunter2", "no effect"),
            ("security.protocol=SSL\nssl.truststore.type=JKS", "keytool"),
            (
                "security.protocol=SSL\nssl.keystore.password=hunter2",
                "PEM have none",
            ),
            (
                "security.protocol=SSL\nssl.trustore.location=/x",
                "spelling",
            ),
            (
                "security.protocol=SSL\nssl.cipher.suites=X",
                "TLS 1.2 and 1.3",
            ),
            (
                "security.protocol=SSL\nssl.key.location=/key",
                "certificate that belongs to it",
            ),
            (
                "security.protocol=SSL\nssl.certificate.location=/c",
                "key that belongs to it",
            ),
            (
                "security.protocol=SSL\nssl.ca.location=/a\nssl.truststore.location=/b",
                "say the same",
            ),
            (
                "security.protocol=SSL\nssl.endpoint.identification.algorithm=ldap",
                "https",
            ),
            ("security.protocol=SASL_SSL", "sasl.mechanism is not set:"),
            (
                "security.protocol=SASL_SSL\nsasl.mechansim=PLAIN",
                "sasl.mechansim is no setting",
            ),
            (
                "security.protocol=SSL\nsasl.username=a",
                "set that to SASL_SSL, or",
            ),
            #[cfg(not(feature = "gssapi"))]
            (
                "security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI",
                "the feature gssapi",
            ),
            #[cfg(feature = "gssapi")]
            (
                "security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI\nsasl.kerberos.kinit.cmd=kinit",
                "gets them anew",
            ),
            (
                "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=a\nsasl.password=hunter2\n\
                 sasl.kerberos.service.name=kafka",
                "for sasl.mechanism=GSSAPI",
            ),
            (
                "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN",
                "sasl.username",
            ),
            (
                "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config=x.ScramLoginModule \
                 required username=\"a\" password=\"hunter2\";",
                "takes PlainLoginModule",
            ),
            (
                "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=a\nsasl.password=hunter2\n\
                 sasl.jaas.config=x.PlainLoginModule required username=\"a\" password=\"hunter2\";",
                "say the same",
            ),
            (
                "security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER",
                "token.endpoint.url",
            ),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn options_that_nothing_uses_are_refused_by_name() {
        for (mechanism, module) in [
            ("PLAIN", "PlainLoginModule"),
            ("SCRAM-SHA-256", "ScramLoginModule"),
        ] {
            let error = read(&format!(
                "security.protocol=SASL_SSL\nsasl.mechanism={mechanism}\nsasl.jaas.config=x.{module} \
                 required username=\"a\" password=\"b\" passwort=\"hunter2\";"
            ));
            let error = error.unwrap_err().to_string();
            let words = format!("passwort of {module}");
            assert!(error.contains(&words), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_delegation_token_is_told_from_a_password() {
        let text = "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-256\n\
             sasl.jaas.config=x.ScramLoginModule required username=\"id\" password=\"hmac\" tokenauth=\"true\";";
        assert!(read(text).is_ok());
        assert!(shown(&text.replace("256", "512")).contains("SCRAM-SHA-512"));
        let plain = text
            .replace("SCRAM-SHA-256", "PLAIN")
            .replace("Scram", "Plain");
        let error = read(&plain).unwrap_err().to_string();
        assert!(error.contains("tokenauth"), "{error}");
    }
}

//! OAUTHBEARER by Kafka's names, and by those of librdkafka.

use std::path::PathBuf;

use super::jaas::Jaas;
use super::properties::Properties;
use super::{FileTokens, Sasl, Secret};
use crate::error::Error;

/// The package of Kafka's own classes. Before 4.0 some were in a package `secured` of it.
const PACKAGE: &str = "org.apache.kafka.common.security.oauthbearer.";

/// What is set for OAUTHBEARER beside the endpoint's address.
pub(super) struct OauthOptions {
    /// Of the one-liner, if there is one.
    pub(super) jaas: Option<Jaas>,
    pub(super) extensions: Vec<(String, Secret)>,
    pub(super) retriever: Retriever,
}

/// Which of Kafka's classes gets tokens (`sasl.oauthbearer.jwt.retriever.class`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retriever {
    /// By the address: a file, or an endpoint.
    Default,
    File,
    ClientCredentials,
    JwtBearer,
}

impl Properties {
    /// The mechanism OAUTHBEARER.
    pub(super) fn with_tokens(&mut self, jaas: Option<Jaas>) -> Result<Sasl, Error> {
        let mut options = self.options(jaas)?;
        let endpoint = self.take("sasl.oauthbearer.token.endpoint.url");
        let endpoint = endpoint.as_ref().map_or("", |url| url.expose().trim());
        if let Some(path) = endpoint.strip_prefix("file:") {
            if matches!(
                options.retriever,
                Retriever::ClientCredentials | Retriever::JwtBearer
            ) {
                return Err(Error::config(
                    "sasl.oauthbearer.token.endpoint.url names a file, and \
                     sasl.oauthbearer.jwt.retriever.class a class that asks an endpoint: leave the class out",
                ));
            }
            if let Some(jaas) = options.jaas.take() {
                jaas.finish()?;
            }
            let mut tokens = FileTokens::new(local(path)?);
            for (name, value) in options.extensions {
                tokens = tokens.extension(name, value.expose());
            }
            return Ok(Sasl::oauthbearer(tokens));
        }
        if endpoint.is_empty() || options.retriever == Retriever::File {
            return Err(Error::config(
                "sasl.mechanism=OAUTHBEARER takes the address of a token endpoint or of a file with the token \
                 (sasl.oauthbearer.token.endpoint.url=https://.. or file:///..), or KafkaBuilder::sasl with \
                 Sasl::oauthbearer and a provider of tokens",
            ));
        }
        #[cfg(feature = "oidc")]
        return self.with_endpoint(endpoint, options);
        #[cfg(not(feature = "oidc"))]
        Err(Error::config(
            "sasl.oauthbearer.token.endpoint.url: this build asks no token endpoint: build kafka-client with \
             the feature oidc, or use KafkaBuilder::sasl with Sasl::oauthbearer and a provider of tokens",
        ))
    }

    fn options(&mut self, mut jaas: Option<Jaas>) -> Result<OauthOptions, Error> {
        let mut extensions = Vec::new();
        if let Some(jaas) = &mut jaas {
            if jaas.module != "OAuthBearerLoginModule" {
                return Err(Error::config(format!(
                    "sasl.jaas.config has {}, and sasl.mechanism=OAUTHBEARER takes OAuthBearerLoginModule",
                    jaas.module
                )));
            }
            extensions = jaas.take_all("extension_");
        }
        if let Some(list) = self.take("sasl.oauthbearer.extensions") {
            for pair in list.expose().split(',') {
                let (name, value) = pair.split_once('=').ok_or_else(|| {
                    Error::config(
                        "sasl.oauthbearer.extensions: it is a list of name=value, with commas between",
                    )
                })?;
                extensions.push((name.trim().to_owned(), Secret::from(value.trim())));
            }
        }
        self.class(
            "sasl.login.callback.handler.class",
            &["OAuthBearerLoginCallbackHandler"],
        )?;
        // Brokers look at tokens: it makes no difference what the client finds before.
        self.class(
            "sasl.oauthbearer.jwt.validator.class",
            &["DefaultJwtValidator", "ClientJwtValidator"],
        )?;
        let retrievers = [
            ("DefaultJwtRetriever", Retriever::Default),
            ("FileJwtRetriever", Retriever::File),
            (
                "ClientCredentialsJwtRetriever",
                Retriever::ClientCredentials,
            ),
            ("JwtBearerJwtRetriever", Retriever::JwtBearer),
        ];
        let names = retrievers.map(|(name, _)| name);
        let class = self.class("sasl.oauthbearer.jwt.retriever.class", &names)?;
        let retriever = retrievers.iter().find(|(name, _)| Some(*name) == class);
        Ok(OauthOptions {
            jaas,
            extensions,
            retriever: retriever.map_or(Retriever::Default, |(_, retriever)| *retriever),
        })
    }

    /// The class that is set, of those that stand for something here.
    fn class(
        &mut self,
        property: &str,
        known: &[&'static str],
    ) -> Result<Option<&'static str>, Error> {
        let Some(class) = self.take(property) else {
            return Ok(None);
        };
        let class = class.expose().trim();
        let name = class.strip_prefix(PACKAGE).unwrap_or(class);
        let name = name.strip_prefix("secured.").unwrap_or(name);
        let known = known.iter().find(|known| **known == name);
        known.map(|known| Some(*known)).ok_or_else(|| {
            Error::config(format!(
                "{property}={class}: this class of Java stands for nothing here: use KafkaBuilder::sasl with \
                 Sasl::oauthbearer or Sasl::custom"
            ))
        })
    }
}

/// The file that an address without its `file:` names: `/path` and `///path` are the same.
fn local(path: &str) -> Result<PathBuf, Error> {
    let wrong = |what: &str| {
        Error::config(format!(
            "sasl.oauthbearer.token.endpoint.url=file:{path}: {what}: write file:///path/of/the/token"
        ))
    };
    let bare = match path.strip_prefix("//") {
        Some(rest) if rest.starts_with('/') => rest,
        Some(rest) => rest
            .strip_prefix("localhost")
            .filter(|rest| rest.starts_with('/'))
            .ok_or_else(|| wrong("this names a host, and the file must be on this machine"))?,
        None if path.starts_with('/') => path,
        None => return Err(wrong("the path does not begin at the root")),
    };
    let path = decoded(bare).ok_or_else(|| wrong("a % stands for no character"))?;
    // C:/path has a slash before it in an address.
    let is_drive = cfg!(windows) && path.as_bytes().get(2) == Some(&b':');
    Ok(match is_drive {
        true => path.trim_start_matches('/').into(),
        false => path.into(),
    })
}

/// An address without its escapes, such as `%20`.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let value = digit()? * 16 + digit()?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::super::Security;
    use super::super::properties::from_properties;
    use super::*;
    use crate::env::{Env, TcpConnector};
    use std::sync::Arc;

    fn read(text: &str) -> Result<Security, Error> {
        let text = format!("security.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER\n{text}");
        from_properties(text.lines().filter_map(|line| {
            let (name, value) = line.trim().split_once('=')?;
            Some((name.to_owned(), Secret::from(value)))
        }))
    }

    #[test]
    fn a_file_is_named_by_a_whole_path() {
        for (address, expected) in [
            ("/run/token", "/run/token"),
            ("///run/token", "/run/token"),
            ("//localhost/run/token", "/run/token"),
            ("/run/my%20token", "/run/my token"),
        ] {
            assert_eq!(local(address).unwrap(), PathBuf::from(expected));
        }
        for (address, words) in [
            ("token", "begin at the root"),
            ("", "begin at the root"),
            ("./token", "begin at the root"),
            ("//host/token", "names a host"),
            ("//localhostess/token", "names a host"),
            ("/run/%2", "no character"),
            ("/run/%xx", "no character"),
        ] {
            let error = local(address).unwrap_err().to_string();
            assert!(error.contains(words), "{address}: {error}");
        }
    }

    #[tokio::test]
    async fn extensions_are_part_of_the_message() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "abc\n").unwrap();
        let security = read(&format!(
            "sasl.oauthbearer.token.endpoint.url=file:{}\n\
             sasl.jaas.config=x.OAuthBearerLoginModule required extension_logicalCluster=\"lkc-1\";",
            file.path().display()
        ));
        let env = Env::new(Arc::new(TcpConnector), Some(1)).unwrap();
        let secured = security.unwrap().prepare(&env).await.unwrap();
        let start = secured.mechanism.unwrap().begin("broker").await.unwrap();
        assert_eq!(
            String::from_utf8(start.message).unwrap(),
            "n,,\u{1}auth=Bearer abc\u{1}logicalCluster=lkc-1\u{1}\u{1}"
        );
    }

    #[test]
    fn classes_of_kafka_that_do_the_same_are_taken_and_others_named() {
        let file = "sasl.oauthbearer.token.endpoint.url=file:/run/token";
        for good in [
            "sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.secured.\
             OAuthBearerLoginCallbackHandler",
            "sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.\
             OAuthBearerLoginCallbackHandler",
            "sasl.oauthbearer.jwt.retriever.class=org.apache.kafka.common.security.oauthbearer.\
             FileJwtRetriever",
            "sasl.oauthbearer.jwt.validator.class=org.apache.kafka.common.security.oauthbearer.\
             DefaultJwtValidator",
            "sasl.oauthbearer.extensions=a=1, b=2",
        ] {
            read(&format!("{file}\n{good}")).unwrap();
        }
        for (bad, words) in [
            (
                "sasl.login.callback.handler.class=com.example.Mine",
                "com.example.Mine",
            ),
            (
                "sasl.oauthbearer.jwt.retriever.class=com.example.Mine",
                "com.example.Mine",
            ),
            (
                "sasl.oauthbearer.jwt.retriever.class=JwtBearerJwtRetriever",
                "names a file",
            ),
            ("sasl.oauthbearer.client.id=hunter2", "no effect"),
            ("sasl.oauthbearer.extensions=hunter2", "name=value"),
            ("sasl.login.class=hunter2", "class of Java"),
        ] {
            let error = read(&format!("{file}\n{bad}")).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    #[cfg(not(feature = "oidc"))]
    fn an_endpoint_takes_a_feature() {
        let error = read("sasl.oauthbearer.token.endpoint.url=https://idp.example/token");
        let error = error.unwrap_err().to_string();
        assert!(error.contains("the feature oidc"), "{error}");
    }

    #[test]
    fn what_nothing_uses_is_refused_by_name() {
        for (option, words) in [
            ("clientSecrets=\"hunter2\"", "clientSecrets"),
            (
                "unsecuredLoginStringClaim_sub=\"hunter2\"",
                "without a signature",
            ),
        ] {
            let error = read(&format!(
                "sasl.oauthbearer.token.endpoint.url=file:/run/token\n\
                 sasl.jaas.config=x.OAuthBearerLoginModule required {option};"
            ));
            let error = error.unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}

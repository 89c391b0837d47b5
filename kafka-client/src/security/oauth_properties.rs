//! OAUTHBEARER by Kafka's names, and by those of librdkafka.

use std::path::PathBuf;

use super::jaas::Jaas;
use super::properties::Properties;
use super::{FileTokens, Sasl};
use crate::error::Error;

impl Properties {
    /// The mechanism OAUTHBEARER.
    pub(super) fn with_tokens(&mut self, jaas: Option<Jaas>) -> Result<Sasl, Error> {
        let mut extensions = Vec::new();
        if let Some(mut jaas) = jaas {
            if jaas.module != "OAuthBearerLoginModule" {
                return Err(Error::config(format!(
                    "sasl.jaas.config has {}, and sasl.mechanism=OAUTHBEARER takes OAuthBearerLoginModule",
                    jaas.module
                )));
            }
            extensions = jaas.take_all("extension_");
            jaas.finish()?;
        }
        let endpoint = self.take("sasl.oauthbearer.token.endpoint.url");
        let endpoint = endpoint.as_ref().map(|url| url.expose().trim());
        let Some(path) = endpoint.and_then(|url| url.strip_prefix("file:")) else {
            return Err(Error::config(
                "sasl.mechanism=OAUTHBEARER takes a file with the token \
                 (sasl.oauthbearer.token.endpoint.url=file:/..), or KafkaBuilder::sasl with \
                 Sasl::oauthbearer and a provider of tokens",
            ));
        };
        let mut tokens = FileTokens::new(local(path)?);
        for (name, value) in extensions {
            tokens = tokens.extension(name, value.expose());
        }
        Ok(Sasl::oauthbearer(tokens))
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
    use super::super::properties::from_properties;
    use super::super::{Secret, Security};
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

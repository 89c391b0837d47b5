//! Apache Kafka with a listener for each protocol.

use std::fs;

use tempfile::TempDir;

use super::{Authority, PASSWORD, USER, Validity};
use crate::kafka::{JavaTools, KafkaError, NativeKafka, class, free_ports};

/// The listeners, beside the plaintext one that is always there: name, protocol, and whether clients need
/// a certificate.
const LISTENERS: [(&str, &str, bool); 4] = [
    ("SSL", "SSL", false),
    ("MTLS", "SSL", true),
    ("SASL_PLAINTEXT", "SASL_PLAINTEXT", false),
    ("SASL_SSL", "SASL_SSL", false),
];

/// The mechanisms whose passwords Kafka keeps in its metadata.
const SCRAM: [&str; 2] = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

/// One node of Apache Kafka as a child process, whose listeners are named as their protocols, and `MTLS`
/// for the one that wants certificates of clients. [`USER`] may log in with [`PASSWORD`] by PLAIN and
/// SCRAM, and with an unsigned token.
#[derive(Debug)]
pub struct SecureKafka {
    _node: NativeKafka,
    ports: Vec<(&'static str, u16)>,
    authority: Authority,
    _files: TempDir,
}

impl SecureKafka {
    /// Starts a node with these settings on top.
    ///
    /// # Errors
    /// As [`NativeKafka::start`].
    ///
    /// # Cancel safety
    /// Dropping the future kills the node.
    pub async fn start_with(settings: &[(&str, &str)]) -> Result<Self, KafkaError> {
        let files = TempDir::with_prefix("certificates-").map_err(KafkaError::io("directory"))?;
        let authority = Authority::new("authority of the brokers");
        let certificate = authority.broker(&["localhost", "127.0.0.1"], Validity::Now);
        let write = |name: &str, text: String| {
            let path = files.path().join(name);
            fs::write(&path, text).map_err(KafkaError::io("certificate"))?;
            Ok(path.display().to_string())
        };
        // Kafka wants chain and key in one file.
        let keystore = write(
            "broker.pem",
            format!("{}{}", certificate.key, certificate.chain),
        )?;
        let truststore = write("ca.pem", authority.certificate())?;

        let [controller, plain, secured @ ..] = free_ports::<{ 2 + LISTENERS.len() }>()?;
        let names = LISTENERS.iter().map(|(name, ..)| *name);
        let mut ports = vec![("PLAINTEXT", plain)];
        ports.extend(names.zip(secured));
        let listeners: Vec<String> = ports
            .iter()
            .map(|(name, port)| format!("{name}://127.0.0.1:{port}"))
            .collect();
        let protocols: Vec<String> = LISTENERS
            .iter()
            .map(|(name, protocol, _)| format!("{name}:{protocol}"))
            .collect();
        let mut all: Vec<(String, String)> = vec![
            (
                "listeners".into(),
                format!(
                    "{},CONTROLLER://127.0.0.1:{controller}",
                    listeners.join(",")
                ),
            ),
            (
                "controller.quorum.voters".into(),
                format!("1@127.0.0.1:{controller}"),
            ),
            (
                "listener.security.protocol.map".into(),
                format!(
                    "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,{}",
                    protocols.join(",")
                ),
            ),
            ("ssl.keystore.type".into(), "PEM".into()),
            ("ssl.keystore.location".into(), keystore),
            ("ssl.truststore.type".into(), "PEM".into()),
            ("ssl.truststore.location".into(), truststore),
            (
                "listener.name.mtls.ssl.client.auth".into(),
                "required".into(),
            ),
            (
                "sasl.enabled.mechanisms".into(),
                "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER".into(),
            ),
        ];
        let package = "org.apache.kafka.common.security";
        for listener in ["sasl_plaintext", "sasl_ssl"] {
            for (mechanism, module) in [
                (
                    "plain",
                    format!(
                        "{package}.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";"
                    ),
                ),
                (
                    "scram-sha-256",
                    format!("{package}.scram.ScramLoginModule required;"),
                ),
                (
                    "scram-sha-512",
                    format!("{package}.scram.ScramLoginModule required;"),
                ),
                (
                    "oauthbearer",
                    format!(
                        "{package}.oauthbearer.OAuthBearerLoginModule required \
                         unsecuredLoginStringClaim_sub=\"broker\";"
                    ),
                ),
            ] {
                let name = format!("listener.name.{listener}.{mechanism}.sasl.jaas.config");
                all.push((name, module));
            }
        }
        let all: Vec<(&str, &str)> = all
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain(settings.iter().copied())
            .collect();
        let node = NativeKafka::start_with(&all).await?;
        let kafka = Self {
            _node: node,
            ports,
            authority,
            _files: files,
        };
        kafka.set_password(PASSWORD).await?;
        Ok(kafka)
    }

    /// The password of [`USER`] for SCRAM from now on.
    ///
    /// # Errors
    /// When Kafka's tool fails.
    ///
    /// # Cancel safety
    /// Dropping the future ends the tool.
    pub async fn set_password(&self, password: &str) -> Result<(), KafkaError> {
        for mechanism in SCRAM {
            let config = format!("{mechanism}=[iterations=4096,password={password}]");
            self.alter_user("--add-config", &config).await?;
        }
        Ok(())
    }

    /// [`USER`] may not log in by SCRAM any more.
    ///
    /// # Errors
    /// When Kafka's tool fails.
    ///
    /// # Cancel safety
    /// Dropping the future ends the tool.
    pub async fn remove_user(&self) -> Result<(), KafkaError> {
        for mechanism in SCRAM {
            self.alter_user("--delete-config", mechanism).await?;
        }
        Ok(())
    }

    /// One change: Kafka takes no two of a user in a request.
    async fn alter_user(&self, change: &str, config: &str) -> Result<(), KafkaError> {
        let bootstrap = self.bootstrap("PLAINTEXT");
        let mut arguments = vec!["--bootstrap-server", &bootstrap, "--alter"];
        arguments.extend(["--entity-type", "users", "--entity-name", USER]);
        arguments.extend([change, config]);
        JavaTools::from_env()?
            .run(class::CONFIGS, &arguments, b"")
            .await?
            .success()?;
        Ok(())
    }

    /// `host:port` of a listener.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn bootstrap(&self, listener: &str) -> String {
        let mut ports = self.ports.iter();
        let (_, port) = ports
            .find(|(name, _)| *name == listener)
            .unwrap_or_else(|| panic!("no listener {listener}"));
        format!("127.0.0.1:{port}")
    }

    /// Who has signed the broker's certificate, and is believed by it.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }
}

//! Apache Kafka with a listener for each protocol.

use std::fs;
use std::sync::Arc;

use tempfile::TempDir;

use super::{Authority, PASSWORD, USER, Validity};
use crate::kafka::{JavaTools, KafkaContainer, KafkaError, NativeKafka, class, free_ports};

/// A listener.
struct Named {
    /// What tests call it.
    name: &'static str,
    /// What Kafka calls it: the official image takes a name that ends with `SSL` as an order to set TLS up in a
    /// way of its own.
    at_kafka: &'static str,
    protocol: &'static str,
    /// In a container.
    port: u16,
}

/// The listeners, and the plaintext one that is always there.
const LISTENERS: [Named; 5] = [
    named("PLAINTEXT", "PLAINTEXT", "PLAINTEXT", 9092),
    named("SSL", "TLS", "SSL", 9094),
    named("MTLS", "MTLS", "SSL", 9095),
    named("SASL_PLAINTEXT", "SASL", "SASL_PLAINTEXT", 9096),
    named("SASL_SSL", "SASL_TLS", "SASL_SSL", 9097),
];

const fn named(
    name: &'static str,
    at_kafka: &'static str,
    protocol: &'static str,
    port: u16,
) -> Named {
    Named {
        name,
        at_kafka,
        protocol,
        port,
    }
}

/// The mechanisms whose passwords Kafka keeps in its metadata.
const SCRAM: [&str; 2] = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

/// One node of Apache Kafka whose listeners are named as their protocols, and `MTLS` for the one that wants
/// certificates of clients. [`USER`] may log in with [`PASSWORD`] by PLAIN and SCRAM, and with an unsigned
/// token.
#[derive(Debug)]
pub struct SecureKafka {
    _node: Node,
    addresses: Vec<(&'static str, String)>,
    authority: Arc<Authority>,
}

/// Where it runs. It is kept for its end.
#[derive(Debug)]
enum Node {
    Process(#[expect(dead_code, reason = "ends when dropped")] Box<(NativeKafka, TempDir)>),
    Container(#[expect(dead_code, reason = "ends when dropped")] Box<KafkaContainer>),
}

impl SecureKafka {
    /// Starts a node as a child process, with these settings on top.
    ///
    /// # Errors
    /// As [`NativeKafka::start`].
    ///
    /// # Cancel safety
    /// Dropping the future kills the node.
    pub async fn start_with(settings: &[(&str, &str)]) -> Result<Self, KafkaError> {
        let files = TempDir::with_prefix("certificates-").map_err(KafkaError::io("directory"))?;
        let authority = Arc::new(Authority::new("authority of the brokers"));
        let path = |name: &str| files.path().join(name).display().to_string();
        for (name, text) in material(&authority, "127.0.0.1") {
            fs::write(path(name), text).map_err(KafkaError::io("certificate"))?;
        }
        let [controller, ports @ ..] = free_ports::<{ 1 + LISTENERS.len() }>()?;
        let listens = LISTENERS.iter().zip(ports);
        let listens: Vec<_> = listens
            .map(|(listener, port)| (listener, format!("127.0.0.1:{port}")))
            .collect();
        let mut all = secured(&listens, &path(KEYSTORE), &path(TRUSTSTORE));
        add_controller(&mut all, controller);
        let node = NativeKafka::start_with(&with(&all, settings)).await?;
        let node = Node::Process(Box::new((node, files)));
        let addresses = listens
            .into_iter()
            .map(|(listener, address)| (listener.name, address));
        Self::ready(node, addresses.collect(), authority).await
    }

    /// Starts a node in a container.
    ///
    /// # Errors
    /// As [`KafkaContainer::start`].
    ///
    /// # Cancel safety
    /// Dropping the future removes the container.
    pub async fn start_in_container() -> Result<Self, KafkaError> {
        let authority = Arc::new(Authority::new("authority of the brokers"));
        let listens = LISTENERS.iter();
        let listens: Vec<_> = listens
            .map(|listener| (listener, format!("0.0.0.0:{}", listener.port)))
            .collect();
        let [keystore, truststore] = ["/tmp/broker.pem", "/tmp/ca.pem"];
        let mut all = secured(&listens, keystore, truststore);
        add_controller(&mut all, 9093);
        let signs = authority.clone();
        let files = move |host: &str| {
            let material = material(&signs, host).map(|(name, text)| match name {
                KEYSTORE => (keystore, text),
                _ => (truststore, text),
            });
            material.into()
        };
        let ports: Vec<_> = LISTENERS
            .iter()
            .map(|listener| (listener.at_kafka, listener.port))
            .collect();
        let node =
            KafkaContainer::start_listening(&with(&all, &[]), &ports, Box::new(files)).await?;
        let addresses = LISTENERS.iter().zip(node.addresses());
        let addresses: Vec<_> = addresses
            .map(|(listener, (_, address))| (listener.name, address.clone()))
            .collect();
        Self::ready(Node::Container(Box::new(node)), addresses, authority).await
    }

    async fn ready(
        node: Node,
        addresses: Vec<(&'static str, String)>,
        authority: Arc<Authority>,
    ) -> Result<Self, KafkaError> {
        let kafka = Self {
            _node: node,
            addresses,
            authority,
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
        let mut addresses = self.addresses.iter();
        let (_, address) = addresses
            .find(|(name, _)| *name == listener)
            .unwrap_or_else(|| panic!("no listener {listener}"));
        address.clone()
    }

    /// Who has signed the broker's certificate, and is believed by it.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }
}

const KEYSTORE: &str = "broker.pem";
const TRUSTSTORE: &str = "ca.pem";

/// The files of a broker at this host, by name: Kafka wants chain and key in one.
fn material(authority: &Authority, host: &str) -> [(&'static str, String); 2] {
    let certificate = authority.broker(&["localhost", host], Validity::Now);
    [
        (KEYSTORE, certificate.key + &certificate.chain),
        (TRUSTSTORE, authority.certificate()),
    ]
}

/// Settings by name.
type Settings = Vec<(String, String)>;

/// The settings of listeners at these addresses.
fn secured(listens: &[(&Named, String)], keystore: &str, truststore: &str) -> Settings {
    let of = |text: &dyn Fn(&Named, &str) -> String| {
        let texts = listens.iter().map(|(named, at)| text(named, at));
        texts.collect::<Vec<_>>().join(",")
    };
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut all = vec![
        (
            "listeners".to_owned(),
            of(&|named, at| format!("{}://{at}", named.at_kafka)),
        ),
        (
            "listener.security.protocol.map".to_owned(),
            of(&|named, _| format!("{}:{}", named.at_kafka, named.protocol)),
        ),
        set("ssl.keystore.type", "PEM"),
        set("ssl.keystore.location", keystore),
        set("ssl.truststore.type", "PEM"),
        set("ssl.truststore.location", truststore),
        set("listener.name.mtls.ssl.client.auth", "required"),
        set(
            "sasl.enabled.mechanisms",
            "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
        ),
    ];
    let package = "org.apache.kafka.common.security";
    let scram = format!("{package}.scram.ScramLoginModule required;");
    let modules = [
        (
            "plain",
            format!("{package}.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";"),
        ),
        ("scram-sha-256", scram.clone()),
        ("scram-sha-512", scram),
        (
            "oauthbearer",
            format!(
                "{package}.oauthbearer.OAuthBearerLoginModule required \
                 unsecuredLoginStringClaim_sub=\"broker\";"
            ),
        ),
    ];
    for listener in ["sasl", "sasl_tls"] {
        for (mechanism, module) in &modules {
            let name = format!("listener.name.{listener}.{mechanism}.sasl.jaas.config");
            all.push((name, module.clone()));
        }
    }
    all
}

fn add_controller(all: &mut Settings, port: u16) {
    for (name, value) in all.iter_mut() {
        match name.as_str() {
            "listeners" => *value += &format!(",CONTROLLER://127.0.0.1:{port}"),
            "listener.security.protocol.map" => *value += ",CONTROLLER:PLAINTEXT",
            _ => {}
        }
    }
    let voters = format!("1@127.0.0.1:{port}");
    all.push(("controller.quorum.voters".to_owned(), voters));
}

fn with<'a>(all: &'a Settings, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let all = all
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    all.chain(more.iter().copied()).collect()
}

//! A secured cluster, whichever broker it runs on.

use std::time::Duration;

use integration::security::{Authority, Certificate, PASSWORD, SecureKafka, USER, Validity, token};
use kafka_broker::Broker;
use kafka_client::security::{Sasl, Tls, Token};
use kafka_client::{Kafka, KafkaBuilder};

/// A cluster with the listeners `PLAINTEXT`, `SSL`, `MTLS`, `SASL_PLAINTEXT` and `SASL_SSL`.
pub(crate) trait Site {
    fn bootstrap(&self, listener: &str) -> String;

    /// Who is believed by clients, and by brokers.
    fn authority(&self) -> &Authority;

    /// TLS that believes the brokers.
    fn tls(&self) -> Tls {
        Tls::new().ca_pem(self.authority().certificate())
    }

    /// The same with a certificate of the client's.
    fn mtls(&self) -> Tls {
        let Certificate { chain, key } = self.authority().client(USER, Validity::Now);
        self.tls().client_certificate_pem(chain, key)
    }

    /// Removes the user of SCRAM, or makes it again.
    async fn let_in(&self, good: bool);

    /// A client of a listener, with all that it asks for.
    fn client(&self, listener: &str, sasl: Option<Sasl>) -> KafkaBuilder {
        let builder = Kafka::builder(self.bootstrap(listener));
        let builder = match listener {
            "SSL" | "SASL_SSL" => builder.tls(self.tls()),
            "MTLS" => builder.tls(self.mtls()),
            _ => builder,
        };
        match sasl {
            Some(sasl) => builder.sasl(sasl),
            None => builder,
        }
    }
}

impl Site for SecureKafka {
    fn bootstrap(&self, listener: &str) -> String {
        self.bootstrap(listener)
    }

    fn authority(&self) -> &Authority {
        self.authority()
    }

    async fn let_in(&self, good: bool) {
        let altered = match good {
            true => self.set_password(PASSWORD).await,
            false => self.remove_user().await,
        };
        altered.unwrap();
    }
}

/// The reference broker, with the same listeners and users as [`SecureKafka`].
pub(crate) struct Embedded {
    pub(crate) broker: Broker,
    authority: Authority,
}

impl Embedded {
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        let authority = Authority::new("authority of the broker");
        let certificate = authority.broker(&["localhost", "127.0.0.1"], Validity::Now);
        Self::start(authority, certificate, settings).await
    }

    /// With this certificate, which is not always good.
    pub(crate) async fn start(
        authority: Authority,
        Certificate { chain, key }: Certificate,
        settings: &[(&str, &str)],
    ) -> Self {
        let certificate = kafka_broker::Certificate { chain, key };
        let mut builder = Broker::builder()
            .tls(kafka_broker::Tls::new(certificate).trust(authority.certificate()))
            .user(USER, PASSWORD)
            .property(
                "listener.security.protocol.map",
                "PLAINTEXT:PLAINTEXT,SSL:SSL,MTLS:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL",
            )
            .property("listener.name.mtls.ssl.client.auth", "required")
            .property(
                "sasl.enabled.mechanisms",
                "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
            );
        for listener in ["SSL", "MTLS", "SASL_PLAINTEXT", "SASL_SSL"] {
            builder = builder.listener(listener, "127.0.0.1:0");
        }
        for (name, value) in settings {
            builder = builder.property(*name, *value);
        }
        Self {
            broker: builder.start().await.unwrap(),
            authority,
        }
    }
}

impl Site for Embedded {
    fn bootstrap(&self, listener: &str) -> String {
        self.broker.bootstrap_of(listener).unwrap()
    }

    fn authority(&self) -> &Authority {
        &self.authority
    }

    async fn let_in(&self, good: bool) {
        match good {
            true => self.broker.set_password(USER, PASSWORD),
            false => assert!(self.broker.remove_user(USER)),
        }
    }
}

/// Tokens for the user that live for an hour.
pub(crate) fn tokens() -> Sasl {
    Sasl::oauthbearer(|| async { Ok(Token::new(token(USER, Duration::from_secs(3600)))) })
}

/// All mechanisms, with good credentials.
pub(crate) fn mechanisms() -> [Sasl; 4] {
    [
        Sasl::plain(USER, PASSWORD),
        Sasl::scram_sha_256(USER, PASSWORD),
        Sasl::scram_sha_512(USER, PASSWORD),
        tokens(),
    ]
}

//! A secured cluster, whichever broker it runs on.

use std::time::Duration;

use integration::security::{Authority, Certificate, PASSWORD, SecureKafka, USER, Validity, token};
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

//! Certificates, users and tokens for tests, and brokers that want them.
//!
//! * [`Authority`]: signs certificates of brokers and clients, good ones and bad ones.
//! * [`token`]: an unsigned token, as Kafka's own brokers take it where nothing else is configured.
//! * [`Realm`]: a realm of Kerberos with a KDC.
//! * [`SecureKafka`]: Apache Kafka with a listener for each protocol.

mod authority;
mod kafka;
mod realm;

pub use authority::{Authority, Certificate, Validity};
pub use kafka::SecureKafka;
pub use realm::{KerberosKafka, REALM, Realm, Ticket};

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The user that brokers know.
pub const USER: &str = "alice";

/// Its password. Its like is nowhere else, so it can be searched for in logs.
pub const PASSWORD: &str = "p4ss-w0rd-0f-al1ce";

/// A token for `subject` that lives for so long from now on: unsigned (RFC 7515, `alg` is `none`).
pub fn token(subject: &str, life: Duration) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(0.0, |now| now.as_secs_f64());
    let claims = serde_json::json!({
        "sub": subject,
        "iat": now,
        "exp": now + life.as_secs_f64(),
    });
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.",
        encode(r#"{"alg":"none"}"#),
        encode(&claims.to_string())
    )
}

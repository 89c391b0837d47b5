//! The exchange with a broker.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_client_protocol::api::sasl_authenticate::SaslAuthenticateRequest;
use kafka_client_protocol::api::sasl_handshake::SaslHandshakeRequest;
use kafka_client_protocol::{ApiKey, ErrorCode, Request, StrBytes};

use super::mechanism::{SaslError, SaslMechanism, SaslStart};
use crate::caught::Caught;
use crate::error::{Error, ErrorKind};

/// More messages than any mechanism needs: a broker that never comes to an end is given up.
const ROUNDS_MAX: u32 = 16;

/// After SaslHandshake in version 1, the mechanism's messages travel in requests of their own.
const HANDSHAKE_VERSION: i16 = 1;

/// How requests get to the broker.
pub(crate) trait Ask {
    /// Sends a request in the highest version that both sides speak, but none above `cap`.
    fn ask<R: Request + Sync>(
        &self,
        request: &R,
        cap: i16,
    ) -> impl Future<Output = Result<R::Response, Error>> + Send;
}

/// What a broker has agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Authenticated {
    /// How long the connection may be used, if not for ever (KIP-368).
    pub(crate) lifetime: Option<Duration>,
}

/// What an exchange begins with. What takes long, such as a token, keeps no broker waiting: it is got
/// before anything is sent.
///
/// # Errors
/// [`ErrorKind::Connect`] when there is nothing now, [`ErrorKind::Authentication`] when that stays so.
///
/// # Cancel safety
/// Cancel safe.
pub(crate) async fn begin(
    mechanism: &Arc<dyn SaslMechanism>,
    host: &str,
) -> Result<SaslStart, Error> {
    // Code of the user's: its panic would end a task that others wait for.
    let beginning = {
        let (mechanism, host) = (mechanism.clone(), host.to_owned());
        Caught(Box::pin(async move { mechanism.begin(&host).await }))
    };
    let start = beginning.await.unwrap_or_else(|words| {
        let text = format!("the provider of its credentials panicked: {words}");
        Err(SaslError::Unavailable(text.into()))
    });
    start.map_err(|error| client_side(mechanism.name(), &error))
}

/// Authenticates, for the first time or again.
///
/// # Errors
/// [`ErrorKind::Authentication`] when either side refuses.
///
/// # Cancel safety
/// Dropped in the middle, the connection is of no use any more.
pub(crate) async fn exchange(
    broker: &impl Ask,
    mechanism: &Arc<dyn SaslMechanism>,
    start: SaslStart,
) -> Result<Authenticated, Error> {
    let name = mechanism.name();
    let SaslStart {
        mut message,
        mut exchange,
    } = start;
    let handshake = SaslHandshakeRequest {
        mechanism: StrBytes::from(name),
    };
    let answer = broker.ask(&handshake, HANDSHAKE_VERSION).await?;
    let code = ErrorCode::new(answer.error_code);
    code.ok().map_err(|code| {
        let offered: Vec<&str> = answer.mechanisms.iter().map(|name| &**name).collect();
        refused_handshake(code, name, &offered)
    })?;
    for _ in 0..ROUNDS_MAX {
        let request = SaslAuthenticateRequest {
            auth_bytes: Bytes::from(message),
            ..Default::default()
        };
        let answer = broker.ask(&request, i16::MAX).await?;
        ErrorCode::new(answer.error_code).ok().map_err(|code| {
            refused(
                code,
                name,
                answer.error_message.as_deref().unwrap_or_default(),
            )
        })?;
        match exchange.respond(&answer.auth_bytes).await {
            Ok(Some(next)) => message = next,
            Ok(None) => {
                let ms = u64::try_from(answer.session_lifetime_ms).unwrap_or_default();
                return Ok(Authenticated {
                    lifetime: (ms > 0).then(|| Duration::from_millis(ms)),
                });
            }
            Err(error) => return Err(client_side(name, &error)),
        }
    }
    let text = format!("{name}: the broker does not come to an end after {ROUNDS_MAX} messages");
    Err(Error::authentication(text).at_api(ApiKey::SASL_AUTHENTICATE))
}

/// The client does not go on.
fn client_side(mechanism: &str, error: &SaslError) -> Error {
    let text = format!("{mechanism}: {error}");
    match error {
        // Without its source, which could be taken for that of a name that does not exist.
        SaslError::Unavailable(_) => Error::new(ErrorKind::Connect, text).explained(),
        SaslError::Refused(_) => Error::authentication(text),
    }
}

fn refused_handshake(code: ErrorCode, mechanism: &str, offered: &[&str]) -> Error {
    let text = match code {
        ErrorCode::UNSUPPORTED_SASL_MECHANISM => format!(
            "the broker does not take {mechanism}; set sasl.mechanism to one of those that it takes: {}",
            offered.join(", ")
        ),
        ErrorCode::ILLEGAL_SASL_STATE => {
            "the listener does not authenticate clients: do without SASL \
             (security.protocol=PLAINTEXT or SSL), or connect to a listener that has it"
                .to_owned()
        }
        code => code.to_string(),
    };
    Error::authentication(text)
        .with_code(code)
        .at_api(ApiKey::SASL_HANDSHAKE)
}

fn refused(code: ErrorCode, mechanism: &str, words: &str) -> Error {
    let words = match words {
        "" => code.to_string(),
        words => words.to_owned(),
    };
    let hint = match mechanism {
        super::oauthbearer::NAME => {
            "check the token's issuer, audience and expiry, and that the clocks agree"
        }
        "GSSAPI" => {
            "check that the key in the broker's keytab is the one that the KDC has for it, that the clocks \
             agree, and that the principal is one that the broker lets in"
        }
        _ => {
            "check user name and password, and that the user is one of this cluster and this mechanism"
        }
    };
    Error::authentication(format!("the broker refuses {mechanism}: {words} ({hint})"))
        .with_code(code)
        .at_api(ApiKey::SASL_AUTHENTICATE)
}

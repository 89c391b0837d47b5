//! What a failure of TLS means, and what to try.

use std::io;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, InvalidMessage};

use crate::error::{Error, ErrorKind};

/// The error of a handshake that did not come to an end.
pub(super) fn handshake_failed(error: io::Error) -> Error {
    if let Some(error) = explain(&error) {
        return error;
    }
    let text = match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => format!(
            "the broker ended the TLS handshake: {error}. A listener without TLS does that: check that \
             bootstrap.servers names one whose protocol is SSL or SASL_SSL"
        ),
        _ => format!("the TLS handshake failed: {error}"),
    };
    Error::new(ErrorKind::Connect, text).with_source(error)
}

/// What an error of a stream means, if it comes from TLS. A broker that refuses the client's certificate
/// says so after the handshake, when the first answer is awaited (TLS 1.3).
pub(crate) fn explain(error: &io::Error) -> Option<Error> {
    let cause = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match cause {
        rustls::Error::InvalidCertificate(cause) => {
            Error::authentication(format!("the broker's certificate is refused: {}", of(cause)))
        }
        rustls::Error::AlertReceived(alert) => alerted(*alert),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Error::new(
            ErrorKind::Protocol,
            "the listener does not speak TLS: connect to one whose protocol is SSL or SASL_SSL, or do \
             without TLS (security.protocol=PLAINTEXT or SASL_PLAINTEXT)",
        )
        .lasting(),
        rustls::Error::PeerIncompatible(what) => Error::authentication(format!(
            "broker and client have no TLS in common: {what:?}; this client speaks TLS 1.2 and 1.3 \
             (ssl.enabled.protocols and ssl.cipher.suites of the broker)"
        )),
        other => Error::new(ErrorKind::Disconnected, format!("TLS failed: {other}")),
    })
}

/// What is wrong with the broker's certificate.
fn of(cause: &CertificateError) -> String {
    match cause {
        CertificateError::BadSignature => {
            "the authority that this client believes has the name of the one that signed it, and another key: one \
             of the two was made anew; name the file with the present one's certificate (ssl.truststore.location)"
                .to_owned()
        }
        CertificateError::UnknownIssuer => {
            "no authority that this client believes has signed it: name the file with the authority's \
             certificate (ssl.truststore.location)"
                .to_owned()
        }
        CertificateError::ExpiredContext { time, not_after } => format!(
            "it has expired, {}: the broker needs a new one, or the clock of this machine is wrong",
            apart(*not_after, *time)
        ),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "it becomes valid in the future, {}: the clock of this machine or of the one that made it is \
             wrong",
            apart(*time, *not_before)
        ),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names = match presented.as_slice() {
                [] => "no names (a common name alone does not count: it needs a subjectAltName)".to_owned(),
                names => {
                    let names: Vec<&str> = names.iter().map(|name| bare(name)).collect();
                    format!("the names {}", names.join(", "))
                }
            };
            format!(
                "it is not for {}, but has {names}: use a name that it has in bootstrap.servers and in \
                 advertised.listeners of the broker",
                expected.to_str()
            )
        }
        CertificateError::Revoked => "it was revoked".to_owned(),
        other => other.to_string(),
    }
}

/// A name without what the TLS library puts around it: `DnsName("localhost")`.
fn bare(name: &str) -> &str {
    let inner = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

/// The time between two instants, in words.
fn apart(from: UnixTime, to: UnixTime) -> String {
    let seconds = to.as_secs().saturating_sub(from.as_secs());
    match seconds {
        0..=119 => format!("by {seconds} seconds"),
        120..=7_199 => format!("by {} minutes", seconds / 60),
        7_200..=172_799 => format!("by {} hours", seconds / 3_600),
        _ => format!("by {} days", seconds / 86_400),
    }
}

/// The broker has ended the connection, and said why.
fn alerted(alert: AlertDescription) -> Error {
    let refused = |what: &str| {
        Error::authentication(format!(
            "the broker refuses this client: {what} ({alert:?})"
        ))
    };
    match alert {
        AlertDescription::CertificateRequired => refused(
            "it wants a certificate (ssl.client.auth=required), and none is set: set ssl.keystore.location",
        ),
        // How Java says in TLS 1.2 that it got no certificate, among others.
        AlertDescription::BadCertificate => refused(
            "it does not take the client's certificate, or wants one (ssl.client.auth=required) and none is \
             set (ssl.keystore.location)",
        ),
        AlertDescription::UnknownCA => refused(
            "no authority that it believes has signed the client's certificate: it must be in the broker's \
             ssl.truststore",
        ),
        AlertDescription::CertificateExpired => refused("the client's certificate has expired"),
        AlertDescription::CertificateRevoked => refused("the client's certificate was revoked"),
        AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied
        | AlertDescription::DecryptError => refused("it does not take the client's certificate"),
        AlertDescription::HandshakeFailure
        | AlertDescription::ProtocolVersion
        | AlertDescription::InsufficientSecurity => refused(
            "broker and client have no TLS in common, or a certificate is missing: check \
             ssl.enabled.protocols, ssl.cipher.suites and ssl.client.auth of the broker",
        ),
        AlertDescription::UnrecognisedName => {
            refused("it has no certificate for this host name: check bootstrap.servers")
        }
        other => Error::new(
            ErrorKind::Disconnected,
            format!("the broker ended the TLS connection: {other:?}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::ServerName;

    use super::*;

    fn explained(error: rustls::Error) -> Error {
        let error = io::Error::new(io::ErrorKind::InvalidData, error);
        explain(&error).unwrap()
    }

    fn time(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
    }

    #[test]
    fn each_refusal_says_what_to_change_and_is_final() {
        let certificate = |cause| explained(rustls::Error::InvalidCertificate(cause));
        let alert = |alert| explained(rustls::Error::AlertReceived(alert));
        let name = |presented: &[&str]| {
            certificate(CertificateError::NotValidForNameContext {
                expected: ServerName::try_from("one.example").unwrap(),
                presented: presented.iter().map(ToString::to_string).collect(),
            })
        };
        for (error, words) in [
            (
                certificate(CertificateError::UnknownIssuer),
                "ssl.truststore.location",
            ),
            (
                certificate(CertificateError::ExpiredContext {
                    time: time(10 * 86_400),
                    not_after: time(3 * 86_400),
                }),
                "expired, by 7 days",
            ),
            (
                certificate(CertificateError::NotValidYetContext {
                    time: time(0),
                    not_before: time(600),
                }),
                "in the future, by 10 minutes: the clock",
            ),
            (
                name(&["two.example"]),
                "not for one.example, but has the names two.example",
            ),
            (name(&[]), "subjectAltName"),
            (
                alert(AlertDescription::CertificateRequired),
                "ssl.keystore.location",
            ),
            (
                alert(AlertDescription::UnknownCA),
                "the broker's ssl.truststore",
            ),
            (
                alert(AlertDescription::CertificateExpired),
                "client's certificate has expired",
            ),
            (
                alert(AlertDescription::ProtocolVersion),
                "ssl.enabled.protocols",
            ),
        ] {
            assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
            assert!(!error.is_retriable(), "{error}");
            assert!(error.to_string().contains(words), "{words}: {error}");
        }
    }

    #[test]
    fn a_listener_without_tls_is_told_from_one_that_goes_away() {
        let plain = rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType);
        let error = explained(plain);
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.to_string().contains("does not speak TLS"), "{error}");
        let gone = handshake_failed(io::ErrorKind::UnexpectedEof.into());
        assert!(gone.is_retriable());
        assert!(gone.to_string().contains("SASL_SSL"), "{gone}");
        assert!(explain(&io::ErrorKind::ConnectionReset.into()).is_none());
    }
}

//! OAUTHBEARER (RFC 7628): the client brings a token, and `jwt.rs` says whom it proves.
//!
//! As in Kafka, a token that is not accepted is answered with a status in JSON; the client then
//! sends one byte, and is told the same as a failure.

use super::{Context, Exchange, Failure, Identity, Step, hidden, sasl_name};

const SEPARATOR: char = '\u{1}';

/// Waits for the token.
#[derive(Debug)]
pub(crate) struct ExpectToken;

/// Waits for the client to have seen why its token was not accepted.
#[derive(Debug)]
pub(crate) struct ExpectEnd {
    status: String,
}

impl ExpectToken {
    pub(super) fn handle(self, message: &[u8], context: &Context<'_>) -> Step {
        let first = match ClientFirst::read(message) {
            Ok(first) => first,
            Err(reason) => return hidden(reason).into(),
        };
        let Some(tokens) = &context.sasl.tokens else {
            return hidden("the listener takes no tokens").into();
        };
        let token = match tokens.check(first.token, context.wall_ms) {
            Ok(token) => token,
            Err(refusal) => {
                tracing::debug!(reason = %refusal.reason, "a token was not accepted");
                let status = refusal.status();
                let answer = status.clone().into_bytes();
                return Step::Challenge(answer, Exchange::OauthEnd(ExpectEnd { status }));
            }
        };
        if !first.identity.is_empty() && first.identity != token.principal {
            return Failure::Told(format!(
                "Authentication failed: Client requested an authorization id ({}) that is \
                 different from the token's principal name ({})",
                first.identity, token.principal
            ))
            .into();
        }
        let identity = Identity {
            name: token.principal,
            end_wall_ms: Some(token.end_ms),
            is_by_token: false,
        };
        Step::Done(Vec::new(), identity)
    }
}

impl ExpectEnd {
    pub(super) fn handle(self, message: &[u8], context: &Context<'_>) -> Step {
        if message == [1] {
            return Failure::Told(self.status).into();
        }
        // Kafka takes another token instead.
        ExpectToken.handle(message, context)
    }
}

/// `n,[a=identity],` and, with a byte 1 after each, `auth=Bearer token`, extensions and nothing.
struct ClientFirst<'a> {
    identity: String,
    token: &'a str,
}

impl<'a> ClientFirst<'a> {
    fn read(message: &'a [u8]) -> Result<Self, &'static str> {
        const WRONG: &str = "Invalid OAUTHBEARER client first message";
        let text = std::str::from_utf8(message).map_err(|_| WRONG)?;
        let rest = text.strip_prefix("n,").ok_or(WRONG)?;
        let (identity, rest) = rest.split_once(',').ok_or(WRONG)?;
        let identity = match identity.strip_prefix("a=") {
            Some(name) => sasl_name(name).ok_or(WRONG)?,
            None if identity.is_empty() => String::new(),
            None => return Err(WRONG),
        };
        let pairs = rest.strip_prefix(SEPARATOR).ok_or(WRONG)?;
        let pairs = pairs.strip_suffix(SEPARATOR).ok_or(WRONG)?;
        let mut auth = None;
        for pair in pairs.split_terminator(SEPARATOR) {
            let (key, value) = pair.split_once('=').ok_or(WRONG)?;
            let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphabetic());
            let is_value = !value.is_empty()
                && value
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() || b" \t\r\n".contains(&byte));
            if !is_key || !is_value {
                return Err(WRONG);
            }
            if key == "auth" {
                auth = Some(value);
            }
        }
        if !pairs.is_empty() && !pairs.ends_with(SEPARATOR) {
            return Err(WRONG);
        }
        let auth = auth.ok_or("Invalid OAUTHBEARER client first message: 'auth' not specified")?;
        let (scheme, token) = auth
            .split_once(' ')
            .ok_or("Invalid OAUTHBEARER client first message: invalid 'auth' format")?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err("Invalid scheme in OAUTHBEARER client first message");
        }
        let token = token.trim_start_matches(' ');
        let is_token = token
            .trim_end_matches('=')
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_~+/.".contains(&byte));
        if token.trim_end_matches('=').is_empty() || !is_token {
            return Err("Invalid OAUTHBEARER client first message: invalid 'auth' format");
        }
        Ok(Self { identity, token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_the_rfc_is_read() {
        // RFC 7628, section 4.1, without the host and port that Kafka's clients do not send.
        let message = b"n,a=user@example.com,\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01traceId=1 2\x01\x01";
        let first = ClientFirst::read(message).unwrap();
        assert_eq!(first.identity, "user@example.com");
        assert_eq!(first.token, "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for message in [
            &b""[..],
            b"\x01",
            b"n,,",
            b"n,,\x01",
            b"n,,\x01\x01",
            b"y,,\x01auth=Bearer x\x01\x01",
            b"n,x,\x01auth=Bearer x\x01\x01",
            b"n,,\x01auth=Bearer x\x01",
            b"n,,\x01auth=Bearer x",
            b"n,,\x01auth=Basic x\x01\x01",
            b"n,,\x01auth=Bearer\x01\x01",
            b"n,,\x01auth=Bearer \x01\x01",
            b"n,,\x01auth=Bearer x!y\x01\x01",
            b"n,,\x01other=x\x01\x01",
            b"n,,\x01a1=x\x01auth=Bearer x\x01\x01",
            b"n,,\x01auth=Bearer \xff\x01\x01",
        ] {
            assert!(ClientFirst::read(message).is_err(), "{message:?}");
        }
    }
}

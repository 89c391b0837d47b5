//! PLAIN (RFC 4616): an identity, a name and a password in one message. The texts are Kafka's.

use super::{Context, Failure, Identity, Step, hidden, told};

/// Waits for the only message.
#[derive(Debug)]
pub(crate) struct ExpectResponse;

impl ExpectResponse {
    pub(super) fn handle(self, message: &[u8], context: &Context<'_>) -> Step {
        match check(message, context) {
            Ok(name) => Step::Done(Vec::new(), Identity::new(name)),
            Err(failure) => failure.into(),
        }
    }
}

fn check(message: &[u8], context: &Context<'_>) -> Result<String, Failure> {
    let text = String::from_utf8_lossy(message);
    let mut tokens = text.split('\0');
    let (Some(identity), Some(name), Some(password), None) =
        (tokens.next(), tokens.next(), tokens.next(), tokens.next())
    else {
        let count = text.split('\0').count();
        let reason = format!("Invalid SASL/PLAIN response: expected 3 tokens, got {count}");
        return Err(hidden(reason));
    };
    if name.is_empty() {
        return Err(told("username not specified"));
    }
    if password.is_empty() {
        return Err(told("password not specified"));
    }
    if !context.has_password(name, password) {
        return Err(told("Invalid username or password"));
    }
    if !identity.is_empty() && identity != name {
        return Err(told(
            "Client requested an authorization id that is different from username",
        ));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::security::delegation::{DelegationConfig, DelegationTokens};
    use crate::security::sasl::Sasl;
    use crate::security::settings::SecuritySettings;
    use crate::security::users::Users;

    fn answer(message: &[u8]) -> Step {
        let mut settings = SecuritySettings::default();
        settings.set("sasl.enabled.mechanisms", "PLAIN");
        settings.set(
            "listener.name.x.plain.sasl.jaas.config",
            "Module required user_bob=\"from jaas\";",
        );
        let sasl = Sasl::new(&settings.of("X")).unwrap();
        let mut users = Users::default();
        users.set_password("alice", "secret", BTreeMap::new());
        let context = Context {
            sasl: &sasl,
            users: &users,
            tokens: &DelegationTokens::new(DelegationConfig::default(), BTreeMap::new()),
            nonce: &String::new,
            wall_ms: 0,
        };
        ExpectResponse.handle(message, &context)
    }

    #[test]
    fn the_password_decides() {
        for (message, name) in [
            (&b"\0alice\0secret"[..], "alice"),
            (b"alice\0alice\0secret", "alice"),
            (b"\0bob\0from jaas", "bob"),
        ] {
            match answer(message) {
                Step::Done(bytes, identity) => {
                    assert!(bytes.is_empty());
                    assert_eq!(identity.name, name);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn failures_are_told_as_kafka_does() {
        for (message, expected) in [
            (
                &b"\0alice\0wrong"[..],
                "Authentication failed: Invalid username or password",
            ),
            (
                b"\0carol\0secret",
                "Authentication failed: Invalid username or password",
            ),
            (
                b"\0\0secret",
                "Authentication failed: username not specified",
            ),
            (
                b"\0alice\0",
                "Authentication failed: password not specified",
            ),
            (
                b"bob\0alice\0secret",
                "Authentication failed: Client requested an authorization id that is different \
                 from username",
            ),
        ] {
            match answer(message) {
                Step::Failed(Failure::Told(text)) => assert_eq!(text, expected),
                other => panic!("{other:?}"),
            }
        }
        for message in [&b""[..], b"alice", b"a\0b", b"a\0b\0c\0d", b"\xff\xff"] {
            let step = answer(message);
            assert!(matches!(step, Step::Failed(Failure::Hidden(_))), "{step:?}");
        }
    }
}

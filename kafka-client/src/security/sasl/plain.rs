//! PLAIN (RFC 4616): one message with name and password.

use super::mechanism::{Beginning, Responding, SaslError, SaslExchange, SaslMechanism, SaslStart};
use crate::security::Secret;

pub(super) const NAME: &str = "PLAIN";

#[derive(Debug)]
pub(super) struct Plain {
    user: String,
    password: Secret,
}

impl Plain {
    pub(super) fn new(user: &str, password: &Secret) -> Self {
        Self {
            user: user.to_owned(),
            password: password.clone(),
        }
    }
}

impl SaslMechanism for Plain {
    fn name(&self) -> &str {
        NAME
    }

    fn begin<'a>(&'a self, _host: &'a str) -> Beginning<'a> {
        Box::pin(async {
            let parts = [&self.user, self.password.expose()];
            if parts.iter().any(|part| part.contains('\0')) {
                let text = "PLAIN cannot carry a user name or a password with a zero byte";
                return Err(SaslError::refused(text));
            }
            // Without an identity to act as, the name is that.
            let [user, password] = parts;
            Ok(SaslStart {
                message: format!("\0{user}\0{password}").into_bytes(),
                exchange: Box::new(Said),
            })
        })
    }
}

/// All has been said in the first message.
struct Said;

impl SaslExchange for Said {
    fn respond<'a>(&'a mut self, _challenge: &'a [u8]) -> Responding<'a> {
        Box::pin(async { Ok(None) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn name_and_password_stand_behind_zero_bytes() {
        let plain = Plain::new("tim", &"tanstaaftanstaaf".into());
        let mut start = plain.begin("broker").await.unwrap();
        assert_eq!(start.message, b"\0tim\0tanstaaftanstaaf");
        assert!(start.exchange.respond(b"").await.unwrap().is_none());
        let plain = Plain::new("tim\0tom", &"x".into());
        assert!(plain.begin("broker").await.is_err());
    }
}

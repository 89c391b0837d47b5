//! OAUTHBEARER (RFC 7628, KIP-255): one message with a token.

use std::sync::Arc;

use super::mechanism::{Beginning, Responding, SaslError, SaslExchange, SaslMechanism, SaslStart};
use super::token::{Token, TokenProvider};
use super::tokens::Tokens;

pub(super) const NAME: &str = "OAUTHBEARER";

/// Stands between the parts of a message.
const SEPARATOR: char = '\u{1}';

pub(super) struct OauthBearer {
    tokens: Arc<Tokens>,
}

impl OauthBearer {
    pub(super) fn new(env: &crate::env::Env, provider: Arc<dyn TokenProvider>) -> Self {
        Self {
            tokens: Arc::new(Tokens::new(env, provider)),
        }
    }
}

impl SaslMechanism for OauthBearer {
    fn name(&self) -> &str {
        NAME
    }

    fn begin<'a>(&'a self, _host: &'a str) -> Beginning<'a> {
        Box::pin(async {
            let token = self.tokens.get().await?;
            Ok(SaslStart {
                message: message(&token)?,
                exchange: Box::new(Exchange {
                    tokens: self.tokens.clone(),
                    token,
                    refusal: None,
                }),
            })
        })
    }
}

fn message(token: &Token) -> Result<Vec<u8>, SaslError> {
    let is_plain = |text: &str| text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    let value = token.value.expose();
    if value.is_empty() || !is_plain(value) || value.contains(' ') {
        let text = "the token is empty, or has characters that no token has";
        return Err(SaslError::refused(text));
    }
    let mut message = format!("n,,{SEPARATOR}auth=Bearer {value}{SEPARATOR}");
    for (name, value) in &token.extensions {
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic());
        if !is_name || name == "auth" || !is_plain(value) {
            let text =
                format!("{name:?} is no SASL extension: a name has letters, a value is ASCII");
            return Err(SaslError::refused(text));
        }
        message += &format!("{name}={value}{SEPARATOR}");
    }
    message.push(SEPARATOR);
    Ok(message.into_bytes())
}

struct Exchange {
    tokens: Arc<Tokens>,
    token: Token,
    /// What the broker has against the token. It refuses in words of its own when that is confirmed.
    refusal: Option<String>,
}

impl SaslExchange for Exchange {
    fn respond<'a>(&'a mut self, challenge: &'a [u8]) -> Responding<'a> {
        Box::pin(async {
            if challenge.is_empty() && self.refusal.is_none() {
                return Ok(None);
            }
            if let Some(refusal) = self.refusal.take() {
                return Err(SaslError::refused(format!(
                    "the broker refuses the token: {refusal}"
                )));
            }
            self.tokens.refused(&self.token);
            // A JSON object with a status, which RFC 7628 has the client confirm.
            self.refusal = Some(String::from_utf8_lossy(challenge).into_owned());
            Ok(Some(vec![SEPARATOR as u8]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::{Env, TcpConnector};

    fn text(token: &Token) -> String {
        String::from_utf8(message(token).unwrap()).unwrap()
    }

    #[test]
    fn a_message_has_the_token_and_extensions() {
        assert_eq!(
            text(&Token::new("abc")),
            "n,,\u{1}auth=Bearer abc\u{1}\u{1}"
        );
        let token = Token::new("abc").extension("logicalCluster", "lkc-1");
        assert_eq!(
            text(&token),
            "n,,\u{1}auth=Bearer abc\u{1}logicalCluster=lkc-1\u{1}\u{1}"
        );
        for bad in [
            Token::new(""),
            Token::new("two words"),
            Token::new("a\u{1}b"),
            Token::new("abc").extension("auth", "x"),
            Token::new("abc").extension("a=b", "x"),
            Token::new("abc").extension("name", "\u{1}"),
        ] {
            let error = message(&bad).unwrap_err().to_string();
            assert!(!error.contains("abc"), "{error}");
        }
    }

    fn exchange() -> Exchange {
        let env = Env::new(Arc::new(TcpConnector), Some(1)).unwrap();
        let provider = || async { Ok(Token::new("abc")) };
        Exchange {
            tokens: Arc::new(Tokens::new(&env, Arc::new(provider))),
            token: Token::new("abc"),
            refusal: None,
        }
    }

    #[tokio::test]
    async fn a_refusal_is_confirmed_and_then_told() {
        let mut exchange = self::exchange();
        let status = br#"{"status":"invalid_token"}"#;
        let confirmation = exchange.respond(status).await.unwrap();
        assert_eq!(confirmation.unwrap(), [1]);
        let error = exchange.respond(b"").await.unwrap_err();
        assert!(error.to_string().contains("invalid_token"), "{error}");
        let mut exchange = self::exchange();
        assert!(exchange.respond(b"").await.unwrap().is_none());
    }
}

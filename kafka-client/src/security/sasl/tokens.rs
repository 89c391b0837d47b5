//! Tokens that are kept fresh.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex as AsyncMutex;

use super::mechanism::SaslError;
use super::token::{Token, TokenProvider};
use crate::env::{Env, lock};

/// The part of a token's life after which the next one is asked for, plus up to [`JITTER`], so that not all
/// clients ask at once (`sasl.login.refresh.window.factor`, `sasl.login.refresh.window.jitter`).
const WINDOW: f64 = 0.8;
const JITTER: f64 = 0.05;

/// The token of a client: one is asked for at a time, and used by all connections until a fifth of its life
/// is left.
pub(super) struct Tokens {
    env: Env,
    provider: Arc<dyn TokenProvider>,
    /// Held while one is asked for.
    asking: AsyncMutex<()>,
    current: Mutex<Option<Current>>,
}

#[derive(Clone)]
struct Current {
    token: Token,
    /// From then on there should be a new one.
    refresh_at: SystemTime,
}

impl Tokens {
    pub(super) fn new(env: &Env, provider: Arc<dyn TokenProvider>) -> Self {
        Self {
            env: env.clone(),
            provider,
            asking: AsyncMutex::default(),
            current: Mutex::default(),
        }
    }

    /// A token that is good for a while.
    pub(super) async fn get(&self) -> Result<Token, SaslError> {
        if let Some(token) = self.fresh() {
            return Ok(token);
        }
        let _asking = self.asking.lock().await;
        if let Some(token) = self.fresh() {
            // Somebody else has asked meanwhile.
            return Ok(token);
        }
        let asked = self.env.system_time();
        match self.provider.token().await {
            Ok(token) => {
                *lock(&self.current) = token.expires_at.map(|end| Current {
                    refresh_at: self.refresh_at(asked, end),
                    token: token.clone(),
                });
                Ok(token)
            }
            Err(error) => {
                let valid = lock(&self.current).clone().filter(|current| {
                    let end = current.token.expires_at;
                    end.is_some_and(|end| self.env.system_time() < end)
                });
                let Some(valid) = valid else {
                    let text = format!("there is no token: {error}");
                    return Err(match error.downcast_ref() {
                        Some(SaslError::Refused(_)) => SaslError::Refused(text.into()),
                        _ => SaslError::Unavailable(text.into()),
                    });
                };
                tracing::warn!(%error, "no new token: the one before is used as long as it is valid");
                Ok(valid.token)
            }
        }
    }

    /// A broker does not take this token, however long it is said to live: the next one is asked for.
    pub(super) fn refused(&self, token: &Token) {
        let mut current = lock(&self.current);
        if current
            .as_ref()
            .is_some_and(|current| current.token.value == token.value)
        {
            *current = None;
        }
    }

    fn fresh(&self) -> Option<Token> {
        let current = lock(&self.current).clone()?;
        (self.env.system_time() < current.refresh_at).then_some(current.token)
    }

    fn refresh_at(&self, begin: SystemTime, end: SystemTime) -> SystemTime {
        let life = end.duration_since(begin).unwrap_or(Duration::ZERO);
        let jitter = JITTER * self.env.below(1000) as f64 / 1000.0;
        begin + life.mul_f64(WINDOW + jitter)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::env::{TcpConnector, all};

    /// Tokens with a life of so many seconds from now, and how many were asked for. After `last` of them
    /// there are no more.
    fn tokens(life: u64, last: usize) -> (Tokens, Arc<AtomicUsize>) {
        let env = Env::new(Arc::new(TcpConnector), Some(1)).unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let provider = move || {
            let number = count.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::task::yield_now().await;
                if number >= last {
                    return Err("the server is away".into());
                }
                let end = SystemTime::now() + Duration::from_secs(life);
                Ok(Token::new(number.to_string()).expires_at(end))
            }
        };
        (Tokens::new(&env, Arc::new(provider)), asked)
    }

    fn value(token: Result<Token, SaslError>) -> String {
        token.unwrap().value.expose().to_owned()
    }

    #[tokio::test]
    async fn one_is_asked_for_however_many_connections_wait() {
        let (tokens, asked) = tokens(3600, 1);
        for token in all((0..10).map(|_| tokens.get())).await {
            assert_eq!(value(token), "0");
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn the_next_one_is_asked_for_when_a_fifth_of_the_life_is_left() {
        let (tokens, _) = tokens(3600, 9);
        let begin = SystemTime::UNIX_EPOCH;
        let end = begin + Duration::from_secs(1000);
        for _ in 0..100 {
            let at = tokens.refresh_at(begin, end).duration_since(begin).unwrap();
            let expected = Duration::from_secs(800)..Duration::from_secs(850);
            assert!(expected.contains(&at), "{at:?}");
        }
        // One that is over is replaced at once.
        let (tokens, asked) = self::tokens(0, 9);
        assert_eq!(value(tokens.get().await), "0");
        assert_eq!(value(tokens.get().await), "1");
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_token_that_was_refused_is_not_shown_again() {
        let (tokens, _) = tokens(3600, 9);
        let first = tokens.get().await.unwrap();
        tokens.refused(&first);
        assert_eq!(value(tokens.get().await), "1");
        // Late news of the one before.
        tokens.refused(&first);
        assert_eq!(value(tokens.get().await), "1");
    }

    #[tokio::test]
    async fn a_refusal_of_the_provider_is_final() {
        let env = Env::new(Arc::new(TcpConnector), Some(1)).unwrap();
        let provider = || async { Err(SaslError::refused("no such client").into()) };
        let error = Tokens::new(&env, Arc::new(provider)).get().await;
        let error = error.unwrap_err();
        assert!(matches!(error, SaslError::Refused(_)));
        assert!(error.to_string().contains("no such client"), "{error}");
    }

    #[tokio::test]
    async fn while_the_server_is_away_the_token_is_used_as_long_as_it_is_valid() {
        let (tokens, _) = tokens(3600, 1);
        assert_eq!(value(tokens.get().await), "0");
        lock(&tokens.current).as_mut().unwrap().refresh_at = SystemTime::UNIX_EPOCH;
        assert_eq!(value(tokens.get().await), "0");
        lock(&tokens.current).as_mut().unwrap().token.expires_at = Some(SystemTime::UNIX_EPOCH);
        let error = tokens.get().await.unwrap_err();
        assert!(matches!(error, SaslError::Unavailable(_)));
        assert!(error.to_string().contains("the server is away"), "{error}");
    }
}

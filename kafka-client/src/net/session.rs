//! Authentication on a connection: once after it is made, and again before the session ends (KIP-368).
//!
//! A broker closes a connection on which something else arrives when the session is over. So a while before
//! that nothing more is sent; once all that was sent is answered, the client authenticates on the same
//! connection, and what was kept back goes out in its order. An answer is never taken for another's: while
//! the client authenticates, nothing else is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kafka_client_protocol::Request;
use kafka_client_protocol::frame::decode_response;

use super::connection::{Connection, Shared};
use super::versions::Versions;
use crate::cluster::Backoff;
use crate::error::{Error, ErrorKind};
use crate::security::{Ask, Authenticated, SaslMechanism, SaslStart, begin, exchange};

/// The part of a session after which the client authenticates again: at random between these, so that not
/// all connections do it at once. What is left is for the requests that are under way.
const EARLIEST: f64 = 0.85;
const LATEST: f64 = 0.95;

/// The waits between attempts to get what it takes to authenticate again, such as a token.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

impl Connection {
    /// Authenticates with the mechanism that is set, if one is, and from then on in time. `awaits` says
    /// whether credentials are waited for.
    ///
    /// # Errors
    /// When either side refuses, or the broker does not answer.
    ///
    /// # Cancel safety
    /// Dropped in the middle, the connection is of no use any more.
    pub(super) async fn authenticate(&self, host: &str, awaits: &AtomicBool) -> Result<(), Error> {
        let shared = self.shared();
        let Some(mechanism) = shared.config.secured.mechanism.clone() else {
            return Ok(());
        };
        let authenticated = async {
            awaits.store(true, Ordering::Relaxed);
            let start = begin(&mechanism, host).await;
            awaits.store(false, Ordering::Relaxed);
            exchange(self, &mechanism, start?).await
        };
        let authenticated = authenticated.await;
        let Authenticated { lifetime } =
            authenticated.map_err(|error| error.at_broker(self.broker()))?;
        if let Some(lifetime) = lifetime {
            let session = Session {
                shared: shared.clone(),
                versions: self.versions().clone(),
                mechanism,
                host: host.to_owned(),
            };
            let task = shared.env.spawn(session.keep(lifetime));
            shared.ends_with_it(task.abort_handle());
        }
        Ok(())
    }
}

impl Ask for Connection {
    async fn ask<R: Request + Sync>(&self, request: &R, cap: i16) -> Result<R::Response, Error> {
        let within = self.shared().config.request_timeout;
        self.call_with(request, cap, within).await
    }
}

/// A session that ends unless the client authenticates again.
struct Session {
    shared: Arc<Shared>,
    versions: Versions,
    mechanism: Arc<dyn SaslMechanism>,
    host: String,
}

impl Session {
    /// Authenticates again and again. The first failure ends the connection, and with it all that waits:
    /// dialing tells whether the client may come back.
    async fn keep(self, mut lifetime: Duration) {
        let shared = &self.shared;
        let mut random = shared.env.random(&format!("session-{}", shared.broker));
        loop {
            let begun = shared.env.now();
            let part = EARLIEST + (LATEST - EARLIEST) * random.fraction();
            shared.env.sleep(lifetime.mul_f64(part)).await;
            let renewed = async {
                let start = self.begin(begun + lifetime).await?;
                shared.drain().await;
                exchange(&self, &self.mechanism, start).await
            };
            match renewed.await {
                Ok(Authenticated { lifetime: next }) => {
                    shared.open();
                    tracing::debug!(broker = %shared.broker, lifetime = ?next, "authenticated again");
                    match next {
                        Some(next) => lifetime = next,
                        None => return,
                    }
                }
                Err(error) => {
                    tracing::debug!(broker = %shared.broker, %error, "not authenticated again");
                    let error = match error.kind() {
                        // What was sent may have arrived.
                        ErrorKind::Connect => {
                            let text = format!("the session ended: {error}");
                            Error::new(ErrorKind::Disconnected, text)
                        }
                        _ => error,
                    };
                    return shared.fail(&error.at_broker(&shared.broker));
                }
            }
        }
    }

    /// What the exchange begins with. While there is none, requests are sent as before, until the session
    /// ends.
    async fn begin(&self, end: tokio::time::Instant) -> Result<SaslStart, Error> {
        let env = &self.shared.env;
        let random = env.random(&format!("session-{}-begin", self.shared.broker));
        let mut backoff = Backoff::new(RETRY.0, RETRY.1, random);
        loop {
            let error = match env
                .timeout_at(end, begin(&self.mechanism, &self.host))
                .await
            {
                Ok(Err(error)) if error.kind() == ErrorKind::Connect => error,
                Ok(result) => return result,
                Err(_) => {
                    let text = format!(
                        "{}: nothing came to authenticate with before the session ended",
                        self.mechanism.name()
                    );
                    return Err(Error::new(ErrorKind::Connect, text));
                }
            };
            let wait = backoff.next();
            if env.now() + wait >= end {
                return Err(error);
            }
            tracing::warn!(%error, "the session ends soon, and there is nothing to authenticate with");
            env.sleep(wait).await;
        }
    }
}

impl Ask for Session {
    async fn ask<R: Request + Sync>(&self, request: &R, cap: i16) -> Result<R::Response, Error> {
        let shared = &self.shared;
        let version = self.versions.pick::<R>(cap)?;
        let pending = shared.send_aside(request, version)?;
        let limit = shared.config.request_timeout;
        // A quota may hold this back as well.
        let deadline = shared.deadline(shared.env.now(), limit);
        let answer = shared.env.timeout_at(deadline, pending).await;
        let frame = answer.map_err(|_| {
            let error = shared
                .env
                .elapsed("the answer", limit, "request.timeout.ms");
            error.at_api(R::API_KEY)
        })??;
        decode_response::<R>(&frame, version).map_err(|error| {
            let text = format!("the answer cannot be read: {error}");
            Error::new(ErrorKind::Protocol, text).at_api(R::API_KEY)
        })
    }
}

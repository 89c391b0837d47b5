//! Calls of the library, which asks a KDC over the network and cannot be told to stop.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::env::{Elapsed, Env, lock};
use crate::security::SaslError;

/// How long a call is waited for. Below `socket.connection.setup.timeout.ms`, whose end would not say what took so
/// long. What comes later is not lost: the ticket is there for the next attempt.
const LIMIT: Duration = Duration::from_secs(8);

/// The turns of caches in memory, by the names of those: all clients of the program that have a cache in common take
/// turns, as the library empties it for a moment when it gets new tickets.
static SHARED: Mutex<BTreeMap<String, Arc<Semaphore>>> = Mutex::new(BTreeMap::new());

/// Runs calls one at a time, each on a thread of its own. However many connections are tried while a KDC is silent,
/// one thread waits for it.
#[derive(Clone)]
pub(super) struct Worker {
    env: Env,
    turn: Arc<Semaphore>,
}

impl Worker {
    /// With a cache in memory that other clients may have as well, or without.
    pub(super) fn new(env: &Env, cache: Option<String>) -> Self {
        let turn = || Arc::new(Semaphore::new(1));
        let turn = match cache {
            Some(cache) => lock(&SHARED).entry(cache).or_insert_with(turn).clone(),
            None => turn(),
        };
        Self {
            env: env.clone(),
            turn,
        }
    }

    /// What a call gives.
    ///
    /// # Errors
    /// When it takes too long, or the one before does.
    ///
    /// # Cancel safety
    /// Dropping the future does not end a call that has begun.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, SaslError> {
        let began = self.env.now();
        let end = self.env.after(LIMIT);
        let called = async {
            let turn = self.turn.clone().acquire_owned().await;
            let call = move || {
                let done = call();
                drop(turn);
                done
            };
            self.env.on_own_thread("kafka-kerberos", call).await
        };
        match self.env.timeout_at(end, called).await {
            Ok(done) => {
                // Also what a call of another connection took before.
                let took = self.env.now() - began;
                tracing::trace!(?took, "the Kerberos library has answered");
                done.map_err(|error| SaslError::Unavailable(error.into()))
            }
            Err(Elapsed) => {
                let text = format!(
                    "the Kerberos library has not answered for {} s: check that a KDC of the realm can be \
                     reached (krb5.conf, a firewall)",
                    LIMIT.as_secs()
                );
                Err(SaslError::Unavailable(text.into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;
    use crate::env::{TcpConnector, all};

    #[tokio::test(start_paused = true)]
    async fn one_call_waits_for_a_silent_kdc_however_many_are_tried() {
        let env = Env::new(Arc::new(TcpConnector), Some(1)).unwrap();
        let worker = Worker::new(&env, None);
        let (answer, silence) = mpsc::channel::<()>();
        let (begins, has_begun) = mpsc::channel();
        let begun = Arc::new(AtomicUsize::new(0));
        let count = begun.clone();
        let silent = worker.call(move || {
            count.fetch_add(1, Ordering::Relaxed);
            begins.send(()).unwrap();
            silence.recv()
        });
        let text = silent.await.unwrap_err().to_string();
        assert!(text.contains("8 s") && text.contains("KDC"), "{text}");
        let others = (0..10).map(|_| {
            let count = begun.clone();
            worker.call(move || count.fetch_add(1, Ordering::Relaxed))
        });
        for other in all(others).await {
            assert!(matches!(other, Err(SaslError::Unavailable(_))));
        }
        has_begun.recv().unwrap();
        assert_eq!(begun.load(Ordering::Relaxed), 1);
        // The clock of the test knows nothing of other threads.
        tokio::time::resume();
        answer.send(()).unwrap();
        assert_eq!(worker.call(|| "there").await.unwrap(), "there");
    }

    #[tokio::test]
    async fn clients_with_a_cache_in_common_take_turns() {
        let env = Env::new(Arc::new(TcpConnector), Some(1)).unwrap();
        let worker = |cache: Option<&str>| Worker::new(&env, cache.map(str::to_owned));
        let (one, same) = (worker(Some("MEMORY:a")), worker(Some("MEMORY:a")));
        assert!(Arc::ptr_eq(&one.turn, &same.turn));
        assert!(!Arc::ptr_eq(&one.turn, &worker(Some("MEMORY:b")).turn));
        assert!(!Arc::ptr_eq(&worker(None).turn, &worker(None).turn));
    }
}

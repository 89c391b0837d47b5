//! The way to the broker that coordinates a group.

use std::sync::Arc;
use std::time::Duration;

use kafka_client_protocol::{Request, StrBytes};

use super::{Backoff, Cluster};
use crate::env::Elapsed;
use crate::error::Error;
use crate::health::{Subject, Trouble};
use crate::net::Connection;

/// A broker that has not answered a request for this long, of those that may be held for longer than
/// `request.timeout.ms`, holds it, and so it is the coordinator: one that is not says so at once. One that is
/// silent is told of by its connection.
const HELD: Duration = Duration::from_secs(3);

/// What a broker coordinates, by the key types of FindCoordinator.
#[derive(Debug, Clone)]
pub(crate) struct CoordinatorKey {
    /// 0 groups, 1 transactions, 2 partitions of share groups.
    pub(super) kind: i8,
    pub(super) key: StrBytes,
}

impl CoordinatorKey {
    pub(crate) fn group(id: &str) -> Self {
        Self {
            kind: 0,
            key: StrBytes::from(id),
        }
    }
}

/// A coordinator, found when needed.
#[derive(Debug)]
pub(crate) struct Coordinator {
    cluster: Arc<Cluster>,
    key: CoordinatorKey,
    connection: Option<Connection>,
    backoff: Backoff,
    trouble: Trouble,
}

impl Coordinator {
    /// `subject` is what is in trouble when it is not found, or does not answer.
    pub(crate) fn new(cluster: Arc<Cluster>, key: CoordinatorKey, subject: Subject) -> Self {
        let backoff = cluster.retry_backoff("coordinator");
        Self {
            trouble: cluster.health.watch(subject),
            cluster,
            key,
            connection: None,
            backoff,
        }
    }

    /// The id of what is coordinated.
    pub(crate) fn key(&self) -> &StrBytes {
        &self.key.key
    }

    /// The broker, if it is known.
    pub(crate) fn broker(&self) -> Option<&Arc<str>> {
        self.connection.as_ref().map(Connection::broker)
    }

    /// The coordinator is another broker now.
    pub(crate) fn forget(&mut self) {
        self.connection = None;
    }

    /// Ends the connection: a request on it is held by the broker, and what is sent behind it
    /// would wait as long.
    pub(crate) fn abandon(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.retire();
        }
    }

    /// Waits before trying again after a failure, longer after each.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn pause(&mut self, error: &Error) {
        self.trouble.failed(error);
        let wait = self.backoff.next();
        self.cluster.env.sleep(wait).await;
    }

    /// Something went well: the next failure waits little again.
    pub(crate) fn settled(&mut self) {
        self.backoff.reset();
        self.trouble.over();
    }

    /// A connection to the coordinator; one attempt.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn connect(&mut self) -> Result<Connection, Error> {
        if let Some(connection) = self.connection.as_ref().filter(|open| !open.is_closed()) {
            return Ok(connection.clone());
        }
        self.connection = None;
        let broker = self.cluster.find_coordinator(&self.key).await?;
        let connection = self.cluster.connect_coordinator(&broker).await?;
        tracing::debug!(key = %self.key.key, broker = %connection.broker(), "coordinator");
        self.connection = Some(connection.clone());
        Ok(connection)
    }

    /// Calls the coordinator; one attempt. After a failure of the connection it is looked for
    /// again.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the answer; the request may have been sent.
    pub(crate) async fn call<R: Request>(
        &mut self,
        request: impl FnOnce(i16) -> R,
        cap: i16,
        within: Duration,
    ) -> Result<R::Response, Error> {
        let connection = self.connect().await?;
        let version = connection.version::<R>(cap)?;
        let request = request(version);
        let mut answer = Box::pin(connection.call_with(&request, version, within));
        let may_be_held = within > self.cluster.config.request_timeout;
        let result = match self.cluster.env.timeout(HELD, &mut answer).await {
            Ok(result) => result,
            Err(Elapsed) => {
                if may_be_held {
                    self.trouble.over();
                }
                answer.await
            }
        };
        if result.is_err() {
            self.forget();
        }
        result
    }
}

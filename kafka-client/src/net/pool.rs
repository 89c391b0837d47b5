//! The connections of a client: one for each broker and lane, made when first asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::{Connection, ConnectionConfig};
use crate::cluster::Backoff;
use crate::env::{Env, lock};
use crate::error::Error;
use crate::health::{Monitor, Subject, Trouble};

/// What a connection is for. A broker answers a connection's requests in order, so one that may
/// be held back must not stand before one that is urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// Metadata and administration. Answered at once.
    Control,
    /// Produce or Fetch. Fetch waits for data.
    Data,
    /// A group's coordinator. JoinGroup waits for the other members.
    Group,
}

/// Connections by broker and lane.
#[derive(Debug)]
pub(crate) struct Pool {
    env: Env,
    config: ConnectionConfig,
    backoff: Backoff,
    health: Monitor,
    /// Who wants a connection that failed dials again within this time.
    dialed_again: Duration,
    slots: Mutex<Slots>,
}

/// By node and lane. A slot's lock is held while it dials.
type Slots = BTreeMap<(i32, Lane), Arc<AsyncMutex<Slot>>>;

/// One connection with the memory of its failures.
#[derive(Debug)]
struct Slot {
    address: (String, u16),
    connection: Option<Connection>,
    backoff: Backoff,
    not_before: Option<Instant>,
    trouble: Trouble,
}

impl Pool {
    /// `backoff` is the wait before dialing a broker again (`reconnect.backoff.ms`); whoever still
    /// wants a connection that failed asks again within `retry_backoff_max`.
    pub(crate) fn new(
        env: Env,
        config: ConnectionConfig,
        backoff: Backoff,
        retry_backoff_max: Duration,
        health: Monitor,
    ) -> Self {
        let waits = backoff.max().saturating_add(retry_backoff_max);
        let dialed_again = config.setup_timeout.saturating_add(waits.saturating_mul(2));
        Self {
            env,
            config,
            backoff,
            health,
            dialed_again,
            slots: Mutex::default(),
        }
    }

    /// The open connection to a broker, or a new one. After failures it waits before it dials.
    ///
    /// Callers who ask at the same time share one dialing.
    ///
    /// # Cancel safety
    /// Dropping the future drops a dialing under way; the next caller dials anew.
    pub(crate) async fn connect(
        &self,
        node: i32,
        address: (&str, u16),
        lane: Lane,
    ) -> Result<Connection, Error> {
        let slot = lock(&self.slots)
            .entry((node, lane))
            .or_insert_with(|| {
                Arc::new(AsyncMutex::new(Slot {
                    address: (address.0.to_owned(), address.1),
                    connection: None,
                    backoff: self.backoff.clone(),
                    not_before: None,
                    trouble: self.trouble(address),
                }))
            })
            .clone();
        let mut slot = slot.lock().await;
        if (slot.address.0.as_str(), slot.address.1) != address {
            // The broker came back elsewhere.
            slot.address = (address.0.to_owned(), address.1);
            slot.connection = None;
            slot.not_before = None;
            slot.backoff.reset();
            slot.trouble = self.trouble(address);
        }
        if let Some(connection) = &slot.connection {
            if !connection.is_closed() {
                return Ok(connection.clone());
            }
            slot.connection = None;
            let wait = slot.backoff.next(&self.env);
            slot.not_before = Some(self.env.now() + wait);
        }
        if let Some(instant) = slot.not_before {
            tokio::time::sleep_until(instant).await;
        }
        match Connection::open(&self.env, address.0, address.1, self.config.clone()).await {
            Ok(connection) => {
                tracing::debug!(broker = %connection.broker(), ?lane, "connected");
                slot.connection = Some(connection.clone());
                slot.not_before = None;
                slot.backoff.reset();
                slot.trouble.over();
                Ok(connection)
            }
            Err(error) => {
                slot.trouble.failed(&error);
                let wait = slot.backoff.next(&self.env);
                slot.not_before = Some(self.env.now() + wait);
                Err(error)
            }
        }
    }

    /// To tell of a broker that is not reached. Nobody may want it any more after a dial that failed.
    fn trouble(&self, (host, port): (&str, u16)) -> Trouble {
        let subject = Subject::Broker {
            address: format!("{host}:{port}").into(),
        };
        self.health.watch_attempts(subject, self.dialed_again)
    }

    /// Has the memory of an answer used again, if this part is all that is left of it.
    pub(crate) fn recycle(&self, part: Bytes) {
        self.config.spares.give(part);
    }

    /// Closes every connection; what waits on them fails with `error`.
    pub(crate) async fn close(&self, error: &Error) {
        let slots = std::mem::take(&mut *lock(&self.slots));
        for slot in slots.into_values() {
            if let Some(connection) = slot.lock().await.connection.take() {
                connection.fail(error);
            }
        }
    }
}

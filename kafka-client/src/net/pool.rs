//! The connections of a client: one for each address and lane, made when first asked for.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::dial::dial;
use super::reach::Reach;
use super::{Connection, ConnectionConfig, address_text};
use crate::cluster::Backoff;
use crate::env::{Env, lock};
use crate::error::{Error, ErrorKind};
use crate::health::{Monitor, PATIENCE, Subject, Trouble};

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

/// Host and port.
pub(crate) type Address = (Arc<str>, u16);

/// Connections by address and lane.
#[derive(Debug)]
pub(crate) struct Pool {
    env: Env,
    config: ConnectionConfig,
    reconnect_backoff: (Duration, Duration),
    max_idle: Duration,
    health: Monitor,
    /// Who wants a connection that failed dials again within this time.
    dialed_again: Duration,
    slots: Mutex<BTreeMap<(Address, Lane), Arc<Slot>>>,
}

/// One connection with the memory of its failures.
#[derive(Debug)]
struct Slot {
    /// Held while dialing, so that those who ask at the same time share one.
    dialing: AsyncMutex<()>,
    state: Mutex<State>,
    reach: Arc<Reach>,
}

#[derive(Debug)]
struct State {
    connection: Option<Connection>,
    backoff: Backoff,
    /// After a failure: when to dial again.
    not_before: Option<Instant>,
    /// Dials in a row that have failed.
    failed_dials: u32,
    /// What the last of them failed with.
    error: Option<Error>,
}

impl Pool {
    /// `reconnect_backoff` is the wait before dialing a broker again, after the first failure and at
    /// most (`reconnect.backoff.ms`, `reconnect.backoff.max.ms`), `max_idle` how long a connection is
    /// kept without use (`connections.max.idle.ms`). Whoever still wants a connection that failed asks
    /// again within `retry_backoff_max`.
    pub(crate) fn new(
        env: Env,
        config: ConnectionConfig,
        reconnect_backoff: (Duration, Duration),
        max_idle: Duration,
        retry_backoff_max: Duration,
        health: Monitor,
    ) -> Self {
        let waits = reconnect_backoff.1.saturating_add(retry_backoff_max);
        let dialed_again = config
            .setup_timeout_max
            .saturating_add(waits.saturating_mul(2));
        Self {
            env,
            config,
            reconnect_backoff,
            max_idle,
            health,
            dialed_again,
            slots: Mutex::default(),
        }
    }

    /// The open connection to an address, or a new one. After failures it waits before it dials.
    ///
    /// Callers who ask at the same time share one dialing.
    ///
    /// # Cancel safety
    /// Dropping the future drops a dialing under way; the next caller dials anew.
    pub(crate) async fn connect(&self, address: &Address, lane: Lane) -> Result<Connection, Error> {
        let slot = self.slot(address, lane);
        if let Some(connection) = lock(&slot.state).open() {
            connection.touch();
            return Ok(connection);
        }
        let _dialing = slot.dialing.lock().await;
        let not_before = {
            let mut state = lock(&slot.state);
            if let Some(connection) = state.open() {
                return Ok(connection);
            }
            if state
                .connection
                .take()
                .is_some_and(|last| !last.is_retired())
            {
                // It was lost.
                let wait = state.backoff.next();
                state.not_before = Some(self.env.now() + wait);
            }
            state.not_before
        };
        if let Some(instant) = not_before {
            self.env.sleep_until(instant).await;
        }
        let limit = self.limit(lock(&slot.state).failed_dials);
        let began = self.env.now();
        let dialed = self.dial(address, limit, &slot.reach, began).await;
        if let Ok(connection) = &dialed
            && !self.is_current(&slot, address, lane)
        {
            // The pool was closed meanwhile, and whoever asks next dials anew.
            let error = Error::closed("pool of connections");
            connection.fail(&error);
            return Err(error);
        }
        let mut state = lock(&slot.state);
        match &dialed {
            Ok(connection) => {
                tracing::debug!(broker = %connection.broker(), ?lane, "connected");
                connection.belongs_to(&slot.reach);
                state.connection = Some(connection.clone());
                state.backoff.reset();
                state.not_before = None;
                state.failed_dials = 0;
                state.error = None;
                slot.reach.dialed();
            }
            Err(error) => {
                slot.reach.not_dialed(began, error);
                state.failed_dials = state.failed_dials.saturating_add(1);
                state.error = Some(error.clone());
                let wait = state.backoff.next();
                state.not_before = Some(self.env.now() + wait);
            }
        }
        dialed
    }

    /// Dials, and tells while that lasts.
    async fn dial(
        &self,
        address: &Address,
        limit: Duration,
        reach: &Reach,
        began: Instant,
    ) -> Result<Connection, Error> {
        let (host, port) = (&address.0, address.1);
        let mut dialing = pin!(dial(&self.env, host, port, &self.config, limit));
        let mut look = began + PATIENCE;
        loop {
            if let Ok(dialed) = self.env.timeout_at(look, &mut dialing).await {
                return dialed;
            }
            if self.env.has_ended() {
                return Err(Error::runtime_ended());
            }
            let waited = self.env.now() - began;
            let text = format!("no connection for {} s", waited.as_secs());
            let error = Error::new(ErrorKind::Timeout, text);
            reach.not_dialed(began, &error.at_broker(address_text(address)));
            look += PATIENCE;
        }
    }

    /// The open connection of a lane with the fewest requests under way, to one of these
    /// addresses; rather one that no quota holds back.
    pub(crate) fn open<'a>(
        &self,
        addresses: impl IntoIterator<Item = &'a Address>,
        lane: Lane,
    ) -> Option<Connection> {
        let slots = lock(&self.slots);
        let slots = addresses
            .into_iter()
            .filter_map(|address| slots.get(&(address.clone(), lane)));
        let open = slots.filter_map(|slot| lock(&slot.state).open());
        let best = open.min_by_key(|open| (open.throttled_until().is_some(), open.load()))?;
        best.touch();
        Some(best)
    }

    /// Whether an address has failed a moment ago and is not dialed yet again.
    pub(crate) fn is_resting(&self, address: &Address, lane: Lane) -> bool {
        let now = self.env.now();
        self.existing(address, lane)
            .is_some_and(|slot| lock(&slot.state).not_before.is_some_and(|at| at > now))
    }

    /// What the last dial of an address failed with, unless one has succeeded since.
    pub(crate) fn last_error(&self, address: &Address, lane: Lane) -> Option<Error> {
        let slot = self.existing(address, lane)?;
        lock(&slot.state).error.clone()
    }

    /// To tell of a broker that is not reached. Nobody may want it any more after a dial that failed.
    fn trouble(&self, address: &Address) -> Trouble {
        let subject = Subject::Broker {
            address: address_text(address).into(),
        };
        self.health.watch_attempts(subject, self.dialed_again)
    }

    /// Has the memory of an answer used again, if this part is all that is left of it.
    pub(crate) fn recycle(&self, part: Bytes) {
        self.config.spares.give(part);
    }

    /// Closes every connection and forgets all failures; what waits on a connection fails with
    /// `error`.
    pub(crate) fn close(&self, error: &Error) {
        let slots = std::mem::take(&mut *lock(&self.slots));
        for slot in slots.into_values() {
            let connection = lock(&slot.state).connection.take();
            if let Some(connection) = connection {
                connection.fail(error);
            }
        }
    }

    /// Closes what was idle for too long, and forgets addresses that nobody asks for any more.
    /// When to look again.
    fn close_idle(&self) -> Instant {
        let now = self.env.now();
        let mut next = now + self.max_idle;
        lock(&self.slots).retain(|_, slot| {
            let mut state = lock(&slot.state);
            match &state.connection {
                Some(connection) if connection.is_retired() => {
                    state.connection = None;
                    true
                }
                Some(connection) if connection.is_closed() => {
                    state.connection = None;
                    let wait = state.backoff.next();
                    state.not_before = Some(now + wait);
                    true
                }
                Some(connection) => {
                    match connection.close_if_idle(now, self.max_idle) {
                        Some(instant) => next = next.min(instant),
                        // Not lost: it is dialed at once when it is needed.
                        None => state.connection = None,
                    }
                    true
                }
                None => {
                    let is_resting = state.not_before.is_some_and(|at| at + self.max_idle > now);
                    is_resting || Arc::strong_count(slot) > 1
                }
            }
        });
        next
    }

    /// The limit of a dial after so many that failed in a row (KIP-601).
    fn limit(&self, failed: u32) -> Duration {
        let (first, max) = (self.config.setup_timeout, self.config.setup_timeout_max);
        first
            .saturating_mul(1 << failed.min(20))
            .min(max.max(first))
    }

    fn slot(&self, address: &Address, lane: Lane) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
        let slot = slots.entry((address.clone(), lane)).or_insert_with(|| {
            let (host, port) = address;
            let random = self
                .env
                .random(&format!("reconnect-{host}:{port}-{lane:?}"));
            let (first, max) = self.reconnect_backoff;
            Arc::new(Slot {
                dialing: AsyncMutex::new(()),
                reach: Arc::new(Reach::new(self.trouble(address))),
                state: Mutex::new(State {
                    connection: None,
                    backoff: Backoff::new(first, max, random),
                    not_before: None,
                    failed_dials: 0,
                    error: None,
                }),
            })
        });
        slot.clone()
    }

    fn is_current(&self, slot: &Arc<Slot>, address: &Address, lane: Lane) -> bool {
        let current = self.existing(address, lane);
        current.is_some_and(|current| Arc::ptr_eq(&current, slot))
    }

    fn existing(&self, address: &Address, lane: Lane) -> Option<Arc<Slot>> {
        lock(&self.slots).get(&(address.clone(), lane)).cloned()
    }
}

impl State {
    fn open(&self) -> Option<Connection> {
        let connection = self.connection.as_ref()?;
        (!connection.is_closed()).then(|| connection.clone())
    }
}

/// Closes idle connections until the client ends: one timer for all of them.
pub(crate) async fn close_idle(pool: Weak<Pool>) {
    while let Some((env, next)) = pool
        .upgrade()
        .map(|pool| (pool.env.clone(), pool.close_idle()))
    {
        env.sleep_until(next).await;
    }
}

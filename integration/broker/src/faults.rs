//! Faults on order: what a test wants to go wrong, request by request.
//!
//! A [`Fault`] says which requests it means and what happens to them. It is injected through
//! [`Faults`], counts its hits, and ends after as many as were asked for.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use kafka_broker::{Broker, Fault};
//! use kafka_client_protocol::{ApiKey, ErrorCode};
//!
//! let broker = Broker::builder().memory().start().await.unwrap();
//! // The second Produce request for "orders" is applied, but its answer never arrives.
//! let lost_ack = broker
//!     .faults()
//!     .inject(Fault::on(ApiKey::PRODUCE).topic("orders").skip(1).close_after());
//! // Every Heartbeat is refused until the handle removes it.
//! let storm = broker.faults().inject(
//!     Fault::on(ApiKey::HEARTBEAT).always().error(ErrorCode::REBALANCE_IN_PROGRESS),
//! );
//! assert_eq!(lost_ack.hits(), 0);
//! storm.remove();
//! # broker.shutdown().await.unwrap();
//! # });
//! ```

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kafka_client_protocol::{ApiKey, ErrorCode};
use tokio::sync::watch;

/// Requests that the journal keeps.
const JOURNAL_REQUESTS: usize = 10_000;

/// Which requests go wrong, and how. One hit unless said otherwise.
#[derive(Debug, Clone)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Fault {
    api: ApiKey,
    topic: Option<String>,
    partition: Option<i32>,
    client_id: Option<String>,
    skip: u64,
    times: u64,
    action: Action,
}

#[derive(Debug, Clone)]
enum Action {
    Error(ErrorCode),
    DelayBefore(Duration),
    DelayAfter(Duration),
    CloseBefore,
    CloseAfter,
    HoldBefore,
    HoldAfter,
    Truncate(usize),
    Corrupt(usize),
}

impl Fault {
    /// Requests of one API. Without a further word the connection is closed before the request is
    /// applied.
    pub fn on(api: ApiKey) -> Self {
        Self {
            api,
            topic: None,
            partition: None,
            client_id: None,
            skip: 0,
            times: 1,
            action: Action::CloseBefore,
        }
    }

    /// Only requests that name this topic (by name or id).
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.topic = Some(topic.into());
        self
    }

    /// Only requests that name this partition; with [`topic`](Self::topic), of that topic.
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Only requests of clients with this `client.id`.
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// Lets so many matching requests pass first. Defaults to 0.
    pub fn skip(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// Hits so many requests. Defaults to 1.
    pub fn times(mut self, requests: u64) -> Self {
        self.times = requests;
        self
    }

    /// Hits until it is removed.
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    /// Answers with an error, for all that the request names, and applies nothing.
    pub fn error(mut self, error: ErrorCode) -> Self {
        self.action = Action::Error(error);
        self
    }

    /// Waits before the request is applied.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.action = Action::DelayBefore(delay);
        self
    }

    /// Applies the request at once and waits before the answer is sent.
    pub fn delay_answer(mut self, delay: Duration) -> Self {
        self.action = Action::DelayAfter(delay);
        self
    }

    /// Closes the connection without applying the request.
    pub fn close_before(mut self) -> Self {
        self.action = Action::CloseBefore;
        self
    }

    /// Applies the request and closes the connection instead of answering: the lost answer.
    pub fn close_after(mut self) -> Self {
        self.action = Action::CloseAfter;
        self
    }

    /// Holds the request back, unapplied, until the handle releases it.
    pub fn hold(mut self) -> Self {
        self.action = Action::HoldBefore;
        self
    }

    /// Applies the request and holds its answer back until the handle releases it.
    pub fn hold_answer(mut self) -> Self {
        self.action = Action::HoldAfter;
        self
    }

    /// Applies the request, sends the first `bytes` of the answer (length prefix included) and
    /// closes the connection.
    pub fn truncate_answer(mut self, bytes: usize) -> Self {
        self.action = Action::Truncate(bytes);
        self
    }

    /// Applies the request and inverts the byte at `position` of the answer (length prefix
    /// included; a position past the end means the last byte).
    pub fn corrupt_answer(mut self, position: usize) -> Self {
        self.action = Action::Corrupt(position);
        self
    }
}

/// The faults of a broker and the journal of its requests. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    injected: Mutex<Vec<Injected>>,
    journal: Mutex<VecDeque<JournalEntry>>,
    next_id: AtomicU64,
    journal_off: bool,
}

#[derive(Debug)]
struct Injected {
    id: u64,
    fault: Fault,
    seen: u64,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    hits: watch::Sender<u64>,
    released: watch::Sender<bool>,
}

/// A request the broker received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// The API.
    pub api_key: ApiKey,
    /// The version of the request.
    pub api_version: i16,
    /// The client's name for itself, empty if it gave none.
    pub client_id: String,
    /// What the client calls the request.
    pub correlation_id: i32,
    /// The client's address, or a name for an in-memory connection.
    pub peer: Arc<str>,
}

/// An injected fault. Dropping the handle leaves the fault in place.
#[derive(Debug)]
pub struct FaultHandle {
    id: u64,
    shared: Arc<Shared>,
    state: Arc<State>,
}

impl Faults {
    /// Puts a fault in place. Of several that match a request, the first one hits.
    pub fn inject(&self, fault: Fault) -> FaultHandle {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let state = Arc::new(State {
            hits: watch::Sender::new(0),
            released: watch::Sender::new(false),
        });
        self.injected().push(Injected {
            id,
            fault,
            seen: 0,
            state: Arc::clone(&state),
        });
        FaultHandle {
            id,
            shared: Arc::clone(&self.shared),
            state,
        }
    }

    /// Removes all faults and releases what they hold.
    pub fn clear(&self) {
        for injected in self.injected().drain(..) {
            injected.state.released.send_replace(true);
        }
    }

    /// The latest requests, oldest first; at most 10,000 are kept.
    #[must_use]
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.lock_journal().iter().cloned().collect()
    }

    /// Empties the journal.
    pub fn clear_journal(&self) {
        self.lock_journal().clear();
    }

    /// With or without a journal.
    pub(crate) fn new(journal: bool) -> Self {
        Self {
            shared: Arc::new(Shared {
                journal_off: !journal,
                ..Shared::default()
            }),
        }
    }

    pub(crate) fn note(&self, entry: impl FnOnce() -> JournalEntry) {
        if self.shared.journal_off {
            return;
        }
        let entry = entry();
        let mut journal = self.lock_journal();
        if journal.len() == JOURNAL_REQUESTS {
            journal.pop_front();
        }
        journal.push_back(entry);
    }

    /// The fault that hits a request, if one does. `names(topic, partition)` tells whether the
    /// request names them.
    pub(crate) fn hit(
        &self,
        api: ApiKey,
        client_id: &str,
        names: impl Fn(Option<&str>, Option<i32>) -> bool,
    ) -> Option<Hit> {
        let mut all = self.injected();
        for injected in all.iter_mut() {
            let fault = &injected.fault;
            let (topic, partition) = (fault.topic.as_deref(), fault.partition);
            let matches = fault.api == api
                && fault
                    .client_id
                    .as_deref()
                    .is_none_or(|wanted| wanted == client_id)
                && ((topic.is_none() && partition.is_none()) || names(topic, partition));
            if !matches {
                continue;
            }
            injected.seen += 1;
            let number = injected.seen;
            if number > fault.skip && number - fault.skip <= fault.times {
                injected.state.hits.send_modify(|hits| *hits += 1);
                let state = Arc::clone(&injected.state);
                return Some(Hit {
                    action: fault.action.clone(),
                    state,
                });
            }
        }
        None
    }

    fn injected(&self) -> MutexGuard<'_, Vec<Injected>> {
        self.shared
            .injected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_journal(&self) -> MutexGuard<'_, VecDeque<JournalEntry>> {
        self.shared
            .journal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl FaultHandle {
    /// How many requests it has hit.
    #[must_use]
    pub fn hits(&self) -> u64 {
        *self.state.hits.borrow()
    }

    /// Waits until it has hit so many requests.
    ///
    /// # Cancel safety
    /// May be dropped at any time; nothing is lost.
    pub async fn wait_for_hits(&self, requests: u64) {
        let mut hits = self.state.hits.subscribe();
        // The sender lives in `self.state`.
        let _ = hits.wait_for(|hits| *hits >= requests).await;
    }

    /// Lets go of what a hold keeps, now and from now on.
    pub fn release(&self) {
        self.state.released.send_replace(true);
    }

    /// Ends the fault and releases what it holds.
    pub fn remove(self) {
        let mut injected = self
            .shared
            .injected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        injected.retain(|other| other.id != self.id);
        drop(injected);
        self.release();
    }
}

/// A fault at work on one request.
#[derive(Debug)]
pub(crate) struct Hit {
    action: Action,
    state: Arc<State>,
}

/// How a request goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    Apply,
    Refuse(ErrorCode),
    Close,
}

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    Send,
    Close,
    Truncate(usize),
    Corrupt(usize),
}

impl Hit {
    /// Runs what comes before the request is applied.
    pub(crate) async fn before(&self) -> Before {
        match self.action {
            Action::Error(error) => Before::Refuse(error),
            Action::CloseBefore => Before::Close,
            Action::DelayBefore(delay) => {
                crate::env::sleep(delay).await;
                Before::Apply
            }
            Action::HoldBefore => {
                self.released().await;
                Before::Apply
            }
            _ => Before::Apply,
        }
    }

    /// Runs what comes between applying and answering.
    pub(crate) async fn after(&self) -> After {
        match self.action {
            Action::CloseAfter => After::Close,
            Action::DelayAfter(delay) => {
                crate::env::sleep(delay).await;
                After::Send
            }
            Action::HoldAfter => {
                self.released().await;
                After::Send
            }
            Action::Truncate(bytes) => After::Truncate(bytes),
            Action::Corrupt(position) => After::Corrupt(position),
            _ => After::Send,
        }
    }

    async fn released(&self) {
        let mut released = self.state.released.subscribe();
        let _ = released.wait_for(|released| *released).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(faults: &Faults, api: ApiKey, client: &str, topic: &str, partition: i32) -> bool {
        faults
            .hit(api, client, |wanted, number| {
                wanted.is_none_or(|name| name == topic)
                    && number.is_none_or(|number| number == partition)
            })
            .is_some()
    }

    #[test]
    fn a_fault_counts_only_what_it_means() {
        let faults = Faults::default();
        let fault = Fault::on(ApiKey::PRODUCE)
            .topic("a")
            .partition(1)
            .client_id("me");
        let handle = faults.inject(fault.skip(1).times(2));
        assert!(!hits(&faults, ApiKey::FETCH, "me", "a", 1));
        assert!(!hits(&faults, ApiKey::PRODUCE, "you", "a", 1));
        assert!(!hits(&faults, ApiKey::PRODUCE, "me", "b", 1));
        assert!(!hits(&faults, ApiKey::PRODUCE, "me", "a", 0));
        let series: Vec<_> = (0..5)
            .map(|_| hits(&faults, ApiKey::PRODUCE, "me", "a", 1))
            .collect();
        assert_eq!(series, [false, true, true, false, false]);
        assert_eq!(handle.hits(), 2);
    }

    #[test]
    fn a_removed_fault_hits_no_more() {
        let faults = Faults::default();
        let handle = faults.inject(Fault::on(ApiKey::FETCH).always());
        assert!(hits(&faults, ApiKey::FETCH, "", "", 0));
        handle.remove();
        assert!(!hits(&faults, ApiKey::FETCH, "", "", 0));
    }

    #[test]
    fn the_journal_is_bounded() {
        let faults = Faults::default();
        for correlation_id in 0..10_005 {
            faults.note(|| JournalEntry {
                api_key: ApiKey::FETCH,
                api_version: 4,
                client_id: String::new(),
                correlation_id,
                peer: "".into(),
            });
        }
        let journal = faults.journal();
        assert_eq!(journal.len(), 10_000);
        assert_eq!(journal[0].correlation_id, 5);
    }
}

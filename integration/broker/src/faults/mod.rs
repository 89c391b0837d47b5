//! Faults on order: what a test wants to go wrong, request by request.
//!
//! `when.rs` says which requests a fault means, `step.rs` what happens to them, `edit.rs` how answers
//! are changed; `api/faulty.rs` runs the steps. `endpoint.rs` and `form.rs` are for other languages.

mod edit;
pub(crate) mod endpoint;
mod form;
mod journal;
mod step;
mod when;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use self::journal::Journal;
use self::when::Tally;

pub(crate) use self::edit::Answered;
pub use self::edit::Edit;
pub(crate) use self::journal::has_secrets;
pub use self::journal::{JournalEntry, RequestOutcome};
pub use self::step::Step;
pub use self::when::{Fault, When, when, when_any};
pub(crate) use self::when::{Kind, Seen};

/// The faults of a broker and the journal of its requests. Clones are the same.
///
/// A [`Fault`] says [`when`](when()) it strikes, an API and matchers that narrow it, and what happens
/// [`then`](When::then), a list of [`Step`]s. It counts its hits, and ends after as many as were
/// asked for, one unless more is said.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use kafka_broker::{Broker, Step, when};
/// use kafka_client_protocol::api::metadata::MetadataResponse;
/// use kafka_client_protocol::{ApiKey, ErrorCode};
///
/// let broker = Broker::builder().memory().start().await.unwrap();
/// let faults = broker.faults();
/// // The second Produce request for "orders" is applied, but its answer never arrives.
/// let lost_ack = faults.inject(
///     when(ApiKey::PRODUCE).topic("orders").skip(1).then([Step::Apply, Step::Close]),
/// );
/// // Every Heartbeat is refused until the handle removes it.
/// let storm = faults.inject(
///     when(ApiKey::HEARTBEAT)
///         .always()
///         .then([Step::Error(ErrorCode::REBALANCE_IN_PROGRESS)]),
/// );
/// // One partition is refused, the others of the request are written.
/// faults.inject(
///     when(ApiKey::PRODUCE)
///         .then([Step::error_for("orders", 1, ErrorCode::NOT_LEADER_OR_FOLLOWER)]),
/// );
/// // An answer that is not what the broker would say.
/// faults.inject(when(ApiKey::METADATA).then([Step::edit(|answer: &mut MetadataResponse| {
///     answer.controller_id = -1;
/// })]));
/// assert_eq!(lost_ack.hits(), 0);
/// storm.remove();
/// # broker.shutdown().await.unwrap();
/// # });
/// ```
///
/// [`testing`](crate::testing) has an example of each.
///
/// Faults strike requests of APIs that this broker serves, and ApiVersions in every version, also
/// those that it refuses. What cannot be read ends the connection before any fault is asked.
#[derive(Debug, Clone)]
pub struct Faults {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    injected: Mutex<Vec<Arc<Injected>>>,
    /// Whether there is one: requests look at this first, without the lock.
    is_any: AtomicBool,
    next_id: AtomicU64,
    /// Gives each fault chance of its own, so that none depends on how often another is asked.
    chance: Mutex<fastrand::Rng>,
    recordings: Mutex<Recordings>,
    journal: Option<Mutex<Journal>>,
    /// What the journal keeps of a body.
    body_bytes_max: usize,
}

/// Answers that were kept, by their names and what they are.
type Recordings = HashMap<(String, TypeId), Arc<dyn Any + Send + Sync>>;

#[derive(Debug)]
struct Injected {
    /// For those who have no handle.
    id: u64,
    fault: Fault,
    tally: Mutex<Tally>,
    hits: watch::Sender<u64>,
    released: watch::Sender<bool>,
}

/// An injected fault. Dropping the handle leaves the fault in place.
#[derive(Debug)]
pub struct FaultHandle {
    shared: Arc<Shared>,
    injected: Arc<Injected>,
}

/// A fault in place, for those who have no handle.
pub(crate) struct Listed {
    pub(crate) id: u64,
    pub(crate) text: String,
    pub(crate) hits: u64,
    pub(crate) is_released: bool,
}

impl Faults {
    /// Puts a fault in place. Of several that match a request, the first one hits.
    pub fn inject(&self, fault: Fault) -> FaultHandle {
        let injected = Arc::new(Injected {
            id: self.shared.next_id.fetch_add(1, Ordering::Relaxed),
            fault,
            tally: Mutex::new(Tally::new(lock(&self.shared.chance).fork())),
            hits: watch::Sender::new(0),
            released: watch::Sender::new(false),
        });
        self.shared.change(|all| all.push(Arc::clone(&injected)));
        FaultHandle {
            shared: Arc::clone(&self.shared),
            injected,
        }
    }

    /// Removes all faults and releases what they hold.
    pub fn clear(&self) {
        for injected in self.shared.change(std::mem::take) {
            injected.end();
        }
    }

    pub(crate) fn list(&self) -> Vec<Listed> {
        let all = lock(&self.shared.injected).clone();
        let listed = all.iter().map(|one| Listed {
            id: one.id,
            text: format!("{:?}", one.fault),
            hits: *one.hits.borrow(),
            is_released: *one.released.borrow(),
        });
        listed.collect()
    }

    /// Removes the fault of an id; whether it was there.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let found = self.find(id);
        found.map(FaultHandle::remove).is_some()
    }

    /// Releases what the fault of an id holds; whether it was there.
    pub(crate) fn release(&self, id: u64) -> bool {
        self.find(id).map(|found| found.release()).is_some()
    }

    fn find(&self, id: u64) -> Option<FaultHandle> {
        let all = lock(&self.shared.injected);
        let injected = all.iter().find(|one| one.id == id)?;
        Some(FaultHandle {
            shared: Arc::clone(&self.shared),
            injected: Arc::clone(injected),
        })
    }

    /// The latest requests, oldest first: at most 10,000, fewer when they name very many topics.
    #[must_use]
    pub fn journal(&self) -> Vec<JournalEntry> {
        let journal = self.shared.journal.as_ref();
        journal.map_or_else(Vec::new, |journal| lock(journal).entries())
    }

    /// Empties the journal.
    pub fn clear_journal(&self) {
        if let Some(journal) = &self.shared.journal {
            lock(journal).clear();
        }
    }

    /// With a journal that keeps so many bytes of each body, or without one. With a seed, chance is
    /// the same in every run.
    pub(crate) fn new(journal: Option<usize>, seed: Option<u64>) -> Self {
        Self {
            shared: Arc::new(Shared {
                injected: Mutex::default(),
                is_any: AtomicBool::new(false),
                next_id: AtomicU64::new(1),
                chance: Mutex::new(crate::env::random(seed)),
                recordings: Mutex::default(),
                body_bytes_max: journal.unwrap_or(0),
                journal: journal.map(|_| Mutex::default()),
            }),
        }
    }

    /// Keeps an answer for [`Step::Replay`].
    pub(crate) fn record<A: Any + Send + Sync>(&self, name: &str, answer: A) {
        let key = (name.to_owned(), TypeId::of::<A>());
        lock(&self.shared.recordings).insert(key, Arc::new(answer));
    }

    /// The answer of this kind that was kept under a name.
    pub(crate) fn recorded<A: Any + Send + Sync>(&self, name: &str) -> Option<Arc<A>> {
        let key = (name.to_owned(), TypeId::of::<A>());
        let found = lock(&self.shared.recordings).get(&key).cloned();
        found?.downcast().ok()
    }

    /// Writes a request into the journal; its number there. The entry gets what is kept of a body.
    pub(crate) fn note(&self, entry: impl FnOnce(usize) -> JournalEntry) -> Option<u64> {
        let journal = self.shared.journal.as_ref()?;
        let entry = entry(self.shared.body_bytes_max);
        Some(lock(journal).push(entry))
    }

    /// Writes how the request of a number ended.
    pub(crate) fn note_end(
        &self,
        number: u64,
        outcome: RequestOutcome,
        answer: impl FnOnce(usize) -> Bytes,
    ) {
        if let Some(journal) = &self.shared.journal {
            let answer = answer(self.shared.body_bytes_max);
            lock(journal).end(number, outcome, answer);
        }
    }

    /// The fault that hits a request, if one does.
    pub(crate) fn hit(&self, seen: &Seen<'_>) -> Option<Hit> {
        if !self.shared.is_any.load(Ordering::Acquire) {
            return None;
        }
        // A copy, so that no lock is held while a matcher of the test runs.
        let all = lock(&self.shared.injected).clone();
        let hit = all
            .into_iter()
            .find(|one| one.fault.means(seen) && lock(&one.tally).count(&one.fault))?;
        hit.hits.send_modify(|hits| *hits += 1);
        Some(Hit(hit))
    }
}

impl Shared {
    fn change<T>(&self, change: impl FnOnce(&mut Vec<Arc<Injected>>) -> T) -> T {
        let mut all = lock(&self.injected);
        let changed = change(&mut all);
        self.is_any.store(!all.is_empty(), Ordering::Release);
        changed
    }
}

impl Injected {
    fn end(&self) {
        lock(&self.tally).end();
        self.released.send_replace(true);
    }
}

impl FaultHandle {
    pub(crate) fn id(&self) -> u64 {
        self.injected.id
    }

    /// How many requests it has hit.
    #[must_use]
    pub fn hits(&self) -> u64 {
        *self.injected.hits.borrow()
    }

    /// Waits until it has hit so many requests.
    ///
    /// # Cancel safety
    /// May be dropped at any time; nothing is lost.
    pub async fn wait_for_hits(&self, requests: u64) {
        let mut hits = self.injected.hits.subscribe();
        // The sender lives in `self.injected`.
        let _ = hits.wait_for(|hits| *hits >= requests).await;
    }

    /// Lets go of what [`Step::Hold`] keeps and closes what [`Step::Silence`] keeps, now and from
    /// now on.
    pub fn release(&self) {
        self.injected.released.send_replace(true);
    }

    /// Ends the fault and releases what it holds.
    pub fn remove(self) {
        self.shared
            .change(|all| all.retain(|other| !Arc::ptr_eq(other, &self.injected)));
        self.injected.end();
    }
}

/// A fault at work on one request.
#[derive(Debug, Clone)]
pub(crate) struct Hit(Arc<Injected>);

impl Hit {
    pub(crate) fn steps(&self) -> &[Step] {
        &self.0.fault.steps
    }

    pub(crate) fn is_released(&self) -> bool {
        *self.0.released.borrow()
    }

    pub(crate) async fn released(&self) {
        let mut released = self.0.released.subscribe();
        // The sender lives in `self.0`.
        let _ = released.wait_for(|released| *released).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use kafka_client_protocol::ApiKey;
    use kafka_client_protocol::api::fetch::FetchRequest;

    use super::*;

    fn hits(faults: &Faults) -> bool {
        let seen = Seen {
            api: ApiKey::FETCH,
            version: 12,
            client_id: "",
            listener: "",
            connection: 1,
            names_group: &|_| false,
            request: &FetchRequest::default(),
            names: &|_, _| false,
        };
        faults.hit(&seen).is_some()
    }

    #[test]
    fn the_first_of_several_faults_hits_while_it_has_hits_left() {
        let faults = Faults::new(None, None);
        let first = faults.inject(when(ApiKey::FETCH).skip(1).then([]));
        let second = faults.inject(when_any().always().then([]));
        let after: Vec<_> = (0..4)
            .map(|_| {
                assert!(hits(&faults));
                (first.hits(), second.hits())
            })
            .collect();
        assert_eq!(after, [(0, 1), (1, 1), (1, 2), (1, 3)]);
    }

    #[test]
    fn a_removed_fault_hits_no_more() {
        let faults = Faults::new(None, None);
        let handle = faults.inject(when(ApiKey::FETCH).always().then([]));
        assert!(hits(&faults));
        handle.remove();
        assert!(!hits(&faults));
        let cleared = faults.inject(when(ApiKey::FETCH).always().then([]));
        faults.clear();
        assert!(!hits(&faults));
        assert_eq!(cleared.hits(), 0);
    }

    #[test]
    fn the_seed_decides_what_chance_hits() {
        let series = |seed| {
            let faults = Faults::new(None, Some(seed));
            let by_chance = when_any().probability(0.5).always().then([]);
            faults.inject(by_chance);
            (0..64).map(|_| hits(&faults)).collect::<Vec<_>>()
        };
        assert_eq!(series(1), series(1));
        assert_ne!(series(1), series(2));
    }

    /// A matcher is the test's own code and runs without a lock: it may do this, and what it
    /// removes does not hit any more.
    #[test]
    fn a_fault_that_its_matcher_removes_does_not_hit() {
        let faults = Faults::new(None, None);
        let inner = faults.clone();
        let matching = move |_: &FetchRequest| {
            inner.clear();
            true
        };
        let fault = when(ApiKey::FETCH).matching(matching).always();
        let handle = faults.inject(fault.then([]));
        assert!(!hits(&faults));
        assert_eq!(handle.hits(), 0);
    }
}

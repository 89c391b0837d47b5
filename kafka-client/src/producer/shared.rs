//! What callers, sinks and timers of a producer share.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::time::Duration;

use bytes::BytesMut;
use kafka_client_protocol::records::Seal;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::budget::{Budget, Taken};
use super::config::ProducerConfig;
use super::identity::Identities;
use super::partition::{Finished, Partition, Refusal, Signal};
use super::sink::{Due, Sink, sink_loop};
use super::telling::Telling;
use super::topic::{Topic, with_cached};
use super::undelivered::Tally;
use super::window::Identity;
use crate::cluster::{Cluster, ClusterUser, Limit, Metadata, TopicMetadata};
use crate::env::{Env, lock};
use crate::error::Error;

/// Budget is taken in steps of this many bytes at first, so that not every record touches the counter.
const BUDGET_STEP: usize = 4096;

/// The largest step: what a batch may hold of the budget without need.
const BUDGET_STEP_MAX: usize = 64 * 1024;

/// Most bytes of empty buffers that are kept for the next batches.
const POOL_BYTES: usize = 4 * 1024 * 1024;

/// The number of the next producer of this process.
static NEXT_NUMBER: AtomicUsize = AtomicUsize::new(0);

/// Topics that were produced to, by name. Its order is never looked at but to walk over all.
type Topics = HashMap<Arc<str>, Arc<Topic>, foldhash::fast::RandomState>;

/// Partitions by topic and number.
type Active = BTreeMap<(Arc<str>, i32), Arc<Partition>>;

/// The state of a producer.
///
/// Locks are taken in this order: topics, a partition, then any of sinks, active, buffers.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) weak: Weak<Self>,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) config: ProducerConfig,
    pub(crate) budget: Budget,
    pub(crate) identities: Identities,
    pub(crate) undelivered: Tally,
    topics: RwLock<Topics>,
    /// Topics that the metadata does not have any more, deleted or not used for long. Kept for their
    /// next use: an idempotent producer's sequences go on where they were. Locked after `topics`.
    resting: Mutex<Topics>,
    /// The generation of the metadata that was followed last.
    followed: AtomicU64,
    /// Grows with each change of the topics.
    generation: AtomicU64,
    /// Tells producers apart.
    number: usize,
    sinks: Mutex<BTreeMap<i32, Arc<Sink>>>,
    /// Partitions that have batches, by topic and number. Complete at every moment: what is not
    /// listed is neither flushed nor given up.
    active: Mutex<Active>,
    buffers: Mutex<Buffers>,
    /// Outcomes that are on their way to those who wait for them.
    pub(crate) telling: Telling,
    /// Callers that wait for the budget: nothing lingers while there are any.
    starving: AtomicUsize,
    closed: OnceLock<Error>,
    /// No sink is made any more.
    is_over: AtomicBool,
    /// Tells those who wait to have a record buffered that it never will be.
    closing: Notify,
    tasks: Mutex<Vec<AbortHandle>>,
}

#[derive(Debug, Default)]
struct Buffers {
    free: Vec<BytesMut>,
    bytes: usize,
}

impl Shared {
    pub(crate) fn new(cluster: Arc<Cluster>, config: ProducerConfig) -> Arc<Self> {
        Arc::new_cyclic(|weak| Self {
            weak: weak.clone(),
            budget: Budget::new(config.buffer_memory),
            identities: Identities::new(),
            undelivered: Tally::default(),
            cluster,
            config,
            topics: RwLock::default(),
            resting: Mutex::default(),
            followed: AtomicU64::new(0),
            generation: AtomicU64::new(0),
            number: NEXT_NUMBER.fetch_add(1, Ordering::Relaxed),
            sinks: Mutex::default(),
            active: Mutex::default(),
            buffers: Mutex::default(),
            starving: AtomicUsize::new(0),
            telling: Telling::default(),
            closed: OnceLock::new(),
            is_over: AtomicBool::new(false),
            closing: Notify::new(),
            tasks: Mutex::default(),
        })
    }

    pub(crate) fn env(&self) -> &Env {
        &self.cluster.env
    }

    /// A task that ends with the producer.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = self.env().spawn(task).abort_handle();
        lock(&self.tasks).push(task);
    }

    /// Calls `with` with a topic that was produced to before.
    #[inline]
    pub(crate) fn with_topic<T>(&self, name: &str, with: impl FnOnce(&Topic) -> T) -> Option<T> {
        // Read before the topic is looked for: a change in between makes the cached topic stale.
        let generation = self.generation.load(Ordering::Acquire);
        let find = || self.read_topics().get(name).cloned();
        with_cached(self.number, generation, name, find, with)
    }

    /// The topics, to be changed; what threads remember of them is stale from now on.
    fn write_topics(&self) -> RwLockWriteGuard<'_, Topics> {
        let topics = self
            .topics
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        self.generation.fetch_add(1, Ordering::AcqRel);
        topics
    }

    /// Waits until the metadata has a topic, which records can be produced to from then on.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn learn(&self, name: &str, limit: Limit) -> Result<(), Error> {
        if self.with_topic(name, |_| ()).is_some() {
            return Ok(());
        }
        let known = self.cluster.topic(name, limit).await?;
        self.adopt(&known);
        Ok(())
    }

    /// As [`Shared::learn`], without waiting: `false` if the topic is not known yet, and looked for.
    pub(crate) fn learn_if_known(&self, name: &str) -> Result<bool, Error> {
        let known = self.cluster.topic_if_known(name)?;
        if let Some(known) = &known {
            self.adopt(known);
        }
        Ok(known.is_some())
    }

    /// Takes a topic that the metadata has among those that are produced to.
    fn adopt(&self, known: &TopicMetadata) {
        let name = &*known.name;
        {
            let mut topics = self.write_topics();
            let rested = lock(&self.resting).remove(name);
            topics
                .entry(known.name.clone())
                .or_insert_with(|| rested.unwrap_or_else(|| Arc::new(Topic::new(known, self))));
        }
        // Whoever follows the metadata may have seen newer one before the topic was here, or while what
        // is older is taken.
        loop {
            let metadata = self.cluster.metadata();
            self.follow_topics(&metadata, metadata.topic(name).map(|known| &**known));
            if self.cluster.metadata().generation == metadata.generation {
                return;
            }
        }
    }

    /// Takes leaders, ids and partitions from fresh metadata.
    pub(crate) fn follow(&self, metadata: &Metadata) {
        let since = self.followed.swap(metadata.generation, Ordering::AcqRel);
        self.rest(metadata, since);
        self.follow_topics(metadata, metadata.changed_since(since));
    }

    /// Lays topics aside that the metadata does not have, and takes back those that it has again.
    fn rest(&self, metadata: &Metadata, since: u64) {
        let leaves = |topic: &Topic| !topic.is_in(metadata);
        let some_leave = metadata.has_lost_topics_since(since)
            && self.read_topics().values().any(|topic| leaves(topic));
        let some_return = lock(&self.resting).values().any(|topic| !leaves(topic));
        if some_leave || some_return {
            let mut topics = self.write_topics();
            let mut resting = lock(&self.resting);
            let returning: Vec<_> = resting.extract_if(|_, topic| !leaves(topic)).collect();
            resting.extend(topics.extract_if(|_, topic| leaves(topic)));
            topics.extend(returning);
        }
    }

    /// Takes what is known of some topics, as far as they are produced to.
    fn follow_topics<'a>(
        &self,
        metadata: &Metadata,
        known: impl IntoIterator<Item = &'a TopicMetadata>,
    ) {
        let mut moved = Vec::new();
        let mut made_anew = Vec::new();
        let _telling = self.telling.begin();
        let mut finished = Vec::new();
        let mut some_changed = false;
        let rack = self.config.rack.as_deref();
        for known in known {
            let Some(mut topic) = self.read_topics().get(&known.name).cloned() else {
                continue;
            };
            if topic.is_changed_by(known) {
                let mut topics = self.write_topics();
                let Some(current) = topics.get_mut(&known.name) else {
                    continue;
                };
                // Somebody else may have changed it meanwhile.
                if current.is_changed_by(known) {
                    if current.is_made_anew(known) {
                        made_anew.push((known, current.id()));
                    }
                    *current = Arc::new(current.changed(known, self, &mut finished));
                    some_changed = true;
                }
                topic = current.clone();
            }
            topic.follow(known, metadata, rack, &mut moved);
        }
        // In an order that is the same in every run.
        moved.sort_by(|a, b| (&a.topic.name, a.index).cmp(&(&b.topic.name, b.index)));
        for partition in moved {
            self.enqueue(&partition, Due::Ready);
        }
        if some_changed {
            self.wake_all();
        }
        // Last, and under no lock: a logger and those who are told may send.
        for (topic, from) in made_anew {
            tracing::warn!(
                topic = %topic.name, %from, to = %topic.id,
                "the topic was deleted and made anew; what was sent to the former one and not \
                 acknowledged may be lost with it"
            );
        }
        Finished::tell_all(finished, self);
    }

    fn read_topics(&self) -> RwLockReadGuard<'_, Topics> {
        self.topics
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Lists a partition that has got its first batch.
    pub(crate) fn activate(&self, partition: Arc<Partition>) {
        let key = (partition.topic.name.clone(), partition.index);
        lock(&self.active).insert(key, partition);
    }

    /// Takes a partition without batches off the list. Called under the partition's lock, so that
    /// one that gets a batch meanwhile is listed after.
    pub(crate) fn deactivate(&self, partition: &Partition) {
        let key = (partition.topic.name.clone(), partition.index);
        let mut active = lock(&self.active);
        // A topic made anew may have another partition of this number.
        if active
            .get(&key)
            .is_some_and(|listed| std::ptr::eq(&**listed, partition))
        {
            active.remove(&key);
        }
    }

    /// The partitions that have batches.
    pub(crate) fn active(&self) -> Vec<Arc<Partition>> {
        lock(&self.active).values().cloned().collect()
    }

    /// Gives up batches whose time is over, and forgets partitions without any.
    pub(crate) fn expire(&self) {
        let now = self.env().now();
        // A copy, so that no partition is locked under the list's lock.
        for partition in self.active() {
            partition.expire(self, now);
        }
    }

    /// Tells the leader's sink what an append brought.
    pub(crate) fn signal(&self, partition: &Arc<Partition>, signal: Signal) {
        match signal {
            Signal::None => {}
            Signal::Full => self.enqueue(partition, Due::Full),
            Signal::Opened { number, behind } => {
                if behind {
                    self.enqueue(partition, Due::Full);
                }
                let linger = self.config.linger();
                if linger.is_zero() || self.is_starving() {
                    partition.make_due();
                    return self.enqueue(partition, Due::Urgent);
                }
                match self.sink(partition.leader()) {
                    Some(sink) => {
                        let until = self.env().now() + self.config.linger_timer();
                        sink.linger(partition.clone(), number, until);
                    }
                    // It is sent as soon as there is a leader.
                    None => {
                        partition.make_due();
                        self.cluster.request_refresh();
                    }
                }
            }
        }
    }

    /// Puts a partition into the queue of its leader's sink. Without a leader it waits until the
    /// metadata has one.
    pub(crate) fn enqueue(&self, partition: &Arc<Partition>, due: Due) {
        if let Some(sink) = self.sink(partition.leader()) {
            sink.push(partition, due, self.config.large_backlog());
        } else {
            self.cluster.request_refresh();
        }
    }

    /// Somebody waits for a delivery of this partition: its batch need not linger, unless the
    /// user has set for how long.
    pub(crate) fn awaited(&self, partition: &Arc<Partition>) {
        if self.config.linger.is_none() {
            partition.make_due();
            self.enqueue(partition, Due::Ready);
        }
    }

    /// Sends all that is open, lingering or not.
    pub(crate) fn make_all_due(&self) {
        for partition in self.active() {
            partition.make_due();
            self.enqueue(&partition, Due::Urgent);
        }
    }

    /// Waits until all that is buffered now is settled, no longer than `limit`; the number of records
    /// that are not.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn settle_pending(&self, limit: Duration) -> u64 {
        let pending: Vec<_> = self
            .active()
            .iter()
            .flat_map(|partition| partition.pending())
            .collect();
        self.make_all_due();
        let all = async {
            // What had left its partition before the look is not among those.
            self.telling.ended().await;
            for (completion, _) in &pending {
                completion.clone().settled().await;
            }
        };
        // What is ready is not cut off by a limit of zero.
        match self.env().timeout(limit, all).await {
            Ok(()) => 0,
            Err(_) => pending
                .iter()
                .filter(|(completion, _)| !completion.is_settled())
                .map(|(_, records)| u64::from(*records))
                .sum(),
        }
    }

    /// Looks again at every partition that has batches.
    pub(crate) fn wake_all(&self) {
        for partition in self.active() {
            if partition.has_work(self) {
                self.enqueue(&partition, Due::Ready);
            }
        }
    }

    fn sink(&self, node: i32) -> Option<Arc<Sink>> {
        if node < 0 {
            return None;
        }
        let mut sinks = lock(&self.sinks);
        if let Some(sink) = sinks.get(&node) {
            return Some(sink.clone());
        }
        // Looked at under the lock that the end takes to forget the sinks: none is made after it.
        if self.is_over.load(Ordering::Acquire) {
            return None;
        }
        let sink = Arc::new(Sink::new(node));
        sinks.insert(node, sink.clone());
        drop(sinks);
        self.spawn(sink_loop(self.weak.clone(), sink.clone()));
        Some(sink)
    }

    /// Whether callers wait for the budget.
    pub(crate) fn is_starving(&self) -> bool {
        self.starving.load(Ordering::Acquire) > 0
    }

    /// Waits for bytes of the budget; nothing lingers meanwhile.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is taken.
    pub(crate) async fn take(&self, bytes: usize) -> Taken<'_> {
        struct Starving<'a>(&'a AtomicUsize);
        impl Drop for Starving<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::AcqRel);
            }
        }
        // The first to wait sends everything; what is opened from now on does not linger.
        if self.starving.fetch_add(1, Ordering::AcqRel) == 0 {
            self.make_all_due();
        }
        let _starving = Starving(&self.starving);
        self.budget.take(bytes).await
    }

    /// Makes sure that `reserved` covers `needed` bytes of a batch.
    #[inline]
    pub(crate) fn reserve(
        &self,
        reserved: &mut usize,
        needed: usize,
        taken: Option<&mut Taken<'_>>,
    ) -> Result<(), Refusal> {
        match needed <= *reserved {
            true => Ok(()),
            false => self.reserve_more(reserved, needed, taken),
        }
    }

    /// Takes more of the budget: as much again as the batch has, so that large batches do not come
    /// often and small ones hold little.
    #[cold]
    fn reserve_more(
        &self,
        reserved: &mut usize,
        needed: usize,
        taken: Option<&mut Taken<'_>>,
    ) -> Result<(), Refusal> {
        let missing = needed - *reserved;
        if taken.is_some_and(|taken| taken.use_up(missing)) {
            *reserved = needed;
            return Ok(());
        }
        let first = BUDGET_STEP.min(self.config.batch_size);
        let step = missing.max((*reserved).clamp(first, BUDGET_STEP_MAX));
        if self.budget.try_take(step) {
            *reserved += step;
        } else if self.budget.try_take(missing) {
            *reserved = needed;
        } else {
            return Err(Refusal::Memory(missing));
        }
        Ok(())
    }

    /// What the header of a batch says, for this identity and sequence.
    pub(crate) fn seal(&self, identity: Option<Identity>, sequence: i32) -> Seal {
        let seal = Seal {
            compression: self.config.compression,
            ..Seal::default()
        };
        match identity {
            Some(identity) => Seal {
                producer_id: identity.id,
                producer_epoch: identity.epoch,
                base_sequence: sequence,
                ..seal
            },
            None => seal,
        }
    }

    /// A buffer for a new batch.
    pub(crate) fn buffer(&self) -> BytesMut {
        let mut buffers = lock(&self.buffers);
        match buffers.free.pop() {
            Some(buffer) => {
                buffers.bytes -= buffer.capacity();
                buffer
            }
            None => BytesMut::with_capacity(self.config.batch_size.min(16 * 1024)),
        }
    }

    /// Keeps the buffers of settled batches for new ones. Those that a connection still holds are not
    /// given here: a batch that was given up may be in the middle of being written (KAFKA-19012).
    pub(crate) fn recycle(&self, spare: impl IntoIterator<Item = BytesMut>) {
        let mut buffers = lock(&self.buffers);
        for buffer in spare {
            if buffers.bytes + buffer.capacity() <= POOL_BYTES {
                buffers.bytes += buffer.capacity();
                buffers.free.push(buffer);
            }
        }
    }

    /// Refuses new records from now on; `false` if it did already.
    pub(crate) fn close(&self, error: Error) -> bool {
        let is_first = self.closed.set(error).is_ok();
        if is_first {
            self.closing.notify_waiters();
        }
        is_first
    }

    /// Waits for something that a new record needs, as long as new records are taken.
    ///
    /// # Cancel safety
    /// As safe as `future`.
    pub(crate) async fn while_open<T>(&self, future: impl Future<Output = T>) -> Result<T, Error> {
        let mut closing = pin!(self.closing.notified());
        // Waits from here on, so that a close is either seen now or wakes it.
        closing.as_mut().enable();
        if let Some(error) = self.closed() {
            return Err(error.clone());
        }
        tokio::select! {
            biased;
            output = future => Ok(output),
            () = closing => Err(self.closed().cloned().unwrap_or_else(|| Error::closed("producer"))),
        }
    }

    /// Why no records are taken any more.
    pub(crate) fn closed(&self) -> Option<&Error> {
        self.closed.get()
    }

    /// Ends all tasks and gives up all batches.
    pub(crate) fn abort(&self, error: &Error) {
        self.close(error.clone());
        drop(std::mem::take(&mut *self.write_topics()));
        lock(&self.resting).clear();
        // A caller that has found its topic before may still append. Either its batch is in this list,
        // or it sees, after it has put it there, that the producer is closed.
        let active = std::mem::take(&mut *lock(&self.active));
        for partition in active.values() {
            partition.abort(self, error);
        }
        self.is_over.store(true, Ordering::Release);
        lock(&self.sinks).clear();
        for task in std::mem::take(&mut *lock(&self.tasks)) {
            task.abort();
        }
    }
}

impl ClusterUser for Shared {
    /// Gives up what waits, so that callers hear of it at once. What they send from then on is tried anew.
    fn refused(&self, error: &Error) {
        for partition in self.active() {
            partition.keep_out(self, error);
        }
    }

    fn topics_in_use(&self) -> Vec<Arc<str>> {
        let active = self.active();
        let mut used: BTreeSet<_> = active
            .iter()
            .map(|partition| partition.topic.name.clone())
            .collect();
        for topic in self.read_topics().values() {
            if topic.take_used() {
                used.insert(topic.name().clone());
            }
        }
        used.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ClientConfig;
    use crate::env::TcpConnector;
    use crate::producer::config::Acks;
    use crate::producer::partition::{Next, TopicName};
    use crate::record::Record;
    use kafka_client_protocol::Uuid;

    fn shared() -> Arc<Shared> {
        shared_with(ProducerConfig::default())
    }

    fn shared_with(config: ProducerConfig) -> Arc<Shared> {
        let env = Env::new(Arc::new(TcpConnector), Some(1)).unwrap();
        let health = crate::health::Monitor::new(env.clone());
        let cluster = Cluster::new(env, Arc::new(ClientConfig::default()), health);
        Shared::new(cluster, config)
    }

    /// A caller has found its partition; then the producer ends, and collects what there is; then the
    /// caller appends. Nobody would ever look at the batch again.
    #[tokio::test]
    async fn what_is_appended_after_the_end_is_refused() {
        let shared = shared();
        let name = Arc::new(TopicName::new(Arc::from("orders"), Uuid::ZERO));
        let partition = Arc::new(Partition::new(name, 0, -1, &shared));
        shared.abort(&Error::closed("producer"));
        let appended = partition.append(&shared, 0, &Record::to("orders").value("v"), None);
        assert!(matches!(appended, Err(Refusal::Error(_))));
        assert_eq!(shared.budget.available(), shared.budget.total());
        assert!(partition.pending().is_empty());
    }

    /// A caller fills another batch while a request is put together that has one of the partition.
    #[tokio::test]
    async fn a_request_has_one_batch_of_a_partition() {
        let shared = shared_with(ProducerConfig {
            acks: Acks::Leader,
            ..ProducerConfig::default()
        });
        let name = Arc::new(TopicName::new(Arc::from("orders"), Uuid::ZERO));
        let partition = Arc::new(Partition::new(name, 0, 1, &shared));
        let record = Record::to("orders").value("v");
        let fill = || {
            drop(partition.append(&shared, 0, &record, None).unwrap());
            partition.make_due();
        };
        let now = shared.env().now();
        let next = |request| partition.next(&shared, 1, now, (request, usize::MAX));
        fill();
        assert!(matches!(next(1), Next::New { .. }));
        fill();
        assert!(matches!(next(1), Next::Taken));
        assert!(matches!(next(2), Next::New { .. }));
    }

    /// A flush that finds the list without the partition would return before its records are sent.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_partition_with_batches_is_listed_even_while_others_expire() {
        let shared = shared();
        let name = Arc::new(TopicName::new(Arc::from("orders"), Uuid::ZERO));
        for index in 0..100 {
            let partition = Arc::new(Partition::new(name.clone(), index, -1, &shared));
            let appended = partition.append(&shared, 0, &Record::to("orders").value("v"), None);
            drop(appended.unwrap());
        }
        let expiring = tokio::task::spawn_blocking({
            let shared = shared.clone();
            move || (0..1_000).for_each(|_| shared.expire())
        });
        while !expiring.is_finished() {
            assert_eq!(shared.active().len(), 100);
        }
        expiring.await.unwrap();
    }
}

//! Handlers that run concurrently, with the order kept that is wished.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};

use tokio::sync::mpsc;

use super::delivery::Payload;
use super::{AckConsumer, ConsumerRecord, Delivery};
use crate::caught::Caught;
use crate::error::Error;

/// Which records are handled at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Concurrency {
    /// Records with the same key (of the same partition) one after the other, in their order; of
    /// different keys, or without one, so many at the same time.
    PerKey(usize),
    /// The records of a partition one after the other, in their order; all partitions at the same
    /// time.
    PerPartition,
    /// So many at the same time, in any order.
    Unordered(usize),
}

/// Why [`AckConsumer::for_each_concurrent`] ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum ForEachError<E> {
    /// A handler failed. Its record is handed out again by the next call.
    Handler {
        /// What it failed with.
        error: E,
        /// The record.
        record: Box<ConsumerRecord>,
    },
    /// A handler panicked. Its record is handed out again by the next call.
    Panicked {
        /// The words of the panic.
        words: String,
        /// The record.
        record: Box<ConsumerRecord>,
    },
    /// As of [`AckConsumer::recv`].
    Consumer(Error),
}

impl<E: fmt::Display> fmt::Display for ForEachError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |record: &ConsumerRecord| {
            let (topic, partition) = (record.topic(), record.partition());
            format!(
                "topic {topic} partition {partition} offset {}",
                record.offset()
            )
        };
        match self {
            Self::Handler { record, error } => {
                write!(f, "{}: the handler failed: {error}", at(record))
            }
            Self::Panicked { record, words } => {
                write!(f, "{}: the handler panicked: {words}", at(record))
            }
            Self::Consumer(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for ForEachError<E> {}

/// Which records are handled, and which wait for others. Pure.
#[derive(Debug)]
struct Lanes<D> {
    active_max: usize,
    active: usize,
    /// What waits for the one of its lane that is being handled. A lane is here while it has one.
    lanes: BTreeMap<u64, VecDeque<D>>,
    /// The first of lanes that are free, for which too many others are being handled.
    ready: VecDeque<(u64, D)>,
    waiting: usize,
}

/// The most records that wait, of all partitions. One that is slow, or has a key that is, is halted before
/// by its own bound (`max_unacked`), so that it stops no other.
const WAITING_MAX: usize = 65_536;

impl<D> Lanes<D> {
    fn new(active_max: usize) -> Self {
        Self {
            active_max: active_max.max(1),
            active: 0,
            lanes: BTreeMap::new(),
            ready: VecDeque::new(),
            waiting: 0,
        }
    }

    /// Whether another one may be brought.
    fn has_room(&self) -> bool {
        self.waiting < WAITING_MAX
    }

    /// Another one: it is given back if it may be handled now.
    fn bring(&mut self, lane: u64, item: D) -> Option<D> {
        if let Some(behind) = self.lanes.get_mut(&lane) {
            behind.push_back(item);
            self.waiting += 1;
            return None;
        }
        self.lanes.insert(lane, VecDeque::new());
        if self.active < self.active_max {
            self.active += 1;
            return Some(item);
        }
        self.ready.push_back((lane, item));
        self.waiting += 1;
        None
    }

    /// The one of this lane is done: the next that may be handled now.
    fn finished(&mut self, lane: u64) -> Option<(u64, D)> {
        self.active -= 1;
        // Its own lane goes behind those that are ready, so that a busy key delays no other.
        match self.lanes.get_mut(&lane).and_then(VecDeque::pop_front) {
            Some(next) => self.ready.push_back((lane, next)),
            None => drop(self.lanes.remove(&lane)),
        }
        let next = self.ready.pop_front()?;
        self.waiting -= 1;
        self.active += 1;
        Some(next)
    }

    /// All that wait.
    fn take_waiting(&mut self) -> impl Iterator<Item = D> + use<D> {
        let ready = std::mem::take(&mut self.ready).into_iter();
        let behind = std::mem::take(&mut self.lanes).into_values();
        ready.map(|(_, item)| item).chain(behind.flatten())
    }
}

/// Where a record waits: those of one lane are handled in their order.
fn lane(order: Concurrency, record: &ConsumerRecord, alone: &mut u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (record.topic(), record.partition()).hash(&mut hasher);
    match (order, record.key()) {
        (Concurrency::PerPartition, _) => {}
        (Concurrency::PerKey(_), Some(key)) => key.hash(&mut hasher),
        // Before or after nothing.
        (Concurrency::PerKey(_) | Concurrency::Unordered(_), _) => {
            *alone += 1;
            return *alone;
        }
    }
    // Apart from those that are alone.
    hasher.finish() | 1 << 63
}

/// Records that wait for their handlers. When the call ends, or is dropped, they may be handed out again.
struct Waiting<R: Payload>(Lanes<Delivery<R>>);

impl<R: Payload> Drop for Waiting<R> {
    fn drop(&mut self) {
        self.0.take_waiting().for_each(Delivery::put_back);
    }
}

impl<R: Payload> AckConsumer<R> {
    /// Handles records until `shutdown` is ready, a handler fails or panics, or the consumer does. Each
    /// handler runs on a task of its own; when it returns `Ok`, its record is acknowledged. Those that
    /// run at the end are waited for; those that wait are handed out again by the next call. If there is
    /// none, whoever reads the partition next gets them; and with them what was handled behind them, as
    /// offsets are committed without a gap. With [`Concurrency::PerPartition`] nothing is.
    ///
    /// Without a shutdown, `shutdown` is [`std::future::pending()`].
    ///
    /// ```no_run
    /// # async fn bill(order: kafka_client::record::ConsumerRecord) -> Result<(), std::io::Error> { Ok(()) }
    /// # async fn run(kafka: kafka_client::Kafka) -> Result<(), Box<dyn std::error::Error>> {
    /// use kafka_client::consumer::Concurrency;
    ///
    /// let orders = kafka.consumer("billing").manual_ack();
    /// let mut orders = orders.subscribe(["orders"]).await?;
    /// let shutdown = async { drop(tokio::signal::ctrl_c().await) };
    /// orders.for_each_concurrent(Concurrency::PerKey(64), shutdown, bill).await?;
    /// orders.close().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The first failure. The consumer may be used on, unless the error is of the consumer and
    /// [`Error::is_fatal`].
    ///
    /// # Cancel safety
    /// No record is lost. Handlers that run go on, and acknowledge their records; those that wait are
    /// handed out again by the next call, and so perhaps while the one before them is still worked on.
    pub async fn for_each_concurrent<H, W, E>(
        &mut self,
        order: Concurrency,
        shutdown: impl Future<Output = ()>,
        handler: H,
    ) -> Result<(), ForEachError<E>>
    where
        H: Fn(R) -> W,
        W: Future<Output = Result<(), E>> + Send + 'static,
        E: Send + 'static,
    {
        self.drive(order, shutdown, handler, Some).await
    }

    /// As [`AckConsumer::for_each_concurrent`]; `ends_by` says which errors of the consumer end it.
    pub(crate) async fn drive<H, W, E>(
        &mut self,
        order: Concurrency,
        shutdown: impl Future<Output = ()>,
        handler: H,
        ends_by: impl Fn(Error) -> Option<Error>,
    ) -> Result<(), ForEachError<E>>
    where
        H: Fn(R) -> W,
        W: Future<Output = Result<(), E>> + Send + 'static,
        E: Send + 'static,
    {
        let active_max = match order {
            Concurrency::PerKey(handlers) | Concurrency::Unordered(handlers) => handlers,
            Concurrency::PerPartition => usize::MAX,
        };
        let mut waiting = Waiting::<R>(Lanes::new(active_max));
        let lanes = &mut waiting.0;
        let mut alone = 0;
        let env = self.consumer.handle.shared().env().clone();
        let (ends, mut ended) = mpsc::unbounded_channel();
        let start = |lane, delivery: Delivery<R>| {
            let attempt = delivery.attempt();
            let (payload, receipt) = delivery.split();
            // Its views into the fetched data are shared.
            let record = payload.as_record().clone();
            let called = catch_unwind(AssertUnwindSafe(|| handler(payload)));
            let work: Pin<Box<dyn Future<Output = _> + Send>> = match called {
                Ok(work) => Box::pin(work),
                // Before there was a future: told as its own panic is.
                Err(panic) => Box::pin(async move { resume_unwind(panic) }),
            };
            let ends = ends.clone();
            env.spawn(async move {
                let delivery = Delivery::new(record, receipt, attempt);
                let outcome = settle(delivery, Caught(work).await);
                // Fails only if nobody drives the handlers any more: what is done is done all the same.
                let _ = ends.send((lane, outcome));
            });
        };
        let mut shutdown = pin!(shutdown);
        let mut failure = None;
        let mut open = true;
        while open || lanes.active > 0 {
            tokio::select! {
                biased;
                Some((lane, outcome)) = ended.recv() => {
                    if let Err(failed) = outcome {
                        failure.get_or_insert(failed);
                        open = false;
                    }
                    let mut next = lanes.finished(lane);
                    while let Some((lane, delivery)) = next.take() {
                        if !open {
                            lanes.active -= 1;
                            delivery.put_back();
                        } else if delivery.is_in_work() {
                            start(lane, delivery);
                        } else {
                            // Its partition has gone to another member, or was sought away from.
                            next = lanes.finished(lane);
                        }
                    }
                }
                () = &mut shutdown, if open => open = false,
                received = self.recv(), if open && lanes.has_room() => match received {
                    Ok(delivery) => {
                        let lane = lane(order, delivery.record(), &mut alone);
                        if let Some(delivery) = lanes.bring(lane, delivery) {
                            start(lane, delivery);
                        }
                    }
                    Err(error) => {
                        if let Some(error) = ends_by(error) {
                            failure.get_or_insert(ForEachError::Consumer(error));
                            open = false;
                        }
                    }
                },
            }
        }
        failure.map_or(Ok(()), Err)
    }
}

/// Acknowledges what is done, and hands back what is not.
fn settle<E>(
    delivery: Delivery<ConsumerRecord>,
    result: Result<Result<(), E>, String>,
) -> Result<(), ForEachError<E>> {
    let record = || Box::new(delivery.record().clone());
    let failed = match result {
        Ok(Ok(())) => {
            delivery.ack();
            return Ok(());
        }
        Ok(Err(error)) => ForEachError::Handler {
            record: record(),
            error,
        },
        Err(words) => ForEachError::Panicked {
            record: record(),
            words,
        },
    };
    delivery.nack();
    Err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_keeps_its_order_and_delays_no_other() {
        let mut lanes = Lanes::new(2);
        assert_eq!(lanes.bring(7, "a1"), Some("a1"));
        assert_eq!(lanes.bring(7, "a2"), None);
        assert_eq!(lanes.bring(8, "b1"), Some("b1"));
        assert_eq!(lanes.bring(9, "c1"), None, "two at a time");
        assert_eq!(lanes.waiting, 2);
        // The next of the lane that is done goes behind those that were ready.
        assert_eq!(lanes.finished(7), Some((9, "c1")));
        assert_eq!(lanes.finished(8), Some((7, "a2")));
        assert_eq!(lanes.finished(9), None);
        assert_eq!(lanes.finished(7), None);
        assert_eq!((lanes.active, lanes.waiting, lanes.lanes.len()), (0, 0, 0));
    }

    #[test]
    fn whatever_is_brought_and_finished_order_is_kept_and_nothing_is_lost() {
        for seed in 0..100 {
            let mut random = fastrand::Rng::with_seed(seed);
            let active_max = 1 + random.usize(..8);
            let mut lanes = Lanes::new(active_max);
            let mut running: Vec<(u64, u32)> = Vec::new();
            let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
            let mut brought: BTreeMap<u64, u32> = BTreeMap::new();
            let mut start = |running: &mut Vec<(u64, u32)>, lane, number| {
                assert!(running.iter().all(|(other, _)| *other != lane));
                let before = seen.insert(lane, number).unwrap_or(0);
                assert_eq!(number, before + 1, "in order");
                running.push((lane, number));
            };
            for step in 0..1_000 {
                if step < 700 && random.bool() {
                    let lane = random.u64(..5);
                    let number = brought.entry(lane).or_default();
                    *number += 1;
                    if let Some(number) = lanes.bring(lane, *number) {
                        start(&mut running, lane, number);
                    }
                } else if !running.is_empty() {
                    let (lane, _) = running.remove(random.usize(..running.len()));
                    if let Some((lane, number)) = lanes.finished(lane) {
                        start(&mut running, lane, number);
                    }
                }
                assert!(running.len() <= active_max && lanes.active == running.len());
            }
            while let Some((lane, _)) = running.pop() {
                if let Some((lane, number)) = lanes.finished(lane) {
                    start(&mut running, lane, number);
                }
            }
            assert_eq!(seen, brought);
        }
    }
}

//! How a send ends. All records of a batch share one completion; a delivery is a handle to it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::task::{Context, Poll, Waker};

use super::partition::Partition;
use super::shared::Shared;
use crate::env::lock;
use crate::error::{Error, ErrorKind, SendError};

/// A record is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered {
    /// The partition it went to.
    pub partition: i32,
    /// Its offset. `None` where the broker does not say: with `acks=0`, and when a repeated batch
    /// was recognised that the broker no longer knows the offset of.
    pub offset: Option<i64>,
    /// Its timestamp in milliseconds since the Unix epoch: the record's own, or the broker's where
    /// the topic has `message.timestamp.type=LogAppendTime`.
    pub timestamp: i64,
}

/// The outcome to come of one record.
///
/// Dropping it changes nothing for the record: it is delivered all the same.
#[must_use = "a delivery tells whether the record was written"]
pub struct Delivery {
    completion: Arc<Completion>,
    /// The record's place in its batch.
    index: u32,
    timestamp: i64,
    /// Where the waker is kept in the completion, [`NO_SLOT`] before it waits. Small, because every
    /// record moves one of these about.
    slot: u32,
}

const NO_SLOT: u32 = u32::MAX;

/// The outcome of a batch, shared by its records.
pub(crate) struct Completion {
    partition: Arc<Partition>,
    shared: Weak<Shared>,
    /// With the number of the report that lists it, if it is bad.
    outcome: OnceLock<(Outcome, u32)>,
    waiting: Mutex<Vec<Waiter>>,
    /// Somebody waits for this batch, and the sink was told; or it is with the sink already.
    announced: AtomicBool,
}

/// Who is to be told of the outcome of a record.
enum Waiter {
    /// Nobody any more.
    Gone,
    Task(Waker),
    Call(Call),
}

/// A function of the user's that is given the outcome.
struct Call {
    index: u32,
    timestamp: i64,
    call: Box<dyn FnOnce(SendResult) + Send>,
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// In the log from this offset on, -1 if unknown; with the broker's timestamp, -1 if the
    /// records keep theirs.
    Delivered {
        base_offset: i64,
        log_append_time: i64,
    },
    /// Not in the log.
    NotDelivered(Error),
    /// Not in the log, because of some of the records (KIP-467), which are listed by their place.
    Rejected {
        error: Error,
        bad: Vec<(u32, Error)>,
    },
    /// Perhaps in the log.
    Unknown(Error),
    /// Sent as several smaller batches: the first index of each, in order.
    Split(Vec<(u32, Arc<Completion>)>),
}

impl Completion {
    pub(crate) fn new(partition: Arc<Partition>, shared: Weak<Shared>) -> Arc<Self> {
        Arc::new(Self {
            partition,
            shared,
            outcome: OnceLock::new(),
            waiting: Mutex::default(),
            announced: AtomicBool::new(false),
        })
    }

    /// Settles the batch and tells everybody who waits. Only the first call counts: what was told
    /// early stays as it was told. `count` notes a bad outcome, and gives the number of the report that
    /// will have it.
    pub(crate) fn complete(&self, outcome: Outcome, count: impl FnOnce(&Outcome) -> u32) {
        let mut is_first = false;
        self.outcome.get_or_init(|| {
            is_first = true;
            let report = count(&outcome);
            (outcome, report)
        });
        if !is_first {
            return;
        }
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        for waiter in waiting {
            match waiter {
                Waiter::Gone => {}
                Waiter::Task(waker) => waker.wake(),
                Waiter::Call(call) => self.call(call),
            }
        }
    }

    /// Calls a function of the user's with the outcome, or leaves it to the part that has the record.
    fn call(&self, mut call: Call) {
        match self.outcome.get() {
            None => unreachable!("called when the outcome is known"),
            Some((Outcome::Split(parts), _)) => {
                let (first, part) = part_of(parts, call.index);
                call.index -= first;
                part.register(call);
            }
            Some((outcome, report)) => {
                let result = self.of_record(outcome, *report, call.index, call.timestamp);
                let call = call.call;
                // A panic of the user's must not end the task that all records need.
                let called =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| call(result)));
                if called.is_err() {
                    tracing::error!("a function that was given a delivery panicked");
                }
            }
        }
    }

    /// Has a function called with the outcome; at once if it is known.
    fn register(&self, call: Call) {
        {
            let mut waiting = lock(&self.waiting);
            // Looked at under the lock: whoever settles the batch empties the list after.
            if self.outcome.get().is_none() {
                waiting.push(Waiter::Call(call));
                return;
            }
        }
        self.call(call);
    }

    /// The batch takes no more records: it does not linger any more.
    pub(crate) fn announce_no_more(&self) {
        self.announced.store(true, Ordering::Release);
    }

    /// Whether the outcome of every record is known: of a batch that was split, also of its parts.
    pub(crate) fn is_settled(&self) -> bool {
        match self.outcome.get() {
            None => false,
            Some((Outcome::Split(parts), _)) => parts.iter().all(|(_, part)| part.is_settled()),
            Some(_) => true,
        }
    }

    /// A delivery for the record at this place of the batch.
    pub(crate) fn delivery(self: &Arc<Self>, index: u32, timestamp: i64) -> Delivery {
        Delivery {
            completion: self.clone(),
            index,
            timestamp,
            slot: NO_SLOT,
        }
    }

    /// Waits until every record of the batch has its outcome, which is told to the records' own
    /// deliveries: a batch that is split ends with the last of its parts.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn settled(self: Arc<Self>) {
        let mut open = vec![self];
        while let Some(completion) = open.pop() {
            Known(completion.delivery(0, 0)).await;
            if let Some((Outcome::Split(parts), _)) = completion.outcome.get() {
                open.extend(parts.iter().map(|(_, part)| part.clone()));
            }
        }
    }

    /// How a record ends; told, a bad end is not reported any more.
    fn of_record(&self, outcome: &Outcome, report: u32, index: u32, timestamp: i64) -> SendResult {
        let told = |unknown| {
            if let Some(shared) = self.shared.upgrade() {
                shared.undelivered.told(report, unknown);
            }
        };
        match outcome {
            Outcome::Delivered {
                base_offset,
                log_append_time,
            } => Ok(Delivered {
                partition: self.partition.index,
                offset: (*base_offset >= 0).then(|| base_offset + i64::from(index)),
                timestamp: if *log_append_time >= 0 {
                    *log_append_time
                } else {
                    timestamp
                },
            }),
            Outcome::NotDelivered(error) => {
                told(false);
                Err(SendError::NotDelivered(error.clone()))
            }
            Outcome::Rejected { error, bad } => {
                told(false);
                let found = bad.binary_search_by_key(&index, |(index, _)| *index);
                Err(SendError::NotDelivered(match found {
                    Ok(found) => bad[found].1.clone(),
                    Err(_) => beside_bad_ones(error),
                }))
            }
            Outcome::Unknown(error) => {
                told(true);
                Err(SendError::Unknown(error.clone()))
            }
            Outcome::Split(_) => unreachable!("the delivery moves on to the part"),
        }
    }
}

/// The part of a split batch that has this record, with its first place.
fn part_of(parts: &[(u32, Arc<Completion>)], index: u32) -> (u32, &Arc<Completion>) {
    let part = parts.partition_point(|(first, _)| *first <= index) - 1;
    (parts[part].0, &parts[part].1)
}

/// The error of a record in whose batch others were refused.
fn beside_bad_ones(error: &Error) -> Error {
    let beside = Error::new(
        ErrorKind::BatchRejected,
        "another record of the batch was refused, so the broker took none of them; this one may be \
         sent again",
    )
    .with_source(error.clone());
    beside.at_place_of(error)
}

type SendResult = Result<Delivered, SendError>;

impl Future for Delivery {
    type Output = SendResult;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<SendResult> {
        let this = &mut *self;
        loop {
            if let Some((outcome, report)) = this.completion.outcome.get() {
                if let Outcome::Split(parts) = outcome {
                    let (first, part) = part_of(parts, this.index);
                    this.index -= first;
                    this.slot = NO_SLOT;
                    this.completion = part.clone();
                    continue;
                }
                let completion = &this.completion;
                let result = completion.of_record(outcome, *report, this.index, this.timestamp);
                return Poll::Ready(result);
            }
            if this.wait(cx) {
                return Poll::Pending;
            }
        }
    }
}

/// Ends when the outcome is known, which is not told.
struct Known(Delivery);

impl Future for Known {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        while self.0.completion.outcome.get().is_none() {
            if self.0.wait(cx) {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }
}

impl Delivery {
    /// Calls a function with the outcome when it is known: at once if it is, else on a task of the
    /// producer's, which it must not hold up. It does not cut `linger.ms` short, as awaiting the
    /// delivery does.
    ///
    /// ```no_run
    /// # async fn example(producer: kafka_client::producer::Producer) -> Result<(), kafka_client::SendError> {
    /// # use kafka_client::record::Record;
    /// let delivery = producer.enqueue(Record::to("lines").value("one")).await?;
    /// delivery.on_settled(|result| {
    ///     if let Err(error) = result {
    ///         eprintln!("a line was lost: {error}");
    ///     }
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_settled(self, call: impl FnOnce(Result<Delivered, SendError>) + Send + 'static) {
        self.completion.register(Call {
            index: self.index,
            timestamp: self.timestamp,
            call: Box::new(call),
        });
    }

    /// Whether the outcome is known: awaiting the delivery then does not wait.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.completion.is_settled()
    }

    /// Has the task woken when the outcome is known; `false` if it is known by now.
    fn wait(&mut self, cx: &Context<'_>) -> bool {
        {
            let mut waiting = lock(&self.completion.waiting);
            // Settled between the caller's look and the lock: to be looked at again.
            if self.completion.outcome.get().is_some() {
                return false;
            }
            match waiting.get_mut(self.slot as usize) {
                Some(Waiter::Task(waker)) if waker.will_wake(cx.waker()) => {}
                Some(slot) => *slot = Waiter::Task(cx.waker().clone()),
                None => {
                    // A batch has fewer records than bytes, and fewer of those than this.
                    self.slot = waiting.len() as u32;
                    waiting.push(Waiter::Task(cx.waker().clone()));
                }
            }
        }
        self.announce();
        true
    }

    /// Somebody waits: the batch need not linger for more records (unless `linger.ms` was set by
    /// the user). Told once for each batch.
    fn announce(&self) {
        if self.completion.announced.load(Ordering::Relaxed)
            || self.completion.announced.swap(true, Ordering::AcqRel)
        {
            return;
        }
        if let Some(shared) = self.completion.shared.upgrade() {
            shared.awaited(&self.completion.partition);
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if self.slot != NO_SLOT
            && self.completion.outcome.get().is_none()
            && let Some(slot) = lock(&self.completion.waiting).get_mut(self.slot as usize)
        {
            *slot = Waiter::Gone;
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("partition", &self.completion.partition.index)
            .field("outcome", &self.completion.outcome.get())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion")
            .field("outcome", &self.outcome.get())
            .finish_non_exhaustive()
    }
}

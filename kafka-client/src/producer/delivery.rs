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
use crate::error::{Error, SendError};

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
    outcome: OnceLock<Outcome>,
    waiting: Mutex<Vec<Option<Waker>>>,
    /// Somebody waits for this batch, and the sink was told.
    hurried: AtomicBool,
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
            hurried: AtomicBool::new(false),
        })
    }

    /// Settles the batch and wakes everybody who waits. Only the first call counts; `false` if
    /// this was not it.
    pub(crate) fn complete(&self, outcome: Outcome) -> bool {
        if self.outcome.set(outcome).is_err() {
            return false;
        }
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        for waker in waiting.into_iter().flatten() {
            waker.wake();
        }
        true
    }

    /// The batch takes no more records: there is nothing to hurry.
    pub(crate) fn sealed(&self) {
        self.hurried.store(true, Ordering::Release);
    }

    /// Whether the outcome is known.
    pub(crate) fn is_complete(&self) -> bool {
        self.outcome.get().is_some()
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
            // Ends with the batch, or with its first part if it is split.
            let _ = completion.delivery(0, 0).await;
            if let Some(Outcome::Split(parts)) = completion.outcome.get() {
                open.extend(parts.iter().map(|(_, part)| part.clone()));
            }
        }
    }

    fn of_record(&self, outcome: &Outcome, index: u32, timestamp: i64) -> SendResult {
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
            Outcome::NotDelivered(error) => Err(SendError::NotDelivered(error.clone())),
            Outcome::Unknown(error) => Err(SendError::Unknown(error.clone())),
            Outcome::Split(_) => unreachable!("the delivery moves on to the part"),
        }
    }
}

type SendResult = Result<Delivered, SendError>;

impl Future for Delivery {
    type Output = SendResult;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<SendResult> {
        let this = &mut *self;
        loop {
            if let Some(outcome) = this.completion.outcome.get() {
                if let Outcome::Split(parts) = outcome {
                    let part = parts.partition_point(|(first, _)| *first <= this.index) - 1;
                    let (first, completion) = &parts[part];
                    this.index -= first;
                    this.slot = NO_SLOT;
                    this.completion = completion.clone();
                    continue;
                }
                let completion = &this.completion;
                return Poll::Ready(completion.of_record(outcome, this.index, this.timestamp));
            }
            {
                let mut waiting = lock(&this.completion.waiting);
                // Settled between the look above and the lock: look again.
                if this.completion.outcome.get().is_some() {
                    continue;
                }
                match waiting.get_mut(this.slot as usize) {
                    Some(Some(waker)) if waker.will_wake(cx.waker()) => {}
                    Some(slot) => *slot = Some(cx.waker().clone()),
                    None => {
                        // A batch has fewer records than bytes, and fewer of those than this.
                        this.slot = waiting.len() as u32;
                        waiting.push(Some(cx.waker().clone()));
                    }
                }
            }
            this.hurry();
            return Poll::Pending;
        }
    }
}

impl Delivery {
    /// Somebody waits: the batch need not linger for more records (unless `linger.ms` was set by
    /// the user). Told once for each batch.
    fn hurry(&self) {
        if self.completion.hurried.load(Ordering::Relaxed)
            || self.completion.hurried.swap(true, Ordering::AcqRel)
        {
            return;
        }
        if let Some(shared) = self.completion.shared.upgrade() {
            shared.hurry(&self.completion.partition);
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if self.slot != NO_SLOT
            && self.completion.outcome.get().is_none()
            && let Some(slot) = lock(&self.completion.waiting).get_mut(self.slot as usize)
        {
            *slot = None;
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

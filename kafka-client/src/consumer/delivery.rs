//! Records that are acknowledged one by one, in any order.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;

use super::work::Ticket;
use super::{ConsumerRecord, Received};
use crate::error::Error;
use crate::record::KafkaRecord;

/// What a consumer gives: a [`ConsumerRecord`], or one that was decoded.
pub trait Payload: Sized + Send + 'static + private::Sealed {
    #[doc(hidden)]
    fn from_record(record: ConsumerRecord) -> Result<Self, Error>;
    #[doc(hidden)]
    fn as_record(&self) -> &ConsumerRecord;
    #[doc(hidden)]
    fn into_record(self) -> ConsumerRecord;
}

mod private {
    pub trait Sealed {}
    impl Sealed for super::ConsumerRecord {}
    impl<T> Sealed for super::Received<T> {}
}

impl Payload for ConsumerRecord {
    fn from_record(record: ConsumerRecord) -> Result<Self, Error> {
        Ok(record)
    }

    fn as_record(&self) -> &ConsumerRecord {
        self
    }

    fn into_record(self) -> ConsumerRecord {
        self
    }
}

impl<T: KafkaRecord + Send + 'static> Payload for Received<T> {
    fn from_record(record: ConsumerRecord) -> Result<Self, Error> {
        Self::decode(record)
    }

    fn as_record(&self) -> &ConsumerRecord {
        self.record()
    }

    fn into_record(self) -> ConsumerRecord {
        Self::into_record(self)
    }
}

/// A record in work. It counts as processed once it is acknowledged, from any task and in any order.
///
/// One that is dropped without that is never done: its partition is not committed beyond it, and
/// after [`max_unacked`](super::AckConsumerBuilder::max_unacked) further records nothing more of the
/// partition is handed out. That is told in the log and by [`Kafka::health`](crate::Kafka::health).
#[must_use = "a record that is not acknowledged holds up its partition"]
pub struct Delivery<R> {
    payload: R,
    receipt: Receipt,
    attempt: u32,
}

/// Acknowledges a record apart from it. Made by [`Delivery::split`].
#[must_use = "a record that is not acknowledged holds up its partition"]
pub struct Receipt {
    ticket: Ticket,
    /// Somebody has the record in hand.
    is_held: bool,
}

/// A record that was handed back.
pub(crate) struct Returned {
    record: ConsumerRecord,
    receipt: Receipt,
    attempt: u32,
}

/// Those that were handed back, in the order they were.
pub(crate) type Returns = VecDeque<Returned>;

impl<R: Payload> Delivery<R> {
    pub(super) fn new(payload: R, receipt: Receipt, attempt: u32) -> Self {
        Self {
            payload,
            receipt,
            attempt,
        }
    }

    /// The record is processed. What may be committed is everything before the first record of the
    /// partition that is still in work; that is done in the background.
    ///
    /// Of a partition that has gone to another member it is too late, which
    /// [`ConsumerHandle::late_acks`](super::ConsumerHandle::late_acks) counts; and after a seek back, which
    /// [`InWork::late_acks`](super::InWork::late_acks) counts.
    pub fn ack(self) {
        self.receipt.ack();
    }

    /// The record is not processed, and is to be handed out again, next. It stays in work. Of a
    /// partition that has gone, its new owner hands it out.
    pub fn nack(mut self) {
        self.attempt += 1;
        self.put_back();
    }

    /// Whether an acknowledgement would still count.
    pub(super) fn is_in_work(&self) -> bool {
        self.receipt.ticket.would_count()
    }

    /// As if it had not been handed out, this time.
    pub(super) fn put_back(self) {
        let Self {
            payload,
            mut receipt,
            attempt,
        } = self;
        receipt.ticket.hand_back();
        receipt.is_held = false;
        let tracking = receipt.ticket.tracking().clone();
        tracking.hand_back(Returned {
            record: payload.into_record(),
            receipt,
            attempt,
        });
    }

    /// The record, and what it is acknowledged by.
    pub fn split(self) -> (R, Receipt) {
        (self.payload, self.receipt)
    }

    /// How often this consumer has handed it out, this time included: from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The record as it was read.
    #[must_use]
    pub fn record(&self) -> &ConsumerRecord {
        self.payload.as_record()
    }
}

impl<R> Deref for Delivery<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.payload
    }
}

impl<R: fmt::Debug> fmt::Debug for Delivery<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("payload", &self.payload)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

impl Receipt {
    pub(super) fn new(ticket: Ticket) -> Self {
        Self {
            ticket,
            is_held: true,
        }
    }

    /// As [`Delivery::ack`].
    pub fn ack(mut self) {
        self.is_held = false;
        self.ticket.ack();
    }
}

impl Drop for Receipt {
    /// Nobody works on the record any more: whoever waits for what is in work need not wait for it.
    fn drop(&mut self) {
        if self.is_held {
            self.ticket.drop_record();
        }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt").finish_non_exhaustive()
    }
}

impl Returned {
    /// The record again, unless its partition has gone, is about to, or was sought back.
    pub(super) fn again(mut self) -> Option<(ConsumerRecord, Receipt, u32)> {
        let receipt = &mut self.receipt;
        receipt.is_held = receipt.ticket.hand_out_again();
        receipt
            .is_held
            .then_some((self.record, self.receipt, self.attempt))
    }
}

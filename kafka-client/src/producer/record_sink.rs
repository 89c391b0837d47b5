//! The producer as a `futures` sink, for streams that are forwarded to a topic.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_sink::Sink;

use super::{Delivery, Obstacle, Producer, append};
use crate::error::SendError;
use crate::record::HasTopic;

/// Takes typed records by value, and buffers them. Made by [`Producer::sink`].
///
/// It is ready while there is room in `buffer.memory`. Flushing and closing wait for the records that
/// were given; the producer itself stays open. An error is that of the oldest record that failed, and
/// is told once; the records behind it are sent all the same.
///
/// Dropping it changes nothing for records that were taken, but for one that waits for room: that one
/// is not sent.
pub struct RecordSink<R> {
    producer: Producer,
    /// A record that was given and is not buffered yet.
    waits: Option<Pin<Box<dyn Buffering>>>,
    under_way: VecDeque<Delivery>,
    records: std::marker::PhantomData<fn(R)>,
}

/// A record on its way into the buffer.
trait Buffering: Future<Output = Result<Delivery, SendError>> + Send {}

impl<F: Future<Output = Result<Delivery, SendError>> + Send> Buffering for F {}

impl<R> RecordSink<R> {
    pub(crate) fn new(producer: Producer) -> Self {
        Self {
            producer,
            waits: None,
            under_way: VecDeque::new(),
            records: std::marker::PhantomData,
        }
    }

    /// Looks at the outcomes of those that were sent first, as far as they are known; ready when none
    /// is under way.
    fn poll_outcomes(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        while let Some(oldest) = self.under_way.front_mut() {
            let outcome = ready!(Pin::new(oldest).poll(cx));
            self.under_way.pop_front();
            outcome?;
        }
        Poll::Ready(Ok(()))
    }

    /// Ready when the record that waits is buffered.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if let Some(waits) = &mut self.waits {
            let taken = ready!(waits.as_mut().poll(cx));
            self.waits = None;
            self.under_way.push_back(taken?);
        }
        Poll::Ready(Ok(()))
    }
}

impl<R: HasTopic + Send + Sync + 'static> Sink<R> for RecordSink<R> {
    type Error = SendError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.poll_room(cx))?;
        // What is known by now needs no memory any more. Looking does not cut lingering short: only
        // those are polled that have their outcome.
        while self.under_way.front().is_some_and(Delivery::is_settled)
            && let Some(mut settled) = self.under_way.pop_front()
        {
            ready!(Pin::new(&mut settled).poll(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, record: R) -> Result<(), SendError> {
        match append(&self.producer.0.shared, &&record, None) {
            Ok(delivery) => self.under_way.push_back(delivery),
            Err(Obstacle::Error(error)) => return Err(SendError::NotDelivered(error)),
            Err(Obstacle::Topic(_) | Obstacle::Memory(_)) => {
                let producer = self.producer.clone();
                self.waits = Some(Box::pin(async move { producer.enqueue(&record).await }));
            }
        }
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.poll_room(cx))?;
        self.poll_outcomes(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_flush(cx)
    }
}

impl<R> fmt::Debug for RecordSink<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordSink")
            .field("under_way", &self.under_way.len())
            .finish_non_exhaustive()
    }
}

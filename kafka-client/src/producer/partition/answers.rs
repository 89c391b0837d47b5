//! What becomes of the batches that a partition has sent.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kafka_client_protocol::records::{self, BatchBuilder};
use kafka_client_protocol::{ApiKey, ErrorCode, StrBytes};
use tokio::time::Instant;

use super::{Batch, OpenBatch, Partition, State};
use crate::cluster::is_absent;
use crate::env::lock;
use crate::error::{Error, ErrorKind};
use crate::health::{Subject, Trouble, with_advice};
use crate::net::Lane;
use crate::producer::config::Acks;
use crate::producer::delivery::{Completion, Outcome};
use crate::producer::shared::Shared;
use crate::producer::window::{Acked, Entry, Ticket};

/// Most a batch may decompress to when it is split: what was compressed had at most this size.
const SPLIT_CAP: usize = 1 << 30;

/// What came back for a batch.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It is in the log. -1 where the broker does not say.
    Appended {
        base_offset: i64,
        log_append_time: i64,
    },
    /// An error code, with the broker's words, for the batch and for the records that are to blame.
    Refused {
        code: ErrorCode,
        message: Option<StrBytes>,
        records: Vec<(i32, Option<StrBytes>)>,
    },
    /// The connection failed before the answer.
    Lost(Error),
    /// Not a byte of the request was written.
    NotSent(Error),
}

/// From where an answer came, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Came<'a> {
    pub(crate) broker: &'a str,
    /// When its request was sent.
    pub(crate) sent: Instant,
    pub(crate) now: Instant,
}

/// What is to be done after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settled {
    /// The leader, or the topic, may be another one now.
    pub(crate) refresh: bool,
    /// There is more to send.
    pub(crate) has_work: bool,
    /// A batch is in the log after attempts that have failed.
    pub(crate) recovered: bool,
}

/// A batch that is sent again.
#[derive(Debug)]
struct Retry {
    /// The leader, or the topic, may be another one now.
    refresh: bool,
    /// Why.
    error: Error,
}

/// A batch that is over. It is told of after the partition's lock is let go: those who are woken may
/// send at once.
#[derive(Debug)]
#[must_use = "those who wait for the batch wait until it is told"]
pub(crate) struct Finished {
    completion: Arc<Completion>,
    outcome: Outcome,
    records: u32,
    reserved: usize,
    buffer: Buffer,
}

/// The memory of a batch.
#[derive(Debug)]
enum Buffer {
    Open(BytesMut),
    Sealed(Bytes),
    /// Its request is under way.
    InUse,
}

impl Finished {
    pub(super) fn new(entry: Entry<Batch>, outcome: Outcome) -> Self {
        Self {
            completion: entry.batch.completion,
            outcome,
            records: entry.records as u32,
            reserved: entry.batch.reserved,
            buffer: Buffer::Sealed(entry.batch.bytes),
        }
    }

    fn open(open: OpenBatch, outcome: Outcome) -> Self {
        Self {
            completion: open.completion,
            outcome,
            records: open.builder.record_count(),
            reserved: open.reserved,
            buffer: Buffer::Open(open.builder.into_buffer()),
        }
    }

    /// A batch that is told of before the answer to its request, which its memory waits for.
    fn early(entry: &mut Entry<Batch>, outcome: Outcome) -> Self {
        entry.batch.told = true;
        Self {
            completion: entry.batch.completion.clone(),
            outcome,
            records: entry.records as u32,
            reserved: 0,
            buffer: Buffer::InUse,
        }
    }

    /// Tells the deliveries, gives the bytes back and the buffers to the pool, as far as nothing else
    /// holds them: a connection does while it writes.
    pub(crate) fn tell_all(mut finished: Vec<Self>, shared: &Shared) {
        if finished.is_empty() {
            return;
        }
        // First the memory: whoever is told finds it free.
        shared
            .budget
            .give_back(finished.iter().map(|batch| batch.reserved).sum());
        shared.recycle(finished.iter_mut().filter_map(|batch| {
            match std::mem::replace(&mut batch.buffer, Buffer::InUse) {
                Buffer::Open(buffer) => Some(buffer),
                Buffer::Sealed(bytes) => bytes.try_into_mut().ok(),
                Buffer::InUse => None,
            }
        }));
        for batch in finished {
            batch.completion.complete(batch.outcome, |outcome| {
                shared.undelivered.count(outcome, batch.records)
            });
        }
    }
}

impl Partition {
    /// Takes what came back for a batch; those that are over by it are added to `finished`.
    pub(crate) fn settle(
        self: &Arc<Self>,
        shared: &Shared,
        ticket: Ticket,
        answer: Answer,
        came: &Came<'_>,
        finished: &mut Vec<Finished>,
    ) -> Settled {
        let (settled, retry) = {
            let mut state = lock(&self.state);
            let state = &mut *state;
            let was_failing = state.trouble.is_some();
            let retry = self.take_answer(shared, state, ticket, answer, came, finished);
            self.give_up_former(state, finished);
            // A batch whose time ran out while its request was under way has told its deliveries;
            // now that the answer is here nothing keeps it.
            self.expire_window(shared, state, came.now, finished);
            self.note_backlog(state);
            let settled = Settled {
                refresh: retry.as_ref().is_some_and(|retry| retry.refresh),
                has_work: state.has_work(shared),
                recovered: was_failing && state.trouble.is_none(),
            };
            (settled, retry)
        };
        // A logger is code of the user's: it may send.
        if let Some(Retry { error, .. }) = retry {
            tracing::debug!(
                %error, topic = %self.topic.name, partition = self.index,
                "not written, or not known to be: will be sent again"
            );
        }
        settled
    }

    /// What an answer leads to; `None` if the batch is over, or goes on in parts.
    fn take_answer(
        self: &Arc<Self>,
        shared: &Shared,
        state: &mut State,
        ticket: Ticket,
        answer: Answer,
        came: &Came<'_>,
        finished: &mut Vec<Finished>,
    ) -> Option<Retry> {
        match answer {
            Answer::Appended {
                base_offset,
                log_append_time,
            } => {
                state.acked(ticket, base_offset, log_append_time, finished);
                None
            }
            Answer::Lost(error) => {
                state.window.lost(ticket);
                Some(self.again_later(shared, state, error, came))
            }
            Answer::NotSent(error) => {
                state.window.refused(ticket, false);
                // No version in common: the next attempt would find the same.
                if error.kind() == ErrorKind::Unsupported {
                    let error = error.at_partition(&self.topic.name, self.index);
                    self.fail(state, ticket, Outcome::NotDelivered(error), finished);
                    return None;
                }
                Some(self.again_later(shared, state, error, came))
            }
            Answer::Refused {
                code,
                message,
                records,
            } => {
                let mut error = Error::broker(code, ApiKey::PRODUCE);
                if let Some(message) = message {
                    error = error.with_source(message.to_string());
                }
                if is_absent(code) {
                    error = error.with_hint("it was there before: was it deleted?");
                }
                let refusal = RefusedBatch {
                    code,
                    error: error
                        .at_partition(&self.topic.name, self.index)
                        .at_broker(came.broker),
                    records,
                };
                self.refuse(shared, state, ticket, refusal, came, finished)
            }
        }
    }

    fn refuse(
        self: &Arc<Self>,
        shared: &Shared,
        state: &mut State,
        ticket: Ticket,
        refusal: RefusedBatch,
        came: &Came<'_>,
        finished: &mut Vec<Finished>,
    ) -> Option<Retry> {
        let entry = state.window.get(ticket)?;
        let code = refusal.code;
        let idempotent = shared.config.idempotent();
        match code {
            // The batch was written before, too long ago for the broker to know its offset.
            ErrorCode::DUPLICATE_SEQUENCE_NUMBER => {
                state.acked(ticket, -1, -1, finished);
                None
            }
            // Too large now is too large before: whatever became of an earlier attempt, it was not
            // written (unless the topic's limit was lowered in between).
            ErrorCode::MESSAGE_TOO_LARGE if entry.records > 1 => {
                self.split(shared, state, ticket, refusal.error, finished);
                None
            }
            ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER
            | ErrorCode::UNKNOWN_PRODUCER_ID
            | ErrorCode::INVALID_PRODUCER_EPOCH
                if idempotent && (is_of_the_log(code) || !entry.may_be_written_before()) =>
            {
                state.last_error = Some(refusal.error.clone());
                state.window.out_of_order(ticket);
                Some(Retry {
                    refresh: false,
                    error: refusal.error,
                })
            }
            code if code.is_retriable() => {
                let in_doubt = may_be_written(code, shared.config.acks);
                state.window.refused(ticket, in_doubt);
                Some(self.again_later(shared, state, refusal.error, came))
            }
            _ => {
                let size = entry.batch.bytes.len();
                state
                    .window
                    .refused(ticket, may_be_written(code, shared.config.acks));
                self.fail(state, ticket, refusal.outcome_of(size), finished);
                None
            }
        }
    }

    /// Gives up a batch that was refused for good. An earlier attempt of it may have been written:
    /// a later refusal does not undo that.
    fn fail(
        &self,
        state: &mut State,
        ticket: Ticket,
        refused: Outcome,
        finished: &mut Vec<Finished>,
    ) {
        if let Some(entry) = state.window.given_up(ticket) {
            let outcome = match refused {
                Outcome::NotDelivered(error) | Outcome::Rejected { error, .. }
                    if entry.may_be_written() =>
                {
                    Outcome::Unknown(error)
                }
                refused => refused,
            };
            finished.push(Finished::new(entry, outcome));
        }
    }

    /// What an error is about: a topic that is gone is one trouble for all its partitions.
    fn in_trouble(&self, error: &Error) -> Subject {
        let topic = self.topic.name.clone();
        match error.code() {
            Some(code) if is_absent(code) => Subject::Topic { topic },
            _ => Subject::Partition {
                topic,
                partition: self.index,
            },
        }
    }

    /// The next attempt waits, longer after each failure (KIP-580).
    fn again_later(
        &self,
        shared: &Shared,
        state: &mut State,
        error: Error,
        came: &Came<'_>,
    ) -> Retry {
        let now = came.now;
        let subject = self.in_trouble(&error);
        let since = state.trouble.as_ref().and_then(Trouble::since);
        let is_another = state.trouble.as_ref().is_none_or(|trouble| {
            // It stays what it was at first while reasons change; but a topic that is known to be gone is
            // told of as such.
            *trouble.subject() != subject
                && matches!(subject, Subject::Topic { .. })
                && shared.cluster.is_absent(&self.topic.name)
        });
        if is_another {
            state.trouble = Some(shared.cluster.health.watch(subject));
        }
        if let Some(trouble) = &mut state.trouble {
            trouble.failed_since(since.unwrap_or(came.sent), &error);
        }
        state.last_error = Some(error.clone());
        if state.not_before.is_some_and(|instant| instant > now) {
            // All that was under way is lost with a connection: that is one failure.
            return Retry {
                refresh: true,
                error,
            };
        }
        let failures = state
            .window
            .entries()
            .map(|entry| entry.batch.failures)
            .max()
            .unwrap_or(0);
        let client = &shared.cluster.config;
        let wait = client
            .retry_backoff
            .saturating_mul(1 << failures.min(10))
            .min(client.retry_backoff_max);
        state.window.entries_mut().for_each(|entry| {
            entry.batch.failures = (failures + 1).min(20);
        });
        state.not_before = Some(now + shared.env().jitter(wait));
        Retry {
            refresh: true,
            error,
        }
    }

    /// Sends a batch that was too large as several smaller ones.
    fn split(
        self: &Arc<Self>,
        shared: &Shared,
        state: &mut State,
        ticket: Ticket,
        error: Error,
        finished: &mut Vec<Finished>,
    ) {
        let Some(entry) = state.window.get(ticket) else {
            return;
        };
        let length = entry.batch.bytes.len();
        // First to the size that batches were meant to have, then halves.
        let target = match length > shared.config.batch_size {
            true => shared.config.batch_size,
            false => (length / 2).max(1),
        };
        let identity = state.window.identity();
        let builders = match records::split(&entry.batch.bytes, target, SPLIT_CAP) {
            Ok(builders) if builders.len() > 1 => builders,
            _ => {
                state.window.refused(ticket, false);
                self.fail(state, ticket, Outcome::NotDelivered(error), finished);
                return;
            }
        };
        // Those to come are not to be refused for the same, and split one by one.
        let whole: usize = builders.iter().map(BatchBuilder::len).sum();
        state.batch_max = (whole / 2).max(shared.config.batch_size);
        let (created, failures) = (entry.batch.created, entry.batch.failures);
        // The first part carries the budget of all.
        let mut reserved = entry.batch.reserved;
        let counts: Vec<i32> = builders
            .iter()
            .map(|part| part.record_count() as i32)
            .collect();
        let mut completions = Vec::with_capacity(counts.len());
        let mut first = 0;
        for count in &counts {
            completions.push((first, Completion::new(self.clone(), shared.weak.clone())));
            first += *count as u32;
        }
        let mut builders = builders.into_iter();
        let whole = state.window.split(ticket, counts, |part, sequence| {
            let seal = shared.seal(identity, sequence);
            let bytes = match builders.next().map(|builder| builder.seal(&seal)) {
                Some(Ok(sealed)) => sealed.bytes,
                // Sealing the same records in one batch has worked before.
                _ => unreachable!("records of a sealed batch can be sealed"),
            };
            Batch {
                bytes,
                completion: completions[part].1.clone(),
                created,
                reserved: std::mem::take(&mut reserved),
                failures,
                told: false,
            }
        });
        if let Some(mut whole) = whole {
            whole.batch.reserved = 0;
            finished.push(Finished::new(whole, Outcome::Split(completions)));
        }
    }

    /// The topic was made anew. What may be in the log of the former one ends as unknown; the rest is
    /// for the new one, whose sequences start over. `gone` if the new topic lacks this partition. What
    /// is over is added to `finished`: it is told of when the topics are not locked any more.
    pub(crate) fn begin_anew(&self, gone: bool, finished: &mut Vec<Finished>) {
        let mut state = lock(&self.state);
        let state = &mut *state;
        state.not_before = None;
        state.window.begin_anew();
        self.give_up_former(state, finished);
        if gone {
            let error = Error::new(
                ErrorKind::UnknownTopic,
                "the topic was deleted and made anew with fewer partitions",
            )
            .lasting()
            .at_partition(&self.topic.name, self.index);
            self.give_up_all(state, &error, finished);
        }
    }

    /// Ends what may be in the log of a former topic: sent again, it would be in the new one too.
    fn give_up_former(&self, state: &mut State, finished: &mut Vec<Finished>) {
        for entry in state.window.take_former() {
            let mut error = Error::new(
                ErrorKind::UnknownTopic,
                "the topic was deleted and made anew; the record may be in the former one",
            );
            if let Some(cause) = &state.last_error {
                error = error.with_source(cause.clone());
            }
            let error = error.at_partition(&self.topic.name, self.index);
            finished.push(Finished::new(entry, Outcome::Unknown(error)));
        }
    }

    /// Gives up what is older than `delivery.timeout.ms`.
    pub(crate) fn expire(&self, shared: &Shared, now: Instant) {
        let is_over = is_late(shared, now);
        self.give_up(shared, is_over, |state| self.out_of_time(shared, state));
    }

    /// As [`expire`](Self::expire), under the lock, of what is sealed.
    fn expire_window(
        &self,
        shared: &Shared,
        state: &mut State,
        now: Instant,
        finished: &mut Vec<Finished>,
    ) {
        let error = |state: &State| self.out_of_time(shared, state);
        Self::give_up_sealed(state, is_late(shared, now), error, finished);
    }

    /// No broker that could take them lets the client in: gives up all batches that no request carries.
    pub(crate) fn keep_out(&self, shared: &Shared, error: &Error) {
        let error = error.clone().at_partition(&self.topic.name, self.index);
        self.give_up(shared, |_, in_flight, _| !in_flight, |_| error.clone());
    }

    /// Gives up batches, by when they were begun, whether a request carries them, and whether those who wait
    /// for them have been told already.
    fn give_up(
        &self,
        shared: &Shared,
        is_over: impl Fn(Instant, bool, bool) -> bool,
        error: impl Fn(&State) -> Error,
    ) {
        let _telling = shared.telling.begin();
        let mut finished = Vec::new();
        {
            let mut state = lock(&self.state);
            let state = &mut *state;
            Self::give_up_sealed(state, &is_over, &error, &mut finished);
            while let Some(open) = state.open.front()
                && is_over(open.created, false, false)
            {
                let Some(open) = state.open.pop_front() else {
                    break;
                };
                let outcome = Outcome::NotDelivered(error(state));
                finished.push(Finished::open(open, outcome));
            }
            self.note_backlog(state);
            if state.open.is_empty() && state.window.is_empty() {
                (state.active, state.trouble) = (false, None);
                shared.deactivate(self);
            }
        }
        Finished::tell_all(finished, shared);
    }

    fn give_up_sealed(
        state: &mut State,
        is_over: impl Fn(Instant, bool, bool) -> bool,
        error: impl Fn(&State) -> Error,
        finished: &mut Vec<Finished>,
    ) {
        loop {
            let over = state.window.entries().find(|entry| {
                let batch = &entry.batch;
                is_over(batch.created, entry.is_in_flight(), batch.told)
            });
            let Some(entry) = over else { return };
            let (ticket, in_doubt) = (entry.ticket, entry.may_be_written());
            let error = error(state);
            let outcome = match in_doubt {
                true => Outcome::Unknown(error),
                false => Outcome::NotDelivered(error),
            };
            match state.window.given_up(ticket) {
                Some(entry) => finished.push(Finished::new(entry, outcome)),
                None => {
                    let entry = state.window.get_mut(ticket);
                    finished.extend(entry.map(|entry| Finished::early(entry, outcome)));
                }
            }
        }
    }

    fn out_of_time(&self, shared: &Shared, state: &State) -> Error {
        let limit = shared.config.delivery_timeout;
        if shared.cluster.is_absent(&self.topic.name) {
            let text = format!(
                "the topic is gone: it was there, so it was deleted, and did not come back within \
                 {limit:?} (delivery.timeout.ms)"
            );
            let error = Error::new(ErrorKind::UnknownTopic, text).lasting();
            return error.at_partition(&self.topic.name, self.index);
        }
        let mut error = Error::timeout("delivery", limit, "delivery.timeout.ms");
        // What is the matter now says more than what an earlier attempt met.
        if self.leader() < 0 {
            let cause = Error::new(ErrorKind::Broker, "the partition has no leader");
            error = error.caused_by(&cause);
        } else if let Some(cause) = shared.cluster.unreachable(self.leader(), Lane::Data) {
            error = error.caused_by(&cause);
        } else if let Some(cause) = shared.identities.trouble() {
            error = error.caused_by(&cause);
        } else if let Some(cause) = &state.last_error {
            error = error.caused_by(cause);
        }
        error.at_partition(&self.topic.name, self.index)
    }

    /// Gives up everything (the producer closes or failed).
    pub(crate) fn abort(&self, shared: &Shared, error: &Error) {
        let _telling = shared.telling.begin();
        let mut finished = Vec::new();
        {
            let mut state = lock(&self.state);
            let error = error.clone().at_partition(&self.topic.name, self.index);
            self.give_up_all(&mut state, &error, &mut finished);
        }
        Finished::tell_all(finished, shared);
    }

    fn give_up_all(&self, state: &mut State, error: &Error, finished: &mut Vec<Finished>) {
        for entry in state.window.drain() {
            let outcome = match entry.may_be_written() {
                true => Outcome::Unknown(error.clone()),
                false => Outcome::NotDelivered(error.clone()),
            };
            finished.push(Finished::new(entry, outcome));
        }
        for open in state.open.drain(..) {
            finished.push(Finished::open(open, Outcome::NotDelivered(error.clone())));
        }
        state.trouble = None;
    }
}

/// Which batches are older than `delivery.timeout.ms`, and not told yet.
fn is_late(shared: &Shared, now: Instant) -> impl Fn(Instant, bool, bool) -> bool + use<> {
    let limit = shared.config.delivery_timeout;
    move |created, in_flight, told| created + limit <= now && !(in_flight && told)
}

impl State {
    /// A batch is in the log, and what that proves of older ones.
    fn acked(
        &mut self,
        ticket: Ticket,
        base_offset: i64,
        log_append_time: i64,
        finished: &mut Vec<Finished>,
    ) {
        self.last_error = None;
        if let Some(mut trouble) = self.trouble.take() {
            trouble.over();
        }
        self.not_before = None;
        let Some(Acked { entry, before }) = self.window.acked(ticket) else {
            return;
        };
        for older in before {
            let outcome = Outcome::Delivered {
                base_offset: -1,
                log_append_time: -1,
            };
            finished.push(Finished::new(older, outcome));
        }
        let outcome = Outcome::Delivered {
            base_offset,
            log_append_time,
        };
        finished.push(Finished::new(entry, outcome));
    }
}

/// Why a broker did not take a batch.
#[derive(Debug)]
struct RefusedBatch {
    code: ErrorCode,
    error: Error,
    /// Records that are to blame, by their place in the batch.
    records: Vec<(i32, Option<StrBytes>)>,
}

impl RefusedBatch {
    /// How the records end, of a batch of `size` bytes that is refused for good.
    fn outcome_of(self, size: usize) -> Outcome {
        let Self {
            code,
            error,
            records,
        } = self;
        if code == ErrorCode::MESSAGE_TOO_LARGE {
            let hint = format!("its batch has {size} bytes; raise max.message.bytes");
            return Outcome::NotDelivered(error.with_source(hint));
        }
        if records.is_empty() {
            return Outcome::NotDelivered(with_advice(error));
        }
        let mut bad: Vec<_> = records
            .into_iter()
            .filter_map(|(index, message)| {
                let index = u32::try_from(index).ok()?;
                let error = match message {
                    Some(message) => error.clone().with_source(message.to_string()),
                    None => error.clone(),
                };
                Some((index, error))
            })
            .collect();
        bad.sort_by_key(|(index, _)| *index);
        Outcome::Rejected { error, bad }
    }
}

/// Whether a batch that was refused like this may be in the log all the same.
///
/// With `acks=all` the leader appends, and answers when the replicas have followed. What happens in
/// between is told as an error of the same code as a refusal: a leader that is deposed says
/// `NOT_LEADER_OR_FOLLOWER`, and the new leader may have the batch. Were its sequence given to
/// another batch, the broker would take that for a repetition, and it would be lost.
fn may_be_written(code: ErrorCode, acks: Acks) -> bool {
    match code {
        ErrorCode::REQUEST_TIMED_OUT
        | ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND
        | ErrorCode::KAFKA_STORAGE_ERROR
        | ErrorCode::NETWORK_EXCEPTION
        | ErrorCode::UNKNOWN_SERVER_ERROR => true,
        ErrorCode::NOT_LEADER_OR_FOLLOWER => acks == Acks::All,
        _ => false,
    }
}

/// Whether a refusal like this tells where the log ends. A broker that has forgotten the producer, or
/// knows a later epoch of it, says nothing about the batch.
fn is_of_the_log(code: ErrorCode) -> bool {
    code == ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deposed_leader_may_have_written_what_it_refuses() {
        let code = ErrorCode::NOT_LEADER_OR_FOLLOWER;
        assert!(may_be_written(code, Acks::All));
        assert!(!may_be_written(code, Acks::Leader));
        assert!(may_be_written(ErrorCode::REQUEST_TIMED_OUT, Acks::All));
        assert!(!may_be_written(ErrorCode::NOT_ENOUGH_REPLICAS, Acks::All));
        assert!(!may_be_written(ErrorCode::INVALID_RECORD, Acks::All));
    }
}

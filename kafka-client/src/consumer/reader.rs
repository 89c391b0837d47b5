//! What the user is given: fetched data is checked, decompressed and decoded here, on the user's
//! task, a record or a batch at a time.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use kafka_client_protocol::records::{Batches, RecordCursor, RecordError};

use super::config::ConsumerConfig;
use super::position::{Assigned, Stage};
use super::shared::{Arrival, Fetched, Shared};
use super::work::Ticket;
use super::{Receipt, RecordBatch, TopicPartition};
use crate::error::{Error, ErrorKind};
use crate::record::{ConsumerRecord, Origin, TimestampType, verify};

/// Gives records out, in the order they have in their partitions.
pub(super) struct Reader {
    shared: Arc<Shared>,
    /// It reads this partition alone, beside readers of others.
    only: Option<Arc<Assigned>>,
    /// Data that is being handed out.
    current: Option<Current>,
    /// Data of partitions of which nothing may be handed out for now. What belongs to one partition is in
    /// its order, and behind the data at hand if that is of it.
    aside: VecDeque<Current>,
    /// While several records are gathered for one call: how many there are.
    gathered: Option<usize>,
    /// Partitions whose records were handed out together with others, and are finished by the next call.
    unfinished: Vec<Arc<Assigned>>,
    /// For the next call.
    error: Option<Error>,
    polls: u64,
    /// The last poll found nothing: the user waits, unless it gives up.
    waits: bool,
    /// The end of the runtime that brings the data.
    ended: Ended,
}

/// Gives the error of what waits for a runtime that has ended.
type Ended = Pin<Box<dyn Future<Output = Error> + Send + Sync>>;

/// The data of a partition that is being handed out.
struct Current {
    batch: Option<OpenBatch>,
    /// What records share whose batches are not compressed; made for the first of them.
    origin: Option<Arc<Origin>>,
    fetched: Fetched,
}

impl Current {
    /// Copies what is left into memory of its own. Returned is what it was in until then.
    fn detach(&mut self) -> Bytes {
        let fetched = &mut self.fetched;
        // What was handed out of a batch is passed over when it is opened again.
        let open = self.batch.take().map_or(0, |batch| batch.bytes);
        let left = fetched.batches.rest().len() + open;
        let data = Bytes::copy_from_slice(&fetched.data[fetched.data.len() - left..]);
        fetched.batches = Batches::new(data.clone());
        fetched.is_alone = true;
        self.origin = None;
        std::mem::replace(&mut fetched.data, data)
    }
}

/// A batch that is being handed out.
struct OpenBatch {
    /// What its records share; before the cursor, which gives the memory back if nobody else has it.
    origin: Option<Arc<Origin>>,
    cursor: RecordCursor,
    /// What it takes of the data that was fetched, header included.
    bytes: usize,
    next: i64,
    leader_epoch: i32,
    /// Of its first record; -1 if unknown.
    timestamp: i64,
    /// A record of it was handed out.
    begun: bool,
    timestamp_type: TimestampType,
}

/// A call for a record. When it ends, or is dropped while it waits, the user no longer waits: time
/// counts against `max.poll.interval.ms` again.
pub(super) struct Receiving<'a>(pub(super) &'a mut Reader);

/// For the next record.
impl Future for Receiving<'_> {
    type Output = Result<ConsumerRecord, Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_record(cx)
    }
}

impl Drop for Receiving<'_> {
    fn drop(&mut self) {
        self.0.stop_waiting();
    }
}

impl Reader {
    /// Of all partitions, or of one that is read apart.
    pub(super) fn new(shared: Arc<Shared>, only: Option<Arc<Assigned>>) -> Self {
        let ended = Box::pin(shared.cluster.ended());
        Self {
            shared,
            only,
            current: None,
            aside: VecDeque::new(),
            gathered: None,
            unfinished: Vec::new(),
            error: None,
            polls: 0,
            waits: false,
            ended,
        }
    }

    /// What is there, up to so many records; waits for the first.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn records(&mut self, max: usize) -> Result<Vec<ConsumerRecord>, Error> {
        let receiving = Receiving(self);
        std::future::poll_fn(|cx| receiving.0.poll_records(max, cx)).await
    }

    fn poll_records(
        &mut self,
        max: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Vec<ConsumerRecord>, Error>> {
        self.enter();
        let mut records = Vec::new();
        while records.len() < max {
            // The user is not done with those that it is about to get.
            self.gathered = Some(records.len());
            let polled = self.next_record(cx, |record, _| record);
            self.gathered = None;
            match polled {
                Poll::Ready(Ok(record)) => records.push(record),
                Poll::Ready(Err(error)) if records.is_empty() => return Poll::Ready(Err(error)),
                Poll::Ready(Err(error)) => {
                    // The next call tells of it, whichever that is.
                    self.error = Some(error);
                    break;
                }
                Poll::Pending if records.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(records))
    }

    /// The next batch, of which only the rest is given if its first records were.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn batch(&mut self) -> Result<RecordBatch, Error> {
        let receiving = Receiving(self);
        std::future::poll_fn(|cx| receiving.0.poll_batch(cx)).await
    }

    /// The next record; or any other call for records, until this is dropped.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) fn receiving(&mut self) -> Receiving<'_> {
        Receiving(self)
    }

    /// The user does something else now.
    pub(super) fn stop_waiting(&mut self) {
        if std::mem::take(&mut self.waits) {
            self.forget_user();
        }
    }

    fn forget_user(&self) {
        let mut state = self.shared.state();
        match &self.only {
            Some(assigned) => {
                if let Some(queues) = &mut state.queues {
                    queues.forget(assigned);
                }
            }
            None => state.forget_user(),
        }
    }

    /// Nothing more is handed out.
    pub(super) fn finish(&mut self) {
        while let Some(left) = self.current.take().or_else(|| self.aside.pop_front()) {
            self.give_back(left);
        }
    }

    /// The next error, where partitions are read apart.
    pub(super) fn poll_error(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        self.enter();
        match self.poll_current(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(error),
            // No data comes this way.
            Poll::Ready(Ok(_)) | Poll::Pending => Poll::Pending,
        }
    }

    pub(super) fn poll_record(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<ConsumerRecord, Error>> {
        self.poll_record_as(cx, |record, _| record)
    }

    /// As [`Reader::poll_record`], in the form that the caller gives it, with its ticket if it is to be
    /// acknowledged: made in place, a record need not be moved.
    #[inline]
    pub(super) fn poll_record_as<T>(
        &mut self,
        cx: &mut Context<'_>,
        give: impl FnOnce(Result<ConsumerRecord, Error>, Option<Ticket>) -> T,
    ) -> Poll<T> {
        self.enter();
        self.next_record(cx, give)
    }

    #[inline]
    fn next_record<T>(
        &mut self,
        cx: &mut Context<'_>,
        give: impl FnOnce(Result<ConsumerRecord, Error>, Option<Ticket>) -> T,
    ) -> Poll<T> {
        loop {
            let current = match self.poll_current(cx) {
                Poll::Ready(Ok(current)) => current,
                Poll::Ready(Err(error)) => return Poll::Ready(give(Err(error), None)),
                Poll::Pending => return Poll::Pending,
            };
            let Some(batch) = &mut current.batch else {
                continue;
            };
            let (assigned, version) = (&current.fetched.assigned, current.fetched.version);
            let position = assigned.reading();
            let (epoch, kind) = (batch.leader_epoch, batch.timestamp_type);
            let origin = match &batch.origin {
                Some(origin) => origin,
                None => {
                    let origin = origin(&mut current.origin, &current.fetched, &batch.cursor);
                    batch.origin.insert(origin)
                }
            };
            match batch.cursor.next_record() {
                // In front of where the user is: a batch is fetched whole.
                Some(Ok(view)) if view.offset < position => {}
                Some(Ok(view)) => {
                    if let Err(error) = verify(view.headers) {
                        let next = batch.next;
                        return Poll::Ready(give(Err(self.corrupt(&error, next)), None));
                    }
                    if !std::mem::replace(&mut batch.begun, true) {
                        assigned.begin_batch(epoch, batch.timestamp);
                    }
                    if let Ok(ticket) = assigned.hand_out(version, view.offset) {
                        let record = ConsumerRecord::from_view(origin, epoch, kind, &view);
                        return Poll::Ready(give(Ok(record), ticket));
                    }
                }
                Some(Err(error)) => {
                    let next = batch.next;
                    return Poll::Ready(give(Err(self.corrupt(&error, next)), None));
                }
                None => {
                    assigned.skip_to(version, batch.next, batch.leader_epoch);
                    current.batch = None;
                }
            }
        }
    }

    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Result<RecordBatch, Error>> {
        self.enter();
        loop {
            let current = match self.poll_current(cx) {
                Poll::Ready(Ok(current)) => current,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            };
            let Some(mut batch) = current.batch.take() else {
                continue;
            };
            let (assigned, version) = (&current.fetched.assigned, current.fetched.version);
            let position = assigned.reading();
            batch.cursor.skip_to(position);
            let next = batch.next.max(position);
            let (epoch, timestamp) = (batch.leader_epoch, batch.timestamp);
            if !assigned.hand_out_batch(version, next, epoch, timestamp) {
                continue;
            }
            if batch.cursor.remaining() > 0 {
                let partition = assigned.partition.clone();
                return Poll::Ready(Ok(RecordBatch::new(partition, batch.cursor)));
            }
        }
    }

    /// A batch with records that may be handed out, of the data at hand or that arrives.
    fn poll_current(&mut self, cx: &mut Context<'_>) -> Poll<Result<&mut Current, Error>> {
        if let Some(error) = self.error.take() {
            return Poll::Ready(Err(error));
        }
        loop {
            if let Some(current) = &self.current {
                let assigned = &current.fetched.assigned;
                if !assigned.is_current(current.fetched.version) {
                    // A seek or a revocation came in between.
                    self.drop_current();
                } else if assigned.is_halted()
                    && let Some(current) = self.current.take()
                {
                    self.lay_aside(current, VecDeque::push_front);
                }
            }
            if self.current.is_none()
                && let Some(current) = self.take_aside()
            {
                self.begin(current);
            }
            if self.current.is_none() {
                let arrival = match &self.only {
                    Some(assigned) => self.shared.poll_arrival_of(assigned, cx),
                    None => self.shared.poll_arrival(cx),
                };
                match arrival {
                    Poll::Ready(Arrival::Data(fetched)) => {
                        let arrived = Current {
                            fetched,
                            batch: None,
                            origin: None,
                        };
                        // Behind what was laid aside of the same partition, which may be handed out again
                        // by now: what comes before it would be skipped.
                        if arrived.fetched.assigned.is_halted() || self.has_aside(&arrived) {
                            self.lay_aside(arrived, VecDeque::push_back);
                        } else {
                            self.begin(arrived);
                        }
                        continue;
                    }
                    Poll::Ready(Arrival::Error(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending if self.gathered.is_some_and(|gathered| gathered > 0) => {
                        // It gets what there is, instead of waiting.
                        self.forget_user();
                        return Poll::Pending;
                    }
                    Poll::Pending => {
                        // A partition may have been resumed, or an acknowledgement made room, after the
                        // last look and before there was a waker to be woken by it.
                        if let Some(current) = self.take_aside() {
                            self.begin(current);
                            self.forget_user();
                            continue;
                        }
                        self.waits = true;
                        // If it was asked for after this poll began, and the waker was not there
                        // yet to be woken for it, nothing else would bring the user here.
                        self.grant_pause();
                        let ended = self.ended.as_mut().poll(cx);
                        if ended.is_ready() {
                            // For the next call, should there be one.
                            self.ended = Box::pin(self.shared.cluster.ended());
                        }
                        return ended.map(Err);
                    }
                }
            }
            let config = &self.shared.config;
            let Some(current) = &mut self.current else {
                continue;
            };
            if current.batch.is_some() {
                // Looked up again, for the borrow checker.
                return Poll::Ready(
                    self.current
                        .as_mut()
                        .ok_or_else(|| Error::closed("consumer")),
                );
            }
            match next_batch(&mut current.fetched, config) {
                Some(Ok(batch)) => current.batch = Some(batch),
                Some(Err(Damage { error, next })) => {
                    return Poll::Ready(Err(self.corrupt(&error, next)));
                }
                None => {
                    let fetched = &current.fetched;
                    fetched.assigned.skip_to(fetched.version, fetched.next, -1);
                    self.drop_current();
                }
            }
        }
    }

    /// This data is handed out next.
    fn begin(&mut self, current: Current) {
        current.fetched.assigned.catch_up();
        self.current = Some(current);
    }

    /// Keeps data for later, unless that takes so much of the buffer that other partitions might starve:
    /// then it is fetched again.
    fn lay_aside(&mut self, current: Current, push: fn(&mut VecDeque<Current>, Current)) {
        if self.gathered.is_some() {
            self.unfinished.push(current.fetched.assigned.clone());
        }
        let kept: usize = self.aside.iter().map(|kept| kept.fetched.bytes.bytes).sum();
        let most = self.shared.part_of_partition(&self.shared.state());
        if kept + current.fetched.bytes.bytes > most {
            // What was laid aside of it before is stale by that, too.
            let partition = &current.fetched.assigned.partition;
            self.shared.state().positions.rewind(partition);
            self.give_back(current);
            return;
        }
        let detached = self.detached(current);
        push(&mut self.aside, detached);
    }

    /// Data that is kept for longer than what came with it: in memory of its own, or it would keep the
    /// frame with that of other partitions, which is not counted any more.
    fn detached(&self, mut current: Current) -> Current {
        if !current.fetched.is_alone {
            let frame = current.detach();
            self.shared.cluster.recycle(frame);
        }
        current
    }

    /// Whether data of the same partition was laid aside.
    fn has_aside(&self, current: &Current) -> bool {
        let assigned = &current.fetched.assigned;
        let mut aside = self.aside.iter();
        aside.any(|kept| Arc::ptr_eq(&kept.fetched.assigned, assigned))
    }

    /// Of what was laid aside, data that may be handed out again, or that is stale. Only the first of a
    /// partition counts: it may be resumed between two looks, and what follows is not to overtake it.
    fn take_aside(&mut self) -> Option<Current> {
        let mut halted: Vec<*const Assigned> = Vec::new();
        let at = self.aside.iter().position(|current| {
            let assigned = &current.fetched.assigned;
            if !assigned.is_current(current.fetched.version) {
                return true;
            }
            let partition = Arc::as_ptr(assigned);
            if halted.contains(&partition) {
                return false;
            }
            let may_go_on = !assigned.is_halted();
            if !may_go_on {
                halted.push(partition);
            }
            may_go_on
        })?;
        self.aside.remove(at)
    }

    /// As [`Reader::poll_record`], in the form that the caller gives it with what it is acknowledged by.
    #[inline]
    pub(super) fn poll_delivery<T>(
        &mut self,
        cx: &mut Context<'_>,
        give: impl FnOnce(ConsumerRecord, Receipt) -> Result<T, Error>,
    ) -> Poll<Result<T, Error>> {
        self.poll_record_as(cx, |record, ticket| {
            let record = record?;
            let ticket = ticket.expect("what is acknowledged is in a ledger");
            give(record, Receipt::new(ticket))
        })
    }

    /// The user asks for a record, and so is done with those before.
    pub(super) fn enter(&mut self) {
        self.stop_waiting();
        let shared = &self.shared;
        if shared.config.reads_apart {
            // One of many.
            shared.polls.fetch_add(1, Ordering::Release);
        } else {
            self.polls += 1;
            shared.polls.store(self.polls, Ordering::Release);
        }
        if let Some(current) = &self.current {
            current.fetched.assigned.finish();
        }
        if !self.unfinished.is_empty() {
            for assigned in self.unfinished.drain(..) {
                assigned.finish();
            }
        }
        self.grant_pause();
    }

    /// The user is between two records: tells the group's task, if that waits for it.
    fn grant_pause(&self) {
        let shared = &self.shared;
        if shared.pause_asked.load(Ordering::Acquire) {
            // What was handed out in batches of other partitions is done with as well.
            for (_, slot) in shared.state().positions.iter() {
                slot.assigned.finish();
            }
            shared.paused.notify_waiters();
        }
    }

    fn drop_current(&mut self) {
        if let Some(current) = self.current.take() {
            match self.gathered {
                Some(_) => self.unfinished.push(current.fetched.assigned.clone()),
                None => current.fetched.assigned.finish(),
            }
            self.give_back(current);
        }
    }

    /// The memory of data that is done with, or stale.
    fn give_back(&self, current: Current) {
        let Current {
            fetched,
            batch,
            origin,
            ..
        } = current;
        self.shared.release(fetched.bytes);
        // Its views are gone first.
        drop((batch, origin, fetched.batches));
        self.shared.cluster.recycle(fetched.data);
    }

    /// The data at hand is corrupt: the partition stops there, so that no record is skipped
    /// silently. `next` is what its header has for the offset behind it.
    fn corrupt(&mut self, error: &RecordError, next: i64) -> Error {
        let Some(mut current) = self.current.take() else {
            return Error::closed("consumer");
        };
        let shared = &self.shared;
        shared.release(current.fetched.bytes);
        // The header may be damaged as well; where the next batch begins is certain.
        let following = current.fetched.batches.next().and_then(Result::ok);
        let following = following.map(|batch| batch.header().base_offset);
        let assigned = current.fetched.assigned;
        let TopicPartition { topic, partition } = &assigned.partition;
        let offset = assigned.reading();
        let beyond = following.filter(|following| *following > offset);
        let beyond = beyond.unwrap_or(next).max(offset + 1);
        if self.gathered.is_some() {
            self.unfinished.push(assigned.clone());
        }
        {
            let mut state = shared.state();
            // Unless the user has sought in the meantime.
            if assigned.is_current(current.fetched.version) {
                let positions = &mut state.positions;
                positions.set_stage(&assigned.partition, Stage::Stuck);
            }
        }
        let remedy = match error {
            RecordError::OutputCapExceeded { .. } => "; to read it, raise max_batch_bytes",
            _ => "",
        };
        Error::new(
            ErrorKind::CorruptRecords,
            format!(
                "the batch at offset {offset} cannot be read: {error}{remedy}; to go on without it, seek \
                 to {beyond}"
            ),
        )
        .resume_at(beyond)
        .at_partition(topic, *partition)
    }
}

/// A batch that cannot be read.
#[derive(Debug)]
struct Damage {
    error: RecordError,
    /// The offset behind it, as far as its header tells.
    next: i64,
}

/// What the records of a batch share. The data of batches that are not compressed is a part of what was
/// fetched, which is `common` to them.
#[cold]
fn origin(
    common: &mut Option<Arc<Origin>>,
    fetched: &Fetched,
    cursor: &RecordCursor,
) -> Arc<Origin> {
    let TopicPartition { topic, partition } = &fetched.assigned.partition;
    let of = |data: &Bytes| Origin::new(topic.clone(), *partition, data.clone());
    let (whole, part) = (fetched.data.as_ptr_range(), cursor.data().as_ptr_range());
    if whole.start <= part.start && part.end <= whole.end {
        common.get_or_insert_with(|| of(&fetched.data)).clone()
    } else {
        of(cursor.data())
    }
}

/// The next batch of fetched data that holds records for users.
fn next_batch(fetched: &mut Fetched, config: &ConsumerConfig) -> Option<Result<OpenBatch, Damage>> {
    loop {
        let batch = match fetched.batches.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(Damage { error, next: -1 })),
        };
        let header = *batch.header();
        let next = header.next_offset();
        if header.next_offset() <= fetched.assigned.reading() {
            continue;
        }
        if header.attributes.is_control() {
            // Markers of transactions: they take offsets, and are nobody's records.
            let (next, epoch) = (header.next_offset(), header.partition_leader_epoch);
            fetched.assigned.skip_to(fetched.version, next, epoch);
            continue;
        }
        if config.check_crcs
            && let Err(error) = batch.verify_crc()
        {
            return Some(Err(Damage { error, next }));
        }
        return Some(
            batch
                .records(config.max_batch_bytes)
                .map_err(|error| Damage { error, next })
                .map(|cursor| OpenBatch {
                    origin: None,
                    cursor,
                    bytes: header.total_len(),
                    next: header.next_offset(),
                    leader_epoch: header.partition_leader_epoch,
                    timestamp: match header.attributes.timestamp_type() {
                        TimestampType::CreateTime => header.base_timestamp,
                        TimestampType::LogAppendTime => header.max_timestamp,
                    },
                    begun: false,
                    timestamp_type: header.attributes.timestamp_type(),
                }),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consumer::position::Positions;
    use crate::consumer::shared::Weight;

    /// What Apache Kafka has in a segment that is older than two upgrades of the message format:
    /// three records each in the formats v0, v1 and v2.
    fn old_segment(codec: &str) -> Bytes {
        let golden = include_str!("../../protocol/tests/golden/records.txt");
        let start = format!("{codec} v0_v1_v2 ");
        let line = golden.lines().find_map(|line| line.strip_prefix(&start));
        let (hex, _) = line.unwrap().split_once(' ').unwrap();
        (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect()
    }

    /// Fetched data of a partition, in a frame with others.
    fn fetched(positions: &Positions, partition: &TopicPartition, codec: &str) -> Fetched {
        let segment = old_segment(codec);
        let frame = Bytes::from([&[7; 100][..], &segment, &[7; 100]].concat());
        let data = frame.slice(100..100 + segment.len());
        let slot = positions.get(partition).unwrap();
        slot.assigned.catch_up();
        Fetched {
            assigned: slot.assigned.clone(),
            version: slot.version(),
            batches: Batches::new(data.clone()),
            bytes: Weight {
                source: 1,
                bytes: data.len(),
            },
            data,
            is_alone: false,
            next: 9,
        }
    }

    /// Wherever it is in a batch, or between two.
    #[test]
    fn data_in_memory_of_its_own_goes_on_where_it_was_and_keeps_nothing_else() {
        let (partition, config) = (TopicPartition::new("old", 0), ConsumerConfig::default());
        for codec in ["none", "gzip", "snappy", "lz4"] {
            for until in 0..9 {
                let mut positions = Positions::default();
                positions.assign(&partition, Stage::Fetching { offset: 0 });
                let mut current = Current {
                    fetched: fetched(&positions, &partition, codec),
                    batch: None,
                    origin: None,
                };
                let (mut offsets, mut detached) = (Vec::new(), false);
                while let Some(batch) = next_batch(&mut current.fetched, &config) {
                    let assigned = current.fetched.assigned.clone();
                    let batch = current.batch.insert(batch.unwrap());
                    batch.cursor.skip_to(assigned.reading());
                    while detached || offsets.len() < until {
                        let Some(record) = batch.cursor.next_record() else {
                            break;
                        };
                        let offset = record.unwrap().offset;
                        assigned.hand_out(current.fetched.version, offset).unwrap();
                        offsets.push(offset);
                    }
                    if !detached && offsets.len() == until {
                        detached = true;
                        let frame = current.detach();
                        frame.try_into_mut().expect("nothing else holds it");
                    }
                    current.batch = None;
                }
                assert_eq!(offsets, (0..9).collect::<Vec<_>>(), "{codec} {until}");
            }
        }
    }

    #[test]
    fn segments_of_old_message_formats_are_read_from_any_offset() {
        let partition = TopicPartition::new("old", 0);
        for codec in ["none", "gzip", "snappy", "lz4"] {
            for from in 0..9 {
                let mut positions = Positions::default();
                positions.assign(&partition, Stage::Fetching { offset: from });
                let mut fetched = fetched(&positions, &partition, codec);
                let mut offsets = Vec::new();
                while let Some(batch) = next_batch(&mut fetched, &ConsumerConfig::default()) {
                    let mut batch = batch.unwrap();
                    batch.cursor.skip_to(fetched.assigned.reading());
                    offsets.extend(batch.cursor.iter().map(|record| record.unwrap().offset));
                    let next = batch.next;
                    fetched
                        .assigned
                        .skip_to(fetched.version, next, batch.leader_epoch);
                }
                assert_eq!(offsets, (from..9).collect::<Vec<_>>(), "{codec}");
            }
        }
    }
}

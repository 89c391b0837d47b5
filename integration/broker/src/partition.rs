//! A partition: its log behind its own lock, and the fetches that wait for its next batch.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::records::{Batch, BatchHeader};
use tokio::sync::Notify;

use crate::env;
use crate::log::batch::is_append_time;
use crate::log::{
    AppendError, Appended, CleanPlan, DataSlice, Doomed, Log, ReadOutcome, ReadRequest, Reads,
    Search, Seen, SequenceError, Spot, Unsynced,
};
use crate::metrics::Traffic;
use crate::refusal::Refusal;
use crate::validate::ValidBatch;

/// The most that a batch may decompress to when a timestamp is looked up in it.
const DECOMPRESSED_MAX: usize = 256 << 20;

/// One partition of a topic.
#[derive(Debug)]
pub(crate) struct Partition {
    topic: Arc<str>,
    index: i32,
    leader_epoch: AtomicI32,
    log: Mutex<Log>,
    /// Of all of the topic's partitions.
    traffic: Arc<Traffic>,
    /// Fetches to wake when something has changed. Never locked together with the log.
    waiters: Mutex<Waiters>,
    /// Told when records are forced, seen, or will not be.
    decided: Notify,
    deleted: AtomicBool,
    /// Held while files of segments are replaced or removed: another topic's may have the same names soon.
    files: Mutex<()>,
    /// Held while the log is forced to the disk. If two did so at a time, the one could be done while the other had
    /// taken it upon itself to force the names, and not done it yet.
    forcing: Mutex<()>,
    /// Whether a thread is on its way to force what is awaited.
    is_forced_apart: AtomicBool,
    /// A batch in it is damaged.
    is_uncleanable: AtomicBool,
}

/// Who waits, until the next time that all are woken.
#[derive(Debug, Default)]
struct Waiters {
    all: Vec<Weak<Notify>>,
    /// How often they were.
    wakes: u64,
}

/// The ends of a partition at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) start_offset: i64,
    pub(crate) last_stable_offset: i64,
    pub(crate) high_watermark: i64,
    pub(crate) end_offset: i64,
}

/// How far a reader may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpTo {
    LastStableOffset,
    HighWatermark,
    /// For replicas, and for the broker itself.
    End,
}

impl Ends {
    pub(crate) fn of(self, up_to: UpTo) -> i64 {
        match up_to {
            UpTo::LastStableOffset => self.last_stable_offset,
            UpTo::HighWatermark => self.high_watermark,
            UpTo::End => self.end_offset,
        }
    }
}

/// What an append waits for before it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// It is on the disk, as far as `flush.messages` wants it there.
    Forced,
    /// The high watermark has passed it, which includes that.
    Committed,
}

/// How far that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    There,
    Pending,
    /// It will not come: the disk is given up.
    Failed,
}

/// What is to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) offset: i64,
    pub(crate) up_to: UpTo,
    pub(crate) max_bytes: usize,
    /// The first batch whole, even if it is larger than that.
    pub(crate) at_least_one: bool,
    /// Much may stay in its file.
    pub(crate) may_stay: bool,
}

/// What a fetch gets.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) records: Records,
    pub(crate) ends: Ends,
}

/// Where records are.
#[derive(Debug)]
pub(crate) enum Records {
    Read(Bytes),
    InFile(DataSlice),
}

impl Records {
    /// All of them in memory.
    pub(crate) fn read(self) -> io::Result<Bytes> {
        match self {
            Self::Read(bytes) => Ok(bytes),
            Self::InFile(slice) => slice.read(),
        }
    }
}

/// A record found by its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimedOffset {
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
    pub(crate) leader_epoch: i32,
}

impl Partition {
    pub(crate) fn new(
        topic: Arc<str>,
        index: i32,
        leader_epoch: i32,
        log: Log,
        traffic: Arc<Traffic>,
    ) -> Self {
        Self {
            topic,
            index,
            leader_epoch: AtomicI32::new(leader_epoch),
            log: Mutex::new(log),
            traffic,
            waiters: Mutex::default(),
            decided: Notify::new(),
            deleted: AtomicBool::new(false),
            files: Mutex::default(),
            forcing: Mutex::default(),
            is_forced_apart: AtomicBool::new(false),
            is_uncleanable: AtomicBool::new(false),
        }
    }

    /// Where the topic counts.
    pub(crate) fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    pub(crate) fn leader_epoch(&self) -> i32 {
        self.leader_epoch.load(Ordering::Acquire)
    }

    /// Begins the next leader epoch, as an election does.
    pub(crate) fn elect(&self) -> i32 {
        let mut log = self.log();
        let epoch = self.leader_epoch() + 1;
        log.lead(epoch);
        self.leader_epoch.store(epoch, Ordering::Release);
        drop(log);
        // Fetches that wait are told.
        self.wake();
        epoch
    }

    /// The log, for what happens outside of the data path.
    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        // A panic in one request must not close the partition for all others: the log changes its
        // state only after the step that can fail.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps others from replacing and removing files of the log.
    pub(crate) fn files(&self) -> MutexGuard<'_, ()> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ends(&self) -> Ends {
        ends(&self.log())
    }

    /// Checks the leader epoch that a client believes in (KIP-320); -1 asks for no check.
    pub(crate) fn check_epoch(&self, claimed: i32) -> Result<(), ErrorCode> {
        let current = self.leader_epoch();
        match claimed {
            epoch if epoch < 0 || epoch == current => Ok(()),
            epoch if epoch < current => Err(ErrorCode::FENCED_LEADER_EPOCH),
            _ => Err(ErrorCode::UNKNOWN_LEADER_EPOCH),
        }
    }

    /// Appends a batch and wakes the fetches that wait for it.
    pub(crate) fn append(
        &self,
        batch: &ValidBatch,
        now_ms: i64,
    ) -> Result<(Appended, Ends), Refusal> {
        let result = {
            let mut log = self.log();
            self.check_there()?;
            log.append(&batch.bytes, &batch.head, self.leader_epoch(), now_ms)
                .map(|appended| (appended, ends(&log)))
        };
        let outcome = result.map_err(|error| self.refusal(&error, &batch.head))?;
        if !outcome.0.duplicate {
            let messages = u64::try_from(batch.head.last_offset_delta).unwrap_or(0) + 1;
            self.traffic.appended(messages, batch.bytes.len());
            self.wake_readers();
        }
        Ok(outcome)
    }

    /// Where the batch that holds `offset` begins.
    pub(crate) fn locate(&self, offset: i64, reads: &Reads) -> Result<(Spot, Ends), Refusal> {
        let mut from = None;
        loop {
            let (search, ends) = {
                let mut log = self.log();
                let ends = self.ends_around(&log, offset)?;
                (log.search(offset, from), ends)
            };
            let failed = |error| self.storage_refusal("read", &error);
            let look = match search.map_err(failed)? {
                Search::Found(spot) => return Ok((spot, ends)),
                Search::Look(look) => look,
            };
            match look.run(reads).map_err(failed)? {
                Seen::Here(spot) => {
                    self.log().found(offset, spot);
                    return Ok((spot, ends));
                }
                Seen::Beyond(spot) => from = Some(spot),
            }
        }
    }

    /// The bytes that are there from a spot on; `None` if nobody should wait for more.
    pub(crate) fn available(&self, offset: i64, spot: Spot, up_to: UpTo) -> Option<u64> {
        let log = self.log();
        let ends = ends(&log);
        let upper = ends.of(up_to);
        match log.available(offset, spot) {
            Some(_) if offset >= upper => Some(0),
            // How many bytes there are below it, nobody knows without a search.
            Some(_) if upper < ends.end_offset => None,
            available => available,
        }
    }

    /// Reads from the batch on that holds `offset`, up to the end.
    pub(crate) fn read(
        &self,
        offset: i64,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Result<Bytes, Refusal> {
        let (spot, _) = self.locate(offset, &Reads::Waiting)?;
        let read = Wanted {
            offset,
            up_to: UpTo::End,
            max_bytes,
            at_least_one,
            may_stay: false,
        };
        let fetched = self.read_at(spot, read, &Reads::Waiting)?;
        let records = fetched.records.read();
        records.map_err(|error| self.storage_refusal("read", &error))
    }

    /// The same from a spot that is known: the first batch whole, or nothing, and what else the limit has room for;
    /// the last batch may be cut.
    pub(crate) fn read_at(
        &self,
        mut spot: Spot,
        wanted: Wanted,
        reads: &Reads,
    ) -> Result<Fetched, Refusal> {
        let Wanted {
            offset,
            up_to,
            max_bytes,
            at_least_one,
            may_stay,
        } = wanted;
        let mut first_bytes = 0;
        loop {
            let (plan, ends) = {
                let mut log = self.log();
                let ends = self.ends_around(&log, offset)?;
                let request = ReadRequest {
                    offset,
                    upper_offset: ends.of(up_to),
                    max_bytes,
                    at_least_one,
                    first_bytes,
                    may_stay,
                };
                (log.plan_read(spot, request), ends)
            };
            let outcome = plan.and_then(|plan| plan.map(|plan| plan.run(reads)).transpose());
            match outcome.map_err(|error| self.storage_refusal("read", &error))? {
                Some(ReadOutcome::Batches { bytes, end }) => {
                    if let Some(end) = end {
                        self.log().remember(end);
                    }
                    return Ok(Fetched {
                        records: Records::Read(bytes),
                        ends,
                    });
                }
                Some(ReadOutcome::InFile(slice)) => {
                    return Ok(Fetched {
                        records: Records::InFile(slice),
                        ends,
                    });
                }
                Some(ReadOutcome::Larger { bytes }) => first_bytes = bytes,
                None => spot = self.locate(offset, reads)?.0,
            }
        }
    }

    /// Moves the log's start to an offset, -1 for the high watermark; where it is then.
    pub(crate) fn delete_records(&self, offset: i64) -> Result<i64, Refusal> {
        const HIGH_WATERMARK: i64 = -1;
        let mut log = self.log();
        self.check_there()?;
        let end = log.high_watermark();
        let offset = match offset {
            HIGH_WATERMARK => end,
            offset => offset,
        };
        if !(0..=end).contains(&offset) {
            return Err(Refusal::new(
                ErrorCode::OFFSET_OUT_OF_RANGE,
                format!("offset {offset} is not between 0 and the high watermark {end}"),
            ));
        }
        log.advance_start(offset);
        Ok(log.start_offset())
    }

    /// Takes the log's end from an offset on out and begins the next leader epoch, as an unclean election does;
    /// where the log ends then.
    pub(crate) fn truncate(&self, offset: i64, now_ms: i64) -> Result<i64, Refusal> {
        let _ours = self.files();
        let _turn = self.forcing();
        let mut log = self.log();
        self.ends_around(&log, offset)?;
        let end = log.truncate(offset, now_ms);
        let end = end.map_err(|error| self.storage_refusal("cut", &error))?;
        drop(log);
        self.elect();
        Ok(end)
    }

    /// The log's ends, if an offset lies between them.
    fn ends_around(&self, log: &Log, offset: i64) -> Result<Ends, Refusal> {
        self.check_there()?;
        let ends = ends(log);
        if !(ends.start_offset..=ends.end_offset).contains(&offset) {
            let (start, end) = (ends.start_offset, ends.end_offset);
            return Err(Refusal::new(
                ErrorCode::OFFSET_OUT_OF_RANGE,
                format!("offset {offset} is not between {start} and {end}"),
            ));
        }
        Ok(ends)
    }

    /// Forces closed segments to the disk. Takes as long as that does, but does not hold the log's lock meanwhile.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.force_what(Log::unsynced)
    }

    /// The same for all that is there, if `flush.ms` is over for a record.
    pub(crate) fn flush_if_due(&self, now_ms: i64) -> io::Result<()> {
        self.force_what(|log| match log.is_flush_due(now_ms) {
            true => log.unsynced_whole(),
            false => Ok(None),
        })
    }

    /// The same if `flush.messages` wants records there: they are seen and acknowledged then.
    pub(crate) fn force(&self) -> io::Result<()> {
        self.force_what(Log::unsynced_awaited)
    }

    fn force_what(
        &self,
        what: impl FnOnce(&mut Log) -> io::Result<Option<Unsynced>>,
    ) -> io::Result<()> {
        let turn = self.forcing();
        if self.is_deleted() {
            // Its files may be gone, or those of another topic of the name.
            return Ok(());
        }
        let unsynced = what(&mut self.log())?;
        let Some(unsynced) = unsynced else {
            return Ok(());
        };
        let synced = unsynced.sync();
        let is_more_seen = {
            let mut log = self.log();
            let before = log.forced_offset();
            match &synced {
                Ok(()) => log.synced(&unsynced),
                Err(error) => log.give_up_forcing(error),
            }
            log.forced_offset() != before
        };
        drop(turn);
        if is_more_seen || synced.is_err() {
            self.wake();
        }
        synced
    }

    /// Forces what is awaited on a thread of its own, unless one is on its way.
    pub(crate) fn force_apart(self: &Arc<Self>) {
        if !self.is_forced_apart.swap(true, Ordering::AcqRel) {
            let turn = ForceTurn {
                partition: Arc::clone(self),
                is_done: false,
            };
            drop(env::spawn_blocking(move || turn.force()));
        }
    }

    /// Keeps others from forcing the log to the disk.
    pub(crate) fn forcing(&self) -> MutexGuard<'_, ()> {
        self.forcing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the log in order.
    pub(crate) fn close(&self) -> io::Result<()> {
        let _turn = self.forcing();
        self.log().close()
    }

    /// Compacts the log if it is time, until `stop` says no; the files of what was replaced are to be removed later.
    /// `None` if there was nothing to do.
    pub(crate) fn clean(
        &self,
        now_ms: i64,
        buffer_bytes: usize,
        stop: &dyn Fn() -> bool,
    ) -> io::Result<Option<Vec<Doomed>>> {
        let _ours = self.files();
        // Whoever deletes the topic waits for the files.
        let stop = || self.is_deleted() || stop();
        if stop() || self.is_uncleanable.load(Ordering::Acquire) {
            return Ok(None);
        }
        let plan = self.log().plan_clean(now_ms)?;
        let Some(plan) = plan else { return Ok(None) };
        // A later value must not be lost with the machine when the earlier one is gone for its sake.
        self.sync()?;
        match self.carry_out(&plan, buffer_bytes, &stop) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            // As in Kafka: it would fail again each time, and the other logs would wait.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                self.is_uncleanable.store(true, Ordering::Release);
                tracing::error!(
                    topic = %self.topic, partition = self.index, %error,
                    "the log is not compacted until the next start"
                );
                Ok(None)
            }
            result => result.map(Some),
        }
    }

    fn carry_out(
        &self,
        plan: &CleanPlan,
        buffer_bytes: usize,
        stop: &dyn Fn() -> bool,
    ) -> io::Result<Vec<Doomed>> {
        let map = plan.map(buffer_bytes, stop)?;
        let mut doomed = Vec::new();
        for group in plan.groups(&map) {
            let cleaned = plan.write(group, &map, stop)?;
            let base_offset = cleaned.base_offset();
            let removed = self.log().replace(cleaned);
            doomed.extend(removed.rename()?);
            // The old files must not come back beside the new one.
            plan.sync_names()?;
            self.log().settle(base_offset)?;
            plan.sync_names()?;
        }
        self.log().set_cleaned_to(CleanPlan::end(&map));
        Ok(doomed)
    }

    /// The first record that is not older than `timestamp`.
    pub(crate) fn offset_at_time(&self, timestamp: i64) -> Result<Option<TimedOffset>, Refusal> {
        let (found, start) = {
            let mut log = self.log();
            (log.batch_at_time(timestamp), log.start_offset())
        };
        let found = found.map_err(|error| self.storage_refusal("search", &error))?;
        found
            .map(|(head, batch)| {
                self.record_where(&head, batch, |offset, time| {
                    offset >= start && time >= timestamp
                })
            })
            .transpose()
    }

    /// The record with the largest timestamp (KIP-734).
    pub(crate) fn offset_of_max_time(&self) -> Result<Option<TimedOffset>, Refusal> {
        let found = self.log().batch_of_max_time();
        let found = found.map_err(|error| self.storage_refusal("search", &error))?;
        found
            .map(|(head, batch)| {
                self.record_where(&head, batch, |_, time| time >= head.max_timestamp)
            })
            .transpose()
    }

    /// How far all before an offset has come. Nobody waits for it in a partition that is gone.
    pub(crate) fn standing(&self, offset: i64, until: Until) -> Standing {
        let log = self.log();
        let is_there = match until {
            Until::Forced => !log.is_awaited_before(offset),
            Until::Committed => log.high_watermark() >= offset,
        };
        if is_there || self.is_deleted() {
            return Standing::There;
        }
        match log.check_disk() {
            Ok(()) => Standing::Pending,
            Err(_) => Standing::Failed,
        }
    }

    /// Waits until that is decided.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn decided(&self, offset: i64, until: Until) -> Standing {
        loop {
            let told = self.decided.notified();
            tokio::pin!(told);
            // Registered before the look, so that nothing happens unseen in between.
            told.as_mut().enable();
            match self.standing(offset, until) {
                Standing::Pending => told.await,
                decided => return decided,
            }
        }
    }

    /// Holds the high watermark where it is, or lets it go; where it is then.
    pub(crate) fn hold_high_watermark(&self, hold: bool) -> i64 {
        let high_watermark = {
            let mut log = self.log();
            log.hold_high_watermark(hold);
            log.high_watermark()
        };
        self.wake();
        high_watermark
    }

    /// Asks to be woken when something has changed; `since`: what this said last, as long as the waiter stands in the
    /// list from that time on.
    pub(crate) fn watch(&self, waiter: &Arc<Notify>, since: Option<u64>) -> u64 {
        let mut waiters = self.waiters();
        if since != Some(waiters.wakes) {
            waiters.all.push(Arc::downgrade(waiter));
        }
        waiters.wakes
    }

    /// Takes that back.
    pub(crate) fn unwatch(&self, waiter: &Arc<Notify>) {
        let mut waiters = self.waiters();
        waiters
            .all
            .retain(|other| other.strong_count() > 0 && !is(other, waiter));
    }

    /// From now on the partition answers that it does not exist.
    pub(crate) fn mark_deleted(&self) {
        self.deleted.store(true, Ordering::Release);
        self.wake();
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted.load(Ordering::Acquire)
    }

    fn check_there(&self) -> Result<(), Refusal> {
        if self.is_deleted() {
            return Err(Refusal::new(
                ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                format!("topic {} was deleted", self.topic),
            ));
        }
        Ok(())
    }

    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        self.wake_readers();
        self.decided.notify_waiters();
    }

    fn wake_readers(&self) {
        let woken = {
            let mut waiters = self.waiters();
            waiters.wakes += 1;
            std::mem::take(&mut waiters.all)
        };
        for waiter in woken.iter().filter_map(Weak::upgrade) {
            waiter.notify_one();
        }
    }

    /// Looks into a batch for the first record of which `wanted(offset, timestamp)` holds.
    fn record_where(
        &self,
        head: &BatchHeader,
        batch: Bytes,
        wanted: impl Fn(i64, i64) -> bool,
    ) -> Result<TimedOffset, Refusal> {
        let leader_epoch = head.partition_leader_epoch;
        let at = |offset, timestamp| TimedOffset {
            offset,
            timestamp,
            leader_epoch,
        };
        if is_append_time(head) {
            return Ok(at(head.base_offset, head.max_timestamp));
        }
        let damaged = |error: kafka_client_protocol::records::RecordError| {
            tracing::warn!(topic = %self.topic, partition = self.index, %error, "unreadable batch");
            Refusal::new(ErrorCode::CORRUPT_MESSAGE, error.to_string())
        };
        let batch = Batch::new(batch).map_err(damaged)?;
        let mut records = batch.records(DECOMPRESSED_MAX).map_err(damaged)?;
        while let Some(record) = records.next_record() {
            let record = record.map_err(damaged)?;
            if wanted(record.offset, record.timestamp) {
                return Ok(at(record.offset, record.timestamp));
            }
        }
        // The header promised a time that no record has; the batch's end is the safe answer.
        Ok(at(head.last_offset(), head.max_timestamp))
    }

    fn refusal(&self, error: &AppendError, head: &BatchHeader) -> Refusal {
        match error {
            AppendError::Sequence(SequenceError::OutOfOrder { expected, got }) => Refusal::new(
                ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
                format!(
                    "{}-{}: producer {} sent sequence {got} where {expected} must follow",
                    self.topic, self.index, head.producer_id
                ),
            ),
            AppendError::Sequence(SequenceError::OldEpoch { current, got }) => Refusal::new(
                ErrorCode::INVALID_PRODUCER_EPOCH,
                format!(
                    "{}-{}: producer {} sent epoch {got}, its current one is {current}",
                    self.topic, self.index, head.producer_id
                ),
            ),
            AppendError::Storage(error) => self.storage_refusal("append", error),
        }
    }

    fn storage_refusal(&self, what: &str, error: &io::Error) -> Refusal {
        if error.kind() == io::ErrorKind::WouldBlock {
            // It is done again when the bytes are in memory.
            return ErrorCode::KAFKA_STORAGE_ERROR.into();
        }
        tracing::error!(topic = %self.topic, partition = self.index, %error, "{what} failed");
        Refusal::new(
            ErrorCode::KAFKA_STORAGE_ERROR,
            format!("{}-{}: {what} failed: {error}", self.topic, self.index),
        )
    }
}

/// The one that is on its way to force a partition.
#[derive(Debug)]
struct ForceTurn {
    partition: Arc<Partition>,
    is_done: bool,
}

impl ForceTurn {
    /// Once: others who wait for a thread have theirs before the next time.
    fn force(mut self) {
        let partition = Arc::clone(&self.partition);
        if let Err(error) = partition.force() {
            tracing::error!(
                topic = %partition.topic, partition = partition.index, %error,
                "records were not forced to the disk, and are not acknowledged"
            );
            return;
        }
        self.is_done = true;
        drop(self);
        // Records may have come since, from one who saw this turn not ended.
        if !partition.is_deleted() && partition.log().is_awaited_before(i64::MAX) {
            partition.force_apart();
        }
    }
}

impl Drop for ForceTurn {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let error = io::Error::other("a panic while records were forced to the disk");
            self.partition.log().give_up_forcing(&error);
        }
        let is_forced_apart = &self.partition.is_forced_apart;
        is_forced_apart.store(false, Ordering::Release);
        if !self.is_done {
            // They may wait in vain.
            self.partition.wake();
        }
    }
}

fn ends(log: &Log) -> Ends {
    Ends {
        start_offset: log.start_offset(),
        last_stable_offset: log.last_stable_offset(),
        high_watermark: log.high_watermark(),
        end_offset: log.end_offset(),
    }
}

fn is(weak: &Weak<Notify>, waiter: &Arc<Notify>) -> bool {
    std::ptr::eq(weak.as_ptr(), Arc::as_ptr(waiter))
}

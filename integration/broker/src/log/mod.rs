//! A partition's log: batches in segments, as Apache Kafka lays them out on disk.
//!
//! ```text
//! <topic>-<partition>/
//!   00000000000000000000.log        batches, as they came but for base offset and leader epoch
//!   00000000000000000000.index      offset -> position, one entry per 4096 bytes
//!   00000000000000000000.timeindex  largest time so far -> offset
//!   00000000000000000042.log        the next segment, named by its first offset
//!   00000000000000000042.snapshot   the producers' state at that offset
//!   leader-epoch-checkpoint         leader epoch -> first offset
//!   partition.metadata              the topic's id
//! ```
//!
//! An acknowledged batch has been handed to the operating system, so the death of the process
//! loses nothing. The active segment is forced to the disk only by `log.flush.interval.messages`;
//! like Kafka, the default leaves that to the operating system. Closed segments are forced to the
//! disk in the background, which moves the recovery point: an unclean start checks what is above it.
//! The index files are written when a segment closes; after an unclean stop those above the recovery
//! point are rebuilt from the batches.

pub(crate) mod batch;
pub(crate) mod checkpoint;
mod data;
mod epochs;
mod index;
mod producers;
mod segment;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use kafka_client_protocol::records::{BatchHeader, RecordError};

use crate::fs::Disk;

use self::batch::{PATCH_BYTES, is_append_time};
use self::data::DataSlice;
pub(crate) use self::data::HandleBudget;
use self::epochs::Epochs;
pub(crate) use self::producers::SequenceError;
use self::producers::{Producers, Sequencing};
use self::segment::{Segment, SegmentSyncer};

/// Where a log keeps its bytes.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// Gone with the process.
    Memory,
    /// A partition's own directory, made when it is not there.
    Dir {
        path: PathBuf,
        disk: Disk,
        budget: HandleBudget,
    },
}

/// The settings of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogConfig {
    /// `segment.bytes`.
    pub(crate) segment_bytes: u64,
    /// `segment.index.bytes`.
    pub(crate) index_bytes: usize,
    /// `flush.messages`: records between two forced writes to the disk.
    pub(crate) flush_messages: i64,
    /// `producer.id.expiration.ms`.
    pub(crate) producer_expiration_ms: i64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 1 << 30,
            index_bytes: 10 << 20,
            flush_messages: i64::MAX,
            producer_expiration_ms: 86_400_000,
        }
    }
}

/// How the log was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Closed in order: the index files are true.
    Clean,
    /// Not closed: everything from the recovery point on is checked.
    Unclean { recovery_point: i64 },
}

/// A partition's log.
#[derive(Debug)]
pub(crate) struct Log {
    place: Place,
    config: LogConfig,
    /// Ascending by base offset, never empty; the last one is appended to.
    segments: Vec<Segment>,
    start_offset: i64,
    recovery_point: i64,
    unflushed_records: i64,
    producers: Producers,
    producers_checked_ms: i64,
    epochs: Epochs,
    /// Whether the file does not say so yet.
    epochs_changed: bool,
    appended_bytes: u64,
    /// The directory has names that are not forced to the disk.
    names_changed: bool,
    /// Nor is its own.
    is_new: bool,
    /// Nothing may come after the files were said to be true.
    closed: bool,
    /// Where recent reads ended: the next read of a consumer starts there without a search.
    hints: [Hint; 4],
    next_hint: usize,
}

#[derive(Debug, Clone, Copy)]
struct Hint {
    offset: i64,
    segment_base: i64,
    position: u64,
}

const NO_HINT: Hint = Hint {
    offset: -1,
    segment_base: 0,
    position: 0,
};

/// Where a batch went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    /// The broker's time, if the topic stamps batches with it.
    pub(crate) append_time_ms: i64,
    pub(crate) duplicate: bool,
}

/// What is to be forced to the disk, without the partition's lock.
#[derive(Debug)]
pub(crate) struct Unsynced {
    segments: Vec<SegmentSyncer>,
    names: Option<Names>,
    /// Where the recovery point is once that is done.
    pub(crate) offset: i64,
}

impl Unsynced {
    /// Takes as long as the disk does.
    pub(crate) fn sync(&self) -> io::Result<()> {
        for segment in &self.segments {
            segment.sync()?;
        }
        self.names.as_ref().map_or(Ok(()), Names::sync)
    }
}

/// The names of a partition's files, and its own.
#[derive(Debug)]
struct Names {
    path: PathBuf,
    with_its_own: bool,
    disk: Disk,
}

impl Names {
    fn sync(&self) -> io::Result<()> {
        self.disk.sync_dir(&self.path)?;
        let parent = self.path.parent().filter(|_| self.with_its_own);
        parent.map_or(Ok(()), |parent| self.disk.sync_dir(parent))
    }
}

/// Why a batch was not appended.
#[derive(Debug)]
pub(crate) enum AppendError {
    Sequence(SequenceError),
    Storage(io::Error),
}

/// What to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadRequest {
    /// The batch that holds this offset comes first.
    pub(crate) offset: i64,
    /// No batch that starts here or later.
    pub(crate) upper_offset: i64,
    pub(crate) max_bytes: usize,
    /// Give the first batch whole, even over `max_bytes`.
    pub(crate) at_least_one: bool,
    /// How much to read for the first batch: 0, or what [`ReadOutcome::Larger`] said.
    pub(crate) first_bytes: usize,
}

/// What a read found, to be fetched after the lock is released.
#[derive(Debug)]
pub(crate) struct ReadPlan {
    read: ReadRequest,
    slice: Option<DataSlice>,
    position: u64,
    segment_base: i64,
    /// Where to go on when this segment holds nothing at or after the offset.
    next_segment: Option<i64>,
}

/// What came of a [`ReadPlan`].
#[derive(Debug)]
pub(crate) enum ReadOutcome {
    /// Whole batches, perhaps none.
    Batches { bytes: Bytes, end: Option<ReadEnd> },
    /// The first batch is larger than what was read: plan again with this much.
    Larger { bytes: usize },
    /// Nothing in this segment: plan again from this offset.
    Elsewhere { offset: i64 },
}

/// Where a read ended, to be given to [`Log::remember`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadEnd(Hint);

impl Log {
    /// Opens what is at a place, or starts a log there.
    pub(crate) fn open(
        place: Place,
        config: LogConfig,
        opening: Opening,
        start_offset: i64,
        now_ms: i64,
    ) -> io::Result<Self> {
        let mut log = Self {
            place,
            config,
            segments: Vec::new(),
            start_offset,
            recovery_point: 0,
            unflushed_records: 0,
            producers: Producers::default(),
            producers_checked_ms: now_ms,
            epochs: Epochs::default(),
            epochs_changed: false,
            appended_bytes: 0,
            names_changed: true,
            is_new: true,
            closed: false,
            hints: [NO_HINT; 4],
            next_hint: 0,
        };
        if let Place::Dir { path, disk, budget } = &log.place {
            disk.create_dir_all(path)?;
            log.epochs = Epochs::new(checkpoint::read_epochs(disk, &path.join(EPOCHS_FILE))?);
            for base in segment_bases(disk, path)? {
                log.segments
                    .push(Segment::in_dir(path, base, disk, budget.clone())?);
            }
        }
        if log.segments.is_empty() {
            let first = log.new_segment(start_offset)?;
            log.segments.push(first);
        } else {
            // What was closed in order has left nothing to be forced to the disk.
            (log.names_changed, log.is_new) = match opening {
                Opening::Clean => (false, false),
                Opening::Unclean { .. } => (true, true),
            };
            log.load_segments(opening)?;
            log.load_producers(now_ms)?;
        }
        let end = log.end_offset();
        if log.epochs.truncate(end) {
            log.write_epochs()?;
        }
        log.start_offset = start_offset.clamp(log.segments[0].base_offset(), end);
        log.recovery_point = match opening {
            Opening::Clean => end,
            Opening::Unclean { recovery_point } => recovery_point.min(end),
        };
        Ok(log)
    }

    /// The first offset a reader may ask for.
    /// Lets other settings hold from here on.
    pub(crate) fn reconfigure(&mut self, config: LogConfig) {
        self.config = config;
    }

    pub(crate) fn start_offset(&self) -> i64 {
        self.start_offset
    }

    /// The offset the next record gets. With one replica this is also the high watermark.
    pub(crate) fn end_offset(&self) -> i64 {
        self.segments
            .last()
            .map_or(self.start_offset, Segment::next_offset)
    }

    /// The offset below which everything is known to be on the disk.
    pub(crate) fn recovery_point(&self) -> i64 {
        self.recovery_point
    }

    /// A count of all bytes ever appended: the difference of two calls is what came in between.
    pub(crate) fn appended_bytes(&self) -> u64 {
        self.appended_bytes
    }

    /// The bytes of all segments.
    #[cfg(test)]
    pub(crate) fn size(&self) -> u64 {
        self.segments.iter().map(Segment::len).sum()
    }

    /// Appends one batch that has passed validation: gives it its offset and epoch.
    pub(crate) fn append(
        &mut self,
        batch: &Bytes,
        head: &BatchHeader,
        leader_epoch: i32,
        now_ms: i64,
    ) -> Result<Appended, AppendError> {
        if self.closed {
            return Err(AppendError::Storage(io::Error::other("the log is closed")));
        }
        if let Place::Dir { disk, .. } = &self.place {
            // Before the producer's state is asked: what failed may have been noted there.
            disk.check().map_err(AppendError::Storage)?;
        }
        let append_time_ms = if is_append_time(head) {
            head.max_timestamp
        } else {
            -1
        };
        if head.producer_id >= 0 {
            self.expire_producers(now_ms);
            match self.producers.check(head).map_err(AppendError::Sequence)? {
                Sequencing::Next => {}
                Sequencing::Duplicate {
                    base_offset,
                    timestamp,
                } => {
                    // As in Kafka, a batch sent again gets its timestamp here in any case.
                    return Ok(Appended {
                        base_offset,
                        append_time_ms: timestamp,
                        duplicate: true,
                    });
                }
            }
        }
        let base_offset = self.end_offset();
        let placed = BatchHeader {
            base_offset,
            partition_leader_epoch: leader_epoch,
            ..*head
        };
        let start = batch::patched_start(batch, base_offset, leader_epoch);
        self.roll_for(&placed).map_err(AppendError::Storage)?;
        self.epochs_changed |= self.epochs.assign(leader_epoch, base_offset);
        if self.epochs_changed {
            self.write_epochs().map_err(AppendError::Storage)?;
            self.epochs_changed = false;
        }
        self.active()
            .append(&placed, &start, &batch[PATCH_BYTES..])
            .map_err(AppendError::Storage)?;
        self.appended_bytes += placed.total_len() as u64;
        self.producers.appended(&placed, now_ms);
        self.unflushed_records += i64::from(placed.last_offset_delta) + 1;
        if self.unflushed_records >= self.config.flush_messages {
            self.flush().map_err(AppendError::Storage)?;
        }
        Ok(Appended {
            base_offset,
            append_time_ms,
            duplicate: false,
        })
    }

    /// Plans a read of whole batches. The offset must lie between start and end.
    pub(crate) fn plan_read(&mut self, read: ReadRequest) -> io::Result<ReadPlan> {
        let ReadRequest {
            offset,
            max_bytes,
            at_least_one,
            ..
        } = read;
        let index = self.segment_index(offset);
        let next_segment = self.segments.get(index + 1).map(Segment::base_offset);
        let segment = &mut self.segments[index];
        let segment_base = segment.base_offset();
        let hint = self
            .hints
            .iter()
            .find(|hint| hint.offset == offset && hint.segment_base == segment_base);
        // From the floor of the index the wanted batch is up to an interval away.
        let (position, detour) = match hint {
            Some(hint) => (hint.position, 0),
            None => (
                segment.floor_position(offset),
                segment::INDEX_INTERVAL_BYTES as usize,
            ),
        };
        let first = if at_least_one {
            read.first_bytes.max(BatchHeader::LEN)
        } else {
            0
        };
        let wanted = max_bytes.max(first);
        let left = usize::try_from(segment.len().saturating_sub(position)).unwrap_or(usize::MAX);
        let length = wanted.saturating_add(detour).min(left);
        let slice = match length {
            0 => None,
            length => Some(segment.slice(position, length)?),
        };
        Ok(ReadPlan {
            read,
            slice,
            position,
            segment_base,
            next_segment,
        })
    }

    /// Keeps where a read ended, for the read that goes on there.
    pub(crate) fn remember(&mut self, end: ReadEnd) {
        self.hints[self.next_hint] = end.0;
        self.next_hint = (self.next_hint + 1) % self.hints.len();
    }

    /// The first batch that may hold a record of `timestamp` or later, with its head.
    pub(crate) fn batch_at_time(
        &mut self,
        timestamp: i64,
    ) -> io::Result<Option<(BatchHeader, Bytes)>> {
        let start_offset = self.start_offset;
        let candidates = self.segments.iter_mut().filter(|segment| {
            segment.next_offset() > start_offset
                && segment
                    .max_timestamp()
                    .is_some_and(|(max, _)| max >= timestamp)
        });
        for segment in candidates {
            let from = segment.floor_position(segment.floor_offset_of_time(timestamp));
            let mut found = None;
            segment.walk(from, |head, position| {
                if head.max_timestamp >= timestamp && head.last_offset() >= start_offset {
                    found = Some((*head, position));
                }
                found.is_none()
            })?;
            if let Some((head, position)) = found {
                return Ok(Some((head, segment.batch_at(position, &head)?)));
            }
        }
        Ok(None)
    }

    /// The batch with the largest timestamp of all.
    pub(crate) fn batch_of_max_time(&mut self) -> io::Result<Option<(BatchHeader, Bytes)>> {
        let Some(max) = self
            .segments
            .iter()
            .filter_map(Segment::max_timestamp)
            .map(|max| max.0)
            .max()
        else {
            return Ok(None);
        };
        self.batch_at_time(max)
    }

    /// Says from which epoch the next batches come. The file learns of it with the first of them.
    pub(crate) fn lead(&mut self, leader_epoch: i32) {
        let end = self.end_offset();
        self.epochs_changed |= self.epochs.assign(leader_epoch, end);
    }

    /// The epoch that wrote an offset.
    pub(crate) fn epoch_of(&self, offset: i64) -> Option<i32> {
        self.epochs.epoch_of(offset)
    }

    /// The epoch of the last append.
    pub(crate) fn latest_epoch(&self) -> Option<i32> {
        self.epochs.latest()
    }

    /// The largest epoch not above `epoch`, and one past its last offset; nothing for an epoch above
    /// all that are known.
    pub(crate) fn end_of_epoch(&self, epoch: i32) -> Option<(i32, i64)> {
        self.epochs.end_of(epoch, self.end_offset())
    }

    /// Forces everything to the disk and moves the recovery point to the end.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let recovery_point = self.recovery_point;
        for segment in &mut self.segments {
            if (segment.next_offset() > recovery_point || segment.has_unsynced_files())
                && let Some(syncer) = segment.syncer()?
            {
                syncer.sync()?;
            }
        }
        if let Some(names) = self.unsynced_names() {
            names.sync()?;
        }
        self.recovery_point = self.end_offset();
        self.unflushed_records = 0;
        Ok(())
    }

    /// What forces the names of new files to the disk: without them their content is lost with the machine.
    fn unsynced_names(&mut self) -> Option<Names> {
        let is_needed = std::mem::take(&mut self.names_changed);
        let with_its_own = std::mem::take(&mut self.is_new);
        match &self.place {
            Place::Dir { path, disk, .. } if is_needed => Some(Names {
                path: path.clone(),
                with_its_own,
                disk: disk.clone(),
            }),
            _ => None,
        }
    }

    /// What forces the closed segments above the recovery point to the disk, with their index files and names;
    /// `None` if that is done.
    pub(crate) fn unsynced(&mut self) -> io::Result<Option<Unsynced>> {
        let offset = self.active().base_offset();
        if self.recovery_point >= offset {
            return Ok(None);
        }
        let mut segments = Vec::new();
        let recovery_point = self.recovery_point;
        for segment in &mut self.segments {
            if segment.next_offset() > recovery_point && segment.base_offset() < offset {
                segments.extend(segment.syncer()?);
            }
        }
        Ok(Some(Unsynced {
            segments,
            names: self.unsynced_names(),
            offset,
        }))
    }

    /// Notes that everything below `offset` is on the disk.
    pub(crate) fn synced_to(&mut self, offset: i64) {
        self.recovery_point = self.recovery_point.max(offset).min(self.end_offset());
    }

    /// Closes in order: after this the index files are true and the bytes on the disk.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.closed = true;
        if matches!(self.place, Place::Memory) {
            return Ok(());
        }
        self.names_changed |= self.active().write_indices()?;
        // The mark of a clean stop says that all is on the disk.
        self.flush()
    }

    fn active(&mut self) -> &mut Segment {
        let last = self.segments.len() - 1;
        &mut self.segments[last]
    }

    fn segment_index(&self, offset: i64) -> usize {
        self.segments
            .partition_point(|segment| segment.base_offset() <= offset)
            .saturating_sub(1)
    }

    fn new_segment(&self, base_offset: i64) -> io::Result<Segment> {
        match &self.place {
            Place::Memory => Ok(Segment::memory(base_offset)),
            Place::Dir { path, disk, budget } => {
                Segment::in_dir(path, base_offset, disk, budget.clone())
            }
        }
    }

    /// Starts a new segment when the active one has no room for a batch.
    fn roll_for(&mut self, head: &BatchHeader) -> io::Result<()> {
        let LogConfig {
            segment_bytes,
            index_bytes,
            ..
        } = self.config;
        if self.active().has_room(head, segment_bytes, index_bytes) {
            return Ok(());
        }
        self.active().write_indices()?;
        let mut next = self.new_segment(head.base_offset)?;
        self.names_changed = true;
        if let Place::Dir { path, disk, .. } = &self.place {
            let snapshot = snapshot_path(path, head.base_offset);
            disk.write(&snapshot, &self.producers.to_snapshot())?;
        }
        next.has_new_snapshot();
        self.segments.push(next);
        Ok(())
    }

    fn write_epochs(&self) -> io::Result<()> {
        match &self.place {
            Place::Memory => Ok(()),
            Place::Dir { path, disk, .. } => {
                checkpoint::write_epochs(disk, &path.join(EPOCHS_FILE), self.epochs.entries())
            }
        }
    }

    fn expire_producers(&mut self, now_ms: i64) {
        const CHECK_INTERVAL_MS: i64 = 600_000;
        if now_ms - self.producers_checked_ms >= CHECK_INTERVAL_MS {
            self.producers_checked_ms = now_ms;
            self.producers
                .expire(now_ms, self.config.producer_expiration_ms);
        }
    }

    /// Reads the indices of all segments, or rebuilds those that may not be trusted; cuts the log
    /// at the first batch that is not intact.
    fn load_segments(&mut self, opening: Opening) -> io::Result<()> {
        let trusted_end = match opening {
            Opening::Clean => i64::MAX,
            Opening::Unclean { recovery_point } => recovery_point,
        };
        let count = self.segments.len();
        let mut expected = self.segments[0].base_offset();
        for index in 0..count {
            let whole_below = self
                .segments
                .get(index + 1)
                .map_or(i64::MAX, Segment::base_offset);
            let trusted = whole_below <= trusted_end || opening == Opening::Clean;
            let segment = &mut self.segments[index];
            let base = segment.base_offset();
            if trusted && segment.load()? {
                expected = segment.next_offset();
                continue;
            }
            let end = segment.recover(expected.max(base), |_| {})?;
            expected = segment.next_offset();
            let Some(damage) = end.damage else { continue };
            if expected < trusted_end {
                // It was on the disk as a whole: no crash does this, so what follows is none of its making.
                let last = index + 1 == count;
                let text = format!(
                    "{}: segment {base} is damaged at position {}: {damage}; it was on the disk before",
                    self.name(),
                    end.position
                );
                if last {
                    let text = format!(
                        "{text}; restore it, or cut the file there to go on without what follows"
                    );
                    return Err(io::Error::new(io::ErrorKind::InvalidData, text));
                }
                tracing::error!(%text, "the rest of this segment is not read; its file is left as it is");
                continue;
            }
            self.segments[index].cut(end.position)?;
            tracing::warn!(
                log = %self.name(), segment = base, position = end.position, %damage,
                "cut the log at a damaged batch; what followed is gone"
            );
            for dropped in self.segments.drain(index + 1..) {
                tracing::warn!(
                    segment = dropped.base_offset(),
                    "removed after a damaged batch"
                );
                dropped.delete()?;
            }
            // Else the next crash may bring back what was cut and removed, behind what comes now.
            self.flush()?;
            break;
        }
        self.drop_empty_tail()?;
        // All but the active segment have index files from now on.
        let last = self.segments.len() - 1;
        for segment in &mut self.segments[..last] {
            self.names_changed |= segment.write_indices()?;
        }
        Ok(())
    }

    /// A crash may leave the name of a segment and nothing in it, behind one that has lost its end. The log ends
    /// with its last record then: a reader would wait in the gap.
    fn drop_empty_tail(&mut self) -> io::Result<()> {
        let mut is_changed = false;
        while let [.., before, last] = &self.segments[..]
            && last.len() == 0
            && before.next_offset() < last.base_offset()
            && let Some(last) = self.segments.pop()
        {
            last.delete()?;
            is_changed = true;
        }
        match is_changed {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Rebuilds the producers' state: a snapshot keeps one batch of each, so at least the last
    /// two segments are replayed to know five again.
    fn load_producers(&mut self, now_ms: i64) -> io::Result<()> {
        let mut from = self.segments.len().saturating_sub(2);
        self.producers = loop {
            if from == 0 {
                break Producers::default();
            }
            let base = self.segments[from].base_offset();
            let snapshot = match &self.place {
                Place::Memory => None,
                Place::Dir { path, disk, .. } => disk.read_if_there(&snapshot_path(path, base))?,
            };
            match snapshot.and_then(|bytes| Producers::from_snapshot(&bytes)) {
                Some(producers) => break producers,
                None => from -= 1,
            }
        };
        let mut producers = std::mem::take(&mut self.producers);
        let mut epochs = std::mem::take(&mut self.epochs);
        for segment in &mut self.segments[from..] {
            segment.walk(0, |head, _| {
                producers.appended(head, now_ms);
                epochs.assign(head.partition_leader_epoch, head.base_offset);
                true
            })?;
        }
        producers.expire(now_ms, self.config.producer_expiration_ms);
        self.producers = producers;
        self.epochs = epochs;
        Ok(())
    }

    fn name(&self) -> String {
        match &self.place {
            Place::Memory => "memory".to_owned(),
            Place::Dir { path, .. } => path.display().to_string(),
        }
    }
}

impl ReadPlan {
    /// Reads and cuts to whole batches. Runs without the partition's lock.
    pub(crate) fn run(self) -> io::Result<ReadOutcome> {
        let ReadRequest {
            offset,
            upper_offset,
            max_bytes,
            at_least_one,
            ..
        } = self.read;
        let bytes = match self.slice {
            Some(slice) => slice.read()?,
            None => Bytes::new(),
        };
        let mut at = 0;
        // Skip what lies before the offset.
        let start = loop {
            match BatchHeader::parse(bytes.get(at..).unwrap_or_default()) {
                Ok(head) if head.last_offset() >= offset => break Some(head),
                Ok(head) => at += head.total_len(),
                Err(RecordError::Truncated { .. }) => break None,
                Err(bad) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, bad.to_string()));
                }
            }
            if at > bytes.len() && at_least_one {
                return Ok(ReadOutcome::Larger {
                    bytes: at + BatchHeader::LEN,
                });
            }
        };
        let Some(first) = start else {
            if at != bytes.len() && !at_least_one {
                let bytes = Bytes::new();
                return Ok(ReadOutcome::Batches { bytes, end: None });
            }
            if at < bytes.len() {
                return Ok(ReadOutcome::Larger {
                    bytes: bytes.len() + BatchHeader::LEN,
                });
            }
            return Ok(match self.next_segment {
                Some(offset) => ReadOutcome::Elsewhere { offset },
                None => ReadOutcome::Batches {
                    bytes: Bytes::new(),
                    end: None,
                },
            });
        };
        if first.base_offset >= upper_offset {
            return Ok(ReadOutcome::Batches {
                bytes: Bytes::new(),
                end: None,
            });
        }
        if at_least_one && bytes.len() - at < first.total_len() {
            return Ok(ReadOutcome::Larger {
                bytes: at + first.total_len(),
            });
        }
        let limit = if at_least_one {
            max_bytes.max(first.total_len())
        } else {
            max_bytes
        };
        let (from, mut to, mut next) = (at, at, offset);
        while let Ok(head) = BatchHeader::parse(&bytes[to..]) {
            let end = to + head.total_len();
            if head.base_offset >= upper_offset || end > bytes.len() || end - from > limit {
                break;
            }
            to = end;
            next = head.last_offset().saturating_add(1);
        }
        let end = ReadEnd(Hint {
            offset: next,
            segment_base: self.segment_base,
            position: self.position + to as u64,
        });
        Ok(ReadOutcome::Batches {
            bytes: bytes.slice(from..to),
            end: Some(end),
        })
    }
}

const EPOCHS_FILE: &str = "leader-epoch-checkpoint";

fn snapshot_path(dir: &Path, offset: i64) -> PathBuf {
    dir.join(format!("{offset:020}.snapshot"))
}

/// The base offsets of the segments in a directory, ascending.
fn segment_bases(disk: &Disk, dir: &Path) -> io::Result<Vec<i64>> {
    let names = disk.names(dir)?.into_iter();
    let base = |name: String| name.strip_suffix(".log")?.parse().ok();
    let mut bases: Vec<i64> = names.filter_map(base).collect();
    bases.sort_unstable();
    Ok(bases)
}

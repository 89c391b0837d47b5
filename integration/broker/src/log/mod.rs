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
//!   *.deleted                       of a segment that retention or compaction has taken out
//!   *.log.cleaned, *.log.swap       a compacted segment on its way in
//! ```
//!
//! An acknowledged batch has been handed to the operating system, so the death of the process
//! loses nothing. The active segment is forced to the disk only by `flush.messages` and `flush.ms`;
//! like Kafka, the default leaves that to the operating system. Closed segments are forced to the
//! disk in the background, which moves the recovery point: an unclean start checks what is above it.
//! The index files are written when a segment closes; after an unclean stop those above the recovery
//! point are rebuilt from the batches.

pub(crate) mod batch;
pub(crate) mod checkpoint;
mod clean;
mod compact;
mod data;
mod epochs;
mod flush;
mod index;
mod load;
mod producers;
mod read;
mod retention;
mod segment;
#[cfg(test)]
mod tests;
mod truncate;

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use kafka_client_protocol::records::BatchHeader;

use crate::fs::Disk;

use self::batch::{PATCH_BYTES, is_append_time};
pub(crate) use self::clean::CleanPlan;
pub(crate) use self::data::{DataSlice, HandleBudget, Reads};
use self::epochs::Epochs;
use self::flush::Awaited;
pub(crate) use self::flush::Unsynced;
pub(crate) use self::producers::SequenceError;
use self::producers::{Producers, Sequencing};
use self::read::Hints;
pub(crate) use self::read::{ReadOutcome, ReadRequest, Search, Seen, Spot};
pub(crate) use self::retention::Doomed;
use self::segment::Segment;

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
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LogConfig {
    /// `segment.bytes`.
    pub(crate) segment_bytes: u64,
    /// `segment.ms`: how long a segment is appended to.
    pub(crate) segment_ms: i64,
    /// `segment.jitter.ms`: how much earlier a segment may end, so that not all do at once.
    pub(crate) segment_jitter_ms: i64,
    /// `segment.index.bytes`.
    pub(crate) index_bytes: usize,
    /// `retention.ms`: how old a segment may become, -1 for no limit.
    pub(crate) retention_ms: i64,
    /// `retention.bytes`: how large the log may become, -1 for no limit.
    pub(crate) retention_bytes: i64,
    /// `file.delete.delay.ms`: how long the files of a removed segment stay.
    pub(crate) file_delete_delay_ms: i64,
    /// Whether `cleanup.policy` has `delete`: the two limits hold.
    pub(crate) deletes: bool,
    /// Whether it has `compact`: only the last value of each key is kept.
    pub(crate) compacts: bool,
    /// `min.cleanable.dirty.ratio`: how much of the log must not be compacted yet for it to be compacted.
    pub(crate) min_cleanable_dirty_ratio: f64,
    /// `min.compaction.lag.ms`: how long a record stays in any case.
    pub(crate) min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`: how long a record may wait for its compaction.
    pub(crate) max_compaction_lag_ms: i64,
    /// `delete.retention.ms`: how long a tombstone stays after its first compaction.
    pub(crate) delete_retention_ms: i64,
    /// `flush.messages`: records between two forced writes to the disk.
    pub(crate) flush_messages: i64,
    /// `flush.ms`: how long a record waits for a forced write to the disk.
    pub(crate) flush_ms: i64,
    /// `producer.id.expiration.ms`.
    pub(crate) producer_expiration_ms: i64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 1 << 30,
            segment_ms: 604_800_000,
            segment_jitter_ms: 0,
            index_bytes: 10 << 20,
            retention_ms: 604_800_000,
            retention_bytes: -1,
            file_delete_delay_ms: 60_000,
            deletes: true,
            compacts: false,
            min_cleanable_dirty_ratio: 0.5,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            delete_retention_ms: 86_400_000,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
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
    /// Where the high watermark stays, whatever is appended. `None`: with one replica it is the end, or where
    /// records begin that are [awaited](Awaited) on the disk.
    held_high_watermark: Option<i64>,
    recovery_point: i64,
    unflushed_records: i64,
    /// When the first of them came, by the wall clock.
    unflushed_since_ms: i64,
    awaited: Option<Awaited>,
    /// Why something could not be forced to the disk, which is not tried again.
    unforced: Option<String>,
    producers: Producers,
    producers_checked_ms: i64,
    epochs: Epochs,
    /// Whether the file does not say so yet.
    epochs_changed: bool,
    /// The directory has names that are not forced to the disk.
    names_changed: bool,
    /// Nor is its own.
    is_new: bool,
    /// Nothing may come after the files were said to be true.
    closed: bool,
    hints: Hints,
    /// Counts how often batches have got another position.
    layout: u32,
    /// Counts how often the end has been cut.
    cuts: u32,
    /// Up to where the log is compacted.
    cleaned_to: i64,
}

/// Where a batch went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    /// The broker's time, if the topic stamps batches with it.
    pub(crate) append_time_ms: i64,
    pub(crate) duplicate: bool,
    /// `flush.messages` wants it on the disk, and it is not there yet: see to it before this is acknowledged.
    pub(crate) is_awaited: bool,
}

/// Why a batch was not appended.
#[derive(Debug)]
pub(crate) enum AppendError {
    Sequence(SequenceError),
    Storage(io::Error),
}

impl Log {
    /// Takes over other settings; each holds from its next use on.
    pub(crate) fn reconfigure(&mut self, config: LogConfig) {
        self.config = config;
    }

    /// The first offset a reader may ask for.
    pub(crate) fn start_offset(&self) -> i64 {
        self.start_offset
    }

    /// The offset the next record gets.
    pub(crate) fn end_offset(&self) -> i64 {
        self.segments
            .last()
            .map_or(self.start_offset, Segment::next_offset)
    }

    /// The offset below which every replica has the records: what consumers may see ends here.
    pub(crate) fn high_watermark(&self) -> i64 {
        let end = self.end_offset();
        let forced = self.forced_offset().min(end);
        self.held_high_watermark
            .map_or(forced, |held| held.min(forced))
    }

    /// The offset below which every transaction has ended. There are none yet.
    pub(crate) fn last_stable_offset(&self) -> i64 {
        self.high_watermark()
    }

    /// Holds the high watermark where it is, or lets it follow the end again.
    pub(crate) fn hold_high_watermark(&mut self, hold: bool) {
        self.held_high_watermark = hold.then(|| self.high_watermark());
    }

    /// The offset below which everything is known to be on the disk.
    pub(crate) fn recovery_point(&self) -> i64 {
        self.recovery_point
    }

    /// The heads of all batches that can be read.
    #[cfg(test)]
    pub(crate) fn heads(&mut self) -> Vec<BatchHeader> {
        let mut heads = Vec::new();
        for segment in &mut self.segments {
            let walked = segment.walk(0, |head, _| {
                heads.push(*head);
                true
            });
            assert!(walked.unwrap().damage.is_none());
        }
        heads
    }

    /// The producers that the log remembers.
    pub(crate) fn producers(&self) -> &Producers {
        &self.producers
    }

    /// The bytes of all segments.
    pub(crate) fn size(&self) -> u64 {
        self.segments.iter().map(Segment::len).sum()
    }

    pub(crate) fn segment_count(&self) -> usize {
        self.segments.len()
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
        // Before the producer's state is asked: what failed may have been noted there.
        self.check_disk().map_err(AppendError::Storage)?;
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
                        is_awaited: self.is_awaited_before(i64::MAX),
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
        self.roll_for(&placed, now_ms)
            .map_err(AppendError::Storage)?;
        self.epochs_changed |= self.epochs.assign(leader_epoch, base_offset);
        if self.epochs_changed {
            self.write_epochs().map_err(AppendError::Storage)?;
            self.epochs_changed = false;
        }
        self.active()
            .append(&placed, &start, &batch[PATCH_BYTES..])
            .map_err(AppendError::Storage)?;
        self.producers.appended(&placed, now_ms);
        self.count_unflushed(base_offset, now_ms);
        Ok(Appended {
            base_offset,
            append_time_ms,
            duplicate: false,
            is_awaited: self.is_awaited_before(i64::MAX),
        })
    }

    /// Moves the start forward; nothing happens if it is there already.
    pub(crate) fn advance_start(&mut self, offset: i64) {
        let offset = offset.min(self.end_offset());
        if offset > self.start_offset {
            self.start_offset = offset;
            self.epochs_changed |= self.epochs.truncate_start(offset);
        }
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

    fn active(&mut self) -> &mut Segment {
        let last = self.segments.len() - 1;
        &mut self.segments[last]
    }

    fn segment_index(&self, offset: i64) -> usize {
        self.segments
            .partition_point(|segment| segment.base_offset() <= offset)
            .saturating_sub(1)
    }

    fn new_segment(&self, base_offset: i64, now_ms: i64) -> io::Result<Segment> {
        match &self.place {
            Place::Memory => Ok(Segment::memory(base_offset, now_ms)),
            Place::Dir { path, disk, budget } => {
                Segment::in_dir(path, base_offset, disk, budget.clone(), now_ms)
            }
        }
    }

    /// Starts a new segment when the active one is too old for a batch or has no room for it.
    fn roll_for(&mut self, head: &BatchHeader, now_ms: i64) -> io::Result<()> {
        let LogConfig {
            segment_bytes,
            index_bytes,
            ..
        } = self.config;
        let age_max_ms = self.active_ms();
        let active = self.active();
        let is_old = active.len() > 0 && active.age_ms(head.max_timestamp, now_ms)? > age_max_ms;
        if !is_old && active.has_room(head, segment_bytes, index_bytes) {
            return Ok(());
        }
        self.roll(head.base_offset, now_ms)
    }

    /// How long the active segment is appended to.
    fn active_ms(&self) -> i64 {
        let LogConfig {
            mut segment_ms,
            segment_jitter_ms,
            compacts,
            max_compaction_lag_ms,
            ..
        } = self.config;
        if compacts {
            // The active segment is not compacted.
            segment_ms = segment_ms.min(max_compaction_lag_ms);
        }
        let jitter_max_ms = segment_jitter_ms.min(segment_ms);
        if jitter_max_ms <= 0 {
            return segment_ms;
        }
        // Not chance, but no two partitions and no two segments share it either.
        let base = self.segments.last().map_or(0, Segment::base_offset);
        let spread =
            crc32c::crc32c_append(crc32c::crc32c(self.name().as_bytes()), &base.to_be_bytes());
        segment_ms - i64::from(spread) % jitter_max_ms
    }

    /// Starts a new segment.
    fn roll(&mut self, base_offset: i64, now_ms: i64) -> io::Result<()> {
        self.active().write_indices()?;
        let mut next = self.new_segment(base_offset, now_ms)?;
        self.names_changed = true;
        if let Place::Dir { path, disk, .. } = &self.place {
            let snapshot = snapshot_path(path, base_offset);
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

    fn name(&self) -> String {
        match &self.place {
            Place::Memory => "memory".to_owned(),
            Place::Dir { path, .. } => path.display().to_string(),
        }
    }
}

const EPOCHS_FILE: &str = "leader-epoch-checkpoint";

fn snapshot_path(dir: &Path, offset: i64) -> PathBuf {
    dir.join(format!("{offset:020}.snapshot"))
}

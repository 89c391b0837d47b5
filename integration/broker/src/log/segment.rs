//! One segment of a log: its bytes and the indices over them.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use kafka_client_protocol::records::{Batch, BatchHeader, RecordError};

use super::data::{Content, DataSlice, HandleBudget, SegmentData, Syncer};
use super::index::{Indices, OffsetEntry, TimeEntry};
use crate::fs::Disk;

/// How far apart index entries are, in bytes of the log.
pub(crate) const INDEX_INTERVAL_BYTES: u32 = 4096;
/// The files of a segment: the batches, and what is beside them.
const EXTENSIONS: [&str; 4] = ["log", "index", "timeindex", "snapshot"];
/// How much a scan reads at once.
const SCAN_BYTES: usize = 256 * 1024;

/// One segment.
#[derive(Debug)]
pub(crate) struct Segment {
    base_offset: i64,
    /// Its path without extension, and the disk; `None` in memory.
    file: Option<(PathBuf, Disk)>,
    data: SegmentData,
    indices: Indices,
    bytes_since_entry: u32,
    /// The index files have what the indices have.
    is_indexed: bool,
    /// Files beside the log were written and not forced to the disk.
    has_unsynced_files: bool,
    /// The largest timestamp and the last offset of the batch that has it.
    max_timestamp: Option<(i64, i64)>,
    /// That of the first batch, once it is known.
    first_timestamp: Option<i64>,
    /// When it was made or opened, by the wall clock.
    created_ms: i64,
    /// One past the last offset in it.
    next_offset: i64,
}

/// Forces a segment to the disk, without the partition's lock.
#[derive(Debug)]
pub(crate) struct SegmentSyncer {
    data: Syncer,
    /// Where the files beside it are, without extension, if they are to be forced too.
    files: Option<(PathBuf, Disk)>,
}

impl SegmentSyncer {
    /// Takes as long as the disk does.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.data.sync()?;
        let Some((path, disk)) = &self.files else {
            return Ok(());
        };
        for extension in ["index", "timeindex", "snapshot"] {
            match disk.sync(&path.with_extension(extension)) {
                // The active segment has none, and the first one no snapshot.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => result?,
            }
        }
        Ok(())
    }
}

/// Where a scan ended and why.
#[derive(Debug)]
pub(crate) struct ScanEnd {
    pub(crate) position: u64,
    /// Nothing when the segment ended with a whole batch.
    pub(crate) damage: Option<Damage>,
}

/// What made a scan stop.
#[derive(Debug)]
pub(crate) enum Damage {
    Batch(RecordError),
    Offset { expected_at_least: i64, got: i64 },
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Batch(bad) => bad.fmt(f),
            Self::Offset {
                expected_at_least,
                got,
            } => {
                write!(
                    f,
                    "offset {got} where {expected_at_least} or more must follow"
                )
            }
        }
    }
}

impl Segment {
    pub(crate) fn memory(base_offset: i64, created_ms: i64) -> Self {
        Self::new(base_offset, None, SegmentData::memory(), created_ms)
    }

    /// A segment in `dir`; its file is made when it is not there. The indices are empty until
    /// [`load`](Self::load) or [`recover`](Self::recover).
    pub(crate) fn in_dir(
        dir: &Path,
        base_offset: i64,
        disk: &Disk,
        budget: HandleBudget,
        created_ms: i64,
    ) -> io::Result<Self> {
        Self::in_dir_as(dir, base_offset, "log", disk, budget, created_ms)
    }

    /// The same with a file of another extension.
    pub(crate) fn in_dir_as(
        dir: &Path,
        base_offset: i64,
        extension: &str,
        disk: &Disk,
        budget: HandleBudget,
        created_ms: i64,
    ) -> io::Result<Self> {
        let path = dir.join(format!("{base_offset:020}"));
        let data = SegmentData::open(path.with_extension(extension), disk.clone(), budget)?;
        let file = Some((path, disk.clone()));
        Ok(Self::new(base_offset, file, data, created_ms))
    }

    /// Gives its file another extension.
    pub(crate) fn rename(&mut self, extension: &str) -> io::Result<()> {
        match &self.file {
            Some((path, _)) => self.data.rename(path.with_extension(extension)),
            None => Ok(()),
        }
    }

    fn new(
        base_offset: i64,
        file: Option<(PathBuf, Disk)>,
        data: SegmentData,
        created_ms: i64,
    ) -> Self {
        Self {
            base_offset,
            file,
            data,
            indices: Indices::default(),
            bytes_since_entry: 0,
            is_indexed: false,
            has_unsynced_files: false,
            max_timestamp: None,
            first_timestamp: None,
            created_ms,
            next_offset: base_offset,
        }
    }

    pub(crate) fn base_offset(&self) -> i64 {
        self.base_offset
    }

    pub(crate) fn next_offset(&self) -> i64 {
        self.next_offset
    }

    pub(crate) fn len(&self) -> u64 {
        self.data.len()
    }

    pub(crate) fn max_timestamp(&self) -> Option<(i64, i64)> {
        self.max_timestamp
    }

    /// How long the segment has been appended to when a batch of this timestamp comes: by the times that batches
    /// have, or by the clock where they have none.
    pub(crate) fn age_ms(&mut self, timestamp: i64, now_ms: i64) -> io::Result<i64> {
        Ok(match self.first_timestamp()? {
            Some(first @ 0..) => timestamp.saturating_sub(first),
            _ => now_ms.saturating_sub(self.created_ms),
        })
    }

    /// The timestamp of its first batch; `None` if there is no batch.
    pub(crate) fn first_timestamp(&mut self) -> io::Result<Option<i64>> {
        if self.first_timestamp.is_none() {
            let mut first = None;
            self.walk(0, |head, _| {
                first = Some(head.max_timestamp);
                false
            })?;
            self.first_timestamp = first;
        }
        Ok(self.first_timestamp)
    }

    pub(crate) fn content(&self) -> Content {
        self.data.content()
    }

    /// When it was made or opened.
    pub(crate) fn created_ms(&self) -> i64 {
        self.created_ms
    }

    /// What the larger one of its index files takes.
    pub(crate) fn index_bytes(&self) -> usize {
        self.indices.bytes()
    }

    /// Whether a batch of this size and last offset has a place here.
    pub(crate) fn has_room(
        &self,
        head: &BatchHeader,
        segment_bytes: u64,
        index_bytes: usize,
    ) -> bool {
        // An empty segment takes any batch: a batch larger than a segment must go somewhere.
        self.len() == 0
            || (self.len() + head.total_len() as u64 <= segment_bytes
                && !self.indices.is_full(index_bytes)
                && head.last_offset() - self.base_offset <= i64::from(i32::MAX))
    }

    /// Appends a batch whose head already carries its place in the log.
    pub(crate) fn append(
        &mut self,
        head: &BatchHeader,
        start: &[u8],
        rest: &[u8],
    ) -> io::Result<()> {
        let position = self.data.len();
        self.data.append(start, rest)?;
        self.is_indexed = false;
        self.note(head, position);
        Ok(())
    }

    /// Appends batches that carry their places, given as their heads and all their bytes.
    pub(crate) fn append_all(&mut self, heads: &[BatchHeader], bytes: &[u8]) -> io::Result<()> {
        let mut position = self.data.len();
        self.data.append(&[], bytes)?;
        self.is_indexed = false;
        for head in heads {
            self.note(head, position);
            position += head.total_len() as u64;
        }
        Ok(())
    }

    /// Brings indices and ends up to date for a batch at `position`.
    fn note(&mut self, head: &BatchHeader, position: u64) {
        let relative = |offset: i64| u32::try_from(offset - self.base_offset).unwrap_or(u32::MAX);
        if position == 0 {
            self.first_timestamp = Some(head.max_timestamp);
        }
        if self
            .max_timestamp
            .is_none_or(|(time, _)| head.max_timestamp > time)
        {
            self.max_timestamp = Some((head.max_timestamp, head.last_offset()));
        }
        if self.bytes_since_entry > INDEX_INTERVAL_BYTES {
            self.bytes_since_entry = 0;
            self.indices.add_offset(OffsetEntry {
                relative_offset: relative(head.last_offset()),
                position: u32::try_from(position).unwrap_or(u32::MAX),
            });
            if let Some((timestamp, offset)) = self.max_timestamp {
                let relative_offset = relative(offset);
                self.indices.add_time(TimeEntry {
                    timestamp,
                    relative_offset,
                });
            }
        }
        self.bytes_since_entry = self
            .bytes_since_entry
            .saturating_add(u32::try_from(head.total_len()).unwrap_or(u32::MAX));
        self.next_offset = head.last_offset().saturating_add(1);
    }

    /// The position from which a walk over batch heads finds `offset`.
    pub(crate) fn floor_position(&self, offset: i64) -> u64 {
        let relative = u32::try_from(offset - self.base_offset).unwrap_or(0);
        u64::from(self.indices.position_for(relative))
    }

    /// The offset from which a walk finds the first record that is not older than `timestamp`.
    pub(crate) fn floor_offset_of_time(&self, timestamp: i64) -> i64 {
        self.base_offset + i64::from(self.indices.offset_before(timestamp))
    }

    pub(crate) fn slice(&mut self, position: u64, length: usize) -> io::Result<DataSlice> {
        self.data.slice(position, length)
    }

    /// Walks over the heads from `position`, until `visit` says stop (`false`) or the end.
    pub(crate) fn walk(
        &mut self,
        position: u64,
        mut visit: impl FnMut(&BatchHeader, u64) -> bool,
    ) -> io::Result<ScanEnd> {
        self.scan(position, false, |head, at, _| visit(head, at))
    }

    /// The whole batch at a position.
    pub(crate) fn batch_at(&mut self, position: u64, head: &BatchHeader) -> io::Result<Bytes> {
        self.data.slice(position, head.total_len())?.read()
    }

    /// Reads batches in chunks; with `whole`, checks that all of each batch is intact.
    fn scan(
        &mut self,
        mut position: u64,
        whole: bool,
        mut visit: impl FnMut(&BatchHeader, u64, &[u8]) -> bool,
    ) -> io::Result<ScanEnd> {
        let end = self.data.len();
        let mut chunk = Bytes::new();
        while position < end {
            let left = usize::try_from(end - position).unwrap_or(usize::MAX);
            if chunk.len() < BatchHeader::LEN.min(left) {
                chunk = self.data.slice(position, left.min(SCAN_BYTES))?.read()?;
            }
            let head = match BatchHeader::parse(&chunk) {
                Ok(head) => head,
                Err(bad) => {
                    return Ok(ScanEnd {
                        position,
                        damage: Some(Damage::Batch(bad)),
                    });
                }
            };
            let size = head.total_len();
            if size > left {
                let bad = RecordError::Truncated {
                    needed: size,
                    available: left,
                };
                return Ok(ScanEnd {
                    position,
                    damage: Some(Damage::Batch(bad)),
                });
            }
            if whole && chunk.len() < size {
                chunk = self
                    .data
                    .slice(position, size.max(left.min(SCAN_BYTES)))?
                    .read()?;
            }
            if whole
                && let Err(bad) =
                    Batch::new(chunk.slice(..size)).and_then(|batch| batch.verify_crc())
            {
                return Ok(ScanEnd {
                    position,
                    damage: Some(Damage::Batch(bad)),
                });
            }
            if !visit(&head, position, &chunk) {
                return Ok(ScanEnd {
                    position,
                    damage: None,
                });
            }
            position += size as u64;
            chunk = if chunk.len() >= size {
                chunk.slice(size..)
            } else {
                Bytes::new()
            };
        }
        Ok(ScanEnd {
            position,
            damage: None,
        })
    }

    /// Checks every batch and rebuilds the indices. From the first bad one on nothing is read any more; the file
    /// is left as it is, until [`cut`](Self::cut).
    ///
    /// `visit` sees each good batch. The batches must go on at `expected` or later.
    pub(crate) fn recover(
        &mut self,
        mut expected: i64,
        mut visit: impl FnMut(&BatchHeader),
    ) -> io::Result<ScanEnd> {
        let mut found = Self::memory(self.base_offset, self.created_ms);
        let mut backwards = None;
        let mut end = self.scan(0, true, |head, at, _| {
            let sane = head.base_offset >= expected && head.last_offset_delta >= 0;
            if !sane {
                backwards = Some(Damage::Offset {
                    expected_at_least: expected,
                    got: head.base_offset,
                });
                return false;
            }
            expected = head.last_offset().saturating_add(1);
            found.note(head, at);
            visit(head);
            true
        })?;
        end.damage = end.damage.or(backwards);
        if end.damage.is_some() {
            self.data.hide_from(end.position);
        }
        self.indices = found.indices;
        self.is_indexed = false;
        self.bytes_since_entry = found.bytes_since_entry;
        self.max_timestamp = found.max_timestamp;
        self.first_timestamp = found.first_timestamp;
        self.next_offset = found.next_offset;
        Ok(end)
    }

    /// Ends the file at a position.
    pub(crate) fn cut(&mut self, position: u64) -> io::Result<()> {
        self.data.truncate(position)
    }

    /// Takes over the index files of a segment that was closed cleanly. `false` when they are
    /// missing or damaged: then [`recover`](Self::recover) must run.
    pub(crate) fn load(&mut self) -> io::Result<bool> {
        let Some((path, disk)) = &self.file else {
            return Ok(true);
        };
        let (Some(offsets), Some(times)) = (
            disk.read_if_there(&path.with_extension("index"))?,
            disk.read_if_there(&path.with_extension("timeindex"))?,
        ) else {
            return Ok(false);
        };
        let Some(indices) = Indices::from_files(&offsets, &times, self.data.len()) else {
            return Ok(false);
        };
        let base = self.base_offset;
        self.max_timestamp = indices
            .last_time_entry()
            .map(|entry| (entry.timestamp, base + i64::from(entry.relative_offset)));
        let from = u64::from(indices.last_position());
        let entry = indices.last_offset_entry();
        self.indices = indices;
        self.next_offset = base;
        // What came after the last entry: few batches, unless the entry is the start.
        let mut heads = Vec::new();
        let end = self.walk(from, |head, _| {
            heads.push(*head);
            true
        })?;
        let first_fits = entry.is_none_or(|entry| {
            heads
                .first()
                .is_some_and(|head| head.last_offset() == base + i64::from(entry.relative_offset))
        });
        if end.damage.is_some() || !first_fits {
            return Ok(false);
        }
        self.bytes_since_entry = u32::try_from(self.data.len() - from).unwrap_or(u32::MAX);
        for head in heads {
            if self
                .max_timestamp
                .is_none_or(|(time, _)| head.max_timestamp > time)
            {
                self.max_timestamp = Some((head.max_timestamp, head.last_offset()));
            }
            self.next_offset = head.last_offset().saturating_add(1);
        }
        self.is_indexed = true;
        Ok(true)
    }

    /// Writes the index files, with a last time entry as Kafka does when a segment closes; whether that was needed.
    pub(crate) fn write_indices(&mut self) -> io::Result<bool> {
        if std::mem::replace(&mut self.is_indexed, true) {
            return Ok(false);
        }
        if let Some((timestamp, offset)) = self.max_timestamp {
            let relative_offset = u32::try_from(offset - self.base_offset).unwrap_or(u32::MAX);
            self.indices.add_time(TimeEntry {
                timestamp,
                relative_offset,
            });
        }
        if let Some((path, disk)) = &self.file {
            disk.write(&path.with_extension("index"), &self.indices.offset_file())?;
            disk.write(&path.with_extension("timeindex"), &self.indices.time_file())?;
            self.has_unsynced_files = true;
        }
        Ok(true)
    }

    /// The producers' state at its beginning was written.
    pub(crate) fn has_new_snapshot(&mut self) {
        self.has_unsynced_files = true;
    }

    pub(crate) fn has_unsynced_files(&self) -> bool {
        self.has_unsynced_files
    }

    /// What forces the segment to the disk, with the files beside it that were written since the last time.
    pub(crate) fn syncer(&mut self) -> io::Result<Option<SegmentSyncer>> {
        let data = self.data.syncer()?;
        let has_files = std::mem::take(&mut self.has_unsynced_files);
        let files = self.file.clone().filter(|_| has_files);
        Ok(data.map(|data| SegmentSyncer { data, files }))
    }

    /// The time by which retention judges: the largest of its batches, or when it was made or opened if they have
    /// none.
    pub(crate) fn largest_timestamp(&self) -> i64 {
        match self.max_timestamp {
            Some((time @ 0.., _)) => time,
            _ => self.created_ms,
        }
    }

    /// Its files, with their disk.
    pub(crate) fn files(&self) -> impl Iterator<Item = (Disk, PathBuf)> {
        let files = self.file.iter();
        files.flat_map(|(path, disk)| {
            EXTENSIONS.map(|extension| (disk.clone(), path.with_extension(extension)))
        })
    }

    /// Removes the files of a segment.
    pub(crate) fn delete(self) -> io::Result<()> {
        if let Some((path, disk)) = &self.file {
            for extension in EXTENSIONS {
                disk.remove_file(&path.with_extension(extension))?;
            }
        }
        Ok(())
    }
}

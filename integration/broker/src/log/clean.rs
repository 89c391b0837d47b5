//! Compaction of a log: which part is compacted and when, and how its segments are replaced.
//!
//! The part from the first offset that was never compacted up to the active segment, or to what is too young, is
//! read for the last offset of each key. Then all segments below its end are written anew, small ones together, and
//! put in place of the old ones, crash-safe at every step:
//!
//! ```text
//! 42.log.cleaned   being written; removed at a start
//! 42.log.swap      whole and on the disk: a start puts it in place of the segments that it covers
//! 42.log           the old segments are .deleted by then
//! ```
//!
//! Reading and writing happen without the log's lock; taking the old segments out and the new one in, under it.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use kafka_client_protocol::records::{Batch, BatchHeader, Batches, RecordError};

use super::compact::{Left, OffsetMap, Rules};
use super::data::Content;
use super::retention::Removed;
use super::segment::Segment;
use super::{Log, LogConfig, Place};

/// What a segment's file ends with while it is written.
pub(super) const CLEANED: &str = "log.cleaned";
/// And while it is put in place.
pub(super) const SWAP: &str = "log.swap";
/// How much is read at once.
const READ_BYTES: usize = 1 << 20;
/// And how much is written.
const WRITE_BYTES: usize = 256 << 10;

/// A part of a log that is to be compacted, with all that is before it.
#[derive(Debug)]
pub(crate) struct CleanPlan {
    sources: Vec<Source>,
    first_dirty: i64,
    end: i64,
    last_of_producers: BTreeMap<i64, i64>,
    config: LogConfig,
    place: Place,
    now_ms: i64,
}

/// A segment as it was when the plan was made.
#[derive(Debug)]
struct Source {
    base_offset: i64,
    /// Where the next segment begins.
    end: i64,
    bytes: u64,
    index_bytes: usize,
    created_ms: i64,
    content: Content,
}

/// A segment that is to take the place of others.
#[derive(Debug)]
pub(crate) struct Cleaned {
    segment: Segment,
    /// How many those others are.
    replaces: usize,
}

impl Log {
    /// Plans a compaction, if there is enough to gain by it.
    pub(crate) fn plan_clean(&mut self, now_ms: i64) -> io::Result<Option<CleanPlan>> {
        let config = self.config;
        if !config.compacts || self.closed {
            return Ok(None);
        }
        let first_dirty = match self.cleaned_to {
            offset if (self.start_offset..=self.end_offset()).contains(&offset) => offset,
            _ => self.start_offset,
        };
        let last = self.segments.len() - 1;
        let dirty = self.segment_index(first_dirty)..last;
        let is_young = |segment: &Segment| {
            let youngest = now_ms.saturating_sub(config.min_compaction_lag_ms);
            config.min_compaction_lag_ms > 0 && segment.largest_timestamp() > youngest
        };
        let young = self.segments[dirty.clone()].iter().position(is_young);
        let dirty = dirty.start..young.map_or(dirty.end, |young| dirty.start + young);
        let bytes = |segments: &[Segment]| -> u64 { segments.iter().map(Segment::len).sum() };
        let dirty_bytes = bytes(&self.segments[dirty.clone()]);
        let clean_bytes = bytes(&self.segments[..dirty.start]);
        if dirty_bytes == 0 {
            return Ok(None);
        }
        let ratio = dirty_bytes as f64 / (dirty_bytes + clean_bytes) as f64;
        let is_overdue = self.is_overdue(dirty.clone(), now_ms)?;
        if ratio <= config.min_cleanable_dirty_ratio && !is_overdue {
            return Ok(None);
        }
        let end = self.segments[dirty.end].base_offset();
        let mut sources = Vec::with_capacity(dirty.end);
        for index in 0..dirty.end {
            let end = self.segments[index + 1].base_offset();
            let segment = &self.segments[index];
            sources.push(Source {
                base_offset: segment.base_offset(),
                end,
                bytes: segment.len(),
                index_bytes: segment.index_bytes(),
                created_ms: segment.created_ms(),
                content: segment.content(),
            });
        }
        Ok(Some(CleanPlan {
            sources,
            first_dirty,
            end,
            last_of_producers: self.producers.last_offsets(),
            config,
            place: self.place.clone(),
            now_ms,
        }))
    }

    /// Whether a record waits for its compaction longer than `max.compaction.lag.ms`.
    fn is_overdue(&mut self, dirty: Range<usize>, now_ms: i64) -> io::Result<bool> {
        if self.config.max_compaction_lag_ms == i64::MAX {
            return Ok(false);
        }
        let latest = now_ms.saturating_sub(self.config.max_compaction_lag_ms);
        for segment in &mut self.segments[dirty] {
            if segment
                .first_timestamp()?
                .is_some_and(|first| 0 < first && first < latest)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts a segment in the place of those that it replaces. Nobody else may replace or remove segments meanwhile.
    pub(crate) fn replace(&mut self, cleaned: Cleaned) -> Removed {
        let base = cleaned.segment.base_offset();
        let first = self.segment_index(base);
        let range = first..first + cleaned.replaces;
        let old: Vec<Segment> = self.segments.splice(range, [cleaned.segment]).collect();
        self.layout += 1;
        // The files beside the first one are the new one's by now.
        Removed::replaced(&old, base, self.config.file_delete_delay_ms)
    }

    /// Gives a segment that is in place its own name.
    pub(crate) fn settle(&mut self, base_offset: i64) -> io::Result<()> {
        let index = self.segment_index(base_offset);
        self.segments[index].rename("log")
    }

    /// Notes how far the log is compacted.
    pub(crate) fn set_cleaned_to(&mut self, offset: i64) {
        self.cleaned_to = offset;
    }

    /// How far the log is compacted.
    pub(crate) fn cleaned_to(&self) -> i64 {
        self.cleaned_to
    }
}

impl CleanPlan {
    /// Reads the part that was never compacted.
    ///
    /// # Errors
    /// `Interrupted` once `stop` says so.
    pub(crate) fn map(
        &self,
        buffer_bytes: usize,
        stop: &dyn Fn() -> bool,
    ) -> io::Result<OffsetMap> {
        let mut map = OffsetMap::new(buffer_bytes);
        for source in &self.sources {
            if source.end <= self.first_dirty {
                continue;
            }
            let mut is_full = false;
            source.walk(stop, |batch| {
                if batch.header().last_offset() < self.first_dirty {
                    return Ok(true);
                }
                let added = map.add(batch, self.first_dirty).map_err(damaged)?;
                is_full = added.is_err();
                Ok(!is_full)
            })?;
            if is_full {
                return Ok(map);
            }
        }
        // Offsets that no batch has are taken into account too: there is nothing more to be found.
        map.end_before(self.end);
        Ok(map)
    }

    /// Where the next compaction begins.
    pub(crate) fn end(map: &OffsetMap) -> i64 {
        map.latest() + 1
    }

    /// The segments that are written anew, in groups that become one each.
    pub(crate) fn groups(&self, map: &OffsetMap) -> Vec<Range<usize>> {
        let end = Self::end(map);
        let sources = self
            .sources
            .iter()
            .take_while(|source| source.base_offset < end);
        let sizes: Vec<Size> = sources
            .map(|source| Size {
                offsets: source.base_offset..source.end,
                bytes: source.bytes,
                index_bytes: source.index_bytes,
            })
            .collect();
        group(&sizes, self.config.segment_bytes, self.config.index_bytes)
    }

    /// Writes the segment that takes the place of a group. It is on the disk as a whole then, and a start would put
    /// it in place.
    ///
    /// # Errors
    /// `Interrupted` once `stop` says so.
    pub(crate) fn write(
        &self,
        group: Range<usize>,
        map: &OffsetMap,
        stop: &dyn Fn() -> bool,
    ) -> io::Result<Cleaned> {
        let sources = &self.sources[group];
        let base_offset = sources.first().map_or(0, |source| source.base_offset);
        // Were it younger, one without records would keep retention from the segments behind it.
        let created_ms = sources
            .last()
            .map_or(self.now_ms, |source| source.created_ms);
        let mut segment = match &self.place {
            Place::Memory => Segment::memory(base_offset, created_ms),
            Place::Dir { path, disk, budget } => {
                // One that was not finished may be there.
                disk.remove_file(&path.join(format!("{base_offset:020}.{CLEANED}")))?;
                let budget = budget.clone();
                Segment::in_dir_as(path, base_offset, CLEANED, disk, budget, created_ms)?
            }
        };
        let rules = Rules {
            map,
            last_of_producers: &self.last_of_producers,
            now_ms: self.now_ms,
            delete_retention_ms: self.config.delete_retention_ms,
        };
        let mut open = Open::default();
        for source in sources {
            source.walk(stop, |batch| {
                match rules.apply(batch).map_err(damaged)? {
                    Left::All => open.add(batch.bytes(), &mut segment)?,
                    Left::Some(bytes) => open.add(&bytes, &mut segment)?,
                    Left::Nothing => {}
                }
                Ok(true)
            })?;
        }
        open.write(&mut segment)?;
        if let Place::Dir { path, disk, .. } = &self.place {
            if let Some(syncer) = segment.syncer()? {
                syncer.sync()?;
            }
            segment.rename(SWAP)?;
            disk.sync_dir(path)?;
        }
        segment.write_indices()?;
        if let Some(syncer) = segment.syncer()? {
            syncer.sync()?;
        }
        Ok(Cleaned {
            segment,
            replaces: sources.len(),
        })
    }

    /// Forces what happened to names to the disk.
    pub(crate) fn sync_names(&self) -> io::Result<()> {
        match &self.place {
            Place::Memory => Ok(()),
            Place::Dir { path, disk, .. } => disk.sync_dir(path),
        }
    }
}

impl Cleaned {
    pub(crate) fn base_offset(&self) -> i64 {
        self.segment.base_offset()
    }
}

/// Batches that are written together.
#[derive(Debug, Default)]
struct Open {
    heads: Vec<BatchHeader>,
    bytes: BytesMut,
}

impl Open {
    fn add(&mut self, batch: &Bytes, segment: &mut Segment) -> io::Result<()> {
        self.heads.push(BatchHeader::parse(batch).map_err(damaged)?);
        self.bytes.extend_from_slice(batch);
        match self.bytes.len() < WRITE_BYTES {
            true => Ok(()),
            false => self.write(segment),
        }
    }

    fn write(&mut self, segment: &mut Segment) -> io::Result<()> {
        if !self.heads.is_empty() {
            segment.append_all(&self.heads, &self.bytes)?;
        }
        self.heads.clear();
        self.bytes.clear();
        Ok(())
    }
}

fn damaged(error: RecordError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl Source {
    /// Visits the batches in their order, until `visit` says stop (`false`).
    fn walk(
        &self,
        stop: &dyn Fn() -> bool,
        mut visit: impl FnMut(&Batch) -> io::Result<bool>,
    ) -> io::Result<()> {
        let mut visit = |batch: &Batch| match stop() {
            true => Err(io::ErrorKind::Interrupted.into()),
            false => visit(batch),
        };
        let file = match &self.content {
            Content::Memory(pieces) => {
                for batch in pieces.iter().cloned().flat_map(Batches::new) {
                    if !visit(&batch.map_err(damaged)?)? {
                        break;
                    }
                }
                return Ok(());
            }
            Content::File(disk, path) => disk.open(path)?,
        };
        let read = |position, length| file.read_at(position, length);
        let mut position = 0;
        let mut chunk = Bytes::new();
        while position < self.bytes {
            let left = usize::try_from(self.bytes - position).map_err(io::Error::other)?;
            if chunk.len() < BatchHeader::LEN {
                chunk = read(position, left.min(READ_BYTES))?;
            }
            let size = BatchHeader::parse(&chunk).map_err(damaged)?.total_len();
            if chunk.len() < size {
                let wanted = size.max(READ_BYTES).min(left);
                chunk = read(position, wanted)?;
            }
            if chunk.len() < size {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("a batch at position {position} is cut short"),
                ));
            }
            let batch = Batch::new(chunk.split_to(size)).map_err(damaged)?;
            position += size as u64;
            if !visit(&batch)? {
                break;
            }
        }
        Ok(())
    }
}

/// What a segment takes.
#[derive(Debug)]
struct Size {
    offsets: Range<i64>,
    bytes: u64,
    index_bytes: usize,
}

/// Groups segments as long as one segment has room for them.
fn group(sizes: &[Size], bytes_max: u64, index_bytes_max: usize) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let (mut bytes, mut index_bytes) = (0, 0);
    for (index, size) in sizes.iter().enumerate() {
        bytes += size.bytes;
        index_bytes += size.index_bytes;
        if let Some(open) = groups.last_mut()
            && bytes <= bytes_max
            && index_bytes <= index_bytes_max
            && size.offsets.end - 1 - sizes[open.start].offsets.start <= i64::from(i32::MAX)
        {
            open.end = index + 1;
        } else {
            (bytes, index_bytes) = (size.bytes, size.index_bytes);
            groups.push(index..index + 1);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(all: &[(i64, i64, u64)]) -> Vec<Size> {
        let size = |(from, to, bytes): &(i64, i64, u64)| Size {
            offsets: *from..*to,
            bytes: *bytes,
            index_bytes: 8,
        };
        all.iter().map(size).collect()
    }

    #[test]
    fn segments_are_joined_as_long_as_they_fit() {
        let all = sizes(&[
            (0, 10, 40),
            (10, 20, 60),
            (20, 30, 1),
            (30, 40, 200),
            (40, 50, 99),
        ]);
        assert_eq!(group(&all, 100, 1000), [0..2, 2..3, 3..4, 4..5]);
        assert_eq!(group(&all, 1000, 16), [0..2, 2..4, 4..5]);
        assert_eq!(group(&all, 1000, 32), [0..4, 4..5]);
        assert_eq!(group(&[], 100, 100), [] as [Range<usize>; 0]);
    }

    #[test]
    fn offsets_of_a_joined_segment_fit_its_index() {
        let far = i64::from(i32::MAX);
        let all = sizes(&[(0, 10, 1), (10, far + 1, 1), (far + 1, far + 2, 1)]);
        assert_eq!(group(&all, 100, 1000), [0..2, 2..3]);
    }
}

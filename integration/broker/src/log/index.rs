//! The two sparse indices of a segment, in Kafka's file formats: offset to position, and time to
//! offset. Both can always be rebuilt from the batches, so they are never the truth.

use bytes::{Buf, BufMut};

/// Where a batch lies: the offset of its last record, relative to the segment's base, and the
/// position of its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OffsetEntry {
    pub(crate) relative_offset: u32,
    pub(crate) position: u32,
}

/// The largest timestamp up to an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeEntry {
    pub(crate) timestamp: i64,
    pub(crate) relative_offset: u32,
}

/// Both indices of one segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Indices {
    offsets: Vec<OffsetEntry>,
    times: Vec<TimeEntry>,
}

const OFFSET_ENTRY_BYTES: usize = 8;
const TIME_ENTRY_BYTES: usize = 12;

impl Indices {
    pub(crate) fn add_offset(&mut self, entry: OffsetEntry) {
        debug_assert!(
            self.offsets
                .last()
                .is_none_or(|last| last.relative_offset < entry.relative_offset)
        );
        self.offsets.push(entry);
    }

    /// Adds a time entry unless it says nothing new.
    pub(crate) fn add_time(&mut self, entry: TimeEntry) {
        let new = self.times.last().is_none_or(|last| {
            entry.timestamp > last.timestamp && entry.relative_offset > last.relative_offset
        });
        if new && entry.timestamp >= 0 {
            self.times.push(entry);
        }
    }

    /// Whether an index file would pass `max_bytes` with one entry more.
    pub(crate) fn is_full(&self, max_bytes: usize) -> bool {
        self.offsets.len() >= max_bytes / OFFSET_ENTRY_BYTES
            || self.times.len() + 1 >= max_bytes / TIME_ENTRY_BYTES
    }

    /// What the larger index file takes.
    pub(crate) fn bytes(&self) -> usize {
        (self.offsets.len() * OFFSET_ENTRY_BYTES).max(self.times.len() * TIME_ENTRY_BYTES)
    }

    /// The position from which a scan finds the batch with this offset.
    pub(crate) fn position_for(&self, relative_offset: u32) -> u32 {
        let after = self
            .offsets
            .partition_point(|entry| entry.relative_offset <= relative_offset);
        after
            .checked_sub(1)
            .map_or(0, |index| self.offsets[index].position)
    }

    /// The relative offset up to which every record is older than `timestamp`.
    pub(crate) fn offset_before(&self, timestamp: i64) -> u32 {
        let after = self
            .times
            .partition_point(|entry| entry.timestamp < timestamp);
        after
            .checked_sub(1)
            .map_or(0, |index| self.times[index].relative_offset)
    }

    pub(crate) fn last_position(&self) -> u32 {
        self.offsets.last().map_or(0, |entry| entry.position)
    }

    pub(crate) fn last_offset_entry(&self) -> Option<OffsetEntry> {
        self.offsets.last().copied()
    }

    pub(crate) fn last_time_entry(&self) -> Option<TimeEntry> {
        self.times.last().copied()
    }

    pub(crate) fn offset_file(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.offsets.len() * OFFSET_ENTRY_BYTES);
        for entry in &self.offsets {
            out.put_u32(entry.relative_offset);
            out.put_u32(entry.position);
        }
        out
    }

    pub(crate) fn time_file(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.times.len() * TIME_ENTRY_BYTES);
        for entry in &self.times {
            out.put_i64(entry.timestamp);
            out.put_u32(entry.relative_offset);
        }
        out
    }

    /// Reads both files; `None` when they are not indices of a segment of `segment_bytes`.
    pub(crate) fn from_files(offsets: &[u8], times: &[u8], segment_bytes: u64) -> Option<Self> {
        if !(offsets.len().is_multiple_of(OFFSET_ENTRY_BYTES)
            && times.len().is_multiple_of(TIME_ENTRY_BYTES))
        {
            return None;
        }
        let mut indices = Self::default();
        for mut entry in offsets.chunks_exact(OFFSET_ENTRY_BYTES) {
            let entry = OffsetEntry {
                relative_offset: entry.get_u32(),
                position: entry.get_u32(),
            };
            let grows = indices.offsets.last().is_none_or(|last| {
                entry.relative_offset > last.relative_offset && entry.position > last.position
            });
            if !grows || u64::from(entry.position) >= segment_bytes {
                return None;
            }
            indices.offsets.push(entry);
        }
        for mut entry in times.chunks_exact(TIME_ENTRY_BYTES) {
            let entry = TimeEntry {
                timestamp: entry.get_i64(),
                relative_offset: entry.get_u32(),
            };
            let grows = indices.times.last().is_none_or(|last| {
                entry.timestamp > last.timestamp && entry.relative_offset > last.relative_offset
            });
            if !grows {
                return None;
            }
            indices.times.push(entry);
        }
        Some(indices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Indices {
        let mut indices = Indices::default();
        for n in 1..=3u32 {
            indices.add_offset(OffsetEntry {
                relative_offset: n * 10,
                position: n * 4096,
            });
            indices.add_time(TimeEntry {
                timestamp: i64::from(n) * 100,
                relative_offset: n * 10,
            });
        }
        indices
    }

    #[test]
    fn lookups_give_the_floor_entry() {
        let indices = sample();
        let positions: Vec<_> = [0, 9, 10, 19, 20, 500]
            .map(|offset| indices.position_for(offset))
            .into();
        assert_eq!(positions, [0, 0, 4096, 4096, 8192, 12288]);
        let offsets: Vec<_> = [0, 100, 101, 300, 301]
            .map(|time| indices.offset_before(time))
            .into();
        assert_eq!(offsets, [0, 0, 10, 20, 30]);
    }

    #[test]
    fn an_older_time_adds_no_entry() {
        let mut indices = sample();
        indices.add_time(TimeEntry {
            timestamp: 250,
            relative_offset: 40,
        });
        assert_eq!(indices, sample());
    }

    #[test]
    fn files_read_back_and_damaged_ones_do_not() {
        let indices = sample();
        let (offsets, times) = (indices.offset_file(), indices.time_file());
        assert_eq!(Indices::from_files(&offsets, &times, 20_000), Some(indices));
        assert_eq!(Indices::from_files(&offsets[..7], &times, 20_000), None);
        assert_eq!(Indices::from_files(&offsets, &times[..13], 20_000), None);
        assert_eq!(
            Indices::from_files(&offsets, &times, 10_000),
            None,
            "points past the end"
        );
        let mut backwards = offsets.clone();
        backwards.extend_from_slice(&offsets[..8]);
        assert_eq!(Indices::from_files(&backwards, &times, 20_000), None);
    }
}

//! Reading a log: by offset in two steps, and by time.
//!
//! Under the partition's lock a [`ReadPlan`] is made; its bytes are read after the lock is released.

use std::io;

use bytes::Bytes;
use kafka_client_protocol::records::{BatchHeader, RecordError};

use super::Log;
use super::data::DataSlice;
use super::segment::{self, Segment};

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

#[derive(Debug, Clone, Copy)]
pub(super) struct Hint {
    offset: i64,
    segment_base: i64,
    position: u64,
}

pub(super) const NO_HINT: Hint = Hint {
    offset: -1,
    segment_base: 0,
    position: 0,
};

impl Log {
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

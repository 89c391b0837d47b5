//! Reading a log: by offset in two steps, and by time.
//!
//! First a [`Spot`] is sought: where the batch with the offset begins. It tells how much there is to read, so a
//! fetch may wait without reading a byte. Then a [`ReadPlan`] gives the bytes. Both are planned under the
//! partition's lock and carried out after it is released.

use std::io;
use std::ops::RangeInclusive;

use bytes::Bytes;
use kafka_client_protocol::records::{BatchHeader, RecordError};

use super::Log;
use super::data::{DataSlice, Reads};
use super::segment::{self, Segment};

/// Where a batch begins, or the next one will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    segment_base: i64,
    position: u64,
    /// The log's at that time.
    layout: u32,
}

/// Where reads have begun and ended: the next read of a consumer starts at one of them without a search.
#[derive(Debug, Default)]
pub(super) struct Hints {
    known: [Option<(i64, Spot)>; 4],
    next: usize,
}

impl Hints {
    fn of(&self, offset: i64) -> Option<Spot> {
        let mut known = self.known.iter().flatten();
        known.find(|hint| hint.0 == offset).map(|hint| hint.1)
    }

    fn note(&mut self, offset: i64, spot: Spot) {
        let same = |hint: &Option<(i64, Spot)>| hint.is_some_and(|hint| hint.0 == offset);
        let index = self.known.iter().position(same).unwrap_or_else(|| {
            let index = self.next;
            self.next = (index + 1) % self.known.len();
            index
        });
        self.known[index] = Some((offset, spot));
    }
}

/// What a search needs of the log.
#[derive(Debug)]
pub(crate) enum Search {
    Found(Spot),
    Look(Look),
}

/// A part of a segment in which the batch with an offset is to be found.
#[derive(Debug)]
pub(crate) struct Look {
    offset: i64,
    from: Spot,
    slice: DataSlice,
}

/// What came of a [`Look`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Seen {
    Here(Spot),
    /// Not yet: search on from here.
    Beyond(Spot),
}

/// What to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadRequest {
    /// The offset that the [`Spot`] was found for.
    pub(crate) offset: i64,
    /// No batch that starts here or later.
    pub(crate) upper_offset: i64,
    pub(crate) max_bytes: usize,
    /// Give the first batch whole, even over `max_bytes`.
    pub(crate) at_least_one: bool,
    /// How much to read for the first batch: 0, or what [`ReadOutcome::Larger`] said.
    pub(crate) first_bytes: usize,
    /// Much may stay in its file: [`ReadOutcome::InFile`].
    pub(crate) may_stay: bool,
}

/// So many bytes are much: for fewer, a copy costs less than to come back for them; for more, there is no stand-in.
const STAYS: RangeInclusive<usize> = 64 << 10..=DataSlice::STAYS_BYTES_MAX;

/// What a read found, to be fetched after the lock is released.
#[derive(Debug)]
pub(crate) struct ReadPlan {
    read: ReadRequest,
    slice: Option<DataSlice>,
    from: Spot,
}

/// What came of a [`ReadPlan`].
#[derive(Debug)]
pub(crate) enum ReadOutcome {
    /// The first batch whole, or nothing; behind it what the limit has room for, the last batch perhaps cut.
    Batches { bytes: Bytes, end: Option<ReadEnd> },
    /// The same, to be read when it is needed. What of it is whole, nobody has looked at, but for the first batch.
    InFile(DataSlice),
    /// The first batch is larger than what was read: plan again with this much.
    Larger { bytes: usize },
}

/// Where a read ended, to be given to [`Log::remember`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadEnd {
    /// The offset after the last whole batch.
    next: i64,
    spot: Spot,
}

impl Log {
    /// Begins the search for the batch that holds an offset, or goes on with it. Between the log's start and end
    /// there always is a spot.
    pub(crate) fn search(&mut self, offset: i64, from: Option<Spot>) -> io::Result<Search> {
        let there = |spot: Spot| Some((self.index_of(spot)?, spot.position));
        let known = self.hints.of(offset).and_then(there);
        let is_known = known.is_some();
        let start = known.or_else(|| from.and_then(there));
        let (mut index, mut position) = start.unwrap_or_else(|| {
            let index = self.segment_index(offset);
            (index, self.segments[index].floor_position(offset))
        });
        let is_at_end = offset >= self.end_offset();
        let last = self.segments.len() - 1;
        while index < last && position >= self.segments[index].len() {
            (index, position) = (index + 1, 0);
        }
        let segment = &mut self.segments[index];
        let mut from = Spot {
            segment_base: segment.base_offset(),
            position,
            layout: self.layout,
        };
        if is_at_end {
            from.position = segment.len();
        }
        let left = segment.len().saturating_sub(from.position);
        if is_known || left == 0 {
            self.hints.note(offset, from);
            return Ok(Search::Found(from));
        }
        // From the floor of the index the wanted batch is up to an interval away.
        let interval = segment::INDEX_INTERVAL_BYTES as usize + BatchHeader::LEN;
        let length = usize::try_from(left).map_or(interval, |left| left.min(interval));
        let slice = segment.slice(position, length)?;
        Ok(Search::Look(Look {
            offset,
            from,
            slice,
        }))
    }

    /// Keeps what a search has found, for the reads that begin there.
    pub(crate) fn found(&mut self, offset: i64, spot: Spot) {
        self.hints.note(offset, spot);
    }

    /// Keeps where a read ended, for the read that goes on there.
    pub(crate) fn remember(&mut self, end: ReadEnd) {
        self.hints.note(end.next, end.spot);
    }

    /// The bytes that are there from a spot on; `None` if nobody should wait for more of them, because the log
    /// goes on in another segment.
    pub(crate) fn available(&self, offset: i64, spot: Spot) -> Option<u64> {
        if offset >= self.end_offset() {
            return Some(0);
        }
        let active = self.segments.last()?;
        (spot.segment_base == active.base_offset())
            .then(|| active.len().saturating_sub(spot.position))
    }

    /// Plans a read from a spot; `None` if that is no more: search again.
    pub(crate) fn plan_read(
        &mut self,
        spot: Spot,
        mut read: ReadRequest,
    ) -> io::Result<Option<ReadPlan>> {
        if read.upper_offset >= self.end_offset() {
            read.upper_offset = i64::MAX;
        }
        let first = if read.at_least_one {
            read.first_bytes.max(BatchHeader::LEN)
        } else {
            0
        };
        let wanted = read.max_bytes.max(first);
        let Some(mut index) = self.index_of(spot) else {
            return Ok(None);
        };
        let mut position = spot.position;
        while index + 1 < self.segments.len() && position >= self.segments[index].len() {
            (index, position) = (index + 1, 0);
        }
        let segment = &mut self.segments[index];
        let left = segment.len().saturating_sub(position);
        let length = usize::try_from(left).map_or(wanted, |left| left.min(wanted));
        let slice = match length {
            0 => None,
            length => Some(segment.slice(position, length)?),
        };
        Ok(Some(ReadPlan {
            read,
            slice,
            from: Spot {
                segment_base: segment.base_offset(),
                position,
                layout: self.layout,
            },
        }))
    }

    fn index_of(&self, spot: Spot) -> Option<usize> {
        if spot.layout != self.layout {
            return None;
        }
        let base = spot.segment_base;
        self.segments
            .binary_search_by_key(&base, Segment::base_offset)
            .ok()
    }

    /// The first batch that may hold a record of `timestamp` or later, with its head.
    pub(crate) fn batch_at_time(
        &mut self,
        timestamp: i64,
    ) -> io::Result<Option<(BatchHeader, Bytes)>> {
        self.batch_from(self.start_offset, timestamp)
    }

    fn batch_from(
        &mut self,
        start_offset: i64,
        timestamp: i64,
    ) -> io::Result<Option<(BatchHeader, Bytes)>> {
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
                // Compaction leaves batches without records.
                let has_records = head.record_count > 0 && head.last_offset() >= start_offset;
                if head.max_timestamp >= timestamp && has_records {
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
        // Also below the start of the log, as in Kafka: what was deleted there may be in the files yet.
        self.batch_from(0, max)
    }
}

impl Look {
    /// Looks for the batch. Runs without the partition's lock.
    pub(crate) fn run(self, reads: &Reads) -> io::Result<Seen> {
        let bytes = reads.read(self.slice)?;
        let mut at = 0;
        let spot = |at: usize| Spot {
            position: self.from.position + at as u64,
            ..self.from
        };
        loop {
            match BatchHeader::parse(bytes.get(at..).unwrap_or_default()) {
                Ok(head) if head.last_offset() >= self.offset => return Ok(Seen::Here(spot(at))),
                Ok(head) => at += head.total_len(),
                // Also from the first byte of a segment there is a whole header to read.
                Err(RecordError::Truncated { .. }) if at > 0 => return Ok(Seen::Beyond(spot(at))),
                Err(bad) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, bad.to_string()));
                }
            }
        }
    }
}

impl ReadPlan {
    /// Reads. Runs without the partition's lock.
    pub(crate) fn run(self, reads: &Reads) -> io::Result<ReadOutcome> {
        const NOTHING: ReadOutcome = ReadOutcome::Batches {
            bytes: Bytes::new(),
            end: None,
        };
        let ReadRequest {
            offset,
            upper_offset,
            at_least_one,
            may_stay,
            ..
        } = self.read;
        let Some(slice) = self.slice else {
            return Ok(NOTHING);
        };
        let is_much = slice.is_in_file() && STAYS.contains(&slice.length());
        // Below any other limit than the end there may be batches that are not to be seen.
        if may_stay && is_much && upper_offset == i64::MAX {
            let first = reads.read(slice.part(0, BatchHeader::LEN))?;
            let first = BatchHeader::parse(&first);
            if first.is_ok_and(|first| first.total_len() <= slice.length()) {
                return Ok(ReadOutcome::InFile(slice));
            }
        }
        let bytes = reads.read(slice)?;
        let first = match BatchHeader::parse(&bytes) {
            Ok(first) => first,
            Err(RecordError::Truncated { .. }) => return Ok(NOTHING),
            Err(bad) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, bad.to_string()));
            }
        };
        if first.base_offset >= upper_offset {
            return Ok(NOTHING);
        }
        if first.total_len() > bytes.len() {
            // As in Kafka, a first batch that is not whole is none.
            return Ok(match at_least_one {
                true => ReadOutcome::Larger {
                    bytes: first.total_len(),
                },
                false => NOTHING,
            });
        }
        let (mut whole, mut next, mut to) = (0, offset, bytes.len());
        loop {
            let rest = &bytes[whole..];
            let base = rest.first_chunk().map(|base| i64::from_be_bytes(*base));
            // Of a piece without an offset nobody knows, unless all that is there may be read.
            if base.unwrap_or(i64::MAX - 1) >= upper_offset {
                to = whole;
                break;
            }
            match BatchHeader::parse(rest) {
                Ok(head) if head.total_len() <= rest.len() => {
                    whole += head.total_len();
                    next = head.last_offset().saturating_add(1);
                }
                _ => break,
            }
        }
        let spot = Spot {
            position: self.from.position + whole as u64,
            ..self.from
        };
        Ok(ReadOutcome::Batches {
            bytes: bytes.slice(..to),
            end: Some(ReadEnd { next, spot }),
        })
    }
}

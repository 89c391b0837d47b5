//! Forcing a log to the disk, and closing it.
//!
//! An append that `flush.messages` wants on the disk does not wait for it under the partition's lock. It notes what
//! is [awaited](Awaited); the high watermark, and with it the acknowledgement, stays below that until it is forced.
//! Whoever forces takes all that has come by then, so that many appends share one write (group commit).

use std::io;
use std::path::PathBuf;

use super::segment::{Segment, SegmentSyncer};
use super::{Log, Place};
use crate::fs::Disk;

/// What is to be forced to the disk, without the partition's lock.
#[derive(Debug)]
pub(crate) struct Unsynced {
    pub(super) segments: Vec<SegmentSyncer>,
    names: Option<Names>,
    /// Where the recovery point is once that is done.
    pub(super) offset: i64,
    /// How often the log's end had been cut.
    cuts: u32,
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

/// Records that `flush.messages` wants on the disk and that are not known to be there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Awaited {
    /// The first of them: until it is forced, nobody sees it but the broker.
    from: i64,
    /// The offset after the last one.
    to: i64,
}

impl Log {
    /// Counts records that were appended, up to the log's end.
    pub(super) fn count_unflushed(&mut self, base_offset: i64, now_ms: i64) {
        if matches!(self.place, Place::Memory) {
            return;
        }
        let end = self.end_offset();
        if self.unflushed_records == 0 {
            self.unflushed_since_ms = now_ms;
        }
        self.unflushed_records += end - base_offset;
        if self.unflushed_records >= self.config.flush_messages {
            self.unflushed_records = 0;
            let from = self.awaited.map_or(base_offset, |awaited| awaited.from);
            self.awaited = Some(Awaited { from, to: end });
        }
    }

    /// Whether records before an offset wait to be forced to the disk.
    pub(crate) fn is_awaited_before(&self, offset: i64) -> bool {
        self.forced_offset() < offset
    }

    /// The offset before which no record waits for the disk.
    pub(crate) fn forced_offset(&self) -> i64 {
        self.awaited.map_or(i64::MAX, |awaited| awaited.from)
    }

    /// Nothing more is written: nobody knows what is on the disk.
    pub(crate) fn give_up_forcing(&mut self, error: &io::Error) {
        self.unforced.get_or_insert_with(|| error.to_string());
    }

    /// Whether something can be written and forced to the disk.
    ///
    /// # Errors
    /// What has failed.
    pub(crate) fn check_disk(&self) -> io::Result<()> {
        if let Some(text) = &self.unforced {
            return Err(io::Error::other(text.clone()));
        }
        match &self.place {
            Place::Memory => Ok(()),
            Place::Dir { disk, .. } => disk.check(),
        }
    }

    /// What forces the records that are awaited to the disk, and all others that have come by now; `None` if none
    /// is awaited.
    pub(crate) fn unsynced_awaited(&mut self) -> io::Result<Option<Unsynced>> {
        self.check_disk()?;
        match self.awaited {
            Some(_) => self.unsynced_whole(),
            None => Ok(None),
        }
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
        self.awaited = None;
        Ok(())
    }

    /// Whether a record has waited for a forced write to the disk for as long as it may.
    pub(crate) fn is_flush_due(&self, now_ms: i64) -> bool {
        self.unflushed_records > 0
            && now_ms.saturating_sub(self.unflushed_since_ms) >= self.config.flush_ms
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
        self.unsynced_below(offset)
    }

    /// The same for all segments, as far as they are written.
    pub(crate) fn unsynced_whole(&mut self) -> io::Result<Option<Unsynced>> {
        self.unflushed_records = 0;
        self.unsynced_below(self.end_offset())
    }

    fn unsynced_below(&mut self, offset: i64) -> io::Result<Option<Unsynced>> {
        let recovery_point = self.recovery_point;
        // A segment that was forced to its end gets its index files when it is closed, later.
        let is_due = |segment: &Segment| {
            segment.base_offset() < offset
                && (segment.next_offset() > recovery_point || segment.has_unsynced_files())
        };
        if recovery_point >= offset && !self.segments.iter().any(is_due) {
            return Ok(None);
        }
        let mut segments = Vec::new();
        for segment in self.segments.iter_mut().filter(|segment| is_due(segment)) {
            segments.extend(segment.syncer()?);
        }
        Ok(Some(Unsynced {
            segments,
            names: self.unsynced_names(),
            offset,
            cuts: self.cuts,
        }))
    }

    /// Notes what is on the disk now. If the end was cut while that was done, the same offsets may belong to
    /// records that came after it and are not there.
    pub(crate) fn synced(&mut self, unsynced: &Unsynced) {
        if unsynced.cuts == self.cuts {
            self.recovery_point = self.recovery_point.max(unsynced.offset);
            let forced = self.recovery_point;
            self.awaited = self.awaited.and_then(|Awaited { from, to }| {
                let from = from.max(forced);
                (from < to).then_some(Awaited { from, to })
            });
        }
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
}

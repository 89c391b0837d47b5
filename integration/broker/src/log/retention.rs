//! Removing old segments: those before the start, those over `retention.bytes`, and those over `retention.ms`.
//!
//! A segment leaves the log first; its files go in two steps. They are renamed once the log's new start is on the
//! disk, and removed after `file.delete.delay.ms`, so that whoever looks at them from outside has time.

use std::io;
use std::path::PathBuf;

use super::Log;
use super::segment::Segment;
use crate::fs::Disk;

/// What files that are about to be removed end with.
pub(super) const DELETED: &str = ".deleted";

/// The files of segments that have left their log.
#[derive(Debug)]
#[must_use = "the files are still there"]
pub(crate) struct Removed {
    files: Vec<(Disk, PathBuf)>,
    delay_ms: i64,
}

/// Files that are to be removed.
#[derive(Debug)]
pub(crate) struct Doomed {
    disk: Disk,
    paths: Vec<PathBuf>,
    /// How long they stay until then.
    pub(crate) delay_ms: u64,
}

impl Log {
    /// Takes the segments out that retention does not keep; `None` if it keeps all. The active one goes too when it is
    /// too old, and a new one is begun.
    pub(crate) fn remove_old_segments(&mut self, now_ms: i64) -> io::Result<Option<Removed>> {
        let count = self.old_segments(now_ms);
        if count == 0 || self.closed {
            return Ok(None);
        }
        if count == self.segments.len() {
            self.roll(self.end_offset(), now_ms)?;
        }
        let segments: Vec<Segment> = self.segments.drain(..count).collect();
        self.advance_start(self.segments[0].base_offset());
        for segment in &segments {
            tracing::info!(
                log = %self.name(), segment = segment.base_offset(), bytes = segment.len(),
                "removed an old segment"
            );
        }
        Ok(Some(Removed {
            files: segments.iter().flat_map(Segment::files).collect(),
            delay_ms: self.config.file_delete_delay_ms,
        }))
    }

    /// How many segments, from the first on, retention does not keep.
    fn old_segments(&self, now_ms: i64) -> usize {
        let config = &self.config;
        let mut over = match u64::try_from(config.retention_bytes) {
            Ok(max) if config.deletes => {
                let size: u64 = self.segments.iter().map(Segment::len).sum();
                size.saturating_sub(max)
            }
            _ => 0,
        };
        // As in Kafka, what is not seen yet stays.
        let seen_to = self.high_watermark();
        let mut count = 0;
        for (index, segment) in self.segments.iter().enumerate() {
            let next = self.segments.get(index + 1).map(Segment::base_offset);
            if next.is_none() && segment.len() == 0 {
                break;
            }
            let is_before_start = next.is_some_and(|next| next <= self.start_offset);
            let is_over = over > 0 && over >= segment.len();
            let age_ms = now_ms.saturating_sub(segment.largest_timestamp());
            let is_late =
                config.deletes && config.retention_ms >= 0 && age_ms > config.retention_ms;
            let is_seen = segment.next_offset() <= seen_to;
            if !is_seen || !(is_before_start || is_over || is_late) {
                break;
            }
            over = over.saturating_sub(segment.len());
            count += 1;
        }
        count
    }
}

impl Removed {
    /// Those of segments that another one has replaced, whose files beside the batches are in place already.
    pub(super) fn replaced(segments: &[Segment], base_offset: i64, delay_ms: i64) -> Self {
        let is_left = |segment: &Segment, path: &PathBuf| {
            segment.base_offset() == base_offset && path.extension() != Some("log".as_ref())
        };
        let files = segments.iter().flat_map(|segment| {
            let files = segment.files();
            files.filter(|(_, path)| !is_left(segment, path))
        });
        Self {
            files: files.collect(),
            delay_ms,
        }
    }

    /// Renames the files. The log must be known on the disk to begin behind them, or to have another segment for
    /// them.
    pub(crate) fn rename(self) -> io::Result<Option<Doomed>> {
        let mut doomed: Option<Doomed> = None;
        for (disk, path) in self.files {
            let mut deleted = path.clone().into_os_string();
            deleted.push(DELETED);
            match disk.rename(&path, deleted.as_ref()) {
                // Not every segment has all of them.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                result => result?,
            }
            let doomed = doomed.get_or_insert_with(|| Doomed {
                disk,
                paths: Vec::new(),
                delay_ms: u64::try_from(self.delay_ms).unwrap_or(0),
            });
            doomed.paths.push(deleted.into());
        }
        Ok(doomed)
    }
}

impl Doomed {
    pub(crate) fn remove(&self) -> io::Result<()> {
        self.paths
            .iter()
            .try_for_each(|path| self.disk.remove_file(path))
    }
}

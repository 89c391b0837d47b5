//! Opening a log: what is at a place is taken over, and after an unclean stop checked.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use super::clean::{CLEANED, SWAP};
use super::data::HandleBudget;
use super::epochs::Epochs;
use super::producers::Producers;
use super::read::Hints;
use super::retention::DELETED;
use super::segment::Segment;
use super::{EPOCHS_FILE, Log, LogConfig, Opening, Place, checkpoint, snapshot_path};
use crate::fs::Disk;

/// What the file with the producers' state ends with.
const SNAPSHOT: &str = ".snapshot";

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
            held_high_watermark: None,
            recovery_point: 0,
            unflushed_records: 0,
            unflushed_since_ms: 0,
            awaited: None,
            unforced: None,
            producers: Producers::default(),
            producers_checked_ms: now_ms,
            epochs: Epochs::default(),
            epochs_changed: false,
            names_changed: true,
            is_new: true,
            closed: false,
            hints: Hints::default(),
            layout: 0,
            cuts: 0,
            cleaned_to: 0,
        };
        if let Place::Dir { path, disk, budget } = &log.place {
            disk.create_dir_all(path)?;
            tidy(disk, path, budget)?;
            log.epochs = Epochs::new(checkpoint::read_epochs(disk, &path.join(EPOCHS_FILE))?);
            for base in segment_bases(disk, path)? {
                log.segments
                    .push(Segment::in_dir(path, base, disk, budget.clone(), now_ms)?);
            }
        }
        if log.segments.is_empty() {
            let first = log.new_segment(start_offset, now_ms)?;
            log.segments.push(first);
        } else {
            // What was closed in order has left nothing to be forced to the disk.
            (log.names_changed, log.is_new) = match opening {
                Opening::Clean => (false, false),
                Opening::Unclean { .. } => (true, true),
            };
            log.load_segments(opening)?;
            match log.end_offset() < start_offset {
                true => log.start_anew(start_offset, now_ms)?,
                false => log.load_producers(opening, now_ms)?,
            }
        }
        let end = log.end_offset();
        let is_cut = log.epochs.truncate(end);
        if log.epochs.truncate_start(start_offset.min(end)) || is_cut {
            log.write_epochs()?;
        }
        log.start_offset = start_offset.clamp(log.segments[0].base_offset(), end);
        log.recovery_point = match opening {
            Opening::Clean => end,
            Opening::Unclean { recovery_point } => recovery_point.min(end),
        };
        Ok(log)
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

    /// A crash may take so much that the log would end before its start. Readers were told of that start, so offsets
    /// before it are not given out again.
    fn start_anew(&mut self, start_offset: i64, now_ms: i64) -> io::Result<()> {
        tracing::warn!(
            log = %self.name(), end_offset = self.end_offset(), start_offset,
            "the log ends before its start: removed what is left of it"
        );
        for dropped in self.segments.drain(..) {
            dropped.delete()?;
        }
        let first = self.new_segment(start_offset, now_ms)?;
        self.segments.push(first);
        self.epochs = Epochs::default();
        self.write_epochs()?;
        self.flush()
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
    pub(super) fn load_producers(&mut self, opening: Opening, now_ms: i64) -> io::Result<()> {
        // After a crash, what was not forced to the disk may be the snapshot of an earlier segment that
        // began at the same offset, before the log was cut there.
        let trusted_below = match opening {
            Opening::Clean => i64::MAX,
            Opening::Unclean { recovery_point } => recovery_point,
        };
        let is_trusted = |segment: &Segment| segment.base_offset() < trusted_below;
        let trusted = self.segments.partition_point(is_trusted);
        let mut from = self.segments.len().saturating_sub(2);
        from = from.min(trusted.saturating_sub(1));
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
}

/// The base offsets of the segments in a directory, ascending.
pub(super) fn segment_bases(disk: &Disk, dir: &Path) -> io::Result<Vec<i64>> {
    let names = disk.names(dir)?.into_iter();
    let base = |name: String| name.strip_suffix(".log")?.parse().ok();
    let mut bases: Vec<i64> = names.filter_map(base).collect();
    bases.sort_unstable();
    Ok(bases)
}

/// Ends what an earlier broker was about to do with the files of segments.
fn tidy(disk: &Disk, dir: &Path, budget: &HandleBudget) -> io::Result<()> {
    let mut names = disk.names(dir)?;
    let mut swaps: Vec<i64> = Vec::new();
    for name in &names {
        if name.ends_with(DELETED) || name.ends_with(CLEANED) {
            disk.remove_file(&dir.join(name))?;
        }
        swaps.extend(base_of(name).filter(|_| name.ends_with(SWAP)));
    }
    for base in &swaps {
        finish_swap(disk, dir, *base, budget)?;
    }
    if !swaps.is_empty() {
        names = disk.names(dir)?;
    }
    // Index files that have lost their segment must not be taken for those of a later one.
    let logs: HashSet<i64> = {
        let logs = names.iter().filter(|name| name.ends_with(".log"));
        logs.filter_map(|name| base_of(name)).collect()
    };
    for name in &names {
        let is_index = name.ends_with(".index") || name.ends_with(".timeindex");
        if is_index && base_of(name).is_some_and(|base| !logs.contains(&base)) {
            disk.remove_file(&dir.join(name))?;
        }
    }
    Ok(())
}

fn base_of(name: &str) -> Option<i64> {
    name.split_once('.')?.0.parse().ok()
}

/// Puts a compacted segment in the place of those that it covers.
fn finish_swap(disk: &Disk, dir: &Path, base: i64, budget: &HandleBudget) -> io::Result<()> {
    let mut swap = Segment::in_dir_as(dir, base, SWAP, disk, budget.clone(), 0)?;
    let mut end = base + 1;
    swap.walk(0, |head, _| {
        end = head.next_offset();
        true
    })?;
    tracing::info!(dir = %dir.display(), segment = base, "put a compacted segment in place");
    for name in disk.names(dir)? {
        let Some(other) = base_of(&name).filter(|other| (base..end).contains(other)) else {
            continue;
        };
        let is_its_own = name.ends_with(SWAP) || name.ends_with(SNAPSHOT) && other == base;
        if !is_its_own {
            disk.remove_file(&dir.join(name))?;
        }
    }
    // The old ones must not come back behind the new one.
    disk.sync_dir(dir)?;
    swap.rename("log")?;
    disk.sync_dir(dir)
}

//! Cutting the end of a log that is in use.

use std::io;

use super::read::Hints;
use super::{Log, Opening};

impl Log {
    /// Takes out what is at an offset and behind it, batches as a whole; the end then. The offset is in the log.
    pub(crate) fn truncate(&mut self, offset: i64, now_ms: i64) -> io::Result<i64> {
        while self.segments.len() > 1 && self.active().base_offset() >= offset {
            if let Some(last) = self.segments.pop() {
                last.delete()?;
                self.names_changed = true;
            }
        }
        let active = self.active();
        let mut cut = None;
        active.walk(0, |head, at| {
            let stays = head.next_offset() <= offset;
            cut = (!stays).then_some(at);
            stays
        })?;
        if let Some(position) = cut {
            active.cut(position)?;
        }
        let base = active.base_offset();
        active.recover(base, |_| {})?;
        // Positions that readers have found may be those of others soon.
        self.layout += 1;
        self.cuts += 1;
        self.hints = Hints::default();
        let end = self.end_offset();
        self.start_offset = self.start_offset.min(end);
        self.recovery_point = self.recovery_point.min(end);
        // All that is left is forced below.
        self.awaited = None;
        self.held_high_watermark = self.held_high_watermark.map(|held| held.min(end));
        self.cleaned_to = self.cleaned_to.min(end);
        self.epochs.truncate(end);
        self.load_producers(Opening::Clean, now_ms)?;
        self.write_epochs()?;
        // Else a crash brings back what was cut, behind what comes next. A flush forces only what is new.
        if let Some(syncer) = self.active().syncer()? {
            syncer.sync()?;
        }
        self.flush()?;
        Ok(end)
    }

    /// Forgets a producer; whether it was known.
    pub(crate) fn forget_producer(&mut self, producer_id: i64) -> bool {
        self.producers.forget(producer_id)
    }
}

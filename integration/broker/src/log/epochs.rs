//! Which leader epoch wrote which offsets (KIP-101): the table behind `OffsetForLeaderEpoch` and
//! the epochs that offset lookups answer with.

/// Epochs with their first offsets, both ascending.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Epochs(Vec<(i32, i64)>);

impl Epochs {
    pub(crate) fn new(entries: Vec<(i32, i64)>) -> Self {
        Self(entries)
    }

    /// Notes that `epoch` writes from `start` on; `true` when that is news.
    pub(crate) fn assign(&mut self, epoch: i32, start: i64) -> bool {
        if epoch < 0 || self.0.last().is_some_and(|(last, _)| *last >= epoch) {
            return false;
        }
        // An epoch that wrote nothing leaves no trace.
        self.0.retain(|(_, earlier)| *earlier < start);
        self.0.push((epoch, start));
        true
    }

    /// Forgets what starts at `end` or later; `true` when that changed something.
    pub(crate) fn truncate(&mut self, end: i64) -> bool {
        let before = self.0.len();
        self.0.retain(|(_, start)| *start < end);
        self.0.len() != before
    }

    /// Forgets what ends at `start` or earlier; `true` when that changed something. The epoch that wrote what is
    /// left begins there then.
    pub(crate) fn truncate_start(&mut self, start: i64) -> bool {
        let after = self.0.partition_point(|(_, earlier)| *earlier <= start);
        let Some(first) = after.checked_sub(1) else {
            return false;
        };
        let is_changed = first > 0 || self.0[first].1 != start;
        self.0.drain(..first);
        self.0[0].1 = start;
        is_changed
    }

    /// The epoch that wrote `offset`.
    pub(crate) fn epoch_of(&self, offset: i64) -> Option<i32> {
        let after = self.0.partition_point(|(_, start)| *start <= offset);
        after.checked_sub(1).map(|index| self.0[index].0)
    }

    pub(crate) fn latest(&self) -> Option<i32> {
        self.0.last().map(|(epoch, _)| *epoch)
    }

    /// The largest epoch not above `epoch` and where it ends, given the log's end: what Kafka
    /// answers a reader whose last batch was of `epoch`. Nothing for an epoch above all; an epoch
    /// below all is taken to end where the first one starts.
    pub(crate) fn end_of(&self, epoch: i32, log_end: i64) -> Option<(i32, i64)> {
        let after = self.0.partition_point(|(known, _)| *known <= epoch);
        let floor = self.0[..after].last().map(|(floor, _)| *floor);
        match self.0.get(after) {
            Some((_, start)) => Some((floor.unwrap_or(epoch), *start)),
            None => floor
                .filter(|floor| *floor == epoch)
                .map(|floor| (floor, log_end)),
        }
    }

    pub(crate) fn entries(&self) -> &[(i32, i64)] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_tell_who_wrote_an_offset_and_where_an_epoch_ends() {
        let mut epochs = Epochs::default();
        assert!(epochs.assign(0, 0));
        assert!(!epochs.assign(0, 5));
        assert!(epochs.assign(2, 10));
        assert!(!epochs.assign(1, 12), "epochs never go back");
        assert!(epochs.assign(3, 10), "epoch 2 wrote nothing");
        assert_eq!(epochs.entries(), [(0, 0), (3, 10)]);
        assert_eq!(
            [0, 9, 10, 99].map(|at| epochs.epoch_of(at)),
            [Some(0), Some(0), Some(3), Some(3)]
        );
        assert_eq!(epochs.end_of(0, 20), Some((0, 10)));
        assert_eq!(epochs.end_of(1, 20), Some((0, 10)));
        assert_eq!(epochs.end_of(3, 20), Some((3, 20)));
        assert_eq!(epochs.end_of(4, 20), None);
        assert_eq!(epochs.end_of(-1, 20), Some((-1, 0)));
        assert!(epochs.truncate(10));
        assert_eq!(epochs.latest(), Some(0));
    }

    #[test]
    fn epochs_before_the_start_are_forgotten() {
        let mut epochs = Epochs::new(vec![(1, 5), (4, 10), (6, 20)]);
        assert!(!epochs.truncate_start(4));
        assert!(!epochs.truncate_start(5));
        assert!(epochs.truncate_start(12));
        assert_eq!(epochs.entries(), [(4, 12), (6, 20)]);
        assert!(epochs.truncate_start(20));
        assert!(epochs.truncate_start(30));
        assert_eq!(epochs.entries(), [(6, 30)]);
        assert!(!Epochs::default().truncate_start(7));
    }
}

//! How far the user is in a partition, without a lock. Pure.
//!
//! Two write that down: the reader, at each record that it hands out, and whoever moves the position (a
//! seek, a reset). Were it one number, a seek back to 5 could be undone by the reader, who has looked
//! before it and writes 101 after it. So each has numbers of its own. Moves are counted, and what the
//! reader writes counts for the move that it knows of: after another one, its numbers are nothing until
//! it has caught up. That costs the reader plain stores, and no read-modify-write for each record.
//!
//! A commit by the user says that what was handed out is done with. That is a mark of its own as well.

use std::sync::atomic::{AtomicI32, AtomicI64, AtomicU64, Ordering};

/// The marks of one partition.
#[derive(Debug)]
pub(super) struct Marks {
    /// The last move, by whoever has the consumer's state locked.
    moved: Marked,
    /// Since then, by the reader alone.
    read: Marked,
    /// When the first record of the batch that is being handed out was written, in milliseconds since the
    /// Unix epoch; -1 if unknown. By the reader alone, as `read`.
    timestamp: AtomicI64,
    /// Up to where the user has committed, by whoever has the consumer's state locked; and after how many
    /// moves.
    claimed: AtomicI64,
    claimed_moves: AtomicU64,
}

#[derive(Debug)]
struct Marked {
    /// How many moves there were.
    moves: AtomicU64,
    /// Next offset to hand out; -1 while it is not known.
    position: AtomicI64,
    /// Everything below was handed out, and asked beyond: the user is done with it.
    processed: AtomicI64,
    /// Leader epoch of the record before the position, -1 if unknown.
    epoch: AtomicI32,
}

impl Marks {
    /// Nothing is known yet.
    pub(super) fn new() -> Self {
        let marked = || Marked {
            moves: AtomicU64::new(0),
            position: AtomicI64::new(-1),
            processed: AtomicI64::new(-1),
            epoch: AtomicI32::new(-1),
        };
        Self {
            moved: marked(),
            read: marked(),
            timestamp: AtomicI64::new(-1),
            claimed: AtomicI64::new(-1),
            claimed_moves: AtomicU64::new(0),
        }
    }

    /// Next offset to hand out; -1 while it is not known.
    pub(super) fn position(&self) -> i64 {
        self.get(|marked, _| marked.position.load(Ordering::Acquire))
    }

    /// Everything below this offset was handed out, and asked beyond, or committed.
    pub(super) fn processed(&self) -> i64 {
        self.get(|marked, moves| {
            let processed = marked.processed.load(Ordering::Acquire);
            match self.claimed_moves.load(Ordering::Acquire) == moves {
                true => processed.max(self.claimed.load(Ordering::Acquire)),
                false => processed,
            }
        })
    }

    /// Leader epoch of the record before the position, -1 if unknown.
    pub(super) fn epoch(&self) -> i32 {
        self.get(|marked, _| marked.epoch.load(Ordering::Acquire))
    }

    /// When what was handed out last was written, or a little before; -1 if nothing was since the last move.
    pub(super) fn timestamp(&self) -> i64 {
        self.get(|marked, _| match std::ptr::eq(marked, &self.read) {
            true => self.timestamp.load(Ordering::Acquire),
            false => -1,
        })
    }

    /// How many moves there were.
    pub(super) fn moves(&self) -> u64 {
        self.moved.moves.load(Ordering::Acquire)
    }

    fn get<T>(&self, mark: impl Fn(&Marked, u64) -> T) -> T {
        loop {
            let moves = self.moved.moves.load(Ordering::Acquire);
            let has_caught_up = self.read.moves.load(Ordering::Acquire) == moves;
            let marked = if has_caught_up {
                &self.read
            } else {
                &self.moved
            };
            let value = mark(marked, moves);
            // Else there was a move in between, and `value` may be the reader's of before, or of after.
            if self.moved.moves.load(Ordering::Acquire) == moves {
                return value;
            }
        }
    }

    /// Moves all marks. One after the other: the consumer's state is locked.
    pub(super) fn move_to(&self, offset: i64) {
        self.move_all(offset, offset, -1);
    }

    /// Leaves the marks where they are, but what the reader does of data that it has looked at already
    /// changes them no more. The consumer's state is locked.
    pub(super) fn stay(&self) {
        self.move_all(self.position(), self.processed(), self.epoch());
    }

    fn move_all(&self, position: i64, processed: i64, epoch: i32) {
        let moves = self.moved.moves.load(Ordering::Relaxed);
        self.moved.position.store(position, Ordering::Release);
        self.moved.processed.store(processed, Ordering::Release);
        self.moved.epoch.store(epoch, Ordering::Release);
        self.moved.moves.store(moves + 1, Ordering::Release);
    }

    /// The user has committed what was handed out before this offset, and so is done with it. The
    /// consumer's state is locked.
    pub(super) fn claim(&self, offset: i64) {
        let moves = self.moved.moves.load(Ordering::Relaxed);
        let is_of_this = self.claimed_moves.load(Ordering::Relaxed) == moves;
        if !is_of_this || self.claimed.load(Ordering::Relaxed) < offset {
            // The offset first: under the former number of moves it is of no account.
            self.claimed.store(offset, Ordering::Release);
            self.claimed_moves.store(moves, Ordering::Release);
        }
    }

    /// The leader epoch of the record before the offset that was just moved to; nothing of what follows
    /// has been read.
    pub(super) fn follow_epoch(&self, epoch: i32) {
        self.moved.epoch.store(epoch, Ordering::Release);
    }

    // What follows is called by the reader alone.

    /// Goes on from the last move.
    pub(super) fn catch_up(&self) {
        loop {
            let moves = self.moved.moves.load(Ordering::Acquire);
            if self.read.moves.load(Ordering::Relaxed) == moves {
                return;
            }
            let position = self.moved.position.load(Ordering::Acquire);
            let processed = self.moved.processed.load(Ordering::Acquire);
            let epoch = self.moved.epoch.load(Ordering::Acquire);
            self.read.position.store(position, Ordering::Release);
            self.read.processed.store(processed, Ordering::Release);
            self.read.epoch.store(epoch, Ordering::Release);
            self.timestamp.store(-1, Ordering::Release);
            self.read.moves.store(moves, Ordering::Release);
        }
    }

    /// Where the reader is.
    #[inline]
    pub(super) fn reading(&self) -> i64 {
        self.read.position.load(Ordering::Relaxed)
    }

    /// Everything before `next` is handed out.
    #[inline]
    pub(super) fn hand_out(&self, next: i64) {
        self.read.position.store(next, Ordering::Release);
    }

    /// What is handed out from now on is of a batch of this leader epoch and timestamp.
    #[inline]
    pub(super) fn begin_batch(&self, epoch: i32, timestamp: i64) {
        self.read.epoch.store(epoch, Ordering::Release);
        if timestamp >= 0 {
            self.timestamp.store(timestamp, Ordering::Release);
        }
    }

    /// The user is done with all that was handed out.
    #[inline]
    pub(super) fn finish(&self) {
        self.read.processed.store(self.reading(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn all(marks: &Marks) -> (i64, i64, i32) {
        (marks.position(), marks.processed(), marks.epoch())
    }

    #[test]
    fn the_last_timestamp_is_known_until_the_position_is_moved() {
        let marks = Marks::new();
        marks.move_to(10);
        marks.catch_up();
        assert_eq!(marks.timestamp(), -1);
        marks.begin_batch(4, 70);
        marks.begin_batch(4, -1);
        assert_eq!(marks.timestamp(), 70, "what has none hides none");
        marks.move_to(5);
        assert_eq!(marks.timestamp(), -1);
        marks.catch_up();
        assert_eq!(marks.timestamp(), -1);
    }

    #[test]
    fn what_is_handed_out_is_processed_when_it_is_finished() {
        let marks = Marks::new();
        assert_eq!(all(&marks), (-1, -1, -1));
        marks.move_to(10);
        marks.follow_epoch(3);
        assert_eq!(all(&marks), (10, 10, 3));
        marks.catch_up();
        assert_eq!(all(&marks), (10, 10, 3));
        marks.hand_out(12);
        marks.begin_batch(4, 70);
        assert_eq!(all(&marks), (12, 10, 4));
        marks.finish();
        assert_eq!(all(&marks), (12, 12, 4));
    }

    #[test]
    fn a_reader_that_has_not_caught_up_changes_nothing() {
        let marks = Marks::new();
        marks.move_to(10);
        marks.catch_up();
        marks.move_to(5);
        marks.hand_out(11);
        marks.begin_batch(4, 70);
        marks.finish();
        assert_eq!(all(&marks), (5, 5, -1));
        marks.catch_up();
        assert_eq!((all(&marks), marks.reading()), ((5, 5, -1), 5));
    }

    /// The reader's `finish` and a commit from elsewhere do not undo each other, nor a seek.
    #[test]
    fn a_commit_counts_until_the_next_move() {
        let marks = Marks::new();
        marks.move_to(10);
        marks.catch_up();
        marks.hand_out(20);
        marks.claim(20);
        assert_eq!(marks.processed(), 20);
        marks.hand_out(21);
        marks.finish();
        marks.claim(20);
        assert_eq!(marks.processed(), 21);
        marks.move_to(5);
        assert_eq!(marks.processed(), 5);
        marks.catch_up();
        assert_eq!(marks.processed(), 5);
        marks.claim(7);
        assert_eq!(marks.processed(), 7);
    }

    /// A record of a log that was truncated meanwhile is handed out: that of the new log comes too.
    #[test]
    fn what_is_handed_out_after_marks_were_to_stay_changes_nothing() {
        let marks = Marks::new();
        marks.move_to(10);
        marks.catch_up();
        marks.begin_batch(3, 70);
        marks.hand_out(11);
        marks.stay();
        marks.hand_out(12);
        marks.finish();
        assert_eq!(all(&marks), (11, 10, 3));
        marks.catch_up();
        assert_eq!((all(&marks), marks.reading()), ((11, 10, 3), 11));
    }

    /// Each move goes to a thousand of its own, in which the reader hands out what follows. Whoever looks
    /// sees marks of the last move.
    #[test]
    fn no_look_from_another_thread_sees_marks_of_before_a_move() {
        let (marks, ended) = (Marks::new(), AtomicBool::new(false));
        let rounds = if cfg!(miri) { 50 } else { 20_000 };
        marks.move_to(0);
        let mut wrong: Vec<i64> = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    marks.catch_up();
                    for _ in 0..20 {
                        let next = marks.reading() + 1;
                        if next % 1000 > 0 {
                            marks.hand_out(next);
                            marks.finish();
                        }
                    }
                }
            });
            for round in 1..=rounds {
                marks.move_to(round * 1000);
                for _ in 0..5 {
                    let seen = [marks.position(), marks.processed()];
                    wrong.extend(seen.into_iter().filter(|mark| mark / 1000 != round));
                }
            }
            ended.store(true, Ordering::Relaxed);
        });
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}

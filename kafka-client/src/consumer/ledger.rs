//! Which records of a partition are in work, and how far all is done. Pure: no clock, no socket.
//!
//! Records are handed out in order and acknowledged in any order. What may be committed is the offset
//! of the first record that is still in work:
//!
//! ```text
//!   handed out   10  11  14  15  16        may be committed: 11
//!   done          x       x       x        (all below it is done)
//! ```
//!
//! A record has a *number*: how many were handed out before it. 64 numbers in a row are a *block*, which has
//! a bit for each: a record is acknowledged by setting that, without the ledger and whoever has it locked.
//! How far all is done is found when somebody asks.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Records of a block.
const BLOCK: u64 = 64;

/// The records of a partition that were handed out, from the first that is in work.
#[derive(Debug)]
pub(crate) struct Ledger<O> {
    /// Of each record from the first in work on.
    offsets: VecDeque<i64>,
    /// The number of the first of them.
    first: u64,
    /// Those that have these records, and room for the next ones.
    blocks: VecDeque<Arc<Block<O>>>,
    /// The last block, once for each record that may be handed out of it. One reference after the other would
    /// be taken while those who acknowledge give theirs back, and the processors pass its memory to and fro.
    references: Vec<Arc<Block<O>>>,
    /// Whom tickets lead to.
    owner: O,
    /// Where the next record is expected: all that is handed out is below.
    next: i64,
    /// Records in work that are in nobody's hands.
    handed_back: BTreeSet<u64>,
    /// Those of them that nobody can say of that they are done.
    dropped: BTreeSet<u64>,
    /// As many records are the most; no more is handed out then.
    capacity: usize,
    is_full: bool,
    /// Acknowledgements that came too late: after a seek, or a second time.
    late: u64,
    /// The oldest record when its age was asked for last, and since when it was the oldest.
    oldest_since: Option<(u64, Instant)>,
}

/// Records that were handed out in a row.
#[derive(Debug)]
struct Block<O> {
    /// The number of the first.
    first: u64,
    /// A bit for each that is done.
    done: AtomicU64,
    /// There was a seek: nothing of it counts.
    is_stale: AtomicBool,
    owner: O,
}

/// Acknowledges a record.
#[derive(Debug)]
pub(crate) struct Ticket<O> {
    block: Arc<Block<O>>,
    at: u8,
}

impl<O> Ticket<O> {
    /// The record is done; `false` if that does not count any more.
    pub(crate) fn done(&self) -> bool {
        let bit = 1 << self.at;
        // In one order with what is looked at after it: who waits says so, and then looks at the bits.
        !self.block.is_stale.load(Ordering::Acquire)
            && self.block.done.fetch_or(bit, Ordering::SeqCst) & bit == 0
    }

    pub(crate) fn is_in_work(&self) -> bool {
        let done = self.block.done.load(Ordering::Acquire);
        !self.block.is_stale.load(Ordering::Acquire) && done >> self.at & 1 == 0
    }

    pub(crate) fn owner(&self) -> &O {
        &self.block.owner
    }

    fn number(&self) -> u64 {
        self.block.first + u64::from(self.at)
    }
}

impl<O: Clone> Ledger<O> {
    /// `capacity` limits how far the first record in work may be behind the last one handed out.
    pub(crate) fn new(capacity: usize, owner: O) -> Self {
        Self {
            offsets: VecDeque::new(),
            first: 0,
            blocks: VecDeque::new(),
            references: Vec::new(),
            owner,
            next: -1,
            handed_back: BTreeSet::new(),
            dropped: BTreeSet::new(),
            capacity: capacity.max(1),
            is_full: false,
            late: 0,
            oldest_since: None,
        }
    }

    /// A record is handed out.
    pub(crate) fn hand_out(&mut self, offset: i64) -> Ticket<O> {
        let block = match self.references.pop() {
            Some(block) => block,
            None => self.next_block(),
        };
        let number = self.first + self.offsets.len() as u64;
        self.offsets.push_back(offset);
        self.next = offset + 1;
        let at = (number - block.first) as u8;
        Ticket { block, at }
    }

    #[cold]
    fn next_block(&mut self) -> Arc<Block<O>> {
        // So that what is kept is what is in work, whether anybody asks or not.
        self.advance();
        let block = Arc::new(Block {
            first: self.first + self.offsets.len() as u64,
            done: AtomicU64::new(0),
            is_stale: AtomicBool::new(false),
            owner: self.owner.clone(),
        });
        self.blocks.push_back(block.clone());
        let others = (1..BLOCK).map(|_| block.clone());
        self.references.extend(others);
        block
    }

    /// Passes over what is done.
    fn advance(&mut self) {
        while let Some(block) = self.blocks.front() {
            let passed = self.first - block.first;
            if passed == BLOCK {
                self.blocks.pop_front();
                continue;
            }
            let done = (block.done.load(Ordering::SeqCst) >> passed).trailing_ones();
            if done == 0 {
                return;
            }
            self.first += u64::from(done);
            self.offsets.drain(..done as usize);
        }
    }

    /// There is nothing to hand out below this offset.
    pub(crate) fn skip_to(&mut self, next: i64) {
        self.next = self.next.max(next);
    }

    /// Whether so much was handed out that it may be too much.
    pub(crate) fn is_at_capacity(&self) -> bool {
        self.offsets.len() >= self.capacity
    }

    /// Whether nothing more is to be handed out for now, which `tell` is told before the last look at what is
    /// done: who acknowledges after it knows.
    pub(crate) fn fill(&mut self, tell: impl FnOnce()) -> bool {
        self.advance();
        if self.is_at_capacity() {
            self.is_full = true;
            tell();
            self.has_room();
        }
        self.is_full
    }

    /// Whether records may be handed out again, since the last look.
    pub(crate) fn has_room(&mut self) -> bool {
        self.advance();
        // Not for each record: those who wait would be woken for one at a time.
        let has_room = self.is_full && self.offsets.len() <= self.capacity / 4 * 3;
        self.is_full &= !has_room;
        has_room
    }

    /// An acknowledgement did not count.
    pub(crate) fn note_late(&mut self) {
        self.late += 1;
    }

    /// A record that is in work was handed back: nobody works on it.
    pub(crate) fn hand_back(&mut self, ticket: &Ticket<O>) {
        if ticket.is_in_work() {
            self.handed_back.insert(ticket.number());
        }
    }

    /// A record that is in work was dropped: nobody works on it, and nobody will say that it is done.
    pub(crate) fn drop_record(&mut self, ticket: &Ticket<O>) {
        if ticket.is_in_work() {
            self.handed_back.insert(ticket.number());
            self.dropped.insert(ticket.number());
        }
    }

    /// Whether the first record in work was dropped.
    pub(crate) fn is_stuck(&mut self) -> bool {
        self.advance();
        self.dropped.contains(&self.first)
    }

    /// A record that was handed back is handed out again; `false` if it is not in work any more.
    pub(crate) fn hand_out_again(&mut self, ticket: &Ticket<O>) -> bool {
        ticket.is_in_work() && self.handed_back.remove(&ticket.number())
    }

    /// Whether nobody has a record in hand.
    pub(crate) fn is_idle(&mut self) -> bool {
        self.in_work() == self.handed_back.len()
    }

    /// Goes on elsewhere: acknowledgements of what was handed out are stale.
    pub(crate) fn restart(&mut self, offset: i64) {
        for block in self.blocks.drain(..) {
            block.is_stale.store(true, Ordering::Release);
        }
        self.references.clear();
        self.first += self.offsets.len() as u64;
        self.offsets.clear();
        (self.next, self.is_full) = (offset, false);
        self.handed_back.clear();
        self.dropped.clear();
    }

    /// All below this offset is done; -1 while there is no position.
    pub(crate) fn done(&mut self) -> i64 {
        self.advance();
        self.offsets.front().copied().unwrap_or(self.next)
    }

    /// How many records are in work.
    pub(crate) fn in_work(&mut self) -> usize {
        self.advance();
        let done = self.blocks.iter().map(|block| {
            let passed = self.first.saturating_sub(block.first);
            let done = block.done.load(Ordering::SeqCst);
            done.checked_shr(passed as u32).map_or(0, u64::count_ones)
        });
        self.offsets.len() - done.sum::<u32>() as usize
    }

    /// The offset of the first record in work.
    pub(crate) fn oldest(&mut self) -> Option<i64> {
        self.advance();
        self.offsets.front().copied()
    }

    /// For how long the first record in work has been the first, as far as was looked: a clock is not
    /// read for each record.
    pub(crate) fn age(&mut self, now: Instant) -> Option<Duration> {
        self.oldest()?;
        let since = match self.oldest_since {
            Some((seen, since)) if seen == self.first => since,
            _ => now,
        };
        self.oldest_since = Some((self.first, since));
        Some(now - since)
    }

    /// Acknowledgements that came too late.
    pub(crate) fn late(&self) -> u64 {
        self.late
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn ledger(capacity: usize) -> Ledger<()> {
        Ledger::new(capacity, ())
    }

    impl Ledger<()> {
        /// As when it is handed out: whether nothing more is to be.
        fn is_full(&mut self) -> bool {
            if !self.is_full && self.is_at_capacity() {
                self.fill(|| {});
            }
            self.is_full
        }
    }

    #[test]
    fn what_is_done_is_contiguous() {
        let mut ledger = ledger(100);
        let tickets: Vec<_> = [10, 11, 14, 15]
            .map(|offset| ledger.hand_out(offset))
            .into();
        let mut ack = |at: usize| {
            assert!(tickets[at].done());
            (ledger.done(), ledger.is_idle())
        };
        assert_eq!(ack(2), (10, false));
        assert_eq!(ack(0), (11, false));
        assert_eq!(ack(1), (15, false));
        assert_eq!(ack(3), (16, true));
        ledger.skip_to(20);
        assert_eq!(ledger.done(), 20, "markers behind the last record");
    }

    #[test]
    fn acknowledgements_that_come_twice_or_after_a_seek_change_nothing() {
        let mut ledger = ledger(100);
        let (first, second) = (ledger.hand_out(0), ledger.hand_out(1));
        assert!(first.done());
        assert!(!first.done());
        ledger.restart(50);
        assert!(!second.is_in_work() && !second.done());
        assert_eq!(ledger.done(), 50);
        let third = ledger.hand_out(50);
        assert!(third.is_in_work() && !second.is_in_work());
        assert!(third.done());
        assert_eq!(ledger.done(), 51);
    }

    #[test]
    fn a_full_ledger_takes_more_when_a_quarter_is_free() {
        let mut ledger = ledger(8);
        let tickets: Vec<_> = (0..8).map(|offset| ledger.hand_out(offset)).collect();
        assert!(ledger.is_full());
        // Behind the first one: the gap is as large as before.
        for ticket in &tickets[1..] {
            assert!(ticket.done() && !ledger.has_room());
        }
        assert!(ledger.is_full());
        assert!(tickets[0].done() && ledger.has_room());
        assert!(!ledger.is_full() && !ledger.has_room());
    }

    /// Who acknowledges before the ledger says that it is full does not know, and tells nobody.
    #[test]
    fn what_is_done_while_the_ledger_becomes_full_counts() {
        let mut ledger = ledger(8);
        let tickets: Vec<_> = (0..8).map(|offset| ledger.hand_out(offset)).collect();
        let is_full = ledger.fill(|| tickets.iter().for_each(|ticket| assert!(ticket.done())));
        assert!(!is_full);
        assert_eq!(ledger.done(), 8);
    }

    #[test]
    fn what_was_handed_back_or_dropped_is_in_work_and_in_nobodys_hands() {
        let mut ledger = ledger(100);
        let tickets: Vec<_> = (0..3).map(|offset| ledger.hand_out(offset)).collect();
        ledger.hand_back(&tickets[1]);
        assert!(!ledger.is_idle());
        ledger.drop_record(&tickets[0]);
        assert!(ledger.is_stuck() && !ledger.is_idle());
        assert!(tickets[2].done());
        assert!(ledger.is_idle());
        assert!(ledger.hand_out_again(&tickets[1]));
        assert!(!ledger.hand_out_again(&tickets[1]), "it is in hand");
        assert!(!ledger.is_idle());
        ledger.restart(0);
        assert!(ledger.is_idle() && !ledger.is_stuck());
        assert!(!ledger.hand_out_again(&tickets[0]));
    }

    #[test]
    fn what_is_kept_is_what_is_in_work_though_nobody_asks() {
        let mut ledger = ledger(1_000_000);
        for offset in 0..100_000 {
            assert!(ledger.hand_out(offset).done());
        }
        assert!(ledger.offsets.len() <= 64 && ledger.blocks.len() <= 2);
    }

    /// Acknowledged from other threads, while it is handed out and looked at.
    #[test]
    fn acknowledgements_from_other_threads_are_all_found() {
        let records = if cfg!(miri) { 300 } else { 100_000 };
        let mut ledger = ledger(1_000_000);
        std::thread::scope(|scope| {
            let (senders, receivers): (Vec<_>, Vec<_>) = (0..3)
                .map(|_| std::sync::mpsc::channel::<Ticket<()>>())
                .unzip();
            for receiver in receivers {
                scope.spawn(move || {
                    receiver
                        .into_iter()
                        .for_each(|ticket| assert!(ticket.done()))
                });
            }
            let mut done = 0;
            for offset in 0..records {
                let ticket = ledger.hand_out(offset);
                senders[offset as usize % senders.len()]
                    .send(ticket)
                    .unwrap();
                let found = ledger.done();
                assert!((done..=offset + 1).contains(&found));
                done = found;
            }
        });
        assert_eq!((ledger.done(), ledger.in_work()), (records, 0));
    }

    /// Against a model that remembers everything: whatever is handed out, acknowledged, skipped and
    /// sought, nothing is called done that is not, and all is when everything is acknowledged.
    #[test]
    fn whatever_happens_only_what_is_done_may_be_committed() {
        for seed in 0..200 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut ledger = ledger(1 + random.usize(..300));
            let mut offset = 0_i64;
            ledger.restart(offset);
            // What is in work, in order, and what was.
            let mut open: BTreeMap<u64, (i64, Ticket<()>)> = BTreeMap::new();
            let mut old: Vec<Ticket<()>> = Vec::new();
            for _ in 0..2_000 {
                match random.u8(..100) {
                    0..45 if !ledger.is_full() => {
                        offset += random.i64(0..3);
                        let ticket = ledger.hand_out(offset);
                        let last = open.last_key_value();
                        assert!(last.is_none_or(|(last, _)| *last < ticket.number()));
                        open.insert(ticket.number(), (offset, ticket));
                        offset += 1;
                    }
                    45..90 if !open.is_empty() => {
                        let at = random.usize(..open.len());
                        let number = *open.keys().nth(at).unwrap();
                        let (_, ticket) = open.remove(&number).unwrap();
                        assert!(ticket.is_in_work() && ticket.done() && !ticket.is_in_work());
                        old.push(ticket);
                        ledger.has_room();
                    }
                    90..95 if !old.is_empty() => {
                        assert!(!old[random.usize(..old.len())].done());
                    }
                    95..99 => {
                        offset += random.i64(0..5);
                        ledger.skip_to(offset);
                    }
                    99 => {
                        offset = random.i64(0..1_000);
                        ledger.restart(offset);
                        let stale = std::mem::take(&mut open).into_values();
                        old.extend(stale.map(|(_, ticket)| ticket));
                    }
                    _ => {}
                }
                // Not always: how far all is done is found when somebody asks.
                if random.bool() {
                    let oldest = open.values().next().map(|(offset, _)| *offset);
                    assert_eq!(ledger.oldest(), oldest);
                    assert_eq!(ledger.done(), oldest.unwrap_or(offset));
                    assert_eq!(ledger.in_work(), open.len());
                    assert_eq!(ledger.is_idle(), open.is_empty());
                }
            }
        }
    }
}

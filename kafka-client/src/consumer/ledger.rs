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
//! A record has a *ticket*: how many were handed out before it. So an acknowledgement finds its place
//! without a search, and one from before a seek is known to be stale.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The records of a partition that were handed out, from the first that is in work.
#[derive(Debug)]
pub(crate) struct Ledger {
    entries: VecDeque<Entry>,
    /// The ticket of the first entry.
    first: u64,
    /// Where the next record is expected: all that is handed out is below.
    next: i64,
    /// How many are in work.
    in_work: usize,
    /// How many of these were handed back, and are in nobody's hands.
    handed_back: usize,
    /// As many entries are the most; no more is handed out then.
    capacity: usize,
    is_full: bool,
    /// Acknowledgements that came too late: after a seek, or when the partition had gone.
    late: u64,
    /// The oldest entry when its age was asked for last, and since when it was the oldest.
    oldest_since: Option<(u64, Instant)>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    offset: i64,
    is_done: bool,
    /// Nobody has it any more who could say that it is done.
    is_dropped: bool,
}

/// What an acknowledgement changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Acked {
    /// Up to here all is done now; `None` if that is as before.
    pub(crate) done: Option<i64>,
    /// Records may be handed out again.
    pub(crate) has_room: bool,
    /// Nobody has a record in hand any more.
    pub(crate) is_idle: bool,
}

impl Ledger {
    /// `capacity` limits how far the first record in work may be behind the last one handed out.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            first: 0,
            next: -1,
            in_work: 0,
            handed_back: 0,
            capacity: capacity.max(1),
            is_full: false,
            late: 0,
            oldest_since: None,
        }
    }

    /// A record is handed out. Returned is its ticket.
    pub(crate) fn hand_out(&mut self, offset: i64) -> u64 {
        let ticket = self.first + self.entries.len() as u64;
        self.entries.push_back(Entry {
            offset,
            is_done: false,
            is_dropped: false,
        });
        self.next = offset + 1;
        self.in_work += 1;
        self.is_full = self.entries.len() >= self.capacity;
        ticket
    }

    /// There is nothing to hand out below this offset. Returned is up to where all is done.
    pub(crate) fn skip_to(&mut self, next: i64) -> i64 {
        self.next = self.next.max(next);
        self.done()
    }

    /// A record is done.
    pub(crate) fn ack(&mut self, ticket: u64) -> Acked {
        let entry = ticket
            .checked_sub(self.first)
            .and_then(|index| self.entries.get_mut(index as usize))
            .filter(|entry| !entry.is_done);
        let Some(entry) = entry else {
            self.late += 1;
            return Acked::default();
        };
        entry.is_done = true;
        self.in_work -= 1;
        let before = self.first;
        while self.entries.front().is_some_and(|entry| entry.is_done) {
            self.entries.pop_front();
            self.first += 1;
        }
        // Not for each record: those who wait would be woken for one at a time.
        let has_room = self.is_full && self.entries.len() <= self.capacity / 4 * 3;
        self.is_full &= !has_room;
        Acked {
            done: (self.first > before).then(|| self.done()),
            has_room,
            is_idle: self.is_idle(),
        }
    }

    /// A record that is in work was handed back: nobody works on it.
    pub(crate) fn hand_back(&mut self, ticket: u64) {
        self.handed_back += usize::from(self.is_in_work(ticket));
    }

    /// A record that is in work was dropped: nobody works on it, and nobody will say that it is done.
    pub(crate) fn drop_record(&mut self, ticket: u64) {
        self.hand_back(ticket);
        let index = ticket.checked_sub(self.first);
        if let Some(entry) = index.and_then(|index| self.entries.get_mut(index as usize)) {
            entry.is_dropped = !entry.is_done;
        }
    }

    /// Whether the first record in work was dropped.
    pub(crate) fn is_stuck(&self) -> bool {
        self.entries.front().is_some_and(|entry| entry.is_dropped)
    }

    /// A record that was handed back is handed out again; `false` if it is not in work any more.
    pub(crate) fn hand_out_again(&mut self, ticket: u64) -> bool {
        let is_in_work = self.is_in_work(ticket);
        self.handed_back -= usize::from(is_in_work);
        is_in_work
    }

    /// Whether nobody has a record in hand.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_work == self.handed_back
    }

    /// Goes on elsewhere: acknowledgements of what was handed out are stale.
    pub(crate) fn restart(&mut self, offset: i64) {
        self.first += self.entries.len() as u64;
        self.entries.clear();
        (self.next, self.in_work, self.is_full) = (offset, 0, false);
        self.handed_back = 0;
    }

    /// Whether a ticket is of a record that is in work.
    pub(crate) fn is_in_work(&self, ticket: u64) -> bool {
        let index = ticket.checked_sub(self.first);
        let entry = index.and_then(|index| self.entries.get(index as usize));
        entry.is_some_and(|entry| !entry.is_done)
    }

    /// All below this offset is done.
    fn done(&self) -> i64 {
        self.entries.front().map_or(self.next, |first| first.offset)
    }

    /// Nothing more is to be handed out for now.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// How many records are in work.
    pub(crate) fn in_work(&self) -> usize {
        self.in_work
    }

    /// The first record in work: its ticket and offset.
    pub(crate) fn oldest(&self) -> Option<(u64, i64)> {
        Some((self.first, self.entries.front()?.offset))
    }

    /// For how long the first record in work has been the first, as far as was looked: a clock is not
    /// read for each record.
    pub(crate) fn age(&mut self, now: Instant) -> Option<Duration> {
        let (ticket, _) = self.oldest()?;
        let since = match self.oldest_since {
            Some((seen, since)) if seen == ticket => since,
            _ => now,
        };
        self.oldest_since = Some((ticket, since));
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

    #[test]
    fn what_is_done_is_contiguous() {
        let mut ledger = Ledger::new(100);
        let tickets: Vec<u64> = [10, 11, 14, 15]
            .map(|offset| ledger.hand_out(offset))
            .into();
        assert_eq!(ledger.ack(tickets[2]), Acked::default());
        assert_eq!(ledger.ack(tickets[0]).done, Some(11));
        assert_eq!(ledger.oldest(), Some((tickets[1], 11)));
        assert_eq!(ledger.ack(tickets[1]).done, Some(15));
        let last = ledger.ack(tickets[3]);
        assert_eq!((last.done, last.is_idle), (Some(16), true));
        assert_eq!(ledger.skip_to(20), 20, "markers behind the last record");
    }

    #[test]
    fn acknowledgements_that_come_twice_or_after_a_seek_change_nothing() {
        let mut ledger = Ledger::new(100);
        let (first, second) = (ledger.hand_out(0), ledger.hand_out(1));
        ledger.ack(first);
        assert_eq!(ledger.ack(first), Acked::default());
        ledger.restart(50);
        assert_eq!(ledger.ack(second), Acked::default());
        assert_eq!(ledger.late(), 2);
        let third = ledger.hand_out(50);
        assert!(!ledger.is_in_work(second) && ledger.is_in_work(third));
        assert_eq!(ledger.ack(third).done, Some(51));
    }

    #[test]
    fn a_full_ledger_takes_more_when_a_quarter_is_free() {
        let mut ledger = Ledger::new(8);
        let tickets: Vec<u64> = (0..8).map(|offset| ledger.hand_out(offset)).collect();
        assert!(ledger.is_full());
        // Behind the first one: the gap is as large as before.
        for ticket in &tickets[1..] {
            assert!(!ledger.ack(*ticket).has_room);
        }
        assert!(ledger.is_full());
        assert!(ledger.ack(tickets[0]).has_room);
        assert!(!ledger.is_full());
    }

    /// Against a model that remembers everything: whatever is handed out, acknowledged, skipped and
    /// sought, nothing is called done that is not, and all is when everything is acknowledged.
    #[test]
    fn whatever_happens_only_what_is_done_may_be_committed() {
        for seed in 0..200 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut ledger = Ledger::new(1 + random.usize(..64));
            let (mut offset, mut done) = (0_i64, 0_i64);
            // By ticket, what is in work.
            let mut open: BTreeMap<u64, i64> = BTreeMap::new();
            let mut old: Vec<u64> = Vec::new();
            for _ in 0..2_000 {
                match random.u8(..100) {
                    0..45 if !ledger.is_full() => {
                        offset += random.i64(0..3);
                        let ticket = ledger.hand_out(offset);
                        assert!(open.insert(ticket, offset).is_none() && !old.contains(&ticket));
                        offset += 1;
                    }
                    45..90 if !open.is_empty() => {
                        let at = random.usize(..open.len());
                        let ticket = *open.keys().nth(at).unwrap();
                        open.remove(&ticket);
                        old.push(ticket);
                        let acked = ledger.ack(ticket);
                        let expected = open.values().next().copied().unwrap_or(offset);
                        if let Some(acked) = acked.done {
                            assert!(acked > done && acked == expected);
                            done = acked;
                        } else {
                            assert!(done <= expected && !open.is_empty());
                        }
                        assert_eq!(acked.is_idle, open.is_empty());
                    }
                    90..95 if !old.is_empty() => {
                        let ticket = old[random.usize(..old.len())];
                        assert_eq!(ledger.ack(ticket), Acked::default());
                    }
                    95..99 => {
                        offset += random.i64(0..5);
                        let skipped = ledger.skip_to(offset);
                        assert_eq!(skipped, open.values().next().copied().unwrap_or(offset));
                        done = skipped;
                    }
                    99 => {
                        offset = random.i64(0..1_000);
                        done = offset;
                        ledger.restart(offset);
                        old.extend(std::mem::take(&mut open).into_keys());
                    }
                    _ => {}
                }
                assert_eq!(ledger.in_work(), open.len());
                assert_eq!(
                    ledger.oldest().map(|(_, offset)| offset),
                    open.values().next().copied()
                );
            }
        }
    }
}

//! A partition's window of sent batches: which may be sent next, under which sequence, and what an
//! answer means for the others. Pure: no clock, no socket, no lock.
//!
//! Rules, for an idempotent producer (KIP-98, KIP-360):
//! - A batch keeps the sequence it was first sent with, so that a second copy is recognised.
//! - Up to five batches are under way, as many as a broker remembers. The first under an identity is
//!   alone until it is in the log: a leader that does not know the producer takes any sequence, so
//!   a second batch could be written in front of a first that was refused for the moment.
//! - After a failure only the oldest is sent again, alone, until all is settled: the broker takes
//!   batches in order of their sequences, so order survives every retry.
//! - "Out of order" for the oldest batch proves that neither it nor anything behind it is in the
//!   log. Only then are they numbered anew, under a new epoch. For a younger batch it merely means
//!   that an older one is missing, which is sent again anyway.

use std::collections::VecDeque;

/// Who a producer is, to the brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
}

/// Names a batch in its window.
pub(crate) type Ticket = u64;

/// The batches of a partition that were sent and are not settled, oldest first.
#[derive(Debug)]
pub(crate) struct Window<B> {
    /// Batches under way at a time.
    limit: usize,
    idempotent: bool,
    /// What this partition's batches are numbered under; it follows the producer's identity when
    /// no batch is under way.
    identity: Option<Identity>,
    next_sequence: i32,
    next_ticket: Ticket,
    entries: VecDeque<Entry<B>>,
    /// The log lacks something that these sequences build on: number anew before sending.
    broken: bool,
    /// A batch under this identity is in the log, which so refuses any that does not follow on it.
    anchored: bool,
}

/// A batch that was sent.
#[derive(Debug)]
pub(crate) struct Entry<B> {
    pub(crate) ticket: Ticket,
    pub(crate) base_sequence: i32,
    pub(crate) records: i32,
    pub(crate) batch: B,
    state: State,
    /// It may be in the log: a request went out whose answer never came, or said that it may be.
    in_doubt: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its request is with this broker.
    InFlight { node: i32 },
    /// To be sent again.
    Waiting,
}

impl<B> Entry<B> {
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.in_doubt || matches!(self.state, State::InFlight { .. })
    }

    /// As [`Entry::is_in_doubt`], but for the request that is answered now: whether one before it
    /// may have been written.
    pub(crate) fn has_doubt(&self) -> bool {
        self.in_doubt
    }

    pub(crate) fn is_in_flight(&self) -> bool {
        matches!(self.state, State::InFlight { .. })
    }
}

impl<B> Window<B> {
    pub(crate) fn new(limit: usize, idempotent: bool) -> Self {
        Self {
            limit,
            idempotent,
            identity: None,
            next_sequence: 0,
            next_ticket: 0,
            entries: VecDeque::new(),
            broken: false,
            anchored: false,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry<B>> {
        self.entries.iter()
    }

    pub(crate) fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry<B>> {
        self.entries.iter_mut()
    }

    /// What the batches are numbered under at the moment.
    pub(crate) fn identity(&self) -> Option<Identity> {
        self.identity
    }

    /// Follows the producer's identity where that is possible: when nothing is under way.
    pub(crate) fn follow(&mut self, identity: Identity) {
        if self.entries.is_empty() && self.identity != Some(identity) {
            self.identity = Some(identity);
            self.next_sequence = 0;
            self.broken = false;
            self.anchored = false;
        }
    }

    /// Whether a batch that was never sent may be sent to this broker now.
    ///
    /// Not while another broker still has batches: after a move of the leader it could answer
    /// later than the new one.
    pub(crate) fn may_send_new(&self, node: i32) -> bool {
        !self.broken
            && self.entries.len() < self.limit
            && self
                .entries
                .iter()
                .all(|entry| entry.state == State::InFlight { node })
            && (!self.idempotent
                || self.identity.is_some() && (self.anchored || self.entries.is_empty()))
    }

    /// Takes in a batch that is sent now, and numbers it.
    pub(crate) fn send_new(&mut self, node: i32, records: i32, batch: B) -> Ticket {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.entries.push_back(Entry {
            ticket,
            base_sequence: self.next_sequence,
            records,
            batch,
            state: State::InFlight { node },
            in_doubt: false,
        });
        self.next_sequence = advance(self.next_sequence, records);
        ticket
    }

    /// The sequence that the next new batch gets.
    pub(crate) fn next_sequence(&self) -> i32 {
        self.next_sequence
    }

    /// The oldest batch, if it is to be sent again now; it counts as sent.
    pub(crate) fn resend(&mut self, node: i32) -> Option<&Entry<B>> {
        if self.broken || self.entries.iter().any(Entry::is_in_flight) {
            return None;
        }
        let front = self.entries.front_mut()?;
        front.state = State::InFlight { node };
        Some(front)
    }

    /// Whether there is something to send again, now or once what is in flight is back.
    pub(crate) fn has_waiting(&self) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.state == State::Waiting)
    }

    /// The batch is in the log.
    pub(crate) fn acked(&mut self, ticket: Ticket) -> Option<Entry<B>> {
        let index = self.index(ticket)?;
        self.anchored = true;
        self.entries.remove(index)
    }

    /// No answer: the batch is sent again, and may be in the log already.
    pub(crate) fn lost(&mut self, ticket: Ticket) {
        self.refused(ticket, true);
    }

    /// The broker refused the batch for now. `in_doubt` if it may have written it all the same;
    /// once in doubt, only an answer that proves otherwise helps.
    pub(crate) fn refused(&mut self, ticket: Ticket, in_doubt: bool) {
        if let Some(index) = self.index(ticket) {
            let entry = &mut self.entries[index];
            entry.state = State::Waiting;
            entry.in_doubt |= in_doubt;
        }
    }

    /// The broker says that the batch's sequence does not follow on what it has.
    pub(crate) fn out_of_order(&mut self, ticket: Ticket) {
        let Some(index) = self.index(ticket) else {
            return;
        };
        self.entries[index].state = State::Waiting;
        if index == 0 {
            self.broken = true;
            // See the module's documentation: none of them is in the log.
            for entry in &mut self.entries {
                entry.in_doubt = false;
            }
        }
    }

    /// Gives up a batch whose time is over, or that was refused for good: `None` if its request is
    /// still under way, it then stays until its answer comes.
    pub(crate) fn given_up(&mut self, ticket: Ticket) -> Option<Entry<B>> {
        let index = self.index(ticket)?;
        if self.entries[index].is_in_flight() {
            return None;
        }
        let entry = self.entries.remove(index)?;
        if !entry.in_doubt {
            self.close_gap(index, &entry);
        }
        // A batch in doubt may be in the log. If it is not, the next one is refused as out of
        // order, which tells.
        Some(entry)
    }

    /// A batch that is not in the log leaves a gap: its sequences are free again if it was the
    /// last, else those behind it are numbered anew.
    fn close_gap(&mut self, index: usize, removed: &Entry<B>) {
        if !self.idempotent {
            return;
        }
        if index == self.entries.len() {
            self.next_sequence = removed.base_sequence;
        } else {
            self.broken = true;
        }
    }

    /// Whether the batches must be numbered anew, and can: nothing is in flight.
    pub(crate) fn must_renumber(&self) -> bool {
        self.broken && !self.entries.iter().any(Entry::is_in_flight)
    }

    /// Numbers every batch anew under another identity, the oldest from 0. The caller rewrites
    /// each batch it is given.
    pub(crate) fn renumber(&mut self, identity: Identity, mut rewrite: impl FnMut(&mut B, i32)) {
        debug_assert!(self.must_renumber() && self.identity != Some(identity));
        self.identity = Some(identity);
        self.broken = false;
        self.anchored = false;
        self.next_sequence = 0;
        for entry in &mut self.entries {
            entry.base_sequence = self.next_sequence;
            rewrite(&mut entry.batch, entry.base_sequence);
            self.next_sequence = advance(self.next_sequence, entry.records);
        }
    }

    /// Puts smaller batches in the place of one that was too large. Together they have its
    /// records, so the sequences behind them stay right. `make` is given the first sequence.
    pub(crate) fn split(
        &mut self,
        ticket: Ticket,
        parts: impl IntoIterator<Item = i32>,
        mut make: impl FnMut(usize, i32) -> B,
    ) -> Option<Entry<B>> {
        let index = self.index(ticket)?;
        let whole = self.entries.remove(index)?;
        let mut sequence = whole.base_sequence;
        for (part, records) in parts.into_iter().enumerate() {
            let ticket = self.next_ticket;
            self.next_ticket += 1;
            let entry = Entry {
                ticket,
                base_sequence: sequence,
                records,
                batch: make(part, sequence),
                state: State::Waiting,
                in_doubt: false,
            };
            self.entries.insert(index + part, entry);
            sequence = advance(sequence, records);
        }
        Some(whole)
    }

    /// Everything, when the producer closes.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Entry<B>> {
        std::mem::take(&mut self.entries).into_iter()
    }

    pub(crate) fn get(&self, ticket: Ticket) -> Option<&Entry<B>> {
        self.index(ticket).map(|index| &self.entries[index])
    }

    fn index(&self, ticket: Ticket) -> Option<usize> {
        self.entries.iter().position(|entry| entry.ticket == ticket)
    }
}

/// Sequences wrap from 2^31 - 1 to 0.
fn advance(sequence: i32, records: i32) -> i32 {
    kafka_client_protocol::records::advance_sequence(sequence, records)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Identity = Identity { id: 7, epoch: 0 };
    const SECOND: Identity = Identity { id: 7, epoch: 1 };

    /// Nothing is in the log yet.
    fn fresh() -> Window<&'static str> {
        let mut window = Window::new(5, true);
        window.follow(FIRST);
        window
    }

    /// The log has a batch without records of it, for the sake of round sequences.
    fn window() -> Window<&'static str> {
        let mut window = fresh();
        let ticket = window.send_new(1, 0, "");
        window.acked(ticket);
        window
    }

    fn sequences(window: &Window<&'static str>) -> Vec<(&'static str, i32)> {
        window
            .entries()
            .map(|entry| (entry.batch, entry.base_sequence))
            .collect()
    }

    #[test]
    fn five_batches_are_under_way_and_numbered_in_order() {
        let mut window = window();
        for name in ["a", "b", "c", "d", "e"] {
            assert!(window.may_send_new(1));
            window.send_new(1, 10, name);
        }
        assert!(!window.may_send_new(1));
        assert_eq!(
            sequences(&window),
            [("a", 0), ("b", 10), ("c", 20), ("d", 30), ("e", 40)]
        );
        window.acked(1);
        assert!(window.may_send_new(1));
    }

    #[test]
    fn the_first_batch_is_alone_until_it_is_in_the_log() {
        let mut window = fresh();
        assert!(window.may_send_new(1));
        let a = window.send_new(1, 10, "a");
        assert!(!window.may_send_new(1), "the leader would take b before a");
        window.refused(a, false);
        assert!(!window.may_send_new(1));
        window.resend(1);
        window.acked(a);
        assert!(window.may_send_new(1));
        let b = window.send_new(1, 10, "b");
        assert!(window.may_send_new(1));

        window.out_of_order(b);
        window.renumber(SECOND, |_, _| ());
        window.resend(1);
        assert!(
            !window.may_send_new(1),
            "nothing is in the log under this epoch"
        );
        window.acked(b);
        window.send_new(1, 10, "c");
        assert!(window.may_send_new(1));

        window = fresh();
        let a = window.send_new(1, 10, "a");
        window.acked(a);
        window.follow(SECOND);
        window.send_new(1, 10, "b");
        assert!(!window.may_send_new(1), "nor under this identity");
    }

    #[test]
    fn nothing_is_sent_before_the_identity_is_known() {
        let window: Window<()> = Window::new(5, true);
        assert!(!window.may_send_new(1));
        assert!(Window::<()>::new(5, false).may_send_new(1));
    }

    #[test]
    fn after_a_lost_answer_only_the_oldest_is_sent_again_under_its_sequence() {
        let mut window = window();
        let a = window.send_new(1, 10, "a");
        let b = window.send_new(1, 10, "b");
        window.lost(a);
        assert!(!window.may_send_new(1), "new batches wait behind the retry");
        assert!(
            window.resend(1).is_none(),
            "b is in flight, its answer comes first"
        );
        window.out_of_order(b);
        let again = window.resend(1).unwrap();
        assert_eq!((again.batch, again.base_sequence), ("a", 0));
        assert!(window.resend(1).is_none(), "one at a time");
        window.acked(a);
        let again = window.resend(1).unwrap();
        assert_eq!((again.batch, again.base_sequence), ("b", 10));
        window.acked(b);
        assert_eq!(window.identity(), Some(FIRST));
        assert_eq!(window.next_sequence(), 20);
    }

    #[test]
    fn new_batches_are_held_back_from_a_new_leader_until_the_old_one_has_answered() {
        let mut window = window();
        let a = window.send_new(1, 10, "a");
        assert!(!window.may_send_new(2));
        window.acked(a);
        assert!(window.may_send_new(2));
    }

    #[test]
    fn a_gap_before_the_oldest_batch_numbers_all_anew_under_the_next_epoch() {
        let mut window = window();
        let a = window.send_new(1, 10, "a");
        let b = window.send_new(1, 10, "b");
        window.out_of_order(a);
        assert!(!window.must_renumber(), "b is still in flight");
        window.out_of_order(b);
        assert!(window.must_renumber());
        assert!(window.resend(1).is_none() && !window.may_send_new(1));
        window.renumber(SECOND, |_, _| ());
        assert_eq!(sequences(&window), [("a", 0), ("b", 10)]);
        assert_eq!(window.identity(), Some(SECOND));
        assert_eq!(window.resend(1).unwrap().batch, "a");
    }

    #[test]
    fn the_sequences_of_a_failed_last_batch_are_used_again() {
        let mut window = window();
        let a = window.send_new(1, 10, "a");
        let b = window.send_new(1, 10, "b");
        window.refused(b, false);
        window.given_up(b);
        let c = window.send_new(1, 5, "c");
        assert_eq!(sequences(&window), [("a", 0), ("c", 10)]);
        window.refused(a, false);
        window.given_up(a);
        assert!(
            !window.must_renumber(),
            "c is in flight and will come back as out of order"
        );
        window.out_of_order(c);
        window.renumber(SECOND, |_, _| ());
        assert_eq!(sequences(&window), [("c", 0)]);
    }

    #[test]
    fn a_batch_in_flight_does_not_expire_but_leaves_with_its_answer() {
        let mut window = window();
        let a = window.send_new(1, 10, "a");
        assert!(window.given_up(a).is_none());
        window.lost(a);
        let entry = window.given_up(a).unwrap();
        assert!(entry.is_in_doubt());
        // It may be in the log, so its sequences are not used again.
        assert_eq!(window.next_sequence(), 10);
    }

    #[test]
    fn doubt_stays_through_later_refusals() {
        let mut window = window();
        let a = window.send_new(1, 10, "a");
        window.lost(a);
        window.resend(1);
        window.refused(a, false);
        assert!(window.given_up(a).unwrap().is_in_doubt());
    }

    #[test]
    fn parts_of_a_too_large_batch_take_its_place_and_sequences() {
        let mut window = window();
        let a = window.send_new(1, 10, "a");
        let b = window.send_new(1, 10, "b");
        window.out_of_order(b);
        window.split(a, [4, 6], |part, _| ["a1", "a2"][part]);
        assert_eq!(sequences(&window), [("a1", 0), ("a2", 4), ("b", 10)]);
        assert_eq!(window.resend(1).unwrap().batch, "a1");
    }

    #[test]
    fn a_new_identity_is_followed_only_when_nothing_is_under_way() {
        let mut window = window();
        let a = window.send_new(1, 10, "a");
        window.follow(SECOND);
        assert_eq!(window.identity(), Some(FIRST));
        window.acked(a);
        window.follow(SECOND);
        assert_eq!(
            (window.identity(), window.next_sequence()),
            (Some(SECOND), 0)
        );
    }

    #[test]
    fn sequences_wrap_to_zero() {
        let mut window = window();
        window.next_sequence = i32::MAX - 3;
        window.send_new(1, 4, "a");
        assert_eq!(window.next_sequence(), 0);
    }
}

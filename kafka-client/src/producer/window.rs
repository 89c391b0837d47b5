//! A partition's window of sent batches: which may be sent next, under which sequence, and what an
//! answer means for the others. Pure: no clock, no socket, no lock.
//!
//! Rules, for an idempotent producer (KIP-98, KIP-360):
//! - A batch keeps the sequence it was first sent with, so that a second copy is recognised.
//! - Up to five batches are under way, as many as a broker remembers. The first under an identity, and
//!   the first to a broker, is alone until it is in the log: a leader that does not know the producer
//!   takes any sequence, so a second batch could be written in front of a first that was refused for
//!   the moment.
//! - After a failure only one is sent again at a time, the oldest first, until all is settled: the
//!   broker takes batches in order of their sequences, so order survives every retry.
//! - Batches are numbered anew, under a new epoch, only when none of them can be in the log: what may
//!   be in it is sent again as it was, until the broker's answer tells.
//! - "Out of order" for a batch means that the broker's log ends elsewhere: the batch is not the last
//!   one there. A leader that has read its state from a snapshot knows only the last batch of a
//!   producer, so the oldest batch may be in the log and be refused all the same. Where several may
//!   be in the log they are asked for from the newest back: the last one of those that are there is
//!   recognised, and proves all before it. If none is, none is there.

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
    /// The log lacks something that the sequences of later batches build on.
    gap: bool,
    /// The broker that has last acknowledged a batch under this identity: it refuses any that does not
    /// follow on it.
    anchored: Option<i32>,
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
    /// Refused as out of order since a batch was last acknowledged: it is not the log's last.
    out_of_order: bool,
    /// Sent to a topic that was deleted and made anew since.
    former: bool,
}

/// What an acknowledgement settles.
#[derive(Debug)]
pub(crate) struct Acked<B> {
    /// The batch that was acknowledged.
    pub(crate) entry: Entry<B>,
    /// Older ones that are in the log too, at offsets that nobody tells.
    pub(crate) before: Vec<Entry<B>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its request is with this broker.
    InFlight { node: i32 },
    /// To be sent again.
    Waiting,
}

impl<B> Entry<B> {
    /// Whether it may be in the log, by an earlier request or the one that is under way.
    pub(crate) fn may_be_written(&self) -> bool {
        self.in_doubt || self.is_in_flight()
    }

    /// Whether an earlier request than the one that is under way may have written it.
    pub(crate) fn may_be_written_before(&self) -> bool {
        self.in_doubt
    }

    fn is_unproven(&self) -> bool {
        self.in_doubt && !self.out_of_order
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
            gap: false,
            anchored: None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
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
            self.gap = false;
            self.anchored = None;
        }
    }

    /// Whether a batch that was never sent may be sent to this broker now.
    ///
    /// Not while another broker still has batches: after a move of the leader it could answer
    /// later than the new one.
    pub(crate) fn may_send_new(&self, node: i32) -> bool {
        !self.gap
            && self.entries.len() < self.limit
            && self
                .entries
                .iter()
                .all(|entry| entry.state == State::InFlight { node })
            && (!self.idempotent
                || self.identity.is_some()
                    && (self.anchored == Some(node) || self.entries.is_empty()))
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
            out_of_order: false,
            former: false,
        });
        self.next_sequence = advance(self.next_sequence, records);
        ticket
    }

    /// The sequence that the next new batch gets.
    pub(crate) fn next_sequence(&self) -> i32 {
        self.next_sequence
    }

    /// The batch that is to be sent again now, if one is.
    pub(crate) fn next_again(&self) -> Option<&Entry<B>> {
        if self.entries.iter().any(Entry::is_in_flight) || self.must_renumber() {
            return None;
        }
        let front = self.entries.front()?;
        match front.out_of_order {
            false => Some(front),
            true => self.entries.iter().rfind(|entry| entry.is_unproven()),
        }
    }

    /// The batch is sent again.
    pub(crate) fn resend(&mut self, ticket: Ticket, node: i32) {
        if let Some(entry) = self.get_mut(ticket) {
            entry.state = State::InFlight { node };
        }
    }

    /// Whether there is something to send again, now or once what is in flight is back.
    pub(crate) fn has_waiting(&self) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.state == State::Waiting)
    }

    /// The batch is in the log. If the oldest is out of order, it was sent again to learn about those
    /// before it: what may be in the log of them is there too.
    pub(crate) fn acked(&mut self, ticket: Ticket) -> Option<Acked<B>> {
        let index = self.index(ticket)?;
        let proves = self.entries.front()?.out_of_order;
        let entry = self.entries.remove(index)?;
        if let State::InFlight { node } = entry.state {
            self.anchored = Some(node);
        }
        let mut before = Vec::new();
        for older in (0..index).rev() {
            if proves && self.entries[older].in_doubt {
                before.extend(self.entries.remove(older));
            }
        }
        for entry in &mut self.entries {
            entry.out_of_order = false;
        }
        Some(Acked { entry, before })
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
        let entry = &mut self.entries[index];
        entry.state = State::Waiting;
        entry.out_of_order = true;
        self.conclude();
    }

    /// Where the oldest batch is out of order and so is every one that may be in the log, none is:
    /// see the module's documentation.
    fn conclude(&mut self) {
        let starts = self.entries.front().is_some_and(|entry| entry.out_of_order);
        if starts && !self.entries.iter().any(Entry::is_unproven) {
            self.gap = true;
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
        // A batch in doubt may be in the log. If it is not, the next one is refused as out of
        // order, which tells.
        if !entry.in_doubt {
            self.close_gap(index, &entry);
        }
        self.conclude();
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
            self.gap = true;
        }
    }

    /// Whether the batches must be numbered anew, and can: none of them may be in the log.
    pub(crate) fn must_renumber(&self) -> bool {
        self.gap && !self.entries.iter().any(Entry::may_be_written)
    }

    /// Numbers every batch anew under another identity, the oldest from 0. The caller rewrites
    /// each batch it is given.
    pub(crate) fn renumber(&mut self, identity: Identity, mut rewrite: impl FnMut(&mut B, i32)) {
        debug_assert!(self.must_renumber() && self.identity != Some(identity));
        self.identity = Some(identity);
        self.gap = false;
        self.anchored = None;
        self.next_sequence = 0;
        for entry in &mut self.entries {
            entry.out_of_order = false;
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
                out_of_order: false,
                former: false,
            };
            self.entries.insert(index + part, entry);
            sequence = advance(sequence, records);
        }
        Some(whole)
    }

    /// The topic was made anew: its log is empty and knows no producer. What may be in the former
    /// log must not be sent again, see [`Window::take_former`].
    pub(crate) fn begin_anew(&mut self) {
        if self.entries.is_empty() {
            self.identity = None;
        }
        self.gap |= self.idempotent && !self.entries.is_empty();
        for entry in &mut self.entries {
            entry.former = true;
        }
    }

    /// Takes out what may be in the log of a former topic. What is under way is decided by its
    /// answer; what is not in that log is for the new one.
    pub(crate) fn take_former(&mut self) -> Vec<Entry<B>> {
        let mut taken = Vec::new();
        let mut index = 0;
        while let Some(entry) = self.entries.get_mut(index) {
            let answered = entry.former && !entry.is_in_flight();
            if answered && entry.in_doubt {
                taken.extend(self.entries.remove(index));
                continue;
            }
            entry.former &= !answered;
            index += 1;
        }
        taken
    }

    /// Everything, when the producer closes.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Entry<B>> {
        std::mem::take(&mut self.entries).into_iter()
    }

    pub(crate) fn get(&self, ticket: Ticket) -> Option<&Entry<B>> {
        self.index(ticket).map(|index| &self.entries[index])
    }

    pub(crate) fn get_mut(&mut self, ticket: Ticket) -> Option<&mut Entry<B>> {
        self.index(ticket).map(|index| &mut self.entries[index])
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

    /// Sends again what is to be sent again now.
    fn again(window: &mut Window<&'static str>) -> Option<(Ticket, &'static str, i32)> {
        let next = window.next_again()?;
        let again = (next.ticket, next.batch, next.base_sequence);
        window.resend(again.0, 1);
        Some(again)
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
        again(&mut window);
        window.acked(a);
        assert!(window.may_send_new(1));
        let b = window.send_new(1, 10, "b");
        assert!(window.may_send_new(1));

        window.out_of_order(b);
        window.renumber(SECOND, |_, _| ());
        again(&mut window);
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
            again(&mut window).is_none(),
            "b is in flight, its answer comes first"
        );
        window.out_of_order(b);
        let (_, batch, sequence) = again(&mut window).unwrap();
        assert_eq!((batch, sequence), ("a", 0));
        assert!(again(&mut window).is_none(), "one at a time");
        window.acked(a);
        let (_, batch, sequence) = again(&mut window).unwrap();
        assert_eq!((batch, sequence), ("b", 10));
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
        assert!(again(&mut window).is_none() && !window.may_send_new(1));
        window.renumber(SECOND, |_, _| ());
        assert_eq!(sequences(&window), [("a", 0), ("b", 10)]);
        assert_eq!(window.identity(), Some(SECOND));
        assert_eq!(again(&mut window).unwrap().1, "a");
    }

    #[test]
    fn the_first_batch_to_another_broker_is_alone_too() {
        let mut window = window();
        let a = window.send_new(2, 10, "a");
        assert!(!window.may_send_new(2), "only broker 1 has acknowledged");
        window.acked(a);
        window.send_new(2, 10, "b");
        assert!(window.may_send_new(2));
    }

    /// Broker: a written but timed out, b refused for good, c out of order behind the gap of b.
    #[test]
    fn what_may_be_written_keeps_its_sequence_when_one_behind_it_is_refused() {
        let mut window = window();
        let a = window.send_new(1, 10, "a");
        let b = window.send_new(1, 10, "b");
        let c = window.send_new(1, 10, "c");
        window.refused(a, true);
        window.refused(b, false);
        window.given_up(b);
        window.out_of_order(c);
        assert!(!window.must_renumber(), "a would be written twice");
        let (_, batch, sequence) = again(&mut window).unwrap();
        assert_eq!((batch, sequence), ("a", 0));
        window.acked(a);
        assert!(window.must_renumber());
        window.renumber(SECOND, |_, _| ());
        assert_eq!(sequences(&window), [("c", 0)]);
    }

    /// A leader that starts from a snapshot knows the last batch of a producer and none before it.
    #[test]
    fn what_may_be_written_is_asked_for_from_the_newest_back() {
        for (written, delivered) in [(3_usize, vec!["b", "a"]), (2, vec!["a"]), (0, vec![])] {
            let mut window = window();
            let tickets = ["a", "b", "c"].map(|name| window.send_new(1, 10, name));
            for ticket in tickets {
                window.lost(ticket);
            }
            // The broker recognises the last of those that are written, and none else.
            let mut proven = Vec::new();
            while let Some((ticket, ..)) = again(&mut window) {
                match Some(ticket) == written.checked_sub(1).map(|last| tickets[last]) {
                    true => {
                        let acked = window.acked(ticket).unwrap();
                        proven = acked.before.iter().map(|entry| entry.batch).collect();
                        break;
                    }
                    false => window.out_of_order(ticket),
                }
            }
            assert_eq!(proven, delivered, "{written} are written");
            let left = &["a", "b", "c"][written..];
            let known: Vec<_> = window.entries().map(|entry| entry.batch).collect();
            assert_eq!(known, left);
            assert_eq!(window.must_renumber(), written == 0);
            if let Some((_, batch, sequence)) = again(&mut window) {
                assert_eq!((batch, sequence), ("c", 20));
            }
        }
    }

    #[test]
    fn one_in_doubt_that_is_out_of_order_is_not_left_behind_when_those_before_it_go() {
        let mut window = window();
        let a = window.send_new(1, 10, "a");
        let b = window.send_new(1, 10, "b");
        window.refused(a, false);
        window.lost(b);
        window.out_of_order(b);
        window.given_up(a);
        assert!(window.must_renumber(), "nobody would send b ever again");
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
        assert!(entry.may_be_written());
        // It may be in the log, so its sequences are not used again.
        assert_eq!(window.next_sequence(), 10);
    }

    #[test]
    fn doubt_stays_through_later_refusals() {
        let mut window = window();
        let a = window.send_new(1, 10, "a");
        window.lost(a);
        again(&mut window);
        window.refused(a, false);
        assert!(window.given_up(a).unwrap().may_be_written());
    }

    #[test]
    fn parts_of_a_too_large_batch_take_its_place_and_sequences() {
        let mut window = window();
        let a = window.send_new(1, 10, "a");
        let b = window.send_new(1, 10, "b");
        window.out_of_order(b);
        window.split(a, [4, 6], |part, _| ["a1", "a2"][part]);
        assert_eq!(sequences(&window), [("a1", 0), ("a2", 4), ("b", 10)]);
        assert_eq!(again(&mut window).unwrap().1, "a1");
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
    fn what_may_be_in_a_former_topic_is_not_sent_to_the_new_one() {
        let mut window = window();
        let a = window.send_new(1, 10, "a");
        let b = window.send_new(1, 10, "b");
        let c = window.send_new(1, 10, "c");
        window.lost(a);
        window.begin_anew();
        let former: Vec<_> = window.take_former().iter().map(|e| e.batch).collect();
        assert_eq!(former, ["a"]);
        // The answers for those under way: one may be written, one is not.
        window.refused(b, true);
        window.refused(c, false);
        let former: Vec<_> = window.take_former().iter().map(|e| e.batch).collect();
        assert_eq!(former, ["b"]);
        assert!(window.must_renumber());
        window.renumber(SECOND, |_, _| ());
        assert_eq!(sequences(&window), [("c", 0)]);
        again(&mut window);
        window.lost(c);
        assert!(window.take_former().is_empty(), "c went to the new one");
    }

    #[test]
    fn sequences_wrap_to_zero() {
        let mut window = window();
        window.next_sequence = i32::MAX - 3;
        window.send_new(1, 4, "a");
        assert_eq!(window.next_sequence(), 0);
    }

    #[test]
    fn what_is_sent_again_split_or_left_out_at_the_wrap_keeps_its_sequences() {
        let mut window = window();
        window.next_sequence = i32::MAX - 3;
        let a = window.send_new(1, 10, "a");
        let b = window.send_new(1, 10, "b");
        assert_eq!(sequences(&window), [("a", i32::MAX - 3), ("b", 6)]);
        window.lost(a);
        window.lost(b);
        assert_eq!(again(&mut window), Some((a, "a", i32::MAX - 3)));
        window.split(a, [3, 3, 4], |part, _| ["x", "y", "z"][part]);
        assert_eq!(
            sequences(&window),
            [("x", i32::MAX - 3), ("y", i32::MAX), ("z", 2), ("b", 6)]
        );
        // The last one is refused for good: its sequences, on both sides of zero, are free again.
        let mut window = super::Window::new(5, true);
        window.follow(FIRST);
        window.next_sequence = i32::MAX - 3;
        let c = window.send_new(1, 10, "c");
        assert_eq!(window.next_sequence(), 6);
        window.refused(c, false);
        assert!(window.given_up(c).is_some());
        assert_eq!(window.next_sequence(), i32::MAX - 3);
    }
}

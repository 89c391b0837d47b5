//! What a source is to look at, and its part of the buffer. Pure.
//!
//! A source looks at a partition when something has changed about it, not at all of them for each
//! request: of a thousand partitions, ten that have records cost as ten do.

use std::collections::BTreeSet;

use tokio::time::Instant;

use crate::consumer::TopicPartition;

/// The account of one broker's source.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    look: BTreeSet<TopicPartition>,
    later: BTreeSet<(Instant, TopicPartition)>,
    /// Bytes that came from the broker and that the user is not through with.
    buffered: usize,
    /// There is something to fetch.
    is_active: bool,
    /// The source waits until there is room for a request.
    waits_for_room: bool,
    /// The fetch session that the broker may have, 0 for none.
    session: i32,
}

impl Agenda {
    /// Something has changed about a partition.
    pub(crate) fn look_at(&mut self, partition: TopicPartition) {
        self.look.insert(partition);
    }

    /// Something will change about a partition.
    pub(crate) fn look_later(&mut self, partition: TopicPartition, at: Instant) {
        self.later.insert((at, partition));
    }

    /// What to look at now.
    pub(crate) fn due(&mut self, now: Instant) -> BTreeSet<TopicPartition> {
        while let Some((at, _)) = self.later.first()
            && *at <= now
        {
            self.look.extend(self.later.pop_first().map(|(_, it)| it));
        }
        std::mem::take(&mut self.look)
    }

    /// When there is something to look at again.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.later.first().map(|(at, _)| *at)
    }

    pub(crate) fn is_active(&self) -> bool {
        self.is_active
    }

    pub(crate) fn set_active(&mut self, is_active: bool) {
        self.is_active = is_active;
    }

    pub(crate) fn session(&self) -> i32 {
        self.session
    }

    pub(crate) fn set_session(&mut self, session: i32) {
        self.session = session;
    }

    /// Bytes to ask for, of a part of the buffer; `None` if it is to wait until there is more room.
    /// An answer of a few bytes costs as much as a large one, so a quarter must be free.
    pub(crate) fn room(&mut self, share: usize) -> Option<usize> {
        let room = Some(self.free(share)).filter(|free| *free >= least(share));
        self.waits_for_room = room.is_none();
        room
    }

    pub(crate) fn take(&mut self, bytes: usize) {
        self.buffered += bytes;
    }

    /// The user is through with so many bytes; `true` if the source may go on by that.
    pub(crate) fn give_back(&mut self, bytes: usize, share: usize) -> bool {
        self.buffered = self.buffered.saturating_sub(bytes);
        let goes_on = self.waits_for_room && self.free(share) >= least(share);
        self.waits_for_room &= !goes_on;
        goes_on
    }

    fn free(&self, share: usize) -> usize {
        share.saturating_sub(self.buffered)
    }
}

/// The room that a request is worth.
fn least(share: usize) -> usize {
    (share / 4).max(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn partition(number: i32) -> TopicPartition {
        TopicPartition::new("orders", number)
    }

    #[test]
    fn what_is_to_be_looked_at_later_is_due_then_and_once() {
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        let mut agenda = Agenda::default();
        agenda.look_later(partition(2), at(2));
        agenda.look_later(partition(1), at(1));
        agenda.look_later(partition(1), at(1));
        agenda.look_at(partition(0));
        assert_eq!(agenda.due(now), [partition(0)].into());
        assert_eq!(agenda.next(), Some(at(1)));
        assert_eq!(agenda.due(at(1)), [partition(1)].into());
        assert_eq!(agenda.due(at(5)), [partition(2)].into());
        assert_eq!((agenda.due(at(5)), agenda.next()), ([].into(), None));
    }

    /// A source that waits for an answer looks at nothing meanwhile, and the user may pause and resume.
    #[test]
    fn a_partition_that_changes_often_is_noted_once() {
        let mut agenda = Agenda::default();
        for number in 0..1000 {
            agenda.look_at(partition(number % 2));
        }
        let both = [partition(0), partition(1)];
        assert_eq!(agenda.due(Instant::now()), both.into());
    }

    #[test]
    fn a_request_is_for_a_quarter_of_the_share_at_least() {
        let mut agenda = Agenda::default();
        assert_eq!(agenda.room(1000), Some(1000));
        agenda.take(700);
        assert_eq!(agenda.room(1000), Some(300));
        agenda.take(300);
        assert_eq!(agenda.room(1000), None);
        for _ in 0..24 {
            assert!(!agenda.give_back(10, 1000));
        }
        assert!(agenda.give_back(10, 1000), "a quarter is free");
        assert!(!agenda.give_back(10, 1000), "it has been told");
        assert_eq!(agenda.room(1000), Some(260));
    }

    #[test]
    fn an_answer_larger_than_the_share_is_waited_for() {
        let mut agenda = Agenda::default();
        agenda.take(5000);
        assert_eq!(agenda.room(1000), None);
        assert!(!agenda.give_back(4000, 1000));
        assert!(agenda.give_back(1000, 1000));
        // However small the buffer: there is room when nothing is in it.
        assert_eq!(agenda.room(1), Some(1));
    }
}

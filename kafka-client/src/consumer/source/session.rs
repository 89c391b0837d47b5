//! What a broker is asked for, in turn, and what it remembers of that (fetch sessions, KIP-227). Pure.
//!
//! A *full* request names every partition and opens a session. In a session the broker remembers the
//! partitions, requests name only those that are new or read from another offset, and answers only
//! those that have news. Whatever goes wrong ends the session: the next request is full, and closes
//! the one that the broker may still have.
//!
//! A partition leaves the session only when it is not to be fetched: paused, revoked, stuck, backing
//! off, or read from another broker. It does not leave it while the user has data of it (KAFKA-17182):
//! what runs ahead of the user is bounded for all partitions together, by not sending a request at all.
//! But where partitions are read apart, one whose stream has its part of the buffer leaves it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use kafka_client_protocol::api::fetch::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_client_protocol::{ErrorCode, StrBytes, Uuid};

use crate::consumer::TopicPartition;
use crate::net::LAST_BY_NAME;

/// The version that carries the epoch of the last record.
const EPOCHS_SINCE: i16 = 12;
/// The epoch of a request that opens a session.
const FIRST: i32 = 0;
/// The epoch of a request without a session; it ends the one that it names.
pub(super) const NONE: i32 = -1;

/// From where a partition is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The version of the position; data for another one is stale.
    pub(crate) version: u64,
    pub(crate) offset: i64,
    /// Epoch of the leader, -1 if unknown.
    pub(crate) leader_epoch: i32,
    /// Epoch of the record before the offset, -1 if unknown.
    pub(crate) last_epoch: i32,
    /// Whether the leader may name a replica that is nearer.
    pub(crate) may_refer: bool,
}

impl Asked {
    /// Whether both are the same to the broker.
    fn is_as(&self, other: &Self) -> bool {
        (self.offset, self.leader_epoch, self.last_epoch)
            == (other.offset, other.leader_epoch, other.last_epoch)
    }
}

/// The partitions that are asked of one broker.
#[derive(Debug, Default)]
pub(super) struct Session {
    topics: BTreeMap<Arc<str>, Topic>,
    names: HashMap<Uuid, Arc<str>>,
    /// Topics without an id.
    nameless: usize,
    /// By turn: who got data last comes last.
    order: BTreeMap<u64, TopicPartition>,
    turns: u64,
    /// The turns of those that the broker does not know as they are.
    changed: BTreeSet<u64>,
    /// What the broker knows and is to forget.
    forgotten: BTreeMap<(Uuid, Arc<str>), BTreeSet<i32>>,
    /// Those whose leader may not name another replica.
    unreferred: usize,
    id: i32,
    epoch: i32,
    /// Whether topics are named by id in this session.
    by_id: bool,
    /// The request that an answer is due to.
    request: u64,
    is_full: bool,
    /// It is full, but of a part of them, and no session comes of it.
    is_limited: bool,
}

#[derive(Debug)]
struct Topic {
    id: Uuid,
    partitions: BTreeMap<i32, Entry>,
}

#[derive(Debug)]
struct Entry {
    asked: Asked,
    turn: u64,
    /// The broker has it in its session.
    is_known: bool,
    /// The last request that named it, in whose answer it must be.
    named: u64,
    /// The last request whose answer had it.
    answered: u64,
}

/// What goes into a request.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) id: i32,
    pub(super) epoch: i32,
    pub(super) topics: Vec<FetchTopic>,
    pub(super) forgotten: Vec<ForgottenTopic>,
}

impl Session {
    /// The session that the broker may have, 0 for none.
    pub(super) fn id(&self) -> i32 {
        self.id
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Whether every topic has an id.
    pub(super) fn has_ids(&self) -> bool {
        self.nameless == 0
    }

    /// Whether leaders may name replicas that are nearer.
    pub(super) fn may_refer(&self) -> bool {
        self.unreferred == 0
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// The partition whose turn it is.
    pub(super) fn first(&self) -> Option<(TopicPartition, Asked)> {
        let partition = self.order.values().next()?;
        let topic = self.topics.get(&partition.topic)?;
        let entry = topic.partitions.get(&partition.partition)?;
        Some((partition.clone(), entry.asked))
    }

    pub(super) fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.order.values()
    }

    /// Asks for a partition, from now on and in its turn.
    pub(super) fn want(&mut self, partition: &TopicPartition, id: Uuid, asked: Asked) {
        self.unreferred += usize::from(!asked.may_refer);
        let name = &partition.topic;
        if self.topics.get(name).is_some_and(|topic| topic.id != id) {
            self.replace(name, id);
        }
        let topic = self.topics.entry(name.clone()).or_insert_with(|| {
            match id.is_zero() {
                true => self.nameless += 1,
                false => drop(self.names.insert(id, name.clone())),
            }
            Topic {
                id,
                partitions: BTreeMap::new(),
            }
        });
        if let Some(entry) = topic.partitions.get_mut(&partition.partition) {
            self.unreferred -= usize::from(!entry.asked.may_refer);
            if !entry.asked.is_as(&asked) {
                self.changed.insert(entry.turn);
            }
            entry.asked = asked;
            return;
        }
        // It may be about to be forgotten; then the broker still knows it.
        let forgotten = self.forgotten.get_mut(&(id, name.clone()));
        let is_known = forgotten.is_some_and(|forgotten| forgotten.remove(&partition.partition));
        self.turns += 1;
        let entry = Entry {
            asked,
            turn: self.turns,
            is_known,
            named: 0,
            answered: 0,
        };
        topic.partitions.insert(partition.partition, entry);
        self.order.insert(self.turns, partition.clone());
        self.changed.insert(self.turns);
    }

    /// Does not ask for a partition any more.
    pub(super) fn drop(&mut self, partition: &TopicPartition) {
        let name = &partition.topic;
        let Some(topic) = self.topics.get_mut(name) else {
            return;
        };
        let Some(entry) = topic.partitions.remove(&partition.partition) else {
            return;
        };
        let id = topic.id;
        if topic.partitions.is_empty() {
            self.topics.remove(name);
            match id.is_zero() {
                true => self.nameless -= 1,
                false => drop(self.names.remove(&id)),
            }
        }
        self.order.remove(&entry.turn);
        self.changed.remove(&entry.turn);
        self.unreferred -= usize::from(!entry.asked.may_refer);
        if entry.is_known {
            let forgotten = self.forgotten.entry((id, name.clone())).or_default();
            forgotten.insert(partition.partition);
        }
    }

    /// A topic was made anew: the broker is to forget the former one.
    fn replace(&mut self, name: &Arc<str>, id: Uuid) {
        let Some(topic) = self.topics.get_mut(name) else {
            return;
        };
        let former = std::mem::replace(&mut topic.id, id);
        self.names.remove(&former);
        self.nameless -= usize::from(former.is_zero());
        self.nameless += usize::from(id.is_zero());
        if !id.is_zero() {
            self.names.insert(id, name.clone());
        }
        for (partition, entry) in &mut topic.partitions {
            if std::mem::take(&mut entry.is_known) {
                let forgotten = self.forgotten.entry((former, name.clone())).or_default();
                forgotten.insert(*partition);
            }
            self.changed.insert(entry.turn);
        }
    }

    /// The next request. With a limit it is one without a session, of so many partitions, those whose
    /// turn it is.
    pub(super) fn ask(&mut self, version: i16, limit: Option<usize>, max_bytes: i32) -> Ask {
        let by_id = version > LAST_BY_NAME;
        if by_id != self.by_id {
            self.by_id = by_id;
            self.epoch = FIRST;
        }
        self.request += 1;
        self.is_limited = limit.is_some();
        self.is_full = self.epoch == FIRST || self.is_limited;
        let forgotten = std::mem::take(&mut self.forgotten);
        let turns: Vec<u64> = match self.is_full {
            true => {
                let count = limit.unwrap_or(usize::MAX);
                self.order.keys().copied().take(count).collect()
            }
            false => std::mem::take(&mut self.changed).into_iter().collect(),
        };
        self.changed.clear();
        let mut topics: Vec<FetchTopic> = Vec::new();
        let mut places: HashMap<Arc<str>, usize> = HashMap::new();
        for turn in &turns {
            let Some(partition) = self.order.get(turn) else {
                continue;
            };
            let Some(topic) = self.topics.get_mut(&partition.topic) else {
                continue;
            };
            let Some(entry) = topic.partitions.get_mut(&partition.partition) else {
                continue;
            };
            (entry.named, entry.is_known) = (self.request, true);
            // A topic is named once, where the first of its partitions has its turn.
            let place = *places.entry(partition.topic.clone()).or_insert_with(|| {
                topics.push(FetchTopic {
                    topic: StrBytes::from(&*partition.topic),
                    topic_id: topic.id,
                    ..Default::default()
                });
                topics.len() - 1
            });
            topics[place].partitions.push(FetchPartition {
                partition: partition.partition,
                current_leader_epoch: entry.asked.leader_epoch,
                fetch_offset: entry.asked.offset,
                last_fetched_epoch: match version {
                    EPOCHS_SINCE.. => entry.asked.last_epoch,
                    _ => -1,
                },
                partition_max_bytes: max_bytes,
                ..Default::default()
            });
        }
        let (id, epoch) = match limit {
            Some(_) => (0, NONE),
            None => (self.id, self.epoch),
        };
        let forgotten = match self.is_full {
            true => Vec::new(),
            false => self.forgotten(forgotten),
        };
        Ask {
            id,
            epoch,
            topics,
            forgotten,
        }
    }

    fn forgotten(
        &self,
        forgotten: BTreeMap<(Uuid, Arc<str>), BTreeSet<i32>>,
    ) -> Vec<ForgottenTopic> {
        let topics = forgotten
            .into_iter()
            .filter_map(|((id, name), mut partitions)| {
                if !self.by_id
                    && let Some(topic) = self.topics.get(&name)
                {
                    // Brokers forget after they have taken what is new: by name, that would be forgotten.
                    partitions.retain(|partition| !topic.partitions.contains_key(partition));
                }
                (!partitions.is_empty()).then(|| ForgottenTopic {
                    topic: StrBytes::from(&*name),
                    topic_id: id,
                    partitions: partitions.into_iter().collect(),
                    ..Default::default()
                })
            });
        topics.collect()
    }

    /// A partition of an answer, with its name; `None` if it was not asked for, or the answer has had it
    /// before.
    pub(super) fn answer(
        &mut self,
        topic: &str,
        id: Uuid,
        partition: i32,
    ) -> Option<(TopicPartition, Asked)> {
        let name = match self.by_id {
            true => self.names.get(&id)?.clone(),
            false => self.topics.get_key_value(topic)?.0.clone(),
        };
        let entry = self
            .topics
            .get_mut(&name)?
            .partitions
            .get_mut(&partition)
            .filter(|entry| entry.is_known && entry.answered != self.request)?;
        entry.answered = self.request;
        Some((TopicPartition::new(name, partition), entry.asked))
    }

    /// Those that a full request named and its answer left out. In a session that says that there is
    /// nothing new.
    pub(super) fn left_out(&self) -> Vec<(TopicPartition, Asked)> {
        if !self.is_full {
            return Vec::new();
        }
        let topics = self.topics.iter().flat_map(|(name, topic)| {
            let missing = topic
                .partitions
                .iter()
                .filter(|(_, entry)| entry.named == self.request && entry.answered != self.request);
            missing.map(|(partition, entry)| {
                (TopicPartition::new(name.clone(), *partition), entry.asked)
            })
        });
        topics.collect()
    }

    /// A partition got data: others come first now.
    pub(super) fn served(&mut self, partition: &TopicPartition) {
        let topic = self.topics.get_mut(&partition.topic);
        let entry = topic.and_then(|topic| topic.partitions.get_mut(&partition.partition));
        if let Some(entry) = entry {
            self.turns += 1;
            let former = std::mem::replace(&mut entry.turn, self.turns);
            if let Some(partition) = self.order.remove(&former) {
                self.order.insert(self.turns, partition);
            }
            if self.changed.remove(&former) {
                self.changed.insert(self.turns);
            }
        }
    }

    /// Those that the request named come last now, whether they got data or not.
    pub(super) fn pass_turn(&mut self) {
        let named = self.topics.iter().flat_map(|(name, topic)| {
            let named = topic.partitions.iter();
            let named = named.filter(|(_, entry)| entry.named == self.request);
            named.map(|(partition, _)| TopicPartition::new(name.clone(), *partition))
        });
        for partition in named.collect::<Vec<_>>() {
            self.served(&partition);
        }
    }

    /// The request was answered, by a broker that has this session now: 0 if it keeps none.
    pub(super) fn answered(&mut self, id: i32) {
        if self.is_limited {
            self.epoch = FIRST;
        } else if self.is_full && id > 0 {
            (self.id, self.epoch) = (id, FIRST + 1);
        } else if !self.is_full && id == self.id {
            // What follows on the largest is 1: 0 opens a session.
            self.epoch = self.epoch.checked_add(1).unwrap_or(FIRST + 1);
        } else {
            (self.id, self.epoch) = (0, FIRST);
        }
    }

    /// The request was refused.
    pub(super) fn refused(&mut self, code: ErrorCode) {
        self.broken();
        if code == ErrorCode::FETCH_SESSION_ID_NOT_FOUND {
            self.id = 0;
        }
    }

    /// There is no answer: the broker may or may not have taken the request.
    pub(super) fn broken(&mut self) {
        self.epoch = FIRST;
        self.forgotten.clear();
    }
}

/// Whether an error only ends the session: all is well with the next request, which is full.
pub(super) fn ends_session(code: ErrorCode) -> bool {
    [
        ErrorCode::FETCH_SESSION_ID_NOT_FOUND,
        ErrorCode::INVALID_FETCH_SESSION_EPOCH,
        ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR,
    ]
    .contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid([1; 16]);
    const ANEW: Uuid = Uuid([2; 16]);
    const MAX: i32 = 1000;

    fn at(topic: &str, partition: i32) -> TopicPartition {
        TopicPartition::new(topic, partition)
    }

    fn from(offset: i64) -> Asked {
        Asked {
            version: 0,
            offset,
            leader_epoch: 3,
            last_epoch: 2,
            may_refer: true,
        }
    }

    /// Three partitions of "a" and one of "z", from 0.
    fn session() -> Session {
        let mut session = Session::default();
        for partition in 0..3 {
            session.want(&at("a", partition), ID, from(0));
        }
        session.want(&at("z", 0), Uuid([9; 16]), from(0));
        session
    }

    /// The partitions of a request in their order.
    fn named(ask: &Ask) -> Vec<(String, i32, i64)> {
        let topics = ask.topics.iter().flat_map(|topic| {
            let partitions = topic.partitions.iter();
            partitions.map(|one| (topic.topic.to_string(), one.partition, one.fetch_offset))
        });
        topics.collect()
    }

    fn a(partition: i32, offset: i64) -> (String, i32, i64) {
        ("a".to_owned(), partition, offset)
    }

    fn z(offset: i64) -> (String, i32, i64) {
        ("z".to_owned(), 0, offset)
    }

    fn forgotten(ask: &Ask) -> Vec<(Uuid, Vec<i32>)> {
        let topics = ask.forgotten.iter();
        topics
            .map(|topic| (topic.topic_id, topic.partitions.clone()))
            .collect()
    }

    fn next(session: &mut Session) -> Ask {
        session.ask(13, None, MAX)
    }

    /// A session with id 7 that the broker knows.
    fn open() -> Session {
        let mut session = session();
        next(&mut session);
        session.answered(7);
        session
    }

    #[test]
    fn the_first_request_is_full_and_later_ones_name_what_has_changed() {
        let mut session = session();
        let ask = next(&mut session);
        assert_eq!((ask.id, ask.epoch), (0, 0));
        assert_eq!(named(&ask), [a(0, 0), a(1, 0), a(2, 0), z(0)]);
        session.answered(7);
        let ask = next(&mut session);
        assert_eq!((ask.id, ask.epoch, named(&ask).len()), (7, 1, 0));
        session.answered(7);
        session.want(&at("a", 1), ID, from(10));
        session.want(&at("a", 2), ID, from(0));
        let ask = next(&mut session);
        assert_eq!((ask.id, ask.epoch), (7, 2));
        assert_eq!(named(&ask), [a(1, 10)]);
    }

    #[test]
    fn without_sessions_every_request_is_full() {
        let mut session = session();
        for _ in 0..3 {
            let ask = next(&mut session);
            assert_eq!((ask.id, ask.epoch, named(&ask).len()), (0, 0, 4));
            session.answered(0);
        }
    }

    #[test]
    fn who_got_data_last_comes_last() {
        let mut session = session();
        session.served(&at("a", 0));
        let ask = next(&mut session);
        assert_eq!(named(&ask), [a(1, 0), a(2, 0), a(0, 0), z(0)]);
        session.served(&at("a", 1));
        session.served(&at("a", 2));
        let ask = next(&mut session);
        assert_eq!(named(&ask), [z(0), a(0, 0), a(1, 0), a(2, 0)]);
        session.served(&at("z", 0));
        let ask = next(&mut session);
        assert_eq!(named(&ask), [a(0, 0), a(1, 0), a(2, 0), z(0)]);
    }

    #[test]
    fn a_limited_request_is_of_those_whose_turn_it_is_and_without_a_session() {
        let mut session = open();
        session.served(&at("a", 0));
        let ask = session.ask(13, Some(2), MAX);
        assert_eq!((ask.id, ask.epoch), (0, -1));
        assert_eq!(named(&ask), [a(1, 0), a(2, 0)]);
        session.answered(0);
        let ask = next(&mut session);
        assert_eq!((ask.id, ask.epoch, named(&ask).len()), (7, 0, 4));
    }

    #[test]
    fn who_was_named_by_a_limited_request_may_pass_the_turn() {
        let mut session = session();
        session.ask(13, Some(2), MAX);
        session.pass_turn();
        assert_eq!(session.first(), Some((at("a", 2), from(0))));
        let ask = session.ask(13, Some(2), MAX);
        assert_eq!(named(&ask), [a(2, 0), z(0)]);
    }

    #[test]
    fn what_is_not_wanted_any_more_is_forgotten_once() {
        let mut session = open();
        session.drop(&at("a", 1));
        session.drop(&at("b", 1));
        let ask = next(&mut session);
        assert_eq!(named(&ask), []);
        assert_eq!(forgotten(&ask), [(ID, vec![1])]);
        session.answered(7);
        assert_eq!(forgotten(&next(&mut session)), []);
        // What the broker was never told of is not forgotten.
        session.answered(7);
        session.want(&at("a", 5), ID, from(0));
        session.drop(&at("a", 5));
        let ask = next(&mut session);
        assert_eq!((named(&ask), forgotten(&ask)), (vec![], vec![]));
    }

    #[test]
    fn what_comes_back_before_it_is_forgotten_is_not() {
        let mut session = open();
        session.drop(&at("a", 1));
        session.want(&at("a", 1), ID, from(5));
        let ask = next(&mut session);
        assert_eq!(named(&ask), [a(1, 5)]);
        assert_eq!(forgotten(&ask), []);
    }

    #[test]
    fn a_topic_made_anew_replaces_the_former_one() {
        let mut session = open();
        session.want(&at("a", 0), ANEW, from(0));
        let ask = next(&mut session);
        assert_eq!(named(&ask), [a(0, 0), a(1, 0), a(2, 0)]);
        assert!(ask.topics.iter().all(|topic| topic.topic_id == ANEW));
        assert_eq!(forgotten(&ask), [(ID, vec![0, 1, 2])]);
        assert_eq!(session.answer("", ID, 0), None, "of the former one");
        assert!(session.answer("", ANEW, 0).is_some());
        // By name, what is forgotten would be the new one.
        let mut session = super::tests::session();
        session.ask(12, None, MAX);
        session.answered(7);
        session.want(&at("a", 0), ANEW, from(0));
        session.drop(&at("a", 2));
        let ask = session.ask(12, None, MAX);
        assert_eq!(ask.epoch, 1);
        assert_eq!(
            forgotten(&ask)
                .into_iter()
                .map(|(_, of)| of)
                .collect::<Vec<_>>(),
            [vec![2]]
        );
    }

    #[test]
    fn every_error_ends_the_session_and_closes_what_may_be_left_of_it() {
        for (code, id) in [
            (ErrorCode::FETCH_SESSION_ID_NOT_FOUND, 0),
            (ErrorCode::INVALID_FETCH_SESSION_EPOCH, 7),
            (ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR, 7),
            (ErrorCode::INCONSISTENT_TOPIC_ID, 7),
            (ErrorCode::UNKNOWN_SERVER_ERROR, 7),
        ] {
            let mut session = open();
            session.drop(&at("a", 1));
            next(&mut session);
            session.refused(code);
            let ask = next(&mut session);
            assert_eq!((ask.id, ask.epoch, named(&ask).len()), (id, 0, 3), "{code}");
            assert_eq!(forgotten(&ask), []);
        }
        let mut session = open();
        next(&mut session);
        session.broken();
        let ask = next(&mut session);
        assert_eq!((ask.id, ask.epoch, named(&ask).len()), (7, 0, 4));
        // An answer of another session than was asked for.
        session.answered(7);
        next(&mut session);
        session.answered(8);
        let ask = next(&mut session);
        assert_eq!((ask.id, ask.epoch, named(&ask).len()), (0, 0, 4));
    }

    #[test]
    fn epochs_wrap_to_one() {
        let mut session = open();
        session.epoch = i32::MAX;
        assert_eq!(next(&mut session).epoch, i32::MAX);
        session.answered(7);
        assert_eq!(next(&mut session).epoch, 1);
    }

    #[test]
    fn a_session_goes_on_with_ids_or_with_names() {
        let mut session = open();
        let ask = session.ask(12, None, MAX);
        assert_eq!((ask.id, ask.epoch, named(&ask).len()), (7, 0, 4));
    }

    #[test]
    fn each_partition_of_an_answer_is_taken_once() {
        let mut session = open();
        next(&mut session);
        let (partition, asked) = session.answer("", ID, 1).unwrap();
        assert_eq!((partition, asked), (at("a", 1), from(0)));
        assert_eq!(session.answer("", ID, 1), None, "twice");
        assert_eq!(session.answer("", ID, 9), None, "not asked for");
        assert_eq!(session.answer("a", Uuid([8; 16]), 0), None, "strange");
        assert_eq!(session.left_out(), [], "there is nothing new of it");
    }

    #[test]
    fn a_full_answer_that_leaves_something_out_is_seen() {
        let mut session = session();
        session.ask(12, None, MAX);
        for partition in [0, 2] {
            session.answer("a", Uuid::ZERO, partition).unwrap();
        }
        assert_eq!(
            session.left_out(),
            [(at("a", 1), from(0)), (at("z", 0), from(0))]
        );
    }

    #[test]
    fn one_partition_that_must_not_be_referred_holds_for_the_request() {
        let mut session = session();
        assert!(session.may_refer());
        let mut asked = from(0);
        asked.may_refer = false;
        for partition in [0, 1, 1] {
            session.want(&at("a", partition), ID, asked);
        }
        assert!(!session.may_refer());
        session.want(&at("a", 0), ID, from(3));
        assert!(!session.may_refer());
        session.drop(&at("a", 1));
        assert!(session.may_refer());
    }

    #[test]
    fn the_epoch_of_the_last_record_goes_to_brokers_that_take_it() {
        for (version, expected) in [(4, -1), (11, -1), (12, 2), (18, 2)] {
            let ask = session().ask(version, None, MAX);
            let partition = &ask.topics[0].partitions[0];
            assert_eq!(partition.last_fetched_epoch, expected);
            assert_eq!(partition.current_leader_epoch, 3);
        }
    }

    #[test]
    fn topics_without_ids_are_known() {
        let mut session = session();
        assert!(session.has_ids());
        session.want(&at("old", 0), Uuid::ZERO, from(0));
        session.want(&at("older", 0), Uuid::ZERO, from(0));
        assert!(!session.has_ids());
        session.drop(&at("old", 0));
        assert!(!session.has_ids());
        session.want(&at("older", 0), ANEW, from(0));
        assert!(session.has_ids());
    }
}

//! Fetch sessions (KIP-227): what a client has asked for and been told, so that requests name only
//! what changes and answers only what is news. Pure, as Kafka's `FetchSession`.
//!
//! A full request (epoch 0) closes the session it names and opens one, if there is a slot: a free one,
//! that of a session that nobody has used for two minutes, or that of an old one that is not larger.
//! Otherwise the answer has session id 0, and the client sends full requests. Epoch -1 is a request
//! without a session, which also closes the one it names.

use std::collections::{BTreeMap, HashMap, HashSet};

use kafka_client_protocol::api::fetch::{
    EpochEndOffset, FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData,
};
use kafka_client_protocol::{ErrorCode, StrBytes, Uuid};

/// A session that was not used for so long gives its slot to any other one.
const EVICTION_MS: u64 = 120_000;

const FIRST_EPOCH: i32 = 0;
const NO_EPOCH: i32 = -1;
const NO_SESSION: i32 = 0;

/// All sessions of a broker.
#[derive(Debug)]
pub(crate) struct FetchSessions {
    slots: usize,
    sessions: BTreeMap<i32, Session>,
}

#[derive(Debug)]
struct Session {
    /// Of the next request.
    epoch: i32,
    /// Whether topics are named by id.
    by_id: bool,
    created_ms: u64,
    used_ms: u64,
    partitions: HashMap<Key, Cached>,
    /// By turn: who got records last comes last.
    order: BTreeMap<u64, Key>,
    turns: u64,
}

/// A topic has an id or a name, as the requests of its session name it.
type Key = (Uuid, StrBytes, i32);

#[derive(Debug)]
struct Cached {
    asked: FetchPartition,
    told: Told,
    /// The same before the latest answer.
    before: Told,
}

/// What the client was told last, -1 for nothing, and its turn after it.
#[derive(Debug, Clone, Copy)]
struct Told {
    turn: u64,
    high_watermark: i64,
    log_start_offset: i64,
}

/// What a request is in terms of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    Sessionless,
    /// The answer may open a session.
    Full {
        by_id: bool,
    },
    /// The answer is that to this request of the session.
    Incremental {
        id: i32,
        epoch: i32,
    },
}

impl FetchSessions {
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            slots,
            sessions: BTreeMap::new(),
        }
    }

    /// Adds what a request means by its session to what it names. One that will be refused stays as it
    /// is.
    pub(crate) fn complete(&self, request: &mut FetchRequest, by_id: bool) {
        let Some(session) = self.find(request, by_id) else {
            return;
        };
        let mut changes: HashMap<Key, FetchPartition> = HashMap::new();
        let mut added = Vec::new();
        for (key, asked) in named(&request.topics) {
            if !session.partitions.contains_key(&key) {
                added.push(key.clone());
            }
            changes.insert(key, asked.clone());
        }
        let forgotten = forgotten(request);
        let keys = session.order.values().chain(&added);
        let all = keys
            .filter(|key| !forgotten.contains(key))
            .filter_map(|key| {
                let cached = || {
                    session
                        .partitions
                        .get(key)
                        .map(|cached| cached.asked.clone())
                };
                Some((key.clone(), changes.remove(key).or_else(cached)?))
            });
        request.topics = grouped(all);
    }

    /// Takes a request that was [completed](Self::complete); or refuses it.
    pub(crate) fn begin(
        &mut self,
        request: &FetchRequest,
        by_id: bool,
        now_ms: u64,
    ) -> Result<Context, ErrorCode> {
        let (id, epoch) = (request.session_id, request.session_epoch);
        if matches!(epoch, FIRST_EPOCH | NO_EPOCH) {
            self.sessions.remove(&id);
            return Ok(match epoch {
                NO_EPOCH => Context::Sessionless,
                _ => Context::Full { by_id },
            });
        }
        let Some(session) = self.sessions.get_mut(&id) else {
            return Err(ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
        };
        if session.epoch != epoch {
            return Err(ErrorCode::INVALID_FETCH_SESSION_EPOCH);
        }
        if session.by_id != by_id {
            return Err(ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR);
        }
        for (key, asked) in named(&request.topics) {
            session.update(key, asked);
        }
        for key in forgotten(request) {
            session.forget(&key);
        }
        if session.partitions.is_empty() {
            self.sessions.remove(&id);
            return Ok(Context::Sessionless);
        }
        session.used_ms = now_ms;
        session.epoch = next(epoch);
        Ok(Context::Incremental {
            id,
            epoch: session.epoch,
        })
    }

    /// Makes the answer that of a session: with its id, and without what is no news.
    pub(crate) fn finish(
        &mut self,
        context: Context,
        request: &FetchRequest,
        answer: &mut FetchResponse,
        now_ms: u64,
        random: impl FnMut() -> i32,
    ) {
        match context {
            Context::Sessionless => {}
            Context::Full { by_id } => {
                answer.session_id = self.open(by_id, request, answer, now_ms, random);
            }
            Context::Incremental { id, epoch } => {
                let session = self.sessions.get_mut(&id);
                let Some(session) = session.filter(|session| session.epoch == epoch) else {
                    // Somebody else has used it meanwhile.
                    *answer = FetchResponse {
                        error_code: ErrorCode::INVALID_FETCH_SESSION_EPOCH.code(),
                        ..Default::default()
                    };
                    return;
                };
                answer.session_id = id;
                for topic in &mut answer.responses {
                    let (id, name) = (topic.topic_id, topic.topic.clone());
                    topic.partitions.retain(|data| {
                        let key = (id, name.clone(), data.partition_index);
                        session.is_news(&key, data)
                    });
                }
                answer
                    .responses
                    .retain(|topic| !topic.partitions.is_empty());
            }
        }
    }

    /// Takes out of an answer what its client does not get now, and leaves the session as if there had
    /// been no news: what was held back will be. A session that was opened with the answer is closed.
    pub(crate) fn hold_back(&mut self, answer: &mut FetchResponse) {
        if let Some(session) = self.sessions.get_mut(&answer.session_id) {
            if session.epoch == next(FIRST_EPOCH) {
                self.sessions.remove(&answer.session_id);
                answer.session_id = NO_SESSION;
            } else {
                for topic in &answer.responses {
                    for data in &topic.partitions {
                        let key = (topic.topic_id, topic.topic.clone(), data.partition_index);
                        session.untell(&key);
                    }
                }
            }
        }
        answer.responses.clear();
    }

    /// Closes all; how many there were.
    pub(crate) fn clear(&mut self) -> usize {
        std::mem::take(&mut self.sessions).len()
    }

    fn find(&self, request: &FetchRequest, by_id: bool) -> Option<&Session> {
        let session = self.sessions.get(&request.session_id)?;
        (session.epoch == request.session_epoch && session.by_id == by_id).then_some(session)
    }

    /// The id of a new session, 0 if there is no slot for it.
    fn open(
        &mut self,
        by_id: bool,
        request: &FetchRequest,
        answer: &FetchResponse,
        now_ms: u64,
        mut random: impl FnMut() -> i32,
    ) -> i32 {
        let size = answer.responses.iter().map(|topic| topic.partitions.len());
        let size = size.sum();
        if size == 0 || !self.make_room(size, now_ms) {
            return NO_SESSION;
        }
        let id = loop {
            let id = random();
            if id > 0 && !self.sessions.contains_key(&id) {
                break id;
            }
        };
        let mut session = Session {
            epoch: next(FIRST_EPOCH),
            by_id,
            created_ms: now_ms,
            used_ms: now_ms,
            partitions: HashMap::new(),
            order: BTreeMap::new(),
            turns: 0,
        };
        for (key, asked) in named(&request.topics) {
            session.update(key, asked);
        }
        for topic in &answer.responses {
            for data in &topic.partitions {
                let key = (topic.topic_id, topic.topic.clone(), data.partition_index);
                session.is_news(&key, data);
            }
        }
        self.sessions.insert(id, session);
        id
    }

    fn make_room(&mut self, size: usize, now_ms: u64) -> bool {
        if self.sessions.len() < self.slots {
            return true;
        }
        let by_use = self.sessions.iter().min_by_key(|(_, one)| one.used_ms);
        let stale = by_use.filter(|(_, one)| now_ms - one.used_ms > EVICTION_MS);
        let smaller = || {
            // By age when it was used last, as in Kafka.
            let old = |one: &Session| one.used_ms - one.created_ms > EVICTION_MS;
            let old = self.sessions.iter().filter(|(_, one)| old(one));
            old.min_by_key(|(id, one)| (one.partitions.len(), **id))
                .filter(|(_, one)| one.partitions.len() <= size)
        };
        let Some(id) = stale.or_else(smaller).map(|(id, _)| *id) else {
            return false;
        };
        self.sessions.remove(&id);
        true
    }
}

impl Session {
    fn update(&mut self, key: Key, asked: &FetchPartition) {
        if let Some(cached) = self.partitions.get_mut(&key) {
            cached.asked = asked.clone();
            return;
        }
        self.turns += 1;
        self.order.insert(self.turns, key.clone());
        let told = Told {
            turn: self.turns,
            high_watermark: -1,
            log_start_offset: -1,
        };
        let cached = Cached {
            asked: asked.clone(),
            told,
            before: told,
        };
        self.partitions.insert(key, cached);
    }

    fn forget(&mut self, key: &Key) {
        if let Some(cached) = self.partitions.remove(key) {
            self.order.remove(&cached.told.turn);
        }
    }

    /// Takes back that the client was told: the answer was held back.
    fn untell(&mut self, key: &Key) {
        if let Some(cached) = self.partitions.get_mut(key) {
            self.order.remove(&cached.told.turn);
            cached.told = cached.before;
            self.order.insert(cached.told.turn, key.clone());
        }
    }

    /// Whether the client is to be told, which counts as done then.
    fn is_news(&mut self, key: &Key, data: &PartitionData) -> bool {
        let Some(cached) = self.partitions.get_mut(key) else {
            return true;
        };
        let has_records = data
            .records
            .as_ref()
            .is_some_and(|records| !records.is_empty());
        let has_error = data.error_code != 0;
        let (high_watermark, log_start) = (data.high_watermark, data.log_start_offset);
        cached.before = cached.told;
        let told = &mut cached.told;
        let is_news = has_records
            || has_error
            || told.high_watermark != high_watermark
            || told.log_start_offset != log_start
            || data.preferred_read_replica >= 0
            || data.diverging_epoch != EpochEndOffset::default();
        // When the error is over, that is news.
        told.high_watermark = if has_error { -1 } else { high_watermark };
        told.log_start_offset = log_start;
        if has_records {
            self.turns += 1;
            self.order.remove(&told.turn);
            told.turn = self.turns;
            self.order.insert(self.turns, key.clone());
        }
        is_news
    }
}

/// The epoch after this one.
fn next(epoch: i32) -> i32 {
    epoch.checked_add(1).unwrap_or(1)
}

fn named(topics: &[FetchTopic]) -> impl Iterator<Item = (Key, &FetchPartition)> {
    topics.iter().flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(|one| ((topic.topic_id, topic.topic.clone(), one.partition), one))
    })
}

fn forgotten(request: &FetchRequest) -> HashSet<Key> {
    let topics = request.forgotten_topics_data.iter();
    topics
        .flat_map(|topic| {
            let partitions = topic.partitions.iter();
            partitions.map(|one| (topic.topic_id, topic.topic.clone(), *one))
        })
        .collect()
}

/// Partitions in this order as a request names them.
fn grouped(partitions: impl Iterator<Item = (Key, FetchPartition)>) -> Vec<FetchTopic> {
    let mut topics: Vec<FetchTopic> = Vec::new();
    for ((topic_id, topic, _), asked) in partitions {
        match topics.last_mut() {
            Some(last) if last.topic_id == topic_id && last.topic == topic => {
                last.partitions.push(asked);
            }
            _ => topics.push(FetchTopic {
                topic,
                topic_id,
                partitions: vec![asked],
                ..Default::default()
            }),
        }
    }
    topics
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kafka_client_protocol::api::fetch::{FetchableTopicResponse, ForgottenTopic};

    use super::*;

    const A: Uuid = Uuid([1; 16]);
    const B: Uuid = Uuid([2; 16]);

    /// A request by ids of these partitions from these offsets.
    fn request(id: i32, epoch: i32, of: &[(Uuid, i32, i64)]) -> FetchRequest {
        let partitions = of.iter().map(|(topic, partition, offset)| {
            let asked = FetchPartition {
                partition: *partition,
                fetch_offset: *offset,
                ..Default::default()
            };
            ((*topic, StrBytes::default(), *partition), asked)
        });
        FetchRequest {
            session_id: id,
            session_epoch: epoch,
            topics: grouped(partitions),
            ..Default::default()
        }
    }

    fn forgets(mut request: FetchRequest, topic: Uuid, partition: i32) -> FetchRequest {
        request.forgotten_topics_data.push(ForgottenTopic {
            topic_id: topic,
            partitions: vec![partition],
            ..Default::default()
        });
        request
    }

    fn asked(request: &FetchRequest) -> Vec<(Uuid, i32, i64)> {
        let all = named(&request.topics);
        all.map(|((topic, _, partition), asked)| (topic, partition, asked.fetch_offset))
            .collect()
    }

    struct Broker {
        sessions: FetchSessions,
        now_ms: u64,
        ids: i32,
        /// Partitions of which there are records to give.
        full: Vec<(Uuid, i32)>,
        failing: Vec<(Uuid, i32)>,
        high_watermark: i64,
    }

    /// The session, what was read, and what of it is told.
    type Served = (i32, Vec<(Uuid, i32, i64)>, Vec<(Uuid, i32)>);

    impl Broker {
        fn new(slots: usize) -> Self {
            Self {
                sessions: FetchSessions::new(slots),
                now_ms: 0,
                ids: 0,
                full: vec![],
                failing: vec![],
                high_watermark: 10,
            }
        }

        /// What was read for the request, and the partitions of its answer.
        fn serve(&mut self, mut request: FetchRequest) -> Result<Served, ErrorCode> {
            self.sessions.complete(&mut request, true);
            let context = self.sessions.begin(&request, true, self.now_ms)?;
            let read = asked(&request);
            let responses = read.iter().map(|(topic, partition, _)| {
                let at = (*topic, *partition);
                let records = match self.full.contains(&at) {
                    true => Bytes::from_static(b"records"),
                    false => Bytes::new(),
                };
                let data = PartitionData {
                    partition_index: *partition,
                    error_code: i16::from(self.failing.contains(&at)),
                    high_watermark: self.high_watermark,
                    log_start_offset: 0,
                    records: Some(records),
                    ..Default::default()
                };
                FetchableTopicResponse {
                    topic_id: *topic,
                    partitions: vec![data],
                    ..Default::default()
                }
            });
            let mut answer = FetchResponse {
                responses: responses.collect(),
                ..Default::default()
            };
            let now_ms = self.now_ms;
            let fresh = || {
                self.ids += 1;
                self.ids
            };
            self.sessions
                .finish(context, &request, &mut answer, now_ms, fresh);
            let told = answer.responses.iter().flat_map(|topic| {
                let partitions = topic.partitions.iter();
                partitions.map(|one| (topic.topic_id, one.partition_index))
            });
            Ok((answer.session_id, read, told.collect()))
        }
    }

    const ALL: [(Uuid, i32, i64); 3] = [(A, 0, 5), (A, 1, 5), (B, 0, 5)];

    #[test]
    fn a_session_remembers_what_is_asked_and_tells_what_is_news() {
        let mut broker = Broker::new(10);
        let (id, read, told) = broker.serve(request(0, 0, &ALL)).unwrap();
        assert_eq!((id, read.len(), told.len()), (1, 3, 3));
        let (id, read, told) = broker.serve(request(1, 1, &[])).unwrap();
        assert_eq!((id, read, told), (1, ALL.to_vec(), vec![]));
        // Records, another offset, a watermark, an error and its end.
        broker.full = vec![(A, 0)];
        let (_, _, told) = broker.serve(request(1, 2, &[])).unwrap();
        assert_eq!(told, [(A, 0)]);
        broker.full.clear();
        let (_, read, told) = broker.serve(request(1, 3, &[(A, 0, 8)])).unwrap();
        assert_eq!(read, [(A, 1, 5), (B, 0, 5), (A, 0, 8)], "it comes last now");
        assert_eq!(told, []);
        broker.high_watermark = 11;
        let (_, _, told) = broker.serve(request(1, 4, &[])).unwrap();
        assert_eq!(told.len(), 3);
        broker.failing = vec![(B, 0)];
        for epoch in [5, 6] {
            let (_, _, told) = broker.serve(request(1, epoch, &[])).unwrap();
            assert_eq!(told, [(B, 0)]);
        }
        broker.failing.clear();
        let (_, _, told) = broker.serve(request(1, 7, &[])).unwrap();
        assert_eq!(told, [(B, 0)]);
        let (_, _, told) = broker.serve(request(1, 8, &[])).unwrap();
        assert_eq!(told, []);
    }

    #[test]
    fn what_is_added_is_told_and_what_is_forgotten_is_not_read() {
        let mut broker = Broker::new(10);
        broker.serve(request(0, 0, &ALL)).unwrap();
        let changed = forgets(request(1, 1, &[(A, 7, 0)]), A, 0);
        let (_, read, told) = broker.serve(changed).unwrap();
        assert_eq!(read, [(A, 1, 5), (B, 0, 5), (A, 7, 0)]);
        assert_eq!(told, [(A, 7)]);
        // Forgetting comes after adding.
        let both = forgets(request(1, 2, &[(A, 1, 9)]), A, 1);
        let (_, read, _) = broker.serve(both).unwrap();
        assert_eq!(read, [(B, 0, 5), (A, 7, 0)]);
        let none = forgets(forgets(request(1, 3, &[]), B, 0), A, 7);
        let (id, read, _) = broker.serve(none).unwrap();
        assert_eq!((id, read), (0, vec![]));
        let gone = broker.serve(request(1, 4, &[]));
        assert_eq!(gone.unwrap_err(), ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
    }

    #[test]
    fn errors_are_kafkas() {
        let mut broker = Broker::new(10);
        let unknown = broker.serve(request(3, 1, &ALL));
        assert_eq!(unknown.unwrap_err(), ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
        broker.serve(request(0, 0, &ALL)).unwrap();
        for epoch in [2, 7, -3] {
            let error = broker.serve(request(1, epoch, &[])).unwrap_err();
            assert_eq!(error, ErrorCode::INVALID_FETCH_SESSION_EPOCH);
        }
        let by_name = broker.sessions.begin(&request(1, 1, &[]), false, 0);
        assert_eq!(by_name, Err(ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR));
        assert!(broker.serve(request(1, 1, &[])).is_ok(), "it is unharmed");
    }

    #[test]
    fn full_requests_close_the_session_they_name() {
        for (epoch, opened) in [(0, 2), (-1, 0)] {
            let mut broker = Broker::new(10);
            broker.serve(request(0, 0, &ALL)).unwrap();
            let (id, read, told) = broker.serve(request(1, epoch, &ALL)).unwrap();
            assert_eq!((id, read.len(), told.len()), (opened, 3, 3));
            let closed = broker.serve(request(1, 1, &[]));
            assert_eq!(closed.unwrap_err(), ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
        }
    }

    #[test]
    fn sessions_are_bounded_and_give_way_when_they_are_old() {
        let mut broker = Broker::new(2);
        let open = |broker: &mut Broker, count: usize| {
            let (id, ..) = broker.serve(request(0, 0, &ALL[..count])).unwrap();
            id
        };
        assert_eq!(open(&mut broker, 3), 1);
        assert_eq!(open(&mut broker, 1), 2);
        assert_eq!(open(&mut broker, 3), 0, "there is no slot");
        broker.now_ms = EVICTION_MS + 1;
        broker.serve(request(1, 1, &[])).unwrap();
        broker.serve(request(2, 1, &[])).unwrap();
        // Both are old and in use: a larger one takes the slot of the smaller.
        assert_eq!(open(&mut broker, 2), 3);
        assert_eq!(
            open(&mut broker, 2),
            0,
            "the other is larger, this one too young"
        );
        // Who has not used a session for long loses it.
        broker.now_ms += EVICTION_MS;
        broker.serve(request(3, 1, &[])).unwrap();
        broker.now_ms += 1;
        assert_eq!(open(&mut broker, 1), 4);
        let gone = broker.serve(request(1, 2, &[]));
        assert_eq!(gone.unwrap_err(), ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
    }

    #[test]
    fn without_slots_there_are_no_sessions() {
        let mut broker = Broker::new(0);
        assert_eq!(broker.serve(request(0, 0, &ALL)).unwrap().0, 0);
    }
}

//! What requests name: topics and their partitions, and how one of them is taken out.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use kafka_client_protocol::Uuid;

use super::Call;

/// What the requests of an API name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    Nothing,
    /// Topics as a whole.
    Topics,
    /// Topics, whose answers have their partitions.
    TopicsWithPartitions,
    Partitions,
}

/// A topic, or a partition of it, that a request names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) topic: TopicRef<'a>,
    pub(crate) partition: Option<i32>,
}

impl<'a> Part<'a> {
    /// A topic without a word on its partitions.
    pub(crate) fn topic(topic: TopicRef<'a>) -> Self {
        Self {
            topic,
            partition: None,
        }
    }

    /// Partitions of a topic.
    pub(crate) fn partitions(
        topic: TopicRef<'a>,
        indexes: impl Iterator<Item = i32>,
    ) -> impl Iterator<Item = Self> {
        indexes.map(move |index| Self {
            topic,
            partition: Some(index),
        })
    }
}

/// What the requests of an API say of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamedGroups {
    Nothing,
    Groups,
    /// Groups, and the members that the request is from or about.
    Members,
}

/// A group that a request names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupPart<'a> {
    pub(crate) group: &'a str,
    /// A member of it; empty if none is named.
    pub(crate) member_id: &'a str,
    pub(crate) instance_id: Option<&'a str>,
}

impl<'a> GroupPart<'a> {
    /// A group without a word on its members.
    pub(crate) fn group(group: &'a str) -> Self {
        Self {
            group,
            member_id: "",
            instance_id: None,
        }
    }
}

/// How a request names a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TopicRef<'a> {
    Name(&'a str),
    Id(Uuid),
}

impl<'a> TopicRef<'a> {
    /// By id, if there is one.
    pub(crate) fn new(name: &'a str, id: Uuid) -> Self {
        if id.is_zero() {
            Self::Name(name)
        } else {
            Self::Id(id)
        }
    }
}

/// Topics, or one partition of a topic, that a request is searched for. All at once, for each search
/// looks at the whole request.
#[derive(Debug, Clone)]
pub(crate) struct Target<'a> {
    topics: HashSet<&'a str>,
    /// Looked up at the start, for the request may delete the topics.
    ids: HashSet<Uuid>,
    pub(crate) partition: Option<i32>,
}

impl<'a> Target<'a> {
    pub(crate) fn new(call: &Call<'_>, topic: &'a str, partition: Option<i32>) -> Self {
        Self {
            partition,
            ..Self::topics(call, std::iter::once(topic))
        }
    }

    /// These topics with all their partitions.
    pub(crate) fn topics(call: &Call<'_>, topics: impl Iterator<Item = &'a str>) -> Self {
        let topics: HashSet<&str> = topics.collect();
        let known = topics
            .iter()
            .filter_map(|topic| call.node.topics.named(topic));
        Self {
            ids: known.map(|known| known.id).collect(),
            topics,
            partition: None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    pub(crate) fn is_topic(&self, topic: TopicRef<'_>) -> bool {
        match topic {
            TopicRef::Name(name) => self.topics.contains(name),
            TopicRef::Id(id) => self.ids.contains(&id),
        }
    }

    pub(crate) fn is(&self, topic: TopicRef<'_>, partition: i32) -> bool {
        self.partition.is_none_or(|wanted| wanted == partition) && self.is_topic(topic)
    }
}

/// Takes partitions out of a list of topics. What is taken has the form of the list.
pub(super) fn take<T: Clone, P>(
    topics: &mut [T],
    partitions: fn(&mut T) -> &mut Vec<P>,
    is_wanted: impl Fn(&T, &P) -> bool,
) -> Vec<T> {
    let mut all_taken = Vec::new();
    for topic in topics {
        let mut left = std::mem::take(partitions(topic));
        let taken: Vec<P> = left.extract_if(.., |one| is_wanted(topic, one)).collect();
        if !taken.is_empty() {
            let mut copy = topic.clone();
            *partitions(&mut copy) = taken;
            all_taken.push(copy);
        }
        *partitions(topic) = left;
    }
    all_taken
}

/// Puts some answers over others: `merge` joins those that are of the same, the rest is added. An
/// answer may be found under several keys, and is looked for under the one that it is `asked` by.
pub(super) fn put<A, K: Eq + Hash, const KEYS: usize>(
    answers: &mut Vec<A>,
    over: Vec<A>,
    keys: impl Fn(&A) -> [K; KEYS],
    asked: impl Fn(&A) -> K,
    mut merge: impl FnMut(&mut A, A),
) {
    if over.is_empty() {
        return;
    }
    let mut places: HashMap<K, usize> = HashMap::with_capacity(answers.len());
    for (place, answer) in answers.iter().enumerate() {
        for key in keys(answer) {
            // The first one counts, should something be there twice.
            places.entry(key).or_insert(place);
        }
    }
    for one in over {
        let place = places.get(&asked(&one)).copied();
        match place.and_then(|place| answers.get_mut(place)) {
            Some(known) => merge(known, one),
            None => {
                places.insert(asked(&one), answers.len());
                answers.push(one);
            }
        }
    }
}

/// The same where there is one key.
pub(super) fn put_by<A, K: Eq + Hash>(
    answers: &mut Vec<A>,
    over: Vec<A>,
    key: impl Fn(&A) -> K,
    merge: impl FnMut(&mut A, A),
) {
    put(answers, over, |answer| [key(answer)], &key, merge);
}

/// Puts the answers for some partitions over those for the same ones.
pub(super) fn put_partitions<A>(answers: &mut Vec<A>, over: Vec<A>, index: fn(&A) -> i32) {
    put_by(answers, over, index, |known, one| *known = one);
}

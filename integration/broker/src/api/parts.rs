//! What requests name: topics and their partitions, and how one of them is taken out.

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

/// A partition, or all partitions of a topic, that a request is searched for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    topic: &'a str,
    /// Looked up at the start, for the request may delete the topic.
    id: Option<Uuid>,
    pub(crate) partition: Option<i32>,
}

impl<'a> Target<'a> {
    pub(crate) fn new(call: &Call<'_>, topic: &'a str, partition: Option<i32>) -> Self {
        Self {
            topic,
            id: call.node.topics.named(topic).map(|known| known.id),
            partition,
        }
    }

    pub(crate) fn is_topic(&self, topic: TopicRef<'_>) -> bool {
        match topic {
            TopicRef::Name(name) => name == self.topic,
            TopicRef::Id(id) => self.id == Some(id),
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

/// Puts some answers over others: `merge` joins those that are of the same, the rest is added.
pub(super) fn put<A>(
    answers: &mut Vec<A>,
    over: Vec<A>,
    are_same: impl Fn(&A, &A) -> bool,
    merge: impl Fn(&mut A, A),
) {
    for one in over {
        match answers.iter_mut().find(|known| are_same(known, &one)) {
            Some(known) => merge(known, one),
            None => answers.push(one),
        }
    }
}

/// Puts the answers for some partitions over those for the same ones.
pub(super) fn put_partitions<A>(answers: &mut Vec<A>, over: Vec<A>, index: fn(&A) -> i32) {
    let are_same = |known: &A, one: &A| index(known) == index(one);
    put(answers, over, are_same, |known, one| *known = one);
}

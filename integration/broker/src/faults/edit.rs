//! Changes of an answer: a test's own, and ready-made ones.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use kafka_client_protocol::api::fetch::{self, FetchResponse};
use kafka_client_protocol::api::metadata::{MetadataResponse, MetadataResponseTopic};
use kafka_client_protocol::api::produce::{self, ProduceResponse};
use kafka_client_protocol::{Message, Uuid};

use super::step::Step;
use super::when::Kind;

/// The versions whose answers can tell who leads now (KIP-951).
const PRODUCE_HINTS_SINCE: i16 = 10;
const FETCH_HINTS_SINCE: i16 = 12;
const FETCH_ENDPOINTS_SINCE: i16 = 16;

/// A change of an answer, made by [`Step::edit`] or one of the ready-made ones.
#[derive(Clone)]
pub struct Edit {
    /// The answers that it changes.
    pub(super) kinds: Vec<Kind>,
    change: Arc<Change>,
}

type Change = dyn Fn(&mut dyn Any, &Answered<'_>) + Send + Sync;

/// What an answer is to.
pub(crate) struct Answered<'a> {
    pub(crate) version: i16,
    /// Zero if there is no such topic.
    pub(crate) topic_id: &'a dyn Fn(&str) -> Uuid,
}

impl Edit {
    fn new<A: 'static>(change: impl Fn(&mut A, &Answered<'_>) + Send + Sync + 'static) -> Self {
        Self {
            kinds: vec![Kind::of::<A>()],
            change: Arc::new(move |answer, to| {
                if let Some(answer) = answer.downcast_mut() {
                    change(answer, to);
                }
            }),
        }
    }

    /// Of one answer or another.
    fn or(self, other: Self) -> Self {
        Self {
            kinds: self.kinds.into_iter().chain(other.kinds).collect(),
            change: Arc::new(move |answer, to| {
                (self.change)(answer, to);
                (other.change)(answer, to);
            }),
        }
    }

    pub(crate) fn apply(&self, answer: &mut dyn Any, to: &Answered<'_>) {
        (self.change)(answer, to);
    }
}

impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.kinds.iter().map(|kind| kind.name);
        f.write_str("Edit ")?;
        f.debug_list().entries(names).finish()
    }
}

impl Step {
    /// Changes the answer before it is encoded. `A` is the answer of the API, such as
    /// `MetadataResponse`.
    pub fn edit<A: Message + 'static>(change: impl Fn(&mut A) + Send + Sync + 'static) -> Self {
        Self::Edit(Edit::new(move |answer: &mut A, _| change(answer)))
    }

    /// Names another leader and leader epoch of a partition in a Metadata answer.
    pub fn leader(
        topic: impl Into<String>,
        partition: i32,
        leader_id: i32,
        leader_epoch: i32,
    ) -> Self {
        let topic = topic.into();
        Self::Edit(Edit::new(move |answer: &mut MetadataResponse, to| {
            let topics = answer.topics.iter_mut();
            let partitions = topics
                .filter(|told| is_topic(told, &topic, to))
                .flat_map(|told| &mut told.partitions);
            for told in partitions.filter(|told| told.partition_index == partition) {
                told.leader_id = leader_id;
                told.leader_epoch = leader_epoch;
            }
        }))
    }

    /// Tells in a Produce or Fetch answer that a partition is led by another broker (KIP-951), as
    /// brokers do beside `NOT_LEADER_OR_FOLLOWER`. Versions without that field are answered as usual.
    pub fn leader_hint(
        topic: impl Into<String>,
        partition: i32,
        leader_id: i32,
        leader_epoch: i32,
    ) -> Self {
        let topic = topic.into();
        let of_fetch = topic.clone();
        let produce = Edit::new(move |answer: &mut ProduceResponse, to| {
            if to.version < PRODUCE_HINTS_SINCE {
                return;
            }
            let id = (to.topic_id)(&topic);
            for told in &mut answer.responses {
                if told.name != *topic && (id.is_zero() || told.topic_id != id) {
                    continue;
                }
                let parts = told.partition_responses.iter_mut();
                for part in parts.filter(|part| part.index == partition) {
                    part.current_leader = produce::LeaderIdAndEpoch {
                        leader_id,
                        leader_epoch,
                        ..Default::default()
                    };
                }
            }
        });
        let fetch = Edit::new(move |answer: &mut FetchResponse, to| {
            if to.version < FETCH_HINTS_SINCE {
                return;
            }
            let id = (to.topic_id)(&of_fetch);
            for told in &mut answer.responses {
                if told.topic != *of_fetch && (id.is_zero() || told.topic_id != id) {
                    continue;
                }
                let parts = told.partitions.iter_mut();
                for part in parts.filter(|part| part.partition_index == partition) {
                    part.current_leader = fetch::LeaderIdAndEpoch {
                        leader_id,
                        leader_epoch,
                        ..Default::default()
                    };
                }
            }
        });
        Self::Edit(produce.or(fetch))
    }

    /// Tells in a Produce or Fetch answer where a broker is, which [`leader_hint`](Self::leader_hint) names (KIP-951).
    /// Produce has it from version 10, Fetch from version 16 on; others are answered as usual.
    pub fn leader_endpoint(node_id: i32, host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        let of_fetch = host.clone();
        let port = i32::from(port);
        let produce = Edit::new(move |answer: &mut ProduceResponse, to| {
            if to.version >= PRODUCE_HINTS_SINCE {
                answer.node_endpoints.push(produce::NodeEndpoint {
                    node_id,
                    host: host.clone().into(),
                    port,
                    ..Default::default()
                });
            }
        });
        let fetch = Edit::new(move |answer: &mut FetchResponse, to| {
            if to.version >= FETCH_ENDPOINTS_SINCE {
                answer.node_endpoints.push(fetch::NodeEndpoint {
                    node_id,
                    host: of_fetch.clone().into(),
                    port,
                    ..Default::default()
                });
            }
        });
        Self::Edit(produce.or(fetch))
    }

    /// Takes all partitions of a topic out of a Metadata answer, as a broker answers whose metadata
    /// is behind.
    pub fn no_partitions(topic: impl Into<String>) -> Self {
        let topic = topic.into();
        Self::Edit(Edit::new(move |answer: &mut MetadataResponse, to| {
            for told in &mut answer.topics {
                if is_topic(told, &topic, to) {
                    told.partitions.clear();
                }
            }
        }))
    }
}

fn is_topic(told: &MetadataResponseTopic, topic: &str, to: &Answered<'_>) -> bool {
    match &told.name {
        Some(name) => *name == *topic,
        None => !told.topic_id.is_zero() && told.topic_id == (to.topic_id)(topic),
    }
}

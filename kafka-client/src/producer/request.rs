//! A Produce request: made of the batches of several partitions, and taken apart by its answer.

use std::cmp::Ordering;
use std::sync::Arc;

use bytes::Bytes;
use kafka_client_protocol::api::produce::{
    LeaderIdAndEpoch, NodeEndpoint, PartitionProduceData, PartitionProduceResponse, ProduceRequest,
    ProduceResponse, TopicProduceData, TopicProduceResponse,
};
use kafka_client_protocol::{ApiKey, ErrorCode, Uuid};

use super::partition::{Answer, Partition, TopicName};
use super::window::Ticket;
use crate::cluster::Cluster;
use crate::cluster::metadata::PartitionMetadata;
use crate::error::{Error, ErrorKind};

/// A batch in a request.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) partition: Arc<Partition>,
    pub(crate) ticket: Ticket,
    pub(crate) bytes: Bytes,
}

/// The batches of a request, those of a topic together and in order.
#[derive(Debug)]
pub(crate) struct Batches {
    items: Vec<Item>,
    topics: Vec<Topic>,
}

/// The batches of one topic.
#[derive(Debug)]
struct Topic {
    name: Arc<TopicName>,
    /// The id that the request names, whatever it is when the answer comes.
    id: Uuid,
    items: std::ops::Range<usize>,
}

impl Batches {
    pub(crate) fn new(mut items: Vec<Item>) -> Self {
        // So that answers are found by search.
        items.sort_by(|a, b| {
            let (a, b) = (&a.partition, &b.partition);
            let topics = match Arc::ptr_eq(&a.topic, &b.topic) {
                true => Ordering::Equal,
                false => a.topic.name.cmp(&b.topic.name),
            };
            topics.then(a.index.cmp(&b.index))
        });
        let mut topics: Vec<Topic> = Vec::new();
        for group in items.chunk_by(|a, b| Arc::ptr_eq(&a.partition.topic, &b.partition.topic)) {
            let name = &group[0].partition.topic;
            let start = topics.last().map_or(0, |topic| topic.items.end);
            topics.push(Topic {
                name: name.clone(),
                id: name.id(),
                items: start..start + group.len(),
            });
        }
        Self { items, topics }
    }

    /// Whether a topic has no id, so that the request must name topics.
    pub(crate) fn needs_names(&self) -> bool {
        self.topics.iter().any(|topic| topic.id.is_zero())
    }

    /// The request with these batches.
    pub(crate) fn request(&self, acks: i16, timeout_ms: i32) -> ProduceRequest {
        let topics = self.topics.iter().map(|topic| TopicProduceData {
            name: topic.name.wire.clone(),
            topic_id: topic.id,
            partition_data: self.items[topic.items.clone()]
                .iter()
                .map(|item| PartitionProduceData {
                    index: item.partition.index,
                    records: Some(item.bytes.clone()),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        });
        ProduceRequest {
            transactional_id: None,
            acks,
            timeout_ms,
            topic_data: topics.collect(),
            ..Default::default()
        }
    }

    /// Every batch with what `answer` says of it.
    pub(crate) fn each(self, answer: impl Fn() -> Answer) -> impl Iterator<Item = (Item, Answer)> {
        self.items.into_iter().map(move |item| (item, answer()))
    }

    /// Every batch with its part of the broker's answer, which names topics by id or by name. The
    /// leaders that it names are taken into the metadata.
    pub(crate) fn answered(
        self,
        response: ProduceResponse,
        by_id: bool,
        cluster: &Cluster,
    ) -> impl Iterator<Item = (Item, Answer)> {
        let mut answers: Vec<Option<Answer>> = Vec::new();
        answers.resize_with(self.items.len(), || None);
        let ProduceResponse {
            responses,
            node_endpoints,
            ..
        } = response;
        for (position, answered) in responses.into_iter().enumerate() {
            let Some(topic) = self.topic(position, &answered, by_id) else {
                // An answer to what was not sent.
                continue;
            };
            let items = &self.items[topic.items.clone()];
            for partition in answered.partition_responses {
                let index = partition.index;
                let Ok(found) = items.binary_search_by_key(&index, |item| item.partition.index)
                else {
                    continue;
                };
                hint(
                    cluster,
                    topic,
                    index,
                    &partition.current_leader,
                    &node_endpoints,
                );
                answers[topic.items.start + found] = Some(to_answer(partition));
            }
        }
        self.items.into_iter().zip(answers).map(|(item, answer)| {
            let answer = answer.unwrap_or_else(|| {
                Answer::Lost(
                    Error::new(ErrorKind::Protocol, "the answer leaves the partition out")
                        .at_api(ApiKey::PRODUCE),
                )
            });
            (item, answer)
        })
    }

    /// The topic that a part of the answer is for. Brokers answer in the order of the request.
    fn topic(
        &self,
        position: usize,
        answered: &TopicProduceResponse,
        by_id: bool,
    ) -> Option<&Topic> {
        let is = |topic: &&Topic| match by_id {
            true => topic.id == answered.topic_id,
            false => topic.name.wire == answered.name,
        };
        let in_place = self.topics.get(position).filter(is);
        in_place.or_else(|| self.topics.iter().find(is))
    }
}

/// A broker that is no longer the leader names the one that is (KIP-951).
fn hint(
    cluster: &Cluster,
    topic: &Topic,
    partition: i32,
    leader: &LeaderIdAndEpoch,
    endpoints: &[NodeEndpoint],
) {
    let leader = PartitionMetadata {
        leader: leader.leader_id,
        leader_epoch: leader.leader_epoch,
    };
    let addresses = endpoints.iter().map(|at| (at.node_id, &*at.host, at.port));
    cluster.leader_hint(&topic.name.name, topic.id, partition, leader, addresses);
}

fn to_answer(partition: PartitionProduceResponse) -> Answer {
    match ErrorCode::new(partition.error_code) {
        ErrorCode::NONE => Answer::Appended {
            base_offset: partition.base_offset,
            log_append_time: partition.log_append_time_ms,
        },
        code => Answer::Refused {
            code,
            message: partition.error_message,
            records: partition
                .record_errors
                .into_iter()
                .map(|record| (record.batch_index, record.batch_index_error_message))
                .collect(),
        },
    }
}

//! DescribeTopicPartitions (key 75), version 0: topics and their partitions by pages (KIP-966).
//!
//! A page has the partitions that `max.request.partition.size.limit` and the request allow, in the
//! order of the topics' names; the cursor of an answer is where the next page begins.

use std::collections::BTreeSet;
use std::sync::Arc;

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};

use super::{Api, Call};
use crate::security::acl::{AclOperation, ResourceKind};
use crate::topics::{Topic, check_name, is_internal};

impl Api for DescribeTopicPartitionsRequest {
    async fn answer(self, call: &Call<'_>) -> DescribeTopicPartitionsResponse {
        let topics = &call.node.topics;
        let wants_all = self.topics.is_empty();
        let mut names: BTreeSet<String> = if wants_all {
            topics
                .all()
                .iter()
                .map(|topic| topic.name.to_string())
                .collect()
        } else {
            self.topics
                .iter()
                .map(|topic| topic.name.to_string())
                .collect()
        };
        let mut first = 0;
        if let Some(cursor) = &self.cursor {
            if cursor.partition_index < 0 {
                return self.refuse(ErrorCode::INVALID_REQUEST);
            }
            names = names.split_off(&*cursor.topic_name);
            if names.is_empty() {
                return self.refuse(ErrorCode::INVALID_REQUEST);
            }
            if names
                .first()
                .is_some_and(|name| **name == *cursor.topic_name)
            {
                first = cursor.partition_index;
            }
        }
        let limit = call.node.config().partitions_per_page_max;
        let asked = usize::try_from(self.response_partition_limit).unwrap_or(0);
        let limit = asked.clamp(1, limit);
        let mut page = Page {
            left: limit,
            answer: DescribeTopicPartitionsResponse {
                next_cursor: None,
                ..Default::default()
            },
        };
        for name in names {
            let from = std::mem::take(&mut first);
            let found = find(call, &name);
            // Of all topics, only those count that the principal may see.
            if wants_all && found.is_err() {
                continue;
            }
            if page.left == 0 {
                page.answer.next_cursor = Some(cursor(&name, from));
                break;
            }
            match found {
                Ok(topic) if !page.add(call, &topic, from) => break,
                Err(error) => page
                    .answer
                    .topics
                    .push(DescribeTopicPartitionsResponseTopic {
                        topic_authorized_operations: call.operations(ResourceKind::Topic, &name),
                        ..missing(&name, error)
                    }),
                Ok(_) => {}
            }
        }
        page.answer
    }

    fn refuse(&self, error: ErrorCode) -> DescribeTopicPartitionsResponse {
        let topics = self.topics.iter();
        DescribeTopicPartitionsResponse {
            topics: topics.map(|topic| missing(&topic.name, error)).collect(),
            next_cursor: None,
            ..Default::default()
        }
    }
}

fn find(call: &Call<'_>, name: &str) -> Result<Arc<Topic>, ErrorCode> {
    if !call.may_on_topic(AclOperation::Describe, name) {
        return Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    }
    check_name(name).map_err(|refusal| refusal.code)?;
    let known = call.node.topics.named(name);
    known.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
}

struct Page {
    /// How many more partitions it may have.
    left: usize,
    answer: DescribeTopicPartitionsResponse,
}

impl Page {
    /// Adds a topic's partitions from one on; whether it had room for all of them.
    fn add(&mut self, call: &Call<'_>, topic: &Topic, from: i32) -> bool {
        let skipped = usize::try_from(from).unwrap_or(0);
        let there = topic.partitions.len().saturating_sub(skipped);
        let taken = there.min(self.left);
        self.left -= taken;
        let leader_id = call.node.config().node_id;
        let partitions = (0..).zip(&topic.partitions).skip(skipped).take(taken);
        let partitions = partitions.map(|(partition_index, partition)| {
            DescribeTopicPartitionsResponsePartition {
                partition_index,
                leader_id,
                leader_epoch: partition.leader_epoch(),
                replica_nodes: vec![leader_id],
                isr_nodes: vec![leader_id],
                eligible_leader_replicas: Some(Vec::new()),
                last_known_elr: Some(Vec::new()),
                ..Default::default()
            }
        });
        self.answer
            .topics
            .push(DescribeTopicPartitionsResponseTopic {
                name: Some(topic.name.as_ref().into()),
                topic_id: topic.id,
                is_internal: topic.is_internal(),
                partitions: partitions.collect(),
                topic_authorized_operations: call.operations(ResourceKind::Topic, &topic.name),
                ..Default::default()
            });
        if taken == there {
            return true;
        }
        let next = from.saturating_add(i32::try_from(taken).unwrap_or(i32::MAX));
        self.answer.next_cursor = Some(cursor(&topic.name, next));
        false
    }
}

fn cursor(topic: &str, partition_index: i32) -> Cursor {
    Cursor {
        topic_name: topic.into(),
        partition_index,
        ..Default::default()
    }
}

fn missing(name: &str, error: ErrorCode) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic {
        error_code: error.code(),
        name: Some(name.into()),
        is_internal: is_internal(name),
        ..Default::default()
    }
}

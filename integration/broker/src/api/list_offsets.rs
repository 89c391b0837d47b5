//! ListOffsets (key 2), versions 1 to 11: offsets by time, and the ends of a log.
//!
//! | timestamp | meaning | since version |
//! |---|---|---|
//! | 0 and above | the first record that is not older | 1 |
//! | -1 | the end (high watermark, last stable offset) | 1 |
//! | -2 | the start | 1 |
//! | -3 | the record with the largest timestamp (KIP-734) | 7 |
//! | -4 | the start of what is on this disk (KIP-405): the start | 8 |
//! | -5 | the end of what is in tiered storage (KIP-1005): none | 9 |
//! | -6 | the first offset still to be tiered (KIP-1023): none | 11 |
//!
//! Nothing found is offset -1 without an error. From version 4 answers carry the leader epoch of
//! the offset.

use std::collections::BTreeSet;

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopicResponse,
};

use super::{Api, Call, Named, Part, Target, TopicRef, parts};
use crate::partition::{Partition, TimedOffset, UpTo};
use crate::refusal::Refusal;
use crate::security::acl::AclOperation;

const READ_COMMITTED: i8 = 1;
const EPOCHS_SINCE: i16 = 4;
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

impl Api for ListOffsetsRequest {
    const NAMES: Named = Named::Partitions;

    fn needs_on_topics(&self, _: &Call<'_>) -> Option<AclOperation> {
        Some(AclOperation::Describe)
    }

    async fn answer(self, call: &Call<'_>) -> ListOffsetsResponse {
        // Kafka has no better code for an isolation level that there is not.
        if !(0..=READ_COMMITTED).contains(&self.isolation_level) {
            return self.refuse(ErrorCode::UNKNOWN_SERVER_ERROR);
        }
        let up_to = match self.isolation_level {
            READ_COMMITTED => UpTo::LastStableOffset,
            _ => UpTo::HighWatermark,
        };
        let twice = named_twice(&self);
        let mut answer = each(&self, call.version, |topic, asked| {
            if twice.contains(&(topic, asked.partition_index)) {
                return Err(ErrorCode::INVALID_REQUEST);
            }
            let known = call.node.topics.named(topic);
            let partition = known
                .as_ref()
                .and_then(|topic| topic.partition(asked.partition_index));
            let partition = partition.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
            partition.check_epoch(asked.current_leader_epoch)?;
            look_up(partition, asked.timestamp, up_to, call.version).map_err(|refusal| refusal.code)
        });
        for topic in &mut answer.topics {
            let mut told = BTreeSet::new();
            topic
                .partitions
                .retain(|one| told.insert(one.partition_index));
        }
        answer
    }

    fn refuse(&self, error: ErrorCode) -> ListOffsetsResponse {
        each(self, 0, |_, _| Err(error))
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let topics = self.topics.iter();
        topics
            .flat_map(|topic| {
                let named = TopicRef::Name(&topic.name);
                Part::partitions(
                    named,
                    topic.partitions.iter().map(|one| one.partition_index),
                )
            })
            .collect()
    }

    fn take(&mut self, target: &Target<'_>) -> Option<Self> {
        let taken = parts::take(
            &mut self.topics,
            |topic| &mut topic.partitions,
            |topic, one| target.is(TopicRef::Name(&topic.name), one.partition_index),
        );
        (!taken.is_empty()).then(|| Self {
            topics: taken,
            ..self.clone()
        })
    }

    fn put(answer: &mut ListOffsetsResponse, refused: ListOffsetsResponse) {
        parts::put_by(
            &mut answer.topics,
            refused.topics,
            |one| one.name.clone(),
            |known, topic| {
                parts::put_partitions(&mut known.partitions, topic.partitions, |one| {
                    one.partition_index
                });
            },
        );
    }
}

fn look_up(
    partition: &Partition,
    timestamp: i64,
    up_to: UpTo,
    version: i16,
) -> Result<Option<TimedOffset>, Refusal> {
    let since = match timestamp {
        EARLIEST..=i64::MAX => 1,
        MAX_TIMESTAMP => 7,
        EARLIEST_LOCAL => 8,
        LATEST_TIERED => 9,
        EARLIEST_PENDING_UPLOAD => 11,
        _ => i16::MAX,
    };
    if version < since {
        return Err(Refusal::new(
            ErrorCode::UNSUPPORTED_VERSION,
            format!("timestamp {timestamp} has no meaning in version {version}"),
        ));
    }
    let is_seen = |found: &TimedOffset| found.offset < partition.ends().of(up_to);
    match timestamp {
        LATEST => {
            let offset = partition.ends().of(up_to);
            let log = partition.log();
            let leader_epoch = log.latest_epoch().unwrap_or(partition.leader_epoch());
            Ok(Some(TimedOffset {
                offset,
                timestamp: -1,
                leader_epoch,
            }))
        }
        EARLIEST | EARLIEST_LOCAL => {
            let log = partition.log();
            let offset = log.start_offset();
            let leader_epoch = log.epoch_of(offset).unwrap_or(-1);
            Ok(Some(TimedOffset {
                offset,
                timestamp: -1,
                leader_epoch,
            }))
        }
        MAX_TIMESTAMP => Ok(partition.offset_of_max_time()?.filter(is_seen)),
        LATEST_TIERED | EARLIEST_PENDING_UPLOAD => Ok(None),
        timestamp => Ok(partition.offset_at_time(timestamp)?.filter(is_seen)),
    }
}

/// Partitions that the request has more than once: refused, as in Kafka.
fn named_twice(request: &ListOffsetsRequest) -> BTreeSet<(&str, i32)> {
    let mut seen = BTreeSet::new();
    let mut twice = BTreeSet::new();
    for topic in &request.topics {
        for asked in &topic.partitions {
            let key = (topic.name.as_str(), asked.partition_index);
            if !seen.insert(key) {
                twice.insert(key);
            }
        }
    }
    twice
}

fn each(
    request: &ListOffsetsRequest,
    version: i16,
    one: impl Fn(&str, &ListOffsetsPartition) -> Result<Option<TimedOffset>, ErrorCode>,
) -> ListOffsetsResponse {
    let partition = |topic: &str, asked: &ListOffsetsPartition| {
        let mut answer = ListOffsetsPartitionResponse {
            partition_index: asked.partition_index,
            ..Default::default()
        };
        match one(topic, asked) {
            Ok(Some(found)) => {
                answer.offset = found.offset;
                answer.timestamp = found.timestamp;
                if version >= EPOCHS_SINCE {
                    answer.leader_epoch = found.leader_epoch;
                }
            }
            Ok(None) => {}
            Err(error) => answer.error_code = error.code(),
        }
        answer
    };
    ListOffsetsResponse {
        topics: request
            .topics
            .iter()
            .map(|topic| ListOffsetsTopicResponse {
                name: topic.name.clone(),
                partitions: topic
                    .partitions
                    .iter()
                    .map(|asked| partition(&topic.name, asked))
                    .collect(),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

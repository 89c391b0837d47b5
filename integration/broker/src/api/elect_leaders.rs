//! ElectLeaders (key 43), versions 0 to 2: every partition has its one replica for a leader, so no
//! election is needed.

use std::sync::Arc;

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::elect_leaders::{
    ElectLeadersRequest, ElectLeadersResponse, PartitionResult, ReplicaElectionResult,
    TopicPartitions,
};

use super::{Api, Call, text};
use crate::refusal::Refusal;
use crate::security::acl::AclOperation;
use crate::topics::Topic;

/// The preferred replica (0), or any (1).
const ELECTIONS: std::ops::RangeInclusive<i8> = 0..=1;

impl Api for ElectLeadersRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_cluster(AclOperation::Alter)
    }

    async fn answer(self, call: &Call<'_>) -> ElectLeadersResponse {
        let is_known = ELECTIONS.contains(&self.election_type);
        let asked = self.topic_partitions.unwrap_or_else(|| {
            // All that need an election: each topic is named, and nothing of it.
            let all = call.node.topics.all();
            let nothing_of = |topic: &Arc<Topic>| TopicPartitions {
                topic: topic.name.as_ref().into(),
                ..Default::default()
            };
            all.iter().map(nothing_of).collect()
        });
        let results = asked.iter().map(|asked| {
            let partitions = asked.partitions.iter();
            ReplicaElectionResult {
                topic: asked.topic.clone(),
                partition_result: partitions
                    .map(|partition| result(call, &asked.topic, *partition, is_known))
                    .collect(),
                ..Default::default()
            }
        });
        let error = if is_known {
            ErrorCode::NONE
        } else {
            ErrorCode::INVALID_REQUEST
        };
        ElectLeadersResponse {
            error_code: error.code(),
            replica_election_results: results.collect(),
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> ElectLeadersResponse {
        ElectLeadersResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}

fn result(call: &Call<'_>, topic: &str, partition_id: i32, is_known: bool) -> PartitionResult {
    let known = call.node.topics.named(topic);
    let is_there = known.is_some_and(|topic| topic.partition(partition_id).is_some());
    let refusal = if !is_known {
        Refusal::new(ErrorCode::INVALID_REQUEST, "unknown type of election")
    } else if is_there {
        Refusal::from(ErrorCode::ELECTION_NOT_NEEDED)
    } else {
        let message = format!("there is no partition {topic}-{partition_id}");
        Refusal::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message)
    };
    PartitionResult {
        partition_id,
        error_code: refusal.code.code(),
        error_message: text(refusal.message),
        ..Default::default()
    }
}

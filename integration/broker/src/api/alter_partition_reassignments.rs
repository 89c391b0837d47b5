//! AlterPartitionReassignments (key 45), versions 0 and 1: with one broker, a partition can be
//! assigned to where it is, and nowhere else.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ReassignablePartition,
    ReassignablePartitionResponse, ReassignableTopicResponse,
};

use super::{Api, Call, text};
use crate::refusal::Refusal;
use crate::security::acl::AclOperation;

impl Api for AlterPartitionReassignmentsRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_cluster(AclOperation::Alter)
    }

    async fn answer(self, call: &Call<'_>) -> AlterPartitionReassignmentsResponse {
        let responses = self.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| {
                let refusal = assign(call, &topic.name, asked).err();
                ReassignablePartitionResponse {
                    partition_index: asked.partition_index,
                    error_code: refusal.as_ref().map_or(0, |refusal| refusal.code.code()),
                    error_message: refusal.and_then(|refusal| text(refusal.message)),
                    ..Default::default()
                }
            });
            ReassignableTopicResponse {
                name: topic.name.clone(),
                partitions: partitions.collect(),
                ..Default::default()
            }
        });
        AlterPartitionReassignmentsResponse {
            allow_replication_factor_change: self.allow_replication_factor_change,
            error_message: None,
            responses: responses.collect(),
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> AlterPartitionReassignmentsResponse {
        AlterPartitionReassignmentsResponse {
            error_code: error.code(),
            error_message: text(error.text()),
            ..Default::default()
        }
    }
}

fn assign(call: &Call<'_>, topic: &str, asked: &ReassignablePartition) -> Result<(), Refusal> {
    let index = asked.partition_index;
    let known = call.node.topics.named(topic);
    if known.is_none_or(|topic| topic.partition(index).is_none()) {
        let message = format!("there is no partition {topic}-{index}");
        return Err(Refusal::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message));
    }
    let id = call.node.config().node_id;
    match asked.replicas.as_deref() {
        None => Err(ErrorCode::NO_REASSIGNMENT_IN_PROGRESS.into()),
        Some([one]) if *one == id => Ok(()),
        Some(_) => Err(Refusal::new(
            ErrorCode::INVALID_REPLICA_ASSIGNMENT,
            format!("{topic}-{index} can be on broker {id} alone: there is no other"),
        )),
    }
}

//! AlterReplicaLogDirs (key 34), versions 1 and 2: there is one log directory, so a partition can
//! only be told to stay.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::alter_replica_log_dirs::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult, AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
};

use super::{Api, Call};
use crate::security::acl::AclOperation;

impl Api for AlterReplicaLogDirsRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_cluster(AclOperation::Alter)
    }

    async fn answer(self, call: &Call<'_>) -> AlterReplicaLogDirsResponse {
        let topics = &call.node.topics;
        let own = topics.store().path_text();
        answer(&self, |dir, topic, partition| {
            let known = topics.named(topic);
            if *dir != *own {
                ErrorCode::LOG_DIR_NOT_FOUND
            } else if known.is_some_and(|topic| topic.partition(partition).is_some()) {
                ErrorCode::NONE
            } else {
                ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
            }
        })
    }

    fn refuse(&self, error: ErrorCode) -> AlterReplicaLogDirsResponse {
        answer(self, |_, _, _| error)
    }
}

fn answer(
    request: &AlterReplicaLogDirsRequest,
    judge: impl Fn(&str, &str, i32) -> ErrorCode,
) -> AlterReplicaLogDirsResponse {
    let topics = request.dirs.iter().flat_map(|dir| {
        let judge = &judge;
        dir.topics.iter().map(move |topic| {
            let partitions = topic.partitions.iter().map(|index| {
                let error = judge(&dir.path, &topic.name, *index);
                AlterReplicaLogDirPartitionResult {
                    partition_index: *index,
                    error_code: error.code(),
                    ..Default::default()
                }
            });
            AlterReplicaLogDirTopicResult {
                topic_name: topic.name.clone(),
                partitions: partitions.collect(),
                ..Default::default()
            }
        })
    });
    AlterReplicaLogDirsResponse {
        results: topics.collect(),
        ..Default::default()
    }
}

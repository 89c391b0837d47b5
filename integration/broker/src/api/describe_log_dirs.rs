//! DescribeLogDirs (key 35), versions 1 to 5: what partitions take of the disk.
//!
//! There is one directory, or none where everything is in memory: then its name is "memory" and the
//! size of the volume is not told (-1), as by Kafka before version 4.

use std::collections::{BTreeMap, BTreeSet};

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::describe_log_dirs::{
    DescribeLogDirsPartition, DescribeLogDirsRequest, DescribeLogDirsResponse,
    DescribeLogDirsResult, DescribeLogDirsTopic,
};

use super::{Api, Call};
use crate::security::acl::AclOperation;

impl Api for DescribeLogDirsRequest {
    async fn answer(self, call: &Call<'_>) -> DescribeLogDirsResponse {
        // As in Kafka: no error in the versions that have no place for one, just nothing to see.
        if !call.may_on_cluster(AclOperation::Describe) {
            return self.refuse(ErrorCode::CLUSTER_AUTHORIZATION_FAILED);
        }
        let store = call.node.topics.store();
        let volume = store.volume();
        let (error, topics) = match store.failure() {
            Some(_) => (ErrorCode::KAFKA_STORAGE_ERROR, Vec::new()),
            None => (ErrorCode::NONE, sizes(call, &self)),
        };
        DescribeLogDirsResponse {
            results: vec![DescribeLogDirsResult {
                error_code: error.code(),
                log_dir: store.path_text().into(),
                topics,
                total_bytes: volume.map_or(-1, |volume| volume.total_bytes),
                usable_bytes: volume.map_or(-1, |volume| volume.usable_bytes),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> DescribeLogDirsResponse {
        DescribeLogDirsResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}

/// The partitions that are asked for and there are.
fn sizes(call: &Call<'_>, request: &DescribeLogDirsRequest) -> Vec<DescribeLogDirsTopic> {
    let asked = request.topics.as_ref().map(|topics| {
        let mut asked: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
        for topic in topics {
            let partitions = asked.entry(&topic.topic).or_default();
            partitions.extend(&topic.partitions);
        }
        asked
    });
    let mut topics = Vec::new();
    for topic in call.node.topics.all() {
        let wanted = asked.as_ref().map(|asked| asked.get(&*topic.name));
        let is_wanted = |index: i32| match wanted {
            None => true,
            Some(wanted) => wanted.is_some_and(|wanted| wanted.contains(&index)),
        };
        let partitions = (0..).zip(&topic.partitions);
        let partitions = partitions.filter(|(index, _)| is_wanted(*index));
        let partitions: Vec<_> = partitions
            .map(|(partition_index, partition)| DescribeLogDirsPartition {
                partition_index,
                partition_size: i64::try_from(partition.log().size()).unwrap_or(i64::MAX),
                offset_lag: 0,
                is_future_key: false,
                ..Default::default()
            })
            .collect();
        if !partitions.is_empty() {
            topics.push(DescribeLogDirsTopic {
                name: topic.name.as_ref().into(),
                partitions,
                ..Default::default()
            });
        }
    }
    topics
}

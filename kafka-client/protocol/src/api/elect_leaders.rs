//! ElectLeaders (43): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 43, versions = 0..=2, flexible = 2, response = ElectLeadersResponse)]
pub struct ElectLeadersRequest {
    // ABOUT Type of elections to conduct for the partition. A value of '0' elects the preferred replica. A value of '1' elects the first live replica if there are no in-sync replica.
    /// TODO
    #[field(versions = 1..)]
    pub election_type: i8,
    // ABOUT The topic partitions to elect leaders.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub topic_partitions: Option<Vec<TopicPartitions>>,
    // ABOUT The time in ms to wait for the election to complete.
    /// TODO
    #[field(default = 60000)]
    pub timeout_ms: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopicPartitions
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicPartitions {
    // ABOUT The name of a topic.
    /// TODO
    #[field(key)]
    pub topic: StrBytes,
    // ABOUT The partitions of this topic whose leader should be elected.
    /// TODO
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 43, versions = 0..=2, flexible = 2)]
pub struct ElectLeadersResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The top level response error code.
    /// TODO
    #[field(versions = 1..)]
    pub error_code: i16,
    // ABOUT The election results, or an empty array if the requester did not have permission and the request asks for all partitions.
    /// TODO
    pub replica_election_results: Vec<ReplicaElectionResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO ReplicaElectionResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ReplicaElectionResult {
    // ABOUT The topic name.
    /// TODO
    pub topic: StrBytes,
    // ABOUT The results for each partition.
    /// TODO
    pub partition_result: Vec<PartitionResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO PartitionResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct PartitionResult {
    // ABOUT The partition id.
    /// TODO
    pub partition_id: i32,
    // ABOUT The result error, or zero if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The result message, or null if there was no error.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

//! ElectLeaders (43): makes the controller elect leaders of partitions.
//!
//! Admin method `electLeaders`; any broker takes it and forwards it to the controller (KIP-590).
//! Since Kafka 2.2 to bring preferred leaders back (KIP-183).
//!
//! Versions: 1 adds unclean elections and an error for the whole answer (KIP-460, Kafka 2.4); 2 is
//! flexible (KIP-482).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Partitions that are to elect a leader.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 43, versions = 0..=2, flexible = 2, response = ElectLeadersResponse)]
pub struct ElectLeadersRequest {
    /// Who may win (KIP-460): 0 the preferred replica, 1 the first live replica when none is in
    /// sync, at the price of lost records.
    #[field(versions = 1..)]
    pub election_type: i8,
    /// The topics, null for all partitions.
    #[field(nullable = .., default = Some(Default::default()))]
    pub topic_partitions: Option<Vec<TopicPartitions>>,
    /// Milliseconds that the controller may take.
    #[field(default = 60000)]
    pub timeout_ms: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicPartitions {
    /// Name of the topic.
    #[field(key)]
    pub topic: StrBytes,
    /// Numbers of the partitions.
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each election. ELECTION_NOT_NEEDED says that all is well already;
/// PREFERRED_LEADER_NOT_AVAILABLE and ELIGIBLE_LEADERS_NOT_AVAILABLE that nobody could be elected.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 43, versions = 0..=2, flexible = 2)]
pub struct ElectLeadersResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code for the answer as a whole, 0 for none (KIP-460).
    #[field(versions = 1..)]
    pub error_code: i16,
    /// The answers, by topic; empty if the request asked for all partitions without the right to.
    pub replica_election_results: Vec<ReplicaElectionResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one topic's elections.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ReplicaElectionResult {
    /// Name of the topic.
    pub topic: StrBytes,
    /// The partitions.
    pub partition_result: Vec<PartitionResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one partition's election.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct PartitionResult {
    /// Number of the partition.
    pub partition_id: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

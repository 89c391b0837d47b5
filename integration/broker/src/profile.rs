//! What other brokers serve: older ones, and those that only speak Kafka's protocol.

use std::any::Any;
use std::ops::RangeInclusive;

use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::list_offsets::ListOffsetsResponse;

use crate::api::Served;

/// A broker whose APIs and versions are served instead of those of Apache Kafka 4.3, for
/// [`Builder::profile`](crate::Builder::profile). Versions that are older than what Kafka 4.3 serves
/// are not brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// Apache Kafka 2.8: topic ids in Metadata, none in Fetch and Produce.
    Kafka2_8,
    /// Azure Event Hubs: no topic ids, leader epochs of -1, and a reset of the connection where a newer
    /// ApiVersions request than version 3 should be answered with error 35. The versions are those
    /// that clients saw from 2022 to 2025.
    EventHubs,
    /// Redpanda: no topic ids, and the versions that its releases of 2024 and 2025 serve.
    Redpanda,
}

/// The highest version of each API.
type Caps = &'static [(ApiKey, i16)];

const KAFKA_2_8: Caps = &[
    (ApiKey::PRODUCE, 9),
    (ApiKey::FETCH, 12),
    (ApiKey::LIST_OFFSETS, 6),
    (ApiKey::METADATA, 11),
    (ApiKey::OFFSET_COMMIT, 8),
    (ApiKey::OFFSET_FETCH, 7),
    (ApiKey::FIND_COORDINATOR, 3),
    (ApiKey::JOIN_GROUP, 7),
    (ApiKey::HEARTBEAT, 4),
    (ApiKey::LEAVE_GROUP, 4),
    (ApiKey::SYNC_GROUP, 5),
    (ApiKey::DESCRIBE_GROUPS, 5),
    (ApiKey::LIST_GROUPS, 4),
    (ApiKey::SASL_HANDSHAKE, 1),
    (ApiKey::API_VERSIONS, 3),
    (ApiKey::CREATE_TOPICS, 7),
    (ApiKey::DELETE_TOPICS, 6),
    (ApiKey::DELETE_RECORDS, 2),
    (ApiKey::INIT_PRODUCER_ID, 4),
    (ApiKey::OFFSET_FOR_LEADER_EPOCH, 4),
    (ApiKey::ADD_PARTITIONS_TO_TXN, 3),
    (ApiKey::ADD_OFFSETS_TO_TXN, 3),
    (ApiKey::END_TXN, 3),
    (ApiKey::TXN_OFFSET_COMMIT, 3),
    (ApiKey::DESCRIBE_ACLS, 2),
    (ApiKey::CREATE_ACLS, 2),
    (ApiKey::DELETE_ACLS, 2),
    (ApiKey::DESCRIBE_CONFIGS, 4),
    (ApiKey::ALTER_CONFIGS, 2),
    (ApiKey::ALTER_REPLICA_LOG_DIRS, 2),
    (ApiKey::DESCRIBE_LOG_DIRS, 2),
    (ApiKey::SASL_AUTHENTICATE, 2),
    (ApiKey::CREATE_PARTITIONS, 3),
    (ApiKey::CREATE_DELEGATION_TOKEN, 2),
    (ApiKey::RENEW_DELEGATION_TOKEN, 2),
    (ApiKey::EXPIRE_DELEGATION_TOKEN, 2),
    (ApiKey::DESCRIBE_DELEGATION_TOKEN, 2),
    (ApiKey::DELETE_GROUPS, 2),
    (ApiKey::ELECT_LEADERS, 2),
    (ApiKey::INCREMENTAL_ALTER_CONFIGS, 1),
    (ApiKey::ALTER_PARTITION_REASSIGNMENTS, 0),
    (ApiKey::LIST_PARTITION_REASSIGNMENTS, 0),
    (ApiKey::OFFSET_DELETE, 0),
    (ApiKey::DESCRIBE_CLIENT_QUOTAS, 1),
    (ApiKey::ALTER_CLIENT_QUOTAS, 1),
    (ApiKey::DESCRIBE_USER_SCRAM_CREDENTIALS, 0),
    (ApiKey::ALTER_USER_SCRAM_CREDENTIALS, 0),
    (ApiKey::UPDATE_FEATURES, 0),
    (ApiKey::DESCRIBE_CLUSTER, 0),
    (ApiKey::DESCRIBE_PRODUCERS, 0),
];

const EVENT_HUBS: Caps = &[
    (ApiKey::PRODUCE, 7),
    (ApiKey::FETCH, 6),
    (ApiKey::LIST_OFFSETS, 8),
    (ApiKey::METADATA, 5),
    (ApiKey::OFFSET_COMMIT, 8),
    (ApiKey::OFFSET_FETCH, 8),
    (ApiKey::FIND_COORDINATOR, 4),
    (ApiKey::JOIN_GROUP, 9),
    (ApiKey::HEARTBEAT, 4),
    (ApiKey::LEAVE_GROUP, 5),
    (ApiKey::SYNC_GROUP, 5),
    (ApiKey::DESCRIBE_GROUPS, 1),
    (ApiKey::LIST_GROUPS, 1),
    (ApiKey::SASL_HANDSHAKE, 1),
    (ApiKey::API_VERSIONS, 3),
    (ApiKey::CREATE_TOPICS, 2),
    (ApiKey::DELETE_TOPICS, 2),
    (ApiKey::INIT_PRODUCER_ID, 1),
    (ApiKey::SASL_AUTHENTICATE, 1),
];

const REDPANDA: Caps = &[
    (ApiKey::PRODUCE, 7),
    (ApiKey::FETCH, 11),
    (ApiKey::LIST_OFFSETS, 4),
    (ApiKey::METADATA, 7),
    (ApiKey::OFFSET_COMMIT, 8),
    (ApiKey::OFFSET_FETCH, 7),
    (ApiKey::FIND_COORDINATOR, 3),
    (ApiKey::JOIN_GROUP, 5),
    (ApiKey::HEARTBEAT, 3),
    (ApiKey::LEAVE_GROUP, 3),
    (ApiKey::SYNC_GROUP, 3),
    (ApiKey::DESCRIBE_GROUPS, 4),
    (ApiKey::LIST_GROUPS, 2),
    (ApiKey::SASL_HANDSHAKE, 1),
    (ApiKey::API_VERSIONS, 3),
    (ApiKey::CREATE_TOPICS, 5),
    (ApiKey::DELETE_TOPICS, 3),
    (ApiKey::DELETE_RECORDS, 2),
    (ApiKey::INIT_PRODUCER_ID, 3),
    (ApiKey::OFFSET_FOR_LEADER_EPOCH, 3),
    (ApiKey::ADD_PARTITIONS_TO_TXN, 3),
    (ApiKey::ADD_OFFSETS_TO_TXN, 1),
    (ApiKey::END_TXN, 1),
    (ApiKey::TXN_OFFSET_COMMIT, 3),
    (ApiKey::DESCRIBE_ACLS, 2),
    (ApiKey::CREATE_ACLS, 2),
    (ApiKey::DELETE_ACLS, 2),
    (ApiKey::DESCRIBE_CONFIGS, 2),
    (ApiKey::ALTER_CONFIGS, 1),
    (ApiKey::DESCRIBE_LOG_DIRS, 2),
    (ApiKey::SASL_AUTHENTICATE, 2),
    (ApiKey::CREATE_PARTITIONS, 1),
    (ApiKey::DELETE_GROUPS, 1),
    (ApiKey::INCREMENTAL_ALTER_CONFIGS, 1),
    (ApiKey::OFFSET_DELETE, 0),
    (ApiKey::DESCRIBE_PRODUCERS, 0),
];

impl Profile {
    fn caps(self) -> Caps {
        match self {
            Self::Kafka2_8 => KAFKA_2_8,
            Self::EventHubs => EVENT_HUBS,
            Self::Redpanda => REDPANDA,
        }
    }

    /// The versions of an API that are served; `None` if none is.
    pub(crate) fn versions(self, served: &Served) -> Option<RangeInclusive<i16>> {
        let (_, cap) = self.caps().iter().find(|(api, _)| *api == served.api)?;
        let start = match (self, served.api) {
            // Against what KAFKA-18659 made Kafka announce.
            (Self::EventHubs, ApiKey::PRODUCE) => 3,
            _ => *served.versions.start(),
        };
        let versions = start..=*cap.min(served.versions.end());
        (!versions.is_empty()).then_some(versions)
    }

    /// Whether a connection is reset over a version of ApiVersions that is not served.
    pub(crate) fn resets_unknown_api_versions(self) -> bool {
        self == Self::EventHubs
    }

    /// Makes an answer what this broker would say.
    pub(crate) fn adapt(self, answer: &mut dyn Any) {
        if self != Self::EventHubs {
            return;
        }
        // Nothing else in its versions tells an epoch.
        if let Some(answer) = answer.downcast_mut::<ListOffsetsResponse>() {
            let topics = answer.topics.iter_mut();
            for told in topics.flat_map(|topic| &mut topic.partitions) {
                told.leader_epoch = -1;
            }
        }
    }
}

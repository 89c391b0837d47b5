//! The APIs by key: name, versions, first flexible version.

use std::fmt;
use std::ops::RangeInclusive;

/// Identifies an API on the wire.
///
/// Every key is representable, known or not: a broker's ApiVersions answer may list APIs that
/// came later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKey(i16);

macro_rules! api_keys {
    ($($constant:ident = $key:literal, $name:literal, $versions:expr, $first_flexible:expr;)*) => {
        impl ApiKey {
            $(
                #[doc = concat!($name, ", key ", stringify!($key), ".")]
                pub const $constant: Self = Self($key);
            )*

            /// Every key of the table, rising.
            pub const ALL: &[Self] = &[$(Self::$constant),*];

            /// Kafka's name, or `None` for a key that only controllers serve, or that came after this
            /// table.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($key => Some($name),)*
                    _ => None,
                }
            }

            /// The versions that this crate knows of request and response, which are all that
            /// Apache Kafka 4.4 serves. `None` if the key is unknown or only brokers use the API.
            #[must_use]
            pub const fn versions(self) -> Option<RangeInclusive<i16>> {
                match self.0 {
                    $($key => $versions,)*
                    _ => None,
                }
            }

            /// The first flexible version (KIP-482), which decides the header's version too.
            /// `None` if there is none, or the key is unknown.
            #[must_use]
            pub const fn first_flexible(self) -> Option<i16> {
                match self.0 {
                    $($key => $first_flexible,)*
                    _ => None,
                }
            }
        }
    };
}

api_keys! {
    PRODUCE = 0, "Produce", Some(3..=13), Some(9);
    FETCH = 1, "Fetch", Some(4..=18), Some(12);
    LIST_OFFSETS = 2, "ListOffsets", Some(1..=11), Some(6);
    METADATA = 3, "Metadata", Some(0..=13), Some(9);
    OFFSET_COMMIT = 8, "OffsetCommit", Some(2..=10), Some(8);
    OFFSET_FETCH = 9, "OffsetFetch", Some(1..=10), Some(6);
    FIND_COORDINATOR = 10, "FindCoordinator", Some(0..=6), Some(3);
    JOIN_GROUP = 11, "JoinGroup", Some(0..=9), Some(6);
    HEARTBEAT = 12, "Heartbeat", Some(0..=4), Some(4);
    LEAVE_GROUP = 13, "LeaveGroup", Some(0..=5), Some(4);
    SYNC_GROUP = 14, "SyncGroup", Some(0..=5), Some(4);
    DESCRIBE_GROUPS = 15, "DescribeGroups", Some(0..=6), Some(5);
    LIST_GROUPS = 16, "ListGroups", Some(0..=5), Some(3);
    SASL_HANDSHAKE = 17, "SaslHandshake", Some(0..=1), None;
    API_VERSIONS = 18, "ApiVersions", Some(0..=5), Some(3);
    CREATE_TOPICS = 19, "CreateTopics", Some(2..=7), Some(5);
    DELETE_TOPICS = 20, "DeleteTopics", Some(1..=6), Some(4);
    DELETE_RECORDS = 21, "DeleteRecords", Some(0..=2), Some(2);
    INIT_PRODUCER_ID = 22, "InitProducerId", Some(0..=6), Some(2);
    OFFSET_FOR_LEADER_EPOCH = 23, "OffsetForLeaderEpoch", Some(2..=4), Some(4);
    ADD_PARTITIONS_TO_TXN = 24, "AddPartitionsToTxn", Some(0..=5), Some(3);
    ADD_OFFSETS_TO_TXN = 25, "AddOffsetsToTxn", Some(0..=4), Some(3);
    END_TXN = 26, "EndTxn", Some(0..=5), Some(3);
    WRITE_TXN_MARKERS = 27, "WriteTxnMarkers", Some(1..=2), Some(1);
    TXN_OFFSET_COMMIT = 28, "TxnOffsetCommit", Some(0..=6), Some(3);
    DESCRIBE_ACLS = 29, "DescribeAcls", Some(1..=3), Some(2);
    CREATE_ACLS = 30, "CreateAcls", Some(1..=3), Some(2);
    DELETE_ACLS = 31, "DeleteAcls", Some(1..=3), Some(2);
    DESCRIBE_CONFIGS = 32, "DescribeConfigs", Some(1..=4), Some(4);
    ALTER_CONFIGS = 33, "AlterConfigs", Some(0..=2), Some(2);
    ALTER_REPLICA_LOG_DIRS = 34, "AlterReplicaLogDirs", Some(1..=2), Some(2);
    DESCRIBE_LOG_DIRS = 35, "DescribeLogDirs", Some(1..=5), Some(2);
    SASL_AUTHENTICATE = 36, "SaslAuthenticate", Some(0..=2), Some(2);
    CREATE_PARTITIONS = 37, "CreatePartitions", Some(0..=3), Some(2);
    CREATE_DELEGATION_TOKEN = 38, "CreateDelegationToken", Some(1..=3), Some(2);
    RENEW_DELEGATION_TOKEN = 39, "RenewDelegationToken", Some(1..=2), Some(2);
    EXPIRE_DELEGATION_TOKEN = 40, "ExpireDelegationToken", Some(1..=2), Some(2);
    DESCRIBE_DELEGATION_TOKEN = 41, "DescribeDelegationToken", Some(1..=3), Some(2);
    DELETE_GROUPS = 42, "DeleteGroups", Some(0..=3), Some(2);
    ELECT_LEADERS = 43, "ElectLeaders", Some(0..=2), Some(2);
    INCREMENTAL_ALTER_CONFIGS = 44, "IncrementalAlterConfigs", Some(0..=1), Some(1);
    ALTER_PARTITION_REASSIGNMENTS = 45, "AlterPartitionReassignments", Some(0..=1), Some(0);
    LIST_PARTITION_REASSIGNMENTS = 46, "ListPartitionReassignments", Some(0..=0), Some(0);
    OFFSET_DELETE = 47, "OffsetDelete", Some(0..=0), None;
    DESCRIBE_CLIENT_QUOTAS = 48, "DescribeClientQuotas", Some(0..=1), Some(1);
    ALTER_CLIENT_QUOTAS = 49, "AlterClientQuotas", Some(0..=1), Some(1);
    DESCRIBE_USER_SCRAM_CREDENTIALS = 50, "DescribeUserScramCredentials", Some(0..=0), Some(0);
    ALTER_USER_SCRAM_CREDENTIALS = 51, "AlterUserScramCredentials", Some(0..=0), Some(0);
    DESCRIBE_QUORUM = 55, "DescribeQuorum", Some(0..=2), Some(0);
    UPDATE_FEATURES = 57, "UpdateFeatures", Some(0..=2), Some(0);
    DESCRIBE_CLUSTER = 60, "DescribeCluster", Some(0..=2), Some(0);
    DESCRIBE_PRODUCERS = 61, "DescribeProducers", Some(0..=0), Some(0);
    UNREGISTER_BROKER = 64, "UnregisterBroker", Some(0..=0), Some(0);
    DESCRIBE_TRANSACTIONS = 65, "DescribeTransactions", Some(0..=0), Some(0);
    LIST_TRANSACTIONS = 66, "ListTransactions", Some(0..=2), Some(0);
    CONSUMER_GROUP_HEARTBEAT = 68, "ConsumerGroupHeartbeat", Some(0..=1), Some(0);
    CONSUMER_GROUP_DESCRIBE = 69, "ConsumerGroupDescribe", Some(0..=1), Some(0);
    GET_TELEMETRY_SUBSCRIPTIONS = 71, "GetTelemetrySubscriptions", Some(0..=0), Some(0);
    PUSH_TELEMETRY = 72, "PushTelemetry", Some(0..=0), Some(0);
    LIST_CONFIG_RESOURCES = 74, "ListConfigResources", Some(0..=1), Some(0);
    DESCRIBE_TOPIC_PARTITIONS = 75, "DescribeTopicPartitions", Some(0..=0), Some(0);
    SHARE_GROUP_HEARTBEAT = 76, "ShareGroupHeartbeat", Some(1..=1), Some(0);
    SHARE_GROUP_DESCRIBE = 77, "ShareGroupDescribe", Some(1..=1), Some(0);
    SHARE_FETCH = 78, "ShareFetch", Some(1..=2), Some(0);
    SHARE_ACKNOWLEDGE = 79, "ShareAcknowledge", Some(1..=2), Some(0);
    ADD_RAFT_VOTER = 80, "AddRaftVoter", Some(0..=1), Some(0);
    REMOVE_RAFT_VOTER = 81, "RemoveRaftVoter", Some(0..=0), Some(0);
    INITIALIZE_SHARE_GROUP_STATE = 83, "InitializeShareGroupState", None, Some(0);
    READ_SHARE_GROUP_STATE = 84, "ReadShareGroupState", None, Some(0);
    WRITE_SHARE_GROUP_STATE = 85, "WriteShareGroupState", None, Some(0);
    DELETE_SHARE_GROUP_STATE = 86, "DeleteShareGroupState", None, Some(0);
    READ_SHARE_GROUP_STATE_SUMMARY = 87, "ReadShareGroupStateSummary", None, Some(0);
    STREAMS_GROUP_HEARTBEAT = 88, "StreamsGroupHeartbeat", Some(0..=1), Some(0);
    STREAMS_GROUP_DESCRIBE = 89, "StreamsGroupDescribe", Some(0..=1), Some(0);
    DESCRIBE_SHARE_GROUP_OFFSETS = 90, "DescribeShareGroupOffsets", Some(0..=1), Some(0);
    ALTER_SHARE_GROUP_OFFSETS = 91, "AlterShareGroupOffsets", Some(0..=0), Some(0);
    DELETE_SHARE_GROUP_OFFSETS = 92, "DeleteShareGroupOffsets", Some(0..=0), Some(0);
    STREAMS_GROUP_TOPOLOGY_DESCRIPTION_UPDATE = 93, "StreamsGroupTopologyDescriptionUpdate", Some(0..=0), Some(0);
    UNREGISTER_CONTROLLER = 94, "UnregisterController", Some(0..=0), Some(0);
}

impl ApiKey {
    /// The API with this key, known or not.
    #[must_use]
    pub const fn new(key: i16) -> Self {
        Self(key)
    }

    /// The API with this key, which must be in the table: checked when the program is compiled,
    /// where the derive macro uses it.
    #[doc(hidden)]
    #[must_use]
    pub const fn known(key: i16) -> Self {
        let this = Self(key);
        assert!(this.name().is_some(), "API key is not in the table");
        this
    }

    /// The number on the wire.
    #[must_use]
    pub const fn value(self) -> i16 {
        self.0
    }

    /// Whether requests of a version have the flexible header (version 2 instead of 1).
    #[must_use]
    pub fn flexible_request_header(self, version: i16) -> bool {
        self.first_flexible().is_some_and(|first| version >= first)
    }

    /// Whether responses of a version have the flexible header (version 1 instead of 0).
    ///
    /// Never for ApiVersions: a client reads that answer before it knows what the broker speaks
    /// (KIP-511).
    #[must_use]
    pub fn flexible_response_header(self, version: i16) -> bool {
        self != Self::API_VERSIONS && self.flexible_request_header(version)
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "API {}", self.0),
        }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_follows_the_version_but_for_api_versions_answers() {
        assert!(!ApiKey::PRODUCE.flexible_request_header(8));
        assert!(ApiKey::PRODUCE.flexible_request_header(9));
        assert!(ApiKey::API_VERSIONS.flexible_request_header(3));
        assert!(!ApiKey::API_VERSIONS.flexible_response_header(3));
        assert!(!ApiKey::SASL_HANDSHAKE.flexible_request_header(1));
    }
}

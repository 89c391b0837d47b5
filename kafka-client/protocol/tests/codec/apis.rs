//! Every message of the crate, so that each test walks all of them.

use std::fmt::Debug;
use std::ops::RangeInclusive;

use bytes::Bytes;
use kafka_client_protocol::message::TypeDescription;
use kafka_client_protocol::wire::Wire;
use kafka_client_protocol::{ApiKey, DecodeError, EncodeError, Message, Request};

/// Calls a macro with `module Request` for every API. A response is its request's. `(alone)` are
/// those that the `kafka-protocol` crate does not know.
macro_rules! for_each_api {
    ($visit:ident) => {
        $visit! {
            add_offsets_to_txn AddOffsetsToTxnRequest;
            add_partitions_to_txn AddPartitionsToTxnRequest;
            add_raft_voter AddRaftVoterRequest;
            alter_client_quotas AlterClientQuotasRequest;
            alter_configs AlterConfigsRequest;
            alter_partition_reassignments AlterPartitionReassignmentsRequest;
            alter_replica_log_dirs AlterReplicaLogDirsRequest;
            alter_share_group_offsets AlterShareGroupOffsetsRequest;
            alter_user_scram_credentials AlterUserScramCredentialsRequest;
            api_versions ApiVersionsRequest;
            consumer_group_describe ConsumerGroupDescribeRequest;
            consumer_group_heartbeat ConsumerGroupHeartbeatRequest;
            create_acls CreateAclsRequest;
            create_delegation_token CreateDelegationTokenRequest;
            create_partitions CreatePartitionsRequest;
            create_topics CreateTopicsRequest;
            delete_acls DeleteAclsRequest;
            delete_groups DeleteGroupsRequest;
            delete_records DeleteRecordsRequest;
            delete_share_group_offsets DeleteShareGroupOffsetsRequest;
            delete_topics DeleteTopicsRequest;
            describe_acls DescribeAclsRequest;
            describe_client_quotas DescribeClientQuotasRequest;
            describe_cluster DescribeClusterRequest;
            describe_configs DescribeConfigsRequest;
            describe_delegation_token DescribeDelegationTokenRequest;
            describe_groups DescribeGroupsRequest;
            describe_log_dirs DescribeLogDirsRequest;
            describe_producers DescribeProducersRequest;
            describe_quorum DescribeQuorumRequest;
            describe_share_group_offsets DescribeShareGroupOffsetsRequest;
            describe_topic_partitions DescribeTopicPartitionsRequest;
            describe_transactions DescribeTransactionsRequest;
            describe_user_scram_credentials DescribeUserScramCredentialsRequest;
            elect_leaders ElectLeadersRequest;
            end_txn EndTxnRequest;
            expire_delegation_token ExpireDelegationTokenRequest;
            fetch FetchRequest;
            find_coordinator FindCoordinatorRequest;
            get_telemetry_subscriptions GetTelemetrySubscriptionsRequest;
            heartbeat HeartbeatRequest;
            incremental_alter_configs IncrementalAlterConfigsRequest;
            init_producer_id InitProducerIdRequest;
            join_group JoinGroupRequest;
            leave_group LeaveGroupRequest;
            list_config_resources ListConfigResourcesRequest;
            list_groups ListGroupsRequest;
            list_offsets ListOffsetsRequest;
            list_partition_reassignments ListPartitionReassignmentsRequest;
            list_transactions ListTransactionsRequest;
            metadata MetadataRequest;
            offset_commit OffsetCommitRequest;
            offset_delete OffsetDeleteRequest;
            offset_fetch OffsetFetchRequest;
            offset_for_leader_epoch OffsetForLeaderEpochRequest;
            produce ProduceRequest;
            push_telemetry PushTelemetryRequest;
            remove_raft_voter RemoveRaftVoterRequest;
            renew_delegation_token RenewDelegationTokenRequest;
            sasl_authenticate SaslAuthenticateRequest;
            sasl_handshake SaslHandshakeRequest;
            share_acknowledge ShareAcknowledgeRequest;
            share_fetch ShareFetchRequest;
            share_group_describe ShareGroupDescribeRequest;
            share_group_heartbeat ShareGroupHeartbeatRequest;
            streams_group_describe StreamsGroupDescribeRequest (alone);
            streams_group_heartbeat StreamsGroupHeartbeatRequest (alone);
            streams_group_topology_description_update StreamsGroupTopologyDescriptionUpdateRequest (alone);
            sync_group SyncGroupRequest;
            txn_offset_commit TxnOffsetCommitRequest;
            unregister_broker UnregisterBrokerRequest;
            unregister_controller UnregisterControllerRequest (alone);
            update_features UpdateFeaturesRequest;
            write_txn_markers WriteTxnMarkersRequest;
        }
    };
}
pub(crate) use for_each_api;

/// What Apache Kafka 4.4 adds to 4.3.1, of which the jars are: messages with the version that is
/// new. All APIs of which that is the only version are new.
pub(crate) const OF_KAFKA_4_4: &[(&str, i16)] = &[
    ("ApiVersionsRequest", 5),
    ("ApiVersionsResponse", 5),
    ("DeleteGroupsRequest", 3),
    ("DeleteGroupsResponse", 3),
    ("StreamsGroupDescribeRequest", 1),
    ("StreamsGroupDescribeResponse", 1),
    ("StreamsGroupHeartbeatRequest", 1),
    ("StreamsGroupHeartbeatResponse", 1),
    ("StreamsGroupTopologyDescriptionUpdateRequest", 0),
    ("StreamsGroupTopologyDescriptionUpdateResponse", 0),
    ("TxnOffsetCommitRequest", 6),
    ("TxnOffsetCommitResponse", 6),
    ("UnregisterControllerRequest", 0),
    ("UnregisterControllerResponse", 0),
];

/// An API with both of its messages.
pub(crate) struct Api {
    /// Its module, which is also the name of its golden file.
    pub(crate) module: &'static str,
    pub(crate) key: ApiKey,
    pub(crate) request: Codec,
    pub(crate) response: Codec,
}

/// One message type, without the type.
#[derive(Clone, Copy)]
pub(crate) struct Codec {
    pub(crate) name: &'static str,
    pub(crate) versions: (i16, i16),
    pub(crate) first_flexible: Option<i16>,
    pub(crate) ty: TypeDescription,
    pub(crate) decode: fn(Bytes, i16) -> Result<Box<dyn Value>, DecodeError>,
    pub(crate) default: fn() -> Box<dyn Value>,
}

/// A message, without its type.
pub(crate) trait Value: Debug {
    fn encode(&self, version: i16) -> Result<Bytes, EncodeError>;
    /// The size that is announced for it.
    fn size(&self, version: i16) -> Result<usize, EncodeError>;
}

impl<M: Message + Debug> Value for M {
    fn encode(&self, version: i16) -> Result<Bytes, EncodeError> {
        Message::encode(self, version)
    }

    fn size(&self, version: i16) -> Result<usize, EncodeError> {
        Ok(self.encoded_size(version)?.total)
    }
}

impl Codec {
    pub(crate) fn of<M: Message + Debug + 'static>() -> Self {
        Self {
            name: M::NAME,
            versions: (M::MIN_VERSION, M::MAX_VERSION),
            first_flexible: M::FIRST_FLEXIBLE,
            ty: <M as Wire>::TYPE,
            decode: |bytes, version| Ok(Box::new(M::decode(bytes, version)?)),
            default: || Box::new(M::default()),
        }
    }

    /// The versions that Apache Kafka 4.3.1 has too. They may be none.
    pub(crate) fn in_jars(&self) -> RangeInclusive<i16> {
        let added = OF_KAFKA_4_4.contains(&(self.name, self.versions.1));
        self.versions.0..=self.versions.1 - i16::from(added)
    }

    pub(crate) fn flexible(&self, version: i16) -> bool {
        self.first_flexible.is_some_and(|first| version >= first)
    }
}

impl Api {
    fn of<R: Request + Debug + 'static>(module: &'static str) -> Self
    where
        R::Response: Debug + 'static,
    {
        Self {
            module,
            key: R::API_KEY,
            request: Codec::of::<R>(),
            response: Codec::of::<R::Response>(),
        }
    }

    pub(crate) fn messages(&self) -> [Codec; 2] {
        [self.request, self.response]
    }
}

/// All APIs of the crate.
pub(crate) fn all() -> Vec<Api> {
    macro_rules! table {
        ($($module:ident $request:ident $(($alone:ident))?;)*) => {
            vec![$(
                Api::of::<kafka_client_protocol::api::$module::$request>(stringify!($module)),
            )*]
        };
    }
    for_each_api!(table)
}

/// All messages of the crate, with the keys and values of the internal topics.
pub(crate) fn messages() -> Vec<Codec> {
    let of_apis = all().into_iter().flat_map(|api| api.messages());
    of_apis.chain(crate::internal_topics::messages()).collect()
}

#[test]
fn the_table_has_every_module_of_the_crate() {
    let source = include_str!("../../src/api/mod.rs");
    let modules: Vec<&str> = source
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let table: Vec<&str> = all().iter().map(|api| api.module).collect();
    assert_eq!(table, modules);
}

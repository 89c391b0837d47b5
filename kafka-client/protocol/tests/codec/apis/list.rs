//! The APIs of the crate. The fuzz targets walk the same list.

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

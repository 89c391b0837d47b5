//! What a message says, read in place and read as a whole: the same in every field.

use bytes::Bytes;
use kafka_client_protocol::wire::{ArrayView, View};
use kafka_client_protocol::{StrBytes, Uuid};

/// A value beside its form that is read in place.
pub(crate) trait Same<V> {
    fn same(&self, view: &V);
}

macro_rules! equal {
    ($($type:ty)*) => {$(
        impl Same<$type> for $type {
            fn same(&self, view: &$type) {
                assert_eq!(self, view);
            }
        }
    )*};
}
equal!(bool i8 i16 i32 i64 Uuid);

impl Same<&str> for StrBytes {
    fn same(&self, view: &&str) {
        assert_eq!(self.as_str(), *view);
    }
}

impl Same<&[u8]> for Bytes {
    fn same(&self, view: &&[u8]) {
        assert_eq!(self, view);
    }
}

impl<'a, T: Same<V>, V: View<'a>> Same<ArrayView<'a, V>> for Vec<T> {
    fn same(&self, view: &ArrayView<'a, V>) {
        assert_eq!(self.len(), view.len());
        assert_eq!(view.iter().count(), view.len());
        for (owned, view) in self.iter().zip(view) {
            owned.same(&view);
        }
    }
}

impl<T: Same<V>, V> Same<Option<V>> for Option<T> {
    fn same(&self, view: &Option<V>) {
        match (self, view) {
            (Some(owned), Some(view)) => owned.same(view),
            (owned, view) => assert!(owned.is_none() && view.is_none()),
        }
    }
}

/// The structs of a module with all of their fields: a pattern that leaves one out does not compile.
macro_rules! same {
    ($module:ident: $($owned:ident $view:ident { $($field:ident),* })*) => {$(
        impl<'a> Same<kafka_client_protocol::api::$module::$view<'a>>
            for kafka_client_protocol::api::$module::$owned
        {
            fn same(&self, view: &kafka_client_protocol::api::$module::$view<'a>) {
                let Self { $($field,)* unknown_tagged_fields: _ } = self;
                $($field.same(&view.$field);)*
            }
        }
    )*};
}

same! { describe_topic_partitions:
    Cursor CursorView { topic_name, partition_index }
    DescribeTopicPartitionsResponse DescribeTopicPartitionsResponseView { throttle_time_ms, topics, next_cursor }
    DescribeTopicPartitionsResponseTopic DescribeTopicPartitionsResponseTopicView { error_code, name, topic_id, is_internal, partitions, topic_authorized_operations }
    DescribeTopicPartitionsResponsePartition DescribeTopicPartitionsResponsePartitionView { error_code, partition_index, leader_id, leader_epoch, replica_nodes, isr_nodes, eligible_leader_replicas, last_known_elr, offline_replicas }
}

same! { fetch:
    FetchRequest FetchRequestView { cluster_id, replica_id, replica_state, max_wait_ms, min_bytes, max_bytes, isolation_level, session_id, session_epoch, topics, forgotten_topics_data, rack_id }
    ReplicaState ReplicaStateView { replica_id, replica_epoch }
    FetchTopic FetchTopicView { topic, topic_id, partitions }
    FetchPartition FetchPartitionView { partition, current_leader_epoch, fetch_offset, last_fetched_epoch, log_start_offset, partition_max_bytes, replica_directory_id, high_watermark }
    ForgottenTopic ForgottenTopicView { topic, topic_id, partitions }
    FetchResponse FetchResponseView { throttle_time_ms, error_code, session_id, responses, node_endpoints }
    FetchableTopicResponse FetchableTopicResponseView { topic, topic_id, partitions }
    PartitionData PartitionDataView { partition_index, error_code, high_watermark, last_stable_offset, log_start_offset, diverging_epoch, current_leader, snapshot_id, aborted_transactions, preferred_read_replica, records }
    EpochEndOffset EpochEndOffsetView { epoch, end_offset }
    LeaderIdAndEpoch LeaderIdAndEpochView { leader_id, leader_epoch }
    SnapshotId SnapshotIdView { end_offset, epoch }
    AbortedTransaction AbortedTransactionView { producer_id, first_offset }
    NodeEndpoint NodeEndpointView { node_id, host, port, rack }
}

same! { list_offsets:
    ListOffsetsResponse ListOffsetsResponseView { throttle_time_ms, topics }
    ListOffsetsTopicResponse ListOffsetsTopicResponseView { name, partitions }
    ListOffsetsPartitionResponse ListOffsetsPartitionResponseView { partition_index, error_code, timestamp, offset, leader_epoch }
}

same! { list_partition_reassignments:
    ListPartitionReassignmentsResponse ListPartitionReassignmentsResponseView { throttle_time_ms, error_code, error_message, topics }
    OngoingTopicReassignment OngoingTopicReassignmentView { name, partitions }
    OngoingPartitionReassignment OngoingPartitionReassignmentView { partition_index, replicas, adding_replicas, removing_replicas }
}

same! { metadata:
    MetadataResponse MetadataResponseView { throttle_time_ms, brokers, cluster_id, controller_id, topics, cluster_authorized_operations, error_code }
    MetadataResponseBroker MetadataResponseBrokerView { node_id, host, port, rack }
    MetadataResponseTopic MetadataResponseTopicView { error_code, name, topic_id, is_internal, partitions, topic_authorized_operations }
    MetadataResponsePartition MetadataResponsePartitionView { error_code, partition_index, leader_id, leader_epoch, replica_nodes, isr_nodes, offline_replicas }
}

same! { offset_fetch:
    OffsetFetchResponse OffsetFetchResponseView { throttle_time_ms, topics, error_code, groups }
    OffsetFetchResponseTopic OffsetFetchResponseTopicView { name, partitions }
    OffsetFetchResponsePartition OffsetFetchResponsePartitionView { partition_index, committed_offset, committed_leader_epoch, metadata, error_code }
    OffsetFetchResponseGroup OffsetFetchResponseGroupView { group_id, topics, error_code }
    OffsetFetchResponseTopics OffsetFetchResponseTopicsView { name, topic_id, partitions }
    OffsetFetchResponsePartitions OffsetFetchResponsePartitionsView { partition_index, committed_offset, committed_leader_epoch, metadata, error_code }
}

same! { produce:
    ProduceRequest ProduceRequestView { transactional_id, acks, timeout_ms, topic_data }
    TopicProduceData TopicProduceDataView { name, topic_id, partition_data }
    PartitionProduceData PartitionProduceDataView { index, records }
    ProduceResponse ProduceResponseView { responses, throttle_time_ms, node_endpoints }
    TopicProduceResponse TopicProduceResponseView { name, topic_id, partition_responses }
    PartitionProduceResponse PartitionProduceResponseView { index, error_code, base_offset, log_append_time_ms, log_start_offset, record_errors, error_message, current_leader }
    BatchIndexAndErrorMessage BatchIndexAndErrorMessageView { batch_index, batch_index_error_message }
    LeaderIdAndEpoch LeaderIdAndEpochView { leader_id, leader_epoch }
    NodeEndpoint NodeEndpointView { node_id, host, port, rack }
}

same! { share_fetch:
    ShareFetchResponse ShareFetchResponseView { throttle_time_ms, error_code, error_message, acquisition_lock_timeout_ms, responses, node_endpoints }
    ShareFetchableTopicResponse ShareFetchableTopicResponseView { topic_id, partitions }
    PartitionData PartitionDataView { partition_index, error_code, error_message, acknowledge_error_code, acknowledge_error_message, current_leader, records, acquired_records }
    LeaderIdAndEpoch LeaderIdAndEpochView { leader_id, leader_epoch }
    AcquiredRecords AcquiredRecordsView { first_offset, last_offset, delivery_count }
    NodeEndpoint NodeEndpointView { node_id, host, port, rack }
}

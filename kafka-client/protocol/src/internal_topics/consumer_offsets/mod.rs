//! `__consumer_offsets`: what group coordinators keep of groups and their committed offsets.
//!
//! A group's records are all in one partition: the absolute value of its id's hash, as Java's
//! `String.hashCode`, modulo the number of partitions. That partition's leader is its coordinator.
//!
//! - [`classic`]: committed offsets of all groups, and groups of the classic protocol
//! - [`consumer`]: groups of the consumer protocol (KIP-848)
//! - [`share`]: share groups (KIP-932)
//! - [`streams`]: streams groups (KIP-1071)
//!
//! The three newer protocols spread a group over several records: its epoch, each member, the
//! target assignment with its epoch, and what of it each member has so far.
//!
//! ```
//! use bytes::Bytes;
//! use kafka_client_protocol::internal_topics::Versioned;
//! use kafka_client_protocol::internal_topics::consumer_offsets::ConsumerOffsetsRecord;
//! use kafka_client_protocol::internal_topics::consumer_offsets::classic::{
//!     OffsetCommitKey, OffsetCommitValue,
//! };
//!
//! let record = ConsumerOffsetsRecord::OffsetCommit(
//!     OffsetCommitKey {
//!         group: "billing".into(),
//!         topic: "orders".into(),
//!         partition: 7,
//!     },
//!     Some(Versioned {
//!         version: 4,
//!         message: OffsetCommitValue {
//!             offset: 42,
//!             ..Default::default()
//!         },
//!     }),
//! );
//! let (key, value): (Bytes, Option<Bytes>) = record.encode()?;
//!
//! match ConsumerOffsetsRecord::decode(key, value)? {
//!     ConsumerOffsetsRecord::OffsetCommit(key, Some(value)) => {
//!         assert_eq!((&*key.topic, key.partition), ("orders", 7));
//!         assert_eq!(value.message.offset, 42);
//!     }
//!     other => panic!("no committed offset: {other:?}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod classic;
pub mod consumer;
pub mod share;
pub mod streams;

use bytes::Bytes;

use self::classic::{
    GroupMetadataKey, GroupMetadataValue, LegacyOffsetCommitKey, LegacyOffsetCommitValue,
    OffsetCommitKey, OffsetCommitValue,
};
use self::consumer::{
    ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue,
    ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue, ConsumerGroupMetadataKey,
    ConsumerGroupMetadataValue, ConsumerGroupPartitionMetadataKey,
    ConsumerGroupPartitionMetadataValue, ConsumerGroupRegularExpressionKey,
    ConsumerGroupRegularExpressionValue, ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupTargetAssignmentMemberValue, ConsumerGroupTargetAssignmentMetadataKey,
    ConsumerGroupTargetAssignmentMetadataValue,
};
use self::share::{
    ShareGroupCurrentMemberAssignmentKey, ShareGroupCurrentMemberAssignmentValue,
    ShareGroupMemberMetadataKey, ShareGroupMemberMetadataValue, ShareGroupMetadataKey,
    ShareGroupMetadataValue, ShareGroupStatePartitionMetadataKey,
    ShareGroupStatePartitionMetadataValue, ShareGroupTargetAssignmentMemberKey,
    ShareGroupTargetAssignmentMemberValue, ShareGroupTargetAssignmentMetadataKey,
    ShareGroupTargetAssignmentMetadataValue,
};
use self::streams::{
    StreamsGroupCurrentMemberAssignmentKey, StreamsGroupCurrentMemberAssignmentValue,
    StreamsGroupMemberMetadataKey, StreamsGroupMemberMetadataValue, StreamsGroupMetadataKey,
    StreamsGroupMetadataValue, StreamsGroupTargetAssignmentMemberKey,
    StreamsGroupTargetAssignmentMemberValue, StreamsGroupTargetAssignmentMetadataKey,
    StreamsGroupTargetAssignmentMetadataValue, StreamsGroupTopologyKey, StreamsGroupTopologyValue,
};
use super::{KEY_VERSION, KeyValue, UnknownRecord, Versioned, join, split};
use crate::error::{DecodeError, EncodeError};
use crate::message::Message;

internal_topic! {
    /// A record of `__consumer_offsets`.
    ///
    /// The numbers 9 and 18 have no type in Kafka 4.3.
    ConsumerOffsetsRecord {
        /// A committed offset as the oldest brokers wrote it.
        0 LegacyOffsetCommit(LegacyOffsetCommitKey, LegacyOffsetCommitValue),
        /// A committed offset.
        1 OffsetCommit(OffsetCommitKey, OffsetCommitValue),
        /// A group of the classic protocol with its members.
        2 GroupMetadata(GroupMetadataKey, GroupMetadataValue),
        /// The epoch of a consumer group.
        3 ConsumerGroupMetadata(ConsumerGroupMetadataKey, ConsumerGroupMetadataValue),
        /// The topics of a consumer group as it last saw them, until Kafka 4.0.
        4 ConsumerGroupPartitionMetadata(
            ConsumerGroupPartitionMetadataKey,
            ConsumerGroupPartitionMetadataValue
        ),
        /// A member of a consumer group with its subscription.
        5 ConsumerGroupMemberMetadata(
            ConsumerGroupMemberMetadataKey,
            ConsumerGroupMemberMetadataValue
        ),
        /// The epoch of a consumer group's target assignment.
        6 ConsumerGroupTargetAssignmentMetadata(
            ConsumerGroupTargetAssignmentMetadataKey,
            ConsumerGroupTargetAssignmentMetadataValue
        ),
        /// What a member of a consumer group is to own.
        7 ConsumerGroupTargetAssignmentMember(
            ConsumerGroupTargetAssignmentMemberKey,
            ConsumerGroupTargetAssignmentMemberValue
        ),
        /// What a member of a consumer group owns now.
        8 ConsumerGroupCurrentMemberAssignment(
            ConsumerGroupCurrentMemberAssignmentKey,
            ConsumerGroupCurrentMemberAssignmentValue
        ),
        /// A member of a share group with its subscription.
        10 ShareGroupMemberMetadata(ShareGroupMemberMetadataKey, ShareGroupMemberMetadataValue),
        /// The epoch of a share group.
        11 ShareGroupMetadata(ShareGroupMetadataKey, ShareGroupMetadataValue),
        /// The epoch of a share group's target assignment.
        12 ShareGroupTargetAssignmentMetadata(
            ShareGroupTargetAssignmentMetadataKey,
            ShareGroupTargetAssignmentMetadataValue
        ),
        /// What a member of a share group is to consume.
        13 ShareGroupTargetAssignmentMember(
            ShareGroupTargetAssignmentMemberKey,
            ShareGroupTargetAssignmentMemberValue
        ),
        /// What a member of a share group consumes now.
        14 ShareGroupCurrentMemberAssignment(
            ShareGroupCurrentMemberAssignmentKey,
            ShareGroupCurrentMemberAssignmentValue
        ),
        /// The partitions for which a share group has state, and those that come and go.
        15 ShareGroupStatePartitionMetadata(
            ShareGroupStatePartitionMetadataKey,
            ShareGroupStatePartitionMetadataValue
        ),
        /// The topics that a regular expression of a consumer group stands for.
        16 ConsumerGroupRegularExpression(
            ConsumerGroupRegularExpressionKey,
            ConsumerGroupRegularExpressionValue
        ),
        /// The epoch of a streams group.
        17 StreamsGroupMetadata(StreamsGroupMetadataKey, StreamsGroupMetadataValue),
        /// A member of a streams group.
        19 StreamsGroupMemberMetadata(
            StreamsGroupMemberMetadataKey,
            StreamsGroupMemberMetadataValue
        ),
        /// The epoch of a streams group's target assignment.
        20 StreamsGroupTargetAssignmentMetadata(
            StreamsGroupTargetAssignmentMetadataKey,
            StreamsGroupTargetAssignmentMetadataValue
        ),
        /// The tasks that a member of a streams group is to run.
        21 StreamsGroupTargetAssignmentMember(
            StreamsGroupTargetAssignmentMemberKey,
            StreamsGroupTargetAssignmentMemberValue
        ),
        /// The tasks that a member of a streams group runs now.
        22 StreamsGroupCurrentMemberAssignment(
            StreamsGroupCurrentMemberAssignmentKey,
            StreamsGroupCurrentMemberAssignmentValue
        ),
        /// The topology of a streams group.
        23 StreamsGroupTopology(StreamsGroupTopologyKey, StreamsGroupTopologyValue),
    }
}

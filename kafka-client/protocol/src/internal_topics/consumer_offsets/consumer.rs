//! Groups of the consumer protocol (KIP-848).
//!
//! The group epoch rises, a target assignment for it is computed, and each member moves to its
//! share of that by giving up partitions first and taking new ones when they are free.

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::error::DecodeError;
use crate::message::{FieldDescription, StructDescription, TypeDescription};
use crate::types::{StrBytes, TaggedFields, Uuid};
use crate::wire::{NullableWire, Reader, Sizer, Version, Wire, Writer};

/// Which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct ConsumerGroupMetadataKey {
    /// Id of the group.
    pub group_id: StrBytes,
}

/// The state of the group as a whole. Taken back when the group is deleted.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct ConsumerGroupMetadataValue {
    /// The group epoch: rises with each change that asks for a new target assignment.
    pub epoch: i32,
    /// Hash over the topics that the group subscribes to, with their partitions and racks; when it
    /// changes, the group rebalances (KIP-1101).
    #[field(tag = 0)]
    pub metadata_hash: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct ConsumerGroupPartitionMetadataKey {
    /// Id of the group.
    pub group_id: StrBytes,
}

/// The topics that the group subscribes to. Written until Kafka 4.0; a hash in
/// [`ConsumerGroupMetadataValue`] has taken its place, and newer brokers only take it back
/// (KIP-1101).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct ConsumerGroupPartitionMetadataValue {
    /// The topics.
    pub topics: Vec<TopicMetadata>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A topic as the group last saw it.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicMetadata {
    /// Id of the topic.
    pub topic_id: Uuid,
    /// Name of the topic.
    pub topic_name: StrBytes,
    /// How many partitions it has.
    pub num_partitions: i32,
    /// Racks by partition, empty if none are known.
    pub partition_metadata: Vec<PartitionMetadata>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A partition and where its replicas are.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct PartitionMetadata {
    /// Number of the partition.
    pub partition: i32,
    /// Racks of the brokers that have a replica.
    pub racks: Vec<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which member of which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct ConsumerGroupMemberMetadataKey {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Id of the member.
    pub member_id: StrBytes,
}

/// What a member told of itself. Taken back when it leaves.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct ConsumerGroupMemberMetadataValue {
    /// Its `group.instance.id` if it is a static member, else null.
    #[field(nullable = .., default = Some(Default::default()))]
    pub instance_id: Option<StrBytes>,
    /// Its `client.rack`, null if it has none.
    #[field(nullable = .., default = Some(Default::default()))]
    pub rack_id: Option<StrBytes>,
    /// The `client.id` it sent.
    pub client_id: StrBytes,
    /// The address it came from, as Java prints it: `/10.0.0.7`.
    pub client_host: StrBytes,
    /// Names of the topics it subscribes to.
    pub subscribed_topic_names: Vec<StrBytes>,
    /// The regular expression it subscribes to, null or empty if none.
    #[field(nullable = .., default = Some(Default::default()))]
    pub subscribed_topic_regex: Option<StrBytes>,
    /// How long it may take to give up partitions, in milliseconds; -1 if unknown.
    #[field(default = -1)]
    pub rebalance_timeout_ms: i32,
    /// The assignor it asks for, null if it leaves that to the group.
    #[field(nullable = .., default = Some(Default::default()))]
    pub server_assignor: Option<StrBytes>,
    /// What it sent in JoinGroup, if it speaks the classic protocol while the group moves to this
    /// one; else null. The default is not null but, as in Kafka, an empty one.
    #[field(nullable = .., tag = 0, default = Some(Default::default()))]
    pub classic_member_metadata: Option<ClassicMemberMetadata>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What the coordinator must know of a member that speaks the classic protocol.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClassicMemberMetadata {
    /// How long it may be silent, in milliseconds.
    pub session_timeout_ms: i32,
    /// Its assignors, the preferred one first.
    pub supported_protocols: Vec<ClassicProtocol>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

// Written by hand for its null. Elsewhere a struct that may be null has a byte before it, of which
// -1 says null; but this one is in a tagged field, where Kafka puts a base-128 number, and 0 says it.
impl NullableWire for ClassicMemberMetadata {
    fn write_null(out: &mut Writer, _: Version) {
        out.put_unsigned_varint(0);
    }

    fn read_nullable(
        input: &mut Reader<'_>,
        version: Version,
    ) -> Result<Option<Self>, DecodeError> {
        match input.unsigned_varint()? {
            0 => Ok(None),
            _ => Self::read(input, version).map(Some),
        }
    }
}

impl Wire for ClassicMemberMetadata {
    const TYPE: TypeDescription = TypeDescription::Struct(&StructDescription {
        name: "ClassicMemberMetadata",
        fields: &[
            plain_field("session_timeout_ms", i32::TYPE),
            plain_field("supported_protocols", Vec::<ClassicProtocol>::TYPE),
        ],
        keeps_unknown: true,
    });

    fn size(&self, size: &mut Sizer, version: Version) {
        self.session_timeout_ms.size(size, version);
        size.at(&("ClassicMemberMetadata", "supported_protocols"));
        self.supported_protocols.size(size, version);
        self.unknown_tagged_fields.size(0, size);
    }

    fn write(&self, out: &mut Writer, version: Version) {
        self.session_timeout_ms.write(out, version);
        self.supported_protocols.write(out, version);
        self.unknown_tagged_fields.write_count(0, out);
        self.unknown_tagged_fields.write_between(0..u64::MAX, out);
    }

    fn read(input: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        input.at(&("ClassicMemberMetadata", "session_timeout_ms"));
        let session_timeout_ms = i32::read(input, version)?;
        input.at(&("ClassicMemberMetadata", "supported_protocols"));
        let supported_protocols = Vec::read(input, version)?;
        input.at(&("ClassicMemberMetadata", "tagged fields"));
        let unknown_tagged_fields = TaggedFields::read(input)?;
        Ok(Self {
            session_timeout_ms,
            supported_protocols,
            unknown_tagged_fields,
        })
    }
}

/// A field of all versions.
const fn plain_field(name: &'static str, ty: TypeDescription) -> FieldDescription {
    FieldDescription {
        name,
        ty,
        versions: (i16::MIN, i16::MAX),
        nullable: None,
        tag: None,
        default: None,
        key: false,
        ignorable: false,
    }
}

/// An assignor of a member.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ClassicProtocol {
    /// Name of the assignor.
    pub name: StrBytes,
    /// The subscription sent for it, see [`crate::consumer_protocol`].
    pub metadata: Bytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct ConsumerGroupTargetAssignmentMetadataKey {
    /// Id of the group.
    pub group_id: StrBytes,
}

/// Which target assignment the records of the members make up.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct ConsumerGroupTargetAssignmentMetadataValue {
    /// The group epoch it was computed for.
    pub assignment_epoch: i32,
    /// When it was computed, in milliseconds since the epoch; 0 if not known (KIP-1263).
    #[field(tag = 0, ignorable)]
    pub assignment_timestamp: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which member of which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct ConsumerGroupTargetAssignmentMemberKey {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Id of the member.
    pub member_id: StrBytes,
}

/// A member's share of the target assignment.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct ConsumerGroupTargetAssignmentMemberValue {
    /// The partitions it is to own, by topic.
    pub topic_partitions: Vec<TopicPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic, which a target assignment gives to a member.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicPartition {
    /// Id of the topic.
    pub topic_id: Uuid,
    /// Numbers of the partitions.
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which member of which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct ConsumerGroupCurrentMemberAssignmentKey {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Id of the member.
    pub member_id: StrBytes,
}

/// How far a member has come to its share of the target assignment.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct ConsumerGroupCurrentMemberAssignmentValue {
    /// The epoch that its heartbeats must carry.
    pub member_epoch: i32,
    /// The epoch before, taken as well: the answer with the new one may have been lost.
    pub previous_member_epoch: i32,
    /// How far the member is on the way to the target: 0 there (stable), 1 has still to give up
    /// partitions, 2 waits for others to give up theirs, 127 unknown.
    pub state: i8,
    /// The partitions it owns, by topic.
    pub assigned_partitions: Vec<TopicPartitions>,
    /// The partitions that it was asked to give up and has not yet, by topic.
    pub partitions_pending_revocation: Vec<TopicPartitions>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic, which a member has.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicPartitions {
    /// Id of the topic.
    pub topic_id: Uuid,
    /// Numbers of the partitions.
    pub partitions: Vec<i32>,
    /// The member epoch in which each of them came to the member, in the same order. Commits of an
    /// older epoch are refused for it (KIP-1251). Null or empty in records of brokers before Kafka
    /// 4.3.
    #[field(nullable = .., tag = 0, default = Some(Default::default()))]
    pub assignment_epochs: Option<Vec<i32>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which regular expression of which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct ConsumerGroupRegularExpressionKey {
    /// Id of the group.
    pub group_id: StrBytes,
    /// The regular expression, in the syntax of RE2.
    pub regular_expression: StrBytes,
}

/// What the expression stood for when the coordinator last looked.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct ConsumerGroupRegularExpressionValue {
    /// Names of the topics that match.
    pub topics: Vec<StrBytes>,
    /// Version of the cluster's metadata that it was matched against.
    pub version: i64,
    /// When it was matched, in milliseconds since the epoch.
    pub timestamp: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

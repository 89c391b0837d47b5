//! StreamsGroupTopologyDescriptionUpdate (93): a member of a streams group describes the topology.
//!
//! Sent by a streams group member, when a StreamsGroupHeartbeat answer asks for it. The broker
//! hands the description to a plugin that stores it; StreamsGroupDescribe returns it. It goes to
//! the group coordinator. Since KIP-1331 (Kafka 4.4). There is one version.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// The topology in readable form.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 93, versions = 0..=0, flexible = 0, response = StreamsGroupTopologyDescriptionUpdateResponse)]
pub struct StreamsGroupTopologyDescriptionUpdateRequest {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Id of the member that sends it.
    pub member_id: StrBytes,
    /// Epoch of the topology that is described.
    pub topology_epoch: i32,
    /// The description.
    pub topology_description: TopologyDescription,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The topology in readable form.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopologyDescription {
    /// The subtopologies.
    pub subtopologies: Vec<TopologyDescriptionSubtopology>,
    /// The global state stores.
    pub global_stores: Vec<TopologyDescriptionGlobalStore>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A subtopology with its nodes.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopologyDescriptionSubtopology {
    /// Id of the subtopology.
    pub subtopology_id: StrBytes,
    /// The nodes.
    pub nodes: Vec<TopologyDescriptionNode>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A node of the topology's graph.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopologyDescriptionNode {
    /// Name of the node.
    pub name: StrBytes,
    /// 1 source, 2 processor, 3 sink.
    pub node_type: i8,
    /// Topics that a source reads; empty if they are found while running, and for other nodes.
    pub source_topics: Vec<StrBytes>,
    /// Topic that a sink writes; null if it is chosen record by record, and for other nodes.
    #[field(nullable = ..)]
    pub sink_topic: Option<StrBytes>,
    /// Names of the state stores that a processor uses; empty for other nodes.
    pub stores: Vec<StrBytes>,
    /// Names of the nodes that come after it.
    pub successors: Vec<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A global state store.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopologyDescriptionGlobalStore {
    /// The source that feeds it.
    pub source: TopologyDescriptionNode,
    /// The processor that fills it.
    pub processor: TopologyDescriptionNode,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Whether the description is stored.
///
/// STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED: it could not be stored, go on without;
/// UNKNOWN_MEMBER_ID: the member is not in the group any more.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 93, versions = 0..=0, flexible = 0)]
pub struct StreamsGroupTopologyDescriptionUpdateResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

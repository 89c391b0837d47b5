//! StreamsGroupTopologyDescriptionUpdate (93): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 93, versions = 0..=0, flexible = 0, response = StreamsGroupTopologyDescriptionUpdateResponse)]
pub struct StreamsGroupTopologyDescriptionUpdateRequest {
    // ABOUT
    /// TODO
    pub group_id: StrBytes,
    // ABOUT
    /// TODO
    pub member_id: StrBytes,
    // ABOUT
    /// TODO
    pub topology_epoch: i32,
    // ABOUT
    /// TODO
    pub topology_description: TopologyDescription,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopologyDescription
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopologyDescription {
    // ABOUT
    /// TODO
    pub subtopologies: Vec<TopologyDescriptionSubtopology>,
    // ABOUT
    /// TODO
    pub global_stores: Vec<TopologyDescriptionGlobalStore>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopologyDescriptionSubtopology
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopologyDescriptionSubtopology {
    // ABOUT
    /// TODO
    pub subtopology_id: StrBytes,
    // ABOUT
    /// TODO
    pub nodes: Vec<TopologyDescriptionNode>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopologyDescriptionNode
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopologyDescriptionNode {
    // ABOUT
    /// TODO
    pub name: StrBytes,
    // ABOUT 1 source, 2 processor, 3 sink
    /// TODO
    pub node_type: i8,
    // ABOUT only of sources; may be empty when topics are found dynamically
    /// TODO
    pub source_topics: Vec<StrBytes>,
    // ABOUT only of sinks; null when chosen dynamically
    /// TODO
    #[field(nullable = ..)]
    pub sink_topic: Option<StrBytes>,
    // ABOUT names of state stores, of processors only
    /// TODO
    pub stores: Vec<StrBytes>,
    // ABOUT names of the nodes after it
    /// TODO
    pub successors: Vec<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopologyDescriptionGlobalStore
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopologyDescriptionGlobalStore {
    // ABOUT
    /// TODO
    pub source: TopologyDescriptionNode,
    // ABOUT
    /// TODO
    pub processor: TopologyDescriptionNode,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 93, versions = 0..=0, flexible = 0)]
pub struct StreamsGroupTopologyDescriptionUpdateResponse {
    // ABOUT
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT
    /// TODO
    pub error_code: i16,
    // ABOUT
    /// TODO
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

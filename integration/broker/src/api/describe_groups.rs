//! DescribeGroups (key 15), versions 0 to 6: groups with their members.
//!
//! Members show their metadata only while the group is stable, as in Kafka. An unknown group is
//! `Dead`; from version 6 it is error 69 as well (KIP-1043).

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::StrBytes;
use kafka_client_protocol::api::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};

use super::{Api, Call, GroupPart, NamedGroups, text};
use crate::group::Description;
use crate::group::state::State;
use crate::security::acl::{AclOperation, ResourceKind};

const NOT_FOUND_SINCE: i16 = 6;

impl Api for DescribeGroupsRequest {
    const NAMES_GROUPS: NamedGroups = NamedGroups::Groups;

    fn groups(&self) -> Vec<GroupPart<'_>> {
        self.groups.iter().map(|id| GroupPart::group(id)).collect()
    }

    async fn answer(self, call: &Call<'_>) -> DescribeGroupsResponse {
        let operations = |id: &StrBytes| {
            if self.include_authorized_operations {
                call.operations(ResourceKind::Group, id)
            } else {
                i32::MIN
            }
        };
        let mut groups = Vec::with_capacity(self.groups.len());
        for id in &self.groups {
            groups.push(match call.node.groups.describe(id).await {
                _ if !call.may_on_group(AclOperation::Describe, id) => {
                    refused(id, ErrorCode::GROUP_AUTHORIZATION_FAILED)
                }
                Err(error) => refused(id, error),
                Ok(Some(group)) => described(id, group, operations(id)),
                Ok(None) if call.version >= NOT_FOUND_SINCE => DescribedGroup {
                    error_message: text(format!("Group {id} not found.")),
                    ..dead(id, ErrorCode::GROUP_ID_NOT_FOUND)
                },
                Ok(None) => DescribedGroup {
                    authorized_operations: operations(id),
                    ..dead(id, ErrorCode::NONE)
                },
            });
        }
        DescribeGroupsResponse {
            groups,
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> DescribeGroupsResponse {
        DescribeGroupsResponse {
            groups: self.groups.iter().map(|id| refused(id, error)).collect(),
            ..Default::default()
        }
    }
}

fn described(id: &StrBytes, group: Description, authorized_operations: i32) -> DescribedGroup {
    let stable = group.state == State::Stable;
    let members = group
        .members
        .into_iter()
        .map(|(member_id, member)| DescribedGroupMember {
            member_id: member_id.into(),
            member_metadata: if stable {
                member.metadata(&group.protocol)
            } else {
                Default::default()
            },
            member_assignment: member.assignment,
            group_instance_id: member.instance_id.map(Into::into),
            client_id: member.client_id.into(),
            client_host: member.client_host.into(),
            ..Default::default()
        });
    DescribedGroup {
        group_id: id.clone(),
        group_state: group.state.name().into(),
        protocol_type: group.protocol_type.into(),
        members: members.collect(),
        protocol_data: if stable {
            group.protocol.into()
        } else {
            StrBytes::EMPTY
        },
        authorized_operations,
        ..Default::default()
    }
}

fn refused(id: &StrBytes, error: ErrorCode) -> DescribedGroup {
    DescribedGroup {
        error_code: error.code(),
        group_id: id.clone(),
        ..Default::default()
    }
}

fn dead(id: &StrBytes, error: ErrorCode) -> DescribedGroup {
    DescribedGroup {
        group_state: "Dead".into(),
        ..refused(id, error)
    }
}

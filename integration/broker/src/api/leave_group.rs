//! LeaveGroup (key 13), versions 0 to 5: members leave at once instead of timing out.
//!
//! From version 3 several members may leave at once, each with its own error, and a static member
//! may be removed by its name alone (KIP-345). The reason of version 5 goes to the log (KIP-800).

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::leave_group::{
    LeaveGroupRequest, LeaveGroupResponse, MemberIdentity, MemberResponse,
};

use super::{Api, Call, GroupPart, NamedGroups};
use crate::security::acl::AclOperation;

const BATCHED_SINCE: i16 = 3;

impl Api for LeaveGroupRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_group(AclOperation::Read, &self.group_id)
    }

    const NAMES_GROUPS: NamedGroups = NamedGroups::Members;

    fn groups(&self) -> Vec<GroupPart<'_>> {
        let group = &*self.group_id;
        if self.members.is_empty() {
            return vec![GroupPart {
                member_id: &self.member_id,
                ..GroupPart::group(group)
            }];
        }
        let members = self.members.iter().map(|one| GroupPart {
            group,
            member_id: &one.member_id,
            instance_id: one.group_instance_id.as_deref(),
        });
        members.collect()
    }

    async fn answer(self, call: &Call<'_>) -> LeaveGroupResponse {
        if self.group_id.is_empty() {
            return self.refuse(ErrorCode::INVALID_GROUP_ID);
        }
        let node = call.node;
        for member in &self.members {
            if let Some(reason) = &member.reason {
                tracing::info!(
                    group = %self.group_id, member = %member.member_id, %reason, "a member leaves"
                );
            }
        }
        if call.version < BATCHED_SINCE {
            let one = [(self.member_id.as_str(), None)];
            let left = node.groups.leave(&self.group_id, &one).await;
            let left: Result<(), _> = left.and_then(|left| left.into_iter().collect());
            return self.refuse(left.err().unwrap_or(ErrorCode::NONE));
        }
        let named: Vec<_> = self
            .members
            .iter()
            .map(|member| {
                (
                    member.member_id.as_str(),
                    member.group_instance_id.as_deref(),
                )
            })
            .collect();
        let left = match node.groups.leave(&self.group_id, &named).await {
            Ok(left) => left,
            Err(error) => return self.refuse(error),
        };
        // The member id comes back as it was asked for, empty for a member known by its name.
        let members = self.members.iter().zip(left);
        let members =
            members.map(|(member, left)| response(member, left.err().unwrap_or(ErrorCode::NONE)));
        LeaveGroupResponse {
            members: members.collect(),
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> LeaveGroupResponse {
        LeaveGroupResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}

fn response(member: &MemberIdentity, error: ErrorCode) -> MemberResponse {
    MemberResponse {
        member_id: member.member_id.clone(),
        group_instance_id: member.group_instance_id.clone(),
        error_code: error.code(),
        ..Default::default()
    }
}

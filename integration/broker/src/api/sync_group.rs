//! SyncGroup (key 14), versions 0 to 5: the leader brings the assignment, everybody gets theirs.
//!
//! Version 3 brings static members (KIP-345), 5 the protocol's type and name, which must be there
//! and the group's (KIP-559).

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::sync_group::{SyncGroupRequest, SyncGroupResponse};

use super::{Api, Call, GroupPart, NamedGroups};
use crate::group::state::{Sync, Synced};
use crate::security::acl::AclOperation;

const PROTOCOL_SINCE: i16 = 5;

impl Api for SyncGroupRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_group(AclOperation::Read, &self.group_id)
    }

    const NAMES_GROUPS: NamedGroups = NamedGroups::Members;

    fn groups(&self) -> Vec<GroupPart<'_>> {
        vec![GroupPart {
            group: &self.group_id,
            member_id: &self.member_id,
            instance_id: self.group_instance_id.as_deref(),
        }]
    }

    async fn answer(self, call: &Call<'_>) -> SyncGroupResponse {
        let node = call.node;
        if self.group_id.is_empty() {
            return self.refuse(ErrorCode::INVALID_GROUP_ID);
        }
        let named = self.protocol_type.is_some() && self.protocol_name.is_some();
        if call.version >= PROTOCOL_SINCE && !named {
            return self.refuse(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
        }
        let sync = Sync {
            ticket: node.groups.ticket(),
            member_id: self.member_id.to_string(),
            instance_id: self.group_instance_id.as_ref().map(ToString::to_string),
            generation: self.generation_id,
            protocol_type: self.protocol_type.as_ref().map(ToString::to_string),
            protocol: self.protocol_name.as_ref().map(ToString::to_string),
            assignments: self
                .assignments
                .into_iter()
                .map(|one| (one.member_id.to_string(), one.assignment))
                .collect(),
        };
        let synced = node.groups.sync(&self.group_id, sync);
        tokio::select! {
            biased;
            synced = synced => to_answer(synced),
            () = call.connection.is_left() => {
                to_answer(Synced::refused(ErrorCode::REBALANCE_IN_PROGRESS))
            }
        }
    }

    fn refuse(&self, error: ErrorCode) -> SyncGroupResponse {
        to_answer(Synced::refused(error))
    }
}

fn to_answer(synced: Synced) -> SyncGroupResponse {
    SyncGroupResponse {
        error_code: synced.error.code(),
        protocol_type: synced.protocol_type.map(Into::into),
        protocol_name: synced.protocol.map(Into::into),
        assignment: synced.assignment,
        ..Default::default()
    }
}

//! Heartbeat (key 12), versions 0 to 4: a member says that it lives and learns of rebalances.
//!
//! Version 3 brings static members (KIP-345).

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::heartbeat::{HeartbeatRequest, HeartbeatResponse};

use super::{Api, Call, GroupPart, NamedGroups};
use crate::group::Committer;
use crate::security::acl::AclOperation;

impl Api for HeartbeatRequest {
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

    async fn answer(self, call: &Call<'_>) -> HeartbeatResponse {
        if self.group_id.is_empty() {
            return self.refuse(ErrorCode::INVALID_GROUP_ID);
        }
        let member = Committer {
            member_id: &self.member_id,
            instance_id: self.group_instance_id.as_deref(),
            generation: self.generation_id,
        };
        self.refuse(call.node.groups.heartbeat(&self.group_id, member))
    }

    fn refuse(&self, error: ErrorCode) -> HeartbeatResponse {
        HeartbeatResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}

//! ListGroups (key 16), versions 0 to 5: all groups, or those of some states (version 4, KIP-518)
//! and types (version 5, KIP-848).

use kafka_client_protocol::api::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};
use kafka_client_protocol::{ErrorCode, StrBytes};

use super::{Api, Call};
use crate::security::acl::AclOperation;

/// The type of every group here.
const CLASSIC: &str = "classic";

impl Api for ListGroupsRequest {
    async fn answer(self, call: &Call<'_>) -> ListGroupsResponse {
        let wants = |filter: &[StrBytes], value: &str| {
            let mut names = filter.iter().map(|name| name.trim());
            filter.is_empty() || names.any(|name| name.eq_ignore_ascii_case(value))
        };
        let sees_all = call.may_on_cluster(AclOperation::Describe);
        let groups = match call.node.groups.list().await {
            Ok(groups) => groups.into_iter(),
            Err(error) => return self.refuse(error),
        };
        ListGroupsResponse {
            groups: groups
                .filter(|group| wants(&self.states_filter, group.state.name()))
                .filter(|_| wants(&self.types_filter, CLASSIC))
                .filter(|group| sees_all || call.may_on_group(AclOperation::Describe, &group.id))
                .map(|group| ListedGroup {
                    group_id: group.id.into(),
                    protocol_type: group.protocol_type.into(),
                    group_state: group.state.name().into(),
                    group_type: CLASSIC.into(),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> ListGroupsResponse {
        ListGroupsResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}

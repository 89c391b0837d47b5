//! DeleteGroups (key 42), versions 0 to 2: groups that nobody is in go, with their offsets.

use std::collections::HashSet;

use kafka_client_protocol::api::delete_groups::{
    DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse,
};
use kafka_client_protocol::{ErrorCode, StrBytes};

use super::{Api, Call, GroupPart, NamedGroups};
use crate::security::acl::AclOperation;

impl Api for DeleteGroupsRequest {
    const NAMES_GROUPS: NamedGroups = NamedGroups::Groups;

    fn groups(&self) -> Vec<GroupPart<'_>> {
        let ids = self.groups_names.iter();
        ids.map(|id| GroupPart::group(id)).collect()
    }

    async fn answer(self, call: &Call<'_>) -> DeleteGroupsResponse {
        let mut known = HashSet::new();
        let mut results = Vec::with_capacity(self.groups_names.len());
        for id in &self.groups_names {
            // Named twice, a group is deleted and answered once.
            if !known.insert(id) {
                continue;
            }
            let deleted = match call.needs_on_group(AclOperation::Delete, id) {
                Ok(()) => call.node.groups.delete(id).await,
                Err(error) => Err(error),
            };
            results.push(result(id, deleted.err().unwrap_or(ErrorCode::NONE)));
        }
        DeleteGroupsResponse {
            results,
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> DeleteGroupsResponse {
        let ids = self.groups_names.iter();
        DeleteGroupsResponse {
            results: ids.map(|id| result(id, error)).collect(),
            ..Default::default()
        }
    }
}

fn result(id: &StrBytes, error: ErrorCode) -> DeletableGroupResult {
    DeletableGroupResult {
        group_id: id.clone(),
        error_code: error.code(),
        ..Default::default()
    }
}

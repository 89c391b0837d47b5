//! JoinGroup (key 11), versions 0 to 9: a member joins or rejoins, and waits for the others.
//!
//! From version 4 a member without an id gets one with error 79 and joins again (KIP-394); 5 brings
//! static members (KIP-345), 7 the protocol type in the answer, 9 `skip_assignment` (KIP-814).

use kafka_client_protocol::api::join_group::{
    JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember,
};
use kafka_client_protocol::{ErrorCode, StrBytes};

use super::{Api, Call, GroupPart, NamedGroups};
use crate::group::state::{Join, Joined};
use crate::security::acl::AclOperation;

const WITH_ID_SINCE: i16 = 4;
const NULL_PROTOCOL_SINCE: i16 = 7;
const SKIP_ASSIGNMENT_SINCE: i16 = 9;

impl Api for JoinGroupRequest {
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

    async fn answer(self, call: &Call<'_>) -> JoinGroupResponse {
        let node = call.node;
        let limits = node.config().group;
        let session = limits.session_timeout_min_ms..=limits.session_timeout_max_ms;
        let joined = if self.group_id.is_empty() {
            Joined::refused(ErrorCode::INVALID_GROUP_ID, &*self.member_id)
        } else if !session.contains(&self.session_timeout_ms) {
            tracing::warn!(
                group = %self.group_id, client_id = call.client_id,
                session_timeout_ms = self.session_timeout_ms, allowed = ?session,
                "refused a member over its session.timeout.ms"
            );
            Joined::refused(ErrorCode::INVALID_SESSION_TIMEOUT, &*self.member_id)
        } else {
            let group_id = self.group_id.clone();
            let member_id = self.member_id.to_string();
            let joined = node.groups.join(&group_id, to_join(self, call));
            tokio::select! {
                biased;
                joined = joined => joined,
                // The member stays: it may come back on another connection.
                () = call.connection.is_left() => {
                    Joined::refused(ErrorCode::REBALANCE_IN_PROGRESS, member_id)
                }
            }
        };
        to_answer(joined, call.version)
    }

    fn refuse(&self, error: ErrorCode) -> JoinGroupResponse {
        // With an empty protocol name the answer can be written in every version.
        to_answer(Joined::refused(error, &*self.member_id), 0)
    }
}

fn to_join(request: JoinGroupRequest, call: &Call<'_>) -> Join {
    let node = call.node;
    let prefix = request
        .group_instance_id
        .as_deref()
        .unwrap_or(call.client_id);
    Join {
        ticket: node.groups.ticket(),
        member_id: request.member_id.to_string(),
        new_member_id: format!("{prefix}-{}", node.env.uuid_text()),
        instance_id: request.group_instance_id.as_ref().map(ToString::to_string),
        client_id: call.client_id.to_owned(),
        client_host: call.host(),
        session_timeout_ms: request.session_timeout_ms,
        // Version 0 has no time-out of its own for rebalances.
        rebalance_timeout_ms: match request.rebalance_timeout_ms {
            -1 => request.session_timeout_ms,
            timeout => timeout,
        },
        protocol_type: request.protocol_type.to_string(),
        protocols: request
            .protocols
            .into_iter()
            .map(|protocol| (protocol.name.to_string(), protocol.metadata))
            .collect(),
        joins_with_id: call.version >= WITH_ID_SINCE,
        may_skip_assignment: call.version >= SKIP_ASSIGNMENT_SINCE,
    }
}

fn to_answer(joined: Joined, version: i16) -> JoinGroupResponse {
    let protocol_name = joined.protocol.map(StrBytes::from);
    JoinGroupResponse {
        error_code: joined.error.code(),
        generation_id: joined.generation,
        protocol_type: joined.protocol_type.map(Into::into),
        protocol_name: if version >= NULL_PROTOCOL_SINCE {
            protocol_name
        } else {
            Some(protocol_name.unwrap_or_default())
        },
        leader: joined.leader.into(),
        skip_assignment: joined.skip_assignment,
        member_id: joined.member_id.into(),
        members: joined
            .members
            .into_iter()
            .map(
                |(member_id, instance_id, metadata)| JoinGroupResponseMember {
                    member_id: member_id.into(),
                    group_instance_id: instance_id.map(Into::into),
                    metadata,
                    ..Default::default()
                },
            )
            .collect(),
        ..Default::default()
    }
}

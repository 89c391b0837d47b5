//! FindCoordinator (key 10), versions 0 to 6: this broker coordinates every group.
//!
//! Version 1 brings the type of the key, version 4 several keys at once (KIP-699). The offsets
//! topic is made here if it is missing; Kafka does the same, but tells the client to come again, as
//! this broker does where it is strict.
//! Transactions (type 1) are refused with the one error that every client tells at once (53); what
//! they wait for after another one would never come. Share groups (type 2) get error 42.

use std::cell::OnceCell;

use kafka_client_protocol::api::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};
use kafka_client_protocol::{ErrorCode, StrBytes};

use super::{Api, Call, GroupPart, NamedGroups, text};
use crate::refusal::Refusal;
use crate::security::acl::AclOperation;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;
const SHARE_SINCE: i16 = 6;
const BATCHED_SINCE: i16 = 4;

impl Api for FindCoordinatorRequest {
    const NAMES_GROUPS: NamedGroups = NamedGroups::Groups;

    fn groups(&self) -> Vec<GroupPart<'_>> {
        if self.key_type != GROUP {
            return Vec::new();
        }
        if self.coordinator_keys.is_empty() {
            return vec![GroupPart::group(&self.key)];
        }
        let keys = self.coordinator_keys.iter();
        keys.map(|key| GroupPart::group(key)).collect()
    }

    async fn answer(self, call: &Call<'_>) -> FindCoordinatorResponse {
        let node = call.node;
        // Made for who may ask for a group only.
        let offsets_topic = OnceCell::new();
        let find = |key: &StrBytes| {
            check(call, self.key_type, key)?;
            let made = offsets_topic.get_or_init(|| node.groups.find());
            made.clone()
        };
        let coordinator = |key: &StrBytes| match find(key) {
            Ok(()) => Coordinator {
                key: key.clone(),
                node_id: node.config().node_id,
                host: call.connection.listener.host.clone(),
                port: call.connection.listener.port,
                error_code: 0,
                ..Default::default()
            },
            Err(refusal) => refused(key, &refusal),
        };
        answer(
            call.version,
            self.keys(call.version)
                .into_iter()
                .map(coordinator)
                .collect(),
        )
    }

    fn refuse(&self, error: ErrorCode) -> FindCoordinatorResponse {
        let refusal = Refusal::from(error);
        let batched = !self.coordinator_keys.is_empty();
        let version = if batched { BATCHED_SINCE } else { 0 };
        let keys = self.keys(version);
        answer(
            version,
            keys.into_iter().map(|key| refused(key, &refusal)).collect(),
        )
    }
}

/// Whether the principal may ask for what has the key, and this broker coordinates such.
fn check(call: &Call<'_>, kind: i8, key: &str) -> Result<(), Refusal> {
    let rights = match kind {
        GROUP => call.needs_on_group(AclOperation::Describe, key),
        TRANSACTION => call.needs_on_transactional_id(AclOperation::Describe, key),
        SHARE if call.version >= SHARE_SINCE => call.needs_on_cluster(AclOperation::ClusterAction),
        _ => Ok(()),
    };
    rights?;
    if kind == GROUP {
        return Ok(());
    }
    if kind == TRANSACTION {
        return Err(call.no_transactions(key));
    }
    Err(Refusal::new(
        ErrorCode::INVALID_REQUEST,
        format!("this broker coordinates groups only, not keys of type {kind}"),
    ))
}

trait Keys {
    fn keys(&self, version: i16) -> Vec<&StrBytes>;
}

impl Keys for FindCoordinatorRequest {
    fn keys(&self, version: i16) -> Vec<&StrBytes> {
        if version >= BATCHED_SINCE {
            self.coordinator_keys.iter().collect()
        } else {
            vec![&self.key]
        }
    }
}

/// The coordinators in the form of a version: a list, or the one in the answer itself.
fn answer(version: i16, mut coordinators: Vec<Coordinator>) -> FindCoordinatorResponse {
    if version >= BATCHED_SINCE {
        return FindCoordinatorResponse {
            coordinators,
            ..Default::default()
        };
    }
    let one = coordinators.swap_remove(0);
    FindCoordinatorResponse {
        error_code: one.error_code,
        error_message: match one.error_code {
            // Kafka has its name for no error here.
            0 => text("NONE"),
            _ => one.error_message,
        },
        node_id: one.node_id,
        host: one.host,
        port: one.port,
        ..Default::default()
    }
}

fn refused(key: &StrBytes, refusal: &Refusal) -> Coordinator {
    Coordinator {
        key: key.clone(),
        node_id: -1,
        port: -1,
        error_code: refusal.code.code(),
        error_message: text(&*refusal.message),
        ..Default::default()
    }
}

//! The classic protocol: JoinGroup, SyncGroup, Heartbeat, LeaveGroup, and the leader's work.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_client_protocol::api::heartbeat::HeartbeatRequest;
use kafka_client_protocol::api::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse,
};
use kafka_client_protocol::api::leave_group::{LeaveGroupRequest, MemberIdentity};
use kafka_client_protocol::api::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};
use kafka_client_protocol::consumer_protocol::PROTOCOL_TYPE;
use kafka_client_protocol::{ApiKey, ErrorCode, Request, StrBytes};
use tokio::time::Instant;

use super::assignor::{self, Assignor, GroupMember, Misconduct};
use super::membership::{Remedy, remedy};
use super::{Group, Stop, group_topics};
use crate::cluster::Metadata;
use crate::config::millis;
use crate::error::{Error, ErrorKind};
use crate::health::with_advice;

impl Group {
    // ---- joining ----

    /// One rebalance: JoinGroup, SyncGroup, and what the assignment changes.
    pub(super) async fn join(&mut self) -> Result<(), Stop> {
        if !self.cooperative() && !self.membership.owned.is_empty() {
            // The eager protocol: everything is given up before.
            let owned = self.membership.owned.clone();
            self.revoke(&owned).await?;
            if self.absent {
                // It would only hold the group up, and leave again.
                return Ok(());
            }
        }
        self.parked = true;
        let assignment = match self.join_group().await? {
            Some(joined) => self.sync_group(&joined).await?,
            None => None,
        };
        self.parked = false;
        let Some(assignment) = assignment else {
            return Ok(());
        };
        let assigned = assignor::decode_assignment(&assignment).map_err(|error| {
            Stop::Fatal(Error::new(
                ErrorKind::Protocol,
                format!("the group's leader sent an assignment that cannot be read: {error}"),
            ))
        })?;
        self.must_join = false;
        self.rejoins = 0;
        self.next_heartbeat = self.now() + self.shared.config.heartbeat_interval;
        self.coordinator.settled();
        self.membership.note(&assigned);
        let changes = self.membership.changes(&assigned);
        tracing::debug!(
            group = %self.coordinator.key(), generation = self.membership.generation,
            assigned = assigned.len(), revoked = changes.revoked.len(), "rebalanced"
        );
        if self.inbox.closing.is_some() {
            // Nothing more changes hands: what was processed is committed in this generation.
            return Ok(());
        }
        if !changes.revoked.is_empty() {
            self.revoke(&changes.revoked).await?;
            // The next owner gets them in the rebalance that this begins (KIP-429).
            self.must_join = true;
        }
        // The membership may have been lost while the user was waited for.
        if self.is_member() {
            self.own(changes.added);
        }
        Ok(())
    }

    /// Whether what is owned stays so while the group rebalances: every assignor must allow it. So a
    /// member with an eager one beside stays eager, whatever the group runs, and a group moves to the
    /// cooperative protocol one member after the other (KIP-429).
    fn cooperative(&self) -> bool {
        let assignors = &self.shared.config.assignors;
        assignors.iter().all(|assignor| assignor.is_cooperative())
    }

    async fn join_group(&mut self) -> Result<Option<JoinGroupResponse>, Stop> {
        (self.unsynced, self.owes_assignment) = (None, false);
        let config = &self.shared.config;
        let mut protocols = Vec::with_capacity(config.assignors.len());
        for assignor in &config.assignors {
            let last = self.membership.last_of(assignor);
            let user_data = assignor
                .user_data(last)
                .map_err(|misconduct| at_fault(assignor, &misconduct))?;
            let metadata = assignor::encode_member(
                &self.topics,
                &self.membership.owned,
                self.membership.generation,
                config.rack.as_deref(),
                user_data,
            )
            .map_err(|error| {
                let text = format!("the subscription cannot be encoded: {error}");
                Stop::Fatal(Error::config(text))
            })?;
            let name = StrBytes::from(assignor.name());
            protocols.push(JoinGroupRequestProtocol {
                name,
                metadata,
                ..Default::default()
            });
        }
        let request = JoinGroupRequest {
            group_id: self.coordinator.key().clone(),
            session_timeout_ms: millis(config.session_timeout),
            rebalance_timeout_ms: millis(config.max_poll_interval),
            member_id: self.member_id(),
            protocol_type: StrBytes::from_static(PROTOCOL_TYPE),
            protocols,
            ..Default::default()
        };
        let instance = config.instance.clone();
        let request = |version| JoinGroupRequest {
            group_instance_id: of_version(instance.as_deref(), version >= 5),
            ..request
        };
        // The coordinator answers when all members have joined.
        let within = self.rebalance_limit();
        let Some(response) = self.ask(request, within).await? else {
            return Ok(None);
        };
        let code = ErrorCode::new(response.error_code);
        if code == ErrorCode::MEMBER_ID_REQUIRED {
            self.membership.member_id = response.member_id.to_string();
            self.slow_down(&Error::broker(code, ApiKey::JOIN_GROUP))
                .await?;
            return Ok(None);
        }
        if code.is_error() {
            return self.refused(code, ApiKey::JOIN_GROUP).await.map(|()| None);
        }
        let name = response.protocol_name.as_deref().unwrap_or_default();
        let assignors = &self.shared.config.assignors;
        let Some(assignor) = assignors.iter().find(|known| known.name() == name) else {
            let error = Error::new(
                ErrorKind::Protocol,
                format!("the coordinator chose the assignor {name:?}, which was not offered"),
            );
            return Err(Stop::Fatal(error.at_api(ApiKey::JOIN_GROUP)));
        };
        self.membership.member_id = response.member_id.to_string();
        self.membership.generation = response.generation_id;
        self.membership.assignor = Some(assignor.clone());
        self.membership.leader = response.leader == response.member_id;
        self.owes_assignment = self.membership.leader;
        if !self.membership.leader {
            self.watched.clear();
        }
        Ok(Some(response))
    }

    async fn sync_group(&mut self, joined: &JoinGroupResponse) -> Result<Option<Bytes>, Stop> {
        let assignments = match self.membership.leader {
            true => match self.lead(joined).await? {
                Ok(assignments) => assignments,
                Err(error) => return self.recover(error).await.map(|()| None),
            },
            false => Vec::new(),
        };
        let request = SyncGroupRequest {
            group_id: self.coordinator.key().clone(),
            generation_id: self.membership.generation,
            member_id: self.member_id(),
            protocol_type: Some(StrBytes::from_static(PROTOCOL_TYPE)),
            protocol_name: joined.protocol_name.clone(),
            assignments,
            ..Default::default()
        };
        self.unsynced = self.membership.leader.then(|| request.clone());
        // The leader may take its time.
        let (request, within) = (self.sync_of(request), self.rebalance_limit());
        let Some(response) = self.ask(request, within).await? else {
            return Ok(None);
        };
        match ErrorCode::new(response.error_code) {
            ErrorCode::NONE => {
                (self.unsynced, self.owes_assignment) = (None, false);
                Ok(Some(response.assignment))
            }
            code => self.refused(code, ApiKey::SYNC_GROUP).await.map(|()| None),
        }
    }

    /// The request in the version that the coordinator speaks.
    fn sync_of(&self, request: SyncGroupRequest) -> impl FnOnce(i16) -> SyncGroupRequest + use<> {
        let instance = self.shared.config.instance.clone();
        move |version| SyncGroupRequest {
            group_instance_id: of_version(instance.as_deref(), version >= 3),
            ..request
        }
    }

    /// Tells the coordinator again what this leader has assigned, before it leaves.
    pub(super) async fn send_sync(&mut self, request: SyncGroupRequest) -> Result<(), Error> {
        let request = self.sync_of(request);
        let within = self.shared.cluster.config.request_timeout;
        let response = self.coordinator.call(request, i16::MAX, within).await?;
        match ErrorCode::new(response.error_code) {
            ErrorCode::NONE => Ok(()),
            code => Err(Error::broker(code, ApiKey::SYNC_GROUP)),
        }
    }

    fn member_id(&self) -> StrBytes {
        StrBytes::from(self.membership.member_id.as_str())
    }

    /// The longest that the coordinator holds a member that joins.
    fn rebalance_limit(&self) -> Duration {
        self.shared.config.max_poll_interval + self.shared.cluster.config.request_timeout
    }

    /// Asks the coordinator, which may hold the answer back. `None` if there is none: what that asks for
    /// is done.
    async fn ask<R: Request>(
        &mut self,
        request: impl FnOnce(i16) -> R,
        within: Duration,
    ) -> Result<Option<R::Response>, Stop> {
        let call = self.coordinator.call(request, i16::MAX, within);
        match self.inbox.during(call).await? {
            Ok(response) => Ok(Some(response)),
            Err(error) => self.recover(error).await.map(|()| None),
        }
    }

    // ---- the leader's work ----

    /// Who gets what. A static leader that comes back finds the assignment made already (KIP-814), and
    /// has to watch the group's topics all the same.
    async fn lead(
        &mut self,
        joined: &JoinGroupResponse,
    ) -> Result<Result<Vec<SyncGroupRequestAssignment>, Error>, Stop> {
        let members = match members(joined) {
            Ok(members) => members,
            Err(error) => return Ok(Err(error)),
        };
        self.watched = members
            .iter()
            .flat_map(|member| member.topics.iter().cloned())
            .collect();
        self.keep_topics();
        let metadata = self.wait_for_watched().await?;
        self.assigned_from = self.to_watch(&metadata);
        let assignor = self.membership.assignor.as_ref();
        let assignments = match assignor.filter(|_| !joined.skip_assignment) {
            Some(assignor) => {
                let topics = group_topics(&metadata, &self.watched, true);
                let assigned = assignor.assign(&members, &topics);
                assigned.map_err(|misconduct| at_fault(assignor, &misconduct))?
            }
            None => BTreeMap::new(),
        };
        let encoded = assignments.into_iter().map(|(member_id, partitions)| {
            let assignment = assignor::encode_assignment(&partitions).map_err(|error| {
                let text = format!("an assignment cannot be encoded: {error}");
                Error::new(ErrorKind::Protocol, text)
            })?;
            Ok(SyncGroupRequestAssignment {
                member_id: member_id.into(),
                assignment,
                ..Default::default()
            })
        });
        Ok(encoded.collect())
    }

    /// Waits until the metadata knows of each topic whether it exists, but not for long: a topic
    /// that comes later brings a rebalance of its own.
    async fn wait_for_watched(&mut self) -> Result<Arc<Metadata>, Stop> {
        let topics: &BTreeSet<Arc<str>> = &self.watched;
        let limit = self.shared.config.session_timeout / 3;
        let mut changes = self.shared.cluster.changes();
        let env = self.shared.env().clone();
        let is_known =
            |metadata: &Arc<Metadata>| topics.iter().all(|topic| metadata.topic(topic).is_some());
        let known = env.timeout(limit, changes.wait_for(is_known));
        drop(self.inbox.during(known).await?);
        Ok(self.shared.cluster.metadata())
    }

    // ---- staying and leaving ----

    /// When a member has to do something for its place next.
    pub(super) fn next_beat(&self) -> Option<Instant> {
        let next = self.next_heartbeat.min(self.next_look);
        self.is_member().then_some(next)
    }

    pub(super) fn is_beat_due(&self) -> bool {
        self.next_beat().is_some_and(|at| at <= self.now())
    }

    /// Tells the coordinator that the member lives, in time; or gives its place up, if the user no longer
    /// asks for records.
    pub(super) async fn beat(&mut self) -> Result<(), Stop> {
        if self.is_overdue() {
            return self.go_away().await;
        }
        match self.next_heartbeat <= self.now() {
            true => self.heartbeat().await,
            false => Ok(()),
        }
    }

    async fn heartbeat(&mut self) -> Result<(), Stop> {
        self.next_heartbeat = self.now() + self.shared.config.heartbeat_interval;
        let config = &self.shared.config;
        let request_timeout = self.shared.cluster.config.request_timeout;
        let within = config.session_timeout.min(request_timeout);
        let instance = config.instance.clone();
        let request = HeartbeatRequest {
            group_id: self.coordinator.key().clone(),
            generation_id: self.membership.generation,
            member_id: self.member_id(),
            ..Default::default()
        };
        let request = |version| HeartbeatRequest {
            group_instance_id: of_version(instance.as_deref(), version >= 3),
            ..request
        };
        let Some(response) = self.ask(request, within).await? else {
            // At once again, at the coordinator that is found then.
            self.next_heartbeat = self.now();
            return Ok(());
        };
        match ErrorCode::new(response.error_code) {
            ErrorCode::NONE => {
                self.coordinator.settled();
                Ok(())
            }
            code => self.refused(code, ApiKey::HEARTBEAT).await,
        }
    }

    /// Tells the coordinator; a static member keeps its place (KIP-345). The result is the
    /// coordinator's.
    pub(super) async fn send_leave(&mut self) -> Result<Result<(), Error>, Stop> {
        if self.membership.member_id.is_empty() || self.shared.config.instance.is_some() {
            return Ok(Ok(()));
        }
        let (member_id, group_id) = (self.member_id(), self.coordinator.key().clone());
        let request_timeout = self.shared.cluster.config.request_timeout;
        let within = request_timeout.min(Duration::from_secs(5));
        let request = |version| match version {
            ..=2 => LeaveGroupRequest {
                group_id,
                member_id,
                ..Default::default()
            },
            3.. => LeaveGroupRequest {
                group_id,
                members: vec![MemberIdentity {
                    member_id,
                    ..Default::default()
                }],
                ..Default::default()
            },
        };
        let call = self.coordinator.call(request, i16::MAX, within);
        let left = self.inbox.during(call).await?.and_then(|response| {
            match ErrorCode::new(response.error_code) {
                // It is not a member, which is what it wants.
                ErrorCode::NONE | ErrorCode::UNKNOWN_MEMBER_ID => Ok(()),
                code => Err(Error::broker(code, ApiKey::LEAVE_GROUP)),
            }
        });
        Ok(left)
    }

    // ---- refusals and failures ----

    /// An error code in the answer to a group request.
    async fn refused(&mut self, code: ErrorCode, api: ApiKey) -> Result<(), Stop> {
        let remedy = remedy(code);
        tracing::debug!(group = %self.coordinator.key(), %code, %api, ?remedy, "refused");
        let mut error = Error::broker(code, api);
        if let Some(broker) = self.coordinator.broker() {
            error = error.at_broker(broker);
        }
        match remedy {
            Remedy::Retry | Remedy::Load => self.pause(&error).await?,
            Remedy::FindCoordinator => {
                self.coordinator.forget();
                self.pause(&error).await?;
            }
            // As long as the user is waited for, each heartbeat says so.
            Remedy::Rejoin if api == ApiKey::HEARTBEAT => self.must_join = true,
            Remedy::Rejoin | Remedy::UseMemberId => {
                self.must_join = true;
                self.slow_down(&error).await?;
            }
            Remedy::RejoinLost | Remedy::RejoinAsNew => {
                self.lose(remedy);
                self.slow_down(&error).await?;
            }
            Remedy::Fatal => return Err(Stop::Fatal(self.final_error(error))),
        }
        Ok(())
    }

    /// To join again at once is right, unless that is all that it comes to: then it waits, longer each
    /// time.
    async fn slow_down(&mut self, error: &Error) -> Result<(), Stop> {
        const AT_ONCE: u32 = 2;
        self.rejoins += 1;
        match self.rejoins > AT_ONCE {
            true => self.pause(error).await,
            false => Ok(()),
        }
    }

    /// A request that failed without an answer.
    async fn recover(&mut self, error: Error) -> Result<(), Stop> {
        tracing::debug!(group = %self.coordinator.key(), %error, "group request failed");
        if error.kind() == ErrorKind::Authentication {
            self.kept_out(&error);
        } else if !error.is_retriable() && error.kind() != ErrorKind::Protocol {
            return Err(Stop::Fatal(self.final_error(error)));
        }
        self.coordinator.forget();
        self.pause(&error).await
    }

    /// Names the group and what helps.
    fn final_error(&self, error: Error) -> Error {
        match error.code() {
            Some(_) => {
                let group = format!("group {}", self.coordinator.key());
                with_advice(error.with_source(group))
            }
            None => error,
        }
    }
}

/// The group's members, as the coordinator gives them to the leader.
fn members(joined: &JoinGroupResponse) -> Result<Vec<GroupMember>, Error> {
    let members = joined.members.iter().map(|member| {
        let instance = member.group_instance_id.as_deref();
        // What a member owns that cannot be read must not go to others while it works on it:
        // the round fails, and is tried again.
        assignor::decode_member(&member.member_id, instance, &member.metadata).map_err(|error| {
            let text = format!(
                "member {} subscribes in a way that cannot be read: {error}",
                member.member_id
            );
            Error::new(ErrorKind::Protocol, text).at_api(ApiKey::JOIN_GROUP)
        })
    });
    members.collect()
}

/// An assignor of the user's has failed.
fn at_fault(assignor: &Assignor, misconduct: &Misconduct) -> Stop {
    let text = format!("the assignor {:?} {misconduct}", assignor.name());
    Stop::UserCode(Error::new(ErrorKind::Closed, text))
}

/// A field that only some versions of a request have.
fn of_version(value: Option<&str>, has_it: bool) -> Option<StrBytes> {
    value.filter(|_| has_it).map(StrBytes::from)
}

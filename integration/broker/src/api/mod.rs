//! The APIs: one file each, and the table that leads a request to its file.

mod alter_client_quotas;
mod alter_configs;
mod alter_partition_reassignments;
mod alter_replica_log_dirs;
mod alter_user_scram_credentials;
mod api_versions;
mod configs;
mod create_acls;
mod create_delegation_token;
mod create_partitions;
mod create_topics;
mod delete_acls;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_acls;
mod describe_client_quotas;
mod describe_cluster;
mod describe_configs;
mod describe_delegation_token;
mod describe_groups;
mod describe_log_dirs;
mod describe_producers;
mod describe_quorum;
mod describe_topic_partitions;
mod describe_transactions;
mod describe_user_scram_credentials;
mod elect_leaders;
mod expire_delegation_token;
mod faulty;
mod fetch;
mod find_coordinator;
mod get_telemetry_subscriptions;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_config_resources;
mod list_groups;
mod list_offsets;
mod list_partition_reassignments;
mod list_transactions;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod parts;
mod produce;
mod push_telemetry;
mod renew_delegation_token;
mod rights;
mod sasl_authenticate;
mod sasl_handshake;
mod sync_group;
mod throttle;
mod unregister_broker;
mod update_features;

use std::any::Any;
use std::collections::HashSet;
use std::future::Future;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use kafka_client_protocol::api;
use kafka_client_protocol::api::api_versions::ApiVersionsRequest;
use kafka_client_protocol::frame::{Frame, RequestHeader, encode_response};
use kafka_client_protocol::{ApiKey, ErrorCode, Request, StrBytes};

use crate::faults::{Hit, JournalEntry, Kind, RequestOutcome, Seen, has_secrets};
use crate::net::Connection;
use crate::net::answer::Deferred;
use crate::node::Node;
use crate::profile::Profile;
use crate::quota;
use crate::refusal::Refusal;
use crate::security::acl::AclOperation;
use crate::security::gate::Admission;
use crate::telemetry::Asker;

use self::parts::{Part, Target, TopicRef};
use self::rights::authorize_and_answer;
use self::throttle::{throttle, timed};

pub(crate) use self::parts::{GroupPart, Named, NamedGroups};

/// What the connection does after a request.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Is sent first, length prefix included; nothing if it is empty.
    pub(crate) answer: Vec<Bytes>,
    /// How long nothing more is read after it: the client is over a quota.
    pub(crate) pause: Duration,
    /// How many bytes a second the connection carries from here on; `None` for no change.
    pub(crate) bandwidth: Option<NonZeroU32>,
    pub(crate) then: Then,
}

/// How a connection goes on.
#[derive(Debug)]
pub(crate) enum Then {
    /// With the next request.
    Next,
    /// It ends in order.
    Close,
    /// It ends at once.
    Reset,
    /// It stays open, but is dead until the fault is released.
    Silence(Hit),
}

impl Outcome {
    fn close() -> Self {
        Then::Close.into()
    }
}

impl From<Then> for Outcome {
    fn from(then: Then) -> Self {
        Self {
            answer: Vec::new(),
            pause: Duration::ZERO,
            bandwidth: None,
            then,
        }
    }
}

/// A request's surroundings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) node: &'a Arc<Node>,
    pub(crate) version: i16,
    pub(crate) client_id: &'a str,
    pub(crate) connection: &'a Connection,
    /// The client had yet to say who it is when the request came: it counts against no quota.
    pub(crate) is_authenticating: bool,
}

impl Call<'_> {
    /// The client's address as Kafka writes it into groups: a slash and the address, no port.
    fn host(&self) -> String {
        format!("/{}", self.connection.peer.host())
    }

    /// The client, as subscriptions to clients' metrics choose it.
    fn asker(&self) -> Asker {
        let peer = &self.connection.peer;
        let software = self.connection.software();
        Asker {
            connection: Arc::clone(peer.text()),
            client_id: self.client_id.to_owned(),
            software_name: software.name.clone(),
            software_version: software.version.clone(),
            address: peer.host(),
            port: peer.port(),
        }
    }

    /// Waits before a failed authentication is answered, so that guessing takes its time.
    async fn delay_refusal(&self) {
        let ms = self.node.config().failed_authentication_delay_ms;
        crate::env::sleep(Duration::from_millis(ms)).await;
    }

    /// What a transactional producer is told.
    fn no_transactions(&self, id: &str) -> Refusal {
        const WHY: &str = "this broker has no transactions yet: remove transactional.id";
        if self.is_first_of_kind(ApiKey::INIT_PRODUCER_ID) {
            tracing::warn!(client_id = self.client_id, transactional_id = id, "{WHY}");
        }
        Refusal::new(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED, WHY)
    }

    /// Whether this client has not asked for this before, of what this broker does not have: it is
    /// logged once, and not at each of a client's many tries.
    fn is_first_of_kind(&self, api: ApiKey) -> bool {
        const CLIENTS_MAX: usize = 1000;
        let told = self.node.unserved.lock();
        let mut told = told.unwrap_or_else(PoisonError::into_inner);
        told.len() < CLIENTS_MAX && told.insert((self.client_id.to_owned(), api.value()))
    }

    /// The name of a topic that a request means; its id if there is no such topic.
    fn name_of(&self, named: TopicRef<'_>) -> String {
        match named {
            TopicRef::Name(name) => name.to_owned(),
            TopicRef::Id(id) => {
                let known = self.node.topics.with_id(id);
                known.map_or_else(|| id.to_string(), |known| known.name.to_string())
            }
        }
    }
}

/// A request that this broker serves.
pub(crate) trait Api:
    Throttle + Request<Response: Clone + Send + Sync + 'static> + Clone + 'static
{
    /// What a request names, and so what may be refused of it alone.
    const NAMES: Named = Named::Nothing;

    /// Applies the request.
    fn answer(self, call: &Call<'_>) -> impl Future<Output = Self::Response> + Send;

    /// The answer that refuses all of the request.
    fn refuse(&self, error: ErrorCode) -> Self::Response;

    /// The quota that bytes count against: those of a Produce, and those of the answer of a Fetch.
    const QUOTA: Option<quota::Kind> = None;

    /// Takes out of an answer what a client over its quota does not get.
    fn hold_back(_call: &Call<'_>, _answer: &mut Self::Response) {}

    /// Whether the principal may make the request at all; otherwise the error that refuses it.
    fn check(&self, _call: &Call<'_>) -> Result<(), ErrorCode> {
        Ok(())
    }

    /// What the principal must be allowed to do with each topic that the request names: the others
    /// are refused. `None` where the answer sees to it itself.
    fn needs_on_topics(&self, _call: &Call<'_>) -> Option<AclOperation> {
        None
    }

    /// Adds what the request means without naming it.
    fn complete(&mut self, _call: &Call<'_>) {}

    /// What the request names, in its order.
    fn parts(&self) -> Vec<Part<'_>> {
        Vec::new()
    }

    /// What a request says of groups.
    const NAMES_GROUPS: NamedGroups = NamedGroups::Nothing;

    /// The groups that the request names, once for each of their members that it names.
    fn groups(&self) -> Vec<GroupPart<'_>> {
        Vec::new()
    }

    /// Takes what the target means out of the request; `None` if there is nothing of it.
    fn take(&mut self, _target: &Target<'_>) -> Option<Self> {
        None
    }

    /// The answer that refuses what was taken, and nothing else.
    fn refuse_taken(&self, _target: &Target<'_>, error: ErrorCode) -> Self::Response {
        self.refuse(error)
    }

    /// Puts the refusals of what was taken into an answer, in place of what it says of the same.
    fn put(_answer: &mut Self::Response, _refused: Self::Response) {}

    /// Whether the client expects an answer.
    fn wants_answer(&self) -> bool {
        true
    }

    /// Whether an answer that is not sent should end the connection instead.
    fn closes_unanswered(_answer: &Self::Response) -> bool {
        false
    }
}

/// What nearly all answers have beside what they are for: they can tell the client to pause, and have
/// tagged fields.
pub(crate) trait Throttle: Request {
    fn throttle(_answer: &mut Self::Response, _throttle_time_ms: i32) {}

    /// Adds a field that no client knows.
    fn add_unknown_tag(_answer: &mut Self::Response) {}
}

/// A tag that Kafka is far from. Below 128, it takes one byte.
const UNKNOWN_TAG: u32 = 100;

/// An API that this broker serves.
pub(crate) struct Served {
    pub(crate) api: ApiKey,
    /// The versions it says that it serves.
    pub(crate) versions: std::ops::RangeInclusive<i16>,
    pub(crate) names: Named,
    pub(crate) names_groups: NamedGroups,
    pub(crate) request: fn() -> Kind,
    pub(crate) response: fn() -> Kind,
}

/// An API, if this broker serves it.
pub(crate) fn served(api: ApiKey) -> Option<&'static Served> {
    SERVED.iter().find(|served| served.api == api)
}

macro_rules! apis {
    ($($request:ty, $min:literal ..= $max:literal;)*) => {
        /// The APIs this broker serves.
        pub(crate) const SERVED: &[Served] = &[$(Served {
            api: <$request as Request>::API_KEY,
            versions: $min..=$max,
            names: <$request as Api>::NAMES,
            names_groups: <$request as Api>::NAMES_GROUPS,
            request: Kind::of::<$request>,
            response: Kind::of::<<$request as Request>::Response>,
        },)*];


        async fn dispatch(
            call: &Call<'_>,
            header: &RequestHeader,
            body: Bytes,
            is_illegal: bool,
        ) -> Outcome {
            match header.api_key {
                $(key if key == <$request as Request>::API_KEY => {
                    Box::pin(read_and_apply::<$request>(call, header, body, is_illegal)).await
                })*
                _ => Outcome::close(),
            }
        }
    };
}

apis! {
    // From 0, although nothing below 3 is served: librdkafka before 2.11.1 takes a higher minimum
    // for a broker without compression (KAFKA-18659). Kafka does the same.
    api::produce::ProduceRequest, 0..=13;
    api::fetch::FetchRequest, 4..=18;
    api::list_offsets::ListOffsetsRequest, 1..=11;
    api::metadata::MetadataRequest, 0..=13;
    api::offset_commit::OffsetCommitRequest, 2..=10;
    api::offset_fetch::OffsetFetchRequest, 1..=10;
    api::find_coordinator::FindCoordinatorRequest, 0..=6;
    api::join_group::JoinGroupRequest, 0..=9;
    api::heartbeat::HeartbeatRequest, 0..=4;
    api::leave_group::LeaveGroupRequest, 0..=5;
    api::sync_group::SyncGroupRequest, 0..=5;
    api::describe_groups::DescribeGroupsRequest, 0..=6;
    api::list_groups::ListGroupsRequest, 0..=5;
    api::sasl_handshake::SaslHandshakeRequest, 0..=1;
    api::api_versions::ApiVersionsRequest, 0..=4;
    api::create_topics::CreateTopicsRequest, 2..=7;
    api::delete_topics::DeleteTopicsRequest, 1..=6;
    api::delete_records::DeleteRecordsRequest, 0..=2;
    api::init_producer_id::InitProducerIdRequest, 0..=5;
    api::delete_groups::DeleteGroupsRequest, 0..=2;
    api::offset_delete::OffsetDeleteRequest, 0..=0;
    api::offset_for_leader_epoch::OffsetForLeaderEpochRequest, 2..=4;
    api::describe_acls::DescribeAclsRequest, 1..=3;
    api::create_acls::CreateAclsRequest, 1..=3;
    api::delete_acls::DeleteAclsRequest, 1..=3;
    api::describe_configs::DescribeConfigsRequest, 1..=4;
    api::alter_configs::AlterConfigsRequest, 0..=2;
    api::sasl_authenticate::SaslAuthenticateRequest, 0..=2;
    api::create_delegation_token::CreateDelegationTokenRequest, 1..=3;
    api::renew_delegation_token::RenewDelegationTokenRequest, 1..=2;
    api::expire_delegation_token::ExpireDelegationTokenRequest, 1..=2;
    api::describe_delegation_token::DescribeDelegationTokenRequest, 1..=3;
    api::incremental_alter_configs::IncrementalAlterConfigsRequest, 0..=1;
    api::describe_client_quotas::DescribeClientQuotasRequest, 0..=1;
    api::alter_client_quotas::AlterClientQuotasRequest, 0..=1;
    api::describe_user_scram_credentials::DescribeUserScramCredentialsRequest, 0..=0;
    api::alter_user_scram_credentials::AlterUserScramCredentialsRequest, 0..=0;
    api::describe_cluster::DescribeClusterRequest, 0..=2;
    api::create_partitions::CreatePartitionsRequest, 0..=3;
    api::describe_log_dirs::DescribeLogDirsRequest, 1..=5;
    api::elect_leaders::ElectLeadersRequest, 0..=2;
    api::alter_partition_reassignments::AlterPartitionReassignmentsRequest, 0..=1;
    api::list_partition_reassignments::ListPartitionReassignmentsRequest, 0..=0;
    api::describe_producers::DescribeProducersRequest, 0..=0;
    api::list_transactions::ListTransactionsRequest, 0..=2;
    api::describe_transactions::DescribeTransactionsRequest, 0..=0;
    api::describe_topic_partitions::DescribeTopicPartitionsRequest, 0..=0;
    api::describe_quorum::DescribeQuorumRequest, 0..=2;
    api::update_features::UpdateFeaturesRequest, 0..=2;
    api::alter_replica_log_dirs::AlterReplicaLogDirsRequest, 1..=2;
    api::unregister_broker::UnregisterBrokerRequest, 0..=0;
    api::list_config_resources::ListConfigResourcesRequest, 0..=1;
    api::get_telemetry_subscriptions::GetTelemetrySubscriptionsRequest, 0..=0;
    api::push_telemetry::PushTelemetryRequest, 0..=0;
}

macro_rules! tagged {
    () => {
        fn add_unknown_tag(answer: &mut Self::Response) {
            let fields = &mut answer.unknown_tagged_fields;
            fields.insert(UNKNOWN_TAG, Bytes::from_static(b"?"));
        }
    };
}

macro_rules! throttled {
    ($($request:ty)*) => {$(
        impl Throttle for $request {
            fn throttle(answer: &mut Self::Response, throttle_time_ms: i32) {
                answer.throttle_time_ms = throttle_time_ms;
            }

            tagged!();
        }
    )*};
}

throttled! {
    api::produce::ProduceRequest
    api::fetch::FetchRequest
    api::list_offsets::ListOffsetsRequest
    api::metadata::MetadataRequest
    api::offset_commit::OffsetCommitRequest
    api::offset_fetch::OffsetFetchRequest
    api::find_coordinator::FindCoordinatorRequest
    api::join_group::JoinGroupRequest
    api::heartbeat::HeartbeatRequest
    api::leave_group::LeaveGroupRequest
    api::sync_group::SyncGroupRequest
    api::describe_groups::DescribeGroupsRequest
    api::list_groups::ListGroupsRequest
    api::api_versions::ApiVersionsRequest
    api::create_topics::CreateTopicsRequest
    api::delete_topics::DeleteTopicsRequest
    api::delete_records::DeleteRecordsRequest
    api::init_producer_id::InitProducerIdRequest
    api::offset_for_leader_epoch::OffsetForLeaderEpochRequest
    api::delete_groups::DeleteGroupsRequest
    api::describe_cluster::DescribeClusterRequest
    api::describe_configs::DescribeConfigsRequest
    api::alter_configs::AlterConfigsRequest
    api::incremental_alter_configs::IncrementalAlterConfigsRequest
    api::list_config_resources::ListConfigResourcesRequest
    api::create_partitions::CreatePartitionsRequest
    api::describe_log_dirs::DescribeLogDirsRequest
    api::elect_leaders::ElectLeadersRequest
    api::alter_partition_reassignments::AlterPartitionReassignmentsRequest
    api::list_partition_reassignments::ListPartitionReassignmentsRequest
    api::describe_producers::DescribeProducersRequest
    api::list_transactions::ListTransactionsRequest
    api::describe_transactions::DescribeTransactionsRequest
    api::describe_topic_partitions::DescribeTopicPartitionsRequest
    api::update_features::UpdateFeaturesRequest
    api::alter_replica_log_dirs::AlterReplicaLogDirsRequest
    api::unregister_broker::UnregisterBrokerRequest
    api::describe_acls::DescribeAclsRequest
    api::create_acls::CreateAclsRequest
    api::delete_acls::DeleteAclsRequest
    api::create_delegation_token::CreateDelegationTokenRequest
    api::renew_delegation_token::RenewDelegationTokenRequest
    api::expire_delegation_token::ExpireDelegationTokenRequest
    api::describe_delegation_token::DescribeDelegationTokenRequest
    api::describe_client_quotas::DescribeClientQuotasRequest
    api::alter_client_quotas::AlterClientQuotasRequest
    api::describe_user_scram_credentials::DescribeUserScramCredentialsRequest
    api::alter_user_scram_credentials::AlterUserScramCredentialsRequest
    api::get_telemetry_subscriptions::GetTelemetrySubscriptionsRequest
    api::push_telemetry::PushTelemetryRequest
}

// Without tagged fields, or without a field to pause, or without both.
impl Throttle for api::offset_delete::OffsetDeleteRequest {
    fn throttle(answer: &mut Self::Response, throttle_time_ms: i32) {
        answer.throttle_time_ms = throttle_time_ms;
    }
}
impl Throttle for api::describe_quorum::DescribeQuorumRequest {
    tagged!();
}
impl Throttle for api::sasl_handshake::SaslHandshakeRequest {}
impl Throttle for api::sasl_authenticate::SaslAuthenticateRequest {
    tagged!();
}

/// Reads a frame, applies its request and encodes the answer.
pub(crate) async fn serve(node: &Arc<Node>, connection: &Connection, frame: Bytes) -> Outcome {
    let outcome = if connection.gate().wants_raw_token() {
        raw_token(node, connection, &frame).await
    } else {
        let outcome = request(node, connection, &frame).await;
        note_end(node, connection, &outcome);
        outcome
    };
    if connection.gate().has_failed() && matches!(outcome.then, Then::Next) {
        return Outcome {
            then: Then::Close,
            ..outcome
        };
    }
    outcome
}

/// A token that came without Kafka's frames, as after SaslHandshake v0.
async fn raw_token(node: &Arc<Node>, connection: &Connection, token: &Bytes) -> Outcome {
    let call = Call {
        node,
        version: 0,
        client_id: "",
        connection,
        is_authenticating: true,
    };
    let Some(answer) = sasl_authenticate::raw(&call, token).await else {
        return Outcome::close();
    };
    let length = u32::try_from(answer.len()).unwrap_or(u32::MAX);
    answered(vec![Bytes::copy_from_slice(&length.to_be_bytes()), answer])
}

async fn request(node: &Arc<Node>, connection: &Connection, frame: &Bytes) -> Outcome {
    let peer = &connection.peer;
    let (header, body) = match RequestHeader::decode(frame) {
        Ok(parts) => parts,
        Err(error) => {
            tracing::warn!(%peer, %error, "closed a connection over an unreadable request header");
            return Outcome::close();
        }
    };
    let client_id = header.client_id.as_deref().unwrap_or_default();
    let version = header.api_version;
    let (admission, is_authenticating) = {
        let mut gate = connection.gate();
        let admission = gate.admit(header.api_key, node.env.now_ms());
        (admission, gate.is_authenticating())
    };
    let call = Call {
        node,
        version,
        client_id,
        connection,
        is_authenticating,
    };
    if let Admission::Close(reason) = admission {
        note(&call, &header, &body, Vec::new);
        tracing::info!(
            %peer, client_id, api = ?header.api_key, listener = %connection.listener.name,
            "closed a connection: {reason}"
        );
        return Outcome::close();
    }
    let index = SERVED.iter().position(|api| api.api == header.api_key);
    let versions = index.and_then(|index| node.versions(&SERVED[index]));
    match (index, versions) {
        (Some(index), Some(versions)) if versions.contains(&version) => {
            let began = crate::env::now();
            let is_illegal = admission == Admission::Illegal;
            let outcome = dispatch(&call, &header, body, is_illegal).await;
            let spent = crate::env::now().saturating_duration_since(began);
            node.requests.count(index, version, spent);
            outcome
        }
        // The one API whose version a client cannot know: what its request says in an unknown
        // version cannot be read, and it is told so in the oldest form.
        (Some(_), _) if header.api_key == ApiKey::API_VERSIONS => {
            note(&call, &header, &body, Vec::new);
            let profile = node.profile;
            if profile.is_some_and(Profile::resets_unknown_api_versions) {
                return Then::Reset.into();
            }
            apply(
                &call,
                &header,
                ApiVersionsRequest::default(),
                frame.len(),
                0,
            )
            .await
        }
        _ => {
            note(&call, &header, &body, Vec::new);
            if call.is_first_of_kind(header.api_key) {
                tracing::warn!(
                    %peer, client_id, api = ?header.api_key, version,
                    "closed a connection over a request that this broker does not serve"
                );
            }
            Outcome::close()
        }
    }
}

/// Writes into the journal how a request ended.
fn note_end(node: &Node, connection: &Connection, outcome: &Outcome) {
    let Some((number, api)) = connection.noted().take() else {
        return;
    };
    let ended = match outcome.then {
        Then::Next if outcome.answer.is_empty() => RequestOutcome::Unanswered,
        Then::Next => RequestOutcome::Answered,
        Then::Close => RequestOutcome::Closed,
        Then::Reset => RequestOutcome::Reset,
        Then::Silence(_) => RequestOutcome::Silenced,
    };
    node.faults
        .note_end(number, ended, |bytes_max| match has_secrets(api) {
            true => Bytes::new(),
            false => connection.deferred().start_of(&outcome.answer, bytes_max),
        });
}

/// Writes a request into the journal.
fn note<'a>(
    call: &Call<'_>,
    header: &RequestHeader,
    body: &Bytes,
    parts: impl FnOnce() -> Vec<Part<'a>>,
) {
    let topics = || {
        let mut known = HashSet::new();
        let mut topics = Vec::new();
        for part in parts() {
            if known.insert(part.topic) {
                topics.push(call.name_of(part.topic));
            }
        }
        topics
    };
    let number = call.node.faults.note(|bytes_max| JournalEntry {
        received: UNIX_EPOCH + Duration::from_millis(call.node.env.wall_ms().unsigned_abs()),
        connection: call.connection.number,
        outcome: RequestOutcome::Pending,
        request: match has_secrets(header.api_key) {
            true => Bytes::new(),
            // A copy: a part of the frame would keep all of it.
            false => Bytes::copy_from_slice(&body[..body.len().min(bytes_max)]),
        },
        answer: Bytes::new(),
        api_key: header.api_key,
        api_version: header.api_version,
        client_id: call.client_id.to_owned(),
        correlation_id: header.correlation_id,
        peer: Arc::clone(call.connection.peer.text()),
        listener: Arc::clone(&call.connection.listener.name),
        principal: call.connection.gate().principal().to_string().into(),
        topics: topics(),
    });
    *call.connection.noted() = number.map(|number| (number, header.api_key));
}

/// `is_illegal`: the request comes where a SASL token is waited for.
async fn read_and_apply<R: Api>(
    call: &Call<'_>,
    header: &RequestHeader,
    body: Bytes,
    is_illegal: bool,
) -> Outcome {
    let request_bytes = body.len();
    let received = body.clone();
    match R::decode_received(body, call.version) {
        Ok(mut request) => {
            if is_illegal {
                // Who has not said its name reaches nothing but the gate, and fills no journal.
                note(call, header, &received, Vec::new);
                let answer = request.refuse(ErrorCode::ILLEGAL_SASL_STATE);
                let frame = encode_response::<R>(&answer, call.version, header.correlation_id);
                return encoded(call, frame).map_or_else(Outcome::close, answered);
            }
            request.complete(call);
            note(call, header, &received, || request.parts());
            apply(call, header, request, request_bytes, call.version).await
        }
        Err(error) => {
            note(call, header, &received, Vec::new);
            tracing::warn!(
                peer = %call.connection.peer, client_id = call.client_id, %error,
                "closed a connection over a malformed request"
            );
            Outcome::close()
        }
    }
}

/// Applies a request, with the fault that hits it, and answers in a version. What a fault hits
/// counts against no quota.
async fn apply<R: Api>(
    call: &Call<'_>,
    header: &RequestHeader,
    request: R,
    request_bytes: usize,
    answer_version: i16,
) -> Outcome {
    let hit = call.node.faults.hit(&Seen {
        api: header.api_key,
        version: call.version,
        client_id: call.client_id,
        listener: &call.connection.listener.name,
        connection: call.connection.number,
        request: &request as &dyn Any,
        names_group: &|is_meant| {
            let mut groups = request.groups().into_iter();
            groups.any(|one| is_meant(&one))
        },
        names: &|topic, fits| {
            let target = topic.map(|topic| Target::new(call, topic, None));
            let is_topic = |named| target.as_ref().is_none_or(|target| target.is_topic(named));
            let mut parts = request.parts().into_iter();
            parts.any(|part| fits(part.partition) && is_topic(part.topic))
        },
    });
    let encode = |answer: &R::Response| {
        let frame = encode_response::<R>(answer, answer_version, header.correlation_id);
        encoded(call, frame)
    };
    if let Some(hit) = hit {
        return faulty::apply(call, request, hit, encode).await;
    }
    *call.connection.deferred() = Deferred::allowed();
    let wants_answer = request.wants_answer();
    let (mut answer, spent) = timed(authorize_and_answer(request, call)).await;
    if !wants_answer {
        let pause = throttle::<R>(call, spent, || request_bytes, &mut answer);
        return Outcome {
            pause,
            ..unanswered::<R>(&answer)
        };
    }
    if call.is_authenticating || call.node.quotas().is_empty() {
        return encode(&answer).map_or_else(Outcome::close, answered);
    }
    let Some(mut segments) = encode(&answer) else {
        return Outcome::close();
    };
    let bytes = || match R::QUOTA {
        Some(quota::Kind::Fetch) => segments.iter().map(Bytes::len).sum(),
        _ => request_bytes,
    };
    let pause = throttle::<R>(call, spent, bytes, &mut answer);
    if !pause.is_zero() {
        let Some(throttled) = encode(&answer) else {
            return Outcome::close();
        };
        segments = throttled;
    }
    Outcome {
        pause,
        ..answered(segments)
    }
}

fn answered(answer: Vec<Bytes>) -> Outcome {
    Outcome {
        answer,
        pause: Duration::ZERO,
        bandwidth: None,
        then: Then::Next,
    }
}

/// What follows on a request that wants no answer.
fn unanswered<R: Api>(answer: &R::Response) -> Outcome {
    if R::closes_unanswered(answer) {
        Outcome::close()
    } else {
        Then::Next.into()
    }
}

fn encoded(
    call: &Call<'_>,
    frame: Result<Frame, kafka_client_protocol::EncodeError>,
) -> Option<Vec<Bytes>> {
    match frame {
        Ok(frame) => Some(frame.into_segments().collect()),
        Err(error) => {
            tracing::error!(peer = %call.connection.peer, %error, "an answer cannot be encoded");
            None
        }
    }
}

/// Kafka's words where there is no authorizer, which people search for.
fn acl_error_text(error: ErrorCode) -> &'static str {
    match error {
        ErrorCode::SECURITY_DISABLED => "No Authorizer is configured.",
        error => error.text(),
    }
}

/// A message for a human in an answer, if there is one to give.
pub(crate) fn text(message: impl Into<String>) -> Option<StrBytes> {
    Some(StrBytes::from(message.into()))
}

//! The APIs: one file each, and the table that leads a request to its file.

mod api_versions;
mod create_topics;
mod delete_topics;
mod describe_cluster;
mod describe_groups;
mod fetch;
mod find_coordinator;
mod heartbeat;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_groups;
mod list_offsets;
mod metadata;
mod offset_commit;
mod offset_fetch;
mod produce;
mod sync_group;

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use kafka_client_protocol::api;
use kafka_client_protocol::api::api_versions::ApiVersionsRequest;
use kafka_client_protocol::frame::{Frame, RequestHeader, encode_response};
use kafka_client_protocol::{ApiKey, ErrorCode, Request, StrBytes, Uuid};

use crate::faults::{After, Before, JournalEntry};
use crate::node::Node;

/// What the connection does after a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Sends these bytes, length prefix included.
    Answer(Vec<Bytes>),
    /// Sends these bytes and ends.
    Last(Vec<Bytes>),
    /// Goes on: the request wants no answer.
    Nothing,
    /// Ends.
    Close,
}

/// A request's surroundings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) node: &'a Arc<Node>,
    pub(crate) version: i16,
    pub(crate) client_id: &'a str,
    pub(crate) peer: &'a str,
}

impl Call<'_> {
    /// The client's address as Kafka writes it into groups: a slash and the address, no port.
    fn host(&self) -> String {
        let host = self
            .peer
            .rsplit_once(':')
            .map_or(self.peer, |(host, _)| host);
        format!("/{}", host.trim_matches(['[', ']']))
    }
}

/// A request that this broker serves.
pub(crate) trait Api: Request {
    /// Applies the request.
    fn answer(self, call: &Call<'_>) -> impl Future<Output = Self::Response> + Send;

    /// The answer that refuses all of the request.
    fn refuse(&self, error: ErrorCode) -> Self::Response;

    /// Whether the request names a topic (any if `None`) and a partition (any if `None`).
    fn names(&self, _names: &dyn Fn(&TopicRef<'_>, Option<i32>) -> bool) -> bool {
        false
    }

    /// Whether the client expects an answer.
    fn wants_answer(&self) -> bool {
        true
    }

    /// Whether an answer that is not sent should end the connection instead.
    fn closes_unanswered(_answer: &Self::Response) -> bool {
        false
    }
}

/// How a request names a topic.
pub(crate) enum TopicRef<'a> {
    Name(&'a str),
    Id(Uuid),
}

macro_rules! apis {
    ($($request:ty, $min:literal ..= $max:literal;)*) => {
        /// The APIs this broker serves, with the versions it says so for.
        pub(crate) const SERVED: &[(ApiKey, i16, i16)] =
            &[$((<$request as Request>::API_KEY, $min, $max),)*];

        async fn dispatch(call: &Call<'_>, header: &RequestHeader, body: Bytes) -> Outcome {
            match header.api_key {
                $(key if key == <$request as Request>::API_KEY => {
                    Box::pin(apply::<$request>(call, header, body)).await
                })*
                _ => Outcome::Close,
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
    api::api_versions::ApiVersionsRequest, 0..=4;
    api::create_topics::CreateTopicsRequest, 2..=7;
    api::delete_topics::DeleteTopicsRequest, 1..=6;
    api::init_producer_id::InitProducerIdRequest, 0..=5;
    api::describe_cluster::DescribeClusterRequest, 0..=2;
}

/// Reads a frame, applies its request and encodes the answer.
pub(crate) async fn serve(node: &Arc<Node>, peer: &Arc<str>, frame: Bytes) -> Outcome {
    let (header, body) = match RequestHeader::decode(&frame) {
        Ok(parts) => parts,
        Err(error) => {
            tracing::warn!(%peer, %error, "closed a connection over an unreadable request header");
            return Outcome::Close;
        }
    };
    let client_id = header.client_id.as_deref().unwrap_or_default();
    node.faults.note(|| JournalEntry {
        api_key: header.api_key,
        api_version: header.api_version,
        client_id: client_id.to_owned(),
        correlation_id: header.correlation_id,
        peer: Arc::clone(peer),
    });
    let version = header.api_version;
    let call = Call {
        node,
        version,
        client_id,
        peer,
    };
    let served = SERVED.iter().find(|(key, _, _)| *key == header.api_key);
    match served {
        Some((_, min, max)) if (*min..=*max).contains(&version) => {
            dispatch(&call, &header, body).await
        }
        // The one API whose version a client cannot know: it is told in the oldest form.
        _ if header.api_key == ApiKey::API_VERSIONS => {
            let answer = ApiVersionsRequest::default().refuse(ErrorCode::UNSUPPORTED_VERSION);
            encoded(
                &call,
                encode_response::<ApiVersionsRequest>(&answer, 0, header.correlation_id),
            )
        }
        _ => {
            tracing::warn!(
                %peer, client_id, api = ?header.api_key, version,
                "closed a connection over a request that this broker does not serve"
            );
            Outcome::Close
        }
    }
}

async fn apply<R: Api>(call: &Call<'_>, header: &RequestHeader, body: Bytes) -> Outcome {
    let request = match R::decode(body, call.version) {
        Ok(request) => request,
        Err(error) => {
            tracing::warn!(
                peer = call.peer, client_id = call.client_id, %error,
                "closed a connection over a malformed request"
            );
            return Outcome::Close;
        }
    };
    let hit = call
        .node
        .faults
        .hit(header.api_key, call.client_id, |topic, partition| {
            request.names(&|named, number| {
                let topic_fits = topic.is_none_or(|topic| match named {
                    TopicRef::Name(name) => *name == topic,
                    TopicRef::Id(id) => call
                        .node
                        .topics
                        .named(topic)
                        .is_some_and(|known| known.id == *id),
                });
                topic_fits && partition.is_none_or(|wanted| number == Some(wanted))
            })
        });
    let wants_answer = request.wants_answer();
    let before = match &hit {
        Some(hit) => hit.before().await,
        None => Before::Apply,
    };
    let answer = match before {
        Before::Apply => request.answer(call).await,
        Before::Refuse(error) => request.refuse(error),
        Before::Close => return Outcome::Close,
    };
    let after = match &hit {
        Some(hit) => hit.after().await,
        None => After::Send,
    };
    if after == After::Close {
        return Outcome::Close;
    }
    if !wants_answer {
        return if R::closes_unanswered(&answer) {
            Outcome::Close
        } else {
            Outcome::Nothing
        };
    }
    let frame = encode_response::<R>(&answer, call.version, header.correlation_id);
    match (encoded(call, frame), after) {
        (Outcome::Answer(segments), After::Truncate(bytes)) => {
            let mut whole: Bytes = segments.concat().into();
            whole.truncate(bytes);
            Outcome::Last(vec![whole])
        }
        (Outcome::Answer(segments), After::Corrupt(position)) => {
            let mut whole = segments.concat();
            let last = whole.len() - 1;
            whole[position.min(last)] ^= 0xff;
            Outcome::Answer(vec![whole.into()])
        }
        (outcome, _) => outcome,
    }
}

fn encoded(call: &Call<'_>, frame: Result<Frame, kafka_client_protocol::EncodeError>) -> Outcome {
    match frame {
        Ok(frame) => Outcome::Answer(frame.into_segments().collect()),
        Err(error) => {
            tracing::error!(peer = call.peer, %error, "an answer cannot be encoded");
            Outcome::Close
        }
    }
}

/// All that may be done with a group, as bits, where nothing is forbidden to anybody.
pub(crate) const GROUP_OPERATIONS: i32 = 0b1101_0100_1000;
/// The same for a topic.
pub(crate) const TOPIC_OPERATIONS: i32 = 0b1101_1111_1000;
/// The same for the cluster.
pub(crate) const CLUSTER_OPERATIONS: i32 = 0b1_1111_1010_0000;

/// A message for a human in an answer, if there is one to give.
pub(crate) fn text(message: impl Into<String>) -> Option<StrBytes> {
    Some(StrBytes::from(message.into()))
}

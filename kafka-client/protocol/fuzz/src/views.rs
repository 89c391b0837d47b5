//! Messages that can be read in place: what is read so agrees with the message read as a whole, and
//! takes no memory.

use bytes::Bytes;
use kafka_client_protocol::api::describe_topic_partitions::DescribeTopicPartitionsResponse;
use kafka_client_protocol::api::fetch::{FetchRequest, FetchResponse};
use kafka_client_protocol::api::list_offsets::ListOffsetsResponse;
use kafka_client_protocol::api::list_partition_reassignments::ListPartitionReassignmentsResponse;
use kafka_client_protocol::api::metadata::MetadataResponse;
use kafka_client_protocol::api::offset_fetch::OffsetFetchResponse;
use kafka_client_protocol::api::produce::{ProduceRequest, ProduceResponse};
use kafka_client_protocol::api::share_fetch::ShareFetchResponse;
use kafka_client_protocol::{ApiKey, DecodeErrorKind, ViewMessage};

use self::same::Same;
use crate::memory;

// The comparison of the tests, so that there is one only.
#[path = "../../tests/codec/views/same.rs"]
mod same;

/// Checks a body if it is of such a message.
pub(crate) fn check(key: ApiKey, response: bool, body: &Bytes, version: i16) {
    let check = match (key, response) {
        (ApiKey::PRODUCE, false) => compare::<ProduceRequest>,
        (ApiKey::PRODUCE, true) => compare::<ProduceResponse>,
        (ApiKey::FETCH, false) => compare::<FetchRequest>,
        (ApiKey::FETCH, true) => compare::<FetchResponse>,
        (ApiKey::METADATA, true) => compare::<MetadataResponse>,
        (ApiKey::LIST_OFFSETS, true) => compare::<ListOffsetsResponse>,
        (ApiKey::OFFSET_FETCH, true) => compare::<OffsetFetchResponse>,
        (ApiKey::SHARE_FETCH, true) => compare::<ShareFetchResponse>,
        (ApiKey::DESCRIBE_TOPIC_PARTITIONS, true) => compare::<DescribeTopicPartitionsResponse>,
        (ApiKey::LIST_PARTITION_REASSIGNMENTS, true) => {
            compare::<ListPartitionReassignmentsResponse>
        }
        _ => return,
    };
    check(body, version);
}

fn compare<M>(body: &Bytes, version: i16)
where
    M: ViewMessage + for<'a> Same<M::View<'a>>,
{
    // No more than the error.
    let view = memory::bounded(memory::OVERHEAD, || M::view(body, version));
    match (M::decode(body.clone(), version), view) {
        (Ok(owned), Ok(view)) => owned.same(&view),
        // What takes no memory has no limit of it.
        (Err(error), _) if matches!(error.kind(), DecodeErrorKind::TooMuchMemory { .. }) => {}
        (Err(owned), Err(view)) => assert_eq!(
            (owned.message(), owned.field()),
            (view.message(), view.field())
        ),
        (Err(error), Ok(_)) => panic!("{error}, but not in place"),
        (Ok(_), Err(error)) => panic!("{error}, but only in place"),
    }
}

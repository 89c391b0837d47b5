//! Messages read in place say the same as messages read as a whole, and refuse the same bytes.

use std::mem::discriminant;

use bytes::Bytes;
use kafka_client_protocol::api::describe_topic_partitions::DescribeTopicPartitionsResponse;
use kafka_client_protocol::api::fetch::{FetchRequest, FetchResponse};
use kafka_client_protocol::api::list_offsets::ListOffsetsResponse;
use kafka_client_protocol::api::list_partition_reassignments::ListPartitionReassignmentsResponse;
use kafka_client_protocol::api::metadata::MetadataResponse;
use kafka_client_protocol::api::offset_fetch::OffsetFetchResponse;
use kafka_client_protocol::api::produce::{ProduceRequest, ProduceResponse};
use kafka_client_protocol::api::share_fetch::ShareFetchResponse;
use kafka_client_protocol::{DecodeErrorKind, ViewMessage};

use self::same::Same;
use crate::golden::cases;

pub(crate) mod same;

macro_rules! every_view {
    ($($name:ident $message:ident $file:literal $kind:literal;)*) => {$(
        #[test]
        fn $name() {
            every_case::<$message>($file, $kind);
        }
    )*};
}

every_view! {
    topic_partitions DescribeTopicPartitionsResponse "describe_topic_partitions.txt" "Response";
    fetch_request FetchRequest "fetch.txt" "Request";
    fetch_response FetchResponse "fetch.txt" "Response";
    listed_offsets ListOffsetsResponse "list_offsets.txt" "Response";
    reassignments ListPartitionReassignmentsResponse "list_partition_reassignments.txt" "Response";
    metadata MetadataResponse "metadata.txt" "Response";
    fetched_offsets OffsetFetchResponse "offset_fetch.txt" "Response";
    produce_request ProduceRequest "produce.txt" "Request";
    produce_response ProduceResponse "produce.txt" "Response";
    share_fetch_response ShareFetchResponse "share_fetch.txt" "Response";
}

/// Compares every golden case, which takes no memory to read in place, and what is refused: each
/// cut, each flipped bit.
fn every_case<M>(file: &str, kind: &str)
where
    M: ViewMessage + std::fmt::Debug + for<'a> Same<M::View<'a>>,
    for<'a> M::View<'a>: std::fmt::Debug,
{
    let mut seen = 0;
    for case in cases(file).into_iter().filter(|case| case.kind == kind) {
        seen += 1;
        let allocations = allocation_counter::measure(|| {
            // Its debug form iterates over everything.
            let view = M::view(&case.bytes, case.version).unwrap();
            std::fmt::Write::write_fmt(&mut Nowhere, format_args!("{view:?}")).unwrap();
        });
        assert_eq!(allocations.count_total, 0, "v{}", case.version);

        let both = |bytes: &Bytes| {
            let owned = M::decode(bytes.clone(), case.version);
            let view = M::view(bytes, case.version);
            match (owned, view) {
                (Ok(owned), Ok(view)) => owned.same(&view),
                // What takes no memory has no limit of it.
                (Err(owned), _) if is_memory(owned.kind()) => {}
                // How many bytes are missing differs: arrays of numbers are passed over in one go.
                (Err(owned), Err(view)) => {
                    assert_eq!(discriminant(owned.kind()), discriminant(view.kind()));
                    assert_eq!(owned.field(), view.field());
                }
                (owned, view) => panic!("{owned:?} and {view:?} of {bytes:?}"),
            }
        };
        both(&case.bytes);
        for length in 0..case.bytes.len() {
            both(&case.bytes.slice(..length));
        }
        // Bits of the long ones only repeat what the short ones have.
        for bit in 0..case.bytes.len().min(350) * 8 {
            let mut flipped = case.bytes.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            both(&flipped.into());
        }
    }
    assert!(seen > 0, "{file} has cases");
}

fn is_memory(kind: &DecodeErrorKind) -> bool {
    matches!(kind, DecodeErrorKind::TooMuchMemory { .. })
}

/// Takes text and keeps nothing.
struct Nowhere;

impl std::fmt::Write for Nowhere {
    fn write_str(&mut self, _: &str) -> std::fmt::Result {
        Ok(())
    }
}

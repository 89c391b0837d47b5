//! Messages read in place say the same as messages read as a whole, and refuse the same bytes.

use std::mem::discriminant;

use bytes::Bytes;
use kafka_client_protocol::api::fetch::{FetchRequest, FetchResponse};
use kafka_client_protocol::api::produce::{ProduceRequest, ProduceResponse};
use kafka_client_protocol::{DecodeErrorKind, ViewMessage};

use crate::golden::cases;

/// Compares fields of the same name that need no conversion, or one that is named.
macro_rules! same {
    ($owned:ident, $view:ident, { $($field:ident),* } $(, text { $($text:ident),* })?) => {
        $(assert_eq!($owned.$field, $view.$field);)*
        $($(assert_eq!($owned.$text.as_str(), $view.$text);)*)?
    };
}

/// Two arrays, element by element.
macro_rules! pairs {
    ($owned:expr, $view:expr) => {{
        assert_eq!($owned.len(), $view.len());
        assert_eq!($view.iter().count(), $view.len());
        $owned.iter().zip($view.iter())
    }};
}

#[test]
fn a_fetch_response() {
    every_case::<FetchResponse>("fetch.txt", "Response", |owned, view| {
        same!(owned, view, { throttle_time_ms, error_code, session_id });
        for (owned, view) in pairs!(owned.responses, view.responses) {
            same!(owned, view, { topic_id }, text { topic });
            for (owned, view) in pairs!(owned.partitions, view.partitions) {
                same!(owned, view, {
                    partition_index, error_code, high_watermark, last_stable_offset,
                    log_start_offset, preferred_read_replica
                });
                assert_eq!(owned.records.as_deref(), view.records);
                let (one, other) = (&owned.diverging_epoch, &view.diverging_epoch);
                same!(one, other, { epoch, end_offset });
                let (one, other) = (&owned.current_leader, &view.current_leader);
                same!(one, other, { leader_id, leader_epoch });
                let (one, other) = (&owned.snapshot_id, &view.snapshot_id);
                same!(one, other, { epoch, end_offset });
                let aborted = (&owned.aborted_transactions, &view.aborted_transactions);
                match aborted {
                    (Some(owned), Some(view)) => {
                        for (owned, view) in pairs!(owned, view) {
                            same!(owned, view, { producer_id, first_offset });
                        }
                    }
                    (owned, view) => assert!(owned.is_none() && view.is_none()),
                }
            }
        }
        for (owned, view) in pairs!(owned.node_endpoints, view.node_endpoints) {
            same!(owned, view, { node_id, port }, text { host });
            assert_eq!(owned.rack.as_deref(), view.rack);
        }
    });
}

#[test]
fn a_fetch_request() {
    every_case::<FetchRequest>("fetch.txt", "Request", |owned, view| {
        same!(owned, view, {
            replica_id, max_wait_ms, min_bytes, max_bytes, isolation_level, session_id,
            session_epoch
        }, text { rack_id });
        assert_eq!(owned.cluster_id.as_deref(), view.cluster_id);
        let (one, other) = (&owned.replica_state, &view.replica_state);
        same!(one, other, { replica_id, replica_epoch });
        for (owned, view) in pairs!(owned.topics, view.topics) {
            same!(owned, view, { topic_id }, text { topic });
            for (owned, view) in pairs!(owned.partitions, view.partitions) {
                same!(owned, view, {
                    partition, current_leader_epoch, fetch_offset, last_fetched_epoch,
                    log_start_offset, partition_max_bytes, replica_directory_id, high_watermark
                });
            }
        }
        for (owned, view) in pairs!(owned.forgotten_topics_data, view.forgotten_topics_data) {
            same!(owned, view, { topic_id }, text { topic });
            assert!(owned.partitions.iter().copied().eq(view.partitions.iter()));
        }
    });
}

#[test]
fn a_produce_request() {
    every_case::<ProduceRequest>("produce.txt", "Request", |owned, view| {
        same!(owned, view, { acks, timeout_ms });
        assert_eq!(owned.transactional_id.as_deref(), view.transactional_id);
        for (owned, view) in pairs!(owned.topic_data, view.topic_data) {
            same!(owned, view, { topic_id }, text { name });
            for (owned, view) in pairs!(owned.partition_data, view.partition_data) {
                same!(owned, view, { index });
                assert_eq!(owned.records.as_deref(), view.records);
            }
        }
    });
}

#[test]
fn a_produce_response() {
    every_case::<ProduceResponse>("produce.txt", "Response", |owned, view| {
        same!(owned, view, { throttle_time_ms });
        for (owned, view) in pairs!(owned.responses, view.responses) {
            same!(owned, view, { topic_id }, text { name });
            for (owned, view) in pairs!(owned.partition_responses, view.partition_responses) {
                same!(owned, view, {
                    index, error_code, base_offset, log_append_time_ms, log_start_offset
                });
                assert_eq!(owned.error_message.as_deref(), view.error_message);
                let (one, other) = (&owned.current_leader, &view.current_leader);
                same!(one, other, { leader_id, leader_epoch });
                for (owned, view) in pairs!(owned.record_errors, view.record_errors) {
                    same!(owned, view, { batch_index });
                    let message = owned.batch_index_error_message.as_deref();
                    assert_eq!(message, view.batch_index_error_message);
                }
            }
        }
        for (owned, view) in pairs!(owned.node_endpoints, view.node_endpoints) {
            same!(owned, view, { node_id, port }, text { host });
            assert_eq!(owned.rack.as_deref(), view.rack);
        }
    });
}

#[test]
fn reading_in_place_allocates_nothing() {
    for case in cases("fetch.txt") {
        if case.kind == "Response" {
            let allocations = allocation_counter::measure(|| {
                let view = FetchResponse::view(&case.bytes, case.version).unwrap();
                for topic in &view.responses {
                    assert!(
                        topic
                            .partitions
                            .iter()
                            .all(|one| one.partition_index > i32::MIN)
                    );
                }
            });
            assert_eq!(
                allocations.count_total, 0,
                "v{} {}",
                case.version, case.variant
            );
        }
    }
}

/// Runs `same` over every golden case, and compares what is refused: each cut, each flipped bit.
fn every_case<M>(file: &str, kind: &str, same: impl Fn(&M, &M::View<'_>))
where
    M: ViewMessage + std::fmt::Debug,
    for<'a> M::View<'a>: std::fmt::Debug,
{
    let mut seen = 0;
    for case in cases(file).into_iter().filter(|case| case.kind == kind) {
        seen += 1;
        let both = |bytes: &Bytes| {
            let owned = M::decode(bytes.clone(), case.version);
            let view = M::view(bytes, case.version);
            match (owned, view) {
                (Ok(owned), Ok(view)) => same(&owned, &view),
                // What takes no memory has no limit of it. How many bytes are missing differs: arrays
                // of numbers are passed over in one go.
                (Err(owned), Err(view)) => {
                    if matches!(owned.kind(), DecodeErrorKind::TooMuchMemory { .. }) {
                        return;
                    }
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

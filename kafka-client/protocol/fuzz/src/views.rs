//! Messages that can be read in place: what is read so agrees with the message read as a whole, and
//! takes no memory.

use bytes::Bytes;
use kafka_client_protocol::api::fetch::{FetchRequest, FetchResponse};
use kafka_client_protocol::api::produce::{ProduceRequest, ProduceResponse};
use kafka_client_protocol::{ApiKey, DecodeErrorKind, ViewMessage};

use crate::memory;

/// Checks a body if it is of such a message.
pub(crate) fn check(key: ApiKey, response: bool, body: &Bytes, version: i16) {
    match (key, response) {
        (ApiKey::PRODUCE, false) => compare::<ProduceRequest>(body, version, |owned, view| {
            owned.acks == view.acks
                && same(&owned.topic_data, &view.topic_data, |owned, view| {
                    owned.name.as_str() == view.name
                        && same(
                            &owned.partition_data,
                            &view.partition_data,
                            |owned, view| {
                                owned.index == view.index
                                    && owned.records.as_deref() == view.records
                            },
                        )
                })
        }),
        (ApiKey::PRODUCE, true) => compare::<ProduceResponse>(body, version, |owned, view| {
            same(&owned.responses, &view.responses, |owned, view| {
                owned.topic_id == view.topic_id
                    && same(
                        &owned.partition_responses,
                        &view.partition_responses,
                        |owned, view| {
                            owned.base_offset == view.base_offset
                                && owned.error_message.as_deref() == view.error_message
                                && same(&owned.record_errors, &view.record_errors, |owned, view| {
                                    owned.batch_index == view.batch_index
                                })
                        },
                    )
            }) && same(
                &owned.node_endpoints,
                &view.node_endpoints,
                |owned, view| owned.port == view.port && owned.rack.as_deref() == view.rack,
            )
        }),
        (ApiKey::FETCH, false) => compare::<FetchRequest>(body, version, |owned, view| {
            owned.replica_state.replica_epoch == view.replica_state.replica_epoch
                && same(&owned.topics, &view.topics, |owned, view| {
                    owned.topic_id == view.topic_id
                        && same(&owned.partitions, &view.partitions, |owned, view| {
                            owned.partition_max_bytes == view.partition_max_bytes
                        })
                })
                && same(
                    &owned.forgotten_topics_data,
                    &view.forgotten_topics_data,
                    |owned, view| {
                        same(&owned.partitions, &view.partitions, |owned, view| {
                            *owned == view
                        })
                    },
                )
        }),
        (ApiKey::FETCH, true) => compare::<FetchResponse>(body, version, |owned, view| {
            same(&owned.responses, &view.responses, |owned, view| {
                owned.topic.as_str() == view.topic
                    && same(&owned.partitions, &view.partitions, |owned, view| {
                        let aborted = (&owned.aborted_transactions, &view.aborted_transactions);
                        owned.records.as_deref() == view.records
                            && owned.diverging_epoch.end_offset == view.diverging_epoch.end_offset
                            && match aborted {
                                (Some(owned), Some(view)) => same(owned, view, |owned, view| {
                                    owned.first_offset == view.first_offset
                                }),
                                (owned, view) => owned.is_none() && view.is_none(),
                            }
                    })
            }) && same(
                &owned.node_endpoints,
                &view.node_endpoints,
                |owned, view| owned.host.as_str() == view.host,
            )
        }),
        _ => {}
    }
}

fn compare<M: ViewMessage>(body: &Bytes, version: i16, same: impl Fn(&M, &M::View<'_>) -> bool) {
    // No more than the error.
    let view = memory::bounded(memory::OVERHEAD, || M::view(body, version));
    match (M::decode(body.clone(), version), view) {
        (Ok(owned), Ok(view)) => assert!(same(&owned, &view), "{} v{version}", M::NAME),
        // What takes no memory has no limit of it.
        (Err(error), _) if matches!(error.kind(), DecodeErrorKind::TooMuchMemory { .. }) => {}
        // Not the field: fields of a fixed size are passed over in one go.
        (Err(owned), Err(view)) => assert_eq!(owned.message(), view.message()),
        (Err(error), Ok(_)) => panic!("{error}, but not in place"),
        (Ok(_), Err(error)) => panic!("{error}, but only in place"),
    }
}

/// Whether two arrays are alike, element by element.
fn same<'a, T, V, I>(owned: &[T], view: &'a I, alike: impl Fn(&T, V) -> bool) -> bool
where
    &'a I: IntoIterator<Item = V>,
{
    let mut count = 0;
    let alike = owned.iter().zip(view).all(|(owned, view)| {
        count += 1;
        alike(owned, view)
    });
    alike && count == owned.len() && view.into_iter().count() == owned.len()
}

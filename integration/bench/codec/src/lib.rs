//! The work that the benchmarks of the codec measure: Produce and Fetch messages of 1, 100 and
//! 10,000 partitions, written and read by this project and by its peers from the same bytes.

#![expect(clippy::unwrap_used, reason = "what fails is not worth measuring")]

pub mod records;

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use kafka_client_protocol::api::fetch::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, FetchableTopicResponse, PartitionData,
};
use kafka_client_protocol::api::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    TopicProduceData, TopicProduceResponse,
};
use kafka_client_protocol::{Message, Request, StrBytes, Uuid, ViewMessage, frame};
use kafka_protocol::messages as oracle;
use kafka_protocol::protocol::{Decodable, Encodable};
use rskafka::protocol::api_version::ApiVersion;
use rskafka::protocol::messages::{self as peer, ReadVersionedType, WriteVersionedType};
use rskafka::protocol::primitives as primitive;

/// The numbers of partitions in a message.
pub const PARTITIONS: [usize; 3] = [1, 100, 10_000];

/// The newest versions, which flexible brokers and clients talk.
const PRODUCE: i16 = 13;
const FETCH: i16 = 17;
/// The highest versions that rskafka knows.
const PRODUCE_OLD: i16 = 7;
const FETCH_OLD: i16 = 4;

/// One implementation doing one thing to one message.
pub struct Case {
    /// The message, its version and what is done.
    pub task: String,
    /// Who does it.
    pub codec: &'static str,
    /// Partitions in the message.
    pub partitions: usize,
    /// Does it once.
    pub run: Box<dyn Fn()>,
}

/// All cases, those of one task together.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Cases(Vec::new());
    for partitions in PARTITIONS {
        // A kibibyte of records for each partition, as opaque to all of them as to us.
        let records = Bytes::from(vec![7; 1024]);
        let produce = produce_request(partitions, &records);
        cases.encode_request::<_, oracle::ProduceRequest>(&produce, PRODUCE, partitions);
        cases.encode_request::<_, oracle::FetchRequest>(
            &fetch_request(partitions),
            FETCH,
            partitions,
        );
        cases.decode::<_, oracle::ProduceRequest>(&produce, PRODUCE, partitions, |view| {
            for topic in &view.topic_data {
                for partition in &topic.partition_data {
                    black_box((partition.index, partition.records));
                }
            }
        });
        cases.decode::<_, oracle::ProduceResponse>(
            &produce_response(partitions),
            PRODUCE,
            partitions,
            |view| {
                for topic in &view.responses {
                    for partition in &topic.partition_responses {
                        black_box((partition.index, partition.error_code, partition.base_offset));
                    }
                }
            },
        );
        let fetch = fetch_response(partitions, &records);
        cases.encode_response::<FetchRequest, oracle::FetchResponse>(&fetch, FETCH, partitions);
        cases.encode_response::<ProduceRequest, oracle::ProduceResponse>(
            &produce_response(partitions),
            PRODUCE,
            partitions,
        );
        cases.decode::<FetchResponse, oracle::FetchResponse>(
            &fetch,
            FETCH,
            partitions,
            iterate_fetch,
        );
        cases.decode::<_, oracle::FetchRequest>(
            &fetch_request(partitions),
            FETCH,
            partitions,
            |view| {
                for topic in &view.topics {
                    for partition in &topic.partitions {
                        black_box((partition.partition, partition.fetch_offset));
                    }
                }
            },
        );
        cases.beside_rskafka(partitions);
    }
    cases.0
}

struct Cases(Vec<Case>);

impl Cases {
    fn add(
        &mut self,
        task: &str,
        codec: &'static str,
        partitions: usize,
        run: impl Fn() + 'static,
    ) {
        self.0.push(Case {
            task: task.to_owned(),
            codec,
            partitions,
            run: Box::new(run),
        });
    }

    fn encode_request<M, O>(&mut self, message: &M, version: i16, partitions: usize)
    where
        M: Request + Clone + 'static,
        O: Encodable + Decodable + 'static,
    {
        let task = format!("encode {} v{version}", M::NAME);
        let theirs = converted::<M, O>(message, version);
        let ours = message.clone();
        self.add(&task, "kafka-client", partitions, move || {
            black_box(frame::encode_request(&ours, version, 1, None).unwrap());
        });
        self.add(&task, "kafka-protocol", partitions, move || {
            black_box(encoded(&theirs, version));
        });
    }

    fn encode_response<R, O>(&mut self, message: &R::Response, version: i16, partitions: usize)
    where
        R: Request,
        R::Response: Clone + 'static,
        O: Encodable + Decodable + 'static,
    {
        let task = format!("encode {} v{version}", R::Response::NAME);
        let theirs = converted::<R::Response, O>(message, version);
        let ours = message.clone();
        self.add(&task, "kafka-client", partitions, move || {
            black_box(frame::encode_response::<R>(&ours, version, 1).unwrap());
        });
        self.add(&task, "kafka-protocol", partitions, move || {
            black_box(encoded(&theirs, version));
        });
    }

    fn decode<M, O>(
        &mut self,
        message: &M,
        version: i16,
        partitions: usize,
        iterate: fn(M::View<'_>),
    ) where
        M: ViewMessage + 'static,
        O: Decodable + 'static,
    {
        let task = format!("decode {} v{version}", M::NAME);
        let bytes = message.encode(version).unwrap();
        let body = bytes.clone();
        self.add(&task, "kafka-client, in place", partitions, move || {
            iterate(M::view(&body, version).unwrap());
        });
        let body = bytes.clone();
        self.add(&task, "kafka-client", partitions, move || {
            black_box(M::decode(body.clone(), version).unwrap());
        });
        self.add(&task, "kafka-protocol", partitions, move || {
            black_box(O::decode(&mut bytes.clone(), version).unwrap());
        });
    }

    /// What rskafka has: a client's side of old versions. It reads record batches together with
    /// the message, so the partitions have none here.
    fn beside_rskafka(&mut self, partitions: usize) {
        let none = Bytes::new();
        let produce = produce_request(partitions, &none);
        self.encode_request::<_, oracle::ProduceRequest>(&produce, PRODUCE_OLD, partitions);
        let theirs = peer_produce_request(&produce);
        self.peer_encode("encode ProduceRequest", PRODUCE_OLD, partitions, theirs);

        let fetch = fetch_request(partitions);
        self.encode_request::<_, oracle::FetchRequest>(&fetch, FETCH_OLD, partitions);
        let theirs = peer_fetch_request(&fetch);
        self.peer_encode("encode FetchRequest", FETCH_OLD, partitions, theirs);

        let response = produce_response(partitions);
        self.decode::<_, oracle::ProduceResponse>(&response, PRODUCE_OLD, partitions, |view| {
            for topic in &view.responses {
                for partition in &topic.partition_responses {
                    black_box((partition.index, partition.error_code, partition.base_offset));
                }
            }
        });
        self.peer_decode::<peer::ProduceResponse>(
            "decode ProduceResponse",
            PRODUCE_OLD,
            partitions,
            response.encode(PRODUCE_OLD).unwrap(),
        );

        let response = fetch_response(partitions, &none);
        self.decode::<FetchResponse, oracle::FetchResponse>(
            &response,
            FETCH_OLD,
            partitions,
            iterate_fetch,
        );
        self.peer_decode::<peer::FetchResponse>(
            "decode FetchResponse",
            FETCH_OLD,
            partitions,
            response.encode(FETCH_OLD).unwrap(),
        );
    }

    fn peer_encode<M>(&mut self, task: &str, version: i16, partitions: usize, message: M)
    where
        M: WriteVersionedType<Vec<u8>> + 'static,
    {
        let task = format!("{task} v{version}");
        let version = ApiVersion(primitive::Int16(version));
        self.add(&task, "rskafka", partitions, move || {
            let mut out = Vec::new();
            message.write_versioned(&mut out, version).unwrap();
            black_box(out);
        });
    }

    fn peer_decode<M>(&mut self, task: &str, version: i16, partitions: usize, body: Bytes)
    where
        M: for<'a> ReadVersionedType<&'a [u8]> + 'static,
    {
        let task = format!("{task} v{version}");
        let version = ApiVersion(primitive::Int16(version));
        self.add(&task, "rskafka", partitions, move || {
            black_box(M::read_versioned(&mut &body[..], version).unwrap());
        });
    }
}

fn iterate_fetch(view: <FetchResponse as ViewMessage>::View<'_>) {
    for topic in &view.responses {
        for partition in &topic.partitions {
            black_box((
                partition.partition_index,
                partition.error_code,
                partition.high_watermark,
                partition.records,
            ));
        }
    }
}

/// The same message as the other crate has it.
fn converted<M: Message, O: Decodable>(message: &M, version: i16) -> O {
    O::decode(&mut message.encode(version).unwrap(), version).unwrap()
}

/// As a careful user of the other crate would do it: one allocation of the right size.
fn encoded<O: Encodable>(message: &O, version: i16) -> BytesMut {
    let mut out = BytesMut::with_capacity(message.compute_size(version).unwrap());
    message.encode(&mut out, version).unwrap();
    out
}

/// Partitions spread over topics: as many topics as partitions in each.
fn spread<T>(
    partitions: usize,
    topic: impl Fn(StrBytes, Uuid, std::ops::Range<i32>) -> T,
) -> Vec<T> {
    let topics = partitions.isqrt();
    (0..topics)
        .map(|index| {
            let name = format!("a-topic-of-usual-length-{index}").into();
            let mut id = [3; 16];
            id[..8].copy_from_slice(&index.to_be_bytes());
            topic(name, Uuid(id), 0..(partitions / topics) as i32)
        })
        .collect()
}

fn produce_request(partitions: usize, records: &Bytes) -> ProduceRequest {
    ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: spread(partitions, |name, topic_id, partitions| TopicProduceData {
            name,
            topic_id,
            partition_data: partitions
                .map(|index| PartitionProduceData {
                    index,
                    records: Some(records.clone()),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn produce_response(partitions: usize) -> ProduceResponse {
    ProduceResponse {
        responses: spread(partitions, |name, topic_id, partitions| {
            TopicProduceResponse {
                name,
                topic_id,
                partition_responses: partitions
                    .map(|index| PartitionProduceResponse {
                        index,
                        base_offset: 1_000_000,
                        log_start_offset: 5,
                        ..Default::default()
                    })
                    .collect(),
                ..Default::default()
            }
        }),
        ..Default::default()
    }
}

fn fetch_request(partitions: usize) -> FetchRequest {
    FetchRequest {
        max_wait_ms: 500,
        min_bytes: 1,
        topics: spread(partitions, |topic, topic_id, partitions| FetchTopic {
            topic,
            topic_id,
            partitions: partitions
                .map(|partition| FetchPartition {
                    partition,
                    fetch_offset: 1_000_000,
                    partition_max_bytes: 1 << 20,
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn fetch_response(partitions: usize, records: &Bytes) -> FetchResponse {
    FetchResponse {
        responses: spread(partitions, |topic, topic_id, partitions| {
            FetchableTopicResponse {
                topic,
                topic_id,
                partitions: partitions
                    .map(|partition_index| PartitionData {
                        partition_index,
                        high_watermark: 1_000_000,
                        last_stable_offset: 1_000_000,
                        aborted_transactions: Some(Vec::new()),
                        records: Some(records.clone()),
                        ..Default::default()
                    })
                    .collect(),
                ..Default::default()
            }
        }),
        ..Default::default()
    }
}

fn peer_produce_request(message: &ProduceRequest) -> peer::ProduceRequest {
    peer::ProduceRequest {
        transactional_id: primitive::NullableString(None),
        acks: primitive::Int16(message.acks),
        timeout_ms: primitive::Int32(message.timeout_ms),
        topic_data: message
            .topic_data
            .iter()
            .map(|topic| peer::ProduceRequestTopicData {
                name: primitive::String_(topic.name.to_string()),
                partition_data: topic
                    .partition_data
                    .iter()
                    .map(|partition| peer::ProduceRequestPartitionData {
                        index: primitive::Int32(partition.index),
                        records: primitive::Records(Vec::new()),
                    })
                    .collect(),
            })
            .collect(),
    }
}

fn peer_fetch_request(message: &FetchRequest) -> peer::FetchRequest {
    peer::FetchRequest {
        replica_id: primitive::Int32(message.replica_id),
        max_wait_ms: primitive::Int32(message.max_wait_ms),
        min_bytes: primitive::Int32(message.min_bytes),
        max_bytes: Some(primitive::Int32(message.max_bytes)),
        isolation_level: None,
        topics: message
            .topics
            .iter()
            .map(|topic| peer::FetchRequestTopic {
                topic: primitive::String_(topic.topic.to_string()),
                partitions: topic
                    .partitions
                    .iter()
                    .map(|partition| peer::FetchRequestPartition {
                        partition: primitive::Int32(partition.partition),
                        fetch_offset: primitive::Int64(partition.fetch_offset),
                        partition_max_bytes: primitive::Int32(partition.partition_max_bytes),
                    })
                    .collect(),
            })
            .collect(),
    }
}

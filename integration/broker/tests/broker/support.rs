//! A client that sends one request at a time and knows nothing else.

use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use kafka_broker::{Broker, Builder};
use kafka_client_protocol::api::fetch::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData,
};
use kafka_client_protocol::api::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponseTopic,
};
use kafka_client_protocol::api::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, TopicProduceData,
};
use kafka_client_protocol::frame::{self, decode_response, encode_request};
use kafka_client_protocol::records::{BatchBuilder, Batches, CompressionConfig, Seal};
use kafka_client_protocol::{Request, Uuid};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub(crate) const NOW: i64 = 1_700_000_000_000;

/// A broker that opens no port.
pub(crate) async fn start(builder: Builder) -> Broker {
    builder.no_listener().start().await.unwrap()
}

/// Bytes both ways.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(crate) struct Client {
    stream: Box<dyn Stream>,
    client_id: String,
    correlation_id: i32,
}

impl Client {
    pub(crate) fn new(broker: &Broker) -> Self {
        Self::named(broker, "test")
    }

    pub(crate) fn named(broker: &Broker, client_id: &str) -> Self {
        Self::over(broker.connect(), client_id)
    }

    pub(crate) fn over(stream: impl Stream + 'static, client_id: &str) -> Self {
        Self {
            stream: Box::new(stream),
            client_id: client_id.to_owned(),
            correlation_id: 0,
        }
    }

    pub(crate) fn stream(&mut self) -> &mut dyn Stream {
        &mut *self.stream
    }

    pub(crate) async fn send<R: Request>(&mut self, request: &R, version: i16) -> i32 {
        self.correlation_id += 1;
        let client_id = Some(self.client_id.as_str().into());
        let frame = encode_request(request, version, self.correlation_id, client_id).unwrap();
        self.stream.write_all(&frame.to_bytes()).await.unwrap();
        self.correlation_id
    }

    /// The answer to the request sent first; `None` when the broker closed the connection.
    pub(crate) async fn receive<R: Request>(
        &mut self,
        version: i16,
        correlation_id: i32,
    ) -> Option<R::Response> {
        let length = self.stream.read_i32().await.ok()?;
        let mut body = BytesMut::zeroed(length as usize);
        self.stream.read_exact(&mut body).await.ok()?;
        let body = body.freeze();
        assert_eq!(frame::correlation_id(&body).unwrap(), correlation_id);
        Some(decode_response::<R>(&body, version).unwrap())
    }

    pub(crate) async fn try_call<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Option<R::Response> {
        let correlation_id = self.send(request, version).await;
        self.receive::<R>(version, correlation_id).await
    }

    /// Sends a request; whether the connection takes it.
    pub(crate) async fn try_write<R: Request>(&mut self, request: &R, version: i16) -> bool {
        self.correlation_id += 1;
        let frame = encode_request(request, version, self.correlation_id, None).unwrap();
        self.stream.write_all(&frame.to_bytes()).await.is_ok()
    }

    /// Sends a request; whether it is answered, and not a connection that has ended.
    pub(crate) async fn try_send<R: Request>(&mut self, request: &R, version: i16) -> bool {
        if !self.try_write(request, version).await {
            return false;
        }
        let correlation_id = self.correlation_id;
        let answer = self.receive::<R>(version, correlation_id).await;
        answer.is_some()
    }

    pub(crate) async fn call<R: Request>(&mut self, request: &R, version: i16) -> R::Response {
        self.try_call(request, version).await.expect("an answer")
    }

    pub(crate) async fn topic(&mut self, name: &str) -> MetadataResponseTopic {
        let request = MetadataRequest {
            topics: Some(vec![MetadataRequestTopic {
                name: Some(name.into()),
                ..Default::default()
            }]),
            ..Default::default()
        };
        self.call(&request, 13).await.topics.swap_remove(0)
    }

    /// One batch to one partition, with acks all.
    pub(crate) async fn produce(
        &mut self,
        topic: &str,
        partition: i32,
        records: Bytes,
    ) -> PartitionProduceResponse {
        let request = produce_request(topic, partition, records);
        let mut answer = self.call(&request, 12).await;
        answer
            .responses
            .swap_remove(0)
            .partition_responses
            .swap_remove(0)
    }

    pub(crate) async fn fetch(
        &mut self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> PartitionData {
        let mut answer = self
            .call(&fetch_request(topic, partition, offset), 12)
            .await;
        one(&mut answer)
    }

    /// All values from an offset on.
    pub(crate) async fn values(&mut self, topic: &str, partition: i32, from: i64) -> Vec<String> {
        let mut values = Vec::new();
        let mut offset = from;
        loop {
            let data = self.fetch(topic, partition, offset).await;
            assert_eq!(data.error_code, 0);
            let records = records(&data);
            let Some((last, _)) = records.last() else {
                return values;
            };
            offset = last + 1;
            values.extend(records.into_iter().map(|(_, value)| value));
        }
    }
}

pub(crate) fn one(answer: &mut FetchResponse) -> PartitionData {
    answer.responses.swap_remove(0).partitions.swap_remove(0)
}

pub(crate) fn produce_request(topic: &str, partition: i32, records: Bytes) -> ProduceRequest {
    produce_request_to(topic, Uuid::ZERO, partition, records)
}

pub(crate) fn produce_request_to(
    name: &str,
    topic_id: Uuid,
    index: i32,
    records: Bytes,
) -> ProduceRequest {
    ProduceRequest {
        acks: -1,
        timeout_ms: 1000,
        topic_data: vec![TopicProduceData {
            name: name.into(),
            topic_id,
            partition_data: vec![PartitionProduceData {
                index,
                records: Some(records),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// Answers at once, with up to 1 MiB.
pub(crate) fn fetch_request(topic: &str, partition: i32, fetch_offset: i64) -> FetchRequest {
    FetchRequest {
        min_bytes: 1,
        topics: vec![FetchTopic {
            topic: topic.into(),
            partitions: vec![FetchPartition {
                partition,
                fetch_offset,
                partition_max_bytes: 1 << 20,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// Offsets and values of what a fetch gave.
pub(crate) fn records(data: &PartitionData) -> Vec<(i64, String)> {
    let mut all = Vec::new();
    for batch in Batches::new(data.records.clone().unwrap()) {
        let batch = batch.unwrap();
        batch.verify_crc().unwrap();
        let mut records = batch.records(1 << 30).unwrap();
        while let Some(record) = records.next_record() {
            let record = record.unwrap();
            let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
            all.push((record.offset, value));
        }
    }
    all
}

/// An idempotent producer's batch.
pub(crate) fn batch_of(values: &[&str], producer: (i64, i16, i32)) -> Bytes {
    let (producer_id, producer_epoch, base_sequence) = producer;
    seal(
        values,
        &Seal {
            producer_id,
            producer_epoch,
            base_sequence,
            ..Seal::default()
        },
    )
}

pub(crate) fn batch(values: &[&str]) -> Bytes {
    seal(values, &Seal::default())
}

pub(crate) fn compressed(values: &[&str], compression: CompressionConfig) -> Bytes {
    seal(
        values,
        &Seal {
            compression,
            ..Seal::default()
        },
    )
}

fn seal(values: &[&str], seal: &Seal) -> Bytes {
    let mut open = BatchBuilder::new(BytesMut::new());
    for (n, value) in values.iter().enumerate() {
        open.append(NOW + n as i64, Some(b"key"), Some(value.as_bytes()), &[])
            .unwrap();
    }
    open.seal(seal).unwrap().bytes
}

/// The warnings of the thread that made it, for as long as it lives.
pub(crate) struct Log {
    text: Written,
    _guard: tracing::subscriber::DefaultGuard,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn new() -> Self {
        let text = Written::default();
        let written = text.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::WARN)
            .with_ansi(false)
            .with_writer(move || written.clone())
            .finish();
        Self {
            text,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    pub(crate) fn warnings(&self) -> String {
        String::from_utf8(self.text.0.lock().unwrap().clone()).unwrap()
    }
}

//! librdkafka, through the crate `rdkafka`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfig, FromClientConfigAndContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{
    BaseProducer, BaseRecord, FutureProducer, FutureRecord, Producer, ProducerContext,
};

use super::{BUFFER_MEMORY, Client, OUTSTANDING};
use crate::Failure;
use crate::job::Job;

/// Records between two looks for delivery reports.
const POLL_EVERY: u64 = 1000;

/// Between two tries while the queue is full.
const FULL: Duration = Duration::from_millis(1);

const FLUSH_LIMIT: Duration = Duration::from_secs(60);

fn config(job: &Job) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &job.bootstrap)
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("compression.type", job.codec.name())
        .set("queue.buffering.max.messages", OUTSTANDING.to_string())
        .set(
            "queue.buffering.max.kbytes",
            (BUFFER_MEMORY / 1024).to_string(),
        );
    for (name, value) in &job.security {
        config.set(name, value);
    }
    if let Some(ms) = job.linger_ms {
        config.set("linger.ms", ms.to_string());
    }
    config
}

fn is_full(error: &KafkaError) -> bool {
    *error == KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)
}

/// Counts reports.
#[derive(Clone, Default)]
struct Reports(Arc<Counts>);

#[derive(Default)]
struct Counts {
    handed_over: AtomicU64,
    delivered: AtomicU64,
}

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_ok() {
            self.0.delivered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Deliveries are told to a callback, so there is none to await but all, in `flush`.
pub(crate) struct Base {
    producer: BaseProducer<Reports>,
    reports: Reports,
}

impl Client for Base {
    type Delivery = ();

    async fn connect(job: &Job) -> Result<Self, Failure> {
        let reports = Reports::default();
        let producer = BaseProducer::from_config_and_context(&config(job), reports.clone())?;
        Ok(Self { producer, reports })
    }

    async fn enqueue(
        &self,
        topic: &str,
        partition: Option<i32>,
        value: &Bytes,
    ) -> Result<(), Failure> {
        let count = self.reports.0.handed_over.fetch_add(1, Ordering::Relaxed);
        if count.is_multiple_of(POLL_EVERY) {
            self.producer.poll(Duration::ZERO);
        }
        let mut record = BaseRecord::<(), [u8]>::to(topic).payload(value);
        record.partition = partition;
        while let Err((error, back)) = self.producer.send(record) {
            if !is_full(&error) {
                return Err(error.into());
            }
            self.producer.poll(FULL);
            record = back;
        }
        Ok(())
    }

    async fn delivered((): ()) -> Result<(), Failure> {
        Ok(())
    }

    async fn flush(&self) -> Result<(), Failure> {
        // Delivers the reports as well.
        self.producer.flush(FLUSH_LIMIT)?;
        let handed_over = self.reports.0.handed_over.load(Ordering::Relaxed);
        let delivered = self.reports.0.delivered.load(Ordering::Relaxed);
        match delivered == handed_over {
            true => Ok(()),
            false => Err(format!("{delivered} of {handed_over} records are delivered").into()),
        }
    }
}

pub(crate) struct Futures(FutureProducer);

impl Client for Futures {
    type Delivery = DeliveryFuture;

    async fn connect(job: &Job) -> Result<Self, Failure> {
        Ok(Self(FutureProducer::from_config(&config(job))?))
    }

    async fn enqueue(
        &self,
        topic: &str,
        partition: Option<i32>,
        value: &Bytes,
    ) -> Result<DeliveryFuture, Failure> {
        let mut record = FutureRecord::<(), [u8]>::to(topic).payload(value);
        record.partition = partition;
        loop {
            match self.0.send_result(record) {
                Ok(delivery) => return Ok(delivery),
                Err((error, back)) if is_full(&error) => record = back,
                Err((error, _)) => return Err(error.into()),
            }
            tokio::time::sleep(FULL).await;
        }
    }

    async fn delivered(delivery: DeliveryFuture) -> Result<(), Failure> {
        match delivery.await? {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(error.into()),
        }
    }

    async fn flush(&self) -> Result<(), Failure> {
        Ok(self.0.flush(FLUSH_LIMIT)?)
    }
}

//! librdkafka's side, through the `rdkafka` crate.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfig, FromClientConfigAndContext};
use rdkafka::consumer::{BaseConsumer, Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{
    BaseProducer, BaseRecord, FutureProducer, FutureRecord, Producer, ProducerContext,
};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::usage::{Measurement, Meter};
use crate::{Failure, Job, OUTSTANDING};

/// Records between two looks for delivery reports.
const POLL_EVERY: u64 = 1000;

fn producer_config(job: &Job) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &job.bootstrap)
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("linger.ms", "5")
        .set("queue.buffering.max.kbytes", "32768");
    config
}

fn is_full(error: &KafkaError) -> bool {
    *error == KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)
}

/// Counts deliveries.
#[derive(Clone, Default)]
struct Counts(Arc<[AtomicU64; 2]>);

impl ClientContext for Counts {}

impl ProducerContext for Counts {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        self.0[usize::from(result.is_err())].fetch_add(1, Ordering::Relaxed);
    }
}

pub(crate) fn base_producer(job: &Job) -> Result<Measurement, Failure> {
    let counts = Counts::default();
    let producer = BaseProducer::from_config_and_context(&producer_config(job), counts.clone())?;
    produce(job, &producer, job.warm_up)?;
    let meter = Meter::start()?;
    produce(job, &producer, job.records)?;
    let measurement = meter.stop(job.records)?;
    let [delivered, failed] = &*counts.0;
    let delivered = delivered.load(Ordering::Relaxed);
    let failed = failed.load(Ordering::Relaxed);
    if delivered != job.records + job.warm_up {
        return Err(format!("{delivered} records delivered, {failed} failed").into());
    }
    Ok(measurement)
}

fn produce(job: &Job, producer: &BaseProducer<Counts>, records: u64) -> Result<(), Failure> {
    let value = job.value();
    for n in 0..records {
        if n % POLL_EVERY == 0 {
            producer.poll(Duration::ZERO);
        }
        let mut record = BaseRecord::<(), [u8]>::to(&job.topic).payload(&value);
        record.partition = job.partition(n);
        while let Err((error, back)) = producer.send(record) {
            if !is_full(&error) {
                return Err(error.into());
            }
            producer.poll(Duration::from_millis(1));
            record = back;
        }
    }
    // Delivers the reports as well.
    producer.flush(Duration::from_secs(60))?;
    Ok(())
}

pub(crate) async fn future_producer(job: &Job) -> Result<Measurement, Failure> {
    let producer = FutureProducer::from_config(&producer_config(job))?;
    produce_futures(job, &producer, job.warm_up).await?;
    let meter = Meter::start()?;
    produce_futures(job, &producer, job.records).await?;
    meter.stop(job.records)
}

async fn produce_futures(
    job: &Job,
    producer: &FutureProducer,
    records: u64,
) -> Result<(), Failure> {
    let value = job.value();
    let mut deliveries: VecDeque<DeliveryFuture> = VecDeque::with_capacity(OUTSTANDING);
    for n in 0..records {
        if deliveries.len() == OUTSTANDING
            && let Some(oldest) = deliveries.pop_front()
        {
            delivered(oldest).await?;
        }
        let mut record = FutureRecord::<(), [u8]>::to(&job.topic).payload(&value);
        record.partition = job.partition(n);
        loop {
            match producer.send_result(record) {
                Ok(delivery) => {
                    deliveries.push_back(delivery);
                    break;
                }
                Err((error, back)) => {
                    record = back;
                    match deliveries.pop_front() {
                        Some(oldest) if is_full(&error) => delivered(oldest).await?,
                        _ => return Err(error.into()),
                    }
                }
            }
        }
    }
    for delivery in deliveries {
        delivered(delivery).await?;
    }
    Ok(())
}

async fn delivered(delivery: DeliveryFuture) -> Result<(), Failure> {
    match delivery.await? {
        Ok(_) => Ok(()),
        Err((error, _)) => Err(error.into()),
    }
}

fn consumer<C: Consumer + FromClientConfig>(job: &Job) -> Result<C, Failure> {
    let consumer: C = ClientConfig::new()
        .set("bootstrap.servers", &job.bootstrap)
        .set("group.id", "client-cpu")
        .set("enable.auto.commit", "false")
        .set("check.crcs", "true")
        .create()?;
    let mut partitions = TopicPartitionList::new();
    for partition in 0..job.partitions {
        partitions.add_partition_offset(&job.topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&partitions)?;
    Ok(consumer)
}

pub(crate) fn base_consumer(job: &Job) -> Result<Measurement, Failure> {
    poll(&consumer(job)?, job.warm_up)?;
    let meter = Meter::start()?;
    let consumer = consumer(job)?;
    poll(&consumer, job.records)?;
    meter.stop(job.records)
}

fn poll(consumer: &BaseConsumer, records: u64) -> Result<(), Failure> {
    let mut taken = 0;
    while taken < records {
        if let Some(record) = consumer.poll(Duration::from_secs(1)) {
            black_box(record?);
            taken += 1;
        }
    }
    Ok(())
}

pub(crate) async fn stream_consumer(job: &Job) -> Result<Measurement, Failure> {
    stream(&consumer(job)?, job.warm_up).await?;
    let meter = Meter::start()?;
    let consumer = consumer(job)?;
    stream(&consumer, job.records).await?;
    meter.stop(job.records)
}

async fn stream(consumer: &StreamConsumer, records: u64) -> Result<(), Failure> {
    let mut stream = consumer.stream();
    for _ in 0..records {
        let record = stream.next().await.ok_or("the stream ended")?;
        black_box(record?);
    }
    Ok(())
}

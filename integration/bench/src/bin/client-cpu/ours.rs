//! This client's side.

use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Duration;

use kafka_client::Kafka;
use kafka_client::consumer::{Consumer, OffsetReset, TopicPartition};
use kafka_client::producer::{Delivery, Producer};
use kafka_client::record::Record;

use crate::usage::{Measurement, Meter};
use crate::{Failure, Job, OUTSTANDING};

pub(crate) async fn enqueue(job: &Job) -> Result<Measurement, Failure> {
    let kafka = Kafka::connect(&job.bootstrap).await?;
    let producer = kafka
        .producer()
        .linger(Duration::from_millis(5))
        .buffer_memory(32 * 1024 * 1024)
        .build()
        .await?;
    let mut deliveries = VecDeque::with_capacity(OUTSTANDING);
    produce(job, &producer, &mut deliveries, job.warm_up).await?;
    let meter = Meter::start()?;
    produce(job, &producer, &mut deliveries, job.records).await?;
    let measurement = meter.stop(job.records)?;
    producer.close().await?;
    Ok(measurement)
}

async fn produce(
    job: &Job,
    producer: &Producer,
    deliveries: &mut VecDeque<Delivery>,
    records: u64,
) -> Result<(), Failure> {
    let value = job.value();
    for n in 0..records {
        if deliveries.len() == OUTSTANDING
            && let Some(oldest) = deliveries.pop_front()
        {
            oldest.await?;
        }
        let mut record = Record::to(&job.topic).value(&value);
        if let Some(partition) = job.partition(n) {
            record = record.partition(partition);
        }
        deliveries.push_back(producer.enqueue(record).await?);
    }
    while let Some(oldest) = deliveries.pop_front() {
        oldest.await?;
    }
    Ok(())
}

pub(crate) async fn recv(job: &Job) -> Result<Measurement, Failure> {
    let kafka = Kafka::connect(&job.bootstrap).await?;
    take_records(&mut assigned(&kafka, job).await?, job.warm_up).await?;
    // A new consumer: nothing that is measured was fetched before.
    let meter = Meter::start()?;
    let mut consumer = assigned(&kafka, job).await?;
    take_records(&mut consumer, job.records).await?;
    meter.stop(job.records)
}

async fn take_records(consumer: &mut Consumer, records: u64) -> Result<(), Failure> {
    for _ in 0..records {
        black_box(consumer.recv().await?);
    }
    Ok(())
}

pub(crate) async fn recv_batch(job: &Job) -> Result<Measurement, Failure> {
    let kafka = Kafka::connect(&job.bootstrap).await?;
    take_batches(&mut assigned(&kafka, job).await?, job.warm_up).await?;
    let meter = Meter::start()?;
    let mut consumer = assigned(&kafka, job).await?;
    let records = take_batches(&mut consumer, job.records).await?;
    meter.stop(records)
}

/// Takes whole batches until there are this many records; how many there were.
async fn take_batches(consumer: &mut Consumer, records: u64) -> Result<u64, Failure> {
    let mut taken = 0;
    while taken < records {
        let batch = consumer.recv_batch().await?;
        for record in batch.iter() {
            black_box(record?);
            taken += 1;
        }
    }
    Ok(taken)
}

async fn assigned(kafka: &Kafka, job: &Job) -> Result<Consumer, Failure> {
    let partitions = (0..job.partitions).map(|n| TopicPartition::new(job.topic.as_str(), n));
    let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
    Ok(reader.assign(partitions).await?)
}

//! This client's side.

use std::hint::black_box;

use kafka_client::Kafka;
use kafka_client::consumer::{Consumer, OffsetReset};

use super::Job;
use crate::Failure;
use crate::topics::of_topic;
use crate::usage::{Measurement, Meter};

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
    let partitions = of_topic(&job.topic, job.partitions);
    let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
    Ok(reader.assign(partitions).await?)
}

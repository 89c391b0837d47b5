//! librdkafka's side, through the `rdkafka` crate.

use std::hint::black_box;
use std::time::Duration;

use futures::StreamExt;
use rdkafka::config::{ClientConfig, FromClientConfig};
use rdkafka::consumer::{BaseConsumer, Consumer, StreamConsumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::Job;
use crate::Failure;
use crate::usage::{Measurement, Meter};

fn consumer<C: Consumer + FromClientConfig>(job: &Job) -> Result<C, Failure> {
    let consumer: C = ClientConfig::new()
        .set("bootstrap.servers", &job.bootstrap)
        .set("group.id", "kafka-bench")
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

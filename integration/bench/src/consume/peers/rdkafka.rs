//! librdkafka, through the crate `rdkafka`, which does not offer its batch queue without `unsafe`.

use std::hint::black_box;
use std::time::Duration;

use futures::StreamExt;
use rdkafka::config::{ClientConfig, FromClientConfig};
use rdkafka::consumer::{BaseConsumer, Consumer, StreamConsumer};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::super::{AHEAD, PARTITION_BYTES};
use super::Source;
use crate::Failure;
use crate::job::Job;

fn assigned<C: Consumer + FromClientConfig>(job: &Job) -> Result<C, Failure> {
    let mut config = ClientConfig::new();
    for (name, value) in &job.security {
        config.set(name, value);
    }
    let consumer: C = config
        .set("bootstrap.servers", &job.bootstrap)
        .set("group.id", "kafka-bench")
        .set("enable.auto.commit", "false")
        .set("check.crcs", "true")
        .set("fetch.message.max.bytes", PARTITION_BYTES.to_string())
        .set("queued.max.messages.kbytes", (AHEAD / 1024).to_string())
        .create()?;
    let mut partitions = TopicPartitionList::new();
    for partition in 0..job.partitions {
        partitions.add_partition_offset(&job.topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&partitions)?;
    Ok(consumer)
}

pub(in super::super) struct Base(BaseConsumer);

impl Source for Base {
    async fn start(job: &Job) -> Result<Self, Failure> {
        Ok(Self(assigned(job)?))
    }

    async fn take(
        &mut self,
        records: u64,
        mut see: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let mut taken = 0;
        while taken < records {
            match self.0.poll(Duration::from_secs(1)) {
                Some(record) => {
                    see(black_box(record?).payload().unwrap_or_default())?;
                    taken += 1;
                }
                None => tokio::task::yield_now().await,
            }
        }
        Ok(taken)
    }
}

pub(in super::super) struct Stream(StreamConsumer);

impl Source for Stream {
    async fn start(job: &Job) -> Result<Self, Failure> {
        Ok(Self(assigned(job)?))
    }

    async fn take(
        &mut self,
        records: u64,
        mut see: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let mut stream = self.0.stream();
        for _ in 0..records {
            let record = stream.next().await.ok_or("the stream ended")??;
            see(black_box(record).payload().unwrap_or_default())?;
        }
        Ok(records)
    }
}

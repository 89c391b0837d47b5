//! This project's client.

use std::hint::black_box;
use std::time::Duration;

use futures::StreamExt;
use kafka_client::Kafka;
use kafka_client::consumer::{
    AckConsumer, Consumer, ConsumerBuilder, OffsetReset, TopicPartition, TypedConsumer,
};
use kafka_client::record::ConsumerRecord;

use super::super::rows::Row;
use super::super::{AHEAD, PARTITION_BYTES};
use super::Source;
use crate::Failure;
use crate::job::{Api, Job, Workload};
use crate::topics::of_topic;

/// Records of a poll, at most.
const POLL: usize = 500;
const POLL_WAIT: Duration = Duration::from_secs(1);

/// Records between two turns of a reader that pauses one partition after the other, and how long it waits
/// for one.
const TURN: u64 = 3000;
const TURN_WAIT: Duration = Duration::from_millis(20);

fn with_settings(builder: ConsumerBuilder) -> ConsumerBuilder {
    builder
        .offset_reset(OffsetReset::Earliest)
        .check_crcs(true)
        .max_partition_fetch_bytes(PARTITION_BYTES)
        .buffer_bytes(AHEAD)
}

async fn reader(job: &Job) -> Result<ConsumerBuilder, Failure> {
    let kafka = Kafka::builder(&job.bootstrap).security_properties(job.security.clone());
    Ok(with_settings(kafka.connect().await?.reader()))
}

pub(in super::super) async fn assigned(job: &Job) -> Result<Consumer, Failure> {
    let partitions = of_topic(&job.topic, job.partitions);
    Ok(reader(job).await?.assign(partitions).await?)
}

pub(in super::super) async fn acknowledged(
    job: &Job,
) -> Result<AckConsumer<ConsumerRecord>, Failure> {
    let partitions = of_topic(&job.topic, job.partitions);
    Ok(reader(job).await?.manual_ack().assign(partitions).await?)
}

/// Untyped, in the way that the job says.
pub(in super::super) struct Ours {
    consumer: Consumer,
    api: Api,
}

impl Source for Ours {
    async fn start(job: &Job) -> Result<Self, Failure> {
        Ok(Self {
            consumer: assigned(job).await?,
            api: match job.workload {
                Workload::Backlog(backlog) => backlog.api,
                _ => Api::Recv,
            },
        })
    }

    async fn take(
        &mut self,
        records: u64,
        mut see: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let mut taken = 0;
        match self.api {
            Api::Batch => {
                while taken < records {
                    let batch = self.consumer.recv_batch().await?;
                    for record in batch.iter() {
                        see(black_box(record?).value.unwrap_or_default())?;
                        taken += 1;
                    }
                }
            }
            Api::Poll => {
                while taken < records {
                    for record in self.consumer.poll(POLL, POLL_WAIT).await? {
                        see(black_box(record).value().unwrap_or_default())?;
                        taken += 1;
                    }
                }
            }
            Api::Stream => {
                while taken < records {
                    let record = self.consumer.next().await.ok_or("the stream ended")??;
                    see(black_box(record).value().unwrap_or_default())?;
                    taken += 1;
                }
            }
            _ => {
                while taken < records {
                    let record = self.consumer.recv().await?;
                    see(black_box(record).value().unwrap_or_default())?;
                    taken += 1;
                }
            }
        }
        Ok(taken)
    }
}

/// Structs from JSON. A typed consumer subscribes, which needs a group; each is in one of its own.
pub(in super::super) struct Typed(TypedConsumer<Row>);

impl Source for Typed {
    async fn start(job: &Job) -> Result<Self, Failure> {
        let kafka = Kafka::connect(&job.bootstrap).await?;
        let group = format!("{}-{:x}", job.topic, fastrand::u64(..));
        let consumer = with_settings(kafka.consumer(group)).manual_commit();
        Ok(Self(consumer.subscribe_as([&job.topic]).await?))
    }

    async fn take(
        &mut self,
        records: u64,
        _: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        for _ in 0..records {
            black_box(self.0.recv().await?);
        }
        Ok(records)
    }
}

/// Acknowledges each record at once.
pub(in super::super) struct Acked(AckConsumer<ConsumerRecord>);

impl Source for Acked {
    async fn start(job: &Job) -> Result<Self, Failure> {
        Ok(Self(acknowledged(job).await?))
    }

    async fn take(
        &mut self,
        records: u64,
        mut see: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        for _ in 0..records {
            let delivery = black_box(self.0.recv().await?);
            see(delivery.value().unwrap_or_default())?;
            delivery.ack();
        }
        Ok(records)
    }
}

/// Pauses and resumes all partitions after each record.
pub(in super::super) struct Pausing {
    consumer: Consumer,
    partitions: Vec<TopicPartition>,
}

impl Source for Pausing {
    async fn start(job: &Job) -> Result<Self, Failure> {
        Ok(Self {
            consumer: assigned(job).await?,
            partitions: of_topic(&job.topic, job.partitions),
        })
    }

    async fn take(
        &mut self,
        records: u64,
        mut see: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let handle = self.consumer.handle();
        for _ in 0..records {
            let record = self.consumer.recv().await?;
            see(record.value().unwrap_or_default())?;
            handle.pause(&self.partitions);
            handle.resume(&self.partitions);
        }
        Ok(records)
    }
}

/// Pauses one partition more after each turn, until one is left, and then resumes all: of each answer
/// something is not wanted for a while.
pub(in super::super) struct PausingInTurn {
    consumer: Consumer,
    partitions: Vec<TopicPartition>,
    paused: usize,
}

impl Source for PausingInTurn {
    async fn start(job: &Job) -> Result<Self, Failure> {
        Ok(Self {
            consumer: assigned(job).await?,
            partitions: of_topic(&job.topic, job.partitions),
            paused: 0,
        })
    }

    async fn take(
        &mut self,
        records: u64,
        mut see: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let handle = self.consumer.handle();
        let mut taken = 0;
        while taken < records {
            let turn = (taken + TURN).min(records);
            while taken < turn {
                // Of the others there may be nothing any more.
                let next = tokio::time::timeout(TURN_WAIT, self.consumer.recv());
                let Ok(record) = next.await else { break };
                see(record?.value().unwrap_or_default())?;
                taken += 1;
            }
            self.paused = (self.paused + 1) % self.partitions.len();
            match self.paused {
                0 => handle.resume(&self.partitions),
                paused => handle.pause(&self.partitions[paused..=paused]),
            }
        }
        Ok(taken)
    }
}

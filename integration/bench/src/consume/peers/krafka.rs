//! The crate `krafka`.

use std::hint::black_box;
use std::time::Duration;

use krafka::Kafka;
use krafka::consumer::{AutoOffsetReset, Consumer};

use super::super::PARTITION_BYTES;
use super::Source;
use crate::Failure;
use crate::job::Job;

pub(in super::super) struct Krafka(Consumer);

impl Source for Krafka {
    async fn start(job: &Job) -> Result<Self, Failure> {
        let kafka = Kafka::builder(job.bootstrap.as_str()).connect().await?;
        let consumer = kafka
            .consumer_without_group()
            .auto_offset_reset(AutoOffsetReset::Earliest)
            .max_partition_fetch_bytes(PARTITION_BYTES)
            .build()
            .await?;
        consumer
            .assign(&job.topic, (0..job.partitions).collect())
            .await?;
        Ok(Self(consumer))
    }

    async fn take(
        &mut self,
        records: u64,
        mut see: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let mut taken = 0;
        while taken < records {
            for record in self.0.poll(Duration::from_secs(1)).await? {
                see(black_box(record).value.as_deref().unwrap_or_default())?;
                taken += 1;
            }
        }
        Ok(taken)
    }
}

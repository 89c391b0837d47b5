//! The crate `kacrab`.

use std::hint::black_box;
use std::time::Duration;

use kacrab::common::TopicPartition;
use kacrab::consumer::Consumer;

use super::super::PARTITION_BYTES;
use super::Source;
use crate::Failure;
use crate::job::Job;

pub(in super::super) struct Kacrab(Consumer);

impl Source for Kacrab {
    async fn start(job: &Job) -> Result<Self, Failure> {
        let mut consumer = Consumer::from_map([
            ("bootstrap.servers", job.bootstrap.clone()),
            ("auto.offset.reset", "earliest".to_owned()),
            ("enable.auto.commit", "false".to_owned()),
            ("check.crcs", "true".to_owned()),
            ("max.partition.fetch.bytes", PARTITION_BYTES.to_string()),
        ])
        .await?;
        let topic = job.topic.as_str();
        consumer
            .assign((0..job.partitions).map(|partition| TopicPartition::new(topic, partition)))?;
        Ok(Self(consumer))
    }

    async fn take(
        &mut self,
        records: u64,
        mut see: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let mut taken = 0;
        while taken < records {
            for record in &self.0.poll(Duration::from_secs(1)).await? {
                see(black_box(record).value.as_deref().unwrap_or_default())?;
                taken += 1;
            }
        }
        Ok(taken)
    }
}

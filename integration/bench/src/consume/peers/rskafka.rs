//! The crate `rskafka`. It has a client for each partition, which fetches when it is asked to.

use std::hint::black_box;

use futures::stream::{BoxStream, SelectAll, StreamExt, select_all, try_unfold};
use rskafka::client::ClientBuilder;
use rskafka::client::partition::UnknownTopicHandling;
use rskafka::record::RecordAndOffset;

use super::super::PARTITION_BYTES;
use super::Source;
use crate::Failure;
use crate::job::Job;

/// Kafka's default of `fetch.max.wait.ms`.
const WAIT_MS: i32 = 500;

/// The answers of all partitions.
pub(in super::super) struct Rskafka(
    SelectAll<BoxStream<'static, Result<Vec<RecordAndOffset>, Failure>>>,
);

impl Source for Rskafka {
    async fn start(job: &Job) -> Result<Self, Failure> {
        let client = ClientBuilder::new(vec![job.bootstrap.clone()])
            .build()
            .await?;
        let mut partitions = Vec::new();
        for partition in 0..job.partitions {
            let client = client
                .partition_client(&job.topic, partition, UnknownTopicHandling::Retry)
                .await?;
            let answers = try_unfold((client, 0), |(client, offset)| async move {
                let (records, _) = client
                    .fetch_records(offset, 1..PARTITION_BYTES, WAIT_MS)
                    .await?;
                let next = records.last().map_or(offset, |record| record.offset + 1);
                Ok(Some((records, (client, next))))
            });
            partitions.push(answers.boxed());
        }
        Ok(Self(select_all(partitions)))
    }

    async fn take(
        &mut self,
        records: u64,
        mut see: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let mut taken = 0;
        while taken < records {
            for record in self.0.next().await.ok_or("the stream ended")?? {
                see(black_box(record)
                    .record
                    .value
                    .as_deref()
                    .unwrap_or_default())?;
                taken += 1;
            }
        }
        Ok(taken)
    }
}

//! Records that one task receives and 16 others are done with, each with a channel of its own.

use std::hint::black_box;

use kafka_client::Error;
use kafka_client::consumer::{AckConsumer, Consumer, Delivery};
use kafka_client::record::ConsumerRecord;
use tokio::sync::mpsc::channel;

use super::peers::{Source, ours};
use crate::Failure;
use crate::job::Job;

const TASKS: usize = 16;

/// All of them together stay below the records that may be unacknowledged by default.
const WAITING: usize = 256;

/// Nothing but what is to be compared with.
pub(super) struct HandOver(Consumer);

impl Source for HandOver {
    async fn start(job: &Job) -> Result<Self, Failure> {
        Ok(Self(ours::assigned(job).await?))
    }

    async fn take(
        &mut self,
        records: u64,
        _: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let next = async || self.0.recv().await;
        hand_over(records, next, |record| drop(black_box(record))).await
    }
}

/// The tasks acknowledge them.
pub(super) struct HandOverAck(AckConsumer<ConsumerRecord>);

impl Source for HandOverAck {
    async fn start(job: &Job) -> Result<Self, Failure> {
        Ok(Self(ours::acknowledged(job).await?))
    }

    async fn take(
        &mut self,
        records: u64,
        _: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let next = async || self.0.recv().await;
        let done = |delivery: Delivery<ConsumerRecord>| black_box(delivery).ack();
        hand_over(records, next, done).await
    }
}

/// To each task in turn; returns when they are done with all.
async fn hand_over<T: Send + 'static>(
    records: u64,
    mut next: impl AsyncFnMut() -> Result<T, Error>,
    done: fn(T),
) -> Result<u64, Failure> {
    let (channels, tasks): (Vec<_>, Vec<_>) = (0..TASKS)
        .map(|_| {
            let (sender, mut receiver) = channel(WAITING);
            let task = tokio::spawn(async move {
                while let Some(record) = receiver.recv().await {
                    done(record);
                }
            });
            (sender, task)
        })
        .unzip();
    for (_, channel) in (0..records).zip(channels.iter().cycle()) {
        let sent = channel.send(next().await?).await;
        sent.map_err(|_| "a task ended before its records")?;
    }
    drop(channels);
    for task in tasks {
        task.await?;
    }
    Ok(records)
}

//! Records that one task receives and 16 others are done with, each with a channel of its own.

use std::hint::black_box;

use kafka_client::Error;
use kafka_client::consumer::{AckConsumer, Consumer, Delivery};
use kafka_client::record::ConsumerRecord;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinHandle;

use super::peers::{Source, ours};
use crate::Failure;
use crate::job::Job;

const TASKS: usize = 16;

/// All of them together stay below the records that may be unacknowledged by default.
const WAITING: usize = 256;

/// Nothing but what is to be compared with.
pub(super) struct HandOver(Consumer, Tasks<ConsumerRecord>);

impl Source for HandOver {
    async fn start(job: &Job) -> Result<Self, Failure> {
        let tasks = Tasks::start(|record| drop(black_box(record)));
        Ok(Self(ours::assigned(job).await?, tasks))
    }

    async fn take(
        &mut self,
        records: u64,
        _: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let Self(consumer, tasks) = self;
        tasks
            .hand_over(records, async || consumer.recv().await)
            .await
    }

    async fn finish(self) -> Result<(), Failure> {
        self.1.finish().await
    }
}

/// The tasks acknowledge them.
pub(super) struct HandOverAck(AckConsumer<ConsumerRecord>, Tasks<Delivery<ConsumerRecord>>);

impl Source for HandOverAck {
    async fn start(job: &Job) -> Result<Self, Failure> {
        let tasks = Tasks::start(|delivery: Delivery<ConsumerRecord>| black_box(delivery).ack());
        Ok(Self(ours::acknowledged(job).await?, tasks))
    }

    async fn take(
        &mut self,
        records: u64,
        _: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let Self(consumer, tasks) = self;
        tasks
            .hand_over(records, async || consumer.recv().await)
            .await
    }

    async fn finish(self) -> Result<(), Failure> {
        self.1.finish().await
    }
}

struct Tasks<T> {
    channels: Vec<Sender<T>>,
    tasks: Vec<JoinHandle<()>>,
}

impl<T: Send + 'static> Tasks<T> {
    fn start(done: fn(T)) -> Self {
        let (channels, tasks) = (0..TASKS)
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
        Self { channels, tasks }
    }

    /// To each task in turn.
    async fn hand_over(
        &self,
        records: u64,
        mut next: impl AsyncFnMut() -> Result<T, Error>,
    ) -> Result<u64, Failure> {
        for (_, channel) in (0..records).zip(self.channels.iter().cycle()) {
            let sent = channel.send(next().await?).await;
            sent.map_err(|_| "a task ended before its records")?;
        }
        Ok(records)
    }

    /// Waits until all are done.
    async fn finish(self) -> Result<(), Failure> {
        drop(self.channels);
        for task in self.tasks {
            task.await?;
        }
        Ok(())
    }
}

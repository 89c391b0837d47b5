//! The crate `rskafka`. Its producers are of one partition each, take owned records, and do nothing
//! before they are polled.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use rskafka::chrono::DateTime;
use rskafka::client::ClientBuilder;
use rskafka::client::partition::{Compression, UnknownTopicHandling};
use rskafka::client::producer::aggregator::RecordAggregator;
use rskafka::client::producer::{BatchProducer, BatchProducerBuilder};
use rskafka::record::Record;

use super::Client;
use crate::Failure;
use crate::job::{Codec, Job};

/// Half of what a broker takes by default: it counts less than it writes for each record.
const BATCH_BYTES: usize = 512 * 1024;

pub(crate) struct Rskafka {
    partitions: Vec<Arc<BatchProducer<RecordAggregator>>>,
    next: AtomicU64,
}

type Written = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

impl Client for Rskafka {
    type Delivery = Written;

    async fn connect(job: &Job) -> Result<Self, Failure> {
        let client = ClientBuilder::new(vec![job.bootstrap.clone()])
            .build()
            .await?;
        let codec = match job.codec {
            Codec::None => Compression::NoCompression,
            Codec::Lz4 => Compression::Lz4,
            Codec::Zstd => Compression::Zstd,
        };
        let mut partitions = Vec::new();
        for partition in 0..job.partitions {
            let client = client
                .partition_client(&job.topic, partition, UnknownTopicHandling::Retry)
                .await?;
            let producer = BatchProducerBuilder::new(Arc::new(client))
                .with_compression(codec)
                .with_linger(job.linger().unwrap_or(Duration::from_millis(5)))
                .build(RecordAggregator::new(BATCH_BYTES));
            partitions.push(Arc::new(producer));
        }
        Ok(Self {
            partitions,
            next: AtomicU64::new(0),
        })
    }

    /// Where the client ought to choose, the records go to one partition after the other.
    async fn enqueue(
        &self,
        _: &str,
        partition: Option<i32>,
        value: &Bytes,
    ) -> Result<Written, Failure> {
        let index = match partition {
            Some(partition) => usize::try_from(partition)?,
            None => self.next.fetch_add(1, Ordering::Relaxed) as usize % self.partitions.len(),
        };
        let producer = Arc::clone(self.partitions.get(index).ok_or("no such partition")?);
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let record = Record {
            key: None,
            value: Some(value.to_vec()),
            headers: BTreeMap::new(),
            timestamp: DateTime::from_timestamp_millis(i64::try_from(now)?)
                .ok_or("the clock is out of range")?,
        };
        let mut written: Written = Box::pin(async move {
            producer.produce(record).await?;
            Ok(())
        });
        match futures::poll!(&mut written) {
            Poll::Pending => Ok(written),
            Poll::Ready(result) => Ok(Box::pin(std::future::ready(result))),
        }
    }

    async fn delivered(delivery: Written) -> Result<(), Failure> {
        delivery.await
    }

    async fn flush(&self) -> Result<(), Failure> {
        for producer in &self.partitions {
            producer.flush().await?;
        }
        Ok(())
    }
}

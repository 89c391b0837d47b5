//! This project's client.

use bytes::Bytes;
use kafka_client::Kafka;
use kafka_client::producer::{Compression, Delivery, Producer};
use kafka_client::record::Record;

use super::{BUFFER_MEMORY, Client};
use crate::Failure;
use crate::job::{Codec, Job};

pub(crate) struct Ours(Producer);

impl Client for Ours {
    type Delivery = Delivery;

    async fn connect(job: &Job) -> Result<Self, Failure> {
        let kafka = Kafka::builder(&job.bootstrap).security_properties(job.security.clone());
        let kafka = kafka.connect().await?;
        let codec = match job.codec {
            Codec::None => Compression::None,
            Codec::Lz4 => Compression::Lz4,
            Codec::Zstd => Compression::Zstd,
        };
        let mut producer = kafka
            .producer()
            .buffer_memory(BUFFER_MEMORY)
            .compression(codec);
        if let Some(linger) = job.linger() {
            producer = producer.linger(linger);
        }
        Ok(Self(producer.build().await?))
    }

    async fn enqueue(
        &self,
        topic: &str,
        partition: Option<i32>,
        value: &Bytes,
    ) -> Result<Delivery, Failure> {
        let mut record = Record::to(topic).value(value);
        if let Some(partition) = partition {
            record = record.partition(partition);
        }
        Ok(self.0.enqueue(record).await?)
    }

    async fn delivered(delivery: Delivery) -> Result<(), Failure> {
        delivery.await?;
        Ok(())
    }

    async fn flush(&self) -> Result<(), Failure> {
        Ok(self.0.flush().await?)
    }
}

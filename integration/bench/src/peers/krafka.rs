//! The crate `krafka`.

use bytes::Bytes;
use krafka::producer::{Acks, DeliveryHandle, Producer};
use krafka::{Kafka, Record};

use super::{BUFFER_MEMORY, Client};
use crate::Failure;
use crate::job::{Codec, Job};

pub(crate) struct Krafka(Producer);

impl Client for Krafka {
    type Delivery = DeliveryHandle;

    async fn connect(job: &Job) -> Result<Self, Failure> {
        let kafka = Kafka::builder(job.bootstrap.as_str()).connect().await?;
        let codec = match job.codec {
            Codec::None => krafka::Compression::None,
            Codec::Lz4 => krafka::Compression::Lz4,
            Codec::Zstd => krafka::Compression::Zstd,
        };
        let mut producer = kafka
            .producer()
            .acks(Acks::All)
            .idempotent(true)
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
    ) -> Result<DeliveryHandle, Failure> {
        let mut record = Record::new(topic, value.clone());
        if let Some(partition) = partition {
            record = record.partition(partition);
        }
        Ok(self.0.enqueue(record).await?)
    }

    async fn delivered(delivery: DeliveryHandle) -> Result<(), Failure> {
        drop(delivery.await?);
        Ok(())
    }

    async fn flush(&self) -> Result<(), Failure> {
        Ok(self.0.flush().await?)
    }
}

//! The crate `kacrab`.

use std::sync::Arc;

use bytes::Bytes;
use kacrab::producer::{Producer, ProducerRecord, SendFuture};

use super::{BUFFER_MEMORY, Client};
use crate::Failure;
use crate::job::Job;

pub(crate) struct Kacrab {
    producer: Producer,
    /// The topic's name, made once: a record wants it shared.
    topic: Arc<str>,
}

impl Client for Kacrab {
    type Delivery = SendFuture;

    async fn connect(job: &Job) -> Result<Self, Failure> {
        let mut producer = Producer::builder()
            .set("bootstrap.servers", job.bootstrap.as_str())
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("compression.type", job.codec.name())
            .set("buffer.memory", BUFFER_MEMORY.to_string());
        if let Some(ms) = job.linger_ms {
            producer = producer.set("linger.ms", ms.to_string());
        }
        Ok(Self {
            producer: producer.build().await?,
            topic: job.topic.as_str().into(),
        })
    }

    async fn enqueue(
        &self,
        topic: &str,
        partition: Option<i32>,
        value: &Bytes,
    ) -> Result<SendFuture, Failure> {
        let topic = match *topic == *self.topic {
            true => Arc::clone(&self.topic),
            false => topic.into(),
        };
        let record = match partition {
            Some(partition) => ProducerRecord::new(topic, partition),
            None => ProducerRecord::unassigned(topic),
        };
        Ok(self.producer.send(record.value(value.clone()))?)
    }

    async fn delivered(delivery: SendFuture) -> Result<(), Failure> {
        delivery.await?;
        Ok(())
    }

    async fn flush(&self) -> Result<(), Failure> {
        Ok(self.producer.flush().await?)
    }
}

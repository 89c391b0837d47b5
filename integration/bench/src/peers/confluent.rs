//! The crate `confluent-kafka`.

use std::collections::HashMap;

use bytes::Bytes;
use confluent_kafka::common::KafkaFuture;
use confluent_kafka::common::serialization::ByteArraySerializer;
use confluent_kafka::producer::{
    KafkaProducer, Producer, ProducerConfig, ProducerRecord, RecordMetadata,
};

use super::{BUFFER_MEMORY, Client};
use crate::Failure;
use crate::job::Job;

pub(crate) struct Confluent(KafkaProducer<Vec<u8>, Vec<u8>>);

impl Client for Confluent {
    type Delivery = KafkaFuture<RecordMetadata>;

    async fn connect(job: &Job) -> Result<Self, Failure> {
        let mut properties = HashMap::from(
            [
                ("bootstrap.servers", job.bootstrap.clone()),
                ("acks", "all".to_owned()),
                ("enable.idempotence", "true".to_owned()),
                ("compression.type", job.codec.name().to_owned()),
                ("buffer.memory", BUFFER_MEMORY.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        if let Some(ms) = job.linger_ms {
            properties.insert("linger.ms".to_owned(), ms.to_string());
        }
        let serializer = ByteArraySerializer::default;
        let config = ProducerConfig::new(&properties)?;
        Ok(Self(KafkaProducer::new(
            config,
            serializer(),
            serializer(),
        )?))
    }

    async fn enqueue(
        &self,
        topic: &str,
        partition: Option<i32>,
        value: &Bytes,
    ) -> Result<Self::Delivery, Failure> {
        let value = Some(&value[..]);
        let record = ProducerRecord::with_partition_key(topic.to_owned(), partition, None, value)?;
        Ok(self.0.send(record, None).await?)
    }

    async fn delivered(delivery: Self::Delivery) -> Result<(), Failure> {
        delivery.get().await?;
        Ok(())
    }

    async fn flush(&self) -> Result<(), Failure> {
        Ok(self.0.flush().await?)
    }
}

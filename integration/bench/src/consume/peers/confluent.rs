//! The crate `confluent-kafka`.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use confluent_kafka::common::TopicPartition;
use confluent_kafka::common::serialization::ByteArrayDeserializer;
use confluent_kafka::consumer::{Consumer, ConsumerConfig, KafkaConsumer};

use super::super::PARTITION_BYTES;
use super::Source;
use crate::Failure;
use crate::job::Job;

pub(in super::super) struct Confluent(KafkaConsumer<Vec<u8>, Vec<u8>>);

impl Source for Confluent {
    async fn start(job: &Job) -> Result<Self, Failure> {
        let properties = HashMap::from(
            [
                ("bootstrap.servers", job.bootstrap.clone()),
                // Its only one, with or without a group.
                ("group.protocol", "consumer".to_owned()),
                ("auto.offset.reset", "earliest".to_owned()),
                ("enable.auto.commit", "false".to_owned()),
                ("check.crcs", "true".to_owned()),
                ("max.partition.fetch.bytes", PARTITION_BYTES.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let deserializer = ByteArrayDeserializer::default;
        let config = ConsumerConfig::new(&properties)?;
        let mut consumer = KafkaConsumer::new(config, deserializer(), deserializer())?;
        let partitions = 0..job.partitions;
        let partitions =
            partitions.map(|partition| TopicPartition::new(job.topic.as_str(), partition));
        consumer.assign(partitions.collect()).await?;
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
                see(black_box(record).value().map_or(&[], Vec::as_slice))?;
                taken += 1;
            }
        }
        Ok(taken)
    }
}

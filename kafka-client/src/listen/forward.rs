//! Records that go from a listener to another topic: written until the broker has them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::context::Writer;
use super::stop::Stop;
use crate::client::Kafka;
use crate::env::lock;
use crate::error::{Error, ErrorKind, SendError};
use crate::health::Subject;
use crate::record::{ConsumerRecord, Header, Record};

/// The wait before a record is written again, the first time and at most.
const BACKOFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(10)];

/// Writes the records that handlers could not handle.
pub(super) struct Forwarder {
    kafka: Kafka,
    pub(super) group: Arc<str>,
    /// How many partitions a topic has, once that was asked.
    counts: Mutex<BTreeMap<Arc<str>, i32>>,
}

/// The listener ends, and the record is not written.
pub(super) struct Abandoned;

impl Forwarder {
    pub(super) fn new(kafka: Kafka, group: Arc<str>) -> Self {
        Self {
            kafka,
            group,
            counts: Mutex::default(),
        }
    }

    /// Writes a record with the key and the value of another, and waits until the broker has acknowledged it:
    /// for ever, unless the listener ends. Failures are told by the client's health.
    ///
    /// # Cancel safety
    /// Dropped, the record may be written.
    pub(super) async fn write(
        &self,
        writer: &Writer,
        stop: &Stop,
        topic: &Arc<str>,
        record: &ConsumerRecord,
        (headers, timestamp): (&[Header<'_>], Option<i64>),
    ) -> Result<(), Abandoned> {
        let subject = Subject::Forwarding {
            group: self.group.clone(),
            topic: topic.clone(),
        };
        let mut trouble = self.kafka.monitor().watch(subject);
        let mut wait = BACKOFF[0];
        loop {
            let attempt = self.attempt(writer, topic, record, (headers, timestamp));
            let Err(error) = attempt.await else {
                trouble.over();
                return Ok(());
            };
            trouble.failed(&error);
            // The topic may have been made anew, with other partitions.
            lock(&self.counts).remove(topic);
            tokio::select! {
                biased;
                () = stop.wait() => return Err(Abandoned),
                () = self.kafka.env().sleep(wait) => {}
            }
            wait = (2 * wait).min(BACKOFF[1]);
        }
    }

    async fn attempt(
        &self,
        writer: &Writer,
        topic: &Arc<str>,
        record: &ConsumerRecord,
        (headers, timestamp): (&[Header<'_>], Option<i64>),
    ) -> Result<(), Error> {
        let count = self.partitions(topic).await?;
        let written = Record {
            topic,
            partition: count.map(|count| record.partition() % count),
            key: record.key(),
            value: record.value(),
            headers,
            timestamp,
        };
        let producer = writer.producer().await?;
        let sent = producer.send(written).await;
        sent.map(drop).map_err(|error| match error {
            SendError::NotDelivered(error) | SendError::Unknown(error) => error,
        })
    }

    /// How many partitions a topic has; `None` if it is not there, and may be made when it is written to.
    async fn partitions(&self, topic: &Arc<str>) -> Result<Option<i32>, Error> {
        if let Some(count) = lock(&self.counts).get(topic) {
            return Ok(Some(*count));
        }
        match self.kafka.partitions(topic).await {
            Ok(partitions) => {
                let count = partitions.len() as i32;
                lock(&self.counts).insert(topic.clone(), count);
                Ok(Some(count.max(1)))
            }
            Err(error) if error.kind() == ErrorKind::UnknownTopic => Ok(None),
            Err(error) => Err(error),
        }
    }
}

//! The topic, written and read back.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use kafka_client::consumer::{Consumer, OffsetReset, TopicPartition};
use kafka_client::producer::Producer;
use kafka_client::record::Record;
use kafka_client::{ErrorCode, Kafka, NewTopic};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use crate::entry::Entry;
use crate::error::ApiError;
use crate::state::State;

/// How long a change may take to be written and read back.
const TIME_MAX: Duration = Duration::from_secs(30);

/// The topic with what it says.
pub(crate) struct Log {
    topic: String,
    producer: Producer,
    state: Arc<RwLock<State>>,
    /// The offset of the last record that was read; -1 before the first, `None` when reading has ended.
    read: watch::Receiver<Option<i64>>,
    reader: JoinHandle<()>,
    /// Who decides upon a change holds it until the change is read back, so that each decision sees all before.
    writing: Mutex<()>,
}

impl Log {
    /// Makes the topic if it is not there, and reads it to its end.
    pub(crate) async fn open(kafka: &Kafka, topic: &str) -> Result<Self, kafka_client::Error> {
        let new = NewTopic::new(topic)
            .partitions(1)
            .config("cleanup.policy", "compact");
        match kafka.create_topic(&new).await {
            Err(error) if error.code() != Some(ErrorCode::TOPIC_ALREADY_EXISTS) => {
                return Err(error);
            }
            _ => {}
        }
        let producer = kafka.producer().build().await?;
        let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
        let consumer = reader.assign([TopicPartition::new(topic, 0)]).await?;
        let state = Arc::new(RwLock::new(State::default()));
        let (tell, read) = watch::channel(Some(-1));
        let log = Self {
            topic: topic.to_owned(),
            producer,
            reader: tokio::spawn(follow(consumer, state.clone(), tell)),
            state,
            read,
            writing: Mutex::new(()),
        };
        Ok(log)
    }

    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides upon a change with the state as it is, writes it, and waits until it is read back.
    ///
    /// # Cancel safety
    /// Dropped, the change may be written, and is read all the same.
    pub(crate) async fn change<T>(
        &self,
        decide: impl FnOnce(&State) -> Result<(T, Vec<Entry>), ApiError>,
    ) -> Result<T, ApiError> {
        let _turn = self.writing.lock().await;
        let (result, entries) = decide(&self.state())?;
        if !entries.is_empty() {
            let written = tokio::time::timeout(TIME_MAX, self.write(&entries)).await;
            written.unwrap_or_else(|_| Err(ApiError::too_slow()))?;
        }
        Ok(result)
    }

    /// Reads all that was written before.
    pub(crate) async fn catch_up(&self) -> Result<(), ApiError> {
        self.change(|_| Ok(((), vec![Entry::noop()]))).await
    }

    async fn write(&self, entries: &[Entry]) -> Result<(), ApiError> {
        let mut last = -1;
        for entry in entries {
            let record = Record::to(&self.topic).partition(0).key(&entry.key);
            let record = match &entry.value {
                Some(value) => record.value(value),
                None => record,
            };
            let delivered = self
                .producer
                .send(record)
                .await
                .map_err(ApiError::not_stored)?;
            last = delivered.offset.unwrap_or(last);
        }
        let mut read = self.read.clone();
        let arrived = read
            .wait_for(|offset| offset.is_none_or(|offset| offset >= last))
            .await;
        match arrived.as_deref() {
            Ok(Some(_)) => Ok(()),
            _ => Err(ApiError::not_stored("the topic is not read any more")),
        }
    }

    /// Stops reading and writing.
    pub(crate) async fn close(&self) {
        self.reader.abort();
        if let Err(error) = self.producer.clone().close().await {
            tracing::warn!(%error, "the producer of schemas did not end well");
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn follow(
    mut consumer: Consumer,
    state: Arc<RwLock<State>>,
    tell: watch::Sender<Option<i64>>,
) {
    loop {
        match consumer.recv().await {
            Ok(record) => {
                if let Some(key) = record.key() {
                    let mut state = state.write().unwrap_or_else(PoisonError::into_inner);
                    state.apply(key, record.value());
                }
                tell.send_replace(Some(record.offset()));
            }
            Err(error) => {
                tracing::error!(%error, "the schemas' topic cannot be read any more");
                tell.send_replace(None);
                return;
            }
        }
    }
}

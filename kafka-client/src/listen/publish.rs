//! Records that handlers return, to be written.

use super::reply::private::Sealed;
use super::{BoxError, Message, Reply};
use crate::producer::Producer;
use crate::record::{HasTopic, KafkaRecord};

/// What a handler has written: one record or several, of a type that derives [`KafkaRecord`]. All are
/// acknowledged by the broker before the record that the handler was called with counts as handled; a failure to
/// write one is a failure of the handler, and as it is retried, some may be written twice.
///
/// ```
/// use kafka_client::KafkaRecord;
/// use kafka_client::listen::{Publish, Value};
///
/// #[derive(KafkaRecord)]
/// #[kafka(topic = "orders")]
/// struct OrderPlaced {
///     #[kafka(key)]
///     id: String,
/// }
///
/// #[derive(KafkaRecord)]
/// #[kafka(topic = "invoices")]
/// struct Invoice {
///     #[kafka(key)]
///     order_id: String,
/// }
///
/// async fn invoice(Value(order): Value<OrderPlaced>) -> Publish<Invoice> {
///     Publish::one(Invoice { order_id: order.id })
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish<T> {
    topic: Option<String>,
    records: Vec<T>,
}

impl<T: HasTopic> Publish<T> {
    /// One record, to the topic that its type names.
    #[must_use]
    pub fn one(record: T) -> Self {
        Self::all([record])
    }

    /// Several, or none, to the topic that their type names.
    pub fn all(records: impl IntoIterator<Item = T>) -> Self {
        Self::all_to(T::TOPIC_NAME, records)
    }
}

impl<T> Publish<T> {
    /// Nothing.
    #[must_use]
    pub const fn nothing() -> Self {
        Self {
            topic: None,
            records: Vec::new(),
        }
    }

    /// One record, to a topic.
    pub fn to(topic: impl Into<String>, record: T) -> Self {
        Self::all_to(topic, [record])
    }

    /// Several, or none, to a topic.
    pub fn all_to(topic: impl Into<String>, records: impl IntoIterator<Item = T>) -> Self {
        Self {
            topic: Some(topic.into()),
            records: records.into_iter().collect(),
        }
    }

    /// The records, for tests of handlers.
    #[must_use]
    pub fn records(&self) -> &[T] {
        &self.records
    }

    /// The topic that they go to; `None` of nothing.
    #[must_use]
    pub fn topic(&self) -> Option<&str> {
        self.topic.as_deref()
    }
}

impl<T> Sealed for Publish<T> {}

impl<T: KafkaRecord + Send + Sync> Reply for Publish<T> {
    async fn see_through<S: Send + Sync>(self, message: &Message<S>) -> Result<(), BoxError> {
        let Some(topic) = self.topic.filter(|_| !self.records.is_empty()) else {
            return Ok(());
        };
        let producer: &Producer = message.context.writer.producer().await?;
        let mut written = Vec::with_capacity(self.records.len());
        for record in &self.records {
            written.push(producer.enqueue_to(&topic, record).await?);
        }
        for delivery in written {
            delivery.await?;
        }
        Ok(())
    }
}

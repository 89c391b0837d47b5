//! A received record, sent on as it is.

use super::ToRecord;
use crate::error::Error;
use crate::record::{ConsumerRecord, Header, Record};

/// A received record for another topic. Made by [`ConsumerRecord::forward_to`].
#[derive(Debug, Clone, Copy)]
pub struct Forward<'a> {
    record: &'a ConsumerRecord,
    topic: &'a str,
}

impl ConsumerRecord {
    /// The record as it is, to be sent to another topic: key, value, headers and timestamp, byte for byte.
    /// Its partition is chosen anew.
    ///
    /// Such as a dead letter: the error of a record that cannot be decoded [has it](Error::record).
    ///
    /// ```no_run
    /// # #[derive(kafka_client::KafkaRecord)]
    /// # #[kafka(topic = "orders")]
    /// # struct Order {
    /// #     #[kafka(key)]
    /// #     id: String,
    /// # }
    /// # async fn run(
    /// #     mut orders: kafka_client::consumer::TypedConsumer<Order>,
    /// #     producer: kafka_client::producer::Producer,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// match orders.recv().await {
    ///     Ok(order) => println!("{}", order.id),
    ///     Err(error) => match error.record() {
    ///         Some(poison) => drop(producer.send(poison.forward_to("orders.dlt")).await?),
    ///         None => return Err(error.into()),
    ///     },
    /// }
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn forward_to<'a>(&'a self, topic: &'a str) -> Forward<'a> {
        Forward {
            record: self,
            topic,
        }
    }
}

impl ToRecord for Forward<'_> {
    fn to_record<T>(&self, with: impl FnOnce(&Record<'_>) -> T) -> Result<T, Error> {
        let headers = self.record.headers().iter();
        let headers: Vec<_> = headers.map(|(key, value)| Header { key, value }).collect();
        let mut record = Record::to(self.topic).headers(&headers);
        record.key = self.record.key();
        record.value = self.record.value();
        record.timestamp = self.record.timestamp_ms();
        Ok(with(&record))
    }
}

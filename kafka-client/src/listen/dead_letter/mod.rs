//! Dead letters: the record as it was, with headers that say what happened to it. Pure.
//!
//! - `kafka`: the names that Kafka's share groups use (KIP-1191)
//! - `streams`: those of Kafka Streams (KIP-1034)
//! - `spring`: those of Spring for Apache Kafka
//! - `connect`: those of Kafka Connect (KIP-298)

mod connect;
mod kafka;
mod spring;
mod streams;

use super::failure::Failure;
use crate::record::{ConsumerRecord, Header};

/// Which headers a dead letter is given, after its own: by whose names they tell where the record came from and
/// what it failed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum HeaderStyle {
    /// `__dlq.errors.*`, as brokers write them for share groups (KIP-1191). All are text.
    #[default]
    Kafka,
    /// `__streams.errors.*`, as Kafka Streams writes them (KIP-1034). All are text.
    Streams,
    /// `kafka_dlt-*`, as Spring's `DeadLetterPublishingRecoverer` writes them: partitions, offsets and timestamps
    /// are binary.
    Spring,
    /// `__connect.errors.*`, as Kafka Connect writes them (KIP-298). All are text; the listener is the
    /// connector, by its group.
    Connect,
}

/// A record that could not be handled.
pub(super) struct Dead<'a> {
    pub(super) record: &'a ConsumerRecord,
    pub(super) group: &'a str,
    /// How often it was handled.
    pub(super) attempts: u32,
    pub(super) failure: &'a Failure,
}

/// A header of our own: name and value.
type Added = (&'static str, Vec<u8>);

/// All headers of a dead letter: its own, as they were, then those that tell of the failure.
pub(super) fn headers(style: HeaderStyle, dead: &Dead<'_>) -> Vec<(String, Option<Vec<u8>>)> {
    let own = dead.record.headers().into_iter();
    let own = own.map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec)));
    let added = match style {
        HeaderStyle::Kafka => kafka::headers(dead),
        HeaderStyle::Streams => streams::headers(dead),
        HeaderStyle::Spring => spring::headers(dead),
        HeaderStyle::Connect => connect::headers(dead),
    };
    own.chain(
        added
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Some(value))),
    )
    .collect()
}

/// Those headers as the producer takes them.
pub(super) fn borrowed(headers: &[(String, Option<Vec<u8>>)]) -> Vec<Header<'_>> {
    headers
        .iter()
        .map(|(key, value)| Header {
            key,
            value: value.as_deref(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::TimestampType;

    /// What a style adds, with bytes that are no text escaped.
    fn added(style: HeaderStyle) -> Vec<String> {
        let record = ConsumerRecord::new("orders", 3, 258)
            .with_headers([Header::new("own", "1")])
            .with_timestamp_ms(1_500, TimestampType::CreateTime);
        let cause = "x".parse::<i32>().unwrap_err();
        let error = super::super::Rejection::from(
            crate::record::DecodeError::new(
                "Order",
                &record.as_ref(),
                crate::record::DecodeErrorKind::InvalidKey,
            )
            .with_source(cause),
        );
        let dead = Dead {
            record: &record,
            group: "billing",
            attempts: 2,
            failure: &Failure::Decode(Box::new(error)),
        };
        let mut all = headers(style, &dead).into_iter();
        assert_eq!(all.next(), Some(("own".to_owned(), Some(b"1".to_vec()))));
        all.map(|(name, value)| format!("{name}={}", value.unwrap().escape_ascii()))
            .collect()
    }

    const MESSAGE: &str = "record orders-3@258 does not read as `Order`: its key is invalid: \
                           invalid digit found in string";

    #[test]
    fn those_of_kafka() {
        let message = format!("__dlq.errors.message={MESSAGE}");
        let wanted = [
            "__dlq.errors.topic=orders",
            "__dlq.errors.partition=3",
            "__dlq.errors.offset=258",
            "__dlq.errors.group=billing",
            "__dlq.errors.delivery.count=2",
            &message,
        ];
        assert_eq!(added(HeaderStyle::Kafka), wanted);
    }

    #[test]
    fn those_of_streams() {
        let message = format!("__streams.errors.message={MESSAGE}");
        let trace = format!(
            "__streams.errors.stacktrace=kafka_client::listen::ListenError::Decode: {MESSAGE}"
        );
        let wanted = [
            "__streams.errors.exception=kafka_client::listen::ListenError::Decode",
            &message,
            &trace,
            "__streams.errors.topic=orders",
            "__streams.errors.partition=3",
            "__streams.errors.offset=258",
        ];
        assert_eq!(added(HeaderStyle::Streams), wanted);
    }

    /// Partition as 4 bytes, offset and timestamp as 8, big endian.
    #[test]
    fn those_of_spring() {
        let message = format!("kafka_dlt-exception-message={MESSAGE}");
        let trace = format!(
            "kafka_dlt-exception-stacktrace=kafka_client::listen::ListenError::Decode: {MESSAGE}"
        );
        let wanted = [
            "kafka_dlt-original-topic=orders",
            r"kafka_dlt-original-partition=\x00\x00\x00\x03",
            r"kafka_dlt-original-offset=\x00\x00\x00\x00\x00\x00\x01\x02",
            r"kafka_dlt-original-timestamp=\x00\x00\x00\x00\x00\x00\x05\xdc",
            "kafka_dlt-original-timestamp-type=CreateTime",
            "kafka_dlt-original-consumer-group=billing",
            "kafka_dlt-exception-fqcn=kafka_client::listen::ListenError::Decode",
            &message,
            &trace,
        ];
        assert_eq!(added(HeaderStyle::Spring), wanted);
    }

    #[test]
    fn those_of_connect() {
        let message = format!("__connect.errors.exception.message={MESSAGE}");
        let trace = format!(
            "__connect.errors.exception.stacktrace=kafka_client::listen::ListenError::Decode: {MESSAGE}"
        );
        let wanted = [
            "__connect.errors.topic=orders",
            "__connect.errors.partition=3",
            "__connect.errors.offset=258",
            "__connect.errors.connector.name=billing",
            "__connect.errors.task.id=0",
            "__connect.errors.stage=VALUE_CONVERTER",
            "__connect.errors.class.name=kafka_client::listen::Listener",
            "__connect.errors.exception.class.name=kafka_client::listen::ListenError::Decode",
            &message,
            &trace,
        ];
        assert_eq!(added(HeaderStyle::Connect), wanted);
    }
}

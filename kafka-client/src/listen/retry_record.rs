//! Records in retry topics: what they were, in headers of their own. Pure.

use crate::record::{ConsumerRecord, TimestampType};

/// Headers as they are made, before the producer takes them.
type Made = (String, Option<Vec<u8>>);

/// The headers that come after the record's own, in this order. Their values are text.
const NAMES: [&str; 5] = [
    "__retry.topic",
    "__retry.partition",
    "__retry.offset",
    "__retry.timestamp",
    "__retry.attempts",
];

/// All headers of a record on its way to a retry topic, which was handled so many times.
pub(super) fn headers(record: &ConsumerRecord, attempts: u32) -> Vec<Made> {
    let own = record.headers().into_iter();
    let own = own.map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec)));
    let values = [
        Some(record.topic().to_owned()),
        Some(record.partition().to_string()),
        Some(record.offset().to_string()),
        record.timestamp_ms().map(|ms| ms.to_string()),
        Some(attempts.to_string()),
    ];
    let added = NAMES.into_iter().zip(values);
    let added = added.map(|(name, value)| (name.to_owned(), value.map(String::into_bytes)));
    own.chain(added).collect()
}

/// A record as it was in its own topic, and how often it was handled. One that was not written by a listener is
/// taken as it is, for one of `topic`.
pub(super) fn restore(record: &ConsumerRecord, topic: &str) -> (ConsumerRecord, u32) {
    let all: Vec<_> = record.headers().iter().collect();
    let (own, added) = all.split_at(all.len().saturating_sub(NAMES.len()));
    read(record, topic, (own, added)).unwrap_or_else(|| {
        let place = (record.partition(), record.offset());
        (
            rebuilt(record, topic, place, record.timestamp_ms(), &all),
            0,
        )
    })
}

type Read<'a> = (&'a str, Option<&'a [u8]>);

fn read(
    record: &ConsumerRecord,
    topic: &str,
    (own, added): (&[Read<'_>], &[Read<'_>]),
) -> Option<(ConsumerRecord, u32)> {
    if !added.iter().map(|(name, _)| *name).eq(NAMES) {
        return None;
    }
    let text = |at: usize| added[at].1.and_then(|bytes| str::from_utf8(bytes).ok());
    if text(0)? != topic {
        return None;
    }
    // A dead letter goes to the partition of this number: no broker would take one below zero.
    let partition = text(1)?.parse().ok().filter(|number| *number >= 0)?;
    let place = (partition, text(2)?.parse().ok()?);
    let timestamp = match added[3].1 {
        Some(_) => Some(text(3)?.parse().ok()?),
        None => None,
    };
    let attempts = text(4)?.parse().ok()?;
    Some((rebuilt(record, topic, place, timestamp, own), attempts))
}

fn rebuilt(
    record: &ConsumerRecord,
    topic: &str,
    (partition, offset): (i32, i64),
    timestamp: Option<i64>,
    headers: &[Read<'_>],
) -> ConsumerRecord {
    let headers = headers.iter();
    let headers = headers.map(|&(key, value)| crate::record::Header { key, value });
    let mut rebuilt = ConsumerRecord::new(topic, partition, offset).with_headers(headers);
    if let Some(key) = record.key() {
        rebuilt = rebuilt.with_key(key);
    }
    if let Some(value) = record.value() {
        rebuilt = rebuilt.with_value(value);
    }
    match timestamp {
        Some(ms) => rebuilt.with_timestamp_ms(ms, TimestampType::CreateTime),
        None => rebuilt,
    }
}

#[cfg(test)]
mod tests {
    use super::super::dead_letter::borrowed;
    use super::*;
    use crate::record::Header;

    fn forwarded(record: &ConsumerRecord, attempts: u32) -> ConsumerRecord {
        let headers = headers(record, attempts);
        let mut forwarded = ConsumerRecord::new("orders.billing.retry-10", 0, 7);
        if let Some(key) = record.key() {
            forwarded = forwarded.with_key(key);
        }
        if let Some(value) = record.value() {
            forwarded = forwarded.with_value(value);
        }
        forwarded
            .with_headers(borrowed(&headers))
            .with_timestamp_ms(9_000, TimestampType::CreateTime)
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let bare = ConsumerRecord::new("orders", 3, 42);
        // Its own may be named as ours: it went through another listener.
        let own = [
            Header::new("a", "1"),
            Header {
                key: "__retry.topic",
                value: None,
            },
        ];
        let full = bare.clone().with_key("k").with_value("").with_headers(own);
        let full = full.with_timestamp_ms(1_500, TimestampType::CreateTime);
        for record in [bare, full] {
            let again = restore(&forwarded(&record, 4), "orders");
            assert_eq!(again, (record, 4));
        }
    }

    #[test]
    fn what_is_not_ours_is_taken_as_it_is() {
        let foreign = ConsumerRecord::new("orders.billing.retry-10", 1, 7).with_value("v");
        let wanted = ConsumerRecord::new("orders", 1, 7).with_value("v");
        assert_eq!(restore(&foreign, "orders"), (wanted, 0));
        let other = ConsumerRecord::new("payments", 1, 7);
        assert_eq!(restore(&forwarded(&other, 3), "orders").1, 0);
        let whole = headers(&foreign, 1);
        for (at, damage) in [(1, "x"), (1, "-5"), (2, "x"), (3, "x"), (4, "-1")] {
            let mut headers = whole.clone();
            headers[at].1 = Some(damage.into());
            let damaged = foreign.clone().with_headers(borrowed(&headers));
            let (record, attempts) = restore(&damaged, "orders");
            assert_eq!(
                (record.topic(), record.partition(), record.headers().len()),
                ("orders", 1, 5)
            );
            assert_eq!(attempts, 0, "{at} {damage}");
        }
    }
}

//! Records with numbers on them, and the count of what arrived.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::ops::Range;

use kafka_client::consumer::Consumer;
use kafka_client::producer::{Delivery, Producer};
use kafka_client::record::{ConsumerRecord, Record};

/// What a record with this number says: enough text for a codec to have something to do.
fn text(number: u64) -> String {
    format!("{number} of many records that arrive once and in the order they were sent in")
}

fn number(value: Option<&[u8]>) -> u64 {
    let value = std::str::from_utf8(value.unwrap()).unwrap();
    let number = value.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(value, text(number), "the record is whole");
    number
}

/// Buffers records with these numbers for every partition from 0 to `partitions`, in turn.
///
/// # Panics
/// When one is not taken.
///
/// # Cancel safety
/// Dropped, a part of them is buffered.
pub async fn enqueue(
    producer: &Producer,
    topic: &str,
    partitions: i32,
    numbers: Range<u64>,
) -> Vec<(i32, u64, Delivery)> {
    let mut deliveries = Vec::new();
    for number in numbers {
        let value = text(number);
        for partition in 0..partitions {
            let record = Record::to(topic).partition(partition).value(&value);
            deliveries.push((partition, number, producer.enqueue(record).await.unwrap()));
        }
    }
    deliveries
}

/// Sends records with these numbers to every partition, and waits until all are written. The topic
/// has nothing else in it: the number of each is its offset.
///
/// # Panics
/// When one is not written, or elsewhere than it should be.
///
/// # Cancel safety
/// Dropped, a part of them is sent.
pub async fn send(producer: &Producer, topic: &str, partitions: i32, numbers: Range<u64>) {
    for (partition, number, delivery) in enqueue(producer, topic, partitions, numbers).await {
        let delivered = delivery.await.unwrap();
        let place = (delivered.partition, delivered.offset);
        assert_eq!(
            place,
            (partition, Some(number as i64)),
            "of record {number}"
        );
    }
}

/// What arrived: the numbers of each partition in the order they came in.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<i32, Vec<u64>>);

impl Tally {
    /// Counts a record.
    ///
    /// # Panics
    /// When it is not one that was made here.
    pub fn count(&mut self, record: &ConsumerRecord) {
        self.count_value(record.partition(), record.value());
    }

    /// As [`count`](Self::count), by partition and value.
    ///
    /// # Panics
    /// When it is not one that was made here.
    pub fn count_value(&mut self, partition: i32, value: Option<&[u8]>) {
        self.0.entry(partition).or_default().push(number(value));
    }

    /// How many arrived.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// How many arrived of one partition.
    #[must_use]
    pub fn of(&self, partition: i32) -> usize {
        self.0.get(&partition).map_or(0, Vec::len)
    }

    /// Checks that of every partition exactly these numbers arrived, once and in order.
    ///
    /// # Panics
    /// When it is not so; the message names the first difference.
    pub fn assert_is(&self, partitions: i32, numbers: Range<u64>) {
        for partition in 0..partitions {
            let came = self.0.get(&partition).map_or(&[][..], Vec::as_slice);
            let mut wanted = numbers.clone();
            for (place, number) in came.iter().enumerate() {
                let expected = wanted.next();
                assert_eq!(
                    Some(*number),
                    expected,
                    "record {place} of partition {partition} (left is what came), after {:?}",
                    &came[place.saturating_sub(3)..place]
                );
            }
            assert_eq!(
                wanted.next(),
                None,
                "is the next that is missing of partition {partition}"
            );
        }
        let known = |partition: &i32| (0..partitions).contains(partition);
        assert!(self.0.keys().all(known), "records of unknown partitions");
    }
}

/// Receives so many records.
///
/// # Panics
/// When the consumer reports an error.
///
/// # Cancel safety
/// Dropped, records that were received are lost.
pub async fn receive(consumer: &mut Consumer, records: usize) -> Tally {
    let mut tally = Tally::default();
    while tally.total() < records {
        tally.count(&consumer.recv().await.unwrap());
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(numbers: &[u64]) -> Tally {
        let mut tally = Tally::default();
        for number in numbers {
            tally.count_value(0, Some(text(*number).as_bytes()));
        }
        tally
    }

    #[test]
    fn what_is_complete_and_in_order_passes() {
        tally(&[0, 1, 2]).assert_is(1, 0..3);
        tally(&[7, 8]).assert_is(1, 7..9);
    }

    #[test]
    #[should_panic(expected = "record 1 of partition 0")]
    fn a_gap_shows() {
        tally(&[0, 2]).assert_is(1, 0..3);
    }

    #[test]
    #[should_panic(expected = "record 2 of partition 0")]
    fn a_double_shows() {
        tally(&[0, 1, 1, 2]).assert_is(1, 0..3);
    }

    #[test]
    #[should_panic(expected = "record 1 of partition 0")]
    fn an_exchange_shows() {
        tally(&[0, 2, 1]).assert_is(1, 0..3);
    }

    #[test]
    #[should_panic(expected = "missing of partition 0")]
    fn a_missing_end_shows() {
        tally(&[0, 1]).assert_is(1, 0..3);
    }

    #[test]
    #[should_panic(expected = "missing of partition 1")]
    fn a_missing_partition_shows() {
        tally(&[0, 1]).assert_is(2, 0..2);
    }

    #[test]
    #[should_panic(expected = "unknown partitions")]
    fn a_strange_partition_shows() {
        tally(&[0, 1]).assert_is(0, 0..2);
    }
}

//! Partitions that are read apart, each by a stream of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use integration::numbered::{self, Tally};
use kafka_broker::{Step, when};
use kafka_client::consumer::{
    OffsetReset, PartitionStream, PartitionStreams, PartitionStreamsBuilder, TopicPartition,
};
use kafka_client::record::ConsumerRecord;
use kafka_client::{ErrorKind, Kafka};
use kafka_client_protocol::ApiKey;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::Setting;

const SECOND: Duration = Duration::from_secs(1);
const GROUP: &str = "apart";

fn member(kafka: &Kafka) -> PartitionStreamsBuilder<ConsumerRecord> {
    let member = kafka.consumer(GROUP).offset_reset(OffsetReset::Earliest);
    let member = member.heartbeat_interval(SECOND).auto_commit(SECOND);
    member.partition_streams()
}

async fn written(setting: &Setting, topic: &'static str, count: i32, numbers: u64) -> &'static str {
    let topic = setting.topic(topic, count);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, topic, count, 0..numbers).await;
    topic
}

/// The streams of so many partitions, by partition.
async fn streams(
    member: &mut PartitionStreams<ConsumerRecord>,
    count: usize,
) -> BTreeMap<i32, PartitionStream<ConsumerRecord>> {
    let mut streams = BTreeMap::new();
    while streams.len() < count {
        let stream = member.recv().await.unwrap();
        streams.insert(stream.partition().partition, stream);
    }
    streams
}

async fn stored(kafka: &Kafka, topic: &str, partition: i32) -> Option<i64> {
    let at = [TopicPartition::new(topic, partition)];
    let reader = kafka.consumer(GROUP).assign(at.clone()).await.unwrap();
    let stored = reader.handle().committed(&at).await;
    stored.unwrap().get(&at[0]).copied()
}

/// Reads a stream to its end.
fn read(mut stream: PartitionStream<ConsumerRecord>) -> JoinHandle<Tally> {
    tokio::spawn(async move {
        let mut tally = Tally::default();
        while let Some(record) = stream.recv().await {
            tally.count(&record.unwrap());
        }
        tally
    })
}

/// With a buffer that is full of what a slow stream has not taken, the others would starve.
#[tokio::test(start_paused = true)]
async fn a_slow_stream_holds_up_no_other() {
    let setting = Setting::new().await;
    let topic = written(&setting, "read", 3, 20_000).await;
    let kafka = setting.kafka().await;
    let member = kafka.consumer(GROUP).offset_reset(OffsetReset::Earliest);
    let member = member.buffer_bytes(64 * 1024).partition_streams();
    let mut member = member.subscribe([topic]).await.unwrap();
    let mut streams = streams(&mut member, 3).await;
    let mut slow = streams.remove(&0).unwrap();
    assert_eq!(slow.recv().await.unwrap().unwrap().offset(), 0);
    for (partition, mut stream) in streams {
        for offset in 0..20_000 {
            let record = timeout(60 * SECOND, stream.recv()).await;
            let record = record.expect("it goes on").unwrap().unwrap();
            assert_eq!((record.partition(), record.offset()), (partition, offset));
        }
    }
    // Nothing of it was lost by that.
    for offset in 1..20_000 {
        assert_eq!(slow.recv().await.unwrap().unwrap().offset(), offset);
    }
    drop(slow);
    member.close().await.unwrap();
}

/// The member that comes waits until the record at hand is done with, and gets what follows it.
#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_its_partition_goes() {
    let setting = Setting::new().await;
    let topic = written(&setting, "read", 2, 10).await;
    let kafka = setting.kafka().await;
    let mut first = member(&kafka).subscribe([topic]).await.unwrap();
    let mut mine = streams(&mut first, 2).await;
    for stream in mine.values_mut() {
        for offset in 0..3 {
            assert_eq!(stream.recv().await.unwrap().unwrap().offset(), offset);
        }
    }
    let kafka = setting.kafka().await;
    let mut second = member(&kafka).subscribe([topic]).await.unwrap();
    let mut theirs = Box::pin(second.recv());
    let early = timeout(10 * SECOND, &mut theirs).await;
    assert!(early.is_err(), "the record at hand is in work");
    // Each is asked for the next one: the one that goes ends, and the other one goes on.
    let mut gone = None;
    for (partition, stream) in &mut mine {
        match timeout(SECOND, stream.recv()).await.unwrap() {
            Some(record) => assert_eq!(record.unwrap().offset(), 3),
            None => assert!(gone.replace(*partition).is_none(), "one of two goes"),
        }
    }
    let gone = gone.expect("one of them goes");
    let mut theirs = theirs.await.unwrap();
    assert_eq!(theirs.partition().partition, gone);
    assert_eq!(theirs.recv().await.unwrap().unwrap().offset(), 3);
    let end = mine.get_mut(&gone).unwrap().recv().await;
    assert!(end.is_none(), "it stays ended");
    second.close().await.unwrap();
    // It comes back, as a new stream.
    assert_eq!(stored(&kafka, topic, gone).await, Some(3));
    let mut back = first.recv().await.unwrap();
    assert_eq!(back.partition().partition, gone);
    assert_eq!(back.recv().await.unwrap().unwrap().offset(), 3);
    drop((back, mine));
    first.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_is_given_anew_from_the_record_at_hand() {
    let setting = Setting::new().await;
    let topic = written(&setting, "read", 1, 10).await;
    let kafka = setting.kafka().await;
    let mut member = member(&kafka).subscribe([topic]).await.unwrap();
    let mut stream = member.recv().await.unwrap();
    for offset in 0..5 {
        assert_eq!(stream.recv().await.unwrap().unwrap().offset(), offset);
    }
    let other = timeout(SECOND, member.recv()).await;
    assert!(other.is_err(), "one at a time");
    drop(stream);
    let mut stream = timeout(SECOND, member.recv()).await.unwrap().unwrap();
    for offset in 4..10 {
        assert_eq!(stream.recv().await.unwrap().unwrap().offset(), offset);
    }
    // One that waits ends with the consumer; it has said that it is done with all before.
    let reads = read(stream);
    sleep(SECOND).await;
    member.close().await.unwrap();
    reads.await.unwrap();
    assert_eq!(stored(&kafka, topic, 0).await, Some(10));
}

#[tokio::test(start_paused = true)]
async fn closing_ends_the_streams_and_stores_what_they_are_done_with() {
    let setting = Setting::new().await;
    let topic = written(&setting, "read", 3, 10).await;
    let kafka = setting.kafka().await;
    let mut member = member(&kafka).subscribe([topic]).await.unwrap();
    let mut streams = streams(&mut member, 3).await;
    let mut busy = streams.remove(&0).unwrap();
    for offset in 0..4 {
        assert_eq!(busy.recv().await.unwrap().unwrap().offset(), offset);
    }
    let reads: Vec<_> = streams.into_values().map(read).collect();
    sleep(SECOND).await;
    member.close().await.unwrap();
    for (partition, reads) in (1..).zip(reads) {
        assert_eq!(reads.await.unwrap().of(partition), 10);
    }
    // The record at hand was waited for, in vain.
    assert!(busy.recv().await.is_none());
    let ends = [3, 10, 10];
    for (partition, end) in (0..).zip(ends) {
        assert_eq!(stored(&kafka, topic, partition).await, Some(end));
    }
}

/// A consumer that is dropped is not closed: the streams end all the same.
#[tokio::test(start_paused = true)]
async fn streams_end_with_a_consumer_that_is_dropped() {
    let setting = Setting::new().await;
    let topic = written(&setting, "read", 2, 10).await;
    let kafka = setting.kafka().await;
    let mut member = member(&kafka).subscribe([topic]).await.unwrap();
    let reads = streams(&mut member, 2).await.into_values().map(read);
    let reads: Vec<_> = reads.collect();
    sleep(SECOND).await;
    drop(member);
    for reads in reads {
        let read = timeout(SECOND, reads).await;
        assert_eq!(read.expect("it ends").unwrap().total(), 10);
    }
}

/// Seek, pause and resume go by the handle, whoever reads.
#[tokio::test(start_paused = true)]
async fn seeks_and_pauses_reach_a_stream() {
    let setting = Setting::new().await;
    let topic = written(&setting, "read", 1, 100).await;
    let kafka = setting.kafka().await;
    let mut member = member(&kafka).subscribe([topic]).await.unwrap();
    let mut stream = member.recv().await.unwrap();
    for offset in 0..5 {
        assert_eq!(stream.recv().await.unwrap().unwrap().offset(), offset);
    }
    let (handle, at) = (member.handle(), stream.partition().clone());
    handle.pause([&at]);
    assert!(timeout(SECOND, stream.recv()).await.is_err());
    handle.resume([&at]);
    assert_eq!(stream.recv().await.unwrap().unwrap().offset(), 5);
    handle.seek(&at, 90).unwrap();
    for offset in 90..100 {
        assert_eq!(stream.recv().await.unwrap().unwrap().offset(), offset);
    }
    drop(stream);
    member.close().await.unwrap();
}

/// A stream that is dropped with a record at hand, in whatever state its partition is, leaves nothing in
/// work that nobody can acknowledge; and it does not undo a seek.
#[tokio::test(start_paused = true)]
async fn a_record_at_hand_of_a_dropped_stream_holds_up_nothing() {
    let setting = Setting::new().await;
    let topic = written(&setting, "read", 1, 100).await;
    let kafka = setting.kafka().await;
    let mut member = member(&kafka).subscribe([topic]).await.unwrap();
    let (handle, at) = (member.handle(), TopicPartition::new(topic, 0));
    let in_work = || handle.in_work(&at).unwrap().records;
    let mut stream = member.recv().await.unwrap();
    for offset in 0..5 {
        assert_eq!(stream.recv().await.unwrap().unwrap().offset(), offset);
    }
    // The offset that it goes on from is being asked for.
    let asked = when(ApiKey::LIST_OFFSETS).always().then([Step::Hold]);
    let asked = setting.inject(asked);
    handle.seek_to_end(&at).unwrap();
    asked.wait_for_hits(1).await;
    drop(stream);
    assert_eq!(in_work(), 0);
    asked.release();
    let mut stream = timeout(SECOND, member.recv()).await.unwrap().unwrap();
    assert!(timeout(SECOND, stream.recv()).await.is_err(), "at the end");
    // After a seek forward it goes on from there.
    handle.seek(&at, 10).unwrap();
    assert_eq!(stream.recv().await.unwrap().unwrap().offset(), 10);
    handle.seek(&at, 90).unwrap();
    drop(stream);
    assert_eq!(in_work(), 0);
    let mut stream = timeout(SECOND, member.recv()).await.unwrap().unwrap();
    for offset in 90..100 {
        assert_eq!(stream.recv().await.unwrap().unwrap().offset(), offset);
    }
    // Closing does not wait for a record that nobody has any more.
    let begun = tokio::time::Instant::now();
    let closing = tokio::spawn(async move { member.close().await });
    sleep(SECOND).await;
    drop(stream);
    closing.await.unwrap().unwrap();
    assert!(begun.elapsed() < 3 * SECOND, "{:?}", begun.elapsed());
    assert_eq!(
        stored(&kafka, topic, 0).await,
        Some(99),
        "the last is not done"
    );
}

/// `max.poll.interval.ms` is about records that are in hand.
#[tokio::test(start_paused = true)]
async fn records_in_hand_make_a_member_overdue_and_streams_that_wait_do_not() {
    let setting = Setting::new().await;
    let topic = written(&setting, "read", 1, 10).await;
    let kafka = setting.kafka().await;
    let member = kafka.consumer(GROUP).offset_reset(OffsetReset::Earliest);
    let member = member
        .heartbeat_interval(SECOND)
        .max_poll_interval(30 * SECOND);
    let mut member = member.partition_streams().subscribe([topic]).await.unwrap();
    let mut stream = member.recv().await.unwrap();
    assert_eq!(stream.recv().await.unwrap().unwrap().offset(), 0);
    // A handler that hangs is noticed, although the next stream is waited for all the while.
    let error = timeout(60 * SECOND, member.recv()).await;
    let error = error.expect("it is told").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GroupLost, "{error}");
    assert!(stream.recv().await.is_none());
    // It comes again, and a stream that waits is no reason to leave.
    let mut stream = timeout(60 * SECOND, member.recv()).await.unwrap().unwrap();
    for offset in 0..10 {
        assert_eq!(stream.recv().await.unwrap().unwrap().offset(), offset);
    }
    let waits = timeout(120 * SECOND, async {
        tokio::join!(stream.recv(), member.recv())
    });
    assert!(waits.await.is_err(), "nothing comes");
    drop(stream);
    member.close().await.unwrap();
}

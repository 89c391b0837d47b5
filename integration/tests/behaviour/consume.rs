//! Consuming partitions that are assigned by hand: where reading begins, seek, pause.

use std::time::Duration;

use integration::numbered::{self, Tally, receive};
use integration::{TestCluster, eventually, partitions};
use kafka_client::ErrorKind;
use kafka_client::consumer::{ConsumerBuilder, OffsetReset, TopicPartition};
use kafka_client::record::Record;

behaviours![
    reading_begins_where_the_offset_reset_says,
    without_an_offset_reset_reading_needs_a_seek,
    a_seek_goes_to_an_offset_the_beginning_the_end_or_a_time,
    a_seek_drops_what_was_fetched_ahead,
    an_offset_outside_of_the_log_is_reset,
    paused_partitions_stand_still_and_the_others_flow,
    batches_give_the_same_as_records,
    records_larger_than_the_fetch_limits_arrive,
    a_full_buffer_holds_fetching_back_and_loses_nothing,
    position_lag_and_offsets_are_told,
    what_is_written_later_arrives,
];

async fn written(cluster: &TestCluster, count: i32, numbers: u64) -> String {
    let topic = cluster.topic("read", count).await;
    let producer = cluster.kafka().await.producer().batch_size(512);
    let producer = producer.build().await.unwrap();
    numbered::send(&producer, &topic, count, 0..numbers).await;
    producer.close().await.unwrap();
    topic
}

async fn reader(cluster: &TestCluster) -> ConsumerBuilder {
    let reader = cluster.kafka().await.reader();
    reader.offset_reset(OffsetReset::Earliest)
}

async fn reading_begins_where_the_offset_reset_says(cluster: &TestCluster) {
    let topic = written(cluster, 1, 10).await;
    let at = TopicPartition::new(&*topic, 0);
    let mut earliest = reader(cluster).await.assign([at.clone()]).await.unwrap();
    assert_eq!(earliest.recv().await.unwrap().offset(), 0);

    let latest = cluster.kafka().await.reader();
    let mut latest = latest
        .offset_reset(OffsetReset::Latest)
        .assign([at.clone()])
        .await
        .unwrap();
    let handle = latest.handle();
    eventually("a position", async || handle.position(&at).is_some()).await;
    assert_eq!(handle.position(&at), Some(10));
    let producer = cluster.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, &topic, 1, 10..11).await;
    assert_eq!(latest.recv().await.unwrap().offset(), 10);
}

async fn without_an_offset_reset_reading_needs_a_seek(cluster: &TestCluster) {
    let topic = written(cluster, 2, 10).await;
    let none = cluster
        .kafka()
        .await
        .reader()
        .offset_reset(OffsetReset::None);
    let mut none = none.assign(partitions(&topic, 2)).await.unwrap();
    for partition in 0..2 {
        let error = none.recv().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoOffset);
        assert_eq!(
            (error.topic(), error.partition()),
            (Some(&*topic), Some(partition))
        );
        assert!(error.to_string().contains("auto.offset.reset"), "{error}");
        assert!(!error.is_fatal());
    }
    none.handle()
        .seek(&TopicPartition::new(&*topic, 1), 4)
        .unwrap();
    receive(&mut none, 6)
        .await
        .of(1)
        .eq(&6)
        .then_some(())
        .unwrap();
}

async fn a_seek_goes_to_an_offset_the_beginning_the_end_or_a_time(cluster: &TestCluster) {
    let topic = cluster.topic("sought", 1).await;
    let at = TopicPartition::new(&*topic, 0);
    let producer = cluster
        .kafka()
        .await
        .producer()
        .batch_size(512)
        .build()
        .await
        .unwrap();
    let mut deliveries = Vec::new();
    for number in 0..100_i64 {
        // Ten seconds apart.
        let record = Record::to(&topic).timestamp_ms(1_000_000 + 10_000 * number);
        deliveries.push(producer.enqueue(record).await.unwrap());
    }
    for delivery in deliveries {
        delivery.await.unwrap();
    }
    let mut reader = reader(cluster).await.assign([at.clone()]).await.unwrap();
    let handle = reader.handle();
    assert_eq!(reader.recv().await.unwrap().offset(), 0);
    for offset in [73, 5, 99, 0] {
        handle.seek(&at, offset).unwrap();
        assert_eq!(reader.recv().await.unwrap().offset(), offset);
        if offset < 99 {
            assert_eq!(reader.recv().await.unwrap().offset(), offset + 1);
        }
    }
    for (timestamp, offset) in [(1_500_000, 50), (1_500_001, 51), (0, 0), (1_990_000, 99)] {
        handle.seek_to_timestamp(&at, timestamp).unwrap();
        assert_eq!(
            reader.recv().await.unwrap().offset(),
            offset,
            "at {timestamp}"
        );
    }
    handle.seek_to_beginning(&at).unwrap();
    assert_eq!(reader.recv().await.unwrap().offset(), 0);
    // No record is that late, and none comes after the end: what is written next is the first.
    for seek in [
        &(|| handle.seek_to_timestamp(&at, 2_000_000)) as &dyn Fn() -> _,
        &|| handle.seek_to_end(&at),
    ] {
        let next = producer_end(&handle, &at).await;
        seek().unwrap();
        eventually("the end", async || handle.position(&at) == Some(next)).await;
        // An early time, so that no record is later than the one sought.
        let record = Record::to(&topic).timestamp_ms(1);
        assert_eq!(producer.send(record).await.unwrap().offset, Some(next));
        assert_eq!(reader.recv().await.unwrap().offset(), next);
    }
    let other = TopicPartition::new(&*topic, 1);
    let error = handle.seek(&other, 0).unwrap_err();
    assert_eq!(
        (error.kind(), error.partition()),
        (ErrorKind::Config, Some(1))
    );
    assert_eq!(handle.seek(&at, -1).unwrap_err().kind(), ErrorKind::Config);
}

async fn producer_end(handle: &kafka_client::consumer::ConsumerHandle, at: &TopicPartition) -> i64 {
    let ends = handle.offsets(std::slice::from_ref(at)).await.unwrap();
    ends[at].1
}

/// Seeks race with answers that are on their way (part B, 44): nothing that is stale is handed out.
async fn a_seek_drops_what_was_fetched_ahead(cluster: &TestCluster) {
    let topic = written(cluster, 1, 2_000).await;
    let at = TopicPartition::new(&*topic, 0);
    let reader = reader(cluster)
        .await
        .max_partition_fetch_bytes(2048)
        // A request that waits at the end of the log is not taken back by a seek.
        .fetch_max_wait(Duration::from_millis(5));
    let mut reader = reader.assign([at.clone()]).await.unwrap();
    let handle = reader.handle();
    for step in 0..300_i64 {
        let target = step * 677 % 1_990;
        handle.seek(&at, target).unwrap();
        for offset in target..target + step % 7 + 1 {
            assert_eq!(
                reader.recv().await.unwrap().offset(),
                offset,
                "after a seek to {target}"
            );
        }
    }
}

async fn an_offset_outside_of_the_log_is_reset(cluster: &TestCluster) {
    let topic = written(cluster, 2, 20).await;
    let at = TopicPartition::new(&*topic, 0);
    let mut earliest = reader(cluster).await.assign([at.clone()]).await.unwrap();
    earliest.handle().seek(&at, 5_000).unwrap();
    assert_eq!(earliest.recv().await.unwrap().offset(), 0);

    let none = cluster
        .kafka()
        .await
        .reader()
        .offset_reset(OffsetReset::None);
    let mut none = none.assign(partitions(&topic, 2)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(none.recv().await.unwrap_err().kind(), ErrorKind::NoOffset);
    }
    none.handle().seek(&at, 5_000).unwrap();
    let error = none.recv().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.partition()),
        (ErrorKind::NoOffset, Some(0))
    );
    // The other partition is none the worse for it.
    none.handle()
        .seek(&TopicPartition::new(&*topic, 1), 7)
        .unwrap();
    assert_eq!(none.recv().await.unwrap().offset(), 7);
}

async fn paused_partitions_stand_still_and_the_others_flow(cluster: &TestCluster) {
    let topic = written(cluster, 3, 500).await;
    let all = partitions(&topic, 3);
    let mut reader = reader(cluster).await.assign(all.clone()).await.unwrap();
    let handle = reader.handle();
    // A part of everything, and much more of it is fetched ahead.
    let mut tally = receive(&mut reader, 30).await;
    handle.pause([&all[1]]);
    let before = tally.of(1);
    while tally.of(0) < 500 || tally.of(2) < 500 {
        tally.count(&reader.recv().await.unwrap());
    }
    assert_eq!(tally.of(1), before, "nothing of the paused partition");
    let nothing = tokio::time::timeout(Duration::from_millis(300), reader.recv()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    handle.resume([&all[1]]);
    while tally.of(1) < 500 {
        tally.count(&reader.recv().await.unwrap());
    }
    tally.assert_is(3, 0..500);
}

async fn batches_give_the_same_as_records(cluster: &TestCluster) {
    let topic = written(cluster, 2, 300).await;
    let mut reader = reader(cluster)
        .await
        .assign(partitions(&topic, 2))
        .await
        .unwrap();
    let mut tally = Tally::default();
    // Mixed: a record from the middle of a batch, then the rest of it.
    while tally.total() < 600 {
        let record = reader.recv().await.unwrap();
        tally.count(&record);
        if tally.total() < 600 {
            let batch = reader.recv_batch().await.unwrap();
            assert!(!batch.is_empty());
            for record in batch.iter() {
                let record = record.unwrap();
                tally.count_value(record.partition, record.value);
            }
        }
    }
    tally.assert_is(2, 0..300);
}

async fn records_larger_than_the_fetch_limits_arrive(cluster: &TestCluster) {
    let topic = cluster.topic("larger", 2).await;
    let producer = cluster.kafka().await.producer().build().await.unwrap();
    let value = vec![b'x'; 100_000];
    for partition in [0, 1, 0, 1] {
        let record = Record::to(&topic).partition(partition).value(&value);
        producer.send(record).await.unwrap();
    }
    let reader = reader(cluster)
        .await
        .fetch_max_bytes(1000)
        .max_partition_fetch_bytes(500);
    let mut reader = reader.assign(partitions(&topic, 2)).await.unwrap();
    let mut of = [0, 0];
    for _ in 0..4 {
        let record = reader.recv().await.unwrap();
        assert_eq!(record.value().unwrap(), &value);
        assert_eq!(record.offset(), of[record.partition() as usize]);
        of[record.partition() as usize] += 1;
    }
    assert_eq!(of, [2, 2]);
}

async fn a_full_buffer_holds_fetching_back_and_loses_nothing(cluster: &TestCluster) {
    let topic = written(cluster, 4, 1_000).await;
    // Room for a batch or two.
    let reader = reader(cluster)
        .await
        .buffer_bytes(1000)
        .max_partition_fetch_bytes(600);
    let mut reader = reader.assign(partitions(&topic, 4)).await.unwrap();
    receive(&mut reader, 4_000).await.assert_is(4, 0..1_000);
}

async fn position_lag_and_offsets_are_told(cluster: &TestCluster) {
    let topic = written(cluster, 1, 40).await;
    let at = TopicPartition::new(&*topic, 0);
    let mut reader = reader(cluster).await.assign([at.clone()]).await.unwrap();
    let handle = reader.handle();
    receive(&mut reader, 15).await;
    assert_eq!(handle.position(&at), Some(15));
    assert_eq!(handle.lag(&at), Some(25));
    assert_eq!(
        handle.offsets(std::slice::from_ref(&at)).await.unwrap()[&at],
        (0, 40)
    );
    let other = TopicPartition::new(&*topic, 9);
    assert_eq!((handle.position(&other), handle.lag(&other)), (None, None));
}

async fn what_is_written_later_arrives(cluster: &TestCluster) {
    let topic = cluster.topic("later", 2).await;
    let mut reader = reader(cluster)
        .await
        .assign(partitions(&topic, 2))
        .await
        .unwrap();
    let producer = cluster.kafka().await.producer().build().await.unwrap();
    let mut tally = Tally::default();
    for number in 0..20 {
        // The reader waits at the end of both.
        numbered::send(&producer, &topic, 2, number..number + 1).await;
        for _ in 0..2 {
            tally.count(&reader.recv().await.unwrap());
        }
    }
    tally.assert_is(2, 0..20);
}

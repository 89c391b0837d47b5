//! Producing: order and count, what a record carries, where it goes, and how a producer ends.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use integration::numbered::{self, receive};
use integration::{TestCluster, partitions};
use kafka_client::consumer::{Consumer, OffsetReset, TopicPartition};
use kafka_client::producer::{Acks, ChoosePartition, Compression, Partitioner, TopicPartitions};
use kafka_client::record::{Header, Record, TimestampType};
use kafka_client::{ErrorKind, KafkaRecord, SendError};

behaviours![
    a_hundred_thousand_records_uncompressed,
    a_hundred_thousand_records_with_gzip,
    a_hundred_thousand_records_with_snappy,
    a_hundred_thousand_records_with_lz4,
    a_hundred_thousand_records_with_zstd,
    a_record_arrives_whole,
    a_record_just_under_max_request_size_arrives_and_one_over_it_is_refused,
    batches_over_the_topics_limit_are_split,
    keys_go_where_javas_client_sends_them,
    records_without_a_key_reach_every_partition,
    a_partitioner_of_ones_own_decides,
    round_robin_takes_turns,
    many_records_are_sent_at_once,
    a_stream_is_forwarded_to_a_topic,
    the_broker_sets_the_time_where_the_topic_says_so,
    flush_settles_everything,
    flush_settles_every_part_of_a_batch_that_is_split,
    close_delivers_everything_and_ends_the_producer,
    a_dropped_delivery_changes_nothing,
    with_acks_of_the_leader_records_arrive_in_order,
    without_acks_records_arrive_and_have_no_offset,
    a_topic_is_made_when_it_is_first_used,
    many_tasks_share_a_producer,
];

/// Everything in a topic, from the beginning.
async fn reader(cluster: &TestCluster, topic: &str, count: i32) -> Consumer {
    let reader = cluster.kafka().await.reader();
    let reader = reader.offset_reset(OffsetReset::Earliest);
    reader.assign(partitions(topic, count)).await.unwrap()
}

async fn a_hundred_thousand_records(cluster: &TestCluster, codec: Compression) {
    const PARTITIONS: i32 = 12;
    /// Of each partition; 12 times this is over 100,000.
    const NUMBERS: u64 = 8_334;
    let topic = cluster.topic("many", PARTITIONS).await;
    let producer = cluster.kafka().await.producer().compression(codec);
    let producer = producer.build().await.unwrap();
    let mut reader = reader(cluster, &topic, PARTITIONS).await;
    // Together: what is read is being written.
    let ((), received) = tokio::join!(
        numbered::send(&producer, &topic, PARTITIONS, 0..NUMBERS),
        receive(&mut reader, PARTITIONS as usize * NUMBERS as usize),
    );
    received.assert_is(PARTITIONS, 0..NUMBERS);
    // Nothing more than that was written.
    let ends = reader
        .handle()
        .offsets(&partitions(&topic, PARTITIONS))
        .await;
    for (partition, (first, next)) in ends.unwrap() {
        assert_eq!((first, next), (0, NUMBERS as i64), "{partition}");
    }
}

async fn a_hundred_thousand_records_uncompressed(cluster: &TestCluster) {
    a_hundred_thousand_records(cluster, Compression::None).await;
}

async fn a_hundred_thousand_records_with_gzip(cluster: &TestCluster) {
    a_hundred_thousand_records(cluster, Compression::Gzip).await;
}

async fn a_hundred_thousand_records_with_snappy(cluster: &TestCluster) {
    a_hundred_thousand_records(cluster, Compression::Snappy).await;
}

async fn a_hundred_thousand_records_with_lz4(cluster: &TestCluster) {
    a_hundred_thousand_records(cluster, Compression::Lz4).await;
}

async fn a_hundred_thousand_records_with_zstd(cluster: &TestCluster) {
    a_hundred_thousand_records(cluster, Compression::Zstd).await;
}

/// Null and empty differ; headers keep their order, their doubles and their nulls; a timestamp may
/// be years old.
async fn a_record_arrives_whole(cluster: &TestCluster) {
    let topic = cluster.topic("whole", 1).await;
    let headers = [
        Header::new("trace", "4bf9"),
        Header::new("trace", ""),
        Header {
            key: "nothing",
            value: None,
        },
        Header::new("größe", "naïve 漢字"),
    ];
    let sent = [
        Record::to(&topic),
        Record::to(&topic).key("").value(""),
        Record::to(&topic).key("k").timestamp_ms(0),
        Record::to(&topic)
            .value(&[0, 255, 10, 13])
            .timestamp_ms(951_827_400_000),
        Record::to(&topic)
            .key("k")
            .value("v")
            .headers(&headers)
            .timestamp_ms(1),
    ];
    let producer = cluster.kafka().await.producer().build().await.unwrap();
    let mut deliveries = Vec::new();
    for record in sent {
        deliveries.push(producer.enqueue(record).await.unwrap());
    }
    let mut reader = reader(cluster, &topic, 1).await;
    for (number, (delivery, record)) in deliveries.into_iter().zip(sent).enumerate() {
        let delivered = delivery.await.unwrap();
        assert_eq!(delivered.offset, Some(number as i64));
        if let Some(timestamp) = record.timestamp {
            assert_eq!(delivered.timestamp, timestamp);
        }
        let received = reader.recv().await.unwrap();
        assert_eq!((received.topic(), received.partition()), (&*topic, 0));
        assert_eq!(received.offset(), number as i64);
        assert_eq!(received.key(), record.key);
        assert_eq!(received.value(), record.value);
        assert_eq!(received.timestamp_ms(), Some(delivered.timestamp));
        assert_eq!(received.timestamp_type(), TimestampType::CreateTime);
        let headers: Vec<_> = received.headers().iter().collect();
        let wanted = record
            .headers
            .iter()
            .map(|header| (header.key, header.value));
        assert_eq!(headers, wanted.collect::<Vec<_>>());
    }
}

async fn a_record_just_under_max_request_size_arrives_and_one_over_it_is_refused(
    cluster: &TestCluster,
) {
    const LIMIT: usize = 1024 * 1024;
    let topic = cluster.topic("large", 1).await;
    let producer = cluster.kafka().await.producer().max_request_size(LIMIT);
    let producer = producer.build().await.unwrap();

    let over = vec![b'x'; LIMIT];
    let error = producer
        .send(Record::to(&topic).value(&over))
        .await
        .unwrap_err();
    assert!(!error.possibly_written(), "{error}");
    assert_eq!(error.error().kind(), ErrorKind::RecordTooLarge);
    let text = error.to_string();
    assert!(
        text.contains("max.request.size") && text.contains(&topic),
        "{text}"
    );

    let under = vec![b'x'; LIMIT - 100];
    let delivered = producer
        .send(Record::to(&topic).value(&under))
        .await
        .unwrap();
    assert_eq!(delivered.offset, Some(0));
    let mut reader = reader(cluster, &topic, 1).await;
    assert_eq!(reader.recv().await.unwrap().value().unwrap(), &under);
}

/// Batches grow while they wait, beyond what the topic takes: part B, 25.
async fn batches_over_the_topics_limit_are_split(cluster: &TestCluster) {
    for codec in [Compression::None, Compression::Zstd] {
        let settings = [("max.message.bytes", "3000")];
        let topic = cluster.topic_with("split", 3, &settings).await;
        let producer = cluster.kafka().await.producer().compression(codec);
        let producer = producer.build().await.unwrap();
        numbered::send(&producer, &topic, 3, 0..2_000).await;
        let received = receive(&mut reader(cluster, &topic, 3).await, 6_000).await;
        received.assert_is(3, 0..2_000);
    }
}

/// The hashes are those of Java's own tests of murmur2.
async fn keys_go_where_javas_client_sends_them(cluster: &TestCluster) {
    const PARTITIONS: i32 = 11;
    let hashes: [(&str, i32); 6] = [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        (
            "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
            -58_897_971,
        ),
        ("abc", 479_470_107),
    ];
    let topic = cluster.topic("keyed", PARTITIONS).await;
    let producer = cluster.kafka().await.producer().build().await.unwrap();
    for (key, hash) in hashes {
        let delivered = producer.send(Record::to(&topic).key(key)).await.unwrap();
        assert_eq!(delivered.partition, (hash & i32::MAX) % PARTITIONS, "{key}");
    }
}

async fn records_without_a_key_reach_every_partition(cluster: &TestCluster) {
    let topic = cluster.topic("unkeyed", 4).await;
    let producer = cluster.kafka().await.producer().batch_size(1024);
    let producer = producer.build().await.unwrap();
    let value = [b'x'; 100];
    let mut deliveries = Vec::new();
    for _ in 0..2_000 {
        deliveries.push(
            producer
                .enqueue(Record::to(&topic).value(&value))
                .await
                .unwrap(),
        );
    }
    let mut reached = BTreeSet::new();
    for delivery in deliveries {
        reached.insert(delivery.await.unwrap().partition);
    }
    assert_eq!(reached, BTreeSet::from([0, 1, 2, 3]));
}

async fn a_partitioner_of_ones_own_decides(cluster: &TestCluster) {
    struct ByLength;

    impl ChoosePartition for ByLength {
        fn choose(&self, record: &Record<'_>, partitions: &TopicPartitions<'_>) -> i32 {
            // Longer ones than there are partitions go nowhere.
            let length = record.value.map_or(0, |value| value.len()) as i32;
            if length > partitions.count() {
                -1
            } else {
                length % partitions.count()
            }
        }
    }

    let topic = cluster.topic("own", 5).await;
    let producer = cluster.kafka().await.producer();
    let own = Partitioner::Custom(Arc::new(ByLength));
    let producer = producer.partitioner(own).build().await.unwrap();
    for (value, partition) in [("", 0), ("a", 1), ("abcd", 4), ("abcde", 0)] {
        let record = Record::to(&topic).key("any").value(value);
        assert_eq!(producer.send(record).await.unwrap().partition, partition);
        // A record's own choice comes first.
        assert_eq!(
            producer.send(record.partition(3)).await.unwrap().partition,
            3
        );
    }
    let error = producer.send(Record::to(&topic).value("abcdef")).await;
    let error = error.unwrap_err();
    assert!(error.to_string().contains("0 to 4"), "{error}");
}

async fn round_robin_takes_turns(cluster: &TestCluster) {
    let topic = cluster.topic("turns", 3).await;
    let producer = cluster.kafka().await.producer();
    let producer = producer.partitioner(Partitioner::RoundRobin);
    let producer = producer.build().await.unwrap();
    let mut went = Vec::new();
    for _ in 0..6 {
        let record = Record::to(&topic).key("one").value("v");
        went.push(producer.send(record).await.unwrap().partition);
    }
    assert_eq!(went, [0, 1, 2, 0, 1, 2]);
}

async fn many_records_are_sent_at_once(cluster: &TestCluster) {
    let topic = cluster.topic("all", 1).await;
    let producer = cluster.kafka().await.producer().build().await.unwrap();
    let too_large = vec![b'x'; 2 * 1024 * 1024];
    let values = [&b"a"[..], b"b", &too_large, b"c"];
    let records = values.map(|value| Record::to(&topic).value(value));
    let outcomes = producer.send_all(records).await;
    let offsets: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().ok().and_then(|delivered| delivered.offset))
        .collect();
    assert_eq!(offsets, [Some(0), Some(1), None, Some(2)]);
    let error = outcomes[2].as_ref().unwrap_err();
    assert_eq!(error.error().kind(), ErrorKind::RecordTooLarge, "{error}");
}

async fn a_stream_is_forwarded_to_a_topic(cluster: &TestCluster) {
    #[derive(KafkaRecord)]
    #[kafka(topic = "forwarded-numbers", format = json)]
    struct Number {
        number: u64,
    }

    // The topic is made by its first record, which the others wait for.
    let producer = cluster.kafka().await.producer().build().await.unwrap();
    let numbers = stream::iter((0..1_000).map(|number| Ok(Number { number })));
    numbers.forward(producer.sink()).await.unwrap();
    assert_eq!(producer.buffered_bytes(), 0, "all are written");

    let large = stream::iter([Ok(Number { number: 0 })]);
    producer.clone().close().await.unwrap();
    let error = large.forward(producer.sink()).await.unwrap_err();
    assert_eq!(error.error().kind(), ErrorKind::Closed, "{error}");
}

async fn the_broker_sets_the_time_where_the_topic_says_so(cluster: &TestCluster) {
    let settings = [("message.timestamp.type", "LogAppendTime")];
    let topic = cluster.topic_with("stamped", 1, &settings).await;
    let producer = cluster.kafka().await.producer().build().await.unwrap();
    let record = Record::to(&topic).value("v").timestamp_ms(1);
    let delivered = producer.send(record).await.unwrap();
    assert!(delivered.timestamp > 1_700_000_000_000, "{delivered:?}");
    let received = reader(cluster, &topic, 1).await.recv().await.unwrap();
    assert_eq!(received.timestamp_ms(), Some(delivered.timestamp));
    assert_eq!(received.timestamp_type(), TimestampType::LogAppendTime);
}

async fn flush_settles_everything(cluster: &TestCluster) {
    let topic = cluster.topic("flushed", 3).await;
    // Without flush, nothing would be sent for an hour.
    let producer = cluster.kafka().await.producer();
    let producer = producer
        .linger(Duration::from_secs(3600))
        .delivery_timeout(Duration::from_secs(7200));
    let producer = producer.build().await.unwrap();
    let deliveries = numbered::enqueue(&producer, &topic, 3, 0..5).await;
    assert!(producer.buffered_bytes() > 0);
    producer.flush().await.unwrap();
    assert_eq!(producer.buffered_bytes(), 0);
    for (partition, number, delivery) in deliveries {
        let delivered = futures::FutureExt::now_or_never(delivery)
            .expect("settled")
            .unwrap();
        assert_eq!(
            (delivered.partition, delivered.offset),
            (partition, Some(number as i64))
        );
    }
}

/// A batch over the topic's limit is sent in parts, one after the other: flush waits for the last.
async fn flush_settles_every_part_of_a_batch_that_is_split(cluster: &TestCluster) {
    let settings = [("max.message.bytes", "2000")];
    let topic = cluster.topic_with("split", 1, &settings).await;
    let producer = cluster.kafka().await.producer().batch_size(64 * 1024);
    let producer = producer
        .linger(Duration::from_secs(60))
        .build()
        .await
        .unwrap();
    let value = [b'x'; 500];
    let mut deliveries = Vec::new();
    for _ in 0..100 {
        let record = Record::to(&topic).value(&value);
        deliveries.push(producer.enqueue(record).await.unwrap());
    }
    producer.flush().await.unwrap();
    for (number, delivery) in deliveries.into_iter().enumerate() {
        let delivered = futures::FutureExt::now_or_never(delivery)
            .expect("settled")
            .unwrap();
        assert_eq!(delivered.offset, Some(number as i64));
    }
}

async fn close_delivers_everything_and_ends_the_producer(cluster: &TestCluster) {
    let topic = cluster.topic("closed", 3).await;
    let producer = cluster.kafka().await.producer();
    let producer = producer
        .linger(Duration::from_secs(3600))
        .delivery_timeout(Duration::from_secs(7200));
    let producer = producer.build().await.unwrap();
    let deliveries = numbered::enqueue(&producer, &topic, 3, 0..50).await;
    let other = producer.clone();
    producer.close().await.unwrap();
    for (_, number, delivery) in deliveries {
        let delivered = futures::FutureExt::now_or_never(delivery)
            .expect("settled")
            .unwrap();
        assert_eq!(delivered.offset, Some(number as i64));
    }
    receive(&mut reader(cluster, &topic, 3).await, 150)
        .await
        .assert_is(3, 0..50);

    let error = other
        .send(Record::to(&topic).value("late"))
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::NotDelivered(_)), "{error}");
    assert_eq!(error.error().kind(), ErrorKind::Closed);
    // Closed already; there is nothing to tell.
    other.close().await.unwrap();
}

async fn a_dropped_delivery_changes_nothing(cluster: &TestCluster) {
    let topic = cluster.topic("dropped", 2).await;
    let producer = cluster.kafka().await.producer().build().await.unwrap();
    for (_, number, delivery) in numbered::enqueue(&producer, &topic, 2, 0..500).await {
        if number % 3 == 0 {
            drop(delivery);
        } else {
            // Looked at once, and dropped while it waits.
            let _ = futures::FutureExt::now_or_never(delivery);
        }
    }
    producer.flush().await.unwrap();
    receive(&mut reader(cluster, &topic, 2).await, 1000)
        .await
        .assert_is(2, 0..500);
}

async fn with_acks_of_the_leader_records_arrive_in_order(cluster: &TestCluster) {
    let topic = cluster.topic("acks-1", 2).await;
    let producer = cluster.kafka().await.producer().acks(Acks::Leader);
    let producer = producer.build().await.unwrap();
    numbered::send(&producer, &topic, 2, 0..1000).await;
    receive(&mut reader(cluster, &topic, 2).await, 2000)
        .await
        .assert_is(2, 0..1000);
}

async fn without_acks_records_arrive_and_have_no_offset(cluster: &TestCluster) {
    let topic = cluster.topic("acks-0", 2).await;
    // A leader that does not know yet that it is one would lose what asks for no answer.
    let ready = cluster.kafka().await.producer().build().await.unwrap();
    numbered::send(&ready, &topic, 2, 0..1).await;
    let producer = cluster.kafka().await.producer().acks(Acks::None);
    let producer = producer.build().await.unwrap();
    for (partition, _, delivery) in numbered::enqueue(&producer, &topic, 2, 1..1000).await {
        let delivered = delivery.await.unwrap();
        assert_eq!((delivered.partition, delivered.offset), (partition, None));
    }
    receive(&mut reader(cluster, &topic, 2).await, 2000)
        .await
        .assert_is(2, 0..1000);
}

async fn a_topic_is_made_when_it_is_first_used(cluster: &TestCluster) {
    let topic = cluster.name("made");
    let producer = cluster.kafka().await.producer().build().await.unwrap();
    let delivered = producer
        .send(Record::to(&topic).value("first"))
        .await
        .unwrap();
    assert_eq!((delivered.partition, delivered.offset), (0, Some(0)));

    let read = TopicPartition::new(cluster.name("made-by-a-reader"), 0);
    let reader = cluster.kafka().await.reader();
    let reader = reader.assign([read.clone()]).await.unwrap();
    assert_eq!(reader.handle().assignment(), [read]);
}

async fn many_tasks_share_a_producer(cluster: &TestCluster) {
    const TASKS: u64 = 8;
    let topic = cluster.topic("shared", TASKS as i32).await;
    let producer = cluster.kafka().await.producer().build().await.unwrap();
    let tasks: Vec<_> = (0..TASKS as i32)
        .map(|partition| {
            let (producer, topic) = (producer.clone(), topic.clone());
            tokio::spawn(async move {
                // One at a time: each waits for the one before.
                for number in 0..50_i64 {
                    let value = number.to_string();
                    let record = Record::to(&topic).partition(partition).value(&value);
                    let delivered = producer.send(record).await.unwrap();
                    assert_eq!(
                        (delivered.partition, delivered.offset),
                        (partition, Some(number))
                    );
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

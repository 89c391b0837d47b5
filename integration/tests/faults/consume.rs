//! Part B, consumer and groups: refused, lost and damaged answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use integration::numbered::{self, Tally, receive};
use integration::partitions;
use kafka_broker::{Step, when};
use kafka_client::consumer::{Delivery, OffsetReset, PartitionStream, Received, TopicPartition};
use kafka_client::record::{ConsumerRecord, Record};
use kafka_client::{ErrorCode, ErrorKind};
use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::fetch::FetchResponse;

use super::Setting;

const SECOND: Duration = Duration::from_secs(1);

async fn written(setting: &Setting, count: i32, numbers: u64) -> &'static str {
    let topic = setting.topic("read", count);
    let producer = setting.kafka().await.producer().batch_size(512);
    let producer = producer.max_request_size(1024).build().await.unwrap();
    numbered::send(&producer, topic, count, 0..numbers).await;
    topic
}

/// 5, 13, 37, 39: whatever becomes of a Fetch, no record is skipped or repeated.
#[tokio::test(start_paused = true)]
async fn fetches_that_fail_lose_and_repeat_nothing() {
    let fetch = || when(ApiKey::FETCH).skip(1).times(3);
    for fault in [
        fetch().then([Step::Close]),
        fetch().then([Step::Apply, Step::Close]),
        fetch().then([Step::Truncate(3)]),
        fetch().then([Step::Truncate(90)]),
        fetch().then([Step::Apply, Step::Delay(20 * SECOND)]),
        fetch().then([Step::Hold]),
        fetch().then([Step::Error(ErrorCode::NOT_LEADER_OR_FOLLOWER)]),
        fetch().then([Step::Error(ErrorCode::FENCED_LEADER_EPOCH)]),
        fetch().then([Step::Error(ErrorCode::UNKNOWN_LEADER_EPOCH)]),
        fetch().then([Step::Error(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)]),
        fetch().then([Step::Error(ErrorCode::KAFKA_STORAGE_ERROR)]),
        fetch().then([Step::Error(ErrorCode::REPLICA_NOT_AVAILABLE)]),
    ] {
        let setting = Setting::new().await;
        let topic = written(&setting, 3, 100).await;
        let what = format!("{fault:?}");
        let fault = setting.inject(fault);
        let reader = setting.kafka().await.reader();
        let reader = reader
            .offset_reset(OffsetReset::Earliest)
            .max_partition_fetch_bytes(1000);
        let mut reader = reader.assign(partitions(topic, 3)).await.unwrap();
        let within = Duration::from_secs(300);
        let received = tokio::time::timeout(within, receive(&mut reader, 300)).await;
        received
            .unwrap_or_else(|_| panic!("{what}"))
            .assert_is(3, 0..100);
        assert_eq!(fault.hits(), 3, "{what}");
    }
}

#[derive(Debug, kafka_client::KafkaRecord)]
#[kafka(topic = "numbers", format = json)]
struct Number {
    number: u32,
}

/// Raw or typed, acknowledged or not, together or apart: what one kind offers, the others do as well.
#[tokio::test(start_paused = true)]
async fn every_kind_of_consumer_starts_in_every_way() {
    let setting = Setting::new().await;
    let topic = setting.topic("numbers", 1);
    let kafka = setting.kafka().await;
    let producer = kafka.producer().build().await.unwrap();
    for value in ["{\"number\":7}", "{poison", "{\"number\":8}"] {
        producer.send(Record::to(topic).value(value)).await.unwrap();
    }
    let groups = AtomicUsize::new(0);
    let builder = || {
        let group = groups.fetch_add(1, Ordering::Relaxed);
        let consumer = kafka.consumer(format!("group-{group}"));
        consumer.offset_reset(OffsetReset::Earliest)
    };
    let at = || partitions(topic, 1);
    let matches = |name: &str| name == "numbers";
    macro_rules! first_of {
        ($consumer:expr) => {
            $consumer.await.unwrap().next().await.unwrap().unwrap()
        };
    }
    macro_rules! starts {
        ($builder:expr, $first:ident) => {
            [
                $first(first_of!($builder.subscribe([topic]))).await,
                $first(first_of!($builder.subscribe_matching(matches))).await,
                $first(first_of!($builder.assign(at()))).await,
            ]
        };
    }
    let raw = async |record: ConsumerRecord| record.decode::<Number>().unwrap().number;
    let typed = async |number: Received<Number>| number.number;
    let raw_acked = async |delivery: Delivery<ConsumerRecord>| raw(delivery.split().0).await;
    let typed_acked = async |delivery: Delivery<Received<Number>>| delivery.number;
    let raw_apart = async |mut stream: PartitionStream<ConsumerRecord>| {
        raw(stream.recv().await.unwrap().unwrap()).await
    };
    let typed_apart = async |mut stream: PartitionStream<Received<Number>>| {
        typed(stream.recv().await.unwrap().unwrap()).await
    };
    let of_type = || builder().topic::<Number>();
    for numbers in [
        starts!(builder(), raw),
        starts!(of_type(), typed),
        starts!(builder().manual_ack(), raw_acked),
        starts!(of_type().manual_ack(), typed_acked),
        starts!(builder().partition_streams(), raw_apart),
        starts!(of_type().partition_streams(), typed_apart),
        [
            typed(first_of!(of_type().start())).await,
            typed_acked(first_of!(of_type().manual_ack().start())).await,
            typed_apart(first_of!(of_type().partition_streams().start())).await,
        ],
        [
            typed(first_of!(builder().subscribe_as([topic]))).await,
            typed(first_of!(builder().subscribe_matching_as(matches))).await,
            typed(first_of!(builder().assign_as(at()))).await,
        ],
    ] {
        assert_eq!(numbers, [7; 3]);
    }
    // Many at once, and one that is not of the type in its place.
    let mut many = of_type().assign(at()).await.unwrap();
    let mut records = Vec::new();
    while records.len() < 3 {
        records.extend(many.poll(10, SECOND).await.unwrap());
    }
    let [first, poison, last] = &records[..] else {
        panic!("{records:?}")
    };
    assert_eq!(first.as_ref().unwrap().number, 7);
    assert_eq!(poison.as_ref().unwrap_err().record().unwrap().offset(), 1);
    assert_eq!(last.as_ref().unwrap().number, 8);
}

/// A broker makes topics that are asked for by name, if the request allows it. To look one up is not to use
/// it: a slip of the pen in a tool would make a topic. What a topic lacks is not there a moment later either.
#[tokio::test(start_paused = true)]
async fn looking_up_a_topic_never_makes_it_and_what_is_not_there_is_not_worth_a_retry() {
    let setting = Setting::new().await;
    let topic = setting.topic("orders", 1);
    let kafka = setting.kafka().await;
    let at = TopicPartition::new("oders", 0);
    let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
    let handle = reader
        .assign(partitions(topic, 1))
        .await
        .map(|reader| (reader.handle(), reader));
    let (handle, mut reader) = handle.unwrap();
    for error in [
        kafka.partitions("oders").await.unwrap_err(),
        handle.offsets(std::slice::from_ref(&at)).await.unwrap_err(),
        handle.offsets_for_times([(at, 0)]).await.unwrap_err(),
        handle
            .offsets(&[TopicPartition::new(topic, 1)])
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::UnknownTopic, "{error}");
        assert!(!error.is_retriable(), "{error}");
    }
    assert!(setting.broker.end_offset("oders", 0).is_none());
    // Whoever uses it makes it, as ever.
    let again = kafka.reader().offset_reset(OffsetReset::Earliest);
    let mut again = again.assign(partitions("oders", 1)).await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    for topic in ["oders", topic] {
        let record = Record::to(topic).partition(0).value("v");
        producer.send(record).await.unwrap();
    }
    again.recv().await.unwrap();
    reader.recv().await.unwrap();
}

/// 38: damage is an error that names the place; what is behind it is not skipped silently, and the
/// other partition goes on.
#[tokio::test(start_paused = true)]
async fn a_damaged_batch_is_an_error_with_its_place() {
    let setting = Setting::new().await;
    let topic = written(&setting, 1, 200).await;
    let other = setting.topic("sound", 1);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, other, 1, 0..200).await;
    setting.inject(when(ApiKey::FETCH).topic(topic).then([Step::Corrupt(2000)]));
    let reader = setting
        .kafka()
        .await
        .reader()
        .offset_reset(OffsetReset::Earliest);
    let at = TopicPartition::new(topic, 0);
    let mut reader = reader.assign([at.clone()]).await.unwrap();
    let mut tally = Tally::default();
    let error = loop {
        match reader.recv().await {
            Ok(record) => tally.count(&record),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::CorruptRecords, "{error}");
    assert_eq!((error.topic(), error.partition()), (Some(topic), Some(0)));
    let offset = tally.total();
    assert!(
        error.to_string().contains(&format!("offset {offset} ")),
        "{error}"
    );
    let nothing = tokio::time::timeout(60 * SECOND, reader.recv()).await;
    assert!(nothing.is_err(), "it stands still: {nothing:?}");
    // The damage was on the way: asked for again, the batch is sound.
    reader.handle().seek(&at, offset as i64).unwrap();
    while tally.total() < 200 {
        tally.count(&reader.recv().await.unwrap());
    }
    tally.assert_is(1, 0..200);
    let reader = setting
        .kafka()
        .await
        .reader()
        .offset_reset(OffsetReset::Earliest);
    let mut reader = reader.assign(partitions(other, 1)).await.unwrap();
    receive(&mut reader, 200).await.assert_is(1, 0..200);
}

#[tokio::test(start_paused = true)]
async fn where_to_begin_is_asked_again() {
    for fault in [
        when(ApiKey::LIST_OFFSETS)
            .times(3)
            .then([Step::Apply, Step::Close]),
        when(ApiKey::LIST_OFFSETS)
            .times(3)
            .then([Step::Error(ErrorCode::NOT_LEADER_OR_FOLLOWER)]),
        when(ApiKey::LIST_OFFSETS)
            .times(3)
            .then([Step::Error(ErrorCode::LEADER_NOT_AVAILABLE)]),
        when(ApiKey::LIST_OFFSETS)
            .times(3)
            .then([Step::Error(ErrorCode::OFFSET_NOT_AVAILABLE)]),
    ] {
        let setting = Setting::new().await;
        let topic = written(&setting, 2, 20).await;
        let fault = setting.inject(fault);
        let reader = setting
            .kafka()
            .await
            .reader()
            .offset_reset(OffsetReset::Earliest);
        let mut reader = reader.assign(partitions(topic, 2)).await.unwrap();
        receive(&mut reader, 40).await.assert_is(2, 0..20);
        assert_eq!(fault.hits(), 3);
    }
}

/// 45, 46, 48, 53: a member gets through whatever its coordinator answers, begins where the group
/// stands, and stores what it has done.
#[tokio::test(start_paused = true)]
async fn a_member_gets_through_what_its_coordinator_answers() {
    let coordinator = [
        ErrorCode::NOT_COORDINATOR,
        ErrorCode::COORDINATOR_NOT_AVAILABLE,
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
    ];
    let rejoin = [
        ErrorCode::UNKNOWN_MEMBER_ID,
        ErrorCode::ILLEGAL_GENERATION,
        ErrorCode::REBALANCE_IN_PROGRESS,
    ];
    let mut faults = Vec::new();
    for api in [
        ApiKey::FIND_COORDINATOR,
        ApiKey::JOIN_GROUP,
        ApiKey::SYNC_GROUP,
        ApiKey::HEARTBEAT,
        ApiKey::OFFSET_FETCH,
        ApiKey::OFFSET_COMMIT,
    ] {
        let on = || when(api).times(2);
        faults.extend([
            on().then([Step::Close]),
            on().then([Step::Apply, Step::Close]),
            on().then([Step::Truncate(6)]),
        ]);
        let codes: &[&[ErrorCode]] = match api {
            ApiKey::FIND_COORDINATOR => &[&coordinator[1..]],
            ApiKey::JOIN_GROUP => &[&coordinator, &rejoin[..1]],
            ApiKey::OFFSET_FETCH => &[&coordinator, &[ErrorCode::UNSTABLE_OFFSET_COMMIT]],
            _ => &[&coordinator, &rejoin],
        };
        for code in codes.iter().copied().flatten() {
            faults.push(on().then([Step::Error(*code)]));
        }
    }
    for fault in faults {
        let what = format!("{fault:?}");
        let setting = Setting::new().await;
        let topic = written(&setting, 2, 50).await;
        let kafka = setting.kafka().await;
        let member = || {
            // `none`: to begin where the reset says would be a mistake, and an error.
            let member = kafka.consumer("group").manual_commit();
            member
                .offset_reset(OffsetReset::None)
                .heartbeat_interval(SECOND)
        };
        let first = kafka.consumer("group").offset_reset(OffsetReset::Earliest);
        let mut first = first.subscribe([topic]).await.unwrap();
        let mut tally = receive(&mut first, 30).await;
        first.close().await.unwrap();

        let fault = setting.inject(fault);
        let mut second = member().subscribe([topic]).await.unwrap();
        // Each record is committed by itself. If that fails, the place is lost, and it comes again.
        let rest = async {
            while tally.total() < 100 || fault.hits() < 2 {
                match tokio::time::timeout(SECOND, second.recv()).await {
                    Ok(Ok(record)) => match second.commit().await {
                        Ok(()) => tally.count(&record),
                        Err(error) => assert_eq!(error.kind(), ErrorKind::GroupLost, "{what}"),
                    },
                    Ok(Err(error)) => panic!("{what}: {error}"),
                    // Heartbeats need time to be sent, and refused.
                    Err(_) => {}
                }
            }
        };
        let within = tokio::time::timeout(Duration::from_secs(600), rest).await;
        within.unwrap_or_else(|_| panic!("it gets through {what}"));
        tally.assert_is(2, 0..50);
        second
            .commit()
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        second.close().await.unwrap();

        let mut third = member().subscribe([topic]).await.unwrap();
        let rest = tokio::time::timeout(60 * SECOND, third.recv()).await;
        assert!(
            rest.is_err(),
            "{what}: all was committed, but there is {rest:?}"
        );
        third.close().await.unwrap();
    }
}

/// What is refused for good ends the member, and every call says why.
#[tokio::test(start_paused = true)]
async fn a_group_that_refuses_a_member_ends_it() {
    let setting = Setting::new().await;
    let topic = written(&setting, 1, 5).await;
    let denied = Step::Error(ErrorCode::GROUP_AUTHORIZATION_FAILED);
    setting.inject(when(ApiKey::JOIN_GROUP).always().then([denied]));
    let mut member = setting
        .kafka()
        .await
        .consumer("group")
        .subscribe([topic])
        .await
        .unwrap();
    for _ in 0..2 {
        let error = member.recv().await.unwrap_err();
        assert_eq!(
            error.code(),
            Some(ErrorCode::GROUP_AUTHORIZATION_FAILED),
            "{error}"
        );
        assert_eq!(error.api(), Some(ApiKey::JOIN_GROUP));
    }
    let commit = member.commit().await.unwrap_err();
    assert_eq!(commit.code(), Some(ErrorCode::GROUP_AUTHORIZATION_FAILED));
    member.close().await.unwrap();
}

/// 53: what is fetched is kept while its partition is paused, and is not fetched again.
#[tokio::test(start_paused = true)]
async fn pauses_fetch_nothing_twice() {
    let setting = Setting::new().await;
    let topic = written(&setting, 2, 500).await;
    let fetched = Arc::new(AtomicUsize::new(0));
    let count = fetched.clone();
    let count = Step::edit(move |answer: &mut FetchResponse| {
        let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
        let records = partitions.filter_map(|partition| partition.records.as_ref());
        let bytes: usize = records.map(|records| records.len()).sum();
        count.fetch_add(bytes, Ordering::Relaxed);
    });
    setting.inject(when(ApiKey::FETCH).always().then([count]));
    let mut once = 0;
    for pauses in [false, true] {
        let reader = setting.kafka().await.reader();
        let reader = reader.offset_reset(OffsetReset::Earliest);
        let mut reader = reader.assign(partitions(topic, 2)).await.unwrap();
        let handle = reader.handle();
        let mut tally = Tally::default();
        for _ in 0..1_000 {
            tally.count(&reader.recv().await.unwrap());
            if pauses {
                handle.pause(&partitions(topic, 2));
                handle.resume(&partitions(topic, 2));
            }
        }
        tally.assert_is(2, 0..500);
        let bytes = fetched.swap(0, Ordering::Relaxed);
        match pauses {
            false => once = bytes,
            true => assert!(bytes * 100 <= once * 102, "{bytes} of {once}"),
        }
    }
}

/// A paused partition gives nothing, and goes on where it was; one that is paused for long does not
/// keep the buffer from others.
#[tokio::test(start_paused = true)]
async fn a_paused_partition_keeps_its_place_and_takes_no_buffer_from_others() {
    let setting = Setting::new().await;
    let topic = written(&setting, 2, 500).await;
    let reader = setting.kafka().await.reader();
    let reader = reader.offset_reset(OffsetReset::Earliest);
    let reader = reader.buffer_bytes(4_000).max_partition_fetch_bytes(2_000);
    let mut reader = reader.assign(partitions(topic, 2)).await.unwrap();
    let handle = reader.handle();
    let mut tally = Tally::default();
    for _ in 0..10 {
        tally.count(&reader.recv().await.unwrap());
    }
    let paused = partitions(topic, 2).remove(0);
    handle.pause([&paused]);
    let before = handle.position(&paused);
    for _ in 0..490 {
        let record = tokio::time::timeout(60 * SECOND, reader.recv()).await;
        let record = record.expect("the other flows").unwrap();
        assert_eq!(record.partition(), 1);
        tally.count(&record);
    }
    assert_eq!(handle.position(&paused), before);
    handle.resume([&paused]);
    while tally.total() < 1_000 {
        let record = tokio::time::timeout(60 * SECOND, reader.recv()).await;
        tally.count(&record.expect("it goes on").unwrap());
    }
    tally.assert_is(2, 0..500);
}

/// 63: records that are given together are processed when the next are asked for, and not before.
#[tokio::test(start_paused = true)]
async fn records_given_together_are_committed_when_the_next_are_asked_for() {
    let setting = Setting::new().await;
    let topic = written(&setting, 2, 50).await;
    let kafka = setting.kafka().await;
    let consumer = kafka.consumer("group").auto_commit(SECOND);
    let consumer = consumer.offset_reset(OffsetReset::Earliest);
    let mut consumer = consumer.subscribe([topic]).await.unwrap();
    let mut tally = Tally::default();
    let first = consumer.poll(70, 10 * SECOND).await.unwrap();
    assert_eq!(first.len(), 70);
    tokio::time::sleep(5 * SECOND).await;
    let stored = async |consumer: &kafka_client::consumer::Consumer| {
        let stored = consumer.handle().committed(&partitions(topic, 2)).await;
        stored.unwrap().values().sum::<i64>()
    };
    assert_eq!(stored(&consumer).await, 0, "nothing of it is processed");
    let second = consumer.poll(1_000, 10 * SECOND).await.unwrap();
    assert_eq!(second.len(), 30);
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(stored(&consumer).await, 70);
    assert_eq!(consumer.poll(10, SECOND).await.unwrap(), []);
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(stored(&consumer).await, 100);
    first
        .iter()
        .chain(&second)
        .for_each(|record| tally.count(record));
    tally.assert_is(2, 0..50);
    // One that lives long keeps nothing else.
    assert_eq!(first[0].detached(), first[0]);
    consumer.close().await.unwrap();
}

/// Partitions and offsets by time are told without reading, and asking makes no topic.
#[tokio::test(start_paused = true)]
async fn partitions_and_offsets_by_time_are_told() {
    let setting = Setting::new().await;
    let topic = setting.topic("read", 3);
    let kafka = setting.kafka().await;
    let producer = kafka.producer().build().await.unwrap();
    for ms in [1_000, 2_000, 3_000] {
        let record = Record::to(topic).partition(1).value("v").timestamp_ms(ms);
        producer.send(record).await.unwrap();
    }
    let all = kafka.partitions(topic).await.unwrap();
    assert_eq!(all, partitions(topic, 3));
    let error = kafka.partitions("missing").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownTopic, "{error}");
    assert!(
        setting.broker.end_offset("missing", 0).is_none(),
        "none is made"
    );
    let reader = kafka.reader().assign(all.clone()).await.unwrap();
    let handle = reader.handle();
    for (ms, offset) in [(0, 0), (1_500, 1), (3_000, 2), (9_000, 3)] {
        let found = handle
            .offsets_for_times([(all[1].clone(), ms)])
            .await
            .unwrap();
        assert_eq!(found[&all[1]], offset, "{ms}");
    }
    let negative = handle.offsets_for_times([(all[0].clone(), -1)]).await;
    assert_eq!(negative.unwrap_err().kind(), ErrorKind::Config);
    let offsets = handle.offsets(&all).await.unwrap();
    assert_eq!((offsets[&all[0]], offsets[&all[1]]), ((0, 0), (0, 3)));
}

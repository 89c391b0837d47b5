//! Fetching: every partition gets its turn, and what a broker answers oddly stops nothing for good.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use integration::numbered::{self, Tally};
use integration::partitions;
use kafka_broker::{Step, when};
use kafka_client::consumer::{Consumer, OffsetReset, ResetReason, TopicPartition};
use kafka_client::producer::Compression;
use kafka_client::record::Record;
use kafka_client::{ErrorCode, ErrorKind};
use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::fetch::{FetchRequest, FetchResponse};
use kafka_client_protocol::api::list_offsets::ListOffsetsResponse;
use kafka_client_protocol::records::{Batch, BatchBuilder, Batches, Header, Seal, retain};

use super::Setting;

const SECOND: Duration = Duration::from_secs(1);

async fn write(setting: &Setting, topic: &'static str, count: i32, numbers: u64) {
    setting.topic(topic, count);
    let producer = setting.kafka().await.producer().batch_size(512);
    let producer = producer.max_request_size(1024).build().await.unwrap();
    numbered::send(&producer, topic, count, 0..numbers).await;
}

async fn reader(setting: &Setting, of: Vec<TopicPartition>, buffer: usize) -> Consumer {
    let reader = setting.kafka().await.reader();
    let reader = reader
        .offset_reset(OffsetReset::Earliest)
        .buffer_bytes(buffer);
    reader.assign(of).await.unwrap()
}

/// 44: of two topics that have more than the buffer holds, the alphabetically last one got 2 of 600
/// records while the other gave thousands.
#[tokio::test(start_paused = true)]
async fn every_topic_has_its_turn_however_small_the_buffer() {
    let setting = Setting::new().await;
    write(&setting, "a", 4, 1000).await;
    write(&setting, "z", 1, 600).await;
    let all = [partitions("a", 4), partitions("z", 1)].concat();
    let mut reader = reader(&setting, all, 64 * 1024).await;
    let mut tallies = [Tally::default(), Tally::default()];
    // Every partition has more than a fifth of these.
    for _ in 0..2500 {
        let record = reader.recv().await.unwrap();
        tallies[usize::from(record.topic() == "z")].count(&record);
    }
    assert!(tallies[1].of(0) > 300, "{} of z", tallies[1].of(0));
    for partition in 0..4 {
        let came = tallies[0].of(partition);
        assert!(came > 300, "{came} of partition {partition}");
    }
}

/// A request for the last few bytes of the buffer brings one batch, and there is one for each of them.
#[tokio::test(start_paused = true)]
async fn requests_are_not_for_crumbs() {
    let setting = Setting::new().await;
    write(&setting, "a", 2, 2000).await;
    let fetches = setting.inject(when(ApiKey::FETCH).always().then([]));
    let mut reader = reader(&setting, partitions("a", 2), 64 * 1024).await;
    let tally = numbered::receive(&mut reader, 4000).await;
    tally.assert_is(2, 0..2000);
    // 360 KiB, in quarters of a buffer of 64 KiB.
    let requests = fetches.hits();
    assert!(requests < 40, "{requests} requests");
}

/// 38: the error says where to go on, and to go on there skips the damaged batch and no more.
#[tokio::test(start_paused = true)]
async fn a_corrupt_batch_says_where_to_go_on() {
    let setting = Setting::new().await;
    write(&setting, "read", 1, 100).await;
    let damage = when(ApiKey::FETCH).always();
    setting.inject(damage.then([Step::edit(|answer: &mut FetchResponse| {
        let partition = &mut answer.responses[0].partitions[0];
        // In the middle of the second batch of the log.
        if let Some(records) = partition
            .records
            .as_mut()
            .filter(|records| records.len() > 3000)
        {
            let mut bytes = records.to_vec();
            bytes[1500] ^= 1;
            *records = bytes.into();
        }
    })]));
    let mut reader = reader(&setting, partitions("read", 1), 1 << 20).await;
    let mut numbers = Vec::new();
    let error = loop {
        match reader.recv().await {
            Ok(record) => numbers.push(record.offset()),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::CorruptRecords, "{error}");
    let begin = numbers.len() as i64;
    let beyond = error.resume_offset().unwrap();
    assert!(
        error.to_string().ends_with(&format!("seek to {beyond}")),
        "{error}"
    );
    assert!(beyond > begin && beyond < 50, "{error}");
    let at = TopicPartition::new("read", 0);
    reader.handle().seek(&at, beyond).unwrap();
    assert_eq!(reader.recv().await.unwrap().offset(), beyond);
}

/// 49: what cannot be decompressed is an error as well, where checksums are not looked at, and the end
/// of an answer may be cut off.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_decompressed_is_an_error_and_a_cut_end_is_none() {
    let setting = Setting::new().await;
    setting.topic("read", 1);
    let producer = setting.kafka().await.producer().batch_size(2000);
    let producer = producer
        .compression(Compression::Lz4)
        .build()
        .await
        .unwrap();
    numbered::send(&producer, "read", 1, 0..100).await;
    let cut = Step::edit(|answer: &mut FetchResponse| {
        let partition = &mut answer.responses[0].partitions[0];
        if let Some(records) = &mut partition.records {
            let batches: Vec<_> = Batches::new(records.clone()).map(Result::unwrap).collect();
            // All but the first are missing some bytes.
            if batches.len() > 1 {
                records.truncate(batches[0].bytes().len() + 70);
            }
        }
    });
    let cut = setting.inject(when(ApiKey::FETCH).times(3).then([cut]));
    let mut whole = reader(&setting, partitions("read", 1), 1 << 20).await;
    let read = numbered::receive(&mut whole, 100).await;
    read.assert_is(1, 0..100);
    assert!(cut.hits() > 1);
    cut.remove();
    let damaged = Step::edit(|answer: &mut FetchResponse| {
        let partition = &mut answer.responses[0].partitions[0];
        if let Some(records) = &mut partition.records {
            let mut bytes = records.to_vec();
            bytes[61..100].fill(0xff);
            *records = bytes.into();
        }
    });
    setting.inject(when(ApiKey::FETCH).then([damaged]));
    let reader = setting.kafka().await.reader().check_crcs(false);
    let reader = reader.offset_reset(OffsetReset::Earliest);
    let mut reader = reader.assign(partitions("read", 1)).await.unwrap();
    let error = reader.recv().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CorruptRecords, "{error}");
    assert!(error.resume_offset().is_some_and(|offset| offset > 0));
    let nothing = tokio::time::timeout(60 * SECOND, reader.recv()).await;
    assert!(nothing.is_err(), "it is told once");
}

/// 38, positions: 289 records handed out, a corrupt batch, and nothing of it was stored.
#[tokio::test(start_paused = true)]
async fn what_was_handed_out_before_a_corrupt_batch_is_committed() {
    let setting = Setting::new().await;
    write(&setting, "read", 1, 100).await;
    setting.inject(when(ApiKey::FETCH).then([Step::Corrupt(1600)]));
    let kafka = setting.kafka().await;
    let reader = kafka.consumer("group").manual_commit();
    let reader = reader.offset_reset(OffsetReset::Earliest);
    let mut reader = reader.subscribe(["read"]).await.unwrap();
    let mut count = 0;
    while reader.recv().await.is_ok() {
        count += 1;
    }
    assert!(count > 0);
    let at = TopicPartition::new("read", 0);
    assert_eq!(reader.handle().position(&at), Some(count));
    reader.commit().await.unwrap();
    let stored = reader
        .handle()
        .committed(std::slice::from_ref(&at))
        .await
        .unwrap();
    assert_eq!(stored.get(&at), Some(&count));
}

/// 39, 43: whatever ends a fetch session, nothing is skipped or repeated, and the next request opens
/// another.
#[tokio::test(start_paused = true)]
async fn a_fetch_session_that_ends_loses_and_repeats_nothing() {
    let refused = |code: ErrorCode| {
        Step::edit(move |answer: &mut FetchResponse| {
            *answer = FetchResponse {
                error_code: code.code(),
                ..Default::default()
            };
        })
    };
    for steps in [
        vec![refused(ErrorCode::FETCH_SESSION_ID_NOT_FOUND)],
        vec![refused(ErrorCode::INVALID_FETCH_SESSION_EPOCH)],
        vec![refused(ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR)],
        vec![refused(ErrorCode::INCONSISTENT_TOPIC_ID)],
        vec![refused(ErrorCode::UNKNOWN_TOPIC_ID)],
        vec![Step::edit(|answer: &mut FetchResponse| {
            answer.session_id = 0
        })],
        vec![Step::edit(|answer: &mut FetchResponse| {
            answer.session_id += 1
        })],
        // As a broker that throttles.
        vec![
            Step::edit(|answer: &mut FetchResponse| answer.responses.clear()),
            Step::Throttle(SECOND),
        ],
        vec![Step::Close],
        vec![Step::Apply, Step::Close],
    ] {
        let setting = Setting::new().await;
        write(&setting, "read", 3, 100).await;
        let fault = when(ApiKey::FETCH).skip(2).times(3).then(steps);
        let what = format!("{fault:?}");
        let fault = setting.inject(fault);
        let mut reader = reader(&setting, partitions("read", 3), 8 * 1024).await;
        let within = Duration::from_secs(60);
        let received = tokio::time::timeout(within, numbered::receive(&mut reader, 300)).await;
        let received = received.unwrap_or_else(|_| panic!("{what}"));
        received.assert_is(3, 0..100);
        assert_eq!(fault.hits(), 3, "{what}");
    }
}

/// Sessions that take each other's only slot.
#[tokio::test(start_paused = true)]
async fn fetch_sessions_that_are_evicted_lose_and_repeat_nothing() {
    for slots in ["0", "1"] {
        let setting = Setting::with(|broker| {
            broker.property("max.incremental.fetch.session.cache.slots", slots)
        });
        let setting = setting.await;
        write(&setting, "read", 3, 200).await;
        let mut readers = Vec::new();
        for _ in 0..3 {
            readers.push(reader(&setting, partitions("read", 3), 8 * 1024).await);
        }
        for reader in &mut readers {
            let received = numbered::receive(reader, 600).await;
            received.assert_is(3, 0..200);
        }
    }
}

/// KIP-227: the only slot of a broker goes from a consumer that is closed to the next one, which would
/// have none for two minutes.
#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_closed_leaves_no_fetch_session() {
    let setting =
        Setting::with(|broker| broker.property("max.incremental.fetch.session.cache.slots", "1"));
    let setting = setting.await;
    write(&setting, "read", 3, 10).await;
    for name in ["first", "second", "third"] {
        let kafka = setting.client().client_id(name).connect().await.unwrap();
        let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
        let mut reader = reader.assign(partitions("read", 3)).await.unwrap();
        let in_session = when(ApiKey::FETCH).client_id(name);
        let in_session = in_session.matching(|request: &FetchRequest| request.session_epoch > 0);
        let in_session = setting.inject(in_session.always().then([Step::Apply]));
        numbered::receive(&mut reader, 30).await.assert_is(3, 0..10);
        assert!(tokio::time::timeout(SECOND, reader.recv()).await.is_err());
        assert!(in_session.hits() > 0, "the {name} has no session");
        let ended = when(ApiKey::FETCH).client_id(name);
        let ended = ended.matching(|request: &FetchRequest| request.session_epoch == -1);
        let ended = setting.inject(ended.always().then([Step::Apply]));
        let before = tokio::time::Instant::now();
        reader.close().await.unwrap();
        assert!(
            before.elapsed() < SECOND / 10,
            "a held fetch is not waited for"
        );
        assert_eq!(ended.hits(), 1);
    }
}

/// 51: a broker, or what stands before it, that answers at once and with nothing.
#[tokio::test(start_paused = true)]
async fn answers_without_anything_are_no_hot_loop() {
    let setting = Setting::new().await;
    write(&setting, "read", 3, 10).await;
    for emptied in [
        Step::edit(|answer: &mut FetchResponse| answer.responses.clear()),
        Step::edit(|answer: &mut FetchResponse| {
            for topic in &mut answer.responses {
                topic.partitions.clear();
            }
        }),
        Step::edit(|answer: &mut FetchResponse| answer.error_code = -1),
    ] {
        let what = format!("{emptied:?}");
        let fault = setting.inject(when(ApiKey::FETCH).always().then([emptied]));
        let mut reader = reader(&setting, partitions("read", 3), 1 << 20).await;
        let nothing = tokio::time::timeout(60 * SECOND, reader.recv()).await;
        assert!(nothing.is_err());
        let requests = fault.hits();
        assert!(requests < 200, "{requests} requests in a minute: {what}");
        fault.remove();
        numbered::receive(&mut reader, 30).await.assert_is(3, 0..10);
    }
}

/// 37: what retention has removed is told once for each partition, with where it goes on.
#[tokio::test(start_paused = true)]
async fn every_reset_is_told_with_from_to_and_why() {
    let setting = Setting::new().await;
    write(&setting, "read", 2, 20).await;
    let (sender, mut resets) = tokio::sync::mpsc::unbounded_channel();
    let builder = setting.kafka().await.reader();
    let builder = builder
        .offset_reset(OffsetReset::Earliest)
        .on_reset(move |reset| sender.send(reset.clone()).unwrap());
    let mut reader = builder.assign(partitions("read", 2)).await.unwrap();
    numbered::receive(&mut reader, 40).await;
    for partition in 0..2 {
        let begun = resets.recv().await.unwrap();
        assert_eq!(begun.partition, TopicPartition::new("read", partition));
        assert_eq!((begun.from, begun.to), (None, 0));
        assert_eq!(begun.reason, ResetReason::NoOffset);
    }
    let gone = ErrorCode::OFFSET_OUT_OF_RANGE;
    let gone = Step::error_for("read", 1, gone);
    // Once with the epoch of the last record, and once without.
    let gone = setting.inject(when(ApiKey::FETCH).times(2).then([gone]));
    gone.wait_for_hits(2).await;
    let again = numbered::receive(&mut reader, 20).await;
    assert_eq!(again.of(1), 20);
    let reset = resets.recv().await.unwrap();
    assert_eq!(reset.partition, TopicPartition::new("read", 1));
    assert_eq!((reset.from, reset.to), (Some(20), 0));
    assert_eq!(reset.reason, ResetReason::OutOfRange { offset: 20 });
    assert!(resets.try_recv().is_err(), "once");
    // What the user asks for is not told.
    reader.handle().seek_to_beginning(&reset.partition).unwrap();
    numbered::receive(&mut reader, 20).await;
    assert!(resets.try_recv().is_err());
}

/// 47: by the time of what was read last, and not by what the policy has for those who begin.
#[tokio::test(start_paused = true)]
async fn from_out_of_range_it_goes_on_at_what_is_nearest() {
    let setting = Setting::new().await;
    setting.topic("read", 1);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    let began = std::time::SystemTime::now() - 10_000 * SECOND;
    for n in 0..20 {
        let record = Record::to("read").value("v").timestamp(began + n * SECOND);
        producer.send(record).await.unwrap();
    }
    let (sender, mut resets) = tokio::sync::mpsc::unbounded_channel();
    let builder = setting.kafka().await.reader();
    let builder = builder
        .offset_reset(OffsetReset::Nearest)
        .on_reset(move |reset| sender.send(reset.clone()).unwrap());
    let mut reader = builder.assign(partitions("read", 1)).await.unwrap();
    for offset in 0..15 {
        assert_eq!(reader.recv().await.unwrap().offset(), offset);
    }
    assert!(resets.recv().await.unwrap().from.is_none(), "to begin with");
    let gone = Step::error_for("read", 0, ErrorCode::OFFSET_OUT_OF_RANGE);
    // Once with the epoch of the last record, and once without.
    let gone = setting.inject(when(ApiKey::FETCH).times(2).then([gone]));
    gone.wait_for_hits(2).await;
    let reset = resets.recv().await.unwrap();
    assert_eq!((reset.from, reset.to), (Some(15), 14));
    for offset in 14..20 {
        assert_eq!(reader.recv().await.unwrap().offset(), offset);
    }
}

/// 50: a batch that becomes too large when it is decompressed is an error of its partition.
#[tokio::test(start_paused = true)]
async fn what_decompresses_to_too_much_is_an_error_that_names_the_setting() {
    let setting = Setting::new().await;
    setting.topic("read", 1);
    let producer = setting.kafka().await.producer();
    let producer = producer
        .compression(Compression::Lz4)
        .build()
        .await
        .unwrap();
    let zeros = vec![0; 500_000];
    producer
        .send(Record::to("read").value(&zeros))
        .await
        .unwrap();
    producer
        .send(Record::to("read").value("small"))
        .await
        .unwrap();
    let reader = setting.kafka().await.reader().max_batch_bytes(400_000);
    let reader = reader.offset_reset(OffsetReset::Earliest);
    let mut reader = reader.assign(partitions("read", 1)).await.unwrap();
    let error = reader.recv().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CorruptRecords);
    let told = error.to_string();
    assert!(
        told.contains("max_batch_bytes") && told.contains("400000"),
        "{told}"
    );
    let at = TopicPartition::new("read", 0);
    let beyond = error.resume_offset().unwrap();
    reader.handle().seek(&at, beyond).unwrap();
    assert_eq!(reader.recv().await.unwrap().value(), Some(&b"small"[..]));
}

/// A panic in it is no silence.
#[tokio::test(start_paused = true)]
async fn a_panic_of_who_is_told_of_resets_ends_the_consumer() {
    let setting = Setting::new().await;
    setting.topic("read", 1);
    let reader = setting.kafka().await.reader();
    let reader = reader.on_reset(|_| panic!("on purpose"));
    let mut reader = reader.assign(partitions("read", 1)).await.unwrap();
    let error = reader.recv().await.unwrap_err();
    assert!(
        error.is_fatal() && error.to_string().contains("panicked"),
        "{error}"
    );
}

/// KIP-1106.
#[tokio::test(start_paused = true)]
async fn a_reset_by_duration_begins_at_what_is_not_older() {
    let setting = Setting::new().await;
    setting.topic("read", 1);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    let now = std::time::SystemTime::now();
    for hours in (0..10).rev() {
        let age = Duration::from_secs(3600 * hours + 60);
        let record = Record::to("read").value("v").timestamp(now - age);
        producer.send(record).await.unwrap();
    }
    for (hours, first) in [(3, 7), (0, 10), (1_000_000, 0)] {
        let age = Duration::from_secs(3600 * hours);
        let reader = setting.kafka().await.reader();
        let reader = reader.offset_reset(OffsetReset::ByDuration(age));
        let mut reader = reader.assign(partitions("read", 1)).await.unwrap();
        let record = tokio::time::timeout(SECOND, reader.recv()).await;
        match first {
            10 => assert!(record.is_err()),
            first => assert_eq!(record.unwrap().unwrap().offset(), first),
        }
    }
}

/// 41, 42: what is odd but legal stops nothing: gaps, batches that compaction has emptied in part or
/// whole, markers, records without key, value and time, headers of every kind.
#[tokio::test(start_paused = true)]
async fn odd_but_legal_records_stop_nothing() {
    let sealed = |base_offset, control, records: &[(&[u8], Option<&[u8]>)]| {
        let mut builder = BatchBuilder::new(BytesMut::new());
        let key = |value: &'static [u8]| Header {
            key: "twice",
            value: Some(value),
        };
        let headers = [
            Header {
                key: "",
                value: None,
            },
            key(b"1"),
            key(b"2"),
            Header {
                key: "",
                value: Some(b""),
            },
        ];
        for (key, value) in records {
            let key = Some(*key).filter(|key| !key.is_empty());
            builder.append(-1, key, *value, &headers).unwrap();
        }
        let seal = Seal {
            base_offset,
            partition_leader_epoch: 0,
            control,
            ..Default::default()
        };
        builder.seal(&seal).unwrap().bytes
    };
    let compacted = |bytes: Bytes, keep: fn(i64) -> bool| {
        let batch = Batch::new(bytes).unwrap();
        retain(&batch, 1 << 20, |record| keep(record.offset)).unwrap()
    };
    let one: (&[u8], Option<&[u8]>) = (b"k", Some(b"v"));
    let plain = &[one; 5];
    let marker: &[(&[u8], Option<&[u8]>)] = &[(&[0, 0, 0, 1], Some(&[0; 6]))];
    let log = [
        // Nothing at the start of the answer that is of use: it was fetched from within.
        compacted(sealed(0, false, plain), |_| false),
        sealed(5, false, &[(b"", None), (b"", Some(b"")), (b"k", None)]),
        // A gap, and then what compaction has left.
        compacted(sealed(20, false, plain), |offset| offset == 22),
        compacted(sealed(25, false, plain), |_| false),
        sealed(30, true, marker),
        sealed(31, false, &plain[..1]),
        compacted(sealed(32, false, plain), |_| false),
        sealed(37, true, marker),
    ]
    .concat();
    let log = Bytes::from(log);
    for from in [0, 3, 5, 9, 21, 22, 27, 30] {
        let setting = Setting::new().await;
        setting.topic("read", 1);
        let producer = setting.kafka().await.producer().batch_size(1);
        let producer = producer.build().await.unwrap();
        for _ in 0..40 {
            producer
                .send(Record::to("read").value("real"))
                .await
                .unwrap();
        }
        let odd = log.clone();
        let edit = Step::edit(move |answer: &mut FetchResponse| {
            answer.responses[0].partitions[0].records = Some(odd.clone());
        });
        let first = when(ApiKey::FETCH)
            .matching(move |request: &FetchRequest| {
                request.topics[0].partitions[0].fetch_offset < 38
            })
            .always();
        let first = setting.inject(first.then([edit]));
        let reader = setting.kafka().await.reader();
        let mut reader = reader.assign(partitions("read", 1)).await.unwrap();
        let at = TopicPartition::new("read", 0);
        reader.handle().seek(&at, from).unwrap();
        let mut offsets = Vec::new();
        for expected in [5, 6, 7, 22, 31, 38, 39]
            .into_iter()
            .filter(|at| *at >= from)
        {
            let record = tokio::time::timeout(60 * SECOND, reader.recv()).await;
            let record = record
                .unwrap_or_else(|_| panic!("from {from}: {offsets:?}"))
                .unwrap();
            offsets.push(record.offset());
            assert_eq!(record.offset(), expected, "from {from}");
            if record.offset() < 38 {
                assert_eq!(record.headers().iter().count(), 4);
            }
        }
        assert_eq!(reader.handle().position(&at), Some(40));
        assert_eq!(first.hits(), 1, "from {from}");
    }
}

/// 52: an answer that names partitions twice, and some that were not asked for.
#[tokio::test(start_paused = true)]
async fn what_an_answer_names_twice_is_taken_once() {
    let setting = Setting::new().await;
    write(&setting, "read", 2, 100).await;
    let twice = Step::edit(|answer: &mut FetchResponse| {
        for topic in &mut answer.responses {
            topic.partitions.extend(topic.partitions.clone());
            let strange = topic.partitions.first().cloned();
            topic.partitions.extend(strange.map(|mut strange| {
                strange.partition_index = 7;
                strange
            }));
        }
        answer.responses.extend(answer.responses.clone());
    });
    setting.inject(when(ApiKey::FETCH).always().then([twice]));
    let mut reader = reader(&setting, partitions("read", 2), 8 * 1024).await;
    let read = numbered::receive(&mut reader, 200).await;
    read.assert_is(2, 0..100);
}

/// 58: no offset is negative, whatever a broker says.
#[tokio::test(start_paused = true)]
async fn negative_offsets_are_refused() {
    for offset in [-1, -2, i64::MIN] {
        let setting = Setting::new().await;
        write(&setting, "read", 1, 10).await;
        let negative = move |answer: &mut ListOffsetsResponse| {
            answer.topics[0].partitions[0].offset = offset;
        };
        setting.inject(
            when(ApiKey::LIST_OFFSETS)
                .always()
                .then([Step::edit(negative)]),
        );
        let mut reader = reader(&setting, partitions("read", 1), 1 << 20).await;
        let error = reader.recv().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        assert!(error.to_string().contains(&offset.to_string()), "{error}");
    }
}

/// It was asked for again for ever, with a debug line.
#[tokio::test(start_paused = true)]
async fn a_batch_that_cannot_be_received_is_an_error_of_its_partition() {
    let setting = Setting::new().await;
    write(&setting, "small", 7, 50).await;
    setting.topic("large", 2);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    let value = "v".repeat(300_000);
    for (partition, value) in [(0, "v"), (0, &value), (1, "v"), (0, "w")] {
        let record = Record::to("large").partition(partition).value(value);
        producer.send(record).await.unwrap();
    }
    let kafka = setting.client().receive_message_max_bytes(200_000);
    let kafka = kafka.connect().await.unwrap();
    let refused = kafka.reader().assign(partitions("small", 7)).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("fetch.max.bytes") && refused.contains("receive.message.max.bytes"));
    let reader = kafka.reader().fetch_max_bytes(100_000);
    let reader = reader.offset_reset(OffsetReset::Earliest);
    let all = [partitions("large", 2), partitions("small", 7)].concat();
    let mut reader = reader.assign(all).await.unwrap();
    let mut errors = Vec::new();
    let mut records = 0;
    while records < 352 || errors.is_empty() {
        let received = tokio::time::timeout(60 * SECOND, reader.recv()).await;
        match received.expect("it goes on") {
            Ok(_) => records += 1,
            Err(error) => errors.push(error),
        }
    }
    assert_eq!(errors.len(), 1, "{errors:?}");
    let error = &errors[0];
    assert_eq!((error.topic(), error.partition()), (Some("large"), Some(0)));
    assert!(
        error
            .to_string()
            .contains("receive.message.max.bytes is 200000"),
        "{error}"
    );
    let beyond = error.resume_offset().unwrap();
    let at = TopicPartition::new("large", 0);
    reader.handle().seek(&at, beyond).unwrap();
    let record = tokio::time::timeout(60 * SECOND, reader.recv()).await;
    assert_eq!(record.unwrap().unwrap().value().unwrap(), b"w");
}

/// What does not go on is told after ten seconds, with what helps, and when it is over.
#[tokio::test(start_paused = true)]
async fn what_is_not_read_for_long_is_told() {
    let part = |code| Step::error_for("read", 1, code);
    let partition = "topic read partition 1 is not read";
    for (api, step, subject) in [
        (
            ApiKey::FETCH,
            part(ErrorCode::KAFKA_STORAGE_ERROR),
            partition,
        ),
        (
            ApiKey::LIST_OFFSETS,
            part(ErrorCode::OFFSET_NOT_AVAILABLE),
            partition,
        ),
        (ApiKey::LIST_OFFSETS, Step::Close, partition),
        (
            ApiKey::FETCH,
            Step::Close,
            "broker localhost:9092 is not read from",
        ),
        (
            ApiKey::FETCH,
            Step::edit(|answer: &mut FetchResponse| answer.error_code = -1),
            "broker localhost:9092 is not read from",
        ),
    ] {
        let setting = Setting::new().await;
        write(&setting, "read", 2, 10).await;
        let what = format!("{api} {step:?}");
        let fault = setting.inject(when(api).always().then([step]));
        let kafka = setting.kafka().await;
        let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
        let mut reader = reader.assign(partitions("read", 2)).await.unwrap();
        let reading = async {
            loop {
                reader.recv().await.unwrap();
            }
        };
        let early = tokio::time::timeout(9 * SECOND, reading).await;
        assert!(early.is_err() && kafka.health().is_well(), "{what}");
        tokio::time::sleep(3 * SECOND).await;
        let health = kafka.health().to_string();
        assert!(health.contains(subject), "{what}: {health}");
        fault.remove();
        tokio::time::sleep(3 * SECOND).await;
        assert!(kafka.health().is_well(), "{what}: {}", kafka.health());
    }
}

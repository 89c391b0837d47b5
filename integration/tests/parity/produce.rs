//! Produce: what is taken, what is refused, and what is then in the log.

use bytes::Bytes;
use kafka_client_protocol::Uuid;
use kafka_client_protocol::records::{Compression, CompressionConfig, Seal, TimestampType};

use crate::records::{
    batch, now_ms, plain, produce, stored, topic, topic_named, with_header, with_payload,
};
use crate::session::Session;

const MINUTE: i64 = 60_000;

fn compressed(codec: Compression) -> Seal {
    Seal {
        compression: CompressionConfig::new(codec),
        ..Seal::default()
    }
}

async fn send(session: &mut Session, topic: &str, records: &Bytes) {
    let request = produce(topic, 0, Some(records.clone()));
    session.call(&request, 12).await;
}

async fn every_version_is_answered(session: &mut Session) {
    let name = topic(session, &[]).await;
    for version in 3..=12 {
        let request = produce(&name, 0, Some(plain(&["a", "b"])));
        session.call(&request, version).await;
    }
    let mut request = produce(&name, 0, Some(plain(&["a"])));
    request.topic_data[0].topic_id = Uuid([7; 16]);
    session.call(&request, 13).await;
}

async fn acks_are_minus_one_zero_or_one(session: &mut Session) {
    let name = topic(session, &[]).await;
    for acks in [1, -1, 2, -2, 100] {
        let mut request = produce(&name, 0, Some(plain(&["a"])));
        request.acks = acks;
        session.call(&request, 12).await;
    }
}

async fn what_is_not_there_takes_nothing(session: &mut Session) {
    let name = topic(session, &[]).await;
    for (topic, partition) in [
        (session.name("none").as_str(), 0),
        (&name, 1),
        (&name, -1),
        ("a/b", 0),
        ("", 0),
    ] {
        let request = produce(topic, partition, Some(plain(&["a"])));
        session.call(&request, 9).await;
    }
}

async fn no_batch_and_two_are_refused(session: &mut Session) {
    let name = topic(session, &[]).await;
    let one = plain(&["a"]);
    let two = [&one[..], &one[..]].concat().into();
    let cut = one.slice(..one.len() - 1);
    let one_and_a_bit = [&one[..], &one[..20]].concat().into();
    // None at all is left out: Apache Kafka never answers that.
    for records in [
        Some(Bytes::new()),
        Some(two),
        Some(cut),
        Some(one_and_a_bit),
        Some(Bytes::from_static(&[0; 10])),
        Some(Bytes::from_static(&[0; 80])),
    ] {
        session.call(&produce(&name, 0, records), 12).await;
    }
    stored(session, &name, 0).await;
}

async fn a_wrong_checksum_is_refused(session: &mut Session) {
    let name = topic(session, &[]).await;
    let mut bytes = plain(&["abc"]).to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    send(session, &name, &bytes.into()).await;
}

async fn old_and_unknown_formats(session: &mut Session) {
    let name = topic(session, &[]).await;
    for magic in [0, 1, 3, -1] {
        let mut bytes = plain(&["abc"]).to_vec();
        bytes[16] = magic as u8;
        send(session, &name, &bytes.into()).await;
    }
}

async fn headers_that_cannot_be_true(session: &mut Session) {
    let name = topic(session, &[]).await;
    let good = plain(&["a", "b"]);
    let edits: [fn(&mut kafka_client_protocol::records::BatchHeader); 11] = [
        |header| header.base_offset = 5,
        |header| header.last_offset_delta = 0,
        |header| header.last_offset_delta = 5,
        |header| header.last_offset_delta = -1,
        |header| header.record_count = 1,
        |header| header.record_count = 3,
        |header| header.record_count = 0,
        |header| header.record_count = -1,
        |header| header.partition_leader_epoch = 77,
        |header| {
            header.record_count = 1;
            header.last_offset_delta = 0;
        },
        |header| {
            header.record_count = 3;
            header.last_offset_delta = 2;
        },
    ];
    for edit in edits {
        send(session, &name, &with_header(&good, edit)).await;
    }
}

async fn what_is_not_for_clients(session: &mut Session) {
    let name = topic(session, &[]).await;
    let now = now_ms();
    for seal in [
        Seal {
            control: true,
            ..Seal::default()
        },
        Seal {
            control: true,
            transactional: true,
            ..Seal::default()
        },
        Seal {
            producer_id: 5,
            ..Seal::default()
        },
        Seal {
            producer_id: 5,
            producer_epoch: 0,
            ..Seal::default()
        },
    ] {
        send(session, &name, &batch(&seal, &[(now, "a")])).await;
    }
    for topic in ["__consumer_offsets", "__transaction_state"] {
        let request = produce(topic, 0, Some(plain(&["a"])));
        session.call(&request, 12).await;
    }
}

async fn payloads_that_nobody_can_read(session: &mut Session) {
    let name = topic(session, &[]).await;
    for codec in Compression::ALL {
        let good = batch(&compressed(codec), &[(now_ms(), "a"), (now_ms(), "b")]);
        let payload = &good[61..];
        let garbage = with_payload(&good, b"this is none of the codecs' frames at all");
        let cut = with_payload(&good, &payload[..payload.len() - 4]);
        let empty = with_payload(&good, b"");
        let more = with_header(&good, |header| {
            header.record_count = 3;
            header.last_offset_delta = 2;
        });
        let fewer = with_header(&good, |header| {
            header.record_count = 1;
            header.last_offset_delta = 0;
        });
        for (what, records) in [
            ("garbage", garbage),
            ("cut", cut),
            ("empty", empty),
            ("more", more),
            ("fewer", fewer),
        ] {
            session.note(format!("{codec} {what}"));
            send(session, &name, &records).await;
        }
    }
    stored(session, &name, 0).await;
}

async fn codecs_that_there_are_not(session: &mut Session) {
    let name = topic(session, &[]).await;
    for codec in 5..8 {
        let mut bytes = plain(&["a"]).to_vec();
        bytes[22] |= codec;
        let bytes = with_header(&bytes.into(), |_| {});
        send(session, &name, &bytes).await;
    }
}

async fn zstd_needs_version_7(session: &mut Session) {
    let name = topic(session, &[]).await;
    let records = batch(&compressed(Compression::Zstd), &[(now_ms(), "a")]);
    for version in [3, 6, 7] {
        let request = produce(&name, 0, Some(records.clone()));
        session.call(&request, version).await;
    }
}

async fn the_largest_time_is_looked_up(session: &mut Session) {
    let name = topic(session, &[]).await;
    let now = now_ms();
    for codec in [Compression::None, Compression::Lz4] {
        let good = batch(
            &compressed(codec),
            &[(now, "a"), (now + MINUTE, "b"), (now - MINUTE, "c")],
        );
        send(session, &name, &good).await;
        for wrong in [now - 7 * MINUTE, now + 7 * MINUTE, -1] {
            let lie = with_header(&good, |header| header.max_timestamp = wrong);
            send(session, &name, &lie).await;
        }
    }
    let timeless = batch(&Seal::default(), &[(-1, "a")]);
    send(session, &name, &timeless).await;
    stored(session, &name, now).await;
}

async fn the_kind_of_time_is_the_topics(session: &mut Session) {
    let now = now_ms();
    for (label, kind) in [("c", "CreateTime"), ("l", "LogAppendTime")] {
        let name = topic_named(session, label, 1, &[("message.timestamp.type", kind)]).await;
        for timestamp_type in [TimestampType::CreateTime, TimestampType::LogAppendTime] {
            for codec in [Compression::None, Compression::Zstd] {
                let seal = Seal {
                    timestamp_type,
                    ..compressed(codec)
                };
                let records = batch(&seal, &[(now, "a"), (now + MINUTE, "b")]);
                send(session, &name, &records).await;
            }
        }
        stored(session, &name, now).await;
    }
}

async fn times_out_of_range(session: &mut Session) {
    let now = now_ms();
    let limits = [
        ("message.timestamp.before.max.ms", "600000"),
        ("message.timestamp.after.max.ms", "600000"),
    ];
    let name = topic(session, &limits).await;
    for codec in [Compression::None, Compression::Snappy] {
        for times in [
            &[now, now + 11 * MINUTE][..],
            &[now - 11 * MINUTE, now],
            &[now + 11 * MINUTE, now - 11 * MINUTE, now],
            &[now - 9 * MINUTE, now + 9 * MINUTE],
            &[-1],
        ] {
            let records: Vec<(i64, &str)> = times.iter().map(|time| (*time, "a")).collect();
            send(session, &name, &batch(&compressed(codec), &records)).await;
        }
    }
    stored(session, &name, now).await;
}

async fn a_compacted_topic_needs_keys(session: &mut Session) {
    let name = topic(session, &[("cleanup.policy", "compact")]).await;
    for codec in [Compression::None, Compression::Gzip] {
        let mut open = kafka_client_protocol::records::BatchBuilder::new(bytes::BytesMut::new());
        let now = now_ms();
        open.append(now, Some(b"k"), Some(b"v"), &[]).unwrap();
        open.append(now, None, Some(b"v"), &[]).unwrap();
        open.append(now, Some(b""), None, &[]).unwrap();
        open.append(now, None, None, &[]).unwrap();
        let records = open.seal(&compressed(codec)).unwrap().bytes;
        for version in [7, 8, 12] {
            let request = produce(&name, 0, Some(records.clone()));
            session.call(&request, version).await;
        }
    }
}

async fn the_topics_codec_wins(session: &mut Session) {
    let now = now_ms();
    for target in ["uncompressed", "gzip", "snappy", "lz4", "zstd", "producer"] {
        let name = topic_named(session, target, 1, &[("compression.type", target)]).await;
        for codec in Compression::ALL {
            let seal = Seal {
                producer_id: 77,
                producer_epoch: 3,
                base_sequence: i32::from(codec.id()) * 2,
                ..compressed(codec)
            };
            let records = batch(&seal, &[(now, "a"), (now + MINUTE, "b")]);
            send(session, &name, &records).await;
        }
        stored(session, &name, now).await;
    }
}

async fn batches_have_a_largest_size(session: &mut Session) {
    let name = topic(session, &[("max.message.bytes", "1000")]).await;
    let long = "x".repeat(1000);
    for values in [
        &[long.as_str()][..],
        &[&long[..800], &long[..200]],
        &[&long[..900]],
    ] {
        send(session, &name, &plain(values)).await;
    }
    // Small only until it is decompressed.
    let small = batch(&compressed(Compression::Gzip), &[(now_ms(), &long)]);
    send(session, &name, &small).await;
}

fn numbered(epoch: i16, sequence: i32) -> Bytes {
    let seal = Seal {
        producer_id: 4711,
        producer_epoch: epoch,
        base_sequence: sequence,
        ..Seal::default()
    };
    batch(&seal, &[(now_ms(), "a"), (now_ms(), "b")])
}

async fn sequences_follow_one_another(session: &mut Session) {
    let name = topic(session, &[]).await;
    for sequence in [0, 2, 2, 0, 8, 4, 3, 4] {
        send(session, &name, &numbered(0, sequence)).await;
    }
}

async fn the_last_five_batches_are_known_again(session: &mut Session) {
    let name = topic(session, &[]).await;
    for sequence in [0, 2, 4, 6, 8, 10, 12, 4, 2, 0] {
        send(session, &name, &numbered(0, sequence)).await;
    }
}

async fn a_producer_may_begin_anywhere_once(session: &mut Session) {
    let name = topic(session, &[]).await;
    for sequence in [40, 42, 38, 40] {
        send(session, &name, &numbered(0, sequence)).await;
    }
}

async fn an_epoch_begins_at_0_and_ends_the_one_before(session: &mut Session) {
    let name = topic(session, &[]).await;
    for (epoch, sequence) in [(3, 0), (4, 2), (4, 0), (3, 2), (5, 1), (5, 0), (-1, 0)] {
        send(session, &name, &numbered(epoch, sequence)).await;
    }
}

async fn sequences_begin_anew_after_the_largest(session: &mut Session) {
    let name = topic(session, &[]).await;
    for sequence in [i32::MAX - 3, i32::MAX - 1, 0, 2] {
        send(session, &name, &numbered(0, sequence)).await;
    }
    for sequence in [i32::MAX - 2, 0, 1] {
        let seal = Seal {
            producer_id: 12,
            producer_epoch: 0,
            base_sequence: sequence,
            ..Seal::default()
        };
        let records = batch(&seal, &[(now_ms(), "a"), (now_ms(), "b")]);
        send(session, &name, &records).await;
    }
}

async fn several_partitions_are_answered_one_by_one(session: &mut Session) {
    let name = topic_named(session, "t", 3, &[]).await;
    let mut request = produce(&name, 0, Some(plain(&["a"])));
    let one = request.topic_data[0].partition_data[0].clone();
    for index in [2, 1, 7] {
        let mut other = one.clone();
        other.index = index;
        if index == 1 {
            other.records = Some(with_header(&plain(&["a"]), |header| header.base_offset = 5));
        }
        request.topic_data[0].partition_data.push(other);
    }
    let mut answer = session.quietly(&request, 9).await;
    // Apache Kafka's order is that of a hash.
    for topic in &mut answer.responses {
        topic.partition_responses.sort_by_key(|one| one.index);
    }
    session.write(&answer);
}

sequences![
    every_version_is_answered,
    acks_are_minus_one_zero_or_one,
    what_is_not_there_takes_nothing,
    no_batch_and_two_are_refused,
    a_wrong_checksum_is_refused,
    old_and_unknown_formats,
    headers_that_cannot_be_true,
    what_is_not_for_clients,
    payloads_that_nobody_can_read,
    codecs_that_there_are_not,
    zstd_needs_version_7,
    the_largest_time_is_looked_up,
    the_kind_of_time_is_the_topics,
    times_out_of_range,
    a_compacted_topic_needs_keys,
    the_topics_codec_wins,
    batches_have_a_largest_size,
    sequences_follow_one_another,
    the_last_five_batches_are_known_again,
    a_producer_may_begin_anywhere_once,
    an_epoch_begins_at_0_and_ends_the_one_before,
    sequences_begin_anew_after_the_largest,
    several_partitions_are_answered_one_by_one,
];

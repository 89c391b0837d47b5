//! Record batches as Apache Kafka wrote them: `tests/golden/records.txt`.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use kafka_client_protocol::records::{
    Batch, BatchBuilder, Batches, Compression, ControlRecord, ControlRecordType, Header,
    RecordError, RecordView, Seal, TimestampType, Voter, patch_log_append_time, reidentify, retain,
    split,
};
use serde_json::{Value, json};

use crate::golden::{lines, unhex};

const CAP: usize = 1 << 20;

struct Case {
    codec: Compression,
    variant: String,
    bytes: Bytes,
    json: Value,
}

impl Case {
    /// In a format before record batches.
    fn is_old(&self) -> bool {
        self.variant.starts_with("v0_") || self.variant.starts_with("v1_")
    }
}

fn cases() -> Vec<Case> {
    let codec = |name: &str| {
        let index = ["none", "gzip", "snappy", "lz4", "zstd"]
            .iter()
            .position(|known| *known == name);
        Compression::ALL[index.unwrap()]
    };
    lines("records.txt", 4)
        .into_iter()
        .map(|words| Case {
            codec: codec(&words[0]),
            variant: words[1].clone(),
            bytes: unhex(&words[2]),
            json: serde_json::from_str(&words[3]).unwrap(),
        })
        .collect()
}

#[test]
fn every_batch_of_apache_kafka_reads_as_kafka_reads_it() {
    let mut seen = BTreeMap::<String, usize>::new();
    for case in cases().iter().filter(|case| !case.is_old()) {
        let label = format!("{:?} {}", case.codec, case.variant);
        *seen.entry(case.variant.clone()).or_default() += 1;
        let batch = Batch::new(case.bytes.clone()).unwrap();
        read_as_kafka(&batch, &case.json, case.codec, &label);
    }
    let mut expected = BTreeMap::new();
    for variant in [
        "append_time",
        "delete_horizon",
        "delete_horizon_append_time",
        "idempotent",
        "many",
        "set",
        "stored",
        "transactional",
    ] {
        expected.insert(variant.to_owned(), 5);
    }
    expected.insert("large".to_owned(), 4);
    for variant in CONTROL_VARIANTS {
        expected.insert(variant.to_owned(), 1);
    }
    assert_eq!(seen, expected);
}

/// Message sets of the formats before record batches, and what old segments have of all three.
#[test]
fn every_old_message_set_of_apache_kafka_reads_as_kafka_reads_it() {
    let mut seen = BTreeMap::<String, usize>::new();
    for case in cases().iter().filter(|case| case.is_old()) {
        let label = format!("{:?} {}", case.codec, case.variant);
        *seen.entry(case.variant.clone()).or_default() += 1;
        let batches: Vec<Batch> = Batches::new(case.bytes.clone())
            .map(|batch| batch.unwrap())
            .collect();
        let expected = case.json.as_array().unwrap();
        assert_eq!(batches.len(), expected.len(), "{label}");
        for (batch, expected) in batches.iter().zip(expected) {
            read_as_kafka(batch, expected, case.codec, &label);
        }
    }
    let mut expected = BTreeMap::new();
    for variant in [
        "v0_gaps",
        "v0_set",
        "v0_v1_v2",
        "v1_append_time",
        "v1_gaps",
        "v1_offset_0",
        "v1_set",
    ] {
        expected.insert(variant.to_owned(), 4);
    }
    for variant in ["v0_large", "v1_large"] {
        expected.insert(variant.to_owned(), 3);
    }
    assert_eq!(seen, expected);
}

fn read_as_kafka(batch: &Batch, expected: &Value, codec: Compression, label: &str) {
    let mut expected = expected.clone();
    batch.verify_crc().unwrap();
    let header = batch.header();
    assert_eq!(header.attributes.compression(), Ok(codec), "{label}");
    let mut found = json!({
        "magic": header.magic,
        "baseOffset": header.base_offset,
        "lastOffset": header.last_offset(),
        "partitionLeaderEpoch": header.partition_leader_epoch,
        "timestampType": match header.attributes.timestamp_type() {
            // That there is no timestamp is what the records say.
            TimestampType::CreateTime if header.magic == 0 => "NoTimestampType",
            TimestampType::CreateTime => "CreateTime",
            TimestampType::LogAppendTime => "LogAppendTime",
        },
        "maxTimestamp": header.max_timestamp,
        "producerId": header.producer_id,
        "producerEpoch": header.producer_epoch,
        "baseSequence": header.base_sequence,
        "lastSequence": header.last_sequence(),
        "isTransactional": header.attributes.is_transactional(),
        "isControlBatch": header.attributes.is_control(),
        "deleteHorizonMs": header.delete_horizon(),
    });
    if header.magic < 2 && codec != Compression::None {
        // Kafka decompresses to know the first offset; ours is found among the records only.
        found["baseOffset"] = expected["baseOffset"].clone();
    }
    let records = expected["records"].take();
    expected.as_object_mut().unwrap().remove("records");
    assert_eq!(found, expected, "{label}");

    let mut cursor = batch.records(CAP).unwrap();
    let records = records.as_array().unwrap();
    assert_eq!(cursor.remaining(), records.len(), "{label}");
    for expected in records {
        let record = cursor.next_record().unwrap().unwrap();
        let mut found = described(&record, expected);
        if header.attributes.is_control() {
            found["control"] = control(&ControlRecord::decode(&record).unwrap());
        }
        assert_eq!(found, *expected, "{label}");
    }
    assert!(cursor.next_record().is_none(), "{label}");
}

const CONTROL_VARIANTS: [&str; 8] = [
    "abort_marker",
    "commit_marker",
    "kraft_version",
    "kraft_voters",
    "leader_change",
    "leader_change_v1",
    "snapshot_footer",
    "snapshot_header",
];

/// A control record as `GoldenFrames` describes it.
fn control(record: &ControlRecord) -> Value {
    let name = match record.record_type() {
        ControlRecordType::Abort => "ABORT",
        ControlRecordType::Commit => "COMMIT",
        ControlRecordType::LeaderChange => "LEADER_CHANGE",
        ControlRecordType::SnapshotHeader => "SNAPSHOT_HEADER",
        ControlRecordType::SnapshotFooter => "SNAPSHOT_FOOTER",
        ControlRecordType::KraftVersion => "KRAFT_VERSION",
        ControlRecordType::KraftVoters => "KRAFT_VOTERS",
        other => panic!("{other:?}"),
    };
    let value = match record {
        ControlRecord::Abort(marker) | ControlRecord::Commit(marker) => {
            json!({ "coordinatorEpoch": marker.coordinator_epoch })
        }
        ControlRecord::LeaderChange(change) => {
            let voters = |voters: &[Voter]| -> Vec<Value> {
                let voter = |voter: &Voter| {
                    let mut json = json!({ "voterId": voter.voter_id });
                    if change.version > 0 {
                        json["voterDirectoryId"] = voter.voter_directory_id.to_string().into();
                    }
                    json
                };
                voters.iter().map(voter).collect()
            };
            json!({
                "version": change.version,
                "leaderId": change.leader_id,
                "voters": voters(&change.voters),
                "grantingVoters": voters(&change.granting_voters),
            })
        }
        _ => json!({}),
    };
    json!({ "type": name, "value": value })
}

#[test]
fn a_control_record_makes_the_batch_that_kafka_makes() {
    let mut seen = 0;
    for case in cases() {
        if !CONTROL_VARIANTS.contains(&case.variant.as_str()) {
            continue;
        }
        let batch = Batch::new(case.bytes.clone()).unwrap();
        let header = batch.header();
        let mut cursor = batch.records(CAP).unwrap();
        let record = cursor.next_record().unwrap().unwrap();
        let sealed = ControlRecord::decode(&record)
            .unwrap()
            .seal(
                record.timestamp,
                &Seal {
                    base_offset: header.base_offset,
                    partition_leader_epoch: header.partition_leader_epoch,
                    producer_id: header.producer_id,
                    producer_epoch: header.producer_epoch,
                    // What a control batch has none of.
                    base_sequence: 7,
                    compression: Compression::Gzip.into(),
                    ..Seal::default()
                },
            )
            .unwrap();
        assert_eq!(hex(&sealed.bytes), hex(&case.bytes), "{}", case.variant);
        assert_eq!(sealed.header, *header, "{}", case.variant);
        seen += 1;
    }
    assert_eq!(seen, CONTROL_VARIANTS.len());
}

/// A record as `GoldenFrames` describes it: bytes in hex, or only their number.
fn described(record: &RecordView<'_>, like: &Value) -> Value {
    let headers: Vec<Value> = record
        .headers
        .iter()
        .map(|header| header.unwrap())
        .map(|header| json!([header.key, header.value.map(hex)]))
        .collect();
    let mut json = json!({
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": record.key.map(hex),
        "headers": headers,
    });
    if like.get("valueSize").is_some() {
        let value = record.value.unwrap();
        let expected = |index: usize| ((7 * index + record.offset as usize) % 251) as u8;
        assert!(
            value
                .iter()
                .enumerate()
                .all(|(i, byte)| *byte == expected(i))
        );
        json["valueSize"] = value.len().into();
    } else {
        json["value"] = record.value.map(hex).into();
    }
    json
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_same_records_make_the_same_bytes_without_a_codec() {
    let mut seen = 0;
    for case in cases() {
        // Under append time nobody can tell any more what the records' own timestamps were.
        if case.codec != Compression::None || case.is_old() || case.variant.ends_with("append_time")
        {
            continue;
        }
        let batch = Batch::new(case.bytes.clone()).unwrap();
        let header = batch.header();
        let mut builder = match header.delete_horizon() {
            Some(timestamp) => BatchBuilder::with_delete_horizon(BytesMut::new(), timestamp),
            None => BatchBuilder::new(BytesMut::new()),
        };
        let mut cursor = batch.records(CAP).unwrap();
        while let Some(record) = cursor.next_record() {
            let record = record.unwrap();
            let headers: Vec<Header<'_>> = record.headers.iter().map(|h| h.unwrap()).collect();
            builder
                .append(record.timestamp, record.key, record.value, &headers)
                .unwrap();
        }
        let sealed = builder
            .seal(&Seal {
                base_offset: header.base_offset,
                partition_leader_epoch: header.partition_leader_epoch,
                producer_id: header.producer_id,
                producer_epoch: header.producer_epoch,
                base_sequence: header.base_sequence,
                transactional: header.attributes.is_transactional(),
                control: header.attributes.is_control(),
                ..Seal::default()
            })
            .unwrap();
        assert_eq!(hex(&sealed.bytes), hex(&case.bytes), "{}", case.variant);
        seen += 1;
    }
    assert_eq!(seen, 6 + CONTROL_VARIANTS.len());
}

#[test]
fn the_formats_before_record_batches_are_read_and_not_written() {
    for case in cases().iter().filter(|case| case.is_old()) {
        let batch = Batches::new(case.bytes.clone()).next().unwrap().unwrap();
        let magic = batch.header().magic;
        let refused = RecordError::UnsupportedMagic { magic };
        let mut copy = batch.bytes().to_vec();
        assert_eq!(
            Batch::new(batch.bytes().clone()).unwrap_err(),
            refused.clone()
        );
        assert_eq!(retain(&batch, CAP, |_| true).unwrap_err(), refused.clone());
        assert_eq!(split(batch.bytes(), 1, CAP).unwrap_err(), refused.clone());
        assert_eq!(
            patch_log_append_time(&mut copy, 0).unwrap_err(),
            refused.clone()
        );
        assert_eq!(reidentify(&copy, 1, 1, 1).unwrap_err(), refused);
        assert_eq!(batch.bytes(), &copy);
    }
}

//! Record batches as Apache Kafka wrote them: `tests/golden/records.txt`.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use kafka_client_protocol::records::{
    Batch, BatchBuilder, Batches, Compression, Header, RecordError, RecordView, Seal, TimestampType,
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
    for case in cases().iter().filter(|case| case.variant != "magic1") {
        let label = format!("{:?} {}", case.codec, case.variant);
        *seen.entry(case.variant.clone()).or_default() += 1;
        let batch = Batch::new(case.bytes.clone()).unwrap();
        batch.verify_crc().unwrap();
        let header = batch.header();
        assert_eq!(
            header.attributes.compression().unwrap(),
            case.codec,
            "{label}"
        );
        let header = json!({
            "magic": header.magic,
            "baseOffset": header.base_offset,
            "lastOffset": header.last_offset(),
            "partitionLeaderEpoch": header.partition_leader_epoch,
            "timestampType": match header.attributes.timestamp_type() {
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
        });
        let mut expected = case.json.clone();
        let records = expected["records"].take();
        expected.as_object_mut().unwrap().remove("records");
        assert_eq!(header, expected, "{label}");

        let mut cursor = batch.records(CAP).unwrap();
        for expected in records.as_array().unwrap() {
            let record = cursor.next_record().unwrap().unwrap();
            assert_eq!(described(&record, expected), *expected, "{label}");
        }
        assert!(cursor.next_record().is_none(), "{label}");
    }
    let five = [
        "append_time",
        "idempotent",
        "many",
        "set",
        "stored",
        "transactional",
    ];
    let mut expected: BTreeMap<String, usize> = five.map(|variant| (variant.to_owned(), 5)).into();
    expected.insert("large".to_owned(), 4);
    expected.insert("commit_marker".to_owned(), 1);
    assert_eq!(seen, expected);
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
        let appended = !matches!(case.variant.as_str(), "magic1" | "append_time");
        if case.codec != Compression::None || !appended {
            continue;
        }
        let batch = Batch::new(case.bytes.clone()).unwrap();
        let header = batch.header();
        let mut builder = BatchBuilder::new(BytesMut::new());
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
    assert_eq!(seen, 6);
}

#[test]
fn the_format_before_record_batches_is_refused_by_name() {
    let old = cases().into_iter().find(|case| case.variant == "magic1");
    let bytes = old.unwrap().bytes;
    let error = Batches::new(bytes).next().unwrap().unwrap_err();
    assert!(
        matches!(error, RecordError::UnsupportedMagic { .. }),
        "{error:?}"
    );
}

//! Record batches against the independent `kafka-protocol` crate: each reads what the other writes.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use bytes::{Bytes, BytesMut};
use kafka_client_protocol::records::{
    Batch, BatchBuilder, Batches, Compression, Header, Seal, TimestampType,
};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records as oracle;
use proptest::prelude::*;

const CAP: usize = 64 << 20;

/// Their headers are a map, so keys are unique here.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plain {
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

fn ours(records: &[Plain], seal: &Seal) -> Bytes {
    let mut batch = BatchBuilder::new(BytesMut::new());
    for record in records {
        let headers: Vec<Header<'_>> = record
            .headers
            .iter()
            .map(|(key, value)| Header {
                key,
                value: value.as_deref(),
            })
            .collect();
        batch
            .append(
                record.timestamp,
                record.key.as_deref(),
                record.value.as_deref(),
                &headers,
            )
            .unwrap();
    }
    batch.seal(seal).unwrap().bytes
}

fn read_ours(batch: &Batch) -> Vec<Plain> {
    let mut cursor = batch.records(CAP).unwrap();
    let mut records = Vec::new();
    while let Some(record) = cursor.next_record() {
        let record = record.unwrap();
        let headers = record.headers.iter().map(|header| header.unwrap());
        records.push(Plain {
            timestamp: record.timestamp,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: headers
                .map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec)))
                .collect(),
        });
    }
    records
}

fn theirs(records: &[Plain], codec: Compression, transactional: bool) -> Bytes {
    let records: Vec<oracle::Record> = (0..)
        .zip(records)
        .map(|(index, record)| oracle::Record {
            transactional,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: 5,
            producer_id: 4711,
            producer_epoch: 3,
            timestamp_type: oracle::TimestampType::Creation,
            offset: 1000 + index,
            sequence: 70 + index as i32,
            timestamp: record.timestamp,
            key: record.key.clone().map(Bytes::from),
            value: record.value.clone().map(Bytes::from),
            headers: record
                .headers
                .iter()
                .map(|(key, value)| {
                    (
                        StrBytes::from_string(key.clone()),
                        value.clone().map(Bytes::from),
                    )
                })
                .collect::<IndexMap<_, _>>(),
        })
        .collect();
    let mut out = BytesMut::new();
    let options = oracle::RecordEncodeOptions {
        version: 2,
        compression: their_codec(codec),
    };
    oracle::RecordBatchEncoder::encode(&mut out, &records, &options).unwrap();
    out.freeze()
}

fn their_codec(codec: Compression) -> oracle::Compression {
    match codec {
        Compression::None => oracle::Compression::None,
        Compression::Gzip => oracle::Compression::Gzip,
        Compression::Snappy => oracle::Compression::Snappy,
        Compression::Lz4 => oracle::Compression::Lz4,
        Compression::Zstd => oracle::Compression::Zstd,
    }
}

fn any_bytes() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop::option::of(prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..100),
        1 => (any::<u8>(), 0..100_000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ])
}

fn any_records() -> impl Strategy<Value = Vec<Plain>> {
    let headers = prop::collection::btree_map(".{0,8}", any_bytes(), 0..4);
    let record = (0..4_000_000_000_000_i64, any_bytes(), any_bytes(), headers).prop_map(
        |(timestamp, key, value, headers)| Plain {
            timestamp,
            key,
            value,
            headers: headers.into_iter().collect(),
        },
    );
    prop::collection::vec(record, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn they_read_what_we_write(
        records in any_records(),
        codec in prop::sample::select(&Compression::ALL[..]),
        transactional: bool,
    ) {
        let mut bytes = ours(&records, &Seal {
            base_offset: 1000,
            partition_leader_epoch: 5,
            producer_id: 4711,
            producer_epoch: 3,
            base_sequence: 70,
            compression: codec.into(),
            transactional,
            ..Seal::default()
        });
        let sets = oracle::RecordBatchDecoder::decode_all(&mut bytes).unwrap();
        prop_assert_eq!(sets.len(), 1);
        prop_assert_eq!(sets[0].compression, their_codec(codec));
        prop_assert_eq!(sets[0].records.len(), records.len());
        for (index, (found, expected)) in (0..).zip(sets[0].records.iter().zip(&records)) {
            prop_assert_eq!(found.offset, 1000 + index);
            prop_assert_eq!(found.sequence, 70 + index as i32);
            prop_assert_eq!(found.partition_leader_epoch, 5);
            prop_assert_eq!((found.producer_id, found.producer_epoch), (4711, 3));
            prop_assert_eq!(found.transactional, transactional);
            prop_assert!(!found.control);
            prop_assert_eq!(found.timestamp_type, oracle::TimestampType::Creation);
            let found = Plain {
                timestamp: found.timestamp,
                key: found.key.as_ref().map(|key| key.to_vec()),
                value: found.value.as_ref().map(|value| value.to_vec()),
                headers: found
                    .headers
                    .iter()
                    .map(|(key, value)| (key.to_string(), value.as_ref().map(|v| v.to_vec())))
                    .collect(),
            };
            prop_assert_eq!(&found, expected);
        }
    }

    #[test]
    fn we_read_what_they_write(
        records in any_records(),
        codec in prop::sample::select(&Compression::ALL[..]),
        transactional: bool,
    ) {
        let mut batches = Batches::new(theirs(&records, codec, transactional));
        let batch = batches.next().unwrap().unwrap();
        prop_assert!(batches.next().is_none() && !batches.truncated_tail());
        batch.verify_crc().unwrap();
        let header = batch.header();
        prop_assert_eq!(header.base_offset, 1000);
        prop_assert_eq!(header.last_offset(), 999 + records.len() as i64);
        prop_assert_eq!(header.partition_leader_epoch, 5);
        prop_assert_eq!((header.producer_id, header.producer_epoch), (4711, 3));
        prop_assert_eq!(header.base_sequence, 70);
        prop_assert_eq!(header.attributes.compression().unwrap(), codec);
        prop_assert_eq!(header.attributes.timestamp_type(), TimestampType::CreateTime);
        prop_assert_eq!(header.attributes.is_transactional(), transactional);
        prop_assert_eq!(read_ours(&batch), records);
    }
}

//! Batches as the sequences of Produce and Fetch make and read them.

use bytes::{Bytes, BytesMut};
use kafka_client_protocol::Uuid;
use kafka_client_protocol::api::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use kafka_client_protocol::api::fetch::{FetchPartition, FetchRequest, FetchTopic};
use kafka_client_protocol::api::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use kafka_client_protocol::records::{BatchBuilder, BatchHeader, Batches, Seal};

use crate::session::Session;

/// The time of the records: near the present, so that nothing is out of range or expired.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_millis()).unwrap()
}

/// A batch of records with the same key `k`, and these values and times.
pub(crate) fn batch(seal: &Seal, records: &[(i64, &str)]) -> Bytes {
    let mut open = BatchBuilder::new(BytesMut::new());
    for (time, value) in records {
        open.append(*time, Some(b"k"), Some(value.as_bytes()), &[])
            .unwrap();
    }
    open.seal(seal).unwrap().bytes
}

pub(crate) fn plain(values: &[&str]) -> Bytes {
    let now = now_ms();
    let records: Vec<(i64, &str)> = values.iter().map(|value| (now, *value)).collect();
    batch(&Seal::default(), &records)
}

/// The batch with another header, and a checksum that fits.
pub(crate) fn with_header(batch: &Bytes, edit: impl FnOnce(&mut BatchHeader)) -> Bytes {
    const CRC_FROM: usize = 21;
    let mut bytes = batch.to_vec();
    let mut header = BatchHeader::parse(&bytes).unwrap();
    edit(&mut header);
    header.write(&mut bytes).unwrap();
    header.crc = crc32c(&bytes[CRC_FROM..]);
    header.write(&mut bytes).unwrap();
    bytes.into()
}

/// The batch with other bytes where its records were, and a header that fits.
pub(crate) fn with_payload(batch: &Bytes, payload: &[u8]) -> Bytes {
    let bytes: Bytes = [&batch[..BatchHeader::LEN], payload].concat().into();
    with_header(&bytes, |header| {
        header.batch_length = i32::try_from(bytes.len() - 12).unwrap();
    })
}

fn crc32c(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg())
        })
    })
}

/// Makes a topic with one partition, and says nothing of it.
pub(crate) async fn topic(session: &mut Session, configs: &[(&str, &str)]) -> String {
    topic_named(session, "t", 1, configs).await
}

pub(crate) async fn topic_named(
    session: &mut Session,
    name: &str,
    num_partitions: i32,
    configs: &[(&str, &str)],
) -> String {
    let name = session.name(name);
    let request = topic_request(&name, num_partitions, configs);
    let answer = session.quietly(&request, 7).await;
    assert_eq!(answer.topics[0].error_code, 0, "{answer:?}");
    session.until_there(&name, num_partitions).await;
    name
}

pub(crate) fn topic_request(
    name: &str,
    num_partitions: i32,
    configs: &[(&str, &str)],
) -> CreateTopicsRequest {
    let configs = configs.iter();
    CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: name.into(),
            num_partitions,
            replication_factor: 1,
            configs: configs
                .map(|(name, value)| CreatableTopicConfig {
                    name: (*name).into(),
                    value: Some((*value).into()),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }],
        timeout_ms: 10_000,
        ..Default::default()
    }
}

pub(crate) fn produce(topic: &str, partition: i32, records: Option<Bytes>) -> ProduceRequest {
    ProduceRequest {
        acks: -1,
        timeout_ms: 10_000,
        topic_data: vec![TopicProduceData {
            name: topic.into(),
            topic_id: Uuid::ZERO,
            partition_data: vec![PartitionProduceData {
                index: partition,
                records,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

pub(crate) fn fetch(topic: &str, partition: i32, fetch_offset: i64) -> FetchRequest {
    FetchRequest {
        min_bytes: 1,
        max_wait_ms: 0,
        max_bytes: 1 << 20,
        topics: vec![FetchTopic {
            topic: topic.into(),
            partitions: vec![FetchPartition {
                partition,
                fetch_offset,
                partition_max_bytes: 1 << 20,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// Fetches what a partition has and writes down its batches. Times are told from that of the first
/// record, which the sequence has made up.
pub(crate) async fn stored(session: &mut Session, topic: &str, began: i64) {
    let mut answer = session.quietly(&fetch(topic, 0, 0), 12).await;
    let data = answer.responses.swap_remove(0).partitions.swap_remove(0);
    session.note(format!(
        "{} from {} to {}, {}",
        data.error_code, data.log_start_offset, data.high_watermark, data.last_stable_offset
    ));
    // A moment of the broker's own is near, one of the sequence is a whole number of minutes away.
    let told = |time: i64| match (time - began) % 60_000 {
        _ if time < 0 => format!("{time}"),
        0 => format!("{} min", (time - began) / 60_000),
        _ => "its own time".to_owned(),
    };
    for batch in Batches::new(data.records.unwrap_or_default()) {
        let batch = batch.unwrap();
        batch.verify_crc().unwrap();
        let head = *batch.header();
        session.note(format!(
            "{}+{} epoch {} {:?} times {} to {} producer {} {} {} of {}",
            head.base_offset,
            head.last_offset_delta,
            head.partition_leader_epoch,
            head.attributes,
            told(head.base_timestamp),
            told(head.max_timestamp),
            head.producer_id,
            head.producer_epoch,
            head.base_sequence,
            head.record_count,
        ));
        let records = match batch.records(1 << 20) {
            Ok(records) => records,
            Err(error) => {
                session.note(format!("  {error}"));
                continue;
            }
        };
        for record in &records {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    session.note(format!("  {error}"));
                    break;
                }
            };
            session.note(format!(
                "  {} {} {:?} {:?}",
                record.offset,
                told(record.timestamp),
                record.key,
                record.value
            ));
        }
    }
}

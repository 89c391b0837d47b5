//! What `__consumer_offsets` holds: committed offsets and groups, in Kafka's own format, so that
//! Kafka's `DumpLogSegments --offsets-decoder` reads it.

use bytes::Bytes;
pub(crate) use kafka_client_protocol::internal_topics::KeyValue;
use kafka_client_protocol::internal_topics::Versioned;
use kafka_client_protocol::internal_topics::consumer_offsets::ConsumerOffsetsRecord;
pub(crate) use kafka_client_protocol::internal_topics::consumer_offsets::classic::OffsetCommitValue;
use kafka_client_protocol::internal_topics::consumer_offsets::classic::{
    GroupMetadataKey, GroupMetadataValue, LegacyOffsetCommitValue, MemberMetadata, OffsetCommitKey,
};
use kafka_client_protocol::{DecodeError, EncodeError};

use super::state::{Stored, StoredMember};

/// The versions written, as Kafka 4.3 does. Version 4 of an offset has the topic's id.
const OFFSET_VERSION: i16 = 4;
const EXPIRING_OFFSET_VERSION: i16 = 1;
const GROUP_VERSION: i16 = 3;

/// A record of the topic.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    Offset {
        group: String,
        topic: String,
        partition: i32,
        value: Option<OffsetCommitValue>,
    },
    Group {
        group: String,
        /// With when it came to be in its state, by the wall clock.
        value: Option<(Stored, Option<i64>)>,
    },
}

/// The record of a committed offset, or with `None` the one that takes it back. Only version 1 has a
/// place for an end that the client set.
pub(crate) fn offset(
    group: &str,
    topic: &str,
    partition: i32,
    value: Option<&OffsetCommitValue>,
) -> Result<KeyValue, EncodeError> {
    let key = OffsetCommitKey {
        group: group.into(),
        topic: topic.into(),
        partition,
    };
    let value = value.map(|value| Versioned {
        version: match value.expire_timestamp {
            -1 => OFFSET_VERSION,
            _ => EXPIRING_OFFSET_VERSION,
        },
        message: value.clone(),
    });
    ConsumerOffsetsRecord::OffsetCommit(key, value).encode()
}

/// The record that takes a group back.
pub(crate) fn group_tombstone(group: &str) -> Result<KeyValue, EncodeError> {
    let key = GroupMetadataKey {
        group: group.into(),
    };
    ConsumerOffsetsRecord::GroupMetadata(key, None).encode()
}

/// The record of a group.
pub(crate) fn group(
    group: &str,
    stored: &Stored,
    state_since_ms: Option<i64>,
) -> Result<KeyValue, EncodeError> {
    let member = |member: &StoredMember| MemberMetadata {
        member_id: member.id.as_str().into(),
        group_instance_id: member.instance_id.as_deref().map(Into::into),
        client_id: member.client_id.as_str().into(),
        client_host: member.client_host.as_str().into(),
        rebalance_timeout: member.rebalance_timeout_ms,
        session_timeout: member.session_timeout_ms,
        subscription: member.subscription.clone(),
        assignment: member.assignment.clone(),
        ..Default::default()
    };
    let message = GroupMetadataValue {
        protocol_type: stored.protocol_type.as_str().into(),
        generation: stored.generation,
        protocol: stored.protocol.as_deref().map(Into::into),
        leader: stored.leader.as_deref().map(Into::into),
        current_state_timestamp: state_since_ms.unwrap_or(-1),
        members: stored.members.iter().map(member).collect(),
        ..Default::default()
    };
    let key = GroupMetadataKey {
        group: group.into(),
    };
    let value = Versioned {
        version: GROUP_VERSION,
        message,
    };
    ConsumerOffsetsRecord::GroupMetadata(key, Some(value)).encode()
}

/// Reads a record; `None` for a kind of record that this broker does not write.
pub(crate) fn decode(key: Bytes, value: Option<Bytes>) -> Result<Option<Entry>, DecodeError> {
    Ok(match ConsumerOffsetsRecord::decode(key, value)? {
        ConsumerOffsetsRecord::OffsetCommit(key, value) => Some(Entry::Offset {
            group: key.group.to_string(),
            topic: key.topic.to_string(),
            partition: key.partition,
            value: value.map(|value| value.message),
        }),
        ConsumerOffsetsRecord::LegacyOffsetCommit(key, value) => Some(Entry::Offset {
            group: key.group.to_string(),
            topic: key.topic.to_string(),
            partition: key.partition,
            value: value.map(|value| modern(value.message)),
        }),
        ConsumerOffsetsRecord::GroupMetadata(key, value) => Some(Entry::Group {
            group: key.group.to_string(),
            value: value.map(|value| {
                let since_ms = value.message.current_state_timestamp;
                (stored(value.message), (since_ms != -1).then_some(since_ms))
            }),
        }),
        _ => None,
    })
}

fn modern(value: LegacyOffsetCommitValue) -> OffsetCommitValue {
    OffsetCommitValue {
        offset: value.offset,
        metadata: value.metadata,
        commit_timestamp: value.commit_timestamp,
        ..Default::default()
    }
}

fn stored(value: GroupMetadataValue) -> Stored {
    let member = |member: MemberMetadata| StoredMember {
        id: member.member_id.to_string(),
        instance_id: member.group_instance_id.map(|id| id.to_string()),
        client_id: member.client_id.to_string(),
        client_host: member.client_host.to_string(),
        // Version 0 has none: the session timeout stands for it.
        rebalance_timeout_ms: match member.rebalance_timeout {
            -1 => member.session_timeout,
            timeout => timeout,
        },
        session_timeout_ms: member.session_timeout,
        subscription: member.subscription,
        assignment: member.assignment,
    };
    Stored {
        generation: value.generation,
        protocol_type: value.protocol_type.to_string(),
        protocol: value.protocol.map(|protocol| protocol.to_string()),
        leader: value.leader.map(|leader| leader.to_string()),
        members: value.members.into_iter().map(member).collect(),
    }
}

#[cfg(test)]
mod tests {
    use kafka_client_protocol::Uuid;

    use super::*;

    #[test]
    fn an_offset_reads_back() {
        let value = OffsetCommitValue {
            offset: 42,
            leader_epoch: 3,
            metadata: "note".into(),
            commit_timestamp: 1_700_000_000_000,
            expire_timestamp: -1,
            topic_id: Uuid([5; 16]),
            ..Default::default()
        };
        let (key, bytes) = offset("g", "t", 7, Some(&value)).unwrap();
        assert_eq!(key[..], [0, 1, 0, 1, b'g', 0, 1, b't', 0, 0, 0, 7]);
        assert_eq!(bytes.as_ref().unwrap()[..2], [0, 4]);
        let entry = decode(key.clone(), bytes).unwrap().unwrap();
        let expected = |value| Entry::Offset {
            group: "g".to_owned(),
            topic: "t".to_owned(),
            partition: 7,
            value,
        };
        assert_eq!(entry, expected(Some(value)));
        assert_eq!(decode(key, None).unwrap().unwrap(), expected(None));
    }

    #[test]
    fn an_offset_of_the_oldest_brokers_is_an_offset() {
        let key = Bytes::from_static(&[0, 0, 0, 1, b'g', 0, 1, b't', 0, 0, 0, 7]);
        let value = [&[0; 9][..], &[42, 0, 1, b'n'], &[0; 7], &[5]].concat();
        let expected = Entry::Offset {
            group: "g".to_owned(),
            topic: "t".to_owned(),
            partition: 7,
            value: Some(OffsetCommitValue {
                offset: 42,
                metadata: "n".into(),
                commit_timestamp: 5,
                ..Default::default()
            }),
        };
        let entry = decode(key, Some(value.into())).unwrap();
        assert_eq!(entry, Some(expected));
    }

    #[test]
    fn a_group_reads_back() {
        let written = Stored {
            generation: 9,
            protocol_type: "consumer".to_owned(),
            protocol: Some("range".to_owned()),
            leader: Some("m".to_owned()),
            members: vec![StoredMember {
                id: "m".to_owned(),
                instance_id: Some("i".to_owned()),
                client_id: "c".to_owned(),
                client_host: "/127.0.0.1".to_owned(),
                rebalance_timeout_ms: 300_000,
                session_timeout_ms: 45_000,
                subscription: Bytes::from_static(b"sub"),
                assignment: Bytes::from_static(b"ass"),
            }],
        };
        let (key, value) = group("g", &written, Some(5)).unwrap();
        assert_eq!(key[..], [0, 2, 0, 1, b'g']);
        let expected = Entry::Group {
            group: "g".to_owned(),
            value: Some((written, Some(5))),
        };
        assert_eq!(decode(key, value).unwrap(), Some(expected));
    }

    #[test]
    fn foreign_and_damaged_records_do_no_harm() {
        assert_eq!(decode(Bytes::from_static(&[0, 9, 1]), None).unwrap(), None);
        assert!(decode(Bytes::from_static(&[0]), None).is_err());
        assert!(decode(Bytes::from_static(&[0, 1, 0, 9]), None).is_err());
        let (key, _) = offset("g", "t", 0, None).unwrap();
        assert!(decode(key.clone(), Some(Bytes::from_static(&[0]))).is_err());
        assert!(decode(key, Some(Bytes::from_static(&[0, 99, 0]))).is_err());
    }

    /// A line `<kind> v<version> <variant> <hex> <json>` of a golden file.
    struct Golden {
        kind: &'static str,
        version: &'static str,
        variant: &'static str,
        bytes: Bytes,
        json: serde_json::Value,
    }

    fn golden() -> Vec<Golden> {
        let line = |line: &'static str| {
            let words: Vec<&str> = line.splitn(5, ' ').collect();
            let &[kind, version, variant, hex, json] = &words[..] else {
                panic!("five words: {line}");
            };
            let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            Golden {
                kind,
                version,
                variant,
                bytes: (0..hex.len()).step_by(2).map(byte).collect(),
                json: serde_json::from_str(json).unwrap(),
            }
        };
        let text = include_str!("../../../golden/consumer_offsets.txt");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(line).collect()
    }

    #[test]
    fn what_apache_kafka_wrote_reads_and_writes_byte_for_byte() {
        let golden = golden();
        let key = |kind: &str| {
            let mut keys = golden.iter().filter(|line| line.kind == kind);
            keys.find(|line| line.variant == "set").unwrap()
        };
        let (offset_key, group_key) = (key("OffsetCommitKey"), key("GroupMetadataKey"));
        let mut read = 0;
        for line in golden.iter().filter(|line| line.kind.ends_with("Value")) {
            let key = match line.kind {
                "OffsetCommitValue" => offset_key,
                _ => group_key,
            };
            let value = Some(line.bytes.clone());
            let entry = decode(key.bytes.clone(), value).unwrap().unwrap();
            // The broker writes one version of each.
            let label = format!("{} {} {}", line.kind, line.version, line.variant);
            let written = match entry {
                Entry::Offset {
                    group,
                    topic,
                    partition,
                    value,
                } => {
                    assert_eq!(group, key.json["group"], "{label}");
                    assert_eq!(topic, key.json["topic"], "{label}");
                    assert_eq!(partition, key.json["partition"], "{label}");
                    let value = value.unwrap();
                    assert_eq!(value.offset, line.json["offset"], "{label}");
                    assert_eq!(*value.metadata, line.json["metadata"], "{label}");
                    (line.version == "v4").then(|| offset(&group, &topic, partition, Some(&value)))
                }
                Entry::Group { group: id, value } => {
                    assert_eq!(id, key.json["group"], "{label}");
                    let (value, since_ms) = value.unwrap();
                    assert_eq!(value.generation, line.json["generation"], "{label}");
                    let members = line.json["members"].as_array().unwrap();
                    assert_eq!(value.members.len(), members.len(), "{label}");
                    for (ours, kafka) in value.members.iter().zip(members) {
                        assert_eq!(ours.id, kafka["memberId"], "{label}");
                        assert_eq!(ours.client_host, kafka["clientHost"], "{label}");
                    }
                    if let Some(stored) = line.json.get("currentStateTimestamp") {
                        assert_eq!(since_ms.unwrap_or(-1), stored.as_i64().unwrap(), "{label}");
                    }
                    (line.version == "v3").then(|| group(&id, &value, since_ms))
                }
            };
            if let Some(written) = written {
                let (key_bytes, value_bytes) = written.unwrap();
                assert_eq!(key_bytes, key.bytes, "{label}");
                assert_eq!(value_bytes.unwrap(), line.bytes, "{label}");
            }
            read += 1;
        }
        assert_eq!(read, 32, "values of all versions in all variants");
    }
}

//! What `__consumer_offsets` holds: committed offsets and groups, in Kafka's own format, so that
//! Kafka's `DumpLogSegments --offsets-decoder` reads it.
//!
//! A key is a number for its kind and a struct; a value is a version and a struct. A record without
//! a value takes its key back.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_client_derive::Message;
use kafka_client_protocol::{DecodeError, EncodeError, Message, StrBytes, Uuid};

use super::state::{Stored, StoredMember};

/// The kinds of keys.
const OFFSET_COMMIT: i16 = 1;
const OFFSET_COMMIT_LEGACY: i16 = 0;
const GROUP_METADATA: i16 = 2;
/// The versions written. Version 4 of an offset has the topic's id.
const OFFSET_VERSION: i16 = 4;
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
        value: Option<Stored>,
    },
}

/// Key and value of a record.
pub(crate) type KeyValue = (Bytes, Option<Bytes>);

#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
struct OffsetCommitKey {
    group: StrBytes,
    topic: StrBytes,
    partition: i32,
}

/// A committed offset.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=4, flexible = 4)]
pub(crate) struct OffsetCommitValue {
    pub(crate) offset: i64,
    #[field(versions = 3.., default = -1, ignorable)]
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: StrBytes,
    pub(crate) commit_timestamp: i64,
    #[field(versions = 1..=1, default = -1, ignorable)]
    pub(crate) expire_timestamp: i64,
    #[field(versions = 4.., tag = 0, ignorable)]
    pub(crate) topic_id: Uuid,
}

#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
struct GroupMetadataKey {
    group: StrBytes,
}

#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=4, flexible = 4)]
struct GroupMetadataValue {
    protocol_type: StrBytes,
    generation: i32,
    #[field(nullable = ..)]
    protocol: Option<StrBytes>,
    #[field(nullable = ..)]
    leader: Option<StrBytes>,
    #[field(versions = 2.., default = -1, ignorable)]
    current_state_timestamp: i64,
    members: Vec<MemberMetadata>,
}

#[derive(Debug, Clone, PartialEq, Message)]
struct MemberMetadata {
    member_id: StrBytes,
    #[field(versions = 3.., nullable = 3.., ignorable)]
    group_instance_id: Option<StrBytes>,
    client_id: StrBytes,
    client_host: StrBytes,
    #[field(versions = 1.., default = -1, ignorable)]
    rebalance_timeout: i32,
    session_timeout: i32,
    subscription: Bytes,
    assignment: Bytes,
}

/// The record of a committed offset, or with `None` the one that takes it back.
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
    let value = value
        .map(|value| prefixed(OFFSET_VERSION, value, OFFSET_VERSION))
        .transpose()?;
    Ok((prefixed(OFFSET_COMMIT, &key, 0)?, value))
}

/// The record of a group.
pub(crate) fn group(group: &str, stored: &Stored, now_ms: i64) -> Result<KeyValue, EncodeError> {
    let member = |member: &StoredMember| MemberMetadata {
        member_id: member.id.as_str().into(),
        group_instance_id: member.instance_id.as_deref().map(Into::into),
        client_id: member.client_id.as_str().into(),
        client_host: member.client_host.as_str().into(),
        rebalance_timeout: member.rebalance_timeout_ms,
        session_timeout: member.session_timeout_ms,
        subscription: member.subscription.clone(),
        assignment: member.assignment.clone(),
    };
    let value = GroupMetadataValue {
        protocol_type: stored.protocol_type.as_str().into(),
        generation: stored.generation,
        protocol: stored.protocol.as_deref().map(Into::into),
        leader: stored.leader.as_deref().map(Into::into),
        current_state_timestamp: now_ms,
        members: stored.members.iter().map(member).collect(),
    };
    let key = GroupMetadataKey {
        group: group.into(),
    };
    Ok((
        prefixed(GROUP_METADATA, &key, 0)?,
        Some(prefixed(GROUP_VERSION, &value, GROUP_VERSION)?),
    ))
}

/// Reads a record; `None` for a kind of key that this broker does not write.
pub(crate) fn decode(mut key: Bytes, value: Option<Bytes>) -> Result<Option<Entry>, DecodeError> {
    if key.len() < 2 {
        return Ok(None);
    }
    match key.get_i16() {
        OFFSET_COMMIT | OFFSET_COMMIT_LEGACY => {
            let key = OffsetCommitKey::decode(key, 0)?;
            Ok(Some(Entry::Offset {
                group: key.group.to_string(),
                topic: key.topic.to_string(),
                partition: key.partition,
                value: value.map(versioned::<OffsetCommitValue>).transpose()?,
            }))
        }
        GROUP_METADATA => {
            let key = GroupMetadataKey::decode(key, 0)?;
            let value = value.map(versioned::<GroupMetadataValue>).transpose()?;
            Ok(Some(Entry::Group {
                group: key.group.to_string(),
                value: value.map(stored),
            }))
        }
        _ => Ok(None),
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

fn prefixed<M: Message>(prefix: i16, message: &M, version: i16) -> Result<Bytes, EncodeError> {
    let body = message.encode(version)?;
    let mut out = BytesMut::with_capacity(2 + body.len());
    out.put_i16(prefix);
    out.put_slice(&body);
    Ok(out.freeze())
}

fn versioned<M: Message>(mut value: Bytes) -> Result<M, DecodeError> {
    // Too short for a version is a version that nobody knows.
    let version = value.try_get_i16().unwrap_or(-1);
    M::decode(value, version)
}

#[cfg(test)]
mod tests {
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
        let (key, value) = group("g", &written, 5).unwrap();
        assert_eq!(key[..], [0, 2, 0, 1, b'g']);
        let expected = Entry::Group {
            group: "g".to_owned(),
            value: Some(written),
        };
        assert_eq!(decode(key, value).unwrap(), Some(expected));
    }

    #[test]
    fn foreign_and_damaged_records_do_no_harm() {
        assert_eq!(decode(Bytes::new(), None).unwrap(), None);
        assert_eq!(decode(Bytes::from_static(&[0, 9, 1]), None).unwrap(), None);
        assert!(decode(Bytes::from_static(&[0, 1, 0, 9]), None).is_err());
        let (key, _) = offset("g", "t", 0, None).unwrap();
        assert!(decode(key.clone(), Some(Bytes::from_static(&[0]))).is_err());
        assert!(decode(key, Some(Bytes::from_static(&[0, 99, 0]))).is_err());
    }
}

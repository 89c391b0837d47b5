//! What members of a consumer group tell each other in the classic protocol: the subscription
//! that JoinGroup carries and the assignment that SyncGroup carries. The broker does not look
//! inside.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_client_derive::Message;

use crate::error::{DecodeError, DecodeErrorKind, EncodeError};
use crate::message::Message;
use crate::types::StrBytes;
use crate::wire::{Reader, Version, Wire};

/// The protocol type of consumer groups.
pub const PROTOCOL_TYPE: &str = "consumer";

/// What a member subscribes to and owns.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=3)]
pub struct Subscription {
    /// Names of the topics.
    pub topics: Vec<StrBytes>,
    /// For the assignor, opaque.
    #[field(nullable = ..)]
    pub user_data: Option<Bytes>,
    /// Partitions the member owns before the rebalance (KIP-429).
    #[field(versions = 1.., ignorable)]
    pub owned_partitions: Vec<TopicPartitions>,
    /// Generation in which it came to own them, -1 if none (KIP-792).
    #[field(versions = 2.., default = -1, ignorable)]
    pub generation_id: i32,
    /// Rack of the member (KIP-881).
    #[field(versions = 3.., nullable = 3.., ignorable)]
    pub rack_id: Option<StrBytes>,
}

/// What a member is to consume.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=3)]
pub struct Assignment {
    /// The partitions, by topic.
    pub assigned_partitions: Vec<TopicPartitions>,
    /// From the assignor, opaque.
    #[field(nullable = ..)]
    pub user_data: Option<Bytes>,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicPartitions {
    /// Name of the topic.
    #[field(key)]
    pub topic: StrBytes,
    /// Numbers of the partitions.
    pub partitions: Vec<i32>,
}

/// A blob of a version, with the version before it as the wire has it.
///
/// # Errors
/// When the version is unknown or a value is too long.
pub fn encode<M: Message>(message: &M, version: i16) -> Result<Bytes, EncodeError> {
    let body = message.encode(version)?;
    let mut blob = BytesMut::with_capacity(2 + body.len());
    blob.put_i16(version);
    blob.put_slice(&body);
    Ok(blob.freeze())
}

/// Reads a blob with the version before it.
///
/// A version above those known is read as the highest known, and what follows that is left
/// alone: later versions only append (KIP-429 and after). No bytes at all, as SyncGroup gives a member
/// that got nothing, are an error: the caller asks before.
///
/// # Errors
/// When the bytes are not a blob of this type.
pub fn decode<M: Message>(blob: &Bytes) -> Result<M, DecodeError> {
    let mut reader = Reader::new(blob);
    let version = i16::read(&mut reader, Version::PLAIN)
        .map_err(|error| error.in_field(M::NAME, "version"))?;
    let (min, max) = (M::MIN_VERSION, M::MAX_VERSION);
    let result = if version < min {
        Err(DecodeErrorKind::UnsupportedVersion { min, max }.into())
    } else {
        M::read(&mut reader, M::version(version.min(max)))
    };
    result.map_err(|error| error.in_message(M::NAME, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_version_is_read_as_the_highest_known() {
        let subscription = Subscription {
            topics: vec!["orders".into()],
            owned_partitions: vec![TopicPartitions {
                topic: "orders".into(),
                partitions: vec![4],
            }],
            generation_id: 7,
            rack_id: Some("east".into()),
            ..Default::default()
        };
        let mut blob = encode(&subscription, 3).unwrap().to_vec();
        blob[1] = 9;
        blob.extend_from_slice(b"what later versions append");
        assert_eq!(decode::<Subscription>(&blob.into()).unwrap(), subscription);
    }

    #[test]
    fn a_version_below_the_first_is_refused() {
        let error = decode::<Assignment>(&Bytes::from_static(&[0xff, 0xff, 0, 0])).unwrap_err();
        let kind = DecodeErrorKind::UnsupportedVersion { min: 0, max: 3 };
        assert_eq!(*error.kind(), kind);
        assert_eq!(error.message(), Some(("Assignment", -1)));
    }
}

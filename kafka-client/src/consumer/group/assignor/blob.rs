//! What members tell each other, as bytes: byte for byte what Java's consumer sends.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use kafka_client_derive::Message;
use kafka_client_protocol::consumer_protocol::{
    Assignment, Subscription, TopicPartitions, decode, encode,
};
use kafka_client_protocol::{DecodeError, EncodeError, Message, StrBytes};

use super::{Former, GroupMember, NO_GENERATION, java};
use crate::consumer::TopicPartition;

/// The version in which subscriptions and assignments are sent. Readers of lower versions read
/// as much of it as they know.
const VERSION: i16 = 3;

/// A subscription or an assignment that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BlobError {
    Decode(DecodeError),
    NegativePartition(TopicPartition),
}

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => error.fmt(f),
            Self::NegativePartition(TopicPartition { topic, partition }) => {
                write!(f, "topic {topic} has no partition {partition}")
            }
        }
    }
}

impl std::error::Error for BlobError {}

impl From<DecodeError> for BlobError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

/// What a member sends in JoinGroup for an assignor: its topics, what it owns, and the generation in
/// which it came to own that, -1 if none; and what the assignor has to say.
///
/// # Errors
/// When the name of a topic or rack is too long for the protocol.
pub(crate) fn encode_member(
    topics: &[Arc<str>],
    owned: &[TopicPartition],
    generation: i32,
    rack: Option<&str>,
    user_data: Option<Bytes>,
) -> Result<Bytes, EncodeError> {
    // In order, so that the coordinator sees a change only where there is one (KAFKA-12898).
    let mut topics: Vec<StrBytes> = topics.iter().map(|topic| (&**topic).into()).collect();
    topics.sort();
    let mut owned = owned.to_vec();
    owned.sort_unstable();
    let subscription = Subscription {
        topics,
        user_data,
        owned_partitions: by_topic(&owned),
        generation_id: generation,
        rack_id: rack.map(StrBytes::from),
    };
    encode(&subscription, VERSION)
}

/// Reads what a member sent in JoinGroup, in any version, from any client.
///
/// # Errors
/// When the bytes are no subscription, or it names a partition with a negative number.
pub(crate) fn decode_member(
    id: &str,
    instance_id: Option<&str>,
    metadata: &Bytes,
) -> Result<GroupMember, BlobError> {
    let subscription: Subscription = decode(metadata)?;
    let rack = subscription.rack_id.filter(|rack| !rack.is_empty());
    let topics = subscription.topics.iter();
    Ok(GroupMember {
        id: id.to_owned(),
        instance_id: instance_id.map(str::to_owned),
        rack: rack.map(|rack| rack.to_string()),
        topics: topics.map(|topic| Arc::from(topic.as_str())).collect(),
        owned: partitions_of(&subscription.owned_partitions)?,
        generation: Some(subscription.generation_id).filter(|generation| *generation >= 0),
        user_data: subscription.user_data,
    })
}

/// What the leader sends to a member in SyncGroup.
///
/// # Errors
/// When the name of a topic is too long for the protocol.
pub(crate) fn encode_assignment(partitions: &[TopicPartition]) -> Result<Bytes, EncodeError> {
    let assignment = Assignment {
        assigned_partitions: by_topic(partitions),
        user_data: None,
    };
    encode(&assignment, VERSION)
}

/// Reads what a member got in SyncGroup. No bytes at all are no partitions.
///
/// # Errors
/// When the bytes are no assignment, or it names a partition with a negative number.
pub(crate) fn decode_assignment(blob: &Bytes) -> Result<Vec<TopicPartition>, BlobError> {
    if blob.is_empty() {
        return Ok(Vec::new());
    }
    let assignment: Assignment = decode(blob)?;
    partitions_of(&assignment.assigned_partitions)
}

/// The user data of `sticky`.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=1)]
struct StickyUserData {
    /// What the member had.
    previous_assignment: Vec<TopicPartitions>,
    /// The generation in which it had it, -1 if unknown (KIP-341).
    #[field(versions = 1.., default = -1)]
    generation: i32,
}

/// The user data of `sticky`.
pub(super) fn encode_former(former: &Former) -> Bytes {
    let mut topics = by_topic(&former.owned);
    java::sort_as_keys(&mut topics, |topic| java::hash(&topic.topic));
    let data = StickyUserData {
        previous_assignment: topics,
        generation: former.generation,
    };
    // The names came in a message with the same limit.
    data.encode(1).unwrap_or_default()
}

/// What a member had, by its user data for `sticky`: nothing if it has none, or none that can be read.
pub(super) fn decode_former(member: &GroupMember) -> Former {
    let data = member.user_data.iter().filter(|data| !data.is_empty());
    let read = |data: &Bytes| {
        let newer = StickyUserData::decode(data.clone(), 1);
        newer
            .or_else(|_| StickyUserData::decode(data.clone(), 0))
            .ok()
    };
    let data = data.filter_map(read).next();
    let data = data.unwrap_or(StickyUserData {
        previous_assignment: Vec::new(),
        generation: NO_GENERATION,
    });
    let topics = data.previous_assignment.into_iter();
    let owned = topics.flat_map(|topic| {
        let name: Arc<str> = topic.topic.as_str().into();
        let partitions = topic.partitions.into_iter();
        partitions.map(move |partition| TopicPartition::new(name.clone(), partition))
    });
    Former {
        owned: owned.collect(),
        generation: data.generation.max(NO_GENERATION),
    }
}

/// The user data of `cooperative-sticky`, for leaders that read subscriptions below version 2, which have
/// no generation.
pub(super) fn encode_generation(generation: i32) -> Bytes {
    Bytes::copy_from_slice(&generation.to_be_bytes())
}

/// The generation in the user data of a subscription below version 2, -1 if none is there. librdkafka and
/// franz-go send that of `sticky`.
pub(super) fn decode_generation(member: &GroupMember) -> i32 {
    let data = member.user_data.as_deref().unwrap_or_default();
    match <[u8; 4]>::try_from(data) {
        Ok(java) => i32::from_be_bytes(java).max(NO_GENERATION),
        Err(_) => decode_former(member).generation,
    }
}

/// Topics in the order in which they first appear, as Java has them.
fn by_topic(partitions: &[TopicPartition]) -> Vec<TopicPartitions> {
    let mut places = std::collections::BTreeMap::new();
    let mut topics: Vec<TopicPartitions> = Vec::new();
    for partition in partitions {
        let place = *places.entry(&*partition.topic).or_insert_with(|| {
            topics.push(TopicPartitions {
                topic: (&*partition.topic).into(),
                partitions: Vec::new(),
            });
            topics.len() - 1
        });
        topics[place].partitions.push(partition.partition);
    }
    topics
}

fn partitions_of(topics: &[TopicPartitions]) -> Result<Vec<TopicPartition>, BlobError> {
    let mut all = Vec::new();
    for group in topics {
        let topic: Arc<str> = group.topic.as_str().into();
        for partition in &group.partitions {
            let partition = TopicPartition::new(topic.clone(), *partition);
            if partition.partition < 0 {
                return Err(BlobError::NegativePartition(partition));
            }
            all.push(partition);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::super::Assignor;
    use super::super::tests::lines;
    use super::*;
    use serde::Deserialize;

    const GOLDEN: &str = include_str!("../../../../tests/golden/consumer_blobs.txt");

    #[derive(Deserialize)]
    struct Joining {
        assignor: String,
        topics: Vec<String>,
        owned: Vec<(String, i32)>,
        generation: i32,
        rack: Option<String>,
    }

    #[derive(Deserialize)]
    struct Assigned {
        partitions: Vec<(String, i32)>,
    }

    /// The version, the bytes and the json of each golden blob of a kind, and the version in which
    /// Java sends it: the highest.
    fn golden(kind: &str) -> (Vec<(i16, Bytes, &'static str)>, i16) {
        let of_kind = lines(GOLDEN).filter_map(|line| line.strip_prefix(kind)?.strip_prefix(" v"));
        let blobs: Vec<_> = of_kind
            .map(|line| {
                let mut words = line.splitn(3, ' ');
                let mut next = || words.next().unwrap();
                (next().parse().unwrap(), bytes(next()), next())
            })
            .collect();
        let sent = blobs.iter().map(|(version, ..)| *version).max().unwrap();
        (blobs, sent)
    }

    fn bytes(hex: &str) -> Bytes {
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(byte).collect()
    }

    fn named(partitions: &[(String, i32)]) -> Vec<TopicPartition> {
        let name = |(topic, partition): &(String, i32)| TopicPartition::new(&**topic, *partition);
        partitions.iter().map(name).collect()
    }

    #[test]
    fn subscriptions_are_those_of_java() {
        let (blobs, sent_version) = golden("subscription");
        for (version, blob, json) in blobs {
            let case: Joining = serde_json::from_str(json).unwrap();
            let assignor = Assignor::from_name(&case.assignor).unwrap();
            let topics: Vec<Arc<str>> = case.topics.iter().map(|topic| (&**topic).into()).collect();
            let former = Former {
                owned: named(&case.owned),
                generation: case.generation,
            };
            let user_data = assignor.user_data(Some(&former).filter(|last| last.generation >= 0));
            let user_data = user_data.unwrap();
            let rack = case.rack.as_deref();
            // The eager protocol gives all up before.
            let mut owned = match assignor.is_cooperative() {
                true => former.owned.clone(),
                false => Vec::new(),
            };
            if version == sent_version {
                let user_data = user_data.clone();
                let sent = encode_member(&topics, &owned, case.generation, rack, user_data);
                assert_eq!(sent.unwrap(), blob, "{json}");
            }

            let member = decode_member("m", Some("i"), &blob).unwrap();
            owned.sort();
            let mut topics = topics;
            topics.sort();
            let expected = GroupMember {
                instance_id: Some("i".to_owned()),
                rack: case.rack.clone().filter(|_| version >= 3),
                owned: if version >= 1 { owned } else { Vec::new() },
                generation: Some(case.generation).filter(|told| version >= 2 && *told >= 0),
                user_data,
                ..GroupMember::new("m", topics)
            };
            assert_eq!(member, expected, "v{version} {json}");
            if assignor == Assignor::Sticky {
                let mut told = decode_former(&member);
                told.owned.sort();
                let mut former = former;
                former.owned.sort();
                assert_eq!(told, former, "v{version} {json}");
            }
            if assignor == Assignor::CooperativeSticky {
                assert_eq!(
                    decode_generation(&member),
                    case.generation,
                    "v{version} {json}"
                );
            }
        }
    }

    #[test]
    fn assignments_are_those_of_java() {
        let (blobs, sent_version) = golden("assignment");
        for (version, blob, json) in blobs {
            let mut partitions = named(&serde_json::from_str::<Assigned>(json).unwrap().partitions);
            if version == sent_version {
                assert_eq!(encode_assignment(&partitions).unwrap(), blob, "{json}");
            }
            let mut read = decode_assignment(&blob).unwrap();
            partitions.sort();
            read.sort();
            assert_eq!(read, partitions, "v{version} {json}");
        }
        assert_eq!(decode_assignment(&Bytes::new()).unwrap(), []);
    }

    fn with_user_data(user_data: &[u8]) -> GroupMember {
        GroupMember {
            user_data: Some(Bytes::copy_from_slice(user_data)),
            ..GroupMember::new("m", ["orders"])
        }
    }

    fn of_sticky(generation: i32) -> Bytes {
        encode_former(&Former {
            owned: [4, 5]
                .map(|number| TopicPartition::new("orders", number))
                .into(),
            generation,
        })
    }

    #[test]
    fn the_generation_is_found_in_the_user_data_of_each_client() {
        let java: &[u8] = &[0, 0, 0, 7];
        let librdkafka = of_sticky(7);
        for (user_data, generation) in [
            (java, 7),
            (&librdkafka, 7),
            (&librdkafka[..librdkafka.len() - 4], -1),
            (&[0xff; 4], -1),
            (&[0x80, 0, 0, 0], -1),
            (&[], -1),
            (b"of another kind", -1),
        ] {
            let told = decode_generation(&with_user_data(user_data));
            assert_eq!(told, generation, "{user_data:x?}");
        }
    }

    #[test]
    fn what_a_member_had_is_found_in_both_versions_of_the_user_data() {
        let data = of_sticky(7);
        let had = |user_data: &[u8]| {
            let former = decode_former(&with_user_data(user_data));
            let numbers: Vec<i32> = former.owned.iter().map(|owned| owned.partition).collect();
            (numbers, former.generation)
        };
        assert_eq!(had(&data), (vec![4, 5], 7));
        // Before generations were in it, as of clients before Kafka 2.3.
        assert_eq!(had(&data[..data.len() - 4]), (vec![4, 5], -1));
        assert_eq!(had(&of_sticky(-7)), (vec![4, 5], -1));
        for unreadable in [&data[..data.len() - 5], &[], &[0x7f, 0xff, 0xff, 0xff]] {
            assert_eq!(had(unreadable), (vec![], -1), "{unreadable:x?}");
        }
    }

    #[test]
    fn negative_partitions_are_refused() {
        let partitions = [
            TopicPartition::new("orders", 1),
            TopicPartition::new("orders", -2),
        ];
        let blob = encode_assignment(&partitions).unwrap();
        let error = decode_assignment(&blob).unwrap_err();
        assert_eq!(error, BlobError::NegativePartition(partitions[1].clone()));
        assert_eq!(error.to_string(), "topic orders has no partition -2");
        let blob = encode_member(&[], &partitions, 1, None, None).unwrap();
        let error = decode_member("m", None, &blob).unwrap_err();
        assert_eq!(error, BlobError::NegativePartition(partitions[1].clone()));
    }

    #[test]
    fn a_piece_of_a_blob_is_refused() {
        for (_, blob, _) in golden("subscription").0 {
            for length in 0..blob.len() {
                assert!(decode_member("m", None, &blob.slice(..length)).is_err());
            }
        }
        for (_, blob, _) in golden("assignment").0 {
            for length in 1..blob.len() {
                assert!(decode_assignment(&blob.slice(..length)).is_err());
            }
        }
    }

    #[test]
    fn a_length_beyond_the_blob_is_refused() {
        let blob = bytes("00030000000100066f72646572737fffffff");
        assert!(decode_member("m", None, &blob).is_err());
        assert!(decode_assignment(&bytes("00037fffffff")).is_err());
    }

    #[test]
    fn blobs_of_a_version_below_zero_are_refused() {
        assert!(decode_assignment(&bytes("ffff00000000ffffffff")).is_err());
    }
}

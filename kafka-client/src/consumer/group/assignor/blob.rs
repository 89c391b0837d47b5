//! What members tell each other, as bytes: byte for byte what Java's consumer sends.

use std::sync::Arc;

use bytes::Bytes;
use kafka_client_derive::Message;
use kafka_client_protocol::consumer_protocol::{
    Assignment, Subscription, TopicPartitions, decode, encode,
};
use kafka_client_protocol::{DecodeError, EncodeError, Message, StrBytes};

use super::{Assignor, Member};
use crate::consumer::TopicPartition;

/// The version in which subscriptions and assignments are sent. Readers of lower versions read
/// as much of it as they know.
const VERSION: i16 = 3;

/// The generation of a member that has never been in one.
const NO_GENERATION: i32 = -1;

/// A subscription or an assignment that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BlobError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("topic {} has no partition {}", .0.topic, .0.partition)]
    NegativePartition(TopicPartition),
}

impl Assignor {
    /// What a member sends in JoinGroup for this assignor: its topics, what it owns, and the
    /// generation in which it came to own that, -1 if none.
    ///
    /// # Errors
    /// When the name of a topic or rack is too long for the protocol.
    pub(crate) fn subscription(
        self,
        topics: &[Arc<str>],
        owned: &[TopicPartition],
        generation: i32,
        rack: Option<&str>,
    ) -> Result<Bytes, EncodeError> {
        // In order, so that the coordinator sees a change only where there is one (KAFKA-12898).
        let mut topics: Vec<StrBytes> = topics.iter().map(|topic| (&**topic).into()).collect();
        topics.sort();
        let mut owned = owned.to_vec();
        owned.sort_unstable();
        let user_data = match self {
            Self::Range | Self::RoundRobin => None,
            // For leaders that read subscriptions below version 2, which have no generation.
            Self::CooperativeSticky => Some(Bytes::copy_from_slice(&generation.to_be_bytes())),
        };
        let subscription = Subscription {
            topics,
            user_data,
            owned_partitions: by_topic(&owned),
            generation_id: generation,
            rack_id: rack.map(StrBytes::from),
        };
        encode(&subscription, VERSION)
    }
}

/// Reads what a member sent in JoinGroup, in any version, from any client.
///
/// # Errors
/// When the bytes are no subscription, or it names a partition with a negative number.
pub(crate) fn decode_member(
    id: &str,
    instance_id: Option<&str>,
    metadata: &Bytes,
) -> Result<Member, BlobError> {
    let subscription: Subscription = decode(metadata)?;
    let generation = match subscription.generation_id {
        0.. => subscription.generation_id,
        _ => subscription
            .user_data
            .and_then(generation_of)
            .unwrap_or(NO_GENERATION),
    };
    Ok(Member {
        id: id.to_owned(),
        instance_id: instance_id.map(str::to_owned),
        topics: subscription
            .topics
            .iter()
            .map(|topic| Arc::from(topic.as_str()))
            .collect(),
        owned: partitions_of(&subscription.owned_partitions)?,
        generation,
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

/// The user data of librdkafka and franz-go: that of Kafka's eager sticky assignor.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
struct StickyUserData {
    /// What the member had; told in the subscription as well.
    previous: Vec<TopicPartitions>,
    /// The generation in which it had it.
    generation: i32,
}

/// The generation in the user data of a subscription below version 2, if one is there.
fn generation_of(user_data: Bytes) -> Option<i32> {
    let generation = match <[u8; 4]>::try_from(&*user_data) {
        Ok(java) => i32::from_be_bytes(java),
        Err(_) => StickyUserData::decode(user_data, 0).ok()?.generation,
    };
    Some(generation.max(NO_GENERATION))
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
    use super::super::tests::{dynamic, lines};
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
            let mut owned = named(&case.owned);
            if version == sent_version {
                let sent =
                    assignor.subscription(&topics, &owned, case.generation, case.rack.as_deref());
                assert_eq!(sent.unwrap(), blob, "{json}");
            }

            let member = decode_member("m", Some("i"), &blob).unwrap();
            owned.sort();
            let mut topics = topics;
            topics.sort();
            let tells_generation = version >= 2 || assignor.is_cooperative();
            let expected = Member {
                id: "m".to_owned(),
                instance_id: Some("i".to_owned()),
                topics,
                owned: if version >= 1 { owned } else { Vec::new() },
                generation: if tells_generation {
                    case.generation
                } else {
                    -1
                },
            };
            assert_eq!(member, expected, "v{version} {json}");
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

    fn with_user_data(user_data: &[u8]) -> Bytes {
        let subscription = Subscription {
            topics: vec!["orders".into()],
            user_data: Some(Bytes::copy_from_slice(user_data)),
            ..Subscription::default()
        };
        encode(&subscription, 1).unwrap()
    }

    #[test]
    fn the_generation_is_found_in_the_user_data_of_each_client() {
        let java: &[u8] = &[0, 0, 0, 7];
        let librdkafka = StickyUserData {
            previous: vec![TopicPartitions {
                topic: "orders".into(),
                partitions: vec![4, 5],
            }],
            generation: 7,
        };
        let librdkafka = librdkafka.encode(0).unwrap();
        for (user_data, generation) in [
            (java, 7),
            (&librdkafka, 7),
            (&librdkafka[..librdkafka.len() - 4], -1),
            (&[0xff; 4], -1),
            (&[0x80, 0, 0, 0], -1),
            (&[], -1),
            (b"of another kind", -1),
        ] {
            let member = decode_member("m", None, &with_user_data(user_data)).unwrap();
            let expected = Member {
                generation,
                ..dynamic("m", &["orders"])
            };
            assert_eq!(member, expected, "{user_data:x?}");
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
        let blob = Assignor::CooperativeSticky
            .subscription(&[], &partitions, 1, None)
            .unwrap();
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

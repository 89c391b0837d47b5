//! The records of `__consumer_offsets` and `__transaction_state`: a table of all of them, so that
//! the tests of messages walk their keys and values too, and what is theirs alone: a type or a
//! version in front, and which types there are.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use kafka_client_protocol::internal_topics::consumer_offsets::ConsumerOffsetsRecord;
use kafka_client_protocol::internal_topics::consumer_offsets::{
    classic::*, consumer::*, share::*, streams::*,
};
use kafka_client_protocol::internal_topics::transaction_state::{
    TransactionLogKey, TransactionLogValue, TransactionStateRecord,
};
use kafka_client_protocol::internal_topics::{KeyValue, UnknownRecord, Versioned};
use kafka_client_protocol::{DecodeError, DecodeErrorKind, EncodeErrorKind};

use crate::apis::Codec;
use crate::definitions::{compare_message, definitions};
use crate::golden::{Case, cases};

/// Golden files, one for each topic.
const FILES: [&str; 2] = ["consumer_offsets.txt", "transaction_state.txt"];

/// A type of record.
struct RecordType {
    file: &'static str,
    number: i16,
    key: Codec,
    value: Codec,
}

macro_rules! record_types {
    ($($file:literal $topic:ident { $($record:ident($key:ident, $value:ident),)* })*) => {
        vec![$($(
            RecordType {
                file: $file,
                number: $topic::$record($key::default(), None).record_type(),
                key: Codec::of::<$key>(),
                value: Codec::of::<$value>(),
            },
        )*)*]
    };
}

fn record_types() -> Vec<RecordType> {
    record_types! {
        "consumer_offsets.txt" ConsumerOffsetsRecord {
            LegacyOffsetCommit(LegacyOffsetCommitKey, LegacyOffsetCommitValue),
            OffsetCommit(OffsetCommitKey, OffsetCommitValue),
            GroupMetadata(GroupMetadataKey, GroupMetadataValue),
            ConsumerGroupMetadata(ConsumerGroupMetadataKey, ConsumerGroupMetadataValue),
            ConsumerGroupPartitionMetadata(
                ConsumerGroupPartitionMetadataKey,
                ConsumerGroupPartitionMetadataValue
            ),
            ConsumerGroupMemberMetadata(
                ConsumerGroupMemberMetadataKey,
                ConsumerGroupMemberMetadataValue
            ),
            ConsumerGroupTargetAssignmentMetadata(
                ConsumerGroupTargetAssignmentMetadataKey,
                ConsumerGroupTargetAssignmentMetadataValue
            ),
            ConsumerGroupTargetAssignmentMember(
                ConsumerGroupTargetAssignmentMemberKey,
                ConsumerGroupTargetAssignmentMemberValue
            ),
            ConsumerGroupCurrentMemberAssignment(
                ConsumerGroupCurrentMemberAssignmentKey,
                ConsumerGroupCurrentMemberAssignmentValue
            ),
            ShareGroupMemberMetadata(ShareGroupMemberMetadataKey, ShareGroupMemberMetadataValue),
            ShareGroupMetadata(ShareGroupMetadataKey, ShareGroupMetadataValue),
            ShareGroupTargetAssignmentMetadata(
                ShareGroupTargetAssignmentMetadataKey,
                ShareGroupTargetAssignmentMetadataValue
            ),
            ShareGroupTargetAssignmentMember(
                ShareGroupTargetAssignmentMemberKey,
                ShareGroupTargetAssignmentMemberValue
            ),
            ShareGroupCurrentMemberAssignment(
                ShareGroupCurrentMemberAssignmentKey,
                ShareGroupCurrentMemberAssignmentValue
            ),
            ShareGroupStatePartitionMetadata(
                ShareGroupStatePartitionMetadataKey,
                ShareGroupStatePartitionMetadataValue
            ),
            ConsumerGroupRegularExpression(
                ConsumerGroupRegularExpressionKey,
                ConsumerGroupRegularExpressionValue
            ),
            StreamsGroupMetadata(StreamsGroupMetadataKey, StreamsGroupMetadataValue),
            StreamsGroupMemberMetadata(
                StreamsGroupMemberMetadataKey,
                StreamsGroupMemberMetadataValue
            ),
            StreamsGroupTargetAssignmentMetadata(
                StreamsGroupTargetAssignmentMetadataKey,
                StreamsGroupTargetAssignmentMetadataValue
            ),
            StreamsGroupTargetAssignmentMember(
                StreamsGroupTargetAssignmentMemberKey,
                StreamsGroupTargetAssignmentMemberValue
            ),
            StreamsGroupCurrentMemberAssignment(
                StreamsGroupCurrentMemberAssignmentKey,
                StreamsGroupCurrentMemberAssignmentValue
            ),
            StreamsGroupTopology(StreamsGroupTopologyKey, StreamsGroupTopologyValue),
        }
        "transaction_state.txt" TransactionStateRecord {
            TransactionLog(TransactionLogKey, TransactionLogValue),
        }
    }
}

/// Keys and values, as messages.
pub(crate) fn messages() -> Vec<Codec> {
    let both = |record: RecordType| [record.key, record.value];
    record_types().into_iter().flat_map(both).collect()
}

/// Every line of the golden files as that of a message: without the number in front.
pub(crate) fn all_cases() -> impl Iterator<Item = (Codec, Case)> {
    let messages: BTreeMap<&str, Codec> = messages()
        .into_iter()
        .map(|codec| (codec.name, codec))
        .collect();
    FILES.into_iter().flat_map(cases).map(move |case| {
        let bytes = case.bytes.slice(2..);
        (messages[case.kind.as_str()], Case { bytes, ..case })
    })
}

/// Differences from the definitions that are meant. Kafka has two structs of this name.
const ALLOWED: [&str; 3] = [
    "StreamsGroupTargetAssignmentMemberValue.active_tasks: type []TargetTaskIds, Kafka []TaskIds",
    "StreamsGroupTargetAssignmentMemberValue.standby_tasks: type []TargetTaskIds, Kafka []TaskIds",
    "StreamsGroupTargetAssignmentMemberValue.warmup_tasks: type []TargetTaskIds, Kafka []TaskIds",
];

#[test]
#[ignore = "needs KAFKA_JARS: a folder with Apache Kafka's jars; .ci/run provides it"]
fn records_are_what_the_jars_define() {
    let mut definitions = definitions();
    definitions.retain(|_, definition| {
        let kind = definition["type"].as_str().unwrap();
        kind.starts_with("coordinator-")
    });
    let mut found = BTreeSet::new();
    for record in record_types() {
        for (codec, kind) in [
            (record.key, "coordinator-key"),
            (record.value, "coordinator-value"),
        ] {
            let definition = definitions.remove(codec.name).expect(codec.name);
            compare_message(&codec, &definition, &mut found);
            if definition["apiKey"] != record.number || definition["type"] != kind {
                found.insert(format!("{}: another type or kind", codec.name));
            }
        }
    }
    assert_eq!(found, ALLOWED.map(str::to_owned).into());
    let unknown: Vec<&String> = definitions.keys().collect();
    assert!(unknown.is_empty(), "unknown to us: {unknown:?}");
}

/// Reads a record of the topic of a golden file, and writes it again.
fn both_ways(file: &str, key: Bytes, value: Option<Bytes>) -> Result<KeyValue, DecodeError> {
    Ok(match file {
        "consumer_offsets.txt" => {
            let record = ConsumerOffsetsRecord::decode(key, value)?;
            assert!(!matches!(record, ConsumerOffsetsRecord::Unknown(_)));
            record.encode().unwrap()
        }
        _ => {
            let record = TransactionStateRecord::decode(key, value)?;
            assert!(!matches!(record, TransactionStateRecord::Unknown(_)));
            record.encode().unwrap()
        }
    })
}

/// Each key of a type, and each value of it.
fn golden_records() -> impl Iterator<Item = (RecordType, Vec<Bytes>, Vec<Bytes>)> {
    record_types().into_iter().map(|record| {
        let of = |codec: &Codec| -> Vec<Bytes> {
            let lines = cases(record.file).into_iter();
            let own = lines.filter(|case| case.kind == codec.name);
            own.map(|case| case.bytes).collect()
        };
        let (keys, values) = (of(&record.key), of(&record.value));
        assert!(keys.len() == 3 && values.len() >= 3, "{}", record.key.name);
        (record, keys, values)
    })
}

#[test]
fn every_record_of_apache_kafka_reads_and_writes_byte_for_byte() {
    for (record, keys, values) in golden_records() {
        for key in &keys {
            assert_eq!(key[..2], record.number.to_be_bytes());
            let values = values.iter().cloned().map(Some).chain([None]);
            for value in values {
                let written = both_ways(record.file, key.clone(), value.clone());
                assert_eq!(
                    written.unwrap(),
                    (key.clone(), value),
                    "{}",
                    record.key.name
                );
            }
        }
    }
}

#[test]
fn damaged_records_are_refused_by_name() {
    for (record, keys, values) in golden_records() {
        let (key, value) = (&keys[1], &values[1]);
        for length in 0..key.len() {
            let error = both_ways(record.file, key.slice(..length), None).unwrap_err();
            match length {
                0 | 1 => assert_eq!(error.field().unwrap().1, "record_type"),
                _ => assert_eq!(error.message(), Some((record.key.name, 0))),
            }
        }
        for length in 0..value.len() {
            let cut = Some(value.slice(..length));
            let error = both_ways(record.file, key.clone(), cut).unwrap_err();
            match length {
                0 | 1 => assert_eq!(error.field(), Some((record.value.name, "version"))),
                _ => assert_eq!(error.message().unwrap().0, record.value.name),
            }
        }
        let (min, max) = record.value.versions;
        for version in [min - 1, max + 1] {
            let other = [&version.to_be_bytes(), &value[2..]].concat();
            let error = both_ways(record.file, key.clone(), Some(other.into())).unwrap_err();
            assert_eq!(error.message(), Some((record.value.name, version)));
            assert_eq!(
                *error.kind(),
                DecodeErrorKind::UnsupportedVersion { min, max }
            );
        }
    }
}

#[test]
fn errors_say_where_they_are() {
    let error = |key: &'static [u8], value: Option<&'static [u8]>| {
        let (key, value) = (Bytes::from_static(key), value.map(Bytes::from_static));
        ConsumerOffsetsRecord::decode(key, value)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(&[0], None),
        "ConsumerOffsetsRecord.record_type: 2 bytes needed, 1 left"
    );
    assert_eq!(
        error(&[0, 2, 0, 9], None),
        "GroupMetadataKey v0: GroupMetadataKey.group: 9 bytes needed, 0 left"
    );
    assert_eq!(
        error(&[0, 2, 0, 0], Some(&[])),
        "GroupMetadataValue.version: 2 bytes needed, 0 left"
    );
    assert_eq!(
        error(&[0, 2, 0, 0], Some(&[0, 5])),
        "GroupMetadataValue v5: version not supported, 0 to 4 are"
    );
}

#[test]
fn a_record_of_an_unknown_type_is_kept_as_it_is() {
    let key = Bytes::from_static(&[0, 9, 1, 2, 3]);
    for value in [
        None,
        Some(Bytes::new()),
        Some(Bytes::from_static(b"anything")),
    ] {
        let unknown = UnknownRecord {
            record_type: 9,
            key: key.slice(2..),
            value: value.clone(),
        };
        let record = ConsumerOffsetsRecord::decode(key.clone(), value.clone()).unwrap();
        assert_eq!(record, ConsumerOffsetsRecord::Unknown(unknown.clone()));
        assert_eq!(record.record_type(), 9);
        assert_eq!(record.encode().unwrap(), (key.clone(), value.clone()));

        let record = TransactionStateRecord::decode(key.clone(), value.clone()).unwrap();
        assert_eq!(record, TransactionStateRecord::Unknown(unknown));
        assert_eq!(record.encode().unwrap(), (key.clone(), value));
    }
}

#[test]
fn a_value_goes_into_no_version_that_would_lose_some_of_it() {
    let record = |version| {
        let message = TransactionLogValue {
            previous_producer_id: 7,
            ..Default::default()
        };
        let value = Some(Versioned { version, message });
        TransactionStateRecord::TransactionLog(TransactionLogKey::default(), value).encode()
    };
    record(1).unwrap();
    let error = record(0).unwrap_err();
    assert_eq!(*error.kind(), EncodeErrorKind::NotInVersion);
    assert_eq!(
        error.field(),
        Some(("TransactionLogValue", "previous_producer_id"))
    );
    let error = record(2).unwrap_err();
    assert_eq!(error.message(), Some(("TransactionLogValue", 2)));
}

/// In a tagged field, Kafka writes the null of a struct as 0. Elsewhere it is -1.
#[test]
fn a_member_that_never_spoke_the_classic_protocol_has_no_classic_metadata() {
    let value = |bytes: &'static [u8]| {
        let record = ConsumerOffsetsRecord::decode(
            Bytes::from_static(&[0, 5, 0, 0, 0, 0]),
            Some(Bytes::from_static(bytes)),
        );
        match record.unwrap() {
            ConsumerOffsetsRecord::ConsumerGroupMemberMetadata(_, Some(value)) => value.message,
            other => panic!("{other:?}"),
        }
    };
    let null = value(&[0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0]);
    assert_eq!(null.classic_member_metadata, None);
    let session = value(&[
        0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0, 7, 1, 0, 0, 0, 9, 1, 0,
    ]);
    let metadata = session.classic_member_metadata.unwrap();
    assert_eq!(metadata.session_timeout_ms, 9);
}

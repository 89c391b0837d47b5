//! Control records: what brokers and controllers write between the records of users, each alone in a
//! batch whose attributes say so. The key is a version and a type, the value depends on the type.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_client_derive::Message;

use super::{
    BatchBuilder, BatchHeader, CompressionConfig, RecordError, RecordView, Seal, Sealed,
    TimestampType, record_size_upper_bound,
};
use crate::message::Message;
use crate::types::{TaggedFields, Uuid};
use crate::wire::{Reader, Wire};

/// What a control record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ControlRecordType {
    /// End of a transaction whose records do not count.
    Abort,
    /// End of a transaction whose records count.
    Commit,
    /// A new leader of the metadata quorum.
    LeaderChange,
    /// Start of a snapshot of the metadata.
    SnapshotHeader,
    /// End of a snapshot of the metadata.
    SnapshotFooter,
    /// Version of the quorum's protocol.
    KraftVersion,
    /// Voters of the quorum.
    KraftVoters,
    /// One that this crate does not know, by its number.
    Unknown(i16),
}

impl ControlRecordType {
    const KNOWN: [Self; 7] = [
        Self::Abort,
        Self::Commit,
        Self::LeaderChange,
        Self::SnapshotHeader,
        Self::SnapshotFooter,
        Self::KraftVersion,
        Self::KraftVoters,
    ];

    /// The number on the wire.
    #[must_use]
    pub fn id(self) -> i16 {
        match self {
            Self::Abort => 0,
            Self::Commit => 1,
            Self::LeaderChange => 2,
            Self::SnapshotHeader => 3,
            Self::SnapshotFooter => 4,
            Self::KraftVersion => 5,
            Self::KraftVoters => 6,
            Self::Unknown(id) => id,
        }
    }

    /// The type with this number.
    #[must_use]
    pub fn from_id(id: i16) -> Self {
        usize::try_from(id)
            .ok()
            .and_then(|index| Self::KNOWN.get(index).copied())
            .unwrap_or(Self::Unknown(id))
    }

    /// The type that the key of a control record names.
    ///
    /// # Errors
    ///
    /// [`RecordError::BadControlRecord`] for a key that is too short or of a negative version. Later
    /// versions than the one known, 0, are read like it, as in Kafka.
    pub fn of_key(key: &[u8]) -> Result<Self, RecordError> {
        let (_, rest) = versioned(key, "key")?;
        let id = rest.first_chunk().ok_or_else(|| bad("key is cut short"))?;
        Ok(Self::from_id(i16::from_be_bytes(*id)))
    }
}

/// A control record.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ControlRecord {
    /// The producer's transaction is aborted.
    Abort(EndTransactionMarker),
    /// The producer's transaction is committed.
    Commit(EndTransactionMarker),
    /// The metadata quorum has a new leader.
    LeaderChange(LeaderChangeMessage),
    /// One whose value this crate does not look into.
    Other {
        /// What it is.
        record_type: ControlRecordType,
        /// The value as it came.
        value: Option<Bytes>,
    },
}

/// What the end of a transaction says beside how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EndTransactionMarker {
    /// Epoch of the transaction coordinator: one that is no longer in office has a lower one.
    pub coordinator_epoch: i32,
}

/// A new leader of the metadata quorum (KIP-595).
#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = 0..=1, flexible = 0)]
pub struct LeaderChangeMessage {
    /// Version of this message: 0, as all releases up to Kafka 4.3 write it, or 1.
    pub version: i16,
    /// Id of the leader.
    pub leader_id: i32,
    /// The voters of the quorum in this epoch.
    pub voters: Vec<Voter>,
    /// Those that voted for the leader.
    pub granting_voters: Vec<Voter>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A voter of the metadata quorum.
#[derive(Clone, Debug, PartialEq, Message)]
pub struct Voter {
    /// Id of the controller.
    pub voter_id: i32,
    /// Id of its metadata directory (KIP-853).
    #[field(versions = 1..)]
    pub voter_directory_id: Uuid,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

impl ControlRecord {
    /// Decodes a record of a control batch.
    ///
    /// # Errors
    ///
    /// [`RecordError::BadControlRecord`] when key or value are not what the type has. Later versions
    /// than those known are read like the last of them.
    pub fn decode(record: &RecordView<'_>) -> Result<Self, RecordError> {
        let key = record.key.ok_or_else(|| bad("no key"))?;
        let record_type = ControlRecordType::of_key(key)?;
        let value = || record.value_bytes().ok_or_else(|| bad("no value"));
        Ok(match record_type {
            ControlRecordType::Abort => Self::Abort(EndTransactionMarker::decode(&value()?)?),
            ControlRecordType::Commit => Self::Commit(EndTransactionMarker::decode(&value()?)?),
            ControlRecordType::LeaderChange => {
                Self::LeaderChange(LeaderChangeMessage::of_value(&value()?)?)
            }
            _ => Self::Other {
                record_type,
                value: record.value_bytes(),
            },
        })
    }

    /// What the record is.
    #[must_use]
    pub fn record_type(&self) -> ControlRecordType {
        match self {
            Self::Abort(_) => ControlRecordType::Abort,
            Self::Commit(_) => ControlRecordType::Commit,
            Self::LeaderChange(_) => ControlRecordType::LeaderChange,
            Self::Other { record_type, .. } => *record_type,
        }
    }

    /// The control batch of this record alone, as brokers and controllers append it. `timestamp` is in
    /// milliseconds since the epoch. Of `seal`, the offset, the leader epoch and, for the end of a
    /// transaction, the producer count: a control batch has no sequence and no codec.
    ///
    /// # Errors
    ///
    /// [`RecordError::BadControlRecord`] for a leader change of an unknown version, or of version 0 with
    /// directory ids; those of [`BatchBuilder::append`].
    pub fn seal(&self, timestamp: i64, seal: &Seal) -> Result<Sealed, RecordError> {
        let mut key = BytesMut::with_capacity(4);
        key.put_i16(KEY_VERSION);
        key.put_i16(self.record_type().id());
        let value = match self {
            Self::Abort(marker) | Self::Commit(marker) => Some(marker.encode()),
            Self::LeaderChange(change) => Some(
                change
                    .encode(change.version)
                    .map_err(|error| bad(error.to_string()))?,
            ),
            Self::Other { value, .. } => value.clone(),
        };
        let size = BatchHeader::LEN + record_size_upper_bound(Some(&key), value.as_deref(), &[]);
        let mut batch = BatchBuilder::new(BytesMut::with_capacity(size));
        batch.append(timestamp, Some(&key), value.as_deref(), &[])?;
        batch.seal(&Seal {
            base_sequence: -1,
            compression: CompressionConfig::default(),
            transactional: matches!(self, Self::Abort(_) | Self::Commit(_)),
            control: true,
            timestamp_type: TimestampType::CreateTime,
            ..*seal
        })
    }
}

/// Versions that are written. Kafka has no others.
const KEY_VERSION: i16 = 0;
const MARKER_VERSION: i16 = 0;

impl EndTransactionMarker {
    fn encode(self) -> Bytes {
        let mut value = BytesMut::with_capacity(6);
        value.put_i16(MARKER_VERSION);
        value.put_i32(self.coordinator_epoch);
        value.freeze()
    }

    fn decode(value: &[u8]) -> Result<Self, RecordError> {
        let (_, rest) = versioned(value, "end of a transaction")?;
        let epoch = rest
            .first_chunk()
            .ok_or_else(|| bad("end of a transaction is cut short"))?;
        Ok(Self {
            coordinator_epoch: i32::from_be_bytes(*epoch),
        })
    }
}

impl LeaderChangeMessage {
    fn of_value(value: &Bytes) -> Result<Self, RecordError> {
        // The version is the first field, and stays where it is.
        let (version, _) = versioned(value, "leader change")?;
        let version = Self::version(version.min(Self::MAX_VERSION));
        Self::read(&mut Reader::new(value), version)
            .map_err(|error| bad(error.in_message(Self::NAME, version.number).to_string()))
    }
}

/// A version and what follows it.
fn versioned<'a>(bytes: &'a [u8], what: &str) -> Result<(i16, &'a [u8]), RecordError> {
    let (version, rest) = bytes
        .split_first_chunk()
        .ok_or_else(|| bad(format!("{what} is cut short")))?;
    match i16::from_be_bytes(*version) {
        version @ 0.. => Ok((version, rest)),
        version => Err(bad(format!("{what} has version {version}"))),
    }
}

fn bad(reason: impl Into<String>) -> RecordError {
    RecordError::BadControlRecord {
        reason: reason.into(),
    }
}

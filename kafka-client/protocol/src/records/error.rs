use std::fmt;

use super::Compression;

/// What is wrong with a record batch, or with a record that was to be appended.
///
/// The reader's variants mean that bytes are damaged or not what they claim to be; they name the
/// record by its index in the batch where one is concerned. Whoever holds the batch adds the topic
/// and the partition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// The bytes end before the batch does.
    Truncated {
        /// Bytes the batch needs.
        needed: usize,
        /// Bytes that are there.
        available: usize,
    },

    /// A message of format v0 or v1, as brokers before Kafka 0.11 wrote it, where a record batch has
    /// to be. Such messages are read from old segments, and neither written nor changed.
    UnsupportedMagic {
        /// The magic byte found, 0 or 1.
        magic: i8,
    },

    /// The magic byte is none that Kafka ever used.
    BadMagic {
        /// The magic byte found.
        magic: i8,
    },

    /// The length field of a batch is negative or too small for the batch's own header.
    BadBatchLength {
        /// The length field found.
        batch_length: i32,
    },

    /// More bytes than the one batch expected.
    NotOneBatch {
        /// Bytes after the batch.
        extra: usize,
    },

    /// A count, delta or offset in the batch header that no writer produces.
    BadHeaderField {
        /// Kafka's name of the field.
        field: &'static str,
        /// Its value.
        value: i64,
    },

    /// The checksum of the content is not the one in the header: CRC-32C in a record batch, CRC-32 in
    /// a message of format v0 or v1.
    CrcMismatch {
        /// Checksum in the header.
        expected: u32,
        /// Checksum of the bytes received.
        actual: u32,
    },

    /// A variable-length integer that is too long or cut off.
    BadVarint {
        /// Index of the record in its batch.
        index: u32,
    },

    /// The length of a record, or of a field in it, does not fit what surrounds it.
    BadLength {
        /// Index of the record in its batch.
        index: u32,
        /// Which part: `record`, `key`, `value`, `headers`, `header key` or `header value`.
        field: &'static str,
    },

    /// The offset of a record lies outside its batch.
    BadOffsetDelta {
        /// Index of the record in its batch.
        index: u32,
        /// Offset relative to the batch's base offset.
        delta: i32,
        /// Highest relative offset according to the batch header.
        last: i32,
    },

    /// A header key that is not UTF-8.
    HeaderKeyNotUtf8 {
        /// Index of the record in its batch.
        index: u32,
    },

    /// The batch has fewer or more records than its header says.
    CountMismatch {
        /// Number of records in the batch header.
        declared: i32,
        /// Bytes of the records section, after decompression.
        bytes: usize,
    },

    /// A message inside a compressed message of format v0 or v1 that cannot be there.
    BadInnerMessage {
        /// Index of the message in its set.
        index: u32,
        /// What is wrong with it.
        problem: &'static str,
    },

    /// A control record that is none, or cannot be written.
    BadControlRecord {
        /// What is wrong with it.
        reason: String,
    },

    /// The compression bits of the attributes name no codec of the format.
    UnknownCodec {
        /// The id found.
        id: u8,
    },

    /// A name that is none of Kafka's compression types.
    UnknownCodecName {
        /// The name given.
        name: String,
    },

    /// A compression level outside the codec's range, or for a codec that has none.
    BadCompressionLevel {
        /// The codec.
        codec: Compression,
        /// The level asked for.
        level: i32,
    },

    /// The records section does not decompress.
    BadCompressedData {
        /// The codec.
        codec: Compression,
        /// What the decoder found.
        reason: String,
    },

    /// The records section decompresses to more than the reader allows.
    OutputCapExceeded {
        /// The codec.
        codec: Compression,
        /// The limit, in bytes.
        cap: usize,
    },

    /// The encoder failed; with the bundled codecs this means that memory ran out.
    CompressionFailed {
        /// The codec.
        codec: Compression,
        /// What the encoder said.
        reason: String,
    },

    /// The record would take the batch over the 2 GiB that its length field can express.
    RecordTooLarge {
        /// Encoded size of the record, in bytes.
        size: usize,
        /// Size of the batch without it, in bytes.
        batch_len: usize,
    },

    /// A timestamp before the epoch. Only -1, for no timestamp, may be negative.
    BadTimestamp {
        /// The timestamp, in milliseconds since the epoch.
        timestamp: i64,
    },

    /// A batch without records cannot be sealed.
    EmptyBatch,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { needed, available } => write!(
                f,
                "record batch is cut short: it needs {needed} bytes, {available} are there"
            ),
            Self::UnsupportedMagic { magic } => write!(
                f,
                "message format v{magic} is not supported here: only record batches of format v2 are \
         (Kafka 0.11 and later)"
            ),
            Self::BadMagic { magic } => write!(
                f,
                "magic byte {magic} is not one of a record batch: the data is damaged"
            ),
            Self::BadBatchLength { batch_length } => write!(
                f,
                "record batch length {batch_length} is impossible: the data is damaged"
            ),
            Self::NotOneBatch { extra } => write!(
                f,
                "{extra} bytes follow the record batch where it should end"
            ),
            Self::BadHeaderField { field, value } => write!(
                f,
                "record batch header has {field} {value}: the data is damaged"
            ),
            Self::CrcMismatch { expected, actual } => write!(
                f,
                "record batch is damaged: the checksum is {actual:#010x}, the header says {expected:#010x}"
            ),
            Self::BadVarint { index } => write!(
                f,
                "record {index} of the batch has an invalid variable-length integer"
            ),
            Self::BadLength { index, field } => write!(
                f,
                "record {index} of the batch has a wrong length in its {field}"
            ),
            Self::BadOffsetDelta { index, delta, last } => write!(
                f,
                "record {index} of the batch has offset delta {delta}, the last one is {last}"
            ),
            Self::HeaderKeyNotUtf8 { index } => write!(
                f,
                "record {index} of the batch has a header key that is not UTF-8"
            ),
            Self::CountMismatch { declared, bytes } => write!(
                f,
                "record batch header announces {declared} records, which its {bytes} bytes do not match"
            ),
            Self::BadInnerMessage { index, problem } => write!(
                f,
                "message {index} inside a compressed message {problem}: the data is damaged"
            ),
            Self::BadControlRecord { reason } => write!(f, "control record: {reason}"),
            Self::UnknownCodec { id } => write!(f, "compression codec {id} is unknown"),
            Self::UnknownCodecName { name } => write!(
                f,
                "compression type `{name}` is unknown: use none, gzip, snappy, lz4 or zstd"
            ),
            Self::BadCompressionLevel { codec, level } => write!(
                f,
                "compression level {level} is not valid for {codec}: {}",
                range_text(*codec)
            ),
            Self::BadCompressedData { codec, reason } => {
                write!(f, "{codec} data is damaged: {reason}")
            }
            Self::OutputCapExceeded { codec, cap } => write!(
                f,
                "{codec} data decompresses to more than the {cap} bytes allowed"
            ),
            Self::CompressionFailed { codec, reason } => {
                write!(f, "{codec} compression failed: {reason}")
            }
            Self::RecordTooLarge { size, batch_len } => write!(
                f,
                "a record of {size} bytes does not fit into a batch of {batch_len} bytes: the limit is 2 GiB"
            ),
            Self::BadTimestamp { timestamp } => {
                write!(f, "record timestamp {timestamp} is negative")
            }
            Self::EmptyBatch => f.write_str("record batch has no records"),
        }
    }
}

impl std::error::Error for RecordError {}

fn range_text(codec: Compression) -> String {
    match codec.levels() {
        Some(range) => format!("levels go from {} to {}", range.start(), range.end()),
        None => "it has no levels".to_owned(),
    }
}

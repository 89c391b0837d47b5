use super::Compression;

/// What is wrong with a record batch, or with a record that was to be appended.
///
/// The reader's variants mean that bytes are damaged or not what they claim to be; they name the
/// record by its index in the batch where one is concerned. Whoever holds the batch adds the topic
/// and the partition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The bytes end before the batch does.
    #[error("record batch is cut short: it needs {needed} bytes, {available} are there")]
    Truncated {
        /// Bytes the batch needs.
        needed: usize,
        /// Bytes that are there.
        available: usize,
    },

    /// A message of format v0 or v1, as brokers before Kafka 0.11 wrote it, where a record batch has
    /// to be. Such messages are read from old segments, and neither written nor changed.
    #[error(
        "message format v{magic} is not supported here: only record batches of format v2 are \
         (Kafka 0.11 and later)"
    )]
    UnsupportedMagic {
        /// The magic byte found, 0 or 1.
        magic: i8,
    },

    /// The magic byte is none that Kafka ever used.
    #[error("magic byte {magic} is not one of a record batch: the data is damaged")]
    BadMagic {
        /// The magic byte found.
        magic: i8,
    },

    /// The length field of a batch is negative or too small for the batch's own header.
    #[error("record batch length {batch_length} is impossible: the data is damaged")]
    BadBatchLength {
        /// The length field found.
        batch_length: i32,
    },

    /// More bytes than the one batch expected.
    #[error("{extra} bytes follow the record batch where it should end")]
    NotOneBatch {
        /// Bytes after the batch.
        extra: usize,
    },

    /// A count, delta or offset in the batch header that no writer produces.
    #[error("record batch header has {field} {value}: the data is damaged")]
    BadHeaderField {
        /// Kafka's name of the field.
        field: &'static str,
        /// Its value.
        value: i64,
    },

    /// The checksum of the content is not the one in the header: CRC-32C in a record batch, CRC-32 in
    /// a message of format v0 or v1.
    #[error(
        "record batch is damaged: the checksum is {actual:#010x}, the header says {expected:#010x}"
    )]
    CrcMismatch {
        /// Checksum in the header.
        expected: u32,
        /// Checksum of the bytes received.
        actual: u32,
    },

    /// A variable-length integer that is too long or cut off.
    #[error("record {index} of the batch has an invalid variable-length integer")]
    BadVarint {
        /// Index of the record in its batch.
        index: u32,
    },

    /// The length of a record, or of a field in it, does not fit what surrounds it.
    #[error("record {index} of the batch has a wrong length in its {field}")]
    BadLength {
        /// Index of the record in its batch.
        index: u32,
        /// Which part: `record`, `key`, `value`, `headers`, `header key` or `header value`.
        field: &'static str,
    },

    /// The offset of a record lies outside its batch.
    #[error("record {index} of the batch has offset delta {delta}, the last one is {last}")]
    BadOffsetDelta {
        /// Index of the record in its batch.
        index: u32,
        /// Offset relative to the batch's base offset.
        delta: i32,
        /// Highest relative offset according to the batch header.
        last: i32,
    },

    /// A header key that is not UTF-8.
    #[error("record {index} of the batch has a header key that is not UTF-8")]
    HeaderKeyNotUtf8 {
        /// Index of the record in its batch.
        index: u32,
    },

    /// The batch has fewer or more records than its header says.
    #[error(
        "record batch header announces {declared} records, which its {bytes} bytes do not match"
    )]
    CountMismatch {
        /// Number of records in the batch header.
        declared: i32,
        /// Bytes of the records section, after decompression.
        bytes: usize,
    },

    /// A message inside a compressed message of format v0 or v1 that cannot be there.
    #[error("message {index} inside a compressed message {problem}: the data is damaged")]
    BadInnerMessage {
        /// Index of the message in its set.
        index: u32,
        /// What is wrong with it.
        problem: &'static str,
    },

    /// A control record that is none, or cannot be written.
    #[error("control record: {reason}")]
    BadControlRecord {
        /// What is wrong with it.
        reason: String,
    },

    /// The compression bits of the attributes name no codec of the format.
    #[error("compression codec {id} is unknown")]
    UnknownCodec {
        /// The id found.
        id: u8,
    },

    /// A name that is none of Kafka's compression types.
    #[error("compression type `{name}` is unknown: use none, gzip, snappy, lz4 or zstd")]
    UnknownCodecName {
        /// The name given.
        name: String,
    },

    /// A compression level outside the codec's range, or for a codec that has none.
    #[error("compression level {level} is not valid for {codec}: {}", range_text(*.codec))]
    BadCompressionLevel {
        /// The codec.
        codec: Compression,
        /// The level asked for.
        level: i32,
    },

    /// The records section does not decompress.
    #[error("{codec} data is damaged: {reason}")]
    BadCompressedData {
        /// The codec.
        codec: Compression,
        /// What the decoder found.
        reason: String,
    },

    /// The records section decompresses to more than the reader allows.
    #[error("{codec} data decompresses to more than the {cap} bytes allowed")]
    OutputCapExceeded {
        /// The codec.
        codec: Compression,
        /// The limit, in bytes.
        cap: usize,
    },

    /// The encoder failed; with the bundled codecs this means that memory ran out.
    #[error("{codec} compression failed: {reason}")]
    CompressionFailed {
        /// The codec.
        codec: Compression,
        /// What the encoder said.
        reason: String,
    },

    /// The record would take the batch over the 2 GiB that its length field can express.
    #[error(
        "a record of {size} bytes does not fit into a batch of {batch_len} bytes: the limit is 2 GiB"
    )]
    RecordTooLarge {
        /// Encoded size of the record, in bytes.
        size: usize,
        /// Size of the batch without it, in bytes.
        batch_len: usize,
    },

    /// A timestamp before the epoch. Only -1, for no timestamp, may be negative.
    #[error("record timestamp {timestamp} is negative")]
    BadTimestamp {
        /// The timestamp, in milliseconds since the epoch.
        timestamp: i64,
    },

    /// A batch without records cannot be sealed.
    #[error("record batch has no records")]
    EmptyBatch,
}

fn range_text(codec: Compression) -> String {
    match codec.levels() {
        Some(range) => format!("levels go from {} to {}", range.start(), range.end()),
        None => "it has no levels".to_owned(),
    }
}

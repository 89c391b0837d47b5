//! The parts of a record beside its value.

use super::super::{
    DecodeError, DecodeErrorKind, EncodeError, FieldError, KafkaHeader, KafkaKey, KafkaTimestamp,
    RecordBuffer, RecordRef,
};

pub fn write_key<K: KafkaKey>(key: &K, buffer: &mut RecordBuffer) {
    if !key.is_null() {
        buffer.set_key(|out| key.encode_key(out));
    }
}

pub fn read_key<K: KafkaKey>(record: &'static str, from: &RecordRef<'_>) -> Result<K, DecodeError> {
    let error = |kind| DecodeError::new(record, from, kind);
    match from.key {
        Some(bytes) => K::decode_key(bytes)
            .map_err(|source| error(DecodeErrorKind::InvalidKey).with_source(source)),
        None => K::null().ok_or_else(|| error(DecodeErrorKind::NullKey)),
    }
}

pub fn write_header<H: KafkaHeader>(name: &'static str, value: &H, buffer: &mut RecordBuffer) {
    if !value.is_absent() {
        buffer.push_header_with(name, |out| value.encode_header(out));
    }
}

/// Says what the value is, if there is one. Called when all else is written.
pub fn write_content_type(content_type: &'static str, buffer: &mut RecordBuffer) {
    if buffer.has_value() {
        buffer.push_header("content-type", content_type);
    }
}

pub fn read_header<H: KafkaHeader>(
    record: &'static str,
    name: &str,
    from: &RecordRef<'_>,
) -> Result<H, DecodeError> {
    let error = |kind| DecodeError::new(record, from, kind);
    match from.headers.get(name) {
        Some(Some(bytes)) => H::decode_header(bytes).map_err(|source| {
            error(DecodeErrorKind::InvalidHeader { name: name.into() }).with_source(source)
        }),
        Some(None) => {
            H::absent().ok_or_else(|| error(DecodeErrorKind::NullHeader { name: name.into() }))
        }
        None => {
            H::absent().ok_or_else(|| error(DecodeErrorKind::MissingHeader { name: name.into() }))
        }
    }
}

pub fn write_timestamp<T: KafkaTimestamp>(
    record: &'static str,
    field: &'static str,
    timestamp: &T,
    buffer: &mut RecordBuffer,
) -> Result<(), EncodeError> {
    let ms = timestamp
        .timestamp_ms()
        .map_err(|error| EncodeError::new(record, Some(field.into()), error))?;
    if let Some(ms) = ms {
        buffer.set_timestamp_ms(ms);
    }
    Ok(())
}

pub fn read_timestamp<T: KafkaTimestamp>(
    record: &'static str,
    from: &RecordRef<'_>,
) -> Result<T, DecodeError> {
    let error = |kind| DecodeError::new(record, from, kind);
    if from.timestamp < 0 {
        return T::missing().ok_or_else(|| error(DecodeErrorKind::MissingTimestamp));
    }
    T::from_timestamp_ms(from.timestamp)
        .map_err(|source| error(DecodeErrorKind::InvalidTimestamp).with_source(source))
}

/// The types of a field that is a record's partition.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a record's partition",
    label = "not a partition type",
    note = "use `i32`, or `Option<i32>`, where `None` leaves the choice to the partitioner"
)]
pub trait KafkaPartition: Sized {
    fn partition(&self) -> Option<i32>;

    /// `None` if this type has to know the partition.
    fn from_partition(partition: Option<i32>) -> Option<Self>;
}

impl KafkaPartition for i32 {
    fn partition(&self) -> Option<i32> {
        Some(*self)
    }

    fn from_partition(partition: Option<i32>) -> Option<Self> {
        partition
    }
}

impl KafkaPartition for Option<i32> {
    fn partition(&self) -> Option<i32> {
        *self
    }

    fn from_partition(partition: Option<i32>) -> Option<Self> {
        Some(partition)
    }
}

pub fn write_partition<P: KafkaPartition>(
    record: &'static str,
    field: &'static str,
    partition: &P,
    buffer: &mut RecordBuffer,
) -> Result<(), EncodeError> {
    match partition.partition() {
        Some(partition) if partition < 0 => {
            let what = FieldError::new(format!("partitions begin at 0: {partition} is none"));
            Err(EncodeError::new(record, Some(field.into()), what))
        }
        Some(partition) => {
            buffer.set_partition(partition);
            Ok(())
        }
        None => Ok(()),
    }
}

pub fn read_partition<P: KafkaPartition>(
    record: &'static str,
    from: &RecordRef<'_>,
) -> Result<P, DecodeError> {
    let known = (from.partition >= 0).then_some(from.partition);
    P::from_partition(known)
        .ok_or_else(|| DecodeError::new(record, from, DecodeErrorKind::UnknownPartition))
}

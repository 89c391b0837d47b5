//! Primitives of the wire: a reader over a received frame, a writer that shares large byte
//! fields instead of copying them, and the [`Wire`] trait that fields and structs have in common.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
use crate::message::TypeDescription;
use crate::types::{StrBytes, Uuid};

/// The version a message is read or written in, with what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The API version.
    pub number: i16,
    /// Whether this version has compact lengths and tagged fields (KIP-482).
    pub flexible: bool,
}

impl Version {
    /// The version `number` of a message whose first flexible version is `first_flexible`.
    #[must_use]
    pub const fn new(number: i16, first_flexible: Option<i16>) -> Self {
        let flexible = match first_flexible {
            Some(first) => number >= first,
            None => false,
        };
        Self { number, flexible }
    }
}

/// The bytes a value takes on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// All bytes.
    pub total: usize,
    /// Those of them that [`Writer`] takes by reference instead of copying them.
    pub shared: usize,
}

impl Size {
    /// `bytes` that are copied into the output.
    #[must_use]
    pub const fn copied(bytes: usize) -> Self {
        Self {
            total: bytes,
            shared: 0,
        }
    }
}

impl std::ops::AddAssign for Size {
    fn add_assign(&mut self, other: Self) {
        self.total += other.total;
        self.shared += other.shared;
    }
}

/// Something that has a form on the wire.
///
/// `size` comes before `write`: it finds what cannot be encoded, so that `write` cannot fail and
/// the output is allocated once.
pub trait Wire: Sized {
    /// What the conformance test compares with Kafka's own definition.
    const TYPE: TypeDescription;

    /// The exact size in `version`.
    ///
    /// # Errors
    /// When a value cannot be expressed in `version`, or is too long for its length field.
    fn size(&self, version: Version) -> Result<Size, EncodeError>;

    /// Appends the value. Only called with a version for which [`Wire::size`] succeeded.
    fn write(&self, out: &mut Writer, version: Version);

    /// Takes the value from the front of `input`.
    ///
    /// # Errors
    /// When the bytes are not a valid value.
    fn read(input: &mut Reader, version: Version) -> Result<Self, DecodeError>;
}

/// A value with a null form on the wire, so that `Option` of it is a [`Wire`].
pub trait NullableWire: Wire {
    /// The size of null.
    fn null_size(version: Version) -> usize;

    /// Appends null.
    fn write_null(out: &mut Writer, version: Version);

    /// The size of a value where null was possible: as [`Wire::size`], but for structs.
    ///
    /// # Errors
    /// As [`Wire::size`].
    fn present_size(&self, version: Version) -> Result<Size, EncodeError> {
        self.size(version)
    }

    /// Appends a value where null was possible: as [`Wire::write`], but for structs.
    fn write_present(&self, out: &mut Writer, version: Version) {
        self.write(out, version);
    }

    /// Takes a value or null.
    ///
    /// # Errors
    /// When the bytes are neither.
    fn read_nullable(input: &mut Reader, version: Version) -> Result<Option<Self>, DecodeError>;
}

/// Reads values from the front of a received frame. Byte and string fields are views into it.
#[derive(Debug, Clone)]
pub struct Reader {
    bytes: Bytes,
    /// Bytes of memory that arrays may still take.
    memory: usize,
}

impl Reader {
    /// Reads from the front of `bytes`.
    #[must_use]
    pub fn new(bytes: Bytes) -> Self {
        let memory = Self::memory_limit(bytes.len());
        Self { bytes, memory }
    }

    /// The most memory, in bytes, that all arrays of a message together take when it is read from
    /// so many bytes: 16 times as much, and 64 KiB for the small ones.
    ///
    /// An element can be larger in memory than on the wire; an empty string is one byte there and
    /// 32 here. Messages that say something stay far below the limit.
    #[must_use]
    pub const fn memory_limit(frame: usize) -> usize {
        (64 << 10) + frame.saturating_mul(16)
    }

    /// Bytes not read yet.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len()
    }

    /// What was not read yet.
    #[must_use]
    pub fn into_rest(self) -> Bytes {
        self.bytes
    }

    /// The next `length` bytes as a view.
    ///
    /// # Errors
    /// When fewer remain.
    pub fn take(&mut self, length: usize) -> Result<Bytes, DecodeError> {
        self.need(length)?;
        Ok(self.bytes.split_to(length))
    }

    /// An unsigned base-128 number of at most 32 bits.
    ///
    /// # Errors
    /// When it is cut off or longer than five bytes.
    pub fn unsigned_varint(&mut self) -> Result<u32, DecodeError> {
        let mut value: u32 = 0;
        for shift in (0..35).step_by(7) {
            self.need(1)?;
            let byte = self.bytes.get_u8();
            if shift == 28 && byte > 0x0f {
                return Err(DecodeErrorKind::VarintOverflow.into());
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeErrorKind::VarintOverflow.into())
    }

    /// The length before a string, bytes or an array; `None` is null. `i16_length` selects the
    /// two-byte form that strings have outside of flexible versions.
    fn length(&mut self, version: Version, i16_length: bool) -> Result<Option<usize>, DecodeError> {
        let length = if version.flexible {
            i64::from(self.unsigned_varint()?) - 1
        } else if i16_length {
            i64::from(i16::read(self, version)?)
        } else {
            i64::from(i32::read(self, version)?)
        };
        match length {
            -1 => Ok(None),
            0.. => Ok(Some(length as usize)),
            _ => Err(DecodeErrorKind::NegativeLength { length }.into()),
        }
    }

    /// Takes the memory for `length` elements out of what the frame justifies.
    fn afford(&mut self, length: usize, element: usize) -> Result<(), DecodeError> {
        let needed = length.saturating_mul(element);
        let available = self.memory;
        self.memory = available
            .checked_sub(needed)
            .ok_or(DecodeErrorKind::TooMuchMemory { needed, available })?;
        Ok(())
    }

    fn need(&self, needed: usize) -> Result<(), DecodeError> {
        let available = self.bytes.len();
        if needed > available {
            return Err(DecodeErrorKind::Truncated { needed, available }.into());
        }
        Ok(())
    }

    /// Reads the tagged fields at the end of a flexible struct: `field` gets each tag with a
    /// reader over its bytes, and says whether it knows the tag.
    ///
    /// # Errors
    /// When the section is malformed, a tag repeats or is out of order, or a known field does not
    /// fill its size.
    pub fn tagged_fields(
        &mut self,
        mut field: impl FnMut(u32, &mut Reader) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        let count = self.unsigned_varint()?;
        let mut previous = None;
        for _ in 0..count {
            let tag = self.unsigned_varint()?;
            if previous.is_some_and(|previous| previous >= tag) {
                return Err(DecodeErrorKind::TagOrder { tag }.into());
            }
            previous = Some(tag);
            let length = self.unsigned_varint()? as usize;
            let mut value = Reader {
                bytes: self.take(length)?,
                memory: self.memory,
            };
            let known = field(tag, &mut value)?;
            self.memory = value.memory;
            if known && value.remaining() > 0 {
                return Err(DecodeErrorKind::TrailingBytes {
                    count: value.remaining(),
                }
                .into());
            }
        }
        Ok(())
    }
}

/// Collects a message as segments: small values are copied into the current one, byte fields from
/// [`Writer::SHARE_FROM`] bytes on become segments of their own, shared with their owner.
#[derive(Debug)]
pub struct Writer {
    current: BytesMut,
    segments: Vec<Bytes>,
}

impl Writer {
    /// Byte fields of this many bytes and more are shared, shorter ones copied.
    pub const SHARE_FROM: usize = 1024;

    /// A writer for a message of this size.
    #[must_use]
    pub fn with_size(size: Size) -> Self {
        Self {
            current: BytesMut::with_capacity(size.total - size.shared),
            segments: Vec::new(),
        }
    }

    /// The buffer that small values are appended to.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.current
    }

    /// Appends bytes, by reference if they are many.
    pub fn put_shared(&mut self, bytes: &Bytes) {
        if bytes.len() < Self::SHARE_FROM {
            self.current.put_slice(bytes);
            return;
        }
        if !self.current.is_empty() {
            self.segments.push(self.current.split().freeze());
        }
        self.segments.push(bytes.clone());
    }

    /// Appends an unsigned base-128 number.
    pub fn put_unsigned_varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.current.put_u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.current.put_u8(value as u8);
    }

    /// The segments, in order.
    #[must_use]
    pub fn finish(mut self) -> Vec<Bytes> {
        if !self.current.is_empty() {
            self.segments.push(self.current.freeze());
        }
        self.segments
    }

    /// Appends a length, `None` for null.
    fn put_length(&mut self, length: Option<usize>, version: Version, i16_length: bool) {
        // `size` has refused what does not fit.
        if version.flexible {
            self.put_unsigned_varint(length.map_or(0, |length| length as u32 + 1));
        } else if i16_length {
            self.current
                .put_i16(length.map_or(-1, |length| length as i16));
        } else {
            self.current
                .put_i32(length.map_or(-1, |length| length as i32));
        }
    }
}

/// The size of an unsigned base-128 number.
#[must_use]
pub const fn unsigned_varint_size(value: u32) -> usize {
    match value {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        0x20_0000..=0x0fff_ffff => 4,
        _ => 5,
    }
}

/// The size of a length field, or an error when the length does not fit it.
fn length_size(length: usize, version: Version, i16_length: bool) -> Result<usize, EncodeError> {
    let limit = if i16_length {
        i16::MAX as usize
    } else {
        i32::MAX as usize
    };
    if length > limit {
        return Err(EncodeErrorKind::TooLong { length, limit }.into());
    }
    Ok(if version.flexible {
        unsigned_varint_size(length as u32 + 1)
    } else if i16_length {
        2
    } else {
        4
    })
}

macro_rules! fixed_size {
    ($($type:ty, $name:literal, $get:ident, $put:ident;)*) => {$(
        impl Wire for $type {
            const TYPE: TypeDescription = TypeDescription::Primitive($name);

            fn size(&self, _: Version) -> Result<Size, EncodeError> {
                Ok(Size::copied(size_of::<$type>()))
            }

            fn write(&self, out: &mut Writer, _: Version) {
                out.current.$put(*self);
            }

            fn read(input: &mut Reader, _: Version) -> Result<Self, DecodeError> {
                input.need(size_of::<$type>())?;
                Ok(input.bytes.$get())
            }
        }
    )*};
}

fixed_size! {
    i8, "int8", get_i8, put_i8;
    i16, "int16", get_i16, put_i16;
    u16, "uint16", get_u16, put_u16;
    i32, "int32", get_i32, put_i32;
    u32, "uint32", get_u32, put_u32;
    i64, "int64", get_i64, put_i64;
    f64, "float64", get_f64, put_f64;
}

impl Wire for bool {
    const TYPE: TypeDescription = TypeDescription::Primitive("bool");

    fn size(&self, _: Version) -> Result<Size, EncodeError> {
        Ok(Size::copied(1))
    }

    fn write(&self, out: &mut Writer, _: Version) {
        out.current.put_u8(u8::from(*self));
    }

    fn read(input: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        // As Java: any other value than zero is true.
        Ok(i8::read(input, version)? != 0)
    }
}

impl Wire for Uuid {
    const TYPE: TypeDescription = TypeDescription::Primitive("uuid");

    fn size(&self, _: Version) -> Result<Size, EncodeError> {
        Ok(Size::copied(16))
    }

    fn write(&self, out: &mut Writer, _: Version) {
        out.current.put_slice(&self.0);
    }

    fn read(input: &mut Reader, _: Version) -> Result<Self, DecodeError> {
        input.need(16)?;
        let mut id = [0; 16];
        input.bytes.copy_to_slice(&mut id);
        Ok(Self(id))
    }
}

impl Wire for StrBytes {
    const TYPE: TypeDescription = TypeDescription::Primitive("string");

    fn size(&self, version: Version) -> Result<Size, EncodeError> {
        let length = self.as_bytes().len();
        Ok(Size::copied(length_size(length, version, true)? + length))
    }

    fn write(&self, out: &mut Writer, version: Version) {
        out.put_length(Some(self.as_bytes().len()), version, true);
        out.current.put_slice(self.as_bytes());
    }

    fn read(input: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        Self::read_nullable(input, version)?.ok_or_else(|| DecodeErrorKind::UnexpectedNull.into())
    }
}

impl NullableWire for StrBytes {
    fn null_size(version: Version) -> usize {
        if version.flexible { 1 } else { 2 }
    }

    fn write_null(out: &mut Writer, version: Version) {
        out.put_length(None, version, true);
    }

    fn read_nullable(input: &mut Reader, version: Version) -> Result<Option<Self>, DecodeError> {
        let Some(length) = input.length(version, true)? else {
            return Ok(None);
        };
        let bytes = input.take(length)?;
        Ok(Some(
            Self::from_utf8(bytes).map_err(|_| DecodeErrorKind::InvalidUtf8)?,
        ))
    }
}

impl Wire for Bytes {
    const TYPE: TypeDescription = TypeDescription::Primitive("bytes");

    fn size(&self, version: Version) -> Result<Size, EncodeError> {
        let mut size = Size::copied(length_size(self.len(), version, false)? + self.len());
        if self.len() >= Writer::SHARE_FROM {
            size.shared = self.len();
        }
        Ok(size)
    }

    fn write(&self, out: &mut Writer, version: Version) {
        out.put_length(Some(self.len()), version, false);
        out.put_shared(self);
    }

    fn read(input: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        Self::read_nullable(input, version)?.ok_or_else(|| DecodeErrorKind::UnexpectedNull.into())
    }
}

impl NullableWire for Bytes {
    fn null_size(version: Version) -> usize {
        if version.flexible { 1 } else { 4 }
    }

    fn write_null(out: &mut Writer, version: Version) {
        out.put_length(None, version, false);
    }

    fn read_nullable(input: &mut Reader, version: Version) -> Result<Option<Self>, DecodeError> {
        let Some(length) = input.length(version, false)? else {
            return Ok(None);
        };
        Ok(Some(input.take(length)?))
    }
}

impl<T: Wire> Wire for Vec<T> {
    const TYPE: TypeDescription = TypeDescription::Array(&T::TYPE);

    fn size(&self, version: Version) -> Result<Size, EncodeError> {
        let mut size = Size::copied(length_size(self.len(), version, false)?);
        for item in self {
            size += item.size(version)?;
        }
        Ok(size)
    }

    fn write(&self, out: &mut Writer, version: Version) {
        out.put_length(Some(self.len()), version, false);
        for item in self {
            item.write(out, version);
        }
    }

    fn read(input: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        Self::read_nullable(input, version)?.ok_or_else(|| DecodeErrorKind::UnexpectedNull.into())
    }
}

impl<T: Wire> NullableWire for Vec<T> {
    fn null_size(version: Version) -> usize {
        if version.flexible { 1 } else { 4 }
    }

    fn write_null(out: &mut Writer, version: Version) {
        out.put_length(None, version, false);
    }

    fn read_nullable(input: &mut Reader, version: Version) -> Result<Option<Self>, DecodeError> {
        let Some(length) = input.length(version, false)? else {
            return Ok(None);
        };
        let available = input.remaining();
        // Every element takes at least one byte, so a larger count is a lie.
        if length > available {
            return Err(DecodeErrorKind::Truncated {
                needed: length,
                available,
            }
            .into());
        }
        input.afford(length, size_of::<T>())?;
        let mut items = Vec::with_capacity(length);
        for _ in 0..length {
            items.push(T::read(input, version)?);
        }
        Ok(Some(items))
    }
}

impl<T: NullableWire> Wire for Option<T> {
    const TYPE: TypeDescription = TypeDescription::Nullable(&T::TYPE);

    fn size(&self, version: Version) -> Result<Size, EncodeError> {
        match self {
            Some(value) => value.present_size(version),
            None => Ok(Size::copied(T::null_size(version))),
        }
    }

    fn write(&self, out: &mut Writer, version: Version) {
        match self {
            Some(value) => value.write_present(out, version),
            None => T::write_null(out, version),
        }
    }

    fn read(input: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        T::read_nullable(input, version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Version = Version {
        number: 0,
        flexible: false,
    };
    const FLEXIBLE: Version = Version {
        number: 9,
        flexible: true,
    };

    fn written<T: Wire>(value: &T, version: Version) -> Vec<u8> {
        let size = value.size(version).unwrap();
        let mut out = Writer::with_size(size);
        value.write(&mut out, version);
        let bytes = out.finish().concat();
        assert_eq!(bytes.len(), size.total, "the announced size is exact");
        bytes
    }

    fn read<T: Wire>(bytes: &[u8], version: Version) -> Result<T, DecodeErrorKind> {
        let mut reader = Reader::new(Bytes::copy_from_slice(bytes));
        T::read(&mut reader, version).map_err(|error| error.kind)
    }

    #[test]
    fn strings_have_two_byte_or_compact_lengths() {
        assert_eq!(written(&StrBytes::from("ab"), OLD), [0, 2, b'a', b'b']);
        assert_eq!(written(&StrBytes::from("ab"), FLEXIBLE), [3, b'a', b'b']);
        assert_eq!(written(&None::<StrBytes>, OLD), [0xff, 0xff]);
        assert_eq!(written(&None::<StrBytes>, FLEXIBLE), [0]);
        assert_eq!(
            read::<StrBytes>(&[0], FLEXIBLE),
            Err(DecodeErrorKind::UnexpectedNull)
        );
        assert_eq!(
            read::<StrBytes>(&[2, 0xff], FLEXIBLE),
            Err(DecodeErrorKind::InvalidUtf8)
        );
    }

    #[test]
    fn an_array_length_that_the_frame_cannot_hold_is_refused_before_memory_is_taken() {
        let bytes = [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1];
        assert_eq!(
            read::<Vec<i32>>(&bytes, OLD),
            Err(DecodeErrorKind::Truncated {
                needed: i32::MAX as usize,
                available: 4
            })
        );
        assert_eq!(
            read::<Vec<i8>>(&[0xff, 0xff, 0xff, 0xfe], OLD),
            Err(DecodeErrorKind::NegativeLength { length: -2 })
        );
    }

    #[test]
    fn arrays_take_memory_in_proportion_to_the_frame() {
        // Empty strings: one byte each on the wire, 32 in memory.
        let strings = |count: u32| {
            let mut out = Writer::with_size(Size::copied(0));
            out.put_unsigned_varint(count + 1);
            out.buffer().put_bytes(1, count as usize);
            out.finish().concat()
        };
        let few = read::<Vec<StrBytes>>(&strings(4000), FLEXIBLE).unwrap();
        assert_eq!((few.len(), few.capacity()), (4000, 4000));
        let count = 10_000;
        assert_eq!(
            read::<Vec<StrBytes>>(&strings(count), FLEXIBLE),
            Err(DecodeErrorKind::TooMuchMemory {
                needed: count as usize * size_of::<StrBytes>(),
                available: Reader::memory_limit(count as usize + 2),
            })
        );
        // Several arrays share the limit, and so do those in tagged fields.
        let two = [strings(2500), strings(2500)].concat();
        let mut reader = Reader::new(two.into());
        let limit = reader.memory;
        Vec::<StrBytes>::read(&mut reader, FLEXIBLE).unwrap();
        Vec::<StrBytes>::read(&mut reader, FLEXIBLE).unwrap_err();
        assert!(reader.memory < limit);
        let mut tagged = vec![1, 0, 0x82, 0x20];
        tagged.extend(strings(4096));
        let mut reader = Reader::new(tagged.into());
        let limit = reader.memory;
        reader
            .tagged_fields(|_, value| Vec::<StrBytes>::read(value, FLEXIBLE).map(|_| true))
            .unwrap();
        assert_eq!(limit - reader.memory, 4096 * size_of::<StrBytes>());
    }

    #[test]
    fn varints_end_at_32_bits() {
        for value in [0, 1, 127, 128, 16383, 16384, 1 << 21, 1 << 28, u32::MAX] {
            let mut out = Writer::with_size(Size::copied(5));
            out.put_unsigned_varint(value);
            let bytes = out.finish().concat();
            assert_eq!(bytes.len(), unsigned_varint_size(value));
            assert_eq!(Reader::new(bytes.into()).unsigned_varint().unwrap(), value);
        }
        for bad in [&[0xff; 6][..], &[0xff, 0xff, 0xff, 0xff, 0x10]] {
            let error = Reader::new(Bytes::copy_from_slice(bad))
                .unsigned_varint()
                .unwrap_err();
            assert_eq!(error.kind, DecodeErrorKind::VarintOverflow);
        }
    }

    #[test]
    fn large_byte_fields_are_shared_not_copied() {
        let field = Bytes::from(vec![7; Writer::SHARE_FROM]);
        let size = field.size(OLD).unwrap();
        assert_eq!(
            size,
            Size {
                total: 4 + field.len(),
                shared: field.len()
            }
        );
        let mut out = Writer::with_size(size);
        field.write(&mut out, OLD);
        let segments = out.finish();
        assert_eq!(segments.len(), 2);
        assert_eq!(segments[1].as_ptr(), field.as_ptr());
    }

    #[test]
    fn tags_out_of_order_are_refused() {
        // Two fields: tag 1 (one byte), tag 0.
        let mut reader = Reader::new(Bytes::from_static(&[2, 1, 1, 9, 0, 0]));
        let error = reader.tagged_fields(|_, _| Ok(false)).unwrap_err();
        assert_eq!(error.kind, DecodeErrorKind::TagOrder { tag: 0 });
    }
}

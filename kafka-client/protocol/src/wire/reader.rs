//! Taking values from the front of a received frame.

use bytes::Bytes;

use super::{FieldName, Version};
use crate::error::{DecodeError, DecodeErrorKind};

/// Reads values from the front of a received frame. Byte and string fields are views into it.
///
/// It knows the field that is being read, so that an error can name it.
///
/// The fields of a struct are read through a copy that stays in registers (see the derive): nothing
/// on that path takes the reader's address but what is inlined. Through memory, each field would
/// wait for the position that the one before it stored.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    frame: &'a Bytes,
    rest: &'a [u8],
    /// Bytes of memory that arrays may still take.
    memory: usize,
    /// Where errors are said to be.
    field: Option<&'static FieldName>,
}

impl<'a> Reader<'a> {
    /// Reads from the front of `frame`.
    #[must_use]
    #[inline]
    pub fn new(frame: &'a Bytes) -> Self {
        Self {
            frame,
            rest: frame,
            memory: Self::memory_limit(frame.len()),
            field: None,
        }
    }

    /// Reads values that are looked at in place, and so take no part of a frame.
    #[inline]
    pub(super) fn in_place(bytes: &'a [u8]) -> Self {
        static NO_FRAME: Bytes = Bytes::new();
        Self {
            frame: &NO_FRAME,
            rest: bytes,
            memory: 0,
            field: None,
        }
    }

    /// What lies between this reader and one that is further on.
    #[inline]
    pub(super) fn until(&self, further: &Self) -> &'a [u8] {
        let length = self.rest.len().saturating_sub(further.rest.len());
        self.rest.get(..length).unwrap_or_default()
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
    #[inline]
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// What was not read yet, as a view into the frame.
    #[must_use]
    pub fn into_rest(self) -> Bytes {
        self.frame.slice_ref(self.rest)
    }

    /// Errors from here on are errors of this field.
    #[inline(always)]
    pub fn at(&mut self, field: &'static FieldName) {
        self.field = Some(field);
    }

    /// The error, at the present field.
    #[must_use]
    #[inline(always)]
    pub fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        error_at(self.field, kind)
    }

    /// The next `length` bytes, in place.
    ///
    /// # Errors
    /// When fewer remain.
    #[inline(always)]
    pub fn slice(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(length) {
            Some((slice, rest)) => {
                self.rest = rest;
                Ok(slice)
            }
            None => Err(self.truncated(length)),
        }
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// When fewer remain.
    #[inline(always)]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((array, rest)) => {
                self.rest = rest;
                Ok(*array)
            }
            None => Err(self.truncated(N)),
        }
    }

    /// The next `length` bytes as a view that shares the frame.
    ///
    /// # Errors
    /// When fewer remain.
    #[inline(always)]
    pub fn take(&mut self, length: usize) -> Result<Bytes, DecodeError> {
        let slice = self.slice(length)?;
        Ok(self.share(slice))
    }

    /// A part of the frame that was read in place, as a view that shares it.
    ///
    /// # Panics
    /// When the bytes are not of the frame.
    #[must_use]
    #[inline(always)]
    pub fn share(&self, part: &'a [u8]) -> Bytes {
        self.frame.slice_ref(part)
    }

    /// An unsigned base-128 number of at most 32 bits.
    ///
    /// # Errors
    /// When it is cut off or longer than five bytes.
    #[inline(always)]
    pub fn unsigned_varint(&mut self) -> Result<u32, DecodeError> {
        match self.rest.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.rest = rest;
                Ok(u32::from(byte))
            }
            Some((&low, &[high, ref rest @ ..])) if high < 0x80 => {
                self.rest = rest;
                Ok(u32::from(low & 0x7f) | u32::from(high) << 7)
            }
            _ => {
                let (value, rest) = long_varint(self.rest, self.field)?;
                self.rest = rest;
                Ok(value)
            }
        }
    }

    /// Takes the count of tagged fields if it is zero, as it nearly always is.
    #[inline(always)]
    pub fn no_tags(&mut self) -> bool {
        match self.rest.split_first() {
            Some((0, rest)) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// The length before a string; `None` is null.
    #[inline(always)]
    pub(super) fn text_length(&mut self, version: Version) -> Result<Option<usize>, DecodeError> {
        if version.flexible {
            // A string has no more bytes than before there were compact lengths, as in Java.
            return match self.compact_length()? {
                Some(length) if length > i16::MAX as usize => {
                    let limit = i16::MAX as usize;
                    Err(self.error(DecodeErrorKind::TooLong { length, limit }))
                }
                length => Ok(length),
            };
        }
        let length = i16::from_be_bytes(self.array()?);
        self.length(i32::from(length))
    }

    /// The length before bytes or an array; `None` is null.
    #[inline(always)]
    pub(super) fn array_length(&mut self, version: Version) -> Result<Option<usize>, DecodeError> {
        if version.flexible {
            return self.compact_length();
        }
        let length = i32::from_be_bytes(self.array()?);
        self.length(length)
    }

    #[inline(always)]
    fn compact_length(&mut self) -> Result<Option<usize>, DecodeError> {
        let length = self.unsigned_varint()?;
        Ok((length as usize).checked_sub(1))
    }

    #[inline(always)]
    fn length(&self, length: i32) -> Result<Option<usize>, DecodeError> {
        match usize::try_from(length) {
            Ok(length) => Ok(Some(length)),
            Err(_) if length == -1 => Ok(None),
            Err(_) => Err(self.error(DecodeErrorKind::NegativeLength {
                length: length.into(),
            })),
        }
    }

    /// Checks a number of elements, and takes their memory out of what the frame justifies.
    #[inline]
    pub(super) fn afford(&mut self, count: usize, element: usize) -> Result<(), DecodeError> {
        // Every element takes at least one byte, so a larger count is a lie.
        if count > self.rest.len() {
            return Err(self.truncated(count));
        }
        self.afford_memory(count.saturating_mul(element))
    }

    /// Takes so many bytes of memory out of what the frame justifies.
    #[inline]
    pub(super) fn afford_memory(&mut self, needed: usize) -> Result<(), DecodeError> {
        match self.memory.checked_sub(needed) {
            Some(memory) => {
                self.memory = memory;
                Ok(())
            }
            None => Err(self.error(DecodeErrorKind::TooMuchMemory {
                needed,
                available: self.memory,
            })),
        }
    }

    /// The memory that arrays may still take.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// Narrows the reader to its next `length` bytes; what follows them goes to [`Reader::leave`].
    ///
    /// # Errors
    /// When fewer remain.
    #[inline]
    pub fn enter(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let inner = self.slice(length)?;
        Ok(std::mem::replace(&mut self.rest, inner))
    }

    /// Ends what [`Reader::enter`] began, to go on with `after`.
    ///
    /// # Errors
    /// When not all of the bytes were read.
    #[inline]
    pub fn leave(&mut self, after: &'a [u8]) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => {
                self.rest = after;
                Ok(())
            }
            count => Err(self.error(DecodeErrorKind::TrailingBytes { count })),
        }
    }

    #[inline(always)]
    fn truncated(&self, needed: usize) -> DecodeError {
        truncated_at(self.field, needed, self.rest.len())
    }
}

#[cold]
#[inline(never)]
fn error_at(field: Option<&'static FieldName>, kind: DecodeErrorKind) -> DecodeError {
    let error = DecodeError::from(kind);
    match field {
        Some((owner, field)) => error.in_field(owner, field),
        None => error,
    }
}

#[cold]
#[inline(never)]
fn truncated_at(field: Option<&'static FieldName>, needed: usize, available: usize) -> DecodeError {
    error_at(field, DecodeErrorKind::Truncated { needed, available })
}

/// A base-128 number of more than one byte, and what follows it.
fn long_varint<'a>(
    mut rest: &'a [u8],
    field: Option<&'static FieldName>,
) -> Result<(u32, &'a [u8]), DecodeError> {
    let mut value: u32 = 0;
    for shift in (0..35).step_by(7) {
        let Some((&byte, after)) = rest.split_first() else {
            return Err(truncated_at(field, 1, 0));
        };
        rest = after;
        if shift == 28 && byte > 0x0f {
            break;
        }
        value |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value, rest));
        }
    }
    Err(error_at(field, DecodeErrorKind::VarintOverflow))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Writer, unsigned_varint_size};

    #[test]
    fn varints_end_at_32_bits() {
        for value in [0, 1, 127, 128, 16383, 16384, 1 << 21, 1 << 28, u32::MAX] {
            let mut out = Writer::new(crate::wire::Size::default());
            out.put_unsigned_varint(value);
            let bytes = out.finish().concat();
            assert_eq!(bytes.len(), unsigned_varint_size(value));
            assert_eq!(Reader::new(&bytes).unsigned_varint().unwrap(), value);
        }
        for bad in [&[0xff; 6][..], &[0xff, 0xff, 0xff, 0xff, 0x10]] {
            let bad = Bytes::copy_from_slice(bad);
            let error = Reader::new(&bad).unsigned_varint().unwrap_err();
            assert_eq!(*error.kind(), DecodeErrorKind::VarintOverflow);
        }
    }

    #[test]
    fn what_is_entered_must_be_read_to_its_end() {
        let bytes = Bytes::from_static(&[1, 2, 3]);
        let mut reader = Reader::new(&bytes);
        let after = reader.enter(2).unwrap();
        assert_eq!(reader.array::<1>().unwrap(), [1]);
        let error = reader.leave(after).unwrap_err();
        assert_eq!(*error.kind(), DecodeErrorKind::TrailingBytes { count: 1 });
        assert_eq!(reader.array::<1>().unwrap(), [2]);
        reader.leave(after).unwrap();
        assert_eq!(reader.into_rest(), [3][..]);
    }
}

//! Finding the size of a message before it is written.

use super::{FieldName, Version};
use crate::error::{EncodeError, EncodeErrorKind};

/// The bytes a message takes on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// All bytes.
    pub total: usize,
    /// Those of them that [`Writer`](super::Writer) takes by reference instead of copying them.
    pub shared: usize,
    /// The number of byte fields that they are of.
    pub shares: usize,
}

/// Adds sizes up, and remembers the first value that cannot be encoded.
#[derive(Debug, Default)]
pub struct Sizer {
    size: Size,
    field: Option<&'static FieldName>,
    error: Option<EncodeError>,
}

impl Sizer {
    /// Counts bytes that are copied into the output.
    #[inline]
    pub fn add(&mut self, bytes: usize) {
        self.size.total += bytes;
    }

    /// Counts bytes that the output takes by reference.
    #[inline]
    pub fn add_shared(&mut self, bytes: usize) {
        self.size.total += bytes;
        self.size.shared += bytes;
        self.size.shares += 1;
    }

    /// Counts an unsigned base-128 number.
    #[inline]
    pub fn add_unsigned_varint(&mut self, value: u32) {
        self.add(unsigned_varint_size(value));
    }

    /// All bytes so far.
    #[must_use]
    #[inline]
    pub fn total(&self) -> usize {
        self.size.total
    }

    /// Errors from here on are errors of this field.
    #[inline]
    pub fn at(&mut self, field: &'static FieldName) {
        self.field = Some(field);
    }

    /// The present field cannot be encoded. The first such field is the one reported.
    #[cold]
    pub fn fail(&mut self, kind: EncodeErrorKind) {
        let field = self.field;
        self.error.get_or_insert_with(|| {
            let error = EncodeError::from(kind);
            match field {
                Some((owner, field)) => error.in_field(owner, field),
                None => error,
            }
        });
    }

    /// The size of all.
    ///
    /// # Errors
    /// The first value that cannot be encoded.
    pub fn finish(self) -> Result<Size, EncodeError> {
        match self.error {
            None => Ok(self.size),
            Some(error) => Err(error),
        }
    }

    /// Counts the length before a string of so many bytes.
    #[inline]
    pub(super) fn add_text_length(&mut self, length: usize, version: Version) {
        if length > i16::MAX as usize {
            self.too_long(length, i16::MAX as usize);
        } else if version.flexible {
            self.add_unsigned_varint(length as u32 + 1);
        } else {
            self.add(2);
        }
    }

    /// Counts the length before so many bytes or elements.
    #[inline]
    pub(super) fn add_array_length(&mut self, length: usize, version: Version) {
        if length > i32::MAX as usize {
            self.too_long(length, i32::MAX as usize);
        } else if version.flexible {
            self.add_unsigned_varint(length as u32 + 1);
        } else {
            self.add(4);
        }
    }

    #[cold]
    fn too_long(&mut self, length: usize, limit: usize) {
        self.fail(EncodeErrorKind::TooLong { length, limit });
    }
}

/// The size of an unsigned base-128 number.
#[must_use]
#[inline]
pub const fn unsigned_varint_size(value: u32) -> usize {
    match value {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        0x20_0000..=0x0fff_ffff => 4,
        _ => 5,
    }
}

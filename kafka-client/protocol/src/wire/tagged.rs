//! Tagged fields (KIP-482): the end of every struct of a flexible version.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use super::{Reader, Sizer, Writer};
use crate::error::{DecodeError, DecodeErrorKind, EncodeErrorKind};

/// A tagged field as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaggedField {
    /// Its tag.
    pub tag: u32,
    /// Its bytes, without tag and length.
    pub value: Bytes,
}

/// Tagged fields that a version of this crate does not know: kept, and written back, so that who
/// passes a message on loses nothing of it.
///
/// Empty, which is nearly always, it takes no memory but its own 8 bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TaggedFields(Option<Box<Kept>>);

/// The fields, tags rising. A box around it keeps every struct without such fields small.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Kept {
    fields: Vec<TaggedField>,
}

impl fmt::Debug for TaggedFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

impl TaggedFields {
    /// The fields, tags rising.
    #[must_use]
    pub fn as_slice(&self) -> &[TaggedField] {
        self.0.as_deref().map_or(&[], |kept| &kept.fields)
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The bytes of the field with this tag.
    #[must_use]
    pub fn get(&self, tag: u32) -> Option<&Bytes> {
        let fields = self.as_slice();
        let index = fields.binary_search_by_key(&tag, |field| field.tag).ok()?;
        fields.get(index).map(|field| &field.value)
    }

    /// Adds a field, in place of one with the same tag.
    pub fn insert(&mut self, tag: u32, value: Bytes) {
        let fields = &mut self.0.get_or_insert_default().fields;
        let field = TaggedField { tag, value };
        match fields.binary_search_by_key(&tag, |field| field.tag) {
            Ok(index) => fields[index] = field,
            Err(index) => fields.insert(index, field),
        }
    }

    /// Takes the section of a struct that knows no tags.
    ///
    /// # Errors
    /// When the section is malformed, or a tag repeats or is out of order.
    #[inline]
    pub fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut tags = Tags::read(input)?;
        let mut fields = Self::default();
        while let Some((tag, length)) = tags.next(input)? {
            fields.keep(tag, length, input)?;
        }
        Ok(fields)
    }

    /// Keeps the field that comes next in `input`. Its tag is higher than those kept before.
    ///
    /// # Errors
    /// When it is cut off, or when all of them take more memory than the frame justifies.
    #[doc(hidden)]
    #[cold]
    pub fn keep(
        &mut self,
        tag: u32,
        length: usize,
        input: &mut Reader<'_>,
    ) -> Result<(), DecodeError> {
        let value = input.take(length)?;
        if self.0.is_none() {
            input.afford_memory(size_of::<Kept>())?;
        }
        let fields = &mut self.0.get_or_insert_default().fields;
        if fields.len() == fields.capacity() {
            // Twice as many from now on; the old ones are given back only after.
            let more = fields.len().max(1);
            input.afford_memory((fields.len() + more) * size_of::<TaggedField>())?;
            fields.reserve_exact(more);
        }
        fields.push(TaggedField { tag, value });
        Ok(())
    }

    /// Counts the section of a struct that has `known` tagged fields in it, tags excluded.
    #[doc(hidden)]
    #[inline]
    pub fn size(&self, known: u32, size: &mut Sizer) {
        if self.is_empty() {
            size.add_unsigned_varint(known);
        } else {
            self.size_of_kept(known, size);
        }
    }

    #[cold]
    fn size_of_kept(&self, known: u32, size: &mut Sizer) {
        let fields = self.as_slice();
        size.add_unsigned_varint(known + fields.len() as u32);
        for field in fields {
            size.add_unsigned_varint(field.tag);
            size.add_unsigned_varint(field.value.len() as u32);
            size.add(field.value.len());
        }
    }

    /// Fails the sizer when a kept field has the tag of a known one: it cannot be there twice.
    #[doc(hidden)]
    #[inline]
    pub fn check_free(&self, tag: u32, size: &mut Sizer) {
        if !self.is_empty() && self.as_slice().iter().any(|field| field.tag == tag) {
            size.fail(EncodeErrorKind::TagTaken { tag });
        }
    }

    /// Fails the sizer when there are any: a version that is not flexible cannot carry them.
    #[doc(hidden)]
    #[inline]
    pub fn check_empty(&self, size: &mut Sizer) {
        if !self.is_empty() {
            size.fail(EncodeErrorKind::NotInVersion);
        }
    }

    /// Appends the count of the section, `known` ones included.
    #[doc(hidden)]
    #[inline]
    pub fn write_count(&self, known: u32, out: &mut Writer) {
        out.put_unsigned_varint(known + self.as_slice().len() as u32);
    }

    /// Appends the kept fields with these tags.
    #[doc(hidden)]
    #[inline]
    pub fn write_between(&self, tags: Range<u64>, out: &mut Writer) {
        if !self.is_empty() {
            self.write_kept(&tags, out);
        }
    }

    #[cold]
    fn write_kept(&self, tags: &Range<u64>, out: &mut Writer) {
        for field in self.as_slice() {
            if tags.contains(&field.tag.into()) {
                out.put_unsigned_varint(field.tag);
                out.put_unsigned_varint(field.value.len() as u32);
                out.put(&field.value);
            }
        }
    }
}

/// The tagged fields of a struct, while they are read.
#[derive(Debug)]
pub struct Tags {
    left: u32,
    previous: Option<u32>,
}

impl Tags {
    /// Takes the number of fields.
    ///
    /// # Errors
    /// When it is cut off.
    #[inline]
    pub fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            left: input.unsigned_varint()?,
            previous: None,
        })
    }

    /// Takes tag and length of the next field.
    ///
    /// # Errors
    /// When they are cut off, or the tag repeats or is out of order.
    #[inline]
    pub fn next(&mut self, input: &mut Reader<'_>) -> Result<Option<(u32, usize)>, DecodeError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.next_present(input).map(Some)
    }

    fn next_present(&mut self, input: &mut Reader<'_>) -> Result<(u32, usize), DecodeError> {
        self.left -= 1;
        let tag = input.unsigned_varint()?;
        if self.previous.is_some_and(|previous| previous >= tag) {
            return Err(input.error(DecodeErrorKind::TagOrder { tag }));
        }
        self.previous = Some(tag);
        Ok((tag, input.unsigned_varint()? as usize))
    }

    /// Passes over all fields.
    ///
    /// # Errors
    /// When the section is malformed.
    pub fn skip(input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let mut tags = Self::read(input)?;
        while let Some((_, length)) = tags.next(input)? {
            input.slice(length)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_out_of_order_are_refused() {
        // Two fields: tag 1 (one byte), tag 0.
        let frame = Bytes::from_static(&[2, 1, 1, 9, 0, 0]);
        let error = TaggedFields::read(&mut Reader::new(&frame)).unwrap_err();
        assert_eq!(*error.kind(), DecodeErrorKind::TagOrder { tag: 0 });
    }

    #[test]
    fn a_field_added_by_hand_finds_its_place() {
        let mut fields = TaggedFields::default();
        for tag in [7, 3, 5, 3] {
            fields.insert(tag, Bytes::from(vec![tag as u8]));
        }
        let tags: Vec<u32> = fields.as_slice().iter().map(|field| field.tag).collect();
        assert_eq!(tags, [3, 5, 7]);
        assert_eq!(fields.get(5), Some(&Bytes::from_static(&[5])));
        assert_eq!(fields.get(6), None);
    }
}

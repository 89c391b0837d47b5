//! Arrays, and values that may be null.

use super::{NullableWire, Reader, Sizer, Version, Wire, Writer};
use crate::error::{DecodeError, DecodeErrorKind};
use crate::message::TypeDescription;

impl<T: Wire> Wire for Vec<T> {
    const TYPE: TypeDescription = TypeDescription::Array(&T::TYPE);

    #[inline]
    fn size(&self, size: &mut Sizer, version: Version) {
        size.add_array_length(self.len(), version);
        if let Some(element) = T::FIXED {
            size.add(element * self.len());
            return;
        }
        for item in self {
            item.size(size, version);
        }
    }

    #[inline]
    fn write(&self, out: &mut Writer, version: Version) {
        out.put_array_length(Some(self.len()), version);
        for item in self {
            item.write(out, version);
        }
    }

    #[inline]
    fn read(input: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        match Self::read_nullable(input, version)? {
            Some(items) => Ok(items),
            None => Err(input.error(DecodeErrorKind::UnexpectedNull)),
        }
    }
}

impl<T: Wire> NullableWire for Vec<T> {
    const PRESENCE_BYTE: bool = false;

    #[inline]
    fn null_size(size: &mut Sizer, version: Version) {
        size.add(if version.flexible { 1 } else { 4 });
    }

    #[inline]
    fn write_null(out: &mut Writer, version: Version) {
        out.put_array_length(None, version);
    }

    #[inline]
    fn read_nullable(
        input: &mut Reader<'_>,
        version: Version,
    ) -> Result<Option<Self>, DecodeError> {
        let Some(length) = input.array_length(version)? else {
            return Ok(None);
        };
        input.afford(length, size_of::<T>())?;
        let mut items = Self::with_capacity(length);
        for _ in 0..length {
            items.push(T::read(input, version)?);
        }
        Ok(Some(items))
    }
}

impl<T: NullableWire> Wire for Option<T> {
    const TYPE: TypeDescription = TypeDescription::Nullable(&T::TYPE);

    #[inline]
    fn size(&self, size: &mut Sizer, version: Version) {
        match self {
            Some(value) => value.present_size(size, version),
            None => T::null_size(size, version),
        }
    }

    #[inline]
    fn write(&self, out: &mut Writer, version: Version) {
        match self {
            Some(value) => value.write_present(out, version),
            None => T::write_null(out, version),
        }
    }

    #[inline]
    fn read(input: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        T::read_nullable(input, version)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{Size, TaggedFields, Tags};
    use super::*;
    use crate::types::StrBytes;

    const OLD: Version = Version::PLAIN;
    const FLEXIBLE: Version = Version {
        number: 9,
        flexible: true,
    };

    fn size<T: Wire>(value: &T, version: Version) -> Size {
        let mut size = Sizer::default();
        value.size(&mut size, version);
        size.finish().unwrap()
    }

    fn written<T: Wire>(value: &T, version: Version) -> Vec<u8> {
        let size = size(value, version);
        let mut out = Writer::new(size);
        value.write(&mut out, version);
        assert_eq!(out.len(), size.total, "the announced size is exact");
        out.finish().concat().to_vec()
    }

    fn read<T: Wire>(bytes: &[u8], version: Version) -> Result<T, DecodeErrorKind> {
        let bytes = Bytes::copy_from_slice(bytes);
        let mut reader = Reader::new(&bytes);
        T::read(&mut reader, version).map_err(|error| error.kind().clone())
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

    /// So many empty strings: one byte each on the wire, 32 in memory.
    fn strings(count: u32) -> Vec<u8> {
        let mut out = Writer::new(Size::default());
        out.put_unsigned_varint(count + 1);
        out.put(&vec![1; count as usize]);
        out.finish().concat().to_vec()
    }

    #[test]
    fn arrays_take_memory_in_proportion_to_the_frame() {
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
        // Several arrays share the limit.
        let two = Bytes::from([strings(2500), strings(2500)].concat());
        let mut reader = Reader::new(&two);
        Vec::<StrBytes>::read(&mut reader, FLEXIBLE).unwrap();
        Vec::<StrBytes>::read(&mut reader, FLEXIBLE).unwrap_err();
    }

    #[test]
    fn arrays_in_tagged_fields_share_the_memory_limit() {
        let mut tagged = vec![1, 0, 0x82, 0x20];
        tagged.extend(strings(4096));
        let tagged = Bytes::from(tagged);
        let mut reader = Reader::new(&tagged);
        let limit = reader.memory();
        let mut tags = Tags::read(&mut reader).unwrap();
        let (_, length) = tags.next(&mut reader).unwrap().unwrap();
        let after = reader.enter(length).unwrap();
        Vec::<StrBytes>::read(&mut reader, FLEXIBLE).unwrap();
        reader.leave(after).unwrap();
        assert_eq!(limit - reader.memory(), 4096 * size_of::<StrBytes>());
    }

    #[test]
    fn unknown_tagged_fields_take_memory_in_proportion_to_the_frame() {
        // Empty fields with rising tags: three bytes each on the wire, 40 in memory.
        let mut out = Writer::new(Size::default());
        out.put_unsigned_varint(10_000);
        for tag in 1000..11_000 {
            out.put_unsigned_varint(tag);
            out.put(&[0]);
        }
        let frame = out.finish().concat();
        let mut reader = Reader::new(&frame);
        let error = TaggedFields::read(&mut reader).unwrap_err();
        assert!(
            matches!(error.kind(), DecodeErrorKind::TooMuchMemory { .. }),
            "{error}"
        );
    }

    #[test]
    fn large_byte_fields_are_shared_not_copied() {
        let field = Bytes::from(vec![7; Writer::SHARE_FROM]);
        let size = size(&field, OLD);
        let expected = Size {
            total: 4 + field.len(),
            shared: field.len(),
            shares: 1,
        };
        assert_eq!(size, expected);
        let mut out = Writer::new(size);
        field.write(&mut out, OLD);
        let segments: Vec<Bytes> = out.finish().collect();
        assert_eq!(segments.len(), 2);
        assert_eq!(segments[1].as_ptr(), field.as_ptr());
    }
}

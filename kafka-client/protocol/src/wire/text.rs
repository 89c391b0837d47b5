//! Strings and bytes: a length, then that many bytes.

use bytes::Bytes;

use super::{NullableWire, Reader, Sizer, Version, View, Wire, Writer};
use crate::error::{DecodeError, DecodeErrorKind};
use crate::message::TypeDescription;
use crate::types::StrBytes;

impl Wire for StrBytes {
    const TYPE: TypeDescription = TypeDescription::Primitive("string");

    #[inline]
    fn size(&self, size: &mut Sizer, version: Version) {
        let length = self.as_bytes().len();
        size.add_text_length(length, version);
        size.add(length);
    }

    #[inline]
    fn write(&self, out: &mut Writer, version: Version) {
        out.put_text_length(Some(self.as_bytes().len()), version);
        out.put(self.as_bytes());
    }

    #[inline(always)]
    fn read(input: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let text = <&str>::view(input, version)?;
        Ok(Self::of(input.share(text.as_bytes())))
    }
}

impl NullableWire for StrBytes {
    const PRESENCE_BYTE: bool = false;

    #[inline]
    fn null_size(size: &mut Sizer, version: Version) {
        size.add(if version.flexible { 1 } else { 2 });
    }

    #[inline]
    fn write_null(out: &mut Writer, version: Version) {
        out.put_text_length(None, version);
    }

    #[inline(always)]
    fn read_nullable(
        input: &mut Reader<'_>,
        version: Version,
    ) -> Result<Option<Self>, DecodeError> {
        let text = <Option<&str>>::view(input, version)?;
        Ok(text.map(|text| Self::of(input.share(text.as_bytes()))))
    }
}

impl<'a> View<'a> for Option<&'a str> {
    #[inline(always)]
    fn view(input: &mut Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        let Some(length) = input.text_length(version)? else {
            return Ok(None);
        };
        match std::str::from_utf8(input.slice(length)?) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(input.error(DecodeErrorKind::InvalidUtf8)),
        }
    }
}

impl<'a> View<'a> for &'a str {
    #[inline(always)]
    fn view(input: &mut Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        match <Option<&str>>::view(input, version)? {
            Some(text) => Ok(text),
            None => Err(input.error(DecodeErrorKind::UnexpectedNull)),
        }
    }
}

impl Wire for Bytes {
    const TYPE: TypeDescription = TypeDescription::Primitive("bytes");

    #[inline]
    fn size(&self, size: &mut Sizer, version: Version) {
        size.add_array_length(self.len(), version);
        if self.len() < Writer::SHARE_FROM {
            size.add(self.len());
        } else {
            size.add_shared(self.len());
        }
    }

    #[inline]
    fn write(&self, out: &mut Writer, version: Version) {
        out.put_array_length(Some(self.len()), version);
        out.put_shared(self);
    }

    #[inline(always)]
    fn read(input: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let bytes = <&[u8]>::view(input, version)?;
        Ok(input.share(bytes))
    }
}

impl NullableWire for Bytes {
    const PRESENCE_BYTE: bool = false;

    #[inline]
    fn null_size(size: &mut Sizer, version: Version) {
        size.add(if version.flexible { 1 } else { 4 });
    }

    #[inline]
    fn write_null(out: &mut Writer, version: Version) {
        out.put_array_length(None, version);
    }

    #[inline(always)]
    fn read_nullable(
        input: &mut Reader<'_>,
        version: Version,
    ) -> Result<Option<Self>, DecodeError> {
        let bytes = <Option<&[u8]>>::view(input, version)?;
        Ok(bytes.map(|bytes| input.share(bytes)))
    }
}

impl<'a> View<'a> for Option<&'a [u8]> {
    #[inline(always)]
    fn view(input: &mut Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        match input.array_length(version)? {
            Some(length) => input.slice(length).map(Some),
            None => Ok(None),
        }
    }
}

impl<'a> View<'a> for &'a [u8] {
    #[inline(always)]
    fn view(input: &mut Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        match <Option<&[u8]>>::view(input, version)? {
            Some(bytes) => Ok(bytes),
            None => Err(input.error(DecodeErrorKind::UnexpectedNull)),
        }
    }
}

//! Values of one size: numbers, booleans, UUIDs.

use super::{Reader, Sizer, Version, View, Wire, Writer};
use crate::error::DecodeError;
use crate::message::TypeDescription;
use crate::types::Uuid;

macro_rules! numbers {
    ($($type:ty, $name:literal;)*) => {$(
        impl Wire for $type {
            const TYPE: TypeDescription = TypeDescription::Primitive($name);
            const FIXED: Option<usize> = Some(size_of::<$type>());

            #[inline]
            fn size(&self, size: &mut Sizer, _: Version) {
                size.add(size_of::<$type>());
            }

            #[inline]
            fn write(&self, out: &mut Writer, _: Version) {
                out.put(&self.to_be_bytes());
            }

            #[inline(always)]
            fn read(input: &mut Reader<'_>, _: Version) -> Result<Self, DecodeError> {
                input.array().map(<$type>::from_be_bytes)
            }
        }

    )*};
}

numbers! {
    i8, "int8";
    i16, "int16";
    u16, "uint16";
    i32, "int32";
    u32, "uint32";
    i64, "int64";
    f64, "float64";
}

impl Wire for bool {
    const TYPE: TypeDescription = TypeDescription::Primitive("bool");
    const FIXED: Option<usize> = Some(1);

    #[inline]
    fn size(&self, size: &mut Sizer, _: Version) {
        size.add(1);
    }

    #[inline]
    fn write(&self, out: &mut Writer, _: Version) {
        out.put(&[u8::from(*self)]);
    }

    #[inline(always)]
    fn read(input: &mut Reader<'_>, _: Version) -> Result<Self, DecodeError> {
        // As Java: any other value than zero is true.
        input.array().map(|[byte]| byte != 0)
    }
}

impl Wire for Uuid {
    const TYPE: TypeDescription = TypeDescription::Primitive("uuid");
    const FIXED: Option<usize> = Some(16);

    #[inline]
    fn size(&self, size: &mut Sizer, _: Version) {
        size.add(16);
    }

    #[inline]
    fn write(&self, out: &mut Writer, _: Version) {
        out.put(&self.0);
    }

    #[inline(always)]
    fn read(input: &mut Reader<'_>, _: Version) -> Result<Self, DecodeError> {
        input.array().map(Self)
    }
}

macro_rules! read_in_place {
    ($($type:ty)*) => {$(
        impl<'a> View<'a> for $type {
            const FIXED: Option<usize> = <Self as Wire>::FIXED;

            #[inline(always)]
            fn view(input: &mut Reader<'a>, version: Version) -> Result<Self, DecodeError> {
                Self::read(input, version)
            }
        }
    )*};
}

read_in_place!(i8 i16 u16 i32 u32 i64 f64 bool Uuid);

//! How values stand on the wire.
//!
//! - [`Wire`]: what fields and structs have in common: a size, a written form, a way back
//! - [`Reader`] takes values from a received frame; strings and bytes are views into it
//! - [`Sizer`] finds the exact size, and what cannot be encoded, before anything is written
//! - [`Writer`] writes once, into one allocation, and shares large byte fields
//! - [`TaggedFields`]: what later versions appended, kept and written back
//! - [`View`]: a message read in place, without an allocation

mod array;
mod fixed;
mod reader;
mod size;
mod tagged;
mod text;
mod view;
mod writer;

pub use reader::Reader;
pub use size::{Size, Sizer, unsigned_varint_size};
pub use tagged::{TaggedField, TaggedFields, Tags};
pub use view::{ArrayView, ArrayViewIter, View, view_nullable};
pub use writer::{Segments, Writer};

use crate::error::DecodeError;
use crate::message::TypeDescription;

/// The version a message is read or written in, with what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The API version.
    pub number: i16,
    /// Whether this version has compact lengths and tagged fields (KIP-482).
    pub flexible: bool,
}

impl Version {
    /// Fixed lengths and no tags: the form of what stands outside of messages.
    pub const PLAIN: Self = Self {
        number: 0,
        flexible: false,
    };

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

/// A struct and its field, as errors name them.
pub type FieldName = (&'static str, &'static str);

/// Something that has a form on the wire.
///
/// `size` comes before `write`: it finds what cannot be encoded, so that `write` cannot fail and
/// the output is allocated once.
pub trait Wire: Sized {
    /// What the conformance test compares with Kafka's own definition.
    const TYPE: TypeDescription;

    /// The bytes of every value in every version, for types that have such a number.
    const FIXED: Option<usize> = None;

    /// Adds the exact size in `version`. A value that `version` cannot express, or that is too
    /// long for its length field, fails the sizer.
    fn size(&self, size: &mut Sizer, version: Version);

    /// Appends the value. Only called with a version for which [`Wire::size`] did not fail.
    fn write(&self, out: &mut Writer, version: Version);

    /// Takes the value from the front of `input`.
    ///
    /// # Errors
    /// When the bytes are not a valid value.
    fn read(input: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError>;
}

/// A value with a null form on the wire, so that `Option` of it is a [`Wire`].
///
/// As it stands it is the form of a struct, which has a presence byte before it (KIP-893).
/// Strings, bytes and arrays say null by their length.
pub trait NullableWire: Wire {
    /// Whether a byte before the value says that it is there.
    const PRESENCE_BYTE: bool = true;

    /// Adds the size of null.
    #[inline]
    fn null_size(size: &mut Sizer, _: Version) {
        size.add(1);
    }

    /// Appends null.
    #[inline]
    fn write_null(out: &mut Writer, _: Version) {
        out.put(&(-1_i8).to_be_bytes());
    }

    /// Adds the size of a value where null was possible.
    #[inline]
    fn present_size(&self, size: &mut Sizer, version: Version) {
        size.add(usize::from(Self::PRESENCE_BYTE));
        self.size(size, version);
    }

    /// Appends a value where null was possible.
    #[inline]
    fn write_present(&self, out: &mut Writer, version: Version) {
        if Self::PRESENCE_BYTE {
            out.put(&1_i8.to_be_bytes());
        }
        self.write(out, version);
    }

    /// Takes a value or null.
    ///
    /// # Errors
    /// When the bytes are neither.
    #[inline]
    fn read_nullable(
        input: &mut Reader<'_>,
        version: Version,
    ) -> Result<Option<Self>, DecodeError> {
        if i8::read(input, version)? < 0 {
            return Ok(None);
        }
        Self::read(input, version).map(Some)
    }
}

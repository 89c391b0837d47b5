//! Value types of the wire: strings that are views into the received frame, and UUIDs.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use bytes::Bytes;

pub use crate::wire::TaggedFields;

/// A UTF-8 string that shares the bytes of the frame it was read from.
///
/// Cloning is a reference count, never a copy.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct StrBytes(Bytes);

impl StrBytes {
    /// The empty string.
    pub const EMPTY: Self = Self(Bytes::new());

    /// Wraps a string that lives as long as the program, without a copy.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Takes bytes as a string.
    ///
    /// # Errors
    /// When the bytes are not UTF-8.
    pub fn from_utf8(bytes: Bytes) -> Result<Self, std::str::Utf8Error> {
        std::str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }

    /// Takes bytes that were checked to be UTF-8.
    #[inline]
    pub(crate) fn of(checked: Bytes) -> Self {
        Self(checked)
    }

    /// The text.
    ///
    /// Checked again at each call: names on the wire are short, and this keeps the type free of
    /// `unsafe`. Take it once outside of a loop.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Every constructor has checked the bytes, so the fallback is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether there is no text.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes of the text, a view.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

impl Deref for StrBytes {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for StrBytes {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for StrBytes {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl Hash for StrBytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As `str` hashes, which `Borrow<str>` demands.
        self.as_str().hash(state);
    }
}

impl PartialEq<str> for StrBytes {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for StrBytes {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl From<&str> for StrBytes {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for StrBytes {
    fn from(text: String) -> Self {
        Self(Bytes::from(text.into_bytes()))
    }
}

impl fmt::Display for StrBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for StrBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// A 16-byte identifier of a topic, a directory or a client instance (KIP-516).
///
/// Printed as Kafka prints it: URL-safe base64 without padding, 22 characters.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// "No id": what an old broker's topics have.
    pub const ZERO: Self = Self([0; 16]);

    /// Whether this is [`Uuid::ZERO`].
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// Reads the 22-character form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 22 {
            return None;
        }
        let mut value: u128 = 0;
        let mut digits = text.bytes().map(|byte| {
            BASE64_URL
                .iter()
                .position(|&symbol| symbol == byte)
                .map(|digit| digit as u128)
        });
        for _ in 0..21 {
            value = (value << 6) | digits.next()??;
        }
        // The last symbol carries the two lowest bits; its other four are padding.
        let last = digits.next()??;
        (last & 0xf == 0).then(|| Self(((value << 2) | (last >> 4)).to_be_bytes()))
    }
}

const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = u128::from_be_bytes(self.0);
        let mut text = [0u8; 22];
        for (index, symbol) in text.iter_mut().enumerate() {
            let bits = if index == 21 {
                (value << 4) & 0x3f
            } else {
                value >> (122 - 6 * index)
            };
            *symbol = BASE64_URL[(bits & 0x3f) as usize];
        }
        f.pad(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuid_prints_as_kafka_does_and_reads_back() {
        // The default cluster id of Apache Kafka's own container image.
        let id = Uuid::parse("5L6g3nShT-eMCtK--X86sw").unwrap();
        assert_eq!(id.0[..4], [0xe4, 0xbe, 0xa0, 0xde]);
        assert_eq!(id.to_string(), "5L6g3nShT-eMCtK--X86sw");
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(Uuid::parse("short"), None);
        assert_eq!(
            Uuid::parse("AAAAAAAAAAAAAAAAAAAAAB"),
            None,
            "padding bits must be zero"
        );
    }

    #[test]
    fn strings_refuse_bytes_that_are_not_utf8() {
        assert!(StrBytes::from_utf8(Bytes::from_static(&[0xff, 0xfe])).is_err());
        assert_eq!(StrBytes::from("topic"), "topic");
    }
}

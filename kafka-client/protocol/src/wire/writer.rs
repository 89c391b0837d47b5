//! Writing a message once, into one allocation.

use bytes::Bytes;

use super::{Size, Version};

/// Collects a message: small values are copied into one buffer, byte fields from
/// [`Writer::SHARE_FROM`] bytes on are taken by reference.
#[derive(Debug)]
pub struct Writer {
    buffer: Vec<u8>,
    /// Byte fields, each with the length of the buffer when it came.
    shared: Vec<(usize, Bytes)>,
}

impl Writer {
    /// Byte fields of this many bytes and more are shared, shorter ones copied.
    pub const SHARE_FROM: usize = 1024;

    /// A writer for a message of this size.
    #[must_use]
    pub fn new(size: Size) -> Self {
        Self {
            buffer: Vec::with_capacity(size.total - size.shared),
            shared: Vec::with_capacity(size.shares),
        }
    }

    /// Appends bytes.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Appends bytes, by reference if they are many.
    #[inline]
    pub fn put_shared(&mut self, bytes: &Bytes) {
        if bytes.len() < Self::SHARE_FROM {
            self.put(bytes);
        } else {
            self.shared.push((self.buffer.len(), bytes.clone()));
        }
    }

    /// Appends an unsigned base-128 number.
    #[inline]
    pub fn put_unsigned_varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.buffer.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.buffer.push(value as u8);
    }

    /// Bytes written so far, shared ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        let shared: usize = self.shared.iter().map(|(_, bytes)| bytes.len()).sum();
        self.buffer.len() + shared
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The segments, in order.
    #[must_use]
    pub fn finish(self) -> Vec<Bytes> {
        let buffer = Bytes::from(self.buffer);
        if self.shared.is_empty() {
            return vec![buffer];
        }
        let mut segments = Vec::with_capacity(2 * self.shared.len() + 1);
        let mut from = 0;
        for (to, bytes) in self.shared {
            if to > from {
                segments.push(buffer.slice(from..to));
            }
            segments.push(bytes);
            from = to;
        }
        if buffer.len() > from {
            segments.push(buffer.slice(from..));
        }
        segments
    }

    /// All in one piece, with shared fields copied into it.
    #[must_use]
    pub fn concat(self) -> Bytes {
        if self.shared.is_empty() {
            return self.buffer.into();
        }
        let mut all = Vec::with_capacity(self.len());
        let mut from = 0;
        for (to, bytes) in &self.shared {
            all.extend_from_slice(&self.buffer[from..*to]);
            all.extend_from_slice(bytes);
            from = *to;
        }
        all.extend_from_slice(&self.buffer[from..]);
        all.into()
    }

    /// Appends the length of a string, `None` for null.
    #[inline]
    pub(super) fn put_text_length(&mut self, length: Option<usize>, version: Version) {
        // The sizer has refused what does not fit.
        if version.flexible {
            self.put_unsigned_varint(length.map_or(0, |length| length as u32 + 1));
        } else {
            self.put(&length.map_or(-1, |length| length as i16).to_be_bytes());
        }
    }

    /// Appends the length of bytes or an array, `None` for null.
    #[inline]
    pub(super) fn put_array_length(&mut self, length: Option<usize>, version: Version) {
        if version.flexible {
            self.put_unsigned_varint(length.map_or(0, |length| length as u32 + 1));
        } else {
            self.put(&length.map_or(-1, |length| length as i32).to_be_bytes());
        }
    }
}

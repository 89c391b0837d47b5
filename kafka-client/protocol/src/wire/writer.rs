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

    /// What was written, to be taken in pieces.
    #[must_use]
    pub fn finish(self) -> Segments {
        Segments {
            len: self.len(),
            taken: 0,
            buffer: self.buffer.into(),
            shared: self.shared.into_iter(),
        }
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

/// A written message in pieces: parts of the buffer, and between them the byte fields that were
/// taken by reference.
#[derive(Debug, Clone, Default)]
pub struct Segments {
    /// Bytes in all that were written.
    len: usize,
    /// Bytes that were taken from the front of the buffer.
    taken: usize,
    buffer: Bytes,
    shared: std::vec::IntoIter<(usize, Bytes)>,
}

impl Segments {
    /// The bytes of all segments together, those included that were taken already.
    #[must_use]
    pub fn total_len(&self) -> usize {
        self.len
    }

    /// All that is left in one piece, with shared fields copied into it.
    #[must_use]
    pub fn concat(mut self) -> Bytes {
        if self.shared.len() == 0 {
            return self.buffer;
        }
        let mut all = Vec::with_capacity(self.len);
        for segment in &mut self {
            all.extend_from_slice(&segment);
        }
        all.into()
    }
}

impl Iterator for Segments {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        match self.shared.as_slice().first() {
            Some((at, _)) if *at > self.taken => {
                let part = self.buffer.split_to(at - self.taken);
                self.taken = *at;
                Some(part)
            }
            Some(_) => self.shared.next().map(|(_, bytes)| bytes),
            None if self.buffer.is_empty() => None,
            None => Some(std::mem::take(&mut self.buffer)),
        }
    }
}

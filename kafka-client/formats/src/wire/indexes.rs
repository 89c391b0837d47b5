//! Which message of a Protobuf file a payload is.

use super::WireError;

/// The way to a message within its file: the place of the outermost message, then that of the one in it, and so
/// on, each counted from 0.
///
/// On the wire it is their count and each of them, as zigzag varints; the first message of a file, which is the
/// usual one, is a single zero.
///
/// ```
/// use kafka_client_formats::wire::MessageIndexes;
///
/// let mut bytes = Vec::new();
/// MessageIndexes::new([1, 0]).encode(&mut bytes);
/// assert_eq!(bytes, [4, 2, 0]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageIndexes(Vec<u32>);

/// An index takes a byte at least, and a message that is nested deeper than this is none that a compiler takes.
const DEPTH_MAX: usize = 100;

impl MessageIndexes {
    /// The way to a message; none at all leads to the first.
    #[must_use]
    pub fn new(indexes: impl IntoIterator<Item = u32>) -> Self {
        let indexes: Vec<_> = indexes.into_iter().collect();
        match indexes.is_empty() {
            true => Self::first(),
            false => Self(indexes),
        }
    }

    /// The first message of a file.
    #[must_use]
    pub fn first() -> Self {
        Self(vec![0])
    }

    /// The indexes, at least one.
    #[must_use]
    pub fn as_slice(&self) -> &[u32] {
        &self.0
    }

    /// Appends them to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        if self.0 == [0] {
            out.push(0);
            return;
        }
        write(out, self.0.len() as i64);
        for index in &self.0 {
            write(out, i64::from(*index));
        }
    }

    /// Reads them from the beginning of `bytes`; gives what is behind them, too.
    ///
    /// # Errors
    /// When the bytes end before, or are no such list.
    pub fn decode(mut bytes: &[u8]) -> Result<(Self, &[u8]), WireError> {
        let count = read(&mut bytes)?;
        if count == 0 {
            return Ok((Self::first(), bytes));
        }
        let within = usize::try_from(count).ok();
        let within = within.filter(|count| *count <= bytes.len().min(DEPTH_MAX));
        let length = within.ok_or(WireError::InvalidCount(count))?;
        let mut indexes = Vec::with_capacity(length);
        for _ in 0..length {
            let index = read(&mut bytes)?;
            indexes.push(u32::try_from(index).map_err(|_| WireError::NegativeIndex(index))?);
        }
        Ok((Self(indexes), bytes))
    }
}

fn write(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// A zigzag varint of 32 bits, as Kafka's own: five bytes at most.
fn read(bytes: &mut &[u8]) -> Result<i64, WireError> {
    let mut value = 0_u64;
    for shift in [0, 7, 14, 21, 28] {
        let (byte, rest) = bytes.split_first().ok_or(WireError::InvalidVarint)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    Err(WireError::InvalidVarint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_announced_and_not_there_is_refused() {
        for (bytes, error) in [
            (&[][..], WireError::InvalidVarint),
            (&[0x80], WireError::InvalidVarint),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0], WireError::InvalidVarint),
            (&[1], WireError::InvalidCount(-1)),
            (&[4, 2], WireError::InvalidCount(2)),
            (
                &[0xfe, 0xff, 0xff, 0xff, 0x0f, 0],
                WireError::InvalidCount(0x7fff_ffff),
            ),
            (&[2, 1], WireError::NegativeIndex(-1)),
        ] {
            assert_eq!(MessageIndexes::decode(bytes), Err(error), "{bytes:?}");
        }
    }

    #[test]
    fn the_first_message_is_read_in_its_long_form_too() {
        let first = Ok((MessageIndexes::first(), &b"x"[..]));
        assert_eq!(MessageIndexes::decode(b"\0x"), first);
        assert_eq!(MessageIndexes::decode(b"\x02\0x"), first);
    }

    proptest! {
        #[test]
        fn they_are_read_as_they_were_written(
            indexes in prop::collection::vec(0..=i32::MAX as u32, 0..20),
            behind: Vec<u8>,
        ) {
            let indexes = MessageIndexes::new(indexes);
            let mut bytes = Vec::new();
            indexes.encode(&mut bytes);
            bytes.extend_from_slice(&behind);
            prop_assert_eq!(MessageIndexes::decode(&bytes), Ok((indexes, &behind[..])));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            if let Ok((indexes, _)) = MessageIndexes::decode(&bytes) {
                prop_assert!(indexes.as_slice().len() <= bytes.len().max(1));
            }
        }
    }
}

//! Zigzag variable-length integers, the only integers inside a record.
//!
//! A value is mapped to unsigned by zigzag (0, -1, 1, -2 become 0, 1, 2, 3) and written seven bits at
//! a time, low bits first; the top bit of a byte says that another byte follows. 32-bit values take
//! one to five bytes, 64-bit values one to ten.

/// Longest encoding of a 32-bit value, in bytes.
pub(super) const MAX_LEN_32: usize = 5;
/// Longest encoding of a 64-bit value, in bytes.
pub(super) const MAX_LEN_64: usize = 10;

/// Bytes that `value` takes.
#[inline]
pub(super) fn len(value: i64) -> usize {
    match zigzag(value) {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        raw => (64 - raw.leading_zeros() as usize).div_ceil(7),
    }
}

/// Writes `value` at the start of `out` and gives the number of bytes written.
///
/// `out` must hold [`MAX_LEN_64`] bytes, or as many as [`len`] says.
#[inline(always)]
pub(super) fn write(out: &mut [u8], value: i64) -> usize {
    match zigzag(value) {
        raw @ 0..0x80 => {
            out[0] = raw as u8;
            1
        }
        raw @ 0x80..0x4000 => {
            out[..2].copy_from_slice(&[raw as u8 | 0x80, (raw >> 7) as u8]);
            2
        }
        raw => write_long(out, raw),
    }
}

#[inline(never)]
fn write_long(out: &mut [u8], mut rest: u64) -> usize {
    let mut at = 0;
    while rest >= 0x80 {
        out[at] = rest as u8 | 0x80;
        rest >>= 7;
        at += 1;
    }
    out[at] = rest as u8;
    at + 1
}

/// Takes a 32-bit value off the front of `input`; `None` when the input ends inside it or when it
/// does not fit 32 bits.
#[inline(always)]
pub(super) fn take_i32(input: &mut &[u8]) -> Option<i32> {
    let raw = take(input, MAX_LEN_32, u64::from(u32::MAX))? as u32;
    Some((raw >> 1) as i32 ^ -((raw & 1) as i32))
}

/// Takes a 64-bit value off the front of `input`; `None` when the input ends inside it or when it
/// does not fit 64 bits.
#[inline(always)]
pub(super) fn take_i64(input: &mut &[u8]) -> Option<i64> {
    let raw = take(input, MAX_LEN_64, u64::MAX)?;
    Some((raw >> 1) as i64 ^ -((raw & 1) as i64))
}

#[inline]
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[inline(always)]
fn take(input: &mut &[u8], max_len: usize, max: u64) -> Option<u64> {
    match **input {
        [first, ref rest @ ..] if first < 0x80 => {
            *input = rest;
            Some(u64::from(first))
        }
        [first, second, ref rest @ ..] if second < 0x80 => {
            *input = rest;
            Some(u64::from(first & 0x7f) | u64::from(second) << 7)
        }
        _ => {
            let (value, rest) = take_long(input, max_len, max)?;
            *input = rest;
            Some(value)
        }
    }
}

/// Three bytes and more: timestamps after eight seconds, values of 8 KiB and up.
///
/// `input` comes by value: whose address leaves the caller, the caller keeps in memory and not in
/// registers.
#[inline(never)]
fn take_long(input: &[u8], max_len: usize, max: u64) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (index, &byte) in input.iter().take(max_len).enumerate() {
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit only.
        if index == MAX_LEN_64 - 1 && bits > 1 {
            return None;
        }
        value |= bits << (7 * index);
        if byte < 0x80 {
            return (value <= max).then(|| (value, &input[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(value: i64) -> Vec<u8> {
        let mut out = [0; MAX_LEN_64];
        let n = write(&mut out, value);
        out[..n].to_vec()
    }

    /// Values and bytes worked out by hand from the rule in the module's description.
    #[test]
    fn writes_the_bytes_of_the_format() {
        let cases: [(i64, &[u8]); 12] = [
            (0, &[0]),
            (-1, &[1]),
            (1, &[2]),
            (63, &[0x7e]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
            (-65, &[0x81, 0x01]),
            (8191, &[0xfe, 0x7f]),
            (8192, &[0x80, 0x80, 0x01]),
            (i64::from(i32::MAX), &[0xfe, 0xff, 0xff, 0xff, 0x0f]),
            (
                i64::MAX,
                &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            ),
            (
                i64::MIN,
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            ),
        ];
        for (value, bytes) in cases {
            assert_eq!(encoded(value), bytes, "{value}");
            assert_eq!(len(value), bytes.len(), "{value}");
            assert_eq!(take_i64(&mut &bytes[..]), Some(value));
        }
    }

    #[test]
    fn refuses_what_does_not_fit() {
        for bad in [
            &[][..],
            &[0x80],
            &[0x80, 0x80],
            &[0xff, 0xff, 0xff, 0xff, 0x1f],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
        ] {
            let mut input = bad;
            assert_eq!(take_i32(&mut input), None, "{bad:?}");
        }
        for bad in [
            &[0x80; 9][..],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
            &[
                0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00,
            ],
        ] {
            let mut input = bad;
            assert_eq!(take_i64(&mut input), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn round_trips_64(value: i64, tail: Vec<u8>) {
            let mut bytes = encoded(value);
            prop_assert_eq!(bytes.len(), len(value));
            bytes.extend_from_slice(&tail);
            let mut input = &bytes[..];
            prop_assert_eq!(take_i64(&mut input), Some(value));
            prop_assert_eq!(input, &tail[..]);
        }

        #[test]
        fn round_trips_32(value: i32) {
            let bytes = encoded(i64::from(value));
            prop_assert!(bytes.len() <= MAX_LEN_32);
            prop_assert_eq!(take_i32(&mut &bytes[..]), Some(value));
        }

        #[test]
        fn never_panics(bytes: Vec<u8>) {
            let _ = take_i32(&mut &bytes[..]);
            let _ = take_i64(&mut &bytes[..]);
        }
    }
}

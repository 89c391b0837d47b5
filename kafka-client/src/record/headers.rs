use std::fmt;

use bytes::Bytes;

pub use kafka_client_protocol::records::Header;

use super::MalformedHeaders;

/// The headers of a received record: a view into the received frame, decoded as it is read.
///
/// Order and repeated names are kept.
#[derive(Clone, Default)]
pub struct Headers {
    /// As in the record: per header a zigzag varint length and the name, then a zigzag varint
    /// length (-1 is null) and the value. Verified when constructed.
    bytes: Bytes,
    count: usize,
}

impl Headers {
    /// Takes `count` headers in the encoding of record batch v2, without the count before them.
    ///
    /// Everything is verified here once, so that reading cannot fail.
    ///
    /// # Errors
    ///
    /// [`MalformedHeaders`] if a length is negative or beyond the end, a name is not UTF-8, or
    /// bytes are left over.
    pub fn from_wire(count: usize, bytes: Bytes) -> Result<Self, MalformedHeaders> {
        let mut rest = &bytes[..];
        for index in 0..count {
            take_header(&mut rest).map_err(|what| MalformedHeaders { index, what })?;
        }
        if rest.is_empty() {
            Ok(Self { bytes, count })
        } else {
            Err(MalformedHeaders {
                index: count,
                what: "bytes are left after the last header",
            })
        }
    }

    /// How many headers there are; repeated names count each time.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All headers in order; a `None` value is Kafka's null.
    #[must_use]
    pub fn iter(&self) -> HeadersIter<'_> {
        self.as_ref().iter()
    }

    /// The value of the **last** header of that name, as Java's `lastHeader`.
    ///
    /// The outer `None` is no such header, the inner one a header whose value is null.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Option<&[u8]>> {
        self.as_ref().get(name)
    }

    /// A borrowed view.
    #[must_use]
    pub fn as_ref(&self) -> HeadersRef<'_> {
        HeadersRef(Repr::Wire {
            bytes: &self.bytes,
            count: self.count,
        })
    }
}

impl<'a> FromIterator<Header<'a>> for Headers {
    fn from_iter<I: IntoIterator<Item = Header<'a>>>(headers: I) -> Self {
        let mut bytes = Vec::new();
        let mut count = 0;
        for header in headers {
            put_length(&mut bytes, Some(header.key.len()));
            bytes.extend_from_slice(header.key.as_bytes());
            put_length(&mut bytes, header.value.map(<[u8]>::len));
            bytes.extend_from_slice(header.value.unwrap_or_default());
            count += 1;
        }
        Self {
            bytes: bytes.into(),
            count,
        }
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = (&'a str, Option<&'a [u8]>);
    type IntoIter = HeadersIter<'a>;

    fn into_iter(self) -> HeadersIter<'a> {
        self.iter()
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other)
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// A borrowed view of headers, received ones or those of a [`Record`](super::Record).
#[derive(Clone, Copy, Default)]
pub struct HeadersRef<'a>(Repr<'a>);

#[derive(Clone, Copy)]
enum Repr<'a> {
    /// Verified by [`Headers::from_wire`].
    Wire {
        bytes: &'a [u8],
        count: usize,
    },
    Slice(&'a [Header<'a>]),
}

impl Default for Repr<'_> {
    fn default() -> Self {
        Self::Slice(&[])
    }
}

impl<'a> HeadersRef<'a> {
    /// How many headers there are; repeated names count each time.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.0 {
            Repr::Wire { count, .. } => count,
            Repr::Slice(headers) => headers.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All headers in order; a `None` value is Kafka's null.
    #[must_use]
    pub fn iter(&self) -> HeadersIter<'a> {
        HeadersIter(self.0)
    }

    /// The value of the **last** header of that name, as Java's `lastHeader`.
    ///
    /// The outer `None` is no such header, the inner one a header whose value is null.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Option<&'a [u8]>> {
        self.iter()
            .filter(|(key, _)| *key == name)
            .last()
            .map(|(_, value)| value)
    }
}

impl<'a> From<&'a [Header<'a>]> for HeadersRef<'a> {
    fn from(headers: &'a [Header<'a>]) -> Self {
        Self(Repr::Slice(headers))
    }
}

impl<'a> IntoIterator for HeadersRef<'a> {
    type Item = (&'a str, Option<&'a [u8]>);
    type IntoIter = HeadersIter<'a>;

    fn into_iter(self) -> HeadersIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for HeadersRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self
            .iter()
            .map(|(key, value)| (key, value.map(<[u8]>::escape_ascii)));
        f.debug_list()
            .entries(shown.map(|(key, value)| match value {
                Some(value) => format!("{key}: {value}"),
                None => format!("{key}: null"),
            }))
            .finish()
    }
}

/// Iterates over headers in order: name and value.
#[derive(Clone)]
pub struct HeadersIter<'a>(Repr<'a>);

impl<'a> Iterator for HeadersIter<'a> {
    type Item = (&'a str, Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Repr::Wire { bytes, count } => {
                *count = count.checked_sub(1)?;
                let header = take_header(bytes).ok();
                debug_assert!(header.is_some(), "headers are verified when constructed");
                header
            }
            Repr::Slice(headers) => {
                let (first, rest) = headers.split_first()?;
                *headers = rest;
                Some((first.key, first.value))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = HeadersRef(self.0).len();
        (left, Some(left))
    }
}

impl ExactSizeIterator for HeadersIter<'_> {}

impl fmt::Debug for HeadersIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HeadersRef(self.0).fmt(f)
    }
}

type Pair<'a> = (&'a str, Option<&'a [u8]>);

fn take_header<'a>(rest: &mut &'a [u8]) -> Result<Pair<'a>, &'static str> {
    let name = take_bytes(rest)?.ok_or("the name is null")?;
    let name = std::str::from_utf8(name).map_err(|_| "the name is not UTF-8")?;
    Ok((name, take_bytes(rest)?))
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, &'static str> {
    let length = match take_varint(rest)? {
        -1 => return Ok(None),
        length => usize::try_from(length).map_err(|_| "a length is negative")?,
    };
    let (bytes, after) = rest
        .split_at_checked(length)
        .ok_or("a length is beyond the end")?;
    *rest = after;
    Ok(Some(bytes))
}

/// A zigzag varint of at most 32 bits, as record batch v2 uses for lengths.
fn take_varint(rest: &mut &[u8]) -> Result<i32, &'static str> {
    let mut raw = 0u32;
    for index in 0..5 {
        let (&byte, after) = rest.split_first().ok_or("a length is cut off")?;
        *rest = after;
        let bits = u32::from(byte & 0x7f);
        if index == 4 && byte > 0x0f {
            break;
        }
        raw |= bits << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((raw >> 1) as i32 ^ -((raw & 1) as i32));
        }
    }
    Err("a length is over 32 bits")
}

/// Lengths are those of slices in memory; the producer refuses records long before `i32` ends.
fn put_length(out: &mut Vec<u8>, length: Option<usize>) {
    let mut raw = length.map_or(1, |length| (length as u64) << 1);
    while raw > 0x7f {
        out.push((raw & 0x7f) as u8 | 0x80);
        raw >>= 7;
    }
    out.push(raw as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Headers {
        let long = [7u8; 300];
        Headers::from_iter([
            Header::new("a", "1"),
            Header {
                key: "b",
                value: None,
            },
            Header::new("a", ""),
            Header::new("é", &long[..]),
        ])
    }

    #[test]
    fn reads_what_was_written() {
        let headers = sample();
        let all: Vec<_> = headers.iter().collect();
        assert_eq!(all[0], ("a", Some(&b"1"[..])));
        assert_eq!(all[1], ("b", None));
        assert_eq!(all[2], ("a", Some(&b""[..])));
        assert_eq!(all[3], ("é", Some(&[7u8; 300][..])));
        assert_eq!((headers.len(), headers.iter().len()), (4, 4));
        assert_eq!(Headers::from_wire(4, headers.bytes.clone()), Ok(headers));
    }

    #[test]
    fn the_last_of_a_name_counts() {
        let headers = sample();
        assert_eq!(headers.get("a"), Some(Some(&b""[..])));
        assert_eq!(headers.get("b"), Some(None));
        assert_eq!(headers.get("c"), None);
    }

    /// By hand from the record format: zigzag length 1 is byte 2, null (-1) is byte 1.
    #[test]
    fn matches_the_record_format() {
        let headers = Headers::from_wire(1, Bytes::from_static(b"\x02k\x02v")).unwrap();
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("k", Some(&b"v"[..]))]);
        let null = Headers::from_wire(1, Bytes::from_static(b"\x02k\x01")).unwrap();
        assert_eq!(null.get("k"), Some(None));
    }

    #[test]
    fn every_cut_is_an_error() {
        let whole = sample().bytes;
        for end in 0..whole.len() {
            let cut = Headers::from_wire(4, whole.slice(..end));
            assert!(cut.is_err(), "{end} of {} bytes were accepted", whole.len());
        }
    }

    #[test]
    fn refuses_nonsense() {
        let what = |bytes: &'static [u8], count| {
            Headers::from_wire(count, Bytes::from_static(bytes))
                .unwrap_err()
                .what
        };
        assert_eq!(what(b"\x01\x02v", 1), "the name is null");
        assert_eq!(what(b"\x02\xff\x02v", 1), "the name is not UTF-8");
        assert_eq!(what(b"\x03", 1), "a length is negative");
        assert_eq!(what(b"\x7e", 1), "a length is beyond the end");
        assert_eq!(
            what(b"\xff\xff\xff\xff\xff\x01", 1),
            "a length is over 32 bits"
        );
        assert_eq!(what(b"\xff\xff\xff\xff\x1f", 1), "a length is over 32 bits");
        assert_eq!(
            what(b"\x02k\x02v\x00", 1),
            "bytes are left after the last header"
        );
        assert_eq!(what(b"", usize::MAX), "a length is cut off");
    }
}

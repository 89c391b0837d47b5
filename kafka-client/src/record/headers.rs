use std::fmt;

use kafka_client_protocol::records::{self, HeadersView, RecordError};

pub use kafka_client_protocol::records::Header;

/// The headers of a record, in a view: of a received one, decoded as they are read, or of a
/// [`Record`](super::Record). Order and repeated names are kept.
#[derive(Clone, Copy, Default)]
pub struct HeadersRef<'a>(Repr<'a>);

#[derive(Clone, Copy)]
enum Repr<'a> {
    /// Verified.
    Wire(HeadersView<'a>),
    Slice(&'a [Header<'a>]),
}

impl Default for Repr<'_> {
    fn default() -> Self {
        Self::Slice(&[])
    }
}

impl<'a> HeadersRef<'a> {
    /// Headers that were verified, as they are in a record, without their number before them.
    pub(super) fn verified(block: &'a [u8], count: u32) -> Self {
        Self(Repr::Wire(HeadersView::new(block, count)))
    }

    /// The headers of a record, verified here once, so that reading them cannot fail.
    #[inline]
    pub(super) fn of(headers: HeadersView<'a>) -> Result<Self, RecordError> {
        verify(headers)?;
        Ok(Self(Repr::Wire(headers)))
    }

    /// How many headers there are; repeated names count each time.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.0 {
            Repr::Wire(headers) => headers.len(),
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
        HeadersIter(match self.0 {
            Repr::Wire(headers) => Iter::Wire(headers.iter()),
            Repr::Slice(headers) => Iter::Slice(headers.iter()),
        })
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
        show(self.iter(), f)
    }
}

/// Iterates over headers in order: name and value.
#[derive(Clone)]
pub struct HeadersIter<'a>(Iter<'a>);

#[derive(Clone)]
enum Iter<'a> {
    /// Verified.
    Wire(records::Headers<'a>),
    Slice(std::slice::Iter<'a, Header<'a>>),
}

impl<'a> Iterator for HeadersIter<'a> {
    type Item = (&'a str, Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let header = match &mut self.0 {
            Iter::Wire(headers) => {
                let header = headers.next()?;
                debug_assert!(header.is_ok(), "headers are verified when constructed");
                header.ok()?
            }
            Iter::Slice(headers) => *headers.next()?,
        };
        Some((header.key, header.value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.0 {
            Iter::Wire(headers) => headers.size_hint().1.unwrap_or(0),
            Iter::Slice(headers) => headers.len(),
        };
        (left, Some(left))
    }
}

impl ExactSizeIterator for HeadersIter<'_> {}

impl fmt::Debug for HeadersIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self.clone(), f)
    }
}

fn show(headers: HeadersIter<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = |(name, value): (&str, Option<&[u8]>)| match value {
        Some(value) => format!("{name}: {}", value.escape_ascii()),
        None => format!("{name}: null"),
    };
    f.debug_list().entries(headers.map(text)).finish()
}

/// Looks through headers once, so that reading them later cannot fail.
#[inline]
pub(crate) fn verify(headers: HeadersView<'_>) -> Result<(), RecordError> {
    match headers.is_empty() {
        // Most records have none.
        true => Ok(()),
        false => headers.into_iter().try_for_each(|header| header.map(drop)),
    }
}

/// Headers as they are in a record, without their number, and that number.
pub(super) fn block_of<'a>(headers: impl IntoIterator<Item = Header<'a>>) -> (Vec<u8>, u32) {
    let mut block = Vec::new();
    let mut count = 0;
    for header in headers {
        put_length(&mut block, Some(header.key.len()));
        block.extend_from_slice(header.key.as_bytes());
        put_length(&mut block, header.value.map(<[u8]>::len));
        block.extend_from_slice(header.value.unwrap_or_default());
        count += 1;
    }
    (block, count)
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

    fn sample() -> Vec<u8> {
        let headers = [
            Header::new("a", "1"),
            Header {
                key: "b",
                value: None,
            },
            Header::new("a", ""),
            Header::new("é", &[7u8; 300][..]),
        ];
        block_of(headers).0
    }

    #[test]
    fn reads_what_was_written() {
        let block = sample();
        let headers = HeadersRef::of(HeadersView::new(&block, 4)).unwrap();
        let all: Vec<_> = headers.iter().collect();
        assert_eq!(all[0], ("a", Some(&b"1"[..])));
        assert_eq!(all[1], ("b", None));
        assert_eq!(all[2], ("a", Some(&b""[..])));
        assert_eq!(all[3], ("é", Some(&[7u8; 300][..])));
        assert_eq!((headers.len(), headers.iter().len()), (4, 4));
    }

    #[test]
    fn the_last_of_a_name_counts() {
        let block = sample();
        let headers = HeadersRef::verified(&block, 4);
        assert_eq!(headers.get("a"), Some(Some(&b""[..])));
        assert_eq!(headers.get("b"), Some(None));
        assert_eq!(headers.get("c"), None);
    }

    /// By hand from the record format: zigzag length 1 is byte 2, null (-1) is byte 1.
    #[test]
    fn matches_the_record_format() {
        let headers = [
            Header::new("k", "v"),
            Header {
                key: "n",
                value: None,
            },
        ];
        assert_eq!(block_of(headers), (b"\x02k\x02v\x02n\x01".to_vec(), 2));
    }

    #[test]
    fn damage_is_an_error_and_never_a_view() {
        let whole = sample();
        for end in 0..whole.len() {
            let cut = HeadersRef::of(HeadersView::new(&whole[..end], 4));
            assert!(cut.is_err(), "{end} of {} bytes were accepted", whole.len());
        }
        let no_utf8 = HeadersRef::of(HeadersView::new(b"\x02\xff\x02v", 1));
        assert_eq!(
            no_utf8.unwrap_err(),
            RecordError::HeaderKeyNotUtf8 { index: 0 }
        );
    }

    #[test]
    fn shows_names_and_values() {
        let headers = [
            Header::new("k", "v\n"),
            Header {
                key: "n",
                value: None,
            },
        ];
        let headers = HeadersRef::from(&headers[..]);
        assert_eq!(format!("{headers:?}"), r#"["k: v\\n", "n: null"]"#);
        assert_eq!(format!("{:?}", headers.iter()), format!("{headers:?}"));
    }
}

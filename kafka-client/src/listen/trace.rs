//! The trace that a record belongs to, from its header `traceparent`.

use super::{FromMessage, Message, Rejection};

/// The trace that a record belongs to: its header `traceparent` (W3C Trace Context). `None` if there is none, or it
/// is malformed, which by that standard is as if there were none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace(pub Option<TraceParent>);

/// What a header `traceparent` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TraceParent {
    /// The id of the trace; never all zeros.
    pub trace_id: [u8; 16],
    /// The id of the span that wrote the record; never all zeros.
    pub parent_id: [u8; 8],
    /// The flags. Bit 0 says that the trace is sampled.
    pub flags: u8,
}

impl TraceParent {
    /// Reads the value of a header: `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`, all in lower case. What
    /// later versions of the format add behind that is passed over.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (version, rest) = hex::<1>(value)?;
        let (trace_id, rest) = hex::<16>(rest.strip_prefix(b"-")?)?;
        let (parent_id, rest) = hex::<8>(rest.strip_prefix(b"-")?)?;
        let ([flags], rest) = hex::<1>(rest.strip_prefix(b"-")?)?;
        let is_whole = match version {
            [0xff] => false,
            [0] => rest.is_empty(),
            _ => rest.is_empty() || rest.starts_with(b"-"),
        };
        let is_good = is_whole && trace_id != [0; 16] && parent_id != [0; 8];
        is_good.then_some(Self {
            trace_id,
            parent_id,
            flags,
        })
    }

    /// Whether the trace is sampled.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }
}

/// So many bytes in hexadecimal digits, and what is behind them.
fn hex<const N: usize>(text: &[u8]) -> Option<([u8; N], &[u8])> {
    let (digits, rest) = text.split_at_checked(2 * N)?;
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some((bytes, rest))
}

impl<S> FromMessage<S> for Trace {
    fn from_message(message: &Message<S>) -> Result<Self, Rejection> {
        let header = message.record.headers().get("traceparent");
        Ok(Self(header.flatten().and_then(TraceParent::parse)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the standard.
    const EXAMPLE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn the_example_of_the_standard_is_read() {
        let parent = TraceParent::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!((parent.trace_id[0], parent.trace_id[15]), (0x0a, 0x9c));
        assert_eq!(parent.parent_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
        assert!(parent.is_sampled());
        let later = format!("cc{}-more", &EXAMPLE[2..]);
        assert_eq!(TraceParent::parse(later.as_bytes()), Some(parent));
    }

    #[test]
    fn what_is_malformed_is_none() {
        let zeros = |from: usize, to: usize| {
            let zeros = "0".repeat(to - from);
            format!("{}{zeros}{}", &EXAMPLE[..from], &EXAMPLE[to..])
        };
        let mut bad = vec![
            format!("{EXAMPLE}-more"),
            format!("ff{}", &EXAMPLE[2..]),
            format!("01{}more", &EXAMPLE[2..]),
            EXAMPLE.to_uppercase(),
            EXAMPLE.replace('-', "_"),
            zeros(3, 35),
            zeros(36, 52),
        ];
        bad.extend((0..EXAMPLE.len()).map(|end| EXAMPLE[..end].to_owned()));
        for bad in bad {
            assert_eq!(TraceParent::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}

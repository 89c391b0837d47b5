//! The schema's id, and what is behind it.

use super::{Guid, WireError};

/// How a record names the schema that it was written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SchemaId {
    /// By its id in the registry, which is not negative.
    Id(i32),
    /// By its GUID.
    Guid(Guid),
}

impl SchemaId {
    /// Appends the magic byte and the id to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Id(id) => {
                out.push(0);
                out.extend_from_slice(&id.to_be_bytes());
            }
            Self::Guid(guid) => {
                out.push(1);
                out.extend_from_slice(&guid.0);
            }
        }
    }

    /// Reads it from the beginning of `bytes`; gives what is behind it, too.
    ///
    /// # Errors
    /// When the bytes are of neither form.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), WireError> {
        let short = |needed| WireError::TooShort {
            needed,
            found: bytes.len(),
        };
        let (magic, rest) = bytes.split_first().ok_or(short(5))?;
        match magic {
            0 => {
                let (id, rest) = rest.split_first_chunk().ok_or(short(5))?;
                match i32::from_be_bytes(*id) {
                    id @ 0.. => Ok((Self::Id(id), rest)),
                    id => Err(WireError::NegativeId(id)),
                }
            }
            1 => {
                let (guid, rest) = rest.split_first_chunk().ok_or(short(17))?;
                Ok((Self::Guid(Guid(*guid)), rest))
            }
            magic => Err(WireError::UnknownMagic(*magic)),
        }
    }
}

impl std::fmt::Display for SchemaId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => write!(f, "id {id}"),
            Self::Guid(guid) => write!(f, "GUID {guid}"),
        }
    }
}

/// A key or a value as it was received, with its schema's header if it has one.
///
/// ```
/// use kafka_client_formats::wire::Encoded;
///
/// let without = Encoded::from(&b"\0\0\0\0\x07payload"[..]);
/// let with = Encoded::new(b"payload").header(Some(b"\0\0\0\0\x07"));
/// # let _ = (without, with);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoded<'a> {
    /// The bytes of the key or value.
    pub bytes: &'a [u8],
    /// The value of the header that names its schema.
    pub header: Option<&'a [u8]>,
}

impl<'a> Encoded<'a> {
    /// Bytes without a header.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            header: None,
        }
    }

    /// With the value of the header that names its schema, if there is one.
    #[must_use]
    pub fn header(mut self, header: Option<&'a [u8]>) -> Self {
        self.header = header;
        self
    }
}

impl<'a> From<&'a [u8]> for Encoded<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::new(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Encoded<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

/// A key or a value, with its schema's id taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split<'a> {
    /// The schema's id.
    pub id: SchemaId,
    /// What is behind the id: the payload, if that is not elsewhere. In Protobuf the message indexes come first.
    pub behind: &'a [u8],
    /// The payload, if the id was in a header.
    pub elsewhere: Option<&'a [u8]>,
}

impl<'a> Split<'a> {
    /// Takes the id off: from the header if there is one, else from the bytes.
    ///
    /// # Errors
    /// When neither names a schema. A header that does not is an error, too.
    pub fn of(encoded: &Encoded<'a>) -> Result<Self, WireError> {
        let (id, behind) = SchemaId::decode(encoded.header.unwrap_or(encoded.bytes))?;
        Ok(Self {
            id,
            behind,
            elsewhere: encoded.header.map(|_| encoded.bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_are_those_of_the_description() {
        let mut bytes = Vec::new();
        SchemaId::Id(0x0102_0304).encode(&mut bytes);
        assert_eq!(bytes, [0, 1, 2, 3, 4]);
        bytes.clear();
        SchemaId::Guid(Guid([7; 16])).encode(&mut bytes);
        assert_eq!(bytes, [&[1][..], &[7; 16]].concat());
    }

    #[test]
    fn what_names_no_schema_is_refused() {
        let short = |needed, found| WireError::TooShort { needed, found };
        for (bytes, error) in [
            (&b""[..], short(5, 0)),
            (b"\0\0\0\0", short(5, 4)),
            (b"\x01234567890123456"[..16].as_ref(), short(17, 16)),
            (b"{\"a\":1}", WireError::UnknownMagic(b'{')),
            (b"\0\xff\xff\xff\xff", WireError::NegativeId(-1)),
        ] {
            assert_eq!(SchemaId::decode(bytes), Err(error), "{bytes:?}");
        }
    }

    #[test]
    fn a_header_goes_before_the_bytes() {
        let bytes = b"\0\0\0\0\x01a";
        let split = |id, behind, elsewhere| {
            Ok(Split {
                id: SchemaId::Id(id),
                behind,
                elsewhere,
            })
        };
        let encoded = Encoded::new(bytes);
        assert_eq!(Split::of(&encoded), split(1, b"a", None));
        let encoded = encoded.header(Some(b"\0\0\0\0\x02\0"));
        assert_eq!(Split::of(&encoded), split(2, b"\0", Some(bytes)));
        let encoded = encoded.header(Some(b"2"));
        assert_eq!(Split::of(&encoded), Err(WireError::UnknownMagic(b'2')));
    }

    proptest! {
        #[test]
        fn it_is_read_as_it_was_written(id in 0..=i32::MAX, guid: [u8; 16], behind: Vec<u8>) {
            for id in [SchemaId::Id(id), SchemaId::Guid(Guid(guid))] {
                let mut bytes = Vec::new();
                id.encode(&mut bytes);
                bytes.extend_from_slice(&behind);
                prop_assert_eq!(SchemaId::decode(&bytes), Ok((id, &behind[..])));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, header: Option<Vec<u8>>) {
            let _ = Split::of(&Encoded::new(&bytes).header(header.as_deref()));
        }
    }
}

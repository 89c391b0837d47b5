use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use super::__private::read_header;
use super::{DecodeError, DecodeErrorKind, KafkaHeader, RecordBuffer, RecordRef};

/// Several headers in one field: a struct of headers that records share, or a map of all headers
/// that no other field takes.
///
/// A struct derives it. Each of its fields is a header, by `#[kafka(header = "name")]`, or is left
/// out by `#[kafka(skip)]`:
///
/// ```
/// use kafka_client::record::{KafkaHeaders, Record, RecordBuffer};
/// use kafka_client::KafkaRecord;
/// use std::collections::BTreeMap;
///
/// #[derive(Debug, PartialEq, KafkaHeaders)]
/// struct Trace {
///     #[kafka(header = "tenant")]
///     tenant: String,
///     #[kafka(header = "trace-id")]
///     trace: Option<String>,
/// }
///
/// #[derive(Debug, PartialEq, KafkaRecord)]
/// #[kafka(topic = "orders")]
/// struct OrderPlaced {
///     #[kafka(headers)]
///     trace: Trace,
///     #[kafka(headers)]
///     others: BTreeMap<String, Vec<u8>>,
///     amount: u64,
/// }
///
/// let order = OrderPlaced {
///     trace: Trace { tenant: "acme".to_owned(), trace: None },
///     others: BTreeMap::from([("origin".to_owned(), b"web".to_vec())]),
///     amount: 99,
/// };
/// let mut buffer = RecordBuffer::new();
/// buffer.encode(&order)?;
/// buffer.with_record("orders", |record| {
///     assert_eq!(record.headers.len(), 2);
///     assert_eq!(OrderPlaced::decode(&record.as_received(0, 0)).unwrap(), order);
/// });
/// # Ok::<(), kafka_client::record::EncodeError>(())
/// ```
///
/// A record may have several such structs, but two fields never take the same header: that is a
/// compile error.
///
/// A map is a `BTreeMap<String, V>`, a `HashMap<String, V>`, or a `Vec<(String, V)>`, which keeps
/// order and repeated names; of a repeated name, the maps have the last. `V` is a [`KafkaHeader`].
/// Unlike in a field of its own, a `None` in a map is a header whose value is null, so
/// `Vec<(String, Option<Vec<u8>>)>` holds whatever headers there are. A record has one map at most.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no set of headers",
    label = "not a set of headers",
    note = "for a struct, add `#[derive(KafkaHeaders)]` to `{Self}`",
    note = "for all headers that no other field takes, use `BTreeMap<String, V>`, \
            `HashMap<String, V>` or `Vec<(String, V)>`, where `V` is a header type such as \
            `String` or `Vec<u8>`",
    note = "for a single header, write `#[kafka(header = \"..\")]`"
)]
pub trait KafkaHeaders: Sized {
    /// The headers that it takes for itself.
    const NAMES: &'static [&'static str];

    /// Whether it takes all headers that no other field takes. Defaults to `false`.
    const TAKES_OTHERS: bool = false;

    /// Adds the headers to those in `buffer`.
    fn encode_headers(&self, buffer: &mut RecordBuffer);

    /// Reads the headers back.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if a header that is needed is not there or null, or its bytes are not of the
    /// wanted type.
    fn decode_headers(from: &HeaderReader<'_>) -> Result<Self, DecodeError>;
}

/// The headers of a received record, as [`KafkaHeaders`] are read from them.
#[derive(Debug, Clone, Copy)]
pub struct HeaderReader<'a> {
    /// The name of the type that the record is read as.
    read_as: &'static str,
    record: &'a RecordRef<'a>,
    /// The names that other fields take.
    taken: &'a [&'a [&'a str]],
}

impl<'a> HeaderReader<'a> {
    pub(super) fn new(
        read_as: &'static str,
        record: &'a RecordRef<'a>,
        taken: &'a [&'a [&'a str]],
    ) -> Self {
        Self {
            read_as,
            record,
            taken,
        }
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &'a RecordRef<'a> {
        self.record
    }

    /// Reads the last header of that name.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if it is not there or null, and `H` is not optional, or its bytes are not an
    /// `H`.
    pub fn header<H: KafkaHeader>(&self, name: &str) -> Result<H, DecodeError> {
        read_header(self.read_as, name, self.record)
    }

    /// All headers in order but those that other fields of the record take, or an enum of records
    /// that has told the type by it.
    pub fn others(&self) -> impl Iterator<Item = (&'a str, Option<&'a [u8]>)> + use<'a> {
        let (taken, type_header) = (self.taken, self.record.type_header);
        let is_taken = move |name: &str| {
            type_header == Some(name) || taken.iter().any(|names| names.contains(&name))
        };
        self.record
            .headers
            .iter()
            .filter(move |(name, _)| !is_taken(name))
    }

    /// An error about the record.
    #[must_use]
    pub fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError::new(self.read_as, self.record, kind)
    }
}

impl RecordRef<'_> {
    /// Reads a set of headers alone, without the rest of the record; a map has all headers then.
    ///
    /// # Errors
    ///
    /// As [`KafkaHeaders::decode_headers`].
    pub fn read_headers<H: KafkaHeaders>(&self) -> Result<H, DecodeError> {
        H::decode_headers(&HeaderReader::new(std::any::type_name::<H>(), self, &[]))
    }
}

impl<V: KafkaHeader> KafkaHeaders for BTreeMap<String, V> {
    const NAMES: &'static [&'static str] = &[];
    const TAKES_OTHERS: bool = true;

    fn encode_headers(&self, buffer: &mut RecordBuffer) {
        write_all(self, buffer);
    }

    fn decode_headers(from: &HeaderReader<'_>) -> Result<Self, DecodeError> {
        read_all(from)
    }
}

impl<V: KafkaHeader, S: BuildHasher + Default> KafkaHeaders for HashMap<String, V, S> {
    const NAMES: &'static [&'static str] = &[];
    const TAKES_OTHERS: bool = true;

    fn encode_headers(&self, buffer: &mut RecordBuffer) {
        write_all(self, buffer);
    }

    fn decode_headers(from: &HeaderReader<'_>) -> Result<Self, DecodeError> {
        read_all(from)
    }
}

impl<V: KafkaHeader> KafkaHeaders for Vec<(String, V)> {
    const NAMES: &'static [&'static str] = &[];
    const TAKES_OTHERS: bool = true;

    fn encode_headers(&self, buffer: &mut RecordBuffer) {
        write_all(self.iter().map(|(name, value)| (name, value)), buffer);
    }

    fn decode_headers(from: &HeaderReader<'_>) -> Result<Self, DecodeError> {
        read_all(from)
    }
}

fn write_all<'v, V: KafkaHeader + 'v>(
    headers: impl IntoIterator<Item = (&'v String, &'v V)>,
    buffer: &mut RecordBuffer,
) {
    for (name, value) in headers {
        match value.is_absent() {
            true => buffer.push_null_header(name),
            false => buffer.push_header_with(name, |out| value.encode_header(out)),
        }
    }
}

fn read_all<V: KafkaHeader, All: FromIterator<(String, V)>>(
    from: &HeaderReader<'_>,
) -> Result<All, DecodeError> {
    let read = |(name, value): (&str, Option<&[u8]>)| {
        let name = name.to_owned();
        let value = match value {
            Some(bytes) => V::decode_header(bytes).map_err(|source| {
                let name = name.clone();
                from.error(DecodeErrorKind::InvalidHeader { name })
                    .with_source(source)
            }),
            None => V::absent()
                .ok_or_else(|| from.error(DecodeErrorKind::NullHeader { name: name.clone() })),
        };
        value.map(|value| (name, value))
    };
    from.others().map(read).collect()
}

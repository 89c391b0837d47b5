//! The arguments of handlers that are headers of the record.

use super::{FromMessage, Message, Rejection};
use crate::record::{ConsumerRecord, HeadersRef, KafkaHeader, KafkaHeaders};

/// A header by its name, for [`Header`]: a marker says which.
///
/// ```
/// use kafka_client::listen::{Header, NamedHeader};
///
/// struct Tenant;
///
/// impl NamedHeader for Tenant {
///     const NAME: &'static str = "tenant";
///     type Value = String;
/// }
///
/// async fn bill(Header(tenant): Header<Tenant>) {
///     println!("billing for {tenant}");
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no header",
    label = "not a marker of a header",
    note = "write `struct Tenant;` and `impl NamedHeader for Tenant {{ const NAME: &'static str = \"tenant\"; \
            type Value = String; }}`, and take `Header(tenant): Header<Tenant>`",
    note = "for several headers in one struct, derive `KafkaHeaders` and take `HeaderSet<Self>`"
)]
pub trait NamedHeader {
    /// The header's name.
    const NAME: &'static str;

    /// What its value is read as; `Option<..>` where it may be missing or null.
    type Value: KafkaHeader;
}

/// The last header of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<H: NamedHeader>(pub H::Value);

impl<S, H: NamedHeader> FromMessage<S> for Header<H> {
    fn from_message(message: &Message<S>) -> Result<Self, Rejection> {
        let record = message.record.as_ref();
        let read_as = std::any::type_name::<H::Value>();
        let value = crate::record::__private::read_header(read_as, H::NAME, &record)?;
        Ok(Self(value))
    }
}

/// Several headers: a struct that derives [`KafkaHeaders`], or a map of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderSet<H>(pub H);

impl<S, H: KafkaHeaders> FromMessage<S> for HeaderSet<H> {
    fn from_message(message: &Message<S>) -> Result<Self, Rejection> {
        Ok(Self(message.record.as_ref().read_headers()?))
    }
}

/// All headers as they are, without a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headers(ConsumerRecord);

impl Headers {
    /// Those of a record, for tests of handlers.
    #[must_use]
    pub fn of(record: ConsumerRecord) -> Self {
        Self(record)
    }

    /// The headers.
    #[must_use]
    pub fn get(&self) -> HeadersRef<'_> {
        self.0.headers()
    }
}

impl<S> FromMessage<S> for Headers {
    fn from_message(message: &Message<S>) -> Result<Self, Rejection> {
        Ok(Self(message.record.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, PartialEq)]
    struct Tenant;

    impl NamedHeader for Tenant {
        const NAME: &'static str = "tenant";
        type Value = String;
    }

    #[derive(Debug, PartialEq)]
    struct Origin;

    impl NamedHeader for Origin {
        const NAME: &'static str = "origin";
        type Value = Option<String>;
    }

    #[test]
    fn headers_are_read_by_name_all_and_as_a_set() {
        let record = ConsumerRecord::new("t", 0, 1);
        let record = record.with_headers([crate::record::Header::new("tenant", "acme")]);
        let message = Message::new(record, ());
        assert_eq!(Header::<Tenant>::from_message(&message).unwrap().0, "acme");
        assert_eq!(Header::<Origin>::from_message(&message).unwrap().0, None);
        let all = Headers::from_message(&message).unwrap();
        assert_eq!(all.get().get("tenant"), Some(Some(&b"acme"[..])));
        let set = HeaderSet::<BTreeMap<String, String>>::from_message(&message).unwrap();
        assert_eq!(set.0["tenant"], "acme");
    }

    #[test]
    fn a_header_that_is_missing_is_rejected() {
        let message = Message::new(ConsumerRecord::new("t", 0, 1), ());
        let rejection = Header::<Tenant>::from_message(&message).err().unwrap();
        assert_eq!(
            rejection.to_string(),
            "record t-0@1 does not read as `alloc::string::String`: it has no header `tenant`"
        );
    }
}

//! Of which type a record is, where a topic has several.

use super::super::{
    DecodeError, DecodeErrorKind, EncodeError, FieldError, RecordBuffer, RecordRef,
};
use super::tag::{self, Tag};

/// Says the type in a header. Called when all else is written.
pub fn write_type_header(
    record: &'static str,
    header: &'static str,
    kind: &'static str,
    buffer: &mut RecordBuffer,
) -> Result<(), EncodeError> {
    match buffer.last_header(header) {
        // The type in the variant says it by a field of its own.
        Some(Some(there)) if there == kind.as_bytes() => Ok(()),
        Some(_) => {
            let what = format!("it has a header `{header}` of its own, which is to be `{kind}`");
            Err(EncodeError::new(record, None, FieldError::new(what)))
        }
        None => {
            buffer.push_header(header, kind);
            Ok(())
        }
    }
}

/// The place in `known` of the record's type.
pub fn type_by_header(
    record: &'static str,
    header: &'static str,
    known: &'static [&'static str],
    from: &RecordRef<'_>,
) -> Result<usize, DecodeError> {
    let error = |kind| DecodeError::new(record, from, kind);
    let name = || header.to_owned();
    let found = match from.headers.get(header) {
        Some(Some(found)) => found,
        Some(None) => return Err(error(DecodeErrorKind::NullHeader { name: name() })),
        None => return Err(error(DecodeErrorKind::MissingHeader { name: name() })),
    };
    if let Some(at) = known.iter().position(|kind| kind.as_bytes() == found) {
        return Ok(at);
    }
    match std::str::from_utf8(found) {
        Ok(found) => {
            let found = found.to_owned();
            Err(error(DecodeErrorKind::UnknownType { found, known }))
        }
        Err(source) => {
            let kind = DecodeErrorKind::InvalidHeader { name: name() };
            Err(error(kind).with_source(source))
        }
    }
}

/// The record as the type in a variant reads it: the header that says the type is the enum's.
pub fn without_type_header<'a>(from: &RecordRef<'a>, header: &'static str) -> RecordRef<'a> {
    RecordRef {
        type_header: Some(header),
        ..*from
    }
}

/// Says the type in a field of the value, which is written already. `tag` and `kind` are JSON
/// without escapes.
pub fn write_type_tag(
    record: &'static str,
    tag: &'static str,
    kind: &'static str,
    buffer: &mut RecordBuffer,
) -> Result<(), EncodeError> {
    let error = |what| Err(EncodeError::new(record, None, FieldError::new(what)));
    if !buffer.has_value() {
        return error(format!(
            "a tombstone has no field `{tag}` to say that it is a `{kind}`"
        ));
    }
    let value = buffer.value_mut();
    if value.first() != Some(&b'{') {
        return error(format!(
            "its value is no JSON object, so it has no field `{tag}` to say that it is a `{kind}`"
        ));
    }
    // Only what has the name somewhere is looked through.
    if tag::may_have(value, tag) {
        match tag::find(value, tag, &[kind]) {
            Ok(Tag::Known(_)) => return Ok(()),
            Ok(Tag::Missing) => {}
            Ok(Tag::Unknown(_)) | Err(_) => {
                return error(format!(
                    "its value has a field `{tag}` of its own, which is to be `{kind}`"
                ));
            }
        }
    }
    tag::insert(value, tag, kind);
    Ok(())
}

/// The place in `known` of the record's type.
pub fn type_by_tag(
    record: &'static str,
    tag: &'static str,
    known: &'static [&'static str],
    from: &RecordRef<'_>,
) -> Result<usize, DecodeError> {
    let error = |kind| DecodeError::new(record, from, kind);
    let Some(value) = from.value else {
        return Err(error(DecodeErrorKind::UnexpectedTombstone));
    };
    match tag::find(value, tag, known) {
        Ok(Tag::Known(at)) => Ok(at),
        Ok(Tag::Unknown(found)) => Err(error(DecodeErrorKind::UnknownType { found, known })),
        Ok(Tag::Missing) => Err(error(DecodeErrorKind::MissingTag { name: tag.into() })),
        Err(failed) => {
            let field = failed.in_tag.then(|| tag.to_owned());
            let kind = DecodeErrorKind::Value { field };
            Err(error(kind).with_source(failed.source))
        }
    }
}

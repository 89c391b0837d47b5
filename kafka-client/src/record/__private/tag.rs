//! The field of a JSON object that says of which type it is. It is found and written without making
//! anything else of the object.

use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserializer, de};

/// What a tag says.
#[derive(Debug, PartialEq)]
pub(super) enum Tag {
    /// It is the one at this place of those known.
    Known(usize),
    Unknown(String),
    /// There is none.
    Missing,
}

/// The value is no JSON object, or its tag no text.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) in_tag: bool,
    pub(super) source: serde_json::Error,
}

/// Whether the name may be that of a field: quick, and never wrong if it says no.
pub(super) fn may_have(value: &[u8], tag: &str) -> bool {
    let quoted = |at: &[u8]| at.first() == Some(&b'"') && at.last() == Some(&b'"');
    let is_it = |at: &[u8]| quoted(at) && &at[1..at.len() - 1] == tag.as_bytes();
    // These escapes may hide a letter of it.
    let is_escape = |at: &[u8]| at == b"\\u" || at == b"\\/";
    value.windows(2).any(is_escape) || value.windows(tag.len() + 2).any(is_it)
}

/// Looks for a field of an object; ends where it is found.
pub(super) fn find(value: &[u8], tag: &str, known: &[&str]) -> Result<Tag, Failed> {
    let (mut found, mut in_tag) = (None, false);
    let object = Object {
        tag,
        known,
        found: &mut found,
        in_tag: &mut in_tag,
    };
    let read = serde_json::Deserializer::from_slice(value).deserialize_map(object);
    match (found, read) {
        // What comes after is not looked at, which serde takes for an error.
        (Some(found), _) => Ok(found),
        (None, Ok(())) => Ok(Tag::Missing),
        (None, Err(source)) => Err(Failed { in_tag, source }),
    }
}

/// Makes it the first field of an object that begins with `{`.
pub(super) fn insert(object: &mut Vec<u8>, tag: &str, kind: &str) {
    let before = object.len();
    let mut rest = object[1..]
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace());
    let is_empty = rest.next() == Some(&b'}');
    for part in ["\"", tag, "\":\"", kind, "\""] {
        object.extend_from_slice(part.as_bytes());
    }
    if !is_empty {
        object.push(b',');
    }
    let added = object.len() - before;
    object[1..].rotate_right(added);
}

struct Object<'a> {
    tag: &'a str,
    known: &'a [&'a str],
    found: &'a mut Option<Tag>,
    in_tag: &'a mut bool,
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with a field `{}`", self.tag)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(is_tag) = map.next_key_seed(Is(self.tag))? {
            if is_tag {
                *self.in_tag = true;
                *self.found = Some(map.next_value_seed(OneOf(self.known))?);
                return Ok(());
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Whether a name is this one.
struct Is<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_str(self)
    }
}

impl de::Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

/// Which of these a text is.
struct OneOf<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for OneOf<'_> {
    type Value = Tag;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Tag, D::Error> {
        from.deserialize_str(self)
    }
}

impl de::Visitor<'_> for OneOf<'_> {
    type Value = Tag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a type, a string")
    }

    fn visit_str<E: Error>(self, found: &str) -> Result<Tag, E> {
        let at = self.0.iter().position(|known| *known == found);
        Ok(at.map_or_else(|| Tag::Unknown(found.to_owned()), Tag::Known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 2] = ["a", "b"];

    fn found(value: &str) -> Tag {
        find(value.as_bytes(), "type", &KNOWN).unwrap()
    }

    #[test]
    fn finds_the_field_of_the_object_itself() {
        assert_eq!(found(r#"{"type":"b","x":1}"#), Tag::Known(1));
        assert_eq!(
            found(r#" { "x" : {"type":"b"}, "type" : "a" }"#),
            Tag::Known(0)
        );
        assert_eq!(found(r#"{"t\u0079pe":"\u0061"}"#), Tag::Known(0));
        assert_eq!(found(r#"{"type":"c"}"#), Tag::Unknown("c".into()));
        assert_eq!(found(r#"{"x":{"type":"b"},"y":"type"}"#), Tag::Missing);
        assert_eq!(found("{}"), Tag::Missing);
    }

    #[test]
    fn what_is_no_tag_is_an_error() {
        let failed = |value: &str| find(value.as_bytes(), "type", &KNOWN).unwrap_err();
        assert!(failed(r#"{"type":5}"#).in_tag);
        for value in ["", "[]", "7", r#"{"x":"#, r#"{"x":1"#] {
            assert!(!failed(value).in_tag, "{value}");
        }
    }

    #[test]
    fn a_name_that_is_not_there_is_ruled_out() {
        let may_have = |value: &str| may_have(value.as_bytes(), "type");
        assert!(may_have(r#"{"type":1}"#) && may_have(r#"{"x":"type"}"#));
        assert!(may_have(r#"{"t\u0079pe":1}"#));
        assert!(!may_have(r#"{"types":1,"a type":2,"type ":"\n"}"#) && !may_have("{}"));
    }

    #[test]
    fn becomes_the_first_field() {
        for (object, wanted) in [
            (r#"{"x":1}"#, r#"{"type":"a","x":1}"#),
            ("{}", r#"{"type":"a"}"#),
            ("{ }", r#"{"type":"a" }"#),
        ] {
            let mut object = object.as_bytes().to_vec();
            insert(&mut object, "type", "a");
            assert_eq!(String::from_utf8(object).unwrap(), wanted);
        }
    }
}

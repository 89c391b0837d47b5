//! The names attributes may have, and what to answer to any other.

use super::similar::{similar, suggestion};

/// Where an attribute is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Type,
    Field,
}

impl Place {
    fn shown(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Field => "field",
        }
    }
}

/// An attribute as the user writes it.
struct Name {
    name: &'static str,
    shown: &'static str,
    place: Place,
    available: bool,
}

const fn now(place: Place, name: &'static str, shown: &'static str) -> Name {
    Name {
        name,
        shown,
        place,
        available: true,
    }
}

const fn later(place: Place, name: &'static str) -> Name {
    Name {
        name,
        shown: name,
        place,
        available: false,
    }
}

/// Also those that are planned, so that whoever tries one learns that it is not a typing error.
const NAMES: &[Name] = &[
    now(Place::Type, "topic", "topic = \"..\""),
    now(Place::Type, "format", "format = json"),
    now(Place::Type, "with", "with = Codec"),
    now(Place::Type, "content_type", "content_type = \"..\""),
    now(Place::Type, "crate", "crate = path"),
    later(Place::Type, "key_format"),
    later(Place::Type, "avro"),
    later(Place::Type, "protobuf"),
    later(Place::Type, "json_schema"),
    now(Place::Field, "key", "key"),
    now(Place::Field, "header", "header = \"..\""),
    now(Place::Field, "timestamp", "timestamp"),
    now(Place::Field, "partition", "partition"),
    now(Place::Field, "value", "value"),
    now(Place::Field, "skip", "skip"),
    later(Place::Field, "headers"),
];

pub(super) const FORMATS: &[&str] = &["json", "string", "bytes"];
const FORMATS_LATER: &[&str] = &["avro", "protobuf", "json_schema"];

/// What to say to an attribute that `place` does not have.
pub(super) fn unknown_attribute(found: &str, place: Place) -> String {
    if let Some(name) = NAMES.iter().find(|name| name.name == found) {
        if name.place != place {
            let (right, wrong) = (name.place.shown(), place.shown());
            return format!("`{found}` belongs on a {right}, not on a {wrong}");
        }
        if !name.available {
            return format!("`{found}` is not available yet");
        }
    }
    let of_place = || {
        NAMES
            .iter()
            .filter(|name| name.place == place && name.available)
    };
    let names: Vec<_> = of_place().map(|name| name.name).collect();
    match similar(found, &names) {
        Some(meant) => format!("unknown attribute `{found}`: did you mean `{meant}`?"),
        None => {
            let shown: Vec<_> = of_place().map(|name| format!("`{}`", name.shown)).collect();
            let (place, shown) = (place.shown(), shown.join(", "));
            format!("unknown attribute `{found}`: a {place} takes {shown}")
        }
    }
}

/// What to say to a format that there is not.
pub(super) fn unknown_format(found: &str) -> String {
    if FORMATS_LATER.contains(&found) {
        return format!(
            "format `{found}` is not available yet: use `format = json`, or `with = ..` and a \
             codec of your own"
        );
    }
    format!("unknown format `{found}`: {}", suggestion(found, FORMATS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_wrong_names() {
        let field = |found| unknown_attribute(found, Place::Field);
        assert_eq!(field("kye"), "unknown attribute `kye`: did you mean `key`?");
        assert_eq!(
            field("Header"),
            "unknown attribute `Header`: did you mean `header`?"
        );
        assert_eq!(field("topic"), "`topic` belongs on a type, not on a field");
        assert_eq!(
            unknown_attribute("key_format", Place::Type),
            "`key_format` is not available yet"
        );
        assert!(
            field("colour").starts_with("unknown attribute `colour`: a field takes `key`, `header"),
            "{}",
            field("colour")
        );
        assert_eq!(
            unknown_format("jsn"),
            "unknown format `jsn`: did you mean `json`?"
        );
    }
}

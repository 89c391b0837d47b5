//! The names attributes may have, and what to answer to any other.

use super::similar::{similar, suggestion};
use Derive::{Headers, Record, Records};

/// Where an attribute is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) derive: Derive,
    pub(super) on: On,
}

/// The macro that reads it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Derive {
    Record,
    Headers,
    Records,
}

/// What it is written on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    Type,
    Variant,
    Field,
}

impl Derive {
    fn shown(self) -> &'static str {
        match self {
            Self::Record => "KafkaRecord",
            Self::Headers => "KafkaHeaders",
            Self::Records => "KafkaRecords",
        }
    }
}

impl On {
    fn shown(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Variant => "variant",
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

const fn now(derive: Derive, on: On, name: &'static str, shown: &'static str) -> Name {
    Name {
        name,
        shown,
        place: Place { derive, on },
        available: true,
    }
}

/// One that is planned, so that whoever tries it learns that it is not a typing error.
const fn later(derive: Derive, on: On, name: &'static str) -> Name {
    Name {
        name,
        shown: name,
        place: Place { derive, on },
        available: false,
    }
}

#[rustfmt::skip]
const NAMES: &[Name] = &[
    now(Record, On::Type, "topic", "topic = \"..\""),
    now(Record, On::Type, "format", "format = json"),
    now(Record, On::Type, "with", "with = Codec"),
    now(Record, On::Type, "content_type", "content_type = \"..\""),
    now(Record, On::Type, "crate", "crate = path"),
    later(Record, On::Type, "key_format"),
    later(Record, On::Type, "avro"),
    later(Record, On::Type, "protobuf"),
    later(Record, On::Type, "json_schema"),
    now(Record, On::Variant, "tombstone", "tombstone"),
    now(Record, On::Field, "key", "key"),
    now(Record, On::Field, "header", "header = \"..\""),
    now(Record, On::Field, "headers", "headers"),
    now(Record, On::Field, "timestamp", "timestamp"),
    now(Record, On::Field, "partition", "partition"),
    now(Record, On::Field, "value", "value"),
    now(Record, On::Field, "skip", "skip"),
    now(Headers, On::Type, "crate", "crate = path"),
    now(Headers, On::Field, "header", "header = \"..\""),
    now(Headers, On::Field, "skip", "skip"),
    now(Records, On::Type, "topic", "topic = \"..\""),
    now(Records, On::Type, "dispatch", "dispatch = header(\"..\")"),
    now(Records, On::Type, "rename_all", "rename_all = \"..\""),
    now(Records, On::Type, "crate", "crate = path"),
    now(Records, On::Variant, "rename", "rename = \"..\""),
    now(Records, On::Variant, "other", "other"),
];

pub(super) const FORMATS: &[&str] = &["json", "string", "bytes"];
const FORMATS_LATER: &[&str] = &["avro", "protobuf", "json_schema"];

/// Whether `place` has an attribute of that name.
pub(super) fn is_known(name: &str, place: Place) -> bool {
    available(place).any(|known| known.name == name)
}

/// What to say to an attribute that `place` does not have.
pub(super) fn unknown_attribute(found: &str, place: Place) -> String {
    let (on, derive) = (place.on.shown(), place.derive.shown());
    let is_of = |wanted: &dyn Fn(&Name) -> bool| {
        NAMES.iter().find(|name| name.name == found && wanted(name))
    };
    if is_of(&|name| name.place == place).is_some() {
        return format!("`{found}` is not available yet");
    }
    if let Some(name) = is_of(&|name| name.place.derive == place.derive) {
        let right = name.place.on.shown();
        return format!("`{found}` belongs on a {right}, not on a {on}");
    }
    if found == "tombstone" && place.derive == Records {
        return "`tombstone` belongs to `#[derive(KafkaRecord)]`: derive that for an enum with a \
                tombstone and a variant that holds this enum"
            .to_owned();
    }
    if let Some(name) = is_of(&|_| true) {
        let right = name.place.derive.shown();
        let shown = match shown(place) {
            shown if shown.is_empty() => "no attributes".to_owned(),
            shown => shown,
        };
        return format!(
            "`{found}` belongs to `#[derive({right})]`: with `{derive}`, a {on} takes {shown}"
        );
    }
    if available(place).next().is_none() {
        return format!("`#[kafka({found})]` has no meaning here: a {on} takes no attributes");
    }
    let names: Vec<_> = available(place).map(|name| name.name).collect();
    match similar(found, &names) {
        Some(meant) => format!("unknown attribute `{found}`: did you mean `{meant}`?"),
        None => format!("unknown attribute `{found}`: a {on} takes {}", shown(place)),
    }
}

fn available(place: Place) -> impl Iterator<Item = &'static Name> {
    NAMES
        .iter()
        .filter(move |name| name.place == place && name.available)
}

fn shown(place: Place) -> String {
    let shown: Vec<_> = available(place)
        .map(|name| format!("`{}`", name.shown))
        .collect();
    shown.join(", ")
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
        let (derive, headers) = (Record, Headers);
        let at = |found, derive, on| unknown_attribute(found, Place { derive, on });
        let field = |found| at(found, derive, On::Field);
        assert_eq!(field("kye"), "unknown attribute `kye`: did you mean `key`?");
        assert_eq!(
            field("Header"),
            "unknown attribute `Header`: did you mean `header`?"
        );
        assert_eq!(field("topic"), "`topic` belongs on a type, not on a field");
        assert_eq!(
            at("key_format", derive, On::Type),
            "`key_format` is not available yet"
        );
        assert_eq!(
            at("key", headers, On::Field),
            "`key` belongs to `#[derive(KafkaRecord)]`: with `KafkaHeaders`, a field takes \
             `header = \"..\"`, `skip`"
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

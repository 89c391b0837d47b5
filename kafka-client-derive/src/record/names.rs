//! The names attributes may have, and what to answer to any other.

/// Where an attribute is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Type,
    Field,
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
    now(Place::Type, "crate", "crate = path"),
    later(Place::Type, "key_format"),
    later(Place::Type, "content_type"),
    later(Place::Type, "avro"),
    later(Place::Type, "protobuf"),
    later(Place::Type, "json_schema"),
    now(Place::Field, "key", "key"),
    now(Place::Field, "header", "header = \"..\""),
    now(Place::Field, "timestamp", "timestamp"),
    later(Place::Field, "headers"),
    later(Place::Field, "partition"),
    later(Place::Field, "value"),
    later(Place::Field, "skip"),
];

pub(super) const FORMATS: &[&str] = &["json"];
const FORMATS_LATER: &[&str] = &["avro", "protobuf", "json_schema", "string", "bytes"];

/// What to say to an attribute that `place` does not have.
pub(super) fn unknown_attribute(found: &str, place: Place) -> String {
    if let Some(name) = NAMES.iter().find(|name| name.name == found) {
        if name.place != place {
            let (right, wrong) = match name.place {
                Place::Type => ("type", "field"),
                Place::Field => ("field", "type"),
            };
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
            let place = if place == Place::Type {
                "type"
            } else {
                "field"
            };
            format!(
                "unknown attribute `{found}`: a {place} takes {}",
                shown.join(", ")
            )
        }
    }
}

/// What to say to a format that there is not.
pub(super) fn unknown_format(found: &str) -> String {
    let available = FORMATS.join("`, `");
    if FORMATS_LATER.contains(&found) {
        return format!("format `{found}` is not available yet: use `{available}`");
    }
    match similar(found, FORMATS) {
        Some(meant) => format!("unknown format `{found}`: did you mean `{meant}`?"),
        None => format!("unknown format `{found}`: there is `{available}`"),
    }
}

/// The name that differs from `found` by the fewest letters, if few enough for a typing error.
fn similar<'a>(found: &str, names: &[&'a str]) -> Option<&'a str> {
    let found = found.to_lowercase();
    let (distance, name) = names
        .iter()
        .map(|name| (distance(&found, name), *name))
        .min()?;
    (distance <= 1 + name.len() / 4).then_some(name)
}

/// How many letters have to be inserted, removed, replaced or swapped with the next.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("topic", "topic"), 0);
        assert_eq!(distance("tpoic", "topic"), 1);
        assert_eq!(distance("", "key"), 3);
        assert_eq!(distance("time_stamp", "timestamp"), 1);
    }

    #[test]
    fn answers_to_wrong_names() {
        let field = |found| unknown_attribute(found, Place::Field);
        assert_eq!(field("kye"), "unknown attribute `kye`: did you mean `key`?");
        assert_eq!(
            field("Header"),
            "unknown attribute `Header`: did you mean `header`?"
        );
        assert_eq!(field("topic"), "`topic` belongs on a type, not on a field");
        assert_eq!(field("partition"), "`partition` is not available yet");
        assert_eq!(
            field("colour"),
            "unknown attribute `colour`: a field takes `key`, `header = \"..\"`, `timestamp`"
        );
        assert_eq!(
            unknown_format("jsn"),
            "unknown format `jsn`: did you mean `json`?"
        );
    }
}

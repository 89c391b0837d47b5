//! Properties that say the same in several units, and those of one listener.

use super::settings::Properties;

/// Names for the same, the one that wins first, with what a unit of theirs is in that of the first.
type Synonyms = &'static [(&'static str, i64)];

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

const SYNONYMS: &[Synonyms] = &[
    &[
        ("log.retention.ms", 1),
        ("log.retention.minutes", MINUTE_MS),
        ("log.retention.hours", HOUR_MS),
    ],
    &[("log.roll.ms", 1), ("log.roll.hours", HOUR_MS)],
    &[
        ("log.roll.jitter.ms", 1),
        ("log.roll.jitter.hours", HOUR_MS),
    ],
    &[
        ("log.flush.interval.ms", 1),
        ("log.flush.scheduler.interval.ms", 1),
    ],
    &[("node.id", 1), ("broker.id", 1)],
];

/// Kafka tells the other units of these alone.
const TOLD: [&str; 1] = ["log.retention.ms"];

fn of(name: &str) -> Option<Synonyms> {
    let mut all = SYNONYMS.iter().copied();
    all.find(|synonyms| synonyms.iter().any(|(one, _)| *one == name))
}

/// The name that wins over the others for the same.
pub(super) fn primary(name: &str) -> &str {
    of(name).map_or(name, |synonyms| synonyms[0].0)
}

/// All names that Kafka tells a property's value to come from, the one that wins first.
pub(super) fn all(name: &str) -> Vec<&str> {
    match (of(name), without_listener(name)) {
        (Some(synonyms), _) if TOLD.contains(&name) => {
            synonyms.iter().map(|(one, _)| *one).collect()
        }
        (_, Some(base)) => vec![name, base],
        _ => vec![name],
    }
}

/// The value that holds for a name or one of its synonyms, in the unit of the first.
pub(super) fn value<'a>(
    name: &str,
    mut get: impl FnMut(&str) -> Option<&'a str>,
) -> Option<String> {
    let Some(synonyms) = of(name) else {
        return get(name).map(str::to_owned);
    };
    synonyms.iter().find_map(|(name, unit)| {
        let value = get(name)?.trim();
        if *unit == 1 {
            return Some(value.to_owned());
        }
        // A negative one is for ever in every unit.
        let number: i64 = value.parse().ok()?;
        let number = if number < 0 {
            -1
        } else {
            number.saturating_mul(*unit)
        };
        Some(number.to_string())
    })
}

/// What a property says in the unit of its first synonym; `None` for what is that already.
pub(super) fn converted(name: &str, value: &str) -> Option<(&'static str, String)> {
    let primary = of(name)?[0].0;
    if primary == name {
        return None;
    }
    let get = |one: &str| (one == name).then_some(value);
    Some((primary, self::value(primary, get)?))
}

/// A property's value in the first layer that has it.
pub(super) fn in_layers<'a>(layers: &[&'a Properties], name: &str) -> Option<&'a str> {
    layers
        .iter()
        .find_map(|layer| layer.get(name))
        .map(String::as_str)
}

/// `ssl.client.auth` of `listener.name.external.ssl.client.auth`.
pub(super) fn without_listener(name: &str) -> Option<&str> {
    let (_, base) = name.strip_prefix("listener.name.")?.split_once('.')?;
    Some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retention<const N: usize>(set: [(&str, &str); N]) -> Option<String> {
        let set: Properties = set
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        value("log.retention.ms", |name| in_layers(&[&set], name))
    }

    #[test]
    fn the_finest_unit_wins() {
        let hours = ("log.retention.hours", "2");
        let minutes = ("log.retention.minutes", "3");
        assert_eq!(retention([]), None);
        assert_eq!(retention([hours]).as_deref(), Some("7200000"));
        assert_eq!(retention([hours, minutes]).as_deref(), Some("180000"));
        let ms = ("log.retention.ms", "4");
        assert_eq!(retention([hours, minutes, ms]).as_deref(), Some("4"));
        assert_eq!(
            retention([("log.retention.hours", "-1")]).as_deref(),
            Some("-1")
        );
    }

    #[test]
    fn a_listeners_property_falls_back_on_the_general_one() {
        let name = "listener.name.external.ssl.client.auth";
        assert_eq!(all(name), [name, "ssl.client.auth"]);
        assert_eq!(all("log.roll.ms"), ["log.roll.ms"]);
        assert_eq!(all("log.roll.hours"), ["log.roll.hours"]);
    }
}

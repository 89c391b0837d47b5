//! What a property may be: its type, default and values, by Kafka's own table.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::LazyLock;

use super::PropertyError;

/// A property of Kafka 4.3.
#[derive(Debug)]
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) default: Option<&'static str>,
    pub(crate) scope: Scope,
    values: Values,
}

/// The type of a property, with the number that `config_type` has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean = 1,
    String = 2,
    Int = 3,
    Short = 4,
    Long = 5,
    Double = 6,
    List = 7,
    Class = 8,
    Password = 9,
}

/// How a property of a broker is changed, or which one a topic or a group has its default from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// At the start only.
    ReadOnly,
    /// While the broker runs, for itself alone.
    PerBroker,
    /// While the brokers run, for one or all.
    ClusterWide,
    /// Not shown.
    Internal,
    /// The broker's property for those that set nothing.
    DefaultFrom(&'static str),
    /// There is no such property.
    OwnDefault,
}

#[derive(Debug)]
enum Values {
    All,
    Integers(RangeInclusive<i64>, Option<i64>),
    Ratio,
    Choices(Vec<&'static str>, Case),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Matters,
    Ignored,
}

/// The properties of one kind of resource.
#[derive(Debug, Default)]
pub(crate) struct Table(BTreeMap<&'static str, Property>);

#[derive(Debug, Default)]
struct Tables {
    broker: Table,
    topic: Table,
    group: Table,
    client_metrics: Table,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let mut tables = Tables::default();
    let mut section = "";
    let lines = include_str!("properties.txt").lines();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some(property) = Property::parse(line) {
            let table = match section {
                "broker" => &mut tables.broker,
                "topic" => &mut tables.topic,
                "group" => &mut tables.group,
                _ => &mut tables.client_metrics,
            };
            table.0.insert(property.name, property);
        }
    }
    tables
});

impl Table {
    pub(crate) fn broker() -> &'static Self {
        &TABLES.broker
    }

    pub(crate) fn topic() -> &'static Self {
        &TABLES.topic
    }

    pub(crate) fn group() -> &'static Self {
        &TABLES.group
    }

    pub(crate) fn client_metrics() -> &'static Self {
        &TABLES.client_metrics
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Property> {
        self.0.get(name)
    }

    /// By name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Property> {
        self.0.values()
    }

    /// The property, or an error that names the one that was perhaps meant.
    pub(crate) fn find(&self, name: &str) -> Result<&Property, PropertyError> {
        self.get(name).ok_or_else(|| PropertyError::Unknown {
            name: name.to_owned(),
            similar: self.similar_to(name).map(str::to_owned),
        })
    }

    fn similar_to(&self, name: &str) -> Option<&'static str> {
        const ALIKE: f64 = 0.8;
        let rated = self
            .iter()
            .map(|one| (strsim::normalized_levenshtein(one.name, name), one.name));
        let best = rated.max_by(|a, b| a.0.total_cmp(&b.0))?;
        (best.0 >= ALIKE).then_some(best.1)
    }
}

impl Property {
    fn parse(line: &'static str) -> Option<Self> {
        let mut columns = line.split(' ');
        let name = columns.next()?;
        let kind = match columns.next()? {
            "BOOLEAN" => Kind::Boolean,
            "STRING" => Kind::String,
            "INT" => Kind::Int,
            "SHORT" => Kind::Short,
            "LONG" => Kind::Long,
            "DOUBLE" => Kind::Double,
            "LIST" => Kind::List,
            "CLASS" => Kind::Class,
            "PASSWORD" => Kind::Password,
            _ => return None,
        };
        let default = match columns.next()? {
            "-" => None,
            "''" => Some(""),
            value => Some(value),
        };
        let scope = match columns.next()? {
            "read-only" => Scope::ReadOnly,
            "per-broker" => Scope::PerBroker,
            "cluster-wide" => Scope::ClusterWide,
            "internal" => Scope::Internal,
            "-" => Scope::OwnDefault,
            name => Scope::DefaultFrom(name),
        };
        Some(Self {
            name,
            kind,
            default,
            scope,
            values: Values::parse(kind, columns.next()),
        })
    }

    /// A password, which nobody is told.
    pub(crate) fn is_sensitive(&self) -> bool {
        self.kind == Kind::Password
    }

    /// Whether a client may change it while a broker runs.
    pub(crate) fn is_dynamic(&self) -> bool {
        matches!(self.scope, Scope::PerBroker | Scope::ClusterWide)
    }

    /// Checks type and range of a value.
    pub(crate) fn check(&self, value: &str) -> Result<(), PropertyError> {
        let wrong = |expected: String| super::invalid(self.name, value, expected);
        match self.kind {
            Kind::Boolean => drop(parse::<bool>(self.name, &value.to_ascii_lowercase())?),
            Kind::Int => drop(parse::<i32>(self.name, value)?),
            Kind::Short => drop(parse::<i16>(self.name, value)?),
            Kind::Long => drop(parse::<i64>(self.name, value)?),
            Kind::Double => drop(parse::<f64>(self.name, value)?),
            Kind::String | Kind::List | Kind::Class | Kind::Password => {}
        }
        let is_list = self.kind == Kind::List;
        match &self.values {
            Values::All => Ok(()),
            Values::Integers(range, special) => {
                let number: i64 = parse(self.name, value)?;
                if range.contains(&number) || *special == Some(number) {
                    return Ok(());
                }
                let (min, max) = (range.start(), range.end());
                Err(wrong(if *max == i64::MAX {
                    format!("must be at least {min}")
                } else {
                    format!("must be between {min} and {max}")
                }))
            }
            Values::Ratio => match value.parse::<f64>() {
                Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(()),
                _ => Err(wrong("must be between 0 and 1".to_owned())),
            },
            Values::Choices(choices, case) => {
                let is_one = |value: &str| match case {
                    Case::Matters => choices.contains(&value),
                    Case::Ignored => choices.iter().any(|one| one.eq_ignore_ascii_case(value)),
                };
                if is_list && list(value).all(is_one) || !is_list && is_one(value) {
                    return Ok(());
                }
                let some = if is_list { "some" } else { "one" };
                Err(wrong(format!("must be {some} of {}", choices.join(", "))))
            }
        }
    }
}

/// The elements of a list as Kafka writes one.
pub(crate) fn list(value: &str) -> impl Iterator<Item = &str> {
    let parts = value.split(',').map(str::trim);
    parts.filter(|part| !part.is_empty())
}

impl Values {
    fn parse(kind: Kind, text: Option<&'static str>) -> Self {
        let Some(text) = text else { return Self::All };
        if kind == Kind::Double {
            return Self::Ratio;
        }
        let Some((min, max)) = text.split_once("..") else {
            let (case, text) = text
                .strip_prefix('~')
                .map_or((Case::Matters, text), |text| (Case::Ignored, text));
            return Self::Choices(text.split('|').collect(), case);
        };
        let (max, special) = match max.split_once('|') {
            Some((max, special)) => (max, special.parse().ok()),
            None => (max, None),
        };
        let max = max.parse().unwrap_or(i64::MAX);
        Self::Integers(min.parse().unwrap_or(i64::MIN)..=max, special)
    }
}

pub(super) fn parse<T: FromStr>(name: &str, value: &str) -> Result<T, PropertyError> {
    value.parse().map_err(|_| {
        let kind = std::any::type_name::<T>();
        let expected = match kind {
            "bool" => "must be true or false",
            "i32" => "must be a number of 32 bits",
            _ => "must be a number",
        };
        super::invalid(name, value, expected)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_one_of_the_values() {
        let tables = &*TABLES;
        for table in [
            &tables.broker,
            &tables.topic,
            &tables.group,
            &tables.client_metrics,
        ] {
            assert!(table.iter().count() >= 3);
            for property in table.iter() {
                if let Some(default) = property.default {
                    assert_eq!(property.check(default), Ok(()));
                }
                if let Scope::DefaultFrom(name) = property.scope {
                    assert!(tables.broker.get(name).is_some(), "{name}");
                }
            }
        }
        assert_eq!(tables.topic.iter().count(), 34);
        assert_eq!(tables.broker.iter().count(), 361);
    }

    #[test]
    fn values_are_checked_by_type_and_range() {
        let refused = |table: &Table, name: &str, value: &str| {
            let checked = table.find(name).unwrap().check(value);
            checked.err().map(|error| error.to_string())
        };
        let topic = Table::topic();
        for (name, value) in [
            ("retention.ms", "-1"),
            ("compression.gzip.level", "-1"),
            ("compression.type", "zstd"),
            ("cleanup.policy", "compact, delete"),
            ("preallocate", "TRUE"),
        ] {
            assert_eq!(refused(topic, name, value), None);
        }
        for (name, value, expected) in [
            ("retention.ms", "-2", "must be at least -1"),
            ("retention.ms", "soon", "must be a number"),
            (
                "max.message.bytes",
                "3000000000",
                "must be a number of 32 bits",
            ),
            ("compression.gzip.level", "0", "must be between 1 and 9"),
            (
                "min.cleanable.dirty.ratio",
                "1.5",
                "must be between 0 and 1",
            ),
            (
                "cleanup.policy",
                "compact,keep",
                "must be some of compact, delete",
            ),
            ("preallocate", "yes", "must be true or false"),
        ] {
            let text = refused(topic, name, value).unwrap();
            assert!(text.contains(name) && text.ends_with(expected), "{text}");
        }
        let broker = Table::broker();
        assert_eq!(
            refused(broker, "group.consumer.migration.policy", "upgrade"),
            None
        );
    }

    #[test]
    fn a_slip_of_the_pen_is_told_from_nonsense() {
        let text = |name| Table::topic().find(name).unwrap_err().to_string();
        assert_eq!(
            text("retenton.ms"),
            "unknown property retenton.ms, is it retention.ms?"
        );
        assert_eq!(text("no.such.thing"), "unknown property no.such.thing");
    }
}

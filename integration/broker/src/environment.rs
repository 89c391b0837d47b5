//! Settings from the environment, as the image `apache/kafka` takes them.

use crate::broker::{Builder, StartError};
use crate::config::{BrokerConfig, Effect};

const PREFIX: &str = "KAFKA_";
/// What the image reads for other purposes.
const OTHERS: [&str; 4] = ["VERSION", "HEAP_OPTS", "OPTS", "HOME"];
const OTHER_PREFIXES: [&str; 4] = ["LOG4J", "JMX", "GC", "JVM"];
const CLUSTER_ID: &str = "CLUSTER_ID";
/// What the image takes where nobody says otherwise.
const DEFAULT_CLUSTER_ID: &str = "5L6g3nShT-eMCtK--X86sw";
const DEFAULTS: [(&str, &str); 3] = [
    ("node.id", "1"),
    ("listeners", "PLAINTEXT://:9092"),
    ("log.dirs", "/var/lib/kafka/data"),
];

/// Applies variables; sentences about what has no effect come back.
pub(crate) fn apply(
    mut builder: Builder,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<(Builder, Vec<String>), StartError> {
    let mut cluster_id = DEFAULT_CLUSTER_ID.to_owned();
    let mut properties = Vec::new();
    for (name, value) in variables {
        if name == CLUSTER_ID {
            cluster_id = value;
        } else if let Some(property) = property(&name) {
            properties.push((property, value));
        }
    }
    properties.sort_unstable();
    for (name, value) in DEFAULTS {
        let is_set = |other: &str| other == name || other == "log.dir" && name == "log.dirs";
        if !builder.has_property(is_set) && !properties.iter().any(|(other, _)| is_set(other)) {
            builder = builder.property(name, value);
        }
    }
    let mut notes = Vec::new();
    for (name, value) in properties {
        let effect = BrokerConfig::default().set(&name, &value);
        if effect.map_err(|error| StartError::Property(error.to_string()))? == Effect::None {
            notes.push(format!("property {name} has no effect in this broker"));
        }
        builder = builder.property(name, value.trim());
    }
    Ok((builder.cluster_id(cluster_id), notes))
}

/// The property that a variable sets: one underscore is a dot, two are one, three are a dash.
fn property(variable: &str) -> Option<String> {
    let name = variable.strip_prefix(PREFIX)?;
    let is_other =
        OTHERS.contains(&name) || OTHER_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    if name.is_empty() || is_other {
        return None;
    }
    let mut property = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let (length, text) = match rest {
            _ if rest.starts_with("___") => (3, '-'),
            _ if rest.starts_with("__") => (2, '_'),
            _ if first == '_' => (1, '.'),
            _ => (first.len_utf8(), first.to_ascii_lowercase()),
        };
        property.push(text);
        rest = &rest[length..];
    }
    Some(property)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Broker;

    fn applied(variables: &[(&str, &str)]) -> Result<(String, Vec<String>), String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let builder = Broker::builder().kafka_defaults();
        match apply(builder, variables.iter().map(owned)) {
            Ok((builder, notes)) => Ok((format!("{builder:?}"), notes)),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn variables_are_properties_by_the_rules_of_the_image() {
        for (variable, expected) in [
            ("KAFKA_LOG_DIRS", Some("log.dirs")),
            ("KAFKA_A__B_C___D", Some("a_b.c-d")),
            ("KAFKA_", None),
            ("KAFKA_VERSION", None),
            ("KAFKA_HEAP_OPTS", None),
            ("KAFKA_JMX_PORT", None),
            ("KAFKA_LOG4J_LOGGERS", None),
            ("CLUSTER_ID", None),
            ("PATH", None),
        ] {
            assert_eq!(property(variable).as_deref(), expected, "{variable}");
        }
    }

    #[test]
    fn what_is_not_set_is_as_in_the_image() {
        let (builder, notes) = applied(&[("HOME", "/root")]).unwrap();
        assert!(builder.contains("/var/lib/kafka/data"), "{builder}");
        assert!(builder.contains("PLAINTEXT://:9092"), "{builder}");
        assert!(builder.contains(DEFAULT_CLUSTER_ID), "{builder}");
        assert!(notes.is_empty(), "{notes:?}");
        let own = [
            ("KAFKA_LOG_DIRS", "/tmp/logs"),
            ("KAFKA_LISTENERS", "PLAINTEXT://0.0.0.0:1"),
            ("CLUSTER_ID", "abcdefghijklmnopqrstuA"),
            ("KAFKA_PROCESS_ROLES", "broker,controller"),
        ];
        let (builder, notes) = applied(&own).unwrap();
        assert!(builder.contains("/tmp/logs"), "{builder}");
        assert!(!builder.contains("/var/lib/kafka/data"), "{builder}");
        assert!(builder.contains("abcdefghijklmnopqrstuA"), "{builder}");
        assert_eq!(
            notes,
            ["property process.roles has no effect in this broker"]
        );
    }

    #[test]
    fn a_variable_of_no_property_is_refused() {
        let error = applied(&[("KAFKA_NO_SUCH_THING", "1")]).unwrap_err();
        assert_eq!(error, "unknown property no.such.thing");
    }
}

//! Kafka's `server.properties`, as far as one broker of this kind has a use for it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::property::list;
use crate::config::{BrokerConfig, Effect, PropertyError};

/// A file of properties, as it is to be applied.
pub(crate) struct File {
    /// Names and values, in the order of names.
    pub(crate) properties: Vec<(String, String)>,
    /// Sentences about what has no effect, or another than in Kafka.
    pub(crate) notes: Vec<String>,
}

/// Why a file cannot be applied.
pub(crate) enum FileError {
    Unreadable(String),
    Property(PropertyError),
}

/// Reads and checks a file.
pub(crate) fn load(path: &Path) -> Result<File, FileError> {
    let properties = read(path).map_err(FileError::Unreadable)?;
    let mut file = File {
        properties: Vec::new(),
        notes: Vec::new(),
    };
    let mut check = BrokerConfig::default();
    for (name, value) in &properties {
        // Kafka prefers the plural where both are given.
        if name == "log.dir" && properties.contains_key("log.dirs") {
            continue;
        }
        let effect = check.set(name, value).map_err(FileError::Property)?;
        if effect == Effect::None {
            let note = format!("property {name} has no effect in this broker");
            file.notes.push(note);
        }
        if matches!(name.as_str(), "log.dirs" | "log.dir") {
            let further = list(value).skip(1);
            let unused = further.map(|dir| format!("log directory {dir} is not used: only one is"));
            file.notes.extend(unused);
        }
        let property = (name.clone(), value.trim().to_owned());
        file.properties.push(property);
    }
    let listeners = check.listeners.iter().flatten();
    let for_controllers = listeners.filter(|one| check.controller_listeners.contains(&one.name));
    let unopened = for_controllers.map(|one| format!("listener {} is not opened", one.name));
    file.notes.extend(unopened);
    Ok(file)
}

fn read(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let properties = java_properties::read(file).map_err(|error| error.to_string())?;
    Ok(properties.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use crate::Broker;

    fn applied(text: &str) -> Result<(String, Vec<String>), String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("server.properties");
        std::fs::write(&path, text).unwrap();
        match Broker::builder().server_properties(path) {
            Ok((builder, notes)) => Ok((format!("{builder:?}"), notes)),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn kafkas_own_file_is_understood() {
        let (builder, notes) = applied(
            "# A comment\n\
             process.roles=broker,controller\n\
             node.id=7\n\
             listeners=CONTROLLER://:9093,PLAINTEXT://:9092\n\
             controller.listener.names=CONTROLLER\n\
             advertised.listeners=PLAINTEXT://example:19092\n\
             log.dirs=/tmp/a,/tmp/b\n\
             num.partitions = 3\n\
             log.segment.bytes=1073741824\n",
        )
        .unwrap();
        for part in [
            "CONTROLLER://:9093,PLAINTEXT://:9092",
            "PLAINTEXT://example:19092",
            "/tmp/a",
            "(\"node.id\", \"7\")",
        ] {
            assert!(builder.contains(part), "{part} in {builder}");
        }
        assert!(
            !builder.contains("initial.rebalance"),
            "Kafka's default of 3 s"
        );
        assert_eq!(
            notes,
            [
                "log directory /tmp/b is not used: only one is",
                "property process.roles has no effect in this broker",
                "listener CONTROLLER is not opened",
            ]
        );
    }

    #[test]
    fn impossible_values_are_named() {
        for (text, expected) in [
            ("num.partitions=none", "num.partitions"),
            ("listeners=SSL://", "for listeners"),
            (
                "advertised.listeners=PLAINTEXT://nowhere",
                "advertised.listeners",
            ),
        ] {
            let error = applied(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        let missing = Broker::builder()
            .server_properties("/no/such/file")
            .unwrap_err();
        assert!(missing.to_string().contains("/no/such/file"));
    }
}

//! The broker settings that all tests share, by Kafka's own property names.

use std::collections::BTreeMap;

/// Port of the PLAINTEXT listener inside a container.
pub(super) const CONTAINER_PORT: u16 = 9092;

/// Settings of one node, `server.properties` as a map.
#[derive(Clone, Debug)]
pub(super) struct Settings(BTreeMap<String, String>);

impl Settings {
    /// A single node that is broker and controller, quick to join a group and to create topics.
    pub(super) fn single_node() -> Self {
        let mut settings = Self(BTreeMap::new());
        settings.set_all(&[
            ("process.roles", "broker,controller"),
            ("node.id", "1"),
            ("controller.listener.names", "CONTROLLER"),
            ("inter.broker.listener.name", "PLAINTEXT"),
            (
                "listener.security.protocol.map",
                "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            ),
            // One node holds every replica there is.
            ("offsets.topic.replication.factor", "1"),
            ("transaction.state.log.replication.factor", "1"),
            ("transaction.state.log.min.isr", "1"),
            ("share.coordinator.state.topic.replication.factor", "1"),
            ("share.coordinator.state.topic.min.isr", "1"),
            // The default 50 partitions each cost files and time when the first group appears.
            ("offsets.topic.num.partitions", "4"),
            ("transaction.state.log.num.partitions", "4"),
            ("share.coordinator.state.topic.num.partitions", "4"),
            // A group is complete when its members are there, not seconds later.
            ("group.initial.rebalance.delay.ms", "0"),
            ("group.consumer.assignment.interval.ms", "0"),
            // Tests of expired members should not have to wait for six seconds.
            ("group.min.session.timeout.ms", "500"),
            ("auto.create.topics.enable", "true"),
            // Records whose timestamps are years old must outlive the first retention check, which
            // comes 30 s after the start.
            ("log.retention.ms", "-1"),
        ]);
        settings
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    pub(super) fn set_all(&mut self, all: &[(&str, &str)]) {
        for (name, value) in all {
            self.set(name, *value);
        }
    }

    /// As the images take them: `x.y` is `KAFKA_X_Y`.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        self.0
            .iter()
            .map(|(name, value)| (variable(name), value.clone()))
            .collect()
    }

    /// As a properties file.
    pub(super) fn properties(&self) -> String {
        self.0
            .iter()
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect()
    }
}

fn variable(name: &str) -> String {
    let mut variable = String::from("KAFKA_");
    for c in name.chars() {
        match c {
            '.' => variable.push('_'),
            '_' => variable.push_str("__"),
            '-' => variable.push_str("___"),
            c => variable.push(c.to_ascii_uppercase()),
        }
    }
    variable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn property_names_become_the_variables_that_the_images_read() {
        assert_eq!(variable("log.retention.ms"), "KAFKA_LOG_RETENTION_MS");
        assert_eq!(variable("a_b.c-d"), "KAFKA_A__B_C___D");
    }

    #[test]
    fn a_later_value_replaces_an_earlier_one() {
        let mut settings = Settings::single_node();
        settings.set_all(&[("auto.create.topics.enable", "false")]);
        let properties = settings.properties();
        assert_eq!(properties.matches("auto.create.topics.enable").count(), 1);
        assert!(
            properties.contains("auto.create.topics.enable=false\n"),
            "{properties}"
        );
        assert!(settings.environment().contains(&(
            "KAFKA_AUTO_CREATE_TOPICS_ENABLE".to_owned(),
            "false".to_owned()
        )));
    }
}

use std::time::Duration;

/// What a test has before it begins. See [the module](super).
#[derive(Debug, Clone)]
#[must_use = "it does nothing until a test runs with it"]
pub struct Setup {
    pub(super) topics: Vec<(String, i32)>,
    pub(super) properties: Vec<(String, String)>,
    pub(super) time_limit: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            topics: Vec::new(),
            properties: Vec::new(),
            time_limit: Duration::from_secs(600),
        }
    }
}

impl Setup {
    /// No topics, and Kafka's defaults, but that a group does not wait for further members before its first rebalance.
    pub fn new() -> Self {
        Self::default()
    }

    /// A topic with so many partitions.
    pub fn topic(mut self, name: impl Into<String>, partitions: i32) -> Self {
        self.topics.push((name.into(), partitions));
        self
    }

    /// A property of the embedded broker, by Kafka's name, such as `auto.create.topics.enable`.
    pub fn property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.push((name.into(), value.into()));
        self
    }

    /// How long a test may take, in the time that the test has: with the embedded broker, that is paused time.
    /// Defaults to 10 minutes.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }
}

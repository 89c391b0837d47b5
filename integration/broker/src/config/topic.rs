//! The settings of a topic.

use std::collections::BTreeMap;

use kafka_client_protocol::records::{Compression, CompressionConfig};

use super::property::{Property, Scope, Table, list, parse};
use super::{BrokerConfig, Effect, PropertyError};
use crate::log::LogConfig;

/// The settings of a topic that this broker acts on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TopicConfig {
    /// With what the log takes from the broker left at its default.
    pub(crate) log: LogConfig,
    pub(crate) batch_bytes_max: usize,
    pub(crate) append_time: bool,
    pub(crate) timestamp_before_max_ms: i64,
    pub(crate) timestamp_after_max_ms: i64,
    /// `None`: each batch as its producer sends it.
    pub(crate) codec: Option<Compression>,
    pub(crate) gzip_level: i32,
    pub(crate) lz4_level: i32,
    pub(crate) zstd_level: i32,
}

impl Default for TopicConfig {
    fn default() -> Self {
        Self {
            log: LogConfig::default(),
            batch_bytes_max: 1_048_588,
            append_time: false,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            codec: None,
            gzip_level: -1,
            lz4_level: 9,
            zstd_level: 3,
        }
    }
}

impl TopicConfig {
    /// These settings with a topic's own over them.
    pub(crate) fn with(
        mut self,
        overrides: &BTreeMap<String, String>,
    ) -> Result<Self, PropertyError> {
        for (name, value) in overrides {
            let value = value.trim();
            Table::topic().find(name)?.check(value)?;
            self.apply(name, value)?;
        }
        Ok(self)
    }

    /// How batches are compressed; `None`: each as its producer sends it.
    pub(crate) fn compression(&self) -> Option<CompressionConfig> {
        let codec = self.codec?;
        let level = match codec {
            Compression::None | Compression::Snappy => return Some(codec.into()),
            Compression::Gzip => self.gzip_level,
            Compression::Lz4 => self.lz4_level,
            Compression::Zstd => self.zstd_level,
        };
        let config = CompressionConfig::new(codec);
        // The table has let nothing else through.
        Some(config.with_level(level).unwrap_or(config))
    }

    pub(crate) fn log(&self, broker: &BrokerConfig) -> LogConfig {
        LogConfig {
            producer_expiration_ms: broker.producer_expiration_ms,
            ..self.log
        }
    }

    /// Takes over a value, which fits the property; whether this broker acts on it.
    pub(super) fn apply(&mut self, name: &str, value: &str) -> Result<Effect, PropertyError> {
        match name {
            "segment.bytes" | "internal.segment.bytes" => {
                self.log.segment_bytes = parse(name, value)?;
            }
            "segment.ms" => self.log.segment_ms = parse(name, value)?,
            "segment.jitter.ms" => self.log.segment_jitter_ms = parse(name, value)?,
            "segment.index.bytes" => self.log.index_bytes = parse(name, value)?,
            "flush.messages" => self.log.flush_messages = parse(name, value)?,
            "max.message.bytes" => self.batch_bytes_max = parse(name, value)?,
            "message.timestamp.type" => self.append_time = value == "LogAppendTime",
            "message.timestamp.before.max.ms" => {
                self.timestamp_before_max_ms = parse(name, value)?;
            }
            "message.timestamp.after.max.ms" => self.timestamp_after_max_ms = parse(name, value)?,
            "retention.ms" => self.log.retention_ms = parse(name, value)?,
            "retention.bytes" => self.log.retention_bytes = parse(name, value)?,
            "file.delete.delay.ms" => self.log.file_delete_delay_ms = parse(name, value)?,
            "flush.ms" => self.log.flush_ms = parse(name, value)?,
            "min.cleanable.dirty.ratio" => self.log.min_cleanable_dirty_ratio = parse(name, value)?,
            "min.compaction.lag.ms" => self.log.min_compaction_lag_ms = parse(name, value)?,
            "max.compaction.lag.ms" => self.log.max_compaction_lag_ms = parse(name, value)?,
            "delete.retention.ms" => self.log.delete_retention_ms = parse(name, value)?,
            "cleanup.policy" => {
                let has = |wanted: &str| list(value).any(|policy| policy == wanted);
                (self.log.compacts, self.log.deletes) = (has("compact"), has("delete"));
            }
            "compression.type" => {
                self.codec = match value {
                    "producer" => None,
                    "uncompressed" => Some(Compression::None),
                    codec => codec.parse().ok(),
                };
            }
            "compression.gzip.level" => self.gzip_level = parse(name, value)?,
            "compression.lz4.level" => self.lz4_level = parse(name, value)?,
            "compression.zstd.level" => self.zstd_level = parse(name, value)?,
            _ => return Ok(Effect::None),
        }
        Ok(Effect::Acts)
    }
}

/// The setting of a topic that has its default from a property of the broker.
pub(super) fn with_default_from(broker_property: &str) -> Option<&'static Property> {
    let mut all = Table::topic().iter();
    all.find(|property| match property.scope {
        Scope::DefaultFrom(name) => name == broker_property,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str, value: &str) -> Result<TopicConfig, PropertyError> {
        let overrides = [(name.to_owned(), value.to_owned())].into();
        TopicConfig::default().with(&overrides)
    }

    #[test]
    fn the_table_says_the_defaults_that_the_code_has() {
        let table = Table::topic().iter();
        let defaults = table
            .filter_map(|one| Some((one.name.to_owned(), one.default?.to_owned())))
            .collect();
        assert_eq!(
            TopicConfig::default().with(&defaults),
            Ok(TopicConfig::default())
        );
    }

    #[test]
    fn a_topic_has_its_own_names() {
        assert!(topic("log.segment.bytes", "1048576").is_err());
        assert!(topic("segment.bytes", "1000").is_err());
        let small = topic("internal.segment.bytes", "1000").unwrap();
        assert_eq!(small.log.segment_bytes, 1000);
        assert!(
            topic("cleanup.policy", "compact,delete")
                .unwrap()
                .log
                .compacts
        );
    }
}

//! Settings under Kafka's own property names: those of the broker, and those a topic may override.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::log::LogConfig;
use crate::net::listener::{self, EndPoint, Protocols};
use crate::quota::Window;
use crate::security::delegation::DelegationConfig;
use crate::security::settings::SecuritySettings;

/// The broker's settings.
#[derive(Debug, Clone)]
pub(crate) struct BrokerConfig {
    pub(crate) node_id: i32,
    pub(crate) auto_create_topics: bool,
    pub(crate) delete_topics: bool,
    pub(crate) num_partitions: i32,
    pub(crate) request_bytes_max: usize,
    pub(crate) fetch_bytes_max: usize,
    pub(crate) fetch_sessions_max: usize,
    pub(crate) connections_max: usize,
    pub(crate) connections_per_ip_max: usize,
    pub(crate) connections_per_ip_overrides: BTreeMap<IpAddr, usize>,
    pub(crate) connections_max_idle_ms: u64,
    pub(crate) producer_expiration_ms: i64,
    pub(crate) checkpoint_interval_ms: u64,
    pub(crate) offsets_partitions: i32,
    pub(crate) offset_metadata_bytes_max: usize,
    pub(crate) group: GroupConfig,
    /// `None` if the property is not set: a broker in a program has its listeners from there.
    pub(crate) listeners: Option<Vec<EndPoint>>,
    pub(crate) advertised_listeners: Vec<EndPoint>,
    /// Listeners that are not for clients, and are not opened.
    pub(crate) controller_listeners: Vec<String>,
    pub(crate) protocols: Protocols,
    pub(crate) failed_authentication_delay_ms: u64,
    pub(crate) security: SecuritySettings,
    pub(crate) authorizer: AuthorizerConfig,
    pub(crate) quota_window: Window,
    pub(crate) delegation: DelegationConfig,
    /// What new topics get where they set nothing themselves.
    pub(crate) topic: TopicConfig,
}

/// The settings of the group coordinator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupConfig {
    pub(crate) initial_rebalance_delay_ms: u64,
    pub(crate) session_timeout_min_ms: i32,
    pub(crate) session_timeout_max_ms: i32,
    pub(crate) members_max: usize,
}

/// The settings of the authorizer.
#[derive(Debug, Clone, Default)]
pub(crate) struct AuthorizerConfig {
    pub(crate) is_on: bool,
    /// With their kinds, such as `User:admin`.
    pub(crate) super_users: HashSet<String>,
    pub(crate) open_without_acls: bool,
}

/// Why a property was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PropertyError {
    #[error("unknown property {0}")]
    Unknown(String),
    #[error("invalid value {value:?} for {name}: {expected}")]
    Invalid {
        name: String,
        value: String,
        expected: String,
    },
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            node_id: 1,
            auto_create_topics: true,
            delete_topics: true,
            num_partitions: 1,
            request_bytes_max: 100 << 20,
            fetch_bytes_max: 55 << 20,
            fetch_sessions_max: 1000,
            connections_max: 10_000,
            connections_per_ip_max: i32::MAX as usize,
            connections_per_ip_overrides: BTreeMap::new(),
            connections_max_idle_ms: 600_000,
            producer_expiration_ms: 86_400_000,
            checkpoint_interval_ms: 60_000,
            offsets_partitions: 50,
            offset_metadata_bytes_max: 4096,
            group: GroupConfig {
                initial_rebalance_delay_ms: 3_000,
                session_timeout_min_ms: 6_000,
                session_timeout_max_ms: 1_800_000,
                members_max: i32::MAX as usize,
            },
            listeners: None,
            advertised_listeners: Vec::new(),
            controller_listeners: Vec::new(),
            protocols: listener::default_protocols(),
            failed_authentication_delay_ms: 100,
            security: SecuritySettings::default(),
            authorizer: AuthorizerConfig::default(),
            quota_window: Window {
                samples: 11,
                sample_ms: 1000,
            },
            delegation: DelegationConfig::default(),
            topic: TopicConfig::default(),
        }
    }
}

impl BrokerConfig {
    /// How many connections an address may have.
    pub(crate) fn connections_max_of(&self, address: IpAddr) -> usize {
        let own = self
            .connections_per_ip_overrides
            .get(&address.to_canonical());
        own.copied().unwrap_or(self.connections_per_ip_max)
    }

    /// Takes one property of `server.properties`.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), PropertyError> {
        let value = value.trim();
        match name {
            "node.id" | "broker.id" => self.node_id = in_range(name, value, 0, i32::MAX)?,
            "auto.create.topics.enable" => self.auto_create_topics = parse(name, value)?,
            "delete.topic.enable" => self.delete_topics = parse(name, value)?,
            "num.partitions" => {
                self.num_partitions = in_range(name, value, 1, PARTITIONS_MAX)?;
            }
            "socket.request.max.bytes" => {
                self.request_bytes_max = in_range(name, value, 1, i32::MAX as usize)?;
            }
            "fetch.max.bytes" => {
                self.fetch_bytes_max = in_range(name, value, 1024, i32::MAX as usize)?;
            }
            "max.incremental.fetch.session.cache.slots" => {
                self.fetch_sessions_max = in_range(name, value, 0, i32::MAX as usize)?;
            }
            "max.connections" => {
                self.connections_max = in_range(name, value, 0, i32::MAX as usize)?;
            }
            "max.connections.per.ip" => {
                self.connections_per_ip_max = in_range(name, value, 0, i32::MAX as usize)?;
            }
            "max.connections.per.ip.overrides" => {
                self.connections_per_ip_overrides = value
                    .split(',')
                    .filter(|part| !part.trim().is_empty())
                    .map(|part| {
                        // An IPv6 address has colons of its own.
                        let (address, count) = part.rsplit_once(':')?;
                        let address = address.trim().trim_matches(['[', ']']);
                        Some((address.parse().ok()?, count.trim().parse().ok()?))
                    })
                    .collect::<Option<_>>()
                    .ok_or_else(|| invalid(name, value, "must be of the form address:count"))?;
            }
            "connections.max.idle.ms" => {
                let ms: i64 = parse(name, value)?;
                // Negative means never, as in Kafka.
                self.connections_max_idle_ms = u64::try_from(ms).unwrap_or(u64::MAX);
            }
            "producer.id.expiration.ms" => {
                self.producer_expiration_ms = in_range(name, value, 1, i64::MAX)?;
            }
            "log.flush.offset.checkpoint.interval.ms" => {
                self.checkpoint_interval_ms = in_range(name, value, 1, i32::MAX as u64)?;
            }
            "offsets.topic.num.partitions" => {
                self.offsets_partitions = in_range(name, value, 1, PARTITIONS_MAX)?;
            }
            "offset.metadata.max.bytes" => {
                self.offset_metadata_bytes_max = in_range(name, value, 0, i32::MAX as usize)?;
            }
            "group.initial.rebalance.delay.ms" => {
                self.group.initial_rebalance_delay_ms = in_range(name, value, 0, i32::MAX as u64)?;
            }
            "group.min.session.timeout.ms" => {
                self.group.session_timeout_min_ms = in_range(name, value, 1, i32::MAX)?;
            }
            "group.max.session.timeout.ms" => {
                self.group.session_timeout_max_ms = in_range(name, value, 1, i32::MAX)?;
            }
            "group.max.size" => {
                self.group.members_max = in_range(name, value, 1, i32::MAX as usize)?;
            }
            "listeners" => self.listeners = Some(listener::end_points(name, value)?),
            "advertised.listeners" => {
                self.advertised_listeners = listener::end_points(name, value)?;
            }
            "listener.security.protocol.map" => {
                self.protocols = listener::protocols(name, value)?;
            }
            "controller.listener.names" => {
                let names = value
                    .split(',')
                    .map(|name| name.trim().to_ascii_uppercase());
                self.controller_listeners = names.collect();
            }
            "delegation.token.secret.key" => {
                let key = Zeroizing::new(value.to_owned());
                self.delegation.secret_key = Some(key).filter(|key| !key.is_empty());
            }
            "delegation.token.max.lifetime.ms" => {
                self.delegation.lifetime_max_ms = in_range(name, value, 1, i64::MAX)?;
            }
            "delegation.token.expiry.time.ms" => {
                self.delegation.renewal_ms = in_range(name, value, 1, i64::MAX)?;
            }
            "quota.window.num" => self.quota_window.samples = in_range(name, value, 1, 1000)?,
            "quota.window.size.seconds" => {
                self.quota_window.sample_ms = in_range(name, value, 1, 86_400)? * 1000;
            }
            "authorizer.class.name" => {
                if !value.is_empty() && value != STANDARD_AUTHORIZER {
                    let expected = format!("must be {STANDARD_AUTHORIZER}, or empty");
                    return Err(invalid(name, value, expected));
                }
                self.authorizer.is_on = !value.is_empty();
            }
            "super.users" => {
                let users = value
                    .split(';')
                    .map(str::trim)
                    .filter(|user| !user.is_empty());
                self.authorizer.super_users = users.map(str::to_owned).collect();
                if let Some(user) = value
                    .split(';')
                    .find(|user| !user.contains(':') && !user.trim().is_empty())
                {
                    return Err(invalid(name, user, "must be of the form User:name"));
                }
            }
            "allow.everyone.if.no.acl.found" => {
                self.authorizer.open_without_acls = parse(name, value)?;
            }
            "connection.failed.authentication.delay.ms" => {
                self.failed_authentication_delay_ms = in_range(name, value, 0, i32::MAX as u64)?;
            }
            name if SecuritySettings::know(name) => self.security.set(name, value),
            _ => {
                let property = TOPIC_PROPERTIES
                    .iter()
                    .find(|property| property.synonym == name);
                let Some(property) = property else {
                    return Err(PropertyError::Unknown(name.to_owned()));
                };
                self.topic.apply(property, name, value)?;
            }
        }
        Ok(())
    }
}

/// The authorizer that this broker's is the same as.
const STANDARD_AUTHORIZER: &str = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";

/// The most partitions that one request may create, as in Kafka.
pub(crate) const PARTITIONS_MAX: i32 = 10_000;

/// The settings of a topic that this broker acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TopicConfig {
    pub(crate) segment_bytes: u64,
    pub(crate) index_bytes: usize,
    pub(crate) flush_messages: i64,
    pub(crate) batch_bytes_max: usize,
    pub(crate) append_time: bool,
    pub(crate) timestamp_before_max_ms: i64,
    pub(crate) timestamp_after_max_ms: i64,
    pub(crate) compacted: bool,
}

impl Default for TopicConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 1 << 30,
            index_bytes: 10 << 20,
            flush_messages: i64::MAX,
            batch_bytes_max: 1_048_588,
            append_time: false,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            compacted: false,
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
            let property = TOPIC_PROPERTIES
                .iter()
                .find(|property| property.name == name);
            let property = property.ok_or_else(|| PropertyError::Unknown(name.clone()))?;
            self.apply(property, name, value.trim())?;
        }
        Ok(self)
    }

    pub(crate) fn log(&self, broker: &BrokerConfig) -> LogConfig {
        LogConfig {
            segment_bytes: self.segment_bytes,
            index_bytes: self.index_bytes,
            flush_messages: self.flush_messages,
            producer_expiration_ms: broker.producer_expiration_ms,
        }
    }

    /// Checks a value and takes it over where this broker acts on it.
    fn apply(
        &mut self,
        property: &TopicProperty,
        name: &str,
        value: &str,
    ) -> Result<(), PropertyError> {
        property.kind.check(name, value)?;
        match property.name {
            "segment.bytes" | "internal.segment.bytes" => {
                self.segment_bytes = parse(name, value)?;
            }
            "segment.index.bytes" => self.index_bytes = parse(name, value)?,
            "flush.messages" => self.flush_messages = parse(name, value)?,
            "max.message.bytes" => self.batch_bytes_max = parse(name, value)?,
            "message.timestamp.type" => self.append_time = value == "LogAppendTime",
            "message.timestamp.before.max.ms" => {
                self.timestamp_before_max_ms = parse(name, value)?;
            }
            "message.timestamp.after.max.ms" => self.timestamp_after_max_ms = parse(name, value)?,
            "cleanup.policy" => self.compacted = value.split(',').any(|policy| policy == "compact"),
            // Kept with the topic and shown, without an effect yet.
            _ => {}
        }
        Ok(())
    }
}

/// A setting that a topic may override.
pub(crate) struct TopicProperty {
    pub(crate) name: &'static str,
    /// The broker's property that new topics take their default from.
    synonym: &'static str,
    pub(crate) default: &'static str,
    kind: Kind,
}

enum Kind {
    Integer { min: i64, max: i64 },
    Boolean,
    Ratio,
    One(&'static [&'static str]),
    Some(&'static [&'static str]),
    Text,
}

impl Kind {
    fn check(&self, name: &str, value: &str) -> Result<(), PropertyError> {
        match self {
            Self::Integer { min, max } => in_range(name, value, *min, *max).map(|_| ()),
            Self::Boolean => parse::<bool>(name, value).map(|_| ()),
            Self::Ratio => match value.parse::<f64>() {
                Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(()),
                _ => Err(invalid(name, value, "must be between 0 and 1")),
            },
            Self::One(choices) if choices.contains(&value) => Ok(()),
            Self::Some(choices) if value.split(',').all(|one| choices.contains(&one.trim())) => {
                Ok(())
            }
            Self::One(choices) => Err(invalid(name, value, format!("must be one of {choices:?}"))),
            Self::Some(choices) => {
                Err(invalid(name, value, format!("must be some of {choices:?}")))
            }
            Self::Text => Ok(()),
        }
    }
}

const fn property(
    name: &'static str,
    synonym: &'static str,
    default: &'static str,
    kind: Kind,
) -> TopicProperty {
    TopicProperty {
        name,
        synonym,
        default,
        kind,
    }
}

const INT: i64 = i32::MAX as i64;
const LONG: i64 = i64::MAX;

/// Every setting of a topic in Apache Kafka 4.3, by name.
///
/// A batch is stored with the codec its producer chose, so `compression.type` takes no other value.
pub(crate) const TOPIC_PROPERTIES: &[TopicProperty] = &[
    property(
        "cleanup.policy",
        "log.cleanup.policy",
        "delete",
        Kind::Some(&["compact", "delete"]),
    ),
    property(
        "compression.gzip.level",
        "compression.gzip.level",
        "-1",
        Kind::Integer { min: -1, max: 9 },
    ),
    property(
        "compression.lz4.level",
        "compression.lz4.level",
        "9",
        Kind::Integer { min: 1, max: 17 },
    ),
    property(
        "compression.type",
        "compression.type",
        "producer",
        Kind::One(&["producer"]),
    ),
    property(
        "compression.zstd.level",
        "compression.zstd.level",
        "3",
        Kind::Integer {
            min: -131_072,
            max: 22,
        },
    ),
    property(
        "delete.retention.ms",
        "log.cleaner.delete.retention.ms",
        "86400000",
        Kind::Integer { min: 0, max: LONG },
    ),
    property(
        "file.delete.delay.ms",
        "log.segment.delete.delay.ms",
        "60000",
        Kind::Integer { min: 0, max: LONG },
    ),
    property(
        "flush.messages",
        "log.flush.interval.messages",
        "9223372036854775807",
        Kind::Integer { min: 1, max: LONG },
    ),
    property(
        "flush.ms",
        "log.flush.interval.ms",
        "9223372036854775807",
        Kind::Integer { min: 0, max: LONG },
    ),
    property(
        "follower.replication.throttled.replicas",
        "",
        "",
        Kind::Text,
    ),
    property(
        "index.interval.bytes",
        "log.index.interval.bytes",
        "4096",
        Kind::Integer { min: 0, max: INT },
    ),
    // Kafka's own way to have small segments in tests.
    property(
        "internal.segment.bytes",
        "internal.log.segment.bytes",
        "",
        Kind::Integer { min: 1, max: INT },
    ),
    property("leader.replication.throttled.replicas", "", "", Kind::Text),
    property(
        "local.retention.bytes",
        "log.local.retention.bytes",
        "-2",
        Kind::Integer { min: -2, max: LONG },
    ),
    property(
        "local.retention.ms",
        "log.local.retention.ms",
        "-2",
        Kind::Integer { min: -2, max: LONG },
    ),
    property(
        "max.compaction.lag.ms",
        "log.cleaner.max.compaction.lag.ms",
        "9223372036854775807",
        Kind::Integer { min: 1, max: LONG },
    ),
    property(
        "max.message.bytes",
        "message.max.bytes",
        "1048588",
        Kind::Integer { min: 0, max: INT },
    ),
    property(
        "message.timestamp.after.max.ms",
        "log.message.timestamp.after.max.ms",
        "3600000",
        Kind::Integer { min: 0, max: LONG },
    ),
    property(
        "message.timestamp.before.max.ms",
        "log.message.timestamp.before.max.ms",
        "9223372036854775807",
        Kind::Integer { min: 0, max: LONG },
    ),
    property(
        "message.timestamp.type",
        "log.message.timestamp.type",
        "CreateTime",
        Kind::One(&["CreateTime", "LogAppendTime"]),
    ),
    property(
        "min.cleanable.dirty.ratio",
        "log.cleaner.min.cleanable.ratio",
        "0.5",
        Kind::Ratio,
    ),
    property(
        "min.compaction.lag.ms",
        "log.cleaner.min.compaction.lag.ms",
        "0",
        Kind::Integer { min: 0, max: LONG },
    ),
    property(
        "min.insync.replicas",
        "min.insync.replicas",
        "1",
        Kind::Integer { min: 1, max: INT },
    ),
    property("preallocate", "log.preallocate", "false", Kind::Boolean),
    property("remote.log.copy.disable", "", "false", Kind::Boolean),
    property("remote.log.delete.on.disable", "", "false", Kind::Boolean),
    property("remote.storage.enable", "", "false", Kind::One(&["false"])),
    property(
        "retention.bytes",
        "log.retention.bytes",
        "-1",
        Kind::Integer {
            min: i64::MIN,
            max: LONG,
        },
    ),
    property(
        "retention.ms",
        "log.retention.ms",
        "604800000",
        Kind::Integer { min: -1, max: LONG },
    ),
    property(
        "segment.bytes",
        "log.segment.bytes",
        "1073741824",
        Kind::Integer {
            min: 1 << 20,
            max: INT,
        },
    ),
    property(
        "segment.index.bytes",
        "log.index.size.max.bytes",
        "10485760",
        Kind::Integer { min: 4, max: INT },
    ),
    property(
        "segment.jitter.ms",
        "log.roll.jitter.ms",
        "0",
        Kind::Integer { min: 0, max: LONG },
    ),
    property(
        "segment.ms",
        "log.roll.ms",
        "604800000",
        Kind::Integer { min: 1, max: LONG },
    ),
    property(
        "unclean.leader.election.enable",
        "unclean.leader.election.enable",
        "false",
        Kind::Boolean,
    ),
];

pub(crate) fn invalid(name: &str, value: &str, expected: impl Into<String>) -> PropertyError {
    PropertyError::Invalid {
        name: name.into(),
        value: value.into(),
        expected: expected.into(),
    }
}

fn parse<T: FromStr>(name: &str, value: &str) -> Result<T, PropertyError> {
    value.parse().map_err(|_| {
        let kind = std::any::type_name::<T>();
        let expected = if kind == "bool" {
            "must be true or false"
        } else {
            "must be a number"
        };
        invalid(name, value, expected)
    })
}

fn in_range<T>(name: &str, value: &str, min: T, max: T) -> Result<T, PropertyError>
where
    T: Copy + FromStr + PartialOrd + std::fmt::Display,
{
    let number: T = parse(name, value)?;
    if number < min || number > max {
        return Err(invalid(
            name,
            value,
            format!("must be between {min} and {max}"),
        ));
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_the_defaults_that_the_code_has() {
        let table = TOPIC_PROPERTIES
            .iter()
            .filter(|property| !property.default.is_empty())
            .map(|property| (property.name.to_owned(), property.default.to_owned()))
            .collect();
        assert_eq!(
            TopicConfig::default().with(&table),
            Ok(TopicConfig::default())
        );
    }

    #[test]
    fn kafka_names_set_the_broker_and_the_default_of_topics() {
        let mut config = BrokerConfig::default();
        for (name, value) in [
            ("num.partitions", "12"),
            ("auto.create.topics.enable", "false"),
            ("message.max.bytes", "2000"),
            ("log.message.timestamp.type", "LogAppendTime"),
            ("group.initial.rebalance.delay.ms", "0"),
        ] {
            config.set(name, value).unwrap();
        }
        assert_eq!(config.num_partitions, 12);
        assert!(!config.auto_create_topics);
        assert_eq!(config.topic.batch_bytes_max, 2000);
        assert!(config.topic.append_time);
        assert_eq!(config.group.initial_rebalance_delay_ms, 0);
    }

    #[test]
    fn unknown_names_and_bad_values_are_named() {
        let mut config = BrokerConfig::default();
        let error = config.set("no.such.thing", "1").unwrap_err();
        assert_eq!(error.to_string(), "unknown property no.such.thing");
        let error = config.set("num.partitions", "0").unwrap_err().to_string();
        assert_eq!(
            error,
            "invalid value \"0\" for num.partitions: must be between 1 and 10000"
        );
        let topic = |name: &str, value: &str| {
            let overrides = [(name.to_owned(), value.to_owned())].into();
            TopicConfig::default().with(&overrides)
        };
        assert!(
            topic("log.segment.bytes", "1048576").is_err(),
            "a broker's name"
        );
        assert!(topic("segment.bytes", "1000").is_err());
        assert_eq!(
            topic("internal.segment.bytes", "1000")
                .unwrap()
                .segment_bytes,
            1000
        );
        assert!(topic("message.timestamp.type", "Whenever").is_err());
        assert!(topic("cleanup.policy", "compact,delete").unwrap().compacted);
        assert!(topic("compression.type", "zstd").is_err());
    }
}

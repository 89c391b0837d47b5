//! Settings under Kafka's own property names: those of the broker, and those a topic may override.

pub(crate) mod describe;
pub(crate) mod property;
pub(crate) mod settings;
mod synonyms;
mod topic;

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use kafka_client_protocol::ErrorCode;
use zeroize::Zeroizing;

use crate::net::listener::{self, EndPoint, Protocols};
use crate::quota::Window;
use crate::refusal::Refusal;
use crate::security::delegation::DelegationConfig;
use crate::security::settings::SecuritySettings;

use self::property::{Table, parse};
pub(crate) use self::topic::TopicConfig;

/// What a property does here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Acts,
    /// It is Kafka's, and means nothing for one broker of this kind.
    None,
}

/// The broker's settings.
#[derive(Debug, Clone)]
pub(crate) struct BrokerConfig {
    pub(crate) node_id: i32,
    pub(crate) auto_create_topics: bool,
    pub(crate) delete_topics: bool,
    pub(crate) num_partitions: i32,
    /// Of a new data directory, and what another must say; a random one if it is not set.
    pub(crate) cluster_id: Option<String>,
    /// Whether what is made at its first use is not there at once, as in a cluster.
    pub(crate) strict_metadata: bool,
    pub(crate) request_bytes_max: usize,
    pub(crate) fetch_bytes_max: usize,
    /// Of metrics that a client pushes, compressed and not.
    pub(crate) telemetry_bytes_max: usize,
    pub(crate) fetch_sessions_max: usize,
    /// In an answer to DescribeTopicPartitions.
    pub(crate) partitions_per_page_max: usize,
    pub(crate) connections_max: usize,
    pub(crate) connections_per_ip_max: usize,
    pub(crate) connections_per_ip_overrides: BTreeMap<IpAddr, usize>,
    pub(crate) connections_max_idle_ms: u64,
    /// Of what is sent, what the system is asked to hold for a connection; `None` leaves it to the system.
    pub(crate) send_buffer_bytes: Option<usize>,
    /// How long a client may take nothing of what it has asked for.
    pub(crate) write_timeout_ms: u64,
    pub(crate) producer_expiration_ms: i64,
    pub(crate) checkpoint_interval_ms: u64,
    pub(crate) cleaner: CleanerConfig,
    /// How long after the start old records are looked for the first time.
    pub(crate) initial_task_delay_ms: u64,
    pub(crate) retention_check_interval_ms: u64,
    /// `None` if the property is not set.
    pub(crate) flush_check_interval_ms: Option<u64>,
    pub(crate) offsets_partitions: i32,
    pub(crate) offset_metadata_bytes_max: usize,
    pub(crate) group: GroupConfig,
    pub(crate) log_dir: Option<PathBuf>,
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

/// The settings of what compacts logs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CleanerConfig {
    pub(crate) is_on: bool,
    pub(crate) backoff_ms: u64,
    /// What the keys of one log may take in memory.
    pub(crate) buffer_bytes: usize,
}

/// The settings of the group coordinator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupConfig {
    pub(crate) initial_rebalance_delay_ms: u64,
    pub(crate) session_timeout_min_ms: i32,
    pub(crate) session_timeout_max_ms: i32,
    pub(crate) members_max: usize,
    pub(crate) offsets_retention_ms: i64,
    pub(crate) expiry_interval_ms: u64,
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
    #[error(
        "unknown property {name}{}",
        similar.as_ref().map_or_else(String::new, |similar| format!(", is it {similar}?"))
    )]
    Unknown {
        name: String,
        /// A property that was perhaps meant.
        similar: Option<String>,
    },
    #[error("{0} cannot be changed while the broker runs")]
    Static(String),
    #[error("{0} is a property of each broker, and not of all")]
    PerBroker(String),
    #[error("invalid value {value:?} for {name}: {expected}")]
    Invalid {
        name: String,
        value: String,
        expected: String,
    },
}

impl From<&PropertyError> for Refusal {
    fn from(error: &PropertyError) -> Self {
        Self::new(ErrorCode::INVALID_CONFIG, error.to_string())
    }
}

/// Kafka's default. With what Linux grows its buffers to, a consumer in large batches cost the broker a third more.
const SEND_BUFFER_BYTES: usize = 100 << 10;

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            node_id: 1,
            auto_create_topics: true,
            delete_topics: true,
            num_partitions: 1,
            cluster_id: None,
            strict_metadata: false,
            request_bytes_max: 100 << 20,
            fetch_bytes_max: 55 << 20,
            telemetry_bytes_max: 1 << 20,
            fetch_sessions_max: 1000,
            send_buffer_bytes: Some(SEND_BUFFER_BYTES),
            partitions_per_page_max: 2000,
            connections_max: 10_000,
            connections_per_ip_max: i32::MAX as usize,
            connections_per_ip_overrides: BTreeMap::new(),
            connections_max_idle_ms: 600_000,
            write_timeout_ms: 60_000,
            producer_expiration_ms: 86_400_000,
            checkpoint_interval_ms: 60_000,
            cleaner: CleanerConfig {
                is_on: true,
                backoff_ms: 15_000,
                buffer_bytes: 128 << 20,
            },
            initial_task_delay_ms: 30_000,
            retention_check_interval_ms: 300_000,
            flush_check_interval_ms: None,
            offsets_partitions: 50,
            offset_metadata_bytes_max: 4096,
            group: GroupConfig {
                initial_rebalance_delay_ms: 3_000,
                session_timeout_min_ms: 6_000,
                session_timeout_max_ms: 1_800_000,
                members_max: i32::MAX as usize,
                offsets_retention_ms: 10_080 * 60_000,
                expiry_interval_ms: 600_000,
            },
            log_dir: None,
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

    /// Takes one property of `server.properties`; whether this broker acts on it.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<Effect, PropertyError> {
        let value = value.trim();
        if let Some(property) = Table::broker().get(name) {
            property.check(value)?;
        }
        match name {
            "node.id" | "broker.id" => self.node_id = in_range(name, value, 0, i32::MAX)?,
            "auto.create.topics.enable" => self.auto_create_topics = parse(name, value)?,
            "delete.topic.enable" => self.delete_topics = parse(name, value)?,
            STRICT_METADATA => self.strict_metadata = parse(name, value)?,
            CLUSTER_ID => self.cluster_id = Some(value.to_owned()),
            WRITE_TIMEOUT => {
                self.write_timeout_ms = in_range(name, value, 1, i64::MAX as u64)?;
            }
            "num.partitions" => {
                self.num_partitions = in_range(name, value, 1, PARTITIONS_MAX)?;
            }
            "socket.request.max.bytes" => {
                self.request_bytes_max = in_range(name, value, 1, i32::MAX as usize)?;
            }
            "fetch.max.bytes" => {
                self.fetch_bytes_max = in_range(name, value, 1024, i32::MAX as usize)?;
            }
            "telemetry.max.bytes" => {
                self.telemetry_bytes_max = in_range(name, value, 1, i32::MAX as usize)?;
            }
            "max.incremental.fetch.session.cache.slots" => {
                self.fetch_sessions_max = in_range(name, value, 0, i32::MAX as usize)?;
            }
            "max.request.partition.size.limit" => {
                self.partitions_per_page_max = in_range(name, value, 1, i32::MAX as usize)?;
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
            "socket.send.buffer.bytes" => {
                self.send_buffer_bytes = match in_range(name, value, -1, i64::from(i32::MAX))? {
                    0 => return Err(invalid(name, value, "must be -1, or at least 1")),
                    bytes => usize::try_from(bytes).ok(),
                };
            }
            "producer.id.expiration.ms" => {
                self.producer_expiration_ms = in_range(name, value, 1, i64::MAX)?;
            }
            "log.flush.offset.checkpoint.interval.ms" => {
                self.checkpoint_interval_ms = in_range(name, value, 1, i32::MAX as u64)?;
            }
            "log.cleaner.enable" => self.cleaner.is_on = parse(name, value)?,
            "log.cleaner.backoff.ms" => {
                self.cleaner.backoff_ms = in_range(name, value, 0, i64::MAX as u64)?;
            }
            "log.cleaner.dedupe.buffer.size" => {
                self.cleaner.buffer_bytes = in_range(name, value, 1 << 20, i64::MAX as usize)?;
            }
            "log.initial.task.delay.ms" => {
                self.initial_task_delay_ms = in_range(name, value, 0, i64::MAX as u64)?;
            }
            "log.retention.check.interval.ms" => {
                self.retention_check_interval_ms = in_range(name, value, 1, i64::MAX as u64)?;
            }
            "log.flush.scheduler.interval.ms" => {
                let ms = in_range(name, value, 1, i64::MAX as u64)?;
                self.flush_check_interval_ms = Some(ms).filter(|ms| *ms < i64::MAX as u64);
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
            "log.dirs" | "log.dir" => {
                self.log_dir = property::list(value).next().map(PathBuf::from);
            }
            "offsets.retention.minutes" => {
                let minutes: i64 = in_range(name, value, 1, i64::from(i32::MAX))?;
                self.group.offsets_retention_ms = minutes * 60_000;
            }
            "offsets.retention.check.interval.ms" => {
                self.group.expiry_interval_ms = in_range(name, value, 1, i64::MAX as u64)?;
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
            "log.retention.ms" | "log.retention.minutes" | "log.retention.hours"
                if value == "0" =>
            {
                return Err(invalid(name, value, "must be at least 1, or -1"));
            }
            _ => {
                Table::broker().find(name)?;
                if let Some((primary, value)) = synonyms::converted(name, value) {
                    return self.set(primary, &value);
                }
                return match topic::with_default_from(name) {
                    Some(property) => self.topic.apply(property.name, value),
                    None => Ok(Effect::None),
                };
            }
        }
        Ok(Effect::Acts)
    }
}

/// A property of this broker alone.
pub(crate) const STRICT_METADATA: &str = "kafka-broker.strict.metadata";

/// Likewise.
pub(crate) const CLUSTER_ID: &str = "kafka-broker.cluster.id";

/// Likewise.
pub(crate) const WRITE_TIMEOUT: &str = "kafka-broker.write.timeout.ms";

/// The authorizer that this broker's is the same as.
const STANDARD_AUTHORIZER: &str = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";

/// The most partitions that one request may create, as in Kafka.
pub(crate) const PARTITIONS_MAX: i32 = 10_000;

pub(crate) fn invalid(name: &str, value: &str, expected: impl Into<String>) -> PropertyError {
    PropertyError::Invalid {
        name: name.into(),
        value: value.into(),
        expected: expected.into(),
    }
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
        assert_eq!(config.set("log.retention.hours", "2"), Ok(Effect::Acts));
        assert_eq!(config.topic.log.retention_ms, 7_200_000);
        assert!(config.set("log.retention.minutes", "0").is_err());
    }

    #[test]
    fn unknown_names_and_bad_values_are_named() {
        let mut config = BrokerConfig::default();
        let error = config.set("no.such.thing", "1").unwrap_err();
        assert_eq!(error.to_string(), "unknown property no.such.thing");
        let error = config.set("num.partitions", "0").unwrap_err().to_string();
        assert_eq!(
            error,
            "invalid value \"0\" for num.partitions: must be at least 1"
        );
    }
}

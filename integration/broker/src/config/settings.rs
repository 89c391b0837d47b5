//! The settings of a running broker: as it was started, and what clients have changed since.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_client_protocol::ErrorCode;
use serde::{Deserialize, Serialize};

use super::property::{Table, list};
use super::synonyms::{self, in_layers};
use super::{BrokerConfig, PropertyError, invalid};
use crate::refusal::Refusal;

/// Properties by name.
pub(crate) type Properties = BTreeMap<String, String>;

/// Why what an owner was to set is refused.
pub(crate) fn refusal(owner: Owner<'_>, error: &PropertyError) -> Refusal {
    let is_request = match (owner, error) {
        (Owner::Broker | Owner::Cluster, _)
        | (Owner::ClientMetrics(_), PropertyError::Unknown { .. }) => true,
        (Owner::ClientMetrics(_), PropertyError::Invalid { name, .. }) => name == "interval.ms",
        _ => false,
    };
    let code = if is_request {
        ErrorCode::INVALID_REQUEST
    } else {
        ErrorCode::INVALID_CONFIG
    };
    Refusal::new(code, error.to_string())
}

/// What has settings that clients change, but topics: theirs are kept with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner<'a> {
    /// All brokers of the cluster.
    Cluster,
    /// This broker.
    Broker,
    Group(&'a str),
    /// A subscription to clients' metrics (KIP-714).
    ClientMetrics(&'a str),
}

/// What clients have changed, as it outlives the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Changed {
    pub(super) cluster: Properties,
    pub(super) broker: Properties,
    pub(super) groups: BTreeMap<String, Properties>,
    pub(super) client_metrics: BTreeMap<String, Properties>,
}

/// All settings but those of topics, at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Of the start.
    pub(super) given: Properties,
    pub(super) changed: Changed,
    config: Arc<BrokerConfig>,
}

impl Default for Changed {
    /// As Kafka formats a storage: the least number of replicas is a setting of the cluster from the
    /// start, since it is a matter of whom to elect (KIP-966).
    fn default() -> Self {
        Self {
            cluster: [("min.insync.replicas".to_owned(), "1".to_owned())].into(),
            broker: Properties::new(),
            groups: BTreeMap::new(),
            client_metrics: BTreeMap::new(),
        }
    }
}

impl Settings {
    pub(crate) fn new(given: Properties, changed: Changed) -> Result<Self, PropertyError> {
        let config = effective(&given, &changed)?;
        Ok(Self {
            given,
            changed,
            config,
        })
    }

    /// Takes in, for those who ask, what a start has settled without a property.
    pub(crate) fn note(&mut self, settled: &[(&str, String)]) {
        for (name, value) in settled {
            let place = self.given.entry((*name).to_owned());
            place.or_insert_with(|| value.clone());
        }
    }

    /// What follows from them for the broker.
    pub(crate) fn config(&self) -> &Arc<BrokerConfig> {
        &self.config
    }

    pub(crate) fn changed(&self) -> &Changed {
        &self.changed
    }

    /// What an owner has set; nothing if it has no settings.
    pub(crate) fn of(&self, owner: Owner<'_>) -> Properties {
        let found = match owner {
            Owner::Cluster => Some(&self.changed.cluster),
            Owner::Broker => Some(&self.changed.broker),
            Owner::Group(name) => self.changed.groups.get(name),
            Owner::ClientMetrics(name) => self.changed.client_metrics.get(name),
        };
        found.cloned().unwrap_or_default()
    }

    /// The groups that have settings of their own.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        self.changed.groups.keys().map(String::as_str)
    }

    /// The subscriptions to clients' metrics.
    pub(crate) fn client_metrics(&self) -> impl Iterator<Item = &str> {
        self.changed.client_metrics.keys().map(String::as_str)
    }

    /// What each subscription to clients' metrics sets.
    pub(crate) fn all_client_metrics(&self) -> &BTreeMap<String, Properties> {
        &self.changed.client_metrics
    }

    /// Replaces what an owner has set. Nothing changes if it cannot be.
    pub(crate) fn replace(
        &mut self,
        owner: Owner<'_>,
        properties: Properties,
    ) -> Result<(), PropertyError> {
        let mut changed = self.changed.clone();
        match owner {
            Owner::Cluster | Owner::Broker => {
                let before = self.of(owner);
                for (name, value) in &properties {
                    check_dynamic(owner, name, value)?;
                    if before.get(name) != Some(value) && holds_from_the_next_start(name) {
                        tracing::warn!("{name} was changed, which holds from the next start on");
                    }
                }
                if owner == Owner::Cluster {
                    changed.cluster = properties;
                } else {
                    changed.broker = properties;
                }
            }
            Owner::Group(name) => {
                for (name, value) in &properties {
                    self.check_of_group(name, value)?;
                }
                put(&mut changed.groups, name, properties);
            }
            Owner::ClientMetrics(name) => {
                for (name, value) in &properties {
                    check_client_metrics(name, value)?;
                }
                put(&mut changed.client_metrics, name, properties);
            }
        }
        self.config = effective(&self.given, &changed)?;
        self.changed = changed;
        Ok(())
    }

    /// What holds for a broker's property, in the unit of its first synonym; `None` if nobody has set it.
    pub(super) fn set_value(&self, name: &str) -> Option<String> {
        synonyms::value(name, |name| {
            let layers = [&self.changed.broker, &self.changed.cluster, &self.given];
            in_layers(&layers, name)
        })
    }

    /// A group may go as far as its broker lets it.
    fn check_of_group(&self, name: &str, value: &str) -> Result<(), PropertyError> {
        Table::group().find(name)?.check(value)?;
        let Some((protocol, rest)) = name.split_once('.') else {
            return Ok(());
        };
        let Ok(number) = value.parse::<i64>() else {
            return Ok(());
        };
        for (side, is_wrong) in [
            ("min", (|a, b| a < b) as fn(i64, i64) -> bool),
            ("max", |a, b| a > b),
        ] {
            let limit_name = format!("group.{protocol}.{side}.{rest}");
            let Some(property) = Table::broker().get(&limit_name) else {
                continue;
            };
            let limit = self.set_value(&limit_name);
            let limit = limit.as_deref().or(property.default);
            if let Some(limit) = limit.and_then(|limit| limit.parse().ok())
                && is_wrong(number, limit)
            {
                let than = if side == "min" { "least" } else { "most" };
                let expected = format!("must be at {than} {limit}, the broker's {limit_name}");
                return Err(invalid(name, value, expected));
            }
        }
        Ok(())
    }
}

fn put(all: &mut BTreeMap<String, Properties>, name: &str, properties: Properties) {
    if properties.is_empty() {
        all.remove(name);
    } else {
        all.insert(name.to_owned(), properties);
    }
}

fn effective(given: &Properties, changed: &Changed) -> Result<Arc<BrokerConfig>, PropertyError> {
    let layers = [&changed.broker, &changed.cluster, given];
    let mut config = BrokerConfig::default();
    let mut names: Vec<&String> = layers.iter().flat_map(|layer| layer.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let primary = synonyms::primary(name);
        let base = synonyms::without_listener(primary).unwrap_or(primary);
        let is_known = Table::broker().get(base).is_some() || given.contains_key(primary);
        if let Some(value) = synonyms::value(primary, |name| in_layers(&layers, name))
            && is_known
        {
            config.set(primary, &value)?;
        }
        // It is also how often a flush is thought of.
        if name == "log.flush.scheduler.interval.ms"
            && let Some(value) = in_layers(&layers, name)
        {
            config.set(name, value)?;
        }
    }
    Ok(Arc::new(config))
}

/// What Kafka's brokers take over at once and this one does not: sockets and the files of security are
/// looked at when it starts.
fn holds_from_the_next_start(name: &str) -> bool {
    let base = synonyms::without_listener(name).unwrap_or(name);
    let property = Table::broker().get(base);
    property.is_some_and(|property| property.scope == super::property::Scope::PerBroker)
}

/// Whether a client may set it for the owner while the broker runs.
fn check_dynamic(owner: Owner<'_>, name: &str, value: &str) -> Result<(), PropertyError> {
    let base = synonyms::without_listener(name).unwrap_or(name);
    let property = match Table::broker().find(base) {
        Ok(property) => property,
        // It may be for something that is plugged into a broker, so Kafka takes it.
        Err(unknown) => {
            tracing::warn!("a client has set what has no effect: {unknown}");
            return Ok(());
        }
    };
    property.check(value)?;
    if !property.is_dynamic() {
        return Err(PropertyError::Static(name.to_owned()));
    }
    let is_own = property.scope == super::property::Scope::PerBroker;
    if owner == Owner::Cluster && is_own {
        return Err(PropertyError::PerBroker(name.to_owned()));
    }
    Ok(())
}

fn check_client_metrics(name: &str, value: &str) -> Result<(), PropertyError> {
    const INTERVALS_MS: std::ops::RangeInclusive<i32> = 100..=3_600_000;
    Table::client_metrics().find(name)?.check(value)?;
    match name {
        "interval.ms" if !INTERVALS_MS.contains(&super::property::parse(name, value)?) => {
            Err(invalid(name, value, "must be between 100 and 3600000"))
        }
        "match" => {
            const KEYS: [&str; 6] = [
                "client_id",
                "client_instance_id",
                "client_software_name",
                "client_software_version",
                "client_source_address",
                "client_source_port",
            ];
            for pattern in list(value) {
                let (key, expression) = pattern
                    .split_once('=')
                    .ok_or_else(|| invalid(name, pattern, "must be of the form key=expression"))?;
                if !KEYS.contains(&key.trim()) {
                    let expected = format!("its key must be one of {}", KEYS.join(", "));
                    return Err(invalid(name, pattern, expected));
                }
                regex::Regex::new(expression.trim())
                    .map_err(|_| invalid(name, pattern, "must have a regular expression"))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<const N: usize>(properties: [(&str, &str); N]) -> Properties {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        properties.into_iter().map(owned).collect()
    }

    #[test]
    fn the_broker_wins_over_the_cluster_and_both_over_the_start() {
        let given = of([("message.max.bytes", "1")]);
        let mut settings = Settings::new(given, Changed::default()).unwrap();
        let bytes_max = |settings: &Settings| settings.config().topic.batch_bytes_max;
        assert_eq!(bytes_max(&settings), 1);
        let change = |settings: &mut Settings, owner, value| {
            settings.replace(owner, of([("message.max.bytes", value)]))
        };
        change(&mut settings, Owner::Cluster, "2").unwrap();
        assert_eq!(bytes_max(&settings), 2);
        change(&mut settings, Owner::Broker, "3").unwrap();
        assert_eq!(bytes_max(&settings), 3);
        settings.replace(Owner::Broker, of([])).unwrap();
        settings.replace(Owner::Cluster, of([])).unwrap();
        assert_eq!(bytes_max(&settings), 1);
        assert!(change(&mut settings, Owner::Cluster, "-1").is_err());
        assert_eq!(bytes_max(&settings), 1);
    }

    #[test]
    fn what_only_a_start_can_set_is_refused() {
        let mut settings = Settings::new(of([]), Changed::default()).unwrap();
        let refused = |settings: &mut Settings, owner, name, value| {
            let replaced = settings.replace(owner, of([(name, value)]));
            replaced.unwrap_err().to_string()
        };
        let text = refused(&mut settings, Owner::Broker, "num.partitions", "3");
        assert!(text.contains("num.partitions"), "{text}");
        let text = refused(&mut settings, Owner::Cluster, "ssl.client.auth", "none");
        assert!(text.contains("ssl.client.auth"), "{text}");
        let text = refused(
            &mut settings,
            Owner::Group("g"),
            "consumer.session.timeout.ms",
            "44999",
        );
        assert!(
            text.contains("group.consumer.min.session.timeout.ms"),
            "{text}"
        );
    }
}

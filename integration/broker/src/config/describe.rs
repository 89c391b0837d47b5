//! What DescribeConfigs tells: each property with its value, where the value comes from, and what
//! would hold without it.

use super::property::{Kind, Property, Scope, Table};
use super::settings::{Owner, Properties, Settings};
use super::synonyms::{self, in_layers};

/// Where a value comes from, with the number that `config_source` has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Topic = 1,
    DynamicBroker = 2,
    DynamicDefaultBroker = 3,
    StaticBroker = 4,
    Default = 5,
    ClientMetrics = 7,
    Group = 8,
}

/// A property as a client sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// `None` if there is none, or nobody may see it.
    pub(crate) value: Option<String>,
    /// `None` if this broker does not know the property.
    pub(crate) kind: Option<Kind>,
    pub(crate) source: Source,
    pub(crate) is_sensitive: bool,
    pub(crate) is_read_only: bool,
    /// What sets it, the one that holds first.
    pub(crate) synonyms: Vec<Synonym>,
}

/// One place that sets a property.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Synonym {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
    pub(crate) source: Source,
}

impl Settings {
    /// The properties of this broker.
    pub(crate) fn describe_broker(&self) -> Vec<Entry> {
        let known = Table::broker().iter();
        let known = known.filter(|property| property.scope != Scope::Internal);
        let mut entries: Vec<Entry> = known
            .map(|property| self.entry_of_broker(property.name))
            .collect();
        let layers = [&self.given, &self.changed.cluster, &self.changed.broker];
        let of_listeners = layers.iter().flat_map(|layer| layer.keys());
        let of_listeners = of_listeners.filter(|name| Table::broker().get(name).is_none());
        entries.extend(of_listeners.map(|name| self.entry_of_broker(name)));
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries.dedup_by(|a, b| a.name == b.name);
        entries
    }

    fn entry_of_broker(&self, name: &str) -> Entry {
        let property = property_of_broker(name);
        let synonyms = self.synonyms_of_broker(name);
        let layers = [&self.changed.broker, &self.changed.cluster, &self.given];
        let base = synonyms::without_listener(name).unwrap_or(name);
        let value = in_layers(&layers, name).or_else(|| in_layers(&layers, base));
        let value = value.or_else(|| property?.default).map(str::to_owned);
        entry(name, property, value, synonyms)
            .read_only(property.is_none_or(|one| !one.is_dynamic()))
    }

    /// What all brokers of the cluster have been told.
    pub(crate) fn describe_cluster(&self) -> Vec<Entry> {
        let set = self.changed.cluster.iter();
        set.map(|(name, value)| {
            let property = property_of_broker(name);
            let source = Source::DynamicDefaultBroker;
            let is_secret = property.is_none_or(Property::is_sensitive);
            let synonyms = vec![synonym(name, value, is_secret, source)];
            entry(name, property, Some(value.clone()), synonyms)
        })
        .collect()
    }

    /// The settings of a topic that sets some itself.
    pub(crate) fn describe_topic(&self, own: &Properties) -> Vec<Entry> {
        let known = Table::topic().iter();
        let known = known.filter(|property| !property.name.starts_with("internal."));
        known
            .map(|property| self.inherited(property, own, Source::Topic))
            .collect()
    }

    /// The settings of a group.
    pub(crate) fn describe_group(&self, name: &str) -> Vec<Entry> {
        let own = self.of(Owner::Group(name));
        let known = Table::group().iter();
        known
            .map(|property| self.inherited(property, &own, Source::Group))
            .collect()
    }

    /// The settings of a subscription to clients' metrics.
    pub(crate) fn describe_client_metrics(&self, name: &str) -> Vec<Entry> {
        let own = self.of(Owner::ClientMetrics(name));
        let known = Table::client_metrics().iter();
        known
            .map(|property| self.inherited(property, &own, Source::ClientMetrics))
            .collect()
    }

    /// A property that its owner sets, or that has its value from the broker.
    fn inherited(&self, property: &Property, own: &Properties, source: Source) -> Entry {
        let own = own.get(property.name);
        let mut synonyms = Vec::new();
        let mut value = own.cloned();
        if let Some(own) = own {
            synonyms.push(synonym(property.name, own, property.is_sensitive(), source));
        }
        match (property.scope, property.default) {
            (Scope::DefaultFrom(name), _) => {
                synonyms.extend(self.synonyms_of_broker(name));
                value = value.or_else(|| self.set_value(name));
            }
            (_, Some(default)) if source == Source::Group => {
                synonyms.push(synonym(property.name, default, false, Source::Default));
            }
            _ => {}
        }
        let value = value.or_else(|| property.default.map(str::to_owned));
        entry(property.name, Some(property), value, synonyms)
    }

    fn synonyms_of_broker(&self, name: &str) -> Vec<Synonym> {
        let names = synonyms::all(name);
        let is_secret = property_of_broker(name).is_none_or(Property::is_sensitive);
        let mut synonyms = Vec::new();
        for (layer, source) in [
            (&self.changed.broker, Source::DynamicBroker),
            (&self.changed.cluster, Source::DynamicDefaultBroker),
            (&self.given, Source::StaticBroker),
        ] {
            let set = names.iter().filter_map(|name| layer.get_key_value(*name));
            synonyms.extend(set.map(|(name, value)| synonym(name, value, is_secret, source)));
        }
        let defaults = names.iter().filter_map(|name| {
            let default = property_of_broker(name)?.default?;
            Some(synonym(name, default, is_secret, Source::Default))
        });
        synonyms.extend(defaults);
        synonyms
    }
}

impl Entry {
    fn read_only(mut self, is_read_only: bool) -> Self {
        self.is_read_only = is_read_only;
        self
    }
}

/// Also if it is that of one listener.
fn property_of_broker(name: &str) -> Option<&'static Property> {
    let base = synonyms::without_listener(name).unwrap_or(name);
    Table::broker().get(base)
}

fn entry(
    name: &str,
    property: Option<&Property>,
    value: Option<String>,
    synonyms: Vec<Synonym>,
) -> Entry {
    // What is not known may be a secret.
    let is_sensitive = property.is_none_or(Property::is_sensitive);
    Entry {
        name: name.to_owned(),
        value: value.filter(|_| !is_sensitive),
        kind: property.map(|property| property.kind),
        source: synonyms.first().map_or(Source::Default, |one| one.source),
        is_sensitive,
        is_read_only: false,
        synonyms,
    }
}

fn synonym(name: &str, value: &str, is_secret: bool, source: Source) -> Synonym {
    Synonym {
        name: name.to_owned(),
        value: (!is_secret).then(|| value.to_owned()),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Changed;
    use super::*;

    fn of<const N: usize>(properties: [(&str, &str); N]) -> Properties {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        properties.into_iter().map(owned).collect()
    }

    fn find<'a>(entries: &'a [Entry], name: &str) -> &'a Entry {
        entries.iter().find(|entry| entry.name == name).unwrap()
    }

    fn sources(entry: &Entry) -> Vec<(&str, Option<&str>, Source)> {
        let all = entry.synonyms.iter();
        all.map(|one| (&*one.name, one.value.as_deref(), one.source))
            .collect()
    }

    #[test]
    fn a_topic_tells_its_own_value_and_what_is_behind_it() {
        let given = of([("log.retention.hours", "1")]);
        let settings = Settings::new(given, Changed::default()).unwrap();
        let entries = settings.describe_topic(&of([]));
        assert_eq!(entries.len(), 33);
        let retention = find(&entries, "retention.ms");
        assert_eq!(retention.value.as_deref(), Some("3600000"));
        assert_eq!(retention.source, Source::StaticBroker);
        assert_eq!(
            sources(retention),
            [
                ("log.retention.hours", Some("1"), Source::StaticBroker),
                ("log.retention.hours", Some("168"), Source::Default),
            ]
        );
        let entries = settings.describe_topic(&of([("retention.ms", "7")]));
        let retention = find(&entries, "retention.ms");
        assert_eq!(retention.value.as_deref(), Some("7"));
        assert_eq!(retention.source, Source::Topic);
        assert_eq!(retention.synonyms.len(), 3);
    }

    #[test]
    fn a_broker_keeps_its_secrets() {
        let given = of([
            ("ssl.key.password", "hush"),
            ("listener.name.x.ssl.key.password", "hush"),
            ("num.partitions", "4"),
        ]);
        let mut settings = Settings::new(given, Changed::default()).unwrap();
        let background = of([("background.threads", "3")]);
        settings.replace(Owner::Cluster, background).unwrap();
        let entries = settings.describe_broker();
        for name in ["ssl.key.password", "listener.name.x.ssl.key.password"] {
            let secret = find(&entries, name);
            assert!(secret.is_sensitive && secret.value.is_none());
            assert!(secret.synonyms.iter().all(|one| one.value.is_none()));
        }
        let partitions = find(&entries, "num.partitions");
        assert!(partitions.is_read_only);
        assert_eq!(partitions.value.as_deref(), Some("4"));
        assert_eq!(partitions.kind, Some(Kind::Int));
        let threads = find(&entries, "background.threads");
        assert!(!threads.is_read_only);
        assert_eq!(
            sources(threads),
            [
                (
                    "background.threads",
                    Some("3"),
                    Source::DynamicDefaultBroker
                ),
                ("background.threads", Some("10"), Source::Default),
            ]
        );
        assert_eq!(
            settings.describe_cluster().len(),
            1,
            "and no longer min.insync.replicas"
        );
        assert!(
            entries
                .iter()
                .all(|entry| entry.name != "internal.log.segment.bytes")
        );
    }
}

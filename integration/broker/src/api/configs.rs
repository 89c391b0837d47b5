//! What the APIs of settings have in common: the resources, and changes to what one sets.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use kafka_client_protocol::ErrorCode;

use super::Call;
use crate::config::property::{Kind, Table, list};
use crate::config::settings::{self, Owner, Properties};
use crate::node::Node;
use crate::refusal::Refusal;
use crate::security::acl::AclOperation;
use crate::topics::{Topic, check_name};

pub(super) const TOPIC: i8 = 2;
pub(super) const BROKER: i8 = 4;
pub(super) const BROKER_LOGGER: i8 = 8;
pub(super) const CLIENT_METRICS: i8 = 16;
pub(super) const GROUP: i8 = 32;

/// Something that has settings.
#[derive(Debug, Clone)]
pub(super) enum Resource {
    Topic(Arc<Topic>),
    Cluster,
    Broker,
    Group(String),
    ClientMetrics(String),
}

/// One change of a property.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    Set,
    Delete,
    /// Adds to a list.
    Append,
    /// Takes from a list.
    Subtract,
}

impl Change {
    /// As `config_operation` says it.
    pub(super) fn of(code: i8) -> Option<Self> {
        match code {
            0 => Some(Self::Set),
            1 => Some(Self::Delete),
            2 => Some(Self::Append),
            3 => Some(Self::Subtract),
            _ => None,
        }
    }
}

/// Which changes of a broker's settings come over the wire at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Describe,
    Alter,
}

/// The resource that a request names, if it is there and the principal may do that with it.
pub(super) fn resource(
    call: &Call<'_>,
    kind: i8,
    name: &str,
    wanted: Use,
) -> Result<Resource, Refusal> {
    let operation = match wanted {
        Use::Describe => AclOperation::DescribeConfigs,
        Use::Alter => AclOperation::AlterConfigs,
    };
    match kind {
        TOPIC => {
            if !call.may_on_topic(operation, name) {
                return Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED.into());
            }
            check_name(name)?;
            let topic = call.node.topics.named(name).ok_or_else(|| {
                let message = format!("topic {name} does not exist");
                Refusal::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message)
            })?;
            Ok(Resource::Topic(topic))
        }
        BROKER | BROKER_LOGGER => {
            call.needs_on_cluster(operation)?;
            let id = call.node.config().node_id;
            if name.is_empty() && kind == BROKER {
                Ok(Resource::Cluster)
            } else if name.parse() == Ok(id) {
                Ok(Resource::Broker)
            } else {
                Err(invalid(format!(
                    "unexpected broker id {name:?}: this is broker {id}, and \"\" means all"
                )))
            }
        }
        CLIENT_METRICS => {
            call.needs_on_cluster(operation)?;
            named(name).map(Resource::ClientMetrics)
        }
        GROUP => {
            call.needs_on_group(operation, name)?;
            named(name).map(Resource::Group)
        }
        _ => Err(invalid(format!("unknown resource type {kind}"))),
    }
}

fn named(name: &str) -> Result<String, Refusal> {
    if name.is_empty() {
        return Err(invalid("the resource has no name"));
    }
    Ok(name.to_owned())
}

impl Resource {
    /// What it sets itself.
    fn own(&self, node: &Node) -> Properties {
        match (self, self.owner()) {
            (_, Some(owner)) => node.settings.get().of(owner),
            (Self::Topic(topic), None) => topic.own_settings(),
            _ => Properties::new(),
        }
    }

    fn owner(&self) -> Option<Owner<'_>> {
        match self {
            Self::Topic(_) => None,
            Self::Cluster => Some(Owner::Cluster),
            Self::Broker => Some(Owner::Broker),
            Self::Group(name) => Some(Owner::Group(name)),
            Self::ClientMetrics(name) => Some(Owner::ClientMetrics(name)),
        }
    }

    fn table(&self) -> &'static Table {
        match self {
            Self::Topic(_) => Table::topic(),
            Self::Cluster | Self::Broker => Table::broker(),
            Self::Group(_) => Table::group(),
            Self::ClientMetrics(_) => Table::client_metrics(),
        }
    }

    fn put(&self, node: &Node, own: Properties, validate_only: bool) -> Result<(), Refusal> {
        match (self, self.owner()) {
            (_, Some(owner)) if validate_only => {
                let mut settings = node.settings.get().as_ref().clone();
                let replaced = settings.replace(owner, own);
                replaced.map_err(|error| settings::refusal(owner, &error))
            }
            (_, Some(owner)) => node.change_settings(owner, own),
            (Self::Topic(topic), None) => {
                node.topics.set(topic, own, &node.config(), validate_only)
            }
            _ => Ok(()),
        }
    }

    /// Sets what is given, and nothing else any more.
    pub(super) async fn replace(
        self,
        call: &Call<'_>,
        properties: Vec<(String, Option<String>)>,
        validate_only: bool,
    ) -> Result<(), Refusal> {
        let mut own = Properties::new();
        check_names(properties.iter().map(|(name, _)| name))?;
        for (name, value) in properties {
            let value = value.ok_or_else(|| null(&name))?;
            own.insert(name, value);
        }
        let put = call
            .node
            .apart(move |node| self.put(node, own, validate_only));
        finished(put.await)
    }

    /// Changes what it sets, one property after the other; all of them or none.
    pub(super) async fn change(
        self,
        call: &Call<'_>,
        changes: Vec<(String, Change, Option<String>)>,
        validate_only: bool,
    ) -> Result<(), Refusal> {
        check_names(changes.iter().map(|(name, ..)| name))?;
        let put = call.node.apart(move |node| {
            let mut own = self.own(node);
            for (name, change, value) in changes {
                apply(&mut own, self.table(), name, &change, value)?;
            }
            self.put(node, own, validate_only)
        });
        finished(put.await)
    }
}

fn finished(put: std::io::Result<Result<(), Refusal>>) -> Result<(), Refusal> {
    let failed =
        |error: std::io::Error| Refusal::new(ErrorCode::UNKNOWN_SERVER_ERROR, error.to_string());
    put.map_err(failed)?
}

fn apply(
    own: &mut Properties,
    table: &Table,
    name: String,
    change: &Change,
    value: Option<String>,
) -> Result<(), Refusal> {
    if *change == Change::Delete {
        own.remove(&name);
        return Ok(());
    }
    let value = value.ok_or_else(|| null(&name))?;
    if *change == Change::Set {
        own.insert(name, value);
        return Ok(());
    }
    let property = table.find(&name).map_err(|error| Refusal::from(&error))?;
    if property.kind != Kind::List {
        let message = format!("{name} is no list that values can be added to or taken from");
        return Err(Refusal::new(ErrorCode::INVALID_CONFIG, message));
    }
    let now = own.get(&name).map(String::as_str).or(property.default);
    let mut values: Vec<&str> = list(now.unwrap_or_default()).collect();
    for one in list(&value) {
        match change {
            Change::Append if values.contains(&one) => {}
            Change::Append => values.push(one),
            _ => values.retain(|there| *there != one),
        }
    }
    let changed = values.join(",");
    own.insert(name, changed);
    Ok(())
}

fn check_names<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), Refusal> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(invalid(format!("property {name} is named twice")));
        }
    }
    Ok(())
}

/// The resources that a request names more than once: none of them is changed, as in Kafka.
pub(super) fn repeated<T: Eq + Hash>(resources: impl Iterator<Item = T>) -> HashSet<T> {
    let (mut seen, mut repeated) = (HashSet::new(), HashSet::new());
    for resource in resources {
        if let Some(before) = seen.replace(resource) {
            repeated.insert(before);
        }
    }
    repeated
}

pub(super) fn named_twice() -> Refusal {
    invalid("a resource may be named once in a request")
}

fn null(name: &str) -> Refusal {
    invalid(format!("property {name} has no value"))
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::INVALID_REQUEST, message)
}

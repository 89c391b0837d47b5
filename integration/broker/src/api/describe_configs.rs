//! DescribeConfigs (key 32), versions 1 to 4: the settings of topics, brokers, groups and
//! subscriptions to clients' metrics.
//!
//! Each property comes with where its value is from, and what would hold without it. A broker has
//! its log levels from its environment, so it has none to describe (type 8), and no property is
//! explained (`include_documentation`).

use kafka_client_protocol::api::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_client_protocol::{ErrorCode, StrBytes};

use super::configs::{BROKER_LOGGER, Resource, Use, resource};
use super::{Api, Call, text};
use crate::config::describe::{Entry, Synonym};
use crate::refusal::Refusal;

const TYPES_SINCE: i16 = 3;

impl Api for DescribeConfigsRequest {
    async fn answer(self, call: &Call<'_>) -> DescribeConfigsResponse {
        let results = self.resources.iter().map(|asked| {
            let described = describe(call, &self, asked);
            described.unwrap_or_else(|refusal| refused(asked, &refusal))
        });
        DescribeConfigsResponse {
            results: results.collect(),
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> DescribeConfigsResponse {
        let refusal = Refusal::from(error);
        let results = self.resources.iter().map(|asked| refused(asked, &refusal));
        DescribeConfigsResponse {
            results: results.collect(),
            ..Default::default()
        }
    }
}

fn describe(
    call: &Call<'_>,
    request: &DescribeConfigsRequest,
    asked: &DescribeConfigsResource,
) -> Result<DescribeConfigsResult, Refusal> {
    let (kind, name) = (asked.resource_type, &asked.resource_name);
    let settings = call.node.settings.get();
    let entries = match resource(call, kind, name, Use::Describe)? {
        Resource::Topic(topic) => settings.describe_topic(&topic.own_settings()),
        Resource::Broker if kind == BROKER_LOGGER => Vec::new(),
        Resource::Broker => settings.describe_broker(),
        Resource::Cluster => settings.describe_cluster(),
        Resource::Group(group) => settings.describe_group(&group),
        Resource::ClientMetrics(name) => settings.describe_client_metrics(&name),
    };
    let is_asked = |entry: &Entry| match &asked.configuration_keys {
        // As in Kafka, none at all is no choice either.
        None => true,
        Some(names) if names.is_empty() => true,
        Some(names) => names.iter().any(|name| **name == *entry.name),
    };
    let entries = entries.into_iter().filter(is_asked);
    Ok(DescribeConfigsResult {
        error_message: text(""),
        resource_type: kind,
        resource_name: name.clone(),
        configs: entries
            .map(|entry| told(entry, request.include_synonyms, call.version))
            .collect(),
        ..Default::default()
    })
}

fn told(entry: Entry, with_synonyms: bool, version: i16) -> DescribeConfigsResourceResult {
    let synonym = |one: Synonym| DescribeConfigsSynonym {
        name: one.name.into(),
        value: one.value.map(StrBytes::from),
        source: one.source as i8,
        ..Default::default()
    };
    let synonyms = entry.synonyms.into_iter().filter(|_| with_synonyms);
    let kind = entry.kind.filter(|_| version >= TYPES_SINCE);
    DescribeConfigsResourceResult {
        name: entry.name.into(),
        value: entry.value.map(StrBytes::from),
        read_only: entry.is_read_only,
        config_source: entry.source as i8,
        is_sensitive: entry.is_sensitive,
        synonyms: synonyms.map(synonym).collect(),
        config_type: kind.map_or(0, |kind| kind as i8),
        documentation: None,
        ..Default::default()
    }
}

fn refused(asked: &DescribeConfigsResource, refusal: &Refusal) -> DescribeConfigsResult {
    DescribeConfigsResult {
        error_code: refusal.code.code(),
        error_message: text(&*refusal.message),
        resource_type: asked.resource_type,
        resource_name: asked.resource_name.clone(),
        ..Default::default()
    }
}

//! CreateTopics (key 19), versions 2 to 7.
//!
//! Each topic is judged and answered for itself; a name that comes twice is refused once. With one
//! broker the replication factor is 1 (or -1 for the default, from version 4), and a replica
//! assignment may name nobody else. Version 5 answers with the settings of the new topic, version 7
//! with its id.

use std::collections::{BTreeMap, HashMap};

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::create_topics::{
    CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest,
    CreateTopicsResponse,
};

use super::{Api, Call, Named, Part, Target, TopicRef, parts, text};
use crate::config::describe::Entry;
use crate::config::settings::Properties;
use crate::refusal::Refusal;
use crate::security::acl::AclOperation;

impl Api for CreateTopicsRequest {
    const NAMES: Named = Named::Topics;

    async fn answer(self, call: &Call<'_>) -> CreateTopicsResponse {
        let mut topics: Vec<CreatableTopicResult> = Vec::new();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for asked in &self.topics {
            *counts.entry(&asked.name).or_default() += 1;
        }
        for asked in &self.topics {
            let Some(count) = counts.remove(&*asked.name) else {
                // Answered already.
                continue;
            };
            let result = if count > 1 {
                let message = format!("topic {} is named twice in the request", asked.name);
                Err(Refusal::new(ErrorCode::INVALID_REQUEST, message))
            } else {
                create(call, asked, self.validate_only)
            };
            topics.push(result.unwrap_or_else(|refusal| refused(asked, refusal)));
        }
        CreateTopicsResponse {
            topics,
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> CreateTopicsResponse {
        let topics = self.topics.iter();
        let refusal = Refusal::from(error);
        CreateTopicsResponse {
            topics: topics
                .map(|topic| refused(topic, refusal.clone()))
                .collect(),
            ..Default::default()
        }
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let topics = self.topics.iter();
        topics
            .map(|topic| Part::topic(TopicRef::Name(&topic.name)))
            .collect()
    }

    fn take(&mut self, target: &Target<'_>) -> Option<Self> {
        let is_wanted = |topic: &mut CreatableTopic| target.is_topic(TopicRef::Name(&topic.name));
        let topics: Vec<_> = self.topics.extract_if(.., is_wanted).collect();
        (!topics.is_empty()).then(|| Self {
            topics,
            ..self.clone()
        })
    }

    fn put(answer: &mut CreateTopicsResponse, refused: CreateTopicsResponse) {
        let name = |one: &CreatableTopicResult| one.name.clone();
        parts::put_by(&mut answer.topics, refused.topics, name, |known, one| {
            *known = one
        });
    }
}

fn create(
    call: &Call<'_>,
    asked: &CreatableTopic,
    validate_only: bool,
) -> Result<CreatableTopicResult, Refusal> {
    let node = call.node;
    if !call.may_on_cluster(AclOperation::Create)
        && !call.may_on_topic(AclOperation::Create, &asked.name)
    {
        return Err(Refusal::new(
            ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            "Authorization failed.",
        ));
    }
    let partitions = partition_count(asked, node.config().node_id, node.config().num_partitions)?;
    let mut overrides = BTreeMap::new();
    for config in &asked.configs {
        let value = config.value.as_ref().ok_or_else(|| {
            let message = format!("setting {} of topic {} is null", config.name, asked.name);
            Refusal::new(ErrorCode::INVALID_CONFIG, message)
        })?;
        overrides.insert(config.name.to_string(), value.to_string());
    }
    let configs = Some(settings(call, &overrides));
    let topic_id = if validate_only {
        node.topics
            .check_new(&asked.name, partitions, &overrides, &node.config())?;
        // Kafka tells one, which no topic will have.
        node.env.uuid()
    } else {
        node.topics
            .create(
                &asked.name,
                partitions,
                overrides,
                &node.config(),
                &node.env,
            )?
            .id
    };
    if !call.may_on_topic(AclOperation::DescribeConfigs, &asked.name) {
        return Ok(CreatableTopicResult {
            name: asked.name.clone(),
            topic_id,
            error_message: None,
            topic_config_error_code: ErrorCode::TOPIC_AUTHORIZATION_FAILED.code(),
            num_partitions: -1,
            replication_factor: -1,
            configs: None,
            ..Default::default()
        });
    }
    Ok(CreatableTopicResult {
        name: asked.name.clone(),
        topic_id,
        error_message: None,
        num_partitions: partitions,
        replication_factor: 1,
        configs,
        ..Default::default()
    })
}

/// The number of partitions that is asked for one way or the other.
fn partition_count(asked: &CreatableTopic, node_id: i32, default: i32) -> Result<i32, Refusal> {
    if asked.assignments.is_empty() {
        return match (asked.replication_factor, asked.num_partitions) {
            (-1 | 1, -1) => Ok(default),
            (-1 | 1, partitions) => Ok(partitions),
            (factor, _) => Err(Refusal::new(
                ErrorCode::INVALID_REPLICATION_FACTOR,
                format!("replication factor {factor} where there is 1 broker"),
            )),
        };
    }
    if asked.num_partitions != -1 || asked.replication_factor != -1 {
        return Err(Refusal::new(
            ErrorCode::INVALID_REQUEST,
            "with a replica assignment, partitions and replication factor must be -1",
        ));
    }
    let mut indices: Vec<_> = asked
        .assignments
        .iter()
        .map(|one| one.partition_index)
        .collect();
    indices.sort_unstable();
    let dense = (0..)
        .zip(&indices)
        .all(|(expected, index)| expected == *index);
    let ours = asked
        .assignments
        .iter()
        .all(|one| one.broker_ids == [node_id]);
    match i32::try_from(indices.len()) {
        Ok(count) if dense && ours => Ok(count),
        _ => Err(Refusal::new(
            ErrorCode::INVALID_REPLICA_ASSIGNMENT,
            format!("partitions must be numbered from 0 and be on broker {node_id} alone"),
        )),
    }
}

/// What holds for the topic. Kafka does not tell here what is behind a value.
fn settings(call: &Call<'_>, overrides: &Properties) -> Vec<CreatableTopicConfigs> {
    let entries = call.node.settings.get().describe_topic(overrides);
    let told = |entry: Entry| CreatableTopicConfigs {
        name: entry.name.into(),
        value: entry.value.map(Into::into),
        read_only: false,
        config_source: entry.source as i8,
        is_sensitive: entry.is_sensitive,
        ..Default::default()
    };
    entries.into_iter().map(told).collect()
}

fn refused(asked: &CreatableTopic, refusal: Refusal) -> CreatableTopicResult {
    CreatableTopicResult {
        name: asked.name.clone(),
        error_code: refusal.code.code(),
        error_message: text(refusal.message),
        configs: Some(Vec::new()),
        ..Default::default()
    }
}

//! CreatePartitions (key 37), versions 0 to 3: topics grow.
//!
//! Each topic is judged and answered for itself; a name that comes twice is refused. An assignment
//! may name nobody but the one broker.

use std::collections::HashSet;

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
    CreatePartitionsTopicResult,
};

use super::{Api, Call, Named, Part, Target, TopicRef, configs, parts, text};
use crate::refusal::Refusal;
use crate::security::acl::AclOperation;

impl Api for CreatePartitionsRequest {
    const NAMES: Named = Named::Topics;

    fn needs_on_topics(&self, _: &Call<'_>) -> Option<AclOperation> {
        Some(AclOperation::Alter)
    }

    async fn answer(self, call: &Call<'_>) -> CreatePartitionsResponse {
        let repeated = configs::repeated(self.topics.iter().map(|topic| topic.name.clone()));
        let mut answered = HashSet::new();
        let mut results = Vec::new();
        for asked in &self.topics {
            if !answered.insert(&asked.name) {
                continue;
            }
            let grown = if repeated.contains(&asked.name) {
                let message = format!("topic {} is named twice in the request", asked.name);
                Err(Refusal::new(ErrorCode::INVALID_REQUEST, message))
            } else {
                grow(call, asked, self.validate_only)
            };
            results.push(result(asked, grown.err()));
        }
        CreatePartitionsResponse {
            results,
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> CreatePartitionsResponse {
        let results = self.topics.iter();
        CreatePartitionsResponse {
            results: results
                .map(|asked| result(asked, Some(error.into())))
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
        let is_wanted =
            |topic: &mut CreatePartitionsTopic| target.is_topic(TopicRef::Name(&topic.name));
        let topics: Vec<_> = self.topics.extract_if(.., is_wanted).collect();
        (!topics.is_empty()).then(|| Self {
            topics,
            ..self.clone()
        })
    }

    fn put(answer: &mut CreatePartitionsResponse, refused: CreatePartitionsResponse) {
        let name = |one: &CreatePartitionsTopicResult| one.name.clone();
        parts::put_by(&mut answer.results, refused.results, name, |known, one| {
            *known = one;
        });
    }
}

fn grow(
    call: &Call<'_>,
    asked: &CreatePartitionsTopic,
    validate_only: bool,
) -> Result<(), Refusal> {
    let node = call.node;
    let config = node.config();
    let topic = node.find_topic(false, kafka_client_protocol::Uuid::ZERO, &asked.name)?;
    if let Some(assignments) = &asked.assignments {
        let there = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
        let is_whole = i32::try_from(assignments.len()) == Ok(asked.count.saturating_sub(there));
        let is_ours = assignments
            .iter()
            .all(|one| one.broker_ids == [config.node_id]);
        if asked.count > there && !(is_whole && is_ours) {
            let message = format!(
                "each partition that is added must be assigned, and to broker {} alone",
                config.node_id
            );
            return Err(Refusal::new(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
        }
    }
    node.topics
        .grow(&topic, asked.count, &config, &node.env, validate_only)
}

fn result(asked: &CreatePartitionsTopic, refusal: Option<Refusal>) -> CreatePartitionsTopicResult {
    CreatePartitionsTopicResult {
        name: asked.name.clone(),
        error_code: refusal.as_ref().map_or(0, |refusal| refusal.code.code()),
        error_message: refusal.and_then(|refusal| text(refusal.message)),
        ..Default::default()
    }
}

//! DeleteTopics (key 20), versions 1 to 6: topics go with all their data.
//!
//! Version 6 takes names or ids (KIP-516), one of the two each; error messages since version 5.

use std::collections::HashSet;
use std::sync::Arc;

use kafka_client_protocol::api::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};
use kafka_client_protocol::{ErrorCode, StrBytes, Uuid};

use super::{Api, Call, Named, Part, Target, TopicRef, configs, parts, text};
use crate::refusal::Refusal;
use crate::security::acl::AclOperation;
use crate::topics::Topic;

impl Api for DeleteTopicsRequest {
    const NAMES: Named = Named::Topics;

    async fn answer(self, call: &Call<'_>) -> DeleteTopicsResponse {
        let mut responses = Vec::new();
        let asked = all(&self);
        let key = |asked: &DeleteTopicState| (asked.name.clone(), asked.topic_id);
        let repeated = configs::repeated(asked.iter().map(key));
        let mut told = HashSet::new();
        for asked in asked {
            if repeated.contains(&key(&asked)) {
                // Which of them is meant is not known, so the topic stays.
                if told.insert(key(&asked)) {
                    let message = "the topic is named twice in the request";
                    let refusal = Refusal::new(ErrorCode::INVALID_REQUEST, message);
                    responses.push(refused(&asked, refusal));
                }
                continue;
            }
            let result = find(call, &asked).and_then(|topic| {
                call.node.delete_topic(&topic)?;
                Ok(topic)
            });
            responses.push(match result {
                Ok(topic) => DeletableTopicResult {
                    name: text(&*topic.name),
                    topic_id: topic.id,
                    ..Default::default()
                },
                Err(refusal) => refused(&asked, refusal),
            });
        }
        DeleteTopicsResponse {
            responses,
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> DeleteTopicsResponse {
        let refusal = Refusal::from(error);
        DeleteTopicsResponse {
            responses: all(self)
                .iter()
                .map(|asked| refused(asked, refusal.clone()))
                .collect(),
            ..Default::default()
        }
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let topics = self.topics.iter().map(named);
        let names = self.topic_names.iter().map(|name| TopicRef::Name(name));
        topics.chain(names).map(Part::topic).collect()
    }

    fn take(&mut self, target: &Target<'_>) -> Option<Self> {
        let topics = self
            .topics
            .extract_if(.., |topic| target.is_topic(named(topic)));
        let topics: Vec<_> = topics.collect();
        let is_wanted = |name: &mut StrBytes| target.is_topic(TopicRef::Name(name));
        let topic_names: Vec<_> = self.topic_names.extract_if(.., is_wanted).collect();
        (!topics.is_empty() || !topic_names.is_empty()).then(|| Self {
            topics,
            topic_names,
            ..self.clone()
        })
    }

    fn put(answer: &mut DeleteTopicsResponse, refused: DeleteTopicsResponse) {
        // What was found is answered with name and id, what is refused as it was named.
        parts::put(
            &mut answer.responses,
            refused.responses,
            |found| [(found.name.clone(), Uuid::ZERO), (None, found.topic_id)],
            |refused| match &refused.name {
                Some(name) => (Some(name.clone()), Uuid::ZERO),
                None => (None, refused.topic_id),
            },
            |known, one| *known = one,
        );
    }
}

fn named(asked: &DeleteTopicState) -> TopicRef<'_> {
    let by_id = TopicRef::Id(asked.topic_id);
    asked.name.as_deref().map_or(by_id, TopicRef::Name)
}

/// The topics in the form of version 6.
fn all(request: &DeleteTopicsRequest) -> Vec<DeleteTopicState> {
    let named = request.topic_names.iter().map(|name| DeleteTopicState {
        name: Some(name.clone()),
        ..Default::default()
    });
    request.topics.iter().cloned().chain(named).collect()
}

fn find(call: &Call<'_>, asked: &DeleteTopicState) -> Result<Arc<Topic>, Refusal> {
    if !call.node.config().delete_topics {
        return Err(Refusal::new(
            ErrorCode::TOPIC_DELETION_DISABLED,
            "topics may not be deleted (delete.topic.enable)",
        ));
    }
    match &asked.name {
        None if asked.topic_id.is_zero() => Err(Refusal::new(
            ErrorCode::INVALID_REQUEST,
            "a topic must be named by name or by id",
        )),
        Some(_) if !asked.topic_id.is_zero() => Err(Refusal::new(
            ErrorCode::INVALID_REQUEST,
            "a topic must be named by name or by id, not both",
        )),
        // Whether there is such a topic is not for everyone to know.
        Some(name) if !may_delete(call, name) => Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED.into()),
        Some(name) => call.node.find_topic(false, asked.topic_id, name),
        None => {
            let topic = call.node.find_topic(true, asked.topic_id, "")?;
            if may_delete(call, &topic.name) {
                Ok(topic)
            } else {
                Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED.into())
            }
        }
    }
}

/// As in Kafka, the right on the cluster is one on every topic.
fn may_delete(call: &Call<'_>, name: &str) -> bool {
    call.may_on_cluster(AclOperation::Delete) || call.may_on_topic(AclOperation::Delete, name)
}

fn refused(asked: &DeleteTopicState, refusal: Refusal) -> DeletableTopicResult {
    DeletableTopicResult {
        name: asked.name.clone(),
        topic_id: asked.topic_id,
        error_code: refusal.code.code(),
        error_message: text(refusal.message),
        ..Default::default()
    }
}

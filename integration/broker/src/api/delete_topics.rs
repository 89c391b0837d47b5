//! DeleteTopics (key 20), versions 1 to 6: topics go with all their data.
//!
//! Version 6 takes names or ids (KIP-516), one of the two each; error messages since version 5.

use std::sync::Arc;

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};

use super::{Api, Call, TopicRef, text};
use crate::topics::Topic;
use crate::validate::Refusal;

impl Api for DeleteTopicsRequest {
    async fn answer(self, call: &Call<'_>) -> DeleteTopicsResponse {
        let mut responses = Vec::new();
        for asked in all(&self) {
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
        let refusal = Refusal::new(error, error.text());
        DeleteTopicsResponse {
            responses: all(self)
                .iter()
                .map(|asked| refused(asked, refusal.clone()))
                .collect(),
            ..Default::default()
        }
    }

    fn names(&self, names: &dyn Fn(&TopicRef<'_>, Option<i32>) -> bool) -> bool {
        all(self).iter().any(|asked| match &asked.name {
            Some(name) => names(&TopicRef::Name(name), None),
            None => names(&TopicRef::Id(asked.topic_id), None),
        })
    }
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
    if !call.node.config.delete_topics {
        return Err(Refusal::new(
            ErrorCode::TOPIC_DELETION_DISABLED,
            "topics may not be deleted (delete.topic.enable)",
        ));
    }
    match &asked.name {
        Some(_) if !asked.topic_id.is_zero() => Err(Refusal::new(
            ErrorCode::INVALID_REQUEST,
            "a topic must be named by name or by id, not both",
        )),
        Some(name) => call.node.find_topic(false, asked.topic_id, name),
        None => call.node.find_topic(true, asked.topic_id, ""),
    }
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

//! Metadata (key 3), versions 0 to 13: brokers, topics and their leaders.
//!
//! Version 0 takes an empty list for all topics, later versions take null for that. From version 4
//! a client says whether an unknown topic may be made (`auto.create.topics.enable` must agree); a
//! topic made so is in the answer at once, unless the broker is strict. From version 10 topics have ids, from version 12 they
//! can be asked for by id; before, an id or no name at all refuses the whole request.

use kafka_client_protocol::api::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_client_protocol::{ErrorCode, StrBytes, Uuid};

use super::{Api, Call, Named, Part, Target, TopicRef, parts};
use crate::security::acl::{AclOperation, ResourceKind};
use crate::topics::{Topic, check_name, is_internal};

const TOPIC_IDS_SINCE: i16 = 12;

impl Api for MetadataRequest {
    const NAMES: Named = Named::TopicsWithPartitions;

    async fn answer(self, call: &Call<'_>) -> MetadataResponse {
        let asks_by_id = self.asks_by_id();
        if asks_by_id && call.version < TOPIC_IDS_SINCE {
            return self.refuse(ErrorCode::INVALID_REQUEST);
        }
        let node = call.node;
        let wants_operations = self.include_topic_authorized_operations;
        let found = |topic: &Topic| describe(call, topic, wants_operations);
        let all = || {
            let all = node.topics.all();
            let seen = all
                .iter()
                .filter(|topic| call.may_on_topic(AclOperation::Describe, &topic.name));
            seen.map(|topic| found(topic)).collect()
        };
        let topics = match &self.topics {
            None => all(),
            Some(asked) if asked.is_empty() && call.version == 0 => all(),
            Some(asked) => asked
                .iter()
                // Among ids, names are not looked at.
                .filter(|asked| !asks_by_id || matches!(named(asked), TopicRef::Id(_)))
                .map(|asked| {
                    self.one(call, asked)
                        .map_or_else(|missing| *missing, |t| found(&t))
                })
                .collect(),
        };
        let include_cluster = self.include_cluster_authorized_operations;
        MetadataResponse {
            brokers: vec![MetadataResponseBroker {
                node_id: node.config().node_id,
                host: call.connection.listener.host.clone(),
                port: call.connection.listener.port,
                rack: None,
                ..Default::default()
            }],
            cluster_id: Some(node.cluster_id.clone()),
            controller_id: node.config().node_id,
            topics,
            cluster_authorized_operations: if include_cluster {
                call.cluster_operations()
            } else {
                i32::MIN
            },
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> MetadataResponse {
        // As Kafka does it for all versions, for some of them have no null.
        let refused = |asked: &MetadataRequestTopic| MetadataResponseTopic {
            name: Some(asked.name.clone().unwrap_or_default()),
            is_internal: false,
            ..missing(asked, error)
        };
        let asked = self.topics.iter().flatten();
        MetadataResponse {
            topics: asked.map(refused).collect(),
            error_code: error.code(),
            ..Default::default()
        }
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let topics = self.topics.iter().flatten();
        topics.map(|topic| Part::topic(named(topic))).collect()
    }

    fn take(&mut self, target: &Target<'_>) -> Option<Self> {
        let topics = self.topics.as_mut()?;
        let is_wanted = |topic: &MetadataRequestTopic| target.is_topic(named(topic));
        let taken: Vec<_> = if target.partition.is_none() {
            topics.extract_if(.., |topic| is_wanted(topic)).collect()
        } else {
            // The topic is still asked for: its other partitions are answered as they are.
            topics
                .iter()
                .filter(|topic| is_wanted(topic))
                .cloned()
                .collect()
        };
        (!taken.is_empty()).then(|| Self {
            topics: Some(taken),
            ..self.clone()
        })
    }

    fn refuse_taken(&self, target: &Target<'_>, error: ErrorCode) -> MetadataResponse {
        let Some(partition_index) = target.partition else {
            let asked = self.topics.iter().flatten();
            return MetadataResponse {
                topics: asked.map(|asked| missing(asked, error)).collect(),
                error_code: error.code(),
                ..Default::default()
            };
        };
        let topic = |asked: &MetadataRequestTopic| MetadataResponseTopic {
            partitions: vec![MetadataResponsePartition {
                error_code: error.code(),
                partition_index,
                leader_id: -1,
                ..Default::default()
            }],
            ..missing(asked, ErrorCode::NONE)
        };
        MetadataResponse {
            topics: self.topics.iter().flatten().map(topic).collect(),
            ..Default::default()
        }
    }

    fn put(answer: &mut MetadataResponse, refused: MetadataResponse) {
        // What was found is answered with name and id, what is refused as it was named.
        let keys = |found: &MetadataResponseTopic| {
            [(found.name.clone(), Uuid::ZERO), (None, found.topic_id)]
        };
        let asked = |refused: &MetadataResponseTopic| match &refused.name {
            Some(name) => (Some(name.clone()), Uuid::ZERO),
            None => (None, refused.topic_id),
        };
        let answers = &mut answer.topics;
        parts::put(answers, refused.topics, keys, asked, |known, topic| {
            if topic.error_code != 0 {
                *known = topic;
                return;
            }
            for refused in topic.partitions {
                let index = refused.partition_index;
                let mut partitions = known.partitions.iter_mut();
                if let Some(known) = partitions.find(|known| known.partition_index == index) {
                    known.error_code = refused.error_code;
                    known.leader_id = refused.leader_id;
                }
            }
        });
    }
}

/// How a topic is asked for. An id wins over a name, as in Kafka: Java's client sends an empty name
/// beside an id.
fn named(asked: &MetadataRequestTopic) -> TopicRef<'_> {
    match &asked.name {
        Some(name) if asked.topic_id == Uuid::ZERO => TopicRef::Name(name),
        _ => TopicRef::Id(asked.topic_id),
    }
}

trait Lookup {
    fn asks_by_id(&self) -> bool;

    fn one(
        &self,
        call: &Call<'_>,
        asked: &MetadataRequestTopic,
    ) -> Result<std::sync::Arc<Topic>, Box<MetadataResponseTopic>>;
}

impl Lookup for MetadataRequest {
    fn asks_by_id(&self) -> bool {
        let mut asked = self.topics.iter().flatten();
        asked.any(|asked| matches!(named(asked), TopicRef::Id(_)))
    }

    fn one(
        &self,
        call: &Call<'_>,
        asked: &MetadataRequestTopic,
    ) -> Result<std::sync::Arc<Topic>, Box<MetadataResponseTopic>> {
        let node = call.node;
        let refuse = |error| Box::new(missing(asked, error));
        let name = match named(asked) {
            TopicRef::Name(name) => name,
            TopicRef::Id(id) => {
                let found = node.topics.with_id(id);
                let found = found.ok_or_else(|| refuse(ErrorCode::UNKNOWN_TOPIC_ID))?;
                return if call.may_on_topic(AclOperation::Describe, &found.name) {
                    Ok(found)
                } else {
                    Err(refuse(ErrorCode::TOPIC_AUTHORIZATION_FAILED))
                };
            }
        };
        // Whether there is such a topic is not for everyone to know.
        if !call.may_on_topic(AclOperation::Describe, name) {
            return Err(refuse(ErrorCode::TOPIC_AUTHORIZATION_FAILED));
        }
        if let Some(topic) = node.topics.named(name) {
            return Ok(topic);
        }
        check_name(name).map_err(|refusal| refuse(refusal.code))?;
        // Before version 4 the request has no say, and Kafka takes it for a yes.
        let may_create = self.allow_auto_topic_creation || call.version < 4;
        if !may_create || !node.config().auto_create_topics || is_internal(name) {
            return Err(refuse(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
        }
        if !call.may_on_cluster(AclOperation::Create)
            && !call.may_on_topic(AclOperation::Create, name)
        {
            return Err(refuse(ErrorCode::TOPIC_AUTHORIZATION_FAILED));
        }
        let made = node.auto_create(name).map_err(|refusal| {
            tracing::warn!(topic = %name, error = %refusal.message, "not created");
            refuse(refusal.code)
        })?;
        if node.config().strict_metadata {
            // A cluster has only asked its controller to make it.
            return Err(refuse(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
        }
        Ok(made)
    }
}

fn describe(call: &Call<'_>, topic: &Topic, wants_operations: bool) -> MetadataResponseTopic {
    let leader_id = call.node.config().node_id;
    MetadataResponseTopic {
        error_code: 0,
        name: Some(StrBytes::from(&*topic.name)),
        topic_id: topic.id,
        is_internal: topic.is_internal(),
        partitions: (0..)
            .zip(&topic.partitions)
            .map(|(partition_index, partition)| MetadataResponsePartition {
                error_code: 0,
                partition_index,
                leader_id,
                leader_epoch: partition.leader_epoch(),
                replica_nodes: vec![leader_id],
                isr_nodes: vec![leader_id],
                offline_replicas: Vec::new(),
                ..Default::default()
            })
            .collect(),
        topic_authorized_operations: if wants_operations {
            call.operations(ResourceKind::Topic, &topic.name)
        } else {
            i32::MIN
        },
        ..Default::default()
    }
}

fn missing(asked: &MetadataRequestTopic, error: ErrorCode) -> MetadataResponseTopic {
    let name = match named(asked) {
        TopicRef::Name(_) => asked.name.clone(),
        TopicRef::Id(_) => None,
    };
    MetadataResponseTopic {
        error_code: error.code(),
        is_internal: name.as_ref().is_some_and(|name| is_internal(name)),
        name,
        topic_id: asked.topic_id,
        ..Default::default()
    }
}

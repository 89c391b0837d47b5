//! What all connections of a broker share.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_client_protocol::{ErrorCode, StrBytes, Uuid};
use tokio::sync::watch;

use crate::config::BrokerConfig;
use crate::env::Env;
use crate::faults::Faults;
use crate::topics::{Topic, Topics};
use crate::validate::Refusal;

/// One broker.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) config: BrokerConfig,
    pub(crate) env: Env,
    pub(crate) topics: Topics,
    pub(crate) cluster_id: StrBytes,
    /// Where clients find this broker, as they are told.
    pub(crate) host: StrBytes,
    pub(crate) port: i32,
    pub(crate) faults: Faults,
    /// Becomes true when the broker stops.
    pub(crate) stopping: watch::Sender<bool>,
}

impl Node {
    /// Resolves once the broker stops.
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives in `self`, so the only end of this wait is the stop.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }

    /// The topic of a request that names it by id or, in older versions, by name.
    pub(crate) fn find_topic(
        &self,
        by_id: bool,
        id: Uuid,
        name: &str,
    ) -> Result<Arc<Topic>, Refusal> {
        if by_id {
            return self.topics.with_id(id).ok_or_else(|| {
                Refusal::new(
                    ErrorCode::UNKNOWN_TOPIC_ID,
                    format!("no topic has the id {id}"),
                )
            });
        }
        self.topics.named(name).ok_or_else(|| {
            Refusal::new(
                ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                format!("topic {name} does not exist"),
            )
        })
    }

    /// Makes a topic with the broker's defaults, as a reference to an unknown topic does.
    pub(crate) fn auto_create(&self, name: &str) -> Result<Arc<Topic>, Refusal> {
        let partitions = self.config.num_partitions;
        match self
            .topics
            .create(name, partitions, BTreeMap::new(), &self.config, &self.env)
        {
            // Somebody else was quicker.
            Err(refusal) if refusal.code == ErrorCode::TOPIC_ALREADY_EXISTS => {
                self.find_topic(false, Uuid::ZERO, name)
            }
            result => result,
        }
    }

    /// Removes a topic and what refers to it.
    pub(crate) fn delete_topic(&self, topic: &Topic) -> Result<(), Refusal> {
        self.topics.delete(topic)
    }
}

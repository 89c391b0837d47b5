//! What all connections of a broker share.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use kafka_client_protocol::{ErrorCode, StrBytes, Uuid};
use tokio::sync::watch;

use crate::config::BrokerConfig;
use crate::env::Env;
use crate::faults::Faults;
use crate::fetch_sessions::FetchSessions;
use crate::group::Groups;
use crate::net::listener::Listener;
use crate::quota::Quotas;
use crate::security::authorizer::Authorizer;
use crate::security::delegation::DelegationTokens;
use crate::security::users::Users;
use crate::topics::{OFFSETS_TOPIC, Topic, Topics};
use crate::validate::Refusal;

/// One broker.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) config: BrokerConfig,
    pub(crate) env: Env,
    pub(crate) topics: Topics,
    pub(crate) groups: Groups,
    pub(crate) cluster_id: StrBytes,
    /// At least one; the first is the one for whoever does not ask for another.
    pub(crate) listeners: Vec<Arc<Listener>>,
    pub(crate) users: Mutex<Users>,
    pub(crate) quotas: Mutex<Quotas>,
    pub(crate) tokens: Mutex<DelegationTokens>,
    /// `None` if everybody may do everything.
    pub(crate) authorizer: Option<RwLock<Authorizer>>,
    pub(crate) faults: Faults,
    pub(crate) fetch_sessions: Mutex<FetchSessions>,
    /// Becomes true when the broker stops.
    pub(crate) stopping: watch::Sender<bool>,
}

impl Node {
    pub(crate) fn fetch_sessions(&self) -> MutexGuard<'_, FetchSessions> {
        let sessions = self.fetch_sessions.lock();
        sessions.unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn users(&self) -> MutexGuard<'_, Users> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the users, and keeps what is to outlive the broker.
    pub(crate) fn change_users<T>(&self, change: impl FnOnce(&mut Users) -> T) -> io::Result<T> {
        let mut users = self.users();
        let before = users.stored();
        let mut changed = users.clone();
        let result = change(&mut changed);
        let stored = changed.stored();
        // What is not kept does not hold.
        if stored != before {
            self.topics.store().write_users(&stored)?;
        }
        *users = changed;
        Ok(result)
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, DelegationTokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the delegation tokens, and keeps them.
    pub(crate) fn change_tokens<T>(
        &self,
        change: impl FnOnce(&mut DelegationTokens) -> Result<T, ErrorCode>,
    ) -> Result<T, ErrorCode> {
        let mut tokens = self.tokens();
        let mut changed = tokens.clone();
        let result = change(&mut changed)?;
        let stored = self.topics.store().write_tokens(changed.all());
        stored.map_err(|error| {
            tracing::error!(%error, "delegation tokens were not stored");
            ErrorCode::KAFKA_STORAGE_ERROR
        })?;
        *tokens = changed;
        Ok(result)
    }

    pub(crate) fn quotas(&self) -> MutexGuard<'_, Quotas> {
        self.quotas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the rules of the authorizer, and keeps them; `None` if there is no authorizer.
    pub(crate) fn change_acls<T>(
        &self,
        change: impl FnOnce(&mut Authorizer) -> T,
    ) -> Option<io::Result<T>> {
        let authorizer = self.authorizer.as_ref()?;
        let mut authorizer = authorizer.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = authorizer.clone();
        let result = change(&mut changed);
        // What is not kept does not hold.
        Some(self.topics.store().write_acls(changed.acls()).map(|()| {
            *authorizer = changed;
            result
        }))
    }

    /// A listener by Kafka's name for it.
    pub(crate) fn listener(&self, name: &str) -> Option<&Arc<Listener>> {
        let mut all = self.listeners.iter();
        all.find(|listener| listener.name.eq_ignore_ascii_case(name))
    }

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
        self.make(name, self.config.num_partitions, BTreeMap::new())
    }

    /// Removes a topic and what refers to it.
    pub(crate) fn delete_topic(&self, topic: &Topic) -> Result<(), Refusal> {
        self.topics.delete(topic)?;
        self.groups.forget_topic(self, &topic.name);
        Ok(())
    }

    /// The topic of committed offsets, made at its first use, as in Kafka.
    pub(crate) fn offsets_topic(&self) -> Result<Arc<Topic>, Refusal> {
        if let Some(topic) = self.topics.named(OFFSETS_TOPIC) {
            return Ok(topic);
        }
        let configs = [
            ("cleanup.policy", "compact"),
            ("compression.type", "producer"),
            ("segment.bytes", "104857600"),
        ];
        let overrides = configs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        self.make(OFFSETS_TOPIC, self.config.offsets_partitions, overrides)
    }

    fn make(
        &self,
        name: &str,
        partitions: i32,
        overrides: BTreeMap<String, String>,
    ) -> Result<Arc<Topic>, Refusal> {
        match self
            .topics
            .create(name, partitions, overrides, &self.config, &self.env)
        {
            // Somebody else was quicker.
            Err(refusal) if refusal.code == ErrorCode::TOPIC_ALREADY_EXISTS => {
                self.find_topic(false, Uuid::ZERO, name)
            }
            result => result,
        }
    }
}

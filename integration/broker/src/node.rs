//! What all connections of a broker share.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::convert::Infallible;
use std::io;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kafka_client_protocol::{ApiKey, ErrorCode, StrBytes, Uuid};
use tokio::sync::{Semaphore, watch};
use zeroize::Zeroizing;

use crate::api::Served;
use crate::config::BrokerConfig;
use crate::config::settings::{self, Owner, Properties, Settings};
use crate::env::{self, Env};
use crate::faults::Faults;
use crate::fetch_sessions::FetchSessions;
use crate::group::Groups;
use crate::kept::Kept;
use crate::log::DataSlice;
use crate::metrics::Requests;
use crate::net::listener::Listener;
use crate::net::unsent::Unsent;
use crate::profile::Profile;
use crate::quota::{Limits, Quotas};
use crate::refusal::Refusal;
use crate::security::authorizer::Authorizer;
use crate::security::delegation::DelegationTokens;
use crate::security::sasl::scram::{Credentials, Hash, ITERATIONS, ScramCredential};
use crate::security::users::{StoredUsers, Users};
use crate::telemetry::Telemetry;
use crate::topics::{Topic, Topics};

/// One broker.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) settings: Arc<Kept<Settings>>,
    pub(crate) env: Arc<Env>,
    pub(crate) topics: Arc<Topics>,
    pub(crate) groups: Arc<Groups>,
    pub(crate) cluster_id: StrBytes,
    /// At least one; the first is the one for whoever does not ask for another.
    pub(crate) listeners: Vec<Arc<Listener>>,
    pub(crate) users: Kept<Users>,
    pub(crate) quotas: Mutex<Quotas>,
    /// Held while quotas are changed: those above are for the requests.
    pub(crate) quotas_change: Mutex<()>,
    pub(crate) tokens: Kept<DelegationTokens>,
    /// `None` if everybody may do everything.
    pub(crate) authorizer: Option<Kept<Authorizer>>,
    pub(crate) faults: Faults,
    /// Whose versions are served; `None` for Kafka's.
    pub(crate) profile: Option<Profile>,
    pub(crate) fetch_sessions: Mutex<FetchSessions>,
    /// By client id and API: who was told in the log that this broker does not have it.
    pub(crate) unserved: Mutex<HashSet<(String, i16)>>,
    pub(crate) unsent: Unsent,
    /// How many reads that wait for the disk go on at a time.
    pub(crate) cold_reads: Arc<Semaphore>,
    /// How many files are kept open for answers that are on their way.
    pub(crate) files_on_the_way: Arc<Semaphore>,
    /// `None` if nobody reads it.
    pub(crate) telemetry: Option<Mutex<Telemetry>>,
    pub(crate) requests: Requests,
    /// Read by what is done apart, so that a stop can wait for all of it.
    pub(crate) under_way: Arc<tokio::sync::RwLock<()>>,
    /// Becomes true when the broker stops.
    pub(crate) stopping: watch::Sender<bool>,
}

impl Node {
    pub(crate) fn fetch_sessions(&self) -> MutexGuard<'_, FetchSessions> {
        let sessions = self.fetch_sessions.lock();
        sessions.unwrap_or_else(PoisonError::into_inner)
    }

    /// Metrics of clients, if somebody reads them.
    pub(crate) fn telemetry(&self) -> Option<MutexGuard<'_, Telemetry>> {
        let telemetry = self.telemetry.as_ref()?.lock();
        Some(telemetry.unwrap_or_else(PoisonError::into_inner))
    }

    /// The settings as they hold now.
    pub(crate) fn config(&self) -> Arc<BrokerConfig> {
        Arc::clone(self.settings.get().config())
    }

    /// Replaces the settings of anything but a topic, and keeps them.
    pub(crate) fn change_settings(
        &self,
        owner: Owner<'_>,
        properties: Properties,
    ) -> Result<(), Refusal> {
        self.settings.change(
            |settings| {
                let replaced = settings.replace(owner, properties);
                replaced.map_err(|error| settings::refusal(owner, &error))
            },
            |before, after| {
                let stored = self.topics.store().write_settings(after.changed());
                stored.map_err(|error| {
                    tracing::error!(%error, "settings were not stored");
                    Refusal::new(ErrorCode::KAFKA_STORAGE_ERROR, error.to_string())
                })?;
                let logs = |config: &BrokerConfig| (config.topic, config.producer_expiration_ms);
                if logs(before.config()) != logs(after.config()) {
                    self.topics.reconfigure(after.config());
                }
                Ok(())
            },
        )
    }

    /// Does work that may wait for the disk, or takes long, where no request waits behind it. It is
    /// done to its end, also when the request is given up.
    pub(crate) async fn apart<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> io::Result<T> {
        let node = Arc::clone(self);
        let under_way = Arc::clone(&self.under_way).read_owned().await;
        let done = env::spawn_blocking(move || {
            let done = work(&node);
            // A stop that waits for it may want to be the last to hold the node.
            drop(node);
            drop(under_way);
            done
        });
        done.await.map_err(io::Error::other)
    }

    /// Reads what is not in memory, so that it is there for the next who reads it; how it ends he will see.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn warm(&self, cold: Vec<DataSlice>) {
        // Nobody closes it.
        let turn = Arc::clone(&self.cold_reads).acquire_owned().await;
        let read = env::spawn_blocking(move || {
            cold.iter().for_each(|slice| drop(slice.warm()));
            drop(turn);
        });
        // A panic in it was told, and the next who reads does without it.
        let _ = read.await;
    }

    pub(crate) fn users(&self) -> Arc<Users> {
        self.users.get()
    }

    /// Changes the users, and keeps what is to outlive the broker.
    pub(crate) fn change_users<T>(&self, change: impl FnOnce(&mut Users) -> T) -> io::Result<T> {
        self.users.change(
            |users| Ok(change(users)),
            |before, after| {
                let stored = after.stored();
                if stored == before.stored() {
                    return Ok(());
                }
                self.topics.store().write_users(&stored)
            },
        )
    }

    /// What SCRAM needs of a password, on every listener. Takes long.
    pub(crate) fn credentials_of(&self, password: &str) -> Credentials {
        let mechanisms = self.listeners.iter().filter_map(|one| one.sasl.as_ref());
        let mechanisms = mechanisms.flat_map(|sasl| &sasl.mechanisms);
        let hashes: BTreeSet<Hash> = mechanisms
            .filter_map(|enabled| enabled.mechanism.hash())
            .collect();
        let made = |hash: Hash| {
            let salt = self.env.nonce().into_bytes();
            let rounds = *ITERATIONS.start();
            (
                hash,
                ScramCredential::of(hash, password.as_bytes(), salt, rounds),
            )
        };
        hashes.into_iter().map(made).collect()
    }

    /// Makes what logging in needs of the builder's users and the tokens of earlier brokers.
    pub(crate) fn prepare(&self, users: &[(String, Zeroizing<String>)], stored: StoredUsers) {
        let mut known = Users::default();
        for (name, password) in users {
            known.set_password(name, password, self.credentials_of(password));
        }
        known.restore(stored);
        let mut tokens = DelegationTokens::clone(&self.tokens());
        tokens.forget_those_over(self.env.wall_ms());
        let ids: Vec<String> = tokens.all().keys().cloned().collect();
        for id in ids {
            let credentials = self.credentials_of(&tokens.password(&id));
            tokens.prepare(&id, credentials);
        }
        // Both are stored already.
        let taken = self.users.change(
            |users| {
                *users = known;
                Ok::<_, Infallible>(())
            },
            |_, _| Ok(()),
        );
        let Ok(()) = taken;
        let taken = self.tokens.change(
            |now| {
                *now = tokens;
                Ok::<_, Infallible>(())
            },
            |_, _| Ok(()),
        );
        let Ok(()) = taken;
    }

    pub(crate) fn tokens(&self) -> Arc<DelegationTokens> {
        self.tokens.get()
    }

    /// Changes the delegation tokens, and keeps them.
    pub(crate) fn change_tokens<T>(
        &self,
        change: impl FnOnce(&mut DelegationTokens) -> Result<T, ErrorCode>,
    ) -> Result<T, ErrorCode> {
        self.tokens.change(change, |_, after| {
            let stored = self.topics.store().write_tokens(after.all());
            stored.map_err(|error| {
                tracing::error!(%error, "delegation tokens were not stored");
                ErrorCode::KAFKA_STORAGE_ERROR
            })
        })
    }

    /// The same on the way of a request.
    pub(crate) async fn change_tokens_apart<T: Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut DelegationTokens) -> Result<T, ErrorCode> + Send + 'static,
    ) -> Result<T, ErrorCode> {
        let changed = self.apart(move |node| node.change_tokens(change)).await;
        changed.unwrap_or(Err(ErrorCode::UNKNOWN_SERVER_ERROR))
    }

    /// Changes the quotas, and keeps them.
    pub(crate) fn change_quotas<T>(&self, change: impl FnOnce(&mut Limits) -> T) -> io::Result<T> {
        let change_of_quotas = self.quotas_change.lock();
        let _one_at_a_time = change_of_quotas.unwrap_or_else(PoisonError::into_inner);
        let mut limits = self.quotas().limits().clone();
        let result = change(&mut limits);
        self.topics.store().write_quotas(&limits)?;
        self.quotas().set_limits(limits);
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
        Some(authorizer.change(
            |authorizer| Ok(change(authorizer)),
            |_, after| self.topics.store().write_acls(after.acls()),
        ))
    }

    /// The versions of an API that are served; `None` if none is.
    pub(crate) fn versions(&self, served: &Served) -> Option<RangeInclusive<i16>> {
        const TELEMETRY: [ApiKey; 2] =
            [ApiKey::GET_TELEMETRY_SUBSCRIPTIONS, ApiKey::PUSH_TELEMETRY];
        if TELEMETRY.contains(&served.api) && self.telemetry.is_none() {
            return None;
        }
        match self.profile {
            Some(profile) => profile.versions(served),
            None => Some(served.versions.clone()),
        }
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
        let config = self.config();
        let overrides = BTreeMap::new();
        self.topics
            .get_or_create(name, config.num_partitions, overrides, &config, &self.env)
    }

    /// Removes a topic and what refers to it.
    pub(crate) fn delete_topic(&self, topic: &Topic) -> Result<(), Refusal> {
        self.topics.delete(topic)?;
        self.groups.forget_topic(topic);
        Ok(())
    }
}

//! A client's view of the cluster: the current metadata, the tasks that keep it so, and the way to
//! brokers and coordinators.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use kafka_client_protocol::api::find_coordinator::FindCoordinatorRequest;
use kafka_client_protocol::api::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse,
};
use kafka_client_protocol::{ApiKey, ErrorCode, StrBytes};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::metadata::{Broker, PartitionMetadata};
use super::wanted::{Due, Refresh, Verdict, Wanted};
use super::{Backoff, Metadata, TopicMetadata, topic_name};
use crate::config::ClientConfig;
use crate::env::{Env, lock, until};
use crate::error::{Error, ErrorKind};
use crate::health::{Monitor, Subject, Trouble};
use crate::net::{Connection, Lane, Pool};

/// The node ids of bootstrap addresses, whose real ids are not known, count down from here.
const FIRST_BOOTSTRAP_NODE: i32 = -2;

/// Longer than any limit that matters, and short enough for a timer.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A limit of time, as the user has set it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    length: Duration,
    setting: &'static str,
    pub(crate) end: Instant,
}

impl Limit {
    /// From now on. `setting` is what sets the length.
    pub(crate) fn begin(env: &Env, length: Duration, setting: &'static str) -> Self {
        Self {
            length,
            setting,
            end: env.now() + length.min(FOREVER),
        }
    }

    /// It is over, and this was the matter last.
    fn error(&self, cause: Option<&Error>) -> Error {
        let Self {
            length, setting, ..
        } = self;
        match cause {
            None => Error::timeout("waiting for metadata", *length, setting),
            Some(cause) if cause.kind() == ErrorKind::UnknownTopic => Error::new(
                ErrorKind::UnknownTopic,
                format!(
                    "the cluster has no such topic after {length:?} ({setting}): create it, or set \
                     auto.create.topics.enable on the brokers"
                ),
            ),
            Some(cause) => Error::new(
                ErrorKind::Timeout,
                format!(
                    "waiting for metadata took longer than {length:?} ({setting} sets the limit), \
                     and last met this: {cause}"
                ),
            ),
        }
    }
}

/// Knows which topics are in use.
pub(crate) trait UsesTopics: fmt::Debug + Send + Sync {
    /// The topics that were used since the last call, or are still at work on.
    fn topics_in_use(&self) -> Vec<Arc<str>>;
}

/// The cluster as a producer or a consumer sees it.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) env: Env,
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) health: Monitor,
    pool: Pool,
    metadata: watch::Sender<Arc<Metadata>>,
    wanted: Mutex<Wanted>,
    user: OnceLock<Weak<dyn UsesTopics>>,
    /// Wakes the tasks. Of their own, so that these wait without holding the cluster.
    look: Arc<Notify>,
    refresh: Arc<Notify>,
    tasks: Mutex<Vec<AbortHandle>>,
    /// What is the matter with topics that are wanted.
    troubles: Mutex<BTreeMap<Subject, Trouble>>,
}

impl Cluster {
    /// A view that knows nothing yet; its tasks begin with the first need.
    pub(crate) fn new(env: Env, config: Arc<ClientConfig>, health: Monitor) -> Arc<Self> {
        let backoff = Backoff::new(config.reconnect_backoff, config.reconnect_backoff_max);
        let pool = Pool::new(
            env.clone(),
            config.connection(),
            backoff,
            config.retry_backoff_max,
            health.clone(),
        );
        let backoff = Backoff::new(config.retry_backoff, config.retry_backoff_max);
        let this = Arc::new(Self {
            env,
            config,
            health,
            pool,
            metadata: watch::Sender::default(),
            wanted: Mutex::new(Wanted::new(backoff)),
            user: OnceLock::new(),
            look: Arc::default(),
            refresh: Arc::default(),
            tasks: Mutex::default(),
            troubles: Mutex::default(),
        });
        let weak = Arc::downgrade(&this);
        *lock(&this.tasks) = vec![
            this.env.spawn(look_loop(weak.clone())).abort_handle(),
            this.env.spawn(refresh_loop(weak)).abort_handle(),
        ];
        this
    }

    /// Has this tell which topics are in use: those that are not, and are not [kept](Self::keep),
    /// are forgotten after `metadata.max.idle.ms`.
    pub(crate) fn used_by(&self, user: Weak<dyn UsesTopics>) {
        // There is one user for each cluster.
        let _ = self.user.set(user);
    }

    /// Has the memory of an answer used again, if this part is all that is left of it.
    pub(crate) fn recycle(&self, part: Bytes) {
        self.pool.recycle(part);
    }

    /// The current snapshot.
    pub(crate) fn metadata(&self) -> Arc<Metadata> {
        self.metadata.borrow().clone()
    }

    /// Told of every new snapshot.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Metadata>> {
        self.metadata.subscribe()
    }

    /// Asks for fresh metadata soon, without waiting for it.
    pub(crate) fn request_refresh(&self) {
        self.refresh.notify_one();
    }

    /// Keeps these topics in the metadata, and no others, used or not.
    pub(crate) fn keep<'a>(&self, topics: impl IntoIterator<Item = &'a Arc<str>>) {
        lock(&self.wanted).keep(topics, self.env.now());
        self.look.notify_one();
    }

    /// Waits until a topic and its partitions are known. Asking for it may make it
    /// (`allow.auto.create.topics`).
    ///
    /// # Errors
    /// When no topic can have the name, the cluster refuses it or does not have it, or it is not
    /// known at the limit.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn topic(
        &self,
        name: &str,
        limit: Limit,
    ) -> Result<Arc<TopicMetadata>, Error> {
        let name: Arc<str> = Arc::from(name);
        topic_name::check(&name)?;
        if let Some(topic) = self.metadata.borrow().topic(&name)
            && !topic.partitions.is_empty()
        {
            return Ok(topic.clone());
        }
        let found = lock(&self.wanted).seek(&name, self.env.now());
        self.look.notify_one();
        let error = match tokio::time::timeout_at(limit.end, found).await {
            Ok(Ok(found)) => return found,
            Ok(Err(_)) => Error::closed("client"),
            Err(_) => limit.error(lock(&self.wanted).last_error(&name).as_ref()),
        };
        Err(error.at_topic(&name))
    }

    /// Takes a leader that a broker named in an error, with the addresses it gave: node id, host
    /// and port (KIP-951).
    pub(crate) fn leader_hint<'a>(
        &self,
        topic: &str,
        partition: i32,
        leader: PartitionMetadata,
        mut addresses: impl Iterator<Item = (i32, &'a str, i32)>,
    ) {
        if leader.leader < 0 {
            return;
        }
        let address = addresses
            .find(|(node, ..)| *node == leader.leader)
            .and_then(|(node, host, port)| {
                let (host, port) = (host.to_string(), u16::try_from(port).ok()?);
                Some((
                    node,
                    Broker {
                        host,
                        port,
                        rack: None,
                    },
                ))
            });
        self.metadata.send_if_modified(|metadata| {
            let next = metadata.with_leader(topic, partition, leader, address);
            next.map(|next| *metadata = Arc::new(next)).is_some()
        });
    }

    /// The connection to a broker of the current metadata.
    ///
    /// # Cancel safety
    /// Dropping the future drops a dialing under way.
    pub(crate) async fn connect(&self, node: i32, lane: Lane) -> Result<Connection, Error> {
        let metadata = self.metadata();
        let Some(broker) = metadata.broker(node) else {
            self.request_refresh();
            return Err(Error::new(
                ErrorKind::Connect,
                format!("broker {node} is not in the cluster's metadata"),
            ));
        };
        let connected = self
            .pool
            .connect(node, (&broker.host, broker.port), lane)
            .await;
        if connected.is_err() {
            // It may have moved, or its partitions may have.
            self.request_refresh();
        }
        connected
    }

    /// A connection to any broker: known ones in random order, then the bootstrap addresses.
    ///
    /// # Cancel safety
    /// Dropping the future drops a dialing under way.
    pub(crate) async fn any(&self) -> Result<Connection, Error> {
        let metadata = self.metadata();
        let bootstrap = self
            .config
            .bootstrap
            .iter()
            .enumerate()
            .map(|(index, (host, port))| {
                (FIRST_BOOTSTRAP_NODE - index as i32, (host.as_str(), *port))
            });
        let known = metadata
            .brokers
            .iter()
            .map(|(node, broker)| (*node, (broker.host.as_str(), broker.port)));
        let mut candidates: Vec<_> = known.collect();
        self.shuffle(&mut candidates);
        let mut seeds: Vec<_> = bootstrap.collect();
        self.shuffle(&mut seeds);
        candidates.append(&mut seeds);
        let mut last = None;
        for (node, address) in candidates {
            match self.pool.connect(node, address, Lane::Control).await {
                Ok(connection) => return Ok(connection),
                Err(error) => {
                    tracing::debug!(%error, "no connection");
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or_else(|| Error::config("bootstrap.servers is empty")))
    }

    fn shuffle<T>(&self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.env.below(index + 1));
        }
    }

    /// Refreshes once, now, all that is known and in use; whether there was news.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn refresh_now(&self) -> Result<bool, Error> {
        let used = self.user.get().and_then(Weak::upgrade);
        let used = used.map_or_else(Vec::new, |user| user.topics_in_use());
        let Refresh { ask, forget } = {
            let now = self.env.now();
            let mut wanted = lock(&self.wanted);
            wanted.used(&used, now);
            wanted.refresh(now, self.config.metadata_max_idle)
        };
        if !forget.is_empty() {
            self.metadata.send_modify(|metadata| {
                let metadata = Arc::make_mut(metadata);
                forget.iter().for_each(|name| metadata.forget(name));
            });
        }
        // A topic that was deleted is not made again by looking after it.
        self.ask(&ask, false).await
    }

    /// Asks for pending topics.
    ///
    /// # Cancel safety
    /// Cancel safe.
    async fn look(&self, due: Due) -> Result<(), Error> {
        let creates = self.config.allow_auto_create_topics;
        for (names, creates) in [(due.first, creates), (due.again, false)] {
            if names.is_empty() {
                continue;
            }
            if let Err(error) = self.ask(&names, creates).await {
                tracing::debug!(?names, %error, "topics were asked for in vain");
                lock(&self.wanted).failed(&names, &error, self.env.now(), &self.env);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Asks any broker for these topics, and takes its answer; whether there was news.
    async fn ask(&self, names: &[Arc<str>], creates: bool) -> Result<bool, Error> {
        let connection = self.any().await?;
        // Version 0 means all topics by an empty list, none cannot be said: brokers that old are
        // not supported anyway (KIP-896), but a version that low is not picked by accident.
        let topics = names.iter().map(|name| MetadataRequestTopic {
            name: Some(StrBytes::from(&**name)),
            ..Default::default()
        });
        let request = MetadataRequest {
            topics: Some(topics.collect()),
            allow_auto_topic_creation: creates,
            ..Default::default()
        };
        let response = connection.call(&request).await?;
        let broker = connection.broker();
        ErrorCode::new(response.error_code)
            .ok()
            .map_err(|code| Error::broker(code, ApiKey::METADATA).at_broker(broker))?;
        if response.brokers.is_empty() {
            return Err(
                Error::new(ErrorKind::Protocol, "the metadata names no broker")
                    .at_api(ApiKey::METADATA)
                    .at_broker(broker),
            );
        }
        Ok(self.accept(names, response))
    }

    /// Takes an answer, and tells those who wait for it; whether there was news.
    fn accept(&self, names: &[Arc<str>], response: MetadataResponse) -> bool {
        let now = self.env.now();
        let mut news = false;
        let mut wanted = lock(&self.wanted);
        self.metadata.send_modify(|metadata| {
            let metadata = Arc::make_mut(metadata);
            news = metadata.merge(response, |name| wanted.contains(name));
            for name in names {
                match wanted.answered(name, metadata.topic(name), now, &self.env) {
                    Verdict::Keep => {}
                    Verdict::Gone => metadata.empty(name),
                    Verdict::Forget => metadata.forget(name),
                }
            }
        });
        drop(wanted);
        // Some may be pending now.
        self.look.notify_one();
        news
    }

    /// Tells of what is the matter with topics that are wanted.
    fn note_troubles(&self) {
        let metadata = self.metadata();
        let mut troubles = BTreeMap::new();
        for (topic, refusal) in lock(&self.wanted).refusals() {
            if let Some(refusal) = refusal {
                let topic = topic.clone();
                let error = refusal.clone().at_topic(&topic);
                troubles.insert(Subject::Topic { topic }, error);
                continue;
            }
            let partitions = metadata
                .topic(topic)
                .map(|topic| topic.partitions.as_slice());
            for (partition, known) in (0..).zip(partitions.unwrap_or_default()) {
                if known.leader < 0 {
                    let topic = topic.clone();
                    let error = Error::broker(ErrorCode::LEADER_NOT_AVAILABLE, ApiKey::METADATA)
                        .at_partition(&topic, partition);
                    troubles.insert(Subject::Leader { topic, partition }, error);
                }
            }
        }
        let mut known = lock(&self.troubles);
        known.retain(|subject, _| troubles.contains_key(subject));
        for (subject, error) in troubles {
            let trouble = known
                .entry(subject)
                .or_insert_with_key(|subject| self.health.watch(subject.clone()));
            trouble.failed(&error);
        }
    }

    /// The broker that coordinates a group, with its address taken into the metadata.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn find_coordinator(&self, group: &str) -> Result<(i32, Broker), Error> {
        let connection = self.any().await?;
        let version = connection.version::<FindCoordinatorRequest>(i16::MAX)?;
        let key = StrBytes::from(group);
        let request = match version {
            ..=3 => FindCoordinatorRequest {
                key,
                ..Default::default()
            },
            4.. => FindCoordinatorRequest {
                coordinator_keys: vec![key],
                ..Default::default()
            },
        };
        let mut response = connection
            .call_with(&request, version, self.config.request_timeout)
            .await?;
        let (code, node, host, port) = if version <= 3 {
            (
                response.error_code,
                response.node_id,
                response.host,
                response.port,
            )
        } else {
            let Some(found) = response.coordinators.pop() else {
                return Err(
                    Error::new(ErrorKind::Protocol, "the answer names no coordinator")
                        .at_api(ApiKey::FIND_COORDINATOR)
                        .at_broker(connection.broker()),
                );
            };
            (found.error_code, found.node_id, found.host, found.port)
        };
        ErrorCode::new(code).ok().map_err(|code| {
            Error::broker(code, ApiKey::FIND_COORDINATOR).at_broker(connection.broker())
        })?;
        let port = u16::try_from(port).map_err(|_| {
            Error::new(
                ErrorKind::Protocol,
                format!("the coordinator's port is {port}"),
            )
            .at_api(ApiKey::FIND_COORDINATOR)
            .at_broker(connection.broker())
        })?;
        Ok((
            node,
            Broker {
                host: host.to_string(),
                port,
                rack: None,
            },
        ))
    }

    /// A connection to a coordinator that [`Cluster::find_coordinator`] named.
    ///
    /// # Cancel safety
    /// Dropping the future drops a dialing under way.
    pub(crate) async fn connect_coordinator(
        &self,
        node: i32,
        broker: &Broker,
    ) -> Result<Connection, Error> {
        self.pool
            .connect(node, (&broker.host, broker.port), Lane::Group)
            .await
    }

    /// Ends the tasks and all connections.
    pub(crate) async fn close(&self) {
        self.abort();
        lock(&self.troubles).clear();
        self.pool.close(&Error::closed("client")).await;
    }

    fn abort(&self) {
        for task in std::mem::take(&mut *lock(&self.tasks)) {
            task.abort();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.abort();
    }
}

/// Asks for topics that are not known yet, at once, and for those that are not well, again and again.
async fn look_loop(cluster: Weak<Cluster>) {
    let Some((wake, health)) = cluster
        .upgrade()
        .map(|cluster| (cluster.look.clone(), cluster.health.clone()))
    else {
        return;
    };
    let mut trouble = health.watch(Subject::Metadata);
    loop {
        // The strong reference lives only while there is work: dropping the client ends the task.
        let next = {
            let Some(this) = cluster.upgrade() else {
                return;
            };
            let due = lock(&this.wanted).due(this.env.now());
            if due != Due::default() {
                match this.look(due).await {
                    Ok(()) => trouble.over(),
                    Err(error) => trouble.failed(&error),
                }
            }
            this.note_troubles();
            lock(&this.wanted).next()
        };
        if next.is_none() {
            // Nobody waits any more, in vain or not.
            trouble = health.watch(Subject::Metadata);
        }
        tokio::select! {
            biased;
            () = wake.notified() => {}
            () = until(next) => {}
        }
    }
}

/// Refreshes what is known on demand, and when it is older than `metadata.max.age.ms`. After a refresh
/// that failed or brought nothing new, the next one waits, longer each time.
async fn refresh_loop(cluster: Weak<Cluster>) {
    let Some((config, refresh, mut changes, mut trouble)) = cluster.upgrade().map(|cluster| {
        let trouble = cluster.health.watch(Subject::Metadata);
        let changes = cluster.changes();
        (
            cluster.config.clone(),
            cluster.refresh.clone(),
            changes,
            trouble,
        )
    }) else {
        return;
    };
    let mut backoff = Backoff::new(config.retry_backoff, config.retry_backoff_max);
    // Before the first need there is nothing that could get too old.
    tokio::select! {
        biased;
        () = refresh.notified() => refresh.notify_one(),
        _ = changes.changed() => {}
    }
    loop {
        if tokio::time::timeout(config.retry_backoff_max, refresh.notified())
            .await
            .is_err()
        {
            // Nothing was wanted for a while: what comes is no repetition.
            backoff.reset();
            let left = config
                .metadata_max_age
                .saturating_sub(config.retry_backoff_max);
            // Asked for, or too old: both lead to a refresh.
            let _ = tokio::time::timeout(left, refresh.notified()).await;
        }
        let Some(this) = cluster.upgrade() else {
            return;
        };
        let refreshed = this.refresh_now().await;
        match &refreshed {
            Ok(_) => trouble.over(),
            Err(error) => {
                tracing::debug!(%error, "metadata refresh failed");
                trouble.failed(error);
                this.request_refresh();
            }
        }
        if matches!(refreshed, Ok(true)) {
            backoff.reset();
            continue;
        }
        let pause = backoff.next(&this.env);
        drop(this);
        tokio::time::sleep(pause).await;
    }
}

//! A client's view of the cluster: the current metadata, the tasks that keep it so, and the way to
//! brokers and coordinators.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use kafka_client_protocol::api::find_coordinator::FindCoordinatorRequest;
use kafka_client_protocol::api::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse,
};
use kafka_client_protocol::{ApiKey, ErrorCode, StrBytes, Uuid};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::metadata::{Broker, PartitionMetadata, is_final};
use super::unreached::Unreached;
use super::wanted::{Due, Refresh, Refusal, Verdict, Wanted, is_absent};
use super::{Backoff, CoordinatorKey, Metadata, TopicMetadata, topic_name};
use crate::config::{ClientConfig, MetadataRecoveryStrategy};
use crate::env::{Env, Random, lock};
use crate::error::{Error, ErrorKind};
use crate::health::{Monitor, Subject, Trouble};
use crate::net::{self, Address, Connection, Lane, Pool};

/// Who uses a topic that is refused does so again within this time: longer than a call waits for it to
/// be made, so that one who tries again and again is told of.
const USED_AGAIN: Duration = Duration::from_secs(30);

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
            end: env.after(length),
        }
    }

    /// It is over, and this was the matter last.
    fn error(&self, cause: Option<&Error>) -> Error {
        let Self {
            length, setting, ..
        } = self;
        match cause {
            _ if length.is_zero() => Error::new(
                ErrorKind::Timeout,
                format!(
                    "the topic is not known yet, and {setting} is 0: it is looked for, so try again \
                     in a moment"
                ),
            ),
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

/// What metadata is asked for, besides the brokers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// These topics. Asking may make those that are not there, if it `creates`.
    Named {
        names: &'a [Arc<str>],
        creates: bool,
    },
    /// All topics there are; these are known.
    All { known: &'a [Arc<str>] },
}

impl Asked<'static> {
    pub(crate) const BROKERS: Self = Self::Named {
        names: &[],
        creates: false,
    };
}

/// The names of all topics, for somebody who wants them.
#[derive(Debug, Default)]
struct Listing {
    is_wanted: bool,
    /// Of the last answer, until they are taken. They keep the memory of that answer.
    names: Option<Vec<StrBytes>>,
}

/// The producer or the consumer that a view of the cluster is for.
pub(crate) trait ClusterUser: fmt::Debug + Send + Sync {
    /// The topics that were used since the last call, or are still at work on.
    fn topics_in_use(&self) -> Vec<Arc<str>>;

    /// No broker lets this client in. It is tried again; what is pending need not wait for that.
    fn refused(&self, error: &Error);
}

/// The cluster as a producer or a consumer sees it.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) env: Env,
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) health: Monitor,
    pool: Arc<Pool>,
    metadata: watch::Sender<Arc<Metadata>>,
    wanted: Mutex<Wanted>,
    listing: Mutex<Listing>,
    user: OnceLock<Weak<dyn ClusterUser>>,
    /// Wakes the tasks. Of their own, so that these wait without holding the cluster.
    look: Arc<Notify>,
    refresh: Arc<Notify>,
    tasks: Mutex<Vec<AbortHandle>>,
    /// In which order brokers are dialed.
    order: Mutex<Random>,
    /// Since when metadata is asked for in vain.
    unanswered_since: Mutex<Option<Instant>>,
    /// What is the matter with topics that are wanted.
    troubles: Mutex<BTreeMap<Subject, Trouble>>,
}

impl Cluster {
    /// A view that knows nothing yet; its tasks begin with the first need.
    pub(crate) fn new(env: Env, config: Arc<ClientConfig>, health: Monitor) -> Arc<Self> {
        let pool = Arc::new(Pool::new(
            env.clone(),
            config.connection(&health),
            (config.reconnect_backoff, config.reconnect_backoff_max),
            config.connections_max_idle,
            config.retry_backoff_max,
            health.clone(),
        ));
        let retry = (config.retry_backoff, config.retry_backoff_max);
        let wanted = Wanted::new(retry, env.random("topics"));
        let this = Arc::new(Self {
            order: Mutex::new(env.random("order of dialing")),
            env,
            config,
            health,
            pool,
            metadata: watch::Sender::default(),
            wanted: Mutex::new(wanted),
            listing: Mutex::default(),
            user: OnceLock::new(),
            look: Arc::default(),
            refresh: Arc::default(),
            tasks: Mutex::default(),
            unanswered_since: Mutex::default(),
            troubles: Mutex::default(),
        });
        let weak = Arc::downgrade(&this);
        let close_idle = net::close_idle(Arc::downgrade(&this.pool));
        lock(&this.tasks).extend([
            this.env.spawn(look_loop(weak.clone())).abort_handle(),
            this.env.spawn(refresh_loop(weak)).abort_handle(),
            this.env.spawn(close_idle).abort_handle(),
        ]);
        this
    }

    /// Has this tell which topics are in use: those that are not, and are not [kept](Self::keep),
    /// are forgotten after `metadata.max.idle.ms`. And has it told if no broker lets the client in.
    pub(crate) fn used_by(&self, user: Weak<dyn ClusterUser>) {
        // There is one user for each cluster.
        let _ = self.user.set(user);
    }

    /// Waits for the end of the client's runtime: nothing that is pending will go on.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) fn ended(&self) -> impl Future<Output = Error> + Send + Sync + 'static {
        let env = self.env.clone();
        async move {
            env.ended().await;
            Error::runtime_ended()
        }
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

    /// Keeps these topics in the metadata, and no others, used or not. Asking for them `creates` those
    /// that are new, if the user and the brokers allow it.
    pub(crate) fn keep<'a>(&self, topics: impl IntoIterator<Item = &'a Arc<str>>, creates: bool) {
        let mut wanted = lock(&self.wanted);
        let forgotten = wanted.keep(topics, creates, self.env.now());
        self.forget(&forgotten);
        drop(wanted);
        self.look.notify_one();
    }

    /// From now on each refresh asks for all topics, without making any, and brings their names. The
    /// next one comes soon.
    pub(crate) fn list_topics(&self) {
        lock(&self.listing).is_wanted = true;
        self.request_refresh();
    }

    /// Nobody wants the names of all topics any more.
    pub(crate) fn stop_listing(&self) {
        *lock(&self.listing) = Listing::default();
    }

    /// The names of all topics but the cluster's own, if they have come since they were last taken:
    /// every answer [changes](Self::changes) the metadata. A topic that the user may not see is not among
    /// them, and a broker that lags behind may leave one out.
    pub(crate) fn listed_topics(&self) -> Option<Vec<StrBytes>> {
        lock(&self.listing).names.take()
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
        self.find(name, true, limit).await
    }

    /// As [`Cluster::topic`], but never makes the topic.
    pub(crate) async fn look_up(
        &self,
        name: &str,
        limit: Limit,
    ) -> Result<Arc<TopicMetadata>, Error> {
        self.find(name, false, limit).await
    }

    async fn find(
        &self,
        name: &str,
        creates: bool,
        limit: Limit,
    ) -> Result<Arc<TopicMetadata>, Error> {
        let name: Arc<str> = Arc::from(name);
        topic_name::check(&name)?;
        if let Some(topic) = self.metadata.borrow().topic(&name)
            && !topic.partitions.is_empty()
        {
            return Ok(topic.clone());
        }
        let found = lock(&self.wanted).seek(&name, creates, self.env.now());
        self.look.notify_one();
        let found = found?;
        let error = match self.env.timeout_at(limit.end, found).await {
            Ok(Ok(found)) => return found,
            _ if self.env.has_ended() => Error::runtime_ended(),
            Ok(Err(_)) => Error::closed("client"),
            Err(_) => {
                // Looked for all the same, for a while: else a limit that is less than a round trip
                // would never find it.
                let mut wanted = lock(&self.wanted);
                let last = wanted.last_error(&name);
                let refused = wanted.attempt(&name, creates, self.env.now());
                drop(wanted);
                self.look.notify_one();
                match refused {
                    Ok(()) => limit.error(last.as_ref()),
                    Err(refusal) => return Err(refusal),
                }
            }
        };
        Err(error.at_topic(&name))
    }

    /// A topic and its partitions, if they are known; else it is looked for, and nobody waits. Asking
    /// for it may make it, as in [`Cluster::topic`].
    ///
    /// # Errors
    /// When no topic can have the name, or the cluster was found to refuse it, or not to have it.
    pub(crate) fn topic_if_known(&self, name: &str) -> Result<Option<Arc<TopicMetadata>>, Error> {
        if let Some(topic) = self.metadata.borrow().topic(name)
            && !topic.partitions.is_empty()
        {
            return Ok(Some(topic.clone()));
        }
        let name: Arc<str> = Arc::from(name);
        topic_name::check(&name)?;
        let attempted = lock(&self.wanted).attempt(&name, true, self.env.now());
        self.look.notify_one();
        attempted.map(|()| None)
    }

    /// A broker has taken records for a topic: if the cluster said that it is not there, it is looked for
    /// at once.
    pub(crate) fn topic_is_there(&self, name: &str) {
        lock(&self.wanted).is_there(name, self.env.now());
        self.look.notify_one();
    }

    /// Takes a leader that a broker named in an error about the topic with this id (zero if it was asked
    /// for by name), with the addresses it gave: node id, host
    /// and port (KIP-951).
    pub(crate) fn leader_hint<'a>(
        &self,
        topic: &str,
        id: Uuid,
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
                let (host, port) = (Arc::from(host), u16::try_from(port).ok()?);
                let rack = None;
                Some((node, Broker { host, port, rack }))
            });
        self.metadata.send_if_modified(|metadata| {
            // An answer of a former topic says nothing of the one that was made anew.
            let is_of_former = metadata
                .topic(topic)
                .is_some_and(|known| !id.is_zero() && !known.id.is_zero() && known.id != id);
            if is_of_former {
                return false;
            }
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
        let connected = self.connect_known(&broker.address(), lane).await;
        if connected.is_err() {
            // It may have moved, or its partitions may have.
            self.request_refresh();
        }
        connected
    }

    /// A connection to an address that the cluster has told.
    async fn connect_known(&self, address: &Address, lane: Lane) -> Result<Connection, Error> {
        let connected = self.pool.connect(address, lane).await;
        connected.map_err(advertised)
    }

    /// A connection to any broker.
    ///
    /// # Errors
    /// When none is reached: what each address failed with.
    ///
    /// # Cancel safety
    /// Dropping the future drops a dialing under way.
    pub(crate) async fn any(&self) -> Result<Connection, Error> {
        let connected = self.any_by(None).await;
        connected.map_err(|unreached| {
            let hint = "check bootstrap.servers, and advertised.listeners in the brokers' settings";
            let all_refused = unreached.all_refused();
            let error = unreached.into_error(|| Error::closed("client"), hint);
            if all_refused && let Some(user) = self.user.get().and_then(Weak::upgrade) {
                user.refused(&error);
            }
            error
        })
    }

    /// As [`Cluster::any`], until an instant.
    ///
    /// An open connection is taken before one is made. Else the brokers that are known are dialed
    /// in random order, and behind them the bootstrap addresses (KIP-899): all of them staggered, so
    /// that none that is silent holds up another.
    ///
    /// # Cancel safety
    /// As [`Cluster::any`].
    pub(crate) async fn any_by(&self, deadline: Option<Instant>) -> Result<Connection, Unreached> {
        let lane = Lane::Control;
        let metadata = self.metadata();
        let mut candidates: Vec<Address> = metadata.brokers.values().map(Broker::address).collect();
        let bootstrap = &self.config.bootstrap;
        let open = self.pool.open(&candidates, lane);
        if let Some(open) = open.or_else(|| self.pool.open(bootstrap, lane)) {
            return Ok(open);
        }
        lock(&self.order).shuffle(&mut candidates);
        if candidates.is_empty() || self.may_rebootstrap() {
            let seeds = bootstrap.iter().filter(|seed| !candidates.contains(seed));
            let mut seeds: Vec<Address> = seeds.cloned().collect();
            lock(&self.order).shuffle(&mut seeds);
            candidates.append(&mut seeds);
        }
        // Stable: those that have failed a moment ago come last.
        candidates.sort_by_cached_key(|address| self.pool.is_resting(address, lane));
        let attempt = |index: usize| self.pool.connect(&candidates[index], lane);
        // Who connects for the first time is told of a refusal at once. One that works already tries on:
        // a broker that is slow may let it in.
        let until = net::Until {
            deadline,
            after_final: deadline.is_some().then_some(net::AFTER_REFUSAL),
        };
        let connected =
            net::race(&self.env, until, candidates.len(), net::is_refusal, attempt).await;
        connected.map_err(|errors| {
            let with_last = |(address, error): (Address, Option<Error>)| {
                let error = error.or_else(|| self.pool.last_error(&address, lane));
                (address, error)
            };
            Unreached(candidates.into_iter().zip(errors).map(with_last).collect())
        })
    }

    fn may_rebootstrap(&self) -> bool {
        self.config.metadata_recovery == MetadataRecoveryStrategy::Rebootstrap
    }

    /// Forgets the brokers and their connections: the next request goes to a bootstrap address,
    /// whose name is resolved anew (KIP-1102).
    fn rebootstrap(&self, why: &str) {
        tracing::warn!(why, "beginning again at the bootstrap addresses");
        let error = Error::new(
            ErrorKind::Disconnected,
            format!("the connection was given up, to begin again at bootstrap.servers: {why}"),
        );
        self.pool.close(&error);
        self.metadata
            .send_modify(|metadata| Arc::make_mut(metadata).forget_brokers());
    }

    /// Begins again at the bootstrap addresses if the brokers that are known have not given metadata
    /// for `metadata.recovery.rebootstrap.trigger.ms`.
    fn rebootstrap_if_unanswered(&self) {
        let now = self.env.now();
        let mut since = lock(&self.unanswered_since);
        let is_due = since.is_some_and(|at| now >= at + self.config.metadata_recovery_trigger);
        if is_due && self.may_rebootstrap() && !self.metadata().brokers.is_empty() {
            *since = None;
            self.rebootstrap("no broker that is known gives metadata");
        }
        since.get_or_insert(now);
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
        self.forget(&forget);
        let asked = match lock(&self.listing).is_wanted {
            true => Asked::All { known: &ask },
            // A topic that was deleted is not made again by looking after it.
            false => Asked::Named {
                names: &ask,
                creates: false,
            },
        };
        self.ask(asked).await
    }

    fn forget(&self, topics: &[Arc<str>]) {
        if !topics.is_empty() {
            self.metadata.send_modify(|metadata| {
                let metadata = Arc::make_mut(metadata);
                topics.iter().for_each(|name| metadata.forget(name));
            });
        }
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
            let asked = Asked::Named {
                names: &names,
                creates,
            };
            if let Err(error) = self.ask(asked).await {
                tracing::debug!(?names, %error, "topics were asked for in vain");
                lock(&self.wanted).failed(&names, &error, self.env.now());
                return Err(error);
            }
        }
        Ok(())
    }

    /// Asks any broker for this, and takes its answer; whether there was news.
    async fn ask(&self, asked: Asked<'_>) -> Result<bool, Error> {
        self.rebootstrap_if_unanswered();
        let connection = self.any().await?;
        self.ask_over(&connection, asked).await
    }

    /// Asks for metadata over this connection, and takes it; whether there was news.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn ask_over(
        &self,
        connection: &Connection,
        asked: Asked<'_>,
    ) -> Result<bool, Error> {
        // Version 0 means all topics by an empty list, none cannot be said: brokers that old are
        // not supported anyway (KIP-896), but a version that low is not picked by accident.
        let by_name = |name: &Arc<str>| MetadataRequestTopic {
            name: Some(StrBytes::from(&**name)),
            ..Default::default()
        };
        let (topics, creates) = match asked {
            Asked::Named { names, creates } => (Some(names.iter().map(by_name).collect()), creates),
            Asked::All { .. } => (None, false),
        };
        let request = MetadataRequest {
            topics,
            allow_auto_topic_creation: creates,
            ..Default::default()
        };
        let response = connection.call(&request).await?;
        let broker = connection.broker();
        ErrorCode::new(response.error_code).ok().map_err(|code| {
            if code == ErrorCode::REBOOTSTRAP_REQUIRED && self.may_rebootstrap() {
                self.rebootstrap("a broker asks for it");
            }
            Error::broker(code, ApiKey::METADATA).at_broker(broker)
        })?;
        if response.brokers.is_empty() {
            return Err(
                Error::new(ErrorKind::Protocol, "the metadata names no broker")
                    .at_api(ApiKey::METADATA)
                    .at_broker(broker),
            );
        }
        Ok(self.accept(asked, response))
    }

    /// Takes an answer, and tells those who wait for it; whether there was news.
    fn accept(&self, asked: Asked<'_>, response: MetadataResponse) -> bool {
        *lock(&self.unanswered_since) = None;
        let now = self.env.now();
        let mut news = false;
        let (names, left_out) = match asked {
            Asked::Named { names, .. } => (names, BTreeSet::new()),
            Asked::All { known } => {
                let mut listing = lock(&self.listing);
                listing.names = listing.is_wanted.then(|| names_of(&response));
                (known, left_out(known, &response))
            }
        };
        let mut wanted = lock(&self.wanted);
        self.metadata.send_modify(|metadata| {
            let metadata = Arc::make_mut(metadata);
            news = metadata.merge(response, |name| wanted.contains(name));
            for name in names {
                if left_out.contains(name) {
                    wanted.left_out(name, now);
                    continue;
                }
                match wanted.answered(name, metadata.topic(name), now) {
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
        // With the trouble of each how it ends, and what is to be told of it now.
        let mut troubles: BTreeMap<Subject, (Option<Duration>, Option<Error>)> = BTreeMap::new();
        for refusal in lock(&self.wanted).refusals() {
            let Refusal { topic, error, .. } = refusal;
            if let Some(error) = error {
                let error = error.at_topic(&topic);
                let lapse = (!refusal.lasts).then_some(USED_AGAIN);
                let told = (refusal.lasts || refusal.is_new).then_some(error);
                troubles.insert(Subject::Topic { topic }, (lapse, told));
                continue;
            }
            let partitions = metadata
                .topic(&topic)
                .map(|topic| topic.partitions.as_slice());
            for (partition, known) in (0..).zip(partitions.unwrap_or_default()) {
                if known.leader < 0 {
                    let topic = topic.clone();
                    let error = Error::broker(ErrorCode::LEADER_NOT_AVAILABLE, ApiKey::METADATA)
                        .at_partition(&topic, partition);
                    troubles.insert(Subject::Leader { topic, partition }, (None, Some(error)));
                }
            }
        }
        let mut known = lock(&self.troubles);
        known.retain(|subject, trouble| {
            let lasts = troubles.contains_key(subject);
            if !lasts && metadata.has(subject) {
                trouble.over();
            }
            lasts
        });
        for (subject, (lapse, error)) in troubles {
            let trouble = known
                .entry(subject)
                .or_insert_with_key(|subject| match lapse {
                    Some(lapse) => self.health.watch_attempts(subject.clone(), lapse),
                    None => self.health.watch(subject.clone()),
                });
            if let Some(error) = error {
                trouble.failed(&error);
            }
        }
    }

    /// Whether the cluster was found not to have a topic, and has not got it since.
    pub(crate) fn is_absent(&self, topic: &str) -> bool {
        lock(&self.wanted).is_absent(topic, self.env.now())
    }

    /// What the cluster says against a topic that is kept, if no retry heals that.
    pub(crate) fn refusal(&self, topic: &str) -> Option<Error> {
        lock(&self.wanted).refusal(topic).cloned()
    }

    /// The broker that coordinates a group.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn find_coordinator(&self, key: &CoordinatorKey) -> Result<Broker, Error> {
        let connection = self.any().await?;
        let version = connection.version::<FindCoordinatorRequest>(i16::MAX)?;
        let CoordinatorKey { kind, key } = key.clone();
        let request = match version {
            ..=3 => FindCoordinatorRequest {
                key,
                key_type: kind,
                ..Default::default()
            },
            4.. => FindCoordinatorRequest {
                coordinator_keys: vec![key],
                key_type: kind,
                ..Default::default()
            },
        };
        let mut response = connection
            .call_with(&request, version, self.config.request_timeout)
            .await?;
        let (code, host, port) = if version <= 3 {
            (response.error_code, response.host, response.port)
        } else {
            let Some(found) = response.coordinators.pop() else {
                return Err(
                    Error::new(ErrorKind::Protocol, "the answer names no coordinator")
                        .at_api(ApiKey::FIND_COORDINATOR)
                        .at_broker(connection.broker()),
                );
            };
            (found.error_code, found.host, found.port)
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
        Ok(Broker {
            host: Arc::from(host.as_str()),
            port,
            rack: None,
        })
    }

    /// A connection to a coordinator that [`Cluster::find_coordinator`] named.
    ///
    /// # Cancel safety
    /// Dropping the future drops a dialing under way.
    pub(crate) async fn connect_coordinator(&self, broker: &Broker) -> Result<Connection, Error> {
        self.connect_known(&broker.address(), Lane::Group).await
    }

    /// Why the broker of a node cannot be reached over this lane, if it cannot.
    pub(crate) fn unreachable(&self, node: i32, lane: Lane) -> Option<Error> {
        let address = self.metadata().broker(node)?.address();
        self.pool.last_error(&address, lane).map(advertised)
    }

    /// Ends the tasks and all connections.
    pub(crate) fn close(&self) {
        self.abort();
        lock(&self.troubles).clear();
        self.pool.close(&Error::closed("client"));
    }

    fn abort(&self) {
        for task in lock(&self.tasks).drain(..) {
            task.abort();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.abort();
    }
}

impl Metadata {
    /// Whether a topic is there, or a partition has a leader.
    fn has(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Topic { topic } => self
                .topic(topic)
                .is_some_and(|topic| !topic.error.is_error() && !topic.partitions.is_empty()),
            Subject::Leader { topic, partition } => self
                .leader(topic, *partition)
                .is_some_and(|known| known.leader >= 0),
            _ => false,
        }
    }
}

/// The topics that an answer names, but for the cluster's own and those that are refused.
fn names_of(response: &MetadataResponse) -> Vec<StrBytes> {
    let topics = response.topics.iter().filter(|topic| {
        let error = ErrorCode::new(topic.error_code);
        !topic.is_internal && !is_final(error) && !is_absent(error)
    });
    topics.filter_map(|topic| topic.name.clone()).collect()
}

/// Those of these topics that an answer does not name.
fn left_out(known: &[Arc<str>], response: &MetadataResponse) -> BTreeSet<Arc<str>> {
    let mut left_out: BTreeSet<_> = known.iter().cloned().collect();
    for topic in &response.topics {
        if let Some(name) = &topic.name {
            left_out.remove(&**name);
        }
    }
    left_out
}

/// Adds to the error of an address where it comes from.
fn advertised(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Connect | ErrorKind::Timeout => error.with_hint(
            "the broker advertises this address: check its advertised.listeners if it is not the \
             way there from here",
        ),
        _ => error,
    }
}

/// Asks for topics that are not known yet, at once, and for those that are not well, again and again.
async fn look_loop(cluster: Weak<Cluster>) {
    let Some((env, wake, health)) = cluster.upgrade().map(|cluster| {
        let wake = cluster.look.clone();
        (cluster.env.clone(), wake, cluster.health.clone())
    }) else {
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
                let began = env.now();
                match this.look(due).await {
                    Ok(()) => trouble.over(),
                    Err(error) => trouble.failed_since(began, &error),
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
            () = env.until(next) => {}
        }
    }
}

/// Refreshes what is known on demand, and when it is older than `metadata.max.age.ms`. After a refresh
/// that failed or brought nothing new, the next one waits, longer each time.
async fn refresh_loop(cluster: Weak<Cluster>) {
    let Some((env, config, refresh, mut changes, mut trouble)) = cluster.upgrade().map(|cluster| {
        let trouble = cluster.health.watch(Subject::Metadata);
        let changes = cluster.changes();
        (
            cluster.env.clone(),
            cluster.config.clone(),
            cluster.refresh.clone(),
            changes,
            trouble,
        )
    }) else {
        return;
    };
    let random = env.random("metadata");
    let mut backoff = Backoff::new(config.retry_backoff, config.retry_backoff_max, random);
    // Before the first need there is nothing that could get too old.
    tokio::select! {
        biased;
        () = refresh.notified() => refresh.notify_one(),
        _ = changes.changed() => {}
    }
    loop {
        let soon = env.timeout(config.retry_backoff_max, refresh.notified());
        if soon.await.is_err() {
            // Nothing was wanted for a while: what comes is no repetition.
            backoff.reset();
            let left = config
                .metadata_max_age
                .saturating_sub(config.retry_backoff_max);
            // Asked for, or too old: both lead to a refresh.
            let _ = env.timeout(left, refresh.notified()).await;
        }
        let Some(this) = cluster.upgrade() else {
            return;
        };
        let began = env.now();
        let refreshed = this.refresh_now().await;
        match &refreshed {
            Ok(_) => trouble.over(),
            Err(error) => {
                tracing::debug!(%error, "metadata refresh failed");
                trouble.failed_since(began, error);
                this.request_refresh();
            }
        }
        if matches!(refreshed, Ok(true)) {
            backoff.reset();
            continue;
        }
        let pause = backoff.next();
        drop(this);
        env.sleep(pause).await;
    }
}

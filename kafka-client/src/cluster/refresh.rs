//! A client's view of the cluster: the current metadata, the task that refreshes it, and the way
//! to brokers and coordinators.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, Weak};
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
use super::unreached::Unreached;
use super::{Backoff, Metadata, TopicMetadata};
use crate::config::{ClientConfig, MetadataRecoveryStrategy};
use crate::env::{Env, Random, lock};
use crate::error::{Error, ErrorKind};
use crate::net::{self, Address, Connection, Lane, Pool};

/// The cluster as a producer or a consumer sees it.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) env: Env,
    pub(crate) config: Arc<ClientConfig>,
    pool: Arc<Pool>,
    metadata: watch::Sender<Arc<Metadata>>,
    wanted: Mutex<BTreeSet<Arc<str>>>,
    /// Of its own, so that the task waits without holding the cluster.
    refresh: Arc<Notify>,
    tasks: Mutex<Vec<AbortHandle>>,
    /// In which order brokers are dialed.
    order: Mutex<Random>,
    /// Since when metadata is asked for in vain.
    unanswered_since: Mutex<Option<Instant>>,
    /// Why the last refresh failed, for those who wait for metadata in vain.
    last_error: Mutex<Option<Error>>,
}

impl Cluster {
    /// A view that knows nothing yet; its task starts with the first need.
    pub(crate) fn new(env: Env, config: Arc<ClientConfig>) -> Arc<Self> {
        let backoff = (config.reconnect_backoff, config.reconnect_backoff_max);
        let max_idle = config.connections_max_idle;
        let pool = Pool::new(env.clone(), config.connection(), backoff, max_idle);
        let pool = Arc::new(pool);
        let this = Arc::new(Self {
            order: Mutex::new(env.random("order of dialing")),
            env,
            config,
            pool,
            metadata: watch::Sender::default(),
            wanted: Mutex::default(),
            refresh: Arc::default(),
            tasks: Mutex::default(),
            unanswered_since: Mutex::default(),
            last_error: Mutex::default(),
        });
        let refresh = this.env.spawn(refresh_loop(Arc::downgrade(&this)));
        let close_idle = net::close_idle(Arc::downgrade(&this.pool));
        let close_idle = this.env.spawn(close_idle);
        lock(&this.tasks).extend([refresh.abort_handle(), close_idle.abort_handle()]);
        this
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

    /// Keeps these topics in the metadata from now on.
    pub(crate) fn want<'a>(&self, topics: impl IntoIterator<Item = &'a Arc<str>>) {
        let mut wanted = lock(&self.wanted);
        let before = wanted.len();
        wanted.extend(topics.into_iter().cloned());
        if wanted.len() > before {
            drop(wanted);
            self.refresh.notify_one();
        }
    }

    /// Waits until a topic and its partitions are known.
    ///
    /// # Errors
    /// When the cluster refuses the topic, or it is not there within `limit`.
    ///
    /// # Cancel safety
    /// Cancel safe; the topic stays wanted.
    pub(crate) async fn topic(
        &self,
        name: &str,
        limit: Duration,
        setting: &str,
    ) -> Result<TopicMetadata, Error> {
        let name: Arc<str> = Arc::from(name);
        let mut changes = self.changes();
        self.want([&name]);
        let waiting = async {
            loop {
                let found = changes.borrow_and_update().topic(&name).cloned();
                match found {
                    Some(topic) if !topic.partitions.is_empty() => return Ok(topic),
                    Some(topic) if topic.error.is_error() && !topic.error.is_retriable() => {
                        return Err(Error::broker(topic.error, ApiKey::METADATA).at_topic(&name));
                    }
                    _ => self.request_refresh(),
                }
                if changes.changed().await.is_err() {
                    return Err(Error::closed("client"));
                }
            }
        };
        let waited = self.env.timeout(limit, waiting).await;
        waited.unwrap_or_else(|_| {
            let known = self.metadata().topic(&name).map(|topic| topic.error);
            Err(match known {
                Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION) => Error::new(
                    ErrorKind::UnknownTopic,
                    format!(
                        "the cluster has no such topic after {limit:?} ({setting}): create it, or \
                         set auto.create.topics.enable on the brokers"
                    ),
                ),
                Some(code) if code.is_error() => Error::broker(code, ApiKey::METADATA),
                _ => {
                    let error = self.env.elapsed("waiting for metadata", limit, setting);
                    match &*lock(&self.last_error) {
                        Some(cause) => error.caused_by(cause),
                        None => error,
                    }
                }
            }
            .at_topic(&name))
        })
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
                let (host, port) = (Arc::from(host), u16::try_from(port).ok()?);
                let rack = None;
                Some((node, Broker { host, port, rack }))
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
        connected.map_err(|unreached| unreached.into_error(|| Error::closed("client")))
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
        candidates.sort_by_key(|address| self.pool.is_resting(address, lane));
        let attempt = |index: usize| self.pool.connect(&candidates[index], lane);
        let connected = net::race(&self.env, deadline, candidates.len(), attempt).await;
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
            .send_modify(|metadata| *metadata = Arc::new(metadata.without_brokers()));
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

    /// Fetches metadata once, now, and takes it.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn refresh_now(&self) -> Result<(), Error> {
        self.rebootstrap_if_unanswered();
        let connection = self.any().await?;
        self.refresh_over(&connection).await
    }

    /// Fetches metadata over this connection and takes it.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn refresh_over(&self, connection: &Connection) -> Result<(), Error> {
        let wanted = lock(&self.wanted).clone();
        // Version 0 means all topics by an empty list, none cannot be said: brokers that old are
        // not supported anyway (KIP-896), but a version that low is not picked by accident.
        let topics = wanted.iter().map(|name| MetadataRequestTopic {
            name: Some(StrBytes::from(&**name)),
            ..Default::default()
        });
        let request = MetadataRequest {
            topics: Some(topics.collect()),
            allow_auto_topic_creation: self.config.allow_auto_create_topics,
            ..Default::default()
        };
        let response = connection.call(&request).await?;
        ErrorCode::new(response.error_code).ok().map_err(|code| {
            if code == ErrorCode::REBOOTSTRAP_REQUIRED && self.may_rebootstrap() {
                self.rebootstrap("a broker asks for it");
            }
            Error::broker(code, ApiKey::METADATA).at_broker(connection.broker())
        })?;
        self.accept(response, connection.broker())?;
        *lock(&self.unanswered_since) = None;
        Ok(())
    }

    fn accept(&self, response: MetadataResponse, broker: &str) -> Result<(), Error> {
        if response.brokers.is_empty() {
            return Err(
                Error::new(ErrorKind::Protocol, "the metadata names no broker")
                    .at_api(ApiKey::METADATA)
                    .at_broker(broker),
            );
        }
        let wanted = lock(&self.wanted).clone();
        self.metadata.send_modify(|metadata| {
            *metadata = Arc::new(metadata.merge(response, &wanted));
        });
        Ok(())
    }

    /// The broker that coordinates a group.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn find_coordinator(&self, group: &str) -> Result<Broker, Error> {
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

/// Refreshes on demand, and when the metadata is older than `metadata.max.age.ms`. Two refreshes
/// are at least `retry.backoff.ms` apart, with growing distance while they bring no success.
async fn refresh_loop(cluster: Weak<Cluster>) {
    let Some((env, mut backoff, max_age, refresh)) = cluster.upgrade().map(|cluster| {
        let config = &cluster.config;
        let random = cluster.env.random("metadata");
        let backoff = Backoff::new(config.retry_backoff, config.retry_backoff_max, random);
        let refresh = cluster.refresh.clone();
        (
            cluster.env.clone(),
            backoff,
            config.metadata_max_age,
            refresh,
        )
    }) else {
        return;
    };
    // Before the first need there is nothing to ask for.
    refresh.notified().await;
    loop {
        // The strong reference lives only while there is work: dropping the client ends the task.
        let Some(this) = cluster.upgrade() else {
            return;
        };
        let pause = match this.refresh_now().await {
            Ok(()) => {
                *lock(&this.last_error) = None;
                if this.metadata().is_settled() {
                    backoff.reset();
                    this.env.jitter(this.config.retry_backoff)
                } else {
                    this.request_refresh();
                    backoff.next()
                }
            }
            Err(error) => {
                tracing::debug!(%error, "metadata refresh failed");
                *lock(&this.last_error) = Some(error);
                this.request_refresh();
                backoff.next()
            }
        };
        drop(this);
        env.sleep(pause).await;
        // Asked for, or too old: both lead to a refresh.
        let _ = env.timeout(max_age, refresh.notified()).await;
    }
}

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

use super::metadata::{Broker, PartitionMetadata};
use super::{Backoff, Metadata, TopicMetadata};
use crate::config::ClientConfig;
use crate::env::{Env, lock};
use crate::error::{Error, ErrorKind};
use crate::health::{Monitor, Subject};
use crate::net::{Connection, Lane, Pool};

/// The node ids of bootstrap addresses, whose real ids are not known, count down from here.
const FIRST_BOOTSTRAP_NODE: i32 = -2;

/// The cluster as a producer or a consumer sees it.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) env: Env,
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) health: Monitor,
    pool: Pool,
    metadata: watch::Sender<Arc<Metadata>>,
    wanted: Mutex<BTreeSet<Arc<str>>>,
    /// Of its own, so that the task waits without holding the cluster.
    refresh: Arc<Notify>,
    task: Mutex<Option<AbortHandle>>,
    /// Why the last refresh failed, for those who wait for metadata in vain.
    last_error: Mutex<Option<Error>>,
}

impl Cluster {
    /// A view that knows nothing yet; its task starts with the first need.
    pub(crate) fn new(env: Env, config: Arc<ClientConfig>, health: Monitor) -> Arc<Self> {
        let backoff = Backoff::new(config.reconnect_backoff, config.reconnect_backoff_max);
        let pool = Pool::new(
            env.clone(),
            config.connection(),
            backoff,
            config.retry_backoff_max,
            health.clone(),
        );
        let this = Arc::new(Self {
            env,
            config,
            health,
            pool,
            metadata: watch::Sender::default(),
            wanted: Mutex::default(),
            refresh: Arc::default(),
            task: Mutex::default(),
            last_error: Mutex::default(),
        });
        let task = this.env.spawn(refresh_loop(Arc::downgrade(&this)));
        *lock(&this.task) = Some(task.abort_handle());
        this
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
        let waited = tokio::time::timeout(limit, waiting).await;
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
                    let error = Error::timeout("waiting for metadata", limit, setting);
                    match lock(&self.last_error).clone() {
                        Some(cause) => error.with_source(cause),
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

    /// Fetches metadata once, now, and takes it.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn refresh_now(&self) -> Result<(), Error> {
        let connection = self.any().await?;
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
        ErrorCode::new(response.error_code)
            .ok()
            .map_err(|code| Error::broker(code, ApiKey::METADATA).at_broker(connection.broker()))?;
        self.accept(response, connection.broker())
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

    /// Ends the task and all connections.
    pub(crate) async fn close(&self) {
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
        self.pool.close(&Error::closed("client")).await;
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
    }
}

/// Refreshes on demand, and when the metadata is older than `metadata.max.age.ms`. Two refreshes
/// are at least `retry.backoff.ms` apart, with growing distance while they bring no success.
async fn refresh_loop(cluster: Weak<Cluster>) {
    let Some((mut backoff, max_age, refresh, mut trouble)) = cluster.upgrade().map(|cluster| {
        let config = &cluster.config;
        let backoff = Backoff::new(config.retry_backoff, config.retry_backoff_max);
        let trouble = cluster.health.watch(Subject::Metadata);
        (
            backoff,
            config.metadata_max_age,
            cluster.refresh.clone(),
            trouble,
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
                trouble.over();
                *lock(&this.last_error) = None;
                if this.metadata().is_settled() {
                    backoff.reset();
                    this.env.jitter(this.config.retry_backoff)
                } else {
                    this.request_refresh();
                    backoff.next(&this.env)
                }
            }
            Err(error) => {
                tracing::debug!(%error, "metadata refresh failed");
                trouble.failed(&error);
                *lock(&this.last_error) = Some(error);
                this.request_refresh();
                backoff.next(&this.env)
            }
        };
        drop(this);
        tokio::time::sleep(pause).await;
        // Asked for, or too old: both lead to a refresh.
        let _ = tokio::time::timeout(max_age, refresh.notified()).await;
    }
}

//! The way in: a [`Kafka`] knows where the cluster is, and makes producers and consumers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kafka_client_protocol::api::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use kafka_client_protocol::api::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use kafka_client_protocol::{ApiKey, ErrorCode, StrBytes};

use crate::cluster::{Asked, Cluster, Limit};
use crate::config::{ClientConfig, MetadataRecoveryStrategy, check_limit, millis, parse_bootstrap};
use crate::consumer::{ConsumerBuilder, TopicPartition};
use crate::env::{Connector, Env, TcpConnector};
use crate::error::{Error, ErrorKind};
use crate::health::{Health, Monitor};
use crate::net::{self, Connection, Lane};
use crate::producer::ProducerBuilder;
#[cfg(feature = "_tls")]
use crate::security::Tls;
use crate::security::{self, Sasl, Secret, Security};

/// A Kafka cluster, as this program reaches it. Clones share it.
///
/// ```no_run
/// # async fn example() -> Result<(), kafka_client::Error> {
/// use kafka_client::{Kafka, record::Record};
///
/// let kafka = Kafka::connect("localhost:9092").await?;
/// let producer = kafka.producer().build().await?;
/// let delivered = producer.send(Record::to("greetings").value("hello")).await?;
/// println!("written at {:?} of partition {}", delivered.offset, delivered.partition);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Kafka {
    new_cluster: NewCluster,
    cluster: Arc<Cluster>,
}

/// What it takes to view the cluster; each producer and consumer has connections of its own, so
/// that none waits behind another's requests.
#[derive(Debug, Clone)]
pub(crate) struct NewCluster {
    env: Env,
    config: Arc<ClientConfig>,
    health: Monitor,
}

impl NewCluster {
    /// # Errors
    /// When the client's runtime has ended: what is made on it never does anything.
    pub(crate) fn check_runtime(&self) -> Result<(), Error> {
        match self.env.has_ended() {
            true => Err(Error::runtime_ended()),
            false => Ok(()),
        }
    }

    /// A view of the cluster, with settings of its own.
    pub(crate) fn make_with(&self, change: impl FnOnce(&mut ClientConfig)) -> Arc<Cluster> {
        let mut config = (*self.config).clone();
        change(&mut config);
        Cluster::new(self.env.derive(), Arc::new(config), self.health.clone())
    }
}

/// Settings of a [`Kafka`].
#[must_use = "a builder does nothing until `connect`"]
pub struct KafkaBuilder {
    bootstrap: String,
    config: ClientConfig,
    connector: Arc<dyn Connector>,
    security: Security,
    properties: Vec<(String, Secret)>,
    connect_timeout: Duration,
    seed: Option<u64>,
}

impl fmt::Debug for KafkaBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaBuilder")
            .field("bootstrap", &self.bootstrap)
            .field("config", &self.config)
            .field("security", &self.security)
            .field("connect_timeout", &self.connect_timeout)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

impl Kafka {
    /// Connects to a cluster by some of its brokers: `host:port`, several separated by commas
    /// (`bootstrap.servers`).
    ///
    /// # Errors
    /// When the addresses are malformed, or none is reached within 10 seconds.
    ///
    /// # Panics
    /// When the tokio runtime has no timers or no I/O: build it with `enable_all`.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn connect(bootstrap: impl Into<String>) -> Result<Self, Error> {
        Self::builder(bootstrap).connect().await
    }

    /// As [`Kafka::connect`], with settings.
    pub fn builder(bootstrap: impl Into<String>) -> KafkaBuilder {
        KafkaBuilder {
            bootstrap: bootstrap.into(),
            config: ClientConfig::default(),
            connector: Arc::new(TcpConnector),
            security: Security::default(),
            properties: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            seed: None,
        }
    }

    /// A producer with default settings, which the builder's setters change.
    pub fn producer(&self) -> ProducerBuilder {
        ProducerBuilder::new(self.new_cluster.clone())
    }

    /// A consumer that is a member of a group (`group.id`), with default settings, which the
    /// builder's setters change.
    pub fn consumer(&self, group: impl Into<String>) -> ConsumerBuilder {
        ConsumerBuilder::new(self.new_cluster.clone(), Some(group.into()))
    }

    /// A consumer without a group, for partitions that are assigned by hand. It stores no offsets.
    pub fn reader(&self) -> ConsumerBuilder {
        ConsumerBuilder::new(self.new_cluster.clone(), None)
    }

    /// The seam to the outside.
    pub(crate) fn env(&self) -> &Env {
        &self.cluster.env
    }

    /// Where troubles are told.
    pub(crate) fn monitor(&self) -> &Monitor {
        &self.cluster.health
    }

    /// Creates a topic. `partitions` and `replication_factor` of `None` take the cluster's
    /// defaults.
    ///
    /// # Errors
    /// When the cluster refuses; [`ErrorCode::TOPIC_ALREADY_EXISTS`] among others.
    ///
    /// # Cancel safety
    /// Dropped after the request was sent, the topic may be created.
    pub async fn create_topic(&self, topic: &NewTopic) -> Result<(), Error> {
        let configs = topic
            .configs
            .iter()
            .map(|(name, value)| CreatableTopicConfig {
                name: StrBytes::from(name.as_str()),
                value: Some(StrBytes::from(value.as_str())),
                ..Default::default()
            });
        let request = CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: StrBytes::from(topic.name.as_str()),
                num_partitions: topic.partitions.unwrap_or(-1),
                replication_factor: topic.replication_factor.unwrap_or(-1),
                configs: configs.collect(),
                ..Default::default()
            }],
            timeout_ms: millis(self.cluster.config.request_timeout),
            ..Default::default()
        };
        let name: Arc<str> = Arc::from(topic.name.as_str());
        self.cluster
            .retry(ApiKey::CREATE_TOPICS, may_succeed, || async {
                let response = self.controller().await?.call(&request).await?;
                let result = response
                    .topics
                    .into_iter()
                    .find(|result| result.name == *topic.name);
                check(
                    ApiKey::CREATE_TOPICS,
                    result.map(|result| (result.error_code, result.error_message)),
                )
            })
            .await
            .map_err(|error| error.at_topic(&name))
    }

    /// The partitions of a topic, in order: to assign them by hand, or to know how many there are. A topic
    /// that is not there is never made by that, whatever `allow.auto.create.topics` says.
    ///
    /// # Errors
    /// When the cluster refuses the topic, or does not have it; that takes some seconds to be believed, and
    /// `default.api.timeout.ms` at most.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn partitions(&self, topic: &str) -> Result<Vec<TopicPartition>, Error> {
        let cluster = &self.cluster;
        let limit = cluster.config.default_api_timeout;
        let limit = Limit::begin(&cluster.env, limit, "default.api.timeout.ms");
        let known = cluster.look_up(topic, limit).await?;
        let numbers = 0..known.partitions.len() as i32;
        Ok(numbers
            .map(|number| TopicPartition::new(known.name.clone(), number))
            .collect())
    }

    /// Deletes a topic with all its records.
    ///
    /// # Errors
    /// When the cluster refuses; [`ErrorCode::UNKNOWN_TOPIC_OR_PARTITION`] among others.
    ///
    /// # Cancel safety
    /// Dropped after the request was sent, the topic may be deleted.
    pub async fn delete_topic(&self, name: &str) -> Result<(), Error> {
        let shared_name: Arc<str> = Arc::from(name);
        self.cluster
            .retry(ApiKey::DELETE_TOPICS, may_succeed, || async {
                let connection = self.controller().await?;
                let version = connection.version::<DeleteTopicsRequest>(i16::MAX)?;
                let timeout_ms = millis(self.cluster.config.request_timeout);
                let request = match version {
                    ..=5 => DeleteTopicsRequest {
                        topic_names: vec![StrBytes::from(name)],
                        timeout_ms,
                        ..Default::default()
                    },
                    6.. => DeleteTopicsRequest {
                        topics: vec![DeleteTopicState {
                            name: Some(StrBytes::from(name)),
                            ..Default::default()
                        }],
                        timeout_ms,
                        ..Default::default()
                    },
                };
                let limit = self.cluster.config.request_timeout;
                let response = connection.call_with(&request, version, limit).await?;
                let result = response.responses.into_iter().next();
                check(
                    ApiKey::DELETE_TOPICS,
                    result.map(|result| (result.error_code, result.error_message)),
                )
            })
            .await
            .map_err(|error| error.at_topic(&shared_name))
    }

    /// What is stuck and why, in this client with all its producers and consumers: whatever has been
    /// tried in vain for 10 seconds or longer. Empty when all is well.
    ///
    /// The same is told in the log: after ten seconds, each minute, and when it is over or given up.
    #[must_use]
    pub fn health(&self) -> Health {
        self.cluster.health.health()
    }

    /// Waits until [`Kafka::health`] is as wanted, and returns it. It is looked at now, and whenever
    /// something gets stuck or is over.
    ///
    /// ```no_run
    /// # async fn example(kafka: kafka_client::Kafka) {
    /// let trouble = kafka.wait_for_health(|health| !health.is_well()).await;
    /// eprintln!("{trouble}");
    /// kafka.wait_for_health(|health| health.is_well()).await;
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn wait_for_health(&self, wanted: impl FnMut(&Health) -> bool) -> Health {
        self.cluster.health.wait_for(wanted).await
    }

    /// A connection to the broker that takes administrative requests; to any other if that one is
    /// silent, which passes them on or says who does.
    async fn controller(&self) -> Result<Connection, Error> {
        let cluster = &self.cluster;
        let metadata = cluster.metadata();
        if metadata.broker(metadata.controller).is_none() {
            return cluster.any().await;
        }
        let attempt = async |index: usize| match index {
            0 => cluster.connect(metadata.controller, Lane::Control).await,
            _ => cluster.any().await,
        };
        let connected = net::race(
            &cluster.env,
            net::Until::default(),
            2,
            net::is_refusal,
            attempt,
        )
        .await;
        connected.map_err(|errors| {
            let first = errors.into_iter().flatten().next();
            first.unwrap_or_else(|| Error::closed("client"))
        })
    }
}

/// `UNKNOWN_TOPIC_OR_PARTITION` is retriable where a leader is looked for, but an answer here.
fn may_succeed(error: &Error) -> bool {
    error.is_retriable() && error.code() != Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
}

fn check(api: ApiKey, result: Option<(i16, Option<StrBytes>)>) -> Result<(), Error> {
    let Some((code, message)) = result else {
        return Err(Error::new(
            ErrorKind::Protocol,
            "the answer leaves the topic out",
        ));
    };
    ErrorCode::new(code).ok().map_err(|code| {
        let error = Error::broker(code, api);
        match message {
            Some(message) if !message.is_empty() => error.with_source(message.to_string()),
            _ => error,
        }
    })
}

impl KafkaBuilder {
    /// `client.id`: names this program in the brokers' logs and quotas. Defaults to
    /// `kafka-client`.
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.config.client_id = id.into();
        self
    }

    /// `request.timeout.ms`: the longest to wait for a broker's answer. Defaults to 30 seconds.
    pub fn request_timeout(mut self, limit: Duration) -> Self {
        self.config.request_timeout = limit;
        self
    }

    /// `default.api.timeout.ms`: the longest an administrative call takes with its retries.
    /// Defaults to 1 minute.
    pub fn api_timeout(mut self, limit: Duration) -> Self {
        self.config.default_api_timeout = limit;
        self
    }

    /// `socket.connection.setup.timeout.ms`: the longest to wait for a connection to an address, from
    /// dialing to the agreement on versions. Doubles with each failure in a row. Defaults to
    /// 10 seconds.
    pub fn connection_setup_timeout(mut self, limit: Duration) -> Self {
        self.config.connection_setup_timeout = limit;
        self
    }

    /// `socket.connection.setup.timeout.max.ms`: the most that the limit for a connection grows to,
    /// doubling with each failure in a row (KIP-601). Defaults to 30 seconds.
    pub fn connection_setup_timeout_max(mut self, limit: Duration) -> Self {
        self.config.connection_setup_timeout_max = limit;
        self
    }

    /// `connections.max.idle.ms`: connections that carried nothing for this long are closed, unless
    /// an answer is due. Below the brokers' limit, 10 minutes, so that none is used that they are
    /// about to close. Defaults to 9 minutes.
    pub fn connections_max_idle(mut self, idle: Duration) -> Self {
        self.config.connections_max_idle = idle;
        self
    }

    /// The longest that [`KafkaBuilder::connect`] tries to reach a broker. Defaults to 10 seconds.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// `reconnect.backoff.ms` and `reconnect.backoff.max.ms`: the wait before connecting again,
    /// after the first failure and at most, which is no less. Default to 50 ms and 1 second.
    pub fn reconnect_backoff(mut self, first: Duration, max: Duration) -> Self {
        (
            self.config.reconnect_backoff,
            self.config.reconnect_backoff_max,
        ) = (first, max);
        self
    }

    /// `retry.backoff.ms` and `retry.backoff.max.ms`: the wait before a request is sent again,
    /// after the first failure and at most. Default to 100 ms and 1 second.
    pub fn retry_backoff(mut self, first: Duration, max: Duration) -> Self {
        (self.config.retry_backoff, self.config.retry_backoff_max) = (first, max);
        self
    }

    /// `metadata.max.age.ms`: metadata is refreshed after this time without need. Defaults to
    /// 5 minutes.
    pub fn metadata_max_age(mut self, age: Duration) -> Self {
        self.config.metadata_max_age = age;
        self
    }

    /// `receive.message.max.bytes`: the largest answer that is taken from a broker. `fetch.max.bytes` of
    /// a consumer must be 64 KiB less at least. Defaults to 128 MiB.
    pub fn receive_message_max_bytes(mut self, bytes: usize) -> Self {
        self.config.max_response = bytes;
        self
    }

    /// `metadata.recovery.strategy`: what to do when the brokers that are known are of no use any
    /// more. Defaults to beginning again at the bootstrap addresses.
    pub fn metadata_recovery(mut self, strategy: MetadataRecoveryStrategy) -> Self {
        self.config.metadata_recovery = strategy;
        self
    }

    /// `metadata.recovery.rebootstrap.trigger.ms`: brokers that were asked for metadata in vain for
    /// this long are of no use. Defaults to 5 minutes.
    pub fn metadata_recovery_trigger(mut self, time: Duration) -> Self {
        self.config.metadata_recovery_trigger = time;
        self
    }

    /// `metadata.max.idle.ms`: a topic that a producer has not used for this time is not looked after
    /// any more, and asked for again at its next use. Defaults to 5 minutes.
    pub fn metadata_max_idle(mut self, limit: Duration) -> Self {
        self.config.metadata_max_idle = limit;
        self
    }

    /// Encrypts connections, and checks who the brokers are (`security.protocol=SSL`, or `SASL_SSL` with
    /// [`sasl`](Self::sasl)). Defaults to none.
    #[cfg(feature = "_tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.security.tls = Some(tls);
        self
    }

    /// Authenticates with SASL (`security.protocol=SASL_PLAINTEXT`, or `SASL_SSL` with
    /// [`tls`](Self::tls)). Defaults to none.
    pub fn sasl(mut self, sasl: Sasl) -> Self {
        self.security.sasl = Some(sasl);
        self
    }

    /// Settings of security by Kafka's names, or librdkafka's: `security.protocol`, `ssl.*` with stores in
    /// PEM (KIP-651), `sasl.*` with the usual one-liners of `sasl.jaas.config`. They are checked by
    /// [`connect`](Self::connect), and take the place of [`tls`](Self::tls) and [`sasl`](Self::sasl), whichever
    /// are called first. Several calls add up; of a name that comes twice the later value counts.
    ///
    /// A token endpoint (`sasl.oauthbearer.token.endpoint.url=https://..`) takes the feature `oidc`, and the
    /// mechanism `AWS_MSK_IAM` the feature `aws-msk`.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), kafka_client::Error> {
    /// use kafka_client::Kafka;
    ///
    /// let kafka = Kafka::builder("broker.example:9093")
    ///     .security_properties([
    ///         ("security.protocol", "SASL_SSL"),
    ///         ("sasl.mechanism", "PLAIN"),
    ///         (
    ///             "sasl.jaas.config",
    ///             "org.apache.kafka.common.security.plain.PlainLoginModule required \
    ///              username=\"alice\" password=\"secret\";",
    ///         ),
    ///     ])
    ///     .connect()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn security_properties<N: Into<String>, V: Into<String>>(
        mut self,
        properties: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let properties = properties.into_iter();
        let properties = properties.map(|(name, value)| {
            let value: String = value.into();
            (name.into(), Secret::from(value))
        });
        self.properties.extend(properties);
        self
    }

    /// How connections are made. Defaults to [`TcpConnector`].
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.connector = Arc::new(connector);
        self
    }

    /// Fixes every choice that is left to chance, for reproducible tests. Defaults to none.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Connects to the first broker that answers. The addresses are tried in random order, each a
    /// quarter of a second after the one before or as soon as that has failed. The client lives on
    /// the tokio runtime that this is called on, and can be used from any thread while that runs.
    ///
    /// # Errors
    /// When the addresses or a setting are malformed, there is no tokio runtime, no host of the
    /// addresses exists, or none is reached within
    /// [`connect_timeout`](KafkaBuilder::connect_timeout). Every address is named with its reason.
    /// It is not waited for that where every address leads to something else than a broker, or one refuses the
    /// client. What may pass is: TLS spoken to a listener without it and none of SASL where it is wanted look like
    /// a broker that goes, and a token that does not come may come yet.
    ///
    /// # Panics
    /// When the tokio runtime has no timers or no I/O: build it with `enable_all`.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn connect(mut self) -> Result<Kafka, Error> {
        self.config.bootstrap = parse_bootstrap(&self.bootstrap)?;
        self.config.validate()?;
        let limit = self.connect_timeout;
        check_limit("connect_timeout", limit)?;
        let env = Env::new(self.connector, self.seed)?;
        let security = match self.properties.is_empty() {
            true => self.security,
            false => security::from_properties(self.properties)?,
        };
        self.config.secured = security.prepare(&env).await?;
        let new_cluster = NewCluster {
            health: Monitor::new(env.clone()),
            env: env.clone(),
            config: Arc::new(self.config),
        };
        let kafka = Kafka {
            // To ask about a topic makes none.
            cluster: new_cluster.make_with(|config| config.allow_auto_create_topics = false),
            new_cluster,
        };
        let cluster = &kafka.cluster;
        let start = env.now();
        let deadline = start + limit;
        let too_long = || env.elapsed("connecting", limit, "connect_timeout");
        let mut backoff = cluster.retry_backoff("connect");
        let mut cause: Option<Error> = None;
        loop {
            let error = match cluster.any_by(Some(deadline)).await {
                Ok(connection) => {
                    let refreshed = cluster.ask_over(&connection, Asked::BROKERS);
                    match env.timeout_at(deadline, refreshed).await {
                        Ok(Ok(_)) => return Ok(kafka),
                        Ok(Err(error)) => error,
                        // What the attempt before failed with says more than the end of the time.
                        Err(_) => match &cause {
                            Some(cause) => too_long().caused_by(cause).at_place_of(cause),
                            None => too_long().at_broker(connection.broker()),
                        },
                    }
                }
                Err(unreached) if unreached.are_final() => {
                    return Err(unreached.into_error(too_long, "check bootstrap.servers"));
                }
                Err(unreached) => {
                    let hint =
                        format!("check bootstrap.servers; tried for {limit:?} (connect_timeout)");
                    let is_pending = unreached.is_pending();
                    let error = unreached.into_error(too_long, &hint);
                    match &cause {
                        // The same: a dial that time ended says nothing of the one before it.
                        Some(cause) if is_pending => error.caused_by(cause),
                        _ => error,
                    }
                }
            };
            // The pool waits before it dials again, but a broker may be there and refuse.
            let wait = backoff.next();
            if error.kind() == ErrorKind::Closed || env.now() + wait >= deadline {
                return Err(error);
            }
            cause = Some(error);
            env.sleep(wait).await;
        }
    }
}

/// A topic to be created.
#[derive(Debug, Clone)]
#[must_use]
pub struct NewTopic {
    name: String,
    partitions: Option<i32>,
    replication_factor: Option<i16>,
    configs: Vec<(String, String)>,
}

impl NewTopic {
    /// A topic with the cluster's defaults.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            partitions: None,
            replication_factor: None,
            configs: Vec::new(),
        }
    }

    /// The number of partitions, at least 1. Defaults to the cluster's `num.partitions`.
    pub fn partitions(mut self, partitions: i32) -> Self {
        self.partitions = Some(partitions);
        self
    }

    /// The number of replicas of each partition. Defaults to the cluster's
    /// `default.replication.factor`.
    pub fn replication_factor(mut self, replicas: i16) -> Self {
        self.replication_factor = Some(replicas);
        self
    }

    /// A setting of the topic by Kafka's name, such as `retention.ms`.
    pub fn config(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.configs.push((name.into(), value.into()));
        self
    }
}

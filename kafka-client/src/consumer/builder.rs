//! Settings of a consumer by Kafka's names, and its start.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::config::{ConsumerConfig, OffsetReset, RecreatedTopic};
use super::group::{Assignor, Listener, Predicate, RebalanceEvent, Subscription};
use super::handle::find;
use super::position::Stage;
use super::resets::{PositionReset, ResetListener};
use super::shared::{self, Shared};
use super::{
    Consumer, ConsumerHandle, ConsumerRecord, PartitionStreamsBuilder, TopicPartition,
    TypedConsumer, TypedConsumerBuilder,
};
use crate::client::NewCluster;
use crate::cluster::topic_name;
use crate::error::Error;
use crate::record::{HasTopic, KafkaRecord};

/// Settings of a consumer, and its start. Made by [`Kafka::consumer`](crate::Kafka::consumer).
#[derive(Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct ConsumerBuilder {
    cluster: NewCluster,
    config: ConsumerConfig,
    listener: Option<Listener>,
}

impl ConsumerBuilder {
    pub(crate) fn new(cluster: NewCluster, group: Option<String>) -> Self {
        let config = ConsumerConfig {
            group,
            ..ConsumerConfig::default()
        };
        Self {
            cluster,
            config,
            listener: None,
        }
    }

    /// `auto.offset.reset`: where to begin without a stored offset, or when it is no longer in the log.
    /// Defaults to [`OffsetReset::Latest`].
    pub fn offset_reset(mut self, reset: OffsetReset) -> Self {
        self.config.reset = reset;
        self
    }

    /// Where a partition without a stored offset begins that was made after the consumer was started:
    /// with [`OffsetReset::Latest`], which Java's client takes from `auto.offset.reset`, what was
    /// written before the consumer found the partition is skipped. A member that joins later finds the
    /// partition there, and begins where [`offset_reset`](Self::offset_reset) says. Defaults to
    /// [`OffsetReset::Earliest`].
    pub fn offset_reset_of_new_partitions(mut self, reset: OffsetReset) -> Self {
        self.config.reset_of_new = reset;
        self
    }

    /// What becomes of a partition whose topic was deleted and made anew. Defaults to
    /// [`RecreatedTopic::ReadFromBeginning`].
    pub fn recreated_topic(mut self, policy: RecreatedTopic) -> Self {
        self.config.recreated = policy;
        self
    }

    /// `enable.auto.commit` and `auto.commit.interval.ms`: commits what was processed at this
    /// interval, before a rebalance and when closed. With partitions that are assigned by hand as well: a
    /// tool that reads with the name of a group moves what that has stored, unless it is
    /// [`manual_commit`](Self::manual_commit). Before the first call for a record nothing is committed, so that
    /// one may look at a group's offsets. Defaults to every 5 seconds.
    pub fn auto_commit(mut self, interval: Duration) -> Self {
        self.config.auto_commit = Some(interval);
        self
    }

    /// `enable.auto.commit=false`: only what the user commits is committed.
    pub fn manual_commit(mut self) -> Self {
        self.config.auto_commit = None;
        self
    }

    /// `partition.assignment.strategy`: assignors in order of preference, each once; the group runs the
    /// one that most members prefer among those that all have. With any that is not cooperative, all
    /// partitions are given up in each rebalance. Defaults to [`Assignor::CooperativeSticky`].
    ///
    /// A running group moves from `[Range]` to the default in two rounds, in each of which one member
    /// after the other is started anew: first with `[CooperativeSticky, Range]`, then without
    /// (KIP-429).
    pub fn assignors(mut self, assignors: impl IntoIterator<Item = Assignor>) -> Self {
        self.config.assignors = assignors.into_iter().map(Assignor::fixed).collect();
        self
    }

    /// `group.instance.id`: makes it a static member (KIP-345), which may be away for
    /// `session.timeout.ms` without a rebalance. Defaults to none.
    pub fn instance_id(mut self, instance: impl Into<String>) -> Self {
        self.config.instance = Some(instance.into());
        self
    }

    /// `client.rack`: where the consumer runs, by the names that brokers have in `broker.rack`. It is
    /// assigned partitions with a replica there, as far as that goes (KIP-881), and reads from that replica
    /// if the brokers have a selector for it (KIP-392). Defaults to none.
    pub fn rack(mut self, rack: impl Into<String>) -> Self {
        self.config.rack = Some(rack.into());
        self
    }

    /// `session.timeout.ms`: a member not heard of for this long is removed. Defaults to 45 seconds.
    pub fn session_timeout(mut self, timeout: Duration) -> Self {
        self.config.session_timeout = timeout;
        self
    }

    /// `heartbeat.interval.ms`: at most a third of the session timeout. Defaults to 3 seconds.
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.config.heartbeat_interval = interval;
        self
    }

    /// `max.poll.interval.ms`: a member that does not ask for a record for this long leaves its
    /// group, a tenth of it later at most. It is also the longest that a rebalance waits for it. Defaults to
    /// 5 minutes.
    pub fn max_poll_interval(mut self, interval: Duration) -> Self {
        self.config.max_poll_interval = interval;
        self
    }

    /// `fetch.min.bytes`: a broker waits until there are so many, `fetch.max.wait.ms` at most.
    /// Defaults to 1.
    pub fn fetch_min_bytes(mut self, bytes: i32) -> Self {
        self.config.fetch_min_bytes = bytes;
        self
    }

    /// `fetch.max.bytes`: most bytes of an answer; a batch that is larger comes alone. Defaults to
    /// 50 MiB.
    pub fn fetch_max_bytes(mut self, bytes: i32) -> Self {
        self.config.fetch_max_bytes = bytes;
        self
    }

    /// `max.partition.fetch.bytes`: most bytes of a partition in an answer; a batch that is larger
    /// comes alone. Defaults to 1 MiB.
    pub fn max_partition_fetch_bytes(mut self, bytes: i32) -> Self {
        self.config.max_partition_fetch_bytes = bytes;
        self
    }

    /// `fetch.max.wait.ms`. Defaults to 500 ms.
    pub fn fetch_max_wait(mut self, wait: Duration) -> Self {
        self.config.fetch_max_wait = wait;
        self
    }

    /// Bytes that are fetched ahead of the user; while they are full, nothing is fetched. Defaults
    /// to 64 MiB.
    pub fn buffer_bytes(mut self, bytes: usize) -> Self {
        self.config.buffer_bytes = bytes;
        self
    }

    /// Most bytes that a compressed batch may have when decompressed; one that has more is
    /// reported as corrupt. From 1 byte to 2 GiB - 1; defaults to 256 MiB.
    pub fn max_batch_bytes(mut self, bytes: usize) -> Self {
        self.config.max_batch_bytes = bytes;
        self
    }

    /// `check.crcs`: whether damage on the way or on the broker's disk is found. Defaults to yes.
    pub fn check_crcs(mut self, check: bool) -> Self {
        self.config.check_crcs = check;
        self
    }

    /// `allow.auto.create.topics`: whether subscribing may create a topic, if the brokers do that.
    /// Defaults to yes.
    pub fn allow_auto_create_topics(mut self, allow: bool) -> Self {
        self.config.allow_auto_create_topics = allow;
        self
    }

    pub(super) fn read_apart(&mut self) {
        self.config.reads_apart = true;
    }

    pub(super) fn max_unacked(mut self, records: usize) -> Self {
        self.config.max_unacked = Some(records);
        self
    }

    /// Work on a record that takes longer than this and a minute is told.
    pub(crate) fn work_longer_by(mut self, time: Duration) -> Self {
        self.config.work_long = self.config.work_long.saturating_add(time);
        self
    }

    /// For another member of the same program: a static one has a name of its own.
    pub(crate) fn another_instance(mut self, name: &str) -> Self {
        let instance = self.config.instance.take();
        self.config.instance = instance.map(|instance| format!("{instance}-{name}"));
        self
    }

    pub(super) fn revoke_timeout(mut self, limit: Duration) -> Self {
        self.config.revoke_timeout = limit;
        self
    }

    /// Has a function called for each change of what the consumer owns. It runs on a task of its own,
    /// one call after the other; partitions go to others, and new ones begin, when it is through. A
    /// panic of it ends the consumer. On a runtime of one thread a function that blocks blocks heartbeats
    /// too. Partitions that are assigned by hand bring no such events. Defaults to none.
    pub fn on_rebalance(self, listener: impl Fn(&RebalanceEvent) + Send + Sync + 'static) -> Self {
        self.on_rebalance_with(move |_, event| {
            listener(&event);
            std::future::ready(())
        })
    }

    /// As [`on_rebalance`](Self::on_rebalance), with a function that may wait, and a handle of the
    /// consumer, by which it may commit and seek. It is waited for `max.poll.interval.ms` at most;
    /// the member stays in its group meanwhile.
    ///
    /// At [`RebalanceEvent::Revoking`] what is committed still counts: the chance of those who commit
    /// by hand.
    pub fn on_rebalance_with<F, W>(mut self, listener: F) -> Self
    where
        F: Fn(ConsumerHandle, RebalanceEvent) -> W + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        self.listener = Some(Listener::new(listener));
        self
    }

    /// Has a function called for each position that `auto.offset.reset` has moved. It runs on a task of
    /// its own; a panic of it ends the consumer. Defaults to none.
    pub fn on_reset(mut self, listener: impl Fn(&PositionReset) + Send + Sync + 'static) -> Self {
        self.config.reset_listener = Some(ResetListener(Arc::new(listener)));
        self
    }

    /// Has each partition read apart, by a stream of its own.
    pub fn partition_streams(self) -> PartitionStreamsBuilder<ConsumerRecord> {
        PartitionStreamsBuilder::new(self)
    }

    /// A consumer of one type of records: those of the type's topic, decoded.
    pub fn topic<T: HasTopic>(self) -> TypedConsumerBuilder<T> {
        TypedConsumerBuilder::new(self)
    }

    /// Starts a member of the group that shares these topics with the others.
    ///
    /// # Errors
    /// When settings contradict each other, there is no group or topic, or no topic can have such a
    /// name. Everything else is reported by [`Consumer::recv`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn subscribe<I, S>(self, topics: I) -> Result<Consumer, Error>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let topics = checked(topics)?;
        self.start(Subscription::Topics(topics))
    }

    /// Starts a member of the group that shares all topics whose names match, as Java's
    /// `subscribe(Pattern)`: those that are there, and those that come later. The cluster's own topics,
    /// such as `__consumer_offsets`, are left out, as by Java's `exclude.internal.topics=true`.
    ///
    /// A topic that comes is taken in within `metadata.max.age.ms`, and read from its first record, unless
    /// [`offset_reset_of_new_partitions`](Self::offset_reset_of_new_partitions) says otherwise; one that
    /// is deleted is given up, some seconds after that is noticed. Topics that the user may not see are
    /// not there. While nothing matches, the member is in its group and waits. All topics are asked for
    /// with each refresh of the metadata, which makes none, and only those that match are remembered.
    ///
    /// The predicate is called with every topic's name, again and again, on the task that keeps the
    /// member in its group, so it must not block. A panic of it ends the consumer with its words. With
    /// the `regex` crate it is `move |topic: &str| regex.is_match(topic)`.
    ///
    /// ```no_run
    /// # async fn run(kafka: kafka_client::Kafka) -> Result<(), kafka_client::Error> {
    /// let orders = kafka.consumer("billing");
    /// let mut orders = orders.subscribe_matching(|topic| topic.starts_with("orders.")).await?;
    /// let order = orders.recv().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When settings contradict each other, or there is no group. Everything else is reported by
    /// [`Consumer::recv`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn subscribe_matching(
        self,
        matches: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<Consumer, Error> {
        self.start(Subscription::Matching(Predicate::new(matches)))
    }

    /// As [`ConsumerBuilder::subscribe`], with the records decoded: for types that name no topic, and
    /// for other topics than theirs.
    ///
    /// # Errors
    /// As [`ConsumerBuilder::subscribe`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn subscribe_as<T, I, S>(self, topics: I) -> Result<TypedConsumer<T>, Error>
    where
        T: KafkaRecord,
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        self.subscribe(topics).await.map(TypedConsumer::new)
    }

    /// As [`ConsumerBuilder::subscribe_matching`], with the records decoded: all topics that match have
    /// records of one type.
    ///
    /// # Errors
    /// As [`ConsumerBuilder::subscribe_matching`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn subscribe_matching_as<T: KafkaRecord>(
        self,
        matches: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<TypedConsumer<T>, Error> {
        let consumer = self.subscribe_matching(matches).await;
        consumer.map(TypedConsumer::new)
    }

    /// As [`ConsumerBuilder::assign`], with the records decoded.
    ///
    /// # Errors
    /// As [`ConsumerBuilder::assign`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn assign_as<T: KafkaRecord>(
        self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<TypedConsumer<T>, Error> {
        self.assign(partitions).await.map(TypedConsumer::new)
    }

    /// Starts a consumer of these partitions, which it does not share. It begins where its group,
    /// if it has one, has stored an offset, else where `auto.offset.reset` says.
    ///
    /// # Errors
    /// When settings contradict each other, or the cluster refuses a topic or does not have it; that
    /// takes some seconds to be believed, and `default.api.timeout.ms` at most.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn assign(
        self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<Consumer, Error> {
        let (shared, _) = self.shared(true)?;
        let mut assigned = Vec::new();
        for partition in partitions {
            find(&shared.cluster, &partition).await?;
            assigned.push(partition);
        }
        let has_group = shared.config.group.is_some();
        let topics = assigned.iter().map(|partition| partition.topic.clone());
        let topics: BTreeSet<_> = topics.collect();
        {
            let mut state = shared.state();
            for partition in assigned {
                state.positions.assign(&partition, Stage::Unknown);
                if !has_group {
                    shared.reset(&mut state, &partition, || {
                        shared::no_offset("there is no group with a stored offset")
                    });
                }
            }
        }
        let nothing = Subscription::Topics(Vec::new());
        let consumer = Consumer::start(shared, nothing, None);
        consumer.handle.shared().cluster.keep(&topics, true);
        consumer.handle.shared().positions_changed();
        Ok(consumer)
    }

    fn start(self, subscription: Subscription) -> Result<Consumer, Error> {
        if self.config.group.is_none() {
            return Err(Error::config(
                "subscribing needs a group.id; assign partitions without",
            ));
        }
        let (shared, listener) = self.shared(false)?;
        Ok(Consumer::start(shared, subscription, listener))
    }

    fn shared(self, assigned_by_hand: bool) -> Result<(Arc<Shared>, Option<Listener>), Error> {
        self.config.validate()?;
        let allow = self.config.allow_auto_create_topics;
        let cluster = self
            .cluster
            .make_with(|config| config.allow_auto_create_topics = allow);
        self.config
            .validate_receiving(cluster.config.max_response)?;
        let shared = Shared::new(cluster, self.config, assigned_by_hand);
        Ok((shared, self.listener))
    }
}

/// Topics to subscribe to, in order.
pub(super) fn checked<I, S>(topics: I) -> Result<Vec<Arc<str>>, Error>
where
    I: IntoIterator<Item = S>,
    S: AsRef<str>,
{
    let mut topics: Vec<Arc<str>> = topics
        .into_iter()
        .map(|topic| Arc::from(topic.as_ref()))
        .collect();
    for topic in &topics {
        topic_name::check(topic)?;
    }
    topics.sort();
    topics.dedup();
    match topics.is_empty() {
        true => Err(Error::config("no topic to subscribe to")),
        false => Ok(topics),
    }
}

impl fmt::Debug for ConsumerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerBuilder")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

//! What a listener is set to.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::batch::{BatchEndpoint, BatchRoute, BatchTopic, Extracting, FromBatch, OfBatch};
use super::breaker::CircuitBreaker;
use super::classify::Classifiers;
use super::policy::Policy;
use super::retry::Retry;
use super::route::{Bare, End, Layered, Route};
use super::topics::DeadLetters;
use super::{FromMessage, Handler, HandlerService, HeaderStyle, OfRecord, Reply, Verdict, handler};
use crate::client::Kafka;
use crate::consumer::{Concurrency, ConsumerBuilder};
use crate::producer::ProducerBuilder;
use crate::record::HasTopic;

/// A member of a group whose records go to handlers. Made by [`Kafka::listen`]; see [the module](super).
///
/// `S` is its state, and `R` its handlers, which are composed at compile time.
#[must_use = "a listener does nothing until `run_until`"]
pub struct Listener<S, R> {
    pub(super) kafka: Kafka,
    pub(super) group: Arc<str>,
    pub(super) state: S,
    pub(super) routes: R,
    pub(super) settings: Settings,
}

pub(super) struct Settings {
    pub(super) consumer: ConsumerBuilder,
    pub(super) producer: ProducerBuilder,
    pub(super) concurrency: Concurrency,
    pub(super) max_unacked: Option<usize>,
    pub(super) revoke_timeout: Option<Duration>,
    pub(super) shutdown_timeout: Duration,
    pub(super) policy: Policy,
    pub(super) classifiers: Classifiers,
    pub(super) dead_letters: DeadLetters,
    pub(super) style: HeaderStyle,
    pub(super) ensure_topics: bool,
    pub(super) circuit_breaker: Option<CircuitBreaker>,
}

impl Kafka {
    /// Listens to topics as a member of a group (`group.id`), and has their records handled by functions of
    /// yours. See [`listen`](crate::listen).
    pub fn listen(&self, group: impl Into<String>) -> Listener<(), End> {
        let group: String = group.into();
        let settings = Settings {
            consumer: self.consumer(group.clone()),
            producer: self.producer(),
            concurrency: Concurrency::PerPartition,
            max_unacked: None,
            revoke_timeout: None,
            shutdown_timeout: Duration::from_secs(30),
            policy: Policy::default(),
            classifiers: Classifiers::default(),
            dead_letters: DeadLetters::default(),
            style: HeaderStyle::default(),
            ensure_topics: false,
            circuit_breaker: Some(CircuitBreaker::default()),
        };
        Listener {
            kafka: self.clone(),
            group: group.into(),
            state: (),
            routes: End,
            settings,
        }
    }
}

impl Listener<(), End> {
    /// What handlers share, such as a pool of connections to a database: they take it as
    /// [`State`](super::State). It comes before the handlers. Defaults to `()`.
    pub fn state<S: Send + Sync + 'static>(self, state: S) -> Listener<S, End> {
        Listener {
            kafka: self.kafka,
            group: self.group,
            state,
            routes: self.routes,
            settings: self.settings,
        }
    }
}

impl<S: Send + Sync + 'static, R> Listener<S, R> {
    /// Has the records of a topic handled: of the one that the type `T` names, which is that of the
    /// handler's first argument, a [`Value<T>`](super::Value).
    pub fn on<T, A>(
        self,
        handler: impl Handler<A, Reply: Reply, Future: Send>,
    ) -> Listener<S, Route<Bare<impl HandlerService<S>>, R>>
    where
        T: HasTopic,
        A: OfRecord<Record = T> + FromMessage<S> + Send,
    {
        self.on_topic(T::TOPIC_NAME, handler)
    }

    /// Has the records of a topic handled, whatever the handler takes of them.
    pub fn on_topic<A>(
        self,
        topic: impl Into<String>,
        handler: impl Handler<A, Reply: Reply, Future: Send>,
    ) -> Listener<S, Route<Bare<impl HandlerService<S>>, R>>
    where
        A: FromMessage<S> + Send,
    {
        let endpoint = Bare(handler::service(handler));
        self.routed(|next| Route {
            topic: topic.into(),
            endpoint,
            next,
        })
    }

    /// Has the records of a topic handled many at once: of the one that the type `T` names, which is that of the
    /// handler's first argument, a [`Batch<T>`](super::Batch). A batch has `max` records at most, and is not
    /// waited for longer than `wait`, from its first record on. One batch is handled after the other.
    ///
    /// If the handler fails, the whole batch is handled again, as [`Blocking`](super::Blocking) says; then its
    /// records become dead letters, one by one. Retry topics are for single records, so that such a batch has
    /// none. If a record is not of the type, each record of its batch is handled in a batch of its own. Layers are
    /// not put around these handlers, and they take another member of the group for each topic.
    pub fn on_batch<T, A>(
        self,
        handler: impl Handler<A, Reply: Reply, Future: Send>,
        max: usize,
        wait: Duration,
    ) -> Listener<S, BatchRoute<impl BatchEndpoint<S>, R>>
    where
        T: HasTopic,
        A: OfBatch<Record = T> + FromBatch<S> + Send + 'static,
    {
        self.on_batch_topic(T::TOPIC_NAME, handler, max, wait)
    }

    /// As [`on_batch`](Self::on_batch), of a topic.
    pub fn on_batch_topic<A>(
        self,
        topic: impl Into<String>,
        handler: impl Handler<A, Reply: Reply, Future: Send>,
        max: usize,
        wait: Duration,
    ) -> Listener<S, BatchRoute<impl BatchEndpoint<S>, R>>
    where
        A: FromBatch<S> + Send + 'static,
    {
        let topic = topic.into();
        let of = BatchTopic { topic, max, wait };
        let endpoint = Extracting::<_, A>::new(handler);
        self.routed(|next| BatchRoute { of, endpoint, next })
    }

    fn routed<N>(self, route: impl FnOnce(R) -> N) -> Listener<S, N> {
        Listener {
            kafka: self.kafka,
            group: self.group,
            state: self.state,
            routes: route(self.routes),
            settings: self.settings,
        }
    }

    /// Puts a layer of tower's around each handler that was added before, around each apart: a limit is
    /// each handler's own. A layer that comes later is further out. Each attempt of a record passes through,
    /// and an error of a layer is treated as the handler's; nothing is handed to a service until it is ready.
    ///
    /// ```no_run
    /// # async fn bill() {}
    /// # async fn run(kafka: kafka_client::Kafka) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use tower::timeout::TimeoutLayer;
    ///
    /// let listener = kafka.listen("billing").on_topic("orders", bill);
    /// let listener = listener.layer(TimeoutLayer::new(Duration::from_secs(30)));
    /// listener.run_until(std::future::pending()).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "as everywhere with tower")]
    pub fn layer<L>(self, layer: L) -> Listener<S, R::Output>
    where
        R: Layered<L>,
    {
        self.routed(|routes| routes.layered(&layer))
    }

    /// Which records are handled at the same time. Defaults to [`Concurrency::PerPartition`].
    pub fn concurrency(mut self, concurrency: Concurrency) -> Self {
        self.settings.concurrency = concurrency;
        self
    }

    /// How a record is handled again whose handler failed: in its place ([`Blocking`](super::Blocking)), or from
    /// topics of its own ([`Topics`](super::Topics)), or both, in this order. Called again with one of the two, the
    /// later counts. Defaults to not at all.
    pub fn retry(mut self, retry: impl Retry) -> Self {
        retry.set(&mut self.settings.policy);
        self
    }

    /// Has records that could not be handled written to this topic, instead of ending the listener. The
    /// offset of one is committed only when the broker has acknowledged its dead letter. It goes to the partition
    /// of the same number if there is one, else to that number modulo how many there are.
    pub fn dead_letter(mut self, topic: impl Into<String>) -> Self {
        self.settings.dead_letters = DeadLetters::To(topic.into());
        self
    }

    /// As [`dead_letter`](Self::dead_letter), to a topic `<topic>.<group>.dlt` for each topic.
    pub fn dead_letters(mut self) -> Self {
        self.settings.dead_letters = DeadLetters::ByName;
        self
    }

    /// Which headers dead letters are given, after their own. Defaults to [`HeaderStyle::Kafka`].
    pub fn dead_letter_headers(mut self, style: HeaderStyle) -> Self {
        self.settings.style = style;
        self
    }

    /// Whether the topics of retries and dead letters are made before the listener starts, if they are missing,
    /// with as many partitions as the topic whose records they take. Defaults to `false`: then they have to be there,
    /// or the brokers make them (`auto.create.topics.enable`).
    pub fn ensure_topics(mut self, ensure: bool) -> Self {
        self.settings.ensure_topics = ensure;
        self
    }

    /// When many records in a row are about to be dead letters and none succeeds in between, the handlers are held
    /// and no more dead letters are written: one record is tried after a wait that grows, until one succeeds.
    /// [`Kafka::health`] tells of it, and a warning. `None` is no breaker. Defaults to
    /// [`CircuitBreaker::default`]: after 20 records.
    pub fn circuit_breaker(mut self, breaker: impl Into<Option<CircuitBreaker>>) -> Self {
        self.settings.circuit_breaker = breaker.into();
        self
    }

    /// What to do with errors of a type, of handlers and of layers. It is looked for in the error and in what
    /// lies behind it ([`source`](StdError::source)), the nearest first; of several for one type the first
    /// counts. Other errors are [`Verdict::Retry`].
    pub fn classify<E: StdError + 'static>(
        mut self,
        classify: impl Fn(&E) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        self.settings.classifiers.add(classify);
        self
    }

    /// What to do with records from which an argument of their handler cannot be read. Defaults to
    /// [`Verdict::DeadLetter`], which ends the listener if there is no topic for them.
    pub fn on_decode_error(mut self, verdict: Verdict) -> Self {
        self.settings.policy.on_decode_error = Some(verdict);
        self
    }

    /// What to do with records whose handler panics. Defaults to [`Verdict::DeadLetter`], which ends the
    /// listener if there is no topic for them.
    pub fn on_panic(mut self, verdict: Verdict) -> Self {
        self.settings.policy.on_panic = Some(verdict);
        self
    }

    /// Settings of the consumer.
    ///
    /// ```no_run
    /// # fn set(kafka: kafka_client::Kafka) {
    /// use kafka_client::consumer::OffsetReset;
    ///
    /// let listener = kafka.listen("billing");
    /// let listener = listener.consumer(|consumer| consumer.offset_reset(OffsetReset::Earliest));
    /// # drop(listener);
    /// # }
    /// ```
    pub fn consumer(mut self, set: impl FnOnce(ConsumerBuilder) -> ConsumerBuilder) -> Self {
        self.settings.consumer = set(self.settings.consumer);
        self
    }

    /// Settings of the producer of dead letters and of all else that the listener writes.
    pub fn producer(mut self, set: impl FnOnce(ProducerBuilder) -> ProducerBuilder) -> Self {
        self.settings.producer = set(self.settings.producer);
        self
    }

    /// As [`AckConsumerBuilder::max_unacked`](crate::consumer::AckConsumerBuilder::max_unacked): while a record
    /// is retried in its place, so many are read behind it. Defaults to 10,000.
    pub fn max_unacked(mut self, records: usize) -> Self {
        self.settings.max_unacked = Some(records);
        self
    }

    /// As [`AckConsumerBuilder::revoke_timeout`](crate::consumer::AckConsumerBuilder::revoke_timeout). Defaults
    /// to 30 seconds.
    pub fn revoke_timeout(mut self, limit: Duration) -> Self {
        self.settings.revoke_timeout = Some(limit);
        self
    }

    /// How long handlers that run are waited for at the end. Defaults to 30 seconds.
    pub fn shutdown_timeout(mut self, limit: Duration) -> Self {
        self.settings.shutdown_timeout = limit;
        self
    }
}

impl<S, R> fmt::Debug for Listener<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("group", &self.group)
            .field("policy", &self.settings.policy)
            .field("concurrency", &self.settings.concurrency)
            .finish_non_exhaustive()
    }
}

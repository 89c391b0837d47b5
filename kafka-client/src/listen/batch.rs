//! Handlers of several records at once.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use super::route::{Layered, Routes};
use super::{Attempt, BoxError, FromState, Handler, Message, Rejection, Reply, State};
use crate::consumer::Received;
use crate::record::{ConsumerRecord, KafkaRecord};

/// Several records of a topic, in the order they were read in: of all its partitions that this member has.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch<T>(Vec<Received<T>>);

impl<T> Batch<T> {
    /// The records, each with the one it was decoded from.
    #[must_use]
    pub fn into_records(self) -> Vec<Received<T>> {
        self.0
    }
}

impl<T: KafkaRecord> Batch<T> {
    /// A batch of these records, for tests of handlers.
    ///
    /// # Errors
    /// When one is not of the type.
    pub fn decode(records: impl IntoIterator<Item = ConsumerRecord>) -> Result<Self, crate::Error> {
        let records = records.into_iter().map(Received::decode);
        records.collect::<Result<_, _>>().map(Self)
    }
}

impl<T> Deref for Batch<T> {
    type Target = [Received<T>];

    fn deref(&self) -> &[Received<T>] {
        &self.0
    }
}

impl<T> IntoIterator for Batch<T> {
    type Item = Received<T>;
    type IntoIter = std::vec::IntoIter<Received<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Records on their way to their handler.
pub struct BatchMessage<S> {
    pub(super) records: Vec<ConsumerRecord>,
    pub(super) attempt: u32,
    pub(super) context: Arc<Context<S>>,
}

impl<S> fmt::Debug for BatchMessage<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchMessage")
            .field("records", &self.records.len())
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// What an argument of a handler of batches can be: [`Batch<T>`], [`State<T>`] and [`Attempt`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a handler of batches of a listener with the state `{S}`",
    label = "not of a batch",
    note = "a handler of batches is `async fn bill(orders: Batch<Order>, State(db): State<Db>)`; beside these \
            two it may take `Attempt`",
    note = "what is of one record is in the batch: `orders[0].record()`"
)]
pub trait FromBatch<S>: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// [`Rejection`] if a record is not of the type: then each record is handled in a batch of its own.
    fn from_batch(batch: &BatchMessage<S>) -> Result<Self, Rejection>;
}

impl<S, T: KafkaRecord> FromBatch<S> for Batch<T> {
    fn from_batch(batch: &BatchMessage<S>) -> Result<Self, Rejection> {
        Self::decode(batch.records.iter().cloned()).map_err(Rejection::new)
    }
}

impl<S, T: FromState<S>> FromBatch<S> for State<T> {
    fn from_batch(batch: &BatchMessage<S>) -> Result<Self, Rejection> {
        Ok(Self(T::from_state(&batch.context.state)))
    }
}

impl<S> FromBatch<S> for Attempt {
    fn from_batch(batch: &BatchMessage<S>) -> Result<Self, Rejection> {
        Ok(Self(batch.attempt))
    }
}

macro_rules! tuples {
    ($($argument:ident),*) => {
        impl<S, $($argument: FromBatch<S>),*> FromBatch<S> for ($($argument,)*) {
            #[allow(unused_variables, reason = "there is a handler without arguments")]
            fn from_batch(batch: &BatchMessage<S>) -> Result<Self, Rejection> {
                Ok(($($argument::from_batch(batch)?,)*))
            }
        }
    };
}

super::all_arities!(tuples);

/// The arguments of a handler of batches of a type: the first is a [`Batch<T>`], which is one too.
#[diagnostic::on_unimplemented(
    message = "the first argument of this handler does not say of which topic it handles batches",
    label = "`{Self}` comes first, and is no `Batch<T>`",
    note = "put `orders: Batch<Order>` first, where `Order` names its topic by `#[kafka(topic = \"..\")]`",
    note = "or name the topic: `.on_batch_topic(\"orders\", handler, max, wait)`"
)]
pub trait OfBatch {
    /// Its type.
    type Record;
}

impl<T> OfBatch for Batch<T> {
    type Record = T;
}

macro_rules! of_batch {
    () => {};
    ($first:ident $(, $argument:ident)*) => {
        impl<$first: OfBatch $(, $argument)*> OfBatch for ($first, $($argument,)*) {
            type Record = $first::Record;
        }
    };
}

super::all_arities!(of_batch);

/// A handler of batches, behind its route.
pub trait BatchEndpoint<S>: Send + Sync + 'static {
    /// Has a batch handled, once.
    #[doc(hidden)]
    fn serve(&self, batch: BatchMessage<S>) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// A handler, and the types of its arguments.
pub(super) struct Extracting<H, A>(H, std::marker::PhantomData<fn(A)>);

impl<H, A> Extracting<H, A> {
    pub(super) fn new(handler: H) -> Self {
        Self(handler, std::marker::PhantomData)
    }
}

impl<S, A, H> BatchEndpoint<S> for Extracting<H, A>
where
    S: Send + Sync + 'static,
    A: FromBatch<S> + Send + 'static,
    H: Handler<A, Reply: Reply, Future: Send>,
{
    async fn serve(&self, batch: BatchMessage<S>) -> Result<(), BoxError> {
        let arguments = A::from_batch(&batch)?;
        let reply = self.0.call(arguments).await;
        let Some(record) = batch.records.into_iter().next() else {
            return Ok(());
        };
        // What a reply needs of it is the way to write.
        let message = Message {
            record,
            attempt: batch.attempt,
            context: batch.context,
            pending: super::ack::Pending::default(),
        };
        reply.see_through(&message).await
    }
}

/// How large a batch becomes, and how long it waits for that.
#[derive(Debug, Clone)]
pub struct BatchTopic {
    pub(super) topic: String,
    pub(super) max: usize,
    pub(super) wait: Duration,
}

/// A handler of batches of a topic, before all others.
#[derive(Debug)]
pub struct BatchRoute<E, Next> {
    pub(super) of: BatchTopic,
    pub(super) endpoint: E,
    pub(super) next: Next,
}

impl<S, E, Next> Routes<S> for BatchRoute<E, Next>
where
    S: Send + Sync + 'static,
    E: BatchEndpoint<S>,
    Next: Routes<S>,
{
    #[inline]
    fn serve(&self, message: Message<S>) -> impl Future<Output = Result<(), BoxError>> + Send {
        self.next.serve(message)
    }

    async fn serve_batch(&self, topic: &str, batch: BatchMessage<S>) -> Result<(), BoxError> {
        match *self.of.topic == *topic {
            true => self.endpoint.serve(batch).await,
            false => self.next.serve_batch(topic, batch).await,
        }
    }

    fn topics(&self) -> Vec<String> {
        self.next.topics()
    }

    fn batch_topics(&self) -> Vec<BatchTopic> {
        let mut topics = self.next.batch_topics();
        topics.push(self.of.clone());
        topics
    }
}

impl<L, E, Next: Layered<L>> Layered<L> for BatchRoute<E, Next> {
    type Output = BatchRoute<E, Next::Output>;

    fn layered(self, layer: &L) -> Self::Output {
        BatchRoute {
            of: self.of,
            endpoint: self.endpoint,
            next: self.next.layered(layer),
        }
    }
}

//! From a topic to its handler: composed at compile time, so that no record pays for a box or a table.

use std::future::{Future, poll_fn};

use tokio::sync::Mutex;
use tower_layer::Layer;
use tower_service::Service;

use super::batch::{BatchMessage, BatchTopic};
use super::{BoxError, HandlerService, Message};

/// The handlers of a listener, by their topics.
pub trait Routes<S>: Send + Sync + 'static {
    /// Has the record handled, once.
    #[doc(hidden)]
    fn serve(&self, message: Message<S>) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Has records of a topic handled together, once.
    #[doc(hidden)]
    fn serve_batch(
        &self,
        topic: &str,
        batch: BatchMessage<S>,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// The topics that have a handler of single records.
    #[doc(hidden)]
    fn topics(&self) -> Vec<String>;

    /// The topics that have a handler of batches.
    #[doc(hidden)]
    fn batch_topics(&self) -> Vec<BatchTopic>;
}

/// Handlers that a layer can be put around.
#[diagnostic::on_unimplemented(
    message = "the layer `{L}` does not fit around the handlers of this listener",
    label = "not a layer for these services",
    note = "a layer has to implement `tower_layer::Layer`, and what it makes `tower_service::Service<Message<S>, \
            Response = ()>`"
)]
pub trait Layered<L> {
    /// The handlers with the layer around each.
    type Output;

    /// Puts the layer around each handler.
    #[doc(hidden)]
    fn layered(self, layer: &L) -> Self::Output;
}

/// One way to have a record handled.
pub trait Endpoint<S>: Send + Sync + 'static {
    /// Has the record handled, once.
    #[doc(hidden)]
    fn serve(&self, message: Message<S>) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// No handlers.
#[derive(Debug, Clone, Copy)]
pub struct End;

/// A handler for a topic, before all others.
#[derive(Debug, Clone)]
pub struct Route<E, Next> {
    pub(super) topic: String,
    pub(super) endpoint: E,
    pub(super) next: Next,
}

/// A service that is always ready.
#[derive(Debug, Clone)]
pub struct Bare<V>(pub(super) V);

/// A service that may have to be waited for: nothing is handed to it until it is ready.
#[derive(Debug)]
pub struct Awaited<V>(pub(super) Mutex<V>);

impl<S: Send + Sync + 'static> Routes<S> for End {
    async fn serve(&self, message: Message<S>) -> Result<(), BoxError> {
        // Nothing but what has a handler is subscribed to.
        Err(format!("no handler for topic {}", message.record.topic()).into())
    }

    async fn serve_batch(&self, topic: &str, _: BatchMessage<S>) -> Result<(), BoxError> {
        Err(format!("no handler of batches for topic {topic}").into())
    }

    fn topics(&self) -> Vec<String> {
        Vec::new()
    }

    fn batch_topics(&self) -> Vec<BatchTopic> {
        Vec::new()
    }
}

impl<S, E, Next> Routes<S> for Route<E, Next>
where
    S: Send + Sync + 'static,
    E: Endpoint<S>,
    Next: Routes<S>,
{
    #[inline]
    async fn serve(&self, message: Message<S>) -> Result<(), BoxError> {
        match *self.topic == *message.record.topic() {
            true => self.endpoint.serve(message).await,
            false => self.next.serve(message).await,
        }
    }

    fn serve_batch(
        &self,
        topic: &str,
        batch: BatchMessage<S>,
    ) -> impl Future<Output = Result<(), BoxError>> + Send {
        self.next.serve_batch(topic, batch)
    }

    fn batch_topics(&self) -> Vec<BatchTopic> {
        self.next.batch_topics()
    }

    fn topics(&self) -> Vec<String> {
        let mut topics = self.next.topics();
        topics.push(self.topic.clone());
        topics
    }
}

impl<S, V> Endpoint<S> for Bare<V>
where
    S: Send + Sync + 'static,
    V: HandlerService<S>,
{
    #[inline]
    async fn serve(&self, message: Message<S>) -> Result<(), BoxError> {
        let running = self.0.clone().call(message);
        running.await
    }
}

impl<S, V> Endpoint<S> for Awaited<V>
where
    S: Send + Sync + 'static,
    V: Service<Message<S>, Response = (), Error: Into<BoxError>, Future: Send> + Send + 'static,
{
    async fn serve(&self, message: Message<S>) -> Result<(), BoxError> {
        let running = {
            // Those who wait for it come in their order.
            let mut service = self.0.lock().await;
            let ready = poll_fn(|cx| service.poll_ready(cx)).await;
            ready.map_err(Into::into)?;
            service.call(message)
        };
        running.await.map_err(Into::into)
    }
}

impl<L> Layered<L> for End {
    type Output = Self;

    fn layered(self, _: &L) -> Self {
        self
    }
}

impl<L, V, Next> Layered<L> for Route<Bare<V>, Next>
where
    L: Layer<V>,
    Next: Layered<L>,
{
    type Output = Route<Awaited<L::Service>, Next::Output>;

    fn layered(self, layer: &L) -> Self::Output {
        Route {
            topic: self.topic,
            endpoint: Awaited(Mutex::new(layer.layer(self.endpoint.0))),
            next: self.next.layered(layer),
        }
    }
}

impl<L, V, Next> Layered<L> for Route<Awaited<V>, Next>
where
    L: Layer<V>,
    Next: Layered<L>,
{
    type Output = Route<Awaited<L::Service>, Next::Output>;

    fn layered(self, layer: &L) -> Self::Output {
        Route {
            topic: self.topic,
            endpoint: Awaited(Mutex::new(layer.layer(self.endpoint.0.into_inner()))),
            next: self.next.layered(layer),
        }
    }
}

//! Code of the user's that is told of changes of what a consumer owns. It runs on a task of its own:
//! what it does, or waits for, holds up neither heartbeats nor commits, and its panic ends the
//! consumer and nothing else.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::caught::Caught;
use crate::consumer::{ConsumerHandle, TopicPartition};
use crate::env::Env;
use crate::error::{Error, ErrorKind};

/// A change of what a consumer owns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RebalanceEvent {
    /// These partitions are the member's from now on.
    Assigned(Vec<TopicPartition>),
    /// These partitions are about to go to another member, or the consumer is closed. Nothing more of them
    /// is handed out, and the user is done with what was; but for records that were in work beyond
    /// `revoke_timeout`. What is committed for them now still counts.
    Revoking(Vec<TopicPartition>),
    /// These partitions are no longer the member's. What the user was done with is committed, if that is
    /// automatic.
    Revoked(Vec<TopicPartition>),
    /// These partitions were taken away: the member was out of touch for too long, another may
    /// own them already. Commits for them are refused.
    Lost(Vec<TopicPartition>),
}

/// What a function of the user's does when it is told.
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Told of changes of what a consumer owns.
#[derive(Clone)]
pub(crate) struct Listener(Arc<dyn Fn(ConsumerHandle, RebalanceEvent) -> Work + Send + Sync>);

impl Listener {
    pub(crate) fn new<F, W>(listen: F) -> Self
    where
        F: Fn(ConsumerHandle, RebalanceEvent) -> W + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move |handle, event| {
            Box::pin(listen(handle, event))
        }))
    }
}

/// A change, and who waits until it was told.
type Told = (RebalanceEvent, oneshot::Sender<()>);

/// Tells the user's listener, one change after the other.
pub(super) struct Telling {
    events: mpsc::UnboundedSender<Told>,
}

impl Telling {
    /// Starts the listener's task. A panic of the listener's is sent to `panics`.
    pub(super) fn start(
        env: &Env,
        listener: Listener,
        handle: ConsumerHandle,
        panics: mpsc::UnboundedSender<Error>,
    ) -> Self {
        let (events, mut received) = mpsc::unbounded_channel::<Told>();
        env.spawn(async move {
            while let Some((event, told)) = received.recv().await {
                let (listener, handle) = (listener.clone(), handle.clone());
                let work = async move { listener.0(handle, event).await };
                if let Err(words) = Caught(Box::pin(work)).await {
                    let text = format!("the rebalance listener panicked: {words}");
                    let error = Error::new(ErrorKind::Closed, text);
                    // Fails only if the consumer has ended.
                    let _ = panics.send(error);
                    return;
                }
                // Fails only if nobody waits any more.
                let _ = told.send(());
            }
        });
        Self { events }
    }

    /// Tells the listener. The answer comes when it is through.
    pub(super) fn tell(&self, event: RebalanceEvent) -> oneshot::Receiver<()> {
        let (told, through) = oneshot::channel();
        // Fails only after a panic, of which the group's task is told by itself.
        let _ = self.events.send((event, told));
        through
    }
}

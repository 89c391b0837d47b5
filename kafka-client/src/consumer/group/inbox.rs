//! What the user asks of the group's task. The task looks here whenever it waits, whatever for: no
//! call of the user's waits longer than its limit, and closing ends every wait.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::{Stop, Subscription};
use crate::consumer::TopicPartition;
use crate::consumer::shared::Shared;
use crate::error::Error;

/// The setting that limits calls of the user's.
const LIMIT_SETTING: &str = "default.api.timeout.ms";

/// The longest that closing waits for the end of a rebalance. After it the group still waits for
/// others, and takes commits of the generation before.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// What is asked by message; offsets to be stored are put into [`State::commits`] instead.
///
/// [`State::commits`]: crate::consumer::shared::State::commits
pub(crate) enum Command {
    /// Tell which offsets are stored.
    Committed {
        partitions: Vec<TopicPartition>,
        reply: oneshot::Sender<Result<BTreeMap<TopicPartition, i64>, Error>>,
    },
    /// Subscribe to this from now on.
    Subscribe { to: Subscription },
    /// Commit if that is automatic, leave, end; until this instant at most.
    Close {
        until: Instant,
        reply: oneshot::Sender<Result<(), Error>>,
    },
}

/// Sends commands to the group's task, which ends when the last of these is dropped.
pub(crate) type Commands = mpsc::UnboundedSender<Command>;

/// Sends commands as long as the consumer lives.
pub(crate) type WeakCommands = mpsc::WeakUnboundedSender<Command>;

/// A question for stored offsets.
pub(super) struct Query {
    pub(super) partitions: Vec<TopicPartition>,
    end: Instant,
    /// Why there is no answer yet.
    pub(super) cause: Option<Error>,
    pub(super) reply: oneshot::Sender<Result<BTreeMap<TopicPartition, i64>, Error>>,
}

/// The user closed the consumer, or dropped it.
pub(super) struct Closing {
    /// `None` if it was dropped.
    pub(super) reply: Option<oneshot::Sender<Result<(), Error>>>,
    pub(super) until: Instant,
    /// What is under way is waited for until then.
    patience: Instant,
}

pub(super) struct Inbox {
    shared: Arc<Shared>,
    commands: mpsc::UnboundedReceiver<Command>,
    pub(super) queries: VecDeque<Query>,
    pub(super) closing: Option<Closing>,
    /// What the user subscribes to from now on, if that has changed.
    pub(super) subscription: Option<Subscription>,
    /// It is closing, and nothing changes that any more.
    is_closing: bool,
    /// Brings the error of a rebalance listener that panicked.
    panics: mpsc::UnboundedReceiver<Error>,
}

impl Inbox {
    pub(super) fn new(
        shared: Arc<Shared>,
        commands: mpsc::UnboundedReceiver<Command>,
        panics: mpsc::UnboundedReceiver<Error>,
    ) -> Self {
        Self {
            shared,
            commands,
            queries: VecDeque::new(),
            closing: None,
            subscription: None,
            is_closing: false,
            panics,
        }
    }

    /// Waits for an answer that may take long. If the user closes meanwhile, the wait ends, but not
    /// at once: if a rebalance ends soon, the last commit is made in the generation that it brings,
    /// as the one before it is then refused; and a member whose id is still on its way could not
    /// leave.
    ///
    /// # Cancel safety
    /// That of the call.
    pub(super) async fn during<T>(&mut self, call: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::pin!(call);
        loop {
            tokio::select! {
                biased;
                answer = &mut call => return Ok(answer),
                more = self.more() => more?,
            }
        }
    }

    /// Waits for the next of what the user asks, or for the end of somebody's time.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn more(&mut self) -> Result<(), Stop> {
        let env = self.shared.env().clone();
        let patience = self.closing.as_ref().map(|closing| closing.patience);
        let end = self.next_end();
        tokio::select! {
            biased;
            () = env.until(patience) => return Err(Stop::Close),
            () = env.until(end) => self.expire(),
            Some(error) = self.panics.recv() => return Err(Stop::UserCode(error)),
            () = self.shared.commits_wanted.notified() => {}
            command = self.commands.recv(), if patience.is_none() && !self.is_closing => {
                self.take(command);
            }
        }
        Ok(())
    }

    /// From now on it closes, whatever else is asked. How that was asked for, if it was.
    pub(super) fn begin_to_close(&mut self) -> Option<Closing> {
        self.is_closing = true;
        self.closing.take()
    }

    fn take(&mut self, command: Option<Command>) {
        let env = self.shared.env();
        match command {
            Some(Command::Committed { partitions, reply }) => self.queries.push_back(Query {
                partitions,
                end: env.after(self.limit()),
                cause: None,
                reply,
            }),
            Some(Command::Subscribe { to }) => self.subscription = Some(to),
            Some(Command::Close { until, reply }) => {
                // Half of a short time is left for the commit and for leaving.
                let patience = (until - env.now()) / 2;
                self.closing = Some(Closing {
                    reply: Some(reply),
                    until,
                    patience: env.after(patience.min(CLOSE_PATIENCE)),
                });
            }
            None => {
                self.closing = Some(Closing {
                    reply: None,
                    until: env.after(super::CLOSE_LIMIT),
                    patience: env.after(CLOSE_PATIENCE),
                });
            }
        }
    }

    fn limit(&self) -> Duration {
        self.shared.cluster.config.default_api_timeout
    }

    fn next_end(&self) -> Option<Instant> {
        let query = self.queries.front().map(|query| query.end);
        let commit = self.shared.state().commits.next_end();
        query.into_iter().chain(commit).min()
    }

    /// Ends the wait of those whose time is over.
    fn expire(&mut self) {
        let (now, limit) = (self.shared.env().now(), self.limit());
        self.shared
            .state()
            .commits
            .expire(now, limit, LIMIT_SETTING);
        while self.queries.front().is_some_and(|query| query.end <= now) {
            let Some(query) = self.queries.pop_front() else {
                break;
            };
            let mut error = Error::timeout("asking for stored offsets", limit, LIMIT_SETTING);
            if let Some(cause) = &query.cause {
                error = error.caused_by(cause).at_place_of(cause);
            }
            // Fails only if nobody waits any more.
            let _ = query.reply.send(Err(error));
        }
    }

    /// Tells whoever still asks that there is no group any more, and why; until the consumer is
    /// closed, which is answered with how leaving went.
    pub(super) async fn refuse_all(
        &mut self,
        error: &Error,
        closing: Option<Closing>,
        left: Result<(), Error>,
    ) {
        for query in self.queries.drain(..) {
            let _ = query.reply.send(Err(error.clone()));
        }
        if let Some(Closing { reply, .. }) = closing {
            let _ = reply.map(|reply| reply.send(left));
            return;
        }
        while let Some(command) = self.commands.recv().await {
            match command {
                Command::Committed { reply, .. } => {
                    let _ = reply.send(Err(error.clone()));
                }
                Command::Subscribe { .. } => {}
                Command::Close { reply, .. } => {
                    let _ = reply.send(left);
                    return;
                }
            }
        }
    }
}

impl Drop for Inbox {
    /// The task is gone, with its runtime perhaps: nobody waits for it any more.
    fn drop(&mut self) {
        let error = match self.shared.env().has_ended() {
            true => Error::runtime_ended(),
            false => Error::closed("consumer"),
        };
        self.shared.state().commits.end(&error);
    }
}

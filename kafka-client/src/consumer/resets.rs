//! Positions that were moved by something else than the user: told in the log, and to a function of
//! the user's.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::TopicPartition;
use super::shared::Shared;
use crate::error::{Error, ErrorKind};

/// A position that was moved by `auto.offset.reset`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PositionReset {
    /// The partition.
    pub partition: TopicPartition,
    /// The offset that would have been handed out next; `None` if there was none.
    pub from: Option<i64>,
    /// The offset that is handed out next, if it is in the log: else the next one.
    pub to: i64,
    /// Why.
    pub reason: ResetReason,
}

/// Why a position was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResetReason {
    /// No offset was stored to begin with.
    NoOffset,
    /// The offset is not in the log: retention has removed it, or the log was lost.
    OutOfRange {
        /// The offset that the broker does not have.
        offset: i64,
    },
    /// The log was cut off in front of the position, by the election of a leader that did not have all
    /// of it (`unclean.leader.election.enable`). Records that were handed out are not in it any more.
    Truncated {
        /// Where the log as it was read and as it is now part.
        offset: i64,
    },
    /// The topic was deleted, and made anew under the same name: what was read is no more.
    TopicRecreated {
        /// The position in the topic that was deleted.
        position: i64,
    },
}

impl fmt::Display for ResetReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOffset => f.write_str("no offset was stored"),
            Self::OutOfRange { offset } => write!(f, "offset {offset} is not in the log"),
            Self::TopicRecreated { position } => {
                write!(
                    f,
                    "the topic was made anew; in the old one it was at {position}"
                )
            }
            Self::Truncated { offset } => {
                write!(
                    f,
                    "the log was truncated, and is another from offset {offset} on"
                )
            }
        }
    }
}

/// A function of the user's.
#[derive(Clone)]
pub(crate) struct ResetListener(pub(crate) Arc<dyn Fn(&PositionReset) + Send + Sync>);

impl fmt::Debug for ResetListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetListener")
    }
}

impl Shared {
    /// Tells of a reset. Not to be called under a lock: who listens to the log may use the consumer. The
    /// user's function runs on a task of its own.
    pub(super) fn tell_reset(&self, reset: PositionReset) {
        let PositionReset {
            partition,
            from,
            to,
            reason,
        } = &reset;
        match from {
            Some(from) => tracing::info!("{partition} goes on at {to} instead of {from}: {reason}"),
            None => tracing::info!("{partition} begins at {to}: {reason}"),
        }
        if let Some(listener) = &self.config.reset_listener {
            let told = self.resets.get_or_init(|| self.tell_resets_to(listener));
            // Gone with the consumer.
            let _ = told.send(reset);
        }
    }

    fn tell_resets_to(&self, listener: &ResetListener) -> mpsc::UnboundedSender<PositionReset> {
        let (sender, mut resets) = mpsc::unbounded_channel();
        let (shared, listener) = (self.weak.clone(), listener.clone());
        self.spawn(async move {
            while let Some(reset) = resets.recv().await {
                let told = catch_unwind(AssertUnwindSafe(|| (listener.0)(&reset)));
                if let (Err(_), Some(shared)) = (told, shared.upgrade()) {
                    let text = "the function that is told of resets has panicked";
                    shared.fail(Error::new(ErrorKind::Closed, text));
                    return;
                }
            }
        });
        sender
    }
}

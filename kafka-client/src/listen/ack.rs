//! Records that handlers acknowledge by hand.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use super::{FromMessage, Message, Rejection};

/// Acknowledges the record by hand, from any task, also after the handler has returned: for work that is handed on.
/// A record whose handler takes this is done when the handler has succeeded **and** this is acknowledged; its lane
/// waits for both. Dropped without, it is a failure of the handler: [`NotAcknowledged`].
///
/// ```
/// use kafka_client::listen::{Ack, Raw};
///
/// async fn hand_on(Raw(record): Raw, ack: Ack) {
///     tokio::spawn(async move {
///         // .. work on `record`
///         drop(record);
///         ack.ack();
///     });
/// }
/// ```
#[must_use = "a record whose `Ack` is dropped has failed"]
pub struct Ack(oneshot::Sender<()>);

impl Ack {
    /// The record is processed.
    pub fn ack(self) {
        // Nobody waits any more where the attempt was given up, as by a timeout.
        let _ = self.0.send(());
    }
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").finish_non_exhaustive()
    }
}

/// The [`Ack`] of a record was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotAcknowledged;

impl fmt::Display for NotAcknowledged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the `Ack` of the record was dropped without an acknowledgement")
    }
}

impl std::error::Error for NotAcknowledged {}

/// What a message waits for, if its handler takes an [`Ack`].
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<Option<oneshot::Receiver<()>>>);

impl Pending {
    /// # Errors
    /// When the acknowledgement is dropped.
    ///
    /// # Cancel safety
    /// Dropped, it is not waited for any more.
    #[inline]
    pub(super) async fn wait(&mut self) -> Result<(), NotAcknowledged> {
        let pending = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        match pending.take() {
            Some(pending) => pending.await.map_err(|_| NotAcknowledged),
            None => Ok(()),
        }
    }
}

impl<S> FromMessage<S> for Ack {
    fn from_message(message: &Message<S>) -> Result<Self, Rejection> {
        let (ack, acknowledged) = oneshot::channel();
        let pending = &message.pending.0;
        let earlier = crate::env::lock(pending).replace(acknowledged);
        match earlier {
            None => Ok(Self(ack)),
            Some(_) => Err(Rejection::new("a handler takes one `Ack` at most")),
        }
    }
}

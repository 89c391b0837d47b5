//! How the arguments of handlers are read from messages.

use std::fmt;

use super::{BoxError, Message};
use crate::record::DecodeError;

/// What an argument of a handler can be: read from the message.
///
/// | argument | is |
/// |---|---|
/// | [`Value<T>`](super::Value) | the record as your type |
/// | [`Key<K>`](super::Key), [`Header<H>`](super::Header), [`HeaderSet<H>`](super::HeaderSet), [`Headers`](super::Headers) | a part of it |
/// | [`Topic`](super::Topic), [`Partition`](super::Partition), [`Offset`](super::Offset), [`Timestamp`](super::Timestamp) | where and when |
/// | [`Attempt`](super::Attempt) | how often it was handled, this time included |
/// | [`Raw`](super::Raw) | the record as it is |
/// | [`Trace`](super::Trace) | the trace that it belongs to |
/// | [`Ack`](super::Ack) | an acknowledgement by hand |
/// | [`State<T>`](super::State) | what the listener was given with `.state(..)` |
///
/// Implement it for arguments of your own:
///
/// ```
/// use kafka_client::listen::{FromMessage, Message, Rejection};
///
/// struct IsLate(bool);
///
/// impl<S> FromMessage<S> for IsLate {
///     fn from_message(message: &Message<S>) -> Result<Self, Rejection> {
///         let written = message.record().timestamp_ms();
///         let written = written.ok_or_else(|| Rejection::new("the record has no timestamp"))?;
///         Ok(Self(written < 1_700_000_000_000))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a handler of a listener with the state `{S}`",
    label = "cannot be read from a message",
    note = "for the record as a type of yours, write `Value(order): Value<Order>`; for what `.state(..)` \
            has set, `State(db): State<Db>`",
    note = "others are `Key<K>`, `Header<H>`, `HeaderSet<H>`, `Headers`, `Topic`, `Partition`, `Offset`, \
            `Timestamp`, `Attempt`, `Trace`, `Ack` and `Raw`",
    note = "implement `kafka_client::listen::FromMessage<S>` for an argument of your own"
)]
pub trait FromMessage<S>: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// [`Rejection`] if the message does not have it: that is handled as a record that cannot be decoded.
    fn from_message(message: &Message<S>) -> Result<Self, Rejection>;
}

/// A message does not have what an argument of its handler is read from. See
/// [`Listener::on_decode_error`](super::Listener::on_decode_error) for what follows.
pub struct Rejection(BoxError);

impl Rejection {
    /// Says why.
    pub fn new(reason: impl Into<BoxError>) -> Self {
        Self(reason.into())
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rejection").field(&self.0).finish()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Rejection {
    /// What lies behind the reason, whose own text is this one's.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl From<DecodeError> for Rejection {
    fn from(error: DecodeError) -> Self {
        Self(Box::new(error))
    }
}

macro_rules! tuples {
    ($($argument:ident),*) => {
        impl<S, $($argument: FromMessage<S>),*> FromMessage<S> for ($($argument,)*) {
            #[inline]
            #[allow(unused_variables, reason = "there is a handler without arguments")]
            fn from_message(message: &Message<S>) -> Result<Self, Rejection> {
                Ok(($($argument::from_message(message)?,)*))
            }
        }
    };
}

super::all_arities!(tuples);

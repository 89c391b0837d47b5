//! The state of a listener, as an argument of handlers.

use super::{FromMessage, Message, Rejection};

/// What [`Listener::state`](super::Listener::state) was given, or a part of it ([`FromState`]): a clone, so
/// that what is large goes into an `Arc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State<T>(pub T);

/// A part of a listener's state `S`. A type is a part of itself if it is `Clone`.
///
/// ```
/// use kafka_client::listen::{FromState, State};
///
/// #[derive(Clone)]
/// struct Db;
///
/// #[derive(Clone)]
/// struct App {
///     db: Db,
/// }
///
/// impl FromState<App> for Db {
///     fn from_state(app: &App) -> Self {
///         app.db.clone()
///     }
/// }
///
/// async fn bill(State(db): State<Db>) {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no part of the listener's state, which is `{S}`",
    label = "not in the state of this listener",
    note = "hand it to the listener before its handlers: `kafka.listen(\"group\").state(..).on(..)`",
    note = "if the state is another type that has it, implement `FromState<{S}>` for `{Self}`",
    note = "a state itself has to be `Clone`: put it into an `Arc` if it is not"
)]
pub trait FromState<S> {
    /// Takes it from the state.
    fn from_state(state: &S) -> Self;
}

impl<S: Clone> FromState<S> for S {
    fn from_state(state: &S) -> Self {
        state.clone()
    }
}

impl<S, T: FromState<S>> FromMessage<S> for State<T> {
    #[inline]
    fn from_message(message: &Message<S>) -> Result<Self, Rejection> {
        Ok(Self(T::from_state(message.state())))
    }
}

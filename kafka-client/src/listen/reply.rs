//! What handlers return.

use std::future::Future;

use super::{BoxError, Message};

/// What a handler returns: nothing, or a `Result` of it whose error is any that a
/// `Box<dyn Error + Send + Sync>` is made from.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "neither `()` nor a `Result` with an error",
    note = "return `()`, `Result<(), E>`, `Publish<T>` or `Result<Publish<T>, E>`, where `E` implements \
            `std::error::Error + Send + Sync`, or is a `String` or a `Box<dyn Error + Send + Sync>`"
)]
pub trait Reply: Send + private::Sealed {
    /// Does what it asks for.
    #[doc(hidden)]
    fn see_through<S: Send + Sync>(
        self,
        message: &Message<S>,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;
}

pub(super) mod private {
    pub trait Sealed {}
}

impl private::Sealed for () {}

impl Reply for () {
    async fn see_through<S: Send + Sync>(self, _: &Message<S>) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<R, E> private::Sealed for Result<R, E> {}

impl<R: Reply, E: Into<BoxError> + Send> Reply for Result<R, E> {
    async fn see_through<S: Send + Sync>(self, message: &Message<S>) -> Result<(), BoxError> {
        match self {
            Ok(reply) => reply.see_through(message).await,
            Err(error) => Err(error.into()),
        }
    }
}

//! Code of the user's whose panic is an error.

use std::any::Any;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

/// A future of the user's. A panic is its error, with the words of the panic.
pub(crate) struct Caught<T>(pub(crate) Pin<Box<dyn Future<Output = T> + Send>>);

impl<T> Future for Caught<T> {
    type Output = Result<T, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.0.as_mut();
        // After a panic it is dropped, and never looked at again.
        match std::panic::catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(words(&*panic))),
        }
    }
}

/// As [`Caught`], without a box.
///
/// # Cancel safety
/// Dropping it drops the future.
pub(crate) async fn catch<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        // After a panic it is never looked at again.
        match call(|| future.as_mut().poll(cx)) {
            Ok(polled) => polled.map(Ok),
            Err(words) => Poll::Ready(Err(words)),
        }
    })
    .await
}

/// As [`Caught`], of a function.
pub(crate) fn call<T>(function: impl FnOnce() -> T) -> Result<T, String> {
    // What it may leave half done is the user's, and never called again.
    std::panic::catch_unwind(AssertUnwindSafe(function)).map_err(|panic| words(&*panic))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().map(ToString::to_string);
    let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
    words.unwrap_or_else(|| "no text".to_owned())
}

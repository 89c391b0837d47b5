//! The tokio runtime that a client was made on: its tasks, its timers and its end.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;

use crate::error::Error;

/// The runtime of a client. Every task is spawned there and every timer belongs to it, whatever
/// thread or runtime a call comes from; what waits on it is woken when it ends.
pub(crate) struct Runtime {
    handle: Handle,
    ended: Arc<watch::Sender<bool>>,
    watchdog: AbortHandle,
}

/// Says that the runtime has ended: it lives in a task of the runtime, and tokio drops all tasks
/// before it ends the timers.
struct EndGuard(Arc<watch::Sender<bool>>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

/// Wakes a thread that waits for a future.
struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Runtime {
    /// The runtime that the caller is on.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn current() -> Result<Self, Error> {
        let handle = Handle::try_current().map_err(|error| {
            Error::config(
                "there is no tokio runtime here: connect inside of one, with #[tokio::main] or \
                 Runtime::block_on, and keep it as long as the client",
            )
            .with_source(error)
        })?;
        let ended = Arc::new(watch::Sender::new(false));
        let guard = EndGuard(ended.clone());
        let watchdog = handle.spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        });
        Ok(Self {
            handle,
            ended,
            watchdog: watchdog.abort_handle(),
        })
    }

    pub(crate) fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle.spawn(future)
    }

    #[cfg(feature = "_tls")]
    pub(crate) fn spawn_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        self.handle.spawn_blocking(work)
    }

    /// Waits for a future on this thread; `None` after so much time of the thread's own clock.
    pub(crate) fn block_on<F: Future>(&self, future: F, limit: Duration) -> Option<F::Output> {
        // Panics in a task: blocking there would hold up those that the future waits for.
        self.handle.block_on(std::future::ready(()));
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut cx = Context::from_waker(&waker);
        let mut future = pin!(future);
        // None is a limit that no clock reaches.
        let end = std::time::Instant::now().checked_add(limit);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return Some(output);
            }
            match end.map(|end| end.saturating_duration_since(std::time::Instant::now())) {
                None => std::thread::park(),
                Some(Duration::ZERO) => return None,
                Some(left) => std::thread::park_timeout(left),
            }
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// Waits for the end of the runtime.
    pub(crate) async fn ended(&self) {
        // Fails only when the sender is dropped, which `self` holds.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Waits until an instant, or until the runtime ends.
    pub(crate) async fn sleep_until(&self, deadline: Instant) {
        let timer = {
            let _context = self.handle.enter();
            tokio::time::sleep_until(deadline)
        };
        let mut timer = pin!(timer);
        let mut ended = pin!(self.ended());
        std::future::poll_fn(|cx| {
            if ended.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            // A timer panics when its runtime has ended. The guard that says so waits for this
            // lock, and tokio waits for the guard.
            let has_ended = self.ended.borrow();
            match *has_ended {
                true => Poll::Ready(()),
                false => timer.as_mut().poll(cx),
            }
        })
        .await;
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.watchdog.abort();
    }
}

/// A task that is aborted when it is dropped.
pub(crate) struct Owned<T>(pub(crate) JoinHandle<T>);

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    /// Timers that are polled on other threads at the moment when the runtime ends: without the lock
    /// one of them panics sooner or later.
    #[test]
    fn no_timer_is_polled_after_the_end_of_its_runtime() {
        for _ in 0..100 {
            let tokio = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_time()
                .build()
                .unwrap();
            let runtime = tokio.block_on(async { Arc::new(Runtime::current().unwrap()) });
            let begin = Arc::new(Barrier::new(5));
            let waiting = |_| {
                let (runtime, begin) = (runtime.clone(), begin.clone());
                thread::spawn(move || {
                    begin.wait();
                    while !runtime.has_ended() {
                        let later = Instant::now() + Duration::from_micros(50);
                        let mut sleep = pin!(runtime.sleep_until(later));
                        // Polled without pause, to hit the moment.
                        let mut cx = Context::from_waker(Waker::noop());
                        while sleep.as_mut().poll(&mut cx).is_pending() {}
                    }
                })
            };
            let threads: Vec<_> = (0..4).map(waiting).collect();
            begin.wait();
            thread::sleep(Duration::from_micros(500));
            drop(tokio);
            for thread in threads {
                thread.join().unwrap();
            }
        }
    }
}

//! The one seam to the outside: dialing, time, spawning and randomness.
//!
//! Everything else in this crate asks an [`Env`], so that a test or a simulation can put its own
//! network under the client, and a seed fixes every choice that is left to chance. Timers are
//! tokio's, which a test pauses.
//!
//! - `all`: several things at the same time
//! - `connector`: how connections are made
//! - `random`: streams of random numbers
//! - `runtime`: the tokio runtime that the client was made on

#![expect(clippy::disallowed_methods, reason = "this is the seam")]

mod all;
mod connector;
mod random;
mod runtime;

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::task::JoinHandle;
use tokio::time::Instant;

pub(crate) use self::all::all;
pub use self::connector::{Connector, Dialing, Resolving, Stream, TcpConnector};
pub(crate) use self::random::Random;
use self::runtime::{Owned, Runtime};
use crate::error::Error;
#[cfg(feature = "gssapi")]
use crate::error::ErrorKind;

/// What the client sees of the outside.
#[derive(Clone)]
pub(crate) struct Env {
    connector: Arc<dyn Connector>,
    runtime: Arc<Runtime>,
    seed: u64,
    /// How many environments were derived from this one.
    derived: Arc<AtomicU64>,
    /// For those without a stream of their own.
    random: Arc<Mutex<Random>>,
}

/// A limit of time was reached, or the runtime ended before.
#[derive(Debug)]
pub(crate) struct Elapsed;

impl Env {
    /// An environment on the runtime of the caller.
    ///
    /// # Errors
    /// When there is no runtime.
    pub(crate) fn new(connector: Arc<dyn Connector>, seed: Option<u64>) -> Result<Self, Error> {
        let seed = seed.unwrap_or_else(|| fastrand::Rng::new().u64(..));
        Ok(Self::with(connector, Arc::new(Runtime::current()?), seed))
    }

    fn with(connector: Arc<dyn Connector>, runtime: Arc<Runtime>, seed: u64) -> Self {
        Self {
            connector,
            runtime,
            seed,
            derived: Arc::default(),
            random: Arc::new(Mutex::new(Random::of(seed, "rest"))),
        }
    }

    /// An environment with random numbers of its own, for the next producer or consumer.
    pub(crate) fn derive(&self) -> Self {
        let number = self.derived.fetch_add(1, Ordering::Relaxed);
        let seed = random::derive(self.seed, &format!("client-{number}"));
        Self::with(self.connector.clone(), self.runtime.clone(), seed)
    }

    /// The random numbers of a component.
    pub(crate) fn random(&self, component: &str) -> Random {
        Random::of(self.seed, component)
    }

    pub(crate) async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<String>> {
        self.connector.resolve(host, port).await
    }

    pub(crate) async fn connect(&self, host: &str, port: u16) -> io::Result<Box<dyn Stream>> {
        self.connector.connect(host, port).await
    }

    /// The monotonic clock of all timers.
    pub(crate) fn now(&self) -> Instant {
        Instant::now()
    }

    /// The instant in so much time; one that is never reached for a time that no clock holds.
    pub(crate) fn after(&self, time: Duration) -> Instant {
        const FAR: Duration = Duration::from_secs(86_400 * 365 * 30);
        self.now() + time.min(FAR)
    }

    /// Milliseconds since the Unix epoch, for timestamps of records.
    ///
    /// On Linux the kernel's coarse clock: it advances with the timer tick (1 to 10 ms) and costs
    /// a fraction of the precise one, which is read once for each record.
    pub(crate) fn wall_ms(&self) -> i64 {
        wall_ms()
    }

    /// Waits until an instant.
    ///
    /// # Cancel safety
    /// Cancel safe, as all waiting here.
    pub(crate) async fn sleep_until(&self, deadline: Instant) {
        self.runtime.sleep_until(deadline).await;
    }

    /// Waits until an instant; for ever if there is none.
    pub(crate) async fn until(&self, instant: Option<Instant>) {
        match instant {
            Some(instant) => self.sleep_until(instant).await,
            None => std::future::pending().await,
        }
    }

    /// Waits for a time, from now on.
    pub(crate) fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send {
        self.sleep_until(self.after(time))
    }

    /// Waits for a future until an instant.
    pub(crate) async fn timeout_at<F: Future>(
        &self,
        deadline: Instant,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        let mut future = pin!(future);
        tokio::select! {
            biased;
            output = &mut future => Ok(output),
            () = self.sleep_until(deadline) => Err(Elapsed),
        }
    }

    /// Waits for a future for a time, from now on.
    pub(crate) fn timeout<F: Future>(
        &self,
        time: Duration,
        future: F,
    ) -> impl Future<Output = Result<F::Output, Elapsed>> {
        self.timeout_at(self.after(time), future)
    }

    /// The error of what was given up after a time: that the time was over, unless the runtime was.
    pub(crate) fn elapsed(&self, what: impl fmt::Display, limit: Duration, setting: &str) -> Error {
        match self.runtime.has_ended() {
            true => Error::runtime_ended(),
            false => Error::timeout(what, limit, setting),
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.runtime.has_ended()
    }

    /// Waits for the end of the client's runtime, after which nothing of the client happens.
    pub(crate) async fn ended(&self) {
        self.runtime.ended().await;
    }

    /// Runs a future on the client's runtime, where its sockets then belong.
    ///
    /// # Errors
    /// When the runtime has ended.
    ///
    /// # Cancel safety
    /// Dropping the future drops the one that runs.
    pub(crate) async fn run<F>(&self, future: F) -> Result<F::Output, Error>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let mut task = Owned(self.spawn(future));
        match (&mut task.0).await {
            Ok(output) => Ok(output),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(Error::runtime_ended()),
        }
    }

    /// Waits for a future on a thread that is in no task, no longer than a time that the thread measures
    /// itself: the runtime's timers stand still while nobody drives it.
    ///
    /// # Panics
    /// When called from a task.
    pub(crate) fn block_on<F: Future>(
        &self,
        future: F,
        limit: Duration,
    ) -> Result<F::Output, Elapsed> {
        self.runtime.block_on(future, limit).ok_or(Elapsed)
    }

    pub(crate) fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.runtime.spawn(future)
    }

    /// Runs what takes the processor or a disk for long, on a thread that is there for that.
    ///
    /// # Errors
    /// When the runtime has ended.
    ///
    /// # Cancel safety
    /// Dropping the future does not end what runs.
    #[cfg(feature = "_tls")]
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        match self.runtime.spawn_blocking(work).await {
            Ok(output) => Ok(output),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(Error::runtime_ended()),
        }
    }

    /// Runs what a library may be held up with by the network for long, on a thread of its own: the runtime,
    /// when it ends, waits for the threads that it lends.
    ///
    /// # Errors
    /// When there can be no more threads.
    ///
    /// # Cancel safety
    /// Dropping the future does not end what runs.
    #[cfg(feature = "gssapi")]
    pub(crate) async fn on_own_thread<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (done, output) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new().name(name.to_owned());
        let failed = |text: String| Error::new(ErrorKind::Connect, text);
        thread
            // Nobody may be waiting any more.
            .spawn(move || drop(done.send(work())))
            .map_err(|error| failed(format!("cannot start a thread: {error}")))?;
        let output = output.await;
        output.map_err(|_| failed(format!("the thread {name} has panicked")))
    }

    /// The time of day, for what expires.
    pub(crate) fn system_time(&self) -> SystemTime {
        SystemTime::now()
    }

    /// As [`Random::below`], of a stream that several share.
    pub(crate) fn below(&self, bound: usize) -> usize {
        lock(&self.random).below(bound)
    }

    /// As [`Random::jitter`], of a stream that several share.
    pub(crate) fn jitter(&self, base: Duration) -> Duration {
        lock(&self.random).jitter(base)
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").finish_non_exhaustive()
    }
}

#[cfg(target_os = "linux")]
fn wall_ms() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}

#[cfg(not(target_os = "linux"))]
fn wall_ms() -> i64 {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

/// Locks a mutex whose holders do not panic while its content is inconsistent.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_time_that_no_clock_holds_is_waited_for_without_end() {
        let env = Env::new(Arc::new(TcpConnector), Some(1)).unwrap();
        let year = Duration::from_secs(86_400 * 365);
        let waited = env.timeout(year, env.sleep(Duration::MAX)).await;
        assert!(waited.is_err());
    }
}

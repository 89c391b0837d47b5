//! The one seam to the outside: dialing, time, spawning and randomness.
//!
//! Everything else in this crate asks an [`Env`], so that a test or a simulation can put its own
//! network under the client, and a seed fixes every choice that is left to chance. Timers are
//! tokio's, which a test pauses.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A byte stream to a broker.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The future of a dialed stream.
pub type Dialing<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send + 'a>>;

/// Makes connections. The default dials TCP; a test may connect to a broker in memory, put faults
/// in between, or go through a proxy.
pub trait Connector: Send + Sync + 'static {
    /// Connects to a broker's advertised address.
    fn connect<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a>;
}

/// Dials TCP, with small segments sent at once and dead peers noticed by keep-alive.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpConnector;

impl Connector for TcpConnector {
    fn connect<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
        Box::pin(async move {
            // Tries every address that the name resolves to (KIP-602).
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            let keepalive = socket2::TcpKeepalive::new().with_time(Duration::from_secs(60));
            socket2::SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

/// What the client sees of the outside.
#[derive(Clone)]
pub(crate) struct Env {
    connector: Arc<dyn Connector>,
    random: Arc<Mutex<fastrand::Rng>>,
}

impl Env {
    pub(crate) fn new(connector: Arc<dyn Connector>, seed: Option<u64>) -> Self {
        let random = match seed {
            Some(seed) => fastrand::Rng::with_seed(seed),
            None => fastrand::Rng::new(),
        };
        Self {
            connector,
            random: Arc::new(Mutex::new(random)),
        }
    }

    pub(crate) async fn connect(&self, host: &str, port: u16) -> io::Result<Box<dyn Stream>> {
        self.connector.connect(host, port).await
    }

    /// The monotonic clock of all timers.
    pub(crate) fn now(&self) -> Instant {
        Instant::now()
    }

    /// Milliseconds since the Unix epoch, for timestamps of records.
    ///
    /// On Linux the kernel's coarse clock: it advances with the timer tick (1 to 10 ms) and costs
    /// a fraction of the precise one, which is read once for each record.
    pub(crate) fn wall_ms(&self) -> i64 {
        wall_ms()
    }

    pub(crate) fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        tokio::spawn(future)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&self, bound: usize) -> usize {
        self.random
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .usize(0..bound)
    }

    /// A duration between 80 % and 120 % of `base`, as Kafka jitters its back-off (KIP-580).
    pub(crate) fn jitter(&self, base: Duration) -> Duration {
        let factor = 0.8
            + 0.4
                * self
                    .random
                    .lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner())
                    .f64();
        base.mul_f64(factor)
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

/// Waits until an instant; for ever if there is none.
pub(crate) async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// Locks a mutex whose holders do not panic while its content is inconsistent.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

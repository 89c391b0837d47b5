//! The seam to time, tasks and chance. Waiting is tokio's, so a test with paused time controls it;
//! the wall clock and the random numbers come from here.

#![expect(clippy::disallowed_methods, reason = "this is the seam")]

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kafka_client_protocol::Uuid;
use ring::rand::SecureRandom;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio::time::error::Elapsed;

/// Tells the time of day.
pub type WallClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Time and chance of one broker.
pub(crate) struct Env {
    clock: WallClock,
    random: Mutex<fastrand::Rng>,
    seeded: bool,
    started: Instant,
}

/// Random numbers; with a seed the same in every run.
pub(crate) fn random(seed: Option<u64>) -> fastrand::Rng {
    seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed)
}

impl Env {
    /// With a seed, the ids that the broker makes up are the same in every run.
    pub(crate) fn new(clock: Option<WallClock>, seed: Option<u64>) -> Self {
        Self {
            clock: clock.unwrap_or_else(|| Arc::new(SystemTime::now)),
            random: Mutex::new(random(seed)),
            seeded: seed.is_some(),
            started: Instant::now(),
        }
    }

    /// The time of day, in milliseconds since 1970.
    pub(crate) fn wall_ms(&self) -> i64 {
        let since = (self.clock)()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// Milliseconds since the broker started, by a clock that never jumps.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The moment that [`now_ms`](Self::now_ms) calls `ms`.
    pub(crate) fn moment(&self, ms: u64) -> Instant {
        let far = Duration::from_secs(86_400 * 365 * 30);
        self.started + Duration::from_millis(ms).min(far)
    }

    /// A random positive number.
    pub(crate) fn number(&self) -> i32 {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.i32(1..)
    }

    /// A random id as Kafka makes them: version 4, never one that prints with a leading dash.
    pub(crate) fn uuid(&self) -> Uuid {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let mut bytes = random.u128(..).to_be_bytes();
            bytes[6] = (bytes[6] & 0x0f) | 0x40;
            bytes[8] = (bytes[8] & 0x3f) | 0x80;
            let id = Uuid(bytes);
            if !id.to_string().starts_with('-') {
                return id;
            }
        }
    }

    /// Text that nobody can guess, unless the broker has a seed.
    pub(crate) fn nonce(&self) -> String {
        let mut bytes = [0; 16];
        if self.seeded || ring::rand::SystemRandom::new().fill(&mut bytes).is_err() {
            bytes = self.uuid().0;
        }
        format!("{:032x}", u128::from_be_bytes(bytes))
    }

    /// A random id in the form that member ids have: five groups of hexadecimal digits.
    pub(crate) fn uuid_text(&self) -> String {
        let id = u128::from_be_bytes(self.uuid().0);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            id >> 96,
            (id >> 80) & 0xffff,
            (id >> 64) & 0xffff,
            (id >> 48) & 0xffff,
            id & 0xffff_ffff_ffff
        )
    }
}

/// A task on the runtime of the caller.
pub(crate) fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(task)
}

/// Work that may wait for the disk, on a thread for such.
pub(crate) fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    tokio::task::spawn_blocking(work)
}

/// Holds up the thread, as a disk does. Takes real time.
pub(crate) fn block(time: Duration) {
    std::thread::sleep(time);
}

/// The clock of all timers.
pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) async fn sleep(time: Duration) {
    tokio::time::sleep(time).await;
}

pub(crate) async fn sleep_until(instant: Instant) {
    tokio::time::sleep_until(instant).await;
}

pub(crate) async fn timeout<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    tokio::time::timeout(limit, future).await
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env")
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}

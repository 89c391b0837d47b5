//! A load under fault after fault: every outcome that was told is true against the log, and all goes
//! on when the last fault is over.
//!
//! A minute or two each in CI. `SOAK_SECONDS=900 cargo test -p integration --test soak -- --nocapture` is the long
//! run; time is paused on the reference broker, so it takes a fraction of that.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod apache_kafka;
mod churn;
mod consumers;
mod embedded;

use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

/// Those in real time, with programs that are killed, have the machine for themselves, one after the other.
async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// How long the faults go on.
fn length() -> Duration {
    let seconds = std::env::var("SOAK_SECONDS").ok();
    Duration::from_secs(seconds.map_or(60, |seconds| seconds.parse().unwrap()))
}

/// Memory of this process that is in use, in MiB.
fn resident_mib() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * 4096 / (1 << 20)
}

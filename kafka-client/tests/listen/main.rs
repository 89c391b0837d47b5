//! Listeners, on the reference broker in memory and in paused time.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod batches;
mod breaker;
mod failures;
mod handling;
mod later;
mod layers;
mod replies;
mod scene;

//! What requests count for against the quotas of their clients.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::{Api, Call};
use crate::quota;

/// Counts a request against the quotas of its client, and says so in the answer if it is over one;
/// the time to pause.
pub(super) fn throttle<R: Api>(
    call: &Call<'_>,
    spent: Duration,
    bytes: impl FnOnce() -> usize,
    answer: &mut R::Response,
) -> Duration {
    // As in Kafka, authentication is outside the quotas: nobody knows yet whose they would be.
    if call.is_authenticating {
        return Duration::ZERO;
    }
    let mut quotas = call.node.quotas();
    if quotas.is_empty() {
        return Duration::ZERO;
    }
    let principal = Arc::clone(call.connection.gate().principal());
    let (user, client_id) = (&*principal.name, call.client_id);
    let now_ms = call.node.env.now_ms();
    let percent = spent.as_secs_f64() * 100.0;
    let mut pause_ms = quotas.record(quota::Kind::Request, user, client_id, percent, now_ms);
    if let Some(kind) = R::QUOTA {
        let bytes = bytes() as f64;
        pause_ms = pause_ms.max(quotas.record(kind, user, client_id, bytes, now_ms));
        // What a Fetch does not get now, it will ask for again.
        if pause_ms > 0 && kind == quota::Kind::Fetch {
            quotas.unrecord(kind, user, client_id, bytes);
            R::hold_back(call, answer);
        }
    }
    let told_ms = i32::try_from(pause_ms).unwrap_or(i32::MAX);
    if told_ms > 0 {
        R::throttle(answer, told_ms);
    }
    Duration::from_millis(pause_ms)
}

/// A future's output, and the time that it took on its thread, without that in which it waited.
pub(super) async fn timed<F: Future>(future: F) -> (F::Output, Duration) {
    let mut future = std::pin::pin!(future);
    let mut spent = Duration::ZERO;
    let output = std::future::poll_fn(|context| {
        let began = crate::env::now();
        let polled = future.as_mut().poll(context);
        spent += crate::env::now().saturating_duration_since(began);
        polled
    });
    let output = output.await;
    (output, spent)
}

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long a condition may take, on a machine that is busy with many tests at once.
const LIMIT: Duration = Duration::from_secs(30);

/// Waits until `condition` holds: for what happens in another program or task, and cannot be
/// awaited. `what` names it.
///
/// # Panics
/// When it does not hold within half a minute.
///
/// # Cancel safety
/// As safe as `condition`.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !condition().await {
        assert!(Instant::now() < deadline, "not within {LIMIT:?}: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

//! What a broker does now and then without being asked: forcing logs to the disk, removing what retention does not
//! keep, and compacting.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::env;
use crate::log::Doomed;
use crate::node::Node;

/// How often logs are looked at whose `flush.ms` is set, unless `log.flush.scheduler.interval.ms` says so.
const FLUSH_CHECK_INTERVAL_MS: u64 = 1000;

/// Kafka's may be 0, and its cleaner then looks without a pause.
const CLEANER_BACKOFF_MIN_MS: u64 = 10;

/// Starts all of it. The tasks end when the broker stops.
pub(crate) fn start(node: &Arc<Node>) -> Vec<JoinHandle<()>> {
    let config = &node.config();
    let mut tasks = Vec::new();
    let initial_ms = config.initial_task_delay_ms;
    let retention_ms = config.retention_check_interval_ms;
    let retention = Times {
        initial_ms: initial_ms.min(retention_ms),
        interval_ms: retention_ms,
    };
    tasks.push(env::spawn(every(
        Arc::clone(node),
        retention,
        "old segments were not removed",
        |node| node.topics.remove_old_segments(node.env.wall_ms()),
    )));
    if config.cleaner.is_on {
        let backoff_ms = config.cleaner.backoff_ms.max(CLEANER_BACKOFF_MIN_MS);
        tasks.push(env::spawn(every(
            Arc::clone(node),
            Times::each(backoff_ms),
            "logs were not compacted",
            |node| {
                let buffer_bytes = node.config().cleaner.buffer_bytes;
                // It may take long, and a stop waits for it.
                let stop = || *node.stopping.borrow();
                node.topics.clean(node.env.wall_ms(), buffer_bytes, &stop)
            },
        )));
    }
    if node.topics.are_on_disk() {
        let checkpoint = Times::each(config.checkpoint_interval_ms);
        tasks.push(env::spawn(every(
            Arc::clone(node),
            checkpoint,
            // The recovery point stays where it was; the next start checks more than it had to.
            "logs were not forced to the disk",
            |node| node.topics.sync().map(|()| Vec::new()),
        )));
        let flush = config.flush_check_interval_ms;
        let flush = Times::each(flush.unwrap_or(FLUSH_CHECK_INTERVAL_MS));
        tasks.push(env::spawn(every(
            Arc::clone(node),
            flush,
            "logs were not forced to the disk",
            |node| {
                node.topics
                    .flush_due(node.env.wall_ms())
                    .map(|()| Vec::new())
            },
        )));
    }
    tasks
}

/// When something is done.
#[derive(Debug, Clone, Copy)]
struct Times {
    initial_ms: u64,
    interval_ms: u64,
}

impl Times {
    fn each(interval_ms: u64) -> Self {
        Self {
            initial_ms: interval_ms,
            interval_ms,
        }
    }
}

/// Does something again and again, apart from the requests, until the broker stops.
async fn every(
    node: Arc<Node>,
    times: Times,
    failure: &'static str,
    work: fn(&Node) -> io::Result<Vec<Doomed>>,
) {
    let stopped = node.stopped();
    tokio::pin!(stopped);
    let mut wait_ms = times.initial_ms;
    loop {
        tokio::select! {
            biased;
            () = &mut stopped => return,
            () = env::sleep_until(env::now() + wait(wait_ms)) => {}
        }
        wait_ms = times.interval_ms;
        match node.apart(work).await {
            Ok(Ok(doomed)) if doomed.is_empty() => {}
            Ok(Ok(doomed)) => drop(env::spawn(remove_later(Arc::clone(&node), doomed))),
            Ok(Err(error)) | Err(error) => tracing::error!(%error, "{failure}"),
        }
    }
}

/// Removes files when their time has come. What a stop leaves is removed at the next start.
async fn remove_later(node: Arc<Node>, mut doomed: Vec<Doomed>) {
    let began = env::now();
    doomed.sort_by_key(|doomed| doomed.delay_ms);
    for doomed in doomed {
        tokio::select! {
            biased;
            () = node.stopped() => return,
            () = env::sleep_until(began + wait(doomed.delay_ms)) => {}
        }
        let removed = node.apart(move |_| doomed.remove()).await;
        if let Err(error) = removed.and_then(|result| result) {
            tracing::error!(%error, "removed segments are still on the disk");
        }
    }
}

/// Kafka's longest times are far beyond what a timer takes.
fn wait(ms: u64) -> Duration {
    const YEAR_MS: u64 = 365 * 86_400_000;
    Duration::from_millis(ms.min(YEAR_MS))
}

//! A test from its start to its end: `#[kafka_client::test]` calls this.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::{Setup, TestKafka};

/// Where a real cluster is.
const BOOTSTRAP: &str = "KAFKA_CLIENT_TEST_BOOTSTRAP";

/// On a real cluster, tests have the names of their topics in common.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs a test on a runtime of its own: with a broker of its own and paused time, or on the cluster that the
/// environment names. See [the module](super).
///
/// # Panics
/// When the test does, when it takes too long, or when what it is to have cannot be made.
pub fn run<F, W, O>(setup: Setup, test: F) -> O
where
    F: FnOnce(TestKafka) -> W,
    W: Future<Output = O>,
{
    match std::env::var(BOOTSTRAP) {
        Ok(bootstrap) => on_cluster(&bootstrap, &setup, test),
        Err(_) => runtime(true).block_on(async {
            let limit = setup.time_limit;
            let kafka = TestKafka::start(setup).await;
            within(limit, kafka.env().clone(), test(kafka)).await
        }),
    }
}

fn on_cluster<F, W, O>(bootstrap: &str, setup: &Setup, test: F) -> O
where
    F: FnOnce(TestKafka) -> W,
    W: Future<Output = O>,
{
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = runtime(false);
    let started = runtime.block_on(TestKafka::on_cluster(bootstrap, setup));
    let kafka = started.unwrap_or_else(|error| panic!("{BOOTSTRAP}={bootstrap}: {error}"));
    let own = Setup::new();
    let result = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let env = kafka.env().clone();
        runtime.block_on(within(setup.time_limit, env, test(kafka)))
    }));
    // A client of its own: that of the test may be in any state.
    runtime.block_on(async {
        match TestKafka::on_cluster(bootstrap, &own).await {
            Ok(kafka) => kafka.delete_topics(&setup.topics).await,
            Err(error) => tracing::warn!("topics of a test stay: {error}"),
        }
    });
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

async fn within<W: Future>(limit: Duration, env: crate::env::Env, test: W) -> W::Output {
    let ended = env.timeout(limit, pin!(test)).await;
    ended.unwrap_or_else(|_| panic!("the test was not done after {limit:?}: see Setup::time_limit"))
}

fn runtime(is_paused: bool) -> Runtime {
    let built = Builder::new_current_thread()
        .enable_all()
        .start_paused(is_paused)
        .build();
    built.unwrap_or_else(|error| panic!("no runtime for the test: {error}"))
}

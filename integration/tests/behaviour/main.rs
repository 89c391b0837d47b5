//! What a user of the client relies on, written once and shown on both brokers: the reference
//! broker, and Apache Kafka in a container.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

/// Makes each behaviour, a function of the cluster, a test on the reference broker and one on
/// Apache Kafka. On several threads, as programs run: what can race, does.
macro_rules! behaviours {
    ($($name:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(&integration::TestCluster::embedded().await).await;
            })*
        }

        mod apache_kafka {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs a container engine; .ci/run provides it"]
            async fn $name() {
                super::$name(&integration::TestCluster::apache_kafka().await).await;
            })*
        }
    };
}

mod acks;
mod commits;
mod consume;
mod errors;
mod groups;
mod idempotence;
mod matching;
mod produce;
mod streams;

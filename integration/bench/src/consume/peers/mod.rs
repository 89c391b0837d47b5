//! The consumers in Rust, each behind the same few calls.

#[cfg(feature = "confluent-kafka")]
pub(super) mod confluent;
#[cfg(feature = "kacrab")]
pub(super) mod kacrab;
#[cfg(feature = "krafka")]
pub(super) mod krafka;
pub(super) mod ours;
pub(super) mod rdkafka;
pub(super) mod rskafka;

use crate::Failure;
use crate::job::Job;

/// A consumer of all partitions of the job's topic, from their beginning.
pub(super) trait Source: Sized {
    async fn start(job: &Job) -> Result<Self, Failure>;

    /// Takes so many records, and what is left of a batch of which one was taken; shows the value
    /// of each to `see`. Tells how many there were. Waits for ever for what does not come, but gives
    /// way to others meanwhile.
    async fn take(
        &mut self,
        records: u64,
        see: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure>;
}

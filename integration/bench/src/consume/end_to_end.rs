//! How long records take from the call that hands them to a producer until a consumer has them, both
//! in this process.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::{MissedTickBehavior, interval};

use super::peers::Source;
use crate::Failure;
use crate::job::{Job, Workload};
use crate::peers::Client;
use crate::usage::{Latency, Measurement, Meter};
use crate::worker::runtime;

/// A timer of the runtime is exact to this, so that the records of a tick go together.
const TICK: Duration = Duration::from_millis(1);

pub(super) fn measure<C: Client, S: Source>(job: &Job) -> Result<Measurement, Failure> {
    let Workload::EndToEnd {
        per_second,
        warm_up_ms,
        measured_ms,
    } = job.workload
    else {
        return Err("nothing else goes end to end".into());
    };
    let value = job.values.load()?.swap_remove(0);
    runtime()?.block_on(async {
        let mut consumer = S::start(job).await?;
        let producer = C::connect(job).await?;
        let clock = Instant::now();
        let warm_up = per_second * warm_up_ms / 1000;
        let records = per_second * measured_ms / 1000;
        let topic = job.topic.clone();
        let sending = tokio::spawn(async move {
            send::<C>(
                &producer,
                &topic,
                &value,
                clock,
                per_second,
                warm_up + records,
            )
            .await
        });
        consumer.take(warm_up, |_| Ok(())).await?;
        let meter = Meter::start()?;
        let mut times = Vec::with_capacity(usize::try_from(records)?);
        let taken = consumer
            .take(records, |value| {
                let sent = value.first_chunk().ok_or("a value without its time")?;
                let sent = Duration::from_nanos(u64::from_le_bytes(*sent));
                times.push(clock.elapsed().saturating_sub(sent));
                Ok(())
            })
            .await?;
        let mut measurement = meter.stop(taken)?;
        sending.await??;
        measurement.latency = Some(Latency::of(times)?);
        Ok(measurement)
    })
}

/// The time at which each record is handed over is in front of its value.
async fn send<C: Client>(
    producer: &C,
    topic: &str,
    value: &[u8],
    clock: Instant,
    per_second: u64,
    records: u64,
) -> Result<(), Failure> {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut value = value.to_vec();
    let start = clock.elapsed();
    let mut sent = 0;
    while sent < records {
        ticks.tick().await;
        let due = (clock.elapsed() - start).as_micros() as u64 * per_second / 1_000_000;
        while sent < due.min(records) {
            let now = u64::try_from(clock.elapsed().as_nanos())?;
            value[..8].copy_from_slice(&now.to_le_bytes());
            let value = Bytes::copy_from_slice(&value);
            // Whether it arrives shows at the consumer.
            drop(producer.enqueue(topic, None, &value).await?);
            sent += 1;
        }
    }
    producer.flush().await
}

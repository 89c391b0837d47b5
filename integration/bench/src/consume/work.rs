//! The measuring process: one consumer, one job.

use std::time::Duration;

use super::peers::{Source, ours, rdkafka, rskafka};
use super::rows::Row;
use super::{acks, end_to_end};
use crate::Failure;
use crate::job::{Api, Backlog, Job, Workload};
use crate::peers::{self, Peer};
use crate::usage::{Measurement, Meter, rss_kib};
use crate::worker::runtime;

/// Times that a reader that rests does so, and for how long.
const RESTS: u64 = 10;
const REST: Duration = Duration::from_millis(300);

/// How long nothing is to come after the last record.
const NOTHING_MORE: Duration = Duration::from_millis(200);

pub(crate) fn work(job: &Job) -> Result<Measurement, Failure> {
    match (&job.workload, job.peer) {
        (&Workload::Json { records, warm_up }, _) => json_alone(job, records, warm_up),
        (Workload::EndToEnd { .. }, Peer::Ours) => {
            end_to_end::measure::<peers::ours::Ours, ours::Ours>(job)
        }
        (Workload::EndToEnd { .. }, Peer::StreamConsumer) => {
            end_to_end::measure::<peers::rdkafka::Futures, rdkafka::Stream>(job)
        }
        (Workload::Backlog(backlog), Peer::Ours) => match backlog.api {
            Api::Json => read::<ours::Typed>(job, *backlog),
            Api::Ack => read::<ours::Acked>(job, *backlog),
            Api::PauseResume => read::<ours::Pausing>(job, *backlog),
            Api::PauseInTurn => read::<ours::PausingInTurn>(job, *backlog),
            Api::HandOver => read::<acks::HandOver>(job, *backlog),
            Api::HandOverAck => read::<acks::HandOverAck>(job, *backlog),
            Api::Batch | Api::Recv | Api::Stream | Api::Poll | Api::Rests => {
                read::<ours::Ours>(job, *backlog)
            }
        },
        (Workload::Backlog(backlog), Peer::BaseConsumer) => read::<rdkafka::Base>(job, *backlog),
        (Workload::Backlog(backlog), Peer::StreamConsumer) => {
            read::<rdkafka::Stream>(job, *backlog)
        }
        (Workload::Backlog(backlog), Peer::Rskafka) => read::<rskafka::Rskafka>(job, *backlog),
        #[cfg(feature = "confluent-kafka")]
        (Workload::Backlog(backlog), Peer::ConfluentKafka) => {
            read::<super::peers::confluent::Confluent>(job, *backlog)
        }
        #[cfg(feature = "kacrab")]
        (Workload::Backlog(backlog), Peer::Kacrab) => {
            read::<super::peers::kacrab::Kacrab>(job, *backlog)
        }
        #[cfg(feature = "krafka")]
        (Workload::Backlog(backlog), Peer::Krafka) => {
            read::<super::peers::krafka::Krafka>(job, *backlog)
        }
        (_, peer) => Err(format!("{peer} does not do this here").into()),
    }
}

/// The measured records go to a new consumer, so that nothing of them was fetched before.
fn read<S: Source>(job: &Job, backlog: Backlog) -> Result<Measurement, Failure> {
    runtime()?.block_on(async {
        let before = rss_kib()?;
        if backlog.warm_up > 0 {
            S::start(job)
                .await?
                .take(backlog.warm_up, see(backlog.api))
                .await?;
        }
        let meter = Meter::start()?;
        let mut source = S::start(job).await?;
        let mut taken = 0;
        if matches!(backlog.api, Api::Rests | Api::PauseInTurn) {
            for rest in 0..RESTS {
                let until = 1 + backlog.records * rest / RESTS;
                taken += source.take(until - taken, see(backlog.api)).await?;
                tokio::time::sleep(REST).await;
            }
        }
        taken += source
            .take(backlog.records - taken, see(backlog.api))
            .await?;
        let mut measurement = meter.stop(taken)?;
        if backlog.warm_up == 0 {
            measurement.rss_before_kib = Some(before);
        }
        if taken != backlog.records {
            return Err(format!("{taken} records came of {}", backlog.records).into());
        }
        // Some that came twice would leave others over.
        let more = source.take(1, |_| Ok(()));
        match tokio::time::timeout(NOTHING_MORE, more).await {
            Err(_) => Ok(measurement),
            Ok(more) => Err(format!("after all records came {} more", more?).into()),
        }
    })
}

/// What is done with a value; those that parse their records themselves have none.
fn see(api: Api) -> impl FnMut(&[u8]) -> Result<(), Failure> {
    move |value| {
        if api == Api::Json {
            std::hint::black_box(serde_json::from_slice::<Row>(value)?);
        } else {
            std::hint::black_box(value);
        }
        Ok(())
    }
}

fn json_alone(job: &Job, records: u64, warm_up: u64) -> Result<Measurement, Failure> {
    let values = job.values.load()?;
    let parse = |records: u64| {
        let mut see = see(Api::Json);
        (0..records)
            .zip(values.iter().cycle())
            .try_for_each(|(_, value)| see(value))
    };
    parse(warm_up)?;
    let meter = Meter::start()?;
    parse(records)?;
    meter.stop(records)
}

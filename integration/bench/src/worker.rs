//! The measuring process: one client, one job.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::runtime::{Builder, Runtime};

use crate::Failure;
use crate::codec;
use crate::consume;
use crate::job::{Job, Stream, Workload, topic_names};
use crate::peers::{Client, Peer, ours, rdkafka, rskafka};
use crate::usage::{Latency, Measurement, Meter};

/// Sends at the same time to topics that are only to be known.
const KNOWN_AT_ONCE: usize = 1000;

/// Does the job, and prints the measurement as JSON.
pub(crate) fn run(job: &str) -> Result<(), Failure> {
    let job: Job = serde_json::from_str(job)?;
    let measurement = match (&job.workload, job.peer) {
        (
            &Workload::Codec {
                records,
                batch_records,
            },
            peer,
        ) => codec::alone(peer, job.codec, &job.values.load()?, records, batch_records),
        (Workload::Backlog(_) | Workload::EndToEnd { .. } | Workload::Json { .. }, _) => {
            consume::work(&job)
        }
        (_, Peer::Ours) => client::<ours::Ours>(&job),
        (_, Peer::BaseProducer) => client::<rdkafka::Base>(&job),
        (_, Peer::FutureProducer) => client::<rdkafka::Futures>(&job),
        #[cfg(feature = "confluent-kafka")]
        (_, Peer::ConfluentKafka) => client::<crate::peers::confluent::Confluent>(&job),
        #[cfg(feature = "kacrab")]
        (_, Peer::Kacrab) => client::<crate::peers::kacrab::Kacrab>(&job),
        #[cfg(feature = "krafka")]
        (_, Peer::Krafka) => client::<crate::peers::krafka::Krafka>(&job),
        (_, Peer::Rskafka) => client::<rskafka::Rskafka>(&job),
        (_, peer) => Err(format!("{peer} is not part of this program").into()),
    }?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(&measurement)?)?;
    Ok(())
}

/// The same for all that are asynchronous: what `#[tokio::main]` makes, with two threads whatever
/// the machine has.
pub(crate) fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

fn client<C: Client>(job: &Job) -> Result<Measurement, Failure> {
    let values = job.values.load()?;
    match job.workload {
        Workload::Stream(stream) if stream.count_allocations => {
            count_allocations::<C>(job, stream, &values)
        }
        Workload::Stream(stream) => runtime()?.block_on(async {
            let client = C::connect(job).await?;
            let feed = Feed::new(job, stream, &values);
            feed.run(&client, stream.warm_up).await?;
            let meter = Meter::start()?;
            feed.run(&client, stream.records).await?;
            let mut measurement = meter.stop(stream.records)?;
            measurement.written += stream.warm_up;
            Ok(measurement)
        }),
        Workload::Tasks {
            tasks,
            warm_up_ms,
            measured_ms,
        } => runtime()?.block_on(async {
            let client = Arc::new(C::connect(job).await?);
            let [warm_up, measured] = [warm_up_ms, measured_ms].map(Duration::from_millis);
            let before = concurrent(&client, job, tasks, &values, warm_up).await?;
            let meter = Meter::start()?;
            let calls = concurrent(&client, job, tasks, &values, measured).await?;
            let mut measurement = meter.stop(calls.len() as u64)?;
            measurement.written += before.len() as u64;
            measurement.latency = Some(Latency::of(calls)?);
            Ok(measurement)
        }),
        Workload::FirstSends {
            known,
            ref known_prefix,
            new,
        } => runtime()?.block_on(async {
            let known = topic_names(known_prefix, known);
            let new = topic_names(&job.topic, new);
            first_sends(&C::connect(job).await?, &known, &new, &values).await
        }),
        _ => Err("this is not for producers".into()),
    }
}

/// A stream of records from one task.
struct Feed<'a> {
    job: &'a Job,
    stream: Stream,
    values: &'a [Bytes],
}

impl<'a> Feed<'a> {
    fn new(job: &'a Job, stream: Stream, values: &'a [Bytes]) -> Self {
        Self {
            job,
            stream,
            values,
        }
    }

    /// Returns when all these records are settled.
    async fn run<C: Client>(&self, client: &C, records: u64) -> Result<(), Failure> {
        let (job, stream) = (self.job, self.stream);
        let mut deliveries = VecDeque::with_capacity(match stream.awaited {
            true => stream.outstanding,
            false => 0,
        });
        let mut values = self.values.iter().cycle();
        for n in 0..records {
            if stream.awaited
                && deliveries.len() == stream.outstanding
                && let Some(oldest) = deliveries.pop_front()
            {
                C::delivered(oldest).await?;
            }
            let value = values.next().ok_or("there are no values")?;
            let partition = job.partition(n, stream.round_robin);
            let delivery = client.enqueue(&job.topic, partition, value).await?;
            if stream.awaited {
                deliveries.push_back(delivery);
            }
        }
        // Before the deliveries are awaited, so that those clients which have none are the same.
        client.flush().await?;
        for delivery in deliveries {
            C::delivered(delivery).await?;
        }
        Ok(())
    }
}

/// As a stream, with everything on this thread: allocations are counted by thread.
fn count_allocations<C: Client>(
    job: &Job,
    stream: Stream,
    values: &[Bytes],
) -> Result<Measurement, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let feed = Feed::new(job, stream, values);
    let client = runtime.block_on(C::connect(job))?;
    runtime.block_on(feed.run(&client, stream.warm_up))?;
    let meter = Meter::start()?;
    let mut result = Ok(());
    let allocations = allocation_counter::measure(|| {
        result = runtime.block_on(feed.run(&client, stream.records));
    });
    result?;
    let mut measurement = meter.stop(stream.records)?;
    measurement.written += stream.warm_up;
    measurement.allocations = Some(allocations.count_total);
    Ok(measurement)
}

/// Tasks that send for so long; how long each send took.
async fn concurrent<C: Client>(
    client: &Arc<C>,
    job: &Job,
    tasks: usize,
    values: &[Bytes],
    time: Duration,
) -> Result<Vec<Duration>, Failure> {
    let end = Instant::now() + time;
    let sender = |task: usize| {
        let client = Arc::clone(client);
        let topic = job.topic.clone();
        let value = values[task % values.len()].clone();
        tokio::spawn(async move {
            let mut calls = Vec::new();
            loop {
                let start = Instant::now();
                if start >= end {
                    return Ok::<_, Failure>(calls);
                }
                C::delivered(client.enqueue(&topic, None, &value).await?).await?;
                calls.push(start.elapsed());
            }
        })
    };
    let senders: Vec<_> = (0..tasks).map(sender).collect();
    let mut calls = Vec::new();
    for sender in senders {
        calls.append(&mut sender.await??);
    }
    Ok(calls)
}

async fn first_sends<C: Client>(
    client: &C,
    known: &[String],
    new: &[String],
    values: &[Bytes],
) -> Result<Measurement, Failure> {
    let value = &values[0];
    let send = |topic| async move { C::delivered(client.enqueue(topic, None, value).await?).await };
    let sends = stream::iter(known).map(|topic| send(topic));
    let () = sends.buffer_unordered(KNOWN_AT_ONCE).try_collect().await?;
    let meter = Meter::start()?;
    let mut calls = [Vec::new(), Vec::new()];
    for topic in new {
        for calls in &mut calls {
            let start = Instant::now();
            send(topic).await?;
            calls.push(start.elapsed());
        }
    }
    let mut measurement = meter.stop(2 * new.len() as u64)?;
    measurement.written += known.len() as u64;
    let [first, again] = calls;
    measurement.latency = Some(Latency::of(first)?);
    measurement.again = Some(Latency::of(again)?);
    Ok(measurement)
}

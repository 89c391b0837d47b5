//! A listener at work.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::context::Context;
use super::forward::Forwarder;
use super::gate::Gate;
use super::listener::Settings;
use super::pipeline::{Pipeline, Undone};
use super::report::Counts;
use super::route::Routes;
use super::stop::Stop;
use super::topics::{self, DeadLetters};
use super::{ListenError, Listener, ShutdownReport, ensure};
use crate::consumer::{
    AckConsumer, AckConsumerBuilder, Concurrency, ConsumerBuilder, ForEachError, OffsetReset,
};
use crate::env::{all, lock};
use crate::error::{Error, ErrorKind};
use crate::record::ConsumerRecord;

impl<S: Send + Sync + 'static, R: Routes<S>> Listener<S, R> {
    /// Joins the group and has records handled until `shutdown` is ready. Then nothing more is fetched;
    /// handlers that run are waited for, [`shutdown_timeout`](Self::shutdown_timeout) at most, what is done is
    /// committed, and the member leaves its group.
    ///
    /// Errors that pass, such as a group that was lost for a while, end nothing:
    /// [`Kafka::health`](crate::Kafka::health) tells of them if they last.
    ///
    /// # Errors
    /// [`ListenError::Handler`], [`ListenError::Decode`] and [`ListenError::Panicked`] for a record that no
    /// dead letter, retry or verdict takes; [`ListenError::Client`] for invalid settings, for an error of the
    /// consumer for which [`Error::is_fatal`] holds, for a partition that has no offset to go on from or holds
    /// damaged records, and for a last commit that failed.
    ///
    /// # Cancel safety
    /// Dropped, it leaves the group in the background. Handlers that run go on, and no record is lost: those
    /// whose handler has not succeeded come again.
    pub async fn run_until(
        self,
        shutdown: impl Future<Output = ()>,
    ) -> Result<ShutdownReport, ListenError> {
        let Self {
            kafka,
            group,
            state,
            routes,
            settings,
        } = self;
        let Settings {
            consumer,
            producer,
            concurrency,
            max_unacked,
            revoke_timeout,
            shutdown_timeout,
            mut policy,
            classifiers,
            dead_letters,
            style,
            ensure_topics,
            circuit_breaker,
        } = settings;
        policy.has_dead_letters = dead_letters != DeadLetters::Nowhere;
        let topics = routes.topics();
        let batches = routes.batch_topics();
        let batch_topics: Vec<_> = batches.iter().map(|of| of.topic.clone()).collect();
        let all_topics = (&*topics, &*batch_topics);
        let targets = topics::targets(all_topics, &group, &dead_letters, &policy.topics)?;
        if ensure_topics {
            ensure::ensure(&kafka, &targets).await?;
        }
        let mut builder = consumer.clone().manual_ack();
        if let Some(records) = max_unacked {
            builder = builder.max_unacked(records);
        }
        if let Some(limit) = revoke_timeout {
            builder = builder.revoke_timeout(limit);
        }
        let mut later = Vec::new();
        for (stage, wait) in policy.topics.iter().enumerate() {
            if topics.is_empty() {
                break;
            }
            let topics = targets.values();
            let topics = topics.filter_map(|targets| targets.retries.get(stage));
            let member = waiting(consumer.clone(), stage, *wait).subscribe(topics);
            later.push((stage, member.await?));
        }
        let pipeline = Arc::new(Pipeline {
            routes,
            context: Arc::new(Context::new(state, producer)),
            policy,
            classifiers,
            targets,
            style,
            gate: Gate::new(
                kafka.env().clone(),
                kafka.monitor(),
                group.clone(),
                circuit_breaker,
            ),
            env: kafka.env().clone(),
            forwarder: Forwarder::new(kafka, group),
            counts: Counts::default(),
            stop: Stop::new(),
            failure: Mutex::default(),
        });
        let mut single = Vec::new();
        if !topics.is_empty() {
            single.push(builder.clone().subscribe(&topics).await?);
        }
        let mut batched = Vec::new();
        for (number, of) in batches.into_iter().enumerate() {
            let instance = format!("batch-{number}");
            let member = builder.clone().another_instance(&instance);
            batched.push((member.subscribe([&of.topic]).await?, of));
        }
        let env = pipeline.env.clone();
        let _ending = Ending(&pipeline.stop);
        let outcome = {
            let stop = &pipeline.stop;
            let ends_by = |error| {
                let error = ends_by(error);
                if error.is_some() {
                    // Whoever waits in work waits no longer.
                    stop.set();
                }
                error
            };
            let handler = |record| pipeline.clone().handle(record, None, 0);
            let single = all(single.iter_mut().map(|consumer| async {
                let driving = consumer.drive(concurrency, stop.wait(), &handler, &ends_by);
                let ended = driving.await;
                // Whatever it ended by, the rest ends too.
                stop.set();
                outcome_of(ended)
            }));
            let batched = all(batched.iter_mut().map(|(consumer, of)| async {
                let (put, records) = mpsc::unbounded_channel();
                let driving = async {
                    let handler = |record| {
                        let (done, outcome) = oneshot::channel();
                        // Taken as long as this drives.
                        let _ = put.send((record, done));
                        async { outcome.await.unwrap_or(Err(Undone)) }
                    };
                    let order = Concurrency::Unordered(of.max);
                    let ended = consumer.drive(order, stop.wait(), handler, &ends_by).await;
                    stop.set();
                    drop(put);
                    outcome_of(ended)
                };
                tokio::join!(driving, pipeline.collect(of, records)).0
            }));
            let later = all(later.iter_mut().map(|(stage, consumer)| async {
                let (pipeline, stage) = (&pipeline, *stage);
                let handler = |record| pipeline.clone().handle_again(record, stage);
                let order = Concurrency::PerPartition;
                let ended = consumer.drive(order, stop.wait(), handler, &ends_by).await;
                stop.set();
                outcome_of(ended)
            }));
            let driving = async {
                let (single, batched, later) = tokio::join!(single, batched, later);
                let all = single.into_iter().chain(batched).chain(later);
                all.collect::<Result<(), _>>()
            };
            let shutting_down = async {
                tokio::select! {
                    () = shutdown => stop.set(),
                    () = stop.wait() => {}
                }
                env.sleep(shutdown_timeout).await;
            };
            tokio::select! {
                biased;
                outcome = driving => outcome,
                () = shutting_down => Ok(()),
            }
        };
        let consumers = later.into_iter().map(|(_, consumer)| consumer);
        let consumers = consumers.chain(single);
        let consumers = consumers.chain(batched.into_iter().map(|(consumer, _)| consumer));
        let consumers = consumers.map(AckConsumer::close);
        let closed = all(consumers).await.into_iter().collect::<Result<(), _>>();
        if let Some(producer) = pipeline.context.writer.made() {
            // All that matters was awaited; the rest is counted in the log.
            let _ = producer.clone().close().await;
        }
        if let Some(error) = lock(&pipeline.failure).take() {
            return Err(error);
        }
        outcome?;
        closed?;
        Ok(pipeline.counts.report())
    }
}

/// How far a retry topic is read ahead of what waits: its records become due in their order.
const AHEAD: usize = 100;

/// How long a rebalance waits for a record of a retry topic. Mostly it waits itself.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(1);

/// The member that reads retry topics.
fn waiting(
    consumer: ConsumerBuilder,
    stage: usize,
    wait: Duration,
) -> AckConsumerBuilder<ConsumerRecord> {
    let consumer = consumer
        .offset_reset(OffsetReset::Earliest)
        .another_instance(&format!("retry-{stage}"))
        .work_longer_by(wait)
        .manual_ack();
    consumer.max_unacked(AHEAD).revoke_timeout(REVOKE_TIMEOUT)
}

/// What the consumer ended with; what the pipeline did is known there.
fn outcome_of(ended: Result<(), ForEachError<Undone>>) -> Result<(), ListenError> {
    match ended {
        Ok(()) | Err(ForEachError::Handler { .. }) => Ok(()),
        Err(ForEachError::Consumer(error)) => Err(error.into()),
        // Of ours: code of the user's is caught before.
        Err(ForEachError::Panicked { words, record }) => {
            Err(ListenError::Panicked { words, record })
        }
    }
}

/// Whatever waits ends with the listener, also when it is dropped.
struct Ending<'a>(&'a Stop);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// The errors of the consumer that end the listener: those after which it would pass over records.
fn ends_by(error: Error) -> Option<Error> {
    let stays = matches!(
        error.kind(),
        ErrorKind::NoOffset | ErrorKind::CorruptRecords | ErrorKind::LogTruncated
    );
    if error.is_fatal() || stays {
        return Some(error);
    }
    tracing::warn!("a listener goes on after: {error}");
    None
}

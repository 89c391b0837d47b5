//! A listener at work.

use std::future::Future;
use std::sync::Arc;

use super::context::Context;
use super::forward::Forwarder;
use super::listener::Settings;
use super::pipeline::{Pipeline, Undone};
use super::report::Counts;
use super::route::Routes;
use super::stop::Stop;
use super::topics::{self, DeadLetters};
use super::{ListenError, Listener, ShutdownReport};
use crate::consumer::{AckConsumer, AckConsumerBuilder, ForEachError};
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
        } = settings;
        policy.has_dead_letters = dead_letters != DeadLetters::Nowhere;
        let topics = routes.topics();
        let targets = topics::targets(&topics, &group, &dead_letters, &policy.topics)?;
        let mut builder = consumer.manual_ack();
        if let Some(records) = max_unacked {
            builder = builder.max_unacked(records);
        }
        if let Some(limit) = revoke_timeout {
            builder = builder.revoke_timeout(limit);
        }
        let pipeline = Arc::new(Pipeline {
            routes,
            context: Arc::new(Context::new(state, producer)),
            policy,
            classifiers,
            targets,
            env: kafka.env().clone(),
            forwarder: Forwarder::new(kafka, group),
            counts: Counts::default(),
            stop: Stop::new(),
        });
        let mut consumer = subscribe(builder, &topics).await?;
        let env = pipeline.env.clone();
        let outcome = {
            let stop = &pipeline.stop;
            let handler = |record| pipeline.clone().handle(record, None, 0);
            let driving = consumer.drive(concurrency, stop.wait(), handler, ends_by);
            let driving = async {
                let ended = driving.await;
                // Whatever it ended by, the rest ends too.
                stop.set();
                ended
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
                ended = driving => outcome_of(ended),
                () = shutting_down => Ok(()),
            }
        };
        let closed = consumer.close().await;
        if let Some(producer) = pipeline.context.writer.made() {
            // All that matters was awaited; the rest is counted in the log.
            let _ = producer.clone().close().await;
        }
        outcome?;
        closed?;
        Ok(pipeline.counts.report())
    }
}

async fn subscribe(
    builder: AckConsumerBuilder<ConsumerRecord>,
    topics: &[String],
) -> Result<AckConsumer<ConsumerRecord>, Error> {
    builder.subscribe(topics).await
}

fn outcome_of(ended: Result<(), ForEachError<Undone>>) -> Result<(), ListenError> {
    match ended {
        Ok(()) => Ok(()),
        Err(ForEachError::Consumer(error)) => Err(error.into()),
        Err(ForEachError::Handler { error, .. }) => match error {
            Undone::Abandoned => Ok(()),
            Undone::Failed(error) => Err(error),
        },
        // Of a classifier: handlers are caught before.
        Err(ForEachError::Panicked { words, record }) => {
            Err(ListenError::Panicked { words, record })
        }
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

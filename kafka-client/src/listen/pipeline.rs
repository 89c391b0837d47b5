//! What becomes of a record: handled, handled again, written elsewhere, passed over, or the end of it all.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::ack::Pending;
use super::classify::Classifiers;
use super::context::Context;
use super::dead_letter::{self, Dead};
use super::failure::Failure;
use super::forward::{Abandoned, Forwarder};
use super::gate::{Gate, Passage};
use super::policy::{Class, Policy, Step};
use super::report::Counts;
use super::route::Routes;
use super::stop::Stop;
use super::topics::{Targets, TargetsByTopic};
use super::{HeaderStyle, ListenError, Message, retry_record};
use crate::caught;
use crate::env::{Env, lock};
use crate::record::ConsumerRecord;

/// What the handlers of a listener share.
pub(super) struct Pipeline<S, R> {
    pub(super) routes: R,
    pub(super) context: Arc<Context<S>>,
    pub(super) policy: Policy,
    pub(super) classifiers: Classifiers,
    pub(super) targets: TargetsByTopic,
    pub(super) style: HeaderStyle,
    pub(super) gate: Gate,
    pub(super) forwarder: Forwarder,
    pub(super) counts: Counts,
    pub(super) stop: Stop,
    /// What the listener has to end with: the first of them.
    pub(super) failure: Mutex<Option<ListenError>>,
    pub(super) env: Env,
}

/// A record is not done, and the listener ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Undone;

impl<S: Send + Sync + 'static, R: Routes<S>> Pipeline<S, R> {
    /// Has a record handled until it is done: the handler succeeded, or the broker has acknowledged what was
    /// written of it elsewhere, or it is passed over. `stage` is the number of the retry topic that it is
    /// from, and `before` how often it was handled before.
    ///
    /// What only failures need is in boxes of its own: the future of a record is moved into one, and is to be small.
    ///
    /// # Cancel safety
    /// The handler is dropped where it is; what was written stays.
    pub(super) async fn handle(
        self: Arc<Self>,
        record: ConsumerRecord,
        stage: Option<usize>,
        before: u32,
    ) -> Result<(), Undone> {
        let _running = self.counts.run();
        let mut failed = 0;
        loop {
            let Ok(passage) = self.gate.enter(&self.stop).await else {
                return self.abandon();
            };
            let is_probe = passage == Passage::Probe;
            let message = Message {
                record: record.clone(),
                attempt: before.saturating_add(failed + 1),
                context: self.context.clone(),
                pending: Pending::default(),
            };
            let outcome = caught::catch(self.routes.serve(message)).await;
            let Some(failure) = Failure::of(outcome) else {
                self.gate.succeeded();
                self.counts.handled.add();
                return Ok(());
            };
            failed += 1;
            let attempts = before.saturating_add(failed);
            let step = match self.step(&failure, failed, stage) {
                Ok((_, step)) => step,
                Err(panic) => return self.fail(panic, record),
            };
            match step {
                Step::Wait(_) | Step::Forward(_) | Step::DeadLetter if is_probe => {
                    self.gate.probe_failed(&failure);
                    self.counts.retried.add();
                    continue;
                }
                Step::DeadLetter if !self.gate.may_give_up(&failure) => {
                    self.counts.retried.add();
                    continue;
                }
                Step::Skip if is_probe => self.gate.undecided(),
                _ => {}
            }
            match step {
                Step::Wait(wait) => {
                    self.counts.retried.add();
                    if let Err(Abandoned) = Box::pin(self.pause(wait)).await {
                        return self.abandon();
                    }
                }
                Step::Forward(stage) => {
                    let forwarded = Box::pin(self.forward(&record, stage, attempts)).await;
                    return forwarded.or_else(|Abandoned| self.abandon());
                }
                Step::DeadLetter => {
                    let buried = Box::pin(self.bury(&record, &failure, attempts)).await;
                    return buried.or_else(|Abandoned| self.abandon());
                }
                Step::Skip => {
                    self.counts.skipped.add();
                    return Ok(());
                }
                Step::Fail => return self.fail(failure, record),
            }
        }
    }

    /// Has a record from a retry topic handled, when its wait is over.
    ///
    /// # Cancel safety
    /// As [`Pipeline::handle`].
    pub(super) async fn handle_again(
        self: Arc<Self>,
        record: ConsumerRecord,
        stage: usize,
    ) -> Result<(), Undone> {
        let wait = self.policy.topics[stage];
        let written = record.timestamp_ms().unwrap_or_default();
        // Whatever the record says: it may be from anybody.
        let waited = self.env.wall_ms().saturating_sub(written);
        let waited = u64::try_from(waited).unwrap_or_default();
        let left = wait.saturating_sub(Duration::from_millis(waited));
        tokio::select! {
            biased;
            // Not in work yet: it stays where it is.
            () = self.stop.wait() => return Err(Undone),
            () = self.env.sleep(left) => {}
        }
        let (record, attempts) = retry_record::restore(&record, self.source(record.topic(), stage));
        self.handle(record, Some(stage), attempts).await
    }

    /// The topic whose records a retry topic takes.
    fn source(&self, retry_topic: &str, stage: usize) -> &str {
        let is_of = |(_, targets): &(&String, &Targets)| {
            let name = targets.retries.get(stage);
            name.is_some_and(|name| **name == *retry_topic)
        };
        let of = self.targets.iter().find(is_of);
        of.map_or("", |(topic, _)| topic)
    }

    /// Waits for a time, unless the listener ends.
    pub(super) async fn pause(&self, wait: Duration) -> Result<(), Abandoned> {
        tokio::select! {
            biased;
            () = self.stop.wait() => Err(Abandoned),
            () = self.env.sleep(wait) => Ok(()),
        }
    }

    pub(super) fn abandon(&self) -> Result<(), Undone> {
        self.counts.abandoned.add();
        Err(Undone)
    }

    /// Has the listener end.
    pub(super) fn fail(&self, failure: Failure, record: ConsumerRecord) -> Result<(), Undone> {
        // Before the others know that it ends.
        lock(&self.failure).get_or_insert_with(|| ListenError::of(failure, record));
        self.stop.set();
        Err(Undone)
    }

    /// What is to be done after a failure; its class is said by code of the user's, which may panic.
    pub(super) fn step(
        &self,
        failure: &Failure,
        failed: u32,
        stage: Option<usize>,
    ) -> Result<(Class, Step), Failure> {
        let class = caught::call(|| failure.class(&self.classifiers)).map_err(Failure::Panic)?;
        Ok((class, self.policy.step(class, failed, stage)))
    }

    fn targets(&self, record: &ConsumerRecord) -> &Targets {
        // Nothing else is subscribed to, or restored.
        &self.targets[record.topic()]
    }

    /// Writes a record to a retry topic.
    async fn forward(
        &self,
        record: &ConsumerRecord,
        stage: usize,
        attempts: u32,
    ) -> Result<(), Abandoned> {
        let topic = &self.targets(record).retries[stage];
        let headers = retry_record::headers(record, attempts);
        let headers = dead_letter::borrowed(&headers);
        let (writer, stop) = (&self.context.writer, &self.stop);
        // Its timestamp says when the wait began.
        let with = (&headers[..], None);
        self.forwarder
            .write(writer, stop, topic, record, with)
            .await?;
        self.counts.forwarded.add();
        Ok(())
    }

    /// Writes a dead letter.
    pub(super) async fn bury(
        &self,
        record: &ConsumerRecord,
        failure: &Failure,
        attempts: u32,
    ) -> Result<(), Abandoned> {
        let targets = self.targets(record);
        let topic = targets.dead_letters.as_ref();
        let topic = topic.expect("the policy knows that there is one");
        let dead = Dead {
            record,
            group: &self.forwarder.group,
            attempts,
            failure,
        };
        let headers = dead_letter::headers(self.style, &dead);
        let headers = dead_letter::borrowed(&headers);
        let (writer, stop) = (&self.context.writer, &self.stop);
        let with = (&headers[..], record.timestamp_ms());
        self.forwarder
            .write(writer, stop, topic, record, with)
            .await?;
        self.counts.dead_lettered.add();
        Ok(())
    }
}

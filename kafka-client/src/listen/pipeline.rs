//! What becomes of a record: handled, handled again, written elsewhere, passed over, or the end of it all.

use std::sync::Arc;

use super::classify::Classifiers;
use super::context::Context;
use super::dead_letter::{self, Dead};
use super::failure::Failure;
use super::forward::{Abandoned, Forwarder};
use super::policy::{Policy, Step};
use super::report::Counts;
use super::route::Routes;
use super::stop::Stop;
use super::topics::{Targets, TargetsByTopic};
use super::{ListenError, Message};
use crate::caught;
use crate::env::Env;
use crate::record::ConsumerRecord;

/// What the handlers of a listener share.
pub(super) struct Pipeline<S, R> {
    pub(super) routes: R,
    pub(super) context: Arc<Context<S>>,
    pub(super) policy: Policy,
    pub(super) classifiers: Classifiers,
    pub(super) targets: TargetsByTopic,
    pub(super) forwarder: Forwarder,
    pub(super) counts: Counts,
    pub(super) stop: Stop,
    pub(super) env: Env,
}

/// Why a record is not done.
pub(super) enum Undone {
    /// The listener ends.
    Abandoned,
    /// The listener has to end.
    Failed(ListenError),
}

impl<S: Send + Sync + 'static, R: Routes<S>> Pipeline<S, R> {
    /// Has a record handled until it is done: the handler succeeded, or the broker has acknowledged what was
    /// written of it elsewhere, or it is passed over. `stage` is the number of the retry topic that it is
    /// from, and `before` how often it was handled before.
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
            let message = Message {
                record: record.clone(),
                attempt: before.saturating_add(failed + 1),
                context: self.context.clone(),
            };
            let outcome = caught::catch(self.routes.serve(message)).await;
            let Some(failure) = Failure::of(outcome) else {
                self.counts.handled.add();
                return Ok(());
            };
            failed += 1;
            let class = failure.class(&self.classifiers);
            let attempts = before.saturating_add(failed);
            match self.policy.step(class, failed, stage) {
                Step::Wait(wait) => {
                    self.counts.retried.add();
                    tokio::select! {
                        biased;
                        () = self.stop.wait() => return self.abandon(),
                        () = self.env.sleep(wait) => {}
                    }
                }
                Step::Forward(_) => return self.fail(failure, record),
                Step::DeadLetter => {
                    return match self.bury(&record, &failure, attempts).await {
                        Ok(()) => Ok(()),
                        Err(Abandoned) => self.abandon(),
                    };
                }
                Step::Skip => {
                    self.counts.skipped.add();
                    return Ok(());
                }
                Step::Fail => return self.fail(failure, record),
            }
        }
    }

    fn abandon(&self) -> Result<(), Undone> {
        self.counts.abandoned.add();
        Err(Undone::Abandoned)
    }

    fn fail(&self, failure: Failure, record: ConsumerRecord) -> Result<(), Undone> {
        self.stop.set();
        Err(Undone::Failed(ListenError::of(failure, record)))
    }

    fn targets(&self, record: &ConsumerRecord) -> &Targets {
        // Nothing else is subscribed to.
        &self.targets[record.topic()]
    }

    /// Writes a dead letter.
    async fn bury(
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
        let headers = dead_letter::headers(&dead);
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

//! Records put together to batches, and what becomes of a batch.

use tokio::sync::{mpsc, oneshot};

use super::batch::{BatchMessage, BatchTopic};
use super::failure::Failure;
use super::forward::Abandoned;
use super::gate::Passage;
use super::pipeline::{Pipeline, Undone};
use super::policy::{Class, Step};
use super::route::Routes;
use crate::caught;
use crate::record::ConsumerRecord;

/// A record that waits for its batch, and who waits for its outcome.
pub(super) type Waiting = (ConsumerRecord, oneshot::Sender<Result<(), Undone>>);

impl<S: Send + Sync + 'static, R: Routes<S>> Pipeline<S, R> {
    /// Puts records together and has them handled, one batch after the other, until there are no more.
    ///
    /// # Cancel safety
    /// The handler is dropped where it is, and none of its records is done.
    pub(super) async fn collect(
        &self,
        of: &BatchTopic,
        mut records: mpsc::UnboundedReceiver<Waiting>,
    ) {
        while let Some(first) = records.recv().await {
            let mut batch = vec![first];
            let full = self.env.after(of.wait);
            let is_whole = loop {
                if batch.len() >= of.max {
                    break true;
                }
                tokio::select! {
                    biased;
                    // Not in work yet: they stay where they are.
                    () = self.stop.wait() => break false,
                    next = records.recv() => match next {
                        Some(next) => batch.push(next),
                        None => break true,
                    },
                    () = self.env.sleep_until(full) => break true,
                }
            };
            let (records, waiting): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let outcomes = match is_whole {
                true => self.handle_batch(of, records).await,
                false => records.iter().map(|_| Err(Undone)).collect(),
            };
            for (outcome, waiting) in outcomes.into_iter().zip(waiting) {
                // Who waited may have been dropped with the listener.
                let _ = waiting.send(outcome);
            }
        }
    }

    /// The outcome of each record, in their order.
    async fn handle_batch(
        &self,
        of: &BatchTopic,
        records: Vec<ConsumerRecord>,
    ) -> Vec<Result<(), Undone>> {
        let _running = self.counts.run();
        if let Some(outcomes) = self.try_batch(of, &records).await {
            return outcomes;
        }
        // One of them does not decode, and is to take no other with it.
        let mut outcomes = Vec::new();
        for record in &records {
            let alone = self.try_batch(of, std::slice::from_ref(record)).await;
            outcomes.extend(alone.into_iter().flatten());
        }
        outcomes
    }

    /// The outcome of each record; `None` if they are to be handled one by one.
    async fn try_batch(
        &self,
        of: &BatchTopic,
        records: &[ConsumerRecord],
    ) -> Option<Vec<Result<(), Undone>>> {
        let abandon = || {
            let abandoned = records.iter().map(|_| {
                self.counts.abandoned.add();
                Err(Undone)
            });
            Some(abandoned.collect())
        };
        let mut failed = 0;
        loop {
            let Ok(passage) = self.gate.enter(&self.stop).await else {
                return abandon();
            };
            let batch = BatchMessage {
                records: records.to_vec(),
                attempt: failed + 1,
                context: self.context.clone(),
            };
            let outcome = caught::catch(self.routes.serve_batch(&of.topic, batch)).await;
            let Some(failure) = Failure::of(outcome) else {
                self.gate.succeeded();
                records.iter().for_each(|_| self.counts.handled.add());
                return Some(records.iter().map(|_| Ok(())).collect());
            };
            failed += 1;
            let (class, step) = match self.step(&failure, failed, None) {
                Ok(next) => next,
                Err(panic) => return Some(self.fail_all(records, panic)),
            };
            if class == Class::Decode && records.len() > 1 {
                if passage == Passage::Probe {
                    self.gate.undecided();
                }
                return None;
            }
            let step = match step {
                Step::Forward(_) => self.policy.give_up(),
                step => step,
            };
            match step {
                Step::Wait(_) | Step::DeadLetter if passage == Passage::Probe => {
                    self.gate.probe_failed(&failure);
                    self.counts.retried.add();
                }
                Step::Wait(wait) => {
                    self.counts.retried.add();
                    tokio::select! {
                        biased;
                        () = self.stop.wait() => return abandon(),
                        () = self.env.sleep(wait) => {}
                    }
                }
                Step::DeadLetter if !self.gate.may_give_up(&failure) => self.counts.retried.add(),
                Step::DeadLetter => return Some(self.bury_all(records, &failure, failed).await),
                Step::Skip => {
                    if passage == Passage::Probe {
                        self.gate.undecided();
                    }
                    records.iter().for_each(|_| self.counts.skipped.add());
                    return Some(records.iter().map(|_| Ok(())).collect());
                }
                Step::Forward(_) | Step::Fail => return Some(self.fail_all(records, failure)),
            }
        }
    }

    /// One by one. Those before one that could not be written are done.
    async fn bury_all(
        &self,
        records: &[ConsumerRecord],
        failure: &Failure,
        attempts: u32,
    ) -> Vec<Result<(), Undone>> {
        let mut outcomes = Vec::new();
        for record in records {
            let buried = self.bury(record, failure, attempts).await;
            outcomes.push(buried.or_else(|Abandoned| self.abandon()));
        }
        outcomes
    }

    /// The first of them tells why.
    fn fail_all(&self, records: &[ConsumerRecord], failure: Failure) -> Vec<Result<(), Undone>> {
        let failed = self.fail(failure, records[0].clone());
        vec![failed; records.len()]
    }
}

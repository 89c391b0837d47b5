//! A request that a fault has hit: the steps of the fault, one after the other.

use std::any::Any;

use bytes::Bytes;
use kafka_client_protocol::ErrorCode;

use super::{Api, Call, Outcome, Target, Then, answered, authorize_and_answer, unanswered};
use crate::faults::{Hit, Step};

/// Runs the steps. `encode` makes the bytes of the answer, or says that it cannot.
pub(super) async fn apply<R: Api>(
    call: &Call<'_>,
    request: R,
    hit: Hit,
    encode: impl Fn(&R::Response) -> Option<Vec<Bytes>>,
) -> Outcome {
    let wants_answer = request.wants_answer();
    let parts = hit.steps().iter().filter_map(|step| match step {
        Step::ErrorFor {
            topic,
            partition,
            error,
        } => Some((Target::new(call, topic, *partition), *error)),
        _ => None,
    });
    let mut parts = parts.collect::<Vec<_>>().into_iter();
    let mut work = Work {
        call,
        request,
        refused: Vec::new(),
        answer: None,
    };
    let mut corrupt = Vec::new();
    let mut cut = None;
    let mut end = None;
    for step in hit.steps() {
        match step {
            Step::Delay(time) => crate::env::sleep(*time).await,
            Step::Hold => hit.released().await,
            Step::Apply => {
                work.answer().await;
            }
            Step::Error(error) => work.refuse(*error),
            Step::ErrorFor { .. } => {
                if let Some((target, error)) = parts.next() {
                    work.refuse_part(&target, error);
                }
            }
            Step::Edit(edit) => edit.apply(work.answer().await as &mut dyn Any),
            Step::Throttle(time) => {
                let ms = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
                R::throttle(work.answer().await, ms);
            }
            Step::Corrupt(position) => {
                work.answer().await;
                corrupt.push(*position);
            }
            Step::Truncate(bytes) => {
                cut = Some(*bytes);
                end = Some(Then::Close);
            }
            Step::Close => end = Some(Then::Close),
            Step::Reset => end = Some(Then::Reset),
            Step::Silence if hit.is_released() => {}
            Step::Silence => end = Some(Then::Silence(hit.clone())),
        }
    }
    // The end of the connection comes instead of the answer, unless a part of it is let through.
    let end = match end {
        Some(end) if cut.is_none() => return end.into(),
        end => end,
    };
    let answer = work.answer().await;
    let mut outcome = if !wants_answer {
        unanswered::<R>(answer)
    } else if let Some(segments) = encode(answer) {
        answered(damage(segments, &corrupt, cut))
    } else {
        Outcome::close()
    };
    if let Some(end) = end {
        outcome.then = end;
    }
    outcome
}

/// How far the request has come.
struct Work<'a, R: Api> {
    call: &'a Call<'a>,
    /// What is to be applied, or has been.
    request: R,
    /// The refusals of what was taken out of it before.
    refused: Vec<R::Response>,
    answer: Option<R::Response>,
}

impl<R: Api> Work<'_, R> {
    /// The answer; applies the request if that was not done yet.
    async fn answer(&mut self) -> &mut R::Response {
        let answer = match self.answer.take() {
            Some(answer) => answer,
            None => {
                let mut answer = authorize_and_answer(self.request.clone(), self.call).await;
                for refused in self.refused.drain(..) {
                    R::put(&mut answer, refused);
                }
                answer
            }
        };
        self.answer.insert(answer)
    }

    fn refuse(&mut self, error: ErrorCode) {
        self.answer = Some(self.request.refuse(error));
    }

    fn refuse_part(&mut self, target: &Target<'_>, error: ErrorCode) {
        match &mut self.answer {
            None => {
                let taken = self.request.take(target);
                let refused = taken.map(|taken| taken.refuse_taken(target, error));
                self.refused.extend(refused);
            }
            // Applied already: only the answer says otherwise.
            Some(answer) => {
                if let Some(taken) = self.request.clone().take(target) {
                    R::put(answer, taken.refuse_taken(target, error));
                }
            }
        }
    }
}

fn damage(segments: Vec<Bytes>, corrupt: &[usize], cut: Option<usize>) -> Vec<Bytes> {
    if corrupt.is_empty() && cut.is_none() {
        return segments;
    }
    let mut whole = segments.concat();
    let last = whole.len() - 1;
    for position in corrupt {
        whole[(*position).min(last)] ^= 0xff;
    }
    whole.truncate(cut.unwrap_or(usize::MAX));
    vec![whole.into()]
}

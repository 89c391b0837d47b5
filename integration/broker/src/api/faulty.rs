//! A request that a fault has hit: the steps of the fault, one after the other.

use std::any::Any;

use bytes::Bytes;
use kafka_client_protocol::{ErrorCode, Uuid};

use super::{
    Api, Call, Outcome, Target, Then, UNKNOWN_TAG, answered, authorize_and_answer, unanswered,
};
use crate::faults::{Answered, Hit, Step};

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
    let mut damage = Damage::default();
    let mut bandwidth = None;
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
            Step::Record(name) => {
                let answer = work.answer().await.clone();
                call.node.faults.record(name, answer);
            }
            Step::Replay(name) => {
                let kept = call.node.faults.recorded::<R::Response>(name);
                work.answer = kept.map(|kept| (*kept).clone()).or(work.answer);
            }
            Step::Edit(edit) => {
                let answer = work.answer().await as &mut dyn Any;
                let to = Answered {
                    version: call.version,
                    topic_id: &|topic| {
                        let known = call.node.topics.named(topic);
                        known.map_or(Uuid::ZERO, |known| known.id)
                    },
                };
                edit.apply(answer, &to);
            }
            Step::UnknownTags => {
                let answer = work.answer().await;
                if R::API_KEY.flexible_request_header(call.version) {
                    R::add_unknown_tag(answer);
                }
                damage.has_tags = R::API_KEY.flexible_response_header(call.version);
            }
            Step::Throttle(time) => {
                let ms = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
                R::throttle(work.answer().await, ms);
            }
            Step::Corrupt(position) => {
                work.answer().await;
                damage.corrupt.push(*position);
            }
            Step::Duplicate => damage.is_twice = true,
            Step::Bandwidth(bytes) => bandwidth = Some(*bytes),
            Step::Truncate(bytes) => {
                damage.cut = Some(*bytes);
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
        Some(end) if damage.cut.is_none() => return end.into(),
        end => end,
    };
    let answer = work.answer().await;
    let mut outcome = if !wants_answer {
        unanswered::<R>(answer)
    } else if let Some(segments) = encode(answer) {
        answered(damage.done_to(segments))
    } else {
        Outcome::close()
    };
    if let Some(end) = end {
        outcome.then = end;
    }
    outcome.bandwidth = bandwidth;
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

/// What is done to the bytes of an answer.
#[derive(Default)]
struct Damage {
    /// The header gets a tagged field.
    has_tags: bool,
    corrupt: Vec<usize>,
    is_twice: bool,
    cut: Option<usize>,
}

impl Damage {
    fn done_to(&self, segments: Vec<Bytes>) -> Vec<Bytes> {
        if !self.has_tags && self.corrupt.is_empty() && !self.is_twice && self.cut.is_none() {
            return segments;
        }
        let mut whole = segments.concat();
        if self.has_tags {
            add_header_tag(&mut whole);
        }
        let last = whole.len() - 1;
        for position in &self.corrupt {
            whole[(*position).min(last)] ^= 0xff;
        }
        if self.is_twice {
            whole = whole.repeat(2);
        }
        whole.truncate(self.cut.unwrap_or(usize::MAX));
        vec![whole.into()]
    }
}

/// Puts a field that nobody knows behind the correlation id, where the header has had none.
fn add_header_tag(frame: &mut Vec<u8>) {
    const LENGTH: usize = 4;
    const TAGS: usize = LENGTH + 4;
    let field = [UNKNOWN_TAG as u8, 1, 0];
    // The number of fields is there already.
    frame[TAGS] = 1;
    frame.splice(TAGS + 1..TAGS + 1, field);
    let length = u32::try_from(frame.len() - LENGTH).unwrap_or(u32::MAX);
    frame[..LENGTH].copy_from_slice(&length.to_be_bytes());
}

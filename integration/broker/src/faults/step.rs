//! What happens to a request, step by step.

use std::num::NonZeroU32;
use std::time::Duration;

use kafka_client_protocol::{ApiKey, ErrorCode};

use super::edit::Edit;
use super::when::{Seen, When};
use crate::api::{self, Named, NamedGroups};

/// One thing that happens to a request. Steps happen in their order.
///
/// | step | what happens | is the request applied? |
/// |---|---|---|
/// | `Delay`, `Hold` | waits | as the other steps say |
/// | `Bandwidth` | the connection becomes slow | as the other steps say |
/// | `Apply` | the request is applied | yes, here |
/// | `Record` | the answer is kept for `Replay` | yes, here at the latest |
/// | `Error`, `Replay` | all of the request is refused, or answered with a kept answer | no, unless `Apply` came before |
/// | [`error_for`](Self::error_for) | one partition or topic is refused | the rest is; that part only if `Apply` came before |
/// | [`edit`](Self::edit), [`leader`](Self::leader), [`leader_hint`](Self::leader_hint), [`leader_endpoint`](Self::leader_endpoint), [`no_partitions`](Self::no_partitions), `Throttle`, `UnknownTags`, `Corrupt` | the answer is changed | yes, here at the latest, unless `Error` came before |
/// | `Duplicate` | the answer is sent twice | the same |
/// | `Truncate` | a part of the answer is sent, then the connection ends | the same |
/// | `Close`, `Reset`, `Silence` | nothing is sent any more | no, unless `Apply` came before |
/// | the end of the list | the answer is sent | yes, here at the latest, unless `Error` came before |
///
/// So an empty list only counts requests, `[Apply, Close]` is the lost answer, `[Close]` the lost
/// request, and `[Apply, Error(code)]` an error that is told although everything was done.
///
/// These lists are refused by [`When::then`], with a panic that tells why:
/// - `Apply` twice, after `Error`, or after a step that needs an answer and so has applied the
///   request;
/// - `Error` or `Replay` twice or beside `error_for`, and any of them after a step that needs the
///   answer;
/// - anything after `Close`, `Reset` or `Silence`, and anything but one of these after `Truncate`;
/// - an answer that is made and never sent: `[Error(code), Close]`;
/// - `error_for` for an API whose requests do not name so much, `edit` of another API's answer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Step {
    /// Waits. The connection is held back meanwhile, later requests too.
    Delay(Duration),
    /// Waits until the handle releases it. The connection is held back meanwhile, later requests
    /// too.
    Hold,
    /// Applies the request.
    Apply,
    /// Answers with an error, for all that the request names.
    Error(ErrorCode),
    /// Answers with an error for a part of the request: see [`Step::error_for`].
    ErrorFor {
        /// The topic's name.
        topic: String,
        /// The partition, or `None` for all that the request names of the topic.
        partition: Option<i32>,
        /// The error.
        error: ErrorCode,
    },
    /// Keeps the answer as it is here under a name, in place of one that was kept under it.
    Record(String),
    /// Answers with the answer of the same API that was kept under this name, such as metadata of
    /// before a change. Without one, the request is applied as usual.
    Replay(String),
    /// Changes the answer: see [`Step::edit`].
    Edit(Edit),
    /// Adds a tagged field that no client knows to the answer and to its header, as a later version
    /// of Kafka may. Versions without tagged fields are answered as usual.
    UnknownTags,
    /// Sets `throttle_time_ms` of the answer, in whole milliseconds, as a quota does. Versions
    /// without that field are answered as usual. The answer is sent at once, and the connection is
    /// read from as before.
    Throttle(Duration),
    /// Inverts the byte at this position of the answer (length prefix included; a position past the
    /// end means the last byte).
    Corrupt(usize),
    /// Sends the answer twice, with the same correlation id.
    Duplicate,
    /// Lets the connection carry only so many bytes of answers a second, from this answer on.
    Bandwidth(NonZeroU32),
    /// Sends only so many bytes of the answer (length prefix included), and then does what the next
    /// step says, or `Close`.
    Truncate(usize),
    /// Ends the connection in order: answers sent before still arrive.
    Close,
    /// Ends the connection at once: over TCP with a reset, which may overtake answers sent before;
    /// in memory, where there is none, by dropping it.
    Reset,
    /// Leaves the connection open and dead: this request and all later ones of the connection are
    /// read and dropped, neither applied nor answered, until the client closes it. When the fault
    /// is released or removed, the broker closes it, for nobody can answer any more what was
    /// dropped. Of a fault that was released before, the step does nothing.
    ///
    /// `when_any().always().then([Step::Silence])` silences the broker: connections that are there
    /// with their next request, new ones with their first. A request already in work is still
    /// answered.
    Silence,
}

impl Step {
    /// Answers with an error for one partition of a topic, or with `None` for all of the topic that
    /// the request names. Before `Apply`, or without it, that part is not applied and the rest is;
    /// after `Apply`, all is applied and that part is told the error.
    ///
    /// A fault with this step hits only requests that name the part. Metadata names topics only, and
    /// is hit by a partition of them: its answer then has the partition without a leader. A request
    /// for all topics names none.
    pub fn error_for(
        topic: impl Into<String>,
        partition: impl Into<Option<i32>>,
        error: ErrorCode,
    ) -> Self {
        Self::ErrorFor {
            topic: topic.into(),
            partition: partition.into(),
            error,
        }
    }
}

/// Whether a request is one that the steps have to do with.
pub(super) fn concern(steps: &[Step], seen: &Seen<'_>) -> bool {
    let mut parts = steps.iter().filter_map(|step| match step {
        Step::ErrorFor {
            topic, partition, ..
        } => Some((topic, *partition)),
        _ => None,
    });
    let named = |(topic, partition): (&String, Option<i32>)| {
        (seen.names)(Some(topic), &|number| {
            // A topic named without partitions stands for all of them.
            partition.is_none() || number.is_none() || number == partition
        })
    };
    match parts.next() {
        None => true,
        Some(first) => named(first) || parts.any(named),
    }
}

/// How far a list of steps has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Before,
    Applied,
    Refused,
    /// The answer is there and has been changed.
    Changed,
    Truncated,
    Ended,
}

/// Refuses requests that there are none of, and steps that contradict each other or have no effect.
pub(super) fn check(when: &When, steps: &[Step]) -> Result<(), String> {
    check_api(when, steps)?;
    let mut phase = Phase::Before;
    // The step whose answer is still to be sent, and whether a part was refused.
    let mut unsent: Option<&Step> = None;
    let mut part_refused = false;
    for step in steps {
        use Phase::{Applied, Before, Changed, Ended, Refused, Truncated};
        let refuse = |reason: &str| Err(format!("{step:?} {reason}"));
        if matches!(step, Step::Throttle(time) if i32::try_from(time.as_millis()).is_err()) {
            return refuse("does not fit into throttle_time_ms");
        }
        phase = match (step, phase) {
            (_, Ended) => return refuse("comes after the end of the connection"),
            (Step::Close | Step::Reset | Step::Silence, Truncated) => Ended,
            (_, Truncated) => return refuse("comes after Truncate, the end of the answer"),
            (Step::Close | Step::Reset | Step::Silence, _) => {
                if let Some(unsent) = unsent {
                    return refuse(&format!("ends the connection, so {unsent:?} is never seen"));
                }
                Ended
            }
            (Step::Delay(_) | Step::Hold | Step::Bandwidth(_), phase) => phase,
            (Step::Apply, Before) => {
                // What was refused before it is kept from happening, answer or not.
                unsent = None;
                Applied
            }
            (Step::Apply, Applied) => return refuse("comes twice"),
            (Step::Apply, Refused) => {
                return refuse("comes after Error or Replay, which takes its place");
            }
            (Step::Apply, Changed) => {
                return refuse("comes after a step that changes the answer, and so has applied it");
            }
            (Step::Error(_) | Step::Replay(_), Before | Applied) if part_refused => {
                return refuse("answers all, and error_for a part of it: take one of them");
            }
            (Step::ErrorFor { .. }, Refused) => {
                return refuse("refuses a part, and Error or Replay answers all: take one of them");
            }
            (Step::Error(_) | Step::Replay(_), Before | Applied) => {
                unsent = Some(step);
                Refused
            }
            (Step::ErrorFor { .. }, Before | Applied) => {
                unsent = Some(step);
                part_refused = true;
                phase
            }
            (Step::Error(_) | Step::Replay(_), Refused) => {
                return refuse("comes after another Error or Replay");
            }
            (Step::Error(_) | Step::Replay(_) | Step::ErrorFor { .. }, Changed) => {
                return refuse("comes after a step that changes the answer: put it before");
            }
            (Step::Record(_), Before | Applied) => Changed,
            (Step::Record(_), phase) => phase,
            (
                Step::Edit(_)
                | Step::Throttle(_)
                | Step::UnknownTags
                | Step::Corrupt(_)
                | Step::Duplicate,
                _,
            ) => {
                unsent = Some(step);
                Changed
            }
            (Step::Truncate(_), _) => Truncated,
        };
    }
    Ok(())
}

/// Refuses what no request or answer of the API has.
fn check_api(when: &When, steps: &[Step]) -> Result<(), String> {
    let Some(api) = when.api else {
        let typed = steps.iter().any(|step| matches!(step, Step::Edit(_)));
        return if typed || !when.matching.is_empty() {
            Err("matching and edit are for one API: begin with when(api)".to_owned())
        } else {
            Ok(())
        };
    };
    // `when` takes no others.
    let Some(served) = api::served(api) else {
        return Ok(());
    };
    let (request, response) = ((served.request)(), (served.response)());
    if let Some(other) = when.matching.iter().find(|one| one.kind != request) {
        let (name, other) = (request.name, other.kind.name);
        return Err(format!("{api} has a {name}, never a {other}"));
    }
    let names = served.names;
    if when.partition.is_some() && names != Named::Partitions {
        return Err(format!("{api} requests name no partitions"));
    }
    if when.topic.is_some() && names == Named::Nothing {
        return Err(format!("{api} requests name no topics"));
    }
    if when.member.is_some() && served.names_groups != NamedGroups::Members {
        return Err(format!("{api} requests name no members"));
    }
    if when.group.is_some() && served.names_groups == NamedGroups::Nothing {
        return Err(format!("{api} requests name no groups"));
    }
    for step in steps {
        match step {
            Step::ErrorFor { .. } if names == Named::Nothing => {
                return Err(format!(
                    "{api} requests name no topics, so {step:?} means nothing"
                ));
            }
            Step::ErrorFor {
                partition: Some(_), ..
            } if names == Named::Topics => {
                let hint = "the partition must be None";
                return Err(format!(
                    "{api} is answered for whole topics: {hint} in {step:?}"
                ));
            }
            Step::Throttle(_)
                if [ApiKey::SASL_HANDSHAKE, ApiKey::SASL_AUTHENTICATE].contains(&api) =>
            {
                return Err(format!("{api} answers cannot say {step:?}"));
            }
            Step::Edit(edit) if !edit.kinds.contains(&response) => {
                let name = response.name;
                return Err(format!("{api} is answered by a {name}, never by {edit:?}"));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use kafka_client_protocol::api::fetch::FetchResponse;
    use kafka_client_protocol::api::produce::ProduceResponse;

    use super::super::when::{Fault, when, when_any};
    use super::*;

    /// The text that making a fault panics with.
    pub(in super::super) fn panic_of(make: impl FnOnce() -> Fault) -> String {
        let panic = catch_unwind(AssertUnwindSafe(make)).expect_err("it is refused");
        *panic.downcast::<String>().expect("a text")
    }

    fn error() -> Step {
        Step::Error(ErrorCode::NOT_ENOUGH_REPLICAS)
    }

    fn part() -> Step {
        Step::error_for("t", 1, ErrorCode::NOT_ENOUGH_REPLICAS)
    }

    fn edit() -> Step {
        Step::edit(|_: &mut ProduceResponse| {})
    }

    #[test]
    fn lists_that_make_sense_are_taken() {
        let delay = || Step::Delay(Duration::from_secs(1));
        let lists: [&[Step]; 20] = [
            &[],
            &[delay(), Step::Hold, Step::Apply, delay(), Step::Hold],
            &[Step::Apply, Step::Close],
            &[Step::Apply, Step::Reset],
            &[Step::Apply, Step::Silence],
            &[Step::Apply, error()],
            &[error(), edit(), Step::Corrupt(3)],
            &[part(), part()],
            &[part(), Step::Apply, Step::Close],
            &[Step::Apply, part(), delay(), Step::Truncate(9)],
            &[part(), Step::Apply, part()],
            &[edit(), Step::Throttle(Duration::from_secs(1)), delay()],
            &[Step::Corrupt(1), Step::Corrupt(2), Step::Truncate(7)],
            &[Step::Truncate(7), Step::Silence],
            &[error(), Step::Truncate(7), Step::Reset],
            &[Step::Hold, Step::Silence],
            &[Step::Record("a".into()), Step::Close],
            &[error(), Step::Record("a".into())],
            &[Step::Apply, Step::Replay("a".into()), edit()],
            &[
                Step::Bandwidth(NonZeroU32::MIN),
                Step::Duplicate,
                Step::Truncate(9),
            ],
        ];
        for steps in lists {
            let _ = when(ApiKey::PRODUCE).then(steps.iter().cloned());
        }
    }

    #[test]
    fn lists_that_contradict_themselves_are_refused() {
        let lists: [(&[Step], &str); 25] = [
            (&[Step::Apply, Step::Apply], "Apply comes twice"),
            (&[error(), Step::Apply], "takes its place"),
            (&[edit(), Step::Apply], "has applied it"),
            (&[Step::Corrupt(1), Step::Apply], "has applied it"),
            (&[error(), error()], "another Error"),
            (&[part(), error()], "take one of them"),
            (&[Step::Apply, part(), error()], "take one of them"),
            (&[error(), part()], "take one of them"),
            (&[edit(), error()], "put it before"),
            (&[edit(), part()], "put it before"),
            (&[Step::Close, Step::Apply], "after the end"),
            (&[Step::Reset, Step::Hold], "after the end"),
            (&[Step::Silence, Step::Close], "after the end"),
            (
                &[Step::Truncate(7), Step::Silence, Step::Close],
                "after the end",
            ),
            (&[Step::Truncate(7), Step::Corrupt(1)], "after Truncate"),
            (&[Step::Truncate(7), Step::Hold], "after Truncate"),
            (&[error(), Step::Close], "never seen"),
            (&[part(), Step::Reset], "never seen"),
            (&[Step::Apply, part(), Step::Close], "never seen"),
            (&[edit(), Step::Silence], "never seen"),
            (&[Step::Replay("a".into()), Step::Close], "never seen"),
            (&[Step::Replay("a".into()), Step::Apply], "takes its place"),
            (&[part(), Step::Replay("a".into())], "take one of them"),
            (&[Step::Duplicate, error()], "put it before"),
            (&[Step::Record("a".into()), Step::Apply], "has applied it"),
        ];
        for (steps, expected) in lists {
            let text = panic_of(|| when(ApiKey::PRODUCE).then(steps.to_vec()));
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn steps_that_the_api_has_no_part_for_are_refused() {
        let code = ErrorCode::UNKNOWN_SERVER_ERROR;
        let other = || Step::edit(|_: &mut FetchResponse| {});
        let long = Step::Throttle(Duration::MAX);
        for (when, step, expected) in [
            (when(ApiKey::HEARTBEAT), part(), "no topics"),
            (when(ApiKey::CREATE_TOPICS), part(), "None"),
            (when(ApiKey::PRODUCE), other(), "ProduceResponse"),
            (when_any(), other(), "when(api)"),
            (when(ApiKey::PRODUCE), long, "throttle_time_ms"),
            (
                when(ApiKey::SASL_HANDSHAKE),
                Step::Throttle(Duration::ZERO),
                "cannot say",
            ),
        ] {
            let text = panic_of(|| when.then([step]));
            assert!(text.contains(expected), "{text}");
        }
        let _ = when(ApiKey::CREATE_TOPICS).then([Step::error_for("t", None, code)]);
        let _ = when(ApiKey::METADATA).then([part()]);
        let _ = when_any().then([part()]);
    }
}

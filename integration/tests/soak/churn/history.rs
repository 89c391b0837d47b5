//! What members have told, judged: who owned what and when, what was handled, what was committed.
//!
//! # Who owns a partition
//! A member *claims* a partition from `assigned` to `revoked` or `lost`. That is its own view: one that
//! could not be heard cannot know that it is out. So a claim does not count, is *in doubt*, from the moment
//! at which the group may first have put its member out, until the member has heard of it:
//! - It was stopped or killed at T. Its last heartbeat was sent `heartbeat.interval.ms` before T at the
//!   earliest, so it is in its group at least until T + `session.timeout.ms` - `heartbeat.interval.ms`. A
//!   second less, for a machine that is busy.
//! - It was busy with its records from T on: a rebalance waits `max.poll.interval.ms` for it, and may have
//!   begun `heartbeat.interval.ms` before T without its having heard of it. Again a second less. Java's client
//!   sends no heartbeats from a join on until it is polled, so it is in its group as if it had been stopped.
//!
//! Doubt ends with `lost`, or five seconds after the member goes on, or after the broker is back if it was away
//! then: until then it has been told that it is out, or it is not. A static member that comes back takes over from its former life as
//! soon as it joins: it has nothing of what that one had, so the leader may give it to anybody.
//!
//! # The rules
//! 1. Claims that are not in doubt never overlap. So whoever is stopped or killed keeps its partitions for
//!    the time it is owed, and whoever gives one up has done so before the next one has it.
//! 2. Who was never out of touch loses nothing (`lost`), but for a coordinator that restarts: it knows the
//!    group as of the last completed rebalance. And Java's client says `lost` of what it has when it is closed
//!    in the middle of a rebalance, in which it does not commit.
//! 3. Within a claim, records come from one offset on, each once and in order. Nothing is handed out without
//!    a claim; what was handed out before `lost` may be handled after.
//! 4. What was committed before a claim began is not handled in it again. A partition that was `revoked` was
//!    committed before, so it is handed over without a double; doubles come of deaths and doubt alone.
//! 5. What a member commits is what it has handled. Once another's claim has begun that is not in doubt, a
//!    commit that a former owner sends is refused, whatever it believes: a member that wakes may handle what
//!    it had, which makes doubles, but the new owner's offsets stay. One of what it has stored itself before
//!    is no commit: our client answers that without asking.
//! 6. A member that lives goes on with what it keeps: from the moment at which a record is in the log and
//!    the one before is handled, it is handed out within a limit that is shorter than a rebalance that waits
//!    for the dead. What is not its fault does not count: it was stopped, its records took long, it was in
//!    doubt, it was told to leave, the broker was away. When a broker comes back its leaders have new epochs, and
//!    Java's client checks its positions against them only when no rebalance is under way (its
//!    `updateFetchPositions`): how long it waits then is not judged.

use std::collections::BTreeMap;
use std::time::Duration;

use integration::member::Settings;
use serde_json::Value;

use super::hosts::Kind;

const SECOND: u64 = 1_000_000;

/// What a busy machine may take, when times are compared.
const MARGIN: u64 = SECOND;

/// By then, a member that goes on has heard from its coordinator.
const GRACE: u64 = 5 * SECOND;

/// What a member has told. All times are microseconds of the monotonic clock.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) at: u64,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Assigned(Vec<i32>),
    Revoked(Vec<i32>),
    Lost(Vec<i32>),
    Busy(u64),
    Handled {
        from: u64,
        ranges: Vec<(i32, i64, i64)>,
    },
    Committed {
        from: u64,
        offsets: Vec<(i32, i64)>,
        error: Option<String>,
    },
    Leaving,
    Failed,
    Left,
}

impl Event {
    pub(super) fn parse(value: &Value) -> Self {
        let partitions = || {
            let partitions = value["partitions"].as_array().unwrap().iter();
            partitions.map(|partition| int(partition) as i32).collect()
        };
        let array = |name: &str| value[name].as_array().unwrap().iter();
        let from = || int(&value["from"]) as u64;
        let what = match value["event"].as_str().unwrap() {
            "assigned" => What::Assigned(partitions()),
            "revoked" => What::Revoked(partitions()),
            "lost" => What::Lost(partitions()),
            "busy" => What::Busy(int(&value["ms"]) as u64 * 1_000),
            "handled" => What::Handled {
                from: from(),
                ranges: array("ranges")
                    .map(|range| (int(&range[0]) as i32, int(&range[1]), int(&range[2])))
                    .collect(),
            },
            "committed" => What::Committed {
                from: from(),
                offsets: array("offsets")
                    .map(|one| (int(&one[0]) as i32, int(&one[1])))
                    .collect(),
                error: value["error"].as_str().map(str::to_owned),
            },
            "leaving" => What::Leaving,
            "failed" => What::Failed,
            "left" => What::Left,
            other => panic!("no event: {other}"),
        };
        Self {
            at: int(&value["at"]) as u64,
            what,
        }
    }
}

fn int(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

/// A time in which a member's process did nothing: stopped, or killed for good.
#[derive(Debug, Clone, Copy)]
pub(super) struct Silence {
    pub(super) from: u64,
    pub(super) until: Option<u64>,
}

/// A member, from its start to its end.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// What was processed is committed before a partition is given up, without the member's telling.
    pub(super) auto_commit: bool,
    pub(super) instance: Option<String>,
    /// When it was told to join.
    pub(super) from: u64,
    pub(super) silences: Vec<Silence>,
    pub(super) events: Vec<Event>,
}

/// From, until.
type Span = (u64, u64);

impl Life {
    /// When it may be out of its group without knowing.
    fn doubts(&self, settings: &Settings, outages: &[Span]) -> Vec<Span> {
        let owed = |limit: Duration| {
            let owed = limit - settings.heartbeat_interval;
            owed.as_micros() as u64 - MARGIN
        };
        let session = owed(settings.session_timeout);
        let poll = match self.kind {
            Kind::Java => session,
            _ => owed(settings.max_poll_interval),
        };
        let silences = self.silences.iter().map(|silence| {
            let until = silence.until.unwrap_or(u64::MAX);
            (silence.from + session, until)
        });
        let busy = self.busy().map(|(from, until)| (from + poll, until));
        let long = silences.chain(busy).filter(|(from, until)| from < until);
        let told = |(from, until): Span| {
            let lost = self.events.iter().find_map(|event| {
                let is_lost = matches!(event.what, What::Lost(_)) && event.at >= from;
                is_lost.then_some(event.at)
            });
            let mut at_last = until.saturating_add(GRACE);
            for (gone, back) in outages {
                // Nobody tells it anything then.
                if *gone <= at_last && until <= *back {
                    at_last = at_last.max(back + GRACE);
                }
            }
            (from, lost.unwrap_or(at_last).min(at_last))
        };
        long.map(told).collect()
    }

    /// When its records took long.
    fn busy(&self) -> impl Iterator<Item = Span> {
        self.events.iter().filter_map(|event| match event.what {
            What::Busy(time) => Some((event.at, event.at + time)),
            _ => None,
        })
    }

    /// When it was told to leave.
    fn leaving(&self) -> Option<u64> {
        let mut events = self.events.iter();
        let leaving = events.rfind(|event| matches!(event.what, What::Leaving));
        leaving.map(|event| event.at)
    }

    /// It is closed. Outcomes of its commits may be told after.
    pub(super) fn left(&self) -> bool {
        let mut events = self.events.iter().rev();
        events.any(|event| matches!(event.what, What::Left))
    }

    /// When it was killed.
    fn killed(&self) -> Option<u64> {
        let last = self.silences.last();
        last.filter(|silence| silence.until.is_none())
            .map(|silence| silence.from)
    }
}

/// How a claim ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Revoked,
    Lost,
    /// Its member was killed.
    Open,
}

/// Handed out, handled, first and last offset.
type Handled = (u64, u64, i64, i64);

/// A member's view of a partition.
#[derive(Debug)]
struct Claim {
    life: usize,
    partition: i32,
    begin: u64,
    end: u64,
    how: End,
    handled: Vec<Handled>,
    /// Sent, answered, offset, accepted.
    commits: Vec<(u64, u64, i64, bool)>,
}

impl Claim {
    fn position_at(&self, time: u64) -> Option<i64> {
        let before = self.handled.iter().filter(|(_, at, ..)| *at <= time);
        before.map(|(_, _, _, last)| last + 1).next_back()
    }
}

/// What is to be judged.
#[derive(Debug)]
pub(super) struct History<'a> {
    pub(super) settings: &'a Settings,
    pub(super) lives: &'a [Life],
    /// When each record was in the log at last, by partition and offset.
    pub(super) appended: &'a [Vec<u64>],
    /// When the broker was away.
    pub(super) outages: &'a [Span],
    /// The longest that a partition which is kept may stand still.
    pub(super) standstill: Duration,
}

/// Figures, and what was broken.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) faults: Vec<String>,
    pub(super) claims: usize,
    pub(super) lost: usize,
    pub(super) refused_commits: usize,
    /// By kind: the longest that a record waited for a member that kept its partition.
    pub(super) gaps: BTreeMap<Kind, Gap>,
    /// By kind: the longest from the begin of a claim to its first record.
    pub(super) starts: BTreeMap<Kind, Gap>,
}

/// A wait, and where.
#[derive(Debug, Clone, Default)]
pub(super) struct Gap {
    pub(super) time: Duration,
    pub(super) place: String,
}

impl History<'_> {
    pub(super) fn judge(&self) -> Verdict {
        let mut verdict = Verdict::default();
        let claims = self.claims(&mut verdict);
        verdict.claims = claims.len();
        for partition in 0..self.appended.len() as i32 {
            let mut of_it: Vec<_> = claims
                .iter()
                .filter(|at| at.partition == partition)
                .collect();
            of_it.sort_by_key(|claim| claim.begin);
            self.one_owner(&of_it, &mut verdict);
            self.committed_once(&of_it, &mut verdict);
            for claim in of_it {
                self.in_order(claim, &mut verdict);
                self.goes_on(claim, &mut verdict);
            }
        }
        verdict
    }

    /// Where something happened, for people.
    fn place(&self, claim: &Claim, time: u64) -> String {
        let begin = self.lives.iter().flat_map(|life| life.events.first());
        let begin = begin.map(|event| event.at).min().unwrap_or(0);
        let seconds = time.saturating_sub(begin) as f64 / SECOND as f64;
        let (name, partition) = (&self.lives[claim.life].name, claim.partition);
        format!("{name} with {partition} at {seconds:.3} s")
    }

    /// All claims; breaches of rules 2 and 3 that show on the way.
    fn claims(&self, verdict: &mut Verdict) -> Vec<Claim> {
        let mut all = Vec::new();
        for (number, life) in self.lives.iter().enumerate() {
            self.claims_of(number, life, &mut all, verdict);
        }
        all
    }

    fn claims_of(&self, number: usize, life: &Life, all: &mut Vec<Claim>, verdict: &mut Verdict) {
        let first = all.len();
        let name = &life.name;
        // The last claim of a partition that had begun.
        let find = |all: &[Claim], partition: i32, time: u64| {
            let mut since = all[first..].iter();
            let found = since.rposition(|claim| {
                claim.partition == partition && claim.begin <= time && time <= claim.end
            });
            found.map(|place| place + first)
        };
        for event in &life.events {
            match &event.what {
                What::Assigned(partitions) => {
                    for partition in partitions {
                        if find(all, *partition, event.at).is_some() {
                            verdict
                                .faults
                                .push(format!("{name} gets {partition} twice"));
                        }
                        all.push(Claim {
                            life: number,
                            partition: *partition,
                            begin: event.at,
                            end: u64::MAX,
                            how: End::Open,
                            handled: Vec::new(),
                            commits: Vec::new(),
                        });
                    }
                }
                What::Revoked(partitions) | What::Lost(partitions) => {
                    let is_lost = matches!(event.what, What::Lost(_));
                    verdict.lost += usize::from(is_lost);
                    for partition in partitions {
                        let Some(place) = find(all, *partition, event.at) else {
                            let fault = format!("{name} gives up {partition}, which it has not");
                            verdict.faults.push(fault);
                            continue;
                        };
                        all[place].end = event.at;
                        all[place].how = if is_lost { End::Lost } else { End::Revoked };
                        if is_lost && !self.may_lose(life, event.at) {
                            let place = self.place(&all[place], event.at);
                            verdict
                                .faults
                                .push(format!("lost without a cause: {place}"));
                        }
                    }
                }
                What::Handled { from, ranges } => {
                    for (partition, start, last) in ranges {
                        match find(all, *partition, *from) {
                            Some(place) => {
                                let handled = (*from, event.at, *start, *last);
                                all[place].handled.push(handled);
                            }
                            None => verdict.faults.push(format!(
                                "{name} handles {partition} from {start} on, which it has not"
                            )),
                        }
                    }
                }
                What::Committed {
                    from,
                    offsets,
                    error,
                } => {
                    verdict.refused_commits += usize::from(error.is_some());
                    for (partition, offset) in offsets {
                        let ok = error.is_none();
                        match find(all, *partition, *from) {
                            Some(place) => {
                                all[place].commits.push((*from, event.at, *offset, ok));
                            }
                            None if ok => verdict
                                .faults
                                .push(format!("{name} commits {partition}, which it has not")),
                            None => {}
                        }
                    }
                }
                What::Busy(_) | What::Leaving | What::Failed | What::Left => {}
            }
        }
        let is_open = |claim: &Claim| claim.how == End::Open;
        if life.left() && all[first..].iter().any(is_open) {
            verdict
                .faults
                .push(format!("{name} has left and not given everything up"));
        }
        if !life.left() && life.killed().is_none() {
            verdict.faults.push(format!("{name} has not ended"));
        }
    }

    /// It was in doubt, or the coordinator has restarted, or Java's client closes.
    fn may_lose(&self, life: &Life, time: u64) -> bool {
        let doubts = life.doubts(self.settings, self.outages);
        let session = self.settings.session_timeout.as_micros() as u64;
        let closes = life.kind == Kind::Java && life.leaving().is_some_and(|at| at <= time);
        let mut outages = self.outages.iter();
        closes
            || doubts
                .iter()
                .any(|(from, until)| (from..=until).contains(&&time))
            || outages.any(|(from, until)| (*from..=until + session).contains(&time))
    }

    /// When the claim counts: not in doubt, and not in the hands of the static member's next life.
    fn certain(&self, claim: &Claim) -> Vec<Span> {
        let life = &self.lives[claim.life];
        let later = self.lives[claim.life + 1..].iter();
        let mut heirs =
            later.filter(|heir| life.instance.is_some() && heir.instance == life.instance);
        let heir = heirs.next().map(|heir| heir.from);
        let end = claim.end.min(heir.unwrap_or(u64::MAX));
        without(
            (claim.begin, end),
            &life.doubts(self.settings, self.outages),
        )
    }

    fn related(&self, one: usize, other: usize) -> bool {
        let (one_life, other_life) = (&self.lives[one], &self.lives[other]);
        one == other || one_life.instance.is_some() && one_life.instance == other_life.instance
    }

    /// Rule 1, and rule 5 for others' commits.
    fn one_owner(&self, claims: &[&Claim], verdict: &mut Verdict) {
        let mut spans: Vec<(Span, &Claim)> = Vec::new();
        for claim in claims {
            let certain = self.certain(claim).into_iter();
            spans.extend(certain.map(|span| (span, *claim)));
        }
        spans.sort_by_key(|(span, _)| *span);
        let mut latest: Option<(Span, &Claim)> = None;
        for (span, claim) in &spans {
            if let Some((before, owner)) = latest
                && span.0 < before.1
                && !self.related(claim.life, owner.life)
            {
                let (place, other) = (self.place(claim, span.0), self.place(owner, before.0));
                let over = Duration::from_micros(before.1.min(span.1) - span.0);
                verdict
                    .faults
                    .push(format!("two owners for {over:?}: {place}, and {other}"));
            }
            if latest.is_none_or(|(before, _)| before.1 < span.1) {
                latest = Some((*span, claim));
            }
        }
        for claim in claims {
            let accepted = claim.commits.iter().filter(|(.., ok)| *ok);
            let mut stored = None;
            for (from, _, offset, _) in accepted {
                if stored.replace(*offset) == Some(*offset) {
                    // Our client knows that it is stored, and sends nothing.
                    continue;
                }
                let another = spans.iter().find(|(span, other)| {
                    let since = claim.begin < span.0 && span.0 < *from;
                    since && !self.related(claim.life, other.life)
                });
                if let Some((span, other)) = another {
                    let (place, other) = (self.place(claim, *from), self.place(other, span.0));
                    verdict.faults.push(format!(
                        "a commit of {offset} is accepted of {place}, owned by {other}"
                    ));
                }
            }
        }
    }

    /// Rule 4.
    fn committed_once(&self, claims: &[&Claim], verdict: &mut Verdict) {
        let mut stored: Vec<(u64, i64)> = Vec::new();
        for claim in claims {
            let accepted = claim.commits.iter().filter(|(.., ok)| *ok);
            stored.extend(accepted.map(|(_, at, offset, _)| (*at, *offset)));
            let life = &self.lives[claim.life];
            let known = !self.may_lose(life, claim.end);
            if life.auto_commit && claim.how == End::Revoked && known {
                let position = claim.position_at(claim.end);
                stored.extend(position.map(|position| (claim.end, position)));
            }
        }
        for claim in claims {
            let Some((_, _, first, _)) = claim.handled.first() else {
                continue;
            };
            let before = stored.iter().filter(|(at, _)| *at < claim.begin);
            let before = before.map(|(_, offset)| *offset).max();
            if before.is_some_and(|before| *first < before) {
                let place = self.place(claim, claim.begin);
                verdict.faults.push(format!(
                    "{place} begins at {first}, though {before:?} was committed"
                ));
            }
        }
    }

    /// Rules 3 and 5 within a claim.
    fn in_order(&self, claim: &Claim, verdict: &mut Verdict) {
        for pair in claim.handled.windows(2) {
            let ((_, _, _, last), (from, _, first, _)) = (pair[0], pair[1]);
            if first != last + 1 {
                let place = self.place(claim, from);
                verdict
                    .faults
                    .push(format!("{first} comes after {last}: {place}"));
            }
        }
        for (from, _, offset, _) in &claim.commits {
            let position = claim.position_at(*from);
            if position != Some(*offset) {
                let place = self.place(claim, *from);
                verdict.faults.push(format!(
                    "{place} commits {offset}, but has handled {position:?}"
                ));
            }
        }
    }

    /// Rule 6.
    fn goes_on(&self, claim: &Claim, verdict: &mut Verdict) {
        let life = &self.lives[claim.life];
        let mut excused = life.doubts(self.settings, self.outages);
        excused.extend(life.busy());
        excused.extend(life.silences.iter().map(|silence| {
            let until = silence.until.unwrap_or(u64::MAX);
            (silence.from, until.saturating_add(MARGIN))
        }));
        excused.extend(
            self.outages
                .iter()
                .map(|(from, until)| (*from, until + GRACE)),
        );
        let appended = |offset: i64| {
            let of_it = self.appended[claim.partition as usize].get(offset as usize);
            // The outcome is told later than the record is read, now and then.
            of_it.copied().unwrap_or(0)
        };
        let waited = |since: u64, until: u64| {
            let spans = without((since, until), &excused);
            Duration::from_micros(spans.iter().map(|(from, until)| until - from).sum())
        };
        let kind = life.kind;
        let mut longest = Gap::default();
        let mut kept = |since: u64, until: u64, offset: i64| {
            let time = waited(since, until);
            if time > longest.time {
                let place = format!("{offset} by {}", self.place(claim, since));
                longest = Gap { time, place };
            }
        };
        let is_judged = |since: u64, until: u64| {
            let mut outages = self.outages.iter();
            kind != Kind::Java || !outages.any(|(from, back)| since < back + GRACE && *from < until)
        };
        for pair in claim.handled.windows(2) {
            let ((_, at, ..), (from, _, first, _)) = (pair[0], pair[1]);
            let since = at.max(appended(first));
            if is_judged(since, from) {
                kept(since, from, first);
            }
        }
        if let Some((from, _, first, _)) = claim.handled.first() {
            let time = waited(claim.begin.max(appended(*first)), *from);
            let start = verdict.starts.entry(kind).or_default();
            if time > start.time {
                let place = self.place(claim, claim.begin);
                *start = Gap { time, place };
            }
        }
        // What was there at the end of the claim, and not handed out.
        if let Some((_, at, _, last)) = claim.handled.last() {
            let stamp = appended(last + 1);
            let ends = [life.killed(), life.leaving()];
            let end = ends.into_iter().flatten().fold(claim.end, u64::min);
            let since = *at.max(&stamp);
            if stamp > 0 && since < end && end < u64::MAX && is_judged(since, end) {
                kept(since, end, last + 1);
            }
        }
        if longest.time > self.standstill {
            let Gap { time, place } = &longest;
            verdict.faults.push(format!(
                "{place} has waited for {time:?}, though it is kept"
            ));
        }
        let gap = verdict.gaps.entry(kind).or_default();
        if longest.time > gap.time {
            *gap = longest;
        }
    }
}

/// What is left of a span without others.
fn without(span: Span, others: &[Span]) -> Vec<Span> {
    let mut others = others.to_vec();
    others.sort_unstable();
    let (mut at, end) = span;
    let mut left = Vec::new();
    for (from, until) in others {
        if from > at && at < end {
            left.push((at, from.min(end)));
        }
        at = at.max(until);
    }
    if at < end {
        left.push((at, end));
    }
    left
}

/// What the rules allow, and that each of them notices when it is broken.
mod tests {
    use super::*;

    /// One partition of twenty records, one in a second, and members that are told of in seconds.
    struct Scene(Vec<Life>, Vec<Span>);

    fn us(seconds: f64) -> u64 {
        (seconds * SECOND as f64) as u64
    }

    impl Scene {
        fn new() -> Self {
            Self(Vec::new(), Vec::new())
        }

        fn life(mut self, name: &str) -> Self {
            self.0.push(Life {
                name: name.to_owned(),
                kind: Kind::OursApart,
                auto_commit: false,
                instance: None,
                from: 0,
                silences: Vec::new(),
                events: Vec::new(),
            });
            self
        }

        fn one_more(mut self, seconds: f64, what: What) -> Self {
            let at = us(seconds);
            self.0.last_mut().unwrap().events.push(Event { at, what });
            self
        }

        fn assigned(self, at: f64) -> Self {
            self.one_more(at, What::Assigned(vec![0]))
        }

        fn revoked(self, at: f64) -> Self {
            self.one_more(at, What::Revoked(vec![0]))
        }

        fn lost(self, at: f64) -> Self {
            self.one_more(at, What::Lost(vec![0]))
        }

        fn left(self, at: f64) -> Self {
            self.one_more(at, What::Left)
        }

        /// Each record when it is there.
        fn handled(mut self, first: i64, last: i64) -> Self {
            for offset in first..=last {
                self = self.handled_at(offset as f64 + 0.1, offset);
            }
            self
        }

        fn handled_at(self, at: f64, offset: i64) -> Self {
            let what = What::Handled {
                from: us(at),
                ranges: vec![(0, offset, offset)],
            };
            self.one_more(at, what)
        }

        fn committed(self, at: f64, offset: i64) -> Self {
            self.commits(at, offset, None)
        }

        fn refused(self, at: f64, offset: i64) -> Self {
            self.commits(at, offset, Some("another's".to_owned()))
        }

        fn commits(self, at: f64, offset: i64, error: Option<String>) -> Self {
            let what = What::Committed {
                from: us(at),
                offsets: vec![(0, offset)],
                error,
            };
            self.one_more(at, what)
        }

        fn silent(mut self, from: f64, until: Option<f64>) -> Self {
            let silence = Silence {
                from: us(from),
                until: until.map(us),
            };
            self.0.last_mut().unwrap().silences.push(silence);
            self
        }

        /// The broker is away.
        fn away(mut self, from: f64, until: f64) -> Self {
            self.1.push((us(from), us(until)));
            self
        }

        /// A static member that is told to join at this time.
        fn instance(mut self, from: f64) -> Self {
            let life = self.0.last_mut().unwrap();
            (life.instance, life.from) = (Some("one".to_owned()), us(from));
            self
        }

        fn faults(&self) -> Vec<String> {
            let settings = Settings {
                bootstrap: String::new(),
                topic: String::new(),
                group: String::new(),
                session_timeout: Duration::from_secs(6),
                heartbeat_interval: Duration::from_secs(1),
                max_poll_interval: Duration::from_secs(10),
            };
            let history = History {
                settings: &settings,
                lives: &self.0,
                appended: &[(0..20).map(|second| us(f64::from(second))).collect()],
                outages: &self.1,
                standstill: Duration::from_secs(3),
            };
            history.judge().faults
        }

        fn is_fine(&self) {
            assert_eq!(self.faults(), Vec::<String>::new());
        }

        fn breaks(&self, rule: &str) {
            let faults = self.faults();
            let found = faults.iter().any(|fault| fault.contains(rule));
            assert!(found, "{rule} is not among {faults:?}");
        }
    }

    /// One hands over to another at ten seconds.
    fn handed_over(begin: f64, first: i64) -> Scene {
        let one = Scene::new().life("one").assigned(0.0).handled(0, 9);
        let one = one.committed(9.5, 10).revoked(10.0).left(10.0);
        let other = one.life("other").assigned(begin);
        let other = other.handled_at(10.06, first).handled(first + 1, 14);
        other.committed(14.5, 15).revoked(15.0).left(15.0)
    }

    /// One is killed at ten seconds.
    fn killed(begin: f64) -> Scene {
        let one = Scene::new().life("one").assigned(0.0).handled(0, 9);
        let one = one.committed(8.5, 9).silent(10.0, None);
        let other = one.life("other").assigned(begin).handled_at(16.0, 9);
        other.handled_at(16.1, 10).revoked(16.2).left(16.3)
    }

    /// One is stopped from ten seconds to twenty, and another begins at 15.
    fn woken() -> Scene {
        let other = Scene::new().life("other").assigned(15.0);
        let other = (9..16).fold(other, |other, offset| other.handled_at(15.5, offset));
        let other = other.revoked(18.0).left(18.0);
        let one = other.life("one").assigned(0.0).handled(0, 9);
        let one = one.committed(8.5, 9).silent(10.0, Some(20.0));
        one.handled_at(20.1, 10)
    }

    #[test]
    fn a_partition_is_handed_over_in_time_and_without_doubles() {
        handed_over(10.05, 10).is_fine();
        handed_over(9.9, 10).breaks("two owners");
        handed_over(10.05, 9).breaks("begins at 9, though Some(10) was committed");
    }

    #[test]
    fn who_is_killed_keeps_its_partitions_until_its_session_is_over() {
        killed(14.5).is_fine();
        killed(13.0).breaks("two owners");
    }

    #[test]
    fn who_wakes_may_double_records_but_commits_nothing() {
        woken().refused(20.2, 11).lost(20.3).left(21.0).is_fine();
        woken()
            .committed(20.2, 11)
            .lost(20.3)
            .left(21.0)
            .breaks("a commit of 11 is accepted");
        // It has not heard of it within the time that it has.
        let unheard = woken().handled_at(26.0, 11).revoked(26.1).left(26.1);
        unheard.is_fine();
        let other = unheard
            .life("other")
            .assigned(25.5)
            .revoked(25.6)
            .left(25.6);
        other.breaks("two owners");
        // Nor could it, with the broker away.
        other.away(21.0, 22.0).is_fine();
    }

    #[test]
    fn a_static_member_comes_back_to_what_it_had() {
        let one = || {
            let one = Scene::new().life("one").instance(0.0).assigned(0.0);
            one.handled(0, 5).silent(6.0, None)
        };
        let again = one().life("again").instance(6.9).assigned(7.0);
        let again = again.handled_at(7.1, 0).revoked(7.5).left(7.5);
        let other = again.life("other").assigned(8.0).revoked(9.0).left(9.0);
        other.is_fine();
        // The one that comes back has nothing when it joins, and another gets it in that rebalance.
        let with_other = |from: f64| {
            let other = one().life("other").assigned(7.0).revoked(9.0).left(9.0);
            other.life("again").instance(from).left(9.5)
        };
        with_other(6.9).is_fine();
        with_other(7.1).breaks("two owners");
    }

    #[test]
    fn nothing_is_lost_without_a_cause() {
        let one = || Scene::new().life("one").assigned(0.0).handled(0, 5);
        one().lost(6.0).left(6.0).breaks("lost without a cause");
        let slow = one().one_more(6.0, What::Busy(us(11.0)));
        slow.lost(16.5).left(18.0).is_fine();
        let not_so_slow = one().one_more(6.0, What::Busy(us(5.0)));
        not_so_slow.lost(16.5).left(18.0).breaks("lost without");
        let mut slow_java = one().one_more(6.0, What::Busy(us(5.0)));
        slow_java.0[0].kind = Kind::Java;
        slow_java.lost(11.5).left(12.0).is_fine();
    }

    #[test]
    fn records_come_in_order_and_to_owners() {
        let one = || Scene::new().life("one").assigned(0.0).handled(0, 5);
        one()
            .handled_at(7.0, 7)
            .revoked(8.0)
            .left(8.0)
            .breaks("7 comes after 5");
        one()
            .handled_at(7.0, 5)
            .revoked(8.0)
            .left(8.0)
            .breaks("5 comes after 5");
        let after = one().revoked(6.0).handled_at(6.1, 6).left(7.0);
        after.breaks("handles 0 from 6 on, which it has not");
        one()
            .committed(6.0, 7)
            .revoked(6.0)
            .left(6.0)
            .breaks("commits 7");
        one().left(6.0).breaks("not given everything up");
        one().breaks("has not ended");
    }

    #[test]
    fn what_is_kept_goes_on() {
        let one = || Scene::new().life("one").assigned(0.0).handled(0, 5);
        let late = one().handled_at(9.5, 6).revoked(10.0).left(10.0);
        late.breaks("has waited for 3.5s");
        one().revoked(10.0).left(10.0).breaks("has waited for 4s");
        let stopped = one().silent(6.0, Some(8.5)).handled_at(9.5, 6);
        stopped.revoked(10.0).left(10.0).is_fine();
        one()
            .one_more(6.1, What::Leaving)
            .revoked(10.0)
            .left(10.0)
            .is_fine();
    }
}

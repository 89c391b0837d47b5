//! Which requests a fault means.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use kafka_client_protocol::{ApiKey, Request};

use super::step::{self, Step};
use crate::api::GroupPart;

/// Requests of one API: the first of them, unless more is said.
///
/// # Panics
/// When this broker does not serve the API: no request of it would get so far.
pub fn when(api: ApiKey) -> When {
    assert!(
        crate::api::served(api).is_some(),
        "{api} is not served by this broker: no request of it can be hit"
    );
    When::new(Some(api))
}

/// Requests of every API: the first of them, unless more is said.
pub fn when_any() -> When {
    When::new(None)
}

/// Which requests go wrong; all that is said must hold. Made by [`when`](when()) or [`when_any`].
#[derive(Debug, Clone)]
#[must_use = "it says which requests, and `then` what happens to them"]
pub struct When {
    pub(super) api: Option<ApiKey>,
    pub(super) topic: Option<String>,
    pub(super) partition: Option<i32>,
    pub(super) group: Option<String>,
    pub(super) member: Option<String>,
    listener: Option<String>,
    connection: Option<u64>,
    client_id: Option<String>,
    versions: Option<(Bound<i16>, Bound<i16>)>,
    pub(super) matching: Vec<Predicate>,
    probability: f64,
    skip: u64,
    times: u64,
}

impl When {
    fn new(api: Option<ApiKey>) -> Self {
        Self {
            api,
            topic: None,
            partition: None,
            group: None,
            member: None,
            listener: None,
            connection: None,
            client_id: None,
            versions: None,
            matching: Vec::new(),
            probability: 1.0,
            skip: 0,
            times: 1,
        }
    }

    /// Only requests that name this topic (by name or id).
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.topic = Some(topic.into());
        self
    }

    /// Only requests that name this partition; with [`topic`](Self::topic), of that topic.
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Only requests that name this group, by its `group.id`.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Only requests from or about this member of a group: by the id that the coordinator gave it, or
    /// by its `group.instance.id`. With [`group`](Self::group), of that group.
    pub fn member(mut self, member: impl Into<String>) -> Self {
        self.member = Some(member.into());
        self
    }

    /// Only requests that come in on the listener of this name, such as `SASL_SSL`.
    pub fn listener(mut self, listener: impl Into<String>) -> Self {
        self.listener = Some(listener.into());
        self
    }

    /// Only requests of one connection: the broker counts them from 1 on, over all listeners and in
    /// the order in which they came. The [journal](super::JournalEntry) tells the numbers.
    pub fn connection(mut self, number: u64) -> Self {
        self.connection = Some(number);
        self
    }

    /// Only requests of clients with this `client.id`.
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// Only requests of these versions of the API, as `4..=9` or `4..`.
    pub fn versions(mut self, versions: impl RangeBounds<i16>) -> Self {
        self.versions = Some((
            versions.start_bound().cloned(),
            versions.end_bound().cloned(),
        ));
        self
    }

    /// Only requests of which this is true. `R` is the request of the API, such as
    /// `ProduceRequest`.
    pub fn matching<R: Request + 'static>(
        mut self,
        test: impl Fn(&R) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.matching.push(Predicate {
            kind: Kind::of::<R>(),
            test: Arc::new(move |request| request.downcast_ref().is_some_and(&test)),
        });
        self
    }

    /// Spares some of the requests: each is hit with this probability, from 0 to 1. With
    /// [`Builder::seed`](crate::Builder::seed) the choice is the same in every run. Defaults to 1.
    ///
    /// # Panics
    /// When it is not from 0 to 1.
    pub fn probability(mut self, probability: f64) -> Self {
        assert!(
            (0.0..=1.0).contains(&probability),
            "a probability is from 0 to 1, not {probability}"
        );
        self.probability = probability;
        self
    }

    /// Lets so many of these requests pass first. Defaults to 0.
    pub fn skip(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// Hits so many requests. Defaults to 1.
    pub fn times(mut self, requests: u64) -> Self {
        self.times = requests;
        self
    }

    /// Hits until it is removed.
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    /// What happens to these requests, step by step: the [table](Step) says what each does.
    ///
    /// # Panics
    /// When the steps make no sense in this order, or the API has no such requests or answers, see
    /// [`Step`].
    pub fn then(self, steps: impl IntoIterator<Item = Step>) -> Fault {
        let steps = steps.into_iter().collect();
        match self.try_then(steps) {
            Ok(fault) => fault,
            Err(reason) => panic!("{reason}"),
        }
    }

    /// The same, or what makes no sense.
    pub(super) fn try_then(self, steps: Vec<Step>) -> Result<Fault, String> {
        match step::check(&self, &steps) {
            Ok(()) => Ok(Fault { when: self, steps }),
            Err(reason) => Err(format!("{self:?} then {steps:?}: {reason}")),
        }
    }

    fn matches(&self, seen: &Seen<'_>) -> bool {
        let (topic, partition) = (self.topic.as_deref(), self.partition);
        self.api.is_none_or(|api| api == seen.api)
            && self
                .client_id
                .as_deref()
                .is_none_or(|wanted| wanted == seen.client_id)
            && self
                .connection
                .is_none_or(|wanted| wanted == seen.connection)
            && self
                .listener
                .as_deref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(seen.listener))
            && self
                .versions
                .is_none_or(|versions| versions.contains(&seen.version))
            && ((topic.is_none() && partition.is_none())
                || (seen.names)(topic, &|number| {
                    partition.is_none_or(|wanted| number == Some(wanted))
                }))
            && ((self.group.is_none() && self.member.is_none())
                || (seen.names_group)(&|one| self.is_of_group(one)))
            && self.matching.iter().all(|one| (one.test)(seen.request))
    }

    fn is_of_group(&self, one: &GroupPart<'_>) -> bool {
        let is_member = |wanted| one.member_id == wanted || one.instance_id == Some(wanted);
        self.group
            .as_deref()
            .is_none_or(|wanted| wanted == one.group)
            && self.member.as_deref().is_none_or(is_member)
    }
}

/// Which requests go wrong, and how. Made by [`When::then`], put in place by
/// [`Faults::inject`](super::Faults::inject).
#[derive(Debug, Clone)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Fault {
    when: When,
    pub(super) steps: Vec<Step>,
}

impl Fault {
    /// Whether a request is one of those that are meant; chance and number aside.
    pub(super) fn means(&self, seen: &Seen<'_>) -> bool {
        self.when.matches(seen) && step::concern(&self.steps, seen)
    }
}

/// A request, as far as faults look at it.
pub(crate) struct Seen<'a> {
    pub(crate) api: ApiKey,
    pub(crate) version: i16,
    pub(crate) client_id: &'a str,
    pub(crate) listener: &'a str,
    pub(crate) connection: u64,
    pub(crate) names_group: &'a NamesGroup<'a>,
    pub(crate) request: &'a dyn Any,
    pub(crate) names: &'a Names<'a>,
}

/// Whether the request names a topic (any if `None`) with a partition that fits; a topic that is
/// named without partitions has the number `None`.
pub(crate) type Names<'a> = dyn Fn(Option<&str>, &dyn Fn(Option<i32>) -> bool) -> bool + 'a;

/// Whether the request names a group of which this is true.
pub(crate) type NamesGroup<'a> = dyn Fn(&dyn Fn(&GroupPart<'_>) -> bool) -> bool + 'a;

/// Counts the requests that a fault means.
#[derive(Debug)]
pub(super) struct Tally {
    seen: u64,
    chance: fastrand::Rng,
    ended: bool,
}

impl Tally {
    pub(super) fn new(chance: fastrand::Rng) -> Self {
        Self {
            seen: 0,
            chance,
            ended: false,
        }
    }

    /// Counts one more, and tells whether it is hit. What chance spares is not counted.
    pub(super) fn count(&mut self, fault: &Fault) -> bool {
        let when = &fault.when;
        if self.ended || self.chance.f64() >= when.probability {
            return false;
        }
        self.seen += 1;
        self.seen > when.skip && self.seen - when.skip <= when.times
    }

    /// Hits nothing any more.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }
}

/// A type, known by its name for messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    id: TypeId,
    pub(super) name: &'static str,
}

impl Kind {
    pub(crate) fn of<T: 'static>() -> Self {
        let path = type_name::<T>();
        Self {
            id: TypeId::of::<T>(),
            name: path.rsplit_once("::").map_or(path, |(_, name)| name),
        }
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

#[derive(Clone)]
pub(super) struct Predicate {
    pub(super) kind: Kind,
    test: Arc<Test>,
}

type Test = dyn Fn(&dyn Any) -> bool + Send + Sync;

impl fmt::Debug for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Predicate").field(&self.kind.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use kafka_client_protocol::api::fetch::FetchRequest;
    use kafka_client_protocol::api::produce::ProduceRequest;

    use super::*;

    /// Whether a Produce request of version 9 by "me" to partition 1 of "a" is meant.
    fn means(when: When) -> bool {
        let request = ProduceRequest {
            acks: -1,
            ..Default::default()
        };
        when.then([]).means(&Seen {
            api: ApiKey::PRODUCE,
            version: 9,
            client_id: "me",
            listener: "PLAINTEXT",
            connection: 3,
            names_group: &|is_meant| {
                is_meant(&GroupPart {
                    group: "g",
                    member_id: "m-1",
                    instance_id: Some("one"),
                })
            },
            request: &request,
            names: &|topic, fits| topic.is_none_or(|topic| topic == "a") && fits(Some(1)),
        })
    }

    #[test]
    fn all_that_is_said_must_hold() {
        let produce = || when(ApiKey::PRODUCE);
        for (when, expected) in [
            (produce(), true),
            (when_any(), true),
            (when(ApiKey::FETCH), false),
            (produce().topic("a"), true),
            (produce().topic("b"), false),
            (produce().partition(1), true),
            (produce().partition(0), false),
            (produce().topic("a").partition(1), true),
            (produce().topic("a").partition(0), false),
            (when_any().topic("b"), false),
            (produce().client_id("me"), true),
            (produce().client_id("you"), false),
            (produce().versions(9..), true),
            (produce().versions(4..=9), true),
            (produce().versions(..9), false),
            (produce().versions(10..), false),
            (
                produce().matching(|sent: &ProduceRequest| sent.acks == -1),
                true,
            ),
            (
                produce().matching(|sent: &ProduceRequest| sent.acks == 0),
                false,
            ),
            (produce().topic("a").client_id("you"), false),
            (produce().listener("plaintext"), true),
            (produce().listener("SSL"), false),
            (produce().connection(3), true),
            (produce().connection(1), false),
            (when_any().group("g"), true),
            (when_any().group("h"), false),
            (when_any().member("m-1"), true),
            (when_any().member("one"), true),
            (when_any().member("m-2"), false),
            (when_any().group("g").member("one"), true),
            (when_any().group("h").member("one"), false),
        ] {
            let what = format!("{when:?}");
            assert_eq!(means(when), expected, "{what}");
        }
    }

    #[test]
    fn one_request_is_hit_unless_more_is_said() {
        let series = |when: When| {
            let fault = when.then([]);
            let mut tally = Tally::new(fastrand::Rng::with_seed(1));
            (0..5).map(|_| tally.count(&fault)).collect::<Vec<_>>()
        };
        let any = when_any;
        assert_eq!(series(any()), [true, false, false, false, false]);
        let some = any().skip(1).times(2);
        assert_eq!(series(some), [false, true, true, false, false]);
        let all = any().skip(3).always();
        assert_eq!(series(all), [false, false, false, true, true]);
    }

    #[test]
    fn chance_is_seeded_and_does_not_count_what_it_spares() {
        let fault = when_any().probability(0.25).times(100).then([]);
        let series = |seed| {
            let mut tally = Tally::new(fastrand::Rng::with_seed(seed));
            (0..2_000).map(|_| tally.count(&fault)).collect::<Vec<_>>()
        };
        assert_eq!(series(7), series(7));
        assert_ne!(series(7), series(8));
        let hit = |series: &[bool]| series.iter().filter(|hit| **hit).count();
        assert_eq!(hit(&series(7)), 100);
        let early = hit(&series(7)[..200]);
        assert!((30..70).contains(&early), "{early} of 200 at 1 in 4");
        let never = when_any().probability(0.0).always().then([]);
        let mut tally = Tally::new(fastrand::Rng::with_seed(7));
        assert!((0..100).all(|_| !tally.count(&never)));
    }

    #[test]
    fn what_can_never_match_is_refused() {
        type Make = fn() -> Fault;
        let cases: [(Make, &str); 10] = [
            (|| when(ApiKey::ADD_RAFT_VOTER).then([]), "not served"),
            (|| when_any().probability(1.5).then([]), "from 0 to 1"),
            (|| when_any().probability(f64::NAN).then([]), "from 0 to 1"),
            (|| when(ApiKey::HEARTBEAT).topic("t").then([]), "no topics"),
            (|| when(ApiKey::PRODUCE).group("g").then([]), "no groups"),
            (
                || when(ApiKey::DELETE_GROUPS).member("m").then([]),
                "no members",
            ),
            (
                || when(ApiKey::METADATA).partition(1).then([]),
                "no partitions",
            ),
            (
                || {
                    when(ApiKey::PRODUCE)
                        .matching(|_: &FetchRequest| true)
                        .then([])
                },
                "ProduceRequest",
            ),
            (
                || when_any().matching(|_: &FetchRequest| true).then([]),
                "when(api)",
            ),
            (
                || when(ApiKey::API_VERSIONS).partition(0).then([]),
                "no partitions",
            ),
        ];
        for (make, expected) in cases {
            let text = super::super::step::tests::panic_of(make);
            assert!(text.contains(expected), "{text}");
        }
    }
}

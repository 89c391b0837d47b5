//! Quotas: how much a user or a client id may produce, fetch and ask for.
//!
//! Of several quotas that fit a request the most special one holds, in Kafka's order: of user and
//! client id, of the user, then those with defaults. Whoever is over its quota is told for how
//! long to pause, and its connection is not read for as long (KIP-219).

mod rate;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use self::rate::Rate;

pub(crate) use self::rate::Window;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Bytes of Produce requests.
    Produce,
    /// Bytes of Fetch answers.
    Fetch,
    /// The time that requests take, in per cent of one thread.
    Request,
    /// New connections from an address.
    Connection,
}

impl Kind {
    fn key(self) -> &'static str {
        match self {
            Self::Produce => "producer_byte_rate",
            Self::Fetch => "consumer_byte_rate",
            Self::Request => "request_percentage",
            Self::Connection => KEY_OF_ADDRESSES,
        }
    }
}

/// Kept and shown, but not acted on.
pub(crate) const KEY_OF_MUTATIONS: &str = "controller_mutation_rate";

/// The quotas that clients may set for users and client ids.
const KEYS: [&str; 4] = [
    "consumer_byte_rate",
    KEY_OF_MUTATIONS,
    "producer_byte_rate",
    "request_percentage",
];
const KEY_OF_ADDRESSES: &str = "connection_creation_rate";

/// A part of an entity.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Part {
    /// The entity has no such part: it means every user, client id or address.
    #[default]
    Absent,
    /// Each that has no quota of its own.
    Default,
    Named(String),
}

/// Whose quota it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Entity {
    pub(crate) user: Part,
    pub(crate) client_id: Part,
    pub(crate) ip: Part,
}

impl Entity {
    /// Whether it may have a quota of this value under a key. The texts are Kafka's.
    pub(crate) fn check(&self, key: &str, value: f64) -> Result<(), String> {
        let is_known = if self.ip == Part::Absent {
            KEYS.contains(&key)
        } else {
            key == KEY_OF_ADDRESSES
        };
        if !is_known {
            return Err(format!("Invalid configuration key {key}"));
        }
        // Not a number is no more than zero either.
        if !value.is_finite() || value <= 0.0 {
            return Err(format!("Quota {key} must be greater than 0"));
        }
        let is_whole = !["request_percentage", "controller_mutation_rate"].contains(&key);
        if is_whole && (value - value.round()).abs() > 1e-6 {
            return Err(format!(
                "Proposed value for {key} cannot be a fractional value."
            ));
        }
        Ok(())
    }
}

/// Stored quotas: entities with what is set for them.
pub(crate) type Limits = BTreeMap<Entity, BTreeMap<String, f64>>;

/// The quotas, and how much of them was used lately.
#[derive(Debug)]
pub(crate) struct Quotas {
    limits: Limits,
    window: Window,
    rates: HashMap<Bucket, Used>,
    turns: u64,
}

/// What is counted together: a quota of a user counts all its clients.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Bucket {
    kind: Kind,
    user: Option<String>,
    client_id: Option<String>,
    ip: Option<String>,
}

/// Buckets that are kept. Client ids are the clients' own words, so their number is not.
const BUCKETS_MAX: usize = 10_000;

/// A bucket's use, and when it was counted last: the greater, the later.
#[derive(Debug, Default)]
struct Used {
    rate: Rate,
    turn: u64,
}

impl Quotas {
    pub(crate) fn new(limits: Limits, window: Window) -> Self {
        Self {
            limits,
            window,
            rates: HashMap::new(),
            turns: 0,
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Whether there is any quota at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.limits.is_empty()
    }

    /// Counts a use, and gives the time to pause for it.
    pub(crate) fn record(
        &mut self,
        kind: Kind,
        user: &str,
        client_id: &str,
        value: f64,
        now_ms: u64,
    ) -> u64 {
        let Some((bucket, limit)) = self.limit(kind, user, client_id) else {
            return 0;
        };
        let window = self.window;
        let rate = self.rate(bucket, now_ms);
        rate.record(value, window, now_ms);
        let pause_ms = rate.pause_ms(limit, window, now_ms);
        match kind {
            // As in Kafka, a request that took long is held back for a sample's time at most.
            Kind::Request => pause_ms.min(window.sample_ms),
            Kind::Produce | Kind::Fetch | Kind::Connection => pause_ms,
        }
    }

    /// Counts a new connection from an address, which may be written in several ways; `false` if it is
    /// over the address's quota, and is not to be. Kafka closes it too, only later.
    pub(crate) fn admit(&mut self, hosts: &[String], now_ms: u64) -> bool {
        let window = self.window;
        let named = hosts.iter().map(|host| Part::Named(host.clone()));
        let mut parts = named.chain([Part::Default]);
        let limit = parts.find_map(|ip| {
            let entity = Entity {
                ip,
                ..Entity::default()
            };
            let values = self.limits.get(&entity)?;
            values.get(Kind::Connection.key()).copied()
        });
        let Some(limit) = limit else {
            return true;
        };
        let bucket = Bucket {
            kind: Kind::Connection,
            user: None,
            client_id: None,
            ip: hosts.first().cloned(),
        };
        let rate = self.rate(bucket, now_ms);
        rate.record(1.0, window, now_ms);
        let is_admitted = rate.pause_ms(limit, window, now_ms) == 0;
        if !is_admitted {
            rate.unrecord(1.0);
        }
        is_admitted
    }

    /// What is counted in a bucket.
    fn rate(&mut self, bucket: Bucket, now_ms: u64) -> &mut Rate {
        if self.rates.len() >= BUCKETS_MAX && !self.rates.contains_key(&bucket) {
            self.make_room(now_ms);
        }
        self.turns += 1;
        let used = self.rates.entry(bucket).or_default();
        used.turn = self.turns;
        &mut used.rate
    }

    /// Takes back a use that did not come about.
    pub(crate) fn unrecord(&mut self, kind: Kind, user: &str, client_id: &str, value: f64) {
        if let Some((bucket, _)) = self.limit(kind, user, client_id)
            && let Some(used) = self.rates.get_mut(&bucket)
        {
            used.rate.unrecord(value);
        }
    }

    /// Drops the buckets that say nothing any more; if there are none, the tenth part that was not
    /// used for longest. Many at once, for each time all are looked at.
    fn make_room(&mut self, now_ms: u64) {
        let window = self.window;
        self.rates
            .retain(|_, used| !used.rate.is_over(window, now_ms));
        if self.rates.len() < BUCKETS_MAX {
            return;
        }
        let mut turns: Vec<u64> = self.rates.values().map(|used| used.turn).collect();
        let (_, last, _) = turns.select_nth_unstable(BUCKETS_MAX / 10);
        let last = *last;
        self.rates.retain(|_, used| used.turn > last);
    }

    /// What may be fetched in the whole window: an answer of more could never be given.
    pub(crate) fn fetch_bytes_max(&self, user: &str, client_id: &str) -> Option<f64> {
        let (_, limit) = self.limit(Kind::Fetch, user, client_id)?;
        let samples = f64::from(self.window.samples.saturating_sub(1).max(1));
        Some(limit * samples * self.window.sample_ms as f64 / 1000.0)
    }

    /// The quota that holds for a request, and where its use is counted.
    fn limit(&self, kind: Kind, user: &str, client_id: &str) -> Option<(Bucket, f64)> {
        let named = |name: &str| Part::Named(name.to_owned());
        let candidates = [
            (named(user), named(client_id)),
            (named(user), Part::Default),
            (named(user), Part::Absent),
            (Part::Default, named(client_id)),
            (Part::Default, Part::Default),
            (Part::Default, Part::Absent),
            (Part::Absent, named(client_id)),
            (Part::Absent, Part::Default),
        ];
        candidates.into_iter().find_map(|(user_part, client_part)| {
            let counted =
                |part: &Part, name: &str| (*part != Part::Absent).then(|| name.to_owned());
            let bucket = Bucket {
                kind,
                user: counted(&user_part, user),
                client_id: counted(&client_part, client_id),
                ip: None,
            };
            let entity = Entity {
                user: user_part,
                client_id: client_part,
                ip: Part::Absent,
            };
            let limit = self.limits.get(&entity)?.get(kind.key())?;
            Some((bucket, *limit))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window {
        samples: 11,
        sample_ms: 1000,
    };

    fn named(name: &str) -> Part {
        Part::Named(name.to_owned())
    }

    fn entity(user: Part, client_id: Part) -> Entity {
        Entity {
            user,
            client_id,
            ip: Part::Absent,
        }
    }

    #[test]
    fn the_most_special_quota_holds() {
        // From the most special to the most common, each with a limit of its own.
        let entities = [
            entity(named("u"), named("c")),
            entity(named("u"), Part::Default),
            entity(named("u"), Part::Absent),
            entity(Part::Default, named("c")),
            entity(Part::Default, Part::Default),
            entity(Part::Default, Part::Absent),
            entity(Part::Absent, named("c")),
            entity(Part::Absent, Part::Default),
        ];
        for first in 0..entities.len() {
            let limits = entities.iter().zip(1u8..).skip(first);
            let limits = limits.map(|(entity, limit)| {
                let values = [("producer_byte_rate".to_owned(), f64::from(limit))];
                (entity.clone(), values.into())
            });
            let quotas = Quotas::new(limits.collect(), WINDOW);
            let (_, limit) = quotas.limit(Kind::Produce, "u", "c").unwrap();
            assert_eq!(limit, (first + 1) as f64);
            assert!(quotas.limit(Kind::Fetch, "u", "c").is_none());
        }
    }

    #[test]
    fn clients_of_a_user_share_its_quota_and_users_share_no_default() {
        let values: BTreeMap<_, _> = [("consumer_byte_rate".to_owned(), 1000.0)].into();
        let limits = [(entity(Part::Default, Part::Absent), values)].into();
        let mut quotas = Quotas::new(limits, WINDOW);
        assert_eq!(quotas.record(Kind::Fetch, "u", "a", 10_000.0, 0), 0);
        assert_eq!(quotas.record(Kind::Fetch, "v", "a", 10_000.0, 0), 0);
        assert_eq!(quotas.record(Kind::Fetch, "u", "b", 1_000.0, 0), 1_000);
        quotas.unrecord(Kind::Fetch, "u", "b", 1_000.0);
        assert_eq!(quotas.record(Kind::Fetch, "u", "b", 0.0, 0), 0);
    }

    #[test]
    fn many_client_ids_do_not_wipe_what_others_have_used() {
        let values: BTreeMap<_, _> = [("producer_byte_rate".to_owned(), 1000.0)].into();
        let limits = [(entity(Part::Absent, Part::Default), values)].into();
        let mut quotas = Quotas::new(limits, WINDOW);
        quotas.record(Kind::Produce, "u", "heavy", 1e6, 0);
        for number in 0..3 * BUCKETS_MAX as u64 {
            let now_ms = number / 5000;
            quotas.record(Kind::Produce, "u", &format!("c{number}"), 1.0, now_ms);
            if number % 1000 == 0 {
                let pause_ms = quotas.record(Kind::Produce, "u", "heavy", 0.0, now_ms);
                assert!(pause_ms > 0, "{number}");
            }
        }
        assert!(quotas.rates.len() <= BUCKETS_MAX);
    }

    #[test]
    fn buckets_go_when_their_window_has_passed() {
        let values: BTreeMap<_, _> = [("producer_byte_rate".to_owned(), 1000.0)].into();
        let limits = [(entity(Part::Absent, Part::Default), values)].into();
        let mut quotas = Quotas::new(limits, WINDOW);
        for number in 0..BUCKETS_MAX {
            let now_ms = if number < 10 { 10_000 } else { 0 };
            quotas.record(Kind::Produce, "u", &format!("c{number}"), 1e6, now_ms);
        }
        quotas.record(Kind::Produce, "u", "new", 1.0, 11_000);
        assert_eq!(quotas.rates.len(), 11);
        assert!(quotas.record(Kind::Produce, "u", "c0", 0.0, 11_000) > 0);
    }

    #[test]
    fn keys_belong_to_their_entities() {
        let user = entity(Part::Default, Part::Absent);
        assert!(user.check("request_percentage", 0.5).is_ok());
        assert!(user.check("producer_byte_rate", 0.5).is_err());
        assert!(user.check("producer_byte_rate", 0.0).is_err());
        assert!(user.check("producer_byte_rate", f64::NAN).is_err());
        assert!(user.check("connection_creation_rate", 1.0).is_err());
        let ip = Entity {
            ip: Part::Default,
            ..Entity::default()
        };
        assert!(ip.check("connection_creation_rate", 1.0).is_ok());
        assert!(ip.check("producer_byte_rate", 1.0).is_err());
    }
}

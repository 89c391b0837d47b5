//! Which topics a member subscribes to that wants those whose names match. Pure, but for the user's
//! predicate.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use kafka_client_protocol::StrBytes;

use crate::caught;

/// What a member subscribes to.
#[derive(Debug, Clone)]
pub(crate) enum Subscription {
    /// These topics, in order; none if the user assigns partitions by hand.
    Topics(Vec<Arc<str>>),
    /// All topics whose names match.
    Matching(Predicate),
}

/// A function of the user's that says whether a name matches.
#[derive(Clone)]
pub(crate) struct Predicate(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl Predicate {
    pub(crate) fn new(matches: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(matches))
    }
}

impl fmt::Debug for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Predicate")
    }
}

/// A subscription to all topics whose names match.
#[derive(Debug)]
pub(super) struct Matching {
    predicate: Predicate,
    /// The names of all topics have been looked at.
    pub(super) has_looked: bool,
    /// The user was told that no topic matches, since one did.
    pub(super) told_of_none: bool,
}

impl Matching {
    pub(super) fn new(predicate: Predicate) -> Self {
        Self {
            predicate,
            has_looked: false,
            told_of_none: false,
        }
    }

    /// The topics to subscribe to, in order: those of all `names` that match. A topic that is
    /// `subscribed` to and is not among the names stays until it `is_gone`, as a broker that lags behind
    /// may leave it out; but none that was subscribed to before this was.
    ///
    /// # Errors
    /// The words of a panic of the predicate's.
    pub(super) fn choose(
        &self,
        names: &[StrBytes],
        subscribed: &[Arc<str>],
        is_gone: impl Fn(&str) -> bool,
    ) -> Result<Vec<Arc<str>>, String> {
        let subscribed = subscribed.iter().filter(|_| self.has_looked);
        let mut left_out: BTreeSet<_> = subscribed.cloned().collect();
        let mut chosen = BTreeSet::new();
        for name in names {
            left_out.remove(&**name);
            if caught::call(|| self.predicate.0(name))? {
                chosen.insert(Arc::from(&**name));
            }
        }
        left_out.retain(|name| !is_gone(name));
        chosen.append(&mut left_out);
        Ok(chosen.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders() -> Matching {
        Matching::new(Predicate::new(|name| name.starts_with("orders.")))
    }

    fn names(names: &[&'static str]) -> Vec<StrBytes> {
        let names = names.iter();
        names.map(|name| StrBytes::from_static(name)).collect()
    }

    fn topics(names: &[&str]) -> Vec<Arc<str>> {
        names.iter().map(|name| Arc::from(*name)).collect()
    }

    #[test]
    fn topics_that_match_are_chosen_each_once_and_in_order() {
        let names = names(&["orders.b", "bills", "orders.a", "orders.b"]);
        let chosen = orders().choose(&names, &[], |_| false).unwrap();
        assert_eq!(chosen, topics(&["orders.a", "orders.b"]));
    }

    #[test]
    fn a_topic_that_is_left_out_stays_until_it_is_gone() {
        let mut matching = orders();
        matching.has_looked = true;
        let subscribed = topics(&["orders.a", "orders.b"]);
        let names = names(&["orders.b", "orders.c"]);
        let chosen = |is_gone: bool| {
            let chosen = matching.choose(&names, &subscribed, |_| is_gone);
            chosen.unwrap()
        };
        assert_eq!(chosen(false), topics(&["orders.a", "orders.b", "orders.c"]));
        assert_eq!(chosen(true), topics(&["orders.b", "orders.c"]));
    }

    #[test]
    fn what_was_subscribed_to_before_does_not_stay() {
        let subscribed = topics(&["bills", "orders.a"]);
        let chosen = orders().choose(&names(&["orders.b"]), &subscribed, |_| false);
        assert_eq!(chosen.unwrap(), topics(&["orders.b"]));
    }

    #[test]
    fn a_topic_that_does_not_match_any_more_does_not_stay() {
        let mut matching = orders();
        matching.has_looked = true;
        let chosen = matching.choose(&names(&["bills"]), &topics(&["bills"]), |_| false);
        assert_eq!(chosen.unwrap(), topics(&[]));
    }

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        let matching = Matching::new(Predicate::new(|name| panic!("not {name}")));
        let chosen = matching.choose(&names(&["bills"]), &[], |_| false);
        assert_eq!(chosen.unwrap_err(), "not bills");
    }
}

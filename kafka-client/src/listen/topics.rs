//! The names of the topics that a listener writes to. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;

/// Where dead letters go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum DeadLetters {
    #[default]
    Nowhere,
    /// `<topic>.<group>.dlt`
    ByName,
    /// One topic for all.
    To(String),
}

/// Of one topic that is listened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Targets {
    pub(super) dead_letters: Option<Arc<str>>,
    /// In the order of their waits; none of a topic that is handled in batches.
    pub(super) retries: Vec<Arc<str>>,
}

/// Of each topic that is listened to.
pub(super) type TargetsByTopic = BTreeMap<String, Targets>;

/// # Errors
/// When there are no topics, one has two handlers, or a name is none that a topic can have.
pub(super) fn targets(
    (topics, batch_topics): (&[String], &[String]),
    group: &str,
    dead_letters: &DeadLetters,
    waits: &[Duration],
) -> Result<TargetsByTopic, Error> {
    if topics.is_empty() && batch_topics.is_empty() {
        return Err(Error::config("a listener needs a handler: `.on(..)`"));
    }
    let mut all = BTreeMap::new();
    let batch_topics = batch_topics.iter().map(|topic| (topic, &[][..]));
    for (topic, waits) in topics
        .iter()
        .map(|topic| (topic, waits))
        .chain(batch_topics)
    {
        let dead_letters = match dead_letters {
            DeadLetters::Nowhere => None,
            DeadLetters::ByName => Some(Arc::from(format!("{topic}.{group}.dlt"))),
            DeadLetters::To(name) => Some(Arc::from(name.as_str())),
        };
        let retry =
            |wait: &Duration| Arc::from(format!("{topic}.{group}.retry-{}", wait.as_millis()));
        let targets = Targets {
            dead_letters,
            retries: waits.iter().map(retry).collect(),
        };
        let unique: BTreeSet<_> = targets.retries.iter().collect();
        if unique.len() < waits.len() {
            return Err(Error::config("two waits of `Topics::after` are the same"));
        }
        for name in targets.dead_letters.iter().chain(&targets.retries) {
            crate::cluster::topic_name::check(name)?;
        }
        if all.insert(topic.clone(), targets).is_some() {
            let text = format!("topic {topic} has two handlers in one listener");
            return Err(Error::config(text));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_topic_the_group_and_the_wait() {
        let topics = ["orders".to_owned()];
        let waits = [Duration::from_secs(60)];
        let targets = targets((&topics, &[]), "billing", &DeadLetters::ByName, &waits).unwrap();
        let orders = &targets["orders"];
        assert_eq!(orders.dead_letters.as_deref(), Some("orders.billing.dlt"));
        assert_eq!(&*orders.retries[0], "orders.billing.retry-60000");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let none = targets((&[], &[]), "billing", &DeadLetters::Nowhere, &[]);
        assert!(none.unwrap_err().to_string().contains("needs a handler"));
        let twice = ["orders".to_owned(), "orders".to_owned()];
        let twice = targets((&twice, &[]), "billing", &DeadLetters::Nowhere, &[]);
        assert!(twice.unwrap_err().to_string().contains("two handlers"));
        let topics = ["orders".to_owned()];
        let both = targets((&topics, &topics), "billing", &DeadLetters::Nowhere, &[]);
        assert!(both.unwrap_err().to_string().contains("two handlers"));
        let same = [Duration::from_micros(1_000), Duration::from_micros(1_001)];
        let same = targets((&topics, &[]), "billing", &DeadLetters::Nowhere, &same);
        assert!(same.unwrap_err().to_string().contains("are the same"));
        let odd = targets((&topics, &[]), "bill ing", &DeadLetters::ByName, &[]);
        assert!(odd.unwrap_err().to_string().contains("bill ing"));
    }
}

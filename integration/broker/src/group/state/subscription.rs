//! What consumers read, as far as the coordinator must know it: offsets that they go on from stay.

use std::collections::BTreeSet;

use kafka_client_protocol::consumer_protocol::{PROTOCOL_TYPE, Subscription, decode};

use super::ClassicGroup;

impl ClassicGroup {
    /// Whether the members are consumers, whose metadata the coordinator can read.
    pub(crate) fn is_of_consumers(&self) -> bool {
        self.protocol_type.as_deref() == Some(PROTOCOL_TYPE)
    }

    /// Whether a member may read a topic. Of consumers that is taken for sure as long as it is not
    /// known.
    pub(crate) fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.subscribed {
            Some(topics) => topics.contains(topic),
            None => self.is_of_consumers(),
        }
    }

    /// Whether it is known what the consumers of the group read.
    pub(crate) fn knows_subscriptions(&self) -> bool {
        self.subscribed.is_some()
    }

    /// Notes what the members of a new generation read.
    pub(super) fn note_subscriptions(&mut self) {
        self.subscribed = self.subscriptions();
    }

    /// All topics that members read; `None` if that cannot be known.
    fn subscriptions(&self) -> Option<BTreeSet<String>> {
        if !self.is_of_consumers() {
            return None;
        }
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            let metadata = member.metadata(self.protocol.as_deref()?);
            let subscription: Subscription = decode(&metadata).ok()?;
            topics.extend(subscription.topics.iter().map(ToString::to_string));
        }
        Some(topics)
    }
}

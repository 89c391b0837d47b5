//! Offsets that nobody needs any longer expire, and groups that have nothing left go with them.
//!
//! An offset's time (`offsets.retention.minutes`) runs from when its group became empty or, in a group
//! that never had members and where no member of a stable group reads the topic, from its commit.
//! Clients of old brought an end of their own. What a member reads never expires.

use std::sync::Arc;
use std::time::Duration;

use super::handle::Inner;
use super::records::OffsetCommitValue;
use super::state::State;
use super::{Groups, records};
use crate::env;

impl Groups {
    /// Looks for what has expired now and then, until the broker stops.
    pub(crate) async fn watch_expiry(self: Arc<Self>) {
        let mut stopping = self.around.stopping.clone();
        let stopped = stopping.wait_for(|stopping| *stopping);
        tokio::pin!(stopped);
        let interval = Duration::from_millis(self.around.config().group.expiry_interval_ms);
        loop {
            tokio::select! {
                biased;
                _ = &mut stopped => return,
                () = env::sleep(interval) => self.expire(),
            }
        }
    }

    /// Removes what has expired.
    fn expire(&self) {
        let now_ms = self.around.env.wall_ms();
        let ids: Vec<String> = self.lock().keys().cloned().collect();
        for id in ids {
            // Held with the group's lock, as in every removal.
            let mut groups = self.lock();
            let Some(group) = groups.get(&id).cloned() else {
                continue;
            };
            let mut inner = group.lock();
            let expired = self.expired(&inner, now_ms);
            let tombstones = expired
                .iter()
                .map(|(topic, partition)| records::offset(&id, topic, *partition, None));
            let Ok(tombstones) = tombstones.collect::<Result<Vec<_>, _>>() else {
                continue;
            };
            // What could not be written is tried the next time.
            if !tombstones.is_empty() && group.append(&mut inner, &tombstones).is_err() {
                continue;
            }
            for key in &expired {
                inner.offsets.remove(key);
            }
            let is_left = inner.offsets.is_empty() && inner.classic.state() == State::Empty;
            if is_left && group.remove(&mut inner).is_ok() {
                tracing::info!(group = id, "removed: it has neither members nor offsets");
                groups.remove(&id);
            }
        }
    }

    /// The offsets of a group that have expired, by topic and partition.
    fn expired(&self, inner: &Inner, now_ms: i64) -> Vec<(String, i32)> {
        let classic = &inner.classic;
        let state = classic.state();
        let since_ms: Option<i64> = match classic.protocol_type() {
            None => None,
            Some(_) if state == State::Empty => inner.state_since_ms,
            Some(_) if state == State::Stable && classic.knows_subscriptions() => None,
            Some(_) => return Vec::new(),
        };
        let retention_ms = self.around.config().group.offsets_retention_ms;
        let has_expired = |value: &OffsetCommitValue| match value.expire_timestamp {
            -1 => {
                let since_ms = since_ms.unwrap_or(value.commit_timestamp);
                now_ms.saturating_sub(since_ms) >= retention_ms
            }
            end_ms => now_ms >= end_ms,
        };
        inner
            .offsets
            .iter()
            .filter(|((topic, _), value)| !classic.is_subscribed_to(topic) && has_expired(value))
            .map(|(key, _)| key.clone())
            .collect()
    }
}

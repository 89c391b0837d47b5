//! Groups and offsets that administrators delete: gone from the log as well.

use std::collections::BTreeSet;

use kafka_client_protocol::ErrorCode;

use super::state::State;
use super::{Groups, records};

impl Groups {
    /// Deletes a group that nobody is in, with its offsets.
    pub(crate) async fn delete(&self, group_id: &str) -> Result<(), ErrorCode> {
        self.ready()?;
        let group = {
            let mut groups = self.lock();
            let group = groups.get(group_id).cloned();
            let group = group.ok_or(ErrorCode::GROUP_ID_NOT_FOUND)?;
            let mut inner = group.lock();
            if inner.classic.state() != State::Empty {
                return Err(ErrorCode::NON_EMPTY_GROUP);
            }
            group.remove(&mut inner)?;
            drop(inner);
            groups.remove(group_id);
            group
        };
        group.settled().await
    }

    /// Deletes offsets of a group, and tells of each whether it was to go: what a consumer reads stays,
    /// with the error in its place.
    pub(crate) async fn delete_offsets(
        &self,
        group_id: &str,
        offsets: &[(&str, i32)],
    ) -> Result<Vec<Result<(), ErrorCode>>, ErrorCode> {
        self.ready()?;
        let deleted = self.with(group_id, false, |group, inner| {
            let classic = &inner.classic;
            if classic.state() != State::Empty && !classic.is_of_consumers() {
                return Err(ErrorCode::NON_EMPTY_GROUP);
            }
            let mut results = Vec::with_capacity(offsets.len());
            let mut gone = BTreeSet::new();
            let mut tombstones = Vec::new();
            for (topic, partition) in offsets {
                if classic.is_subscribed_to(topic) {
                    results.push(Err(ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC));
                    continue;
                }
                results.push(Ok(()));
                let key = ((*topic).to_owned(), *partition);
                if inner.offsets.contains_key(&key) && gone.insert(key) {
                    let tombstone = records::offset(group_id, topic, *partition, None);
                    tombstones.push(tombstone.map_err(|_| ErrorCode::UNKNOWN_SERVER_ERROR)?);
                }
            }
            if !tombstones.is_empty() {
                group.append(inner, &tombstones)?;
                inner.offsets.retain(|key, _| !gone.contains(key));
            }
            Ok(results)
        });
        let (group, results) = deleted.ok_or(ErrorCode::GROUP_ID_NOT_FOUND)?;
        let results = results?;
        group.settled().await?;
        Ok(results)
    }
}

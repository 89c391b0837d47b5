//! Committed offsets: stored, looked up, forgotten with their topics.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_client_protocol::ErrorCode;

use super::records::OffsetCommitValue;
use super::{Committer, Groups, records};
use crate::topics::Topic;

/// Committed offsets by topic and partition.
pub(crate) type Offsets = BTreeMap<(String, i32), OffsetCommitValue>;

/// An offset to be committed.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) topic: Arc<Topic>,
    pub(crate) partition: i32,
    pub(crate) value: OffsetCommitValue,
}

impl Groups {
    /// Stores offsets: all or, with the error, none. `unknown` is the error for a member of a group
    /// that does not exist.
    pub(crate) async fn commit(
        &self,
        group_id: &str,
        committer: Committer<'_>,
        unknown: ErrorCode,
        commits: Vec<Commit>,
    ) -> Result<(), ErrorCode> {
        let Committer {
            member_id,
            instance_id,
            generation,
        } = committer;
        let committed = self.with(
            group_id,
            generation < 0,
            |group, inner| -> Result<(), ErrorCode> {
                let now_ms = self.around.env.now_ms();
                inner
                    .classic
                    .check_commit(member_id, instance_id, generation, now_ms)?;
                if commits.is_empty() {
                    return Ok(());
                }
                let mut entries = Vec::with_capacity(commits.len());
                for commit in &commits {
                    let (topic, value) = (&commit.topic.name, Some(&commit.value));
                    let entry = records::offset(group_id, topic, commit.partition, value);
                    entries.push(entry.map_err(|_| ErrorCode::INVALID_COMMIT_OFFSET_SIZE)?);
                }
                group.append(inner, &entries)?;
                for commit in commits {
                    inner.offsets.insert(
                        (commit.topic.name.to_string(), commit.partition),
                        commit.value,
                    );
                }
                Ok(())
            },
        );
        let (group, result) = committed.ok_or(unknown)?;
        result?;
        group.settled().await;
        Ok(())
    }

    /// Lets a closure look at the offsets of a group; an unknown group has none.
    pub(crate) async fn with_offsets<T>(
        &self,
        group_id: &str,
        look: impl FnOnce(&Offsets) -> T,
    ) -> T {
        match self.get(group_id) {
            Some(group) => {
                group.settled().await;
                look(&group.lock().offsets)
            }
            None => look(&Offsets::new()),
        }
    }

    /// Forgets the offsets of a topic that was deleted.
    pub(crate) fn forget_topic(&self, topic: &str) {
        for group in self.all() {
            let mut inner = group.lock();
            let gone: Vec<i32> = inner
                .offsets
                .keys()
                .filter(|(name, _)| name == topic)
                .map(|(_, partition)| *partition)
                .collect();
            if gone.is_empty() {
                continue;
            }
            inner.offsets.retain(|(name, _), _| name != topic);
            let entries: Result<Vec<_>, _> = gone
                .iter()
                .map(|index| records::offset(&group.id, topic, *index, None))
                .collect();
            // What cannot be written now is dropped at the next load: the topic's id is gone.
            if let Ok(entries) = entries
                && group.append(&mut inner, &entries).is_err()
            {
                tracing::warn!(group = group.id, topic, "not forgotten");
            }
        }
    }
}

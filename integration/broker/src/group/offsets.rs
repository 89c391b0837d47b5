//! Committed offsets: stored, looked up, forgotten with their topics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kafka_client_protocol::{ErrorCode, Uuid};

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
        self.ready_for_member(group_id, committer.member_id)?;
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
        group.settled().await
    }

    /// Lets a closure look at the offsets of a group; an unknown group has none.
    pub(crate) async fn with_offsets<T>(
        &self,
        group_id: &str,
        look: impl FnOnce(&Offsets) -> T,
    ) -> Result<T, ErrorCode> {
        self.ready()?;
        Ok(match self.get(group_id) {
            Some(group) => {
                group.settled().await?;
                look(&group.lock().offsets)
            }
            None => look(&Offsets::new()),
        })
    }

    /// Forgets the offsets of a topic that was deleted. Those of one made anew stay.
    pub(crate) fn forget_topic(&self, topic: &Topic) {
        for group in self.all() {
            let mut inner = group.lock();
            let of_topic =
                |name: &str, id: Uuid| *name == *topic.name && (id.is_zero() || id == topic.id);
            let gone: BTreeSet<i32> = inner
                .offsets
                .iter()
                .filter(|((name, _), value)| of_topic(name, value.topic_id))
                .map(|((_, partition), _)| *partition)
                .collect();
            if gone.is_empty() || inner.is_deleted {
                continue;
            }
            inner
                .offsets
                .retain(|(name, _), value| !of_topic(name, value.topic_id));
            let entries: Result<Vec<_>, _> = gone
                .iter()
                .map(|index| records::offset(&group.id, &topic.name, *index, None))
                .collect();
            // What cannot be written now is dropped at the next load: the topic's id is gone.
            if let Ok(entries) = entries
                && group.append(&mut inner, &entries).is_err()
            {
                tracing::warn!(group = group.id, topic = %topic.name, "not forgotten");
            }
        }
    }
}

/// The offset of a partition. With the topic's id it must have been committed for that very topic:
/// one of the same name may be gone.
pub(crate) fn find<'a>(
    offsets: &'a Offsets,
    topic: &str,
    id: Option<Uuid>,
    partition: i32,
) -> Option<&'a OffsetCommitValue> {
    let found = offsets.get(&(topic.to_owned(), partition))?;
    let is_other = id.is_some_and(|id| !found.topic_id.is_zero() && found.topic_id != id);
    (!is_other).then_some(found)
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::*;
    use crate::config::settings::{Changed, Properties, Settings};
    use crate::env::Env;
    use crate::fs::Disk;
    use crate::fs::crashing::Crashing;
    use crate::kept::Kept;
    use crate::store::Store;
    use crate::topics::Topics;

    const NOBODY: Committer<'static> = Committer {
        member_id: "",
        instance_id: None,
        generation: -1,
    };

    struct World {
        topics: Arc<Topics>,
        settings: Arc<Kept<Settings>>,
        env: Arc<Env>,
        groups: Groups,
        _stopping: watch::Sender<bool>,
    }

    impl World {
        fn new() -> Self {
            Self::on(Store::Memory)
        }

        fn on(store: Store) -> Self {
            let settings = Settings::new(Properties::default(), Changed::default()).unwrap();
            let config = Arc::clone(settings.config());
            let settings = Arc::new(Kept::new(settings));
            let env = Arc::new(Env::new(None, Some(1)));
            let topics = Arc::new(Topics::open(store, &config, &env).unwrap());
            let stopping = watch::Sender::new(false);
            let groups = Groups::new(&topics, &settings, &env, stopping.subscribe());
            Self {
                topics,
                settings,
                env,
                groups,
                _stopping: stopping,
            }
        }

        fn topic(&self) -> Arc<Topic> {
            let settings = self.settings.get();
            let made = self
                .topics
                .create("t", 2, BTreeMap::new(), settings.config(), &self.env);
            made.unwrap()
        }

        async fn commit(&self, topic: &Arc<Topic>, partition: i32, offset: i64) {
            let done = self.try_commit(topic, partition, offset).await;
            done.unwrap();
        }

        async fn try_commit(
            &self,
            topic: &Arc<Topic>,
            partition: i32,
            offset: i64,
        ) -> Result<(), ErrorCode> {
            let commit = Commit {
                topic: Arc::clone(topic),
                partition,
                value: OffsetCommitValue {
                    offset,
                    topic_id: topic.id,
                    ..Default::default()
                },
            };
            let unknown = ErrorCode::GROUP_ID_NOT_FOUND;
            let commits = vec![commit];
            self.groups.commit("g", NOBODY, unknown, commits).await
        }

        async fn committed(&self, id: Option<Uuid>, partition: i32) -> Option<i64> {
            let found = self.groups.with_offsets("g", |offsets| {
                find(offsets, "t", id, partition).map(|value| value.offset)
            });
            found.await.unwrap()
        }
    }

    #[tokio::test]
    async fn a_commit_that_the_disk_refuses_is_none_and_sends_the_client_away() {
        let files = Crashing::new(1);
        let world = World::on(Store::on(Disk::new(files.clone())).unwrap());
        let topic = world.topic();
        world.commit(&topic, 0, 5).await;
        files.die_after(0);
        let refused = world.try_commit(&topic, 0, 6).await;
        assert_eq!(refused, Err(ErrorCode::NOT_COORDINATOR));
        assert_eq!(world.committed(None, 0).await, Some(5));
    }

    #[tokio::test]
    async fn an_offset_of_a_deleted_topic_is_none_of_one_made_anew() {
        let world = World::new();
        let old = world.topic();
        world.topics.delete(&old).unwrap();
        world.groups.forget_topic(&old);
        // A commit that found the topic before it was deleted.
        world.commit(&old, 0, 5).await;
        let new = world.topic();
        assert_eq!(world.committed(Some(new.id), 0).await, None);
        // Who knows names only cannot tell them apart, as in Kafka.
        assert_eq!(world.committed(None, 0).await, Some(5));
        world.commit(&new, 0, 1).await;
        assert_eq!(world.committed(Some(new.id), 0).await, Some(1));
    }

    #[tokio::test]
    async fn a_topic_made_anew_keeps_its_offsets_when_the_old_one_is_forgotten() {
        let world = World::new();
        let old = world.topic();
        world.commit(&old, 0, 5).await;
        world.commit(&old, 1, 6).await;
        world.topics.delete(&old).unwrap();
        let new = world.topic();
        world.commit(&new, 0, 1).await;
        world.groups.forget_topic(&old);
        assert_eq!(world.committed(None, 0).await, Some(1));
        assert_eq!(world.committed(None, 1).await, None);
    }
}

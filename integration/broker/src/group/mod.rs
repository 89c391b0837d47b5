//! The group coordinator: all groups of the broker, with their offsets, stored in
//! `__consumer_offsets`.
//!
//! What a group does is decided in [`state`], and carried out in [`handle`].

mod delete;
mod expiry;
mod handle;
mod loading;
mod moving;
mod offsets;
mod records;
pub(crate) mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kafka_client_protocol::{ErrorCode, Uuid};
use tokio::sync::{oneshot, watch};

pub(crate) use self::handle::Description;
use self::handle::{Group, Inner};
use self::loading::Asked;
use self::moving::Moved;
pub(crate) use self::offsets::{Commit, Offsets, find};
use self::records::Entry;
pub(crate) use self::records::OffsetCommitValue;
use self::state::{ClassicGroup, Join, Joined, Sync, Synced, Ticket};
use crate::config::BrokerConfig;
use crate::config::settings::Settings;
use crate::coordinator_log::CoordinatorLog;
use crate::env::Env;
use crate::kept::Kept;
use crate::partition::Partition;
use crate::refusal::Refusal;
use crate::topics::{OFFSETS_TOPIC, Topics};

/// All groups of a broker.
#[derive(Debug)]
pub(crate) struct Groups {
    around: Arc<Surroundings>,
    by_id: Mutex<BTreeMap<String, Arc<Group>>>,
    tickets: AtomicU64,
    is_strict: bool,
    asked: Asked,
    moved: Moved,
}

/// What the offsets topic says.
#[derive(Debug, Default)]
struct Stored {
    /// Groups with when they came to be in their states.
    groups: BTreeMap<String, Option<(state::Stored, Option<i64>)>>,
    offsets: BTreeMap<String, Offsets>,
}

/// What groups need of the broker.
#[derive(Debug)]
struct Surroundings {
    log: CoordinatorLog,
    topics: Arc<Topics>,
    env: Arc<Env>,
    settings: Arc<Kept<Settings>>,
    /// Becomes true when the broker stops.
    stopping: watch::Receiver<bool>,
}

impl Surroundings {
    /// The settings as they hold now.
    fn config(&self) -> Arc<BrokerConfig> {
        Arc::clone(self.settings.get().config())
    }

    /// Those of a group that is made now.
    fn of_groups(&self) -> state::Settings {
        let limits = self.config().group;
        state::Settings {
            initial_rebalance_delay_ms: limits.initial_rebalance_delay_ms,
            members_max: limits.members_max,
        }
    }
}

/// Who commits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Committer<'a> {
    pub(crate) member_id: &'a str,
    pub(crate) instance_id: Option<&'a str>,
    pub(crate) generation: i32,
}

impl Groups {
    pub(crate) fn new(
        topics: &Arc<Topics>,
        settings: &Arc<Kept<Settings>>,
        env: &Arc<Env>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let log = CoordinatorLog::new(
            OFFSETS_TOPIC,
            settings.get().config().offsets_partitions,
            Arc::clone(topics),
            Arc::clone(settings),
            Arc::clone(env),
        );
        Self {
            around: Arc::new(Surroundings {
                log,
                topics: Arc::clone(topics),
                env: Arc::clone(env),
                settings: Arc::clone(settings),
                stopping,
            }),
            by_id: Mutex::default(),
            tickets: AtomicU64::new(0),
            is_strict: settings.get().config().strict_metadata,
            asked: Asked::default(),
            moved: Moved::default(),
        }
    }

    /// Where groups and offsets are kept.
    fn log(&self) -> &CoordinatorLog {
        &self.around.log
    }

    /// Whether clients can be told that this broker coordinates groups. The topic is made at the first
    /// question, as in Kafka, which has whoever asks come again.
    pub(crate) fn find(&self) -> Result<(), Refusal> {
        let is_new = self.log().topic_if_there().is_none();
        self.log().topic()?;
        if is_new && self.is_strict {
            return Err(ErrorCode::COORDINATOR_NOT_AVAILABLE.into());
        }
        Ok(())
    }

    /// A number that no other waiting request has.
    pub(crate) fn ticket(&self) -> Ticket {
        self.tickets.fetch_add(1, Ordering::Relaxed)
    }

    /// Handles a join; answers when the group has gathered.
    pub(crate) async fn join(&self, group_id: &str, join: Join) -> Joined {
        let member_id = join.member_id.clone();
        if let Err(error) = self.ready_for_member(group_id, &member_id) {
            return Joined::refused(error, member_id);
        }
        // Only somebody new makes a group.
        let is_new = member_id.is_empty();
        let (answer, answered) = oneshot::channel();
        let joins = self.with(group_id, is_new, |group, inner| {
            group.act(inner, |inner, now_ms| {
                inner.joins.insert(join.ticket, answer);
                inner.classic.join(join, now_ms)
            });
        });
        let Some((group, ())) = joins else {
            return Joined::refused(ErrorCode::UNKNOWN_MEMBER_ID, member_id);
        };
        let gone = Joined::refused(ErrorCode::NOT_COORDINATOR, member_id.clone());
        let joined = answered.await.unwrap_or(gone);
        match group.settled().await {
            Ok(()) => joined,
            Err(error) => Joined::refused(error, member_id),
        }
    }

    /// Handles a sync; answers when the leader has assigned.
    pub(crate) async fn sync(&self, group_id: &str, sync: Sync) -> Synced {
        if let Err(error) = self.ready_for_member(group_id, &sync.member_id) {
            return Synced::refused(error);
        }
        let (answer, answered) = oneshot::channel();
        let syncs = self.with(group_id, false, |group, inner| {
            group.act(inner, |inner, now_ms| {
                inner.syncs.insert(sync.ticket, answer);
                inner.classic.sync(sync, now_ms)
            });
        });
        let Some((group, ())) = syncs else {
            return Synced::refused(ErrorCode::UNKNOWN_MEMBER_ID);
        };
        let gone = Synced::refused(ErrorCode::NOT_COORDINATOR);
        let synced = answered.await.unwrap_or(gone);
        match group.settled().await {
            Ok(()) => synced,
            Err(error) => Synced::refused(error),
        }
    }

    pub(crate) fn heartbeat(&self, group_id: &str, member: Committer<'_>) -> ErrorCode {
        match self.ready_for_member(group_id, member.member_id) {
            // What is not known yet must not end a session.
            Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS) => return ErrorCode::NONE,
            Err(error) => return error,
            Ok(()) => {}
        }
        let beat = self.with(group_id, false, |_, inner| {
            inner.classic.heartbeat(
                member.member_id,
                member.instance_id,
                member.generation,
                self.around.env.now_ms(),
            )
        });
        beat.map_or(ErrorCode::UNKNOWN_MEMBER_ID, |(_, error)| error)
    }

    /// Handles the leave of some members, each for itself.
    pub(crate) async fn leave(
        &self,
        group_id: &str,
        members: &[(&str, Option<&str>)],
    ) -> Result<Vec<Result<(), ErrorCode>>, ErrorCode> {
        self.ready()?;
        for (member_id, _) in members {
            self.ready_for_member(group_id, member_id)?;
        }
        let mut results = Vec::new();
        let left = self.with(group_id, false, |group, inner| {
            group.act(inner, |inner, now_ms| {
                let mut all = Vec::new();
                for (member_id, instance_id) in members {
                    let (result, actions) = inner.classic.leave(member_id, *instance_id, now_ms);
                    results.push(result.map(|_| ()));
                    all.extend(actions);
                }
                all
            });
        });
        let Some((group, ())) = left else {
            return Ok(vec![Err(ErrorCode::UNKNOWN_MEMBER_ID); members.len()]);
        };
        group.settled().await?;
        Ok(results)
    }

    /// A group, if there is such a one.
    pub(crate) async fn describe(&self, group_id: &str) -> Result<Option<Description>, ErrorCode> {
        self.ready()?;
        let Some(group) = self.get(group_id) else {
            return Ok(None);
        };
        group.settled().await?;
        Ok(Some(group.describe()))
    }

    /// All groups, by id.
    pub(crate) async fn list(&self) -> Result<Vec<Description>, ErrorCode> {
        self.ready_for_all()?;
        let mut all = Vec::new();
        for group in self.all() {
            group.settled().await?;
            all.push(group.describe());
        }
        Ok(all)
    }

    /// How many groups are in each state, and how many offsets they have.
    pub(crate) fn counts(&self) -> (BTreeMap<&'static str, usize>, usize) {
        let mut by_state: BTreeMap<_, _> = state::State::ALL.map(|state| (state.name(), 0)).into();
        let mut offsets = 0;
        for group in self.all() {
            let inner = group.lock();
            *by_state.entry(inner.classic.state().name()).or_default() += 1;
            offsets += inner.offsets.len();
        }
        (by_state, offsets)
    }

    /// Reads all groups and offsets from the offsets topic.
    pub(crate) fn load(&self) -> Result<(), Refusal> {
        let Some(topic) = self.log().topic_if_there() else {
            return Ok(());
        };
        let Stored {
            mut groups,
            mut offsets,
        } = self.stored(&topic.partitions, |_| true)?;
        groups.retain(|_, value| value.is_some());
        offsets.retain(|_, offsets| !offsets.is_empty());
        let ids: BTreeSet<String> = groups.keys().chain(offsets.keys()).cloned().collect();
        for id in ids {
            let group = self.get_or_create(&id);
            let mut inner = group.lock();
            self.restore(
                &group,
                &mut inner,
                groups.remove(&id).flatten(),
                offsets.remove(&id).unwrap_or_default(),
            );
        }
        Ok(())
    }

    /// Reads what partitions of the offsets topic say of the groups that are wanted.
    fn stored(
        &self,
        partitions: &[Arc<Partition>],
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Stored, Refusal> {
        let mut stored = Stored::default();
        let mut take = |entry| match entry {
            Entry::Offset {
                group,
                topic,
                partition,
                value,
            } if is_wanted(&group) => {
                let of_group = stored.offsets.entry(group).or_default();
                match value {
                    Some(value) => of_group.insert((topic, partition), value),
                    None => of_group.remove(&(topic, partition)),
                };
            }
            Entry::Group { group, value } if is_wanted(&group) => {
                stored.groups.insert(group, value);
            }
            _ => {}
        };
        for partition in partitions {
            self.log().read(partition, |offset, key, value| {
                match records::decode(key, value) {
                    Ok(Some(entry)) => take(entry),
                    Ok(None) => {}
                    Err(error) => tracing::warn!(offset, %error, "skipped a group's record"),
                }
            })?;
        }
        Ok(stored)
    }

    /// Makes a group what is stored of it.
    fn restore(
        &self,
        group: &Arc<Group>,
        inner: &mut Inner,
        stored: Option<(state::Stored, Option<i64>)>,
        mut offsets: Offsets,
    ) {
        offsets.retain(|(topic, _), value| self.is_of_this_topic(topic, value.topic_id));
        let (stored, since_ms) = stored.unzip();
        group.act(inner, |inner, now_ms| {
            inner.offsets = offsets;
            let settings = self.around.of_groups();
            inner.classic = match stored {
                Some(stored) => ClassicGroup::load(settings, stored, now_ms),
                None => ClassicGroup::new(settings),
            };
            Vec::new()
        });
        inner.state_since_ms = since_ms.flatten();
    }

    /// Whether an offset belongs to the topic that has the name today.
    fn is_of_this_topic(&self, name: &str, id: Uuid) -> bool {
        let named = || self.around.topics.named(name);
        id.is_zero() || named().is_some_and(|topic| topic.id == id)
    }

    fn all(&self) -> Vec<Arc<Group>> {
        self.lock().values().cloned().collect()
    }

    /// Works on a group that is there and stays so meanwhile, and gives it back with the result. One
    /// that is not there may be made.
    fn with<T>(
        &self,
        id: &str,
        make: bool,
        work: impl FnOnce(&Arc<Group>, &mut Inner) -> T,
    ) -> Option<(Arc<Group>, T)> {
        loop {
            let group = match self.get(id) {
                Some(group) => group,
                None if make => self.get_or_create(id),
                None => return None,
            };
            let mut inner = group.lock();
            if !inner.is_deleted {
                let done = work(&group, &mut inner);
                drop(inner);
                return Some((group, done));
            }
        }
    }

    fn get(&self, id: &str) -> Option<Arc<Group>> {
        self.lock().get(id).cloned()
    }

    fn get_or_create(&self, id: &str) -> Arc<Group> {
        let mut groups = self.lock();
        if let Some(group) = groups.get(id) {
            return Arc::clone(group);
        }
        let group = Arc::new(Group::new(id, &self.around));
        groups.insert(id.to_owned(), Arc::clone(&group));
        group
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Group>>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

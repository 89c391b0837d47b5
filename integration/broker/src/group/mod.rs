//! The group coordinator: all groups of the broker, their offsets, their timers and their storage
//! in `__consumer_offsets`.
//!
//! What a group does is decided in [`state`]; here its answers are delivered, its records written
//! and its deadlines watched. Each group has its own lock. Under it the offsets topic is appended
//! to, so the order of locks is group, then partition.

mod records;
pub(crate) mod state;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use kafka_client_protocol::records::{BatchBuilder, Batches, Seal};
use kafka_client_protocol::{ErrorCode, Uuid};
use tokio::sync::{Notify, oneshot};

pub(crate) use self::records::OffsetCommitValue;
use self::records::{Entry, KeyValue};
use self::state::{Action, ClassicGroup, Join, Joined, Settings, State, Sync, Synced, Ticket};
use crate::node::Node;
use crate::partition::Partition;
use crate::topics::{OFFSETS_TOPIC, Topic};
use crate::validate::{Refusal, ValidBatch};

/// What one read of the offsets topic takes in at most, when groups are loaded.
const LOAD_BYTES: usize = 4 << 20;
/// The most that a batch of the offsets topic may decompress to.
const DECOMPRESSED_MAX: usize = 256 << 20;

/// All groups of a broker.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    by_id: Mutex<BTreeMap<String, Arc<Group>>>,
    tickets: AtomicU64,
}

/// One group.
#[derive(Debug)]
pub(crate) struct Group {
    id: String,
    inner: Mutex<Inner>,
    /// Tells the timer task that an earlier deadline has come up.
    changed: Notify,
}

#[derive(Debug)]
struct Inner {
    classic: ClassicGroup,
    offsets: Offsets,
    joins: HashMap<Ticket, oneshot::Sender<Joined>>,
    syncs: HashMap<Ticket, oneshot::Sender<Synced>>,
    /// What the timer task waits for; `None` if there is no task.
    timer: Option<Option<u64>>,
}

/// Committed offsets by topic and partition.
pub(crate) type Offsets = BTreeMap<(String, i32), OffsetCommitValue>;

/// An offset to be committed.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) topic: Arc<Topic>,
    pub(crate) partition: i32,
    pub(crate) value: OffsetCommitValue,
}

/// Who commits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Committer<'a> {
    pub(crate) member_id: &'a str,
    pub(crate) instance_id: Option<&'a str>,
    pub(crate) generation: i32,
}

/// A group as tools see it.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    pub(crate) id: String,
    pub(crate) state: State,
    pub(crate) protocol_type: String,
    pub(crate) protocol: String,
    pub(crate) members: Vec<(String, state::Member)>,
}

impl Groups {
    /// A number that no other waiting request has.
    pub(crate) fn ticket(&self) -> Ticket {
        self.tickets.fetch_add(1, Ordering::Relaxed)
    }

    /// Handles a join; answers when the group has gathered.
    pub(crate) async fn join(&self, node: &Arc<Node>, group_id: &str, join: Join) -> Joined {
        let member_id = join.member_id.clone();
        // Only somebody new makes a group.
        let group = if member_id.is_empty() {
            self.get_or_create(node, group_id)
        } else {
            match self.get(group_id) {
                Some(group) => group,
                None => return Joined::refused(ErrorCode::UNKNOWN_MEMBER_ID, member_id),
            }
        };
        let (answer, answered) = oneshot::channel();
        group.act(node, |inner, now_ms| {
            inner.joins.insert(join.ticket, answer);
            inner.classic.join(join, now_ms)
        });
        let gone = Joined::refused(ErrorCode::NOT_COORDINATOR, member_id);
        answered.await.unwrap_or(gone)
    }

    /// Handles a sync; answers when the leader has assigned.
    pub(crate) async fn sync(&self, node: &Arc<Node>, group_id: &str, sync: Sync) -> Synced {
        let Some(group) = self.get(group_id) else {
            return Synced::refused(ErrorCode::UNKNOWN_MEMBER_ID);
        };
        let (answer, answered) = oneshot::channel();
        group.act(node, |inner, now_ms| {
            inner.syncs.insert(sync.ticket, answer);
            inner.classic.sync(sync, now_ms)
        });
        answered
            .await
            .unwrap_or(Synced::refused(ErrorCode::NOT_COORDINATOR))
    }

    pub(crate) fn heartbeat(
        &self,
        node: &Arc<Node>,
        group_id: &str,
        member: Committer<'_>,
    ) -> ErrorCode {
        let Some(group) = self.get(group_id) else {
            return ErrorCode::UNKNOWN_MEMBER_ID;
        };
        let mut inner = group.lock();
        let now_ms = node.env.now_ms();
        inner.classic.heartbeat(
            member.member_id,
            member.instance_id,
            member.generation,
            now_ms,
        )
    }

    /// Handles the leave of some members, each for itself.
    pub(crate) fn leave(
        &self,
        node: &Arc<Node>,
        group_id: &str,
        members: &[(&str, Option<&str>)],
    ) -> Vec<Result<(), ErrorCode>> {
        let Some(group) = self.get(group_id) else {
            return members
                .iter()
                .map(|_| Err(ErrorCode::UNKNOWN_MEMBER_ID))
                .collect();
        };
        let mut results = Vec::new();
        group.act(node, |inner, now_ms| {
            let mut all = Vec::new();
            for (member_id, instance_id) in members {
                let (result, actions) = inner.classic.leave(member_id, *instance_id, now_ms);
                results.push(result.map(|_| ()));
                all.extend(actions);
            }
            all
        });
        results
    }

    /// Stores offsets: all or, with the error, none. `unknown` is the error for a member of a group
    /// that does not exist.
    pub(crate) fn commit(
        &self,
        node: &Arc<Node>,
        group_id: &str,
        committer: Committer<'_>,
        unknown: ErrorCode,
        commits: Vec<Commit>,
    ) -> Result<(), ErrorCode> {
        let group = match self.get(group_id) {
            Some(group) => group,
            None if committer.generation < 0 => self.get_or_create(node, group_id),
            None => return Err(unknown),
        };
        let mut inner = group.lock();
        let Committer {
            member_id,
            instance_id,
            generation,
        } = committer;
        let now_ms = node.env.now_ms();
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
        append(node, group_id, &entries).map_err(|_| ErrorCode::COORDINATOR_NOT_AVAILABLE)?;
        for commit in commits {
            inner.offsets.insert(
                (commit.topic.name.to_string(), commit.partition),
                commit.value,
            );
        }
        Ok(())
    }

    /// Lets a closure look at the offsets of a group; an unknown group has none.
    pub(crate) fn with_offsets<T>(&self, group_id: &str, look: impl FnOnce(&Offsets) -> T) -> T {
        match self.get(group_id) {
            Some(group) => look(&group.lock().offsets),
            None => look(&Offsets::new()),
        }
    }

    pub(crate) fn describe(&self, group_id: &str) -> Option<Description> {
        self.get(group_id).map(|group| group.describe())
    }

    /// All groups, by id.
    pub(crate) fn list(&self) -> Vec<Description> {
        let groups: Vec<_> = self.lock().values().cloned().collect();
        groups.iter().map(|group| group.describe()).collect()
    }

    /// Forgets the offsets of a topic that was deleted.
    pub(crate) fn forget_topic(&self, node: &Node, topic: &str) {
        let groups: Vec<_> = self.lock().values().cloned().collect();
        for group in groups {
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
                && let Err(refusal) = append(node, &group.id, &entries)
            {
                tracing::warn!(group = group.id, topic, error = %refusal.message, "not forgotten");
            }
        }
    }

    /// Reads all groups and offsets from the offsets topic.
    pub(crate) fn load(&self, node: &Arc<Node>) -> Result<(), Refusal> {
        let Some(topic) = node.topics.named(OFFSETS_TOPIC) else {
            return Ok(());
        };
        let mut stored = BTreeMap::new();
        let mut offsets: BTreeMap<String, Offsets> = BTreeMap::new();
        for partition in &topic.partitions {
            read_entries(partition, |entry| match entry {
                Entry::Offset {
                    group,
                    topic,
                    partition,
                    value,
                } => {
                    let of_group = offsets.entry(group).or_default();
                    match value {
                        Some(value) => of_group.insert((topic, partition), value),
                        None => of_group.remove(&(topic, partition)),
                    };
                }
                Entry::Group { group, value } => {
                    stored.insert(group, value);
                }
            })?;
        }
        let ids: std::collections::BTreeSet<String> =
            stored.keys().chain(offsets.keys()).cloned().collect();
        for id in ids {
            let group = self.get_or_create(node, &id);
            let mut of_group = offsets.remove(&id).unwrap_or_default();
            of_group.retain(|(topic, _), value| is_of_this_topic(node, topic, value.topic_id));
            group.act(node, |inner, now_ms| {
                inner.offsets = of_group;
                if let Some(Some(stored)) = stored.remove(&id) {
                    inner.classic = ClassicGroup::load(settings(node), stored, now_ms);
                }
                Vec::new()
            });
        }
        Ok(())
    }

    fn get(&self, id: &str) -> Option<Arc<Group>> {
        self.lock().get(id).cloned()
    }

    fn get_or_create(&self, node: &Node, id: &str) -> Arc<Group> {
        let mut groups = self.lock();
        if let Some(group) = groups.get(id) {
            return Arc::clone(group);
        }
        let group = Arc::new(Group {
            id: id.to_owned(),
            inner: Mutex::new(Inner {
                classic: ClassicGroup::new(settings(node)),
                offsets: Offsets::new(),
                joins: HashMap::new(),
                syncs: HashMap::new(),
                timer: None,
            }),
            changed: Notify::new(),
        });
        groups.insert(id.to_owned(), Arc::clone(&group));
        group
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Group>>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Group {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the group's state act, carries out what comes of it and sets the timer.
    fn act(self: &Arc<Self>, node: &Arc<Node>, act: impl FnOnce(&mut Inner, u64) -> Vec<Action>) {
        let mut inner = self.lock();
        let actions = act(&mut inner, node.env.now_ms());
        self.carry_out(node, &mut inner, actions);
        let deadline = inner.classic.next_deadline();
        match (inner.timer, deadline) {
            (None, Some(_)) => {
                inner.timer = Some(deadline);
                crate::env::spawn(watch_deadlines(Arc::clone(node), Arc::clone(self)));
            }
            (Some(None), Some(_)) => self.changed.notify_one(),
            (Some(Some(waits)), Some(deadline)) if deadline < waits => self.changed.notify_one(),
            _ => {}
        }
    }

    fn carry_out(&self, node: &Node, inner: &mut Inner, actions: Vec<Action>) {
        let mut stored = true;
        for action in actions {
            match action {
                Action::Persist => {
                    let group = inner.classic.to_stored();
                    let entry = records::group(&self.id, &group, node.env.wall_ms());
                    stored = match entry {
                        Ok(entry) => append(node, &self.id, &[entry]).is_ok(),
                        Err(error) => {
                            tracing::error!(group = self.id, %error, "a group cannot be stored");
                            false
                        }
                    };
                }
                // An answer that relies on what was not stored must not be given. Nobody may be
                // listening any more, which is fine.
                Action::Join(ticket, answer) => {
                    let failed = || {
                        let error = ErrorCode::COORDINATOR_NOT_AVAILABLE;
                        Joined::refused(error, answer.member_id.clone())
                    };
                    let answer = if stored { answer } else { failed() };
                    if let Some(waiting) = inner.joins.remove(&ticket) {
                        drop(waiting.send(answer));
                    }
                }
                Action::Sync(ticket, answer) => {
                    let failed = || Synced::refused(ErrorCode::COORDINATOR_NOT_AVAILABLE);
                    let answer = if stored { answer } else { failed() };
                    if let Some(waiting) = inner.syncs.remove(&ticket) {
                        drop(waiting.send(answer));
                    }
                }
            }
        }
    }

    fn describe(&self) -> Description {
        let inner = self.lock();
        let classic = &inner.classic;
        Description {
            id: self.id.clone(),
            state: classic.state(),
            protocol_type: classic.protocol_type().unwrap_or_default().to_owned(),
            protocol: classic.protocol().unwrap_or_default().to_owned(),
            members: classic
                .members()
                .map(|(id, one)| (id.to_owned(), one.clone()))
                .collect(),
        }
    }
}

/// Runs as long as the broker: wakes a group when one of its deadlines has come.
async fn watch_deadlines(node: Arc<Node>, group: Arc<Group>) {
    let stopped = node.stopped();
    tokio::pin!(stopped);
    loop {
        let deadline = {
            let mut inner = group.lock();
            let deadline = inner.classic.next_deadline();
            inner.timer = Some(deadline);
            deadline
        };
        let moment = deadline.map(|deadline| node.env.moment(deadline));
        tokio::select! {
            biased;
            () = &mut stopped => return,
            () = group.changed.notified() => continue,
            () = async {
                match moment {
                    Some(moment) => crate::env::sleep_until(moment).await,
                    None => std::future::pending().await,
                }
            } => {}
        }
        let mut inner = group.lock();
        let actions = inner.classic.tick(node.env.now_ms());
        group.carry_out(&node, &mut inner, actions);
    }
}

fn settings(node: &Node) -> Settings {
    Settings {
        initial_rebalance_delay_ms: node.config().group.initial_rebalance_delay_ms,
        members_max: node.config().group.members_max,
    }
}

/// Whether an offset belongs to the topic that has the name today.
fn is_of_this_topic(node: &Node, name: &str, id: Uuid) -> bool {
    id.is_zero() || node.topics.named(name).is_some_and(|topic| topic.id == id)
}

/// Appends records of a group to its partition of the offsets topic.
fn append(node: &Node, group_id: &str, entries: &[KeyValue]) -> Result<(), Refusal> {
    let result = try_append(node, group_id, entries);
    if let Err(refusal) = &result {
        tracing::error!(group = group_id, error = %refusal.message, "a group was not stored");
    }
    result
}

fn try_append(node: &Node, group_id: &str, entries: &[KeyValue]) -> Result<(), Refusal> {
    let topic = node.offsets_topic()?;
    let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
    let index = (java_hash(group_id) & i32::MAX) % count.max(1);
    let unreadable = |error: String| Refusal::new(ErrorCode::UNKNOWN_SERVER_ERROR, error);
    let partition = topic
        .partition(index)
        .ok_or_else(|| unreadable(format!("{OFFSETS_TOPIC} has no partition {index}")))?;
    let now_ms = node.env.wall_ms();
    let mut batch = BatchBuilder::new(BytesMut::new());
    for (key, value) in entries {
        batch
            .append(now_ms, Some(key), value.as_deref(), &[])
            .map_err(|error| unreadable(error.to_string()))?;
    }
    let sealed = batch
        .seal(&Seal::default())
        .map_err(|error| unreadable(error.to_string()))?;
    let valid = ValidBatch {
        bytes: sealed.bytes,
        head: sealed.header,
    };
    partition.append(&valid, now_ms).map(|_| ())
}

/// Reads all records of a partition of the offsets topic.
fn read_entries(partition: &Partition, mut each: impl FnMut(Entry)) -> Result<(), Refusal> {
    let ends = partition.ends();
    let mut offset = ends.start_offset;
    while offset < ends.end_offset {
        let fetched = partition.read(offset, LOAD_BYTES, true)?;
        let before = offset;
        for batch in Batches::new(fetched.records) {
            let damaged = |error: kafka_client_protocol::records::RecordError| {
                let text = format!("{OFFSETS_TOPIC} at offset {before}: {error}");
                Refusal::new(ErrorCode::CORRUPT_MESSAGE, text)
            };
            let batch = batch.map_err(damaged)?;
            let mut records = batch.records(DECOMPRESSED_MAX).map_err(damaged)?;
            while let Some(record) = records.next_record() {
                let record = record.map_err(damaged)?;
                let Some(key) = record.key_bytes() else {
                    continue;
                };
                match records::decode(key, record.value_bytes()) {
                    Ok(Some(entry)) => each(entry),
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(offset = record.offset, %error, "skipped a group's record");
                    }
                }
            }
            offset = batch.header().next_offset();
        }
        if offset == before {
            break;
        }
    }
    Ok(())
}

/// `String.hashCode()` of Java, which places groups on partitions.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

#[cfg(test)]
mod tests {
    use super::java_hash;

    #[test]
    fn groups_go_where_java_puts_them() {
        // Printed by Java's `String.hashCode()`.
        for (text, hash) in [
            ("", 0),
            ("a", 97),
            ("hello", 99_162_322),
            ("console-consumer", -648_006_740),
            ("grüße 😀", 347_379_084),
        ] {
            assert_eq!(java_hash(text), hash, "{text}");
        }
    }
}

//! Where a consumer is in each of its partitions. Pure: no clock, no socket.
//!
//! The *fetch* position runs ahead of the *consumed* position by what is buffered. Every change
//! that makes data under way useless (seek, reset, revocation) raises the partition's version; data
//! that arrives under an old version is dropped by comparing it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kafka_client_protocol::Uuid;
use tokio::time::Instant;

use super::TopicPartition;
use super::marks::Marks;
use super::replica::Replica;
use super::resets::{PositionReset, ResetReason};
use super::source::Asked;
use super::work::{Ticket, Tracking, Work};
use crate::cluster::metadata::PartitionMetadata;

/// A version that no data has: the partition is no longer assigned.
const REVOKED: u64 = u64::MAX;

/// What the consumer's user and its tasks share of a partition, without a lock.
#[derive(Debug)]
pub(crate) struct Assigned {
    pub(crate) partition: TopicPartition,
    version: AtomicU64,
    marks: Marks,
    is_paused: AtomicBool,
    /// It is about to be given up.
    is_held: AtomicBool,
    /// With manual acknowledgement, which says what is processed.
    work: Option<Arc<Work>>,
}

/// A seek or a revocation came in between: the record is not to be handed out.
#[derive(Debug)]
pub(crate) struct Stale;

impl Assigned {
    fn new(partition: TopicPartition, tracking: Option<&Arc<Tracking>>) -> Arc<Self> {
        Arc::new(Self {
            work: tracking.cloned().map(Work::new),
            partition,
            version: AtomicU64::new(0),
            marks: Marks::new(),
            is_paused: AtomicBool::new(false),
            is_held: AtomicBool::new(false),
        })
    }

    /// Whether data of this version is still wanted.
    pub(crate) fn is_current(&self, version: u64) -> bool {
        self.version.load(Ordering::Acquire) == version
    }

    /// Next offset to hand out; -1 while it is not known.
    pub(crate) fn position(&self) -> i64 {
        self.marks.position()
    }

    /// Everything below was handed out, and asked beyond, or acknowledged: the user is done with it.
    pub(crate) fn processed(&self) -> i64 {
        match &self.work {
            Some(work) => work.processed(),
            None => self.marks.processed(),
        }
    }

    /// The leader epoch of the last record that was handed out, -1 if unknown.
    pub(crate) fn epoch(&self) -> i32 {
        self.marks.epoch()
    }

    /// The leader epoch of the last record that a commit covers, -1 if unknown.
    pub(crate) fn committable_epoch(&self) -> i32 {
        let work = self.work();
        match work.is_some_and(|work| work.ledger().in_work() > 0) {
            // That of the last one handed out may be a later one.
            true => -1,
            false => self.epoch(),
        }
    }

    /// What a call for a commit covers: all that was handed out, or acknowledged.
    pub(crate) fn committable(&self) -> i64 {
        match &self.work {
            Some(_) => self.processed(),
            None => self.position(),
        }
    }

    /// With manual acknowledgement, what is in work.
    pub(crate) fn work(&self) -> Option<&Work> {
        self.work.as_deref()
    }

    /// Whether nothing may be handed out for now: it is paused, or too much is in work.
    pub(crate) fn is_halted(&self) -> bool {
        self.is_paused.load(Ordering::Acquire) || self.work().is_some_and(Work::is_full)
    }

    /// The reader has data of this partition at hand: its marks are those of the last seek.
    pub(crate) fn catch_up(&self) {
        self.marks.catch_up();
    }

    /// Where the reader is, for itself.
    #[inline]
    pub(crate) fn reading(&self) -> i64 {
        self.marks.reading()
    }

    /// The record at `offset`, of data of this version, is handed out; it is done with when
    /// [`finish`](Self::finish) says so. Returned is the record's ticket, with manual acknowledgement. By
    /// the reader alone.
    #[inline]
    pub(crate) fn hand_out(&self, version: u64, offset: i64) -> Result<Option<Ticket>, Stale> {
        let Some(work) = &self.work else {
            // A seek that comes after this look is one after the record.
            if !self.is_current(version) {
                return Err(Stale);
            }
            self.marks.hand_out(offset + 1);
            return Ok(None);
        };
        // Under the lock, as a seek: it begins the ledger anew, with or without this record.
        let mut ledger = work.ledger();
        if !self.is_current(version) {
            return Err(Stale);
        }
        self.marks.hand_out(offset + 1);
        Ok(Some(work.hand_out(&mut ledger, offset)))
    }

    /// Whether it was not given up since.
    pub(crate) fn is_owned(&self) -> bool {
        !self.is_current(REVOKED)
    }

    /// Whether it is about to be given up.
    pub(crate) fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Acquire)
    }

    /// As [`Assigned::hand_out`], for a batch up to `next`, of this leader epoch and timestamp.
    pub(crate) fn hand_out_batch(
        &self,
        version: u64,
        next: i64,
        epoch: i32,
        timestamp: i64,
    ) -> bool {
        let mut ledger = self.work().map(Work::ledger);
        if !self.is_current(version) {
            return false;
        }
        // The epoch first: with that of the records before, a commit of these would look truncated to
        // whoever begins there.
        self.marks.begin_batch(epoch, timestamp);
        self.marks.hand_out(next);
        if let Some(ledger) = &mut ledger {
            ledger.skip_to(next);
        }
        true
    }

    /// The records that are handed out from now on are of a batch of this leader epoch and timestamp.
    pub(crate) fn begin_batch(&self, epoch: i32, timestamp: i64) {
        self.marks.begin_batch(epoch, timestamp);
    }

    /// When what was handed out last was written, or a little before, in milliseconds since the Unix epoch;
    /// -1 if unknown.
    pub(crate) fn timestamp(&self) -> i64 {
        self.marks.timestamp()
    }

    /// Data of this version has nothing to hand out below `next`.
    pub(crate) fn skip_to(&self, version: u64, next: i64, epoch: i32) {
        if next > self.reading() {
            self.hand_out_batch(version, next, epoch, -1);
        }
    }

    /// How often the position was moved, by a seek or a reset.
    pub(crate) fn moves(&self) -> u64 {
        self.marks.moves()
    }

    /// The user commits what was handed out before this offset. The consumer's state is locked.
    pub(crate) fn claim(&self, offset: i64) {
        // With manual acknowledgement the user says so.
        if self.work.is_none() {
            self.marks.claim(offset);
        }
    }

    /// The user is done with all that was handed out. By the reader, or when that is no more.
    #[inline]
    pub(crate) fn finish(&self) {
        // With manual acknowledgement the user says so.
        if self.work.is_none() {
            self.marks.finish();
        }
    }

    /// Moves the position, while the consumer's state is locked, and the version has been raised. Forward,
    /// what is in work stays so: who seeks behind a batch that cannot be read is not done with what came
    /// before it.
    fn set(&self, offset: i64) {
        let position = self.position();
        self.move_to(offset, position >= 0 && offset >= position);
    }

    /// As [`set`](Self::set); what is in work is kept, or forgotten.
    fn move_to(&self, offset: i64, keeps_work: bool) {
        let mut ledger = self.work().map(Work::ledger);
        if let (Some(ledger), Some(work)) = (&mut ledger, &self.work) {
            work.move_to(ledger, offset, keeps_work);
        }
        self.marks.move_to(offset);
    }
}

/// What stands between a partition and its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The group's stored offset is being asked for.
    Unknown,
    /// The offset for this timestamp is being asked for: -1 end, -2 beginning.
    Reset { timestamp: i64 },
    /// Records are fetched from this offset on.
    Fetching { offset: i64 },
    /// Nothing to begin with: the user must seek.
    Stuck,
}

/// What only the leader knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// The offset for this timestamp: -1 end, -2 beginning.
    Offset { timestamp: i64 },
    /// Where this epoch ends in the log: at this offset or after, if nothing was lost.
    EndOfEpoch { epoch: i32, offset: i64 },
}

/// A partition as the consumer's tasks see it.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Tells this assignment of the partition from those before: it may have been somebody else's
    /// in between.
    pub(crate) assignment: u64,
    pub(crate) assigned: Arc<Assigned>,
    pub(crate) stage: Stage,
    /// It is about to be given up: nothing of it is handed out any more.
    held: bool,
    /// The topic's id, zero while it is not known.
    topic_id: Uuid,
    /// The leader as last heard of.
    leader: PartitionMetadata,
    /// Leader epoch of the record before the fetch position, -1 if unknown.
    last_epoch: i32,
    /// The leader has changed, and the log may have been truncated: nothing is fetched before that is
    /// known (KIP-320).
    is_in_doubt: bool,
    /// The choice between the leader and others.
    pub(crate) replica: Replica,
    /// The broker that it is read from, -1 if from none: answers of others are stale.
    pub(crate) source: i32,
    /// Not asked for before this instant, after an error.
    pub(crate) not_before: Option<Instant>,
    /// Partitions are read apart, and enough waits for this one's stream.
    pub(crate) has_enough: bool,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// End of the log as last seen, -1 if unknown.
    pub(crate) high_watermark: i64,
    /// The offset that the group has stored, as far as this member knows.
    pub(crate) committed: i64,
    /// When this member stored it, if it did.
    pub(crate) committed_at: Option<Instant>,
    /// Where handing out began, or was moved to by a seek.
    began: i64,
    /// Why the position is being reset, if the user did not ask for it.
    reason: Option<ResetReason>,
}

/// All partitions of a consumer.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    slots: BTreeMap<TopicPartition, Slot>,
    /// Those that have changed, with the source that each had.
    touched: Vec<(TopicPartition, i32)>,
    /// The number of the latest assignment.
    assignments: u64,
    /// With manual acknowledgement.
    tracking: Option<Arc<Tracking>>,
}

impl Positions {
    /// With manual acknowledgement of what is handed out.
    pub(crate) fn tracked(tracking: Option<Arc<Tracking>>) -> Self {
        Self {
            tracking,
            ..Self::default()
        }
    }

    /// Adds a partition at its beginning stage.
    pub(crate) fn assign(&mut self, partition: &TopicPartition, stage: Stage) {
        self.assignments += 1;
        let slot = Slot {
            assignment: self.assignments,
            assigned: Assigned::new(partition.clone(), self.tracking.as_ref()),
            stage: Stage::Unknown,
            held: false,
            topic_id: Uuid::ZERO,
            leader: PartitionMetadata::UNKNOWN,
            last_epoch: -1,
            is_in_doubt: false,
            replica: Replica::default(),
            source: -1,
            not_before: None,
            has_enough: false,
            failures: 0,
            high_watermark: -1,
            committed: -1,
            committed_at: None,
            began: -1,
            reason: None,
        };
        self.slots.entry(partition.clone()).or_insert(slot);
        self.set_stage(partition, stage);
    }

    /// Removes a partition; what is under way for it is dropped.
    pub(crate) fn remove(&mut self, partition: &TopicPartition) -> Option<Slot> {
        let slot = self.slots.remove(partition)?;
        self.touched.push((partition.clone(), slot.source));
        slot.assigned.version.store(REVOKED, Ordering::Release);
        if let Some(work) = slot.assigned.work() {
            work.end();
        }
        Some(slot)
    }

    /// Goes on from an offset, or by asking for one; what is under way is dropped. `false` if the
    /// partition is not assigned.
    pub(crate) fn set_stage(&mut self, partition: &TopicPartition, stage: Stage) -> bool {
        let Some(slot) = self.slots.get_mut(partition) else {
            return false;
        };
        slot.stage = stage;
        slot.reason = None;
        slot.not_before = None;
        slot.failures = 0;
        slot.renew();
        self.touched.push((partition.clone(), slot.source));
        (slot.last_epoch, slot.is_in_doubt) = (-1, false);
        if let Stage::Fetching { offset } = stage {
            slot.began = offset;
            slot.assigned.set(offset);
        }
        // Else what was handed out and processed still is, and may be committed.
        true
    }

    /// Takes the topics' ids as they are known now. Returned are the partitions of topics that were made
    /// anew, with where they were: what was handed out of them is no more, and nothing of it may be
    /// committed.
    pub(crate) fn note_topics(&mut self, id: impl Fn(&str) -> Uuid) -> Vec<(TopicPartition, i64)> {
        let mut made_anew = Vec::new();
        for (partition, slot) in &mut self.slots {
            let id = id(&partition.topic);
            if id.is_zero() {
                continue;
            }
            let before = std::mem::replace(&mut slot.topic_id, id);
            if before.is_zero() || before == id {
                continue;
            }
            let position = slot.assigned.position();
            slot.renew();
            slot.assigned.set(-1);
            slot.committed = -1;
            made_anew.push((partition.clone(), position));
        }
        made_anew
    }

    /// What comes next follows a record of this leader epoch, as the group has it stored. If the leader is
    /// a later one, the log may have been truncated while nobody read it (KIP-320).
    pub(crate) fn follows_epoch(&mut self, partition: &TopicPartition, leader_epoch: i32) {
        if let Some(slot) = self.slots.get_mut(partition) {
            slot.last_epoch = leader_epoch;
            slot.assigned.marks.follow_epoch(leader_epoch);
            slot.is_in_doubt = leader_epoch >= 0 && slot.leader.leader_epoch > leader_epoch;
        }
    }

    /// Asks for the offset to go on from, for a reason that is not the user's.
    pub(crate) fn reset(
        &mut self,
        partition: &TopicPartition,
        timestamp: i64,
        reason: ResetReason,
    ) {
        self.set_stage(partition, Stage::Reset { timestamp });
        if let Some(slot) = self.slots.get_mut(partition) {
            slot.reason = Some(reason);
        }
    }

    /// The offset to go on from was found. What there is to tell, if the user did not ask for it.
    pub(crate) fn begin_at(
        &mut self,
        partition: &TopicPartition,
        offset: i64,
    ) -> Option<PositionReset> {
        let slot = self.slots.get(partition)?;
        let from = slot.assigned.position();
        let reset = slot.reason.map(|reason| PositionReset {
            partition: partition.clone(),
            from: (from >= 0).then_some(from),
            to: offset,
            reason,
        });
        self.set_stage(partition, Stage::Fetching { offset });
        reset
    }

    /// The log was truncated: it is another from `offset` on. Data that was fetched ahead from there on is
    /// dropped. `Some` with the position if that is behind it, so that records were handed out that are
    /// not in the log any more; what becomes of it is up to the caller.
    pub(crate) fn truncated(&mut self, partition: &TopicPartition, offset: i64) -> Option<i64> {
        let slot = self.slots.get_mut(partition)?;
        let Stage::Fetching { offset: fetched } = &mut slot.stage else {
            return None;
        };
        let position = slot.assigned.position();
        if position > offset {
            return Some(position);
        }
        let epoch = slot.assigned.epoch();
        // The same would be answered with the same again.
        let is_the_same = *fetched == position && slot.last_epoch == epoch;
        slot.last_epoch = if is_the_same { -1 } else { epoch };
        *fetched = position;
        slot.is_in_doubt = false;
        slot.renew();
        // The reader may be about to hand out the record at this offset of the former log: what is there
        // now is another one.
        slot.assigned.marks.stay();
        self.touched.push((partition.clone(), slot.source));
        None
    }

    /// Pauses or resumes. Data that is buffered is kept for later.
    pub(crate) fn set_paused(&mut self, partition: &TopicPartition, paused: bool) {
        if let Some(slot) = self.slots.get_mut(partition) {
            slot.assigned.is_paused.store(paused, Ordering::Release);
            self.touched.push((partition.clone(), slot.source));
        }
    }

    /// Drops what is buffered of a partition: it is fetched again when it is wanted.
    pub(crate) fn rewind(&mut self, partition: &TopicPartition) {
        if let Some(slot) = self.slots.get_mut(partition)
            && let Stage::Fetching { offset } = &mut slot.stage
        {
            *offset = slot.assigned.position();
            slot.last_epoch = slot.assigned.epoch();
            slot.renew();
            self.touched.push((partition.clone(), slot.source));
        }
    }

    /// Begins again at an offset that was handed out, if it is known, with nothing in work: who worked on
    /// it is no more. What the group has stored, and what the leader is asked, stays as it is.
    pub(crate) fn go_back(&mut self, partition: &TopicPartition, offset: i64) {
        let Some(slot) = self.slots.get_mut(partition) else {
            return;
        };
        if offset >= 0 {
            slot.renew();
            slot.assigned.move_to(offset, false);
            if let Stage::Fetching { offset: fetched } = &mut slot.stage {
                *fetched = offset;
            }
            if !slot.is_in_doubt {
                slot.last_epoch = -1;
            }
        }
        self.touched.push((partition.clone(), slot.source));
    }

    /// Hands out nothing more of a partition, whatever the user asks, until it is removed.
    pub(crate) fn hold(&mut self, partition: &TopicPartition) {
        if let Some(slot) = self.slots.get_mut(partition) {
            slot.held = true;
            slot.assigned.is_held.store(true, Ordering::Release);
            if let Some(work) = slot.assigned.work() {
                work.hold();
            }
            slot.renew();
            self.touched.push((partition.clone(), slot.source));
        }
    }

    /// The number of a partition's present assignment; 0 if it is not assigned.
    pub(crate) fn assignment(&self, partition: &TopicPartition) -> u64 {
        self.get(partition).map_or(0, |slot| slot.assignment)
    }

    pub(crate) fn get(&self, partition: &TopicPartition) -> Option<&Slot> {
        self.slots.get(partition)
    }

    pub(crate) fn get_mut(&mut self, partition: &TopicPartition) -> Option<&mut Slot> {
        self.slots.get_mut(partition)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&TopicPartition, &Slot)> {
        self.slots.iter()
    }

    /// Has the sources look at a partition again, and at where it is read from.
    pub(crate) fn touch(&mut self, partition: &TopicPartition) {
        if let Some(slot) = self.slots.get(partition) {
            self.touched.push((partition.clone(), slot.source));
        }
    }

    /// As [`Positions::touch`], of all.
    pub(crate) fn touch_all(&mut self) {
        let all = self.slots.iter();
        self.touched = all
            .map(|(partition, slot)| (partition.clone(), slot.source))
            .chain(std::mem::take(&mut self.touched))
            .collect();
    }

    /// The partitions that have changed since the last call, with the source that each had.
    pub(crate) fn take_touched(&mut self) -> Vec<(TopicPartition, i32)> {
        std::mem::take(&mut self.touched)
    }

    pub(crate) fn partitions(&self) -> Vec<TopicPartition> {
        self.slots.keys().cloned().collect()
    }
}

impl Slot {
    /// Whether records were handed out that the group has no offset behind.
    pub(crate) fn has_uncommitted(&self) -> bool {
        self.assigned.committable() > self.committed.max(self.began)
    }

    /// The next offset to hand out; `None` while it is not known.
    pub(crate) fn position(&self) -> Option<i64> {
        match self.stage {
            Stage::Fetching { .. } | Stage::Stuck => {
                Some(self.assigned.position()).filter(|offset| *offset >= 0)
            }
            Stage::Unknown | Stage::Reset { .. } => None,
        }
    }

    /// Takes the topic's id if it has none yet.
    pub(crate) fn learn_topic(&mut self, id: Uuid) {
        if self.topic_id.is_zero() {
            self.topic_id = id;
        }
    }

    /// The leader as last heard of.
    pub(crate) fn leader(&self) -> PartitionMetadata {
        self.leader
    }

    pub(crate) fn version(&self) -> u64 {
        self.assigned.version.load(Ordering::Acquire)
    }

    /// Makes everything under way stale.
    fn renew(&mut self) {
        self.assigned.version.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes the leader as it is known now, and finds the broker to read from; -1 if there is none.
    pub(crate) fn choose_source(&mut self, leader: PartitionMetadata, now: Instant) -> i32 {
        if leader != self.leader {
            let is_fetching = matches!(self.stage, Stage::Fetching { .. });
            let is_later = leader.leader_epoch > self.leader.leader_epoch.max(-1);
            if is_fetching && is_later && self.last_epoch >= 0 {
                self.is_in_doubt = true;
            }
            self.leader = leader;
            self.replica.forget();
        }
        match leader.leader {
            ..0 => -1,
            leader => self.replica.node(leader, now),
        }
    }

    /// One more failure: nothing is asked for before this instant.
    pub(crate) fn back_off(&mut self, not_before: Instant) {
        self.failures = (self.failures + 1).min(20);
        self.not_before = Some(not_before);
    }

    /// What to ask for now; else when to look again, if there is such a time.
    pub(crate) fn ask(&self, now: Instant) -> Result<Asked, Option<Instant>> {
        let Stage::Fetching { offset } = self.stage else {
            return Err(None);
        };
        if self.held || self.is_in_doubt || self.has_enough || self.assigned.is_halted() {
            return Err(None);
        }
        if let Some(instant) = self.not_before.filter(|instant| *instant > now) {
            return Err(Some(instant));
        }
        Ok(Asked {
            version: self.version(),
            offset,
            leader_epoch: self.leader.leader_epoch,
            last_epoch: self.last_epoch,
            may_refer: self.replica.may_refer(now),
        })
    }

    /// What the leader is to be asked about this partition.
    pub(crate) fn question(&self) -> Option<Question> {
        match self.stage {
            Stage::Reset { timestamp } => Some(Question::Offset { timestamp }),
            Stage::Fetching { offset } if self.is_in_doubt => Some(Question::EndOfEpoch {
                epoch: self.last_epoch,
                offset,
            }),
            _ => None,
        }
    }

    /// Whether the log may be another than the one that was read.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.is_in_doubt
    }

    /// The leader says nothing against the position, or cannot say anything.
    pub(crate) fn trust(&mut self) {
        self.is_in_doubt = false;
    }

    /// Asks for what comes without the epoch of what came before: brokers cannot always tell of it.
    pub(crate) fn forget_last_epoch(&mut self) {
        self.last_epoch = -1;
    }

    /// Data up to `next` arrived for a request of `version`; `false` if it is stale. `epoch` is that of
    /// the last of it.
    pub(crate) fn fetched(&mut self, version: u64, from: i64, next: i64, epoch: i32) -> bool {
        if self.version() != version {
            return false;
        }
        if next > from {
            self.failures = 0;
        }
        match &mut self.stage {
            Stage::Fetching { offset } if *offset == from => {
                *offset = next.max(from);
                if next > from {
                    self.last_epoch = epoch;
                }
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition() -> TopicPartition {
        TopicPartition::new("orders", 3)
    }

    fn fetching(offset: i64) -> Positions {
        let mut positions = Positions::default();
        positions.assign(&partition(), Stage::Fetching { offset });
        positions.get(&partition()).unwrap().assigned.catch_up();
        positions
    }

    #[test]
    fn data_that_arrives_after_a_seek_is_stale() {
        let mut positions = fetching(10);
        let version = positions.get(&partition()).unwrap().version();
        positions.set_stage(&partition(), Stage::Fetching { offset: 50 });
        let slot = positions.get_mut(&partition()).unwrap();
        assert!(!slot.fetched(version, 10, 20, 0));
        assert_eq!(slot.stage, Stage::Fetching { offset: 50 });
        assert_eq!(slot.assigned.position(), 50);
    }

    #[test]
    fn a_partition_that_comes_back_is_another_than_the_one_revoked() {
        let mut positions = fetching(10);
        let slot = positions.remove(&partition()).unwrap();
        positions.assign(&partition(), Stage::Fetching { offset: 10 });
        let version = positions.get(&partition()).unwrap().version();
        assert!(!slot.assigned.is_current(version));
        assert_ne!(slot.assignment, positions.assignment(&partition()));
    }

    #[test]
    fn the_user_is_done_with_a_record_when_the_next_is_asked_for() {
        let positions = fetching(10);
        let slot = positions.get(&partition()).unwrap();
        let (version, assigned) = (slot.version(), &slot.assigned);
        assert!(assigned.hand_out(version, 10).is_ok());
        assert_eq!((assigned.processed(), assigned.position()), (10, 11));
        assigned.finish();
        assert!(assigned.hand_out(version, 11).is_ok());
        assert_eq!((assigned.processed(), assigned.position()), (11, 12));
        assigned.finish();
        assert_eq!(assigned.processed(), 12);
    }

    #[test]
    fn a_pause_keeps_what_is_buffered_until_it_is_dropped() {
        let mut positions = fetching(10);
        let slot = positions.get_mut(&partition()).unwrap();
        let version = slot.version();
        assert!(slot.fetched(version, 10, 100, 0));
        assert!(slot.assigned.hand_out(version, 14).is_ok());
        positions.set_paused(&partition(), true);
        let slot = positions.get(&partition()).unwrap();
        assert!(slot.assigned.is_current(version) && slot.assigned.is_halted());
        assert_eq!(slot.stage, Stage::Fetching { offset: 100 });
        assert_eq!(slot.ask(Instant::now()), Err(None));
        positions.rewind(&partition());
        let slot = positions.get(&partition()).unwrap();
        assert!(!slot.assigned.is_current(version));
        assert_eq!(slot.stage, Stage::Fetching { offset: 15 });
        assert_eq!(slot.ask(Instant::now()), Err(None));
        positions.set_paused(&partition(), false);
        let slot = positions.get(&partition()).unwrap();
        assert!(slot.ask(Instant::now()).is_ok());
    }

    #[test]
    fn a_held_partition_gives_nothing_more_even_after_a_seek_or_resume() {
        let mut positions = fetching(10);
        let version = positions.get(&partition()).unwrap().version();
        positions.hold(&partition());
        let slot = positions.get(&partition()).unwrap();
        assert!(
            !slot.assigned.is_current(version),
            "what is buffered is dropped"
        );
        positions.set_paused(&partition(), true);
        positions.set_paused(&partition(), false);
        positions.set_stage(&partition(), Stage::Fetching { offset: 50 });
        let slot = positions.get(&partition()).unwrap();
        assert_eq!(slot.ask(Instant::now()), Err(None));
    }

    #[test]
    fn data_that_a_seek_overtakes_does_not_move_the_position() {
        let mut positions = fetching(10);
        let slot = positions.get(&partition()).unwrap();
        let (version, assigned) = (slot.version(), slot.assigned.clone());
        // The user's task has looked at the version and the position; now somebody seeks.
        positions.set_stage(&partition(), Stage::Fetching { offset: 5 });
        assert!(assigned.hand_out(version, 10).is_err());
        assert!(!assigned.hand_out_batch(version, 100, 0, -1));
        assigned.skip_to(version, 100, 0);
        assert_eq!((assigned.processed(), assigned.position()), (5, 5));
        // Nor is anything handed out of a partition that was taken away.
        positions.remove(&partition());
        assert!(assigned.hand_out(version + 1, 5).is_err());
    }

    /// 289 records were handed out, a corrupt batch came, and nothing of them was stored.
    #[test]
    fn what_was_handed_out_stays_so_when_a_partition_sticks_or_is_reset() {
        for stage in [Stage::Stuck, Stage::Reset { timestamp: -2 }] {
            let mut positions = fetching(10);
            let slot = positions.get(&partition()).unwrap();
            let version = slot.version();
            assert!(slot.assigned.hand_out_batch(version, 15, 3, -1));
            slot.assigned.finish();
            assert!(slot.assigned.hand_out(version, 15).is_ok());
            positions.set_stage(&partition(), stage);
            let slot = positions.get(&partition()).unwrap();
            let assigned = &slot.assigned;
            assert_eq!((assigned.processed(), assigned.position()), (15, 16));
            assert_eq!(assigned.epoch(), 3);
            assert!(slot.has_uncommitted());
            assert!(!assigned.is_current(version));
            let known = matches!(stage, Stage::Stuck).then_some(16);
            assert_eq!(slot.position(), known, "{stage:?}");
            positions.set_stage(&partition(), Stage::Fetching { offset: 50 });
            let assigned = &positions.get(&partition()).unwrap().assigned;
            assert_eq!((assigned.processed(), assigned.position()), (50, 50));
        }
    }

    fn leader(leader_epoch: i32) -> PartitionMetadata {
        PartitionMetadata {
            leader: 1,
            leader_epoch,
        }
    }

    /// Fetched up to 100, of epoch 3; handed out up to 50.
    fn read_ahead() -> Positions {
        let mut positions = fetching(10);
        let slot = positions.get_mut(&partition()).unwrap();
        let version = slot.version();
        assert_eq!(slot.choose_source(leader(3), Instant::now()), 1);
        assert!(slot.fetched(version, 10, 100, 3));
        assert!(slot.assigned.hand_out_batch(version, 50, 3, -1));
        positions
    }

    #[test]
    fn nothing_is_fetched_from_a_new_leader_before_it_is_known_whether_its_log_is_the_same() {
        let mut positions = read_ahead();
        let slot = positions.get_mut(&partition()).unwrap();
        let now = Instant::now();
        assert_eq!(slot.ask(now).unwrap().last_epoch, 3);
        slot.choose_source(leader(4), now);
        assert_eq!(slot.ask(now), Err(None));
        let question = Question::EndOfEpoch {
            epoch: 3,
            offset: 100,
        };
        assert_eq!(slot.question(), Some(question));
        // What it was does not change by one more change.
        slot.choose_source(leader(5), now);
        assert_eq!(slot.question(), Some(question));
        slot.trust();
        assert_eq!(slot.question(), None);
        assert_eq!(slot.ask(now).unwrap().offset, 100);
    }

    #[test]
    fn without_epochs_there_is_no_doubt() {
        let now = Instant::now();
        for (last_epoch, next) in [(-1, 4), (3, -1), (3, 3)] {
            let mut positions = fetching(10);
            let slot = positions.get_mut(&partition()).unwrap();
            slot.choose_source(leader(3), now);
            assert!(slot.fetched(slot.version(), 10, 100, last_epoch));
            slot.choose_source(leader(next), now);
            assert!(!slot.is_in_doubt(), "{last_epoch}, {next}");
        }
    }

    #[test]
    fn truncation_of_what_was_only_fetched_ahead_drops_that() {
        for end in [50, 70] {
            let mut positions = read_ahead();
            let version = positions.get(&partition()).unwrap().version();
            assert_eq!(positions.truncated(&partition(), end), None);
            let slot = positions.get(&partition()).unwrap();
            assert!(!slot.assigned.is_current(version));
            let asked = slot.ask(Instant::now()).unwrap();
            assert_eq!((asked.offset, asked.last_epoch), (50, 3));
            // The same again, with nothing to drop: then the epoch is of no use.
            assert_eq!(positions.truncated(&partition(), end), None);
            let slot = positions.get(&partition()).unwrap();
            assert_eq!(slot.ask(Instant::now()).unwrap().last_epoch, -1);
        }
    }

    #[test]
    fn truncation_of_what_was_handed_out_is_up_to_the_caller() {
        let mut positions = read_ahead();
        assert_eq!(positions.truncated(&partition(), 49), Some(50));
        let slot = positions.get(&partition()).unwrap();
        assert_eq!(slot.position(), Some(50));
    }

    #[test]
    fn a_position_never_goes_back_over_a_gap() {
        let positions = fetching(10);
        let slot = positions.get(&partition()).unwrap();
        let (version, assigned) = (slot.version(), &slot.assigned);
        assigned.skip_to(version, 30, 2);
        assigned.skip_to(version, 20, 2);
        assert_eq!(assigned.position(), 30);
    }
}

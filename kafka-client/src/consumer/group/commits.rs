//! Which offsets are to be stored, and who waits for that. Pure: no clock, no socket.
//!
//! At most one offset of a partition waits: a later one takes the place of an earlier one, and those
//! who wait for the earlier one are told when the later one is stored. So offsets are stored in the
//! order they were given, however long a request takes, and a consumer that commits faster than its
//! coordinator answers takes no more memory than its partitions.

use std::collections::{BTreeMap, btree_map};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::consumer::TopicPartition;
use crate::error::Error;

/// An offset to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) partition: TopicPartition,
    pub(crate) offset: i64,
    /// -1 if unknown.
    pub(crate) leader_epoch: i32,
    /// The assignment of the partition that it was made under, 0 for none.
    pub(crate) assignment: u64,
}

/// Tells how a commit ended.
pub(crate) type Reply = oneshot::Sender<Result<(), Error>>;

/// Offsets that are to be stored.
#[derive(Debug, Default)]
pub(crate) struct Commits {
    /// Not sent, or to be sent again.
    waiting: BTreeMap<TopicPartition, Entry>,
    /// With the coordinator.
    sent: BTreeMap<TopicPartition, Entry>,
    /// In the order of their calls, and so of the ends of their time.
    waiters: BTreeMap<u64, Waiter>,
    next_waiter: u64,
    /// Once there are more waiters than this, those that nobody listens to are dropped.
    crowd: usize,
    /// The latest failure that may pass.
    cause: Option<Error>,
    /// Nothing is stored any more, and why.
    ended: Option<Error>,
    /// Calls that have ended, and are to hear of it.
    told: Vec<Told>,
}

/// How a commit ended, for the one who waits for that.
#[derive(Debug)]
pub(crate) struct Told(Reply, Result<(), Error>);

impl Told {
    /// Wakes who waits: when no lock is held, as a waker may do anything.
    pub(crate) fn tell(self) {
        // Fails only if nobody waits any more.
        let _ = self.0.send(self.1);
    }
}

#[derive(Debug)]
struct Entry {
    commit: Commit,
    waiters: Vec<u64>,
    /// After this, it is not sent any more.
    end: Instant,
    not_before: Option<Instant>,
    /// Refusals in a row.
    refusals: u32,
}

/// A call that waits for its offsets.
#[derive(Debug)]
struct Waiter {
    /// Partitions without an outcome.
    open: usize,
    end: Instant,
    /// The first failure of a partition for good.
    error: Option<Error>,
    /// The latest failure that may pass.
    cause: Option<Error>,
    reply: Reply,
}

/// Below this, waiters are not looked through for those that nobody listens to.
const CROWD: usize = 64;

impl Commits {
    /// Takes what is to be stored until `end`. `error` is a failure that is known already, told when
    /// the rest is done.
    pub(crate) fn add(
        &mut self,
        commits: Vec<Commit>,
        reply: Option<Reply>,
        error: Option<Error>,
        end: Instant,
    ) {
        // Of a partition that is named twice, the last offset counts.
        let commits: BTreeMap<_, _> = commits
            .into_iter()
            .map(|commit| (commit.partition.clone(), commit))
            .collect();
        if commits.is_empty() || self.ended.is_some() {
            let error = error.or_else(|| self.ended.clone());
            let told = reply.map(|reply| Told(reply, error.map_or(Ok(()), Err)));
            self.told.extend(told);
            return;
        }
        let waiter = reply.map(|reply| {
            self.next_waiter += 1;
            let waiter = Waiter {
                open: commits.len(),
                end,
                error,
                cause: None,
                reply,
            };
            self.waiters.insert(self.next_waiter, waiter);
            self.next_waiter
        });
        self.drop_deaf();
        for (partition, commit) in commits {
            if let Some(sent) = self.sent.get_mut(&partition)
                && sent.commit == commit
                && !self.waiting.contains_key(&partition)
            {
                // The same is on its way. To send it again would have no end, if it is asked for often.
                sent.waiters.extend(waiter);
                sent.end = end;
                continue;
            }
            let entry = match self.waiting.entry(partition) {
                btree_map::Entry::Vacant(entry) => entry.insert(Entry::new(commit, end)),
                btree_map::Entry::Occupied(entry) => {
                    let entry = entry.into_mut();
                    entry.commit = commit;
                    entry.end = end;
                    entry
                }
            };
            entry.waiters.extend(waiter);
        }
    }

    /// Forgets waiters that nobody listens to, so that dropped ones do not pile up.
    fn drop_deaf(&mut self) {
        if self.waiters.len() <= self.crowd.max(CROWD) {
            return;
        }
        self.waiters.retain(|_, waiter| !waiter.reply.is_closed());
        for entry in self.waiting.values_mut().chain(self.sent.values_mut()) {
            entry.waiters.retain(|id| self.waiters.contains_key(id));
        }
        self.crowd = self.waiters.len() * 2;
    }

    /// What was sent and has no outcome is to be sent again; whether there is such.
    pub(crate) fn send_again(&mut self) -> bool {
        let has_unanswered = !self.sent.is_empty();
        for (partition, mut entry) in std::mem::take(&mut self.sent) {
            entry.put_before(self.waiting.remove(&partition));
            self.waiting.insert(partition, entry);
        }
        has_unanswered
    }

    /// What may be sent now, in one request. The outcome of each is to be told, by
    /// [`stored`](Self::stored), [`refused`](Self::refused), [`again`](Self::again) or
    /// [`unanswered`](Self::unanswered); what was taken and has none when more is taken is sent again.
    pub(crate) fn take(&mut self, now: Instant) -> Vec<Commit> {
        self.send_again();
        for (partition, entry) in std::mem::take(&mut self.waiting) {
            let is_due = entry.not_before.is_none_or(|instant| instant <= now);
            let to = if is_due {
                &mut self.sent
            } else {
                &mut self.waiting
            };
            to.insert(partition, entry);
        }
        self.sent
            .values()
            .map(|entry| entry.commit.clone())
            .collect()
    }

    /// When to send next; `None` if there is nothing.
    pub(crate) fn next_attempt(&self, now: Instant) -> Option<Instant> {
        let attempts = self.waiting.values();
        attempts.map(|entry| entry.not_before.unwrap_or(now)).min()
    }

    /// The offset that was sent is stored.
    pub(crate) fn stored(&mut self, partition: &TopicPartition) {
        if let Some(entry) = self.sent.remove(partition) {
            self.settle(&entry.waiters, None);
        }
    }

    /// The offset that was sent will never be stored.
    pub(crate) fn refused(&mut self, partition: &TopicPartition, error: &Error) {
        if let Some(entry) = self.sent.remove(partition) {
            self.settle(&entry.waiters, Some(error));
        }
    }

    /// The partition's offset is not this member's to store. Whether somebody waited for it, and so
    /// hears of that.
    pub(crate) fn give_up(&mut self, partition: &TopicPartition, error: &Error) -> bool {
        let mut is_told = false;
        let sent = self.sent.remove(partition);
        for entry in sent.into_iter().chain(self.waiting.remove(partition)) {
            is_told |= entry.waiters.iter().any(|id| self.waiters.contains_key(id));
            self.settle(&entry.waiters, Some(error));
        }
        is_told
    }

    /// Nobody is to wait for this to pass: all who do are told. The offsets stay to be stored.
    pub(crate) fn tell(&mut self, error: &Error) {
        let waiters = std::mem::take(&mut self.waiters).into_values();
        self.told.extend(waiters.map(|waiter| {
            let error = waiter.error.unwrap_or_else(|| error.clone());
            Told(waiter.reply, Err(error))
        }));
    }

    /// Nothing is stored from now on: whoever waits or comes is told why.
    pub(crate) fn end(&mut self, error: &Error) {
        self.ended.get_or_insert_with(|| error.clone());
        let sent = std::mem::take(&mut self.sent);
        let waiting = std::mem::take(&mut self.waiting);
        for entry in sent.into_values().chain(waiting.into_values()) {
            self.settle(&entry.waiters, Some(error));
        }
    }

    /// The coordinator refused what was sent, for a reason that concerns the partition and may pass: it
    /// is to be sent again, not before an instant; unless a later offset has come meanwhile, which is
    /// sent instead.
    pub(crate) fn again(&mut self, partition: &TopicPartition, error: &Error, not_before: Instant) {
        if let Some(entry) = self.back(partition, error, Some(not_before)) {
            entry.refusals += 1;
        }
    }

    /// As [`again`](Self::again), for a reason that does not concern the partition.
    pub(crate) fn held_up(
        &mut self,
        partition: &TopicPartition,
        error: &Error,
        not_before: Instant,
    ) {
        self.back(partition, error, Some(not_before));
    }

    /// There is no answer for what was sent, or one that does not concern the partition: it is to be
    /// sent again.
    pub(crate) fn unanswered(&mut self, partition: &TopicPartition, error: &Error) {
        self.back(partition, error, None);
    }

    /// What was sent waits again; `None` if it was given up meanwhile.
    fn back(
        &mut self,
        partition: &TopicPartition,
        error: &Error,
        not_before: Option<Instant>,
    ) -> Option<&mut Entry> {
        let mut sent = self.sent.remove(partition)?;
        self.cause = Some(error.clone());
        for id in &sent.waiters {
            if let Some(waiter) = self.waiters.get_mut(id) {
                waiter.cause = Some(error.clone());
            }
        }
        sent.put_before(self.waiting.remove(partition));
        sent.not_before = not_before;
        Some(self.waiting.entry(partition.clone()).or_insert(sent))
    }

    /// The offset of this partition that is to be stored, or being stored: the last of them.
    pub(crate) fn pending(&self, partition: &TopicPartition) -> Option<i64> {
        let entry = self.waiting.get(partition);
        let entry = entry.or_else(|| self.sent.get(partition));
        entry.map(|entry| entry.commit.offset)
    }

    /// Refusals of a partition's offset in a row.
    pub(crate) fn refusals(&self, partition: &TopicPartition) -> u32 {
        let entry = self.sent.get(partition);
        let entry = entry.or_else(|| self.waiting.get(partition));
        entry.map_or(0, |entry| entry.refusals)
    }

    /// Whether one of these partitions, or any, waits to be sent, and was not refused this often.
    pub(crate) fn has_hope(&self, of: Option<&[TopicPartition]>, refusals: u32) -> bool {
        let is_hopeful = |entry: &Entry| entry.refusals < refusals;
        match of {
            Some(of) => of
                .iter()
                .any(|partition| self.waiting.get(partition).is_some_and(is_hopeful)),
            None => self.waiting.values().any(is_hopeful),
        }
    }

    /// The latest failure that may pass.
    pub(crate) fn cause(&self) -> Option<&Error> {
        self.cause.as_ref()
    }

    /// Offsets that are not stored.
    pub(crate) fn unstored(&self) -> impl Iterator<Item = &Commit> {
        let entries = self.sent.values().chain(self.waiting.values());
        entries.map(|entry| &entry.commit)
    }

    /// Whose offsets are to be stored although this says that they are not this member's.
    pub(crate) fn foreign(&self, is_foreign: impl Fn(&Commit) -> bool) -> Vec<TopicPartition> {
        let foreign = self
            .waiting
            .values()
            .filter(|entry| is_foreign(&entry.commit));
        foreign
            .map(|entry| entry.commit.partition.clone())
            .collect()
    }

    /// When the time of the first one who waits is over.
    pub(crate) fn next_end(&self) -> Option<Instant> {
        self.waiters.values().next().map(|waiter| waiter.end)
    }

    /// Ends the wait of those whose time, of this length, is over, and drops what nobody wants any
    /// more. What is with the coordinator may still be stored.
    pub(crate) fn expire(&mut self, now: Instant, limit: Duration, setting: &str) {
        while let Some(first) = self.waiters.first_entry() {
            if first.get().end > now {
                break;
            }
            let waiter = first.remove();
            let late = Error::timeout("the commit", limit, setting);
            let error = match (waiter.error, waiter.cause) {
                (Some(error), _) => error,
                (None, Some(cause)) => late.caused_by(&cause).at_place_of(&cause),
                (None, None) => late.with_hint("the group was rebalancing all the time"),
            };
            self.told.push(Told(waiter.reply, Err(error)));
        }
        self.waiting.retain(|_, entry| entry.end > now);
    }

    /// Those who are to hear how their commits ended.
    pub(crate) fn take_told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }

    fn settle(&mut self, waiters: &[u64], error: Option<&Error>) {
        for id in waiters {
            let Some(waiter) = self.waiters.get_mut(id) else {
                continue;
            };
            if let Some(error) = error {
                waiter.error.get_or_insert_with(|| error.clone());
            }
            waiter.open -= 1;
            if waiter.open > 0 {
                continue;
            }
            if let Some(waiter) = self.waiters.remove(id) {
                let outcome = waiter.error.map_or(Ok(()), Err);
                self.told.push(Told(waiter.reply, outcome));
            }
        }
    }
}

impl Entry {
    fn new(commit: Commit, end: Instant) -> Self {
        Self {
            commit,
            waiters: Vec::new(),
            end,
            not_before: None,
            refusals: 0,
        }
    }

    /// A later offset, if there is one, is the one to be stored.
    fn put_before(&mut self, later: Option<Self>) {
        if let Some(later) = later {
            self.commit = later.commit;
            self.end = later.end;
            self.waiters.extend(later.waiters);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const LIMIT: Duration = Duration::from_secs(60);

    fn at(partition: i32, offset: i64) -> Commit {
        Commit {
            partition: TopicPartition::new("orders", partition),
            offset,
            leader_epoch: -1,
            assignment: 1,
        }
    }

    type Answer = oneshot::Receiver<Result<(), Error>>;

    fn add(commits: &mut Commits, offsets: &[Commit], now: Instant) -> Answer {
        let (reply, answer) = oneshot::channel();
        commits.add(offsets.to_vec(), Some(reply), None, now + LIMIT);
        answer
    }

    fn outcome(commits: &mut Commits, answer: &mut Answer) -> Option<Result<(), ErrorKind>> {
        commits.take_told().into_iter().for_each(Told::tell);
        let result = answer.try_recv().ok()?;
        Some(result.map_err(|error| error.kind()))
    }

    fn broken() -> Error {
        Error::new(ErrorKind::Disconnected, "cut")
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_offset_takes_the_place_of_an_earlier_one_and_both_are_told() {
        let now = Instant::now();
        let mut commits = Commits::default();
        let mut first = add(&mut commits, &[at(0, 50)], now);
        let mut second = add(&mut commits, &[at(0, 110)], now);
        assert_eq!(commits.take(now), [at(0, 110)]);
        // Comes while the request is under way, and is sent after it.
        let mut third = add(&mut commits, &[at(0, 120)], now);
        commits.stored(&at(0, 0).partition);
        assert_eq!(outcome(&mut commits, &mut first), Some(Ok(())));
        assert_eq!(outcome(&mut commits, &mut second), Some(Ok(())));
        assert_eq!(outcome(&mut commits, &mut third), None);
        assert_eq!(commits.take(now), [at(0, 120)]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_sent_again_does_not_take_the_place_of_what_came_later() {
        let now = Instant::now();
        let mut commits = Commits::default();
        let mut first = add(&mut commits, &[at(0, 50)], now);
        assert_eq!(commits.take(now), [at(0, 50)]);
        let mut second = add(&mut commits, &[at(0, 110)], now);
        let partition = at(0, 0).partition;
        commits.again(&partition, &broken(), now + Duration::from_secs(1));
        assert_eq!(commits.take(now), []);
        let later = commits.next_attempt(now).unwrap();
        assert_eq!(later, now + Duration::from_secs(1));
        assert_eq!(commits.take(later), [at(0, 110)]);
        commits.stored(&at(0, 0).partition);
        assert_eq!(outcome(&mut commits, &mut first), Some(Ok(())));
        assert_eq!(outcome(&mut commits, &mut second), Some(Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_on_its_way_is_not_sent_again_but_waited_for() {
        let now = Instant::now();
        let mut commits = Commits::default();
        let mut first = add(&mut commits, &[at(0, 50)], now);
        assert_eq!(commits.take(now), [at(0, 50)]);
        let mut second = add(&mut commits, &[at(0, 50)], now);
        assert_eq!(outcome(&mut commits, &mut second), None);
        commits.stored(&at(0, 0).partition);
        assert_eq!(outcome(&mut commits, &mut first), Some(Ok(())));
        assert_eq!(outcome(&mut commits, &mut second), Some(Ok(())));
        assert_eq!(commits.next_attempt(now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_partition_that_is_refused_holds_no_other_and_fails_its_own_commit_only() {
        let now = Instant::now();
        let mut commits = Commits::default();
        let mut both = add(&mut commits, &[at(0, 5), at(1, 7)], now);
        let mut one = add(&mut commits, &[at(1, 8)], now);
        assert_eq!(commits.take(now), [at(0, 5), at(1, 8)]);
        commits.again(&at(0, 0).partition, &broken(), now + Duration::from_secs(1));
        commits.stored(&at(1, 0).partition);
        assert_eq!(outcome(&mut commits, &mut one), Some(Ok(())));
        assert_eq!(outcome(&mut commits, &mut both), None);
        commits.take(now + Duration::from_secs(1));
        let error = Error::new(ErrorKind::UnknownTopic, "gone");
        commits.refused(&at(0, 0).partition, &error);
        assert_eq!(
            outcome(&mut commits, &mut both),
            Some(Err(ErrorKind::UnknownTopic))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_is_told_why_and_nothing_is_left() {
        let now = Instant::now();
        let mut commits = Commits::default();
        let mut early = add(&mut commits, &[at(0, 5)], now);
        commits.take(now);
        commits.unanswered(&at(0, 0).partition, &broken());
        let mut late = add(&mut commits, &[at(0, 6)], now + LIMIT / 2);
        assert_eq!(commits.next_end(), Some(now + LIMIT));
        commits.expire(now + LIMIT, LIMIT, "default.api.timeout.ms");
        commits.take_told().into_iter().for_each(Told::tell);
        let error = early.try_recv().unwrap().unwrap_err();
        assert!(error.to_string().contains("default.api.timeout.ms") && error.is_timeout());
        assert!(error.to_string().contains("cut"), "{error}");
        assert_eq!(outcome(&mut commits, &mut late), None);
        commits.expire(now + LIMIT * 2, LIMIT, "default.api.timeout.ms");
        assert_eq!(
            outcome(&mut commits, &mut late),
            Some(Err(ErrorKind::Timeout))
        );
        assert_eq!(commits.next_attempt(now + LIMIT * 2), None);
    }

    #[tokio::test(start_paused = true)]
    async fn commits_that_nobody_waits_for_take_no_memory() {
        let now = Instant::now();
        let mut commits = Commits::default();
        let mut kept = add(&mut commits, &[at(0, 0)], now);
        for offset in 1..100_000 {
            drop(add(&mut commits, &[at(0, offset)], now));
        }
        assert!(commits.waiters.len() <= 2 * CROWD);
        assert_eq!(commits.take(now), [at(0, 99_999)]);
        commits.stored(&at(0, 0).partition);
        assert_eq!(outcome(&mut commits, &mut kept), Some(Ok(())));
        assert!(commits.waiters.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_to_fail_is_told_when_the_rest_is_done() {
        let now = Instant::now();
        let mut commits = Commits::default();
        let (reply, mut answer) = oneshot::channel();
        let lost = Error::new(ErrorKind::GroupLost, "gone");
        commits.add(vec![at(0, 5)], Some(reply), Some(lost), now + LIMIT);
        assert_eq!(outcome(&mut commits, &mut answer), None);
        commits.take(now);
        commits.stored(&at(0, 0).partition);
        assert_eq!(
            outcome(&mut commits, &mut answer),
            Some(Err(ErrorKind::GroupLost))
        );
    }
}

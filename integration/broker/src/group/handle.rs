//! One group behind its lock: its answers delivered, its records written, its deadlines watched.
//!
//! Under the lock the offsets topic is appended to, so the order of locks is group, then partition.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::internal_topics::KeyValue;
use tokio::sync::{Notify, oneshot};

use super::state::{Action, ClassicGroup, Joined, Member, State, Synced, Ticket};
use super::{Offsets, Surroundings, records};
use crate::coordinator_log::Written;
use crate::env;

/// One group.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: String,
    around: Arc<Surroundings>,
    inner: Mutex<Inner>,
    /// Tells the timer task that an earlier deadline has come up.
    changed: Notify,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) classic: ClassicGroup,
    pub(super) offsets: Offsets,
    pub(super) joins: HashMap<Ticket, oneshot::Sender<Joined>>,
    pub(super) syncs: HashMap<Ticket, oneshot::Sender<Synced>>,
    /// When it came to be in its state, by the wall clock. Not known of a group that never had members.
    pub(super) state_since_ms: Option<i64>,
    /// Whoever finds it so has to look for the group anew.
    pub(super) is_deleted: bool,
    /// The last change.
    written: Option<Written>,
    /// What the timer task waits for; `None` if there is no task.
    timer: Option<Option<u64>>,
}

/// A group as tools see it.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    pub(crate) id: String,
    pub(crate) state: State,
    pub(crate) protocol_type: String,
    pub(crate) protocol: String,
    pub(crate) members: Vec<(String, Member)>,
}

impl Group {
    pub(super) fn new(id: &str, around: &Arc<Surroundings>) -> Self {
        Self {
            id: id.to_owned(),
            inner: Mutex::new(Inner {
                classic: ClassicGroup::new(around.of_groups()),
                offsets: Offsets::new(),
                joins: HashMap::new(),
                syncs: HashMap::new(),
                state_since_ms: None,
                is_deleted: false,
                written: None,
                timer: None,
            }),
            changed: Notify::new(),
            around: Arc::clone(around),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all that the group has written is sure to stay: nobody is to see what may be lost
    /// with this broker.
    pub(super) async fn settled(&self) -> Result<(), ErrorCode> {
        let written = self.lock().written.clone();
        match written {
            Some(written) => written.committed().await,
            None => Ok(()),
        }
    }

    /// Lets the group's state act, carries out what comes of it and sets the timer.
    pub(super) fn act(
        self: &Arc<Self>,
        inner: &mut Inner,
        act: impl FnOnce(&mut Inner, u64) -> Vec<Action>,
    ) {
        self.step(inner, act);
        let deadline = inner.classic.next_deadline();
        match (inner.timer, deadline) {
            (None, Some(_)) => {
                inner.timer = Some(deadline);
                env::spawn(watch_deadlines(Arc::clone(self)));
            }
            (Some(None), Some(_)) => self.changed.notify_one(),
            (Some(Some(waits)), Some(deadline)) if deadline < waits => self.changed.notify_one(),
            _ => {}
        }
    }

    fn step(&self, inner: &mut Inner, act: impl FnOnce(&mut Inner, u64) -> Vec<Action>) {
        let before = inner.classic.state();
        let actions = act(inner, self.around.env.now_ms());
        if inner.classic.state() != before {
            inner.state_since_ms = Some(self.around.env.wall_ms());
        }
        self.carry_out(inner, actions);
    }

    /// Writes records of the group.
    pub(super) fn append(&self, inner: &mut Inner, records: &[KeyValue]) -> Result<(), ErrorCode> {
        inner.written = Some(self.around.log.append(&self.id, records)?);
        Ok(())
    }

    /// Takes back all that is stored of the group. It is the caller's to take it out of the list.
    pub(super) fn remove(&self, inner: &mut Inner) -> Result<(), ErrorCode> {
        let offsets = inner.offsets.keys();
        let offsets =
            offsets.map(|(topic, partition)| records::offset(&self.id, topic, *partition, None));
        let tombstones = offsets.chain([records::group_tombstone(&self.id)]);
        let tombstones: Result<Vec<_>, _> = tombstones.collect();
        self.append(
            inner,
            &tombstones.map_err(|_| ErrorCode::UNKNOWN_SERVER_ERROR)?,
        )?;
        inner.is_deleted = true;
        self.changed.notify_one();
        Ok(())
    }

    fn carry_out(&self, inner: &mut Inner, actions: Vec<Action>) {
        // An answer that relies on what was not stored must not be given.
        let mut stored = Ok(());
        for action in actions {
            match action {
                Action::Persist => stored = self.persist(inner),
                // Nobody may be listening any more, which is fine.
                Action::Join(ticket, answer) => {
                    let answer = match stored {
                        Ok(()) => answer,
                        Err(error) => Joined::refused(error, answer.member_id),
                    };
                    if let Some(waiting) = inner.joins.remove(&ticket) {
                        drop(waiting.send(answer));
                    }
                }
                Action::Sync(ticket, answer) => {
                    let answer = match stored {
                        Ok(()) => answer,
                        Err(error) => Synced::refused(error),
                    };
                    if let Some(waiting) = inner.syncs.remove(&ticket) {
                        drop(waiting.send(answer));
                    }
                }
            }
        }
    }

    fn persist(&self, inner: &mut Inner) -> Result<(), ErrorCode> {
        let group = inner.classic.to_stored();
        let record = records::group(&self.id, &group, inner.state_since_ms);
        let record = record.map_err(|error| {
            tracing::error!(group = self.id, %error, "a group cannot be stored");
            ErrorCode::UNKNOWN_SERVER_ERROR
        })?;
        self.append(inner, &[record])
    }

    pub(super) fn describe(&self) -> Description {
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

/// Runs as long as the broker and the group: wakes a group when one of its deadlines has come.
async fn watch_deadlines(group: Arc<Group>) {
    let mut stopping = group.around.stopping.clone();
    // Also when the broker is gone without a stop.
    let stopped = stopping.wait_for(|stopping| *stopping);
    tokio::pin!(stopped);
    loop {
        let deadline = {
            let mut inner = group.lock();
            if inner.is_deleted {
                return;
            }
            let deadline = inner.classic.next_deadline();
            inner.timer = Some(deadline);
            deadline
        };
        let moment = deadline.map(|deadline| group.around.env.moment(deadline));
        tokio::select! {
            biased;
            _ = &mut stopped => return,
            () = group.changed.notified() => continue,
            () = async {
                match moment {
                    Some(moment) => env::sleep_until(moment).await,
                    None => std::future::pending().await,
                }
            } => {}
        }
        let mut inner = group.lock();
        if inner.is_deleted {
            return;
        }
        group.step(&mut inner, |inner, now_ms| inner.classic.tick(now_ms));
    }
}

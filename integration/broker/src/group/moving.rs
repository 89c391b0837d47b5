//! A coordinator that moves away and back: its members must find it again, and it knows what is stored.

use std::collections::{BTreeMap, BTreeSet};
use std::slice;
use std::sync::{Mutex, PoisonError};

use kafka_client_protocol::ErrorCode;

use super::{Groups, Stored};
use crate::coordinator_log::partition_of;
use crate::refusal::Refusal;

/// The members that are yet to be sent away, by their groups.
#[derive(Debug, Default)]
pub(super) struct Moved(Mutex<BTreeMap<String, BTreeSet<String>>>);

impl Groups {
    /// Loads a group anew, and sends its members away once.
    pub(crate) fn move_coordinator(&self, group_id: &str) -> Result<(), Refusal> {
        let unknown = || {
            let text = format!("there is no group {group_id}");
            Refusal::new(ErrorCode::GROUP_ID_NOT_FOUND, text)
        };
        let moved = self.with(group_id, false, |group, inner| {
            let topic = self.log().topic()?;
            let index = partition_of(group_id, topic.partitions.len());
            let partition = topic.partition(index).ok_or_else(unknown)?;
            let Stored {
                mut groups,
                mut offsets,
            } = self.stored(slice::from_ref(partition), |id| id == group_id)?;
            let members = inner.classic.members();
            // Those that wait are told by the end of their wait.
            let others = members.filter(|(_, member)| !member.is_waiting());
            self.moved
                .add(group_id, others.map(|(id, _)| id.to_owned()));
            inner.joins.clear();
            inner.syncs.clear();
            self.restore(
                group,
                inner,
                groups.remove(group_id).flatten(),
                offsets.remove(group_id).unwrap_or_default(),
            );
            Ok(())
        });
        let (_, result) = moved.ok_or_else(unknown)?;
        result
    }

    /// Whether this broker answers a member of a group.
    pub(super) fn ready_for_member(&self, group_id: &str, member: &str) -> Result<(), ErrorCode> {
        self.ready()?;
        match self.moved.take(group_id, member) {
            true => Err(ErrorCode::NOT_COORDINATOR),
            false => Ok(()),
        }
    }
}

impl Moved {
    fn add(&self, group_id: &str, members: impl Iterator<Item = String>) {
        let mut moved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        moved.insert(group_id.to_owned(), members.collect());
    }

    fn take(&self, group_id: &str, member: &str) -> bool {
        let mut moved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(members) = moved.get_mut(group_id) else {
            return false;
        };
        let is_moved = members.remove(member);
        if members.is_empty() {
            moved.remove(group_id);
        }
        is_moved
    }
}

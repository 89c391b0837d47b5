//! What a strict coordinator says before it has read its part of the log. This one has read all of it
//! before it takes the first request, so only the answer is given: to the first request of each part.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use kafka_client_protocol::ErrorCode;

use super::Groups;
use crate::coordinator_log::partition_of;

/// The partitions of the log that were asked for.
#[derive(Debug, Default)]
pub(super) struct Asked(Mutex<BTreeSet<i32>>);

impl Groups {
    /// Whether this broker answers for a group.
    pub(super) fn ready(&self, group_id: &str) -> Result<(), ErrorCode> {
        if !self.is_strict {
            return Ok(());
        }
        let topic = self.log().topic_if_there();
        let partitions = topic.ok_or(ErrorCode::NOT_COORDINATOR)?.partitions.len();
        self.asked.ask([partition_of(group_id, partitions)])
    }

    /// Whether this broker answers for all groups there are. Without the topic there is none.
    pub(super) fn ready_for_all(&self) -> Result<(), ErrorCode> {
        match self.log().topic_if_there() {
            Some(topic) if self.is_strict => self
                .asked
                .ask((0..).zip(&topic.partitions).map(|(index, _)| index)),
            _ => Ok(()),
        }
    }
}

impl Asked {
    fn ask(&self, partitions: impl IntoIterator<Item = i32>) -> Result<(), ErrorCode> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = asked.len();
        asked.extend(partitions);
        if asked.len() > known {
            Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS)
        } else {
            Ok(())
        }
    }
}

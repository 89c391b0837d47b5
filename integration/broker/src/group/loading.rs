//! What a strict coordinator says before it has read its log. This one has read all of it before it
//! takes the first request, so only the answer is given: to the first request. As in a cluster, all
//! parts of the log are read at the same time: who was answered about one is answered about all.

use std::sync::atomic::{AtomicBool, Ordering};

use kafka_client_protocol::ErrorCode;

use super::Groups;

/// Whether anybody has asked yet.
#[derive(Debug, Default)]
pub(super) struct Asked(AtomicBool);

impl Groups {
    /// Whether this broker answers for a group.
    pub(super) fn ready(&self) -> Result<(), ErrorCode> {
        if !self.is_strict {
            return Ok(());
        }
        self.log()
            .topic_if_there()
            .ok_or(ErrorCode::NOT_COORDINATOR)?;
        self.asked.ask()
    }

    /// Whether this broker answers for all groups there are. Without the topic there is none.
    pub(super) fn ready_for_all(&self) -> Result<(), ErrorCode> {
        match self.log().topic_if_there() {
            Some(_) if self.is_strict => self.asked.ask(),
            _ => Ok(()),
        }
    }
}

impl Asked {
    fn ask(&self) -> Result<(), ErrorCode> {
        if self.0.swap(true, Ordering::Relaxed) {
            Ok(())
        } else {
            Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS)
        }
    }
}

//! What a member of a classic group knows of its place, and what an answer of the coordinator
//! means for it. Pure.

use kafka_client_protocol::ErrorCode;

use super::Assignor;
use super::assignor::Former;
use crate::consumer::TopicPartition;

/// A member's place in its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Membership {
    /// Given by the coordinator; empty before.
    pub(crate) member_id: String,
    /// -1 outside of a generation.
    pub(crate) generation: i32,
    /// The last generation that brought an assignment; -1 if what came with it is lost.
    settled: i32,
    /// The assignor the group runs.
    pub(crate) assignor: Option<Assignor>,
    /// Whether this member computes the assignments.
    pub(crate) leader: bool,
    /// What it owns, in order.
    pub(crate) owned: Vec<TopicPartition>,
    /// What it was assigned last, and by which assignor; that outlives what it owns.
    last: Option<(Assignor, Former)>,
}

/// What a rebalance changes for a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) revoked: Vec<TopicPartition>,
    pub(crate) added: Vec<TopicPartition>,
}

/// What an error of the coordinator asks for; the later the more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Remedy {
    /// The same again, a little later.
    Retry,
    /// The coordinator is reading what it has to know: the same again, a little later.
    Load,
    /// Another broker coordinates the group: find it, then the same again.
    FindCoordinator,
    /// The group is rebalancing: join again; what is owned stays owned meanwhile.
    Rejoin,
    /// The member has missed a generation: its partitions may belong to others. Join again.
    RejoinLost,
    /// The coordinator does not know the member: as above, under a new id.
    RejoinAsNew,
    /// Join again with the id that came with the answer (KIP-394).
    UseMemberId,
    /// No way on.
    Fatal,
}

impl Membership {
    pub(crate) fn new() -> Self {
        Self {
            member_id: String::new(),
            generation: -1,
            settled: -1,
            assignor: None,
            leader: false,
            owned: Vec::new(),
            last: None,
        }
    }

    /// Notes what the assignor of the group has assigned, for later rebalances.
    pub(crate) fn note(&mut self, assigned: &[TopicPartition]) {
        self.settled = self.generation;
        let former = Former {
            owned: assigned.to_vec(),
            generation: self.generation,
        };
        self.last = self.assignor.clone().map(|assignor| (assignor, former));
    }

    /// What it got last, if that was by this assignor.
    pub(crate) fn last_of(&self, assignor: &Assignor) -> Option<&Former> {
        let (by, former) = self.last.as_ref()?;
        (by == assignor).then_some(former)
    }

    /// What an assignment changes, in either protocol: what is kept keeps flowing.
    pub(crate) fn changes(&self, assigned: &[TopicPartition]) -> Changes {
        let minus = |left: &[TopicPartition], right: &[TopicPartition]| {
            let mut rest: Vec<_> = left
                .iter()
                .filter(|partition| !right.contains(partition))
                .cloned()
                .collect();
            rest.sort();
            rest.dedup();
            rest
        };
        Changes {
            revoked: minus(&self.owned, assigned),
            added: minus(assigned, &self.owned),
        }
    }

    /// The coordinator is in another generation than the member. If this one brought no assignment, that can be
    /// the one before: a coordinator stores a generation with its assignment, so one that restarts in the middle
    /// of a rebalance begins again at the last that has one. What is owned is owned in that. Whether there is such.
    pub(crate) fn fall_back(&mut self) -> bool {
        let has_one = (0..self.generation).contains(&self.settled);
        if has_one {
            self.generation = self.settled;
        }
        has_one
    }

    /// The place in the group is gone; the partitions with it.
    pub(crate) fn lose(&mut self, remedy: Remedy) -> Vec<TopicPartition> {
        self.generation = -1;
        self.settled = -1;
        self.leader = false;
        if remedy == Remedy::RejoinAsNew {
            self.member_id.clear();
        }
        std::mem::take(&mut self.owned)
    }
}

/// What an error in an answer to JoinGroup, SyncGroup or Heartbeat asks for.
pub(crate) fn remedy(code: ErrorCode) -> Remedy {
    match code {
        ErrorCode::COORDINATOR_NOT_AVAILABLE | ErrorCode::NOT_COORDINATOR => {
            Remedy::FindCoordinator
        }
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS => Remedy::Load,
        ErrorCode::REBALANCE_IN_PROGRESS => Remedy::Rejoin,
        ErrorCode::ILLEGAL_GENERATION => Remedy::RejoinLost,
        ErrorCode::UNKNOWN_MEMBER_ID => Remedy::RejoinAsNew,
        ErrorCode::MEMBER_ID_REQUIRED => Remedy::UseMemberId,
        code if code.is_retriable() => Remedy::Retry,
        _ => Remedy::Fatal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partitions(numbers: &[i32]) -> Vec<TopicPartition> {
        numbers
            .iter()
            .map(|number| TopicPartition::new("orders", *number))
            .collect()
    }

    #[test]
    fn what_is_kept_is_neither_revoked_nor_added() {
        let membership = Membership {
            owned: partitions(&[0, 1, 2]),
            ..Membership::new()
        };
        let changes = membership.changes(&partitions(&[2, 3]));
        assert_eq!(changes.revoked, partitions(&[0, 1]));
        assert_eq!(changes.added, partitions(&[3]));
    }

    #[test]
    fn an_unknown_member_comes_back_under_a_new_id_an_old_generation_under_its_own() {
        let joined = Membership {
            member_id: "me".to_owned(),
            generation: 7,
            owned: partitions(&[1]),
            ..Membership::new()
        };
        let mut membership = joined.clone();
        assert_eq!(
            membership.lose(remedy(ErrorCode::ILLEGAL_GENERATION)),
            partitions(&[1])
        );
        assert_eq!(
            (membership.member_id.as_str(), membership.generation),
            ("me", -1)
        );
        let mut membership = joined;
        membership.lose(remedy(ErrorCode::UNKNOWN_MEMBER_ID));
        assert_eq!(membership, Membership::new());
    }

    #[test]
    fn a_generation_without_an_assignment_falls_back_once() {
        let mut membership = Membership::new();
        assert!(!membership.fall_back());
        membership.generation = 7;
        assert!(!membership.fall_back(), "nothing came before");
        membership.note(&partitions(&[1]));
        assert!(!membership.fall_back(), "it has its assignment");
        membership.generation = 9;
        assert!(membership.fall_back());
        assert_eq!(membership.generation, 7);
        assert!(!membership.fall_back());
        membership.generation = 9;
        membership.lose(Remedy::RejoinLost);
        membership.generation = 10;
        assert!(!membership.fall_back(), "what it had is lost");
    }

    #[test]
    fn what_an_assignor_gave_last_outlives_the_membership() {
        let mut membership = Membership {
            generation: 7,
            assignor: Some(Assignor::Sticky),
            ..Membership::new()
        };
        assert_eq!(membership.last_of(&Assignor::Sticky), None);
        membership.note(&partitions(&[1, 2]));
        membership.lose(Remedy::RejoinAsNew);
        let last = Former {
            owned: partitions(&[1, 2]),
            generation: 7,
        };
        assert_eq!(membership.last_of(&Assignor::Sticky), Some(&last));
        assert_eq!(membership.last_of(&Assignor::CooperativeSticky), None);
    }

    #[test]
    fn errors_ask_for_what_kafka_s_client_does() {
        for (code, expected) in [
            (ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, Remedy::Load),
            (ErrorCode::NOT_COORDINATOR, Remedy::FindCoordinator),
            (ErrorCode::FENCED_INSTANCE_ID, Remedy::Fatal),
            (ErrorCode::INCONSISTENT_GROUP_PROTOCOL, Remedy::Fatal),
            (ErrorCode::GROUP_AUTHORIZATION_FAILED, Remedy::Fatal),
            (ErrorCode::GROUP_MAX_SIZE_REACHED, Remedy::Fatal),
        ] {
            assert_eq!(remedy(code), expected, "{code}");
        }
    }
}

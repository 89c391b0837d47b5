//! The coordinator's table, state by state, and the ways through it.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_client_protocol::ErrorCode;

use super::*;

const SESSION_MS: i32 = 10_000;
const REBALANCE_MS: i32 = 60_000;

/// A group with a clock and the answers it gave.
struct World {
    group: ClassicGroup,
    now_ms: u64,
    tickets: Ticket,
    joins: BTreeMap<Ticket, Joined>,
    syncs: BTreeMap<Ticket, Synced>,
    persisted: usize,
}

impl World {
    fn new() -> Self {
        Self::with(Settings {
            initial_rebalance_delay_ms: 0,
            members_max: 100,
        })
    }

    fn with(settings: Settings) -> Self {
        Self {
            group: ClassicGroup::new(settings),
            now_ms: 1_000_000,
            tickets: 0,
            joins: BTreeMap::new(),
            syncs: BTreeMap::new(),
            persisted: 0,
        }
    }

    fn carry_out(&mut self, actions: Actions) {
        for action in actions {
            match action {
                Action::Persist => self.persisted += 1,
                Action::Join(ticket, answer) => {
                    assert!(
                        self.joins.insert(ticket, answer).is_none(),
                        "answered twice"
                    );
                }
                Action::Sync(ticket, answer) => {
                    assert!(
                        self.syncs.insert(ticket, answer).is_none(),
                        "answered twice"
                    );
                }
            }
        }
    }

    /// Lets time pass, with every tick at its very millisecond.
    fn pass(&mut self, ms: u64) {
        let end = self.now_ms + ms;
        while let Some(deadline) = self.group.next_deadline().filter(|at| *at <= end) {
            self.now_ms = self.now_ms.max(deadline);
            let actions = self.group.tick(self.now_ms);
            self.carry_out(actions);
        }
        self.now_ms = end;
    }

    fn request(&mut self, member_id: &str) -> Join {
        self.tickets += 1;
        Join {
            ticket: self.tickets,
            member_id: member_id.to_owned(),
            new_member_id: format!("m{}", self.tickets),
            instance_id: None,
            client_id: "client".to_owned(),
            client_host: "/127.0.0.1".to_owned(),
            session_timeout_ms: SESSION_MS,
            rebalance_timeout_ms: REBALANCE_MS,
            protocol_type: "consumer".to_owned(),
            protocols: vec![("range".to_owned(), Bytes::from_static(b"all"))],
            joins_with_id: false,
            may_skip_assignment: true,
        }
    }

    fn send(&mut self, join: Join) -> Ticket {
        let ticket = join.ticket;
        let actions = self.group.join(join, self.now_ms);
        self.carry_out(actions);
        ticket
    }

    fn join(&mut self, member_id: &str) -> Ticket {
        let join = self.request(member_id);
        self.send(join)
    }

    fn join_static(&mut self, member_id: &str, instance: &str) -> Ticket {
        let mut join = self.request(member_id);
        join.instance_id = Some(instance.to_owned());
        self.send(join)
    }

    fn joined(&mut self, ticket: Ticket) -> Joined {
        self.joins
            .remove(&ticket)
            .unwrap_or_else(|| panic!("join {ticket} still waits"))
    }

    fn error(&mut self, ticket: Ticket) -> ErrorCode {
        self.joined(ticket).error
    }

    fn sync(&mut self, joined: &Joined) -> Ticket {
        self.tickets += 1;
        let ids: Vec<String> = joined.members.iter().map(|(id, _, _)| id.clone()).collect();
        let sync = Sync {
            ticket: self.tickets,
            member_id: joined.member_id.clone(),
            instance_id: None,
            generation: joined.generation,
            protocol_type: None,
            protocol: None,
            assignments: ids
                .into_iter()
                .map(|id| (id.clone(), Bytes::from(id)))
                .collect(),
        };
        let ticket = sync.ticket;
        let actions = self.group.sync(sync, self.now_ms);
        self.carry_out(actions);
        ticket
    }

    fn synced(&mut self, ticket: Ticket) -> Synced {
        self.syncs
            .remove(&ticket)
            .unwrap_or_else(|| panic!("sync {ticket} still waits"))
    }

    fn heartbeat(&mut self, joined: &Joined) -> ErrorCode {
        self.group
            .heartbeat(&joined.member_id, None, joined.generation, self.now_ms)
    }

    fn leave(&mut self, member_id: &str, instance: Option<&str>) -> Result<String, ErrorCode> {
        let (result, actions) = self.group.leave(member_id, instance, self.now_ms);
        self.carry_out(actions);
        result
    }

    fn commit(&mut self, member_id: &str, generation: i32) -> ErrorCode {
        match self
            .group
            .check_commit(member_id, None, generation, self.now_ms)
        {
            Ok(()) => ErrorCode::NONE,
            Err(error) => error,
        }
    }

    fn state(&self) -> State {
        self.group.state()
    }

    /// A stable group of so many dynamic members.
    fn stable(&mut self, members: usize) -> Vec<Joined> {
        let mut ids = vec![String::new()];
        for _ in 1..members {
            ids.push(String::new());
        }
        let first: Vec<_> = ids.iter().map(|id| self.join(id)).collect();
        let mut joined = vec![self.joined(first[0])];
        if members > 1 {
            // The second join started a rebalance; the first member comes back into it.
            let id = joined[0].member_id.clone();
            let again = self.join(&id);
            joined[0] = self.joined(again);
            joined.extend(
                first[1..]
                    .iter()
                    .map(|ticket| self.joins.remove(ticket).unwrap()),
            );
        }
        let syncs: Vec<_> = joined.iter().rev().map(|one| self.sync(one)).collect();
        for (one, ticket) in joined.iter().rev().zip(syncs) {
            assert_eq!(self.synced(ticket).assignment, one.member_id);
        }
        assert_eq!(self.state(), State::Stable);
        joined
    }
}

#[test]
fn one_member_joins_syncs_and_beats() {
    let mut world = World::new();
    let ticket = world.join("");
    let joined = world.joined(ticket);
    assert_eq!((joined.error, joined.generation), (ErrorCode::NONE, 1));
    assert_eq!(joined.leader, joined.member_id);
    assert_eq!(joined.members.len(), 1);
    assert_eq!(joined.protocol.as_deref(), Some("range"));
    assert_eq!(world.state(), State::CompletingRebalance);
    let ticket = world.sync(&joined);
    assert_eq!(world.synced(ticket).assignment, joined.member_id);
    assert_eq!((world.state(), world.persisted), (State::Stable, 1));
    assert_eq!(world.heartbeat(&joined), ErrorCode::NONE);
}

#[test]
fn a_second_member_starts_a_rebalance_that_waits_for_the_first() {
    let mut world = World::new();
    let first = world.stable(1).remove(0);
    let second = world.join("");
    assert_eq!(world.state(), State::PreparingRebalance);
    assert_eq!(world.heartbeat(&first), ErrorCode::REBALANCE_IN_PROGRESS);
    let again = world.join(&first.member_id);
    let (again, second) = (world.joined(again), world.joined(second));
    assert_eq!((again.generation, second.generation), (2, 2));
    assert_eq!(again.leader, first.member_id);
    assert_eq!((again.members.len(), second.members.len()), (2, 0));
    // The follower syncs first and waits for the leader.
    let follower = world.sync(&second);
    assert!(world.syncs.is_empty());
    assert_eq!(world.heartbeat(&second), ErrorCode::NONE);
    let leader = world.sync(&again);
    assert_eq!(world.synced(follower).assignment, second.member_id);
    assert_eq!(world.synced(leader).assignment, again.member_id);
}

#[test]
fn members_that_do_not_come_back_in_time_are_out() {
    let mut world = World::new();
    let both = world.stable(2);
    let ticket = world.join("");
    // The leader beats on but never joins; the other comes back.
    let again = world.join(&both[1].member_id);
    for _ in 0..5 {
        world.pass(9_000);
        assert_eq!(world.heartbeat(&both[0]), ErrorCode::REBALANCE_IN_PROGRESS);
    }
    world.pass(9_000);
    assert_eq!(world.heartbeat(&both[0]), ErrorCode::REBALANCE_IN_PROGRESS);
    assert!(world.joins.is_empty());
    world.pass(6_000);
    let (newcomer, again) = (world.joined(ticket), world.joined(again));
    assert_eq!(newcomer.generation, both[0].generation + 1);
    assert_eq!(newcomer.leader, again.leader);
    assert_eq!(newcomer.members.len() + again.members.len(), 2);
    assert_eq!(world.heartbeat(&both[0]), ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn a_silent_member_is_out_after_its_session_timeout() {
    let mut world = World::new();
    let both = world.stable(2);
    world.pass(9_999);
    assert_eq!(world.heartbeat(&both[0]), ErrorCode::NONE);
    world.pass(1);
    assert_eq!(world.state(), State::PreparingRebalance);
    assert_eq!(world.heartbeat(&both[0]), ErrorCode::REBALANCE_IN_PROGRESS);
    let ticket = world.join(&both[0].member_id);
    assert_eq!(world.joined(ticket).members.len(), 1);
    assert_eq!(world.heartbeat(&both[1]), ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn the_last_member_out_leaves_an_empty_group() {
    let mut world = World::new();
    let one = world.stable(1).remove(0);
    world.pass(10_000);
    assert_eq!((world.state(), world.persisted), (State::Empty, 2));
    assert_eq!(world.group.next_deadline(), None);
    assert_eq!(world.heartbeat(&one), ErrorCode::UNKNOWN_MEMBER_ID);
    // An unknown id is no way back; a join without one is.
    let ticket = world.join(&one.member_id);
    assert_eq!(world.error(ticket), ErrorCode::UNKNOWN_MEMBER_ID);
    let ticket = world.join("");
    assert_eq!(world.joined(ticket).generation, 3);
}

#[test]
fn a_client_that_joins_with_id_learns_it_first() {
    let mut world = World::new();
    let mut join = world.request("");
    join.joins_with_id = true;
    let ticket = world.send(join);
    let answer = world.joined(ticket);
    assert_eq!(
        (answer.error, answer.member_id.as_str()),
        (ErrorCode::MEMBER_ID_REQUIRED, "m1")
    );
    assert_eq!(world.state(), State::Empty);
    let ticket = world.join("m1");
    assert_eq!(
        (world.error(ticket), world.group.members().count()),
        (ErrorCode::NONE, 1)
    );
}

#[test]
fn a_given_id_lapses_when_it_is_not_used() {
    let mut world = World::new();
    let one = world.stable(1).remove(0);
    let mut join = world.request("");
    join.joins_with_id = true;
    let ticket = world.send(join);
    let pending = world.joined(ticket).member_id;
    // While the id is open, a rebalance waits for its owner.
    let again = world.join(&one.member_id);
    assert_eq!(world.state(), State::PreparingRebalance);
    world.pass(9_999);
    assert!(world.joins.is_empty());
    world.pass(1);
    assert_eq!(world.error(again), ErrorCode::NONE);
    let late = world.join(&pending);
    assert_eq!(world.error(late), ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn the_first_rebalance_waits_and_is_drawn_out_by_newcomers() {
    let settings = Settings {
        initial_rebalance_delay_ms: 3_000,
        members_max: 100,
    };
    let mut world = World::with(settings);
    let first = world.join("");
    world.pass(2_000);
    let second = world.join("");
    world.pass(1_000);
    assert!(
        world.joins.is_empty(),
        "somebody came, so it waits once more"
    );
    world.pass(2_999);
    assert!(world.joins.is_empty());
    world.pass(1);
    assert_eq!(
        (
            world.joined(first).generation,
            world.joined(second).generation
        ),
        (1, 1)
    );
}

#[test]
fn the_first_rebalance_is_not_drawn_out_beyond_the_rebalance_timeout() {
    let settings = Settings {
        initial_rebalance_delay_ms: 3_000,
        members_max: 100,
    };
    let mut world = World::with(settings);
    let mut first = world.request("");
    first.rebalance_timeout_ms = 7_000;
    world.send(first);
    let started = world.now_ms;
    while world.joins.is_empty() {
        let mut next = world.request("");
        next.rebalance_timeout_ms = 7_000;
        world.send(next);
        world.pass(500);
    }
    assert_eq!(world.now_ms - started, 7_000);
}

#[test]
fn a_leader_that_joins_again_wants_a_new_assignment_and_a_follower_does_not() {
    let mut world = World::new();
    let both = world.stable(2);
    let follower = world.join(&both[1].member_id);
    let answer = world.joined(follower);
    assert_eq!(
        (answer.generation, answer.members.len()),
        (both[1].generation, 0)
    );
    assert_eq!(world.state(), State::Stable);
    world.join(&both[0].member_id);
    assert_eq!(world.state(), State::PreparingRebalance);
}

#[test]
fn a_follower_with_new_metadata_starts_a_rebalance() {
    let mut world = World::new();
    let both = world.stable(2);
    let mut join = world.request(&both[1].member_id);
    join.protocols[0].1 = Bytes::from_static(b"other topics");
    world.send(join);
    assert_eq!(world.state(), State::PreparingRebalance);
}

#[test]
fn a_repeated_join_during_completion_gets_the_same_answer() {
    let mut world = World::new();
    let ticket = world.join("");
    let joined = world.joined(ticket);
    let again = world.join(&joined.member_id);
    assert_eq!(world.joined(again), joined);
    let mut changed = world.request(&joined.member_id);
    changed.protocols[0].1 = Bytes::from_static(b"other topics");
    let ticket = world.send(changed);
    assert_eq!(world.joined(ticket).generation, joined.generation + 1);
}

#[test]
fn a_join_during_completion_sends_the_waiting_back() {
    let mut world = World::new();
    let both = world.stable(2);
    let again = world.join(&both[0].member_id);
    let other = world.join(&both[1].member_id);
    let (leader, other) = (world.joined(again), world.joined(other));
    let waiting = world.sync(&other);
    // It waits longer than its session, which is no silence.
    for _ in 0..3 {
        world.pass(9_000);
        assert_eq!(world.heartbeat(&leader), ErrorCode::NONE);
    }
    world.join("");
    assert_eq!(
        world.synced(waiting).error,
        ErrorCode::REBALANCE_IN_PROGRESS
    );
    // And it is still watched: silent from now on, it goes after its session timeout.
    world.pass(10_000);
    assert_eq!(world.heartbeat(&other), ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn a_leader_that_never_syncs_is_replaced() {
    let mut world = World::new();
    let both = world.stable(2);
    let tickets = [
        world.join(&both[0].member_id),
        world.join(&both[1].member_id),
    ];
    let joined = tickets.map(|ticket| world.joined(ticket));
    let waiting = world.sync(&joined[1]);
    for _ in 0..6 {
        assert_eq!(world.heartbeat(&joined[0]), ErrorCode::NONE);
        world.pass(9_000);
    }
    assert_eq!(world.heartbeat(&joined[0]), ErrorCode::NONE);
    world.pass(6_000);
    assert_eq!(
        world.synced(waiting).error,
        ErrorCode::REBALANCE_IN_PROGRESS
    );
    let ticket = world.join(&joined[1].member_id);
    let alone = world.joined(ticket);
    assert_eq!(
        (alone.leader.as_str(), alone.members.len()),
        (alone.member_id.as_str(), 1)
    );
}

#[test]
fn syncs_are_judged_by_state_generation_and_protocol() {
    let mut world = World::new();
    let one = world.stable(1).remove(0);
    let mut stranger = one.clone();
    stranger.member_id = "nobody".to_owned();
    let ticket = world.sync(&stranger);
    assert_eq!(world.synced(ticket).error, ErrorCode::UNKNOWN_MEMBER_ID);
    let mut old = one.clone();
    old.generation -= 1;
    let ticket = world.sync(&old);
    assert_eq!(world.synced(ticket).error, ErrorCode::ILLEGAL_GENERATION);
    for (kind, protocol) in [(Some("connect"), None), (None, Some("roundrobin"))] {
        let sync = Sync {
            ticket: 1000,
            member_id: one.member_id.clone(),
            instance_id: None,
            generation: one.generation,
            protocol_type: kind.map(str::to_owned),
            protocol: protocol.map(str::to_owned),
            assignments: Vec::new(),
        };
        let actions = world.group.sync(sync, world.now_ms);
        let refused = Synced::refused(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
        assert_eq!(actions, [Action::Sync(1000, refused)]);
    }
    // Stable: the assignment again.
    let ticket = world.sync(&one);
    assert_eq!(world.synced(ticket).assignment, one.member_id);
    world.join("");
    let ticket = world.sync(&one);
    assert_eq!(world.synced(ticket).error, ErrorCode::REBALANCE_IN_PROGRESS);
}

#[test]
fn heartbeats_are_judged_by_state_and_generation() {
    let mut world = World::new();
    assert_eq!(
        world.group.heartbeat("nobody", None, 1, 0),
        ErrorCode::UNKNOWN_MEMBER_ID
    );
    let one = world.stable(1).remove(0);
    let mut old = one.clone();
    old.generation += 1;
    assert_eq!(world.heartbeat(&old), ErrorCode::ILLEGAL_GENERATION);
    assert_eq!(world.heartbeat(&one), ErrorCode::NONE);
    let again = world.join(&one.member_id);
    let again = world.joined(again);
    assert_eq!(world.state(), State::CompletingRebalance);
    assert_eq!(world.heartbeat(&again), ErrorCode::NONE);
    world.join("");
    assert_eq!(world.heartbeat(&again), ErrorCode::REBALANCE_IN_PROGRESS);
}

#[test]
fn commits_are_judged_by_state_and_generation() {
    let mut world = World::new();
    // Empty: whoever claims no membership.
    assert_eq!(world.commit("", -1), ErrorCode::NONE);
    assert_eq!(world.commit("", 0), ErrorCode::UNKNOWN_MEMBER_ID);
    let one = world.stable(1).remove(0);
    let id = one.member_id.as_str();
    assert_eq!(world.commit(id, one.generation), ErrorCode::NONE);
    assert_eq!(
        world.commit(id, one.generation - 1),
        ErrorCode::ILLEGAL_GENERATION
    );
    assert_eq!(
        world.commit("nobody", one.generation),
        ErrorCode::UNKNOWN_MEMBER_ID
    );
    assert_eq!(world.commit("", -1), ErrorCode::UNKNOWN_MEMBER_ID);
    // PreparingRebalance: the old generation still holds.
    let newcomer = world.join("");
    assert_eq!(world.state(), State::PreparingRebalance);
    assert_eq!(world.commit(id, one.generation), ErrorCode::NONE);
    let again = world.join(id);
    let generation = world.joined(again).generation;
    world.joined(newcomer);
    assert_eq!(world.state(), State::CompletingRebalance);
    assert_eq!(
        world.commit(id, generation),
        ErrorCode::REBALANCE_IN_PROGRESS
    );
    assert_eq!(
        world.commit(id, one.generation),
        ErrorCode::ILLEGAL_GENERATION
    );
}

#[test]
fn a_commit_is_a_sign_of_life() {
    let mut world = World::new();
    let one = world.stable(1).remove(0);
    for _ in 0..5 {
        world.pass(9_000);
        assert_eq!(
            world.commit(&one.member_id, one.generation),
            ErrorCode::NONE
        );
    }
}

#[test]
fn a_leave_starts_a_rebalance_at_once() {
    let mut world = World::new();
    let both = world.stable(2);
    assert_eq!(
        world.leave("nobody", None),
        Err(ErrorCode::UNKNOWN_MEMBER_ID)
    );
    assert_eq!(
        world.leave(&both[0].member_id, None),
        Ok(both[0].member_id.clone())
    );
    assert_eq!(world.state(), State::PreparingRebalance);
    let ticket = world.join(&both[1].member_id);
    let alone = world.joined(ticket);
    assert_eq!(alone.leader, alone.member_id);
    assert_eq!(
        world.leave(&alone.member_id, None),
        Ok(alone.member_id.clone())
    );
    assert_eq!(world.state(), State::Empty);
}

#[test]
fn whoever_leaves_while_waiting_is_answered() {
    let mut world = World::new();
    let one = world.stable(1).remove(0);
    let waiting = world.join("");
    let id = world
        .group
        .members()
        .map(|(id, _)| id.to_owned())
        .find(|id| *id != one.member_id);
    world.leave(&id.unwrap(), None).unwrap();
    assert_eq!(world.error(waiting), ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn a_client_that_asks_twice_is_answered_twice() {
    let mut world = World::new();
    let both = world.stable(2);
    let first = world.join(&both[0].member_id);
    let second = world.join(&both[0].member_id);
    assert_eq!(world.error(first), ErrorCode::REBALANCE_IN_PROGRESS);
    world.join(&both[1].member_id);
    assert_eq!(world.error(second), ErrorCode::NONE);
}

#[test]
fn protocols_must_leave_one_that_all_share() {
    let mut world = World::new();
    for (kind, protocols) in [("", 1), ("consumer", 0)] {
        let mut join = world.request("");
        join.protocol_type = kind.to_owned();
        join.protocols.truncate(protocols);
        let ticket = world.send(join);
        assert_eq!(world.error(ticket), ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
    }
    let named = |names: &[&str]| -> Vec<(String, Bytes)> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), Bytes::new()))
            .collect()
    };
    let mut join = world.request("");
    join.protocols = named(&["sticky", "range"]);
    let first = world.send(join);
    let first = world.joined(first);
    assert_eq!(first.protocol.as_deref(), Some("sticky"));
    for (kind, names) in [("connect", ["range"]), ("consumer", ["other"])] {
        let mut join = world.request("");
        join.protocol_type = kind.to_owned();
        join.protocols = named(&names);
        let ticket = world.send(join);
        assert_eq!(world.error(ticket), ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
    }
    let mut join = world.request("");
    join.protocols = named(&["range"]);
    let second = world.send(join);
    let mut join = world.request(&first.member_id);
    join.protocols = named(&["sticky", "range"]);
    world.send(join);
    assert_eq!(world.joined(second).protocol.as_deref(), Some("range"));
}

#[test]
fn most_votes_choose_the_protocol() {
    let mut world = World::with(Settings {
        initial_rebalance_delay_ms: 10,
        members_max: 9,
    });
    let mut tickets = Vec::new();
    for names in [["a", "b"], ["b", "a"], ["b", "a"]] {
        let mut join = world.request("");
        join.protocols = names
            .iter()
            .map(|name| ((*name).to_owned(), Bytes::new()))
            .collect();
        tickets.push(world.send(join));
    }
    world.pass(10_000);
    assert_eq!(world.joined(tickets[0]).protocol.as_deref(), Some("b"));
}

#[test]
fn a_full_group_takes_nobody_in() {
    let mut world = World::with(Settings {
        initial_rebalance_delay_ms: 0,
        members_max: 2,
    });
    let both = world.stable(2);
    let ticket = world.join("");
    assert_eq!(world.error(ticket), ErrorCode::GROUP_MAX_SIZE_REACHED);
    assert_eq!(world.state(), State::Stable);
    let again = world.join(&both[0].member_id);
    let ticket = world.join("");
    let late = world.join(&both[1].member_id);
    // Two of three found a place: whoever joined first.
    assert_eq!(world.error(late), ErrorCode::GROUP_MAX_SIZE_REACHED);
    assert_eq!(world.error(again), ErrorCode::NONE);
    assert_eq!(world.error(ticket), ErrorCode::NONE);
}

#[test]
fn a_static_member_that_restarts_keeps_its_assignment_without_a_rebalance() {
    let mut world = World::new();
    let ticket = world.join_static("", "i");
    let joined = world.joined(ticket);
    let ticket = world.sync(&joined);
    world.synced(ticket);
    let persisted = world.persisted;

    let ticket = world.join_static("", "i");
    let again = world.joined(ticket);
    assert_eq!(
        (again.error, again.generation),
        (ErrorCode::NONE, joined.generation)
    );
    assert_ne!(again.member_id, joined.member_id);
    assert!(again.skip_assignment, "the leader must not assign anew");
    assert_eq!(
        (again.leader.as_str(), again.members.len()),
        (again.member_id.as_str(), 1)
    );
    assert_eq!(
        (world.state(), world.persisted),
        (State::Stable, persisted + 1)
    );
    let ticket = world.sync(&again);
    assert_eq!(
        world.synced(ticket).assignment,
        joined.member_id,
        "the assignment from before"
    );

    // Whoever still uses the old id is fenced, everywhere.
    let (old, i) = (joined.member_id.as_str(), Some("i"));
    let generation = joined.generation;
    let fenced = ErrorCode::FENCED_INSTANCE_ID;
    assert_eq!(
        world.group.heartbeat(old, i, generation, world.now_ms),
        fenced
    );
    assert_eq!(
        world.group.check_commit(old, i, generation, world.now_ms),
        Err(fenced)
    );
    assert_eq!(world.leave(old, i), Err(fenced));
    let ticket = world.join_static(old, "i");
    assert_eq!(world.error(ticket), fenced);
    assert_eq!(world.heartbeat(&joined), ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn an_old_client_that_is_a_static_leader_is_told_the_old_leader() {
    let mut world = World::new();
    let ticket = world.join_static("", "i");
    let joined = world.joined(ticket);
    world.sync(&joined);
    let mut join = world.request("");
    join.instance_id = Some("i".to_owned());
    join.may_skip_assignment = false;
    let ticket = world.send(join);
    let again = world.joined(ticket);
    assert_eq!((again.leader, again.members.len()), (joined.member_id, 0));
    assert!(!again.skip_assignment);
}

#[test]
fn a_static_member_that_restarts_with_another_protocol_starts_a_rebalance() {
    let mut world = World::new();
    let ticket = world.join_static("", "i");
    let joined = world.joined(ticket);
    world.sync(&joined);
    let mut join = world.request("");
    join.instance_id = Some("i".to_owned());
    join.protocols[0].0 = "range2".to_owned();
    // It shares nothing with the group as it is: its own former self.
    let ticket = world.send(join);
    assert_eq!(world.error(ticket), ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
    let mut join = world.request("");
    join.instance_id = Some("i".to_owned());
    join.protocols
        .insert(0, ("range2".to_owned(), Bytes::new()));
    let ticket = world.send(join);
    let again = world.joined(ticket);
    assert_eq!(again.generation, joined.generation + 1);
    assert_eq!(again.protocol.as_deref(), Some("range2"));
}

#[test]
fn a_restarted_static_member_fences_whoever_waits_under_its_name() {
    let mut world = World::new();
    let dynamic = world.stable(1).remove(0);
    let waiting = world.join_static("", "i");
    let again = world.join_static("", "i");
    let fenced = world.joined(waiting);
    assert_eq!(fenced.error, ErrorCode::FENCED_INSTANCE_ID);
    world.join(&dynamic.member_id);
    assert_eq!(world.error(again), ErrorCode::NONE);
}

#[test]
fn a_static_member_that_misses_a_rebalance_stays_until_its_session_ends() {
    let mut world = World::new();
    let ticket = world.join_static("", "i");
    let first = world.joined(ticket);
    world.sync(&first);
    let newcomer = world.join("");
    for _ in 0..6 {
        world
            .group
            .heartbeat(&first.member_id, Some("i"), first.generation, world.now_ms);
        world.pass(9_000);
    }
    world
        .group
        .heartbeat(&first.member_id, Some("i"), first.generation, world.now_ms);
    world.pass(6_000);
    let joined = world.joined(newcomer);
    assert_eq!(
        joined.leader, joined.member_id,
        "the leader is one that joined"
    );
    assert_eq!(
        joined.members.len(),
        2,
        "the static member has kept its place"
    );
    world.sync(&joined);
    world.pass(10_000);
    assert_eq!(world.group.members().count(), 0);
}

#[test]
fn a_static_member_is_removed_by_its_name() {
    let mut world = World::new();
    let ticket = world.join_static("", "i");
    let joined = world.joined(ticket);
    assert_eq!(
        world.leave("", Some("other")),
        Err(ErrorCode::UNKNOWN_MEMBER_ID)
    );
    assert_eq!(world.leave("", None), Err(ErrorCode::UNKNOWN_MEMBER_ID));
    assert_eq!(world.leave("", Some("i")), Ok(joined.member_id));
    assert_eq!(world.state(), State::Empty);
}

#[test]
fn a_stored_group_goes_on_where_it_was() {
    let mut world = World::new();
    let both = world.stable(2);
    let stored = world.group.to_stored();
    let settings = Settings {
        initial_rebalance_delay_ms: 0,
        members_max: 100,
    };
    world.group = ClassicGroup::load(settings, stored.clone(), world.now_ms);
    assert_eq!(world.group.to_stored(), stored);
    for one in &both {
        assert_eq!(world.heartbeat(one), ErrorCode::NONE);
        assert_eq!(
            world.commit(&one.member_id, one.generation),
            ErrorCode::NONE
        );
    }
    let ticket = world.sync(&both[1]);
    assert_eq!(world.synced(ticket).assignment, both[1].member_id);
    world.pass(10_000);
    assert_eq!(world.state(), State::Empty);
    let empty = world.group.to_stored();
    let group = ClassicGroup::load(settings, empty, world.now_ms);
    assert_eq!((group.state(), group.next_deadline()), (State::Empty, None));
}

#[test]
fn many_members_come_and_go_and_the_group_settles() {
    let mut world = World::new();
    let mut random = fastrand::Rng::with_seed(11);
    // Member id to the ticket it waits for, if any; each does what a client would do.
    let mut clients: Vec<(String, Option<Ticket>, Option<Ticket>, Joined)> = Vec::new();
    for step in 0..4_000 {
        if step < 3_000 && (clients.is_empty() || (clients.len() < 8 && random.u8(..) < 12)) {
            let ticket = world.join("");
            clients.push((
                String::new(),
                Some(ticket),
                None,
                Joined::refused(ErrorCode::NONE, ""),
            ));
        }
        if step < 3_000 && clients.len() > 1 && random.u8(..) < 6 {
            // Dies without a word.
            clients.swap_remove(random.usize(..clients.len()));
        }
        for (id, join, sync, joined) in &mut clients {
            if let Some(answer) = join.and_then(|ticket| world.joins.remove(&ticket)) {
                *join = None;
                *joined = answer;
                match joined.error {
                    ErrorCode::NONE => {
                        id.clone_from(&joined.member_id);
                        *sync = Some(world.sync(joined));
                    }
                    _ => {
                        id.clear();
                        *join = Some(world.join(""));
                    }
                }
            } else if let Some(answer) = sync.and_then(|ticket| world.syncs.remove(&ticket)) {
                *sync = None;
                if answer.error != ErrorCode::NONE {
                    *join = Some(world.join(id));
                }
            } else if join.is_none() && sync.is_none() {
                match world.heartbeat(joined) {
                    ErrorCode::NONE => {}
                    ErrorCode::REBALANCE_IN_PROGRESS => *join = Some(world.join(id)),
                    _ => {
                        id.clear();
                        *join = Some(world.join(""));
                    }
                }
            }
        }
        world.pass(1_000);
    }
    assert_eq!(world.state(), State::Stable);
    assert_eq!(world.group.members().count(), clients.len());
    for (id, join, sync, joined) in &clients {
        assert!(join.is_none() && sync.is_none());
        assert_eq!(joined.generation, clients[0].3.generation);
        assert!(
            world
                .group
                .members()
                .any(|(member, one)| member == id && one.assignment == *id)
        );
    }
}

fn reads(topic: &str) -> Bytes {
    let subscription = kafka_client_protocol::consumer_protocol::Subscription {
        topics: vec![topic.into()],
        ..Default::default()
    };
    kafka_client_protocol::consumer_protocol::encode(&subscription, 0).unwrap()
}

#[test]
fn what_members_read_is_known_from_generation_to_generation() {
    let mut world = World::new();
    assert!(!world.group.is_subscribed_to("a"), "nobody was here yet");
    let mut request = world.request("");
    request.protocols[0].1 = reads("a");
    let ticket = world.send(request);
    let first = world.joined(ticket);
    let is_subscribed = |world: &World| ["a", "b"].map(|one| world.group.is_subscribed_to(one));
    assert_eq!(is_subscribed(&world), [true, false]);
    // Who comes later counts once the others have come back.
    let mut request = world.request("");
    request.protocols[0].1 = reads("b");
    let waiting = world.send(request);
    assert_eq!(is_subscribed(&world), [true, false]);
    let mut request = world.request(&first.member_id);
    request.protocols[0].1 = reads("a");
    world.send(request);
    let second = world.joined(waiting);
    assert_eq!(is_subscribed(&world), [true, true]);
    // Who leaves counts until then.
    world.leave(&first.member_id, None).unwrap();
    assert_eq!(is_subscribed(&world), [true, true]);
    world.leave(&second.member_id, None).unwrap();
    assert_eq!(world.state(), State::Empty);
    assert_eq!(is_subscribed(&world), [false, false]);
}

#[test]
fn what_members_read_is_known_of_a_stored_group() {
    let mut world = World::new();
    let mut request = world.request("");
    request.protocols[0].1 = reads("a");
    let ticket = world.send(request);
    let joined = world.joined(ticket);
    world.sync(&joined);
    let settings = Settings {
        initial_rebalance_delay_ms: 0,
        members_max: 100,
    };
    let stored = world.group.to_stored();
    let loaded = ClassicGroup::load(settings, stored, world.now_ms);
    assert!(loaded.is_subscribed_to("a"));
    assert!(!loaded.is_subscribed_to("b"));
}

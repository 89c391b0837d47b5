//! Groups: members of the classic protocol, committed offsets, and what administrators ask and delete.

use bytes::Bytes;
use kafka_client_protocol::api::delete_groups::DeleteGroupsRequest;
use kafka_client_protocol::api::describe_groups::DescribeGroupsRequest;
use kafka_client_protocol::api::find_coordinator::FindCoordinatorRequest;
use kafka_client_protocol::api::heartbeat::HeartbeatRequest;
use kafka_client_protocol::api::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse,
};
use kafka_client_protocol::api::leave_group::{LeaveGroupRequest, MemberIdentity};
use kafka_client_protocol::api::list_groups::ListGroupsRequest;
use kafka_client_protocol::api::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_client_protocol::api::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_client_protocol::api::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_client_protocol::api::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};
use kafka_client_protocol::consumer_protocol::{Subscription, encode};
use kafka_client_protocol::{ErrorCode, Uuid};

use crate::cluster::{asked, id_of, metadata};
use crate::records::{topic, topic_named};
use crate::session::Session;

const UNKNOWN: Uuid = Uuid([7; 16]);

/// A group that its coordinator answers for.
pub(crate) async fn group(session: &mut Session) -> String {
    let group = session.name("g");
    loop {
        let found = session.quietly(&find(&group, 4), 4).await;
        let described = session.quietly(&describe(&group, false), 5).await;
        if found.coordinators[0].error_code == 0 && described.groups[0].error_code == 0 {
            return group;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

fn find(group: &str, version: i16) -> FindCoordinatorRequest {
    let mut request = FindCoordinatorRequest::default();
    if version < 4 {
        request.key = group.into();
    } else {
        request.coordinator_keys = vec![group.into()];
    }
    request
}

fn describe(group: &str, include_authorized_operations: bool) -> DescribeGroupsRequest {
    DescribeGroupsRequest {
        groups: vec![group.into()],
        include_authorized_operations,
        ..Default::default()
    }
}

fn reads(topics: &[&str]) -> Bytes {
    let subscription = Subscription {
        topics: topics.iter().map(|topic| (*topic).into()).collect(),
        ..Default::default()
    };
    encode(&subscription, 3).unwrap()
}

pub(crate) fn join(group: &str, member_id: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: group.into(),
        session_timeout_ms: 30_000,
        rebalance_timeout_ms: 30_000,
        member_id: member_id.into(),
        protocol_type: "consumer".into(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".into(),
            metadata: reads(&["any"]),
            ..Default::default()
        }],
        ..Default::default()
    }
}

pub(crate) fn sync(group: &str, joined: &JoinGroupResponse) -> SyncGroupRequest {
    SyncGroupRequest {
        group_id: group.into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        assignments: vec![SyncGroupRequestAssignment {
            member_id: joined.member_id.clone(),
            assignment: Bytes::from_static(b"yours"),
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn heartbeat(group: &str, joined: &JoinGroupResponse) -> HeartbeatRequest {
    HeartbeatRequest {
        group_id: group.into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        ..Default::default()
    }
}

fn leave(group: &str, member_id: &str) -> LeaveGroupRequest {
    LeaveGroupRequest {
        group_id: group.into(),
        members: vec![MemberIdentity {
            member_id: member_id.into(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn commit(group: &str, topic: &str, offsets: &[(i32, i64)]) -> OffsetCommitRequest {
    let partitions = offsets.iter().map(|offset| OffsetCommitRequestPartition {
        partition_index: offset.0,
        committed_offset: offset.1,
        committed_leader_epoch: 3,
        committed_metadata: Some("note".into()),
        ..Default::default()
    });
    OffsetCommitRequest {
        group_id: group.into(),
        topics: vec![OffsetCommitRequestTopic {
            name: topic.into(),
            partitions: partitions.collect(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn commit_as(joined: &JoinGroupResponse, mut request: OffsetCommitRequest) -> OffsetCommitRequest {
    request.member_id = joined.member_id.clone();
    request.generation_id_or_member_epoch = joined.generation_id;
    request
}

/// Partitions of a topic, or all that was committed.
fn fetch(group: &str, topic: Option<(&str, Uuid)>, partitions: &[i32]) -> OffsetFetchRequest {
    let topics = topic.map(|(name, topic_id)| {
        vec![OffsetFetchRequestTopics {
            name: name.into(),
            topic_id,
            partition_indexes: partitions.to_vec(),
            ..Default::default()
        }]
    });
    OffsetFetchRequest {
        groups: vec![OffsetFetchRequestGroup {
            group_id: group.into(),
            topics,
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn delete(groups: &[&str]) -> DeleteGroupsRequest {
    DeleteGroupsRequest {
        groups_names: groups.iter().map(|group| (*group).into()).collect(),
        ..Default::default()
    }
}

fn delete_offsets(group: &str, topics: &[(&str, &[i32])]) -> OffsetDeleteRequest {
    let topic = |(name, partitions): &(&str, &[i32])| OffsetDeleteRequestTopic {
        name: (*name).into(),
        partitions: partitions
            .iter()
            .map(|index| OffsetDeleteRequestPartition {
                partition_index: *index,
            })
            .collect(),
    };
    OffsetDeleteRequest {
        group_id: group.into(),
        topics: topics.iter().map(topic).collect(),
    }
}

/// Joins twice, as clients do: for an id, and with it.
pub(crate) async fn joined(
    session: &mut Session,
    mut request: JoinGroupRequest,
) -> JoinGroupResponse {
    request.member_id = session.quietly(&request, 9).await.member_id;
    session.quietly(&request, 9).await
}

/// The only member of a stable group.
async fn member(session: &mut Session, group: &str) -> JoinGroupResponse {
    let joined = joined(session, join(group, "")).await;
    session.quietly(&sync(group, &joined), 5).await;
    joined
}

async fn one_member_goes_through_its_life_in_every_version(session: &mut Session) {
    let group = group(session).await;
    for version in 0..=9 {
        let mut joined = session.call(&join(&group, ""), version).await;
        if version >= 4 {
            joined = session
                .call(&join(&group, &joined.member_id), version)
                .await;
        }
        session
            .call(&describe(&group, version >= 3), version.min(6))
            .await;
        session
            .call(&heartbeat(&group, &joined), version.min(4))
            .await;
        session.call(&sync(&group, &joined), version.min(5)).await;
        session
            .call(&describe(&group, version >= 3), version.min(6))
            .await;
        session
            .call(&heartbeat(&group, &joined), version.min(4))
            .await;
        let mut gone = leave(&group, &joined.member_id);
        if version < 3 {
            gone.members.clear();
            gone.member_id = joined.member_id.clone();
        }
        session.call(&gone, version.min(5)).await;
        session
            .call(&describe(&group, version >= 3), version.min(6))
            .await;
        session
            .call(&heartbeat(&group, &joined), version.min(4))
            .await;
    }
}

async fn joins_that_are_refused(session: &mut Session) {
    let group = group(session).await;
    let with = |change: fn(&mut JoinGroupRequest)| {
        let mut request = join(&group, "");
        change(&mut request);
        request
    };
    for request in [
        with(|join| join.group_id = "".into()),
        with(|join| join.session_timeout_ms = 499),
        with(|join| join.session_timeout_ms = 1_800_001),
        with(|join| join.member_id = "nobody".into()),
        with(|join| join.protocols.clear()),
        with(|join| join.protocol_type = "".into()),
    ] {
        for version in [0, 5, 9] {
            session.call(&request, version).await;
        }
    }
    member(session, &group).await;
    for request in [
        with(|join| join.member_id = "nobody".into()),
        with(|join| join.protocol_type = "connect".into()),
        with(|join| join.protocols[0].name = "other".into()),
        with(|join| join.protocols.clear()),
    ] {
        session.call(&request, 9).await;
    }
}

async fn a_member_that_joins_again(session: &mut Session) {
    let group = group(session).await;
    let first = joined(session, join(&group, "")).await;
    // Its answer was lost.
    session.call(&join(&group, &first.member_id), 9).await;
    session.call(&sync(&group, &first), 5).await;
    // The leader wants a new assignment.
    let again = session.call(&join(&group, &first.member_id), 9).await;
    session.call(&sync(&group, &first), 5).await;
    session.call(&sync(&group, &again), 5).await;
    let mut changed = join(&group, &first.member_id);
    changed.protocols[0].metadata = reads(&["other"]);
    session.call(&changed, 9).await;
}

async fn syncs_and_heartbeats_that_are_refused(session: &mut Session) {
    let group = group(session).await;
    let none = JoinGroupResponse {
        member_id: "nobody".into(),
        generation_id: 1,
        ..Default::default()
    };
    for id in ["", "none", &group] {
        session.call(&sync(id, &none), 5).await;
        session.call(&heartbeat(id, &none), 4).await;
    }
    let joined = joined(session, join(&group, "")).await;
    let other = JoinGroupResponse {
        generation_id: joined.generation_id + 1,
        ..joined.clone()
    };
    for stranger in [&none, &other] {
        session.call(&sync(&group, stranger), 5).await;
        session.call(&heartbeat(&group, stranger), 4).await;
    }
    let with = |change: fn(&mut SyncGroupRequest)| {
        let mut request = sync(&group, &joined);
        change(&mut request);
        request
    };
    for request in [
        with(|sync| sync.protocol_type = None),
        with(|sync| sync.protocol_name = None),
        with(|sync| sync.protocol_type = Some("connect".into())),
        with(|sync| sync.protocol_name = Some("other".into())),
        with(|sync| sync.group_instance_id = Some("instance".into())),
    ] {
        session.call(&request, 5).await;
    }
    session
        .call(&with(|sync| sync.assignments.clear()), 4)
        .await;
}

async fn leaves_that_are_refused(session: &mut Session) {
    let group = group(session).await;
    let joined = member(session, &group).await;
    for id in ["", "none", &group] {
        for version in [0, 2, 3, 5] {
            let mut request = leave(id, "nobody");
            if version < 3 {
                request.members.clear();
                request.member_id = "nobody".into();
            }
            session.call(&request, version).await;
        }
    }
    let mut several = leave(&group, "nobody");
    several
        .members
        .extend(leave(&group, &joined.member_id).members);
    several
        .members
        .extend(leave(&group, &joined.member_id).members);
    several.members.push(MemberIdentity {
        group_instance_id: Some("instance".into()),
        ..Default::default()
    });
    session.call(&several, 5).await;
    // An id that was given out, and not used yet.
    let pending = session.quietly(&join(&group, ""), 9).await;
    session.call(&leave(&group, &pending.member_id), 5).await;
    session.call(&join(&group, &pending.member_id), 9).await;
}

async fn a_static_member_that_restarts_fences_the_old_one(session: &mut Session) {
    let group = group(session).await;
    let named = |mut request: JoinGroupRequest| {
        request.group_instance_id = Some("instance".into());
        request
    };
    let first = session.call(&named(join(&group, "")), 9).await;
    session.quietly(&sync(&group, &first), 5).await;
    session.call(&describe(&group, false), 5).await;
    let second = session.call(&named(join(&group, "")), 9).await;
    let mut beat = heartbeat(&group, &first);
    session.call(&beat, 4).await;
    beat.group_instance_id = Some("instance".into());
    session.call(&beat, 4).await;
    beat.member_id = second.member_id.clone();
    session.call(&beat, 4).await;
    beat.group_instance_id = Some("another".into());
    session.call(&beat, 4).await;
    session
        .call(&named(join(&group, &first.member_id)), 9)
        .await;
    let mut late = sync(&group, &first);
    late.group_instance_id = Some("instance".into());
    session.call(&late, 5).await;
    let topic = topic(session, &[]).await;
    let mut late = commit_as(&first, commit(&group, &topic, &[(0, 1)]));
    late.group_instance_id = Some("instance".into());
    session.call(&late, 9).await;
    let mut gone = leave(&group, &first.member_id);
    gone.members[0].group_instance_id = Some("instance".into());
    session.call(&gone, 5).await;
    // An older client is not told of the assignment that it may skip.
    session.call(&named(join(&group, "")), 8).await;
    gone.members[0].member_id = "".into();
    session.call(&gone, 5).await;
    session.call(&describe(&group, false), 5).await;
}

async fn offsets_in_every_version(session: &mut Session) {
    let group = group(session).await;
    let topic = topic_named(session, "t", 2, &[]).await;
    let id = id_of(session, &topic).await;
    for version in 2..=10 {
        let mut request = commit(&group, &topic, &[(0, i64::from(version)), (1, 7)]);
        if version >= 10 {
            request.topics[0].topic_id = id;
        }
        session.call(&request, version).await;
        session
            .call(&fetch(&group, Some((&topic, id)), &[0, 1, 5]), 9)
            .await;
    }
    for version in 1..=7 {
        let mut request = OffsetFetchRequest {
            group_id: group.as_str().into(),
            topics: Some(vec![OffsetFetchRequestTopic {
                name: topic.as_str().into(),
                partition_indexes: vec![1, 0, 5],
                ..Default::default()
            }]),
            ..Default::default()
        };
        session.call(&request, version).await;
        if version >= 2 {
            request.topics = None;
            session.call(&request, version).await;
        }
        request.group_id = "none".into();
        session.call(&request, version).await;
    }
    for version in 8..=10 {
        let named = Some((topic.as_str(), id));
        session
            .call(&fetch(&group, named, &[1, 0, 5]), version)
            .await;
        session.call(&fetch("none", named, &[0]), version).await;
        session.call(&fetch("none", None, &[]), version).await;
        session.call(&fetch("", named, &[0]), version).await;
        let mut both = fetch(&group, named, &[0]);
        both.groups.extend(fetch("none", named, &[0]).groups);
        both.require_stable = true;
        session.call(&both, version).await;
    }
    session
        .call(&fetch(&group, Some(("", UNKNOWN)), &[0]), 10)
        .await;
    let none = session.name("none");
    session
        .call(&fetch(&group, Some((&none, Uuid::ZERO)), &[0]), 9)
        .await;
}

async fn commits_that_are_refused(session: &mut Session) {
    let group = group(session).await;
    let topic = topic(session, &[]).await;
    let none = session.name("none");
    for request in [
        commit(&group, &none, &[(0, 1)]),
        commit(&group, &topic, &[(1, 1)]),
        commit(&group, &topic, &[(-1, 1)]),
        commit(&group, "", &[(0, 1)]),
        commit(&group, &topic, &[]),
    ] {
        for version in [2, 9] {
            session.call(&request, version).await;
        }
    }
    let mut by_id = commit(&group, "", &[(0, 1)]);
    by_id.topics[0].topic_id = UNKNOWN;
    session.call(&by_id, 10).await;
    let mut long = commit(&group, &topic, &[(0, 1)]);
    long.topics[0].partitions[0].committed_metadata = Some("x".repeat(4097).into());
    session.call(&long, 9).await;
    long.topics[0].partitions[0].committed_metadata = None;
    session.call(&long, 9).await;
    let stranger = JoinGroupResponse {
        member_id: "nobody".into(),
        generation_id: 3,
        ..Default::default()
    };
    let other = session.name("other");
    for version in [2, 8, 9] {
        let request = commit_as(&stranger, commit(&other, &topic, &[(0, 1)]));
        session.call(&request, version).await;
        let request = commit_as(&stranger, commit(&group, &topic, &[(0, 1)]));
        session.call(&request, version).await;
    }
}

async fn members_commit_in_their_generation(session: &mut Session) {
    let group = group(session).await;
    let topic = topic(session, &[]).await;
    let joined = joined(session, join(&group, "")).await;
    let offset = commit(&group, &topic, &[(0, 1)]);
    // Before the assignment.
    session.call(&commit_as(&joined, offset.clone()), 9).await;
    session.quietly(&sync(&group, &joined), 5).await;
    session.call(&commit_as(&joined, offset.clone()), 9).await;
    session.call(&offset, 9).await;
    for generation_id in [joined.generation_id - 1, joined.generation_id + 1, -1] {
        let other = JoinGroupResponse {
            generation_id,
            ..joined.clone()
        };
        session.call(&commit_as(&other, offset.clone()), 9).await;
    }
    let stranger = JoinGroupResponse {
        member_id: "nobody".into(),
        ..joined.clone()
    };
    session.call(&commit_as(&stranger, offset.clone()), 9).await;
    session.quietly(&leave(&group, &joined.member_id), 5).await;
    session.call(&commit_as(&joined, offset.clone()), 9).await;
    session.call(&offset, 9).await;
}

async fn groups_are_described(session: &mut Session) {
    let group = group(session).await;
    let topic = topic(session, &[]).await;
    session.quietly(&commit(&group, &topic, &[(0, 1)]), 9).await;
    let none = session.name("none");
    for version in 0..=6 {
        for id in [&group, &none, ""] {
            session.call(&describe(id, version >= 3), version).await;
        }
    }
}

async fn groups_are_listed(session: &mut Session) {
    let group = group(session).await;
    let topic = topic(session, &[]).await;
    session.quietly(&commit(&group, &topic, &[(0, 1)]), 9).await;
    let other = session.name("other");
    session.quietly(&describe(&other, false), 5).await;
    member(session, &other).await;
    type Names = &'static [&'static str];
    let filters: &[(Names, Names, i16)] = &[
        (&[], &[], 0),
        (&[], &[], 3),
        (&[], &[], 5),
        (&["Empty"], &[], 4),
        (&[" eMPTY "], &[], 5),
        (&["Stable", "Dead"], &[], 5),
        (&["nothing"], &[], 5),
        (&[], &["Classic"], 5),
        (&[], &["consumer"], 5),
        (&[], &["nothing"], 5),
        (&[], &["nothing", "classic"], 5),
        (&["Stable"], &["classic"], 5),
    ];
    for (states, types, version) in filters {
        let request = ListGroupsRequest {
            states_filter: states.iter().map(|state| (*state).into()).collect(),
            types_filter: types.iter().map(|kind| (*kind).into()).collect(),
            ..Default::default()
        };
        let mut answer = session.quietly(&request, *version).await;
        // Those of the other sequences are there as well.
        answer
            .groups
            .retain(|one| *one.group_id == *group || *one.group_id == *other);
        answer.groups.sort_by_key(|one| one.group_id.to_string());
        session.write(&answer);
    }
}

async fn groups_are_deleted(session: &mut Session) {
    let group = group(session).await;
    let topic = topic(session, &[]).await;
    for version in 0..=2 {
        session.quietly(&commit(&group, &topic, &[(0, 1)]), 9).await;
        session.call(&delete(&[&group]), version).await;
        session.call(&delete(&[&group]), version).await;
        session.call(&fetch(&group, None, &[]), 9).await;
        session.call(&describe(&group, false), 6).await;
    }
    session.call(&delete(&[""]), 2).await;
    session.call(&delete(&[]), 2).await;
    let joined = joined(session, join(&group, "")).await;
    session.call(&delete(&[&group, &group]), 2).await;
    session.quietly(&sync(&group, &joined), 5).await;
    session.call(&delete(&[&group]), 2).await;
    session.quietly(&leave(&group, &joined.member_id), 5).await;
    session.call(&delete(&[&group]), 2).await;
    session.call(&heartbeat(&group, &joined), 4).await;
    session.call(&sync(&group, &joined), 5).await;
}

async fn offsets_are_deleted(session: &mut Session) {
    let group = group(session).await;
    let topic = topic_named(session, "t", 2, &[]).await;
    let none = session.name("none");
    let offsets = commit(&group, &topic, &[(0, 1), (1, 1)]);
    session.quietly(&offsets, 9).await;
    for topics in [
        &[(topic.as_str(), &[0][..])][..],
        &[(&topic, &[0])],
        &[(&topic, &[5])],
        &[(&none, &[0, 1])],
        &[(&topic, &[])],
        &[],
    ] {
        session.call(&delete_offsets(&group, topics), 0).await;
    }
    session.call(&fetch(&group, None, &[]), 9).await;
    for id in ["", &none] {
        session
            .call(&delete_offsets(id, &[(&topic, &[0])]), 0)
            .await;
        session.call(&delete_offsets(id, &[(&none, &[0])]), 0).await;
    }
}

async fn offsets_of_what_members_read_stay(session: &mut Session) {
    let group = group(session).await;
    let topic = topic_named(session, "t", 2, &[]).await;
    let other = topic_named(session, "other", 1, &[]).await;
    for (kind, metadata) in [
        ("consumer", reads(&[&topic])),
        ("consumer", Bytes::from_static(b"?")),
        ("connect", reads(&[])),
    ] {
        session.quietly(&commit(&group, &topic, &[(0, 1)]), 9).await;
        session.quietly(&commit(&group, &other, &[(0, 1)]), 9).await;
        let mut request = join(&group, "");
        request.protocol_type = kind.into();
        request.protocols[0].metadata = metadata;
        let joined = joined(session, request).await;
        let both = |session_partition: &'static [i32]| {
            delete_offsets(&group, &[(&topic, session_partition), (&other, &[0])])
        };
        session.call(&both(&[0]), 0).await;
        let mut assigned = sync(&group, &joined);
        assigned.protocol_type = Some(kind.into());
        session.quietly(&assigned, 5).await;
        session.call(&both(&[0, 1]), 0).await;
        session.call(&fetch(&group, None, &[]), 9).await;
        session.quietly(&leave(&group, &joined.member_id), 5).await;
        session.call(&both(&[0]), 0).await;
        session.call(&fetch(&group, None, &[]), 9).await;
    }
}

async fn the_coordinator_is_found(session: &mut Session) {
    let group = group(session).await;
    for version in 0..=6 {
        session.call(&find(&group, version), version).await;
        session.call(&find("", version), version).await;
    }
    let mut several = find(&group, 4);
    several
        .coordinator_keys
        .extend(find("other", 4).coordinator_keys);
    session.call(&several, 4).await;
    several.coordinator_keys.clear();
    session.call(&several, 4).await;
}

async fn a_topic_made_anew_has_no_offsets_of_the_old_one(session: &mut Session) {
    use kafka_client_protocol::api::delete_topics::DeleteTopicsRequest;
    let group = group(session).await;
    let topic = topic(session, &[]).await;
    session.quietly(&commit(&group, &topic, &[(0, 1)]), 9).await;
    let deletion = DeleteTopicsRequest {
        topic_names: vec![topic.as_str().into()],
        timeout_ms: 10_000,
        ..Default::default()
    };
    session.call(&deletion, 5).await;
    // Apache Kafka's coordinator hears of it a moment later.
    let answer = session.settled(&fetch(&group, None, &[]), 9).await;
    session.write(&answer);
    let gone = metadata(vec![asked(Some(&topic), Uuid::ZERO)]);
    while session.settled(&gone, 12).await.topics[0].error_code
        != ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.code()
    {}
    topic_named(session, "t", 1, &[]).await;
    let id = id_of(session, &topic).await;
    session
        .call(&fetch(&group, Some((&topic, id)), &[0]), 9)
        .await;
    session
        .call(&fetch(&group, Some((&topic, id)), &[0]), 10)
        .await;
}

/// A rebalance of two: the second member's join waits until the first has come back.
async fn rebalance(
    session: &mut Session,
    other: &mut Session,
    first: &JoinGroupRequest,
    second: &JoinGroupRequest,
    generation_id: i32,
) -> (JoinGroupResponse, JoinGroupResponse) {
    let beat = HeartbeatRequest {
        group_id: first.group_id.clone(),
        generation_id,
        member_id: first.member_id.clone(),
        ..Default::default()
    };
    let comes_back = async {
        while session.quietly(&beat, 4).await.error_code == 0 {}
        session.quietly(first, 9).await
    };
    let (mut one, two) = tokio::join!(comes_back, other.quietly(second, 9));
    let leader = one.member_id.clone();
    one.members
        .sort_by_key(|member| (member.metadata.clone(), member.member_id != leader));
    session.write(&one);
    session.write(&two);
    (one, two)
}

fn reading(group: &str, member_id: &str, topic: &str) -> JoinGroupRequest {
    let mut request = join(group, member_id);
    request.protocols[0].metadata = reads(&[topic]);
    request
}

async fn two_members_share_a_group(session: &mut Session) {
    let group = group(session).await;
    let mut other = session.another().await;
    let first = joined(session, reading(&group, "", "a")).await;
    session.quietly(&sync(&group, &first), 5).await;
    let given = other.quietly(&reading(&group, "", "b"), 9).await;
    session.write(&given);
    let again = reading(&group, &first.member_id, "a");
    let second = reading(&group, &given.member_id, "b");
    let (one, two) = rebalance(session, &mut other, &again, &second, first.generation_id).await;
    session.call(&heartbeat(&group, &one), 4).await;
    session.call(&heartbeat(&group, &two), 4).await;
    session.call(&heartbeat(&group, &first), 4).await;
    // The follower's sync waits for the leader's.
    let mut assigned = sync(&group, &one);
    assigned.assignments.extend(sync(&group, &two).assignments);
    let mut follows = sync(&group, &two);
    follows.assignments.clear();
    let (led, followed) = tokio::join!(session.quietly(&assigned, 5), other.quietly(&follows, 5));
    session.write(&led);
    session.write(&followed);
    // A follower that joins again without news is answered at once.
    session.call(&second, 9).await;
    session.call(&leave(&group, &two.member_id), 5).await;
    session.call(&heartbeat(&group, &one), 4).await;
    session.call(&sync(&group, &one), 5).await;
    session.call(&again, 9).await;
}

async fn a_new_protocol_is_chosen_by_votes(session: &mut Session) {
    let group = group(session).await;
    let mut other = session.another().await;
    let with = |member_id: &str, names: &[&str]| JoinGroupRequest {
        protocols: names
            .iter()
            .map(|name| JoinGroupRequestProtocol {
                name: (*name).into(),
                metadata: reads(&[name]),
                ..Default::default()
            })
            .collect(),
        ..join(&group, member_id)
    };
    let first = joined(session, with("", &["sticky", "range"])).await;
    session.write(&first);
    let given = other.quietly(&with("", &["range", "other"]), 9).await;
    let again = with(&first.member_id, &["sticky", "range"]);
    let second = with(&given.member_id, &["range", "other"]);
    let mut assigned = sync(&group, &first);
    assigned.protocol_name = Some("sticky".into());
    session.call(&assigned, 5).await;
    rebalance(session, &mut other, &again, &second, first.generation_id).await;
}

async fn a_silent_member_is_out_after_its_session(session: &mut Session) {
    let group = group(session).await;
    let mut request = join(&group, "");
    request.session_timeout_ms = 500;
    let joined = joined(session, request).await;
    session.quietly(&sync(&group, &joined), 5).await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    session.call(&heartbeat(&group, &joined), 4).await;
    session.call(&describe(&group, false), 5).await;
}

async fn whoever_misses_a_rebalance_is_out(session: &mut Session) {
    let group = group(session).await;
    let mut other = session.another().await;
    let mut request = reading(&group, "", "a");
    request.rebalance_timeout_ms = 700;
    let first = joined(session, request).await;
    session.quietly(&sync(&group, &first), 5).await;
    let given = other.quietly(&reading(&group, "", "b"), 9).await;
    let mut second = reading(&group, &given.member_id, "b");
    second.rebalance_timeout_ms = 700;
    let second = other.quietly(&second, 9).await;
    session.write(&second);
    session.call(&heartbeat(&group, &first), 4).await;
    session
        .call(&reading(&group, &first.member_id, "a"), 9)
        .await;
    // A leader that never syncs is out as well.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    session.call(&heartbeat(&group, &second), 4).await;
    session.call(&describe(&group, false), 5).await;
}

async fn a_leave_sends_those_who_wait_for_the_leader_back(session: &mut Session) {
    let group = group(session).await;
    let mut other = session.another().await;
    let first = joined(session, reading(&group, "", "a")).await;
    session.quietly(&sync(&group, &first), 5).await;
    let given = other.quietly(&reading(&group, "", "b"), 9).await;
    let again = reading(&group, &first.member_id, "a");
    let second = reading(&group, &given.member_id, "b");
    let (one, two) = rebalance(session, &mut other, &again, &second, first.generation_id).await;
    let mut follows = sync(&group, &two);
    follows.assignments.clear();
    let leaves = async {
        // Nothing tells from outside that the follower waits.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        session.quietly(&leave(&group, &one.member_id), 5).await
    };
    let (left, followed) = tokio::join!(leaves, other.quietly(&follows, 5));
    session.write(&left);
    session.write(&followed);
    session.call(&second, 9).await;
}

sequences![
    two_members_share_a_group,
    a_new_protocol_is_chosen_by_votes,
    a_silent_member_is_out_after_its_session,
    whoever_misses_a_rebalance_is_out,
    a_leave_sends_those_who_wait_for_the_leader_back,
    one_member_goes_through_its_life_in_every_version,
    joins_that_are_refused,
    a_member_that_joins_again,
    syncs_and_heartbeats_that_are_refused,
    leaves_that_are_refused,
    a_static_member_that_restarts_fences_the_old_one,
    offsets_in_every_version,
    commits_that_are_refused,
    members_commit_in_their_generation,
    groups_are_described,
    groups_are_listed,
    groups_are_deleted,
    offsets_are_deleted,
    offsets_of_what_members_read_stay,
    the_coordinator_is_found,
    a_topic_made_anew_has_no_offsets_of_the_old_one,
];

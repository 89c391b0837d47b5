//! The life of records and of a group in each version of each API on their way: clients of every age
//! are answered in their own words.

use kafka_client_protocol::Uuid;
use kafka_client_protocol::api::create_topics::{CreatableTopic, CreateTopicsRequest};
use kafka_client_protocol::api::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use kafka_client_protocol::api::find_coordinator::FindCoordinatorRequest;
use kafka_client_protocol::api::heartbeat::HeartbeatRequest;
use kafka_client_protocol::api::leave_group::{LeaveGroupRequest, MemberIdentity};
use kafka_client_protocol::api::list_groups::ListGroupsRequest;
use kafka_client_protocol::api::metadata::{MetadataRequest, MetadataRequestTopic};
use kafka_client_protocol::api::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_client_protocol::api::sync_group::SyncGroupRequest;
use kafka_client_protocol::records::{Compression, CompressionConfig, Seal};

use crate::cluster::id_of;
use crate::groups::{group, join, joined, sync};
use crate::offsets::list;
use crate::records::{batch, fetch, now_ms, produce, stored, topic, topic_named};
use crate::session::Session;

/// One sequence for each version.
macro_rules! versions {
    ($($name:ident: $($version:literal)*;)*) => {
        pub(crate) const ALL: &[crate::session::Sequence] = &[$($(crate::session::Sequence {
            name: concat!(module_path!(), "::", stringify!($name), "::v", stringify!($version)),
            run: |session| Box::pin($name(session, $version)),
        },)*)*];
    };
}

/// Records in the codec that the version's number picks, an unknown partition, a batch that is none.
async fn records_are_produced(session: &mut Session, version: i16) {
    let name = topic_named(session, "t", 2, &[]).await;
    let id = id_of(session, &name).await;
    let now = now_ms();
    let codecs = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
    ];
    let codec = codecs[usize::try_from(version).unwrap() % codecs.len()];
    let seal = Seal {
        compression: CompressionConfig::new(codec),
        ..Seal::default()
    };
    for (partition, records) in [
        (0, batch(&seal, &[(now, "a"), (now, "b")])),
        (0, batch(&seal, &[(now, "c")])),
        (9, batch(&seal, &[(now, "d")])),
        (0, batch(&seal, &[(now, "e")]).slice(..20)),
    ] {
        let mut request = produce(&name, partition, Some(records));
        if version >= 13 {
            request.topic_data[0].name = "".into();
            request.topic_data[0].topic_id = id;
        }
        session.call(&request, version).await;
    }
    stored(session, &name, now).await;
}

/// From the start, from the end, from nowhere, and from a partition that there is not.
async fn records_are_fetched(session: &mut Session, version: i16) {
    let name = topic(session, &[]).await;
    let id = id_of(session, &name).await;
    for value in ["a", "b"] {
        let records = batch(&Seal::default(), &[(now_ms(), value)]);
        session.quietly(&produce(&name, 0, Some(records)), 9).await;
    }
    for (partition, offset) in [(0, 0), (0, 1), (0, 2), (0, 3), (5, 0)] {
        let mut request = fetch(&name, partition, offset);
        if version >= 13 {
            request.topics[0].topic = "".into();
            request.topics[0].topic_id = id;
        }
        let mut answer = session.quietly(&request, version).await;
        // The times in them are their own.
        for one in answer
            .responses
            .iter_mut()
            .flat_map(|topic| &mut topic.partitions)
        {
            let bytes = one.records.take().map_or(0, |records| records.len());
            session.note(format!("{bytes} bytes"));
        }
        session.write(&answer);
    }
}

async fn offsets_are_listed(session: &mut Session, version: i16) {
    let name = topic(session, &[]).await;
    let began = now_ms();
    let records = batch(&Seal::default(), &[(began, "a"), (began + 60_000, "b")]);
    session.quietly(&produce(&name, 0, Some(records)), 9).await;
    for (partition_index, timestamp) in [(0, -1), (0, -2), (0, 0), (0, i64::MAX), (5, -1), (0, -9)]
    {
        let request = list(&name, partition_index, timestamp);
        let mut answer = session.quietly(&request, version).await;
        for one in answer
            .topics
            .iter_mut()
            .flat_map(|topic| &mut topic.partitions)
        {
            if one.timestamp >= 0 {
                one.timestamp -= began;
            }
        }
        session.write(&answer);
    }
}

async fn topics_are_described(session: &mut Session, version: i16) {
    let name = topic_named(session, "t", 2, &[]).await;
    let none = session.name("none");
    for asked in [name.as_str(), &none, "a/b", ""] {
        let request = MetadataRequest {
            topics: Some(vec![MetadataRequestTopic {
                name: Some(asked.into()),
                ..Default::default()
            }]),
            allow_auto_topic_creation: version < 4,
            ..Default::default()
        };
        if version < 4 && asked == none {
            // It would be made.
            continue;
        }
        let mut answer = session.quietly(&request, version).await;
        for topic in &mut answer.topics {
            topic.partitions.sort_by_key(|one| one.partition_index);
        }
        session.write(&answer);
    }
}

async fn topics_are_made(session: &mut Session, version: i16) {
    let name = session.name("t");
    for (partitions, replicas, validate_only) in [
        (2, 1, true),
        (2, 3, false),
        (0, 1, false),
        (2, 1, false),
        (2, 1, false),
        (2, 1, true),
    ] {
        let request = CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: name.as_str().into(),
                num_partitions: partitions,
                replication_factor: replicas,
                ..Default::default()
            }],
            timeout_ms: 10_000,
            validate_only,
            ..Default::default()
        };
        let mut answer = session.quietly(&request, version).await;
        for topic in &mut answer.topics {
            topic.configs = None;
        }
        session.write(&answer);
    }
}

async fn topics_are_deleted(session: &mut Session, version: i16) {
    let name = topic(session, &[]).await;
    for _ in 0..2 {
        let mut request = DeleteTopicsRequest {
            timeout_ms: 10_000,
            ..Default::default()
        };
        if version >= 6 {
            request.topics = vec![DeleteTopicState {
                name: Some(name.as_str().into()),
                ..Default::default()
            }];
        } else {
            request.topic_names = vec![name.as_str().into()];
        }
        session.call(&request, version).await;
    }
}

async fn a_coordinator_is_found(session: &mut Session, version: i16) {
    let name = group(session).await;
    for kind in [0, 5] {
        if version == 0 && kind != 0 {
            continue;
        }
        let mut request = FindCoordinatorRequest {
            key_type: kind,
            ..Default::default()
        };
        if version >= 4 {
            request.coordinator_keys = vec![name.as_str().into()];
        } else {
            request.key = name.as_str().into();
        }
        session.call(&request, version).await;
    }
}

async fn a_member_joins(session: &mut Session, version: i16) {
    let name = group(session).await;
    let request = join(&name, "");
    let mut answer = session.call(&request, version).await;
    if version >= 4 {
        answer = session.call(&join(&name, &answer.member_id), version).await;
    }
    session.call(&join(&name, "a stranger"), version).await;
    session.quietly(&sync(&name, &answer), 5).await;
    let mut odd = join(&name, &answer.member_id);
    odd.protocol_type = "connect".into();
    session.call(&odd, version).await;
    odd = join(&name, "");
    odd.session_timeout_ms = 1;
    session.call(&odd, version).await;
}

async fn a_leader_syncs(session: &mut Session, version: i16) {
    let name = group(session).await;
    let answer = joined(session, join(&name, "")).await;
    let good = sync(&name, &answer);
    let mut old = good.clone();
    old.generation_id -= 1;
    let mut stranger = good.clone();
    stranger.member_id = "a stranger".into();
    let mut nobody: SyncGroupRequest = good.clone();
    nobody.group_id = session.name("none").as_str().into();
    for request in [old, stranger, nobody, good.clone(), good] {
        session.call(&request, version).await;
    }
}

async fn a_member_beats(session: &mut Session, version: i16) {
    let name = group(session).await;
    let answer = joined(session, join(&name, "")).await;
    session.quietly(&sync(&name, &answer), 5).await;
    for (group_id, member_id, generation_id) in [
        (
            name.as_str(),
            answer.member_id.as_str(),
            answer.generation_id,
        ),
        (&name, &answer.member_id, answer.generation_id + 1),
        (&name, "a stranger", answer.generation_id),
        ("", &answer.member_id, answer.generation_id),
        ("no such group", &answer.member_id, answer.generation_id),
    ] {
        let request = HeartbeatRequest {
            group_id: group_id.into(),
            generation_id,
            member_id: member_id.into(),
            ..Default::default()
        };
        session.call(&request, version).await;
    }
}

async fn a_member_leaves(session: &mut Session, version: i16) {
    let name = group(session).await;
    let answer = joined(session, join(&name, "")).await;
    session.quietly(&sync(&name, &answer), 5).await;
    for (group_id, member_id) in [
        (name.as_str(), "a stranger"),
        (&name, answer.member_id.as_str()),
        (&name, &answer.member_id),
        ("no such group", "x"),
    ] {
        let mut request = LeaveGroupRequest {
            group_id: group_id.into(),
            ..Default::default()
        };
        if version >= 3 {
            request.members = vec![MemberIdentity {
                member_id: member_id.into(),
                ..Default::default()
            }];
        } else {
            request.member_id = member_id.into();
        }
        session.call(&request, version).await;
    }
}

async fn offsets_are_committed(session: &mut Session, version: i16) {
    let name = group(session).await;
    let topic = topic(session, &[]).await;
    let id = id_of(session, &topic).await;
    let long = "m".repeat(5000);
    for (partition_index, committed_metadata, generation, member_id) in [
        (0, "m", -1, ""),
        (7, "m", -1, ""),
        (0, long.as_str(), -1, ""),
        (0, "m", 5, ""),
        (0, "m", -1, "a stranger"),
    ] {
        let mut request = OffsetCommitRequest {
            group_id: name.as_str().into(),
            generation_id_or_member_epoch: generation,
            member_id: member_id.into(),
            topics: vec![OffsetCommitRequestTopic {
                name: topic.as_str().into(),
                partitions: vec![OffsetCommitRequestPartition {
                    partition_index,
                    committed_offset: 3,
                    committed_metadata: Some(committed_metadata.into()),
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        if version >= 10 {
            request.topics[0].name = "".into();
            request.topics[0].topic_id = id;
        }
        session.call(&request, version).await;
        if version >= 10 {
            request.topics[0].topic_id = Uuid([9; 16]);
            session.call(&request, version).await;
        }
    }
}

async fn groups_are_found_in_a_list(session: &mut Session, version: i16) {
    let name = group(session).await;
    let answer = joined(session, join(&name, "")).await;
    session.quietly(&sync(&name, &answer), 5).await;
    for states in [&[][..], &["Stable"], &["Dead"], &["sTABLE"]] {
        if version < 4 && !states.is_empty() {
            continue;
        }
        let request = ListGroupsRequest {
            states_filter: states.iter().map(|state| (*state).into()).collect(),
            ..Default::default()
        };
        let mut answer = session.quietly(&request, version).await;
        answer.groups.retain(|group| *group.group_id == *name);
        session.write(&answer);
    }
}

versions! {
    records_are_produced: 3 4 5 6 7 8 9 10 11 12 13;
    records_are_fetched: 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18;
    offsets_are_listed: 1 2 3 4 5 6 7 8 9 10 11;
    topics_are_described: 0 1 2 3 4 5 6 7 8 9 10 11 12 13;
    topics_are_made: 2 3 4 5 6 7;
    topics_are_deleted: 1 2 3 4 5 6;
    a_coordinator_is_found: 0 1 2 3 4 5 6;
    a_member_joins: 0 1 2 3 4 5 6 7 8 9;
    a_leader_syncs: 0 1 2 3 4 5;
    a_member_beats: 0 1 2 3 4;
    a_member_leaves: 0 1 2 3 4 5;
    offsets_are_committed: 2 3 4 5 6 7 8 9 10;
    groups_are_found_in_a_list: 0 1 2 3 4 5;
}

//! What administrators ask for: partitions, log directories, elections, reassignments, producers,
//! transactions, the quorum, features.

use kafka_client_protocol::Request;
use kafka_client_protocol::api::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use kafka_client_protocol::api::alter_replica_log_dirs::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic, AlterReplicaLogDirsRequest,
};
use kafka_client_protocol::api::api_versions::ApiVersionsRequest;
use kafka_client_protocol::api::create_acls::{AclCreation, CreateAclsRequest};
use kafka_client_protocol::api::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
};
use kafka_client_protocol::api::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest,
};
use kafka_client_protocol::api::delete_acls::{DeleteAclsFilter, DeleteAclsRequest};
use kafka_client_protocol::api::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use kafka_client_protocol::api::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use kafka_client_protocol::api::describe_acls::DescribeAclsRequest;
use kafka_client_protocol::api::describe_cluster::DescribeClusterRequest;
use kafka_client_protocol::api::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsRequest,
};
use kafka_client_protocol::api::describe_producers::{
    DescribeProducersRequest, TopicRequest as ProducersOf,
};
use kafka_client_protocol::api::describe_quorum::{
    DescribeQuorumRequest, PartitionData, TopicData,
};
use kafka_client_protocol::api::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, TopicRequest,
};
use kafka_client_protocol::api::describe_transactions::DescribeTransactionsRequest;
use kafka_client_protocol::api::elect_leaders::{ElectLeadersRequest, TopicPartitions};
use kafka_client_protocol::api::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics,
};
use kafka_client_protocol::api::list_transactions::ListTransactionsRequest;
use kafka_client_protocol::api::metadata::{MetadataRequest, MetadataRequestTopic};
use kafka_client_protocol::api::unregister_broker::UnregisterBrokerRequest;
use kafka_client_protocol::api::update_features::{FeatureUpdateKey, UpdateFeaturesRequest};
use kafka_client_protocol::records::Seal;

use crate::records::{batch, now_ms, plain, produce, topic, topic_named};
use crate::session::Session;

/// Sends the request in all the versions that clients use.
async fn in_versions<R>(session: &mut Session, request: &R, versions: std::ops::RangeInclusive<i16>)
where
    R: Request + std::fmt::Debug,
    R::Response: std::fmt::Debug,
{
    for version in versions {
        session.call(request, version).await;
    }
}

fn grow(topic: &str, count: i32, assigned: Option<&[&[i32]]>) -> CreatePartitionsRequest {
    CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name: topic.into(),
            count,
            assignments: assigned.map(|assigned| {
                let assigned = assigned.iter();
                assigned
                    .map(|ids| CreatePartitionsAssignment {
                        broker_ids: ids.to_vec(),
                        ..Default::default()
                    })
                    .collect()
            }),
            ..Default::default()
        }],
        timeout_ms: 10_000,
        ..Default::default()
    }
}

async fn a_topic_grows(session: &mut Session) {
    let name = topic(session, &[]).await;
    for (version, count) in (0..=3).zip(2..) {
        session.call(&grow(&name, count, None), version).await;
    }
    session.until_there(&name, 5).await;
    let request = produce(&name, 4, Some(plain(&["a"])));
    session.call(&request, 9).await;
    let none = session.name("none");
    for request in [
        grow(&name, 5, None),
        grow(&name, 4, None),
        grow(&name, 0, None),
        grow(&name, -1, None),
        grow(&none, 5, None),
        grow("a/b", 5, None),
        grow(&name, 6, Some(&[])),
        grow(&name, 6, Some(&[&[2]])),
        grow(&name, 6, Some(&[&[]])),
        grow(&name, 6, Some(&[&[1, 1]])),
        grow(&name, 6, Some(&[&[1], &[1]])),
        grow(&name, 6, Some(&[&[1]])),
    ] {
        session.call(&request, 3).await;
    }
    let mut tried = grow(&name, 9, None);
    tried.validate_only = true;
    session.call(&tried, 3).await;
    let mut twice = grow(&name, 9, None);
    twice.topics.push(twice.topics[0].clone());
    session.call(&twice, 3).await;
}

async fn topics_are_made_by_many_rules(session: &mut Session) {
    let name = session.name("t");
    let asked = |name: &str, partitions, replicas| CreatableTopic {
        name: name.into(),
        num_partitions: partitions,
        replication_factor: replicas,
        ..Default::default()
    };
    let assigned = |name: &str, assigned: &[(i32, &[i32])]| CreatableTopic {
        assignments: assigned
            .iter()
            .map(|(partition_index, ids)| CreatableReplicaAssignment {
                partition_index: *partition_index,
                broker_ids: ids.to_vec(),
                ..Default::default()
            })
            .collect(),
        ..asked(name, -1, -1)
    };
    for (number, topic) in [
        asked(&name, 0, 1),
        asked(&name, -2, 1),
        asked(&name, 1, 2),
        asked(&name, 1, 0),
        asked(&name, 10_001, 1),
        asked("", 1, 1),
        asked("..", 1, 1),
        asked("a/b", 1, 1),
        asked(&"x".repeat(250), 1, 1),
        assigned(&name, &[(0, &[2])]),
        assigned(&name, &[(1, &[1])]),
        assigned(&name, &[(0, &[1]), (0, &[1])]),
        assigned(&name, &[(0, &[])]),
        assigned(&name, &[(0, &[1, 1])]),
        CreatableTopic {
            num_partitions: 1,
            ..assigned(&name, &[(0, &[1])])
        },
        assigned(&name, &[(1, &[1]), (0, &[1])]),
        asked(&name, 1, 1),
        asked(&name.replace('-', "_"), -1, -1),
    ]
    .into_iter()
    .enumerate()
    {
        session.note(format!("{number}"));
        let mut request = CreateTopicsRequest {
            topics: vec![topic],
            timeout_ms: 10_000,
            ..Default::default()
        };
        request.validate_only = number % 2 == 0;
        let mut answer = session.quietly(&request, 7).await;
        // Settings are compared elsewhere.
        for topic in &mut answer.topics {
            topic.configs = None;
        }
        session.write(&answer);
    }
}

async fn names_that_differ_in_a_dot_collide(session: &mut Session) {
    let name = topic_named(session, "a.b", 1, &[]).await;
    let mut other = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: name.replace("a.b", "a_b").as_str().into(),
            num_partitions: 1,
            replication_factor: 1,
            ..Default::default()
        }],
        timeout_ms: 10_000,
        ..Default::default()
    };
    session.call(&other, 5).await;
    other.topics.push(other.topics[0].clone());
    session.call(&other, 5).await;
}

async fn topics_are_deleted_by_name_and_id(session: &mut Session) {
    for version in 1..=5 {
        let name = topic_named(session, &format!("t{version}"), 1, &[]).await;
        let request = DeleteTopicsRequest {
            topic_names: vec![name.as_str().into(), session.name("none").as_str().into()],
            timeout_ms: 10_000,
            ..Default::default()
        };
        let mut answer = session.quietly(&request, version).await;
        answer.responses.sort_by(|a, b| a.name.cmp(&b.name));
        session.write(&answer);
    }
    let name = topic(session, &[]).await;
    let by = |name: Option<&str>, topic_id| DeleteTopicsRequest {
        topics: vec![DeleteTopicState {
            name: name.map(Into::into),
            topic_id,
            ..Default::default()
        }],
        timeout_ms: 10_000,
        ..Default::default()
    };
    let unknown = kafka_client_protocol::Uuid([7; 16]);
    session.call(&by(None, unknown), 6).await;
    session.call(&by(Some(&name), unknown), 6).await;
    let zero = kafka_client_protocol::Uuid::ZERO;
    session.call(&by(None, zero), 6).await;
    session.call(&by(Some("a/b"), zero), 6).await;
    let mut twice = by(Some(&name), zero);
    twice.topics.push(twice.topics[0].clone());
    session.call(&twice, 6).await;
    let metadata = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some(name.as_str().into()),
            ..Default::default()
        }]),
        ..Default::default()
    };
    let id = session
        .quietly(&metadata, 12)
        .await
        .topics
        .first()
        .map(|topic| topic.topic_id);
    session.call(&by(None, id.unwrap_or_default()), 6).await;
    session.call(&by(Some(&name), zero), 6).await;
}

async fn the_size_of_partitions(session: &mut Session) {
    let name = topic_named(session, "t", 2, &[]).await;
    session
        .quietly(&produce(&name, 1, Some(plain(&["a", "b"]))), 9)
        .await;
    let of = |topic: &str, partitions: &[i32]| DescribeLogDirsRequest {
        topics: Some(vec![DescribableLogDirTopic {
            topic: topic.into(),
            partitions: partitions.to_vec(),
            ..Default::default()
        }]),
        ..Default::default()
    };
    for version in 1..=4 {
        let mut answer = session.quietly(&of(&name, &[0, 1, 7]), version).await;
        for topic in answer.results.iter_mut().flat_map(|dir| &mut dir.topics) {
            topic.partitions.sort_by_key(|one| one.partition_index);
        }
        session.write(&answer);
    }
    let none = session.name("none");
    session.call(&of(&none, &[0]), 4).await;
    session.call(&of(&name, &[]), 4).await;
}

async fn no_election_is_needed(session: &mut Session) {
    let name = topic(session, &[]).await;
    let none = session.name("none");
    for (election_type, topic, partitions) in [
        (0, &name, vec![0]),
        (1, &name, vec![0]),
        (0, &name, vec![7]),
        (0, &none, vec![0]),
        (9, &name, vec![0]),
    ] {
        let request = ElectLeadersRequest {
            election_type,
            topic_partitions: Some(vec![TopicPartitions {
                topic: topic.as_str().into(),
                partitions,
                ..Default::default()
            }]),
            timeout_ms: 10_000,
            ..Default::default()
        };
        session.call(&request, 2).await;
    }
    let all = ElectLeadersRequest {
        topic_partitions: None,
        timeout_ms: 10_000,
        ..Default::default()
    };
    let answer = session.quietly(&all, 2).await;
    let named = answer.replica_election_results.iter();
    let own = named.filter(|result| *result.topic == *name);
    let own: Vec<usize> = own.map(|result| result.partition_result.len()).collect();
    session.note(format!("{}: {own:?}", answer.error_code));
}

async fn nothing_can_be_reassigned(session: &mut Session) {
    let name = topic(session, &[]).await;
    let none = session.name("none");
    for (topic, partition_index, replicas) in [
        (&name, 0, Some(vec![1])),
        (&name, 0, Some(vec![2])),
        (&name, 0, Some(vec![1, 2])),
        (&name, 0, Some(vec![1, 1])),
        (&name, 0, Some(vec![])),
        (&name, 0, Some(vec![-1])),
        (&name, 0, None),
        (&name, 7, Some(vec![1])),
        (&none, 0, Some(vec![1])),
    ] {
        let request = AlterPartitionReassignmentsRequest {
            timeout_ms: 10_000,
            topics: vec![ReassignableTopic {
                name: topic.as_str().into(),
                partitions: vec![ReassignablePartition {
                    partition_index,
                    replicas,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        in_versions(session, &request, 0..=1).await;
    }
    let mut list = ListPartitionReassignmentsRequest {
        timeout_ms: 10_000,
        topics: None,
        ..Default::default()
    };
    session.call(&list, 0).await;
    for topic in [&name, &none] {
        list.topics = Some(vec![ListPartitionReassignmentsTopics {
            name: topic.as_str().into(),
            partition_indexes: vec![0, 7],
            ..Default::default()
        }]);
        session.call(&list, 0).await;
    }
}

async fn the_producers_of_a_partition(session: &mut Session) {
    let name = topic(session, &[]).await;
    for (producer_id, producer_epoch, base_sequence) in [(7, 2, 0), (7, 2, 1), (8, 0, 5)] {
        let seal = Seal {
            producer_id,
            producer_epoch,
            base_sequence,
            ..Seal::default()
        };
        let records = batch(&seal, &[(now_ms(), "a")]);
        session.quietly(&produce(&name, 0, Some(records)), 9).await;
    }
    let none = session.name("none");
    for (topic, partitions) in [
        (name.as_str(), vec![0, 7]),
        (&none, vec![0]),
        ("a/b", vec![0]),
    ] {
        let request = DescribeProducersRequest {
            topics: vec![ProducersOf {
                name: topic.into(),
                partition_indexes: partitions,
                ..Default::default()
            }],
            ..Default::default()
        };
        let mut answer = session.quietly(&request, 0).await;
        let partitions = answer
            .topics
            .iter_mut()
            .flat_map(|topic| &mut topic.partitions);
        for partition in partitions {
            partition
                .active_producers
                .sort_by_key(|one| one.producer_id);
        }
        session.write(&answer);
    }
}

async fn no_transactions(session: &mut Session) {
    for (states, pattern) in [
        (vec![], None),
        (vec!["Ongoing", "Empty"], None),
        (vec!["ongoing", "Odd"], None),
        (vec![], Some("")),
        (vec![], Some("no such.*")),
        (vec![], Some("(")),
    ] {
        let request = ListTransactionsRequest {
            state_filters: states.into_iter().map(Into::into).collect(),
            transactional_id_pattern: pattern.map(Into::into),
            ..Default::default()
        };
        session.call(&request, 2).await;
    }
}

async fn unknown_transactional_ids(session: &mut Session) {
    let ids = [session.name("x"), String::new()];
    let request = DescribeTransactionsRequest {
        transactional_ids: ids.iter().map(|id| id.as_str().into()).collect(),
        ..Default::default()
    };
    // Apache Kafka loads its coordinator at the first question.
    let mut answer = session.settled(&request, 0).await;
    answer
        .transaction_states
        .sort_by(|a, b| a.transactional_id.cmp(&b.transactional_id));
    session.write(&answer);
}

async fn topics_by_pages(session: &mut Session) {
    let a = topic_named(session, "a", 3, &[]).await;
    let b = topic_named(session, "b", 2, &[]).await;
    let none = session.name("none");
    let cursor = |topic: &str, partition_index| Cursor {
        topic_name: topic.into(),
        partition_index,
        ..Default::default()
    };
    for (limit, cursor) in [
        (2000, None),
        (1, None),
        (3, None),
        (4, None),
        (0, None),
        (-1, None),
        (2, Some(cursor(&a, 2))),
        (2, Some(cursor(&b, 0))),
        (2, Some(cursor(&a, 9))),
        (2, Some(cursor("zzz", 0))),
        (2, Some(cursor(&a, -1))),
    ] {
        let names = [b.as_str(), none.as_str(), a.as_str(), a.as_str()];
        let request = DescribeTopicPartitionsRequest {
            topics: names
                .iter()
                .map(|name| TopicRequest {
                    name: (*name).into(),
                    ..Default::default()
                })
                .collect(),
            response_partition_limit: limit,
            cursor,
            ..Default::default()
        };
        session.call(&request, 0).await;
    }
}

async fn the_quorum(session: &mut Session) {
    let of = |topic: &str, partitions: &[i32]| DescribeQuorumRequest {
        topics: vec![TopicData {
            topic_name: topic.into(),
            partitions: partitions
                .iter()
                .map(|partition_index| PartitionData {
                    partition_index: *partition_index,
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    for version in 0..=2 {
        let answer = session
            .quietly(&of("__cluster_metadata", &[0]), version)
            .await;
        for quorum in answer.topics.iter().flat_map(|topic| &topic.partitions) {
            session.note(format!(
                "v{version} leader {} of {} voters and {} observers: {}",
                quorum.leader_id,
                quorum.current_voters.len(),
                quorum.observers.len(),
                quorum.high_watermark > 0
            ));
        }
        session.note(format!("{} nodes", answer.nodes.len()));
    }
    session.call(&of("no such", &[0]), 2).await;
    session.call(&of("__cluster_metadata", &[1]), 2).await;
}

async fn features_cannot_be_what_they_are_not(session: &mut Session) {
    for (feature, level, upgrade_type) in [
        ("no.such.feature", 1, 1),
        ("metadata.version", 99, 1),
        ("metadata.version", 1, 1),
        ("kraft.version", 9, 1),
    ] {
        let request = UpdateFeaturesRequest {
            timeout_ms: 10_000,
            feature_updates: vec![FeatureUpdateKey {
                feature: feature.into(),
                max_version_level: level,
                upgrade_type,
                ..Default::default()
            }],
            ..Default::default()
        };
        in_versions(session, &request, 1..=2).await;
    }
}

async fn partitions_stay_in_their_directory(session: &mut Session) {
    let name = topic(session, &[]).await;
    let request = AlterReplicaLogDirsRequest {
        dirs: vec![AlterReplicaLogDir {
            path: "/no/such/directory".into(),
            topics: vec![AlterReplicaLogDirTopic {
                name: name.as_str().into(),
                partitions: vec![0],
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    in_versions(session, &request, 1..=2).await;
}

async fn unknown_brokers_are_not_registered(session: &mut Session) {
    let request = UnregisterBrokerRequest {
        broker_id: 77,
        ..Default::default()
    };
    session.call(&request, 0).await;
}

async fn the_cluster(session: &mut Session) {
    for include_cluster_authorized_operations in [false, true] {
        let request = DescribeClusterRequest {
            include_cluster_authorized_operations,
            ..Default::default()
        };
        session.call(&request, 0).await;
    }
    for endpoint_type in [1, 2, 3] {
        let request = DescribeClusterRequest {
            endpoint_type,
            ..Default::default()
        };
        // The port of controllers has answers of its own.
        let answer = session.quietly(&request, 2).await;
        session.note(format!("{endpoint_type}: {}", answer.error_code));
    }
}

async fn there_is_no_authorizer(session: &mut Session) {
    let describe = DescribeAclsRequest {
        resource_type_filter: 1,
        pattern_type_filter: 1,
        operation: 1,
        permission_type: 1,
        ..Default::default()
    };
    in_versions(session, &describe, 1..=3).await;
    let create = CreateAclsRequest {
        creations: vec![AclCreation {
            resource_type: 2,
            resource_name: "t".into(),
            resource_pattern_type: 3,
            principal: "User:a".into(),
            host: "*".into(),
            operation: 3,
            permission_type: 3,
            ..Default::default()
        }],
        ..Default::default()
    };
    in_versions(session, &create, 1..=3).await;
    let delete = DeleteAclsRequest {
        filters: vec![DeleteAclsFilter {
            resource_type_filter: 1,
            pattern_type_filter: 1,
            operation: 1,
            permission_type: 1,
            ..Default::default()
        }],
        ..Default::default()
    };
    in_versions(session, &delete, 1..=3).await;
}

async fn records_are_deleted(session: &mut Session) {
    let name = topic(session, &[]).await;
    let compacted = topic_named(session, "c", 1, &[("cleanup.policy", "compact")]).await;
    session
        .quietly(&produce(&name, 0, Some(plain(&["a", "b", "c"]))), 9)
        .await;
    session
        .quietly(&produce(&compacted, 0, Some(plain(&["a", "b", "c"]))), 9)
        .await;
    let none = session.name("none");
    for (topic, partition_index, offset) in [
        (name.as_str(), 0, 1),
        (&name, 0, 0),
        (&name, 0, 4),
        (&name, 0, -2),
        (&name, 7, 0),
        (&none, 0, 0),
        ("a/b", 0, 0),
        (&compacted, 0, 1),
        (&name, 0, -1),
        (&name, 0, 3),
    ] {
        let request = DeleteRecordsRequest {
            topics: vec![DeleteRecordsTopic {
                name: topic.into(),
                partitions: vec![DeleteRecordsPartition {
                    partition_index,
                    offset,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            timeout_ms: 10_000,
            ..Default::default()
        };
        in_versions(session, &request, 0..=2).await;
    }
    crate::records::stored(session, &name, 0).await;
}

async fn the_apis_and_their_versions(session: &mut Session) {
    let request = ApiVersionsRequest {
        client_software_name: "parity".into(),
        client_software_version: "1".into(),
        ..Default::default()
    };
    let answer = session.quietly(&request, 4).await;
    session.note(format!("{}", answer.error_code));
    // Of the APIs that the reference broker does not have yet nothing is said.
    let not_yet = [
        22, 24, 25, 26, 27, 28, 68, 69, 76, 77, 78, 79, 80, 81, 88, 89, 90, 91, 92,
    ];
    let internal = [
        52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73, 82, 83, 84, 85, 86, 87,
    ];
    let mut apis = answer.api_keys;
    apis.sort_by_key(|api| api.api_key);
    for api in apis {
        if !not_yet.contains(&api.api_key) && !internal.contains(&api.api_key) {
            let (key, min, max) = (api.api_key, api.min_version, api.max_version);
            session.note(format!("{key}: {min} to {max}"));
        }
    }
    let mut features = answer.supported_features;
    features.sort_by(|a, b| a.name.cmp(&b.name));
    for one in features {
        session.note(format!(
            "{} {} to {}",
            one.name, one.min_version, one.max_version
        ));
    }
    for level in answer.finalized_features {
        if ["metadata.version", "eligible.leader.replicas.version"].contains(&&*level.name) {
            session.note(format!("{} at {}", level.name, level.max_version_level));
        }
    }
    for (name, version) in [("", "1"), ("a b", "1"), ("a", "-")] {
        let request = ApiVersionsRequest {
            client_software_name: name.into(),
            client_software_version: version.into(),
            ..Default::default()
        };
        let answer = session.quietly(&request, 3).await;
        session.note(format!("{}", answer.error_code));
    }
}

sequences![
    a_topic_grows,
    topics_are_made_by_many_rules,
    names_that_differ_in_a_dot_collide,
    topics_are_deleted_by_name_and_id,
    the_size_of_partitions,
    no_election_is_needed,
    nothing_can_be_reassigned,
    the_producers_of_a_partition,
    no_transactions,
    unknown_transactional_ids,
    topics_by_pages,
    the_quorum,
    features_cannot_be_what_they_are_not,
    partitions_stay_in_their_directory,
    unknown_brokers_are_not_registered,
    the_cluster,
    there_is_no_authorizer,
    records_are_deleted,
    the_apis_and_their_versions,
];

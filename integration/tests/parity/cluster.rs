//! The cluster and its topics, as clients ask for them.

use kafka_client_protocol::Uuid;
use kafka_client_protocol::api::describe_cluster::DescribeClusterRequest;
use kafka_client_protocol::api::metadata::{MetadataRequest, MetadataRequestTopic};

use crate::records::topic;
use crate::session::Session;

const UNKNOWN: Uuid = Uuid([7; 16]);

pub(crate) fn asked(name: Option<&str>, topic_id: Uuid) -> MetadataRequestTopic {
    MetadataRequestTopic {
        name: name.map(Into::into),
        topic_id,
        ..Default::default()
    }
}

pub(crate) fn metadata(topics: Vec<MetadataRequestTopic>) -> MetadataRequest {
    MetadataRequest {
        topics: Some(topics),
        allow_auto_topic_creation: false,
        ..Default::default()
    }
}

pub(crate) async fn id_of(session: &mut Session, topic: &str) -> Uuid {
    let request = metadata(vec![asked(Some(topic), Uuid::ZERO)]);
    session.settled(&request, 12).await.topics[0].topic_id
}

async fn topics_are_asked_for_by_name_and_id(session: &mut Session) {
    let topic = topic(session, &[]).await;
    let id = id_of(session, &topic).await;
    let none = session.name("none");
    for version in [9, 10, 11, 12, 13] {
        session
            .call(&metadata(vec![asked(Some(&topic), Uuid::ZERO)]), version)
            .await;
        session
            .call(&metadata(vec![asked(Some(&none), Uuid::ZERO)]), version)
            .await;
    }
    for version in [10, 11, 12, 13] {
        for topics in [
            vec![asked(None, id)],
            vec![asked(None, UNKNOWN)],
            vec![asked(Some(&topic), id)],
            vec![asked(Some(""), id)],
            vec![asked(None, id), asked(Some(&topic), Uuid::ZERO)],
            vec![asked(Some(&topic), Uuid::ZERO), asked(None, UNKNOWN)],
        ] {
            session.call(&metadata(topics), version).await;
        }
    }
}

async fn the_cluster_is_described(session: &mut Session) {
    for version in 0..=2 {
        for include_cluster_authorized_operations in [false, true] {
            let request = DescribeClusterRequest {
                include_cluster_authorized_operations,
                ..Default::default()
            };
            session.call(&request, version).await;
        }
    }
    for endpoint_type in [0, 2, 3] {
        let request = DescribeClusterRequest {
            endpoint_type,
            ..Default::default()
        };
        session.call(&request, 2).await;
    }
}

async fn rights_come_with_the_topics(session: &mut Session) {
    let topic = topic(session, &[]).await;
    for version in [8, 10, 11, 13] {
        let mut request = metadata(vec![asked(Some(&topic), Uuid::ZERO)]);
        request.include_topic_authorized_operations = true;
        request.include_cluster_authorized_operations = version <= 10;
        session.call(&request, version).await;
    }
}

async fn names_that_no_topic_can_have(session: &mut Session) {
    for name in ["", ".", "..", "a/b", "a b"] {
        for allow_auto_topic_creation in [false, true] {
            let mut request = metadata(vec![asked(Some(name), Uuid::ZERO)]);
            request.allow_auto_topic_creation = allow_auto_topic_creation;
            session.call(&request, 12).await;
        }
    }
    let long = "x".repeat(250);
    session
        .call(&metadata(vec![asked(Some(&long), Uuid::ZERO)]), 12)
        .await;
}

sequences![
    topics_are_asked_for_by_name_and_id,
    the_cluster_is_described,
    rights_come_with_the_topics,
    names_that_no_topic_can_have,
];

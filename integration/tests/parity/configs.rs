//! Settings: described, changed, listed.

use kafka_client_protocol::api::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource as Replaced, AlterableConfig as Replacement,
};
use kafka_client_protocol::api::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource,
};
use kafka_client_protocol::api::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use kafka_client_protocol::api::list_config_resources::ListConfigResourcesRequest;

use crate::records::topic_request;
use crate::session::Session;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

fn describe(kind: i8, name: &str, keys: Option<&[&str]>) -> DescribeConfigsRequest {
    DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type: kind,
            resource_name: name.into(),
            configuration_keys: keys.map(|keys| keys.iter().map(|key| (*key).into()).collect()),
            ..Default::default()
        }],
        include_synonyms: true,
        ..Default::default()
    }
}

fn resource(kind: i8, name: &str, changes: &[(&str, i8, Option<&str>)]) -> AlterConfigsResource {
    let changes = changes.iter();
    AlterConfigsResource {
        resource_type: kind,
        resource_name: name.into(),
        configs: changes
            .map(|(name, operation, value)| AlterableConfig {
                name: (*name).into(),
                config_operation: *operation,
                value: value.map(Into::into),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

fn change(
    kind: i8,
    name: &str,
    changes: &[(&str, i8, Option<&str>)],
) -> IncrementalAlterConfigsRequest {
    IncrementalAlterConfigsRequest {
        resources: vec![resource(kind, name, changes)],
        ..Default::default()
    }
}

fn replace(kind: i8, name: &str, values: &[(&str, Option<&str>)]) -> AlterConfigsRequest {
    let values = values.iter();
    AlterConfigsRequest {
        resources: vec![Replaced {
            resource_type: kind,
            resource_name: name.into(),
            configs: values
                .map(|(name, value)| Replacement {
                    name: (*name).into(),
                    value: value.map(Into::into),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// Asks for settings, and writes them down by name: Apache Kafka's order is that of a hash.
async fn described(session: &mut Session, request: &DescribeConfigsRequest) {
    described_in(session, request, 4).await;
}

async fn described_in(session: &mut Session, request: &DescribeConfigsRequest, version: i16) {
    let mut answer = session.settled(request, version).await;
    for result in &mut answer.results {
        result.configs.sort_by(|a, b| a.name.cmp(&b.name));
    }
    session.write(&answer);
}

async fn topic(session: &mut Session, configs: &[(&str, &str)]) -> String {
    let name = session.name("t");
    let request = topic_request(&name, 1, configs);
    session.call(&request, 7).await;
    name
}

async fn a_topic_with_defaults(session: &mut Session) {
    let name = topic(session, &[]).await;
    for version in 1..=4 {
        described_in(session, &describe(TOPIC, &name, None), version).await;
    }
}

async fn a_topic_with_its_own_settings(session: &mut Session) {
    let name = topic(
        session,
        &[
            ("compression.type", "lz4"),
            ("retention.ms", "1000"),
            ("cleanup.policy", "compact,delete"),
        ],
    )
    .await;
    described(session, &describe(TOPIC, &name, None)).await;
    let some = describe(TOPIC, &name, Some(&["retention.ms", "no.such.thing"]));
    described(session, &some).await;
    described(session, &describe(TOPIC, &name, Some(&[]))).await;
}

async fn a_topic_with_impossible_settings(session: &mut Session) {
    for (name, value) in [
        ("no.such.thing", "1"),
        ("retention.ms", "soon"),
        ("retention.ms", "-2"),
        ("cleanup.policy", "keep"),
        ("cleanup.policy", ""),
        ("compression.type", "zip"),
        ("max.message.bytes", "-1"),
        ("min.cleanable.dirty.ratio", "2"),
        ("segment.bytes", "1"),
        ("message.timestamp.type", "Sometimes"),
        ("preallocate", "perhaps"),
    ] {
        topic(session, &[(name, value)]).await;
    }
}

async fn what_is_not_there_is_not_described(session: &mut Session) {
    let none = session.name("none");
    for (kind, name) in [
        (TOPIC, none.as_str()),
        (TOPIC, "a/b"),
        (TOPIC, ""),
        (BROKER, "9"),
        (BROKER, "one"),
        (GROUP, ""),
        (CLIENT_METRICS, ""),
        (99, "x"),
        (0, "x"),
    ] {
        described(session, &describe(kind, name, None)).await;
    }
}

async fn groups_and_metrics_that_nobody_knows(session: &mut Session) {
    let name = session.name("g");
    described(session, &describe(GROUP, &name, None)).await;
    described(session, &describe(CLIENT_METRICS, &name, None)).await;
}

async fn a_brokers_settings(session: &mut Session) {
    let answer = session.quietly(&describe(BROKER, "1", None), 4).await;
    // Where and how the two run is not the same.
    let own = [
        "listener",
        "log.dir",
        "process.roles",
        "controller.",
        "broker.session.timeout.ms",
        "broker.heartbeat.interval.ms",
        "broker.id",
        "max.connections",
        "inter.broker.listener.name",
        "early.start.listeners",
    ];
    let configs = answer.results.into_iter().flat_map(|result| result.configs);
    let mut configs: Vec<_> = configs.collect();
    configs.sort_by(|a, b| a.name.cmp(&b.name));
    for config in configs {
        if own.iter().any(|part| config.name.contains(part)) {
            continue;
        }
        let synonyms = config.synonyms.iter();
        let synonyms: Vec<String> = synonyms
            .map(|one| format!("{} {:?} {}", one.name, one.value, one.source))
            .collect();
        session.note(format!(
            "{} {:?} read only {} source {} sensitive {} type {} synonyms {synonyms:?}",
            config.name,
            config.value,
            config.read_only,
            config.config_source,
            config.is_sensitive,
            config.config_type,
        ));
    }
}

async fn some_settings_of_a_broker(session: &mut Session) {
    let keys = ["log.retention.ms", "log.roll.hours", "min.insync.replicas"];
    described(session, &describe(BROKER, "1", Some(&keys))).await;
    described(session, &describe(BROKER, "", Some(&keys))).await;
}

async fn a_topics_settings_change(session: &mut Session) {
    let name = topic(session, &[("retention.ms", "1000")]).await;
    let keys = ["retention.ms", "cleanup.policy", "flush.ms"];
    for changes in [
        &[("retention.ms", SET, Some("2000"))][..],
        &[("flush.ms", SET, Some("5")), ("retention.ms", DELETE, None)],
        &[("cleanup.policy", APPEND, Some("compact"))],
        &[("cleanup.policy", APPEND, Some("compact"))],
        &[("cleanup.policy", SUBTRACT, Some("delete"))],
        &[("flush.ms", DELETE, Some("5"))],
        &[("retention.bytes", DELETE, None)],
        &[],
    ] {
        session.call(&change(TOPIC, &name, changes), 1).await;
        described(session, &describe(TOPIC, &name, Some(&keys))).await;
    }
}

async fn impossible_changes_change_nothing(session: &mut Session) {
    let name = topic(session, &[]).await;
    for changes in [
        &[("retention.ms", SET, Some("-2"))][..],
        &[("retention.ms", SET, None)],
        &[
            ("retention.ms", SET, Some("1")),
            ("flush.ms", SET, Some("x")),
        ],
        &[
            ("retention.ms", SET, Some("1")),
            ("retention.ms", DELETE, None),
        ],
        &[("retention.ms", APPEND, Some("1"))],
        &[("no.such.thing", SET, Some("1"))],
        &[("no.such.thing", DELETE, None)],
        &[("no.such.thing", APPEND, Some("1"))],
        &[("retention.ms", 9, Some("1"))],
    ] {
        session.call(&change(TOPIC, &name, changes), 1).await;
    }
    let keys = ["retention.ms", "flush.ms"];
    described(session, &describe(TOPIC, &name, Some(&keys))).await;
    for (kind, name) in [
        (TOPIC, session.name("none").as_str()),
        (TOPIC, "a/b"),
        (BROKER, "9"),
        (BROKER, "one"),
        (GROUP, ""),
        (CLIENT_METRICS, ""),
        (99, "x"),
    ] {
        session
            .call(&change(kind, name, &[("retention.ms", SET, Some("1"))]), 1)
            .await;
        session
            .call(&replace(kind, name, &[("retention.ms", Some("1"))]), 2)
            .await;
    }
}

async fn a_resource_twice(session: &mut Session) {
    let name = topic(session, &[]).await;
    let one = resource(TOPIC, &name, &[("retention.ms", SET, Some("7"))]);
    let request = IncrementalAlterConfigsRequest {
        resources: vec![one.clone(), one],
        ..Default::default()
    };
    let answer = session.quietly(&request, 1).await;
    session.note(format!(
        "{:?}",
        answer.responses.first().map(|one| one.error_code)
    ));
}

async fn changes_that_are_only_tried(session: &mut Session) {
    let name = topic(session, &[]).await;
    for value in ["7", "-7"] {
        let mut request = change(TOPIC, &name, &[("retention.ms", SET, Some(value))]);
        request.validate_only = true;
        session.call(&request, 1).await;
    }
    let keys = ["retention.ms"];
    described(session, &describe(TOPIC, &name, Some(&keys))).await;
}

async fn a_topics_settings_are_replaced(session: &mut Session) {
    let name = topic(session, &[("retention.ms", "1000")]).await;
    let keys = ["retention.ms", "flush.ms"];
    for version in 0..=2 {
        let values = [("flush.ms", Some("9"))];
        session.call(&replace(TOPIC, &name, &values), version).await;
        described(session, &describe(TOPIC, &name, Some(&keys))).await;
    }
    for values in [
        &[("flush.ms", None)][..],
        &[("flush.ms", Some("-9"))],
        &[("no.such.thing", Some("9"))],
        &[],
    ] {
        session.call(&replace(TOPIC, &name, values), 2).await;
    }
    described(session, &describe(TOPIC, &name, Some(&keys))).await;
}

async fn a_brokers_settings_change(session: &mut Session) {
    let name = topic(session, &[]).await;
    for (resource, setting, value) in [
        ("", "log.retention.ms", "5000"),
        ("1", "log.retention.ms", "6000"),
        ("1", "num.partitions", "6"),
        ("1", "log.retention.ms", "soon"),
        ("1", "no.such.thing", "soon"),
        ("", "ssl.client.auth", "none"),
    ] {
        let changes = [(setting, SET, Some(value))];
        session.call(&change(BROKER, resource, &changes), 1).await;
    }
    // Settings reach Kafka's broker a moment after the answer.
    session
        .settled(&describe(TOPIC, &name, Some(&["retention.ms"])), 4)
        .await;
    let keys = ["log.retention.ms"];
    described(session, &describe(BROKER, "1", Some(&keys))).await;
    described(session, &describe(BROKER, "", Some(&keys))).await;
    for resource in ["", "1"] {
        let changes = [("log.retention.ms", DELETE, None)];
        session.call(&change(BROKER, resource, &changes), 1).await;
    }
}

async fn a_groups_settings_change(session: &mut Session) {
    let name = session.name("g");
    for (setting, value) in [
        ("consumer.session.timeout.ms", "50000"),
        ("consumer.session.timeout.ms", "44999"),
        ("consumer.session.timeout.ms", "60001"),
        ("consumer.heartbeat.interval.ms", "6000"),
        ("share.auto.offset.reset", "earliest"),
        ("share.isolation.level", "serializable"),
        ("no.such.thing", "1"),
    ] {
        let changes = [(setting, SET, Some(value))];
        session.call(&change(GROUP, &name, &changes), 1).await;
    }
    described(session, &describe(GROUP, &name, None)).await;
}

async fn a_metrics_subscription_changes(session: &mut Session) {
    let name = session.name("m");
    for (setting, value) in [
        ("interval.ms", "1000"),
        ("interval.ms", "99"),
        ("interval.ms", "3600001"),
        ("metrics", "org.apache.kafka.producer."),
        ("match", "client_id=a.*"),
        ("match", "client=a"),
        ("match", "client_id"),
        ("no.such.thing", "1"),
    ] {
        let changes = [(setting, SET, Some(value))];
        session
            .call(&change(CLIENT_METRICS, &name, &changes), 1)
            .await;
    }
    session
        .settled(&describe(CLIENT_METRICS, &name, None), 4)
        .await;
    let list = ListConfigResourcesRequest::default();
    let listed = session.quietly(&list, 0).await.config_resources;
    let ours = listed.iter().filter(|one| *one.resource_name == *name);
    let ours: Vec<i8> = ours.map(|one| one.resource_type).collect();
    session.note(format!("listed: {ours:?}"));
    for setting in ["interval.ms", "metrics", "match"] {
        let changes = [(setting, DELETE, None)];
        session
            .call(&change(CLIENT_METRICS, &name, &changes), 1)
            .await;
    }
}

async fn what_has_settings_is_listed(session: &mut Session) {
    let name = topic(session, &[]).await;
    let mine = |name: &str| {
        let (name, prefix) = (name.to_owned(), name.trim_end_matches("-t").to_owned());
        move |listed: &str| listed == name || !listed.contains(&prefix)
    };
    let is_mine = mine(&name);
    for types in [&[][..], &[TOPIC], &[BROKER], &[8], &[GROUP, BROKER], &[99]] {
        let request = ListConfigResourcesRequest {
            resource_types: types.to_vec(),
            ..Default::default()
        };
        let answer = session.quietly(&request, 1).await;
        let listed = answer.config_resources.iter();
        // Other sequences' topics and groups are there as well.
        let listed = listed.filter(|one| {
            *one.resource_name == *name || one.resource_type == BROKER || one.resource_type == 8
        });
        let mut listed: Vec<String> = listed
            .filter(|one| is_mine(&one.resource_name))
            .map(|one| format!("{} {}", one.resource_type, one.resource_name))
            .collect();
        listed.sort();
        session.note(format!("{types:?}: {} {listed:?}", answer.error_code));
    }
}

sequences![
    a_topic_with_defaults,
    a_topic_with_its_own_settings,
    a_topic_with_impossible_settings,
    what_is_not_there_is_not_described,
    groups_and_metrics_that_nobody_knows,
    a_brokers_settings,
    some_settings_of_a_broker,
    a_topics_settings_change,
    impossible_changes_change_nothing,
    a_resource_twice,
    changes_that_are_only_tried,
    a_topics_settings_are_replaced,
    a_brokers_settings_change,
    a_groups_settings_change,
    a_metrics_subscription_changes,
    what_has_settings_is_listed,
];

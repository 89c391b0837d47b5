//! What was answered is in the log.

use kafka_broker::Broker;
use kafka_client::Kafka;
use kafka_client::consumer::{OffsetReset, TopicPartition};
use kafka_client_formats::compatibility::Level;
use kafka_client_formats::registry::{Deletion, Registry, RegistryErrorKind, Retry};
use kafka_client_formats::schema::Schema;
use kafka_registry::Server;

use crate::start;

#[tokio::test(flavor = "multi_thread")]
async fn another_registry_reads_the_same() {
    let (broker, server, registry) = start().await;
    let int = Schema::avro(r#""int""#);
    let json = Schema::json(r#"{"type":"object"}"#);
    registry.register("a", &int).await.unwrap();
    registry.register("b", &json).await.unwrap();
    registry.register("gone", &int).await.unwrap();
    registry
        .set_compatibility(None, Level::FullTransitive)
        .await
        .unwrap();
    registry
        .delete_subject("gone", Deletion::Soft)
        .await
        .unwrap();
    let before = registry.look_up("b", &json).await.unwrap();
    server.shutdown().await;
    let retry = Retry {
        deadline: std::time::Duration::from_millis(300),
        ..Retry::default()
    };
    let other = Registry::builder("http://127.0.0.1:9")
        .retry(retry)
        .build()
        .unwrap();
    let error = other.latest("a").await.unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Unreachable, "{error}");

    let server = Server::builder(broker.bootstrap()).start().await.unwrap();
    let registry = Registry::builder(server.url()).build().unwrap();
    assert_eq!(registry.look_up("b", &json).await.unwrap(), before);
    assert_eq!(registry.subjects(false).await.unwrap(), ["a", "b"]);
    assert_eq!(registry.subjects(true).await.unwrap(), ["a", "b", "gone"]);
    assert_eq!(
        registry.compatibility(None).await.unwrap(),
        Level::FullTransitive
    );
    // The next id is a new one.
    let next = Schema::avro(r#""long""#);
    assert_eq!(registry.register("c", &next).await.unwrap().id, 3);
    server.shutdown().await;
    broker.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_while_it_is_away_is_answered_when_it_is_back() {
    let (broker, server, registry) = start().await;
    let int = Schema::avro(r#""int""#);
    registry.register("a", &int).await.unwrap();
    let address = server.url().replace("http://", "");
    server.shutdown().await;
    let asking = tokio::spawn(async move { registry.latest("a").await });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!asking.is_finished());
    let server = Server::builder(broker.bootstrap())
        .listen(address)
        .start()
        .await
        .unwrap();
    assert_eq!(asking.await.unwrap().unwrap().schema, int);
    server.shutdown().await;
}

/// Confluent's registry reads such a topic.
#[tokio::test(flavor = "multi_thread")]
async fn the_topic_is_in_confluents_format() {
    let (broker, server, registry) = start().await;
    registry
        .register("a", &Schema::avro(r#""int""#))
        .await
        .unwrap();
    registry
        .set_compatibility(Some("a"), Level::None)
        .await
        .unwrap();
    registry.delete_subject("a", Deletion::Soft).await.unwrap();
    registry
        .delete_subject("a", Deletion::Permanent)
        .await
        .unwrap();
    let kafka = Kafka::connect(broker.bootstrap()).await.unwrap();
    let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
    let mut consumer = reader
        .assign([TopicPartition::new("_schemas", 0)])
        .await
        .unwrap();
    let mut lines = Vec::new();
    while lines.len() < 5 {
        let record = consumer.recv().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let value = record.value().map_or("null".to_owned(), text);
        lines.push(format!("{} {value}", text(record.key().unwrap())));
    }
    let guid = lines[1].split(r#""guid":""#).nth(1).unwrap()[..36].to_owned();
    let schema = format!(
        r#"{{"subject":"a","version":1,"id":1,"guid":"{guid}","schema":"\"int\"","deleted":false}}"#
    );
    let wanted = [
        r#"{"keytype":"NOOP","magic":0} null"#.to_owned(),
        format!(r#"{{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}} {schema}"#),
        r#"{"keytype":"CONFIG","subject":"a","magic":0} {"compatibilityLevel":"NONE"}"#.to_owned(),
        r#"{"keytype":"DELETE_SUBJECT","subject":"a","magic":0} {"subject":"a","version":1}"#
            .to_owned(),
        r#"{"keytype":"SCHEMA","subject":"a","version":1,"magic":1} null"#.to_owned(),
    ];
    assert_eq!(lines, wanted);
    consumer.close().await.unwrap();
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_cluster_it_does_not_start() {
    let broker = Broker::builder().start().await.unwrap();
    let taken = Server::builder(broker.bootstrap()).start().await.unwrap();
    let address = taken.url().replace("http://", "");
    let second = Server::builder(broker.bootstrap())
        .listen(address)
        .start()
        .await;
    assert!(second.unwrap_err().to_string().contains("cannot listen on"));
    taken.shutdown().await;
}

//! What goes wrong by the user's doing: each error names what to change.

use std::time::Duration;

use integration::{TestCluster, partitions};
use kafka_client::consumer::TopicPartition;
use kafka_client::record::Record;
use kafka_client::{ErrorCode, ErrorKind, Kafka, NewTopic};

behaviours![
    a_partition_that_is_not_there_is_an_error,
    a_topic_that_is_not_there_is_an_error,
    an_invalid_topic_name_is_an_error,
    a_topic_is_made_once,
    a_deleted_topic_is_gone,
    a_timestamp_before_1970_is_an_error,
    a_record_over_the_topics_limit_is_an_error,
];

async fn a_partition_that_is_not_there_is_an_error(cluster: &TestCluster) {
    let topic = cluster.topic("few", 2).await;
    let producer = cluster.kafka().await.producer().build().await.unwrap();
    for partition in [2, -1] {
        let record = Record::to(&topic).partition(partition);
        let error = producer.send(record).await.unwrap_err();
        assert!(!error.possibly_written());
        assert_eq!(error.error().topic(), Some(&*topic), "{error}");
        assert!(
            error.to_string().contains('2'),
            "the number there is: {error}"
        );

        let reader = cluster.kafka().await.reader();
        let read = TopicPartition::new(&*topic, partition);
        let error = reader.assign([read]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownTopic);
        assert_eq!(error.partition(), Some(partition));
    }
}

async fn a_topic_that_is_not_there_is_an_error(cluster: &TestCluster) {
    let topic = cluster.name("absent");
    let kafka = cluster.client().api_timeout(Duration::from_millis(500));
    let reader = kafka.connect().await.unwrap().reader();
    let reader = reader.allow_auto_create_topics(false);
    let error = reader.assign(partitions(&topic, 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownTopic);
    let text = error.to_string();
    assert!(
        text.contains(&topic) && text.contains("auto.create.topics.enable"),
        "{text}"
    );
}

async fn an_invalid_topic_name_is_an_error(cluster: &TestCluster) {
    let kafka = cluster.kafka().await;
    let error = kafka.create_topic(&NewTopic::new("a b")).await.unwrap_err();
    assert_eq!(
        error.code(),
        Some(ErrorCode::INVALID_TOPIC_EXCEPTION),
        "{error}"
    );
    let producer = kafka.producer().build().await.unwrap();
    let error = producer
        .send(Record::to("a b").value("v"))
        .await
        .unwrap_err();
    assert_eq!(error.error().kind(), ErrorKind::Config, "{error}");
    assert_eq!(error.error().topic(), Some("a b"));
    assert!(!error.possibly_written());
    let error = kafka
        .consumer("group")
        .subscribe(["a b"])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert_eq!(error.topic(), Some("a b"));
}

async fn a_topic_is_made_once(cluster: &TestCluster) {
    let topic = cluster.topic("once", 1).await;
    let again = NewTopic::new(topic.clone()).partitions(1);
    let error = cluster
        .kafka()
        .await
        .create_topic(&again)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::TOPIC_ALREADY_EXISTS));
    assert_eq!(error.topic(), Some(&*topic));
    let none = NewTopic::new(cluster.name("no-partitions")).partitions(0);
    let error = cluster.kafka().await.create_topic(&none).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::INVALID_PARTITIONS), "{error}");
    let strange = NewTopic::new(cluster.name("strange")).config("no.such.setting", "1");
    let error = cluster
        .kafka()
        .await
        .create_topic(&strange)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::INVALID_CONFIG), "{error}");
}

async fn a_deleted_topic_is_gone(cluster: &TestCluster) {
    let topic = cluster.topic("deleted", 1).await;
    let kafka = cluster.kafka().await;
    kafka.delete_topic(&topic).await.unwrap();
    let error = kafka.delete_topic(&topic).await.unwrap_err();
    assert_eq!(
        error.code(),
        Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        "{error}"
    );
    assert_eq!(error.topic(), Some(&*topic));
}

async fn a_timestamp_before_1970_is_an_error(cluster: &TestCluster) {
    let topic = cluster.topic("early", 1).await;
    let producer = cluster.kafka().await.producer().build().await.unwrap();
    let record = Record::to(&topic).timestamp_ms(-5);
    let error = producer.send(record).await.unwrap_err();
    assert!(!error.possibly_written());
    assert!(error.to_string().contains("timestamp"), "{error}");
    // The producer is none the worse for it.
    let delivered = producer.send(Record::to(&topic).value("v")).await.unwrap();
    assert_eq!(delivered.offset, Some(0));
}

async fn a_record_over_the_topics_limit_is_an_error(cluster: &TestCluster) {
    let topic = cluster
        .topic_with("narrow", 1, &[("max.message.bytes", "2000")])
        .await;
    let producer = cluster.kafka().await.producer().build().await.unwrap();
    let value = vec![b'x'; 5_000];
    let error = producer
        .send(Record::to(&topic).value(&value))
        .await
        .unwrap_err();
    assert!(!error.possibly_written());
    assert_eq!(error.error().kind(), ErrorKind::RecordTooLarge);
    assert!(
        format!("{:?}", error.error()).contains("max.message.bytes"),
        "{error:?}"
    );
    let delivered = producer.send(Record::to(&topic).value("v")).await.unwrap();
    assert_eq!(delivered.offset, Some(0));
}

#[tokio::test]
async fn a_host_that_is_not_there_is_an_error_that_names_it() {
    let start = std::time::Instant::now();
    for (address, timeout) in [("no-such-host.invalid:9092", 500), ("127.0.0.1:1", 300)] {
        let kafka = Kafka::builder(address).connect_timeout(Duration::from_millis(timeout));
        let error = kafka.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect, "{error:?}");
        assert!(format!("{error:?}").contains(address), "{error:?}");
    }
    let error = Kafka::connect("localhost").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("bootstrap.servers"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(10));
}

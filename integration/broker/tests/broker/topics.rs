//! Topics as administrators change them.

use kafka_broker::Broker;
use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsTopic,
};
use kafka_client_protocol::api::describe_log_dirs::DescribeLogDirsRequest;
use kafka_client_protocol::api::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};

use crate::support::{Client, batch, start};

fn grow(topic: &str, count: i32) -> CreatePartitionsRequest {
    CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name: topic.into(),
            count,
            assignments: None,
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn set(kind: i8, resource: &str, name: &str, value: &str) -> IncrementalAlterConfigsRequest {
    IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: kind,
            resource_name: resource.into(),
            configs: vec![AlterableConfig {
                name: name.into(),
                value: Some(value.into()),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[tokio::test]
async fn a_topic_that_has_grown_stays_so() {
    let dir = tempfile::tempdir().unwrap();
    let builder = || Broker::builder().data_dir(dir.path());
    let broker = start(builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    assert_eq!(client.produce("t", 0, batch(&["a"])).await.error_code, 0);
    let answer = client.call(&grow("t", 3), 3).await;
    assert_eq!(answer.results[0].error_code, 0);
    assert_eq!(client.produce("t", 2, batch(&["b"])).await.error_code, 0);
    broker.crash().await;

    let broker = start(builder()).await;
    let mut client = Client::new(&broker);
    assert_eq!(client.topic("t").await.partitions.len(), 3);
    assert_eq!(client.values("t", 0, 0).await, ["a"]);
    assert_eq!(client.values("t", 2, 0).await, ["b"]);
    let answer = client.call(&grow("t", 2), 3).await;
    let expected = ErrorCode::INVALID_PARTITIONS.code();
    assert_eq!(answer.results[0].error_code, expected);
    // All of it goes with the topic.
    let topic = client.topic("t").await;
    broker.shutdown().await.unwrap();
    assert_eq!(topic.partitions.len(), 3);
}

#[tokio::test]
async fn settings_hold_at_once_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let builder = || Broker::builder().data_dir(dir.path());
    let broker = start(builder()).await;
    broker.create_topic("own", 1).unwrap();
    broker.create_topic("others", 1).unwrap();
    let mut client = Client::new(&broker);
    for request in [
        set(2, "own", "max.message.bytes", "90"),
        set(4, "", "message.max.bytes", "10"),
    ] {
        let answer = client.call(&request, 1).await;
        assert_eq!(answer.responses[0].error_code, 0, "{answer:?}");
    }
    let refused = |topic| (topic, ErrorCode::MESSAGE_TOO_LARGE.code());
    for (topic, expected) in [("own", 0), refused("others")] {
        let answer = client.produce(topic, 0, batch(&["a"])).await;
        assert_eq!(answer.error_code, expected, "{topic}");
    }
    broker.shutdown().await.unwrap();

    let broker = start(builder()).await;
    let mut client = Client::new(&broker);
    for (topic, expected) in [("own", 0), refused("others")] {
        let answer = client.produce(topic, 0, batch(&["a"])).await;
        assert_eq!(answer.error_code, expected, "{topic}");
    }
}

#[tokio::test]
async fn a_broker_in_memory_tells_sizes_too() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    let records = batch(&["a"]);
    let size = i64::try_from(records.len()).unwrap();
    client.produce("t", 0, records).await;
    let request = DescribeLogDirsRequest {
        topics: None,
        ..Default::default()
    };
    let answer = client.call(&request, 5).await;
    let dir = &answer.results[0];
    assert_eq!((&*dir.log_dir, dir.total_bytes), ("memory", -1));
    assert_eq!(dir.topics[0].partitions[0].partition_size, size);
}

#[tokio::test]
async fn an_unknown_property_is_refused_with_the_one_that_was_meant() {
    let started = Broker::builder()
        .property("num.partition", "3")
        .no_listener()
        .start()
        .await;
    let text = started.unwrap_err().to_string();
    assert_eq!(
        text,
        "unknown property num.partition, is it num.partitions?"
    );
    // Kafka's, and of no use to one broker.
    let broker = start(Broker::builder().property("num.io.threads", "3")).await;
    broker.shutdown().await.unwrap();
}

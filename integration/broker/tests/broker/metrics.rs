//! What the broker counts, as a program sees it and as Prometheus reads it.

use kafka_broker::Broker;
use kafka_client_protocol::ApiKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Client, batch};

async fn get(broker: &Broker, head: &str) -> String {
    let at = broker.metrics_addr().unwrap();
    let mut stream = TcpStream::connect(at).await.unwrap();
    let request = format!("{head} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn counts_are_told_with_kafkas_names() {
    let builder = Broker::builder().no_listener().metrics("127.0.0.1:0");
    let broker = builder.start().await.unwrap();
    broker.create_topic("t", 2).unwrap();
    let mut client = Client::new(&broker);
    let three = batch(&["a", "b", "c"]);
    client.produce("t", 1, three.clone()).await;
    // Damaged: refused, and nothing comes in.
    client.produce("t", 1, three.slice(..70)).await;
    client.fetch("t", 1, 0).await;
    client.fetch("t", 1, 9).await;

    let metrics = broker.metrics();
    let traffic = metrics.all_topics;
    let bytes = three.len() as u64;
    assert_eq!((traffic.messages_in, traffic.bytes_in), (3, bytes));
    assert_eq!(traffic.bytes_out, bytes);
    assert_eq!(traffic.produce_requests, 2);
    assert_eq!(traffic.produce_requests_failed, 1);
    assert_eq!(metrics.topics["t"].traffic, traffic);
    let log = metrics.topics["t"].partitions[1];
    assert_eq!((log.start_offset, log.end_offset), (0, 3));
    assert_eq!((log.size_bytes, log.segments), (bytes, 1));
    let mut requests = metrics.requests.iter();
    let produce = requests.find(|one| one.api == ApiKey::PRODUCE).unwrap();
    assert_eq!(produce.by_version, [(12, 2)].into());
    assert_eq!(metrics.connections, 1);

    let page = get(&broker, "GET /metrics").await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    for line in [
        "# TYPE kafka_server_brokertopicmetrics_messagesin_total counter",
        "kafka_server_brokertopicmetrics_messagesin_total 3",
        "kafka_server_brokertopicmetrics_messagesin_total{topic=\"t\"} 3",
        "kafka_network_requestmetrics_requests_total{request=\"Fetch\",version=\"12\"} 2",
        "kafka_network_requestmetrics_totaltimems_count{request=\"Produce\"} 2",
        "kafka_log_log_logendoffset{topic=\"t\",partition=\"1\"} 3",
        "kafka_log_log_size{topic=\"t\",partition=\"0\"} 0",
        "kafka_server_replicamanager_partitioncount 2",
        "kafka_server_replicamanager_underreplicatedpartitions 0",
        "kafka_server_socket_server_metrics_connection_count 1",
        "kafka_coordinator_group_groupmetadatamanager_numgroupsstable 0",
    ] {
        assert!(page.lines().any(|other| other == line), "{line}: {page}");
    }
    assert!(get(&broker, "GET /").await.starts_with("HTTP/1.1 404 "));
    assert!(
        get(&broker, "POST /metrics")
            .await
            .starts_with("HTTP/1.1 405 ")
    );
}

#[tokio::test]
async fn counters_never_go_back_when_a_topic_is_deleted() {
    let broker = crate::support::start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    client.produce("t", 0, batch(&["a"])).await;
    let before = broker.metrics().all_topics;
    let request = kafka_client_protocol::api::delete_topics::DeleteTopicsRequest {
        topic_names: vec!["t".into()],
        ..Default::default()
    };
    assert_eq!(client.call(&request, 4).await.responses[0].error_code, 0);
    let after = broker.metrics();
    assert!(after.topics.is_empty());
    assert_eq!(after.all_topics, before);
    broker.shutdown().await.unwrap();
}

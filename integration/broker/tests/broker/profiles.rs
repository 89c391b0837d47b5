//! Brokers that serve less than Kafka 4.3.

use kafka_broker::{Broker, Profile};
use kafka_client_protocol::api::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_client_protocol::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafka_client_protocol::api::metadata::MetadataRequest;
use kafka_client_protocol::{ApiKey, ErrorCode};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::support::{Client, batch, start};

fn request() -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: "test".into(),
        client_software_version: "1".into(),
        ..Default::default()
    }
}

fn versions(answer: &ApiVersionsResponse, api: ApiKey) -> Option<(i16, i16)> {
    let mut rows = answer.api_keys.iter();
    let row = rows.find(|row| row.api_key == api.value())?;
    Some((row.min_version, row.max_version))
}

#[tokio::test]
async fn a_profile_caps_versions_and_leaves_apis_out() {
    for (profile, produce, fetch, quorum) in [
        (None, 13, 18, Some((0, 2))),
        (Some(Profile::Kafka2_8), 9, 12, None),
        (Some(Profile::EventHubs), 7, 6, None),
        (Some(Profile::Redpanda), 7, 11, None),
    ] {
        let mut builder = Broker::builder();
        if let Some(profile) = profile {
            builder = builder.profile(profile);
        }
        let broker = start(builder).await;
        broker.create_topic("t", 1).unwrap();
        let mut client = Client::new(&broker);
        let answer = client.call(&request(), 3).await;
        assert_eq!(answer.error_code, 0);
        assert_eq!(versions(&answer, ApiKey::PRODUCE).unwrap().1, produce);
        assert_eq!(versions(&answer, ApiKey::FETCH), Some((4, fetch)));
        assert_eq!(versions(&answer, ApiKey::DESCRIBE_QUORUM), quorum);
        let max = versions(&answer, ApiKey::METADATA).unwrap().1;
        let metadata = MetadataRequest {
            topics: None,
            ..Default::default()
        };
        let told = client.call(&metadata, max).await;
        assert_eq!(told.topics.len(), 1);
        let has_ids = !told.topics[0].topic_id.is_zero();
        assert_eq!(has_ids, max >= 10);
        // What it does not tell of, it does not serve.
        let newer = client.try_call(&metadata, 13).await;
        assert_eq!(newer.is_some(), profile.is_none(), "{profile:?}");
    }
}

#[tokio::test]
async fn event_hubs_resets_where_kafka_tells_its_versions() {
    for (profile, is_reset) in [(Profile::Kafka2_8, false), (Profile::EventHubs, true)] {
        let broker = Broker::builder().profile(profile).start().await.unwrap();
        let stream = TcpStream::connect(broker.bootstrap()).await.unwrap();
        let mut client = Client::over(stream, "test");
        client.send(&request(), 4).await;
        if is_reset {
            let error = client.stream().read(&mut [0]).await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
            continue;
        }
        // Length, correlation id, error, one API: ApiVersions, 0 to 3.
        let mut answer = [0; 20];
        client.stream().read_exact(&mut answer).await.unwrap();
        let expected = [
            0, 0, 0, 16, 0, 0, 0, 1, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 3,
        ];
        assert_eq!(answer, expected);
        assert_eq!(ErrorCode::UNSUPPORTED_VERSION.code(), 35);
    }
}

#[tokio::test]
async fn event_hubs_knows_no_leader_epochs() {
    for (profile, epoch) in [(Profile::Kafka2_8, 0), (Profile::EventHubs, -1)] {
        let broker = start(Broker::builder().profile(profile)).await;
        broker.create_topic("t", 1).unwrap();
        let mut client = Client::new(&broker);
        let sent = crate::support::produce_request("t", 0, batch(&["a"]));
        client.call(&sent, 7).await;
        let request = ListOffsetsRequest {
            topics: vec![ListOffsetsTopic {
                name: "t".into(),
                partitions: vec![ListOffsetsPartition {
                    timestamp: -2,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        let answer = client.call(&request, 6).await;
        let told = &answer.topics[0].partitions[0];
        assert_eq!((told.offset, told.leader_epoch), (0, epoch));
    }
}

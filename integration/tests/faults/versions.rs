//! Brokers of other versions: what the client and they agree on.

use kafka_client::Kafka;
use kafka_client_protocol::api::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse,
};
use kafka_client_protocol::frame::{RequestHeader, encode_response};
use kafka_client_protocol::{ApiKey, ErrorCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn request(stream: &mut TcpStream) -> RequestHeader {
    let length = stream.read_u32().await.unwrap();
    let mut frame = vec![0; length as usize];
    stream.read_exact(&mut frame).await.unwrap();
    RequestHeader::decode(&frame.into()).unwrap().0
}

async fn answer(
    stream: &mut TcpStream,
    asked: &RequestHeader,
    response: &ApiVersionsResponse,
    version: i16,
) {
    let id = asked.correlation_id;
    let frame = encode_response::<ApiVersionsRequest>(response, version, id).unwrap();
    stream.write_all(&frame.to_bytes()).await.unwrap();
}

/// An old broker refuses the version, in the form of version 0 and with its own range (KIP-511).
#[tokio::test]
async fn a_broker_that_refuses_the_version_is_asked_in_its_own() {
    let serves = |api_key: ApiKey, max_version| ApiVersion {
        api_key: api_key.value(),
        min_version: 0,
        max_version,
        ..Default::default()
    };
    for highest in [3, 2, 0] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let broker = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut refused = ApiVersionsResponse {
                error_code: ErrorCode::UNSUPPORTED_VERSION.code(),
                api_keys: vec![serves(ApiKey::API_VERSIONS, highest)],
                ..Default::default()
            };
            let first = request(&mut stream).await;
            assert_eq!(first.api_key, ApiKey::API_VERSIONS);
            assert!(
                first.api_version > highest,
                "the client asks for its newest"
            );
            answer(&mut stream, &first, &refused, 0).await;

            let second = request(&mut stream).await;
            assert_eq!(second.api_key, ApiKey::API_VERSIONS);
            assert_eq!(second.api_version, highest);
            refused.error_code = 0;
            refused.api_keys.push(serves(ApiKey::METADATA, 9));
            answer(&mut stream, &second, &refused, highest).await;

            let third = request(&mut stream).await;
            assert_eq!((third.api_key, third.api_version), (ApiKey::METADATA, 9));
        };
        tokio::select! {
            connected = Kafka::builder(address).connect() => panic!("{connected:?}"),
            () = broker => {}
        }
    }
}

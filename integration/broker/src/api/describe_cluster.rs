//! DescribeCluster (key 60), versions 0 to 2: the one broker, which is the controller too.
//!
//! Only brokers may be asked for; the endpoint type of controllers (version 1, KIP-919) gets error
//! 114 here, any other 115. Nothing is ever fenced (version 2).

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};

use super::{Api, Call, text};

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

impl Api for DescribeClusterRequest {
    async fn answer(self, call: &Call<'_>) -> DescribeClusterResponse {
        match self.endpoint_type {
            BROKERS => {}
            CONTROLLERS => return self.refuse(ErrorCode::MISMATCHED_ENDPOINT_TYPE),
            _ => return self.refuse(ErrorCode::UNSUPPORTED_ENDPOINT_TYPE),
        }
        let node = call.node;
        DescribeClusterResponse {
            cluster_id: node.cluster_id.clone(),
            controller_id: node.config().node_id,
            brokers: vec![DescribeClusterBroker {
                broker_id: node.config().node_id,
                host: call.connection.listener.host.clone(),
                port: call.connection.listener.port,
                rack: None,
                is_fenced: false,
                ..Default::default()
            }],
            cluster_authorized_operations: if self.include_cluster_authorized_operations {
                call.cluster_operations()
            } else {
                i32::MIN
            },
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> DescribeClusterResponse {
        DescribeClusterResponse {
            error_code: error.code(),
            error_message: text(error.text()),
            ..Default::default()
        }
    }
}

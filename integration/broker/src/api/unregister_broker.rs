//! UnregisterBroker (key 64), version 0: no broker but this one is registered, and this one is there.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::unregister_broker::{
    UnregisterBrokerRequest, UnregisterBrokerResponse,
};

use super::{Api, Call, text};
use crate::security::acl::AclOperation;

impl Api for UnregisterBrokerRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_cluster(AclOperation::Alter)
    }

    async fn answer(self, call: &Call<'_>) -> UnregisterBrokerResponse {
        if self.broker_id == call.node.config().node_id {
            // Apache Kafka would forget a broker that still runs, and the cluster with it.
            let mut answer = self.refuse(ErrorCode::INVALID_REQUEST);
            answer.error_message = text("the only broker of a cluster cannot be unregistered");
            return answer;
        }
        self.refuse(ErrorCode::BROKER_ID_NOT_REGISTERED)
    }

    fn refuse(&self, error: ErrorCode) -> UnregisterBrokerResponse {
        UnregisterBrokerResponse {
            error_code: error.code(),
            error_message: text(error.text()),
            ..Default::default()
        }
    }
}

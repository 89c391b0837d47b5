//! InitProducerId (key 22), versions 0 to 5: an identity for an idempotent producer.
//!
//! Without a transactional id every request gets a new producer id with epoch 0, whatever id and
//! epoch it carries (version 3): the epoch of a producer without transactions is its own affair.
//! With a transactional id the request is refused with error 53 until this broker has transactions.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

use super::{Api, Call};
use crate::security::acl::AclOperation;

impl Api for InitProducerIdRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        if let Some(id) = &self.transactional_id {
            return call.needs_on_transactional_id(AclOperation::Write, id);
        }
        // Since Kafka 3.0 whoever may write to some topic may do it with a producer id (KIP-679).
        if call.may_on_cluster(AclOperation::IdempotentWrite)
            || call.may_on_any_topic(AclOperation::Write)
        {
            Ok(())
        } else {
            Err(ErrorCode::CLUSTER_AUTHORIZATION_FAILED)
        }
    }

    async fn answer(self, call: &Call<'_>) -> InitProducerIdResponse {
        if let Some(id) = &self.transactional_id {
            if id.is_empty() {
                return self.refuse(ErrorCode::INVALID_REQUEST);
            }
            return self.refuse(call.no_transactions(id).code);
        }
        // From version 3 a producer may name the id and epoch that it has: both or neither.
        if (self.producer_id == -1) != (self.producer_epoch == -1) {
            return self.refuse(ErrorCode::INVALID_REQUEST);
        }
        match call.node.topics.next_producer_id() {
            Ok(producer_id) => InitProducerIdResponse {
                producer_id,
                producer_epoch: 0,
                ..Default::default()
            },
            Err(refusal) => self.refuse(refusal.code),
        }
    }

    fn refuse(&self, error: ErrorCode) -> InitProducerIdResponse {
        InitProducerIdResponse {
            error_code: error.code(),
            producer_epoch: -1,
            ..Default::default()
        }
    }
}

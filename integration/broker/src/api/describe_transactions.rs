//! DescribeTransactions (key 65), version 0: this broker has no transactions yet, so it
//! coordinates no transactional id.

use kafka_client_protocol::api::describe_transactions::{
    DescribeTransactionsRequest, DescribeTransactionsResponse, TransactionState,
};
use kafka_client_protocol::{ErrorCode, StrBytes};

use super::{Api, Call};
use crate::security::acl::AclOperation;

impl Api for DescribeTransactionsRequest {
    async fn answer(self, call: &Call<'_>) -> DescribeTransactionsResponse {
        let state = |id: &StrBytes| {
            let error = match call.needs_on_transactional_id(AclOperation::Describe, id) {
                Ok(()) if id.is_empty() => ErrorCode::INVALID_REQUEST,
                Ok(()) => ErrorCode::NOT_COORDINATOR,
                Err(error) => error,
            };
            refused(id, error)
        };
        DescribeTransactionsResponse {
            transaction_states: self.transactional_ids.iter().map(state).collect(),
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> DescribeTransactionsResponse {
        let ids = self.transactional_ids.iter();
        DescribeTransactionsResponse {
            transaction_states: ids.map(|id| refused(id, error)).collect(),
            ..Default::default()
        }
    }
}

fn refused(id: &StrBytes, error: ErrorCode) -> TransactionState {
    TransactionState {
        error_code: error.code(),
        transactional_id: id.clone(),
        ..Default::default()
    }
}

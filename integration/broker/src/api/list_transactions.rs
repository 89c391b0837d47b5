//! ListTransactions (key 66), versions 0 to 2: this broker has no transactions yet, so there are none
//! to list. Filters for states that Kafka does not have are named, as there.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::list_transactions::{
    ListTransactionsRequest, ListTransactionsResponse,
};

use super::{Api, Call};

const STATES: [&str; 8] = [
    "Ongoing",
    "PrepareCommit",
    "PrepareAbort",
    "CompleteCommit",
    "CompleteAbort",
    "Empty",
    "PrepareEpochFence",
    "Dead",
];

impl Api for ListTransactionsRequest {
    async fn answer(self, _: &Call<'_>) -> ListTransactionsResponse {
        let pattern = self.transactional_id_pattern.as_deref();
        if pattern.is_some_and(|pattern| regex::Regex::new(pattern).is_err()) {
            return self.refuse(ErrorCode::INVALID_REGULAR_EXPRESSION);
        }
        let mut unknown_state_filters = self.state_filters;
        unknown_state_filters.retain(|state| !STATES.contains(&&**state));
        ListTransactionsResponse {
            unknown_state_filters,
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> ListTransactionsResponse {
        ListTransactionsResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}

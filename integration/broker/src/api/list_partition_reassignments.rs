//! ListPartitionReassignments (key 46), version 0: nothing ever moves on one broker.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

use super::{Api, Call, text};
use crate::security::acl::AclOperation;

impl Api for ListPartitionReassignmentsRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_cluster(AclOperation::Describe)
    }

    async fn answer(self, _: &Call<'_>) -> ListPartitionReassignmentsResponse {
        ListPartitionReassignmentsResponse {
            error_message: None,
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> ListPartitionReassignmentsResponse {
        ListPartitionReassignmentsResponse {
            error_code: error.code(),
            error_message: text(error.text()),
            ..Default::default()
        }
    }
}

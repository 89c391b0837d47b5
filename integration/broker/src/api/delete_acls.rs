//! DeleteAcls (key 31), versions 1 to 3: the rules of the authorizer that a filter takes go.
//!
//! Each filter is answered with what it took, for itself: a rule that two filters take is in both
//! answers. Without an authorizer the answer is error 54.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::delete_acls::{
    DeleteAclsFilter, DeleteAclsFilterResult, DeleteAclsMatchingAcl, DeleteAclsRequest,
    DeleteAclsResponse,
};

use super::{Api, Call, text};
use crate::security::acl::{Acl, AclFilter, AclOperation};

impl Api for DeleteAclsRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_cluster(AclOperation::Alter)
    }

    async fn answer(self, call: &Call<'_>) -> DeleteAclsResponse {
        let filters: Vec<Option<AclFilter>> = self.filters.iter().map(read).collect();
        let changed = call.node.apart(move |node| {
            node.change_acls(|authorizer| {
                let taken = |filter: &Option<AclFilter>| {
                    filter.as_ref().map(|filter| {
                        let all = authorizer.acls().iter();
                        all.filter(|acl| filter.takes(acl)).map(matching).collect()
                    })
                };
                let taken: Vec<Option<Vec<_>>> = filters.iter().map(taken).collect();
                authorizer.remove(|acl| filters.iter().flatten().any(|filter| filter.takes(acl)));
                taken
            })
        });
        match changed.await.unwrap_or_else(|error| Some(Err(error))) {
            None => self.refuse(ErrorCode::SECURITY_DISABLED),
            Some(Err(error)) => {
                tracing::error!(%error, "the removal of rules was not stored");
                self.refuse(ErrorCode::KAFKA_STORAGE_ERROR)
            }
            Some(Ok(taken)) => DeleteAclsResponse {
                filter_results: taken.into_iter().map(result).collect(),
                ..Default::default()
            },
        }
    }

    fn refuse(&self, error: ErrorCode) -> DeleteAclsResponse {
        DeleteAclsResponse {
            filter_results: self.filters.iter().map(|_| refused(error)).collect(),
            ..Default::default()
        }
    }
}

fn read(asked: &DeleteAclsFilter) -> Option<AclFilter> {
    super::describe_acls::filter(
        [
            asked.resource_type_filter,
            asked.pattern_type_filter,
            asked.operation,
            asked.permission_type,
        ],
        [
            &asked.resource_name_filter,
            &asked.principal_filter,
            &asked.host_filter,
        ],
    )
}

fn result(taken: Option<Vec<DeleteAclsMatchingAcl>>) -> DeleteAclsFilterResult {
    match taken {
        Some(matching_acls) => DeleteAclsFilterResult {
            error_message: None,
            matching_acls,
            ..Default::default()
        },
        None => refused(ErrorCode::INVALID_REQUEST),
    }
}

fn refused(error: ErrorCode) -> DeleteAclsFilterResult {
    DeleteAclsFilterResult {
        error_code: error.code(),
        error_message: text(super::acl_error_text(error)),
        ..Default::default()
    }
}

fn matching(acl: &Acl) -> DeleteAclsMatchingAcl {
    DeleteAclsMatchingAcl {
        error_code: 0,
        error_message: None,
        resource_type: acl.kind.code(),
        resource_name: acl.name.as_str().into(),
        pattern_type: acl.pattern.code(),
        principal: acl.principal.as_str().into(),
        host: acl.host.as_str().into(),
        operation: acl.operation.code(),
        permission_type: acl.permission.code(),
        ..Default::default()
    }
}

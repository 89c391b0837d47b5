//! CreateAcls (key 30), versions 1 to 3: rules of the authorizer.
//!
//! Each rule is judged and answered for itself; one that is there already is no error. Without an
//! authorizer the answer is error 54.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::create_acls::{
    AclCreation, AclCreationResult, CreateAclsRequest, CreateAclsResponse,
};

use super::{Api, Call, text};
use crate::refusal::Refusal;
use crate::security::acl::{Acl, AclOperation, CLUSTER, Pattern, Permission, ResourceKind};

impl Api for CreateAclsRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_cluster(AclOperation::Alter)
    }

    async fn answer(self, call: &Call<'_>) -> CreateAclsResponse {
        let read: Vec<Result<Acl, Refusal>> = self.creations.iter().map(read).collect();
        let acls: Vec<Acl> = read.iter().flatten().cloned().collect();
        let changed = call.node.apart(move |node| {
            node.change_acls(|authorizer| {
                for acl in acls {
                    authorizer.add(acl);
                }
            })
        });
        match changed.await.unwrap_or_else(|error| Some(Err(error))) {
            None => self.refuse(ErrorCode::SECURITY_DISABLED),
            Some(Err(error)) => {
                tracing::error!(%error, "rules were not stored");
                self.refuse(ErrorCode::KAFKA_STORAGE_ERROR)
            }
            Some(Ok(())) => CreateAclsResponse {
                results: read.into_iter().map(result).collect(),
                ..Default::default()
            },
        }
    }

    fn refuse(&self, error: ErrorCode) -> CreateAclsResponse {
        let refused = |_| result(Err(Refusal::new(error, super::acl_error_text(error))));
        CreateAclsResponse {
            results: self.creations.iter().map(refused).collect(),
            ..Default::default()
        }
    }
}

fn result(result: Result<Acl, Refusal>) -> AclCreationResult {
    match result {
        Ok(_) => AclCreationResult {
            error_message: None,
            ..Default::default()
        },
        Err(refusal) => AclCreationResult {
            error_code: refusal.code.code(),
            error_message: text(refusal.message),
            ..Default::default()
        },
    }
}

fn read(asked: &AclCreation) -> Result<Acl, Refusal> {
    let invalid = |message: String| Refusal::new(ErrorCode::INVALID_REQUEST, message);
    let unknown = |what: &str, code: i8| invalid(format!("Invalid {what} {code}"));
    let kind = ResourceKind::of_code(asked.resource_type)
        .ok_or_else(|| unknown("resource type", asked.resource_type))?;
    let pattern = Pattern::of_code(asked.resource_pattern_type)
        .ok_or_else(|| unknown("pattern type", asked.resource_pattern_type))?;
    let operation = AclOperation::of_code(asked.operation)
        .ok_or_else(|| unknown("operation", asked.operation))?;
    let permission = Permission::of_code(asked.permission_type)
        .ok_or_else(|| unknown("permission type", asked.permission_type))?;
    if kind == ResourceKind::Cluster && asked.resource_name != CLUSTER {
        let message = "The only valid name for the CLUSTER resource is kafka-cluster";
        return Err(invalid(message.to_owned()));
    }
    if asked.resource_name.is_empty() {
        return Err(invalid("Invalid empty resource name".to_owned()));
    }
    if !asked.principal.contains(':') {
        return Err(invalid(format!(
            "Could not parse principal from `{}` (no colon is present separating the principal \
             type from the principal name)",
            asked.principal
        )));
    }
    Ok(Acl {
        kind,
        name: asked.resource_name.to_string(),
        pattern,
        principal: asked.principal.to_string(),
        host: asked.host.to_string(),
        operation,
        permission,
    })
}

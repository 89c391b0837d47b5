//! DescribeAcls (key 29), versions 1 to 3: rules of the authorizer that a filter takes.
//!
//! Without an authorizer the answer is error 54.

use kafka_client_protocol::api::describe_acls::{
    AclDescription, DescribeAclsRequest, DescribeAclsResource, DescribeAclsResponse,
};
use kafka_client_protocol::{ErrorCode, StrBytes};

use super::{Api, Call, text};
use crate::security::acl::{
    Acl, AclFilter, AclOperation, Pattern, PatternFilter, Permission, ResourceKind,
};

impl Api for DescribeAclsRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_cluster(AclOperation::Describe)
    }

    async fn answer(self, call: &Call<'_>) -> DescribeAclsResponse {
        let filter = filter(
            [
                self.resource_type_filter,
                self.pattern_type_filter,
                self.operation,
                self.permission_type,
            ],
            [
                &self.resource_name_filter,
                &self.principal_filter,
                &self.host_filter,
            ],
        );
        let Some(filter) = filter else {
            return self.refuse(ErrorCode::INVALID_REQUEST);
        };
        let found = call.asks(|authorizer, _| {
            let all = authorizer.acls().iter();
            all.filter(|acl| filter.takes(acl)).cloned().collect()
        });
        match found {
            Some(acls) => DescribeAclsResponse {
                error_message: None,
                resources: by_resource(acls),
                ..Default::default()
            },
            None => self.refuse(ErrorCode::SECURITY_DISABLED),
        }
    }

    fn refuse(&self, error: ErrorCode) -> DescribeAclsResponse {
        DescribeAclsResponse {
            error_code: error.code(),
            error_message: text(super::acl_error_text(error)),
            ..Default::default()
        }
    }
}

/// The rules come in the order of their resources.
fn by_resource(acls: Vec<Acl>) -> Vec<DescribeAclsResource> {
    let mut resources: Vec<DescribeAclsResource> = Vec::new();
    for acl in acls {
        let rule = AclDescription {
            principal: acl.principal.into(),
            host: acl.host.into(),
            operation: acl.operation.code(),
            permission_type: acl.permission.code(),
            ..Default::default()
        };
        let (kind, pattern) = (acl.kind.code(), acl.pattern.code());
        match resources.last_mut() {
            Some(last)
                if (last.resource_type, last.pattern_type) == (kind, pattern)
                    && last.resource_name == acl.name.as_str() =>
            {
                last.acls.push(rule);
            }
            _ => resources.push(DescribeAclsResource {
                resource_type: kind,
                resource_name: acl.name.into(),
                pattern_type: pattern,
                acls: vec![rule],
                ..Default::default()
            }),
        }
    }
    resources
}

/// The filter of a request: the codes of kind, pattern, operation and permission, then name,
/// principal and host. `None` if there is a code that nothing has.
pub(super) fn filter(codes: [i8; 4], texts: [&Option<StrBytes>; 3]) -> Option<AclFilter> {
    const ANY: i8 = 1;
    const MATCH: i8 = 2;
    fn one<T>(code: i8, of_code: impl FnOnce(i8) -> Option<T>) -> Option<Option<T>> {
        if code == ANY {
            Some(None)
        } else {
            of_code(code).map(Some)
        }
    }
    let [kind, pattern, operation, permission] = codes;
    let [name, principal, host] = texts.map(|text| text.as_ref().map(ToString::to_string));
    Some(AclFilter {
        kind: one(kind, ResourceKind::of_code)?,
        name,
        pattern: match pattern {
            ANY => PatternFilter::Any,
            MATCH => PatternFilter::Match,
            code => PatternFilter::Only(Pattern::of_code(code)?),
        },
        principal,
        host,
        operation: one(operation, AclOperation::of_code)?,
        permission: one(permission, Permission::of_code)?,
    })
}

//! The authorizer: Kafka's `StandardAuthorizer`, over rules in memory.
//!
//! A rule that denies wins, one that allows comes next. Without either, a resource that no rule at
//! all is about is open if `allow.everyone.if.no.acl.found` says so; anything else is denied. What
//! allows reading, writing, deleting or altering allows describing, and what allows altering
//! settings allows describing them; denying implies nothing.

use std::collections::{BTreeSet, HashSet};

use super::acl::{ANY, Acl, AclOperation, Pattern, Permission, ResourceKind};

/// Rules, and who stands above them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Authorizer {
    acls: BTreeSet<Acl>,
    super_users: HashSet<String>,
    open_without_acls: bool,
}

/// Who asks, and from where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// With its kind, such as `User:alice`.
    pub(crate) principal: &'a str,
    pub(crate) host: &'a str,
}

impl Authorizer {
    pub(crate) fn new(super_users: HashSet<String>, open_without_acls: bool) -> Self {
        Self {
            acls: BTreeSet::new(),
            super_users,
            open_without_acls,
        }
    }

    pub(crate) fn acls(&self) -> &BTreeSet<Acl> {
        &self.acls
    }

    pub(crate) fn add(&mut self, acl: Acl) {
        self.acls.insert(acl);
    }

    pub(crate) fn remove(&mut self, is_unwanted: impl Fn(&Acl) -> bool) {
        self.acls.retain(|acl| !is_unwanted(acl));
    }

    /// Whether a subject may do something with a resource.
    pub(crate) fn allows(
        &self,
        subject: Subject<'_>,
        operation: AclOperation,
        kind: ResourceKind,
        name: &str,
    ) -> bool {
        if self.super_users.contains(subject.principal) {
            return true;
        }
        let mut is_known = false;
        let mut is_allowed = false;
        for acl in self.acls.iter().filter(|acl| acl.is_about(kind, name)) {
            is_known = true;
            if !acl.is_for(subject.principal, subject.host) {
                continue;
            }
            match acl.permission {
                Permission::Deny if covers(acl.operation, operation) => return false,
                Permission::Allow if implies(acl.operation, operation) => is_allowed = true,
                _ => {}
            }
        }
        is_allowed || (!is_known && self.open_without_acls)
    }

    /// What a subject may do with a resource, as the bits that answers have.
    pub(crate) fn operations(&self, subject: Subject<'_>, kind: ResourceKind, name: &str) -> i32 {
        kind.operations()
            .iter()
            .filter(|operation| self.allows(subject, **operation, kind, name))
            .fold(0, |bits, operation| bits | 1 << operation.code())
    }

    /// Whether a subject may do something with any resource of a kind, as Kafka's
    /// `authorizeByResourceType` tells it: rules that deny weigh only where they hide all that a
    /// rule allows.
    pub(crate) fn allows_any(
        &self,
        subject: Subject<'_>,
        operation: AclOperation,
        kind: ResourceKind,
    ) -> bool {
        // Kafka's own name for a resource that nobody has.
        if self.allows(subject, operation, kind, "hardcode") {
            return true;
        }
        let rules = || {
            self.acls.iter().filter(|acl| {
                acl.kind == kind
                    && acl.is_for(subject.principal, subject.host)
                    && covers(acl.operation, operation)
            })
        };
        let denials = || rules().filter(|acl| acl.permission == Permission::Deny);
        let is_all = |acl: &Acl| acl.pattern == Pattern::Literal && acl.name == ANY;
        if denials().any(is_all) {
            return false;
        }
        let is_hidden = |allowed: &Acl| {
            denials().any(|denied| match denied.pattern {
                Pattern::Literal => {
                    allowed.pattern == Pattern::Literal && denied.name == allowed.name
                }
                Pattern::Prefixed => allowed.name.starts_with(&denied.name),
            })
        };
        rules()
            .filter(|acl| acl.permission == Permission::Allow)
            .any(|acl| is_all(acl) || !is_hidden(acl))
    }
}

fn covers(rule: AclOperation, asked: AclOperation) -> bool {
    rule == AclOperation::All || rule == asked
}

fn implies(rule: AclOperation, asked: AclOperation) -> bool {
    use AclOperation::*;
    covers(rule, asked)
        || match asked {
            Describe => matches!(rule, Read | Write | Delete | Alter),
            DescribeConfigs => rule == AlterConfigs,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        acls: Vec<Rule>,
        super_users: Vec<String>,
        open_without_acls: bool,
        requests: Vec<Asked>,
    }

    /// Kind, name, pattern, principal, host, operation, permission.
    type Rule = (i8, String, i8, String, String, i8, i8);

    /// Principal, host, operation, kind, name, and Kafka's verdicts on this one and on any.
    type Asked = (String, String, i8, i8, String, bool, bool);

    /// Verdicts of Kafka's own class, written by `integration/java/GoldenVerdicts.java`.
    #[test]
    fn the_verdicts_are_those_of_apache_kafka() {
        let text = include_str!("../../tests/golden/verdicts.json");
        let mut verdicts = [0; 2];
        let mut cases = 0;
        for line in text.lines() {
            let case: Case = serde_json::from_str(line).unwrap();
            let super_users = case.super_users.into_iter().collect();
            let mut authorizer = Authorizer::new(super_users, case.open_without_acls);
            for (kind, name, pattern, principal, host, operation, permission) in case.acls {
                authorizer.add(Acl {
                    kind: ResourceKind::of_code(kind).unwrap(),
                    name,
                    pattern: Pattern::of_code(pattern).unwrap(),
                    principal,
                    host,
                    operation: AclOperation::of_code(operation).unwrap(),
                    permission: Permission::of_code(permission).unwrap(),
                });
            }
            for asked in case.requests {
                let (principal, host, operation, kind, name, allowed, any) = &asked;
                let subject = Subject { principal, host };
                let operation = AclOperation::of_code(*operation).unwrap();
                let kind = ResourceKind::of_code(*kind).unwrap();
                let acls = &authorizer.acls;
                assert_eq!(
                    authorizer.allows(subject, operation, kind, name),
                    *allowed,
                    "case {cases}: {asked:?} {acls:?}"
                );
                assert_eq!(
                    authorizer.allows_any(subject, operation, kind),
                    *any,
                    "case {cases}: {asked:?} {acls:?}"
                );
                verdicts[usize::from(*allowed)] += 1;
            }
            cases += 1;
        }
        assert_eq!(cases, 1000);
        assert!(verdicts.iter().all(|count| *count > 1000), "{verdicts:?}");
    }
}

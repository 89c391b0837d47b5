//! Access control lists: who may, or may not, do what with which resource.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($(#[$attr:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$attr])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        $vis enum $name {
            $($(#[$doc])* $variant = $code,)*
        }

        impl $name {
            /// What a code of the protocol stands for.
            pub(crate) fn of_code(code: i8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }

            pub(crate) fn code(self) -> i8 {
                self as i8
            }
        }
    };
}

codes! {
    /// What may be done with a resource.
    #[non_exhaustive]
    pub enum AclOperation {
        /// Everything.
        All = 2,
        /// Fetching from a topic; joining a group and committing for it.
        Read = 3,
        /// Producing to a topic.
        Write = 4,
        /// Making a topic.
        Create = 5,
        /// Deleting a topic or a group.
        Delete = 6,
        /// Changing a topic or the cluster's rules and users.
        Alter = 7,
        /// Seeing that it is there. Implied by `Read`, `Write`, `Delete` and `Alter`.
        Describe = 8,
        /// What brokers ask of each other.
        ClusterAction = 9,
        /// Seeing its settings. Implied by `AlterConfigs`.
        DescribeConfigs = 10,
        /// Changing its settings.
        AlterConfigs = 11,
        /// Producing with a producer id to any topic.
        IdempotentWrite = 12,
        /// Making delegation tokens for a user.
        CreateTokens = 13,
        /// Seeing the delegation tokens of a user.
        DescribeTokens = 14,
        /// Taking part in a two-phase commit.
        TwoPhaseCommit = 15,
    }
}

codes! {
    pub(crate) enum ResourceKind {
        Topic = 2,
        Group = 3,
        Cluster = 4,
        TransactionalId = 5,
        DelegationToken = 6,
        User = 7,
    }
}

codes! {
    /// How a rule's name is compared with a resource's.
    pub(crate) enum Pattern {
        Literal = 3,
        Prefixed = 4,
    }
}

codes! {
    pub(crate) enum Permission {
        Deny = 2,
        Allow = 3,
    }
}

/// The name of the cluster as a resource.
pub(crate) const CLUSTER: &str = "kafka-cluster";
/// Stands for every name and for every host.
pub(crate) const ANY: &str = "*";

impl ResourceKind {
    /// What can be done with resources of a kind, of what answers tell a client about.
    pub(crate) fn operations(self) -> &'static [AclOperation] {
        use AclOperation::*;
        match self {
            Self::Topic => &[
                Read,
                Write,
                Create,
                Delete,
                Alter,
                Describe,
                DescribeConfigs,
                AlterConfigs,
            ],
            Self::Group => &[Read, Delete, Describe, DescribeConfigs, AlterConfigs],
            Self::Cluster => &[
                Create,
                Alter,
                Describe,
                ClusterAction,
                DescribeConfigs,
                AlterConfigs,
                IdempotentWrite,
            ],
            Self::TransactionalId => &[Write, Describe, TwoPhaseCommit],
            Self::DelegationToken => &[Describe],
            Self::User => &[CreateTokens, DescribeTokens],
        }
    }
}

/// What a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclResource {
    kind: ResourceKind,
    name: String,
}

impl AclResource {
    /// A topic; `*` for all.
    #[must_use]
    pub fn topic(name: impl Into<String>) -> Self {
        Self::new(ResourceKind::Topic, name)
    }

    /// A group of consumers; `*` for all.
    #[must_use]
    pub fn group(name: impl Into<String>) -> Self {
        Self::new(ResourceKind::Group, name)
    }

    /// The cluster.
    #[must_use]
    pub fn cluster() -> Self {
        Self::new(ResourceKind::Cluster, CLUSTER)
    }

    fn new(kind: ResourceKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }
}

/// A rule of the authorizer.
///
/// ```
/// use kafka_broker::{Acl, AclOperation, AclResource};
///
/// let everything = Acl::allow("User:alice", AclOperation::All, AclResource::topic("orders-")).prefixed();
/// let not_this = Acl::deny("User:*", AclOperation::Write, AclResource::topic("orders-old"));
/// let from_here = Acl::allow("User:bob", AclOperation::Read, AclResource::topic("*")).host("127.0.0.1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Acl {
    pub(crate) kind: ResourceKind,
    pub(crate) name: String,
    pub(crate) pattern: Pattern,
    pub(crate) principal: String,
    pub(crate) host: String,
    pub(crate) operation: AclOperation,
    pub(crate) permission: Permission,
}

impl Acl {
    /// Allows a principal something; `User:*` is everyone.
    #[must_use]
    pub fn allow(
        principal: impl Into<String>,
        operation: AclOperation,
        resource: AclResource,
    ) -> Self {
        Self {
            kind: resource.kind,
            name: resource.name,
            pattern: Pattern::Literal,
            principal: principal.into(),
            host: ANY.to_owned(),
            operation,
            permission: Permission::Allow,
        }
    }

    /// Forbids it. A rule that forbids wins over those that allow.
    #[must_use]
    pub fn deny(
        principal: impl Into<String>,
        operation: AclOperation,
        resource: AclResource,
    ) -> Self {
        Self {
            permission: Permission::Deny,
            ..Self::allow(principal, operation, resource)
        }
    }

    /// Means all resources whose names begin so (KIP-290).
    #[must_use]
    pub fn prefixed(mut self) -> Self {
        self.pattern = Pattern::Prefixed;
        self
    }

    /// Holds for connections from this address only.
    #[must_use]
    pub fn host(mut self, address: impl Into<String>) -> Self {
        self.host = address.into();
        self
    }

    /// Whether the rule is about a resource.
    ///
    /// As in Kafka, where names are searched by what they begin with, the rule for every name
    /// misses those that begin with an asterisk themselves. Topics have no such names.
    pub(super) fn is_about(&self, kind: ResourceKind, name: &str) -> bool {
        self.kind == kind
            && match self.pattern {
                Pattern::Literal => {
                    self.name == name || (self.name == ANY && !name.starts_with(ANY))
                }
                Pattern::Prefixed => name.starts_with(&self.name),
            }
    }

    /// Whether the rule is about who asks from where.
    pub(super) fn is_for(&self, principal: &str, host: &str) -> bool {
        (self.principal == principal || self.principal == "User:*")
            && (self.host == ANY || self.host == host)
    }
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} {} {:?} from {} on {:?} {:?} {}",
            self.permission,
            self.principal,
            self.operation,
            self.host,
            self.pattern,
            self.kind,
            self.name
        )
    }
}

/// Which rules are meant. `None` is every value.
#[derive(Debug, Clone, Default)]
pub(crate) struct AclFilter {
    pub(crate) kind: Option<ResourceKind>,
    pub(crate) name: Option<String>,
    pub(crate) pattern: PatternFilter,
    pub(crate) principal: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) operation: Option<AclOperation>,
    pub(crate) permission: Option<Permission>,
}

/// Which patterns are meant.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum PatternFilter {
    #[default]
    Any,
    /// Whatever holds for a resource of the name.
    Match,
    Only(Pattern),
}

impl AclFilter {
    pub(crate) fn takes(&self, acl: &Acl) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, value: &T) -> bool {
            wanted.is_none_or(|wanted| wanted == value)
        }
        is(self.kind.as_ref(), &acl.kind)
            && self.takes_name(acl)
            && is(self.principal.as_ref(), &acl.principal)
            && is(self.host.as_ref(), &acl.host)
            && is(self.operation.as_ref(), &acl.operation)
            && is(self.permission.as_ref(), &acl.permission)
    }

    fn takes_name(&self, acl: &Acl) -> bool {
        if let PatternFilter::Only(pattern) = self.pattern
            && pattern != acl.pattern
        {
            return false;
        }
        let Some(name) = &self.name else {
            return true;
        };
        match self.pattern {
            PatternFilter::Match => match acl.pattern {
                Pattern::Literal => acl.name == ANY || acl.name == *name,
                Pattern::Prefixed => name.starts_with(&acl.name),
            },
            PatternFilter::Any | PatternFilter::Only(_) => acl.name == *name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> Acl {
        Acl::allow("User:a", AclOperation::Read, AclResource::topic(name))
    }

    #[test]
    fn filters_take_by_each_field() {
        let all = [
            read("x"),
            read("*"),
            read("x").prefixed(),
            read("xy"),
            read("y"),
        ];
        let taken = |filter: &AclFilter| {
            let taken = all.iter().map(|acl| filter.takes(acl));
            taken.collect::<Vec<_>>()
        };
        let mut filter = AclFilter::default();
        assert_eq!(taken(&filter), [true; 5]);
        filter.name = Some("x".to_owned());
        assert_eq!(taken(&filter), [true, false, true, false, false]);
        filter.pattern = PatternFilter::Match;
        assert_eq!(taken(&filter), [true, true, true, false, false]);
        filter.pattern = PatternFilter::Only(Pattern::Prefixed);
        assert_eq!(taken(&filter), [false, false, true, false, false]);
        let other = AclFilter {
            operation: Some(AclOperation::Write),
            ..AclFilter::default()
        };
        assert_eq!(taken(&other), [false; 5]);
    }

    #[test]
    fn codes_are_kafkas() {
        assert_eq!(
            AclOperation::of_code(15),
            Some(AclOperation::TwoPhaseCommit)
        );
        assert_eq!(AclOperation::of_code(1), None);
        assert_eq!(Permission::Allow.code(), 3);
    }
}

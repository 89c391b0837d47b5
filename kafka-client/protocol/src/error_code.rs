//! The error codes of Kafka's answers, in one table.

use std::fmt;

/// An error code of an answer.
///
/// Every number is representable: a newer broker may send codes that this table does not have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode(i16);

/// What a client may do about an error (KIP-1050).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The same request again gives the same error; what it means depends on the request.
    Final,
    /// The same request may succeed later.
    Retriable,
    /// The same request may succeed at the right broker: refresh metadata first.
    RefreshMetadata,
    /// The same request may succeed at the right coordinator: find it again first.
    RefreshCoordinator,
}

macro_rules! error_codes {
    ($($name:ident = $code:literal, $class:ident, $text:literal;)*) => {
        impl ErrorCode {
            $(
                #[doc = concat!(
                    "Code ", stringify!($code), ": ", $text, ". [`", stringify!($class),
                    "`](ErrorClass::", stringify!($class), ").",
                )]
                pub const $name: Self = Self($code);
            )*

            /// Kafka's name, or `None` for a code that came after this table.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            /// What a client may do about it; an unknown code is final.
            #[must_use]
            pub const fn class(self) -> ErrorClass {
                match self.0 {
                    $($code => ErrorClass::$class,)*
                    _ => ErrorClass::Final,
                }
            }

            /// One sentence for people.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self.0 {
                    $($code => $text,)*
                    _ => "a code that this client does not know",
                }
            }
        }

        impl ErrorCode {
            /// Every code of the table, rising.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

error_codes! {
    UNKNOWN_SERVER_ERROR = -1, Final, "the broker met an error it has no code for";
    NONE = 0, Final, "no error";
    OFFSET_OUT_OF_RANGE = 1, Final, "the offset is outside of the log";
    CORRUPT_MESSAGE = 2, Retriable, "a batch is corrupt: wrong checksum, size, or a missing key";
    UNKNOWN_TOPIC_OR_PARTITION = 3, RefreshMetadata, "the broker has no such topic or partition";
    INVALID_FETCH_SIZE = 4, Final, "the fetch size is invalid";
    LEADER_NOT_AVAILABLE = 5, RefreshMetadata, "the partition has no leader at the moment";
    NOT_LEADER_OR_FOLLOWER = 6, RefreshMetadata, "the broker is not the partition's leader";
    REQUEST_TIMED_OUT = 7, Retriable, "the broker ran out of time; the request may have been applied";
    BROKER_NOT_AVAILABLE = 8, Final, "the broker is not available";
    REPLICA_NOT_AVAILABLE = 9, RefreshMetadata, "the replica is not available";
    MESSAGE_TOO_LARGE = 10, Final, "a batch is over the topic's max.message.bytes";
    STALE_CONTROLLER_EPOCH = 11, Final, "the controller has moved";
    OFFSET_METADATA_TOO_LARGE = 12, Final, "the text stored with an offset is too long (offset.metadata.max.bytes)";
    NETWORK_EXCEPTION = 13, RefreshMetadata, "the connection ended before the answer";
    COORDINATOR_LOAD_IN_PROGRESS = 14, Retriable, "the coordinator is still loading";
    COORDINATOR_NOT_AVAILABLE = 15, RefreshCoordinator, "no coordinator is available";
    NOT_COORDINATOR = 16, RefreshCoordinator, "the broker does not coordinate this group or transaction";
    INVALID_TOPIC_EXCEPTION = 17, Final, "the topic name is invalid";
    RECORD_LIST_TOO_LARGE = 18, Final, "a batch is over the topic's segment.bytes";
    NOT_ENOUGH_REPLICAS = 19, Retriable, "fewer replicas are in sync than min.insync.replicas";
    NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20, Retriable, "written, but then fewer replicas were in sync than min.insync.replicas";
    INVALID_REQUIRED_ACKS = 21, Final, "acks must be 0, 1 or -1";
    ILLEGAL_GENERATION = 22, Final, "the group has moved to another generation";
    INCONSISTENT_GROUP_PROTOCOL = 23, Final, "the member shares no protocol with its group";
    INVALID_GROUP_ID = 24, Final, "the group id is invalid";
    UNKNOWN_MEMBER_ID = 25, Final, "the coordinator does not know the member";
    INVALID_SESSION_TIMEOUT = 26, Final, "session.timeout.ms is outside of what the broker allows (group.min.session.timeout.ms, group.max.session.timeout.ms)";
    REBALANCE_IN_PROGRESS = 27, Final, "the group is rebalancing: rejoin";
    INVALID_COMMIT_OFFSET_SIZE = 28, Final, "the commit is too large";
    TOPIC_AUTHORIZATION_FAILED = 29, Final, "not allowed for the topic";
    GROUP_AUTHORIZATION_FAILED = 30, Final, "not allowed for the group";
    CLUSTER_AUTHORIZATION_FAILED = 31, Final, "not allowed for the cluster";
    INVALID_TIMESTAMP = 32, Final, "the timestamp is outside of what the topic allows";
    UNSUPPORTED_SASL_MECHANISM = 33, Final, "the broker has no such SASL mechanism";
    ILLEGAL_SASL_STATE = 34, Final, "out of order in the SASL exchange";
    UNSUPPORTED_VERSION = 35, Final, "the broker does not know this version of the API";
    TOPIC_ALREADY_EXISTS = 36, Final, "the topic exists already";
    INVALID_PARTITIONS = 37, Final, "the number of partitions is invalid";
    INVALID_REPLICATION_FACTOR = 38, Final, "the replication factor is invalid for the number of brokers";
    INVALID_REPLICA_ASSIGNMENT = 39, Final, "the assignment of replicas is invalid";
    INVALID_CONFIG = 40, Final, "a setting is invalid";
    NOT_CONTROLLER = 41, Retriable, "the broker is not the controller";
    INVALID_REQUEST = 42, Final, "the request contradicts itself";
    UNSUPPORTED_FOR_MESSAGE_FORMAT = 43, Final, "the log's message format has no such feature";
    POLICY_VIOLATION = 44, Final, "a policy of the cluster forbids it";
    OUT_OF_ORDER_SEQUENCE_NUMBER = 45, Final, "a sequence number leaves a gap";
    DUPLICATE_SEQUENCE_NUMBER = 46, Final, "the batch was written already";
    INVALID_PRODUCER_EPOCH = 47, Final, "a newer epoch of the producer exists";
    INVALID_TXN_STATE = 48, Final, "not possible in the transaction's state";
    INVALID_PRODUCER_ID_MAPPING = 49, Final, "the producer id does not belong to the transactional id";
    INVALID_TRANSACTION_TIMEOUT = 50, Final, "transaction.timeout.ms is over the broker's transaction.max.timeout.ms";
    CONCURRENT_TRANSACTIONS = 51, Retriable, "another operation on the transaction is under way";
    TRANSACTION_COORDINATOR_FENCED = 52, Final, "the transaction coordinator has moved";
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53, Final, "not allowed for the transactional id";
    SECURITY_DISABLED = 54, Final, "security is switched off";
    OPERATION_NOT_ATTEMPTED = 55, Final, "not tried, because of another part of the request";
    KAFKA_STORAGE_ERROR = 56, RefreshMetadata, "the broker's disk failed";
    LOG_DIR_NOT_FOUND = 57, Final, "no such log directory";
    SASL_AUTHENTICATION_FAILED = 58, Final, "authentication failed";
    UNKNOWN_PRODUCER_ID = 59, Final, "the broker has forgotten the producer";
    REASSIGNMENT_IN_PROGRESS = 60, Final, "the partition is being reassigned";
    DELEGATION_TOKEN_AUTH_DISABLED = 61, Final, "delegation tokens are switched off";
    DELEGATION_TOKEN_NOT_FOUND = 62, Final, "no such delegation token";
    DELEGATION_TOKEN_OWNER_MISMATCH = 63, Final, "the token belongs to somebody else";
    DELEGATION_TOKEN_REQUEST_NOT_ALLOWED = 64, Final, "delegation tokens need an authenticated connection";
    DELEGATION_TOKEN_AUTHORIZATION_FAILED = 65, Final, "not allowed for the token";
    DELEGATION_TOKEN_EXPIRED = 66, Final, "the token has expired";
    INVALID_PRINCIPAL_TYPE = 67, Final, "the type of principal is invalid";
    NON_EMPTY_GROUP = 68, Final, "the group has members";
    GROUP_ID_NOT_FOUND = 69, Final, "no such group";
    FETCH_SESSION_ID_NOT_FOUND = 70, Retriable, "the fetch session is gone";
    INVALID_FETCH_SESSION_EPOCH = 71, Retriable, "the fetch session is out of step";
    LISTENER_NOT_FOUND = 72, RefreshMetadata, "the leader has no listener of this name";
    TOPIC_DELETION_DISABLED = 73, Final, "deleting topics is switched off";
    FENCED_LEADER_EPOCH = 74, RefreshMetadata, "the leader epoch is older than the broker's";
    UNKNOWN_LEADER_EPOCH = 75, Retriable, "the leader epoch is newer than the broker's";
    UNSUPPORTED_COMPRESSION_TYPE = 76, Final, "the version of the request has no such codec";
    STALE_BROKER_EPOCH = 77, Final, "the broker has registered again";
    OFFSET_NOT_AVAILABLE = 78, Retriable, "the new leader has not caught up yet";
    MEMBER_ID_REQUIRED = 79, Final, "join again with the member id given";
    PREFERRED_LEADER_NOT_AVAILABLE = 80, RefreshMetadata, "the preferred leader is not available";
    GROUP_MAX_SIZE_REACHED = 81, Final, "the group is full (group.max.size)";
    FENCED_INSTANCE_ID = 82, Final, "another member has taken the group.instance.id";
    ELIGIBLE_LEADERS_NOT_AVAILABLE = 83, RefreshMetadata, "no eligible leader is available";
    ELECTION_NOT_NEEDED = 84, RefreshMetadata, "the partition has its leader already";
    NO_REASSIGNMENT_IN_PROGRESS = 85, Final, "no reassignment is under way";
    GROUP_SUBSCRIBED_TO_TOPIC = 86, Final, "the group is subscribed to the topic";
    INVALID_RECORD = 87, Final, "the broker refused a record";
    UNSTABLE_OFFSET_COMMIT = 88, Retriable, "a transaction has not settled the offset yet";
    THROTTLING_QUOTA_EXCEEDED = 89, Retriable, "a quota is exceeded";
    PRODUCER_FENCED = 90, Final, "a newer producer has the same transactional id";
    RESOURCE_NOT_FOUND = 91, Final, "no such resource";
    DUPLICATE_RESOURCE = 92, Final, "a resource is named twice";
    UNACCEPTABLE_CREDENTIAL = 93, Final, "the credential is not acceptable";
    INCONSISTENT_VOTER_SET = 94, Final, "the voters disagree";
    INVALID_UPDATE_VERSION = 95, Final, "the version of the update is invalid";
    FEATURE_UPDATE_FAILED = 96, Final, "the features were not updated";
    PRINCIPAL_DESERIALIZATION_FAILURE = 97, Final, "the principal of a forwarded request is not readable";
    SNAPSHOT_NOT_FOUND = 98, Final, "no such snapshot";
    POSITION_OUT_OF_RANGE = 99, Final, "the position is outside of the snapshot";
    UNKNOWN_TOPIC_ID = 100, RefreshMetadata, "the broker has no topic with this id";
    DUPLICATE_BROKER_REGISTRATION = 101, Final, "the broker id is in use";
    BROKER_ID_NOT_REGISTERED = 102, Final, "the broker id is not registered";
    INCONSISTENT_TOPIC_ID = 103, RefreshMetadata, "the topic id is not the log's";
    INCONSISTENT_CLUSTER_ID = 104, Final, "the cluster id is not the broker's";
    TRANSACTIONAL_ID_NOT_FOUND = 105, Final, "no such transactional id";
    FETCH_SESSION_TOPIC_ID_ERROR = 106, Retriable, "topic ids changed within the fetch session";
    INELIGIBLE_REPLICA = 107, Final, "a replica may not join those in sync";
    NEW_LEADER_ELECTED = 108, Final, "a new leader was elected";
    OFFSET_MOVED_TO_TIERED_STORAGE = 109, Final, "the offset has moved to tiered storage";
    FENCED_MEMBER_EPOCH = 110, Final, "the member epoch is fenced: give up the partitions and rejoin";
    UNRELEASED_INSTANCE_ID = 111, Final, "the group.instance.id is in use";
    UNSUPPORTED_ASSIGNOR = 112, Final, "the group has no such assignor";
    STALE_MEMBER_EPOCH = 113, Final, "the member epoch is stale: retry with the new one";
    MISMATCHED_ENDPOINT_TYPE = 114, Final, "an endpoint of another type was asked";
    UNSUPPORTED_ENDPOINT_TYPE = 115, Final, "no such type of endpoint";
    UNKNOWN_CONTROLLER_ID = 116, Final, "no such controller";
    UNKNOWN_SUBSCRIPTION_ID = 117, Final, "the telemetry subscription is out of date";
    TELEMETRY_TOO_LARGE = 118, Final, "the telemetry is too large";
    INVALID_REGISTRATION = 119, Final, "the registration is invalid";
    TRANSACTION_ABORTABLE = 120, Final, "the transaction must be aborted, then the producer goes on";
    INVALID_RECORD_STATE = 121, Final, "the record is not in a state for this acknowledgement";
    SHARE_SESSION_NOT_FOUND = 122, Retriable, "the share session is gone";
    INVALID_SHARE_SESSION_EPOCH = 123, Retriable, "the share session is out of step";
    FENCED_STATE_EPOCH = 124, Final, "the share state has a newer epoch";
    INVALID_VOTER_KEY = 125, Final, "the voter's key is another";
    DUPLICATE_VOTER = 126, Final, "the voter is there already";
    VOTER_NOT_FOUND = 127, Final, "no such voter";
    INVALID_REGULAR_EXPRESSION = 128, Final, "the regular expression is invalid";
    REBOOTSTRAP_REQUIRED = 129, Final, "the cluster has changed: bootstrap again";
    STREAMS_INVALID_TOPOLOGY = 130, Final, "the topology is invalid";
    STREAMS_INVALID_TOPOLOGY_EPOCH = 131, Final, "the topology's epoch is invalid";
    STREAMS_TOPOLOGY_FENCED = 132, Final, "the topology's epoch is outdated";
    SHARE_SESSION_LIMIT_REACHED = 133, Retriable, "too many share sessions";
    GROUP_DELETION_FAILED = 134, Final, "the broker failed to delete what the group had stored";
    STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED = 135, Final, "the description of the topology could not be stored";
    CONTROLLER_ID_NOT_REGISTERED = 136, Final, "the controller id is not registered";
}

impl ErrorCode {
    /// The code with this number, known or not.
    #[must_use]
    pub const fn new(code: i16) -> Self {
        Self(code)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i16 {
        self.0
    }

    /// Whether it is an error at all.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 != 0
    }

    /// `Ok` for [`ErrorCode::NONE`], the code otherwise.
    ///
    /// # Errors
    /// Any other code than [`ErrorCode::NONE`].
    pub const fn ok(self) -> Result<(), Self> {
        if self.is_error() { Err(self) } else { Ok(()) }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn is_retriable(self) -> bool {
        !matches!(self.class(), ErrorClass::Final)
    }
}

impl From<i16> for ErrorCode {
    fn from(code: i16) -> Self {
        Self(code)
    }
}

impl From<ErrorCode> for i16 {
    fn from(code: ErrorCode) -> Self {
        code.0
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({}): {}", self.0, self.text()),
            None => write!(f, "error code {}", self.0),
        }
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name}({})", self.0),
            None => write!(f, "ErrorCode({})", self.0),
        }
    }
}

impl std::error::Error for ErrorCode {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_rise_without_a_gap() {
        for (index, code) in ErrorCode::ALL.iter().enumerate() {
            assert_eq!(i32::from(code.code()), index as i32 - 1);
        }
    }

    #[test]
    fn classes_say_what_to_refresh() {
        assert_eq!(
            ErrorCode::NOT_LEADER_OR_FOLLOWER.class(),
            ErrorClass::RefreshMetadata
        );
        assert_eq!(
            ErrorCode::NOT_COORDINATOR.class(),
            ErrorClass::RefreshCoordinator
        );
        assert_eq!(ErrorCode::REQUEST_TIMED_OUT.class(), ErrorClass::Retriable);
        assert!(!ErrorCode::MESSAGE_TOO_LARGE.is_retriable());
        assert!(!ErrorCode::new(999).is_retriable());
    }
}

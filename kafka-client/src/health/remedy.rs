//! What a person may do about an error: the setting to change, or the command to run.

use kafka_client_protocol::{ApiKey, ErrorCode};

use super::Subject;
use crate::error::{Error, ErrorKind};

/// What helps, in words that follow on an error's own.
pub(crate) fn remedy(subject: &Subject, error: &Error) -> String {
    if error.is_explained() {
        return "the broker is not asked before that is there".to_owned();
    }
    // What the broker said is nearer to the cause than what came of it.
    advice(error)
        .or_else(|| by_kind(error))
        .unwrap_or_else(|| by_subject(subject))
}

/// The error of a call that no retry heals, with what helps beside what the broker said.
pub(crate) fn with_advice(error: Error) -> Error {
    let Some(advice) = advice(&error) else {
        return error;
    };
    error.advise(advice)
}

fn advice(error: &Error) -> Option<String> {
    error.code().and_then(|code| by_code(code, error))
}

fn by_code(code: ErrorCode, error: &Error) -> Option<String> {
    let topic = error.topic().unwrap_or("<topic>");
    Some(match code {
        ErrorCode::TOPIC_AUTHORIZATION_FAILED => {
            let operation = match error.api() {
                Some(ApiKey::PRODUCE) => "Write",
                Some(ApiKey::FETCH | ApiKey::OFFSET_COMMIT | ApiKey::OFFSET_FETCH) => "Read",
                Some(ApiKey::CREATE_TOPICS) => "Create",
                Some(ApiKey::DELETE_TOPICS) => "Delete",
                _ => "Describe",
            };
            allow(operation, &format!("--topic {topic}"))
        }
        ErrorCode::GROUP_AUTHORIZATION_FAILED => allow("Read", "--group <group.id>"),
        ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED => {
            allow("Write", "--transactional-id <transactional.id>")
        }
        ErrorCode::CLUSTER_AUTHORIZATION_FAILED => {
            let operation = match error.api() {
                Some(ApiKey::INIT_PRODUCER_ID | ApiKey::PRODUCE) => "IdempotentWrite",
                Some(ApiKey::CREATE_TOPICS) => "Create",
                _ => "ClusterAction",
            };
            let resource = match operation {
                "IdempotentWrite" => {
                    "--cluster; or Write on the topics, which is enough since Kafka 2.8, and a new producer then"
                }
                _ => "--cluster",
            };
            allow(operation, resource)
        }
        ErrorCode::SASL_AUTHENTICATION_FAILED => {
            "check sasl.mechanism and the credentials".to_owned()
        }
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION | ErrorCode::UNKNOWN_TOPIC_ID
            if error.api() == Some(ApiKey::PRODUCE) =>
        {
            format!(
                "records that wait for it end after delivery.timeout.ms; create it anew \
                 (kafka-topics --create --topic {topic}), and those that were never sent go there"
            )
        }
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION | ErrorCode::UNKNOWN_TOPIC_ID => format!(
            "check the topic's spelling, create it (kafka-topics --create --topic {topic}), or set \
             auto.create.topics.enable on the brokers"
        ),
        ErrorCode::INVALID_TOPIC_EXCEPTION => {
            "a topic's name has 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-'"
                .to_owned()
        }
        ErrorCode::LEADER_NOT_AVAILABLE | ErrorCode::REPLICA_NOT_AVAILABLE => no_leader(),
        ErrorCode::KAFKA_STORAGE_ERROR => {
            "a disk of the broker is full or broken: check its log.dirs and its log, and free space \
             (kafka-log-dirs --describe shows what takes it)"
                .to_owned()
        }
        ErrorCode::NOT_ENOUGH_REPLICAS | ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND => format!(
            "fewer replicas are in sync than min.insync.replicas asks for: bring brokers back \
             (kafka-topics --describe --under-min-isr-partitions --topic {topic}), or lower it"
        ),
        ErrorCode::COORDINATOR_NOT_AVAILABLE | ErrorCode::COORDINATOR_LOAD_IN_PROGRESS => {
            no_coordinator()
        }
        ErrorCode::INCONSISTENT_GROUP_PROTOCOL => {
            "the other members of the group have no assignor in common with this one: set \
             partition.assignment.strategy to one they have (by default this client has \
             cooperative-sticky, Java's range and cooperative-sticky, librdkafka range and roundrobin), \
             or use another group.id"
                .to_owned()
        }
        ErrorCode::INVALID_SESSION_TIMEOUT => {
            "session.timeout.ms must be between the brokers' group.min.session.timeout.ms and \
             group.max.session.timeout.ms"
                .to_owned()
        }
        ErrorCode::GROUP_MAX_SIZE_REACHED => {
            "the group has as many members as group.max.size of the brokers allows: raise it, or run \
             fewer members"
                .to_owned()
        }
        ErrorCode::FENCED_INSTANCE_ID => {
            "another member has the same group.instance.id: give each its own".to_owned()
        }
        ErrorCode::OFFSET_METADATA_TOO_LARGE => {
            "offset.metadata.max.bytes of the brokers is the limit".to_owned()
        }
        ErrorCode::UNSTABLE_OFFSET_COMMIT => {
            "a transaction with offsets of the group is open: it ends with its \
             transaction.timeout.ms at the latest (kafka-transactions list shows it)"
                .to_owned()
        }
        ErrorCode::THROTTLING_QUOTA_EXCEEDED => throttled(),
        ErrorCode::UNSUPPORTED_VERSION => {
            "the broker is too old for this client: upgrade it".to_owned()
        }
        _ => return None,
    })
}

fn by_kind(error: &Error) -> Option<String> {
    Some(match error.kind() {
        ErrorKind::Unsupported => "the broker is too old for this client: upgrade it".to_owned(),
        ErrorKind::Authentication => {
            "check certificates and credentials, and that security.protocol is that of the listener"
                .to_owned()
        }
        // Somebody answers, but it is no broker, or one that wants another protocol.
        ErrorKind::Protocol => {
            "check that bootstrap.servers names listeners whose protocol is that \
                                of security.protocol: one of TLS or SASL has a port of its own"
                .to_owned()
        }
        _ => return None,
    })
}

fn by_subject(subject: &Subject) -> String {
    match subject {
        Subject::Broker { .. } | Subject::Metadata => {
            "check that the broker runs and is reached from here, that bootstrap.servers is right, \
             and that advertised.listeners of the broker names an address for clients"
                .to_owned()
        }
        Subject::Topic { topic } => format!(
            "check the topic's spelling, or create it (kafka-topics --create --topic {topic})"
        ),
        Subject::Leader { .. } => no_leader(),
        Subject::Partition { topic, .. } => format!(
            "check the log of the partition's leader (kafka-topics --describe --topic {topic})"
        ),
        Subject::ProducerId => {
            "check the log of the brokers, or do without (enable.idempotence=false)".to_owned()
        }
        Subject::Coordinator { .. } => no_coordinator(),
        Subject::Offsets { group } => format!(
            "check the log of the group's coordinator (kafka-consumer-groups --describe --state \
             --group {group} names it)"
        ),
        Subject::InWork { .. } => {
            "have each delivery acknowledged or handed back, whatever becomes of the work on it, and \
             give that work a limit"
                .to_owned()
        }
        Subject::Fetch { .. } => {
            "check the log of the broker, and the network between it and the client".to_owned()
        }
        Subject::Reading { topic, .. } => format!(
            "check the log of the partition's leader (kafka-topics --describe --topic {topic})"
        ),
        Subject::Forwarding { topic, .. } => format!(
            "check that the topic is there and takes records of this size (kafka-topics --describe \
             --topic {topic}): the records wait for it, and so does what is behind them"
        ),
        Subject::Handlers { .. } => {
            "check what the handlers need, such as a database: no record is given up until one succeeds"
                .to_owned()
        }
        Subject::Throttled { .. } => throttled(),
    }
}

fn allow(operation: &str, resource: &str) -> String {
    format!(
        "allow it: kafka-acls --add --allow-principal User:<name> --operation {operation} {resource}"
    )
}

fn no_leader() -> String {
    "its replicas are offline: bring their brokers back (kafka-topics --describe \
     --unavailable-partitions lists them)"
        .to_owned()
}

fn no_coordinator() -> String {
    "the partitions of __consumer_offsets have no leader, or it was never made: check \
     offsets.topic.replication.factor against the number of brokers, and kafka-topics --describe \
     --topic __consumer_offsets"
        .to_owned()
}

fn throttled() -> String {
    "the client is over its quota: raise it (kafka-configs --alter --entity-type clients, or users), \
     or send and read less"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn of(code: ErrorCode, api: ApiKey) -> String {
        let error = Error::broker(code, api).at_topic(&Arc::from("orders"));
        remedy(&Subject::Metadata, &error)
    }

    #[test]
    fn a_right_that_lacks_is_named_with_the_operation_and_the_resource() {
        let denied = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
        for (api, right) in [
            (ApiKey::PRODUCE, "--operation Write --topic orders"),
            (ApiKey::FETCH, "--operation Read --topic orders"),
            (ApiKey::METADATA, "--operation Describe --topic orders"),
        ] {
            let text = of(denied, api);
            assert!(
                text.contains("kafka-acls --add") && text.ends_with(right),
                "{text}"
            );
        }
        let text = of(
            ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
            ApiKey::INIT_PRODUCER_ID,
        );
        assert!(
            text.contains("--operation IdempotentWrite --cluster; or Write on the topics"),
            "{text}"
        );
    }

    #[test]
    fn a_code_names_the_command_or_the_setting_that_helps() {
        for (code, words) in [
            (
                ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                "kafka-topics --create --topic orders",
            ),
            (ErrorCode::UNKNOWN_TOPIC_ID, "delivery.timeout.ms"),
            (ErrorCode::LEADER_NOT_AVAILABLE, "--unavailable-partitions"),
            (ErrorCode::KAFKA_STORAGE_ERROR, "log.dirs"),
            (ErrorCode::COORDINATOR_NOT_AVAILABLE, "__consumer_offsets"),
            (ErrorCode::NOT_ENOUGH_REPLICAS, "min.insync.replicas"),
            (ErrorCode::THROTTLING_QUOTA_EXCEEDED, "quota"),
        ] {
            let text = of(code, ApiKey::PRODUCE);
            assert!(text.contains(words), "{code}: {text}");
        }
        let text = of(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, ApiKey::METADATA);
        assert!(text.contains("auto.create.topics.enable"), "{text}");
    }

    #[test]
    fn advice_stands_beside_what_the_broker_said() {
        let error = Error::broker(ErrorCode::TOPIC_AUTHORIZATION_FAILED, ApiKey::PRODUCE);
        let error = with_advice(error.with_source("ask the platform team"));
        let text = error.to_string();
        assert!(
            text.contains("ask the platform team; allow it: kafka-acls"),
            "{text}"
        );
        let error = with_advice(Error::broker(ErrorCode::INVALID_RECORD, ApiKey::PRODUCE));
        assert!(error.reason().is_none());
    }

    #[test]
    fn without_a_code_the_kind_of_error_or_what_is_stuck_says_what_helps() {
        let address = Arc::from("one:9092");
        let broker = Subject::Broker { address };
        let tls = Error::new(ErrorKind::Protocol, "the peer speaks TLS");
        assert!(remedy(&broker, &tls).contains("security.protocol"));
        let refused = Error::new(ErrorKind::Connect, "connection refused");
        let text = remedy(&broker, &refused);
        for words in ["bootstrap.servers", "advertised.listeners"] {
            assert!(text.contains(words), "{text}");
        }
        let group = Arc::from("workers");
        let text = remedy(&Subject::Coordinator { group }, &refused);
        assert!(text.contains("__consumer_offsets"), "{text}");
    }
}

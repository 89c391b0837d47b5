//! Apache Kafka's own tools.

use integration::kafka::{JavaTools, class};

use crate::pair::Pair;
use crate::plain;

const CLUSTER: &str = "org.apache.kafka.tools.ClusterTool";
const CLIENT_METRICS: &str = "org.apache.kafka.tools.ClientMetricsCommand";
const FEATURES: &str = "org.apache.kafka.tools.FeatureCommand";
const LEADER_ELECTION: &str = "org.apache.kafka.tools.LeaderElectionCommand";
const LOG_DIRS: &str = "org.apache.kafka.tools.LogDirsCommand";
const QUORUM: &str = "org.apache.kafka.tools.MetadataQuorumCommand";
const REASSIGN: &str = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand";
const TRANSACTIONS: &str = "org.apache.kafka.tools.TransactionsCommand";
const VERIFIABLE_PRODUCER: &str = "org.apache.kafka.tools.VerifiableProducer";

/// A tool, its arguments but for the address, and what it reads.
type Call = (&'static str, &'static str, &'static str);

/// Runs the calls one after the other on each broker; the two must end alike.
async fn alike(calls: &[Call]) {
    let pair = Pair::start().await;
    let [kafka, own] = pair.addresses();
    let mut differences = Vec::new();
    for (class, arguments, input) in calls {
        let (expected, got) = tokio::join!(
            outcome(class, arguments, input, &kafka),
            outcome(class, arguments, input, &own)
        );
        if expected != got {
            differences.push(format!(
                "{class} {arguments}\n- {}\n+ {}",
                expected.join("\n- "),
                got.join("\n+ ")
            ));
        }
    }
    pair.broker.shutdown().await.unwrap();
    assert!(
        differences.is_empty(),
        "{} of {} calls end otherwise (-: Apache Kafka, +: the reference broker)\n{}",
        differences.len(),
        calls.len(),
        differences.join("\n")
    );
}

async fn outcome(class: &str, arguments: &str, input: &str, address: &str) -> Vec<String> {
    let tools = JavaTools::from_env().unwrap();
    let files = tempfile::tempdir().unwrap();
    let arguments: Vec<String> = arguments
        .split_whitespace()
        .map(|argument| match argument.strip_prefix('@') {
            // A file with what follows.
            Some(text) => {
                let path = files.path().join(format!("{}.json", text.len()));
                std::fs::write(&path, text).unwrap();
                path.display().to_string()
            }
            None => argument.replace("ADDRESS", address),
        })
        .collect();
    let mut all = match class {
        class::PRODUCER_PERFORMANCE => Vec::new(),
        _ => vec!["--bootstrap-server", address],
    };
    all.extend(arguments.iter().map(String::as_str));
    let ended = tools.run(class, &all, input.as_bytes()).await.unwrap();
    let mut lines = vec![format!("status {:?}", ended.status.code())];
    lines.extend(plain::lines(&ended.stdout, address));
    let errors = plain::lines(&ended.stderr, address).into_iter();
    lines.extend(errors.map(|line| format!("stderr: {line}")));
    if class == QUORUM {
        // Each counts the changes of its metadata in its own way.
        for line in &mut lines {
            line.retain(|character| !character.is_ascii_digit());
        }
    }
    lines
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn topics_are_managed() {
    alike(&[
        (
            class::TOPICS,
            "--create --topic a --partitions 2 --config retention.ms=1000",
            "",
        ),
        (class::TOPICS, "--create --topic a", ""),
        (
            class::TOPICS,
            "--create --topic b --replication-factor 2",
            "",
        ),
        (
            class::TOPICS,
            "--create --topic c --config no.such.thing=1",
            "",
        ),
        (
            class::TOPICS,
            "--create --topic d --replica-assignment 1,1",
            "",
        ),
        (class::TOPICS, "--create --if-not-exists --topic a", ""),
        (class::TOPICS, "--alter --topic a --partitions 4", ""),
        (class::TOPICS, "--alter --topic a --partitions 3", ""),
        (class::TOPICS, "--describe --topic a", ""),
        (class::TOPICS, "--describe", ""),
        (class::TOPICS, "--describe --topic none", ""),
        (class::TOPICS, "--describe --topics-with-overrides", ""),
        (
            class::TOPICS,
            "--describe --under-replicated-partitions",
            "",
        ),
        (class::TOPICS, "--list", ""),
        (class::TOPICS, "--delete --topic d", ""),
        (class::TOPICS, "--delete --topic d", ""),
        (class::TOPICS, "--list --exclude-internal", ""),
    ])
    .await;
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn settings_are_managed() {
    alike(&[
        (class::TOPICS, "--create --topic a", ""),
        (class::CONFIGS, "--entity-type topics --entity-name a --alter --add-config retention.ms=5000,cleanup.policy=[compact,delete]", ""),
        (class::CONFIGS, "--entity-type topics --entity-name a --describe", ""),
        (class::CONFIGS, "--entity-type topics --entity-name a --describe --all", ""),
        (class::CONFIGS, "--entity-type topics --entity-name a --alter --delete-config retention.ms", ""),
        (class::CONFIGS, "--entity-type topics --entity-name a --alter --add-config retention.ms=soon", ""),
        (class::CONFIGS, "--entity-type topics --entity-name none --describe", ""),
        (class::CONFIGS, "--entity-type topics --describe", ""),
        (class::CONFIGS, "--entity-type brokers --entity-name 1 --alter --add-config background.threads=7", ""),
        (class::CONFIGS, "--entity-type brokers --entity-name 1 --describe", ""),
        (class::CONFIGS, "--entity-type brokers --entity-default --alter --add-config log.retention.ms=7000", ""),
        (class::CONFIGS, "--entity-type brokers --entity-default --describe", ""),
        (class::CONFIGS, "--entity-type brokers --entity-name 1 --alter --add-config num.partitions=7", ""),
        (class::CONFIGS, "--entity-type groups --entity-name g --alter --add-config consumer.session.timeout.ms=50000", ""),
        (class::CONFIGS, "--entity-type groups --entity-name g --describe", ""),
        (class::CONFIGS, "--entity-type client-metrics --entity-name m --alter --add-config metrics=org.apache.kafka.,interval.ms=1000", ""),
        (class::CONFIGS, "--entity-type client-metrics --entity-name m --describe", ""),
        (class::CONFIGS, "--entity-type users --entity-name u --alter --add-config producer_byte_rate=1000", ""),
        (class::CONFIGS, "--entity-type users --entity-name u --describe", ""),
        (CLIENT_METRICS, "--list", ""),
        (CLIENT_METRICS, "--describe --name m", ""),
        (CLIENT_METRICS, "--delete --name m", ""),
        (CLIENT_METRICS, "--list", ""),
    ])
    .await;
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn records_and_groups_are_managed() {
    alike(&[
        (class::TOPICS, "--create --topic a --partitions 2", ""),
        (class::CONSOLE_PRODUCER, "--topic a --property parse.key=true --property key.separator=:", "k:one\nk:two\n"),
        // By a run of its own, so that its time is the latest on both.
        (class::CONSOLE_PRODUCER, "--topic a --property parse.key=true --property key.separator=:", "l:three\n"),
        (class::CONSOLE_CONSUMER, "--topic a --from-beginning --max-messages 3 --group g --timeout-ms 20000", ""),
        (class::CONSOLE_CONSUMER, "--topic a --partition 0 --offset 0 --timeout-ms 4000", ""),
        (class::GET_OFFSETS, "--topic a", ""),
        (class::GET_OFFSETS, "--topic a --time -2", ""),
        (class::GET_OFFSETS, "--topic a --time max-timestamp", ""),
        (class::GET_OFFSETS, "--topic none", ""),
        (class::CONSUMER_GROUPS, "--list", ""),
        (class::CONSUMER_GROUPS, "--list --state", ""),
        (class::CONSUMER_GROUPS, "--describe --group g", ""),
        (class::CONSUMER_GROUPS, "--describe --group g --state", ""),
        (class::CONSUMER_GROUPS, "--describe --group g --members --verbose", ""),
        (class::CONSUMER_GROUPS, "--describe --group none", ""),
        (class::CONSUMER_GROUPS, "--reset-offsets --group g --topic a --to-earliest --execute", ""),
        (class::CONSUMER_GROUPS, "--reset-offsets --group g --topic a:0 --shift-by 1 --dry-run", ""),
        (class::CONSUMER_GROUPS, "--reset-offsets --group g --all-topics --to-datetime 2020-01-01T00:00:00.000 --execute", ""),
        (class::CONSUMER_GROUPS, "--delete-offsets --group g --topic a:0", ""),
        (class::CONSUMER_GROUPS, "--describe --group g", ""),
        (class::CONSUMER_GROUPS, "--delete --group g", ""),
        (class::CONSUMER_GROUPS, "--delete --group g", ""),
        (class::GROUPS, "--list", ""),
        (class::DELETE_RECORDS, "--offset-json-file @{\"partitions\":[{\"topic\":\"a\",\"partition\":0,\"offset\":-1}],\"version\":1}", ""),
        (class::GET_OFFSETS, "--topic a --time -2", ""),
    ])
    .await;
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn a_cluster_is_looked_at() {
    alike(&[
        (class::TOPICS, "--create --topic a --partitions 2", ""),
        (CLUSTER, "cluster-id", ""),
        (CLUSTER, "list-endpoints", ""),
        (LOG_DIRS, "--describe --topic-list a", ""),
        (QUORUM, "describe --replication", ""),
        (LEADER_ELECTION, "--election-type preferred --topic a --partition 0", ""),
        (LEADER_ELECTION, "--election-type unclean --topic a --partition 7", ""),
        (REASSIGN, "--list", ""),
        (REASSIGN, "--generate --broker-list 1 --topics-to-move-json-file @{\"topics\":[{\"topic\":\"a\"}],\"version\":1}", ""),
        (REASSIGN, "--execute --reassignment-json-file @{\"version\":1,\"partitions\":[{\"topic\":\"a\",\"partition\":0,\"replicas\":[1]}]}", ""),
        (REASSIGN, "--verify --reassignment-json-file @{\"version\":1,\"partitions\":[{\"topic\":\"a\",\"partition\":0,\"replicas\":[1]}]}", ""),
        (class::ACLS, "--list", ""),
        (TRANSACTIONS, "list", ""),
        (TRANSACTIONS, "describe-producers --topic a --partition 0", ""),
        (FEATURES, "upgrade --feature no.such.feature=1", ""),
        (FEATURES, "downgrade --feature metadata.version=1", ""),
    ])
    .await;
}

/// Their figures differ with every run, so that they end in order is what counts, and what they say of numbers
/// of records.
#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn loads_are_made_and_verified() {
    let pair = Pair::start().await;
    let tools = JavaTools::from_env().unwrap();
    for address in pair.addresses() {
        let run = async |class: &str, arguments: &str| {
            let arguments = arguments.replace("ADDRESS", &address);
            let arguments: Vec<&str> = arguments.split_whitespace().collect();
            let ended = tools.run(class, &arguments, b"").await.unwrap();
            ended.success().unwrap().stdout
        };
        let created = "--bootstrap-server ADDRESS --create --topic load --partitions 3";
        run(class::TOPICS, created).await;
        let sent = run(
            class::PRODUCER_PERFORMANCE,
            "--topic load --num-records 20000 --record-size 100 --throughput -1 \
             --producer-props bootstrap.servers=ADDRESS compression.type=zstd",
        )
        .await;
        assert!(sent.contains("20000 records sent"), "{address}: {sent}");
        let read = run(
            class::CONSUMER_PERFORMANCE,
            "--bootstrap-server ADDRESS --topic load --messages 20000 --timeout 20000",
        )
        .await;
        assert!(read.contains(", 20000, "), "{address}: {read}");
        let verified = run(
            VERIFIABLE_PRODUCER,
            "--bootstrap-server ADDRESS --topic load --max-messages 500 --acks -1",
        )
        .await;
        assert!(verified.contains("\"acked\":500"), "{address}: {verified}");
        let verified = run(
            class::VERIFIABLE_CONSUMER,
            "--bootstrap-server ADDRESS --topic load --group-id v --max-messages 20500 \
             --reset-policy earliest",
        )
        .await;
        let counts = verified
            .lines()
            .filter(|line| line.contains("records_consumed"));
        let count = |line: &str| {
            let (_, rest) = line.split_once("\"count\":")?;
            rest.split([',', '}']).next()?.parse::<u64>().ok()
        };
        assert_eq!(counts.filter_map(count).sum::<u64>(), 20_500, "{address}");
    }
    pair.broker.shutdown().await.unwrap();
}

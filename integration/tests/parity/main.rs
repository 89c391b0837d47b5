//! One suite of request sequences that the reference broker and Apache Kafka both answer: where their
//! answers differ, the test fails and shows both.
//!
//! A sequence is an `async fn` of a [`Session`]: it sends requests, and the session writes down what
//! comes back. Names that a broker makes up (ids, members, ports, times) are written as the first,
//! the second and so on; of messages for people only whether there is one. On a plain machine the
//! suite runs on the reference broker alone, so that no sequence ends a connection there.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

/// Lists the sequences of a file, each under its own name.
macro_rules! sequences {
    ($($name:ident),* $(,)?) => {
        pub(crate) const ALL: &[crate::session::Sequence] = &[$(crate::session::Sequence {
            name: concat!(module_path!(), "::", stringify!($name)),
            run: |session| Box::pin($name(session)),
        }),*];
    };
}

mod admin;
mod again;
mod cluster;
mod configs;
mod fetch;
mod groups;
mod normal;
mod offsets;
mod produce;
mod records;
mod session;
mod versions;

use integration::kafka::NativeKafka;
use kafka_broker::Broker;

use self::session::{Sequence, Session};

const FILES: &[&[Sequence]] = &[
    admin::ALL,
    cluster::ALL,
    configs::ALL,
    fetch::ALL,
    groups::ALL,
    offsets::ALL,
    produce::ALL,
    versions::ALL,
];

/// What both brokers are started with.
const PROPERTIES: &[(&str, &str)] = &[
    ("group.initial.rebalance.delay.ms", "0"),
    ("offsets.topic.num.partitions", "3"),
    ("transaction.state.log.num.partitions", "3"),
    ("share.coordinator.state.topic.num.partitions", "3"),
    ("group.consumer.assignment.interval.ms", "0"),
    ("group.min.session.timeout.ms", "500"),
    ("auto.create.topics.enable", "true"),
    ("log.retention.ms", "-1"),
];

async fn embedded() -> Broker {
    let mut builder = Broker::builder().kafka_defaults();
    for (name, value) in PROPERTIES {
        builder = builder.property(*name, *value);
    }
    builder.start().await.unwrap()
}

/// The sequences that are asked for: all, or those whose name contains `PARITY_ONLY`.
fn wanted() -> impl Iterator<Item = &'static Sequence> {
    let only = std::env::var("PARITY_ONLY").unwrap_or_default();
    let all = FILES.iter().flat_map(|file| file.iter());
    all.filter(move |sequence| sequence.name.contains(&only))
}

async fn transcript(bootstrap: &str, sequence: &Sequence) -> Vec<String> {
    let mut session = Session::new(bootstrap, sequence.name).await;
    (sequence.run)(&mut session).await;
    session.transcript()
}

#[tokio::test]
async fn every_sequence_is_answered_by_the_reference_broker() {
    let broker = embedded().await;
    for sequence in wanted() {
        let lines = transcript(&broker.bootstrap(), sequence).await;
        assert!(!lines.is_empty(), "{}", sequence.name);
    }
    broker.shutdown().await.unwrap();
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn every_sequence_is_answered_as_by_apache_kafka() {
    let kafka = NativeKafka::start_with(PROPERTIES).await.unwrap();
    let broker = embedded().await;
    let mut differences = Vec::new();
    for sequence in wanted() {
        let expected = transcript(&kafka.bootstrap(), sequence).await;
        let got = transcript(&broker.bootstrap(), sequence).await;
        if let Some(difference) = normal::difference(&expected, &got) {
            differences.push(format!("{}\n{difference}", sequence.name));
        }
    }
    broker.shutdown().await.unwrap();
    let (count, all) = (differences.len(), wanted().count());
    println!("{all} sequences of requests");
    assert!(
        differences.is_empty(),
        "{count} of {all} sequences differ (-: Apache Kafka, +: the reference broker)\n{}",
        differences.join("\n")
    );
}

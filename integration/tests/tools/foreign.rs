//! Clients of other languages: one program each, which prints what comes of what people do with it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::pair::Pair;
use crate::plain;

const PATIENCE: Duration = Duration::from_secs(120);

/// A file of this package.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn variable(name: &str) -> PathBuf {
    let found = std::env::var_os(name);
    found.unwrap_or_else(|| panic!("{name} is not set")).into()
}

/// Runs a program on both brokers: it ends well, and prints the same, line by line.
async fn alike(program: impl Fn(&str) -> Command) {
    let pair = Pair::start().await;
    let [kafka, own] = pair.addresses();
    let (expected, got) = tokio::join!(printed(program(&kafka)), printed(program(&own)));
    pair.broker.shutdown().await.unwrap();
    assert!(expected.contains("delete"), "{expected}");
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    pretty(&lines(&expected), &lines(&got));
}

fn pretty(expected: &[String], got: &[String]) {
    let longest = expected.len().max(got.len());
    let line = |lines: &[String], at: usize| lines.get(at).cloned().unwrap_or_default();
    let differences: Vec<String> = (0..longest)
        .filter(|at| line(expected, *at) != line(got, *at))
        .map(|at| format!("- {}\n+ {}", line(expected, at), line(got, at)))
        .collect();
    assert!(
        differences.is_empty(),
        "-: Apache Kafka, +: the reference broker\n{}",
        differences.join("\n")
    );
}

async fn printed(mut program: Command) -> String {
    let program = program.stdin(Stdio::null()).kill_on_drop(true);
    let ended = timeout(PATIENCE, program.output()).await;
    let ended = ended.expect("an end").unwrap();
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{text}\n{errors}");
    text
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS and KAFKA_TEST_PYTHON; .ci/run provides both"]
async fn confluent_kafka() {
    let python = variable("KAFKA_TEST_PYTHON");
    alike(|address| {
        let mut command = Command::new(&python);
        command.arg(file("python/session.py")).arg(address);
        command
    })
    .await;
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS, node and KAFKA_TEST_NODE_MODULES; .ci/run provides them"]
async fn kafkajs() {
    let modules = variable("KAFKA_TEST_NODE_MODULES");
    alike(|address| {
        let mut command = Command::new("node");
        command
            .env("NODE_PATH", &modules)
            .env("KAFKAJS_NO_PARTITIONER_WARNING", "1")
            .arg(file("javascript/session.js"))
            .arg(address);
        command
    })
    .await;
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS and KAFKA_TEST_SARAMA; .ci/run provides both"]
async fn sarama() {
    let program = variable("KAFKA_TEST_SARAMA");
    alike(|address| {
        let mut command = Command::new(&program);
        command.arg(address);
        command
    })
    .await;
}

async fn kcat(address: &str, arguments: &str, input: &str) -> Vec<String> {
    let mut child = Command::new("kcat")
        .args(["-b", address])
        .args(arguments.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let ended = timeout(PATIENCE, child.wait_with_output()).await;
    let ended = ended.expect("an end").unwrap();
    let mut lines = vec![format!("status {:?}", ended.status.code())];
    lines.extend(plain::lines(
        &String::from_utf8_lossy(&ended.stdout),
        address,
    ));
    lines
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS and kcat; .ci/run provides both"]
async fn kcat_makes_reads_and_lists() {
    let pair = Pair::start().await;
    let [kafka, own] = pair.addresses();
    for (arguments, input) in [
        ("-P -t a -K: -z snappy", "k:one\nl:two\n"),
        ("-P -t a -z zstd -H h=v", "three\n"),
        ("-L", ""),
        ("-L -J", ""),
        ("-L -t a", ""),
        ("-C -t a -e -q -f %k:%s:%h:%p:%o\\n", ""),
        ("-C -t a -o -1 -e -q", ""),
        ("-C -t a -o 1 -c 1 -q", ""),
        ("-C -t a -p 7 -e -q", ""),
        ("-Q -t a:0:-1 -t a:0:-2", ""),
        ("-G g -e -q a", ""),
    ] {
        let (expected, got) =
            tokio::join!(kcat(&kafka, arguments, input), kcat(&own, arguments, input));
        assert_eq!(expected, got, "kcat {arguments}");
    }
    pair.broker.shutdown().await.unwrap();
}

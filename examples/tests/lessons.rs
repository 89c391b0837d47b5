//! The short examples, run as their users run them.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use kafka_broker::Broker;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_produced_is_consumed_until_ctrl_c() {
    let broker = Broker::builder().num_partitions(3).start().await.unwrap();
    let bootstrap = broker.bootstrap();

    let produced = Command::new(env!("CARGO_BIN_EXE_produce"))
        .args([&bootstrap, "greetings"])
        .output()
        .unwrap();
    assert!(produced.status.success(), "{produced:?}");
    let lines = String::from_utf8(produced.stdout).unwrap();
    assert_eq!(lines.lines().count(), 3, "{lines}");
    assert!(lines.contains("hello, Ada"), "{lines}");

    for (program, group) in [
        (env!("CARGO_BIN_EXE_consume"), "readers"),
        (env!("CARGO_BIN_EXE_workers"), "workers"),
    ] {
        consumes(program, &bootstrap, group);
    }
}

/// Runs a program that reads all there is, until it is interrupted.
fn consumes(program: &str, bootstrap: &str, group: &str) {
    let mut consumer = Command::new(program)
        .args([bootstrap, "greetings", group])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(consumer.stdout.take().unwrap());
    let mut lines: Vec<String> = Vec::new();
    while lines.len() < 4 {
        let mut line = String::new();
        assert_ne!(
            stdout.read_line(&mut line).unwrap(),
            0,
            "it ended by itself: {lines:?}"
        );
        lines.push(line);
    }
    assert_eq!(lines.remove(0), "waiting for records, Ctrl-C ends\n");
    for name in ["Ada", "Grace", "Barbara"] {
        let greeting = format!(": hello, {name}\n");
        let found = lines.iter().find(|line| line.ends_with(&greeting));
        assert!(
            found.is_some_and(|line| line.starts_with("greetings-")),
            "{lines:?}"
        );
    }

    let interrupt = format!("kill -INT {}", consumer.id());
    assert!(
        Command::new("sh")
            .args(["-c", &interrupt])
            .status()
            .unwrap()
            .success()
    );
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert!(consumer.wait().unwrap().success());
}

//! The quickstart, run as its users run it.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use integration::kafka::KafkaContainer;

const BUNDLED: &str = include_str!("../data/earthquakes.ndjson");

const ALL: &str = "All 1,707 arrived once, in order for each network, and are committed.";

#[test]
fn all_arrive_once_and_two_members_share_them() {
    let ended = quickstart(&[]);
    assert_shared(&ended);
    assert!(
        ended.stdout.contains("topic earthquakes has 6 partitions"),
        "{ended}"
    );
}

#[test]
fn twenty_weeks_with_the_same_events_arrive_once_for_each_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("weeks.ndjson");
    fs::write(&file, BUNDLED.repeat(20)).unwrap();
    let ended = quickstart(&["--input", path(&file)]);
    assert_eq!(ended.status, Some(0), "{ended}");
    assert!(ended.stdout.contains("All 34,140 arrived once"), "{ended}");
}

#[test]
fn bad_lines_are_reported_and_the_rest_arrives() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mixed.ndjson");
    let good: Vec<_> = BUNDLED.lines().take(5).collect();
    let lines = [
        good[0],
        "not json",
        good[1],
        "",
        "{\"id\":\"x\"}",
        good[2],
        good[3],
        good[4],
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let ended = quickstart(&["--input", path(&file)]);
    assert_eq!(ended.status, Some(0), "{ended}");
    assert!(ended.stdout.contains("All 5 arrived once"), "{ended}");
    let reported: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(reported.len(), 2, "{ended}");
    assert!(reported[0].contains("mixed.ndjson: line 2: "), "{ended}");
    assert!(
        reported[1].contains("mixed.ndjson: line 5: missing field `network`"),
        "{ended}"
    );
}

#[test]
fn one_earthquake_is_enough() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("one.ndjson");
    fs::write(&file, BUNDLED.lines().next().unwrap()).unwrap();
    let ended = quickstart(&["--input", path(&file)]);
    assert_eq!(ended.status, Some(0), "{ended}");
    assert!(ended.stdout.contains("All 1 arrived once"), "{ended}");
}

#[test]
fn a_file_without_an_earthquake_is_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    for (name, text, reports) in [("empty", "", 1), ("bad", "one\ntwo\n", 3)] {
        let file = directory.path().join(name);
        fs::write(&file, text).unwrap();
        let ended = quickstart(&["--input", path(&file)]);
        assert_eq!(ended.status, Some(1), "{ended}");
        assert_eq!(ended.stderr.lines().count(), reports, "{ended}");
        assert!(
            ended.stderr.contains("there is no earthquake in "),
            "{ended}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_a_failure_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.ndjson");
    for file in [&missing, directory.path()] {
        let ended = quickstart(&["--input", path(file)]);
        assert_eq!(ended.status, Some(1), "{ended}");
        assert!(ended.stderr.contains(path(file)), "{ended}");
        assert!(!ended.stdout.contains("arrived"), "{ended}");
    }
}

#[test]
fn a_cluster_that_is_not_named_properly_is_a_failure() {
    let ended = quickstart(&["--bootstrap", "nowhere"]);
    assert_eq!(ended.status, Some(1), "{ended}");
    assert!(ended.stderr.contains("\"nowhere\" has no port"), "{ended}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it_in_order_and_claims_nothing() {
    use std::io::{BufRead as _, BufReader, Read as _};

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("weeks.ndjson");
    fs::write(&file, BUNDLED.repeat(50)).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_quickstart"))
        .args(["--input", path(&file)])
        // The broker's own directory must be gone at the end.
        .env("TMPDIR", directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("topic earthquakes") {
        line.clear();
        assert_ne!(
            stdout.read_line(&mut line).unwrap(),
            0,
            "it ended by itself"
        );
    }
    let interrupt = format!("kill -INT {}", child.id());
    assert!(
        Command::new("sh")
            .args(["-c", &interrupt])
            .status()
            .unwrap()
            .success()
    );

    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{rest}");
    assert_eq!(
        String::from_utf8_lossy(&ended.stderr),
        "quickstart: interrupted\n"
    );
    assert!(!rest.contains("arrived"), "{rest}");
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "only the input: {left:?}");
}

#[tokio::test]
#[ignore = "needs a container engine; .ci/run provides it"]
async fn the_same_happens_on_apache_kafka_again_and_again() {
    let kafka = KafkaContainer::shared().await.unwrap();
    let bootstrap = kafka.bootstrap();
    for _ in 0..2 {
        assert_shared(&quickstart(&["--bootstrap", &bootstrap]));
    }
    let named = ["--bootstrap", &bootstrap, "--topic", "quakes"];
    assert_shared(&quickstart(&named));
    let again = quickstart(&named);
    assert_eq!(again.status, Some(1), "{again}");
    assert!(again.stderr.contains("TOPIC_ALREADY_EXISTS"), "{again}");
}

/// All of the bundled data arrived, and the second member took its share from the first one.
fn assert_shared(ended: &Ended) {
    assert_eq!(ended.status, Some(0), "{ended}");
    assert_eq!(ended.stderr, "", "{ended}");
    assert_eq!(ended.stdout.lines().last(), Some(ALL), "{ended}");
    let position = |text: &str| {
        ended
            .stdout
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {ended}"))
    };
    let story = [
        "1,707 earthquakes of 12 networks",
        "the first member gets partitions 0, 1, 2, 3, 4, 5",
        "published 426 while the second member joins",
        "the first member gives up partitions",
        "the second member gets partitions",
        "published 427 while both read",
        "read by",
        "strongest",
    ];
    assert!(story.map(position).is_sorted(), "{ended}");
    let total = ended
        .stdout
        .lines()
        .find(|line| line.starts_with("│ all"))
        .unwrap();
    assert!(
        total.contains("1,707") && total.contains("first ") && total.contains("second "),
        "{ended}"
    );
    assert!(
        ended.stdout.contains("6.4 mww"),
        "the strongest of the week: {ended}"
    );
}

struct Ended {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            status,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "status {status:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}

fn quickstart(arguments: &[&str]) -> Ended {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_quickstart"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ended {
        status: status.code(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

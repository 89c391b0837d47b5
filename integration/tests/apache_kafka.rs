//! The harness itself: Apache Kafka starts, answers, comes back after a kill, and goes away.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use integration::kafka::{JavaTools, KafkaContainer, NativeKafka, class};

#[tokio::test]
#[ignore = "needs a container engine; .ci/run provides it"]
async fn the_container_speaks_kafka() {
    let kafka = KafkaContainer::shared().await.unwrap();
    let ranges = api_versions(&kafka.bootstrap());
    let find_coordinator = ranges.iter().find(|(key, ..)| *key == 10);
    let (_, lowest, highest) = find_coordinator.expect("FindCoordinator is advertised");
    assert!(*lowest == 0 && *highest >= 6, "{lowest} to {highest}");
}

#[tokio::test]
#[ignore = "needs a container engine and KAFKA_JARS; .ci/run provides both"]
async fn javas_tools_exchange_records_over_the_container() {
    let kafka = KafkaContainer::shared().await.unwrap();
    let tools = JavaTools::from_env().unwrap();
    let bootstrap = kafka.bootstrap();

    let topic = "harness-tools";
    let create = [
        "--bootstrap-server",
        &bootstrap,
        "--create",
        "--topic",
        topic,
    ];
    tools
        .run(class::TOPICS, &create, b"")
        .await
        .unwrap()
        .success()
        .unwrap();

    let mut consumer = tools
        .spawn(
            class::CONSOLE_CONSUMER,
            &[
                "--bootstrap-server",
                &bootstrap,
                "--topic",
                topic,
                "--from-beginning",
            ],
        )
        .unwrap();
    let produce = ["--bootstrap-server", &bootstrap, "--topic", topic];
    let sent = tools
        .run(class::CONSOLE_PRODUCER, &produce, b"one\ntwo\n")
        .await
        .unwrap();
    sent.success().unwrap();
    let seen = consumer
        .wait_for("two records", Duration::from_secs(30), |lines| {
            lines.len() >= 2
        })
        .await
        .unwrap();
    assert_eq!(seen, ["one", "two"]);
    let ended = consumer.terminate(Duration::from_secs(20)).await.unwrap();
    assert!(
        ended.stderr.contains("Processed a total of 2 messages"),
        "{ended}"
    );
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn a_killed_node_comes_back_with_its_data() {
    let mut kafka = NativeKafka::start().await.unwrap();
    let tools = JavaTools::from_env().unwrap();
    let bootstrap = kafka.bootstrap();
    let create = [
        "--bootstrap-server",
        &bootstrap,
        "--create",
        "--topic",
        "kept",
    ];
    tools
        .run(class::TOPICS, &create, b"")
        .await
        .unwrap()
        .success()
        .unwrap();

    kafka.kill().await.unwrap();
    assert!(
        TcpStream::connect(&bootstrap).is_err(),
        "nothing listens after the kill"
    );

    kafka.restart().await.unwrap();
    let list = ["--bootstrap-server", &bootstrap, "--list"];
    let listed = tools
        .run(class::TOPICS, &list, b"")
        .await
        .unwrap()
        .success()
        .unwrap();
    assert_eq!(listed.stdout.lines().collect::<Vec<_>>(), ["kept"]);
    assert!(kafka.data_dir().join("kept-0").is_dir());
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn a_tool_that_fails_or_hangs_is_an_error_with_its_words() {
    let tools = JavaTools::from_env().unwrap();
    let failed = tools
        .run(class::TOPICS, &["--list"], b"")
        .await
        .unwrap()
        .success()
        .unwrap_err();
    let failed = failed.to_string();
    assert!(
        failed.contains("TopicCommand failed: exit status: 1"),
        "{failed}"
    );
    assert!(failed.contains("bootstrap-server"), "{failed}");

    let hurried = tools.with_time_limit(Duration::from_millis(10));
    let late = hurried
        .run(class::TOPICS, &["--version"], b"")
        .await
        .unwrap_err()
        .to_string();
    assert!(late.contains("TopicCommand: no end within 10ms"), "{late}");
}

/// The container that a whole binary shares is in a static, which is never dropped; and a killed
/// process drops nothing at all. So this kills one.
#[test]
#[ignore = "needs a container engine; .ci/run provides it"]
fn a_container_goes_away_with_its_process() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "holder_of_a_container",
            "--ignored",
            "--nocapture",
        ])
        .env(HOLDER, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let id = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .find_map(|line| Some(line.unwrap().split_once("container ")?.1.to_owned()))
        .expect("the child says which container it holds");
    assert!(exists(&id), "the container runs while its process does");

    child.kill().unwrap();
    child.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while exists(&id) {
        assert!(
            Instant::now() < deadline,
            "container {id} outlives its process"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

const HOLDER: &str = "KAFKA_TEST_HOLD_CONTAINER";

/// The process that [`a_container_goes_away_with_its_process`] kills; on its own it does nothing.
#[tokio::test]
#[ignore = "part of a_container_goes_away_with_its_process"]
async fn holder_of_a_container() {
    if std::env::var_os(HOLDER).is_some() {
        let kafka = KafkaContainer::shared().await.unwrap();
        println!("container {}", kafka.id());
        std::future::pending().await
    }
}

fn exists(container: &str) -> bool {
    let listed = Command::new("docker")
        .args([
            "ps",
            "--all",
            "--quiet",
            "--no-trunc",
            "--filter",
            &format!("id={container}"),
        ])
        .output()
        .unwrap();
    assert!(
        listed.status.success(),
        "{}",
        String::from_utf8_lossy(&listed.stderr)
    );
    !listed.stdout.is_empty()
}

/// One ApiVersions request, version 0, spelled out in bytes: key, lowest and highest version.
fn api_versions(bootstrap: &str) -> Vec<(i16, i16, i16)> {
    let mut socket = TcpStream::connect(bootstrap).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    // Length, API key 18, version 0, correlation id, no client id.
    socket
        .write_all(b"\0\0\0\x0a\0\x12\0\0\0\0\x12\x34\xff\xff")
        .unwrap();

    let mut length = [0; 4];
    socket.read_exact(&mut length).unwrap();
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    socket.read_exact(&mut body).unwrap();
    assert_eq!(body[..4], [0, 0, 0x12, 0x34], "correlation id");
    assert_eq!(body[4..6], [0, 0], "error code");
    let count = u32::from_be_bytes(body[6..10].try_into().unwrap()) as usize;
    let entries = &body[10..];
    assert_eq!(entries.len(), count * 6, "six bytes for each API");
    let short = |bytes: &[u8]| i16::from_be_bytes([bytes[0], bytes[1]]);
    entries
        .chunks(6)
        .map(|api| (short(api), short(&api[2..]), short(&api[4..])))
        .collect()
}

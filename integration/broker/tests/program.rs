//! The program: ready line, signals, and what a kill leaves behind.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "in a test, a failed unwrap is the message"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use kafka_client_protocol::Request;
use kafka_client_protocol::api::fetch::{FetchPartition, FetchRequest, FetchTopic};
use kafka_client_protocol::api::metadata::{MetadataRequest, MetadataRequestTopic};
use kafka_client_protocol::api::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use kafka_client_protocol::frame::{decode_response, encode_request};
use kafka_client_protocol::records::{BatchBuilder, Batches, Seal};

struct Program {
    child: Child,
    address: String,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kafka-broker"));
        Self::spawn(command.args(arguments))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .strip_prefix("kafka-broker ready on ")
            .unwrap_or_else(|| {
                let mut errors = String::new();
                child
                    .stderr
                    .take()
                    .unwrap()
                    .read_to_string(&mut errors)
                    .unwrap();
                panic!("no ready line but {line:?}; {errors}")
            });
        Self {
            address: address.trim().to_owned(),
            child,
        }
    }

    fn on(dir: &Path) -> Self {
        Self::start(&[
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
            dir.to_str().unwrap(),
        ])
    }

    fn signal(&mut self, name: &str) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &id])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap()
    }

    fn call<R: Request>(&self, request: &R, version: i16) -> R::Response {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        call(&mut stream, request, version).unwrap()
    }

    fn values(&self) -> Vec<String> {
        let request = FetchRequest {
            topics: vec![FetchTopic {
                topic: "t".into(),
                partitions: vec![FetchPartition {
                    partition_max_bytes: 10 << 20,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        let mut answer = self.call(&request, 12);
        let data = answer.responses.remove(0).partitions.remove(0);
        assert_eq!(data.error_code, 0);
        let mut values = Vec::new();
        for batch in Batches::new(data.records.unwrap()) {
            let mut records = batch.unwrap().records(1 << 20).unwrap();
            while let Some(record) = records.next_record() {
                let value = record.unwrap().value.unwrap().to_vec();
                values.push(String::from_utf8(value).unwrap());
            }
        }
        values
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn call<R: Request>(
    stream: &mut TcpStream,
    request: &R,
    version: i16,
) -> std::io::Result<R::Response> {
    let frame = encode_request(request, version, 1, None).unwrap();
    stream.write_all(&frame.to_bytes())?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut body = BytesMut::zeroed(u32::from_be_bytes(length) as usize);
    stream.read_exact(&mut body)?;
    Ok(decode_response::<R>(&body.freeze(), version).unwrap())
}

fn metadata() -> MetadataRequest {
    MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some("t".into()),
            ..Default::default()
        }]),
        ..Default::default()
    }
}

fn produce(value: &str) -> ProduceRequest {
    let mut batch = BatchBuilder::new(BytesMut::new());
    batch.append(0, None, Some(value.as_bytes()), &[]).unwrap();
    let records: Bytes = batch.seal(&Seal::default()).unwrap().bytes;
    ProduceRequest {
        acks: -1,
        topic_data: vec![TopicProduceData {
            name: "t".into(),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(records),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[test]
fn sigterm_and_ctrl_c_stop_in_order() {
    for signal in ["-TERM", "-INT"] {
        let dir = tempfile::tempdir().unwrap();
        let mut program = Program::on(dir.path());
        assert_eq!(program.call(&metadata(), 12).topics[0].error_code, 0);
        program.call(&produce("a"), 9);
        assert!(!dir.path().join(".kafka_cleanshutdown").exists());
        assert!(program.signal(signal).success(), "{signal}");
        assert!(dir.path().join(".kafka_cleanshutdown").exists());
        assert_eq!(Program::on(dir.path()).values(), ["a"]);
    }
}

/// What the process has of memory that is no file's.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn own_kib(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.child.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    line.unwrap().trim_end_matches("kB").trim().parse().unwrap()
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn the_memory_of_large_requests_goes_back_to_the_system() {
    const LARGE_BYTES: usize = 12 << 20;
    let dir = tempfile::tempdir().unwrap();
    let mut program = Program::start(&[
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        dir.path().to_str().unwrap(),
        "--set",
        "message.max.bytes=20000000",
    ]);
    assert_eq!(program.call(&metadata(), 12).topics[0].error_code, 0);
    let large = produce(&"x".repeat(LARGE_BYTES));
    // From the second on, the allocator knows what is coming.
    for _ in 0..5 {
        let answer = program.call(&large, 9);
        assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
    }
    // What a connection holds goes when the broker has seen that it is closed.
    let began = Instant::now();
    while own_kib(&program) >= LARGE_BYTES as u64 / 1024 {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{} KiB",
            own_kib(&program)
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    program.signal("-TERM");
}

#[test]
fn a_kill_in_the_middle_of_produce_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = Program::on(dir.path());
    program.call(&metadata(), 12);
    let address = program.address.clone();
    let (acked, acks) = std::sync::mpsc::channel();
    let producer = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        for n in 0.. {
            let value = format!("value {n}");
            match call(&mut stream, &produce(&value), 9) {
                Ok(answer) => {
                    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
                    if acked.send(value).is_err() {
                        break;
                    }
                }
                Err(_) => break,
            }
        }
    });
    let mut expected: Vec<String> = acks.iter().take(200).collect();
    program.signal("-KILL");
    expected.extend(acks.iter());
    producer.join().unwrap();
    let found = Program::on(dir.path()).values();
    // One more may have been stored whose answer was cut off.
    assert!(found.len() <= expected.len() + 1);
    assert_eq!(found[..expected.len()], expected[..]);
}

#[test]
fn a_server_properties_file_is_applied() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("server.properties");
    let data = dir.path().join("data");
    let text = format!(
        "listeners=PLAINTEXT://127.0.0.1:0\nlog.dirs={}\nnum.partitions=5\nprocess.roles=broker\n",
        data.display()
    );
    std::fs::write(&config, text).unwrap();
    let mut program = Program::start(&["--config", config.to_str().unwrap()]);
    assert_eq!(program.call(&metadata(), 12).topics[0].partitions.len(), 5);
    assert!(data.join("t-4/partition.metadata").exists());
    assert!(program.signal("-TERM").success());
    let mut errors = String::new();
    program
        .child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    assert!(errors.contains("process.roles has no effect"), "{errors}");
}

#[test]
fn a_start_that_fails_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let running = Program::on(dir.path());
    for (arguments, expected) in [
        (&["--listen", &address][..], address.as_str()),
        (&["--set", "num.partitions=0"], "num.partitions"),
        (&["--set", "no.such=1"], "no.such"),
        (&["--config", "/no/such/file"], "/no/such/file"),
        (
            &["--listen", "127.0.0.1:0", "--data-dir", data],
            "another broker uses it",
        ),
        (
            &["--listen", "127.0.0.1:0", "--data-dir", "/proc/nope"],
            "/proc/nope",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_kafka-broker"))
            .args(arguments)
            .output()
            .unwrap();
        assert!(!output.status.success());
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains(expected), "{expected} in {errors}");
        assert!(output.stdout.is_empty());
    }
    drop(running);
}

/// The system lets no file become larger than 200 blocks of 512 bytes, as a full disk would.
#[test]
fn a_write_that_fails_ends_the_program_and_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut limited = Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\"";
    limited.args(["-c", script, env!("CARGO_BIN_EXE_kafka-broker")]);
    limited.args(["--listen", "127.0.0.1:0", "--data-dir"]);
    let mut program = Program::spawn(limited.arg(dir.path()));
    program.call(&metadata(), 12);
    let mut stream = TcpStream::connect(&program.address).unwrap();
    let mut expected = Vec::new();
    loop {
        let value = format!("{}-{}", expected.len(), "v".repeat(1000));
        let Ok(answer) = call(&mut stream, &produce(&value), 9) else {
            break;
        };
        match answer.responses[0].partition_responses[0].error_code {
            0 => expected.push(value),
            code => assert_eq!(code, 56, "KAFKA_STORAGE_ERROR"),
        }
        assert!(expected.len() < 200);
    }
    assert!(!program.child.wait().unwrap().success());
    let mut errors = String::new();
    let mut stderr = program.child.stderr.take().unwrap();
    stderr.read_to_string(&mut errors).unwrap();
    assert!(errors.contains("the data directory has failed"), "{errors}");
    assert!(errors.contains("t-0/00000000000000000000.log"), "{errors}");
    assert_eq!(Program::on(dir.path()).values(), expected);
}

#[test]
fn the_endpoint_for_faults_is_there_where_it_was_asked_for() {
    let arguments = ["--listen", "127.0.0.1:0", "--faults", "127.0.0.1:0"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_kafka-broker"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.next().unwrap().unwrap();
    let address = ready.strip_prefix("kafka-broker ready on ").unwrap();
    let program = Program {
        child,
        address: address.to_owned(),
    };
    let faults = lines.next().unwrap().unwrap();
    let faults = faults.strip_prefix("faults on http://").unwrap();
    program.call(&MetadataRequest::default(), 12);
    let mut stream = TcpStream::connect(faults).unwrap();
    stream.write_all(b"GET /journal HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("\"api\":\"Metadata\""), "{answer}");
}

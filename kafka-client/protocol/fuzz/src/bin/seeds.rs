//! Writes the seeds of all targets to `corpus/`: the golden files, which Apache Kafka's classes
//! wrote, and the frames of a captured session between Apache Kafka's tools and its broker.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use kafka_client_protocol::api::fetch::FetchResponse;
use kafka_client_protocol::api::join_group::JoinGroupRequest;
use kafka_client_protocol::api::produce::ProduceRequest;
use kafka_client_protocol::api::sync_group::SyncGroupResponse;
use kafka_client_protocol::consumer_protocol::{
    self as blobs, Assignment, Subscription, TopicPartitions,
};
use kafka_client_protocol::frame::RequestHeader;
use kafka_client_protocol::records::Batches;
use kafka_client_protocol::{ApiKey, Message};
use kafka_client_protocol_fuzz::apis::{self, Api};
use kafka_client_protocol_fuzz::{
    compression, consumer_protocol, frames, internal_topics, legacy_message_sets, messages,
    record_batches,
};
// A program with coverage counters needs the functions that they report to.
use libfuzzer_sys as _;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = Seeds {
        corpus: folder.join("corpus"),
        count: 0,
    };
    let golden = folder.join("../tests/golden");
    for file in fs::read_dir(&golden).expect("the golden files") {
        seeds.golden(&file.expect("a golden file").path());
    }
    for line in lines(&folder.join("seeds/session.txt")) {
        let words: Vec<&str> = line.split(' ').collect();
        let [kind, key, version, frame] = words[..] else {
            panic!("four words a line: {line}");
        };
        let key = key.parse().expect("an API key");
        if let Some(api) = apis::find(key) {
            seeds.frame(api, kind, number(version), &unhex(frame));
        }
    }
    seeds.large_blobs();
    println!("{} seeds in {}", seeds.count, seeds.corpus.display());
}

struct Seeds {
    corpus: PathBuf,
    count: usize,
}

impl Seeds {
    fn golden(&mut self, file: &Path) {
        let name = file
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a file's name");
        let api = apis::all().iter().find(|api| api.module == name);
        let mut records = Vec::new();
        for line in lines(file) {
            let words: Vec<&str> = line.split(' ').collect();
            match (name, api) {
                (_, Some(api)) => {
                    self.message(api, words[0], number(words[1]), &unhex(words[3]));
                }
                ("records", _) => {
                    let bytes = unhex(words[2]);
                    if words[1].starts_with("v0_") || words[1].starts_with("v1_") {
                        self.message_set(words[0] == "none", &bytes);
                    }
                    self.batches(bytes.into());
                }
                ("consumer_offsets" | "transaction_state", _) => {
                    records.push((words[0].to_owned(), unhex(words[3])));
                }
                ("consumer_protocol", _) => self.blob(words[0], &unhex(words[3])),
                // Headers come with every message.
                ("headers" | "header_versions" | "error_codes", _) => {}
                _ => panic!("no target takes the cases of {}", file.display()),
            }
        }
        self.internal(name == "consumer_offsets", &records);
    }

    /// A body, alone and in a frame.
    fn message(&mut self, api: &Api, kind: &str, version: i16, body: &[u8]) {
        let key = api.key.value();
        let response = kind == "Response";
        self.put("messages", messages::input(key, response, version, body));
        let mut frame = Vec::new();
        if response {
            frame.extend_from_slice(&CORRELATION_ID);
            if api.key.flexible_response_header(version) {
                frame.push(0);
            }
            frame.extend_from_slice(body);
            self.put("frames", frames::response_input(key, version, &frame));
        } else {
            frame.extend_from_slice(&key.to_be_bytes());
            frame.extend_from_slice(&version.to_be_bytes());
            frame.extend_from_slice(&CORRELATION_ID);
            frame.extend_from_slice(b"\0\x04seed");
            if api.key.flexible_request_header(version) {
                frame.push(0);
            }
            frame.extend_from_slice(body);
            self.put("frames", frames::request_input(&frame));
        }
    }

    /// A captured frame, its body, and what Kafka packs into the body.
    fn frame(&mut self, api: &Api, kind: &str, version: i16, frame: &[u8]) {
        let key = api.key.value();
        let bytes = Bytes::copy_from_slice(frame);
        let response = kind == "Response";
        let body = if response {
            self.put("frames", frames::response_input(key, version, frame));
            (api.response_body)(&bytes, version).expect("a captured header")
        } else {
            self.put("frames", frames::request_input(frame));
            RequestHeader::decode(&bytes).expect("a captured header").1
        };
        self.put("messages", messages::input(key, response, version, &body));
        match (api.key, response) {
            (ApiKey::PRODUCE, false) => {
                let request = ProduceRequest::decode(body, version).expect("a captured request");
                let partitions = request
                    .topic_data
                    .into_iter()
                    .flat_map(|topic| topic.partition_data);
                partitions
                    .filter_map(|partition| partition.records)
                    .for_each(|it| self.batches(it));
            }
            (ApiKey::FETCH, true) => {
                let response = FetchResponse::decode(body, version).expect("a captured response");
                let partitions = response
                    .responses
                    .into_iter()
                    .flat_map(|topic| topic.partitions);
                partitions
                    .filter_map(|partition| partition.records)
                    .for_each(|it| self.batches(it));
            }
            (ApiKey::JOIN_GROUP, false) => {
                let request = JoinGroupRequest::decode(body, version).expect("a captured request");
                for protocol in request.protocols {
                    self.blob("Subscription", &protocol.metadata);
                }
            }
            (ApiKey::SYNC_GROUP, true) => {
                let response =
                    SyncGroupResponse::decode(body, version).expect("a captured response");
                self.blob("Assignment", &response.assignment);
            }
            _ => {}
        }
    }

    fn blob(&mut self, kind: &str, blob: &[u8]) {
        let input = match kind {
            "Subscription" => consumer_protocol::subscription_input(blob),
            _ => consumer_protocol::assignment_input(blob),
        };
        self.put("consumer_protocol", input);
    }

    /// Golden blobs are small; a lie about a length costs memory only where many bytes follow it.
    fn large_blobs(&mut self) {
        let partitions = |topic: u32| TopicPartitions {
            topic: format!("{topic}").as_str().into(),
            partitions: vec![0, 1],
        };
        let topics: Vec<TopicPartitions> = (0..250).map(partitions).collect();
        let assignment = Assignment {
            assigned_partitions: topics.clone(),
            user_data: None,
        };
        let subscription = Subscription {
            owned_partitions: topics,
            ..Subscription::default()
        };
        let encoded = blobs::encode(&assignment, 3).expect("a valid assignment");
        self.blob("Assignment", &encoded);
        let encoded = blobs::encode(&subscription, 3).expect("a valid subscription");
        self.blob("Subscription", &encoded);
    }

    fn batches(&mut self, bytes: Bytes) {
        for input in record_batches::inputs(&bytes) {
            self.put("record_batches", input);
        }
        for batch in Batches::new(bytes).flatten() {
            if let Some(input) = compression::input(&batch) {
                self.put("compression", input);
            }
        }
    }

    /// A set of messages; without a codec also for the target to compress.
    fn message_set(&mut self, plain: bool, bytes: &[u8]) {
        for input in legacy_message_sets::inputs(bytes, plain) {
            self.put("legacy_message_sets", input);
        }
    }

    /// Keys and values of an internal topic, each with the name of its struct: every value with every
    /// key of its type.
    fn internal(&mut self, consumer_offsets: bool, records: &[(String, Vec<u8>)]) {
        for (name, key) in records {
            let Some(name) = name.strip_suffix("Key") else {
                continue;
            };
            self.put(
                "internal_topics",
                internal_topics::input(consumer_offsets, key, None),
            );
            for (of, value) in records {
                if of.strip_suffix("Value") == Some(name) {
                    let input = internal_topics::input(consumer_offsets, key, Some(value));
                    self.put("internal_topics", input);
                }
            }
        }
    }

    fn put(&mut self, target: &str, input: Vec<u8>) {
        let folder = self.corpus.join(target);
        fs::create_dir_all(&folder).expect("a folder for seeds");
        let file = folder.join(format!("seed-{:05}", self.count));
        fs::write(&file, input).expect("a seed is written");
        self.count += 1;
    }
}

const CORRELATION_ID: [u8; 4] = [0, 0, 0, 7];

/// The lines of a file that are not comments.
fn lines(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// `v7`.
fn number(version: &str) -> i16 {
    let number = version
        .strip_prefix('v')
        .and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("{version} is not a version"))
}

fn unhex(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits");
    (0..hex.len()).step_by(2).map(byte).collect()
}

//! A connection that writes down what is answered.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use kafka_client_protocol::Request;
use kafka_client_protocol::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafka_client_protocol::frame::{self, decode_response, encode_request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::normal::Normal;

/// More than any request waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Requests to send, one after the other.
pub(crate) struct Sequence {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&mut Session) -> Pin<Box<dyn Future<Output = ()> + '_>>,
}

pub(crate) struct Session {
    bootstrap: String,
    stream: TcpStream,
    correlation_id: i32,
    /// Prefix of all names, so that sequences keep out of each other's way.
    prefix: String,
    normal: Normal,
    lines: Vec<String>,
}

impl Session {
    pub(crate) async fn new(bootstrap: &str, name: &str) -> Self {
        Self {
            bootstrap: bootstrap.to_owned(),
            stream: TcpStream::connect(bootstrap).await.unwrap(),
            correlation_id: 0,
            prefix: name.replace("::", "-"),
            normal: Normal::default(),
            lines: Vec::new(),
        }
    }

    /// Another connection of the same sequence, for requests that wait for each other. What is answered
    /// there is not written down by itself.
    pub(crate) async fn another(&self) -> Self {
        Self {
            bootstrap: self.bootstrap.clone(),
            stream: TcpStream::connect(&self.bootstrap).await.unwrap(),
            correlation_id: 0,
            prefix: self.prefix.clone(),
            normal: Normal::default(),
            lines: Vec::new(),
        }
    }

    /// A name that only this sequence uses.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// Sends a request, and writes down and gives back the answer.
    pub(crate) async fn call<R: Request + std::fmt::Debug>(
        &mut self,
        request: &R,
        version: i16,
    ) -> R::Response
    where
        R::Response: std::fmt::Debug,
    {
        let answer = self.ask(request, version).await;
        let Some(answer) = answer else {
            self.lines.push(format!("{} v{version}: closed", R::NAME));
            return R::Response::default();
        };
        self.lines.push(format!("{} v{version}:", R::NAME));
        self.write(&answer);
        answer
    }

    /// Writes down an answer, or what a sequence has made of one.
    pub(crate) fn write(&mut self, answer: &impl std::fmt::Debug) {
        let text = format!("{answer:#?}");
        self.lines.extend(self.normal.lines(&text));
    }

    /// Asks until the answer is the same for a while: Apache Kafka's broker hears
    /// of some changes a moment after they were answered.
    pub(crate) async fn settled<R: Request + std::fmt::Debug>(
        &mut self,
        request: &R,
        version: i16,
    ) -> R::Response
    where
        R::Response: PartialEq,
    {
        const SAME: usize = 5;
        const PAUSE: Duration = Duration::from_millis(20);
        let mut last = None;
        let mut same = 0;
        let began = Instant::now();
        while same < SAME {
            assert!(
                began.elapsed() < PATIENCE,
                "the answer to {request:?} does not settle"
            );
            let answer = self.ask(request, version).await;
            same = if answer == last { same + 1 } else { 0 };
            last = answer;
            tokio::time::sleep(PAUSE).await;
        }
        last.unwrap_or_default()
    }

    /// Sends a request whose answer is of no interest.
    pub(crate) async fn quietly<R: Request + std::fmt::Debug>(
        &mut self,
        request: &R,
        version: i16,
    ) -> R::Response {
        self.ask(request, version).await.unwrap_or_default()
    }

    async fn ask<R: Request + std::fmt::Debug>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Option<R::Response> {
        self.correlation_id += 1;
        let client_id = Some("parity".into());
        let frame = encode_request(request, version, self.correlation_id, client_id).unwrap();
        self.stream.write_all(&frame.to_bytes()).await.unwrap();
        let length = tokio::time::timeout(PATIENCE, self.stream.read_i32()).await;
        let length = length.unwrap_or_else(|_| panic!("{} {request:?} has no answer", R::NAME));
        let Ok(length) = length else {
            // The next request has a connection again.
            self.stream = TcpStream::connect(&self.bootstrap).await.unwrap();
            return None;
        };
        let mut body = BytesMut::zeroed(usize::try_from(length).unwrap());
        self.stream.read_exact(&mut body).await.unwrap();
        let body = body.freeze();
        assert_eq!(frame::correlation_id(&body).unwrap(), self.correlation_id);
        Some(decode_response::<R>(&body, version).unwrap())
    }

    /// Waits until the broker serves a topic that was just made: Apache Kafka's answers CreateTopics a
    /// moment before.
    pub(crate) async fn until_there(&mut self, topic: &str, partitions: i32) {
        let partitions = (0..partitions).map(|partition_index| ListOffsetsPartition {
            partition_index,
            timestamp: -1,
            ..Default::default()
        });
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: topic.into(),
                partitions: partitions.collect(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let began = Instant::now();
        loop {
            let answer = self.quietly(&request, 7).await;
            let mut partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
            if partitions.all(|partition| partition.error_code == 0) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "not there yet: {answer:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Writes down what a sequence found out by itself.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.lines.push(text.into());
    }

    pub(crate) fn transcript(self) -> Vec<String> {
        self.lines
    }
}

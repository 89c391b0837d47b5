//! What a broker counts, and a look at all of it: for the program it runs in, and as Prometheus reads it.
//!
//! Requests and partitions count by adding to an atomic number; everything else is looked up when somebody asks.

mod text;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kafka_client_protocol::ApiKey;

use crate::api::SERVED;
use crate::node::Node;

/// What the partitions of a topic have taken and given.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    messages_in: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    produce_requests: AtomicU64,
    produce_requests_failed: AtomicU64,
    fetch_requests: AtomicU64,
    fetch_requests_failed: AtomicU64,
}

impl Traffic {
    /// Records came in.
    pub(crate) fn appended(&self, messages: u64, bytes: usize) {
        self.messages_in.fetch_add(messages, Ordering::Relaxed);
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A client has sent records to one partition.
    pub(crate) fn produced(&self, has_failed: bool) {
        self.produce_requests.fetch_add(1, Ordering::Relaxed);
        if has_failed {
            self.produce_requests_failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A client has read from one partition; how many bytes, if that went well.
    pub(crate) fn fetched(&self, bytes: Option<usize>) {
        self.fetch_requests.fetch_add(1, Ordering::Relaxed);
        match bytes {
            Some(bytes) => self.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed),
            None => self.fetch_requests_failed.fetch_add(1, Ordering::Relaxed),
        };
    }

    /// Adds what another one has.
    pub(crate) fn add(&self, other: &Self) {
        for (own, other) in [
            (&self.messages_in, &other.messages_in),
            (&self.bytes_in, &other.bytes_in),
            (&self.bytes_out, &other.bytes_out),
            (&self.produce_requests, &other.produce_requests),
            (
                &self.produce_requests_failed,
                &other.produce_requests_failed,
            ),
            (&self.fetch_requests, &other.fetch_requests),
            (&self.fetch_requests_failed, &other.fetch_requests_failed),
        ] {
            own.fetch_add(other.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    fn look(&self) -> TrafficMetrics {
        let value = |number: &AtomicU64| number.load(Ordering::Relaxed);
        TrafficMetrics {
            messages_in: value(&self.messages_in),
            bytes_in: value(&self.bytes_in),
            bytes_out: value(&self.bytes_out),
            produce_requests: value(&self.produce_requests),
            produce_requests_failed: value(&self.produce_requests_failed),
            fetch_requests: value(&self.fetch_requests),
            fetch_requests_failed: value(&self.fetch_requests_failed),
        }
    }
}

/// The requests of each API and version.
#[derive(Debug)]
pub(crate) struct Requests(Box<[OfApi]>);

/// Those of an API.
#[derive(Debug)]
struct OfApi {
    /// From the lowest version that is served.
    by_version: Box<[AtomicU64]>,
    total_time_us: AtomicU64,
}

impl Default for Requests {
    fn default() -> Self {
        let of_api = |versions: usize| OfApi {
            by_version: (0..versions).map(|_| AtomicU64::new(0)).collect(),
            total_time_us: AtomicU64::new(0),
        };
        let all = SERVED
            .iter()
            .map(|api| of_api(api.versions.clone().count()));
        Self(all.collect())
    }
}

impl Requests {
    /// A request was answered, or needs no answer. `index` is that of the API in [`SERVED`].
    pub(crate) fn count(&self, index: usize, version: i16, time: Duration) {
        let lowest = SERVED[index].versions.start();
        let of_api = &self.0[index];
        let by_version = usize::try_from(version - lowest).ok();
        if let Some(count) = by_version.and_then(|at| of_api.by_version.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        of_api.total_time_us.fetch_add(us, Ordering::Relaxed);
    }

    fn look(&self) -> Vec<RequestMetrics> {
        let all = SERVED.iter().zip(&self.0);
        let all = all.map(|(served, of_api)| RequestMetrics {
            api: served.api,
            by_version: served
                .versions
                .clone()
                .zip(of_api.by_version.iter().map(|n| n.load(Ordering::Relaxed)))
                .filter(|(_, count)| *count > 0)
                .collect(),
            total_time: Duration::from_micros(of_api.total_time_us.load(Ordering::Relaxed)),
        });
        all.filter(|metrics| !metrics.by_version.is_empty())
            .collect()
    }
}

/// A broker's metrics at one moment, from [`Broker::metrics`](crate::Broker::metrics). Counters begin at 0 with the
/// broker.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// Over all topics, deleted ones included.
    pub all_topics: TrafficMetrics,
    /// By name. The broker's own topics are among them, once they are there.
    pub topics: BTreeMap<String, TopicMetrics>,
    /// Of each API that was asked for, in the order of their keys.
    pub requests: Vec<RequestMetrics>,
    /// Open connections.
    pub connections: usize,
    /// How many groups are in each state, by Kafka's names for them.
    pub groups: BTreeMap<&'static str, usize>,
    /// Committed offsets, over all groups.
    pub committed_offsets: usize,
}

/// What went in and out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrafficMetrics {
    /// Records appended.
    pub messages_in: u64,
    /// Their bytes, in batches as they came.
    pub bytes_in: u64,
    /// Bytes of batches given to consumers.
    pub bytes_out: u64,
    /// Produce requests, counted once for each partition in them.
    pub produce_requests: u64,
    /// Those of which nothing was appended.
    pub produce_requests_failed: u64,
    /// Fetch requests, counted once for each partition in them.
    pub fetch_requests: u64,
    /// Those answered with an error.
    pub fetch_requests_failed: u64,
}

/// A topic's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicMetrics {
    /// What went in and out.
    pub traffic: TrafficMetrics,
    /// Each partition, from 0.
    pub partitions: Vec<PartitionMetrics>,
}

/// A partition's log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionMetrics {
    /// Bytes of all segments.
    pub size_bytes: u64,
    /// The number of segments.
    pub segments: usize,
    /// The first offset that can be read.
    pub start_offset: i64,
    /// The offset that the next record gets.
    pub end_offset: i64,
}

/// The requests to an API.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestMetrics {
    /// The API.
    pub api: ApiKey,
    /// How many requests there were, by version.
    pub by_version: BTreeMap<i16, u64>,
    /// From when a request was read until its answer could be sent, added up. Waiting is part of it, such as a
    /// Fetch's for records.
    pub total_time: Duration,
}

impl Metrics {
    pub(crate) fn of(node: &Node, connections: usize) -> Self {
        let all_topics = Traffic::default();
        all_topics.add(node.topics.traffic_of_deleted());
        let mut topics = BTreeMap::new();
        for topic in node.topics.all() {
            all_topics.add(&topic.traffic);
            let partitions = topic.partitions.iter().map(|partition| {
                let log = partition.log();
                PartitionMetrics {
                    size_bytes: log.size(),
                    segments: log.segment_count(),
                    start_offset: log.start_offset(),
                    end_offset: log.end_offset(),
                }
            });
            let metrics = TopicMetrics {
                traffic: topic.traffic.look(),
                partitions: partitions.collect(),
            };
            topics.insert(topic.name.to_string(), metrics);
        }
        let (groups, committed_offsets) = node.groups.counts();
        Self {
            all_topics: all_topics.look(),
            topics,
            requests: node.requests.look(),
            connections,
            groups,
            committed_offsets,
        }
    }
}

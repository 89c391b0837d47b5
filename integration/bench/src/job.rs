//! What a measuring process is told: one job, as JSON, in its last argument. The programs in other
//! languages (`go`, `java`) read the same.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::peers::Peer;

/// One measurement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) peer: Peer,
    pub(crate) bootstrap: String,
    /// Properties of librdkafka for TLS and SASL, which this project's client takes as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) security: Vec<(String, String)>,
    /// The topic, new for producers; for `FirstSends` what the names of the new ones begin with.
    pub(crate) topic: String,
    pub(crate) partitions: i32,
    /// `None` leaves it at the client's default.
    pub(crate) linger_ms: Option<u32>,
    pub(crate) codec: Codec,
    pub(crate) values: Values,
    pub(crate) workload: Workload,
}

/// What the process does.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Workload {
    /// One record after the other, from one task.
    Stream(Stream),
    /// Many tasks, each of which sends a record, awaits it, and sends the next, for so long.
    Tasks {
        tasks: usize,
        warm_up_ms: u64,
        measured_ms: u64,
    },
    /// A record to each of so many topics that are `known` then; after that one to each of those
    /// that are `new`, one topic after the other, and another.
    FirstSends {
        known: u32,
        known_prefix: String,
        new: u32,
    },
    /// No client: the codec alone, on batches of so many values.
    Codec { records: u64, batch_records: u64 },
    /// Reads what is in the topic.
    Backlog(Backlog),
    /// Produces so many records a second and consumes them, in one process; how long each took.
    EndToEnd {
        per_second: u64,
        warm_up_ms: u64,
        measured_ms: u64,
    },
    /// Records come one by one at this rate, and each of so many consumers gets it.
    Readers {
        readers: usize,
        per_second: u64,
        measured_ms: u64,
    },
    /// No client: JSON values alone are parsed.
    Json { records: u64, warm_up: u64 },
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Backlog {
    pub(crate) api: Api,
    /// Records that are measured: all that the topic has.
    pub(crate) records: u64,
    /// Records that another consumer reads before that.
    pub(crate) warm_up: u64,
    /// Partitions that have the records, from the first one on.
    pub(crate) filled: i32,
}

/// How records are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Api {
    /// Many at a time, as the client hands them out.
    Batch,
    /// One at a time.
    Recv,
    /// One at a time, from a `Stream`.
    Stream,
    /// 500 at most.
    Poll,
    /// One at a time, as a struct from JSON.
    Json,
    /// One at a time, acknowledged at once.
    Ack,
    /// One at a time, given to 16 tasks.
    HandOver,
    /// One at a time, given to 16 tasks, which acknowledge them.
    HandOverAck,
    /// One at a time, all partitions paused and resumed after each.
    PauseResume,
    /// One at a time, with rests in which the client's buffer fills.
    Rests,
    /// As with rests, and one partition more is paused after each few records, until all are resumed.
    PauseInTurn,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Stream {
    /// Records that are measured.
    pub(crate) records: u64,
    /// Records before those.
    pub(crate) warm_up: u64,
    /// One partition after the other, instead of what the client chooses for records without a key.
    pub(crate) round_robin: bool,
    /// Deliveries are awaited, the oldest first; or else nothing but a flush at the end is.
    pub(crate) awaited: bool,
    /// Most deliveries that are outstanding when they are awaited.
    pub(crate) outstanding: usize,
    /// Counts allocations: everything runs on one thread then.
    pub(crate) count_allocations: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Codec {
    None,
    Lz4,
    Zstd,
}

impl Codec {
    /// As clients call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// The values of the records.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Values {
    /// All the same, so many letters.
    Letters(usize),
    /// The lines of a file, over and over.
    Lines(PathBuf),
}

impl Values {
    pub(crate) fn load(&self) -> Result<Vec<Bytes>, Failure> {
        let values: Vec<Bytes> = match self {
            Self::Letters(bytes) => vec![letters(*bytes).into()],
            Self::Lines(path) => {
                let text = Bytes::from(std::fs::read(path)?);
                let lines = text.split(|byte| *byte == b'\n');
                lines
                    .filter(|line| !line.is_empty())
                    .map(|line| text.slice_ref(line))
                    .collect()
            }
        };
        match values.is_empty() {
            true => Err("there are no values".into()),
            false => Ok(values),
        }
    }
}

pub(crate) fn letters(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|index| b'a' + (index % 26) as u8).collect()
}

impl Job {
    pub(crate) fn linger(&self) -> Option<Duration> {
        self.linger_ms.map(|ms| Duration::from_millis(ms.into()))
    }

    /// The partition of the `n`-th record, if the client is not to choose.
    pub(crate) fn partition(&self, n: u64, round_robin: bool) -> Option<i32> {
        round_robin.then(|| (n % u64::from(self.partitions.unsigned_abs())) as i32)
    }
}

/// The names of so many topics.
pub(crate) fn topic_names(prefix: &str, count: u32) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}-{n}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_written_as_the_programs_in_other_languages_read_it() {
        let job = Job {
            peer: Peer::FranzGo,
            bootstrap: "127.0.0.1:9092".to_owned(),
            security: Vec::new(),
            topic: "t".to_owned(),
            partitions: 8,
            linger_ms: Some(5),
            codec: Codec::None,
            values: Values::Letters(100),
            workload: Workload::Stream(Stream {
                records: 4,
                warm_up: 1,
                round_robin: true,
                awaited: true,
                outstanding: 2,
                count_allocations: false,
            }),
        };
        let expected = serde_json::json!({
            "peer": "franz-go",
            "bootstrap": "127.0.0.1:9092",
            "topic": "t",
            "partitions": 8,
            "linger_ms": 5,
            "codec": "none",
            "values": {"letters": 100},
            "workload": {
                "kind": "stream",
                "records": 4,
                "warm_up": 1,
                "round_robin": true,
                "awaited": true,
                "outstanding": 2,
                "count_allocations": false,
            },
        });
        assert_eq!(serde_json::to_value(job).expect("JSON"), expected);
    }

    #[test]
    fn a_backlog_is_written_as_the_programs_in_other_languages_read_it() {
        let workload = Workload::Backlog(Backlog {
            api: Api::Batch,
            records: 4,
            warm_up: 1,
            filled: 8,
        });
        let expected = serde_json::json!({
            "kind": "backlog", "api": "batch", "records": 4, "warm_up": 1, "filled": 8,
        });
        assert_eq!(serde_json::to_value(workload).expect("JSON"), expected);
    }

    #[test]
    fn round_robin_takes_each_partition_in_turn() {
        let job: Job = serde_json::from_value(serde_json::json!({
            "peer": "ours", "bootstrap": "", "topic": "", "partitions": 3, "linger_ms": null,
            "codec": "none", "values": {"letters": 1},
            "workload": {"kind": "codec", "records": 0, "batch_records": 1},
        }))
        .expect("a job");
        let turns: Vec<_> = (0..4).map(|n| job.partition(n, true)).collect();
        assert_eq!(turns, [Some(0), Some(1), Some(2), Some(0)]);
        assert_eq!(job.partition(1, false), None);
    }
}

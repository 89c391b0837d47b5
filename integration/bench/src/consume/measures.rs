//! The measures: their cases and their goals.

use super::{AHEAD, Measure, Settings};
use crate::broker::Kind;
use crate::job::{Api, Backlog, Workload};
use crate::peers::Peer;
use crate::plan::{Bound, Case, Goal, Plan, Round, cpu_ratio};
use crate::usage::Measurement;

const PARTITIONS: i32 = 8;

/// Records of `memory`: three times what the buffer takes.
const LARGE_RECORDS: u64 = 200_000;

const PER_SECOND: u64 = 10_000;

const TIMES: &str = "times";
const NS: &str = "ns";

/// The names of cases.
const BATCH: &str = "batch";
const RECV: &str = "recv";
const STREAM: &str = "stream";

pub(super) fn plan(measure: Measure, settings: &Settings) -> Plan {
    let (broker, cases, goals) = match measure {
        Measure::Cpu => (Kind::Plain, cpu(settings), cpu_goals()),
        Measure::Json => (Kind::Plain, json(settings), json_goals()),
        Measure::IdlePartitions => (Kind::Plain, idle(settings), idle_goals()),
        Measure::Acks => (Kind::Plain, acks(settings), ack_goals()),
        Measure::Bytes => (Kind::Counted, bytes(settings), bytes_goals()),
        Measure::Latency => (Kind::Plain, latency(settings), latency_goals()),
        Measure::Memory => (Kind::Plain, memory(settings), memory_goals()),
    };
    Plan {
        measure: measure.to_string(),
        broker,
        cases,
        goals,
    }
}

/// So many records, in the eight partitions.
fn backlog(api: Api, records: u64) -> Backlog {
    Backlog {
        api,
        records,
        warm_up: (records / 4).max(1),
        filled: PARTITIONS,
    }
}

fn reads(name: &str, peer: Peer, api: Api, records: u64) -> Case {
    let workload = Workload::Backlog(backlog(api, records));
    Case::new(name, peer, PARTITIONS, workload)
}

fn cpu(settings: &Settings) -> Vec<Case> {
    let case = |name, peer, api| reads(name, peer, api, settings.records);
    let batches = settings.common.among([
        Peer::Ours,
        Peer::ConfluentKafka,
        Peer::Kacrab,
        Peer::Krafka,
        Peer::Rskafka,
        Peer::FranzGo,
        Peer::Java,
    ]);
    let singles = settings
        .common
        .among([Peer::Ours, Peer::BaseConsumer, Peer::StreamConsumer]);
    batches
        .map(|peer| case(BATCH, peer, Api::Batch))
        .chain(singles.map(|peer| case(RECV, peer, Api::Recv)))
        .chain([
            case(STREAM, Peer::Ours, Api::Stream),
            case("poll(500)", Peer::Ours, Api::Poll),
        ])
        .collect()
}

fn cpu_goals() -> Vec<Goal> {
    let against = |text: &str, bound, name: &'static str, other: Figure| {
        Goal::new(
            format!("CPU per record, {name}: {text} against ours"),
            Bound::AtLeast(bound),
            TIMES,
            move |round| Some(other(round)? / cpu_of(round, name)?),
        )
    };
    vec![
        against("the best peer's", 5.0, BATCH, best_peer),
        against(
            "the best of kacrab's and franz-go's batches",
            2.5,
            RECV,
            best_batches,
        ),
        against(
            "the best of kacrab's and franz-go's batches",
            2.5,
            STREAM,
            best_batches,
        ),
        against("StreamConsumer's", 10.0, RECV, stream_consumer),
        against("StreamConsumer's", 10.0, STREAM, stream_consumer),
    ]
}

type Figure = fn(&Round<'_>) -> Option<f64>;

fn best_peer(round: &Round<'_>) -> Option<f64> {
    let all = round.all(BATCH).chain(round.all(RECV));
    least(all.filter(|(peer, _)| *peer != Peer::Ours))
}

fn best_batches(round: &Round<'_>) -> Option<f64> {
    let all = round.all(BATCH);
    least(all.filter(|(peer, _)| matches!(peer, Peer::Kacrab | Peer::FranzGo)))
}

fn stream_consumer(round: &Round<'_>) -> Option<f64> {
    Some(round.get(RECV, Peer::StreamConsumer)?.cpu_ns_per_record())
}

fn least<'a>(all: impl Iterator<Item = (Peer, &'a Measurement)>) -> Option<f64> {
    all.map(|(_, measurement)| measurement.cpu_ns_per_record())
        .min_by(f64::total_cmp)
}

/// Ours.
fn cpu_of(round: &Round<'_>, name: &str) -> Option<f64> {
    Some(round.get(name, Peer::Ours)?.cpu_ns_per_record())
}

const ROWS: &str = "as a struct";
const JSON_ALONE: &str = "serde_json alone";

fn json(settings: &Settings) -> Vec<Case> {
    let records = settings.records;
    let alone = Workload::Json {
        records,
        warm_up: backlog(Api::Json, records).warm_up,
    };
    settings
        .common
        .among([Peer::Ours, Peer::StreamConsumer])
        .map(|peer| reads(ROWS, peer, Api::Json, records))
        .chain([Case::new(JSON_ALONE, Peer::Ours, PARTITIONS, alone)])
        .collect()
}

fn json_goals() -> Vec<Goal> {
    vec![Goal::new(
        "JSON as a struct, above serde_json alone: against StreamConsumer with serde_json",
        Bound::AtMost(1.0 / 3.0),
        TIMES,
        |round| {
            let alone = cpu_of(round, JSON_ALONE)?;
            let peer = round.get(ROWS, Peer::StreamConsumer)?.cpu_ns_per_record();
            Some((cpu_of(round, ROWS)? - alone) / (peer - alone))
        },
    )]
}

const FEW: &str = "10 partitions";
const MANY: &str = "1,000 partitions, 990 idle";

fn idle(settings: &Settings) -> Vec<Case> {
    let workload = Workload::Backlog(Backlog {
        filled: 10,
        ..backlog(Api::Recv, settings.records)
    });
    settings
        .common
        .among([Peer::Ours, Peer::BaseConsumer])
        .flat_map(|peer| {
            [(FEW, 10), (MANY, 1000)]
                .map(|(name, partitions)| Case::new(name, peer, partitions, workload.clone()))
        })
        .collect()
}

fn idle_goals() -> Vec<Goal> {
    vec![Goal::new(
        "CPU per record: with 990 idle partitions, as with 10",
        Bound::AtMost(1.1),
        TIMES,
        |round| cpu_ratio(round.get(MANY, Peer::Ours)?, round.get(FEW, Peer::Ours)?),
    )]
}

const ACK: &str = "recv, ack";
const HAND_OVER: &str = "recv, to 16 tasks";
const HAND_OVER_ACK: &str = "recv, to 16 tasks, ack";

fn acks(settings: &Settings) -> Vec<Case> {
    [
        (RECV, Api::Recv),
        (ACK, Api::Ack),
        (HAND_OVER, Api::HandOver),
        (HAND_OVER_ACK, Api::HandOverAck),
    ]
    .map(|(name, api)| reads(name, Peer::Ours, api, settings.records))
    .into()
}

fn ack_goals() -> Vec<Goal> {
    let above = |text, name, baseline| {
        Goal::new(text, Bound::AtMost(60.0), NS, move |round| {
            Some(cpu_of(round, name)? - cpu_of(round, baseline)?)
        })
    };
    vec![
        above("an ack where the record is received, above recv", ACK, RECV),
        above(
            "an ack in one of 16 tasks, above records of recv given to them",
            HAND_OVER_ACK,
            HAND_OVER,
        ),
    ]
}

const PAUSE_RESUME: &str = "recv, pause, resume";

fn bytes(settings: &Settings) -> Vec<Case> {
    // Without what another consumer reads before: all that is sent counts.
    let case = |name, peer, api, records| {
        let workload = Workload::Backlog(Backlog {
            warm_up: 0,
            ..backlog(api, records)
        });
        Case::new(name, peer, PARTITIONS, workload)
    };
    let peers = settings.common.among([Peer::Ours, Peer::StreamConsumer]);
    peers
        .map(|peer| case(RECV, peer, Api::Recv, settings.records))
        .chain([case(
            PAUSE_RESUME,
            Peer::Ours,
            Api::PauseResume,
            settings.records,
        )])
        .collect()
}

fn bytes_goals() -> Vec<Goal> {
    let goal = |name: &'static str| {
        Goal::new(
            format!("bytes sent by the broker for each byte in its log: {name}"),
            Bound::AtMost(1.02),
            TIMES,
            move |round| round.get(name, Peer::Ours)?.fetched_ratio(),
        )
    };
    vec![goal(RECV), goal(PAUSE_RESUME)]
}

const END_TO_END: &str = "10,000 records/s";

fn latency(settings: &Settings) -> Vec<Case> {
    let workload = Workload::EndToEnd {
        per_second: PER_SECOND,
        warm_up_ms: settings.timed_ms / 3,
        measured_ms: settings.timed_ms,
    };
    settings
        .common
        .among([Peer::Ours, Peer::StreamConsumer])
        .map(|peer| Case::new(END_TO_END, peer, PARTITIONS, workload.clone()))
        .collect()
}

fn latency_goals() -> Vec<Goal> {
    let ratio = |text: &str, of: fn(&Measurement) -> Option<u64>| {
        Goal::new(
            format!("end to end at {PER_SECOND} records/s, {text}: against rdkafka"),
            Bound::AtMost(0.8),
            TIMES,
            move |round| {
                let peer = of(round.get(END_TO_END, Peer::StreamConsumer)?)?;
                Some(of(round.get(END_TO_END, Peer::Ours)?)? as f64 / peer as f64)
            },
        )
    };
    vec![
        ratio("p50", |measurement| Some(measurement.latency?.p50_ns)),
        ratio("p99", |measurement| Some(measurement.latency?.p99_ns)),
    ]
}

const RESTS: &str = "recv, with rests";
const IN_TURN: &str = "recv, with rests, more and more paused";

fn memory(settings: &Settings) -> Vec<Case> {
    let case = |name, peer, api, records| {
        let workload = Workload::Backlog(Backlog {
            warm_up: 0,
            ..backlog(api, records)
        });
        Case::new(name, peer, PARTITIONS, workload)
    };
    let peers = settings.common.among([Peer::Ours, Peer::StreamConsumer]);
    peers
        .map(|peer| case(RESTS, peer, Api::Rests, LARGE_RECORDS))
        .chain([
            case(IN_TURN, Peer::Ours, Api::PauseInTurn, LARGE_RECORDS),
            case(PAUSE_RESUME, Peer::Ours, Api::PauseResume, settings.records),
        ])
        .collect()
}

fn memory_goals() -> Vec<Goal> {
    let goal = |name: &'static str| {
        Goal::new(
            format!("peak RSS above the buffer of 64 MiB and what there was before: {name}"),
            Bound::AtMost(10.0),
            "MiB",
            move |round| {
                let ahead = AHEAD as f64 / (1024.0 * 1024.0);
                Some(round.get(name, Peer::Ours)?.grown_mib()? - ahead)
            },
        )
    };
    vec![goal(RESTS), goal(IN_TURN), goal(PAUSE_RESUME)]
}

#[cfg(test)]
mod tests {
    use clap::{Parser, ValueEnum};

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        settings: Settings,
    }

    #[test]
    fn every_goal_finds_what_it_needs_among_the_cases_of_its_measure() {
        let mut settings = Arguments::parse_from(["consume"]).settings;
        settings.common.peers = Peer::CONSUMERS.to_vec();
        let measurement: Measurement = serde_json::from_value(serde_json::json!({
            "records": 1, "written": 0, "user_ns": 1, "system_ns": 1, "wall_ns": 1,
            "peak_rss_kib": 1, "waits": 1, "latency": {"p50_ns": 1, "p99_ns": 1},
            "fetched": {"wire_bytes": 1, "log_bytes": 1}, "rss_before_kib": 1,
        }))
        .expect("a measurement");
        for measure in Measure::value_variants() {
            let plan = plan(*measure, &settings);
            let measurements = vec![Some(measurement.clone()); plan.cases.len()];
            let round = Round {
                cases: &plan.cases,
                measurements: &measurements,
            };
            for goal in &plan.goals {
                assert!((goal.value)(&round).is_some(), "{}", goal.text);
            }
        }
    }
}

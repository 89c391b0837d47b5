//! The measures: their cases and their goals.

use super::{Measure, Settings};
use crate::broker::Kind;
use crate::job::{Codec, Stream, Workload};
use crate::peers::{BUFFER_MEMORY, OUTSTANDING, Peer};
use crate::plan::{Bound, Case, Goal, Plan, Round, cpu_ratio};
use crate::usage::Measurement;

const PARTITIONS: i32 = 8;
const LINGER_MS: u32 = 5;
/// JSON values are ten times as large, so fewer of them fill the buffer.
const OUTSTANDING_JSON: usize = 20_000;

/// New topics of a measurement, and topics that are known before.
const NEW_TOPICS: u32 = 50;
const KNOWN_TOPICS: u32 = 5000;

const TIMES: &str = "times";
const PER_SECOND: &str = "records/s";

pub(super) fn plan(measure: Measure, settings: &Settings) -> Plan {
    match measure {
        Measure::Cpu => cpu(settings),
        Measure::Partitions => partitions(settings),
        Measure::Tasks => tasks(settings),
        Measure::SlowBroker => slow_broker(settings),
        Measure::Lone => lone(settings),
        Measure::Distant => distant(settings),
        Measure::NewTopics => new_topics(),
        Measure::Compressed => compressed(settings),
        Measure::Allocations => allocations(settings),
        Measure::Memory => memory(settings),
    }
}

fn stream(records: u64) -> Stream {
    Stream {
        records,
        warm_up: (records / 4).max(1),
        round_robin: false,
        awaited: true,
        outstanding: OUTSTANDING,
        count_allocations: false,
    }
}

fn cpu(settings: &Settings) -> Plan {
    let modes = [("awaited later", true), ("fire and forget", false)];
    let mut cases = Vec::new();
    let mut goals = Vec::new();
    for (name, awaited) in modes {
        let workload = Workload::Stream(Stream {
            awaited,
            ..stream(settings.records)
        });
        let case = |peer| Case::new(name, peer, PARTITIONS, workload.clone()).linger(LINGER_MS);
        let peers = settings.common.peers.iter().copied();
        // Nothing but its deliveries bounds what rskafka buffers.
        cases.extend(
            peers
                .filter(|peer| awaited || *peer != Peer::Rskafka)
                .map(case),
        );
        goals.push(Goal::new(
            format!("CPU per record, {name}: franz-go's against ours"),
            Bound::AtLeast(4.5),
            TIMES,
            move |round| {
                cpu_ratio(
                    round.get(name, Peer::FranzGo)?,
                    round.get(name, Peer::Ours)?,
                )
            },
        ));
    }
    Plan {
        measure: Measure::Cpu.to_string(),
        broker: Kind::Plain,
        cases,
        goals,
    }
}

fn partitions(settings: &Settings) -> Plan {
    const FEW: &str = "8 partitions";
    const MANY: &str = "1,000 partitions";
    let workload = Workload::Stream(Stream {
        round_robin: true,
        ..stream(settings.records)
    });
    let peers = settings
        .common
        .among([Peer::Ours, Peer::BaseProducer, Peer::FranzGo]);
    let cases = peers.flat_map(|peer| {
        [(FEW, PARTITIONS), (MANY, 1000)].map(|(name, partitions)| {
            Case::new(name, peer, partitions, workload.clone()).linger(LINGER_MS)
        })
    });
    Plan {
        measure: Measure::Partitions.to_string(),
        broker: Kind::Plain,
        cases: cases.collect(),
        goals: vec![Goal::new(
            "CPU per record: 1,000 partitions against 8",
            Bound::AtMost(1.2),
            TIMES,
            |round| cpu_ratio(round.get(MANY, Peer::Ours)?, round.get(FEW, Peer::Ours)?),
        )],
    }
}

fn sends(settings: &Settings, tasks: usize) -> Workload {
    Workload::Tasks {
        tasks,
        warm_up_ms: settings.send_ms / 3,
        measured_ms: settings.send_ms,
    }
}

fn tasks(settings: &Settings) -> Plan {
    const MANY: &str = "1,000 tasks";
    const LINGERS: [(&str, u32); 3] = [
        ("1,000 tasks, linger 0", 0),
        ("1,000 tasks, linger 1", 1),
        ("1,000 tasks, linger 5", 5),
    ];
    let mut cases = Vec::new();
    for (name, tasks) in [
        ("1 task", 1),
        ("8 tasks", 8),
        ("40 tasks", 40),
        (MANY, 1000),
    ] {
        cases.push(Case::new(
            name,
            Peer::Ours,
            PARTITIONS,
            sends(settings, tasks),
        ));
    }
    for (name, linger) in LINGERS {
        let workload = sends(settings, 1000);
        let peers = settings.common.among([Peer::FutureProducer]);
        cases.extend(
            peers.map(|peer| Case::new(name, peer, PARTITIONS, workload.clone()).linger(linger)),
        );
    }
    let scaling = |name: &'static str, bound| {
        Goal::new(
            format!("{name} of send().await against 1 task"),
            Bound::AtLeast(bound),
            TIMES,
            move |round| Some(rate(round, name)? / rate(round, "1 task")?),
        )
    };
    let against_peer = Goal::new(
        "1,000 tasks of send().await, against FutureProducer at its best linger",
        Bound::AtLeast(3.0),
        TIMES,
        |round| {
            let best = LINGERS
                .iter()
                .filter_map(|(name, _)| round.get(name, Peer::FutureProducer))
                .map(Measurement::records_per_second)
                .max_by(f64::total_cmp)?;
            Some(rate(round, MANY)? / best)
        },
    );
    Plan {
        measure: Measure::Tasks.to_string(),
        broker: Kind::Plain,
        cases,
        goals: vec![
            against_peer,
            scaling("8 tasks", 4.0),
            scaling("40 tasks", 15.0),
        ],
    }
}

fn slow_broker(settings: &Settings) -> Plan {
    const ROWS: [(&str, usize, i32, f64); 3] = [
        ("40 tasks, 8 partitions", 40, PARTITIONS, 18_000.0),
        ("1,000 tasks, 1 partition", 1000, 1, 400_000.0),
        ("1,000 tasks, 8 partitions", 1000, PARTITIONS, 400_000.0),
    ];
    // Shows what a request really takes.
    let mut cases = vec![Case::new(
        "1 task",
        Peer::Ours,
        PARTITIONS,
        sends(settings, 1),
    )];
    for (name, tasks, partitions, _) in ROWS {
        let workload = sends(settings, tasks);
        cases.push(Case::new(name, Peer::Ours, partitions, workload.clone()));
        let peers = settings.common.among([Peer::FutureProducer]);
        cases.extend(
            peers.map(|peer| Case::new(name, peer, partitions, workload.clone()).linger(1)),
        );
    }
    let goals = ROWS.map(|(name, .., bound)| {
        Goal::new(
            format!("2 ms a request: {name}"),
            Bound::AtLeast(bound),
            PER_SECOND,
            move |round| rate(round, name),
        )
    });
    Plan {
        measure: Measure::SlowBroker.to_string(),
        broker: Kind::Slow,
        cases,
        goals: goals.into(),
    }
}

fn lone(settings: &Settings) -> Plan {
    const NAME: &str = "lone send";
    let workload = sends(settings, 1);
    let mut cases = vec![Case::new(NAME, Peer::Ours, PARTITIONS, workload.clone())];
    let peers = settings.common.among([Peer::FutureProducer, Peer::FranzGo]);
    cases.extend(peers.map(|peer| Case::new(NAME, peer, PARTITIONS, workload.clone()).linger(0)));
    let ratio = |text, bound, of: fn(&Measurement) -> Option<u64>| {
        Goal::new(text, Bound::AtMost(bound), TIMES, move |round| {
            let peer = of(round.get(NAME, Peer::FutureProducer)?)?;
            Some(of(round.get(NAME, Peer::Ours)?)? as f64 / peer as f64)
        })
    };
    Plan {
        measure: Measure::Lone.to_string(),
        broker: Kind::Plain,
        cases,
        goals: vec![
            ratio(
                "lone send().await, p50: against FutureProducer with linger 0",
                0.8,
                |measurement| Some(measurement.latency?.p50_ns),
            ),
            ratio(
                "lone send().await, p99: against FutureProducer with linger 0",
                0.9,
                |measurement| Some(measurement.latency?.p99_ns),
            ),
        ],
    }
}

fn distant(settings: &Settings) -> Plan {
    const NAME: &str = "1 partition";
    let workload = Workload::Stream(stream(settings.records));
    let peers = settings.common.among([
        Peer::Ours,
        Peer::BaseProducer,
        Peer::ConfluentKafka,
        Peer::Kacrab,
        Peer::FranzGo,
    ]);
    let mut cases: Vec<_> = peers
        .map(|peer| Case::new(NAME, peer, 1, workload.clone()))
        .collect();
    // Shows what the round trip really takes.
    cases.push(Case::new("lone send", Peer::Ours, 1, sends(settings, 1)));
    Plan {
        measure: Measure::Distant.to_string(),
        broker: Kind::Distant,
        cases,
        goals: vec![
            Goal::new(
                "5 ms away, 1 partition, default settings",
                Bound::AtLeast(1e6),
                PER_SECOND,
                |round| rate(round, NAME),
            ),
            Goal::new(
                "5 ms away, 1 partition: throughput against librdkafka",
                Bound::AtLeast(1.3),
                TIMES,
                |round| {
                    let peer = round.get(NAME, Peer::BaseProducer)?;
                    Some(rate(round, NAME)? / peer.records_per_second())
                },
            ),
        ],
    }
}

fn new_topics() -> Plan {
    const NONE: &str = "no topic known";
    const MANY: &str = "5,000 topics known";
    let case = |name, known| {
        let workload = Workload::FirstSends {
            known,
            known_prefix: String::new(),
            new: NEW_TOPICS,
        };
        Case::new(name, Peer::Ours, 1, workload)
    };
    Plan {
        measure: Measure::NewTopics.to_string(),
        broker: Kind::Plain,
        cases: vec![case(NONE, 0), case(MANY, KNOWN_TOPICS)],
        goals: vec![
            Goal::new(
                "first send to a new topic, p50: with 5,000 topics known against none",
                Bound::AtMost(1.2),
                TIMES,
                |round| Some(first_ns(round, MANY)? / first_ns(round, NONE)?),
            ),
            // Metadata and Produce against Produce alone: two round trips against one, and some room.
            Goal::new(
                "first send to a new topic, p50: against the second send to it",
                Bound::AtMost(3.0),
                TIMES,
                |round| {
                    let again = round.get(NONE, Peer::Ours)?.again?.p50_ns;
                    Some(first_ns(round, NONE)? / again as f64)
                },
            ),
            Goal::new(
                "metadata requests per new topic, the client's own first ones included",
                Bound::AtMost(1.1),
                "",
                |round| {
                    let requests = round.get(NONE, Peer::Ours)?.metadata_requests?;
                    Some(requests as f64 / f64::from(NEW_TOPICS))
                },
            ),
        ],
    }
}

fn first_ns(round: &Round<'_>, name: &str) -> Option<f64> {
    Some(round.get(name, Peer::Ours)?.latency?.p50_ns as f64)
}

fn compressed(settings: &Settings) -> Plan {
    let workload = Workload::Stream(Stream {
        outstanding: OUTSTANDING_JSON,
        ..stream((settings.records / 10).max(1))
    });
    let mut cases = Vec::new();
    let mut goals = Vec::new();
    for codec in [Codec::Zstd, Codec::Lz4] {
        let name = codec.name();
        let peers = settings.common.among([
            Peer::Ours,
            Peer::BaseProducer,
            Peer::ConfluentKafka,
            Peer::Kacrab,
            Peer::Krafka,
            Peer::Rskafka,
            Peer::FranzGo,
        ]);
        cases.extend(peers.map(|peer| {
            Case::new(name, peer, PARTITIONS, workload.clone())
                .linger(LINGER_MS)
                .codec(codec)
        }));
        goals.push(Goal::new(
            format!("{name}, JSON of 1 KB, CPU outside the codec: the best peer's against ours"),
            Bound::AtLeast(2.0),
            TIMES,
            move |round| {
                let ours = round.get(name, Peer::Ours)?.cpu_outside_codec()?;
                let best = round
                    .all(name)
                    .filter(|(peer, _)| *peer != Peer::Ours)
                    .filter_map(|(_, measurement)| measurement.cpu_outside_codec())
                    .min_by(f64::total_cmp)?;
                Some(best / ours)
            },
        ));
    }
    Plan {
        measure: Measure::Compressed.to_string(),
        broker: Kind::Plain,
        cases,
        goals,
    }
}

fn allocations(settings: &Settings) -> Plan {
    const NAME: &str = "awaited later, one thread";
    let workload = Workload::Stream(Stream {
        count_allocations: true,
        ..stream(settings.records)
    });
    // Those that allocate through Rust's allocator.
    let peers = settings.common.among([
        Peer::Ours,
        Peer::ConfluentKafka,
        Peer::Kacrab,
        Peer::Krafka,
        Peer::Rskafka,
    ]);
    Plan {
        measure: Measure::Allocations.to_string(),
        broker: Kind::Plain,
        cases: peers
            .map(|peer| Case::new(NAME, peer, PARTITIONS, workload.clone()).linger(LINGER_MS))
            .collect(),
        goals: vec![Goal::new(
            "allocations per record",
            Bound::AtMost(0.1),
            "",
            |round| {
                let measurement = round.get(NAME, Peer::Ours)?;
                Some(measurement.allocations? as f64 / measurement.records as f64)
            },
        )],
    }
}

fn memory(settings: &Settings) -> Plan {
    const NAME: &str = "buffer full";
    // Awaiting nothing, on a broker that cannot keep up: the buffer is full all the time.
    let workload = Workload::Stream(Stream {
        awaited: false,
        ..stream(2 * settings.records)
    });
    let peers = settings.common.among([Peer::Ours, Peer::BaseProducer]);
    Plan {
        measure: Measure::Memory.to_string(),
        broker: Kind::Slow,
        cases: peers
            .map(|peer| Case::new(NAME, peer, PARTITIONS, workload.clone()))
            .collect(),
        goals: vec![Goal::new(
            "peak RSS above buffer.memory",
            Bound::AtMost(10.0),
            "MiB",
            |round| {
                let buffer = BUFFER_MEMORY as f64 / (1024.0 * 1024.0);
                Some(round.get(NAME, Peer::Ours)?.peak_rss_mib() - buffer)
            },
        )],
    }
}

/// Ours.
fn rate(round: &Round<'_>, name: &str) -> Option<f64> {
    Some(round.get(name, Peer::Ours)?.records_per_second())
}

//! The result, as tables and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::Failure;
use crate::peers::Peer;
use crate::plan::{Bound, Case, Plan, Round};
use crate::stats::Spread;
use crate::usage::Measurement;

const NS_PER_US: f64 = 1000.0;

/// What came out of all measures.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    settings: serde_json::Value,
    #[serde(skip)]
    rounds: u32,
    goals: Vec<GoalRow>,
    cases: Vec<CaseRow>,
    left_out: &'a BTreeMap<Peer, String>,
    failures: Vec<String>,
    #[serde(skip)]
    ours_failed: bool,
}

#[derive(Serialize)]
struct GoalRow {
    measure: String,
    text: String,
    bound: Bound,
    unit: &'static str,
    /// `None` where something that it needs was not measured.
    value: Option<Spread>,
    met: Option<bool>,
}

#[derive(Serialize)]
struct CaseRow {
    measure: String,
    case: String,
    client: Peer,
    cpu_ns_per_record: Spread,
    /// CPU per record, divided by that of ours doing the same in the same round.
    cpu_ratio: Option<Spread>,
    records_per_second: Spread,
    peak_rss_mib: Spread,
    p50_ns: Option<Spread>,
    p99_ns: Option<Spread>,
    /// Of the second send to a new topic.
    again_p50_ns: Option<Spread>,
    batch_records: Option<Spread>,
    codec_ns_per_record: Option<Spread>,
    allocations_per_record: Option<Spread>,
    /// Bytes that came from the broker, divided by those of the batches in its log.
    fetched_ratio: Option<Spread>,
    /// Peak RSS above what the process had before its client started.
    grown_mib: Option<Spread>,
    rounds: Vec<Measurement>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(
        settings: serde_json::Value,
        rounds: u32,
        left_out: &'a BTreeMap<Peer, String>,
    ) -> Self {
        Self {
            settings,
            rounds,
            goals: Vec::new(),
            cases: Vec::new(),
            left_out,
            failures: Vec::new(),
            ours_failed: false,
        }
    }

    /// Says how far the run is.
    pub(crate) fn tell(&self, measure: &str, case: &Case, round: u32, measured: &Measurement) {
        let counts = if round == 0 { " (does not count)" } else { "" };
        eprintln!(
            "round {round} of {}{counts}: {measure}, {}: {}: {:.0} ns, {:.0} records/s",
            self.rounds,
            case.name,
            case.peer,
            measured.cpu_ns_per_record(),
            measured.records_per_second(),
        );
    }

    /// Takes all rounds of a measure.
    pub(crate) fn add(
        &mut self,
        plan: Plan,
        rounds: &[Vec<Option<Measurement>>],
        failures: Vec<Option<String>>,
    ) {
        let cases = &plan.cases;
        let views: Vec<_> = rounds
            .iter()
            .map(|measurements| Round {
                cases,
                measurements,
            })
            .collect();
        for (case, failure) in cases.iter().zip(failures) {
            match failure {
                Some(reason) => {
                    self.ours_failed |= case.peer == Peer::Ours;
                    self.failures
                        .push(format!("{}, {}: {reason}", case.peer, case.name));
                }
                None => self.cases.extend(CaseRow::of(&plan.measure, case, &views)),
            }
        }
        for goal in plan.goals {
            let values: Vec<f64> = views
                .iter()
                .filter_map(|round| (goal.value)(round))
                .collect();
            // A figure of some rounds only would not be comparable.
            let complete = values.len() == views.len();
            let value = complete.then(|| Spread::of(values)).flatten();
            self.goals.push(GoalRow {
                measure: plan.measure.clone(),
                met: value.map(|value| goal.bound.is_met(value.median)),
                text: goal.text,
                bound: goal.bound,
                unit: goal.unit,
                value,
            });
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\n\n{}\n", self.case_table(), self.goal_table());
        for (peer, reason) in self.left_out {
            let _ = writeln!(text, "left out: {peer}: {reason}");
        }
        for failure in &self.failures {
            let _ = writeln!(text, "failed: {failure}");
        }
        text
    }

    fn case_table(&self) -> Table {
        let header = [
            "measure",
            "what",
            "client",
            "CPU ns/record",
            "ratio to ours",
            "1000 records/s",
            "p50 us",
            "p99 us",
            "RSS MiB",
            "",
        ];
        let mut table = table(header, 3..9);
        let show = |spread: Option<Spread>, unit, digits| {
            spread.map_or_else(String::new, |spread| spread.show(unit, digits))
        };
        for row in &self.cases {
            table.add_row([
                row.measure.clone(),
                row.case.clone(),
                row.client.to_string(),
                row.cpu_ns_per_record.show(1.0, 0),
                show(row.cpu_ratio, 1.0, 2),
                row.records_per_second.show(1000.0, 1),
                show(row.p50_ns, NS_PER_US, 0),
                show(row.p99_ns, NS_PER_US, 0),
                format!("{:.0}", row.peak_rss_mib.median),
                row.notes(),
            ]);
        }
        table
    }

    fn goal_table(&self) -> Table {
        let mut table = table(["goal", "measured", "wanted", ""], 1..3);
        for row in &self.goals {
            let digits = if row.unit == "records/s" { 0 } else { 2 };
            // A third has no end.
            let round = |bound: f64| (bound * 1000.0).round() / 1000.0;
            let wanted = match row.bound {
                Bound::AtLeast(bound) => format!(">= {} {}", round(bound), row.unit),
                Bound::AtMost(bound) => format!("<= {} {}", round(bound), row.unit),
            };
            let measured = row.value.map_or_else(
                || "not measured".to_owned(),
                |value| format!("{} {}", value.show(1.0, digits), row.unit),
            );
            let met = match row.met {
                Some(true) => "met",
                Some(false) => "MISSED",
                None => "",
            };
            table.add_row([row.text.clone(), measured, wanted, met.to_owned()]);
        }
        table
    }

    pub(crate) fn json(&self) -> Result<String, Failure> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// Fails if this client did: what others cannot do is only told.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self.ours_failed {
            true => Err("measurements of this client failed".into()),
            false => Ok(()),
        }
    }
}

impl CaseRow {
    fn of(measure: &str, case: &Case, rounds: &[Round<'_>]) -> Option<Self> {
        let name = case.name.as_str();
        let ours = |round: &Round<'_>| Some(round.get(name, Peer::Ours)?.cpu_ns_per_record());
        let measured: Vec<&Measurement> = rounds
            .iter()
            .filter_map(|round| round.get(name, case.peer))
            .collect();
        let ratios = rounds.iter().filter_map(|round| {
            Some(round.get(name, case.peer)?.cpu_ns_per_record() / ours(round)?)
        });
        let spread = |of: fn(&Measurement) -> f64| Spread::of(measured.iter().map(|one| of(one)));
        let optional = |of: fn(&Measurement) -> Option<f64>| {
            Spread::of(measured.iter().filter_map(|one| of(one)))
        };
        Some(Self {
            measure: measure.to_owned(),
            case: case.name.clone(),
            client: case.peer,
            cpu_ns_per_record: spread(Measurement::cpu_ns_per_record)?,
            cpu_ratio: Spread::of(ratios).filter(|_| case.peer != Peer::Ours),
            records_per_second: spread(Measurement::records_per_second)?,
            peak_rss_mib: spread(Measurement::peak_rss_mib)?,
            p50_ns: optional(|one| Some(one.latency?.p50_ns as f64)),
            p99_ns: optional(|one| Some(one.latency?.p99_ns as f64)),
            again_p50_ns: optional(|one| Some(one.again?.p50_ns as f64)),
            batch_records: optional(|one| one.batch_records),
            codec_ns_per_record: optional(|one| one.codec_ns_per_record),
            allocations_per_record: optional(|one| {
                Some(one.allocations? as f64 / one.records as f64)
            }),
            fetched_ratio: optional(Measurement::fetched_ratio),
            grown_mib: optional(Measurement::grown_mib),
            rounds: measured.into_iter().cloned().collect(),
        })
    }

    fn notes(&self) -> String {
        let mut notes = Vec::new();
        if let (Some(batch), Some(codec)) = (self.batch_records, self.codec_ns_per_record) {
            notes.push(format!(
                "codec {} ns, {:.0} records a batch",
                codec.show(1.0, 0),
                batch.median
            ));
        }
        if let Some(again) = self.again_p50_ns {
            notes.push(format!("second send p50 {} us", again.show(NS_PER_US, 0)));
        }
        if let Some(allocations) = self.allocations_per_record {
            notes.push(format!("{} allocations a record", allocations.show(1.0, 3)));
        }
        if let Some(ratio) = self.fetched_ratio {
            notes.push(format!("fetched {} times the log", ratio.show(1.0, 3)));
        }
        if let Some(grown) = self.grown_mib {
            notes.push(format!("grew by {} MiB", grown.show(1.0, 0)));
        }
        notes.join("; ")
    }
}

fn table<const N: usize>(header: [&str; N], right: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(header);
    for index in right {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

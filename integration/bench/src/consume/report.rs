//! Medians and ranges, as a table and as JSON.

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::{Api, Settings};
use crate::Failure;
use crate::stats::Spread;
use crate::usage::Measurement;

/// What the ratios refer to.
const REFERENCE: Api = Api::Recv;

/// The measurements of all rounds.
pub(crate) struct Report(Vec<Row>);

#[derive(Serialize)]
struct Row {
    client: &'static str,
    api: Api,
    /// In the order of the rounds.
    rounds: Vec<Measurement>,
}

/// What the table shows of a row.
#[derive(Serialize)]
struct Summary {
    client: &'static str,
    api: Api,
    cpu_ns_per_record: Spread,
    user_ns_per_record: Spread,
    /// CPU per record, divided by that of `reference` in the same round.
    cpu_ratio: Option<Spread>,
    reference: Api,
    records_per_second: Spread,
    peak_rss_mib: Spread,
}

impl Report {
    pub(crate) fn new(apis: &[Api]) -> Self {
        let row = |api: &Api| Row {
            client: api.client(),
            api: *api,
            rounds: Vec::new(),
        };
        Self(apis.iter().map(row).collect())
    }

    /// Takes a measurement of the next round.
    pub(crate) fn add(&mut self, api: Api, measurement: Measurement) {
        let row = self.0.iter_mut().find(|row| row.api == api);
        if let Some(row) = row {
            row.rounds.push(measurement);
        }
    }

    pub(crate) fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        table.set_header([
            "client",
            "api",
            "CPU ns/record",
            "of it user",
            "ratio",
            "1000 records/s",
            "peak RSS MiB",
        ]);
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        for summary in self.summaries() {
            table.add_row([
                summary.client.to_owned(),
                summary.api.to_string(),
                summary.cpu_ns_per_record.show(1.0, 0),
                format!("{:.0}", summary.user_ns_per_record.median),
                summary
                    .cpu_ratio
                    .map_or_else(String::new, |ratio| ratio.show(1.0, 2)),
                summary.records_per_second.show(1e3, 0),
                summary.peak_rss_mib.show(1.0, 0),
            ]);
        }
        table
    }

    pub(crate) fn json(&self, settings: &Settings) -> Result<String, Failure> {
        let value = serde_json::json!({
            "settings": settings,
            "summary": self.summaries(),
            "measurements": self.0,
        });
        Ok(serde_json::to_string_pretty(&value)?)
    }

    fn summaries(&self) -> Vec<Summary> {
        let reference = self.0.iter().find(|row| row.api == REFERENCE);
        let summary = |row: &Row| {
            let spread = |of: fn(&Measurement) -> f64| Spread::of(row.rounds.iter().map(of));
            let ratio = reference.and_then(|other| {
                let rounds = row.rounds.iter().zip(&other.rounds);
                Spread::of(
                    rounds.map(|(row, other)| row.cpu_ns_per_record() / other.cpu_ns_per_record()),
                )
            });
            Some(Summary {
                client: row.client,
                api: row.api,
                cpu_ns_per_record: spread(Measurement::cpu_ns_per_record)?,
                user_ns_per_record: spread(Measurement::user_ns_per_record)?,
                cpu_ratio: ratio,
                reference: REFERENCE,
                records_per_second: spread(Measurement::records_per_second)?,
                peak_rss_mib: spread(Measurement::peak_rss_mib)?,
            })
        };
        self.0.iter().filter_map(summary).collect()
    }
}

//! Medians and ranges, as a table and as JSON.

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::api::Api;
use crate::usage::Measurement;
use crate::{Failure, Settings};

/// The measurements of all rounds.
pub(crate) struct Report(Vec<Row>);

#[derive(Serialize)]
struct Row {
    client: &'static str,
    api: Api,
    /// In the order of the rounds.
    rounds: Vec<Measurement>,
}

/// A median between its extremes.
#[derive(Clone, Copy, Serialize)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
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
                summary.records_per_second.show(1e-3, 0),
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
        let summary = |row: &Row| {
            let spread = |of: fn(&Measurement) -> f64| Spread::of(row.rounds.iter().map(of));
            let reference = row.api.reference();
            let ratio = self.0.iter().find(|row| row.api == reference).map(|other| {
                let rounds = row.rounds.iter().zip(&other.rounds);
                Spread::of(
                    rounds.map(|(row, other)| row.cpu_ns_per_record() / other.cpu_ns_per_record()),
                )
            });
            Summary {
                client: row.client,
                api: row.api,
                cpu_ns_per_record: spread(Measurement::cpu_ns_per_record),
                user_ns_per_record: spread(Measurement::user_ns_per_record),
                cpu_ratio: ratio,
                reference,
                records_per_second: spread(Measurement::records_per_second),
                peak_rss_mib: spread(Measurement::peak_rss_mib),
            }
        };
        self.0.iter().map(summary).collect()
    }
}

impl Spread {
    /// Of at least one value.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let last = values.len().saturating_sub(1);
        Self {
            median: (at(last / 2) + at(last.div_ceil(2))) / 2.0,
            min: at(0),
            max: at(last),
        }
    }

    fn show(self, unit: f64, digits: usize) -> String {
        let [median, min, max] = [self.median, self.min, self.max].map(|value| value * unit);
        format!("{median:.digits$} ({min:.digits$}-{max:.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let spread = Spread::of([4.0, 1.0, 2.0, 100.0].into_iter());
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 3.0, 100.0));
        assert_eq!(Spread::of([7.0].into_iter()).show(1.0, 0), "7 (7-7)");
    }
}

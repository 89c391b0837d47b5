//! The tables at the end.

use std::collections::BTreeMap;

use comfy_table::{Cell, CellAlignment, Table, presets};
use indicatif::HumanCount;
use jiff::Timestamp;

use super::group::Arrival;
use super::offsets::Offsets;
use crate::quake::Earthquake;

/// What each partition held and who read it.
#[must_use]
pub fn partitions(arrivals: &[Arrival], offsets: &[Offsets]) -> Table {
    let mut table = table(&[
        "partition",
        "records",
        "bytes",
        "read by",
        "committed",
        "first event",
        "last event",
    ]);
    for offsets in offsets {
        let here = || {
            arrivals
                .iter()
                .filter(|it| it.partition == offsets.partition)
        };
        let committed = offsets.committed.map(|offset| HumanCount(offset as u64));
        table.add_row([
            number(offsets.partition),
            count(here().count()),
            count(here().map(|arrival| arrival.bytes).sum()),
            Cell::new(readers(here())),
            number(or_none(committed)),
            Cell::new(moment(
                here().filter_map(|arrival| arrival.timestamp_ms).min(),
            )),
            Cell::new(moment(
                here().filter_map(|arrival| arrival.timestamp_ms).max(),
            )),
        ]);
    }
    let bytes = arrivals.iter().map(|arrival| arrival.bytes).sum();
    table.add_row([
        Cell::new("all"),
        count(arrivals.len()),
        count(bytes),
        Cell::new(readers(arrivals.iter())),
    ]);
    table
}

/// The strongest earthquake of each network.
#[must_use]
pub fn strongest(arrivals: &[Arrival]) -> Table {
    let mut networks: BTreeMap<&str, Vec<&Earthquake>> = BTreeMap::new();
    for Arrival { quake, .. } in arrivals {
        networks.entry(&quake.network).or_default().push(quake);
    }
    let mut table = table(&["network", "events", "strongest", "place", "time (UTC)"]);
    for (network, quakes) in networks {
        let by_magnitude =
            |one: &&&Earthquake, other: &&&Earthquake| one.magnitude.total_cmp(&other.magnitude);
        let Some(strongest) = quakes.iter().max_by(by_magnitude) else {
            continue;
        };
        let Earthquake {
            magnitude,
            magnitude_type,
            place,
            time,
            ..
        } = strongest;
        table.add_row([
            Cell::new(network),
            count(quakes.len()),
            number(format!("{magnitude:.1} {magnitude_type}")),
            Cell::new(place),
            Cell::new(moment(Some(*time))),
        ]);
    }
    table
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(header);
    table
}

fn count(count: usize) -> Cell {
    number(HumanCount(count as u64))
}

fn number(number: impl ToString) -> Cell {
    Cell::new(number).set_alignment(CellAlignment::Right)
}

/// How many each member read.
fn readers<'a>(arrivals: impl Iterator<Item = &'a Arrival>) -> String {
    let mut members: BTreeMap<_, u64> = BTreeMap::new();
    for arrival in arrivals {
        *members.entry(arrival.member).or_default() += 1;
    }
    let members: Vec<_> = members
        .into_iter()
        .map(|(member, records)| format!("{member} {}", HumanCount(records)))
        .collect();
    or_none((!members.is_empty()).then(|| members.join(", ")))
}

fn or_none(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.to_string())
}

/// A time of the record, or of the earthquake: milliseconds since the Unix epoch.
fn moment(ms: Option<i64>) -> String {
    or_none(ms.map(|ms| match Timestamp::from_millisecond(ms) {
        Ok(moment) => moment.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        // Beyond the year 9999, which a file may well say.
        Err(_) => ms.to_string(),
    }))
}

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
        let mut members: BTreeMap<_, usize> = BTreeMap::new();
        for arrival in here() {
            *members.entry(arrival.member).or_default() += 1;
        }
        let members: Vec<_> = members
            .iter()
            .map(|(member, records)| format!("{member} {records}"))
            .collect();
        let committed = offsets.committed.map(|offset| HumanCount(offset as u64));
        table.add_row([
            number(offsets.partition),
            count(here().count()),
            count(here().map(|arrival| arrival.bytes).sum()),
            Cell::new(or_none(members.join(", "))),
            number(committed.map_or_else(|| NONE.to_owned(), |offset| offset.to_string())),
            Cell::new(moment(
                here().filter_map(|arrival| arrival.timestamp_ms).min(),
            )),
            Cell::new(moment(
                here().filter_map(|arrival| arrival.timestamp_ms).max(),
            )),
        ]);
    }
    let bytes = arrivals.iter().map(|arrival| arrival.bytes).sum();
    table.add_row([Cell::new("all"), count(arrivals.len()), count(bytes)]);
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

const NONE: &str = "-";

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

fn or_none(text: String) -> String {
    if text.is_empty() {
        NONE.to_owned()
    } else {
        text
    }
}

/// A time of the record, or of the earthquake: milliseconds since the Unix epoch.
fn moment(ms: Option<i64>) -> String {
    match ms.map(Timestamp::from_millisecond) {
        Some(Ok(moment)) => moment.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        // Beyond the year 9999, which a file may well say.
        Some(Err(_)) => ms.unwrap_or_default().to_string(),
        None => NONE.to_owned(),
    }
}

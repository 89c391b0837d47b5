//! The log as a whole, in memory and on disk.

mod disk;
mod reading;
mod segments;

use std::fs;
use std::path::Path;

use bytes::Bytes;
use kafka_client_protocol::records::{Batch, BatchHeader, Batches, RecordError};

use super::batch::testing::RawBatch;
use super::load::segment_bases;
use super::*;
use crate::fs::FileSystem;
use crate::fs::crashing::Crashing;

const NOW: i64 = 1_700_000_000_000;

fn dir_place(path: &Path) -> Place {
    Place::Dir {
        path: path.to_owned(),
        disk: Disk::real(),
        budget: HandleBudget::new(8),
    }
}

fn small_segments() -> LogConfig {
    LogConfig {
        segment_bytes: 20_000,
        ..LogConfig::default()
    }
}

fn open(place: Place, opening: Opening) -> Log {
    Log::open(place, small_segments(), opening, 0, NOW).unwrap()
}

fn append(log: &mut Log, raw: RawBatch) -> Result<Appended, AppendError> {
    let batch = raw.build();
    let head = BatchHeader::parse(&batch).unwrap();
    log.append(&batch, &head, 0, NOW)
}

/// Forces what is awaited to the disk.
fn force(log: &mut Log) -> io::Result<()> {
    if let Some(unsynced) = log.unsynced_awaited()? {
        unsynced.sync()?;
        log.synced(&unsynced);
    }
    Ok(())
}

/// Batches of 1 to 3 records and changing sizes, timestamps ascending by 10 per batch.
fn fill(log: &mut Log, batches: i32) {
    for n in 0..batches {
        let raw = RawBatch {
            records: 1 + n % 3,
            filler_bytes: 50 + (n as usize * 37) % 900,
            max_timestamp: 1_000 + i64::from(n) * 10,
            ..RawBatch::default()
        };
        append(log, raw).unwrap();
    }
}

fn locate(log: &mut Log, offset: i64) -> Spot {
    let mut from = None;
    loop {
        match log.search(offset, from).unwrap() {
            Search::Found(spot) => return spot,
            Search::Look(look) => match look.run(&Reads::Waiting).unwrap() {
                Seen::Here(spot) => return spot,
                Seen::Beyond(spot) => {
                    assert_ne!(Some(spot), from, "a search must make progress");
                    from = Some(spot);
                }
            },
        }
    }
}

fn read_below(
    log: &mut Log,
    upper_offset: i64,
    offset: i64,
    max_bytes: usize,
    at_least_one: bool,
) -> Bytes {
    let spot = locate(log, offset);
    let mut request = ReadRequest {
        offset,
        upper_offset,
        max_bytes,
        at_least_one,
        first_bytes: 0,
        may_stay: false,
    };
    loop {
        let plan = log.plan_read(spot, request).unwrap().unwrap();
        match plan.run(&Reads::Waiting).unwrap() {
            ReadOutcome::Batches { bytes, end } => {
                if let Some(end) = end {
                    log.remember(end);
                }
                return bytes;
            }
            ReadOutcome::Larger { bytes } => {
                assert!(bytes > request.first_bytes, "a plan must make progress");
                request.first_bytes = bytes;
            }
            ReadOutcome::InFile(_) => panic!("nothing may stay in its file"),
        }
    }
}

fn read(log: &mut Log, offset: i64, max_bytes: usize, at_least_one: bool) -> Bytes {
    let upper_offset = log.end_offset();
    read_below(log, upper_offset, offset, max_bytes, at_least_one)
}

/// The heads of the whole batches.
fn heads(bytes: &Bytes) -> Vec<BatchHeader> {
    let head = |batch: Result<Batch, RecordError>| {
        let batch = batch.unwrap();
        batch.verify_crc().unwrap();
        *batch.header()
    };
    Batches::new(bytes.clone()).map(head).collect()
}

fn read_all(log: &mut Log) -> Vec<BatchHeader> {
    let mut all = Vec::new();
    let mut offset = log.start_offset();
    while offset < log.end_offset() {
        let found = heads(&read(log, offset, 3_000, true));
        offset = found.last().expect("progress").last_offset() + 1;
        all.extend(found);
    }
    all
}

fn both(test: impl Fn(Log)) {
    test(open(Place::Memory, Opening::Clean));
    let dir = tempfile::tempdir().unwrap();
    test(open(dir_place(dir.path()), Opening::Clean));
}

//! The log as a whole, in memory and on disk.

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
            Search::Look(look) => match look.run().unwrap() {
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
    };
    loop {
        let plan = log.plan_read(spot, request).unwrap().unwrap();
        match plan.run().unwrap() {
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

#[test]
fn offsets_are_dense_and_every_offset_is_found() {
    both(|mut log| {
        fill(&mut log, 300);
        assert_eq!(log.end_offset(), 600);
        let all = read_all(&mut log);
        assert_eq!(all.len(), 300);
        let mut next = 0;
        for head in &all {
            assert_eq!(head.base_offset, next);
            next = head.last_offset() + 1;
        }
        for offset in 0..600 {
            let first = heads(&read(&mut log, offset, 1, true))[0];
            assert!(
                (first.base_offset..=first.last_offset()).contains(&offset),
                "{offset}"
            );
        }
        assert!(read(&mut log, 600, 1_000, true).is_empty());
    });
}

#[test]
fn a_read_ends_where_its_limit_falls_and_only_its_first_batch_is_whole() {
    both(|mut log| {
        fill(&mut log, 100);
        let segment_bytes = log.segments[0].len() as usize;
        for max_bytes in [0, 60, 61, 111, 500, 5_000, 30_000] {
            for offset in [0, 1, 3, 7] {
                let spot = locate(&mut log, offset);
                let whole = read(&mut log, offset, 1 << 20, true);
                let first = heads(&whole)[0].total_len();
                let expected = match max_bytes.min(whole.len()) {
                    // Nobody could use a piece of it.
                    bytes if bytes < first => 0,
                    bytes => bytes,
                };
                let bytes = read(&mut log, offset, max_bytes, false);
                assert_eq!(bytes, whole[..expected], "{offset}, {max_bytes}, {spot:?}");
                let bytes = read(&mut log, offset, max_bytes, true);
                assert_eq!(bytes, whole[..expected.max(first)]);
                assert!(bytes.len() <= segment_bytes);
            }
        }
    });
}

#[test]
fn a_batch_larger_than_a_segment_is_stored_and_read() {
    both(|mut log| {
        fill(&mut log, 3);
        let large = RawBatch {
            filler_bytes: 300_000,
            ..RawBatch::default()
        };
        let at = append(&mut log, large).unwrap().base_offset;
        fill(&mut log, 3);
        assert_eq!(
            read(&mut log, at, 100, true).len(),
            300_000 + BatchHeader::LEN
        );
        assert_eq!(read_all(&mut log).len(), 7);
    });
}

#[test]
fn nothing_at_or_above_the_upper_offset_is_read() {
    both(|mut log| {
        fill(&mut log, 30);
        let whole = read(&mut log, 0, 1 << 20, true);
        let below = heads(&whole);
        let below = below.iter().filter(|head| head.base_offset < 6);
        let size: usize = below.map(BatchHeader::total_len).sum();
        // Wherever the bytes end: within the batch after it too.
        for max_bytes in size - 3..size + 100 {
            let bytes = read_below(&mut log, 6, 0, max_bytes, true);
            assert_eq!(bytes, whole.slice(..size.min(max_bytes)), "{max_bytes}");
        }
    });
}

#[test]
fn what_is_there_is_known_without_reading_it() {
    both(|mut log| {
        fill(&mut log, 60);
        let active = log.segments.last().unwrap();
        let (base, length) = (active.base_offset(), active.len());
        let end = log.end_offset();
        let spot = locate(&mut log, end);
        assert_eq!(log.available(end, spot), Some(0));
        let first = locate(&mut log, base);
        assert_eq!(log.available(base, first), Some(length));
        let older = locate(&mut log, 0);
        assert_eq!(log.available(0, older), None, "in an older segment");
        let size = RawBatch::default().build().len() as u64;
        append(&mut log, RawBatch::default()).unwrap();
        assert_eq!(log.available(end, spot), Some(size));
        // The spot at the end of a segment leads into the next one.
        fill(&mut log, 100);
        assert_eq!(log.available(end, spot), None);
        let end = log.segments[0].next_offset();
        let last = heads(&read(&mut log, end - 1, 1 << 20, true));
        assert_eq!(last.last().unwrap().last_offset(), end - 1);
        assert_eq!(
            heads(&read(&mut log, end, 1 << 20, true))[0].base_offset,
            end
        );
    });
}

#[test]
fn a_clean_reopen_finds_everything_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir_place(dir.path()), Opening::Clean);
    fill(&mut log, 200);
    let before = read_all(&mut log);
    log.close().unwrap();
    let mut log = open(dir_place(dir.path()), Opening::Clean);
    assert_eq!(read_all(&mut log), before);
    assert_eq!(log.recovery_point(), log.end_offset());
    fill(&mut log, 200);
    assert_eq!(read_all(&mut log).len(), 400);
    for offset in (0..log.end_offset()).step_by(7) {
        let first = heads(&read(&mut log, offset, 1, true))[0];
        assert!(
            (first.base_offset..=first.last_offset()).contains(&offset),
            "{offset}"
        );
    }
}

#[test]
fn an_unclean_reopen_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir_place(dir.path()), Opening::Clean);
    fill(&mut log, 200);
    let before = read_all(&mut log);
    drop(log);
    let mut log = open(
        dir_place(dir.path()),
        Opening::Unclean { recovery_point: 0 },
    );
    assert_eq!(read_all(&mut log), before);
}

#[test]
fn a_log_torn_at_any_byte_of_its_last_batch_keeps_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir_place(dir.path()), Opening::Clean);
    fill(&mut log, 5);
    let whole = log.size();
    let last = RawBatch {
        records: 2,
        producer: (7, 0, 0),
        ..RawBatch::default()
    };
    append(&mut log, last).unwrap();
    let end = log.size();
    drop(log);
    let file = dir.path().join("00000000000000000000.log");
    let bytes = fs::read(&file).unwrap();
    for cut in whole..end {
        fs::write(&file, &bytes[..cut as usize]).unwrap();
        let mut log = open(
            dir_place(dir.path()),
            Opening::Unclean { recovery_point: 0 },
        );
        assert_eq!(log.size(), whole, "cut at {cut}");
        assert_eq!(log.end_offset(), 9);
        // The producer's torn batch is not remembered: sent again, it is appended.
        let again = append(&mut log, last).unwrap();
        assert_eq!((again.base_offset, again.duplicate), (9, false));
        assert_eq!(read_all(&mut log).len(), 6);
    }
}

#[test]
fn a_damaged_byte_cuts_the_log_there_and_drops_later_segments() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir_place(dir.path()), Opening::Clean);
    fill(&mut log, 200);
    let first_segment_end = log.segments[1].base_offset();
    assert!(log.segments.len() > 3);
    drop(log);
    let file = dir.path().join("00000000000000000000.log");
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let mut log = open(
        dir_place(dir.path()),
        Opening::Unclean { recovery_point: 0 },
    );
    assert!(log.end_offset() < first_segment_end);
    assert_eq!(log.segments.len(), 1);
    assert_eq!(segment_bases(&Disk::real(), dir.path()).unwrap(), [0]);
    fill(&mut log, 10);
    read_all(&mut log);
}

#[test]
fn missing_or_damaged_index_files_are_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir_place(dir.path()), Opening::Clean);
    fill(&mut log, 200);
    let before = read_all(&mut log);
    log.close().unwrap();
    let good = fs::read(dir.path().join("00000000000000000000.index")).unwrap();
    assert!(!good.is_empty());
    fs::remove_file(dir.path().join("00000000000000000000.index")).unwrap();
    let last = log.segments.last().unwrap().base_offset();
    fs::write(dir.path().join(format!("{last:020}.timeindex")), b"damaged").unwrap();
    let mut log = open(dir_place(dir.path()), Opening::Clean);
    assert_eq!(read_all(&mut log), before);
    assert_eq!(
        fs::read(dir.path().join("00000000000000000000.index")).unwrap(),
        good
    );
}

#[test]
fn producers_are_known_again_after_a_reopen() {
    for clean in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let mut log = open(dir_place(dir.path()), Opening::Clean);
        // The producer's batches, then others until they are several segments away.
        for n in 0..6 {
            append(
                &mut log,
                RawBatch {
                    producer: (7, 2, n),
                    ..RawBatch::default()
                },
            )
            .unwrap();
        }
        fill(&mut log, if clean { 200 } else { 10 });
        let end = log.end_offset();
        let opening = if clean {
            log.close().unwrap();
            Opening::Clean
        } else {
            drop(log);
            Opening::Unclean { recovery_point: 0 }
        };
        let mut log = open(dir_place(dir.path()), opening);
        let again = append(
            &mut log,
            RawBatch {
                producer: (7, 2, 5),
                ..RawBatch::default()
            },
        );
        let again = again.unwrap();
        assert_eq!((again.base_offset, again.duplicate), (5, true));
        if !clean {
            // Still in the last two segments: all five are known.
            let again = append(
                &mut log,
                RawBatch {
                    producer: (7, 2, 1),
                    ..RawBatch::default()
                },
            );
            assert!(again.unwrap().duplicate);
        }
        let gap = append(
            &mut log,
            RawBatch {
                producer: (7, 2, 9),
                ..RawBatch::default()
            },
        );
        assert!(matches!(
            gap,
            Err(AppendError::Sequence(SequenceError::OutOfOrder { .. }))
        ));
        let next = append(
            &mut log,
            RawBatch {
                producer: (7, 2, 6),
                ..RawBatch::default()
            },
        );
        assert_eq!(next.unwrap().base_offset, end);
    }
}

#[test]
fn times_are_found_across_segments() {
    both(|mut log| {
        fill(&mut log, 300);
        for n in [0, 1, 17, 150, 299] {
            let time = 1_000 + i64::from(n) * 10;
            for wanted in [time, time - 9] {
                let (head, bytes) = log.batch_at_time(wanted).unwrap().unwrap();
                assert_eq!(head.max_timestamp, time);
                assert_eq!(bytes.len(), head.total_len());
            }
        }
        assert!(log.batch_at_time(1_000 + 2_991).unwrap().is_none());
        assert_eq!(
            log.batch_of_max_time().unwrap().unwrap().0.max_timestamp,
            3_990
        );
    });
}

#[test]
fn leader_epochs_are_kept_over_a_reopen() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir_place(dir.path()), Opening::Clean);
    let batch = RawBatch::default().build();
    let head = BatchHeader::parse(&batch).unwrap();
    for epoch in [0, 0, 4, 4, 4] {
        log.append(&batch, &head, epoch, NOW).unwrap();
    }
    log.close().unwrap();
    fs::remove_file(dir.path().join(EPOCHS_FILE)).unwrap();
    let mut log = open(dir_place(dir.path()), Opening::Clean);
    assert_eq!(log.end_of_epoch(0), Some((0, 2)));
    assert_eq!(log.epoch_of(3), Some(4));
    assert_eq!(log.latest_epoch(), Some(4));
    assert_eq!(
        heads(&read(&mut log, 2, 1, true))[0].partition_leader_epoch,
        4
    );
}

#[test]
fn a_flush_interval_moves_the_recovery_point() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        flush_messages: 5,
        ..small_segments()
    };
    let mut log = Log::open(dir_place(dir.path()), config, Opening::Clean, 0, NOW).unwrap();
    for expected in [0, 0, 0, 0, 5, 5] {
        append(&mut log, RawBatch::default()).unwrap();
        assert_eq!(log.recovery_point(), expected);
    }
}

#[test]
fn closed_segments_move_the_recovery_point_and_are_not_checked_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir_place(dir.path()), Opening::Clean);
    assert!(log.unsynced().unwrap().is_none());
    fill(&mut log, 200);
    let unsynced = log.unsynced().unwrap().unwrap();
    let offset = unsynced.offset;
    assert_eq!(unsynced.segments.len(), log.segments.len() - 1);
    assert_eq!(offset, log.segments.last().unwrap().base_offset());
    unsynced.sync().unwrap();
    log.synced_to(offset);
    assert_eq!(log.recovery_point(), offset);
    assert!(log.unsynced().unwrap().is_none());
    let end = log.end_offset();
    drop(log);
    // Damage below the recovery point is none that a crash has made: nothing may be cut for it.
    let file = dir.path().join("00000000000000000000.log");
    let mut bytes = fs::read(&file).unwrap();
    bytes[100] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let opening = Opening::Unclean {
        recovery_point: offset,
    };
    let log = open(dir_place(dir.path()), opening);
    assert_eq!(log.end_offset(), end);
}

fn with_damage(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 1;
    fs::write(file, bytes).unwrap();
}

#[test]
fn damage_below_the_recovery_point_costs_its_own_segment_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir_place(dir.path()), Opening::Clean);
    fill(&mut log, 200);
    log.flush().unwrap();
    let (end, bases) = (log.end_offset(), segment_bases(&Disk::real(), dir.path()));
    let second = log.segments[1].base_offset();
    let after = log.segments[2].base_offset();
    drop(log);
    let file = dir.path().join(format!("{second:020}.log"));
    with_damage(&file, 3300);
    fs::remove_file(file.with_extension("index")).unwrap();
    let before = fs::read(&file).unwrap();
    let opening = Opening::Unclean {
        recovery_point: end,
    };
    let mut log = open(dir_place(dir.path()), opening);
    assert_eq!(log.end_offset(), end);
    assert_eq!(
        segment_bases(&Disk::real(), dir.path()).unwrap(),
        bases.unwrap()
    );
    assert_eq!(fs::read(&file).unwrap(), before, "it is left as it is");
    // Whoever reads up to the damage goes on behind it.
    let cut = log.segments[1].next_offset();
    assert!(second < cut && cut < after);
    let next = BatchHeader::parse(&read(&mut log, cut, 1000, true)).unwrap();
    assert_eq!(next.base_offset, after);
    fill(&mut log, 1);
}

#[test]
fn damage_below_the_recovery_point_of_the_last_segment_ends_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir_place(dir.path()), Opening::Clean);
    fill(&mut log, 10);
    log.flush().unwrap();
    let end = log.end_offset();
    drop(log);
    let file = dir.path().join("00000000000000000000.log");
    with_damage(&file, 100);
    let before = fs::read(&file).unwrap();
    let opening = Opening::Unclean {
        recovery_point: end,
    };
    let opened = Log::open(dir_place(dir.path()), small_segments(), opening, 0, NOW);
    let error = opened.unwrap_err().to_string();
    assert!(error.contains("damaged at position 0"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), before, "nothing is cut");
}

/// A log on a file system that forgets, with what it has promised.
fn forgetting(seed: u64, flush_messages: i64) -> (Crashing, Disk, Log) {
    let files = Crashing::new(seed);
    let disk = Disk::new(files.clone());
    disk.create_dir_all(Path::new("/data")).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    let place = Place::Dir {
        path: "/data/orders-0".into(),
        disk: disk.clone(),
        budget: HandleBudget::new(8),
    };
    let config = LogConfig {
        flush_messages,
        ..small_segments()
    };
    let log = Log::open(place, config, Opening::Clean, 0, NOW).unwrap();
    (files, disk, log)
}

#[test]
fn index_files_are_on_the_disk_before_they_are_trusted() {
    for seed in 0..50 {
        let (files, _, mut log) = forgetting(seed, i64::MAX);
        fill(&mut log, 200);
        let unsynced = log.unsynced().unwrap().unwrap();
        unsynced.sync().unwrap();
        let closed = &log.segments[..log.segments.len() - 1];
        let paths: Vec<_> = closed
            .iter()
            .flat_map(|segment| {
                let path = format!("/data/orders-0/{:020}", segment.base_offset());
                ["index", "timeindex"].map(|extension| format!("{path}.{extension}"))
            })
            .collect();
        let content = |path: &String| files.read(Path::new(path)).unwrap();
        let before: Vec<_> = paths.iter().map(content).collect();
        assert!(before.iter().all(|content| !content.is_empty()));
        files.restart();
        assert_eq!(
            paths.iter().map(content).collect::<Vec<_>>(),
            before,
            "{seed}"
        );
    }
}

#[test]
fn after_a_failed_fsync_nothing_is_acknowledged_any_more() {
    let (files, disk, mut log) = forgetting(1, 1);
    let raw = |sequence| RawBatch {
        producer: (7, 0, sequence),
        ..RawBatch::default()
    };
    append(&mut log, raw(0)).unwrap();
    files.fail_next_sync();
    assert!(append(&mut log, raw(1)).is_err());
    // Neither as a duplicate, nor as a new one, nor by a second try that the disk would let pass.
    for sequence in [1, 2] {
        let error = append(&mut log, raw(sequence)).unwrap_err();
        assert!(matches!(error, AppendError::Storage(_)), "{error:?}");
    }
    assert!(log.flush().is_err() && log.close().is_err());
    let failure = disk.failure().unwrap();
    assert!(failure.contains("input/output error"), "{failure}");
    assert!(failure.contains("/data/orders-0/"), "{failure}");
}

#[test]
fn what_did_not_change_is_neither_written_nor_forced_again() {
    let (files, disk, mut log) = forgetting(1, 1);
    fill(&mut log, 100);
    assert!(log.segments.len() > 2);
    // The batch, and its way to the disk.
    files.die_after(2);
    append(&mut log, RawBatch::default()).unwrap();
    assert!(files.is_dead());
    files.restart();
    let reopened = |opening| {
        let place = Place::Dir {
            path: "/data/orders-0".into(),
            disk: Disk::new(files.clone()),
            budget: HandleBudget::new(8),
        };
        Log::open(place, small_segments(), opening, 0, NOW).unwrap()
    };
    drop((log, disk));
    let opening = Opening::Unclean { recovery_point: 0 };
    reopened(opening).close().unwrap();
    let mut log = reopened(Opening::Clean);
    files.die_after(0);
    log.close().unwrap();
}

/// The base offsets of the segments after appends at these times.
fn bases_after(config: LogConfig, batches: &[(i64, i64)]) -> Vec<i64> {
    let mut log = Log::open(Place::Memory, config, Opening::Clean, 0, NOW).unwrap();
    for (timestamp, now_ms) in batches {
        let batch = RawBatch {
            max_timestamp: *timestamp,
            ..RawBatch::default()
        };
        let batch = batch.build();
        let head = BatchHeader::parse(&batch).unwrap();
        log.append(&batch, &head, 0, *now_ms).unwrap();
    }
    log.segments.iter().map(Segment::base_offset).collect()
}

#[test]
fn a_segment_ends_by_the_times_that_its_batches_have() {
    let config = LogConfig {
        segment_ms: 1000,
        ..LogConfig::default()
    };
    // The clock has no part in it, nor has the largest time but the first.
    let at = |timestamp: i64| (timestamp, NOW);
    assert_eq!(bases_after(config, &[at(0), at(1000), at(1001)]), [0, 2]);
    assert_eq!(bases_after(config, &[at(5000), at(1), at(6000)]), [0]);
    let late = [at(5000), (5001, NOW + 1_000_000)];
    assert_eq!(bases_after(config, &late), [0]);
}

#[test]
fn a_segment_without_times_ends_by_the_clock() {
    let config = LogConfig {
        segment_ms: 1000,
        ..LogConfig::default()
    };
    let batches = [(-1, NOW), (-1, NOW + 1000), (-1, NOW + 1001)];
    assert_eq!(bases_after(config, &batches), [0, 2]);
}

#[test]
fn jitter_ends_a_segment_up_to_that_much_earlier() {
    let config = LogConfig {
        segment_ms: 1000,
        segment_jitter_ms: 400,
        ..LogConfig::default()
    };
    let log = Log::open(Place::Memory, config, Opening::Clean, 7, NOW).unwrap();
    let length_ms = log.active_ms();
    assert!((600..=1000).contains(&length_ms));
    let at = |timestamp: i64| (timestamp, NOW);
    let batches = [at(0), at(600), at(1001)];
    assert_eq!(*bases_after(config, &batches).last().unwrap(), 2);
}

#[test]
fn the_age_of_a_segment_is_known_again_after_a_reopen() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_ms: 10_000,
        ..small_segments()
    };
    let opened = |opening| Log::open(dir_place(dir.path()), config, opening, 0, NOW).unwrap();
    let mut log = opened(Opening::Clean);
    // Times from 1000 on, and more than one entry in the index.
    fill(&mut log, 30);
    assert_eq!(log.segments.len(), 1);
    log.close().unwrap();
    let mut log = opened(Opening::Clean);
    let end = log.end_offset();
    let last = RawBatch {
        max_timestamp: 11_001,
        ..RawBatch::default()
    };
    append(&mut log, last).unwrap();
    assert_eq!(log.segments.last().unwrap().base_offset(), end);
}

#[test]
fn a_log_that_lost_all_from_its_start_on_goes_on_at_its_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir_place(dir.path()), Opening::Clean);
    fill(&mut log, 20);
    let kept = log.end_offset();
    drop(log);
    // The start was stored, and the records up to it were not.
    let opening = Opening::Unclean { recovery_point: 0 };
    let reopened = |opening| {
        let place = dir_place(dir.path());
        Log::open(place, small_segments(), opening, kept + 10, NOW).unwrap()
    };
    let mut log = reopened(opening);
    let ends = (log.start_offset(), log.end_offset());
    assert_eq!(ends, (kept + 10, kept + 10));
    fill(&mut log, 1);
    log.close().unwrap();
    let mut log = reopened(Opening::Clean);
    let all = read_all(&mut log);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].base_offset, kept + 10);
    assert_eq!(log.epoch_of(kept), None);
    assert_eq!(log.epoch_of(kept + 10), Some(0));
}

/// Removes what is old, and what is left: base offsets of the segments.
fn bases_left(log: &mut Log, now_ms: i64) -> Vec<i64> {
    if let Some(removed) = log.remove_old_segments(now_ms).unwrap() {
        removed.rename().unwrap();
    }
    log.segments.iter().map(Segment::base_offset).collect()
}

/// A log with a batch of one record in each segment, at times 1000, 2000 and so on.
fn one_each(place: Place, count: i64) -> (Log, LogConfig) {
    let config = LogConfig {
        segment_bytes: 1,
        retention_ms: -1,
        ..LogConfig::default()
    };
    let mut log = Log::open(place, config, Opening::Clean, 0, NOW).unwrap();
    for n in 1..=count {
        let raw = RawBatch {
            max_timestamp: n * 1000,
            ..RawBatch::default()
        };
        append(&mut log, raw).unwrap();
    }
    (log, config)
}

#[test]
fn segments_over_retention_ms_are_removed_and_the_active_one_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    for place in [Place::Memory, dir_place(dir.path())] {
        let (mut log, config) = one_each(place, 4);
        assert_eq!(bases_left(&mut log, 1 << 50), [0, 1, 2, 3], "no limit");
        log.reconfigure(LogConfig {
            retention_ms: 500,
            ..config
        });
        assert_eq!(bases_left(&mut log, 2500), [1, 2, 3]);
        assert_eq!(bases_left(&mut log, 2501), [2, 3]);
        assert_eq!(log.start_offset(), 2);
        assert_eq!(bases_left(&mut log, 4501), [4]);
        assert_eq!((log.start_offset(), log.end_offset()), (4, 4));
        assert_eq!(bases_left(&mut log, 1 << 50), [4], "nothing is in it");
        append(&mut log, RawBatch::default()).unwrap();
        assert_eq!(read_all(&mut log)[0].base_offset, 4);
    }
}

#[test]
fn segments_over_retention_bytes_are_removed_if_enough_stays_without_them() {
    let (mut log, config) = one_each(Place::Memory, 4);
    let size = log.size() / 4;
    let mut left_of = |bytes: u64| {
        log.reconfigure(LogConfig {
            retention_bytes: bytes as i64,
            ..config
        });
        bases_left(&mut log, NOW)
    };
    assert_eq!(left_of(3 * size + 1), [0, 1, 2, 3]);
    assert_eq!(left_of(3 * size), [1, 2, 3]);
    assert_eq!(left_of(size), [3]);
    assert_eq!(left_of(0), [4]);
}

#[test]
fn a_log_that_is_only_compacted_loses_nothing_but_what_is_before_its_start() {
    let (mut log, config) = one_each(Place::Memory, 4);
    log.reconfigure(LogConfig {
        retention_ms: 0,
        retention_bytes: 0,
        deletes: false,
        ..config
    });
    assert_eq!(bases_left(&mut log, 1 << 50), [0, 1, 2, 3]);
    log.advance_start(2);
    assert_eq!(bases_left(&mut log, NOW), [2, 3]);
}

#[test]
fn a_segment_without_times_is_as_old_as_it_is_known() {
    let config = LogConfig {
        retention_ms: 1000,
        ..LogConfig::default()
    };
    let mut log = Log::open(Place::Memory, config, Opening::Clean, 0, NOW).unwrap();
    let raw = RawBatch {
        max_timestamp: -1,
        ..RawBatch::default()
    };
    append(&mut log, raw).unwrap();
    assert_eq!(bases_left(&mut log, NOW + 1000), [0]);
    assert_eq!(bases_left(&mut log, NOW + 1001), [1]);
}

#[test]
fn removed_segments_leave_files_for_a_while_and_none_after_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, config) = one_each(dir_place(dir.path()), 4);
    log.advance_start(2);
    let removed = log.remove_old_segments(NOW).unwrap().unwrap();
    let doomed = removed.rename().unwrap().unwrap();
    let names = || {
        let mut names: Vec<String> = Disk::real().names(dir.path()).unwrap();
        names.sort_unstable();
        names.retain(|name| name.starts_with('0'));
        names
    };
    let of_first = |name: &String| name.starts_with(&format!("{:020}.", 0));
    let first: Vec<_> = names().into_iter().filter(of_first).collect();
    let expected = ["index.deleted", "log.deleted", "timeindex.deleted"];
    assert_eq!(first, expected.map(|kind| format!("{:020}.{kind}", 0)));
    doomed.remove().unwrap();
    assert!(names().iter().all(|name| !name.contains("deleted")));
    log.advance_start(3);
    drop(log.remove_old_segments(NOW).unwrap().unwrap().rename());
    assert!(names().iter().any(|name| name.contains("deleted")));
    drop(log);
    let opening = Opening::Unclean { recovery_point: 0 };
    let mut log = Log::open(dir_place(dir.path()), config, opening, 3, NOW).unwrap();
    assert!(names().iter().all(|name| !name.contains("deleted")));
    assert_eq!(read_all(&mut log).len(), 1);
}

#[test]
fn reads_go_on_over_segments_that_are_removed_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    for place in [Place::Memory, dir_place(dir.path())] {
        let (mut log, _) = one_each(place, 4);
        let spot = locate(&mut log, 0);
        let request = ReadRequest {
            offset: 0,
            upper_offset: 4,
            max_bytes: 1000,
            at_least_one: true,
            first_bytes: 0,
        };
        let plan = log.plan_read(spot, request).unwrap().unwrap();
        log.advance_start(2);
        assert_eq!(bases_left(&mut log, NOW), [2, 3]);
        let ReadOutcome::Batches { bytes, end } = plan.run().unwrap() else {
            panic!("batches expected")
        };
        assert_eq!(heads(&bytes)[0].base_offset, 0);
        log.remember(end.unwrap());
        assert!(log.plan_read(spot, request).unwrap().is_none());
        assert_eq!(heads(&read(&mut log, 2, 1000, true))[0].base_offset, 2);
    }
}

#[test]
fn flush_ms_forces_a_log_that_long_after_its_first_unforced_append() {
    let config = LogConfig {
        flush_ms: 1000,
        ..small_segments()
    };
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir_place(dir.path()), config, Opening::Clean, 0, NOW).unwrap();
    assert!(!log.is_flush_due(NOW + 5000), "nothing to force");
    append(&mut log, RawBatch::default()).unwrap();
    append(&mut log, RawBatch::default()).unwrap();
    assert!(!log.is_flush_due(NOW + 999));
    assert!(log.is_flush_due(NOW + 1000));
    let unsynced = log.unsynced_whole().unwrap().unwrap();
    unsynced.sync().unwrap();
    log.synced_to(unsynced.offset);
    assert_eq!(log.recovery_point(), 2);
    assert!(!log.is_flush_due(NOW + 5000));
}

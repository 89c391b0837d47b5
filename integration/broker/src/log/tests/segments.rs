//! How segments begin and end.

use super::*;

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

/// Removes what is old, and what is left: base offsets of the segments.
pub(super) fn bases_left(log: &mut Log, now_ms: i64) -> Vec<i64> {
    if let Some(removed) = log.remove_old_segments(now_ms).unwrap() {
        removed.rename().unwrap();
    }
    log.segments.iter().map(Segment::base_offset).collect()
}

/// A log with a batch of one record in each segment, at times 1000, 2000 and so on.
pub(super) fn one_each(place: Place, count: i64) -> (Log, LogConfig) {
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

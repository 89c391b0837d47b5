//! What is on the disk, over a start and a crash.

use super::*;

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

/// The log was cut once and a later segment began at the same offset as one that was cut: after the
/// next crash the snapshot there may be that of the first.
#[test]
fn a_snapshot_that_may_be_of_an_earlier_segment_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir_place(dir.path()), Opening::Clean);
    let raw = RawBatch {
        producer: (7, 2, 0),
        ..RawBatch::default()
    };
    append(&mut log, raw).unwrap();
    fill(&mut log, 200);
    let base = log.segments[log.segments.len() - 2].base_offset();
    drop(log);
    let nobody = Producers::default().to_snapshot();
    fs::write(snapshot_path(dir.path(), base), nobody).unwrap();
    let opening = Opening::Unclean {
        recovery_point: base,
    };
    let mut log = open(dir_place(dir.path()), opening);
    let raw = RawBatch {
        producer: (7, 2, 0),
        ..RawBatch::default()
    };
    assert!(append(&mut log, raw).unwrap().duplicate);
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
        force(&mut log).unwrap();
        assert_eq!(log.recovery_point(), expected);
    }
}

#[test]
fn what_comes_while_the_disk_is_written_waits_for_the_next_time_and_is_not_seen_before() {
    let (files, _, mut log) = forgetting(1, 1);
    let mut unsynced = None;
    for (appends, high_watermark) in [(1, 0), (3, 1), (2, 4), (0, 6)] {
        for n in 0..appends {
            let appended = append(&mut log, RawBatch::default()).unwrap();
            assert!(appended.is_awaited, "{n}");
        }
        // It has begun before these came.
        if let Some(unsynced) = unsynced.take() {
            Unsynced::sync(&unsynced).unwrap();
            log.synced(&unsynced);
        }
        assert_eq!(log.high_watermark(), high_watermark);
        unsynced = log.unsynced_awaited().unwrap();
    }
    assert!(unsynced.is_none());
    assert_eq!(log.recovery_point(), 6);
    files.restart();
    let place = Place::Dir {
        path: "/data/orders-0".into(),
        disk: Disk::new(files),
        budget: HandleBudget::new(8),
    };
    let opening = Opening::Unclean { recovery_point: 0 };
    let log = Log::open(place, small_segments(), opening, 0, NOW).unwrap();
    assert_eq!(log.end_offset(), 6);
}

#[test]
fn only_the_batch_that_is_one_too_many_waits_for_the_disk() {
    let (_, _, mut log) = forgetting(1, 3);
    for (n, is_awaited) in [false, false, true].into_iter().enumerate() {
        let appended = append(&mut log, RawBatch::default()).unwrap();
        assert_eq!(appended.is_awaited, is_awaited, "{n}");
    }
    assert_eq!(log.high_watermark(), 2);
    assert!(!log.is_awaited_before(2) && log.is_awaited_before(3));
    force(&mut log).unwrap();
    assert_eq!(log.high_watermark(), 3);
    // In memory there is nothing to force.
    let config = LogConfig {
        flush_messages: 1,
        ..small_segments()
    };
    let mut log = Log::open(Place::Memory, config, Opening::Clean, 0, NOW).unwrap();
    assert!(!append(&mut log, RawBatch::default()).unwrap().is_awaited);
    assert_eq!(log.high_watermark(), 1);
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
    log.synced(&unsynced);
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

/// Each record is on the disk before the segment ends, and the index files come only then.
#[test]
fn index_files_are_forced_with_the_next_records_too() {
    for seed in 0..20 {
        let (files, _, mut log) = forgetting(seed, 1);
        while log.segments.len() < 3 {
            append(&mut log, RawBatch::default()).unwrap();
            force(&mut log).unwrap();
        }
        let path =
            |segment: &Segment| format!("/data/orders-0/{:020}.timeindex", segment.base_offset());
        let paths: Vec<_> = log.segments[..2].iter().map(path).collect();
        let content = |path: &String| files.read(Path::new(path)).unwrap();
        let before: Vec<_> = paths.iter().map(content).collect();
        assert!(before.iter().all(|content| !content.is_empty()));
        files.restart();
        let after: Vec<_> = paths.iter().map(content).collect();
        assert_eq!(after, before, "{seed}");
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
    force(&mut log).unwrap();
    files.fail_next_sync();
    append(&mut log, raw(1)).unwrap();
    assert!(force(&mut log).is_err() && force(&mut log).is_err());
    assert!(log.high_watermark() == 1 && log.check_disk().is_err());
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
    force(&mut log).unwrap();
    assert!(log.segments.len() > 2);
    // The batch, and its way to the disk.
    files.die_after(2);
    append(&mut log, RawBatch::default()).unwrap();
    force(&mut log).unwrap();
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
    log.synced(&unsynced);
    assert_eq!(log.recovery_point(), 2);
    assert!(!log.is_flush_due(NOW + 5000));
}

#[test]
fn a_sync_that_was_begun_before_a_cut_says_nothing_of_what_came_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir_place(dir.path()), Opening::Clean);
    for _ in 0..3 {
        append(&mut log, RawBatch::default()).unwrap();
    }
    let unsynced = log.unsynced_whole().unwrap().unwrap();
    unsynced.sync().unwrap();
    assert_eq!(log.truncate(1, NOW).unwrap(), 1);
    append(&mut log, RawBatch::default()).unwrap();
    log.synced(&unsynced);
    assert_eq!(log.recovery_point(), 1, "offset 1 is another record now");
}

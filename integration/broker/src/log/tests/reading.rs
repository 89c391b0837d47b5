//! Reading by offset and by time.

use super::segments::{bases_left, one_each};
use super::*;

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
            may_stay: false,
        };
        let plan = log.plan_read(spot, request).unwrap().unwrap();
        log.advance_start(2);
        assert_eq!(bases_left(&mut log, NOW), [2, 3]);
        let ReadOutcome::Batches { bytes, end } = plan.run(&Reads::Waiting).unwrap() else {
            panic!("batches expected")
        };
        assert_eq!(heads(&bytes)[0].base_offset, 0);
        log.remember(end.unwrap());
        assert!(log.plan_read(spot, request).unwrap().is_none());
        assert_eq!(heads(&read(&mut log, 2, 1000, true))[0].base_offset, 2);
    }
}

#[test]
fn much_stays_in_its_file_if_all_of_it_may_be_seen_and_its_first_batch_is_whole() {
    const MUCH: usize = 64 << 10;
    let dir = tempfile::tempdir().unwrap();
    for (place, is_file) in [(Place::Memory, false), (dir_place(dir.path()), true)] {
        let config = LogConfig::default();
        let mut log = Log::open(place, config, Opening::Clean, 0, NOW).unwrap();
        let raw = || RawBatch {
            filler_bytes: 40_000,
            ..RawBatch::default()
        };
        for _ in 0..5 {
            append(&mut log, raw()).unwrap();
        }
        let batch_bytes = raw().build().len();
        assert!((MUCH / 2..MUCH).contains(&batch_bytes));
        for (offset, upper_offset, max_bytes, stays) in [
            (0, 5, MUCH, true),
            (2, 5, usize::MAX, true),
            (0, 9, 3 * MUCH, true),
            // Little.
            (0, 5, MUCH - 1, false),
            (4, 5, usize::MAX, false),
            // Some of it may not be seen.
            (0, 4, MUCH, false),
        ] {
            let request = ReadRequest {
                offset,
                upper_offset,
                max_bytes,
                at_least_one: true,
                first_bytes: 0,
                may_stay: true,
            };
            let spot = locate(&mut log, offset);
            let plan = log.plan_read(spot, request).unwrap().unwrap();
            let outcome = plan.run(&Reads::Waiting).unwrap();
            let ReadOutcome::InFile(slice) = outcome else {
                assert!(!stays || !is_file, "{request:?}");
                continue;
            };
            assert!(stays && is_file, "{request:?}");
            let bytes = slice.read().unwrap();
            let left = (5 - offset) as usize * batch_bytes;
            assert_eq!(bytes.len(), left.min(max_bytes));
            assert_eq!(heads(&bytes)[0].base_offset, offset);
        }
    }
}

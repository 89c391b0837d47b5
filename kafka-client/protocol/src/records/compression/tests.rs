use std::io::Write;

use proptest::prelude::*;

use super::*;

const CAP: usize = 64 << 20;

fn pack(config: impl Into<CompressionConfig>, src: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::from(&b"of an earlier use"[..]);
    compress(config.into(), src, &mut out).unwrap();
    out.to_vec()
}

fn unpack(codec: Compression, src: &[u8], cap: usize) -> Result<Vec<u8>, RecordError> {
    let mut out = BytesMut::from(&b"of an earlier use"[..]);
    decompress(codec, src, cap, &mut out).map(|()| out.to_vec())
}

fn reason(codec: Compression, src: &[u8]) -> String {
    match unpack(codec, src, CAP).unwrap_err() {
        RecordError::BadCompressedData { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

/// Text that compresses about as well as small JSON records do.
fn text(len: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(len + 64);
    let mut number = 1_u32;
    while text.len() < len {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        write!(text, "{{\"id\":{number},\"name\":\"some name\"}}").unwrap();
    }
    text.truncate(len);
    text
}

/// Bytes that do not compress.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn every_size_survives_at_exactly_its_cap() {
    for codec in Compression::ALL {
        // Around the block sizes of snappy (32 KiB) and lz4 (64 KiB), and beyond all first guesses.
        for len in [
            0,
            1,
            100,
            32_767,
            32_768,
            32_769,
            65_534,
            65_535,
            65_536,
            65_537,
            1 << 20,
        ] {
            for data in [text(len), noise(len), vec![0; len]] {
                let packed = pack(codec, &data);
                assert!(
                    unpack(codec, &packed, len) == Ok(data),
                    "{codec}, {len} bytes"
                );
                if len > 0 {
                    assert_eq!(
                        unpack(codec, &packed, len - 1),
                        Err(RecordError::OutputCapExceeded {
                            codec,
                            cap: len - 1
                        })
                    );
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn bytes_survive(data: Vec<u8>, copies in 1..200_usize, level in -3..=12) {
        let data = data.repeat(copies);
        for codec in Compression::ALL {
            let config = CompressionConfig::new(codec);
            let config = config.with_level(level).unwrap_or(config);
            prop_assert!(unpack(codec, &pack(config, &data), data.len()).as_ref() == Ok(&data));
        }
    }

    #[test]
    fn no_bytes_panic(data: Vec<u8>, cap in 0..10_000_usize) {
        for codec in Compression::ALL {
            let _ = unpack(codec, &data, cap);
        }
    }

    #[test]
    fn damage_never_panics(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        end in any::<prop::sample::Index>(),
    ) {
        for codec in Compression::ALL {
            let mut packed = pack(codec, &text(500));
            for (position, byte) in &damage {
                let position = position.index(packed.len());
                packed[position] = *byte;
            }
            let _ = unpack(codec, &packed, 2000);
            let _ = unpack(codec, &packed[..end.index(packed.len())], 2000);
        }
    }
}

#[test]
fn data_cut_anywhere_is_an_error() {
    for codec in &Compression::ALL[1..] {
        let packed = pack(*codec, &text(100));
        for end in 0..packed.len() {
            // A snappy stream has no end mark: it may end after its header.
            if *codec == Compression::Snappy && end == 16 {
                continue;
            }
            let result = unpack(*codec, &packed[..end], CAP);
            assert!(
                matches!(result, Err(RecordError::BadCompressedData { .. })),
                "{codec} cut to {end} of {}: {result:?}",
                packed.len()
            );
        }
    }
}

#[test]
fn a_claimed_size_takes_no_memory() {
    let mut out = BytesMut::new();
    let cap = usize::MAX / 4;
    // Bare snappy: a length of 4 GiB - 1 and nothing else.
    let bare = [0xff, 0xff, 0xff, 0xff, 0x0f, 0];
    let error = decompress(Compression::Snappy, &bare, cap, &mut out).unwrap_err();
    assert!(error.to_string().contains("claims more data"), "{error}");
    // Zstd: a frame with a content size of 2^40 bytes and an empty last block.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xe0];
    frame.extend((1_u64 << 40).to_le_bytes());
    frame.extend([1, 0, 0]);
    let error = decompress(Compression::Zstd, &frame, cap, &mut out).unwrap_err();
    assert!(
        matches!(error, RecordError::BadCompressedData { .. }),
        "{error}"
    );
    let error = decompress(Compression::Zstd, &frame, 1 << 39, &mut out).unwrap_err();
    assert!(
        matches!(error, RecordError::OutputCapExceeded { .. }),
        "{error}"
    );
    // Lz4: blocks of 4 MiB and a content size, with one block of a byte.
    let mut frame = vec![0x68, 0x70];
    frame.extend((1_u64 << 40).to_le_bytes());
    frame.push((twox_hash::XxHash32::oneshot(0, &frame) >> 8) as u8);
    let frame = [
        &[0x04, 0x22, 0x4d, 0x18][..],
        &frame,
        &[2, 0, 0, 0, 0x10, b'x', 0, 0, 0, 0],
    ];
    decompress(Compression::Lz4, &frame.concat(), cap, &mut out).unwrap();
    assert_eq!(out, "x");
    assert!(out.capacity() < 10_000, "took {} bytes", out.capacity());
}

#[test]
fn gzip_members_follow_one_another_as_in_java() {
    let codec = Compression::Gzip;
    let two = [pack(codec, b"one, "), pack(codec, b"two")].concat();
    assert_eq!(unpack(codec, &two, 8).unwrap(), b"one, two");
    assert_eq!(
        unpack(codec, &two, 7),
        Err(RecordError::OutputCapExceeded { codec, cap: 7 })
    );
    // What is not another member is ignored.
    let trailing = [&pack(codec, b"one")[..], &[0; 30]].concat();
    assert_eq!(unpack(codec, &trailing, CAP).unwrap(), b"one");
}

#[test]
fn gzip_headers_may_have_all_their_fields() {
    let plain = pack(Compression::Gzip, b"data");
    let mut full = plain[..10].to_vec();
    full[3] = 0b1_1110;
    full.extend([3, 0, 1, 2, 3]);
    full.extend(b"name\0comment\0");
    full.extend([0xaa, 0xbb]);
    full.extend(&plain[10..]);
    assert_eq!(unpack(Compression::Gzip, &full, CAP).unwrap(), b"data");
}

#[test]
fn gzip_checks_its_trailer() {
    let mut packed = pack(Compression::Gzip, b"data");
    let last = packed.len() - 1;
    for position in [last - 7, last] {
        packed[position] ^= 1;
        assert_eq!(
            reason(Compression::Gzip, &packed),
            "gzip checksum or length does not match"
        );
        packed[position] ^= 1;
    }
    assert_eq!(reason(Compression::Gzip, b"plain"), "no gzip header");
}

#[test]
fn snappy_reads_a_bare_block_and_streams_in_a_row() {
    let codec = Compression::Snappy;
    let data = text(1000);
    let bare = snap::raw::Encoder::new().compress_vec(&data).unwrap();
    assert_eq!(unpack(codec, &bare, CAP).unwrap(), data);
    let two = [pack(codec, &data), pack(codec, b"more")].concat();
    assert_eq!(
        unpack(codec, &two, CAP).unwrap(),
        [&data[..], b"more"].concat()
    );
}

#[test]
fn snappy_writes_what_java_writes() {
    let packed = pack(Compression::Snappy, &text(40_000));
    assert_eq!(packed[..16], *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01");
    let first = u32::from_be_bytes(packed[16..20].try_into().unwrap()) as usize;
    let second = u32::from_be_bytes(packed[20 + first..24 + first].try_into().unwrap()) as usize;
    assert_eq!(24 + first + second, packed.len());
    assert_eq!(
        snap::raw::decompress_len(&packed[20..20 + first]),
        Ok(32 * 1024)
    );

    let mut old = packed;
    old[11] = 0;
    assert_eq!(
        reason(Compression::Snappy, &old),
        "stream version 0 is not supported"
    );
}

#[test]
fn lz4_writes_what_java_writes() {
    let packed = pack(Compression::Lz4, &text(100_000));
    assert_eq!(packed[..7], [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);
    assert_eq!(packed[packed.len() - 4..], [0; 4]);
    // What cannot be compressed is stored, marked by the top bit of its length.
    let stored = pack(Compression::Lz4, &noise(100));
    assert_eq!(stored[7..11], [100, 0, 0, 0x80]);
    assert_eq!(stored.len(), 7 + 4 + 100 + 4);
}

/// Frames of another encoder, with all that the format allows and Java reads.
#[test]
fn lz4_reads_other_encoders_frames() {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

    let data = [text(300_000), noise(1000)].concat();
    let frame = |info: FrameInfo| {
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(&data).unwrap();
        encoder.finish().unwrap()
    };
    let info = FrameInfo::new().block_mode(BlockMode::Independent);
    for block_size in [
        BlockSize::Max64KB,
        BlockSize::Max256KB,
        BlockSize::Max1MB,
        BlockSize::Max4MB,
    ] {
        let full = info
            .clone()
            .block_size(block_size)
            .block_checksums(true)
            .content_checksum(true)
            .content_size(Some(data.len() as u64));
        let packed = frame(full);
        assert!(unpack(Compression::Lz4, &packed, data.len()).as_ref() == Ok(&data));
        // Java stops after the first frame.
        let twice = [&packed[..], &packed].concat();
        assert!(unpack(Compression::Lz4, &twice, data.len()).as_ref() == Ok(&data));

        let mut damaged = packed;
        damaged[100] ^= 1;
        assert_eq!(
            reason(Compression::Lz4, &damaged),
            "block checksum does not match"
        );
        damaged[6] ^= 1;
        assert_eq!(
            reason(Compression::Lz4, &damaged),
            "frame header checksum does not match"
        );
    }
    let linked = frame(FrameInfo::new().block_mode(BlockMode::Linked));
    assert_eq!(
        reason(Compression::Lz4, &linked),
        "frames of dependent blocks are not supported"
    );
}

#[test]
fn zstd_reads_frames_of_unknown_size_and_in_a_row() {
    let codec = Compression::Zstd;
    // Java streams, so its frames do not say how long their content is.
    let stream = |data: &[u8]| {
        let mut encoder = ::zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    };
    for data in [text(500_000), vec![0; 3_000_000], noise(100_000), vec![]] {
        let packed = stream(&data);
        assert!(unpack(codec, &packed, data.len()).as_ref() == Ok(&data));
        if !data.is_empty() {
            let cap = data.len() - 1;
            assert_eq!(
                unpack(codec, &packed, cap),
                Err(RecordError::OutputCapExceeded { codec, cap })
            );
        }
        let row = [pack(codec, b"first"), packed, pack(codec, &data)].concat();
        let expected = [b"first", &data[..], &data].concat();
        assert!(unpack(codec, &row, expected.len()) == Ok(expected));
    }
    // The first frame says that its content is empty.
    let row = [pack(codec, b""), pack(codec, b"second")].concat();
    assert_eq!(unpack(codec, &row, CAP).unwrap(), b"second");
}

#[test]
fn levels_are_checked_and_used() {
    let level = |codec, level| CompressionConfig::new(codec).with_level(level);
    for (codec, good, bad) in [
        (Compression::Gzip, &[-1, 1, 9][..], &[-2, 0, 10][..]),
        (Compression::Lz4, &[1, 9, 17], &[-1, 0, 18]),
        (
            Compression::Zstd,
            &[-131_072, -1, 0, 1, 22],
            &[-131_073, 23],
        ),
        (Compression::None, &[], &[0, 1]),
        (Compression::Snappy, &[], &[0, 1]),
    ] {
        for &good in good {
            assert_eq!(level(codec, good).unwrap().level(), Some(good), "{codec}");
        }
        for &bad in bad {
            let error = level(codec, bad).unwrap_err();
            assert_eq!(
                error,
                RecordError::BadCompressionLevel { codec, level: bad }
            );
        }
    }
    let text_of = |codec, bad| level(codec, bad).unwrap_err().to_string();
    assert_eq!(
        text_of(Compression::Gzip, 10),
        "compression level 10 is not valid for gzip: levels go from 1 to 9"
    );
    assert_eq!(
        text_of(Compression::Snappy, 1),
        "compression level 1 is not valid for snappy: it has no levels"
    );

    // One after the other on one thread, so that a kept context would show.
    let data = text(100_000);
    for (codec, low, high) in [(Compression::Gzip, 1, 9), (Compression::Zstd, -50, 9)] {
        let len = |level| {
            let config = CompressionConfig::new(codec).with_level(level).unwrap();
            let packed = pack(config, &data);
            assert!(unpack(codec, &packed, CAP).as_ref() == Ok(&data));
            packed.len()
        };
        let (low_len, high_len) = (len(low), len(high));
        assert!(
            high_len < low_len,
            "{codec}: {high_len} bytes at {high}, {low_len} at {low}"
        );
        assert_eq!(len(low), low_len, "{codec}");
        assert_eq!(len(high), high_len, "{codec}");
    }
    let high = CompressionConfig::new(Compression::Zstd)
        .with_level(19)
        .unwrap();
    assert!(unpack(Compression::Zstd, &pack(high, &data), CAP).as_ref() == Ok(&data));
}

#[test]
fn a_context_serves_again_after_an_error() {
    for codec in &Compression::ALL[1..] {
        let data = text(5000);
        let good = pack(*codec, &data);
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad.truncate(middle);
        for _ in 0..3 {
            assert!(unpack(*codec, &bad, CAP).is_err(), "{codec}");
            assert!(unpack(*codec, &good, 100).is_err(), "{codec}");
            assert!(unpack(*codec, &good, CAP).as_ref() == Ok(&data), "{codec}");
        }
    }
}

#[test]
fn spare_buffers_are_few_and_small() {
    std::thread::spawn(|| {
        for _ in 0..10 {
            give_buffer(BytesMut::with_capacity(1000));
        }
        assert_eq!(SPARE.with_borrow(Vec::len), SPARE_COUNT_MAX);
        SPARE.with_borrow_mut(Vec::clear);
        give_buffer(BytesMut::with_capacity(SPARE_CAPACITY_MAX + 1));
        assert_eq!(SPARE.with_borrow(Vec::len), 0);
        give_buffer(BytesMut::with_capacity(SPARE_CAPACITY_MAX));
        assert_eq!(take_buffer().capacity(), SPARE_CAPACITY_MAX);
        assert_eq!(take_buffer().capacity(), 0);
    })
    .join()
    .unwrap();
}

#[test]
fn names_and_numbers_are_kafkas() {
    let names = ["none", "gzip", "snappy", "lz4", "zstd"];
    for (id, (codec, name)) in Compression::ALL.into_iter().zip(names).enumerate() {
        assert_eq!(usize::from(codec.id()), id);
        assert_eq!(Compression::from_id(id as u8), Some(codec));
        assert_eq!(codec.to_string(), name);
        assert_eq!(name.parse(), Ok(codec));
    }
    assert_eq!(Compression::from_id(5), None);
    let error = "brotli".parse::<Compression>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "compression type `brotli` is unknown: use none, gzip, snappy, lz4 or zstd"
    );
}

//! The bounds on memory that every target asserts.

use kafka_client_protocol::records::Compression;
use kafka_client_protocol::wire::Reader;

/// What reading may take besides what is said below: the handles of shared bytes, the fixed part of
/// a message with its boxes, an error's text.
pub const OVERHEAD: usize = 4 << 10;

/// The most that the targets let the records of a batch decompress to.
pub const CAP: usize = 64 << 10;

/// For a message read from so many bytes: the limit of arrays, 16 times the input and 64 KiB, and
/// the rest.
#[must_use]
pub const fn of_message(input: usize) -> usize {
    Reader::memory_limit(input) + OVERHEAD
}

/// For records that are decompressed under a cap. The output is at most as large as the cap, or as
/// the codec can make so many bytes. Its buffer doubles, and so does the room that is taken for what
/// comes; when it is copied for the last time, there are the whole of it and a half. The smallest
/// buffers may be as large as the decoders' own blocks.
#[must_use]
pub fn of_decompression(codec: Compression, input: usize, cap: usize) -> usize {
    let (ratio, state) = match codec {
        Compression::None => (1, 0),
        // Deflate says 258 bytes in two bits; the state holds a window of 32 KiB.
        Compression::Gzip => (1032, 48 << 10),
        Compression::Snappy => (22, 0),
        Compression::Lz4 => (255, 0),
        // A block of four bytes can say 128 KiB. The state comes from C and is not counted.
        Compression::Zstd => (32 << 10, 0),
    };
    let output = cap.min(4 * ratio * input);
    output + output / 2 + state + 2 * OVERHEAD
}

/// Runs `decode`, and panics if at any time it held more than `limit` bytes. No single allocation
/// was larger then, either.
pub fn bounded<T>(limit: usize, decode: impl FnOnce() -> T) -> T {
    let mut result = None;
    let taken = allocation_counter::measure(|| result = Some(decode()));
    assert!(
        taken.bytes_max <= limit as u64,
        "took {} bytes of memory at once, {limit} are allowed",
        taken.bytes_max
    );
    result.expect("it has run")
}

//! The four codecs behind two functions.
//!
//! Encoder and decoder contexts are kept per thread and used again, one of each kind, so the memory
//! they hold is bounded by the number of threads. Every decoder stops at the caller's cap, and grows
//! its output with what it has really decoded: a length that the data merely claims is never trusted
//! with memory.

mod gzip;
mod lz4;
mod snappy;
#[cfg(test)]
mod tests;
mod zstd;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::thread::LocalKey;

use bytes::{Bytes, BytesMut};

use super::RecordError;

/// How the records of a batch are compressed. Each batch says so itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// Gzip: small, slow to write.
    Gzip,
    /// Snappy in the framing of Java's snappy library: fast, moderate.
    Snappy,
    /// LZ4 frames: fast both ways, moderate.
    Lz4,
    /// Zstandard: small and reasonably fast. Needs Produce v7 and Fetch v10 (KIP-110).
    Zstd,
}

impl Compression {
    /// All of them, in the order of their ids.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// Number of the codec in the batch attributes.
    #[must_use]
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// The codec with this number, if there is one.
    #[must_use]
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id)).copied()
    }

    /// Decompresses what was compressed as a whole and is no batch's, such as pushed telemetry.
    ///
    /// # Errors
    /// When it is damaged, or decompresses to more than `cap` bytes ([`RecordError::OutputCapExceeded`]).
    pub fn decompress(self, src: &[u8], cap: usize) -> Result<Bytes, RecordError> {
        let mut out = BytesMut::new();
        decompress(self, src, cap, &mut out)?;
        Ok(out.freeze())
    }

    /// Kafka's name, as in `compression.type`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The levels that Kafka accepts (KIP-390), or `None` for a codec without levels. Gzip also takes
    /// -1 for its default, which the range does not show.
    #[must_use]
    pub const fn levels(self) -> Option<RangeInclusive<i32>> {
        match self {
            Self::None | Self::Snappy => None,
            Self::Gzip => Some(1..=9),
            Self::Lz4 => Some(1..=17),
            Self::Zstd => Some(-131_072..=22),
        }
    }

    /// The level used when none is set, or `None` for a codec without levels.
    #[must_use]
    pub const fn default_level(self) -> Option<i32> {
        match self {
            Self::None | Self::Snappy => None,
            Self::Gzip => Some(-1),
            Self::Lz4 => Some(9),
            Self::Zstd => Some(3),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Compression {
    type Err = RecordError;

    fn from_str(name: &str) -> Result<Self, RecordError> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.name() == name)
            .ok_or_else(|| RecordError::UnknownCodecName {
                name: name.to_owned(),
            })
    }
}

/// A codec and its level. Defaults to no compression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CompressionConfig {
    codec: Compression,
    level: Option<i32>,
}

impl CompressionConfig {
    /// `codec` at its default level: gzip -1 (which means 6), zstd 3.
    #[must_use]
    pub const fn new(codec: Compression) -> Self {
        Self { codec, level: None }
    }

    /// With this level. The lz4 encoder has one level only: it accepts Kafka's range of 1 to 17, and
    /// writes the same bytes for each.
    ///
    /// # Errors
    ///
    /// [`RecordError::BadCompressionLevel`] outside the codec's range (see [`Compression::levels`]).
    pub fn with_level(self, level: i32) -> Result<Self, RecordError> {
        let allowed = self
            .codec
            .levels()
            .is_some_and(|range| range.contains(&level))
            || self.codec.default_level() == Some(level);
        if !allowed {
            return Err(RecordError::BadCompressionLevel {
                codec: self.codec,
                level,
            });
        }
        Ok(Self {
            level: Some(level),
            ..self
        })
    }

    /// The codec.
    #[must_use]
    pub const fn codec(self) -> Compression {
        self.codec
    }

    /// The level that was set, if one was.
    #[must_use]
    pub const fn level(self) -> Option<i32> {
        self.level
    }

    fn effective_level(self) -> i32 {
        self.level
            .or(self.codec.default_level())
            .unwrap_or_default()
    }
}

impl From<Compression> for CompressionConfig {
    fn from(codec: Compression) -> Self {
        Self::new(codec)
    }
}

/// Compresses `src` into `out`, whose earlier content is lost. Afterwards `out` holds the compressed
/// data and nothing else.
pub(super) fn compress(
    config: CompressionConfig,
    src: &[u8],
    out: &mut BytesMut,
) -> Result<(), RecordError> {
    let len = match config.codec {
        Compression::None => {
            out.clear();
            out.extend_from_slice(src);
            Ok(src.len())
        }
        Compression::Gzip => gzip::compress(src, config.effective_level(), out),
        Compression::Snappy => snappy::compress(src, out),
        Compression::Lz4 => lz4::compress(src, out),
        Compression::Zstd => zstd::compress(src, config.effective_level(), out),
    };
    let len = len.map_err(|reason| RecordError::CompressionFailed {
        codec: config.codec,
        reason,
    })?;
    out.truncate(len);
    Ok(())
}

/// Decompresses `src` into `out`, whose earlier content is lost. Afterwards `out` holds the
/// decompressed data, `cap` bytes at most, and nothing else.
pub(super) fn decompress(
    codec: Compression,
    src: &[u8],
    cap: usize,
    out: &mut BytesMut,
) -> Result<(), RecordError> {
    decompress_as(codec, lz4::HeaderChecksum::Verified, src, cap, out)
}

/// As [`decompress`], for a message of format v0, whose writers computed the checksum of LZ4's header
/// over the wrong bytes: it is not looked at.
pub(super) fn decompress_v0(
    codec: Compression,
    src: &[u8],
    cap: usize,
    out: &mut BytesMut,
) -> Result<(), RecordError> {
    decompress_as(codec, lz4::HeaderChecksum::Ignored, src, cap, out)
}

fn decompress_as(
    codec: Compression,
    lz4_header: lz4::HeaderChecksum,
    src: &[u8],
    cap: usize,
    out: &mut BytesMut,
) -> Result<(), RecordError> {
    let mut output = Output {
        buf: out,
        len: 0,
        cap,
    };
    let result = match codec {
        Compression::None => output.push(src),
        Compression::Gzip => gzip::decompress(src, &mut output),
        Compression::Snappy => snappy::decompress(src, &mut output),
        Compression::Lz4 => lz4::decompress(src, lz4_header, &mut output),
        Compression::Zstd => zstd::decompress(src, &mut output),
    };
    let len = output.len;
    out.truncate(len);
    result.map_err(|failure| match failure {
        Failure::Cap => RecordError::OutputCapExceeded { codec, cap },
        Failure::Data(reason) => RecordError::BadCompressedData { codec, reason },
    })
}

/// A buffer for decompressed data from this thread's spares. It may hold stale bytes.
pub(super) fn take_buffer() -> BytesMut {
    SPARE
        .try_with(|spare| spare.borrow_mut().pop())
        .ok()
        .flatten()
        .unwrap_or_default()
}

/// Gives a buffer back to this thread's spares, or to the allocator when it is large or the spares
/// are full.
pub(super) fn give_buffer(buffer: BytesMut) {
    if buffer.capacity() <= SPARE_CAPACITY_MAX {
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < SPARE_COUNT_MAX {
                spare.push(buffer);
            }
        });
    }
}

const SPARE_COUNT_MAX: usize = 2;
const SPARE_CAPACITY_MAX: usize = 4 << 20;

thread_local! {
    static SPARE: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// Runs `f` with the thread's context in `slot`, made by `make` when there is none yet. The context is
/// taken out meanwhile, so that it is lost, and not used again in an unknown state, if `f` panics.
fn with_context<C, T, E>(
    slot: &'static LocalKey<Cell<Option<C>>>,
    make: impl FnOnce() -> Result<C, E>,
    f: impl FnOnce(&mut C) -> Result<T, E>,
) -> Result<T, E> {
    // A thread that is being torn down has no slots any more; then the context serves once.
    let mut context = match slot.try_with(Cell::take) {
        Ok(Some(context)) => context,
        _ => make()?,
    };
    let result = f(&mut context);
    let _ = slot.try_with(|slot| slot.set(Some(context)));
    result
}

/// Why decompression stopped.
enum Failure {
    Cap,
    Data(String),
}

impl Failure {
    fn data(reason: impl fmt::Display) -> Self {
        Self::Data(reason.to_string())
    }
}

/// Decompressed data so far, and how much more of it there may be.
///
/// The buffer is longer than the data: what lies beyond `len` is initialised room for the decoders,
/// zeros or bytes of an earlier use.
struct Output<'a> {
    buf: &'a mut BytesMut,
    len: usize,
    cap: usize,
}

impl Output<'_> {
    /// Room for exactly `n` more bytes.
    fn room(&mut self, n: usize) -> Result<&mut [u8], Failure> {
        if n > self.cap - self.len {
            return Err(Failure::Cap);
        }
        Ok(self.room_within_cap(n))
    }

    /// Room for `n` more bytes, or for as many as the cap leaves.
    fn room_within_cap(&mut self, n: usize) -> &mut [u8] {
        let end = self.len + n.min(self.cap - self.len);
        if self.buf.capacity() < end {
            self.grow(end);
        }
        if self.buf.len() < end {
            self.buf.resize(end, 0);
        }
        &mut self.buf[self.len..end]
    }

    /// Gives the buffer a capacity of `end` at least. It grows by doubling; beyond half of the cap it
    /// gets all of the cap, so that it never needs more than that, its old memory included: what of the
    /// new is not yet written has no memory behind it.
    #[cold]
    fn grow(&mut self, end: usize) {
        if self.len == 0 {
            // Nothing to keep: the old memory goes before the new comes.
            *self.buf = BytesMut::with_capacity(0);
        }
        if end.max(self.buf.capacity().saturating_mul(2)) <= self.cap / 2 {
            self.buf.reserve(end - self.buf.len());
        } else {
            let mut last = BytesMut::with_capacity(self.cap);
            last.extend_from_slice(&self.buf[..self.len]);
            *self.buf = last;
        }
    }

    fn advance(&mut self, n: usize) {
        debug_assert!(self.len + n <= self.buf.len());
        self.len += n;
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.room(bytes.len())?.copy_from_slice(bytes);
        self.advance(bytes.len());
        Ok(())
    }
}

/// Makes `buf` at least `len` bytes long, without touching what is there.
fn lengthen(buf: &mut BytesMut, len: usize) {
    if buf.len() < len {
        buf.resize(len, 0);
    }
}

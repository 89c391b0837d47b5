//! What a codec takes on its own, for batches such as a client made: its share of the client's CPU.

use std::hint::black_box;
use std::io::Write;

use bytes::Bytes;

use crate::Failure;
use crate::job::Codec;
use crate::peers::Peer;
use crate::usage::{Measurement, Meter};

/// The level that all of these clients take for zstd by default.
const ZSTD_LEVEL: i32 = 3;

/// Compresses `records` values, so many at a time, with the library that the client uses: zstd's own
/// for all in Rust and librdkafka; for LZ4 the C library for librdkafka and rskafka, `lz4_flex` for
/// the others. Contexts are used again where the library allows it, so making new ones counts as a
/// client's own cost.
pub(crate) fn alone(
    peer: Peer,
    codec: Codec,
    values: &[Bytes],
    records: u64,
    batch_records: u64,
) -> Result<Measurement, Failure> {
    let batches = batches(values, usize::try_from(batch_records.max(1))?);
    let largest = batches.iter().map(Vec::len).max().unwrap_or_default();
    let mut output = Vec::with_capacity(zstd::zstd_safe::compress_bound(largest));
    let mut zstd = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
    let meter = Meter::start()?;
    let mut done = 0;
    for batch in batches.iter().cycle() {
        if done >= records {
            break;
        }
        output.clear();
        match (codec, peer) {
            (Codec::None, _) => return Err("there is no codec".into()),
            (Codec::Zstd, _) => {
                zstd.compress_to_buffer(batch, &mut output)?;
            }
            (Codec::Lz4, Peer::BaseProducer | Peer::FutureProducer | Peer::Rskafka) => {
                let mut encoder = lz4::EncoderBuilder::new().build(&mut output)?;
                encoder.write_all(batch)?;
                encoder.finish().1?;
            }
            (Codec::Lz4, _) => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(&mut output);
                encoder.write_all(batch)?;
                encoder.finish()?;
            }
        }
        black_box(&output);
        done += batch_records.max(1);
    }
    meter.stop(done)
}

/// As many different batches as there are whole ones, one at least.
fn batches(values: &[Bytes], size: usize) -> Vec<Vec<u8>> {
    let mut endless = values.iter().cycle();
    (0..(values.len() / size).max(1))
        .map(|_| {
            let values: Vec<&[u8]> = endless
                .by_ref()
                .take(size)
                .map(|value| &value[..])
                .collect();
            values.concat()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_have_the_size_that_is_asked_for_even_if_values_repeat() {
        let values = [Bytes::from_static(b"a"), Bytes::from_static(b"b")];
        assert_eq!(batches(&values, 1), [b"a", b"b"]);
        assert_eq!(batches(&values, 3), [b"aba"]);
    }
}

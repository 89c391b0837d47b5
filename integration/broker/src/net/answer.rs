//! An answer on its way to the client: bytes, and between them parts of files, which are sent without a copy
//! (`sendfile`), or read when it is their turn.
//!
//! So an answer of many megabytes takes no memory, or that of one chunk, which is used again for the next.
//!
//! The codec knows bytes alone. For what stays in its file it gets a stand-in of the same length, which nobody reads
//! or writes. When the answer is encoded, a stand-in is known by where it lies in memory.

use std::io;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::OwnedSemaphorePermit;

use crate::env;
use crate::log::DataSlice;
use crate::node::Node;

use super::Transport;
#[cfg(target_os = "linux")]
use super::sendfile;

/// What is read of a file at a time, and written: with less, the many writes cost more than the copies gain.
const CHUNK_BYTES: usize = 1 << 20;
/// Buffers that one call to the system takes.
const SLICES: usize = 64;

/// The most stand-ins of an answer.
const STAND_INS_MAX: usize = 4096;
/// The n-th stand-in begins at the n-th of them. As long as nobody looks at them, the system has no pages for them.
static ZEROS: LazyLock<Bytes> =
    LazyLock::new(|| vec![0; DataSlice::STAYS_BYTES_MAX + STAND_INS_MAX].into());

/// Parts of an answer that stay in their files.
#[derive(Debug, Default)]
pub(crate) struct Deferred {
    /// Not where a fault may want to look into the answer, or to change it.
    pub(crate) is_allowed: bool,
    parts: Vec<Arc<Part>>,
}

/// One of them. Until it is sent, its file is open.
#[derive(Debug)]
struct Part {
    slice: DataSlice,
    _permit: OwnedSemaphorePermit,
}

impl Deferred {
    pub(crate) fn allowed() -> Self {
        Self {
            is_allowed: true,
            parts: Vec::new(),
        }
    }

    /// What stands for a part in the encoded answer; `None` if the part must be read first.
    pub(crate) fn defer(&mut self, slice: &DataSlice, node: &Node) -> Option<Bytes> {
        let number = self.parts.len();
        let length = slice.length();
        if !self.is_allowed || length > DataSlice::STAYS_BYTES_MAX || number >= STAND_INS_MAX {
            return None;
        }
        let permit = Arc::clone(&node.files_on_the_way).try_acquire_owned();
        self.parts.push(Arc::new(Part {
            slice: slice.clone(),
            _permit: permit.ok()?,
        }));
        Some(ZEROS.slice(number..number + length))
    }

    /// What these bytes of an encoded answer stand for, if they do.
    fn meant_by(&self, bytes: &Bytes) -> Option<&Arc<Part>> {
        let zeros = ZEROS.as_ptr_range();
        let is_stand_in = zeros.contains(&bytes.as_ptr()) && !bytes.is_empty();
        let number = is_stand_in.then(|| bytes.as_ptr().addr() - zeros.start.addr());
        self.parts.get(number?)
    }

    /// The first bytes of an encoded answer. What cannot be read is left out: who sends it is told.
    pub(crate) fn start_of(&self, answer: &[Bytes], bytes_max: usize) -> Bytes {
        let mut start = Vec::new();
        for bytes in answer {
            let length = bytes.len().min(bytes_max - start.len());
            match self.meant_by(bytes) {
                None => start.extend_from_slice(&bytes[..length]),
                Some(_) if length == 0 => {}
                Some(part) => match part.slice.part(0, length).read() {
                    Ok(read) => start.extend_from_slice(&read),
                    Err(_) => break,
                },
            }
        }
        start.into()
    }

    /// Puts the parts into the places of their stand-ins.
    pub(crate) fn placed_in(self, answer: Vec<Bytes>) -> Answer {
        let piece = |bytes: Bytes| match self.meant_by(&bytes) {
            Some(part) => Piece::File(Arc::clone(part)),
            None => Piece::Bytes(bytes),
        };
        Answer(answer.into_iter().map(piece).collect())
    }
}

/// An answer, length prefix included.
#[derive(Debug)]
pub(crate) struct Answer(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    File(Arc<Part>),
}

impl Answer {
    /// What it holds in memory until it is sent.
    pub(crate) fn held_bytes(&self) -> usize {
        let held = self.0.iter().map(|piece| match piece {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::File(_) => 0,
        });
        held.sum()
    }

    /// All of it in memory.
    pub(crate) fn loaded(self) -> io::Result<Vec<Bytes>> {
        let bytes = self.0.into_iter().map(|piece| match piece {
            Piece::Bytes(bytes) => Ok(bytes),
            Piece::File(part) => part.slice.read(),
        });
        bytes.collect()
    }

    /// Writes it. Each time that the other side takes some of it, it has as long as `stall` for the next.
    ///
    /// # Cancel safety
    /// Not cancel safe: a part of it may have been sent.
    pub(crate) async fn write<S>(
        self,
        stream: &mut S,
        node: &Node,
        stall: Duration,
    ) -> io::Result<()>
    where
        S: Transport,
    {
        #[cfg(target_os = "linux")]
        if self.0.iter().any(|piece| matches!(piece, Piece::File(_))) {
            // What stands around the parts goes out together with them.
            stream.plain_socket().map(sendfile::cork).transpose()?;
            self.write_pieces(stream, node, stall).await?;
            return stream.plain_socket().map_or(Ok(()), sendfile::uncork);
        }
        self.write_pieces(stream, node, stall).await
    }

    async fn write_pieces<S>(self, stream: &mut S, node: &Node, stall: Duration) -> io::Result<()>
    where
        S: Transport,
    {
        let mut ready: Vec<Bytes> = Vec::new();
        let mut chunk = Vec::new();
        for piece in self.0 {
            let part = match piece {
                Piece::Bytes(bytes) => {
                    ready.push(bytes);
                    continue;
                }
                Piece::File(part) => part,
            };
            let slice = &part.slice;
            #[cfg(target_os = "linux")]
            if slice.can_send() && stream.plain_socket().is_some() {
                write_all(stream, &slices(&ready), stall).await?;
                ready.clear();
                if let Some(socket) = stream.plain_socket() {
                    sendfile::send(socket, slice, node, stall).await?;
                }
                continue;
            }
            let length = slice.length();
            if chunk.len() < length.min(CHUNK_BYTES) {
                chunk.resize(length.min(CHUNK_BYTES), 0);
            }
            for at in (0..length).step_by(CHUNK_BYTES) {
                let chunk = &mut chunk[..CHUNK_BYTES.min(length - at)];
                if !slice.fill_cached(at, chunk)? {
                    node.warm(vec![slice.part(at, chunk.len())]).await;
                    slice.fill(at, chunk)?;
                }
                let mut pieces = slices(&ready);
                pieces.push(chunk);
                write_all(stream, &pieces, stall).await?;
                ready.clear();
            }
        }
        write_all(stream, &slices(&ready), stall).await
    }
}

fn slices(pieces: &[Bytes]) -> Vec<&[u8]> {
    pieces.iter().map(|bytes| &bytes[..]).collect()
}

/// Writes pieces as they are, many at once.
pub(super) async fn write_all<W>(write: &mut W, pieces: &[&[u8]], stall: Duration) -> io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    let mut next = 0;
    let mut written = 0;
    while next < pieces.len() {
        let slices: Vec<io::IoSlice<'_>> = pieces[next..]
            .iter()
            .take(SLICES)
            .enumerate()
            .map(|(index, piece)| {
                io::IoSlice::new(if index == 0 { &piece[written..] } else { piece })
            })
            .collect();
        let mut count = env::timeout(stall, write.write_vectored(&slices)).await??;
        if count == 0 && slices.iter().any(|slice| !slice.is_empty()) {
            return Err(io::ErrorKind::WriteZero.into());
        }
        while next < pieces.len() && count >= pieces[next].len() - written {
            count -= pieces[next].len() - written;
            written = 0;
            next += 1;
        }
        written += count;
    }
    env::timeout(stall, write.flush()).await?
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn all_segments_arrive_whatever_the_pipe_takes_at_once() {
        let segments: Vec<Bytes> = (0..200u8)
            .map(|n| Bytes::from(vec![n; usize::from(n) % 7 * 3]))
            .collect();
        let expected = segments.concat();
        for pipe in [1, 5, 64, 4096] {
            let (mut a, mut b) = tokio::io::duplex(pipe);
            let sent = segments.clone();
            let writer = tokio::spawn(async move {
                let pieces: Vec<&[u8]> = sent.iter().map(|bytes| &bytes[..]).collect();
                write_all(&mut a, &pieces, Duration::from_secs(60)).await
            });
            let mut got = Vec::new();
            b.read_to_end(&mut got).await.unwrap();
            writer.await.unwrap().unwrap();
            assert_eq!(got, expected);
        }
    }
}

//! Cuts the stream of a connection into frames.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Memory that a length alone is worth, or the largest frame that has come whole before; more comes only after as
/// many bytes have arrived.
const TRUST_BYTES: usize = 1 << 20;
const READ_BYTES: usize = 16 * 1024;
/// What is read of the frames behind one that is in work.
const AHEAD_BYTES_MAX: usize = 4 * 1024;

/// Reads frames.
#[derive(Debug)]
pub(crate) struct FrameReader {
    buffer: BytesMut,
    /// The largest frame so far.
    largest: usize,
    frame_bytes_max: usize,
    /// The property that the limit is from.
    property: &'static str,
}

/// Why there is no further frame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("a frame of {length} bytes was announced, allowed are 0 to {max} ({property}){hint}")]
    Length {
        length: i32,
        max: usize,
        property: &'static str,
        hint: &'static str,
    },
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl FrameReader {
    pub(crate) fn new(frame_bytes_max: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            largest: 0,
            frame_bytes_max,
            property: "socket.request.max.bytes",
        }
    }

    /// Changes how large the next frames may be.
    pub(crate) fn allow(&mut self, frame_bytes_max: usize, property: &'static str) {
        self.frame_bytes_max = frame_bytes_max;
        self.property = property;
    }

    /// The next frame without its length; `None` when the stream ended between two frames.
    pub(crate) async fn next<R>(&mut self, read: &mut R) -> Result<Option<Bytes>, ReadError>
    where
        R: AsyncRead + Unpin,
    {
        if !self.fill(read, 4).await? {
            return Ok(None);
        }
        let length = i32::from_be_bytes([
            self.buffer[0],
            self.buffer[1],
            self.buffer[2],
            self.buffer[3],
        ]);
        let max = self.frame_bytes_max;
        let bytes = match usize::try_from(length) {
            Ok(bytes) if bytes <= max => bytes,
            _ => {
                return Err(ReadError::Length {
                    length,
                    max,
                    property: self.property,
                    hint: hint(&self.buffer),
                });
            }
        };
        self.buffer.advance(4);
        if bytes > 0 && !self.fill(read, bytes).await? {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        self.largest = self.largest.max(bytes);
        Ok(Some(self.buffer.split_to(bytes).freeze()))
    }

    /// Whether something has arrived that was not taken yet.
    pub(crate) fn has_more(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Waits until the stream ends, and keeps what comes before as the next frames. Who sends much
    /// ahead is not watched: what is kept has a limit.
    ///
    /// # Cancel safety
    /// May be dropped: nothing that was read is lost.
    pub(crate) async fn end<R>(&mut self, read: &mut R)
    where
        R: AsyncRead + Unpin,
    {
        while self.buffer.len() < AHEAD_BYTES_MAX {
            self.buffer.reserve(AHEAD_BYTES_MAX);
            match read.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        std::future::pending().await
    }

    /// Waits for so many bytes; `false` when the stream ends before the first of them.
    async fn fill<R>(&mut self, read: &mut R, bytes: usize) -> Result<bool, ReadError>
    where
        R: AsyncRead + Unpin,
    {
        while self.buffer.len() < bytes {
            let missing = bytes - self.buffer.len();
            let worth = TRUST_BYTES.max(self.largest).max(self.buffer.len());
            self.buffer
                .reserve(missing.clamp(READ_BYTES, worth.max(READ_BYTES)));
            if read.read_buf(&mut self.buffer).await? == 0 {
                if self.buffer.is_empty() {
                    return Ok(false);
                }
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
        Ok(true)
    }
}

/// What a wrong length most likely is.
fn hint(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x16, 0x03, ..] => "; this looks like TLS, and the listener is plaintext",
        [b'G', b'E', b'T', ..] | [b'P', b'O', b'S', b'T', ..] | [b'H', b'E', b'A', b'D', ..] => {
            "; this looks like HTTP"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(body: &[u8]) -> Vec<u8> {
        [&(body.len() as i32).to_be_bytes(), body].concat()
    }

    #[tokio::test]
    async fn frames_come_out_however_they_arrive() {
        let large = vec![7; 3 << 20];
        let sent = [frame(b"one"), frame(b""), frame(&large), frame(b"two")].concat();
        for piece in [1000, 1 << 20, sent.len()] {
            let chunks = sent
                .chunks(piece)
                .map(Ok::<_, io::Error>)
                .collect::<Vec<_>>();
            let mut stream = pieces(chunks);
            let mut reader = FrameReader::new(4 << 20);
            let mut got = Vec::new();
            while let Some(frame) = reader.next(&mut stream).await.unwrap() {
                got.push(frame);
            }
            assert_eq!(got.len(), 4);
            assert_eq!(got[0], &b"one"[..]);
            assert_eq!(got[1], &b""[..]);
            assert_eq!(got[2], large);
            assert_eq!(got[3], &b"two"[..]);
        }
    }

    /// Gives its chunks one read each.
    fn pieces(chunks: Vec<io::Result<&[u8]>>) -> impl AsyncRead + Unpin + use<'_> {
        struct Chunks<'a>(std::collections::VecDeque<&'a [u8]>);
        impl AsyncRead for Chunks<'_> {
            fn poll_read(
                mut self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
                out: &mut tokio::io::ReadBuf<'_>,
            ) -> std::task::Poll<io::Result<()>> {
                if let Some(chunk) = self.0.front_mut() {
                    let count = chunk.len().min(out.remaining());
                    out.put_slice(&chunk[..count]);
                    *chunk = &chunk[count..];
                    if chunk.is_empty() {
                        self.0.pop_front();
                    }
                }
                std::task::Poll::Ready(Ok(()))
            }
        }
        Chunks(chunks.into_iter().map(Result::unwrap).collect())
    }

    #[tokio::test]
    async fn lengths_out_of_range_are_refused_with_a_hint() {
        for (bytes, expected) in [
            (&[0xff, 0xff, 0xff, 0xff][..], "of -1 bytes"),
            (b"GET / HTTP/1.1\r\n", "HTTP"),
            (&[0x16, 0x03, 0x01, 0x02], "TLS"),
            (&[0, 0, 4, 1], "of 1025 bytes"),
        ] {
            let error = FrameReader::new(1024).next(&mut &bytes[..]).await;
            let error = error.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[tokio::test]
    async fn a_large_claim_alone_gets_little_memory() {
        let claim = [&(100i32 << 20).to_be_bytes()[..], b"few"].concat();
        let mut reader = FrameReader::new(100 << 20);
        assert!(matches!(
            reader.next(&mut &claim[..]).await,
            Err(ReadError::Io(_))
        ));
        assert!(reader.buffer.capacity() <= 2 * TRUST_BYTES);
    }

    #[tokio::test]
    async fn who_has_sent_a_large_frame_gets_room_for_another_at_once_but_for_no_larger_one() {
        const LARGE: usize = 8 << 20;
        for (claimed, room) in [(LARGE, LARGE..=2 * LARGE), (100 << 20, 0..=2 * LARGE)] {
            let large = frame(&vec![7; LARGE]);
            let claim = i32::try_from(claimed).unwrap().to_be_bytes();
            let sent = [&large[..], &claim, b"few"].concat();
            let mut stream = &sent[..];
            let mut reader = FrameReader::new(100 << 20);
            let first = reader.next(&mut stream).await.unwrap().unwrap();
            assert_eq!(first.len(), LARGE);
            assert!(reader.next(&mut stream).await.is_err());
            let got = reader.buffer.capacity();
            assert!(room.contains(&got), "{got} for {claimed}");
        }
    }

    #[tokio::test]
    async fn an_end_within_a_frame_is_an_error_and_between_frames_is_not() {
        let whole = frame(b"body");
        for cut in 1..whole.len() {
            assert!(
                FrameReader::new(1024)
                    .next(&mut &whole[..cut])
                    .await
                    .is_err(),
                "{cut}"
            );
        }
        assert!(
            FrameReader::new(1024)
                .next(&mut &b""[..])
                .await
                .unwrap()
                .is_none()
        );
    }
}

//! Cuts the received bytes into frames.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::spares::{LARGE, SpareFrames};
use crate::error::{Error, ErrorKind};
use crate::security::explain;

/// Memory asked for at a time while nothing is known of the next frame.
const CHUNK: usize = 64 * 1024;

/// Reads length-prefixed frames from a stream.
#[derive(Debug)]
pub(crate) struct FrameReader<S> {
    stream: S,
    buffer: BytesMut,
    limit: usize,
    /// Size of the largest frame so far.
    largest: usize,
    spares: Arc<SpareFrames>,
}

impl<S: AsyncRead + Unpin> FrameReader<S> {
    /// Frames over `limit` bytes are refused.
    pub(crate) fn new(stream: S, limit: usize, spares: Arc<SpareFrames>) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
            limit,
            largest: 0,
            spares,
        }
    }

    /// The next frame without its length prefix; `None` when the stream ends between frames.
    ///
    /// Memory grows with the bytes that arrive or have arrived in an earlier frame, never by what a
    /// length field claims.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let length = loop {
            if let Some(prefix) = self.buffer.first_chunk::<4>() {
                break checked_length(*prefix, self.limit)?;
            }
            self.buffer.reserve(CHUNK);
            if self.fill().await? == 0 {
                return match self.buffer.is_empty() {
                    true => Ok(None),
                    false => Err(cut_off()),
                };
            }
        };
        let whole = 4 + length;
        if whole >= LARGE
            && let Some(mut spare) = self.spares.take(whole.max(self.buffer.len()))
        {
            spare.extend_from_slice(&self.buffer);
            self.buffer = spare;
        }
        while self.buffer.len() < whole {
            let missing = whole - self.buffer.len();
            // At most doubles what has arrived, or takes what a frame before has taken.
            let step = self.buffer.len().max(CHUNK).max(self.largest);
            self.buffer.reserve(missing.min(step));
            if self.fill().await? == 0 {
                return Err(cut_off());
            }
        }
        self.largest = self.largest.max(whole);
        let mut frame = self.buffer.split_to(whole);
        if whole >= LARGE && self.buffer.len() <= CHUNK {
            // So that nothing but the frame holds its memory.
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
        frame.advance(4);
        Ok(Some(frame.freeze()))
    }

    async fn fill(&mut self) -> Result<usize, Error> {
        self.stream
            .read_buf(&mut self.buffer)
            .await
            .map_err(|error| {
                explain(&error).unwrap_or_else(|| {
                    Error::new(
                        ErrorKind::Disconnected,
                        "the connection failed while reading",
                    )
                    .with_source(error)
                })
            })
    }
}

fn cut_off() -> Error {
    Error::new(
        ErrorKind::Disconnected,
        "the broker closed the connection inside of an answer",
    )
}

fn checked_length(prefix: [u8; 4], limit: usize) -> Result<usize, Error> {
    let length = i32::from_be_bytes(prefix);
    // Other services that people point Kafka clients at.
    let guess = match prefix {
        [b'H', b'T', b'T', b'P'] => Some("HTTP: this is a web server's port"),
        [0x15, 0x03, ..] => Some(
            "TLS: this listener wants an encrypted connection, so set security.protocol to SSL or SASL_SSL",
        ),
        _ => None,
    };
    if let Some(guess) = guess {
        let message = format!("the peer does not speak Kafka's protocol but {guess}");
        return Err(Error::new(ErrorKind::Protocol, message).lasting());
    }
    match usize::try_from(length) {
        Ok(length) if length <= limit => Ok(length),
        Ok(length) => Err(Error::new(
            ErrorKind::Protocol,
            format!(
                "the peer announced an answer of {length} bytes, and receive.message.max.bytes is {limit}"
            ),
        )
        .oversized()),
        Err(_) => Err(Error::new(
            ErrorKind::Protocol,
            format!("the peer announced an answer of {length} bytes, 0 to {limit} are possible"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn frames(bytes: &[u8]) -> (Vec<Bytes>, Option<Error>) {
        let mut reader = FrameReader::new(bytes, 1000, Arc::default());
        let mut frames = Vec::new();
        loop {
            match reader.next().await {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => return (frames, None),
                Err(error) => return (frames, Some(error)),
            }
        }
    }

    #[tokio::test]
    async fn frames_are_cut_at_their_lengths() {
        let (frames, error) = frames(b"\0\0\0\x02ab\0\0\0\0\0\0\0\x01c").await;
        assert_eq!(frames, ["ab", "", "c"]);
        assert!(error.is_none());
    }

    #[tokio::test]
    async fn an_end_inside_of_a_frame_is_a_disconnect() {
        for cut in [&b"\0\0"[..], b"\0\0\0\x05ab"] {
            let (_, error) = frames(cut).await;
            assert_eq!(error.unwrap().kind(), ErrorKind::Disconnected);
        }
    }

    #[tokio::test]
    async fn lengths_that_no_broker_sends_are_refused_with_what_they_look_like() {
        for (bytes, hint) in [
            (&b"HTTP/1.1 400"[..], "web server"),
            (b"\x15\x03\x01\0\x02", "encrypted"),
            (b"\x7f\xff\xff\xff", "2147483647"),
            (b"\xff\xff\xff\xff", "-1"),
        ] {
            let (_, error) = frames(bytes).await;
            let error = error.unwrap();
            assert_eq!(error.kind(), ErrorKind::Protocol);
            assert!(error.to_string().contains(hint), "{error}");
        }
    }

    #[tokio::test]
    async fn memory_follows_the_bytes_that_arrive_not_the_length_claimed() {
        let mut bytes = (64 * 1024 * 1024i32).to_be_bytes().to_vec();
        bytes.extend_from_slice(&[0; 10]);
        let mut reader = FrameReader::new(&bytes[..], 100 * 1024 * 1024, Arc::default());
        assert!(reader.next().await.is_err());
        assert!(
            reader.buffer.capacity() <= 4 * CHUNK,
            "{}",
            reader.buffer.capacity()
        );
    }
}

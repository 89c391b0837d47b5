//! Ways to a broker that a test controls: in memory, and one that loses answers.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use kafka_client::{Connector, Dialing, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Connects to a reference broker in memory, whatever the address: for tests with paused time.
#[derive(Debug, Clone)]
pub struct InMemory(pub kafka_broker::Connector);

impl Connector for InMemory {
    fn connect<'a>(&'a self, _host: &'a str, _port: u16) -> Dialing<'a> {
        let stream = self.0.connect();
        Box::pin(async move { Ok(Box::new(stream) as Box<dyn Stream>) })
    }
}

/// `Produce` in the header of a request.
const PRODUCE: i16 = 0;

/// Cuts a connection at the moment when the answer to a Produce request arrives: every n-th, over
/// all connections. The broker has applied the request, the client never sees the answer, and what
/// else is under way on the connection is lost with it. Works with every broker; not with `acks=0`,
/// where there are no answers to count.
#[derive(Debug)]
pub struct CutProduceAnswers<C> {
    inner: C,
    cuts: Cuts,
}

/// Tells how often connections were cut.
#[derive(Debug, Clone)]
pub struct Cuts {
    every: u64,
    answers: Arc<AtomicU64>,
    cuts: Arc<AtomicU64>,
}

impl<C: Connector> CutProduceAnswers<C> {
    /// Connects by `inner` and cuts at every n-th answer.
    ///
    /// # Panics
    /// When `every` is below 2: nothing would ever arrive.
    pub fn every(every: u64, inner: C) -> (Self, Cuts) {
        assert!(every >= 2, "nothing would ever arrive");
        let cuts = Cuts {
            every,
            answers: Arc::default(),
            cuts: Arc::default(),
        };
        let connector = Self {
            inner,
            cuts: cuts.clone(),
        };
        (connector, cuts)
    }
}

impl Cuts {
    /// How many connections were cut.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.cuts.load(Ordering::Relaxed)
    }

    /// An answer arrives: whether to cut.
    fn is_due(&self) -> bool {
        let answers = self.answers.fetch_add(1, Ordering::Relaxed) + 1;
        let due = answers.is_multiple_of(self.every);
        if due {
            self.cuts.fetch_add(1, Ordering::Relaxed);
        }
        due
    }
}

impl<C: Connector> Connector for CutProduceAnswers<C> {
    fn connect<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
        Box::pin(async move {
            let stream = Cuttable {
                inner: Some(self.inner.connect(host, port).await?),
                cuts: self.cuts.clone(),
                requests: Frames::default(),
                answers: Frames::default(),
                apis: VecDeque::new(),
            };
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

struct Cuttable {
    /// `None` after the cut.
    inner: Option<Box<dyn Stream>>,
    cuts: Cuts,
    requests: Frames,
    answers: Frames,
    /// The APIs of requests without answer yet; answers come in order.
    apis: VecDeque<i16>,
}

impl AsyncRead for Cuttable {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let Some(inner) = &mut this.inner else {
            // The end of the stream.
            return Poll::Ready(Ok(()));
        };
        let before = buf.filled().len();
        std::task::ready!(Pin::new(inner).poll_read(cx, buf))?;
        for at in before..buf.filled().len() {
            let byte = buf.filled()[at];
            let begins = this.answers.take(byte) == Some(Part::First);
            if begins && this.apis.pop_front() == Some(PRODUCE) && this.cuts.is_due() {
                // What came before it is let through.
                buf.set_filled(at);
                this.inner = None;
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Some(inner) = &mut this.inner else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let written = std::task::ready!(Pin::new(inner).poll_write(cx, buf))?;
        for byte in &buf[..written] {
            if let Some(Part::ApiKey(api)) = this.requests.take(*byte) {
                this.apis.push_back(api);
            }
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().inner {
            Some(inner) => Pin::new(inner).poll_flush(cx),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().inner {
            Some(inner) => Pin::new(inner).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}

/// Where a byte stream is in its frames.
#[derive(Debug, Default)]
struct Frames {
    /// Bytes of the frame seen so far, its length included.
    seen: u32,
    length: u32,
    api: u16,
}

/// What a byte is in its frame.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// The first byte of the length.
    First,
    /// The last byte of a request's API key.
    ApiKey(i16),
}

impl Frames {
    fn take(&mut self, byte: u8) -> Option<Part> {
        self.seen += 1;
        let part = match self.seen {
            1 => {
                self.length = u32::from(byte);
                Some(Part::First)
            }
            2..=4 => {
                self.length = self.length << 8 | u32::from(byte);
                None
            }
            5 => {
                self.api = u16::from(byte);
                None
            }
            6 => Some(Part::ApiKey((self.api << 8 | u16::from(byte)) as i16)),
            _ => None,
        };
        if self.seen >= 4 && self.seen == self.length.saturating_add(4) {
            self.seen = 0;
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    struct One(Mutex<Option<DuplexStream>>);

    impl Connector for One {
        fn connect<'a>(&'a self, _host: &'a str, _port: u16) -> Dialing<'a> {
            let stream = self.0.lock().unwrap().take().unwrap();
            Box::pin(async move { Ok(Box::new(stream) as Box<dyn Stream>) })
        }
    }

    #[tokio::test]
    async fn the_answer_to_a_produce_request_is_lost_and_those_before_it_arrive() {
        let (client, mut broker) = duplex(1024);
        let (connector, cuts) = CutProduceAnswers::every(2, One(Mutex::new(Some(client))));
        let mut stream = connector.connect("", 0).await.unwrap();
        // Produce, Metadata, Produce.
        for api in [0_u8, 3, 0] {
            stream.write_all(&[0, 0, 0, 3, 0, api, 9]).await.unwrap();
        }
        let answers = b"\0\0\0\x01a\0\0\0\x02bb\0\0\0\x01c";
        broker.write_all(answers).await.unwrap();
        let mut read = Vec::new();
        stream.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"\0\0\0\x01a\0\0\0\x02bb");
        assert_eq!(cuts.count(), 1);
        let error = stream.write_all(b"x").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        // The broker sees the end too, after what was sent.
        let mut sent = Vec::new();
        broker.read_to_end(&mut sent).await.unwrap();
        assert_eq!(sent.len(), 21);
    }
}

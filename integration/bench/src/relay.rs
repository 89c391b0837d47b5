//! A network that takes its time: a relay on the loopback that hands on every byte a while later, and
//! counts those that come from the broker.
//!
//! Plain threads, two for each direction of a connection, because a thread's sleep is exact to some
//! tens of microseconds and a timer of a runtime to a millisecond. What is on the way is bounded.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;

/// Most bytes of a piece, and most pieces on the way in one direction of a connection.
const PIECE: usize = 64 * 1024;
const PIECES: usize = 512;

/// A piece, and when it arrives.
struct Piece {
    due: Instant,
    bytes: Vec<u8>,
}

/// Where the relay listens; it serves once it knows where to.
pub(crate) struct Relay {
    listener: TcpListener,
    sent: Arc<AtomicU64>,
}

impl Relay {
    pub(crate) fn bind() -> Result<Self, Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Self {
            listener,
            sent: Arc::default(),
        })
    }

    pub(crate) fn port(&self) -> Result<u16, Failure> {
        Ok(self.listener.local_addr()?.port())
    }

    /// Bytes that came from the broker.
    pub(crate) fn sent(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.sent)
    }

    /// Serves for as long as the process lives. Each way takes half of `round_trip`.
    pub(crate) fn serve(self, to: SocketAddr, round_trip: Duration) {
        thread::spawn(move || {
            for client in self.listener.incoming() {
                let joined = client.and_then(|client| join(client, to, round_trip / 2, &self.sent));
                if let Err(error) = joined {
                    eprintln!("the relay lost a connection: {error}");
                }
            }
        });
    }
}

fn join(
    client: TcpStream,
    to: SocketAddr,
    delay: Duration,
    sent: &Arc<AtomicU64>,
) -> io::Result<()> {
    let broker = TcpStream::connect(to)?;
    for stream in [&client, &broker] {
        stream.set_nodelay(true)?;
    }
    carry(client.try_clone()?, broker.try_clone()?, delay, None);
    carry(broker, client, delay, Some(Arc::clone(sent)));
    Ok(())
}

fn carry(from: TcpStream, to: TcpStream, delay: Duration, count: Option<Arc<AtomicU64>>) {
    let (pieces, due) = sync_channel(PIECES);
    thread::spawn(move || take(from, &pieces, delay, count.as_deref()));
    thread::spawn(move || hand_on(to, &due));
}

/// Reads until the stream ends, however it ends: the other side learns it by the end of the pieces.
fn take(
    mut from: TcpStream,
    pieces: &SyncSender<Piece>,
    delay: Duration,
    count: Option<&AtomicU64>,
) {
    let mut buffer = vec![0; PIECE];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if let Some(count) = count {
            count.fetch_add(length as u64, Ordering::Relaxed);
        }
        let piece = Piece {
            due: Instant::now() + delay,
            bytes: buffer[..length].to_vec(),
        };
        if pieces.send(piece).is_err() {
            break;
        }
    }
}

fn hand_on(mut to: TcpStream, due: &Receiver<Piece>) {
    for piece in due {
        thread::sleep(piece.due.saturating_duration_since(Instant::now()));
        if to.write_all(&piece.bytes).is_err() {
            break;
        }
    }
    // The end of the stream, or of what the other side takes; there is nobody to tell.
    let _ = to.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_both_ways_take_the_round_trip_and_are_counted_on_the_way_back() {
        let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let to = echo.local_addr().expect("an address");
        thread::spawn(move || {
            let (mut stream, _) = echo.accept().expect("a connection");
            let mut byte = [0];
            while stream.read_exact(&mut byte).is_ok() {
                stream.write_all(&byte).expect("an open stream");
            }
        });
        let relay = Relay::bind().expect("a port");
        let port = relay.port().expect("an address");
        let round_trip = Duration::from_millis(5);
        let sent = relay.sent();
        relay.serve(to, round_trip);

        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the relay");
        let start = Instant::now();
        stream.write_all(b"x").expect("an open stream");
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        assert_eq!(byte, *b"x");
        assert!(start.elapsed() >= round_trip);
        assert_eq!(sent.load(Ordering::Relaxed), 1);
    }
}

//! From a file to a plain socket without a copy through this process (`sendfile`).

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::net::sockopt::set_tcp_cork;
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::env;
use crate::log::DataSlice;
use crate::node::Node;

/// What is looked at before it is sent: whether sending it would wait for a disk.
const CHUNK_BYTES: usize = 1 << 20;

/// From now on only full packets go out.
pub(super) fn cork(socket: &TcpStream) -> io::Result<()> {
    Ok(set_tcp_cork(socket, true)?)
}

/// What is left goes out.
pub(super) fn uncork(socket: &TcpStream) -> io::Result<()> {
    Ok(set_tcp_cork(socket, false)?)
}

/// Sends all of it. Each time that the other side takes some of it, it has as long as `stall` for the next.
///
/// # Cancel safety
/// Not cancel safe: a part of it may have been sent.
pub(super) async fn send(
    socket: &TcpStream,
    slice: &DataSlice,
    node: &Node,
    stall: Duration,
) -> io::Result<()> {
    let length = slice.length();
    let mut at = 0;
    let mut looked_at = 0;
    while at < length {
        if at == looked_at {
            let chunk = CHUNK_BYTES.min(length - at);
            if !slice.is_probably_cached(at, chunk)? {
                node.warm(vec![slice.part(at, chunk)]).await;
            }
            looked_at += chunk;
        }
        env::timeout(stall, socket.writable()).await??;
        let sent = socket.try_io(Interest::WRITABLE, || {
            slice.send(at, looked_at - at, socket.as_fd())
        });
        match sent {
            Ok(sent) => at += sent,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) => {}
            Err(error) => return Err(error),
        }
        // A fast reader would have this task to itself otherwise.
        tokio::task::consume_budget().await;
    }
    Ok(())
}

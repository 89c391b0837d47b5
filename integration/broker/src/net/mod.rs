//! Connections: one task each, frames in, answers out in the order of the requests.
//!
//! As in Kafka, a connection has one request in work at a time: a waiting Fetch holds back the
//! answers behind it. Further requests may already be on their way; they wait in the socket, but for a
//! little that is read ahead to notice when the client goes.

pub(crate) mod answer;
pub(crate) mod connections;
mod frames;
pub(crate) mod http;
pub(crate) mod listener;
#[cfg(target_os = "linux")]
mod sendfile;
pub(crate) mod unsent;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kafka_client_protocol::ApiKey;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;

use crate::api::{self, Then};
use crate::config::WRITE_TIMEOUT;
use crate::node::Node;
use crate::security::gate::Gate;
use crate::security::{Principal, tls};

use self::answer::{Answer, Deferred, write_all};
use self::frames::{FrameReader, ReadError};
use self::listener::Listener;

/// How long a client may take to say who it is, in TLS and SASL together.
const AUTHENTICATION_TIME_MAX: Duration = Duration::from_secs(30);

/// What a connection is, apart from its bytes.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) listener: Arc<Listener>,
    pub(crate) peer: Peer,
    /// How many there were before it, and one.
    pub(crate) number: u64,
    gate: Mutex<Gate>,
    /// The number that the journal has given the request in work.
    noted: Mutex<Option<(u64, ApiKey)>>,
    deferred: Mutex<Deferred>,
    software: Mutex<Software>,
    /// Becomes true when nobody waits for an answer any more.
    left: watch::Sender<bool>,
}

/// What a client says that it is (KIP-511).
#[derive(Debug)]
pub(crate) struct Software {
    pub(crate) name: String,
    pub(crate) version: String,
}

impl Default for Software {
    /// Kafka's word for those that do not say.
    fn default() -> Self {
        let unknown = || "unknown".to_owned();
        Self {
            name: unknown(),
            version: unknown(),
        }
    }
}

/// Where a connection comes from. Written as its address with the port, or as the name of a
/// connection in memory.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    text: Arc<str>,
    /// `None` for a connection in memory.
    address: Option<IpAddr>,
}

impl Peer {
    pub(crate) fn in_memory(number: u64) -> Self {
        Self {
            text: format!("memory-{number}").into(),
            address: None,
        }
    }

    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The address as Java writes it, and so as Kafka compares it with the hosts of rules: IPv6 in
    /// eight groups that leave nothing out, and an IPv4 address as such also where it came over a
    /// socket of IPv6.
    pub(crate) fn host(&self) -> String {
        match self.address {
            None => self.text.to_string(),
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => {
                let groups = address.segments().map(|group| format!("{group:x}"));
                groups.join(":")
            }
        }
    }

    /// The port, as text; empty for a connection in memory.
    pub(crate) fn port(&self) -> String {
        let port = self.address.and_then(|_| self.text.rsplit_once(':'));
        port.map_or_else(String::new, |(_, port)| port.to_owned())
    }

    /// The address in all forms in which a quota may name it.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let mut hosts = vec![self.host()];
        hosts.extend(self.address.map(|address| address.to_string()));
        hosts.dedup();
        hosts
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self {
            text: address.to_string().into(),
            address: Some(address.ip().to_canonical()),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Connection {
    fn new(listener: Arc<Listener>, peer: Peer, number: u64, principal: Option<Principal>) -> Self {
        let gate = Mutex::new(listener.gate(principal));
        Self {
            listener,
            peer,
            number,
            gate,
            noted: Mutex::default(),
            deferred: Mutex::default(),
            software: Mutex::default(),
            left: watch::Sender::new(false),
        }
    }

    /// Resolves once the client has gone, or has kept the connection without a word for too long: a
    /// request that waits for something waits in vain.
    pub(crate) async fn is_left(&self) {
        let mut left = self.left.subscribe();
        // The sender lives in `self`, so there is no other end of this wait.
        let _ = left.wait_for(|left| *left).await;
    }

    /// The number of the request in work in the journal.
    pub(crate) fn noted(&self) -> MutexGuard<'_, Option<(u64, ApiKey)>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of the answer to the request in work, what stays in its files until it is sent.
    pub(crate) fn deferred(&self) -> MutexGuard<'_, Deferred> {
        self.deferred.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What runs at the other end. Held for a moment only.
    pub(crate) fn software(&self) -> MutexGuard<'_, Software> {
        self.software.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is at the other end, and what it may do. Held for a moment only.
    pub(crate) fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that a connection runs over.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {
    /// Ends it at once, without regard for what is under way.
    fn reset(self);

    /// The socket, where what is written goes out as it is.
    fn plain_socket(&self) -> Option<&TcpStream> {
        None
    }
}

impl Transport for TcpStream {
    fn plain_socket(&self) -> Option<&TcpStream> {
        Some(self)
    }

    fn reset(self) {
        // With this, closing the socket sends a reset instead of the rest.
        if let Err(error) = self.set_zero_linger() {
            tracing::debug!(%error, "a connection is closed where it should be reset");
        }
    }
}

impl Transport for DuplexStream {
    fn reset(self) {}
}

impl<S: Transport> Transport for TlsStream<S> {
    fn reset(self) {
        self.into_inner().0.reset();
    }
}

/// Serves one connection until either side ends it.
pub(crate) async fn serve<S>(
    node: Arc<Node>,
    listener: Arc<Listener>,
    stream: S,
    peer: Peer,
    number: u64,
) where
    S: Transport,
{
    let connection = Arc::clone(peer.text());
    let stopped = node.stopped();
    tokio::select! {
        biased;
        () = stopped => {}
        () = accept(&node, listener, stream, peer, number) => {}
    }
    if let Some(mut telemetry) = node.telemetry() {
        telemetry.left(&connection);
    }
}

/// Comes to terms on TLS first, where the listener has it.
async fn accept<S>(node: &Arc<Node>, listener: Arc<Listener>, stream: S, peer: Peer, number: u64)
where
    S: Transport,
{
    let began = crate::env::now();
    let Some(acceptor) = &listener.tls else {
        let connection = Connection::new(listener, peer, number, None);
        return converse(node, stream, &connection, began).await;
    };
    let handshake = acceptor.accept(stream);
    let stream = match crate::env::timeout(AUTHENTICATION_TIME_MAX, handshake).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::info!(%peer, listener = %listener.name, %error, "a TLS handshake failed");
            return;
        }
        Err(_) => {
            tracing::info!(%peer, listener = %listener.name, "a TLS handshake took too long");
            return;
        }
    };
    let certificates = stream.get_ref().1.peer_certificates();
    let principal = match certificates.and_then(|chain| chain.first()) {
        None => None,
        // Where SASL tells who it is, nobody asks the certificate, and it needs no name that fits.
        Some(_) if listener.sasl.is_some() => None,
        Some(certificate) => {
            let name = tls::client_name(certificate);
            let principal = name
                .as_deref()
                .and_then(|name| listener.principal_rules.apply(name));
            let Some(principal) = principal else {
                tracing::warn!(%peer, ?name, "closed a connection: no rule for the certificate");
                return;
            };
            Some(Principal::new(principal))
        }
    };
    let connection = Connection::new(listener, peer, number, principal);
    Box::pin(converse(node, stream, &connection, began)).await;
}

/// `began`: when the client began to say who it is.
async fn converse<S>(node: &Arc<Node>, mut stream: S, connection: &Connection, began: Instant)
where
    S: Transport,
{
    let peer = &connection.peer;
    let (bytes_max, idle, stall) = {
        let config = node.config();
        (
            config.request_bytes_max,
            Duration::from_millis(config.connections_max_idle_ms),
            Duration::from_millis(config.write_timeout_ms),
        )
    };
    let mut frames = FrameReader::new(bytes_max);
    let mut asked_since = Some(began);
    let mut gone_since = None;
    let mut bandwidth = None;
    loop {
        let mut limit = idle;
        frames.allow(bytes_max, "socket.request.max.bytes");
        let is_authenticating = connection.gate().is_authenticating();
        match &connection.listener.sasl {
            Some(sasl) if is_authenticating => {
                let own_max = bytes_max.min(sasl.request_bytes_max);
                frames.allow(own_max, "sasl.server.max.receive.size");
                let since = *asked_since.get_or_insert_with(crate::env::now);
                let spent = crate::env::now().saturating_duration_since(since);
                limit = idle.min(AUTHENTICATION_TIME_MAX.saturating_sub(spent));
            }
            _ => asked_since = None,
        }
        let frame = match crate::env::timeout(limit, frames.next(&mut stream)).await {
            Ok(Ok(Some(frame))) => frame,
            Ok(Ok(None)) => return,
            Ok(Err(error @ ReadError::Length { .. })) => {
                tracing::warn!(%peer, %error, "closed a connection that sent no Kafka frame");
                return;
            }
            Ok(Err(ReadError::Io(error))) => {
                tracing::debug!(%peer, %error, "connection lost");
                return;
            }
            Err(_) if limit < idle => {
                tracing::info!(%peer, "closed a connection that did not authenticate in time");
                return;
            }
            Err(_) => {
                tracing::debug!(%peer, "closed an idle connection (connections.max.idle.ms)");
                break;
            }
        };
        let Some(outcome) = while_there(
            api::serve(node, connection, frame),
            connection,
            idle,
            frames.end(&mut stream),
        )
        .await
        else {
            tracing::debug!(%peer, "closed an idle connection (connections.max.idle.ms)");
            break;
        };
        bandwidth = outcome.bandwidth.or(bandwidth);
        // Who does not read what it has asked for holds memory.
        let deferred = std::mem::take(&mut *connection.deferred());
        let answer = deferred.placed_in(outcome.answer);
        let unsent = node.unsent.add(answer.held_bytes());
        let sent = send(&mut stream, answer, node, bandwidth, stall);
        match crate::env::timeout(idle, sent)
            .await
            .map_err(io::Error::from)
        {
            Ok(Ok(())) => {}
            Ok(Err(error)) | Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                tracing::info!(
                    %peer, "closed a connection that does not read its answers ({WRITE_TIMEOUT})"
                );
                return stream.reset();
            }
            Ok(Err(error)) | Err(error) => {
                tracing::info!(%peer, %error, "connection lost before the answer was sent");
                return;
            }
        }
        drop(unsent);
        if !outcome.pause.is_zero() {
            // What a client has sent before it went does not hold the connection for longer either.
            let spent = gone_since.map_or(Duration::ZERO, |since| {
                crate::env::now().saturating_duration_since(since)
            });
            let limit = idle.saturating_sub(spent);
            let paused = crate::env::sleep(outcome.pause.min(limit));
            tokio::pin!(paused);
            tokio::select! {
                biased;
                () = &mut paused => {}
                () = frames.end(&mut stream) => {
                    if !frames.has_more() {
                        return;
                    }
                    // Still to be done, in its time.
                    gone_since.get_or_insert_with(crate::env::now);
                    paused.await;
                }
            }
            if outcome.pause > limit {
                tracing::debug!(%peer, "closed a paused connection (connections.max.idle.ms)");
                break;
            }
        }
        match outcome.then {
            Then::Next => {}
            Then::Close => break,
            Then::Reset => return stream.reset(),
            Then::Silence(hit) => {
                tokio::select! {
                    biased;
                    () = hit.released() => break,
                    () = swallow(&mut stream) => return,
                }
            }
        }
    }
    // Ends this side in order, so that what was answered before still arrives.
    let _ = crate::env::timeout(idle, stream.shutdown()).await;
}

/// Does the work of a request. When the client goes, whatever the request waits for is given up, and
/// the rest of it done. After the idle limit the same happens, and there is no more to be done for the
/// connection: `None`. As in Kafka, having a request in work is no reprieve.
async fn while_there<T>(
    work: impl Future<Output = T>,
    connection: &Connection,
    idle: Duration,
    end: impl Future<Output = ()>,
) -> Option<T> {
    tokio::pin!(work);
    let end = crate::env::timeout(idle, end);
    let is_idle = tokio::select! {
        biased;
        done = &mut work => return Some(done),
        ended = end => ended.is_err(),
    };
    connection.left.send_replace(true);
    let done = work.await;
    (!is_idle).then_some(done)
}

/// Reads and drops what comes, until the stream ends.
async fn swallow<R: AsyncRead + Unpin>(read: &mut R) {
    let mut buffer = [0; 1024];
    while read.read(&mut buffer).await.is_ok_and(|bytes| bytes > 0) {}
}

/// Writes an answer, with a limit in pieces of a tenth of a second.
async fn send<S>(
    stream: &mut S,
    answer: Answer,
    node: &Node,
    bandwidth: Option<NonZeroU32>,
    stall: Duration,
) -> io::Result<()>
where
    S: Transport,
{
    const PIECES_PER_SECOND: usize = 10;
    let Some(bandwidth) = bandwidth else {
        return answer.write(stream, node, stall).await;
    };
    let piece = (bandwidth.get() as usize / PIECES_PER_SECOND).max(1);
    for piece in answer.loaded()?.concat().chunks(piece) {
        let seconds = piece.len() as f64 / f64::from(bandwidth.get());
        write_all(stream, &[piece], stall).await?;
        crate::env::sleep(Duration::from_secs_f64(seconds)).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_written_as_java_writes_them() {
        for (address, host) in [
            ("127.0.0.1:1", "127.0.0.1"),
            ("[::ffff:10.0.0.1]:1", "10.0.0.1"),
            ("[::1]:1", "0:0:0:0:0:0:0:1"),
            ("[2001:db8::ab:0]:1", "2001:db8:0:0:0:0:ab:0"),
        ] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(Peer::from(address).host(), host);
        }
        assert_eq!(Peer::in_memory(7).host(), "memory-7");
    }
}

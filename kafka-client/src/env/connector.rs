//! How connections are made.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A byte stream to a broker.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The future of a dialed stream.
pub type Dialing<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send + 'a>>;

/// The future of the hosts behind a name.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<String>>> + Send + 'a>>;

/// Makes connections: to brokers, and to those who issue tokens where the client asks them itself.
/// The default dials TCP; a test may connect to a broker in memory, put faults in between, or go
/// through a proxy.
pub trait Connector: Send + Sync + 'static {
    /// The hosts behind a host's name, in the order to try them. Asked before each attempt, so that
    /// a change takes effect. Defaults to the name alone, for connectors that resolve by
    /// themselves.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound) for a name that does not exist, which ends
    /// [`connect`](crate::KafkaBuilder::connect) if no other address is left; other errors pass.
    fn resolve<'a>(&'a self, host: &'a str, _port: u16) -> Resolving<'a> {
        Box::pin(async move { Ok(vec![host.to_owned()]) })
    }

    /// Connects to a host that [`resolve`](Self::resolve) has named. Several may be dialed at once;
    /// the streams of those that lose are dropped.
    ///
    /// # Errors
    /// Whatever keeps it from connecting: the client tries again.
    fn connect<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a>;
}

/// Dials TCP, with small segments sent at once and dead peers noticed by keep-alive.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpConnector;

impl Connector for TcpConnector {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((host, port)).await;
            let addresses = addresses.map_err(unknown_name)?;
            Ok(addresses.map(literal).collect())
        })
    }

    fn connect<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
        Box::pin(async move {
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            let keepalive = socket2::TcpKeepalive::new().with_time(Duration::from_secs(60));
            socket2::SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

/// An address as text, with the zone that a link-local one needs.
fn literal(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(address) if address.scope_id() != 0 => {
            format!("{}%{}", address.ip(), address.scope_id())
        }
        address => address.ip().to_string(),
    }
}

/// Gives the resolver's "no such name" the kind that [`Connector::resolve`] promises. The standard
/// library has none for it, so the system's text has to tell it from a failure that passes.
fn unknown_name(error: io::Error) -> io::Error {
    /// `EAI_NONAME` and `EAI_NODATA` of glibc, musl, Apple and the BSDs.
    const TEXTS: [&str; 5] = [
        "Name or service not known",
        "No address associated with hostname",
        "Name does not resolve",
        "Name has no usable address",
        "nodename nor servname provided",
    ];
    /// Windows: `WSAHOST_NOT_FOUND` and `WSANO_DATA`.
    const CODES: [i32; 2] = [11001, 11004];
    let text = error.to_string();
    let is_unknown = TEXTS.iter().any(|known| text.contains(known))
        || error
            .raw_os_error()
            .is_some_and(|code| cfg!(windows) && CODES.contains(&code));
    match is_unknown {
        true => io::Error::new(io::ErrorKind::NotFound, error),
        false => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_does_not_exist_differs_from_a_resolver_that_is_away() {
        let kind = |text: &str| {
            let text = format!("failed to lookup address information: {text}");
            unknown_name(io::Error::other(text)).kind()
        };
        assert_eq!(kind("Name or service not known"), io::ErrorKind::NotFound);
        assert_eq!(
            kind("Temporary failure in name resolution"),
            io::ErrorKind::Other
        );
    }

    #[test]
    fn addresses_are_written_as_they_are_dialed() {
        let text = |address: &str| literal(address.parse().unwrap());
        assert_eq!(text("127.0.0.1:9092"), "127.0.0.1");
        assert_eq!(text("[::1]:9092"), "::1");
        assert_eq!(text("[fe80::1%3]:9092"), "fe80::1%3");
    }
}

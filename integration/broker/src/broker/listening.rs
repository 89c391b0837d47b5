//! The sockets of a broker: which there are to be, and what is done with who comes.

use crate::config::{BrokerConfig, PropertyError, invalid};
use crate::env::{self};
use crate::metrics::Metrics;
use crate::net::connections::Connections;
use crate::net::http;
use crate::net::listener::{EndPoint, Listener};
use crate::net::{self, Peer, listener};
use crate::node::Node;
use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

use super::builder::{Builder, StartError};

/// The listener of a broker whose properties name none.
const DEFAULT_LISTENER: &str = "PLAINTEXT://127.0.0.1:0";

/// The listeners and, unless no ports are opened, their sockets in the same order.
pub(super) type Opened = (Vec<Arc<Listener>>, Vec<TcpListener>);

impl Builder {
    pub(super) async fn open_listeners(&self, config: &BrokerConfig) -> Result<Opened, StartError> {
        let wrong = |error: PropertyError| StartError::Property(error.to_string());
        let mut listeners = Vec::new();
        let mut sockets = Vec::new();
        let end_points = self.end_points(config).map_err(wrong)?;
        let names = end_points.iter().map(|one| &one.name);
        let names = names.chain(&config.controller_listeners);
        let checked = config.security.check_listeners(names.map(String::as_str));
        checked.map_err(wrong)?;
        for (index, end_point) in end_points.iter().enumerate() {
            let name = &*end_point.name;
            let protocol = config.protocols.get(name).ok_or_else(|| {
                wrong(invalid(
                    "listener.security.protocol.map",
                    name,
                    "has no security protocol for this listener",
                ))
            })?;
            let mut local = None;
            if self.ports {
                let (socket, address) = bind(&end_point.address()).await?;
                local = Some(address);
                sockets.push(socket);
            }
            let mut configured = config.advertised_listeners.iter();
            let configured = configured.find(|advertised| advertised.name == name);
            let advertised = match (configured, local) {
                _ if index == 0 && self.advertised.is_some() => {
                    self.advertised.clone().unwrap_or_default()
                }
                (Some(advertised), _) => (advertised.host.clone(), advertised.port),
                (None, Some(local)) if local.ip().is_unspecified() => {
                    ("localhost".to_owned(), local.port())
                }
                (None, Some(local)) => (local.ip().to_string(), local.port()),
                (None, None) => ("localhost".to_owned(), 9092),
            };
            let scope = config.security.of(name);
            let listener = Listener::new(
                name,
                *protocol,
                advertised,
                local,
                &scope,
                self.tls.as_ref(),
            );
            listeners.push(Arc::new(listener.map_err(wrong)?));
        }
        Ok((listeners, sockets))
    }

    /// What is to be listened on. At least one.
    fn end_points(&self, config: &BrokerConfig) -> Result<Vec<EndPoint>, PropertyError> {
        const NAME: &str = "listeners";
        let mut all = match &config.listeners {
            Some(all) => all.clone(),
            None => listener::end_points(NAME, DEFAULT_LISTENER)?,
        };
        all.retain(|one| !config.controller_listeners.contains(&one.name));
        let Some(first) = all.first_mut() else {
            return Err(invalid(NAME, "", "has no listener for clients"));
        };
        if let Some(address) = &self.listen {
            let (host, port) = listener::host_and_port(address)
                .ok_or_else(|| invalid("listen", address, "must be of the form host:port"))?;
            first.host = host.to_owned();
            first.port = port;
        }
        let own = self.listeners.iter();
        let own = own.map(|(name, address)| format!("{name}://{address}"));
        let own: Vec<String> = own.collect();
        if !own.is_empty() {
            all.extend(listener::end_points("listener", &own.join(","))?);
        }
        for (index, one) in all.iter().enumerate() {
            if all[..index].iter().any(|before| before.name == one.name) {
                return Err(invalid(NAME, &one.name, "is there twice"));
            }
        }
        for advertised in &config.advertised_listeners {
            let is_known = all.iter().any(|one| one.name == advertised.name)
                || config.controller_listeners.contains(&advertised.name);
            if !is_known {
                return Err(invalid(
                    "advertised.listeners",
                    &advertised.name,
                    "is not among the listeners",
                ));
            }
        }
        Ok(all)
    }
}

pub(super) async fn bind(address: &str) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |source| StartError::Listen {
        address: address.to_owned(),
        source,
    };
    let socket = TcpListener::bind(address).await.map_err(refused)?;
    let local = socket.local_addr().map_err(refused)?;
    Ok((socket, local))
}

pub(super) fn bootstrap(listener: &Listener) -> String {
    let host = &*listener.host;
    if host.contains(':') {
        format!("[{host}]:{}", listener.port)
    } else {
        format!("{host}:{}", listener.port)
    }
}

pub(super) async fn accept(
    node: Arc<Node>,
    connections: Connections,
    socket: TcpListener,
    listener: Arc<Listener>,
) {
    let stopped = node.stopped();
    tokio::pin!(stopped);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stopped => return,
            accepted = socket.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file handles, most likely: trying again at once would spin.
                tracing::warn!(%error, "a connection was not accepted");
                env::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let config = &node.config();
        let max_of_address = config.connections_max_of(peer.ip());
        let open = connections.open_from(config.connections_max, peer.ip(), max_of_address);
        let open = match open {
            Ok(open) => open,
            Err(property) => {
                tracing::warn!(%peer, "refused a connection: {property} are open");
                continue;
            }
        };
        let peer = Peer::from(peer);
        if !node.quotas().admit(&peer.hosts(), node.env.now_ms()) {
            tracing::warn!(%peer, "refused a connection: its address is over connection_creation_rate");
            continue;
        }
        if let Err(error) = prepare(&stream, node.config().send_buffer_bytes) {
            tracing::debug!(%peer, %error, "a connection is served without its options");
        }
        let number = connections.next_number();
        let node = Arc::clone(&node);
        let listener = Arc::clone(&listener);
        env::spawn(async move {
            net::serve(node, listener, stream, peer, number).await;
            drop(open);
        });
    }
}

fn prepare(stream: &TcpStream, send_buffer_bytes: Option<usize>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let of = SockRef::from(stream);
    send_buffer_bytes.map_or(Ok(()), |bytes| of.set_send_buffer_size(bytes))
}

pub(super) async fn serve_metrics(node: Arc<Node>, connections: Connections, socket: TcpListener) {
    let of = Arc::clone(&node);
    let answer = move |request: http::Request| {
        let page = match (request.method, &*request.path) {
            (http::Method::Get, "/metrics") => {
                let metrics = Metrics::of(&of, connections.count());
                const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
                http::Response::new(200, FORMAT, metrics.to_prometheus())
            }
            (_, "/metrics") => http::Response::text(405, "only GET"),
            _ => http::Response::text(404, "there is /metrics"),
        };
        std::future::ready(page)
    };
    http::serve(socket, node.stopped(), answer).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_has_the_options_that_are_set() {
        const SEND_BYTES: usize = 40_000;
        let (listening, address) = bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(address).await.unwrap();
        let (accepted, _) = listening.accept().await.unwrap();
        prepare(&accepted, Some(SEND_BYTES)).unwrap();
        assert!(accepted.nodelay().unwrap());
        // Linux doubles it.
        let bytes = SockRef::from(&accepted).send_buffer_size().unwrap();
        assert!((SEND_BYTES..=2 * SEND_BYTES).contains(&bytes), "{bytes}");
    }
}

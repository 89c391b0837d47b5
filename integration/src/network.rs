//! A network in memory, under a test's control and fit for paused time.
//!
//! Addresses lead to brokers in memory. What a test does to an address holds for dials and
//! connections to it from then on:
//!
//! | call | dials | open connections |
//! |---|---|---|
//! | [`refuse`](Network::refuse) | fail at once, as where nothing listens | live on |
//! | [`silence`](Network::silence) | never end, as behind a firewall that drops | live on |
//! | [`unresolvable`](Network::unresolvable) | fail at once, as for a name that does not exist | live on |
//! | [`mute`](Network::mute) | succeed | carry nothing any more, in either direction |
//! | [`delay`](Network::delay) | take a round trip | carry each byte that much later |
//! | [`cut`](Network::cut) | as before | are reset now |
//! | [`restore`](Network::restore) | succeed | live on; a mute one stays mute |
//!
//! A name may lead to several hosts ([`name`](Network::name)), and several addresses to one broker
//! ([`alias`](Network::alias)). Dials and open connections are counted for each address.
//!
//! ```
//! use integration::network::Network;
//! use kafka_broker::Broker;
//! use kafka_client::Kafka;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let broker = Broker::builder().memory().no_listener().advertise("one", 9092).start().await?;
//! let network = Network::new();
//! network.route("one:9092", broker.connector());
//! network.refuse("dead:9092");
//! let kafka = Kafka::builder("dead:9092,one:9092").connector(network.clone()).connect().await.unwrap();
//! assert!(network.open("one:9092") > 0);
//! network.cut("one:9092");
//! # drop(kafka);
//! # Ok::<(), kafka_broker::StartError>(())
//! # }).unwrap();
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use kafka_client::{Connector, Dialing, Resolving, Stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::io::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Bytes that a connection takes before its reader has read them.
const WINDOW: usize = 64 * 1024;

/// A network of addresses, `host:port` each. Clones are handles to the same one.
#[derive(Debug, Clone, Default)]
pub struct Network(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// By address.
    places: BTreeMap<String, Place>,
    /// The hosts behind a name, where they were said.
    names: BTreeMap<String, Vec<String>>,
}

/// What stands behind an address.
#[derive(Default)]
struct Place {
    peer: Option<Arc<dyn Fn() -> DuplexStream + Send + Sync>>,
    dial: Dial,
    mute: bool,
    delay: Duration,
    dials: usize,
    /// By number of the dial.
    open: BTreeMap<usize, watch::Sender<Fate>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Dial {
    #[default]
    Answered,
    Refused,
    Silent,
    Unresolvable,
}

/// What becomes of an open connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Mute,
    Cut,
}

impl Network {
    /// A network without addresses: every dial is refused.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Has an address lead to a broker; to another one than before, if there was one.
    pub fn route(&self, address: &str, broker: kafka_broker::Connector) {
        self.route_to(address, move || broker.connect());
    }

    /// Has an address lead to whatever holds the other ends of the streams that `peer` makes, one
    /// for each connection.
    pub fn route_to(&self, address: &str, peer: impl Fn() -> DuplexStream + Send + Sync + 'static) {
        self.at(address, |place| place.peer = Some(Arc::new(peer)));
    }

    /// Has an address lead where another one leads now.
    pub fn alias(&self, address: &str, other: &str) {
        let peer = self.at(other, |place| place.peer.clone());
        self.at(address, |place| place.peer = peer);
    }

    /// Says which hosts a name resolves to, in this order. Other names resolve to themselves.
    pub fn name(&self, name: &str, hosts: &[&str]) {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        self.state().names.insert(name.to_owned(), hosts);
    }

    /// Refuses dials, as where nothing listens.
    pub fn refuse(&self, address: &str) {
        self.at(address, |place| place.dial = Dial::Refused);
    }

    /// Lets dials wait for ever. One that waits does so even after [`restore`](Self::restore).
    pub fn silence(&self, address: &str) {
        self.at(address, |place| place.dial = Dial::Silent);
    }

    /// Fails as a resolver does that does not know the name. Such an attempt is no dial.
    pub fn unresolvable(&self, address: &str) {
        self.at(address, |place| place.dial = Dial::Unresolvable);
    }

    /// Makes the open connections and later ones half open: what is written is accepted and lost,
    /// and nothing comes back.
    pub fn mute(&self, address: &str) {
        self.at(address, |place| {
            place.mute = true;
            for fate in place.open.values() {
                fate.send_if_modified(|fate| {
                    let was_open = *fate == Fate::Open;
                    *fate = if was_open { Fate::Mute } else { *fate };
                    was_open
                });
            }
        });
    }

    /// Sets how long a byte is under way, in each direction. Zero at first.
    pub fn delay(&self, address: &str, one_way: Duration) {
        self.at(address, |place| place.delay = one_way);
    }

    /// Resets the open connections; what is under way is lost. The number of connections cut.
    pub fn cut(&self, address: &str) -> usize {
        self.at(address, |place| {
            let cut = std::mem::take(&mut place.open);
            for fate in cut.values() {
                fate.send_replace(Fate::Cut);
            }
            cut.len()
        })
    }

    /// Takes back what was done to the address, but for its delay.
    pub fn restore(&self, address: &str) {
        self.at(address, |place| {
            place.dial = Dial::Answered;
            place.mute = false;
        });
    }

    /// How often the address was dialed, in vain or not.
    #[must_use]
    pub fn dials(&self, address: &str) -> usize {
        self.at(address, |place| place.dials)
    }

    /// How many connections to the address the clients hold open.
    #[must_use]
    pub fn open(&self, address: &str) -> usize {
        self.at(address, |place| place.open.len())
    }

    fn at<T>(&self, address: &str, act: impl FnOnce(&mut Place) -> T) -> T {
        let mut state = self.state();
        act(state.places.entry(address.to_owned()).or_default())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn dial(&self, address: String) -> io::Result<Box<dyn Stream>> {
        let (number, dial, delay) = self.at(&address, |place| {
            place.dials += 1;
            (place.dials, place.dial, place.delay)
        });
        match dial {
            Dial::Answered => tokio::time::sleep(delay * 2).await,
            Dial::Refused => return Err(io::ErrorKind::ConnectionRefused.into()),
            Dial::Silent => std::future::pending().await,
            // Only for who dials without having resolved the name before.
            Dial::Unresolvable => return Err(io::ErrorKind::NotFound.into()),
        }
        let (near, client_end) = tokio::io::duplex(WINDOW);
        let (broker_end, fate) = self.at(&address, |place| {
            let peer = place
                .peer
                .as_ref()
                .ok_or(io::ErrorKind::ConnectionRefused)?;
            let broker_end = peer();
            let first = if place.mute { Fate::Mute } else { Fate::Open };
            let (sender, fate) = watch::channel(first);
            place.open.insert(number, sender);
            Ok::<_, io::Error>((broker_end, fate))
        })?;
        let (from_client, to_client) = tokio::io::split(client_end);
        let (from_broker, to_broker) = tokio::io::split(broker_end);
        let link = Link {
            network: self.clone(),
            address,
        };
        tokio::spawn(link.clone().carry(from_client, to_broker, fate.clone()));
        tokio::spawn(link.clone().carry(from_broker, to_client, fate.clone()));
        Ok(Box::new(End {
            stream: near,
            link,
            number,
            fate,
        }))
    }
}

impl Connector for Network {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        let dial = self.at(&format!("{host}:{port}"), |place| place.dial);
        let hosts = self.state().names.get(host).cloned();
        Box::pin(async move {
            match dial {
                Dial::Unresolvable => {
                    let text = "failed to lookup address information: Name or service not known";
                    Err(io::Error::new(io::ErrorKind::NotFound, text))
                }
                _ => Ok(hosts.unwrap_or_else(|| vec![host.to_owned()])),
            }
        })
    }

    fn connect<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
        Box::pin(self.dial(format!("{host}:{port}")))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("dial", &self.dial)
            .field("mute", &self.mute)
            .field("delay", &self.delay)
            .field("dials", &self.dials)
            .field("open", &self.open.len())
            .finish_non_exhaustive()
    }
}

/// The way of a connection.
#[derive(Clone)]
struct Link {
    network: Network,
    address: String,
}

impl Link {
    /// Carries one direction until an end is gone or the connection is cut.
    async fn carry(
        self,
        mut from: ReadHalf<DuplexStream>,
        to: WriteHalf<DuplexStream>,
        mut fate: watch::Receiver<Fate>,
    ) {
        let (sender, under_way) = mpsc::unbounded_channel();
        tokio::spawn(deliver(under_way, to, fate.clone()));
        loop {
            let mut bytes = Vec::with_capacity(4096);
            let read = tokio::select! {
                biased;
                () = cut(&mut fate) => return,
                read = from.read_buf(&mut bytes) => read,
            };
            // The end of the stream takes its time too: it is an empty piece.
            let is_end = !matches!(read, Ok(1..));
            let delay = self.network.at(&self.address, |place| place.delay);
            let gone = sender.send((Instant::now() + delay, bytes)).is_err();
            if is_end || gone {
                return;
            }
        }
    }
}

/// Writes what arrives, each piece at its time.
async fn deliver(
    mut under_way: mpsc::UnboundedReceiver<(Instant, Vec<u8>)>,
    mut to: WriteHalf<DuplexStream>,
    mut fate: watch::Receiver<Fate>,
) {
    let mut cutting = fate.clone();
    let writing = async {
        while let Some((at, bytes)) = under_way.recv().await {
            tokio::time::sleep_until(at).await;
            if *fate.borrow_and_update() == Fate::Mute {
                continue;
            }
            let is_end = bytes.is_empty();
            if is_end || to.write_all(&bytes).await.is_err() {
                let _ = to.shutdown().await;
                return;
            }
        }
        // A mute connection's end is not carried, so it is not told before the connection is gone.
        cut(&mut fate).await;
    };
    tokio::select! {
        biased;
        () = cut(&mut cutting) => {}
        () = writing => {}
    }
}

/// Waits until the connection is cut.
async fn cut(fate: &mut watch::Receiver<Fate>) {
    if fate.wait_for(|fate| *fate == Fate::Cut).await.is_err() {
        // The client let go of it: what it has written still arrives.
        std::future::pending().await
    }
}

/// The client's end of a connection.
struct End {
    stream: DuplexStream,
    link: Link,
    number: usize,
    fate: watch::Receiver<Fate>,
}

impl End {
    fn check(&self) -> io::Result<()> {
        match *self.fate.borrow() {
            Fate::Cut => Err(io::ErrorKind::ConnectionReset.into()),
            Fate::Open | Fate::Mute => Ok(()),
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let Self { link, number, .. } = self;
        link.network.at(&link.address, |place| {
            if let Some(fate) = place.open.remove(number) {
                // The end of a mute connection would not be carried to its other side.
                fate.send_if_modified(|fate| {
                    let was_mute = *fate == Fate::Mute;
                    *fate = if was_mute { Fate::Cut } else { *fate };
                    was_mute
                });
            }
        });
    }
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        let before = buf.filled().len();
        std::task::ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() == before {
            // The end of the stream, or a cut that was noticed by it.
            self.check()?;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A network with a peer at `one:1` that sends back what it gets.
    fn echo() -> Network {
        let network = Network::new();
        network.route_to("one:1", || {
            let (near, far) = tokio::io::duplex(1024);
            tokio::spawn(async move {
                let (mut read, mut write) = tokio::io::split(far);
                let _ = tokio::io::copy(&mut read, &mut write).await;
                let _ = write.shutdown().await;
            });
            near
        });
        network
    }

    async fn ask(stream: &mut Box<dyn Stream>) -> io::Result<[u8; 4]> {
        stream.write_all(b"ping").await?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }

    async fn within<T>(ms: u64, future: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(Duration::from_millis(ms), future)
            .await
            .ok()
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_go_to_and_fro_and_the_end_follows_them() {
        let network = echo();
        let mut stream = network.connect("one", 1).await.unwrap();
        assert_eq!(ask(&mut stream).await.unwrap(), *b"ping");
        stream.write_all(b"last").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"last");
        assert_eq!((network.dials("one:1"), network.open("one:1")), (1, 1));
        drop(stream);
        assert_eq!(network.open("one:1"), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_client_wrote_before_it_let_go_arrives() {
        let network = Network::new();
        let (near, mut far) = tokio::io::duplex(1024);
        let near = Mutex::new(Some(near));
        network.route_to("one:1", move || near.lock().unwrap().take().unwrap());
        network.delay("one:1", Duration::from_millis(30));
        let mut stream = network.connect("one", 1).await.unwrap();
        stream.write_all(b"last").await.unwrap();
        drop(stream);
        let mut got = Vec::new();
        far.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"last");
    }

    #[tokio::test(start_paused = true)]
    async fn dials_fail_or_wait_as_they_are_told() {
        let network = echo();
        let kind = async || {
            network
                .connect("one", 1)
                .await
                .err()
                .map(|error| error.kind())
        };
        network.refuse("one:1");
        assert_eq!(kind().await, Some(io::ErrorKind::ConnectionRefused));
        network.unresolvable("one:1");
        let error = network.resolve("one", 1).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        network.silence("one:1");
        assert!(within(3_600_000, network.connect("one", 1)).await.is_none());
        network.restore("one:1");
        assert_eq!(kind().await, None);
        assert_eq!(network.dials("one:1"), 3);
        assert!(network.connect("two", 1).await.is_err(), "no route");
    }

    #[tokio::test(start_paused = true)]
    async fn names_resolve_as_they_are_told_and_else_to_themselves() {
        let network = echo();
        assert_eq!(network.resolve("one", 1).await.unwrap(), ["one"]);
        network.name("all", &["one", "two"]);
        assert_eq!(network.resolve("all", 1).await.unwrap(), ["one", "two"]);
        network.alias("two:1", "one:1");
        network.connect("two", 1).await.map(drop).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_resets_open_connections_and_no_later_ones() {
        let network = echo();
        let mut stream = network.connect("one", 1).await.unwrap();
        ask(&mut stream).await.unwrap();
        let waiting = async { stream.read_u8().await.unwrap_err().kind() };
        let cutting = async {
            tokio::task::yield_now().await;
            assert_eq!(network.cut("one:1"), 1);
        };
        let (seen, ()) = tokio::join!(waiting, cutting);
        assert_eq!(seen, io::ErrorKind::ConnectionReset);
        let error = stream.write_all(b"x").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let mut stream = network.connect("one", 1).await.unwrap();
        assert_eq!(ask(&mut stream).await.unwrap(), *b"ping");
    }

    #[tokio::test(start_paused = true)]
    async fn a_mute_connection_stays_mute_and_its_broker_is_let_go_with_it() {
        let network = echo();
        let mut stream = network.connect("one", 1).await.unwrap();
        ask(&mut stream).await.unwrap();
        network.mute("one:1");
        assert!(within(3_600_000, ask(&mut stream)).await.is_none());
        let mut later = network.connect("one", 1).await.unwrap();
        assert!(within(3_600_000, ask(&mut later)).await.is_none());
        network.restore("one:1");
        assert!(within(3_600_000, ask(&mut stream)).await.is_none());
        drop((stream, later));
        assert_eq!(network.open("one:1"), 0);
        let mut stream = network.connect("one", 1).await.unwrap();
        assert_eq!(ask(&mut stream).await.unwrap(), *b"ping");
    }

    #[tokio::test(start_paused = true)]
    async fn a_delay_counts_for_the_dial_and_each_way_and_lets_bytes_flow_meanwhile() {
        let network = echo();
        network.delay("one:1", Duration::from_millis(50));
        let begin = Instant::now();
        let mut stream = network.connect("one", 1).await.unwrap();
        assert_eq!(begin.elapsed().as_millis(), 100);
        ask(&mut stream).await.unwrap();
        assert_eq!(begin.elapsed().as_millis(), 200);
        // Two in a row are not twice as long under way.
        stream.write_all(b"one.").await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
        ask(&mut stream).await.unwrap();
        let mut second = [0; 4];
        stream.read_exact(&mut second).await.unwrap();
        assert_eq!(begin.elapsed().as_millis(), 310);
    }
}

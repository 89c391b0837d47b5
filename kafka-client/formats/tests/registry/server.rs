//! A registry in memory that answers as it is told.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kafka_client::{Connector, Dialing, Stream};
use kafka_client_formats::registry::{Registry, RegistryBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// What becomes of one connection.
#[derive(Debug, Clone)]
pub(crate) enum Reaction {
    /// There is no connection.
    Refused,
    /// The request is taken, and nothing comes.
    Silent,
    /// An answer, after a time.
    After(Duration, u16, &'static str),
    /// The beginning of an answer, and the end.
    Cut,
    /// An answer.
    Answer(u16, &'static str),
}

/// Its reactions in their order, the last one again and again.
#[derive(Clone)]
pub(crate) struct Server(Arc<Shared>);

struct Shared {
    reactions: Mutex<VecDeque<Reaction>>,
    requests: Mutex<Vec<String>>,
    dialed: Mutex<Vec<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    pub(crate) fn new(reactions: impl IntoIterator<Item = Reaction>) -> Self {
        Self(Arc::new(Shared {
            reactions: Mutex::new(reactions.into_iter().collect()),
            requests: Mutex::default(),
            dialed: Mutex::default(),
        }))
    }

    /// A client with one address, `registry`.
    pub(crate) fn client(&self) -> Registry {
        self.builder("http://registry").build().unwrap()
    }

    pub(crate) fn builder(&self, urls: &str) -> RegistryBuilder {
        Registry::builder(urls).connector(self.clone())
    }

    /// The requests that came, as they are on the wire.
    pub(crate) fn requests(&self) -> Vec<String> {
        lock(&self.0.requests).clone()
    }

    /// The first line of the last request.
    pub(crate) fn last_line(&self) -> String {
        let requests = self.requests();
        let last = requests.last().and_then(|request| request.lines().next());
        last.unwrap_or_default().to_owned()
    }

    pub(crate) fn dialed(&self) -> Vec<String> {
        lock(&self.0.dialed).clone()
    }

    fn next(&self) -> Reaction {
        let mut reactions = lock(&self.0.reactions);
        match reactions.len() {
            1 => reactions[0].clone(),
            _ => reactions.pop_front().unwrap(),
        }
    }

    async fn serve(self, mut stream: DuplexStream, reaction: Reaction) {
        let request = request(&mut stream).await;
        lock(&self.0.requests).push(request);
        let (status, body) = match reaction {
            Reaction::Answer(status, body) => (status, body),
            Reaction::After(time, status, body) => {
                tokio::time::sleep(time).await;
                (status, body)
            }
            Reaction::Cut => {
                let text = b"HTTP/1.1 200 Words\r\ncontent-length: 100\r\n\r\n{\"id\"";
                let _ = stream.write_all(text).await;
                return;
            }
            Reaction::Refused | Reaction::Silent => std::future::pending().await,
        };
        let length = body.len();
        let text = format!("HTTP/1.1 {status} Words\r\ncontent-length: {length}\r\n\r\n{body}");
        // The client may have gone away.
        let _ = stream.write_all(text.as_bytes()).await;
    }
}

/// Reads a request, with its body.
async fn request(stream: &mut DuplexStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 1024];
    loop {
        let length = stream.read(&mut buffer).await.unwrap();
        text += std::str::from_utf8(&buffer[..length]).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert_ne!(length, 0, "{text}");
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.parse().unwrap())
        });
        if body.len() >= length.unwrap_or(0) {
            return text;
        }
    }
}

impl Connector for Server {
    fn connect<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
        Box::pin(async move {
            lock(&self.0.dialed).push(format!("{host}:{port}"));
            let reaction = self.next();
            if matches!(reaction, Reaction::Refused) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (ours, theirs) = tokio::io::duplex(4096);
            tokio::spawn(self.clone().serve(theirs, reaction));
            Ok(Box::new(ours) as Box<dyn Stream>)
        })
    }
}

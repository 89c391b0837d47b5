//! A server in memory that answers as it is told.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::{Http, Limits};
use crate::env::{Connector, Dialing, Env, Stream, lock};
use crate::security::Tls;

/// What becomes of one connection.
#[derive(Debug, Clone)]
pub(in crate::security) enum Reaction {
    /// These bytes, and the end.
    Bytes(Vec<u8>),
    /// Nothing, for ever.
    Silence,
    /// There is no connection.
    Refusal,
}

/// Its reactions in their order, the last one again and again.
#[derive(Clone)]
pub(in crate::security) struct Server(Arc<Shared>);

struct Shared {
    reactions: Mutex<VecDeque<Reaction>>,
    requests: Mutex<Vec<String>>,
    dialed: Mutex<Vec<String>>,
}

/// An answer with this status and body.
pub(in crate::security) fn answer(status: u16, body: &str) -> Reaction {
    let length = body.len();
    let text = format!("HTTP/1.1 {status} Words\r\ncontent-length: {length}\r\n\r\n{body}");
    Reaction::Bytes(text.into_bytes())
}

impl Server {
    pub(in crate::security) fn new(reactions: impl IntoIterator<Item = Reaction>) -> Self {
        Self(Arc::new(Shared {
            reactions: Mutex::new(reactions.into_iter().collect()),
            requests: Mutex::default(),
            dialed: Mutex::default(),
        }))
    }

    pub(in crate::security) fn env(&self) -> Env {
        Env::new(Arc::new(self.clone()), Some(1)).unwrap()
    }

    pub(in crate::security) fn http(&self) -> Http {
        Http::new(&self.env(), Tls::new(), Limits::DEFAULT)
    }

    /// The requests that came, as they are on the wire.
    pub(in crate::security) fn requests(&self) -> Vec<String> {
        lock(&self.0.requests).clone()
    }

    /// The addresses that were dialed.
    pub(in crate::security) fn dialed(&self) -> Vec<String> {
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
        match reaction {
            Reaction::Bytes(bytes) => {
                // The client may have gone away.
                let _ = stream.write_all(&bytes).await;
            }
            _ => std::future::pending().await,
        }
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
            if matches!(reaction, Reaction::Refusal) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (ours, theirs) = tokio::io::duplex(4096);
            tokio::spawn(self.clone().serve(theirs, reaction));
            Ok(Box::new(ours) as Box<dyn Stream>)
        })
    }
}

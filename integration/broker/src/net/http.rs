//! As much of HTTP/1.1 as an endpoint for people and scripts needs: one request per connection, read
//! with strict limits, and one answer.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::env;

/// The request line with all headers.
const HEAD_BYTES_MAX: usize = 8 * 1024;
const BODY_BYTES_MAX: usize = 64 * 1024;
/// For a request with its answer, unless the answer takes its time.
const TIME_MAX: Duration = Duration::from_secs(10);
const CONNECTIONS_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Delete,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Begins with a slash, is as it came (percent signs included), and has no query.
    pub(crate) path: String,
    /// What is behind the question mark, as it came; empty if there is nothing.
    pub(crate) query: String,
    pub(crate) body: Bytes,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
}

impl Response {
    pub(crate) fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type,
            body: body.into(),
        }
    }

    /// A line of plain text.
    pub(crate) fn text(status: u16, line: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", format!("{line}\n"))
    }

    fn to_bytes(&self) -> Vec<u8> {
        let reason = match self.status {
            200 => "OK",
            201 => "Created",
            204 => "No Content",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            409 => "Conflict",
            413 => "Content Too Large",
            431 => "Request Header Fields Too Large",
            501 => "Not Implemented",
            // The phrase may be empty, its place may not.
            _ => "",
        };
        let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", self.status);
        if self.status != 204 {
            bytes += &format!(
                "content-type: {}\r\ncontent-length: {}\r\n",
                self.content_type,
                self.body.len()
            );
        }
        bytes += "connection: close\r\n\r\n";
        let mut bytes = bytes.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// Answers the requests that come to a socket, until `stopped` resolves. Requests in work end then.
pub(crate) async fn serve<H, A>(socket: TcpListener, stopped: impl Future<Output = ()>, answer: H)
where
    H: Fn(Request) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // Lives as long as this future; what is in work ends when it is dropped.
    let open = tokio::sync::watch::Sender::new(());
    tokio::pin!(stopped);
    loop {
        // Who comes when all places are taken waits in the socket's queue.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            biased;
            () = &mut stopped => return,
            accepted = socket.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection for HTTP was not accepted");
                env::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let answer = answer.clone();
        let mut open = open.subscribe();
        env::spawn(async move {
            let closed = async { while open.changed().await.is_ok() {} };
            tokio::select! {
                biased;
                () = closed => {}
                done = exchange(stream, answer) => {
                    if let Err(error) = done {
                        tracing::debug!(%error, "a connection for HTTP was lost");
                    }
                }
            }
            drop(place);
        });
    }
}

/// Reads one request and writes its answer. The answer itself may take as long as it wants.
async fn exchange<S, A>(mut stream: S, answer: impl FnOnce(Request) -> A) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Future<Output = Response>,
{
    let response = match env::timeout(TIME_MAX, read(&mut stream)).await? {
        Ok(request) => answer(request).await,
        Err(Refused::Io(error)) => return Err(error),
        Err(Refused::Answer(status, reason)) => Response::text(status, reason),
    };
    env::timeout(TIME_MAX, async {
        stream.write_all(&response.to_bytes()).await?;
        stream.shutdown().await?;
        // Closing a socket with something unread in it would reset the connection, and the client
        // lose the answer.
        let mut rest = [0; 1024];
        for _ in 0..2 * BODY_BYTES_MAX / rest.len() {
            if stream.read(&mut rest).await? == 0 {
                break;
            }
        }
        Ok(())
    })
    .await?
}

/// Why there is no request.
#[derive(Debug)]
enum Refused {
    /// The status to answer, and the reason.
    Answer(u16, &'static str),
    Io(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

async fn read<S>(stream: &mut S) -> Result<Request, Refused>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buffer = BytesMut::with_capacity(1024);
    let head_bytes = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if buffer.len() >= HEAD_BYTES_MAX {
            return Err(Refused::Answer(431, "the head has more than 8 KiB"));
        }
        more(stream, &mut buffer, HEAD_BYTES_MAX).await?;
    };
    let head = Head::parse(&buffer.split_to(head_bytes))?;
    if head.expects_continue && buffer.len() < head.body_bytes {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    while buffer.len() < head.body_bytes {
        more(stream, &mut buffer, head.body_bytes).await?;
    }
    Ok(Request {
        method: head.method,
        path: head.path,
        query: head.query,
        body: buffer.split_to(head.body_bytes).freeze(),
    })
}

/// Reads on, until the buffer has `bytes_max` at most.
async fn more<R>(read: &mut R, buffer: &mut BytesMut, bytes_max: usize) -> Result<(), Refused>
where
    R: AsyncRead + Unpin,
{
    let room = bytes_max.saturating_sub(buffer.len()) as u64;
    match read.take(room).read_buf(buffer).await? {
        0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        _ => Ok(()),
    }
}

struct Head {
    method: Method,
    path: String,
    query: String,
    body_bytes: usize,
    expects_continue: bool,
}

impl Head {
    fn parse(bytes: &[u8]) -> Result<Self, Refused> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Refused::Answer(400, "the head is not in UTF-8"))?;
        let mut lines = text.trim_end_matches("\r\n").split("\r\n");
        let mut parts = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refused::Answer(400, "this is not HTTP/1.1"));
        };
        let method = match method {
            "GET" => Method::Get,
            "POST" => Method::Post,
            "DELETE" => Method::Delete,
            _ => {
                return Err(Refused::Answer(
                    405,
                    "the method is not GET, POST or DELETE",
                ));
            }
        };
        if !target.starts_with('/') || target.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(Refused::Answer(400, "the target is not a path"));
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut length = None;
        let mut expects_continue = false;
        for line in lines {
            let (name, value) = line
                .split_once(':')
                .filter(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic()))
                .ok_or(Refused::Answer(400, "a header has no name"))?;
            let value = value.trim_matches([' ', '\t']);
            match &*name.to_ascii_lowercase() {
                // What two lengths mean depends on who reads them.
                "content-length" if length.is_some() => {
                    return Err(Refused::Answer(400, "content-length is there twice"));
                }
                "content-length" => length = Some(body_bytes(value)?),
                "transfer-encoding" => {
                    return Err(Refused::Answer(501, "only content-length is understood"));
                }
                "expect" => expects_continue = value.eq_ignore_ascii_case("100-continue"),
                _ => {}
            }
        }
        Ok(Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            body_bytes: length.unwrap_or(0),
            expects_continue,
        })
    }
}

fn body_bytes(value: &str) -> Result<usize, Refused> {
    // A sign, which `parse` would take, is not allowed.
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refused::Answer(400, "content-length is not a number"));
    }
    match value.parse() {
        Ok(bytes) if bytes <= BODY_BYTES_MAX => Ok(bytes),
        _ => Err(Refused::Answer(413, "the body has more than 64 KiB")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes back for what is sent, with the side that sends closed behind it.
    async fn answer_to(sent: &[u8], pipe: usize) -> String {
        let (mut client, server) = tokio::io::duplex(pipe);
        let echo = |request: Request| async move {
            let Request {
                method,
                path,
                query,
                body,
            } = request;
            Response::text(200, &format!("{method:?} {path} {query} {}", body.len()))
        };
        let served = tokio::spawn(exchange(server, echo));
        let mut got = Vec::new();
        let (mut read, mut write) = tokio::io::split(&mut client);
        let write = async {
            // What is refused early is not read to its end.
            let _ = write.write_all(sent).await;
            let _ = write.shutdown().await;
        };
        let (read, ()) = tokio::join!(read.read_to_end(&mut got), write);
        read.unwrap();
        let _ = served.await.unwrap();
        String::from_utf8(got).unwrap()
    }

    fn status(answer: &str) -> &str {
        answer.split(' ').nth(1).unwrap_or_default()
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_comes_out_however_it_arrives() {
        let sent = b"POST /faults/1?x=%20 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
        for pipe in [1, 7, 4096] {
            let answer = answer_to(sent, pipe).await;
            let expected = "POST /faults/1 x=%20 5\n".replace("POST", "Post");
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            assert!(answer.contains("content-length: 23\r\n"), "{answer}");
            assert!(answer.ends_with(&format!("\r\n\r\n{expected}")), "{answer}");
        }
        let answer = answer_to(b"GET / HTTP/1.0\r\n\r\n", 4096).await;
        assert!(answer.ends_with("Get /  0\n"), "{answer}");
        let answer = answer_to(b"DELETE /a HTTP/1.1\r\n\r\n", 4096).await;
        assert!(answer.ends_with("Delete /a  0\n"), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_waited_for_where_the_client_asks_first() {
        let sent = b"POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n123456789";
        let answer = answer_to(sent, 8).await;
        let rest = answer.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n");
        assert_eq!(status(rest.unwrap()), "200");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_wrong_is_refused_with_its_status() {
        let large = "x".repeat(9 * 1024);
        for (sent, expected) in [
            ("GET / HTTP/2\r\n\r\n".to_owned(), "400"),
            ("GET  / HTTP/1.1\r\n\r\n".to_owned(), "400"),
            ("GET / HTTP/1.1 x\r\n\r\n".to_owned(), "400"),
            ("GET x HTTP/1.1\r\n\r\n".to_owned(), "400"),
            ("GET /\u{e4} HTTP/1.1\r\n\r\n".to_owned(), "400"),
            ("\r\n\r\n".to_owned(), "400"),
            ("PUT / HTTP/1.1\r\n\r\n".to_owned(), "405"),
            ("GET / HTTP/1.1\r\nno header\r\n\r\n".to_owned(), "400"),
            ("GET / HTTP/1.1\r\n: x\r\n\r\n".to_owned(), "400"),
            ("GET / HTTP/1.1\r\na : x\r\n\r\n".to_owned(), "400"),
            (
                "GET / HTTP/1.1\r\ncontent-length: +1\r\n\r\n".to_owned(),
                "400",
            ),
            (
                "GET / HTTP/1.1\r\ncontent-length:\r\n\r\n".to_owned(),
                "400",
            ),
            (
                "GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na".to_owned(),
                "400",
            ),
            (
                "POST / HTTP/1.1\r\ncontent-length: 65537\r\n\r\n".to_owned(),
                "413",
            ),
            (
                "POST / HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n".to_owned(),
                "413",
            ),
            (
                "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
                "501",
            ),
            (format!("GET /{large} HTTP/1.1\r\n\r\n"), "431"),
        ] {
            let answer = answer_to(sent.as_bytes(), 4096).await;
            assert_eq!(status(&answer), expected, "{sent:.60}");
        }
        let bytes = answer_to(b"GET /\xff HTTP/1.1\r\n\r\n", 4096).await;
        assert_eq!(status(&bytes), "400");
    }

    #[tokio::test(start_paused = true)]
    async fn garbage_and_halves_of_requests_never_reach_the_answer() {
        let mut random = crate::env::random(Some(7));
        let good = b"POST /abc HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";
        for length in 0..good.len() {
            assert_eq!(answer_to(&good[..length], 4096).await, "", "{length} bytes");
        }
        for _ in 0..2_000 {
            let mut sent = good.to_vec();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..sent.len());
                sent[at] = random.u8(..);
            }
            let answer = answer_to(&sent, 4096).await;
            assert!(
                answer.is_empty() || answer.starts_with("HTTP/1.1 "),
                "{answer}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_nothing_is_left_after_a_while() {
        let (client, server) = tokio::io::duplex(64);
        let began = env::now();
        let done = exchange(server, |_| async { Response::text(200, "never") }).await;
        assert_eq!(done.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(env::now() - began, TIME_MAX);
        drop(client);
    }

    #[tokio::test]
    async fn requests_over_a_socket_are_answered_until_the_stop_which_ends_those_in_work() {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) };
        let served = tokio::spawn(serve(socket, stopped, |request| async move {
            if request.path == "/never" {
                std::future::pending::<()>().await;
            }
            Response::text(200, &request.path)
        }));
        let ask = |sent: &'static [u8]| async move {
            let mut client = tokio::net::TcpStream::connect(at).await.unwrap();
            client.write_all(sent).await.unwrap();
            client
        };
        for _ in 0..2 * CONNECTIONS_MAX {
            let mut got = String::new();
            let mut client = ask(b"GET /a HTTP/1.1\r\n\r\n").await;
            client.read_to_string(&mut got).await.unwrap();
            assert!(got.ends_with("/a\n"), "{got}");
        }
        let mut client = ask(b"GET /never HTTP/1.1\r\n\r\n").await;
        stop.send(()).unwrap();
        served.await.unwrap();
        let mut got = Vec::new();
        // Reset or closed, as it was not read to its end or was.
        let _ = client.read_to_end(&mut got).await;
        assert!(got.is_empty());
    }
}

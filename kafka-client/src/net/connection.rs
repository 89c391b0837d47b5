//! One connection: requests are written in order and answered in order.
//!
//! A caller queues an encoded request and waits for its answer. The writer task sends everything
//! that is queued in one vectored write, record batches without a copy; the reader task cuts
//! frames and hands each to the oldest waiting request. Decoding is the caller's.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use kafka_client_protocol::api::api_versions::ApiVersionsRequest;
use kafka_client_protocol::frame::{
    Frame, correlation_id, decode_api_versions, decode_response, encode_request, response_body,
};
use kafka_client_protocol::{ApiKey, DecodeError, ErrorCode, Request, StrBytes, ViewMessage};
use tokio::io::{AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;

use super::frames::FrameReader;
use super::spares::SpareFrames;
use super::versions::Versions;
use crate::env::{Env, Stream, lock};
use crate::error::{Error, ErrorKind};

/// The version of ApiVersions that is tried first. Version 5 (KIP-1242) would cost a second
/// round trip on every broker before 4.4.
const API_VERSIONS_FIRST: i16 = 4;

/// Segments given to one vectored write.
const SLICES: usize = 64;

/// Settings of a connection.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionConfig {
    pub(crate) client_id: Option<StrBytes>,
    /// Limit for dialing and the first exchange.
    pub(crate) setup_timeout: Duration,
    /// Limit for an answer.
    pub(crate) request_timeout: Duration,
    /// Largest answer accepted.
    pub(crate) max_response: usize,
    /// What large answers are read into.
    pub(crate) spares: Arc<SpareFrames>,
}

/// A connection to a broker. Clones share it; it closes when the last is dropped.
#[derive(Clone)]
pub(crate) struct Connection(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
    versions: Versions,
    tasks: [AbortHandle; 2],
}

impl Drop for Handle {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        // Requests without an answer are told now, not when the tasks get to run.
        self.shared.fail(&Error::closed("connection"));
    }
}

struct Shared {
    broker: Arc<str>,
    config: ConnectionConfig,
    state: Mutex<State>,
    /// Wakes the writer: something is queued.
    queued: Notify,
    closed: AtomicBool,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Outgoing>,
    waiting: VecDeque<Waiting>,
    correlation_id: i32,
    /// Why the connection is no more.
    failure: Option<Error>,
}

/// A request that the writer has not taken yet.
struct Outgoing {
    frame: Frame,
    /// Told when the request is written, where no answer comes (acks=0).
    written: Option<oneshot::Sender<Result<Bytes, Error>>>,
}

/// A request whose answer is due.
struct Waiting {
    correlation_id: i32,
    answer: oneshot::Sender<Result<Bytes, Error>>,
}

/// The answer to come of a request that was queued. Dropping it abandons the answer, not the
/// request.
#[derive(Debug)]
pub(crate) struct PendingResponse(oneshot::Receiver<Result<Bytes, Error>>);

impl Future for PendingResponse {
    /// The frame after its length prefix and correlation id.
    type Output = Result<Bytes, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|answer| {
            answer.unwrap_or_else(|_| {
                Err(Error::new(
                    ErrorKind::Disconnected,
                    "the connection was closed",
                ))
            })
        })
    }
}

impl Connection {
    /// Dials a broker and learns what it speaks.
    ///
    /// # Cancel safety
    /// Dropping the future drops the connection.
    pub(crate) async fn open(
        env: &Env,
        host: &str,
        port: u16,
        config: ConnectionConfig,
    ) -> Result<Self, Error> {
        let broker: Arc<str> = format!("{host}:{port}").into();
        let limit = config.setup_timeout;
        let opening = async {
            let stream = env.connect(host, port).await.map_err(|error| {
                Error::new(
                    ErrorKind::Connect,
                    format!("cannot connect: {error} (check bootstrap.servers, and the listeners that the brokers advertise)"),
                )
                .with_source(error)
            })?;
            Self::handshake(env, stream, broker.clone(), config).await
        };
        let opened = tokio::time::timeout(limit, opening).await;
        opened
            .unwrap_or_else(|_| {
                Err(Error::timeout(
                    "setting up the connection",
                    limit,
                    "socket.connection.setup.timeout.ms",
                ))
            })
            .map_err(|error| error.at_broker(broker))
    }

    async fn handshake(
        env: &Env,
        stream: Box<dyn Stream>,
        broker: Arc<str>,
        config: ConnectionConfig,
    ) -> Result<Self, Error> {
        let (read, write) = tokio::io::split(stream);
        let frames = FrameReader::new(read, config.max_response, config.spares.clone());
        let shared = Arc::new(Shared {
            broker,
            config,
            state: Mutex::default(),
            queued: Notify::new(),
            closed: AtomicBool::new(false),
        });
        let writer = env.spawn(write_loop(shared.clone(), write)).abort_handle();
        let reader = env.spawn(read_loop(shared.clone(), frames)).abort_handle();
        let mut handle = Handle {
            shared,
            versions: Versions::default(),
            tasks: [writer, reader],
        };
        handle.versions = negotiate(&handle.shared).await?;
        Ok(Self(Arc::new(handle)))
    }

    /// The broker, as `host:port`.
    pub(crate) fn broker(&self) -> &Arc<str> {
        &self.0.shared.broker
    }

    /// Whether the connection is known to be gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.shared.closed.load(Ordering::Acquire)
    }

    /// The highest version of a request that both sides speak, but none above `cap`.
    pub(crate) fn version<R: Request>(&self, cap: i16) -> Result<i16, Error> {
        self.0
            .versions
            .pick::<R>(cap)
            .map_err(|error| error.at_broker(self.broker()))
    }

    /// Sends a request in the highest common version and waits for its answer.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the answer; the request may have been sent.
    pub(crate) async fn call<R: Request>(&self, request: &R) -> Result<R::Response, Error> {
        self.call_with(request, i16::MAX, self.0.shared.config.request_timeout)
            .await
    }

    /// As [`Connection::call`], for a request that needs a version of at most `cap`, or that the
    /// broker may hold for longer than usual: `within` is the limit for the answer.
    ///
    /// # Cancel safety
    /// As [`Connection::call`].
    pub(crate) async fn call_with<R: Request>(
        &self,
        request: &R,
        cap: i16,
        within: Duration,
    ) -> Result<R::Response, Error> {
        let version = self.version::<R>(cap)?;
        let pending = self.send(request, version)?;
        self.answer::<R>(pending, version, within).await
    }

    /// Waits for the answer of a request that was sent in this version.
    ///
    /// A request that stays without an answer ends the connection: later answers cannot arrive
    /// before it.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the answer.
    pub(crate) async fn answer<R: Request>(
        &self,
        pending: PendingResponse,
        version: i16,
        within: Duration,
    ) -> Result<R::Response, Error> {
        let frame = self.arrival::<R>(pending, within).await?;
        self.decode::<R>(&frame, version)
    }

    /// Waits for the frame of an answer.
    async fn arrival<R: Request>(
        &self,
        pending: PendingResponse,
        within: Duration,
    ) -> Result<Bytes, Error> {
        let shared = &self.0.shared;
        let result = match tokio::time::timeout(within, pending).await {
            Ok(result) => result,
            Err(_) => {
                let error = Error::timeout("the answer", within, "request.timeout.ms");
                shared.fail(&error);
                Err(error)
            }
        };
        result.map_err(|error| error.at_api(R::API_KEY).at_broker(&shared.broker))
    }

    /// Sends a request and waits for its answer, which is to be read in place: it is the body, for
    /// [`Connection::view`].
    ///
    /// # Cancel safety
    /// As [`Connection::call`].
    pub(crate) async fn call_for_body<R: Request>(
        &self,
        request: &R,
        version: i16,
        within: Duration,
    ) -> Result<Bytes, Error> {
        let pending = self.send(request, version)?;
        let frame = self.arrival::<R>(pending, within).await?;
        response_body::<R>(&frame, version).map_err(|error| unreadable::<R>(&self.0.shared, &error))
    }

    /// Reads an answer in place. One that cannot be read ends the connection, as in
    /// [`Connection::decode`].
    pub(crate) fn view<'a, R>(
        &self,
        body: &'a Bytes,
        version: i16,
    ) -> Result<<R::Response as ViewMessage>::View<'a>, Error>
    where
        R: Request,
        R::Response: ViewMessage,
    {
        R::Response::view(body, version).map_err(|error| unreadable::<R>(&self.0.shared, &error))
    }

    /// Decodes an answer. One that cannot be decoded ends the connection: there is no telling
    /// what the peer would send next.
    pub(crate) fn decode<R: Request>(
        &self,
        frame: &Bytes,
        version: i16,
    ) -> Result<R::Response, Error> {
        decode::<R>(&self.0.shared, frame, version)
    }

    /// Queues a request.
    pub(crate) fn send<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<PendingResponse, Error> {
        self.0.shared.send(request, version, true)
    }

    /// Queues a request that no answer comes to (Produce with acks=0); the pending response ends
    /// when it has been handed to the network.
    pub(crate) fn send_without_answer<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<PendingResponse, Error> {
        self.0.shared.send(request, version, false)
    }

    /// Ends the connection; requests without an answer fail with `error`.
    pub(crate) fn fail(&self, error: &Error) {
        self.0.shared.fail(error);
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("broker", &self.0.shared.broker)
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn send<R: Request>(
        &self,
        request: &R,
        version: i16,
        answered: bool,
    ) -> Result<PendingResponse, Error> {
        let (sender, receiver) = oneshot::channel();
        let mut state = lock(&self.state);
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        let correlation_id = state.correlation_id;
        let client_id = self.config.client_id.clone();
        // Under the lock, so that the order of the queue is the order of the correlation ids.
        let frame =
            encode_request(request, version, correlation_id, client_id).map_err(|error| {
                Error::new(
                    ErrorKind::Protocol,
                    format!("the request cannot be encoded: {error}"),
                )
                .at_api(R::API_KEY)
                .at_broker(&self.broker)
            })?;
        state.correlation_id = correlation_id.wrapping_add(1);
        let mut written = None;
        if answered {
            state.waiting.push_back(Waiting {
                correlation_id,
                answer: sender,
            });
        } else {
            written = Some(sender);
        }
        state.queue.push_back(Outgoing { frame, written });
        drop(state);
        self.queued.notify_one();
        Ok(PendingResponse(receiver))
    }

    /// Ends the connection: everything that waits gets `error`, later requests too. The first
    /// failure stays.
    fn fail(&self, error: &Error) {
        let mut state = lock(&self.state);
        if state.failure.is_some() {
            return;
        }
        state.failure = Some(error.clone());
        self.closed.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut state.waiting);
        let queue = std::mem::take(&mut state.queue);
        drop(state);
        // Both tasks look at `closed` when they wake.
        self.queued.notify_waiters();
        self.queued.notify_one();
        let answers = waiting.into_iter().map(|waiting| waiting.answer);
        for answer in answers.chain(queue.into_iter().filter_map(|outgoing| outgoing.written)) {
            // Fails only if nobody waits any more.
            let _ = answer.send(Err(error.clone()));
        }
    }

    fn disconnected(&self, what: &str, error: std::io::Error) {
        self.fail(
            &Error::new(ErrorKind::Disconnected, format!("{what}: {error}"))
                .with_source(error)
                .at_broker(&self.broker),
        );
    }
}

fn decode<R: Request>(shared: &Shared, frame: &Bytes, version: i16) -> Result<R::Response, Error> {
    decode_response::<R>(frame, version).map_err(|error| unreadable::<R>(shared, &error))
}

fn unreadable<R: Request>(shared: &Shared, error: &DecodeError) -> Error {
    let error = Error::new(
        ErrorKind::Protocol,
        format!("the answer cannot be read: {error}"),
    )
    .at_api(R::API_KEY)
    .at_broker(&shared.broker);
    shared.fail(&error);
    error
}

/// Asks what the broker speaks (KIP-35, KIP-511). An old broker answers in version 0 with
/// UNSUPPORTED_VERSION and its own range: asked once more in that, else in 0.
async fn negotiate(shared: &Shared) -> Result<Versions, Error> {
    let request = ApiVersionsRequest {
        client_software_name: StrBytes::from_static(env!("CARGO_PKG_NAME")),
        client_software_version: StrBytes::from_static(env!("CARGO_PKG_VERSION")),
        ..Default::default()
    };
    let mut version = API_VERSIONS_FIRST;
    loop {
        let bytes = shared.send(&request, version, true)?.await?;
        let response = decode_api_versions(&bytes, version)
            .map_err(|error| unreadable::<ApiVersionsRequest>(shared, &error))?;
        if response.error_code == ErrorCode::UNSUPPORTED_VERSION.code() && version > 0 {
            let range = Versions::new(&response.api_keys).of(ApiKey::API_VERSIONS);
            version = range.map_or(0, |(_, max)| max).clamp(0, version - 1);
            continue;
        }
        ErrorCode::new(response.error_code)
            .ok()
            .map_err(|code| Error::broker(code, ApiKey::API_VERSIONS).at_broker(&shared.broker))?;
        return Ok(Versions::new(&response.api_keys));
    }
}

async fn write_loop(shared: Arc<Shared>, mut stream: WriteHalf<Box<dyn Stream>>) {
    let mut segments: VecDeque<Bytes> = VecDeque::new();
    let mut written: Vec<oneshot::Sender<Result<Bytes, Error>>> = Vec::new();
    while !shared.closed.load(Ordering::Acquire) {
        {
            let mut state = lock(&shared.state);
            for outgoing in state.queue.drain(..) {
                segments.extend(outgoing.frame.into_segments());
                written.extend(outgoing.written);
            }
        }
        if segments.is_empty() {
            // A permit is kept if something is queued between the look and the wait.
            shared.queued.notified().await;
            continue;
        }
        if let Err(error) = write_all(&mut stream, &mut segments).await {
            return shared.disconnected("the connection failed while writing", error);
        }
        for written in written.drain(..) {
            let _ = written.send(Ok(Bytes::new()));
        }
    }
    let _ = stream.shutdown().await;
}

/// Writes all segments, many in one system call. Each is released when its last byte is with the
/// kernel, not before: a batch's buffer may be used again only after that (KAFKA-19012).
async fn write_all(
    stream: &mut (impl AsyncWrite + Unpin),
    segments: &mut VecDeque<Bytes>,
) -> std::io::Result<()> {
    while !segments.is_empty() {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let count = segments.len().min(SLICES);
        for (slice, segment) in slices.iter_mut().zip(segments.iter()) {
            *slice = IoSlice::new(segment);
        }
        let mut written = stream.write_vectored(&slices[..count]).await?;
        if written == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        while let Some(front) = segments.front_mut() {
            if written < front.len() {
                front.advance(written);
                break;
            }
            written -= front.len();
            segments.pop_front();
        }
    }
    stream.flush().await
}

async fn read_loop(shared: Arc<Shared>, mut frames: FrameReader<ReadHalf<Box<dyn Stream>>>) {
    loop {
        let frame = match frames.next().await {
            Ok(Some(frame)) => frame,
            Ok(None) => {
                return shared.fail(
                    &Error::new(ErrorKind::Disconnected, "the broker closed the connection")
                        .at_broker(&shared.broker),
                );
            }
            Err(error) => return shared.fail(&error.at_broker(&shared.broker)),
        };
        let correlation_id = correlation_id(&frame).ok();
        let waiting = {
            let mut state = lock(&shared.state);
            if state.failure.is_some() {
                return;
            }
            // Answers come in the order of the requests; anything else would reach a stranger.
            match state.waiting.front() {
                Some(front) if Some(front.correlation_id) == correlation_id => {
                    state.waiting.pop_front()
                }
                _ => None,
            }
        };
        match waiting {
            // Fails only if nobody waits any more.
            Some(waiting) => drop(waiting.answer.send(Ok(frame))),
            None => {
                return shared.fail(
                    &Error::new(
                        ErrorKind::Protocol,
                        "an answer arrived that belongs to no request, or out of order",
                    )
                    .at_broker(&shared.broker),
                );
            }
        }
    }
}

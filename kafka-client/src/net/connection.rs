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
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use kafka_client_protocol::frame::{
    Frame, correlation_id, decode_response, encode_request, response_body,
};
use kafka_client_protocol::{ApiKey, DecodeError, Message, Request, StrBytes, ViewMessage};
use tokio::io::{AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::frames::FrameReader;
use super::reach::Reach;
use super::spares::SpareFrames;
use super::versions::Versions;
use crate::env::{Env, Stream, lock};
use crate::error::{Error, ErrorKind};
use crate::health::{Monitor, PATIENCE, Subject, Trouble};
use crate::security::{Secured, explain};

/// Segments given to one vectored write.
const SLICES: usize = 64;

/// The longest that a broker's quota holds a connection back. Kafka's own waits are below the
/// quota's window, some seconds; what is over that is not taken at its word.
const THROTTLE_MAX: Duration = Duration::from_secs(60);

/// Who is not held back again for this long is not held back any more.
const THROTTLE_LAPSE: Duration = Duration::from_secs(70);

/// How long the end of a connection may take to be written, to a peer that reads slowly.
const FAREWELL: Duration = Duration::from_secs(1);

/// Settings of a connection.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionConfig {
    pub(crate) client_id: Option<StrBytes>,
    /// Limit for dialing and the first exchange.
    pub(crate) setup_timeout: Duration,
    /// What that limit grows to from failure to failure.
    pub(crate) setup_timeout_max: Duration,
    /// Limit for an answer.
    pub(crate) request_timeout: Duration,
    /// Largest answer accepted.
    pub(crate) max_response: usize,
    /// What large answers are read into.
    pub(crate) spares: Arc<SpareFrames>,
    /// Told of quotas.
    pub(crate) health: Monitor,
    /// TLS and SASL.
    pub(crate) secured: Secured,
}

/// A connection to a broker. Clones share it; it closes when the last is dropped.
#[derive(Clone)]
pub(crate) struct Connection(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
    versions: Versions,
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Requests without an answer are told now, not when the tasks get to run.
        self.shared.fail(&Error::closed("connection"));
    }
}

/// A connection on which the versions are not agreed upon yet.
pub(super) struct Link(Handle);

pub(super) struct Shared {
    pub(super) env: Env,
    pub(super) broker: Arc<str>,
    pub(super) config: ConnectionConfig,
    state: Mutex<State>,
    /// Told of requests that stay without an answer; set when the connection is made.
    reach: OnceLock<Arc<Reach>>,
    /// The broker holds this connection back again and again.
    throttled: Mutex<Trouble>,
    /// Wakes the writer: something is queued.
    queued: Notify,
    closed: AtomicBool,
    is_retired: AtomicBool,
    /// Told when all that was written is answered, while the gate closes.
    drained: Notify,
    /// The reader, and who authenticates again: they end with the connection wherever they are.
    tasks: Mutex<Vec<AbortHandle>>,
    /// The writer: it ends by itself, in order (the `close_notify` of TLS), unless it is in the middle of
    /// writing: the peer may not read any more.
    writer: OnceLock<AbortHandle>,
}

/// Whether requests are sent, or kept back in their order until the client has authenticated again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    Closed,
}

struct State {
    queue: VecDeque<Outgoing>,
    /// The writer has taken something that is not written yet.
    is_writing: bool,
    waiting: VecDeque<Waiting>,
    gate: Gate,
    /// What is said while the gate is closed: one request at a time, once all others are answered.
    aside: VecDeque<Outgoing>,
    waiting_aside: Option<Waiting>,
    /// Answers so far.
    answers: u64,
    /// Of the next request.
    correlation_id: i32,
    /// Of the last answer.
    answered: i32,
    /// When something was sent or arrived last.
    used: Instant,
    /// The end of the last time that the broker asked for, for its quota's sake.
    throttled_until: Option<Instant>,
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
    /// The broker, as `host:port`.
    pub(crate) fn broker(&self) -> &Arc<str> {
        &self.0.shared.broker
    }

    /// Whether the connection is known to be gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.shared.closed.load(Ordering::Acquire)
    }

    /// The end of the time in which nothing is sent because of a quota (KIP-219); `None` if the
    /// connection is not held back.
    pub(crate) fn throttled_until(&self) -> Option<Instant> {
        let until = lock(&self.0.shared.state).throttled_until;
        until.filter(|until| *until > self.0.shared.env.now())
    }

    /// When the answer to a request of this connection is overdue. Time in which a quota holds the
    /// connection back does not count.
    pub(crate) fn deadline(&self, sent: Instant, limit: Duration) -> Instant {
        self.0.shared.deadline(sent, limit)
    }

    /// A request is not answered yet, although that was due from an instant on.
    pub(crate) fn unanswered(&self, api: ApiKey, since: Instant) {
        self.0.shared.unanswered(api, since);
    }

    /// What was told of by [`Connection::unanswered`] is answered.
    pub(crate) fn answered(&self) {
        self.0.shared.answered();
    }

    /// What its tasks have in common.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    pub(super) fn versions(&self) -> &Versions {
        &self.0.versions
    }

    /// Has requests without an answer told of.
    pub(super) fn belongs_to(&self, reach: &Arc<Reach>) {
        // Set once, by the pool that made it.
        let _ = self.0.shared.reach.set(reach.clone());
    }

    /// How many requests wait to be sent or answered.
    pub(crate) fn load(&self) -> usize {
        let state = lock(&self.0.shared.state);
        state.waiting.len().max(state.queue.len())
    }

    /// Counts as used now, so that it is not closed as idle before the caller gets to send.
    pub(super) fn touch(&self) {
        let now = self.0.shared.env.now();
        lock(&self.0.shared.state).used = now;
    }

    /// Closes the connection if nothing was sent or has arrived for `idle` and nothing is due
    /// (KIP-19); else when to look again at the earliest.
    pub(super) fn close_if_idle(&self, now: Instant, idle: Duration) -> Option<Instant> {
        let state = lock(&self.0.shared.state);
        let is_busy =
            !state.waiting.is_empty() || !state.queue.is_empty() || state.waiting_aside.is_some();
        let until = if is_busy { now } else { state.used } + idle;
        drop(state);
        if until > now {
            return Some(until);
        }
        let error = Error::new(
            ErrorKind::Disconnected,
            format!("closed after {idle:?} without use (connections.max.idle.ms)"),
        );
        self.fail(&error.at_broker(self.broker()));
        None
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
        let frame = self.arrival::<R>(pending, within).await?;
        self.decode::<R>(&frame, version)
    }

    /// Waits for the frame of an answer. A request that stays without an answer ends the
    /// connection: later answers cannot arrive before it. What the broker may hold the request for,
    /// beyond `request.timeout.ms`, is no silence; the rest is told of while it lasts.
    async fn arrival<R: Request>(
        &self,
        mut pending: PendingResponse,
        within: Duration,
    ) -> Result<Bytes, Error> {
        let shared = &self.0.shared;
        let sent = shared.env.now();
        let held = within.saturating_sub(shared.config.request_timeout);
        let mut patience = held + PATIENCE;
        let result = loop {
            let look = shared.deadline(sent, within.min(patience));
            if let Ok(result) = shared.env.timeout_at(look, &mut pending).await {
                break result;
            }
            // A quota may have held the connection back meanwhile.
            let now = shared.env.now();
            let begin = shared.deadline(sent, Duration::ZERO);
            let is_overdue = begin + within <= now;
            if begin + patience <= now || is_overdue {
                shared.unanswered(R::API_KEY, begin + held);
                patience = now - begin + PATIENCE;
            }
            if is_overdue || shared.env.has_ended() {
                let error = shared
                    .env
                    .elapsed("the answer", within, "request.timeout.ms");
                shared.fail(&error);
                break Err(error);
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
        let shared = &self.0.shared;
        let view =
            R::Response::view(body, version).map_err(|error| unreadable::<R>(shared, &error))?;
        shared.throttle(R::Response::view_throttle_time_ms(&view));
        Ok(view)
    }

    /// Decodes an answer. One that cannot be decoded ends the connection: there is no telling
    /// what the peer would send next.
    pub(crate) fn decode<R: Request>(
        &self,
        frame: &Bytes,
        version: i16,
    ) -> Result<R::Response, Error> {
        let shared = &self.0.shared;
        let response = decode_response::<R>(frame, version)
            .map_err(|error| unreadable::<R>(shared, &error))?;
        shared.throttle(response.throttle_time_ms());
        Ok(response)
    }

    /// Queues a request.
    pub(crate) fn send<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<PendingResponse, Error> {
        self.0.shared.send(request, version, true)
    }

    /// Queues a request that no answer is due to (Produce with acks=0); the pending response ends
    /// when it has been handed to the network. Some brokers answer all the same: that is dropped.
    pub(crate) fn send_without_answer<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<PendingResponse, Error> {
        self.0.shared.send(request, version, false)
    }

    /// Ends the connection because the client has no use for it any more: nothing is wrong with the broker, so
    /// the next one is dialed without a wait.
    pub(crate) fn retire(&self) {
        self.0.shared.is_retired.store(true, Ordering::Release);
        self.fail(&Error::closed("connection"));
    }

    pub(super) fn is_retired(&self) -> bool {
        self.0.shared.is_retired.load(Ordering::Acquire)
    }

    /// Ends the connection; requests without an answer fail with `error`.
    pub(crate) fn fail(&self, error: &Error) {
        self.0.shared.fail(error);
    }
}

impl Link {
    /// Begins to read and write.
    pub(super) fn new(
        env: &Env,
        stream: Box<dyn Stream>,
        broker: Arc<str>,
        config: ConnectionConfig,
    ) -> Self {
        let (read, write) = tokio::io::split(stream);
        let frames = FrameReader::new(read, config.max_response, config.spares.clone());
        let subject = Subject::Throttled {
            address: broker.clone(),
        };
        let throttled = config.health.watch_attempts(subject, THROTTLE_LAPSE);
        let shared = Arc::new(Shared {
            env: env.clone(),
            reach: OnceLock::new(),
            throttled: Mutex::new(throttled),
            broker,
            config,
            state: Mutex::new(State {
                queue: VecDeque::new(),
                is_writing: false,
                waiting: VecDeque::new(),
                gate: Gate::Open,
                aside: VecDeque::new(),
                waiting_aside: None,
                answers: 0,
                correlation_id: 0,
                answered: -1,
                used: env.now(),
                throttled_until: None,
                failure: None,
            }),
            queued: Notify::new(),
            closed: AtomicBool::new(false),
            is_retired: AtomicBool::new(false),
            drained: Notify::new(),
            tasks: Mutex::default(),
            writer: OnceLock::new(),
        });
        let writer = env.spawn(write_loop(shared.clone(), write)).abort_handle();
        let guard = FailOnDrop(shared.clone());
        let reader = env.spawn(async move { read_loop(&guard, frames).await });
        // Set once. A connection that has failed already has not been written to.
        let _ = shared.writer.set(writer);
        shared.ends_with_it(reader.abort_handle());
        Self(Handle {
            shared,
            versions: Versions::default(),
        })
    }

    pub(super) fn send<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<PendingResponse, Error> {
        self.0.shared.send(request, version, true)
    }

    pub(super) fn throttle(&self, ms: i32) {
        self.0.shared.throttle(ms);
    }

    pub(super) fn unreadable<R: Request>(&self, error: &DecodeError) -> Error {
        unreadable::<R>(&self.0.shared, error)
    }

    pub(super) fn into_connection(mut self, versions: Versions) -> Connection {
        self.0.versions = versions;
        Connection(Arc::new(self.0))
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
        let now = self.env.now();
        let mut state = lock(&self.state);
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        // Under the lock, so that the order of the queue is the order of the correlation ids.
        let frame = self.encode(request, version, state.correlation_id)?;
        let correlation_id = state.next_id();
        state.used = now;
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

    fn encode<R: Request>(
        &self,
        request: &R,
        version: i16,
        correlation_id: i32,
    ) -> Result<Frame, Error> {
        let client_id = self.config.client_id.clone();
        encode_request(request, version, correlation_id, client_id).map_err(|error| {
            Error::new(
                ErrorKind::Protocol,
                format!("the request cannot be encoded: {error}"),
            )
            .at_api(R::API_KEY)
            .at_broker(&self.broker)
        })
    }

    /// Keeps requests back from now on, and waits until those that were sent are answered.
    ///
    /// # Cancel safety
    /// Dropped, requests are kept back all the same.
    pub(super) async fn drain(&self) {
        lock(&self.state).gate = Gate::Closed;
        while lock(&self.state).unanswered() > 0 {
            // A permit is kept if the last answer comes between the look and the wait.
            self.drained.notified().await;
        }
    }

    /// Sends what was kept back, in its order, and all that comes.
    pub(super) fn open(&self) {
        lock(&self.state).gate = Gate::Open;
        self.queued.notify_one();
    }

    /// Queues a request that passes by those that are kept back.
    pub(super) fn send_aside<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<PendingResponse, Error> {
        let (sender, receiver) = oneshot::channel();
        let mut state = lock(&self.state);
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        let correlation_id = state.next_id();
        let frame = self.encode(request, version, correlation_id)?;
        state.waiting_aside = Some(Waiting {
            correlation_id,
            answer: sender,
        });
        state.aside.push_back(Outgoing {
            frame,
            written: None,
        });
        drop(state);
        self.queued.notify_one();
        Ok(PendingResponse(receiver))
    }

    /// Ends the connection: everything that waits gets `error`, later requests too. The first
    /// failure stays.
    pub(super) fn fail(&self, error: &Error) {
        let mut state = lock(&self.state);
        if state.failure.is_some() {
            return;
        }
        state.failure = Some(error.clone());
        self.closed.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut state.waiting);
        let queue = std::mem::take(&mut state.queue);
        let aside = state.waiting_aside.take();
        state.aside.clear();
        let is_writing = state.is_writing;
        drop(state);
        if let Some(aside) = aside {
            let _ = aside.answer.send(Err(error.clone()));
        }
        // Of what is still in the queue the writer has not taken a byte.
        let queued = queue.iter().filter(|outgoing| outgoing.written.is_none());
        let written = waiting.len().saturating_sub(queued.count());
        for (place, waiting) in waiting.into_iter().enumerate() {
            let error = match place < written {
                true => error.clone(),
                false => error.clone().unsent(),
            };
            // Fails only if nobody waits any more.
            let _ = waiting.answer.send(Err(error));
        }
        for written in queue.into_iter().filter_map(|outgoing| outgoing.written) {
            let _ = written.send(Err(error.clone().unsent()));
        }
        // What the writer has taken is told by its end.
        match self.writer.get() {
            Some(writer) if is_writing => writer.abort(),
            _ => self.queued.notify_one(),
        }
        self.end_tasks();
    }

    /// Has a task end with the connection.
    pub(super) fn ends_with_it(&self, task: AbortHandle) {
        lock(&self.tasks).push(task);
        if self.closed.load(Ordering::Acquire) {
            // It failed before it could end this one.
            self.end_tasks();
        }
    }

    fn end_tasks(&self) {
        for task in lock(&self.tasks).drain(..) {
            task.abort();
        }
    }

    pub(super) fn deadline(&self, sent: Instant, limit: Duration) -> Instant {
        let throttled_until = lock(&self.state).throttled_until;
        throttled_until.map_or(sent, |until| until.max(sent)) + limit
    }

    /// Sends nothing more for the time that an answer gives (KIP-219).
    fn throttle(&self, ms: i32) {
        let Ok(ms @ 1..) = u64::try_from(ms) else {
            return lock(&self.throttled).over();
        };
        let time = Duration::from_millis(ms).min(THROTTLE_MAX);
        let now = self.env.now();
        let mut state = lock(&self.state);
        let before = state.throttled_until.filter(|until| *until > now);
        state.throttled_until = before.max(Some(now + time));
        drop(state);
        let text = format!("the broker has this client wait for {time:?}, for the sake of a quota");
        lock(&self.throttled).failed(&Error::new(ErrorKind::Broker, text));
        if before.is_none() {
            tracing::debug!(broker = %self.broker, ?time, "held back by a quota");
        }
    }

    fn unanswered(&self, api: ApiKey, since: Instant) {
        let Some(reach) = self.reach.get() else {
            return;
        };
        let waited = self.env.now().saturating_duration_since(since);
        let error = Error::new(
            ErrorKind::Timeout,
            format!("no answer for {} s", waited.as_secs()),
        );
        reach.unanswered(since, &error.at_api(api).at_broker(&self.broker));
    }

    fn answered(&self) {
        if let Some(reach) = self.reach.get() {
            reach.answered();
        }
    }

    fn disconnected(&self, what: &str, error: std::io::Error) {
        let error = explain(&error).unwrap_or_else(|| {
            Error::new(ErrorKind::Disconnected, format!("{what}: {error}")).with_source(error)
        });
        self.fail(&error.at_broker(&self.broker));
    }

    /// The broker has ended the connection in order.
    fn ended(&self) -> Error {
        let error = Error::new(ErrorKind::Disconnected, "the broker closed the connection");
        let is_first = {
            let state = lock(&self.state);
            // The agreement on versions, and not a word more.
            state.answers == 1 && !state.waiting.is_empty()
        };
        match is_first && self.config.secured.mechanism.is_none() {
            true => error.with_hint(&format!(
                "at the first request: a listener that wants SASL does so, and security.protocol is {}; set \
                 sasl.mechanism and credentials if it does",
                self.config.secured.protocol()
            )),
            false => error,
        }
        .at_broker(&self.broker)
    }
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

async fn write_loop(shared: Arc<Shared>, mut stream: WriteHalf<Box<dyn Stream>>) {
    let mut segments: VecDeque<Bytes> = VecDeque::new();
    let mut written: Vec<oneshot::Sender<Result<Bytes, Error>>> = Vec::new();
    while !shared.closed.load(Ordering::Acquire) {
        let throttled_until = {
            let mut state = lock(&shared.state);
            let until = state.throttled_until;
            let until = until.filter(|until| *until > shared.env.now());
            if until.is_none() {
                let state = &mut *state;
                let queue = match state.gate {
                    Gate::Open => &mut state.queue,
                    Gate::Closed => &mut state.aside,
                };
                for outgoing in queue.drain(..) {
                    segments.extend(outgoing.frame.into_segments());
                    written.extend(outgoing.written);
                }
            }
            state.is_writing = !segments.is_empty();
            until
        };
        if segments.is_empty() {
            // A permit is kept if something is queued between the look and the wait.
            tokio::select! {
                biased;
                () = shared.queued.notified() => {}
                () = shared.env.until(throttled_until) => {}
            }
            continue;
        }
        if let Err(error) = write_all(&mut stream, &mut segments).await {
            return shared.disconnected("the connection failed while writing", error);
        }
        for written in written.drain(..) {
            let _ = written.send(Ok(Bytes::new()));
        }
    }
    // Whatever it says: the connection is over.
    let _ = shared.env.timeout(FAREWELL, stream.shutdown()).await;
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

/// Fails the connection when its reader ends. One that is dropped in the middle has lost its runtime.
struct FailOnDrop(Arc<Shared>);

impl Drop for FailOnDrop {
    fn drop(&mut self) {
        self.0.fail(&Error::runtime_ended());
    }
}

async fn read_loop(
    FailOnDrop(shared): &FailOnDrop,
    mut frames: FrameReader<ReadHalf<Box<dyn Stream>>>,
) {
    loop {
        let frame = match frames.next().await {
            Ok(Some(frame)) => frame,
            Ok(None) => return shared.fail(&shared.ended()),
            Err(error) => return shared.fail(&error.at_broker(&shared.broker)),
        };
        let now = shared.env.now();
        let taken = {
            let mut state = lock(&shared.state);
            if state.failure.is_some() {
                return;
            }
            state.answers += 1;
            let id = correlation_id(&frame).ok();
            // To authenticate again is no use of the connection.
            let aside = state
                .waiting_aside
                .as_ref()
                .map(|aside| aside.correlation_id);
            if id != aside {
                state.used = now;
            }
            let taken = id.and_then(|id| state.take(id));
            if state.gate == Gate::Closed && state.unanswered() == 0 {
                shared.drained.notify_one();
            }
            taken
        };
        match taken {
            Some(Answered::Awaited(answer)) => {
                shared.answered();
                // Fails only if nobody waits any more.
                drop(answer.send(Ok(frame)));
            }
            Some(Answered::Unasked) => {}
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

/// What an answer is to the client.
enum Answered {
    /// Somebody waits for it.
    Awaited(oneshot::Sender<Result<Bytes, Error>>),
    /// It is to a request that none is due to (acks=0).
    Unasked,
}

impl State {
    fn next_id(&mut self) -> i32 {
        let id = self.correlation_id;
        self.correlation_id = id.wrapping_add(1);
        id
    }

    /// How many requests were handed to the network, and have no answer yet.
    fn unanswered(&self) -> usize {
        let queued = self
            .queue
            .iter()
            .filter(|outgoing| outgoing.written.is_none());
        self.waiting.len() - queued.count()
    }

    /// Finds out whose answer has arrived; `None` if it is nobody's. Answers come in the order of
    /// the requests: anything else would reach a stranger.
    fn take(&mut self, id: i32) -> Option<Answered> {
        if let Some(aside) = self
            .waiting_aside
            .take_if(|aside| aside.correlation_id == id)
        {
            return Some(Answered::Awaited(aside.answer));
        }
        let due = self.waiting.front().map(|waiting| waiting.correlation_id);
        let end = due.unwrap_or(self.correlation_id);
        // Ids between the last answer and the next one due are those of requests with acks=0.
        let is_unasked = id.wrapping_sub(self.answered) > 0 && id.wrapping_sub(end) < 0;
        if is_unasked {
            self.answered = id;
            return Some(Answered::Unasked);
        }
        if Some(id) != due {
            return None;
        }
        self.answered = id;
        let waiting = self.waiting.pop_front()?;
        Some(Answered::Awaited(waiting.answer))
    }
}

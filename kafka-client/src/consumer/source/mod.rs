//! The inbox from a broker: fetches what is to be read from it, ahead of the user, within its part of
//! the buffer.
//!
//! Each broker has a source of its own, so that a slow or idle one delays no other.
//!
//! - `agenda`: what to look at before the next request, and how much room there is (pure)
//! - `session`: what the broker is asked for, in which order, and what it knows of that (pure)
//! - `answers`: an answer taken apart

mod agenda;
mod answers;
mod session;

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use kafka_client_protocol::StrBytes;
use kafka_client_protocol::api::fetch::FetchRequest;
use tokio::sync::Notify;
use tokio::time::Instant;

pub(crate) use self::agenda::Agenda;
pub(crate) use self::session::Asked;

use self::session::Session;
use super::shared::Shared;
use crate::config::millis;
use crate::env::{self, Env};
use crate::error::{Error, ErrorKind};
use crate::health::{Subject, Trouble};
use crate::net::{Connection, LAST_BY_NAME, Lane};

/// An answer that is so late tells that the broker may not lead any more: the metadata is looked at
/// while it is awaited.
const LATE: Duration = Duration::from_secs(3);

/// How long a consumer that is closed waits for brokers to forget its sessions.
const FORGET_LIMIT: Duration = Duration::from_secs(1);

/// What a partition may bring however small the buffer is: a batch of the usual size.
const PARTITION_BYTES: usize = 16 * 1024;

/// What a source does next.
enum Plan {
    Fetch(Room),
    /// Nothing before this instant, or until something changes.
    Wait(Option<Instant>),
}

/// The most bytes that are asked for.
#[derive(Debug, Clone, Copy)]
struct Room {
    all: i32,
    /// In a small buffer, no partition takes the room of all others.
    each: i32,
}

/// Fetches from one broker until the consumer ends.
pub(crate) async fn source_loop(shared: Weak<Shared>, node: i32, wake: Arc<Notify>) {
    let Some((env, mut backoff)) = shared.upgrade().map(|shared| {
        let backoff = shared.cluster.retry_backoff(&format!("source-{node}"));
        (shared.env().clone(), backoff)
    }) else {
        return;
    };
    let mut session = Session::default();
    let mut trouble = None;
    // While an answer was too large to be received: how many partitions are asked for at a time.
    let mut limit = None;
    loop {
        let Some(this) = shared.upgrade() else { return };
        let room = match plan(&this, node, &mut session) {
            Plan::Fetch(room) => room,
            Plan::Wait(until) => {
                drop(this);
                wait(&env, &wake, until).await;
                continue;
            }
        };
        let asked = env.now();
        let result = match this.cluster.connect(node, Lane::Data).await {
            Ok(connection) => {
                let result = fetch(&this, node, &connection, &mut session, room, limit).await;
                note(
                    &this,
                    &mut trouble,
                    connection.broker(),
                    result.as_ref().err(),
                );
                result
            }
            Err(error) => Err(error),
        };
        let pause = match result {
            // What a broker has nothing to say of, it says after `fetch.max.wait.ms`.
            Ok(false) if env.now() < asked + this.config.fetch_max_wait / 2 => {
                tracing::debug!(node, "an answer brought nothing");
                Some(backoff.next())
            }
            Ok(_) => {
                backoff.reset();
                None
            }
            Err(error) => {
                tracing::debug!(node, %error, "fetch failed");
                if error.kind() == ErrorKind::Authentication {
                    this.refused(&error);
                }
                session.broken();
                answers::leave_replica(&this, node, &session);
                this.cluster.request_refresh();
                if error.is_oversized() {
                    limit = narrow(&this, node, &session, limit, &error);
                }
                Some(backoff.next())
            }
        };
        if pause.is_none()
            && let Some(partitions) = limit
        {
            // The others have their turn, and more of them at a time.
            session.pass_turn();
            limit = Some(partitions * 2).filter(|more| *more < session.len());
        }
        drop(this);
        if let Some(pause) = pause {
            env.sleep(pause).await;
        }
    }
}

/// Has the brokers forget the fetch sessions of a consumer whose sources have ended, as Java's client does:
/// they keep few, and one that is not used for two minutes. Not over the connections on which a fetch may
/// be held, and not for long: whoever cannot be asked forgets by itself.
pub(crate) async fn end_sessions(shared: &Shared, until: Instant) {
    let limit = until.saturating_duration_since(shared.env().now());
    let limit = limit.min(FORGET_LIMIT);
    let sessions = shared.state().sessions();
    let ending = sessions.into_iter().map(|(node, id)| async move {
        if let Err(error) = end_session(shared, node, id, limit).await {
            tracing::debug!(node, %error, "a fetch session is left");
        }
    });
    // Out of time, they are left.
    let _ = shared.env().timeout(limit, env::all(ending)).await;
}

async fn end_session(shared: &Shared, node: i32, id: i32, limit: Duration) -> Result<(), Error> {
    let connection = shared.cluster.connect(node, Lane::Control).await?;
    let version = connection.version::<FetchRequest>(i16::MAX)?;
    let request = FetchRequest {
        session_id: id,
        session_epoch: session::NONE,
        ..Default::default()
    };
    connection.call_for_body(&request, version, limit).await?;
    Ok(())
}

/// Tells of requests that fail. That the broker is not even reached is told elsewhere.
fn note(shared: &Shared, trouble: &mut Option<Trouble>, address: &Arc<str>, error: Option<&Error>) {
    match (error, trouble.as_mut()) {
        (None, None) => {}
        (None, Some(trouble)) => trouble.over(),
        (Some(error), Some(trouble)) => trouble.failed(error),
        (Some(error), None) => {
            let address = address.clone();
            let subject = Subject::Fetch { address };
            trouble
                .insert(shared.cluster.health.watch(subject))
                .failed(error);
        }
    }
}

/// The answer was larger than may be received. Only a single batch can be that large: its partition is
/// found by asking for half as many, until it is alone, and stops with an error.
fn narrow(
    shared: &Shared,
    node: i32,
    session: &Session,
    limit: Option<usize>,
    error: &Error,
) -> Option<usize> {
    let asked = limit.unwrap_or(session.len()).min(session.len());
    if asked > 1 {
        return Some(asked / 2);
    }
    if let Some((partition, asked)) = session.first() {
        answers::stop_at_oversized(shared, node, &partition, &asked, error);
    }
    Some(1)
}

async fn wait(env: &Env, wake: &Notify, until: Option<Instant>) {
    // Time over or woken: both mean another look.
    tokio::select! {
        biased;
        () = wake.notified() => {}
        () = env.until(until) => {}
    }
}

/// Looks at what has changed, and says what to do.
fn plan(shared: &Shared, node: i32, session: &mut Session) -> Plan {
    let metadata = shared.cluster.metadata();
    let now = shared.env().now();
    let mut guard = shared.state();
    let state = &mut *guard;
    shared.settle(state);
    for partition in state.agenda(node).due(now) {
        let Some(slot) = state.positions.get_mut(&partition) else {
            session.drop(&partition);
            continue;
        };
        if let Some(until) = slot.replica.until(now) {
            state.agenda(node).look_later(partition.clone(), until);
        } else if slot.source == node && slot.replica.is_near(node) {
            // The leader chooses anew, before anything more is asked of this one.
            state.positions.touch(&partition);
            shared.settle(state);
        }
        let Some(slot) = state.positions.get_mut(&partition) else {
            continue;
        };
        let asked = match slot.source == node {
            true => slot.ask(now),
            false => Err(None),
        };
        match asked {
            Ok(asked) => {
                let topic = metadata.topic(&partition.topic);
                let id = topic.map(|topic| topic.id).unwrap_or_default();
                session.want(&partition, id, asked);
            }
            Err(later) => {
                session.drop(&partition);
                if let Some(at) = later {
                    state.agenda(node).look_later(partition, at);
                }
            }
        }
    }
    let is_active = !session.is_empty();
    state.agenda(node).set_active(is_active);
    state.agenda(node).set_session(session.id());
    let share = shared.share(state);
    let part = shared.part_of_partition(state);
    let agenda = state.agenda(node);
    if !is_active {
        return Plan::Wait(agenda.next());
    }
    match agenda.room(share) {
        Some(free) => {
            let config = &shared.config;
            let bytes = |bytes: usize| i32::try_from(bytes).unwrap_or(i32::MAX);
            Plan::Fetch(Room {
                all: config.fetch_max_bytes.min(bytes(free)),
                each: config
                    .max_partition_fetch_bytes
                    .min(bytes(part.max(PARTITION_BYTES))),
            })
        }
        None => Plan::Wait(None),
    }
}

/// Asks for what the session wants, and takes the answer; whether there was anything in it.
async fn fetch(
    shared: &Shared,
    node: i32,
    connection: &Connection,
    session: &mut Session,
    room: Room,
    limit: Option<usize>,
) -> Result<bool, Error> {
    let config = &shared.config;
    let cap = match session.has_ids() {
        true => i16::MAX,
        false => LAST_BY_NAME,
    };
    let version = connection.version::<FetchRequest>(cap)?;
    let ask = session.ask(version, limit, room.each);
    let rack = config.rack.as_deref().filter(|_| session.may_refer());
    let request = FetchRequest {
        max_wait_ms: match limit {
            Some(_) => 0,
            None => millis(config.fetch_max_wait),
        },
        min_bytes: config.fetch_min_bytes,
        max_bytes: room.all,
        isolation_level: i8::from(config.read_committed),
        session_id: ask.id,
        session_epoch: ask.epoch,
        topics: ask.topics,
        forgotten_topics_data: ask.forgotten,
        rack_id: rack.map(StrBytes::from).unwrap_or_default(),
        ..Default::default()
    };
    let body = call(shared, connection, &request, version).await?;
    answers::take(shared, node, connection, session, version, &body)
}

/// The body of the answer. A silent broker may not be the leader any more, and others are not to wait
/// for what it does not say: the metadata is looked at meanwhile.
async fn call(
    shared: &Shared,
    connection: &Connection,
    request: &FetchRequest,
    version: i16,
) -> Result<Bytes, Error> {
    let wait = shared.config.fetch_max_wait;
    let limit = shared.cluster.config.request_timeout + wait;
    let answer = connection.call_for_body(request, version, limit);
    tokio::pin!(answer);
    let mut late = shared.env().now() + wait;
    loop {
        late += LATE;
        match shared.env().timeout_at(late, &mut answer).await {
            Ok(body) => return body,
            Err(_) => shared.cluster.request_refresh(),
        }
    }
}

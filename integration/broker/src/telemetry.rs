//! Metrics of clients (KIP-714): who is asked for which, and what came.
//!
//! A client asks what is wanted of it and pushes that at an interval. For each client there is when it did either
//! last, so that one that comes too early is sent away.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use kafka_client_protocol::records::{Compression, RecordError};
use kafka_client_protocol::{ErrorCode, Uuid};
use regex::Regex;

use crate::config::property::list;
use crate::config::settings::{Owner, Properties, Settings};

/// Clients that are remembered at once, as in Kafka.
const CLIENTS_MAX: usize = 16_384;
/// How long at least, and for how many of its intervals.
const REMEMBERED_MS_MIN: i64 = 60_000;
const REMEMBERED_INTERVALS: i64 = 3;
/// Kafka's default of `interval.ms`, also for who is asked for nothing.
const INTERVAL_MS_MAX: i32 = 300_000;
/// Asks for all metrics.
const ALL: &str = "*";
/// What is kept for whoever reads it; the oldest goes first.
const PUSHES_MAX: usize = 1000;
const PUSHED_BYTES_MAX: usize = 64 << 20;

/// Metrics that a client has pushed, from [`Broker::telemetry`](crate::Broker::telemetry).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TelemetryPush {
    /// The id that the broker gave the client.
    pub client_instance_id: Uuid,
    /// Its `client.id`.
    pub client_id: String,
    /// When it came, by the broker's wall clock.
    pub received: SystemTime,
    /// Whether the client said that it is its last push.
    pub terminating: bool,
    /// `MetricsData` of OpenTelemetry (version 1, protobuf), decompressed.
    pub metrics: Bytes,
}

/// All that is known of clients and their metrics.
#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    clients: BTreeMap<Uuid, Client>,
    /// The settings that the subscriptions are from, and how often they have changed.
    settings: BTreeMap<String, Properties>,
    version: u64,
    pushes: VecDeque<TelemetryPush>,
    pushed_bytes: usize,
}

/// Who asks or pushes.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) connection: Arc<str>,
    pub(crate) client_id: String,
    pub(crate) software_name: String,
    pub(crate) software_version: String,
    pub(crate) address: String,
    pub(crate) port: String,
}

/// What a client is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) id: i32,
    pub(crate) interval_ms: i32,
    /// Prefixes of names, or a star.
    pub(crate) metrics: BTreeSet<String>,
}

/// What a client pushes.
#[derive(Debug, Clone)]
pub(crate) struct Push {
    pub(crate) subscription_id: i32,
    pub(crate) terminating: bool,
    pub(crate) compression_type: i8,
    pub(crate) metrics: Bytes,
}

#[derive(Debug)]
struct Client {
    asker: Asker,
    /// That it was seen on first, or first with its subscription.
    connection: Arc<str>,
    subscription: Subscription,
    version: u64,
    /// By the clock that never jumps; `None` if that was never.
    last_get_ms: Option<i64>,
    last_push_ms: Option<i64>,
    last_error: ErrorCode,
    is_terminating: bool,
    seen_ms: i64,
}

impl Telemetry {
    /// What a client is to push; the answer to its question at this time.
    pub(crate) fn subscription(
        &mut self,
        id: Uuid,
        asker: &Asker,
        settings: &Settings,
        now_ms: i64,
    ) -> Result<Subscription, ErrorCode> {
        let client = self.client(id, asker, settings, now_ms);
        let last_ms = client.last_get_ms.max(client.last_push_ms);
        let is_due = client.is_due(last_ms, now_ms);
        if is_due {
            client.last_get_ms = Some(now_ms);
        }
        // Who was told to ask again may do so at once.
        let may_ask = [
            ErrorCode::UNKNOWN_SUBSCRIPTION_ID,
            ErrorCode::UNSUPPORTED_COMPRESSION_TYPE,
        ];
        if !is_due && !may_ask.contains(&client.last_error) {
            return Err(ErrorCode::THROTTLING_QUOTA_EXCEEDED);
        }
        client.last_error = ErrorCode::NONE;
        Ok(client.subscription.clone())
    }

    /// Takes what a client pushes, if it is in order.
    pub(crate) fn push(
        &mut self,
        id: Uuid,
        asker: &Asker,
        push: &Push,
        settings: &Settings,
        now_ms: i64,
        wall_ms: i64,
    ) -> Result<(), ErrorCode> {
        if is_reserved(id) {
            return Err(ErrorCode::INVALID_REQUEST);
        }
        let bytes_max = settings.config().telemetry_bytes_max;
        let client = self.client(id, asker, settings, now_ms);
        let taken = client.take(push, bytes_max, now_ms);
        client.is_terminating = push.terminating;
        client.last_error = taken.as_ref().err().copied().unwrap_or(ErrorCode::NONE);
        let metrics = taken?;
        if metrics.is_empty() {
            return Ok(());
        }
        self.keep(TelemetryPush {
            client_instance_id: id,
            client_id: asker.client_id.clone(),
            received: UNIX_EPOCH + Duration::from_millis(u64::try_from(wall_ms).unwrap_or(0)),
            terminating: push.terminating,
            metrics,
        });
        Ok(())
    }

    /// Forgets the clients of a connection that has ended, as Kafka does.
    pub(crate) fn left(&mut self, connection: &str) {
        self.clients
            .retain(|_, client| *client.connection != *connection);
    }

    /// What came, oldest first.
    pub(crate) fn pushes(&self) -> Vec<TelemetryPush> {
        self.pushes.iter().cloned().collect()
    }

    fn keep(&mut self, push: TelemetryPush) {
        self.pushed_bytes += push.metrics.len();
        self.pushes.push_back(push);
        while (self.pushes.len() > PUSHES_MAX || self.pushed_bytes > PUSHED_BYTES_MAX)
            && let Some(oldest) = self.pushes.pop_front()
        {
            self.pushed_bytes -= oldest.metrics.len();
        }
    }

    /// The client of an id, with the subscription that follows from the settings as they are.
    fn client(&mut self, id: Uuid, asker: &Asker, settings: &Settings, now_ms: i64) -> &mut Client {
        let subscriptions = settings.all_client_metrics();
        if self.settings != *subscriptions {
            self.settings.clone_from(subscriptions);
            self.version += 1;
        }
        let version = self.version;
        let known = self.clients.remove(&id);
        let known = known.filter(|client| !client.is_forgotten(now_ms));
        let client = match known {
            Some(client) if client.version == version => client,
            // Asked for something else, it may ask and push at once. Who it is was seen the first time.
            known => {
                let connection = Arc::clone(&asker.connection);
                let asker = known.map_or_else(|| asker.clone(), |client| client.asker);
                Client {
                    subscription: Subscription::of(settings, id, &asker),
                    connection,
                    asker,
                    version,
                    last_get_ms: None,
                    last_push_ms: None,
                    last_error: ErrorCode::NONE,
                    is_terminating: false,
                    seen_ms: now_ms,
                }
            }
        };
        if self.clients.len() >= CLIENTS_MAX {
            self.clients
                .retain(|_, client| !client.is_forgotten(now_ms));
            let oldest = self.clients.iter().min_by_key(|(_, client)| client.seen_ms);
            if let Some(oldest) = oldest.map(|(id, _)| *id)
                && self.clients.len() >= CLIENTS_MAX
            {
                self.clients.remove(&oldest);
            }
        }
        let client = self.clients.entry(id).or_insert(client);
        client.seen_ms = now_ms;
        client
    }
}

impl Client {
    fn is_due(&self, last_ms: Option<i64>, now_ms: i64) -> bool {
        last_ms.is_none_or(|last_ms| now_ms - last_ms >= i64::from(self.subscription.interval_ms))
    }

    fn is_forgotten(&self, now_ms: i64) -> bool {
        let interval_ms = i64::from(self.subscription.interval_ms);
        now_ms - self.seen_ms >= (interval_ms * REMEMBERED_INTERVALS).max(REMEMBERED_MS_MIN)
    }

    /// Checks a push, in Kafka's order; its metrics, decompressed.
    fn take(&mut self, push: &Push, bytes_max: usize, now_ms: i64) -> Result<Bytes, ErrorCode> {
        if self.is_terminating {
            return Err(ErrorCode::INVALID_REQUEST);
        }
        // The first one after a question comes when the client likes: clients spread themselves so.
        let is_first = self.last_get_ms > self.last_push_ms;
        if is_first || self.is_due(self.last_push_ms, now_ms) {
            self.last_push_ms = Some(now_ms);
        } else if !push.terminating {
            return Err(ErrorCode::THROTTLING_QUOTA_EXCEEDED);
        }
        if push.subscription_id != self.subscription.id {
            return Err(ErrorCode::UNKNOWN_SUBSCRIPTION_ID);
        }
        let codec = u8::try_from(push.compression_type).ok();
        let codec = codec.and_then(Compression::from_id);
        let codec = codec.ok_or(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE)?;
        if push.metrics.len() > bytes_max {
            return Err(ErrorCode::TELEMETRY_TOO_LARGE);
        }
        if push.metrics.is_empty() {
            return Ok(Bytes::new());
        }
        codec
            .decompress(&push.metrics, bytes_max)
            .map_err(|error| match error {
                RecordError::OutputCapExceeded { .. } => ErrorCode::TELEMETRY_TOO_LARGE,
                _ => ErrorCode::INVALID_RECORD,
            })
    }
}

impl Subscription {
    /// What a client is asked for: all that the subscriptions want whose patterns fit it, as often as the most
    /// eager of them wants.
    fn of(settings: &Settings, id: Uuid, asker: &Asker) -> Self {
        let mut metrics = BTreeSet::new();
        let mut interval_ms = INTERVAL_MS_MAX;
        for name in settings.client_metrics() {
            let own = settings.of(Owner::ClientMetrics(name));
            let value = |name: &str| own.get(name).map_or("", String::as_str);
            if !fits(value("match"), id, asker) {
                continue;
            }
            metrics.extend(list(value("metrics")).map(str::to_owned));
            // Checked when it was set.
            interval_ms = interval_ms.min(value("interval.ms").parse().unwrap_or(INTERVAL_MS_MAX));
        }
        if metrics.contains(ALL) {
            metrics = [ALL.to_owned()].into();
        }
        let text = format!("{metrics:?}{interval_ms}");
        let of_client = crc32c::crc32c(&id.0);
        Self {
            id: (crc32c::crc32c(text.as_bytes()) ^ of_client).cast_signed(),
            interval_ms,
            metrics,
        }
    }
}

/// Whether a client has what all patterns want, each as a whole.
fn fits(patterns: &str, id: Uuid, asker: &Asker) -> bool {
    list(patterns).all(|pattern| {
        let Some((key, expression)) = pattern.split_once('=') else {
            return false;
        };
        let id = id.to_string();
        let value = match key.trim() {
            "client_id" => &asker.client_id,
            "client_instance_id" => &id,
            "client_software_name" => &asker.software_name,
            "client_software_version" => &asker.software_version,
            "client_source_address" => &asker.address,
            "client_source_port" => &asker.port,
            _ => return false,
        };
        let whole = Regex::new(&format!("^(?:{})$", expression.trim()));
        whole.is_ok_and(|whole| whole.is_match(value))
    })
}

/// Whether an id is none of a client: zero, or the one that Kafka has for its metadata.
fn is_reserved(id: Uuid) -> bool {
    u128::from_be_bytes(id.0) <= 1
}

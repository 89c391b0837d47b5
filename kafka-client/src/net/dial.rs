//! From an address to a connection on which the versions are agreed upon.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kafka_client_protocol::api::api_versions::ApiVersionsRequest;
use kafka_client_protocol::frame::decode_api_versions;
use kafka_client_protocol::{ApiKey, ErrorCode, StrBytes};

use super::connection::{Connection, ConnectionConfig, Link};
use super::versions::Versions;
use super::{Until, host_and_port, race};
use crate::env::{Env, Stream};
use crate::error::{Error, ErrorKind};

/// The version of ApiVersions that is tried first. Version 5 (KIP-1242) would cost a second
/// round trip on every broker before 4.4.
const API_VERSIONS_FIRST: i16 = 4;

/// What is tried next, each on a connection of its own: some brokers reset a connection on which
/// they are asked in a version that they do not know, instead of answering in version 0 as KIP-511
/// has it (Event Hubs).
const API_VERSIONS_LOWER: [i16; 2] = [3, 0];

/// How long addresses that are silent are waited for once another has refused the client.
pub(crate) const AFTER_REFUSAL: Duration = Duration::from_secs(1);

/// Dials a broker and learns what it speaks. The name is resolved now; its addresses are raced, each
/// with `limit` of its own.
///
/// # Errors
/// When no address gives a connection. [`is_unknown_host`] tells whether the name does not exist.
///
/// # Cancel safety
/// Dropping the future drops the dialing.
pub(crate) async fn dial(
    env: &Env,
    host: &str,
    port: u16,
    config: &ConnectionConfig,
    limit: Duration,
) -> Result<Connection, Error> {
    let broker: Arc<str> = host_and_port(host, port).into();
    let dialing = {
        let (env, host, broker) = (env.clone(), host.to_owned(), broker.clone());
        let config = config.clone();
        async move { dial_all(&env, &host, port, &broker, &config, limit).await }
    };
    // On the client's runtime, which its sockets belong to, whoever the caller is.
    let dialed = env.run(dialing).await.and_then(|dialed| dialed);
    dialed.map_err(|error| error.at_broker(broker))
}

/// Whether a dial has failed because there is no such host, which waiting does not change.
pub(crate) fn is_unknown_host(error: &Error) -> bool {
    error
        .reason()
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|source| {
            error.kind() == ErrorKind::Connect && source.kind() == io::ErrorKind::NotFound
        })
}

async fn dial_all(
    env: &Env,
    host: &str,
    port: u16,
    broker: &Arc<str>,
    config: &ConnectionConfig,
    limit: Duration,
) -> Result<Connection, Error> {
    let hosts = match env.timeout(limit, env.resolve(host, port)).await {
        Ok(Ok(hosts)) => hosts,
        Ok(Err(error)) => {
            let text = format!("cannot resolve the host name: {error}");
            return Err(Error::new(ErrorKind::Connect, text).with_source(error));
        }
        Err(_) => return Err(too_long(env, "resolving the host name", limit)),
    };
    let attempt = async |index: usize| {
        let target = Target {
            name: host,
            host: &hosts[index],
            port,
            broker,
            awaits_credentials: AtomicBool::new(false),
        };
        let agreed = dial_one(env, &target, config);
        let agreed = env.timeout(limit, agreed).await;
        agreed.unwrap_or_else(|_| {
            Err(match target.awaits_credentials.load(Ordering::Relaxed) {
                true => {
                    let what = "the wait for a token or another credential";
                    too_long(env, what, limit).explained()
                }
                false => too_long(env, "setting up the connection", limit),
            })
        })
    };
    let until = Until {
        deadline: None,
        after_final: Some(AFTER_REFUSAL),
    };
    match race(env, until, hosts.len(), is_refusal, attempt).await {
        Ok(connection) => Ok(connection),
        Err(mut errors) if errors.len() == 1 => Err(errors
            .pop()
            .flatten()
            .unwrap_or_else(|| too_long(env, "setting up the connection", limit))),
        Err(errors) => Err(none_of(&hosts, errors)),
    }
}

fn too_long(env: &Env, what: &str, limit: Duration) -> Error {
    env.elapsed(what, limit, "socket.connection.setup.timeout.ms")
}

/// The error of a name with several addresses, or none.
fn none_of(hosts: &[String], errors: Vec<Option<Error>>) -> Error {
    let is_lasting = |error: &Option<Error>| error.as_ref().is_some_and(Error::is_lasting);
    let mut all = errors.iter().flatten();
    // What keeps the client out is nearer to the cause than what keeps it from another address.
    let (kind, lasting) = match all.any(is_refusal) {
        true => (ErrorKind::Authentication, true),
        false => {
            let lasting = !errors.is_empty() && errors.iter().all(is_lasting);
            (ErrorKind::common(errors.iter().flatten()), lasting)
        }
    };
    let failed = hosts.iter().zip(errors);
    let failed = failed.filter_map(|(host, error)| Some(format!("{host}: {}", error?)));
    let failed: Vec<_> = failed.collect();
    let text = match failed.is_empty() {
        true => "the host name has no address".to_owned(),
        false => format!("no address of the host name: {}", failed.join("; ")),
    };
    match lasting {
        true => Error::new(kind, text).lasting(),
        false => Error::new(kind, text),
    }
}

/// One side does not believe the other, which no further attempt changes.
pub(crate) fn is_refusal(error: &Error) -> bool {
    error.kind() == ErrorKind::Authentication
}

/// What is dialed.
struct Target<'a> {
    /// The name that the broker has to prove.
    name: &'a str,
    /// What it was resolved to.
    host: &'a str,
    port: u16,
    broker: &'a Arc<str>,
    /// The broker waits, and the client has nothing to authenticate with yet.
    awaits_credentials: AtomicBool,
}

/// Connects to one address, in the first version of ApiVersions that the peer does not end the
/// connection at.
async fn dial_one(
    env: &Env,
    target: &Target<'_>,
    config: &ConnectionConfig,
) -> Result<Connection, Error> {
    let mut version = API_VERSIONS_FIRST;
    let mut lower = API_VERSIONS_LOWER.into_iter();
    loop {
        let stream = connect(env, target, config).await?;
        let link = Link::new(env, stream, target.broker.clone(), config.clone());
        let versions = match negotiate(&link, version).await {
            Ok(versions) => versions,
            Err(error) if error.kind() == ErrorKind::Disconnected => {
                version = lower.next().ok_or(error)?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let connection = link.into_connection(versions);
        let awaits = &target.awaits_credentials;
        connection.authenticate(target.name, awaits).await?;
        return Ok(connection);
    }
}

/// A stream to the broker, encrypted if it has to be.
async fn connect(
    env: &Env,
    target: &Target<'_>,
    config: &ConnectionConfig,
) -> Result<Box<dyn Stream>, Error> {
    let stream = env.connect(target.host, target.port).await;
    let stream = stream.map_err(|error| {
        let text = format!("cannot connect: {error}");
        Error::new(ErrorKind::Connect, text).with_source(error)
    })?;
    match &config.secured.tls {
        Some(tls) => tls.secure(env, target.name, stream).await,
        None => Ok(stream),
    }
}

/// Asks what the broker speaks (KIP-35, KIP-511). An old broker answers in version 0 with
/// UNSUPPORTED_VERSION and its own range: asked once more in that, else in 0.
async fn negotiate(link: &Link, mut version: i16) -> Result<Versions, Error> {
    let request = ApiVersionsRequest {
        client_software_name: StrBytes::from_static(env!("CARGO_PKG_NAME")),
        client_software_version: StrBytes::from_static(env!("CARGO_PKG_VERSION")),
        ..Default::default()
    };
    loop {
        let bytes = link.send(&request, version)?.await?;
        let response = decode_api_versions(&bytes, version)
            .map_err(|error| link.unreadable::<ApiVersionsRequest>(&error))?;
        if response.error_code == ErrorCode::UNSUPPORTED_VERSION.code() && version > 0 {
            let range = Versions::new(&response.api_keys).of(ApiKey::API_VERSIONS);
            version = range.map_or(0, |(_, max)| max).clamp(0, version - 1);
            continue;
        }
        ErrorCode::new(response.error_code)
            .ok()
            .map_err(|code| Error::broker(code, ApiKey::API_VERSIONS))?;
        link.throttle(response.throttle_time_ms);
        return Ok(Versions::new(&response.api_keys));
    }
}

//! Settings, with Kafka's names and defaults.

use std::sync::Arc;
use std::time::Duration;

use kafka_client_protocol::StrBytes;

use crate::error::Error;
use crate::health::Monitor;
use crate::net::{Address, ConnectionConfig};
use crate::security::Secured;

/// What a client does when the brokers it knows are of no use any more
/// (`metadata.recovery.strategy`, KIP-899, KIP-1102).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum MetadataRecoveryStrategy {
    /// It stays with the brokers that it knows.
    None,
    /// It begins again at the bootstrap addresses, with their names resolved anew.
    #[default]
    Rebootstrap,
}

/// Settings that producers, consumers and the connection to the cluster have in common.
#[derive(Debug, Clone)]
pub(crate) struct ClientConfig {
    /// `bootstrap.servers`
    pub(crate) bootstrap: Vec<Address>,
    /// `client.id`
    pub(crate) client_id: String,
    /// `request.timeout.ms`
    pub(crate) request_timeout: Duration,
    /// `default.api.timeout.ms`
    pub(crate) default_api_timeout: Duration,
    /// `socket.connection.setup.timeout.ms`
    pub(crate) connection_setup_timeout: Duration,
    /// `socket.connection.setup.timeout.max.ms`
    pub(crate) connection_setup_timeout_max: Duration,
    /// `connections.max.idle.ms`
    pub(crate) connections_max_idle: Duration,
    /// `reconnect.backoff.ms`
    pub(crate) reconnect_backoff: Duration,
    /// `reconnect.backoff.max.ms`
    pub(crate) reconnect_backoff_max: Duration,
    /// `retry.backoff.ms`
    pub(crate) retry_backoff: Duration,
    /// `retry.backoff.max.ms`
    pub(crate) retry_backoff_max: Duration,
    /// `metadata.max.age.ms`
    pub(crate) metadata_max_age: Duration,
    /// `metadata.recovery.strategy`
    pub(crate) metadata_recovery: MetadataRecoveryStrategy,
    /// `metadata.recovery.rebootstrap.trigger.ms`
    pub(crate) metadata_recovery_trigger: Duration,
    /// `metadata.max.idle.ms`
    pub(crate) metadata_max_idle: Duration,
    /// `receive.message.max.bytes`, as librdkafka has it.
    pub(crate) max_response: usize,
    /// `allow.auto.create.topics`
    pub(crate) allow_auto_create_topics: bool,
    /// `security.protocol` with `ssl.*` and `sasl.*`, made ready
    pub(crate) secured: Secured,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            bootstrap: Vec::new(),
            client_id: "kafka-client".to_owned(),
            request_timeout: Duration::from_secs(30),
            default_api_timeout: Duration::from_secs(60),
            connection_setup_timeout: Duration::from_secs(10),
            connection_setup_timeout_max: Duration::from_secs(30),
            connections_max_idle: Duration::from_secs(540),
            reconnect_backoff: Duration::from_millis(50),
            reconnect_backoff_max: Duration::from_secs(1),
            retry_backoff: Duration::from_millis(100),
            retry_backoff_max: Duration::from_secs(1),
            metadata_max_age: Duration::from_secs(300),
            metadata_recovery: MetadataRecoveryStrategy::Rebootstrap,
            metadata_recovery_trigger: Duration::from_secs(300),
            metadata_max_idle: Duration::from_secs(300),
            max_response: 128 * 1024 * 1024,
            allow_auto_create_topics: true,
            secured: Secured::default(),
        }
    }
}

impl ClientConfig {
    /// Checks what the setters have taken.
    ///
    /// # Errors
    /// When a setting has no meaning; it is named.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        for (name, limit) in [
            ("request.timeout.ms", self.request_timeout),
            ("default.api.timeout.ms", self.default_api_timeout),
            (
                "socket.connection.setup.timeout.ms",
                self.connection_setup_timeout,
            ),
            (
                "socket.connection.setup.timeout.max.ms",
                self.connection_setup_timeout_max,
            ),
            ("connections.max.idle.ms", self.connections_max_idle),
            ("metadata.max.age.ms", self.metadata_max_age),
        ] {
            check_limit(name, limit)?;
        }
        for (name, wait) in [
            ("reconnect.backoff.ms", self.reconnect_backoff),
            ("reconnect.backoff.max.ms", self.reconnect_backoff_max),
            ("retry.backoff.ms", self.retry_backoff),
            ("retry.backoff.max.ms", self.retry_backoff_max),
            (
                "metadata.recovery.rebootstrap.trigger.ms",
                self.metadata_recovery_trigger,
            ),
        ] {
            check_wait(name, wait)?;
        }
        for (name, first, max) in [
            (
                "reconnect.backoff",
                self.reconnect_backoff,
                self.reconnect_backoff_max,
            ),
            ("retry.backoff", self.retry_backoff, self.retry_backoff_max),
            (
                "socket.connection.setup.timeout",
                self.connection_setup_timeout,
                self.connection_setup_timeout_max,
            ),
        ] {
            if first > max {
                return Err(Error::config(format!(
                    "{name}.ms of {first:?} is more than {name}.max.ms of {max:?}"
                )));
            }
        }
        Ok(())
    }

    pub(crate) fn connection(&self, health: &Monitor) -> ConnectionConfig {
        ConnectionConfig {
            client_id: Some(StrBytes::from(self.client_id.as_str())),
            setup_timeout: self.connection_setup_timeout,
            setup_timeout_max: self.connection_setup_timeout_max,
            request_timeout: self.request_timeout,
            max_response: self.max_response,
            spares: Arc::default(),
            health: health.clone(),
            secured: self.secured.clone(),
        }
    }
}

/// Reads `host:port,host:port`; IPv6 addresses stand in brackets.
pub(crate) fn parse_bootstrap(servers: &str) -> Result<Vec<Address>, Error> {
    let parsed: Result<Vec<_>, Error> = servers
        .split(',')
        .map(str::trim)
        .filter(|server| !server.is_empty())
        .map(|server| {
            let wrong = |what: &str| {
                Error::config(format!(
                    "bootstrap.servers: {server:?} {what}; write host:port, several separated by \
                     commas"
                ))
            };
            if server.contains("://") {
                return Err(wrong("has a scheme"));
            }
            if server.contains(|c: char| c == ';' || c.is_whitespace()) {
                return Err(wrong("is more than one address"));
            }
            let (host, port) = server
                .rsplit_once(':')
                .ok_or_else(|| wrong("has no port"))?;
            let port = port.parse().ok().filter(|port| *port > 0);
            let port = port.ok_or_else(|| wrong("has no valid port"))?;
            let host = match host.strip_prefix('[') {
                Some(inner) => inner
                    .strip_suffix(']')
                    .ok_or_else(|| wrong("has no closing ]"))?,
                None if host.contains(';') => return Err(wrong("has a semicolon")),
                None if host.contains(char::is_whitespace) => return Err(wrong("has a space")),
                None if host.contains('@') => {
                    return Err(wrong("has a user, which goes elsewhere"));
                }
                None if host.contains(':') => return Err(wrong("is an IPv6 address without [ ]")),
                None => host,
            };
            match host {
                "" => Err(wrong("has no host")),
                host => Ok((Arc::from(host), port)),
            }
        })
        .collect();
    let servers = parsed?;
    match servers.is_empty() {
        true => Err(Error::config("bootstrap.servers is empty; write host:port")),
        false => Ok(servers),
    }
}

/// Refuses a limit of time in which nothing can be done, or that is longer than Kafka's settings
/// hold.
pub(crate) fn check_limit(name: &str, limit: Duration) -> Result<(), Error> {
    if limit < Duration::from_millis(1) {
        return Err(Error::config(format!("{name} is at least 1 ms")));
    }
    check_wait(name, limit)
}

/// Refuses a time that is longer than Kafka's settings hold: milliseconds in 32 bits, 24 days.
pub(crate) fn check_wait(name: &str, wait: Duration) -> Result<(), Error> {
    match i32::try_from(wait.as_millis()) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::config(format!("{name} is at most {} ms", i32::MAX))),
    }
}

/// A duration as Kafka's requests carry it: milliseconds in 32 bits.
pub(crate) fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bootstrap_servers_are_lists_of_host_and_port() {
        let parsed = parse_bootstrap("one:9092, [::1]:9093,").unwrap();
        assert_eq!(parsed, [("one".into(), 9092), ("::1".into(), 9093)]);
        for bad in [
            "",
            "one",
            "one:port",
            ":9092",
            "::1:9092",
            "one:99999",
            "one:0",
            "user@one:9092",
            "user:password@one:9092",
            "[::1:9092",
            "kafka://one:9092",
            "one:9092;two:9092",
            "one:9092 two:9092",
        ] {
            let error = parse_bootstrap(bad).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("bootstrap.servers"), "{text}");
            assert_eq!(text.contains("IPv6"), bad == "::1:9092", "{text}");
        }
    }
}

//! Listeners: where clients connect, how they speak there, and what they are told to connect to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use kafka_client_protocol::StrBytes;
use tokio_rustls::TlsAcceptor;

use crate::config::{PropertyError, invalid};
use crate::security::SecurityProtocol;
use crate::security::gate::Gate;
use crate::security::principal_rules::PrincipalRules;
use crate::security::sasl::Sasl;
use crate::security::{Principal, settings::Scope, tls};

/// One listener.
pub(crate) struct Listener {
    pub(crate) name: Arc<str>,
    /// What clients of this listener are told to connect to.
    pub(crate) host: StrBytes,
    pub(crate) port: i32,
    /// What is listened on; `None` if there are only connections in memory.
    pub(crate) local: Option<SocketAddr>,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) principal_rules: PrincipalRules,
    pub(crate) sasl: Option<Sasl>,
}

impl Listener {
    /// What its clients are told, in the form of `advertised.listeners`.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}:{}", self.name, self.host, self.port)
    }

    /// Where it listens, in the form of `listeners`.
    pub(crate) fn local_url(&self) -> String {
        match self.local {
            Some(local) => format!("{}://{local}", self.name),
            None => self.url(),
        }
    }

    /// With what the properties say of security.
    pub(crate) fn new(
        name: &str,
        protocol: SecurityProtocol,
        advertised: (String, u16),
        local: Option<SocketAddr>,
        scope: &Scope<'_>,
        own: Option<&tls::Tls>,
    ) -> Result<Self, PropertyError> {
        let sasl = protocol.has_sasl().then(|| Sasl::new(scope)).transpose()?;
        if sasl.as_ref().is_some_and(Sasl::believes_unsigned_tokens) {
            tracing::warn!(
                listener = name,
                "OAUTHBEARER takes tokens without a signature: clients may call themselves what they \
                 like (sasl.oauthbearer.jwks.endpoint.url names keys)"
            );
        }
        Ok(Self {
            name: name.into(),
            host: advertised.0.into(),
            port: i32::from(advertised.1),
            local,
            principal_rules: {
                const NAME: &str = "ssl.principal.mapping.rules";
                let rules = scope.get(NAME).unwrap_or("DEFAULT");
                PrincipalRules::parse(rules).map_err(|reason| invalid(NAME, rules, reason))?
            },
            tls: protocol
                .has_tls()
                .then(|| tls::server(scope, protocol, own).map(TlsAcceptor::from))
                .transpose()?,
            sasl,
        })
    }

    /// The state in which a connection begins, once it has said in TLS who it is, if it did.
    pub(crate) fn gate(&self, principal: Option<Principal>) -> Gate {
        if self.sasl.is_some() {
            Gate::closed()
        } else {
            Gate::open(principal.unwrap_or_else(Principal::anonymous))
        }
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener")
            .field("name", &self.name)
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// A part of `listeners` or `advertised.listeners`: `NAME://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndPoint {
    /// In capital letters, as Kafka compares it.
    pub(crate) name: String,
    /// Empty for every interface; an IPv6 address has no brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl EndPoint {
    fn parse(text: &str) -> Option<Self> {
        let (name, address) = text.split_once("://")?;
        let (host, port) = host_and_port(address)?;
        let name = name.trim();
        (!name.is_empty()).then(|| Self {
            name: name.to_ascii_uppercase(),
            host: host.to_owned(),
            port,
        })
    }

    /// The address to listen on.
    pub(crate) fn address(&self) -> String {
        match self.host.as_str() {
            // No host means every interface, as in Kafka.
            "" => format!("0.0.0.0:{}", self.port),
            host if host.contains(':') => format!("[{host}]:{}", self.port),
            host => format!("{host}:{}", self.port),
        }
    }
}

/// Host, without the brackets of IPv6, and port.
pub(crate) fn host_and_port(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    Some((inner.unwrap_or(host), port.trim().parse().ok()?))
}

/// The parts of a list of addresses; each name may occur once.
pub(crate) fn end_points(property: &str, value: &str) -> Result<Vec<EndPoint>, PropertyError> {
    let mut all = Vec::<EndPoint>::new();
    for text in value.split(',').map(str::trim) {
        let one = EndPoint::parse(text)
            .ok_or_else(|| invalid(property, text, "must be of the form NAME://host:port"))?;
        if all.iter().any(|known| known.name == one.name) {
            return Err(invalid(
                property,
                value,
                format!("must name each listener once, {} is named twice", one.name),
            ));
        }
        all.push(one);
    }
    Ok(all)
}

/// The protocols of listeners by name, `listener.security.protocol.map`.
pub(crate) type Protocols = BTreeMap<String, SecurityProtocol>;

/// Kafka's default: the names of the protocols mean themselves.
pub(crate) fn default_protocols() -> Protocols {
    SecurityProtocol::ALL
        .into_iter()
        .map(|protocol| (protocol.name().to_owned(), protocol))
        .collect()
}

pub(crate) fn protocols(property: &str, value: &str) -> Result<Protocols, PropertyError> {
    let parts = value.split(',').map(str::trim);
    let parse = |part: &str| {
        let (name, protocol) = part.split_once(':')?;
        let protocol = protocol.trim().parse().ok()?;
        Some((name.trim().to_ascii_uppercase(), protocol))
    };
    parts
        .map(|part| {
            let expected = "must be of the form NAME:PROTOCOL, with PLAINTEXT, SSL, \
                            SASL_PLAINTEXT or SASL_SSL";
            parse(part).ok_or_else(|| invalid(property, part, expected))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_kafka_writes_them() {
        let all = end_points(
            "listeners",
            "PLAINTEXT://:9092, Outside://example:1, SSL://[::1]:0",
        )
        .unwrap();
        let texts: Vec<_> = all.iter().map(|one| (&*one.name, one.address())).collect();
        assert_eq!(
            texts,
            [
                ("PLAINTEXT", "0.0.0.0:9092".to_owned()),
                ("OUTSIDE", "example:1".to_owned()),
                ("SSL", "[::1]:0".to_owned()),
            ]
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for value in [
            "",
            "x",
            "://h:1",
            "A://h",
            "A://h:x",
            "A://h:70000",
            "A://h:1,A://h:2",
        ] {
            assert!(end_points("listeners", value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_map_replaces_the_default() {
        let map = protocols("map", "inside:PLAINTEXT, OUTSIDE:sasl_ssl").unwrap();
        assert_eq!(map["INSIDE"], SecurityProtocol::Plaintext);
        assert_eq!(map["OUTSIDE"], SecurityProtocol::SaslSsl);
        assert!(!map.contains_key("PLAINTEXT"));
        for value in ["", "A", "A:NONE"] {
            assert!(protocols("map", value).is_err(), "{value}");
        }
    }
}

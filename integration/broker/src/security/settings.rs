//! The properties of security, of which a listener may have its own.
//!
//! `listener.name.<listener>.<property>` is for one listener, and for SASL there is
//! `listener.name.<listener>.<mechanism>.<property>` (KIP-103, KIP-255). Listener and mechanism are
//! written in small letters there.

use std::collections::BTreeMap;
use std::fmt;

use crate::config::{PropertyError, invalid};

use super::sasl::Mechanism;

/// What this broker acts on.
const NAMES: &[&str] = &[
    "connections.max.reauth.ms",
    "sasl.enabled.mechanisms",
    "sasl.jaas.config",
    "sasl.oauthbearer.clock.skew.seconds",
    "sasl.oauthbearer.expected.audience",
    "sasl.oauthbearer.expected.issuer",
    "sasl.oauthbearer.jwks.endpoint.url",
    "sasl.oauthbearer.scope.claim.name",
    "sasl.oauthbearer.sub.claim.name",
    "sasl.server.callback.handler.class",
    "sasl.server.max.receive.size",
    "ssl.client.auth",
    "ssl.enabled.protocols",
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.principal.mapping.rules",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];

/// What may differ between the mechanisms of one listener.
const NAMES_OF_MECHANISMS: &[&str] = &[
    "connections.max.reauth.ms",
    "sasl.jaas.config",
    "sasl.oauthbearer.clock.skew.seconds",
    "sasl.oauthbearer.expected.audience",
    "sasl.oauthbearer.expected.issuer",
    "sasl.oauthbearer.jwks.endpoint.url",
    "sasl.oauthbearer.scope.claim.name",
    "sasl.oauthbearer.sub.claim.name",
    "sasl.server.callback.handler.class",
];

const LISTENER: &str = "listener.name.";

/// The properties as they were given; each listener reads its own at the start.
#[derive(Clone, Default)]
pub(crate) struct SecuritySettings {
    values: BTreeMap<String, String>,
}

impl SecuritySettings {
    /// Whether a property is one of these, also with a listener's name before it.
    pub(crate) fn know(name: &str) -> bool {
        if NAMES.contains(&name) {
            return true;
        }
        let Some((_, rest)) = name
            .strip_prefix(LISTENER)
            .and_then(|rest| rest.split_once('.'))
        else {
            return false;
        };
        let of_mechanism = || {
            let (mechanism, rest) = rest.split_once('.')?;
            Mechanism::named_in_properties(mechanism).map(|_| NAMES_OF_MECHANISMS.contains(&rest))
        };
        NAMES.contains(&rest) || of_mechanism().unwrap_or(false)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// Refuses what is for a listener that there is not: it would have no effect, and what a listener
    /// lacks in security must not depend on how a name is written.
    pub(crate) fn check_listeners<'a>(
        &self,
        listeners: impl Iterator<Item = &'a str>,
    ) -> Result<(), PropertyError> {
        let known: Vec<String> = listeners.map(prefix).collect();
        for name in self.values.keys().filter(|name| name.starts_with(LISTENER)) {
            if !known.iter().any(|prefix| name.starts_with(prefix)) {
                let expected = format!(
                    "is for no listener of this broker; the prefixes of those are {} (in small \
                     letters)",
                    known.join(", ")
                );
                return Err(invalid(name, "[hidden]", expected));
            }
        }
        Ok(())
    }

    /// What holds for a listener.
    pub(crate) fn of(&self, listener: &str) -> Scope<'_> {
        Scope {
            values: &self.values,
            prefix: prefix(listener),
        }
    }
}

fn prefix(listener: &str) -> String {
    format!("{LISTENER}{}.", listener.to_ascii_lowercase())
}

impl fmt::Debug for SecuritySettings {
    /// The names alone: some of the values are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// The properties as one listener sees them.
pub(crate) struct Scope<'a> {
    values: &'a BTreeMap<String, String>,
    prefix: String,
}

impl<'a> Scope<'a> {
    /// A property of the listener, or of all.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.own(name)
            .or_else(|| self.values.get(name).map(String::as_str))
    }

    /// What the names of the listener's own properties begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A property of the listener alone.
    pub(crate) fn own(&self, name: &str) -> Option<&'a str> {
        let own = self.values.get(&format!("{}{name}", self.prefix));
        own.map(String::as_str)
    }

    /// A property of a mechanism on the listener, of the listener, or of all.
    pub(crate) fn of_mechanism(&self, mechanism: Mechanism, name: &str) -> Option<&'a str> {
        let mechanism = mechanism.name().to_ascii_lowercase();
        let own = self
            .values
            .get(&format!("{}{mechanism}.{name}", self.prefix));
        own.map_or_else(|| self.get(name), |value| Some(value))
    }

    /// A list with commas.
    pub(crate) fn list(&self, name: &str) -> Option<impl Iterator<Item = &'a str> + use<'a>> {
        let values = self.get(name)?.split(',').map(str::trim);
        Some(values.filter(|value| !value.is_empty()))
    }

    /// A whole number, with a smallest one.
    pub(crate) fn number(&self, name: &str, min: i64) -> Result<Option<i64>, PropertyError> {
        self.get(name)
            .map(|value| number(name, value, min))
            .transpose()
    }
}

pub(crate) fn number(name: &str, value: &str, min: i64) -> Result<i64, PropertyError> {
    match value.parse::<i64>() {
        Ok(number) if number >= min => Ok(number),
        _ => Err(invalid(
            name,
            value,
            format!("must be a number, at least {min}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_setting_wins() {
        let mut settings = SecuritySettings::default();
        for (name, value) in [
            ("connections.max.reauth.ms", "1"),
            ("listener.name.outside.connections.max.reauth.ms", "2"),
            (
                "listener.name.outside.scram-sha-256.connections.max.reauth.ms",
                "3",
            ),
        ] {
            assert!(SecuritySettings::know(name), "{name}");
            settings.set(name, value);
        }
        let name = "connections.max.reauth.ms";
        let outside = settings.of("OUTSIDE");
        assert_eq!(
            outside.of_mechanism(Mechanism::ScramSha256, name),
            Some("3")
        );
        assert_eq!(outside.of_mechanism(Mechanism::Plain, name), Some("2"));
        assert_eq!(
            settings.of("INSIDE").of_mechanism(Mechanism::Plain, name),
            Some("1")
        );
    }

    #[test]
    fn other_names_are_not_known() {
        for name in [
            "sasl.kerberos.service.name",
            "listener.name.x.num.partitions",
            "listener.name.x.gssapi.sasl.jaas.config",
            "listener.name.x.plain.ssl.keystore.key",
            "listener.name.ssl.keystore.key",
        ] {
            assert!(!SecuritySettings::know(name), "{name}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut settings = SecuritySettings::default();
        settings.set("sasl.jaas.config", "hush");
        assert!(!format!("{settings:?}").contains("hush"));
    }
}

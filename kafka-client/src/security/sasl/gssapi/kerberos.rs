//! Settings of Kerberos, and the same by Kafka's names.

use crate::error::Error;
use crate::security::Secret;
use crate::security::jaas::Jaas;

/// Whose Kerberos tickets a client shows, and to which service ([`Sasl::gssapi`](crate::security::Sasl::gssapi)).
/// The default shows those of the default credentials cache, which `kinit` fills, to the service `kafka`.
///
/// The Kerberos library of the system does the work, so `krb5.conf` and its variables of the environment
/// (`KRB5_CONFIG`, `KRB5CCNAME`) apply. A broker's principal is `<service>/<host>`, with the host as
/// `bootstrap.servers` or `advertised.listeners` name it; the library makes another name of it only where
/// `krb5.conf` says so (`dns_canonicalize_hostname` and `rdns`, which are on by default, as for librdkafka).
///
/// ```
/// use kafka_client::security::{Kerberos, Sasl};
///
/// let kerberos = Kerberos::new()
///     .keytab("/etc/security/billing.keytab")
///     .principal("billing@EXAMPLE.COM");
/// let sasl = Sasl::gssapi(kerberos);
/// # let _ = sasl;
/// ```
#[derive(Debug, Clone)]
#[must_use = "settings do nothing until they are given to Sasl::gssapi"]
pub struct Kerberos {
    pub(super) service_name: String,
    pub(super) principal: Option<String>,
    pub(super) tickets: Tickets,
}

/// Where tickets come from.
#[derive(Debug, Clone)]
pub(super) enum Tickets {
    /// The default credentials cache.
    Default,
    Cache(String),
    Keytab(String),
}

impl Default for Kerberos {
    fn default() -> Self {
        Self {
            service_name: "kafka".to_owned(),
            principal: None,
            tickets: Tickets::Default,
        }
    }
}

impl Kerberos {
    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// `sasl.kerberos.service.name`: the first part of the brokers' principals. Defaults to `kafka`.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = name.into();
        self
    }

    /// `principal` of `sasl.jaas.config` (`sasl.kerberos.principal` of librdkafka): who the client is, such as
    /// `billing@EXAMPLE.COM`. Defaults to whose ticket the cache has, or to the first of the keytab.
    pub fn principal(mut self, name: impl Into<String>) -> Self {
        self.principal = Some(name.into());
        self
    }

    /// `keyTab` of `sasl.jaas.config` (`sasl.kerberos.keytab` of librdkafka): the file with the client's key.
    /// Tickets are got with it, kept in memory, and got anew when half of their life is over. It takes the place of
    /// [`ticket_cache`](Self::ticket_cache). Not with the Kerberos of Apple's systems.
    pub fn keytab(mut self, path: impl Into<String>) -> Self {
        self.tickets = Tickets::Keytab(path.into());
        self
    }

    /// `ticketCache` of `sasl.jaas.config`: a credentials cache that is not the default one, as a path or as the
    /// library names it (`FILE:/..`, `KCM:..`). Somebody else keeps it fresh. It takes the place of
    /// [`keytab`](Self::keytab). Not with the Kerberos of Apple's systems.
    pub fn ticket_cache(mut self, cache: impl Into<String>) -> Self {
        self.tickets = Tickets::Cache(cache.into());
        self
    }

    /// Where tickets are kept that are got with a keytab. All clients of the program with the same keytab and
    /// principal share them, so there are no more caches than keytabs: the library keeps a cache in memory for as
    /// long as the program runs.
    pub(super) fn memory_cache(&self) -> Option<String> {
        let Tickets::Keytab(keytab) = &self.tickets else {
            return None;
        };
        let principal = self.principal.as_deref().unwrap_or_default();
        Some(format!("MEMORY:kafka-client {principal} {keytab}"))
    }
}

const MODULE: &str = "Krb5LoginModule";

/// Options of the login module of Java that say whether it may do something else than this client does.
const SWITCHES: [(&str, Option<bool>); 12] = [
    // What may be either way, as it makes no difference here.
    ("storeKey", None),
    ("doNotPrompt", None),
    ("refreshKrb5Config", None),
    ("debug", None),
    // What must be as it is by default.
    ("isInitiator", Some(true)),
    ("renewTGT", Some(false)),
    ("useFirstPass", Some(false)),
    ("tryFirstPass", Some(false)),
    ("storePass", Some(false)),
    ("clearPass", Some(false)),
    // Looked at further down.
    ("useKeyTab", None),
    ("useTicketCache", None),
];

/// What properties say: `take` gives one by its name, and has it no more.
///
/// # Errors
/// When they contradict each other, or ask for what there is not.
pub(in crate::security) fn from_properties(
    mut take: impl FnMut(&str) -> Option<Secret>,
    jaas: Option<&Jaas>,
) -> Result<Kerberos, Error> {
    let mut take = |name: &str| take(name).map(|value| value.expose().trim().to_owned());
    let service = take("sasl.kerberos.service.name");
    let (keytab, principal) = (
        take("sasl.kerberos.keytab"),
        take("sasl.kerberos.principal"),
    );
    let mut kerberos = Kerberos {
        principal: principal.clone(),
        ..Kerberos::default()
    };
    if let Some(keytab) = &keytab {
        kerberos = kerberos.keytab(keytab);
    }
    let mut service_in_jaas = None;
    if let Some(jaas) = jaas {
        if keytab.is_some() || principal.is_some() {
            return Err(Error::config(
                "sasl.jaas.config and sasl.kerberos.keytab with sasl.kerberos.principal say the same: set one \
                 of them",
            ));
        }
        service_in_jaas = jaas.get("serviceName").map(|name| name.expose().to_owned());
        kerberos = from_jaas(jaas)?;
    }
    match (service, service_in_jaas) {
        (Some(one), Some(other)) if one != other => Err(Error::config(format!(
            "sasl.kerberos.service.name={one}, and serviceName of sasl.jaas.config is {other}: set one of them"
        ))),
        (Some(name), _) | (None, Some(name)) => Ok(kerberos.service_name(name)),
        (None, None) => Ok(kerberos),
    }
}

fn from_jaas(jaas: &Jaas) -> Result<Kerberos, Error> {
    let wrong = |text: String| Error::config(format!("sasl.jaas.config: {text}"));
    if jaas.module != MODULE {
        return Err(Error::config(format!(
            "sasl.jaas.config has {}, and sasl.mechanism=GSSAPI takes {MODULE}",
            jaas.module
        )));
    }
    let option = |name: &str| jaas.get(name).map(Secret::expose);
    let switch = |name: &str| match option(name).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(wrong(format!("{name} is true or false"))),
    };
    for name in jaas.names() {
        let values = ["serviceName", "principal", "keyTab", "ticketCache"];
        let known = SWITCHES.iter().find(|(switch, _)| *switch == name);
        match known {
            Some((_, must_be)) => {
                let is = switch(name)?;
                if let Some(must_be) = must_be
                    && is != Some(*must_be)
                {
                    return Err(wrong(format!(
                        "{name}={} is not taken by this client: leave it out",
                        !must_be
                    )));
                }
            }
            None if values.contains(&name) => {}
            None => {
                return Err(wrong(format!(
                    "{name} is no option of {MODULE} that this client knows: leave it out"
                )));
            }
        }
    }
    let (with_keytab, with_cache) = (switch("useKeyTab")?, switch("useTicketCache")?);
    let (with_keytab, with_cache) = (with_keytab == Some(true), with_cache == Some(true));
    let mut kerberos = Kerberos::new();
    match (
        with_keytab,
        option("keyTab"),
        with_cache,
        option("ticketCache"),
    ) {
        (true, _, true, _) => {
            return Err(wrong(
                "useKeyTab=true and useTicketCache=true: one of them is taken, not both".to_owned(),
            ));
        }
        (true, Some(path), false, None) => kerberos = kerberos.keytab(path),
        (true, None, false, _) => {
            return Err(wrong("useKeyTab=true takes the file (keyTab)".to_owned()));
        }
        (false, None, true, Some(cache)) => kerberos = kerberos.ticket_cache(cache),
        (false, None, true, None) => {}
        (false, Some(_), _, _) => {
            return Err(wrong(
                "keyTab has no effect without useKeyTab=true".to_owned(),
            ));
        }
        (_, _, false, Some(_)) => {
            return Err(wrong(
                "ticketCache has no effect without useTicketCache=true".to_owned(),
            ));
        }
        (false, None, false, None) => {
            return Err(wrong(format!(
                "{MODULE} takes useKeyTab=true with keyTab, or useTicketCache=true: passwords are not asked for"
            )));
        }
    }
    kerberos.principal = option("principal").map(str::to_owned);
    Ok(kerberos)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(jaas: &str, properties: &[(&str, &str)]) -> Result<Kerberos, Error> {
        let mut properties: BTreeMap<&str, &str> = properties.iter().copied().collect();
        let text = format!("com.sun.security.auth.module.Krb5LoginModule required {jaas};");
        let jaas = (!jaas.is_empty()).then(|| Jaas::read(&text).unwrap());
        let take = |name: &str| properties.remove(name).map(Secret::from);
        from_properties(take, jaas.as_ref())
    }

    fn shown(jaas: &str, properties: &[(&str, &str)]) -> String {
        format!("{:?}", read(jaas, properties).unwrap())
    }

    #[test]
    fn what_java_and_librdkafka_say_is_the_same() {
        let java = shown(
            "useKeyTab=true storeKey=true useTicketCache=false doNotPrompt=true keyTab=\"/my.keytab\" \
             principal=\"me@X\" serviceName=\"broker\"",
            &[],
        );
        let librdkafka = shown(
            "",
            &[
                ("sasl.kerberos.keytab", "/my.keytab"),
                ("sasl.kerberos.principal", "me@X"),
                ("sasl.kerberos.service.name", "broker"),
            ],
        );
        assert_eq!(java, librdkafka);
        assert!(java.contains("Keytab(\"/my.keytab\")"), "{java}");
        assert!(
            java.contains("me@X") && java.contains("\"broker\""),
            "{java}"
        );
        let cache = shown(
            "useTicketCache=true",
            &[("sasl.kerberos.service.name", "kafka")],
        );
        assert_eq!(cache, format!("{:?}", Kerberos::new()));
        let cache = shown("useTicketCache=true ticketCache=\"/tmp/mine\"", &[]);
        assert!(cache.contains("Cache(\"/tmp/mine\")"), "{cache}");
    }

    #[test]
    fn what_is_not_taken_is_named() {
        let keytab = "useKeyTab=true keyTab=\"/k\"";
        let same = &[("sasl.kerberos.keytab", "/k")];
        let service = &[("sasl.kerberos.service.name", "b")];
        for (jaas, properties, words) in [
            ("debug=true", &[][..], "useTicketCache=true"),
            ("useKeyTab=true", &[], "keyTab"),
            ("keyTab=\"/k\"", &[], "without useKeyTab=true"),
            ("ticketCache=\"/k\"", &[], "without useTicketCache=true"),
            ("useTicketCache=true renewTGT=true", &[], "renewTGT=true"),
            (
                "useTicketCache=true isInitiator=false",
                &[],
                "isInitiator=false",
            ),
            ("useTicketCache=true useKeyTab=true", &[], "not both"),
            ("useTicketCache=yes", &[], "useTicketCache is true or false"),
            (
                "useTicketCache=true keytab=\"/k\"",
                &[],
                "keytab is no option",
            ),
            (keytab, same, "say the same"),
            (
                "useTicketCache=true serviceName=\"a\"",
                service,
                "serviceName",
            ),
        ] {
            let error = read(jaas, properties).unwrap_err().to_string();
            assert!(error.contains(words), "{jaas}: {error}");
        }
    }
}

//! What a failure of Kerberos means, and what to try.

use super::kerberos::{Kerberos, Tickets};
use super::library::Failure;
use crate::security::SaslError;

// Codes of Kerberos (krb5.h).
const CLIENT_EXPIRED: i32 = -1_765_328_383;
const CLIENT_UNKNOWN: i32 = -1_765_328_378;
const SERVICE_UNKNOWN: i32 = -1_765_328_377;
const CLIENT_REVOKED: i32 = -1_765_328_366;
const KEY_EXPIRED: i32 = -1_765_328_361;
const WRONG_KEY: i32 = -1_765_328_360;
const WRONG_KEY_TOO: i32 = -1_765_328_353;
const TICKET_EXPIRED: i32 = -1_765_328_352;
const SKEW: i32 = -1_765_328_347;
const NO_CONFIGURATION: i32 = -1_765_328_249;
const NOT_IN_CACHE: i32 = -1_765_328_243;
const SKEW_OF_KDC: i32 = -1_765_328_236;
const REALM_UNKNOWN: i32 = -1_765_328_230;
const KDC_AWAY: i32 = -1_765_328_228;
const NOT_IN_KEYTAB: i32 = -1_765_328_203;
const NO_CACHE_ACCESS: i32 = -1_765_328_190;
const NO_CACHE: i32 = -1_765_328_189;
const WRONG_KEY_MAYBE: i32 = -1_765_328_174;
const HOST_WITHOUT_REALM: i32 = -1_765_328_167;
const KDC_NOT_RESOLVED: i32 = -1_765_328_164;
const NO_DEFAULT_REALM: i32 = -1_765_328_160;

/// Files that are not there, or may not be read (`ENOENT`, `EACCES`).
const NO_FILE: i32 = 2;
const NO_ACCESS: i32 = 13;

/// The error of a call for a broker on `host`.
pub(super) fn explain(failure: &Failure, kerberos: &Kerberos, host: &str) -> SaslError {
    let Failure {
        code,
        is_expired,
        text,
    } = failure;
    let service = &kerberos.service_name;
    let code = if *is_expired { TICKET_EXPIRED } else { *code };
    let advice = match code {
        NO_CACHE | NOT_IN_CACHE | NO_CACHE_ACCESS | NO_FILE | NO_ACCESS | NOT_IN_KEYTAB => {
            nothing_there(kerberos)
        }
        TICKET_EXPIRED => match kerberos.tickets {
            Tickets::Keytab(_) => "the ticket has expired: check the clocks of this machine and of the KDC"
                .to_owned(),
            _ => "the ticket has expired: run kinit again, or set a keytab, with which tickets are kept fresh \
                  (keyTab in sasl.jaas.config, sasl.kerberos.keytab)"
                .to_owned(),
        },
        SERVICE_UNKNOWN => format!(
            "the KDC knows no service {service}/{host}: check sasl.kerberos.service.name, and that \
             bootstrap.servers and advertised.listeners name the broker as its principal does"
        ),
        CLIENT_UNKNOWN => "the KDC does not know the client's principal: check its spelling and its realm"
            .to_owned(),
        CLIENT_EXPIRED | CLIENT_REVOKED | KEY_EXPIRED => {
            "the KDC does not let the client's principal in any more: ask who administers it".to_owned()
        }
        WRONG_KEY | WRONG_KEY_TOO | WRONG_KEY_MAYBE => {
            "the key is not the one that the KDC has: make the keytab anew".to_owned()
        }
        SKEW | SKEW_OF_KDC => {
            "the clock of this machine and that of the KDC or the broker are too far apart (five minutes are \
             allowed): set them by NTP"
                .to_owned()
        }
        KDC_AWAY | KDC_NOT_RESOLVED => {
            let text = format!(
                "no KDC of the realm can be reached: check the network, and the realm's kdc in krb5.conf; the \
                 Kerberos library says: {text}"
            );
            return SaslError::Unavailable(text.into());
        }
        NO_CONFIGURATION | NO_DEFAULT_REALM | REALM_UNKNOWN | HOST_WITHOUT_REALM => format!(
            "the realm is not known: check default_realm, realms and domain_realm for {host} in krb5.conf \
             (/etc/krb5.conf, or where KRB5_CONFIG leads)"
        ),
        _ => format!("Kerberos has failed for {service}/{host}"),
    };
    SaslError::refused(format!("{advice}; the Kerberos library says: {text}"))
}

fn nothing_there(kerberos: &Kerberos) -> String {
    match &kerberos.tickets {
        Tickets::Keytab(keytab) => {
            let of = match &kerberos.principal {
                Some(principal) => format!(" a key of {principal}"),
                None => " a key".to_owned(),
            };
            format!(
                "the keytab {keytab} does not give{of}: check that it is there, that this program may read \
                 it, and its principals (klist -k {keytab})"
            )
        }
        Tickets::Cache(cache) => format!(
            "there is no ticket in {cache}: run kinit -c {cache}, and check that this program may read it"
        ),
        Tickets::Default => {
            "there is no ticket: run kinit as the user of this program, or set a keytab (keyTab in \
             sasl.jaas.config, sasl.kerberos.keytab)"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(code: i32, kerberos: &Kerberos) -> SaslError {
        let failure = Failure {
            code,
            is_expired: false,
            text: "the library's words".to_owned(),
        };
        explain(&failure, kerberos, "broker.example")
    }

    #[test]
    fn each_failure_says_what_to_try() {
        let cache = Kerberos::new();
        let named = Kerberos::new().ticket_cache("/tmp/tickets");
        let keytab = Kerberos::new().keytab("/etc/my.keytab").principal("me@X");
        for (code, kerberos, words) in [
            (NO_CACHE, &cache, "run kinit"),
            (NO_CACHE, &named, "kinit -c /tmp/tickets"),
            (
                NO_FILE,
                &keytab,
                "/etc/my.keytab does not give a key of me@X",
            ),
            (NOT_IN_KEYTAB, &keytab, "klist -k /etc/my.keytab"),
            (TICKET_EXPIRED, &cache, "run kinit again"),
            (TICKET_EXPIRED, &keytab, "clocks"),
            (SERVICE_UNKNOWN, &cache, "kafka/broker.example"),
            (SERVICE_UNKNOWN, &cache, "sasl.kerberos.service.name"),
            (CLIENT_UNKNOWN, &keytab, "spelling"),
            (KEY_EXPIRED, &keytab, "ask who administers"),
            (WRONG_KEY, &keytab, "keytab anew"),
            (SKEW, &cache, "NTP"),
            (SKEW_OF_KDC, &cache, "NTP"),
            (NO_DEFAULT_REALM, &cache, "krb5.conf"),
            (-1, &cache, "Kerberos has failed for kafka/broker.example"),
        ] {
            let error = explained(code, kerberos);
            assert!(matches!(error, SaslError::Refused(_)), "{error}");
            let text = error.to_string();
            assert!(text.contains(words), "{words}: {text}");
            assert!(text.ends_with("the library's words"), "{text}");
        }
    }

    #[test]
    fn a_kdc_that_is_away_may_come_back() {
        for code in [KDC_AWAY, KDC_NOT_RESOLVED] {
            let error = explained(code, &Kerberos::new());
            assert!(matches!(error, SaslError::Unavailable(_)), "{error}");
            assert!(error.to_string().contains("no KDC"), "{error}");
        }
    }
}

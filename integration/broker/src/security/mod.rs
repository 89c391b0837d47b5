//! Who is at the other end of a connection, and how that is found out.
//!
//! `settings.rs` holds the properties, also those of one listener alone. `tls.rs` makes the server
//! side of TLS from PEM, `authority.rs` certificates in memory, and `distinguished_name.rs` reads
//! the name in a client's certificate, of which `principal_rules.rs` makes a principal. `sasl/` has the mechanisms as state machines without input or
//! output, with the users of `users.rs` and the tokens of `delegation.rs`; `gate.rs` is the state of
//! a connection around them: what may be asked of it and when. What a principal may do is in the
//! rules of `acl.rs`, and `authorizer.rs` judges by them.

pub(crate) mod acl;
pub(crate) mod authority;
pub(crate) mod authorizer;
pub(crate) mod delegation;
mod distinguished_name;
pub(crate) mod gate;
mod jaas;
pub(crate) mod principal_rules;
pub(crate) mod sasl;
pub(crate) mod settings;
pub(crate) mod tls;
pub(crate) mod users;

use std::fmt;
use std::str::FromStr;

/// How bytes travel on a listener, and whether the client says who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecurityProtocol {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

impl SecurityProtocol {
    pub(crate) const ALL: [Self; 4] = [
        Self::Plaintext,
        Self::Ssl,
        Self::SaslPlaintext,
        Self::SaslSsl,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    pub(crate) fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    pub(crate) fn has_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

impl FromStr for SecurityProtocol {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let mut all = Self::ALL.into_iter();
        all.find(|protocol| protocol.name().eq_ignore_ascii_case(name))
            .ok_or(())
    }
}

/// Who makes a request. Kafka's own kind is `User`, and this broker knows no other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Principal {
    pub(crate) name: String,
}

impl Principal {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// Who has not said its name.
    pub(crate) fn anonymous() -> Self {
        Self::new("ANONYMOUS")
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User:{}", self.name)
    }
}

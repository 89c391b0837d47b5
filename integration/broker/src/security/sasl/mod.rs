//! The server's side of SASL: each mechanism is a state machine that gets the client's messages and
//! says what to answer. None of them knows of sockets or clocks.

mod jwt;
pub(crate) mod oauthbearer;
pub(crate) mod plain;
pub(crate) mod scram;

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::config::{PropertyError, invalid};

use self::jwt::{Handler, Tokens};

use super::delegation::DelegationTokens;
use super::jaas;
use super::settings::{self, Scope};
use super::users::Users;

/// The mechanisms of this broker. GSSAPI, Kafka's default, is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Plain,
    ScramSha256,
    ScramSha512,
    OauthBearer,
}

impl Mechanism {
    pub(crate) const ALL: [Self; 4] = [
        Self::Plain,
        Self::ScramSha256,
        Self::ScramSha512,
        Self::OauthBearer,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The hash function, where the mechanism is one of SCRAM.
    pub(crate) fn hash(self) -> Option<scram::Hash> {
        match self {
            Self::ScramSha256 => Some(scram::Hash::Sha256),
            Self::ScramSha512 => Some(scram::Hash::Sha512),
            Self::Plain | Self::OauthBearer => None,
        }
    }

    /// The same in small letters, as the names of properties have it.
    pub(crate) fn named_in_properties(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.name().to_ascii_lowercase() == name)
    }
}

/// SASL on one listener.
#[derive(Debug)]
pub(crate) struct Sasl {
    /// Those that clients may choose from, in the order in which they are told.
    pub(crate) mechanisms: Vec<Enabled>,
    /// The largest request before the client has said who it is.
    pub(crate) request_bytes_max: usize,
    /// Users of PLAIN that the JAAS configuration names.
    plain_users: PlainUsers,
    /// What OAUTHBEARER accepts, where it is offered.
    tokens: Option<Tokens>,
}

const HANDLER: &str = "sasl.server.callback.handler.class";

/// A mechanism that a listener offers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Enabled {
    pub(crate) mechanism: Mechanism,
    /// How long a session lasts, if it has an end.
    pub(crate) session_ms_max: Option<u64>,
}

/// Names and passwords from a JAAS configuration.
#[derive(Default)]
struct PlainUsers(BTreeMap<String, Zeroizing<String>>);

impl std::fmt::Debug for PlainUsers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Sasl {
    /// What a listener's properties say.
    pub(crate) fn new(scope: &Scope<'_>) -> Result<Self, PropertyError> {
        const MECHANISMS: &str = "sasl.enabled.mechanisms";
        const REAUTH: &str = "connections.max.reauth.ms";
        const JAAS: &str = "sasl.jaas.config";
        let names = scope.list(MECHANISMS).ok_or_else(|| {
            let expected = "Kafka's default is not served by this broker, name others";
            invalid(MECHANISMS, "GSSAPI", expected)
        })?;
        let mut mechanisms = Vec::new();
        let mut tokens = None;
        for name in names {
            let mechanism = Mechanism::named(name).ok_or_else(|| {
                let known = Mechanism::ALL.map(Mechanism::name);
                invalid(
                    MECHANISMS,
                    name,
                    format!("this broker has {}", known.join(", ")),
                )
            })?;
            let handler = check_handler(scope, mechanism)?;
            if mechanism == Mechanism::OauthBearer {
                tokens = Some(Tokens::new(scope, handler)?);
            }
            let limit = scope
                .of_mechanism(mechanism, REAUTH)
                .map(|value| settings::number(REAUTH, value, 0))
                .transpose()?;
            mechanisms.push(Enabled {
                mechanism,
                session_ms_max: limit
                    .and_then(|ms| u64::try_from(ms).ok())
                    .filter(|ms| *ms > 0),
            });
        }
        if mechanisms.is_empty() {
            return Err(invalid(MECHANISMS, "", "must name one"));
        }
        let mut plain_users = PlainUsers::default();
        let offers_plain = mechanisms
            .iter()
            .any(|enabled| enabled.mechanism == Mechanism::Plain);
        if let Some(line) = scope
            .of_mechanism(Mechanism::Plain, JAAS)
            .filter(|_| offers_plain)
        {
            let options =
                jaas::options(line).map_err(|reason| invalid(JAAS, "[hidden]", reason))?;
            for (name, value) in options {
                if let Some(user) = name.strip_prefix("user_") {
                    plain_users.0.insert(user.to_owned(), value);
                }
            }
        }
        let bytes_max = scope.number("sasl.server.max.receive.size", 1)?;
        Ok(Self {
            mechanisms,
            request_bytes_max: bytes_max
                .and_then(|bytes| usize::try_from(bytes).ok())
                .unwrap_or(512 << 10),
            plain_users,
            tokens,
        })
    }

    /// Whether a token without a signature lets in whoever it names.
    pub(crate) fn believes_unsigned_tokens(&self) -> bool {
        let tokens = self.tokens.as_ref();
        tokens.is_some_and(Tokens::are_believed_unsigned)
    }

    /// A mechanism, if the listener offers it.
    pub(crate) fn offered(&self, name: &str) -> Option<Enabled> {
        let mut all = self.mechanisms.iter().copied();
        all.find(|enabled| enabled.mechanism.name() == name)
    }
}

/// Sees to it that no other handler is expected than those of Kafka, which this broker does the same
/// as; for OAUTHBEARER, which of the two it is.
fn check_handler(
    scope: &Scope<'_>,
    mechanism: Mechanism,
) -> Result<Option<Handler>, PropertyError> {
    const SIGNED: &str = ".OAuthBearerValidatorCallbackHandler";
    const UNSECURED: &str = ".OAuthBearerUnsecuredValidatorCallbackHandler";
    let Some(class) = scope.of_mechanism(mechanism, HANDLER) else {
        return Ok(None);
    };
    let handler = class.ends_with(SIGNED).then_some(Handler::Signed);
    let handler = handler.or_else(|| class.ends_with(UNSECURED).then_some(Handler::Unsecured));
    let is_own = match mechanism {
        Mechanism::Plain => class.ends_with(".PlainServerCallbackHandler"),
        Mechanism::ScramSha256 | Mechanism::ScramSha512 => {
            class.ends_with(".ScramServerCallbackHandler")
        }
        Mechanism::OauthBearer => handler.is_some(),
    };
    if is_own {
        return Ok(handler);
    }
    let expected = format!(
        "this broker runs no Java, and of Kafka's own this is none for {}; name it for the one \
         mechanism that it is for",
        mechanism.name()
    );
    Err(invalid(HANDLER, class, expected))
}

/// What a step of an exchange looks up.
pub(crate) struct Context<'a> {
    pub(crate) sasl: &'a Sasl,
    pub(crate) users: &'a Users,
    pub(crate) tokens: &'a DelegationTokens,
    /// Makes text that nobody can guess.
    pub(crate) nonce: &'a dyn Fn() -> String,
    pub(crate) wall_ms: i64,
}

impl Context<'_> {
    fn has_password(&self, name: &str, password: &str) -> bool {
        let configured = self.sasl.plain_users.0.get(name);
        self.users.has_password(name, password)
            || configured.is_some_and(|known| super::users::is_same(known, password))
    }
}

/// An exchange that waits for a message of the client.
#[derive(Debug)]
pub(crate) enum Exchange {
    Plain(plain::ExpectResponse),
    ScramFirst(scram::ExpectFirst),
    ScramFinal(Box<scram::ExpectFinal>),
    OauthToken(oauthbearer::ExpectToken),
    OauthEnd(oauthbearer::ExpectEnd),
}

/// What comes of a message.
#[derive(Debug)]
pub(crate) enum Step {
    /// The client has to answer this.
    Challenge(Vec<u8>, Exchange),
    /// The client is who it says.
    Done(Vec<u8>, Identity),
    Failed(Failure),
}

/// Whom an exchange has proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) name: String,
    /// When the proof ends, by the wall clock, if it does.
    pub(crate) end_wall_ms: Option<i64>,
    /// By a delegation token, with which no other can be asked for.
    pub(crate) is_by_token: bool,
}

impl Identity {
    fn new(name: String) -> Self {
        Self {
            name,
            end_wall_ms: None,
            is_by_token: false,
        }
    }
}

/// Why an exchange failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// What the client is told.
    Told(String),
    /// The reason is for the log alone: it could tell whether there is such a user.
    Hidden(String),
}

impl Exchange {
    pub(crate) fn begin(mechanism: Mechanism) -> Self {
        match mechanism {
            Mechanism::Plain => Self::Plain(plain::ExpectResponse),
            Mechanism::ScramSha256 => Self::ScramFirst(scram::ExpectFirst(scram::Hash::Sha256)),
            Mechanism::ScramSha512 => Self::ScramFirst(scram::ExpectFirst(scram::Hash::Sha512)),
            Mechanism::OauthBearer => Self::OauthToken(oauthbearer::ExpectToken),
        }
    }

    pub(crate) fn handle(self, message: &[u8], context: &Context<'_>) -> Step {
        match self {
            Self::Plain(state) => state.handle(message, context),
            Self::ScramFirst(state) => state.handle(message, context),
            Self::ScramFinal(state) => state.handle(message),
            Self::OauthToken(state) => state.handle(message, context),
            Self::OauthEnd(state) => state.handle(message, context),
        }
    }
}

impl From<Failure> for Step {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

fn told(message: &str) -> Failure {
    Failure::Told(format!("Authentication failed: {message}"))
}

fn hidden(reason: impl Into<String>) -> Failure {
    Failure::Hidden(reason.into())
}

/// A name, in which comma and equals sign are written as `=2C` and `=3D`.
fn sasl_name(written: &str) -> Option<String> {
    let mut name = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(at) = rest.find('=') {
        name.push_str(&rest[..at]);
        name.push(match rest.get(at..at + 3)? {
            "=2C" => ',',
            "=3D" => '=',
            _ => return None,
        });
        rest = &rest[at + 3..];
    }
    name.push_str(rest);
    (!name.is_empty()).then_some(name)
}

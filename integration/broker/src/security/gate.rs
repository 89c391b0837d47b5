//! The state of a connection: whether the client has said who it is, and for how long that holds.
//!
//! ```text
//!                      SaslHandshake             SaslAuthenticate
//!   ExpectHandshake ──────────────────▶ ExpectToken ─────┐ ▲ challenge
//!         ▲   │ unknown mechanism           │  │  └───────┴─┘
//!         │   └──────────▶ Failed ◀─────────┘  │ done
//!         │ SaslHandshake, if sessions end     ▼
//!         └──────────────────────────── Authenticated
//! ```
//!
//! A listener without SASL begins in `Open` and stays there. The rules are those of Kafka's
//! `SaslServerAuthenticator`: ApiVersions may be asked once before the handshake, anything else ends
//! the connection. A session that ends (`connections.max.reauth.ms`, KIP-368) may be renewed once a
//! second at most, by the same mechanism and for the same principal; after its end, whatever is not
//! the beginning of a renewal ends the connection.

use std::sync::Arc;

use kafka_client_protocol::ApiKey;

use super::Principal;
use super::sasl::{Context, Enabled, Exchange, Failure, Identity, Sasl, Step};

/// How soon after one renewal the next one may begin.
const RENEWAL_INTERVAL_MS: u64 = 1000;

/// What a connection may do.
#[derive(Debug)]
pub(crate) struct Gate {
    state: State,
    principal: Arc<Principal>,
    is_by_token: bool,
}

#[derive(Debug)]
enum State {
    Open,
    ExpectHandshake {
        may_ask_versions: bool,
        before: Option<Session>,
    },
    ExpectToken {
        exchange: Exchange,
        enabled: Enabled,
        /// After version 0 of SaslHandshake, the tokens come without Kafka's frames.
        raw: bool,
        before: Option<Session>,
    },
    /// A renewal with another mechanism: Kafka refuses it with the next request.
    WrongMechanism,
    Authenticated(Session),
    Failed,
}

#[derive(Debug, Clone, Copy)]
struct Session {
    enabled: Enabled,
    /// When it ends, if it does.
    end_ms: Option<u64>,
    renewal_began_ms: Option<u64>,
}

/// What is done with a request before it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Admission {
    Serve,
    /// It is answered with ILLEGAL_SASL_STATE, then the connection ends.
    Illegal,
    Close(&'static str),
}

/// What comes of a SaslHandshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handshake {
    Taken,
    UnknownMechanism,
    /// Nobody waits for one.
    Illegal,
}

/// What comes of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// The bytes are the answer; a complete exchange says how long the session lasts, 0 for ever.
    Taken { answer: Vec<u8>, lifetime_ms: u64 },
    /// With what the client is told.
    Failed(String),
    /// Nobody waits for one.
    Illegal,
}

impl Gate {
    /// Of a listener without SASL.
    pub(crate) fn open(principal: Principal) -> Self {
        Self {
            state: State::Open,
            principal: Arc::new(principal),
            is_by_token: false,
        }
    }

    /// Of a listener with SASL.
    pub(crate) fn closed() -> Self {
        Self {
            state: State::ExpectHandshake {
                may_ask_versions: true,
                before: None,
            },
            principal: Arc::new(Principal::anonymous()),
            is_by_token: false,
        }
    }

    pub(crate) fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// Whether the principal was proved by a delegation token.
    pub(crate) fn is_by_token(&self) -> bool {
        self.is_by_token
    }

    /// Whether the client has yet to say who it is, for the first time or again.
    pub(crate) fn is_authenticating(&self) -> bool {
        !matches!(self.state, State::Open | State::Authenticated(_))
    }

    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.state, State::Failed)
    }

    /// Whether the next frame is a bare token.
    pub(crate) fn wants_raw_token(&self) -> bool {
        matches!(self.state, State::ExpectToken { raw: true, .. })
    }

    /// Decides on a request by its API.
    pub(crate) fn admit(&mut self, api: ApiKey, now_ms: u64) -> Admission {
        let is_handshake = api == ApiKey::SASL_HANDSHAKE;
        match &mut self.state {
            State::Open => Admission::Serve,
            State::ExpectHandshake { .. } if is_handshake => Admission::Serve,
            State::ExpectHandshake {
                may_ask_versions, ..
            } if api == ApiKey::API_VERSIONS && *may_ask_versions => Admission::Serve,
            State::ExpectHandshake { .. } => self.fail_as(Admission::Close(
                "an unexpected request during the SASL handshake",
            )),
            State::ExpectToken { .. } if api == ApiKey::SASL_AUTHENTICATE => Admission::Serve,
            State::ExpectToken { .. } => self.fail_as(Admission::Illegal),
            State::WrongMechanism => self.fail_as(Admission::Close(
                "re-authentication with another mechanism than before",
            )),
            State::Failed => Admission::Close("authentication had failed"),
            State::Authenticated(session) => {
                if is_handshake && session.may_be_renewed(now_ms) {
                    session.renewal_began_ms = Some(now_ms);
                    self.state = State::ExpectHandshake {
                        may_ask_versions: false,
                        before: Some(*session),
                    };
                    return Admission::Serve;
                }
                if session.end_ms.is_some_and(|end| now_ms > end) {
                    return self.fail_as(Admission::Close("the session is over"));
                }
                Admission::Serve
            }
        }
    }

    fn fail_as(&mut self, admission: Admission) -> Admission {
        self.state = State::Failed;
        admission
    }

    /// ApiVersions was answered without an error; before the handshake this is done once.
    pub(crate) fn versions_told(&mut self) {
        if let State::ExpectHandshake {
            may_ask_versions, ..
        } = &mut self.state
        {
            *may_ask_versions = false;
        }
    }

    pub(crate) fn handshake(&mut self, sasl: &Sasl, mechanism: &str, version: i16) -> Handshake {
        let State::ExpectHandshake { before, .. } = &self.state else {
            return Handshake::Illegal;
        };
        let before = *before;
        let Some(enabled) = sasl.offered(mechanism) else {
            self.state = State::Failed;
            return Handshake::UnknownMechanism;
        };
        let mechanism = enabled.mechanism;
        self.state = if before.is_some_and(|before| before.enabled.mechanism != mechanism) {
            State::WrongMechanism
        } else {
            State::ExpectToken {
                exchange: Exchange::begin(mechanism),
                enabled,
                raw: version == 0,
                before,
            }
        };
        Handshake::Taken
    }

    pub(crate) fn token(&mut self, token: &[u8], context: &Context<'_>, now_ms: u64) -> Token {
        let (exchange, enabled, raw, before) =
            match std::mem::replace(&mut self.state, State::Failed) {
                State::ExpectToken {
                    exchange,
                    enabled,
                    raw,
                    before,
                } => (exchange, enabled, raw, before),
                other => {
                    self.state = other;
                    return Token::Illegal;
                }
            };
        match exchange.handle(token, context) {
            Step::Challenge(answer, exchange) => {
                self.state = State::ExpectToken {
                    exchange,
                    enabled,
                    raw,
                    before,
                };
                Token::Taken {
                    answer,
                    lifetime_ms: 0,
                }
            }
            Step::Failed(Failure::Told(text)) => Token::Failed(text),
            Step::Failed(Failure::Hidden(reason)) => {
                tracing::debug!(%reason, "a SASL exchange failed");
                let what = if before.is_some() {
                    "re-authentication"
                } else {
                    "authentication"
                };
                Token::Failed(format!(
                    "Authentication failed during {what} due to invalid credentials with SASL \
                     mechanism {}",
                    enabled.mechanism.name()
                ))
            }
            Step::Done(answer, identity) => {
                self.done(answer, identity, enabled, before, (now_ms, context.wall_ms))
            }
        }
    }

    fn done(
        &mut self,
        answer: Vec<u8>,
        identity: Identity,
        enabled: Enabled,
        before: Option<Session>,
        (now_ms, wall_ms): (u64, i64),
    ) -> Token {
        let principal = Principal::new(identity.name);
        if before.is_some() && *self.principal != principal {
            return Token::Failed(format!(
                "Cannot change principals during re-authentication from User.{}: User.{}",
                self.principal.name, principal.name
            ));
        }
        // What is proved by something that ends lasts no longer than that.
        let proof_ms = identity
            .end_wall_ms
            .map(|end| u64::try_from(end.saturating_sub(wall_ms)).unwrap_or(0));
        let limits = [proof_ms, enabled.session_ms_max];
        let lifetime_ms = limits.into_iter().flatten().min();
        self.principal = Arc::new(principal);
        self.is_by_token = identity.is_by_token;
        self.state = State::Authenticated(Session {
            enabled,
            end_ms: lifetime_ms.map(|ms| now_ms.saturating_add(ms)),
            renewal_began_ms: before.and_then(|before| before.renewal_began_ms),
        });
        Token::Taken {
            answer,
            lifetime_ms: lifetime_ms.unwrap_or(0),
        }
    }
}

impl Session {
    fn may_be_renewed(&self, now_ms: u64) -> bool {
        let soon = |began: u64| now_ms.saturating_sub(began) < RENEWAL_INTERVAL_MS;
        self.end_ms.is_some() && !self.renewal_began_ms.is_some_and(soon)
    }
}

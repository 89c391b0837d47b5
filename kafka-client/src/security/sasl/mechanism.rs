//! What a mechanism is.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// The future of [`SaslMechanism::begin`].
pub type Beginning<'a> = Pin<Box<dyn Future<Output = Result<SaslStart, SaslError>> + Send + 'a>>;

/// The future of [`SaslExchange::respond`].
pub type Responding<'a> =
    Pin<Box<dyn Future<Output = Result<Option<Vec<u8>>, SaslError>> + Send + 'a>>;

/// A way to prove to brokers who the client is (`sasl.mechanism`). One is shared by all connections of
/// a client.
pub trait SaslMechanism: Send + Sync + 'static {
    /// Its name, as brokers list it in `sasl.enabled.mechanisms`.
    fn name(&self) -> &str;

    /// Begins an exchange with a broker. `host` is its name, as metadata or `bootstrap.servers` has it.
    ///
    /// It is called for each new connection, and on a connection whose session ends soon (KIP-368): what
    /// it gives must be fresh enough to be taken.
    ///
    /// # Errors
    /// When there is nothing to begin with, such as a token.
    ///
    /// # Cancel safety
    /// The future is dropped when the connection is given up.
    fn begin<'a>(&'a self, host: &'a str) -> Beginning<'a>;
}

/// An exchange that has begun.
pub struct SaslStart {
    /// The client's first message, which may be empty.
    pub message: Vec<u8>,
    /// What goes on with the broker's answer.
    pub exchange: Box<dyn SaslExchange>,
}

impl fmt::Debug for SaslStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The message may hold a password.
        f.debug_struct("SaslStart").finish_non_exhaustive()
    }
}

/// The rest of an exchange with one broker.
pub trait SaslExchange: Send {
    /// The answer to a message of the broker's, or `None` if nothing more is to be said: the client is
    /// authenticated then, as the broker has not refused its last message.
    ///
    /// # Errors
    /// When the broker's message is wrong, or does not prove what it has to.
    fn respond<'a>(&'a mut self, challenge: &'a [u8]) -> Responding<'a>;
}

/// Why an exchange does not go on from the client's side.
#[derive(Debug)]
#[non_exhaustive]
pub enum SaslError {
    /// This passes, such as a token server that is away: the client tries again.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// This stays until somebody changes something.
    Refused(Box<dyn Error + Send + Sync>),
}

impl SaslError {
    pub(super) fn refused(text: impl Into<String>) -> Self {
        Self::Refused(text.into().into())
    }
}

impl fmt::Display for SaslError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(error) | Self::Refused(error) => error.fmt(f),
        }
    }
}

impl Error for SaslError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable(error) | Self::Refused(error) => error.source(),
        }
    }
}

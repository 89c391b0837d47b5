//! What keeps a client from every broker.

use crate::error::{Error, ErrorKind};
use crate::net::{self, Address};

/// No broker was reached: what each address failed with. `None` for those whose first attempt has
/// not ended.
#[derive(Debug)]
pub(crate) struct Unreached(pub(super) Vec<(Address, Option<Error>)>);

impl Unreached {
    /// Whether waiting does not change it: no host exists, none of those that do is a broker, or one does
    /// not let the client in.
    pub(crate) fn are_final(&self) -> bool {
        let mut errors = self.0.iter().filter_map(|(_, error)| error.as_ref());
        if errors.any(net::is_refusal) {
            return true;
        }
        let is_final = |error: &Error| net::is_unknown_host(error) || error.is_lasting();
        self.0
            .iter()
            .all(|(_, error)| error.as_ref().is_some_and(is_final))
    }

    /// Whether every broker there is has kept the client out.
    pub(crate) fn all_refused(&self) -> bool {
        let is_refusal = |error: &Error| net::is_refusal(error);
        let mut errors = self.0.iter();
        errors.all(|(_, error)| error.as_ref().is_some_and(is_refusal))
    }

    /// Whether an attempt had not ended when its time was over.
    pub(crate) fn is_pending(&self) -> bool {
        self.0.iter().any(|(_, error)| error.is_none())
    }

    /// One error that names every address; `pending` makes those of attempts that have not ended.
    /// `hint` says what to look at.
    pub(crate) fn into_error(self, pending: impl Fn() -> Error, hint: &str) -> Error {
        let lasting = self.are_final();
        let errors = self.0.into_iter().map(|(address, error)| {
            error.unwrap_or_else(|| pending().at_broker(net::address_text(&address)))
        });
        let mut errors: Vec<Error> = errors.collect();
        // What keeps the client out is nearer to the cause than what keeps it from others.
        let kind = match errors.iter().any(net::is_refusal) {
            true => ErrorKind::Authentication,
            false => ErrorKind::common(&errors),
        };
        let error = match errors.len() {
            1 => errors.remove(0),
            _ => {
                let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
                let text = format!("no broker was reached: {}", texts.join("; "));
                Error::new(kind, text)
            }
        };
        let error = match lasting {
            true => error.lasting(),
            false => error,
        };
        match error.kind() {
            ErrorKind::Connect | ErrorKind::Timeout => error.with_hint(hint),
            _ => error,
        }
    }
}

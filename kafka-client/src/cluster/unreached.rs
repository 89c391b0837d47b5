//! What keeps a client from every broker.

use crate::error::{Error, ErrorKind};
use crate::net::{self, Address};

/// No broker was reached: what each address failed with. `None` for those whose first attempt has
/// not ended.
#[derive(Debug)]
pub(crate) struct Unreached(pub(super) Vec<(Address, Option<Error>)>);

impl Unreached {
    /// Whether none of the hosts exists, which waiting does not change.
    pub(crate) fn are_unknown_hosts(&self) -> bool {
        self.0
            .iter()
            .all(|(_, error)| error.as_ref().is_some_and(net::is_unknown_host))
    }

    /// One error that names every address; `pending` makes those of attempts that have not ended.
    pub(crate) fn into_error(self, pending: impl Fn() -> Error) -> Error {
        let errors = self.0.into_iter().map(|((host, port), error)| {
            error.unwrap_or_else(|| pending().at_broker(format_args!("{host}:{port}")))
        });
        let mut errors: Vec<Error> = errors.collect();
        let error = match errors.len() {
            1 => errors.remove(0),
            _ => {
                let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
                let text = format!("no broker was reached: {}", texts.join("; "));
                Error::new(ErrorKind::common(&errors), text)
            }
        };
        match error.kind() {
            ErrorKind::Connect | ErrorKind::Timeout => error.with_hint(
                "check bootstrap.servers, and advertised.listeners in the brokers' settings",
            ),
            _ => error,
        }
    }
}

//! The system's library, as far as it is used. All of this blocks.

use std::ffi::{CStr, CString};

use libgssapi::context::{ClientCtx, CtxFlags, SecurityContext};
use libgssapi::credential::{Cred, CredUsage};
use libgssapi::error::MajorFlags;
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_KRB5, GSS_NT_HOSTBASED_SERVICE, GSS_NT_KRB5_PRINCIPAL, OidSet};

use super::kerberos::{Kerberos, Tickets};
use super::store;

/// Where a status says what has failed (RFC 2744, section 3.9.1).
const ROUTINE_ERROR: u32 = 0x00ff_0000;

/// Why a call has failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// The code of Kerberos; zero if the failure is not one of it.
    pub(super) code: i32,
    /// Credentials or context are over, which the library says without a code.
    pub(super) is_expired: bool,
    /// The library's words.
    pub(super) text: String,
}

impl From<libgssapi::error::Error> for Failure {
    fn from(error: libgssapi::error::Error) -> Self {
        // Not flags, whatever the wrapper calls them: one of many in these bits.
        let routine = error.major.bits() & ROUTINE_ERROR;
        let expired = [
            MajorFlags::GSS_S_CREDENTIALS_EXPIRED,
            MajorFlags::GSS_S_CONTEXT_EXPIRED,
        ];
        Self {
            code: error.minor.cast_signed(),
            is_expired: expired.iter().any(|error| error.bits() == routine),
            // Now: the library keeps the words for the thread that has called it.
            text: error.to_string().trim().to_owned(),
        }
    }
}

/// What is under way with one broker.
pub(super) struct Context(ClientCtx);

impl Context {
    /// A new one, and the first token for the broker. It asks the KDC for a ticket, unless there is one.
    pub(super) fn begin(kerberos: &Kerberos, host: &str) -> Result<(Self, Vec<u8>), Failure> {
        let credentials = credentials(kerberos)?;
        let service = format!("{}@{host}", kerberos.service_name);
        let service = Name::new(service.as_bytes(), Some(GSS_NT_HOSTBASED_SERVICE))?;
        // Both sides prove who they are, and what is wrapped cannot be altered.
        let flags = CtxFlags::GSS_C_MUTUAL_FLAG | CtxFlags::GSS_C_INTEG_FLAG;
        let mut context = ClientCtx::new(Some(credentials), service, flags, Some(GSS_MECH_KRB5));
        let token = context.step(None, None)?;
        let token = token.map(|token| token.to_vec()).unwrap_or_default();
        Ok((Self(context), token))
    }

    /// The next token for the broker, which may be empty.
    pub(super) fn step(&mut self, challenge: &[u8]) -> Result<Vec<u8>, Failure> {
        let token = self.0.step(Some(challenge), None)?;
        Ok(token.map(|token| token.to_vec()).unwrap_or_default())
    }

    pub(super) fn is_complete(&self) -> bool {
        self.0.is_complete()
    }

    /// Whether the broker has proved who it is, now that it is complete.
    pub(super) fn is_mutual(&self) -> Result<bool, Failure> {
        Ok(self.0.flags()?.contains(CtxFlags::GSS_C_MUTUAL_FLAG))
    }

    /// The client's principal.
    pub(super) fn principal(&self) -> Result<String, Failure> {
        let name = self.0.source_name()?.display_name()?;
        Ok(String::from_utf8_lossy(&name).into_owned())
    }

    /// What a wrapped message of the broker says.
    pub(super) fn unwrap(&mut self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        Ok(self.0.unwrap(message)?.to_vec())
    }

    /// A message that cannot be altered, but can be read.
    pub(super) fn wrap(&mut self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        Ok(self.0.wrap(false, message)?.to_vec())
    }
}

fn credentials(kerberos: &Kerberos) -> Result<Cred, Failure> {
    let principal = kerberos.principal.as_deref();
    let elements = match &kerberos.tickets {
        Tickets::Default => {
            let principal =
                principal.map(|name| Name::new(name.as_bytes(), Some(GSS_NT_KRB5_PRINCIPAL)));
            let mechanisms = OidSet::singleton(GSS_MECH_KRB5)?;
            return Ok(Cred::acquire(
                principal.transpose()?.as_ref(),
                None,
                CredUsage::Initiate,
                Some(&mechanisms),
            )?);
        }
        Tickets::Cache(cache) => vec![(c"ccache", text(cache)?)],
        // The library gets new tickets when half of the life of those in the cache is over.
        Tickets::Keytab(keytab) => vec![
            (c"client_keytab", text(keytab)?),
            (
                c"ccache",
                text(&kerberos.memory_cache().unwrap_or_default())?,
            ),
        ],
    };
    let elements: Vec<(&CStr, CString)> = elements;
    Ok(store::acquire(principal, &elements)?)
}

fn text(text: &str) -> Result<CString, Failure> {
    CString::new(text).map_err(|_| Failure {
        code: 0,
        is_expired: false,
        text: "a name has a zero byte".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use libgssapi::error::Error;

    use super::*;

    #[test]
    fn what_has_expired_is_told_from_other_failures() {
        for (major, is_expired) in [
            (MajorFlags::GSS_S_CREDENTIALS_EXPIRED, true),
            (MajorFlags::GSS_S_CONTEXT_EXPIRED, true),
            // Has all bits of both.
            (MajorFlags::GSS_S_UNAUTHORIZED, false),
            (MajorFlags::GSS_S_NO_CRED, false),
            (MajorFlags::GSS_S_FAILURE, false),
        ] {
            let failure = Failure::from(Error { major, minor: 0 });
            assert_eq!(failure.is_expired, is_expired, "{failure:?}");
        }
    }
}

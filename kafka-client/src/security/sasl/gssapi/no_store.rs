//! Apple's library has no `gss_acquire_cred_from`.

use std::ffi::{CStr, CString};

use libgssapi::credential::Cred;

use super::library::Failure;

pub(super) fn acquire(_: Option<&str>, _: &[(&CStr, CString)]) -> Result<Cred, Failure> {
    Err(Failure {
        code: 0,
        is_expired: false,
        text: "this system's library takes no keytab and no cache but the default one: use kinit"
            .to_owned(),
    })
}

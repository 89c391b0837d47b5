//! Credentials from a keytab or a cache that is not the default one: `gss_acquire_cred_from`.
//!
//! `libgssapi` does not have this call, and the other way, variables of the environment, is for the whole
//! process. It is the only code of this crate that is `unsafe`.

#![expect(unsafe_code, reason = "a call of the C library")]

use std::ffi::{CStr, CString, c_void};
use std::ptr;

use libgssapi::credential::Cred;
use libgssapi::error::{Error, MajorFlags};
use libgssapi_sys::{
    _GSS_C_INDEFINITE, GSS_C_INITIATE, GSS_S_COMPLETE, gss_OID_desc, gss_OID_set_desc,
    gss_acquire_cred_from, gss_buffer_desc, gss_cred_usage_t, gss_import_name,
    gss_key_value_element_desc, gss_key_value_set_desc, gss_name_t, gss_release_name,
};

/// 1.2.840.113554.1.2.2, the mechanism Kerberos.
const KERBEROS: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
/// 1.2.840.113554.1.2.2.1, the name of a principal.
const PRINCIPAL: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01";

/// The credentials of `principal`, or of the first that there is, from what `elements` name, such as
/// `client_keytab` and `ccache`.
///
/// # Errors
/// Those of the library.
pub(super) fn acquire(
    principal: Option<&str>,
    elements: &[(&CStr, CString)],
) -> Result<Cred, Error> {
    let name = principal.map(ImportedName::new).transpose()?;
    let mut elements: Vec<_> = elements
        .iter()
        .map(|(key, value)| gss_key_value_element_desc {
            key: key.as_ptr(),
            value: value.as_ptr(),
        })
        .collect();
    let store = gss_key_value_set_desc {
        // One or two.
        count: elements.len() as u32,
        elements: elements.as_mut_ptr(),
    };
    let mut kerberos = oid(KERBEROS);
    let mut mechanisms = gss_OID_set_desc {
        count: 1,
        elements: &raw mut kerberos,
    };
    let (mut minor, mut credentials) = (GSS_S_COMPLETE, ptr::null_mut());
    // SAFETY: all that is pointed to lives until the call returns, and the library only reads it, but for
    // `minor` and `credentials`, which it writes. What it does not have to write is null.
    let major = unsafe {
        gss_acquire_cred_from(
            &raw mut minor,
            name.as_ref().map_or(ptr::null_mut(), |name| name.0),
            _GSS_C_INDEFINITE,
            &raw mut mechanisms,
            GSS_C_INITIATE as gss_cred_usage_t,
            &raw const store,
            &raw mut credentials,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    checked(major, minor)?;
    // SAFETY: nobody else has these credentials, which the call has just made.
    Ok(unsafe { Cred::from_c(credentials) })
}

/// A name as the library has it.
struct ImportedName(gss_name_t);

impl ImportedName {
    fn new(principal: &str) -> Result<Self, Error> {
        let mut text = gss_buffer_desc {
            length: principal.len() as _,
            value: principal.as_ptr().cast_mut().cast(),
        };
        let mut kind = oid(PRINCIPAL);
        let (mut minor, mut name) = (GSS_S_COMPLETE, ptr::null_mut());
        // SAFETY: the library copies `text`, which it does not write to, and `kind`; it writes `minor` and `name`.
        let major =
            unsafe { gss_import_name(&raw mut minor, &raw mut text, &raw mut kind, &raw mut name) };
        checked(major, minor)?;
        Ok(Self(name))
    }
}

impl Drop for ImportedName {
    fn drop(&mut self) {
        let mut minor = GSS_S_COMPLETE;
        // SAFETY: the name was made by `new`, and nobody else has it.
        unsafe { gss_release_name(&raw mut minor, &raw mut self.0) };
    }
}

fn oid(bytes: &'static [u8]) -> gss_OID_desc {
    gss_OID_desc {
        length: bytes.len() as _,
        elements: bytes.as_ptr().cast_mut().cast::<c_void>(),
    }
}

fn checked(major: u32, minor: u32) -> Result<(), Error> {
    match major {
        GSS_S_COMPLETE => Ok(()),
        major => Err(Error {
            major: MajorFlags::from_bits_retain(major),
            minor,
        }),
    }
}

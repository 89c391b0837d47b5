//! GSSAPI: Kerberos (RFC 4752, RFC 4121), by the system's library.
//!
//! - `kerberos`: settings, and by Kafka's names
//! - `mechanism`: the exchange with a broker
//! - `layer`: its last two messages, which agree that the connection is not wrapped (pure)
//! - `worker`: calls of the library, which may take long, one at a time and off the runtime
//! - `library`: what is called
//! - `store`: the one call that the safe wrapper of the library does not have
//! - `explain`: what a failure means, and what to try (pure)
//!
//! The wrapper is `libgssapi` and not `cross-krb5`, which is built on it: that names a broker as a principal, so
//! the library does not look up which realm its host belongs to, and it hides the codes that tell an expired
//! ticket from a KDC that is away. Neither can take a keytab that is not the default one, hence `store`.

mod explain;
mod kerberos;
mod layer;
mod library;
mod mechanism;
#[cfg_attr(target_vendor = "apple", path = "no_store.rs")]
mod store;
mod worker;

pub use self::kerberos::Kerberos;
pub(in crate::security) use self::kerberos::from_properties;
pub(super) use self::mechanism::{Gssapi, NAME};

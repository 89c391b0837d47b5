//! The client of a registry, with a registry in memory that answers as it is told. Time stands still while all
//! wait, so no test takes long.
#![allow(
    clippy::unwrap_used,
    reason = "in a test, a failed unwrap is the message"
)]
#![cfg(feature = "registry")]

mod cached;
mod calls;
mod failures;
mod server;
mod tls;

//! TLS and SASL: on the reference broker, and on Apache Kafka.
//!
//! - `certificates`: of brokers and clients: good ones, bad ones, and ones that change
//! - `ending`: connections that end
//! - `foreign`: clients that are not ours, on the reference broker
//! - `issuer`: an identity provider for tests
//! - `kerberos`: GSSAPI on Apache Kafka, with the feature `gssapi`
//! - `oidc`: tokens of an identity provider, on both brokers
//! - `matrix`: each protocol with each mechanism carries records
//! - `wrong`: what is wrong on purpose, and what the user is told
//! - `renewal`: sessions that end, and clients that authenticate again
//! - `sessions`: sessions that end in the middle of other things

#![expect(clippy::unwrap_used, reason = "tests")]

mod certificates;
mod ending;
mod foreign;
mod issuer;
#[cfg(feature = "gssapi")]
mod kerberos;
mod log;
mod matrix;
mod oidc;
mod renewal;
mod sessions;
mod site;
mod wrong;

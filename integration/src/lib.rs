//! Harness of the behaviour suites.

pub mod kafka;

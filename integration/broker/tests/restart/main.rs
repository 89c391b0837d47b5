//! The program killed and started again, and what its clients see of it.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "in a test, a failed unwrap is the message"
)]

mod kills;
mod program;
mod soak;

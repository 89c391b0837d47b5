//! Shared parts of the example programs.

pub mod orders;
pub mod quake;
pub mod quickstart;

//! Shared parts of the example programs.

pub mod quake;
pub mod quickstart;

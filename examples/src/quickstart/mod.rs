//! The parts of the `quickstart` program, in the order in which it uses them.
//!
//! The story is told in `src/bin/quickstart.rs`.

pub mod check;
pub mod group;
pub mod offsets;
pub mod progress;
pub mod publish;
pub mod report;

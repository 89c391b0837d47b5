//! The group coordinator.

mod state;

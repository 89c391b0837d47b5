//! What the fuzz targets do with their input. One module per target, with the form of its input and
//! the function that makes such an input out of known bytes, so that seeds and target agree.
//!
//! A target panics when a promise of the codec is broken: a decoder that panics or takes too much
//! memory, a message that does not come back from its own bytes, a batch that a rewrite has damaged.

#![forbid(unsafe_code)]

pub mod apis;
pub mod compression;
pub mod consumer_protocol;
pub mod frames;
pub mod internal_topics;
pub mod legacy_message_sets;
pub mod memory;
pub mod messages;
pub mod record_batches;
mod views;

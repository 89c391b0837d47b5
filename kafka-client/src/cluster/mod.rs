//! What the client knows of the cluster, and how it stays current.
//!
//! - `metadata`: brokers, topics and leaders; merging an answer into them is pure
//! - `refresh`: the task that asks for metadata, on demand and on age
//! - `unreached`: what keeps the client from every broker
//! - `backoff`: how long to wait before trying again

mod backoff;
pub(crate) mod metadata;
mod refresh;
mod unreached;

pub(crate) use backoff::Backoff;
pub(crate) use metadata::{Metadata, TopicMetadata};
pub(crate) use refresh::Cluster;

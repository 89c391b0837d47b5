//! What the client knows of the cluster, and how it stays current.
//!
//! - `metadata`: brokers, topics and leaders; merging an answer into them is pure
//! - `wanted`: which topics are asked for, and when; pure
//! - `refresh`: the tasks that ask for metadata, on first use, on demand and on age
//! - `unreached`: what keeps the client from every broker
//! - `topic_name`: names that topics may have
//! - `retry`: calls that are made again until their time is over
//! - `coordinator`: the way to the broker that coordinates a group
//! - `backoff`: how long to wait before trying again

mod backoff;
mod coordinator;
pub(crate) mod metadata;
mod refresh;
mod retry;
pub(crate) mod topic_name;
mod unreached;
mod wanted;

pub(crate) use backoff::Backoff;
pub(crate) use coordinator::{Coordinator, CoordinatorKey};
pub(crate) use metadata::{Metadata, TopicMetadata};
pub(crate) use refresh::{Asked, Cluster, ClusterUser, Limit};
pub(crate) use wanted::is_absent;

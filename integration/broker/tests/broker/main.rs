//! The broker over the wire, through its in-memory transport.
#![allow(
    clippy::unwrap_used,
    reason = "in a test, a failed unwrap is the message"
)]

mod authorizer;
mod data;
mod delegation;
mod disk_faults;
mod fault_scopes;
mod fault_steps;
mod faults;
mod faults_endpoint;
mod fetch;
mod group_deletion;
mod group_expiry;
mod groups;
mod high_watermark;
mod hostile;
mod interfere;
mod large_answers;
mod metrics;
mod profiles;
mod quotas;
mod retention;
mod security;
mod settings;
mod strict;
mod support;
mod telemetry;
mod topics;

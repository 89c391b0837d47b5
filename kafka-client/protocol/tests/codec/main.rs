//! The proof of the codec, from four sides that know nothing of our broker and little of each other:
//! bytes that Apache Kafka wrote (`golden`), Kafka's own definitions of its messages
//! (`definitions`), another implementation of the protocol (`independent`), and bytes that no
//! honest peer sends (`hostile`). What is newer than all of them has bytes by hand (`later`).

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod apis;
mod definitions;
mod error_codes;
mod golden;
mod hostile;
mod independent;
mod internal_topics;
mod later;
mod records;
mod values;
mod views;

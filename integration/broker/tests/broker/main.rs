//! The broker over the wire, through its in-memory transport.

mod data;
mod faults;
mod hostile;
mod support;

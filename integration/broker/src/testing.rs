//! Testing with the embedded broker.

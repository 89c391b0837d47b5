//! Harness of the behaviour suites.

//! What wrong handlers and settings of a listener say at compile time.
//!
//! The texts in `listen_ui/*.stderr` hold rustc's own words too, so they are those of the toolchain the project is
//! developed with. After a change: `TRYBUILD=overwrite cargo test --test listen_ui`.

#[test]
fn wrong_use_is_a_clear_error() {
    trybuild::TestCases::new().compile_fail("tests/listen_ui/*.rs");
}

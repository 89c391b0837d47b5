//! What wrong use of `#[derive(KafkaRecord)]`, `KafkaHeaders` and `KafkaRecords` says at compile time.
//!
//! The texts in `ui/*.stderr` hold rustc's own words too, so they are those of the toolchain the
//! project is developed with. After a change: `TRYBUILD=overwrite cargo test --test derive_ui`.

#[test]
fn wrong_use_is_a_clear_error() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

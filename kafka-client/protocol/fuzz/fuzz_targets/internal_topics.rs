#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| kafka_client_protocol_fuzz::internal_topics::run(input));

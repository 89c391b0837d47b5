#![no_main]

libfuzzer_sys::fuzz_target!(
    |input: &[u8]| kafka_client_protocol_fuzz::legacy_message_sets::run(input)
);

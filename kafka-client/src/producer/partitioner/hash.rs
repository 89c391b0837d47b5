//! Partitions by the hash of a key, as each client has it: a key goes where it went before.

/// Java's default, and that of this client.
pub(crate) fn murmur2(key: &[u8], partitions: usize) -> usize {
    let hash = murmur2::murmur2(key, murmur2::KAFKA_SEED);
    (hash & 0x7fff_ffff) as usize % partitions
}

/// librdkafka's `consistent`.
pub(crate) fn crc32(key: &[u8], partitions: usize) -> usize {
    crc32fast::hash(key) as usize % partitions
}

/// Sarama's hash partitioner, and librdkafka's `fnv1a`: the absolute value of a signed hash.
pub(crate) fn fnv1a(key: &[u8], partitions: usize) -> usize {
    let hash = key.iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    (hash as i32).unsigned_abs() as usize % partitions
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes from the test of Kafka's own `Utils.murmur2`.
    #[test]
    fn keys_go_where_the_java_client_sends_them() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("abc", 479_470_107),
        ] {
            let expected = (hash & 0x7fff_ffff) as usize % 12;
            assert_eq!(murmur2(key.as_bytes(), 12), expected, "{key}");
        }
    }

    /// Hashes of Go's `hash/fnv`, with Sarama's absolute value, as librdkafka's own test has them.
    #[test]
    fn keys_go_where_sarama_sends_them() {
        for (key, hash) in [
            ("kafka", 0x0d33_c4e1),
            ("giberish123456789", 0x77a5_8295),
            ("1234", 0x023b_dd03),
            ("234", 0x2dea_3cd2),
            ("34", 0x740f_a83e),
            ("4", 0x310c_a263),
            ("", 0x7ee3_623b),
        ] {
            assert_eq!(fnv1a(key.as_bytes(), 1 << 31), hash, "{key}");
        }
    }

    /// The check value of CRC-32, which librdkafka's own function has too.
    #[test]
    fn keys_go_where_librdkafka_sends_them() {
        assert_eq!(crc32(b"123456789", 1 << 32), 0xcbf4_3926);
        assert_eq!(crc32(b"", 7), 0);
    }
}

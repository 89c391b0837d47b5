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

    /// Where librdkafka 2.12.1 wrote records with these keys, of 97 partitions, for `consistent`,
    /// `murmur2` and `fnv1a`.
    #[test]
    fn keys_go_where_librdkafka_sends_them() {
        for (key, partitions) in [
            ("", [0, 35, 68]),
            ("a", [80, 49, 49]),
            ("kafka", [30, 28, 52]),
            ("order-17", [26, 69, 10]),
            ("giberish123456789", [60, 88, 16]),
            ("ключ", [7, 96, 38]),
            ("a-little-bit-longer-string", [28, 47, 8]),
            ("0123456789012345678901234567890123456789", [40, 46, 43]),
        ] {
            let ours = [crc32, murmur2, fnv1a].map(|hash| hash(key.as_bytes(), 97));
            assert_eq!(ours, partitions, "{key}");
        }
    }
}

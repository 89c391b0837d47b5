//! The order in which Java's `HashMap` and `HashSet` hand out what they hold.
//!
//! Java's sticky assignors go over such maps, and whom they come to first may get one partition more.
//! With the same order a group gets the same from a leader of either client, so nothing moves because
//! another member leads.

/// `String.hashCode`.
pub(super) fn hash(text: &str) -> i32 {
    text.encode_utf16().fold(0, |hash: i32, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

/// `TopicPartition.hashCode`.
pub(super) fn hash_of_partition(topic: &str, partition: i32) -> i32 {
    31_i32
        .wrapping_add(partition)
        .wrapping_mul(31)
        .wrapping_add(hash(topic))
}

/// The table of a map that has had this many keys at most. It never shrinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Table {
    /// A power of two.
    buckets: u32,
}

impl Table {
    pub(super) fn of(keys: usize) -> Self {
        let mut buckets = 16;
        // It grows when it is full to three quarters.
        while keys > buckets as usize / 4 * 3 && buckets < 1 << 30 {
            buckets *= 2;
        }
        Self { buckets }
    }

    /// Where a key stands; those of the same bucket stand in the order they came in.
    pub(super) fn bucket(self, hash: i32) -> u32 {
        let hash = hash.cast_unsigned();
        (hash ^ (hash >> 16)) & (self.buckets - 1)
    }
}

/// Puts keys into the order of a map into which they were put in the order they are in.
pub(super) fn sort_as_keys<T>(keys: &mut [T], hash: impl Fn(&T) -> i32) {
    let table = Table::of(keys.len());
    keys.sort_by_key(|key| table.bucket(hash(key)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_java() {
        assert_eq!(hash(""), 0);
        assert_eq!(hash("orders"), -1_008_770_331);
        assert_eq!(hash_of_partition("", 3), (31 + 3) * 31);
    }

    #[test]
    fn a_table_grows_when_three_quarters_are_full() {
        for (keys, buckets) in [(0, 16), (12, 16), (13, 32), (24, 32), (25, 64)] {
            assert_eq!(Table::of(keys), Table { buckets }, "{keys} keys");
        }
    }

    #[test]
    fn keys_are_in_the_order_of_their_buckets() {
        // The hash of one letter is its number: "p" is 112, which 16 divides.
        let mut keys = ["a", "o", "p", "q"];
        sort_as_keys(&mut keys, |key| hash(key));
        assert_eq!(keys, ["p", "a", "q", "o"]);
    }
}

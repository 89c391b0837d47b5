//! Keys for topics in which a few keys have most of the records.
//!
//! All records of a key go to one partition, and so to one broker and one consumer of each group. A key
//! that is hotter than those can bear has to be cut up ([`salted`]), made narrower ([`compound`]), or
//! held back ([`KeyRate`]).

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Between a key and its salt.
const SEPARATOR: u8 = b'#';

/// A key with a salt: the records of one key go to as many partitions as there are salts, at most.
///
/// Take the salt from what may be reordered, such as `order_number % 8`: records with the same key and
/// salt stay in order, others do not. Whoever reads undoes it with [`unsalted`].
///
/// ```
/// use kafka_client::producer::keys::{salted, unsalted};
///
/// let key = salted(b"customer-1", 5);
/// assert_eq!(key, b"customer-1#5");
/// assert_eq!(unsalted(&key), b"customer-1");
/// ```
#[must_use]
pub fn salted(key: &[u8], salt: u32) -> Vec<u8> {
    let mut salted = Vec::with_capacity(key.len() + 11);
    salted.extend_from_slice(key);
    salted.push(SEPARATOR);
    salted.extend_from_slice(salt.to_string().as_bytes());
    salted
}

/// The key that was [`salted`]; a key that was not is given back as it is.
#[must_use]
pub fn unsalted(key: &[u8]) -> &[u8] {
    match key.iter().rposition(|byte| *byte == SEPARATOR) {
        Some(at) if at + 1 < key.len() && key[at + 1..].iter().all(u8::is_ascii_digit) => {
            &key[..at]
        }
        _ => key,
    }
}

/// A key of several parts, such as tenant and customer: records stay in order for all parts together,
/// not for the first alone, which may be hot. Different parts make different keys: the length of each
/// goes before it, as four bytes, the highest first.
///
/// ```
/// use kafka_client::producer::keys::compound;
///
/// assert_ne!(compound(["ab", "c"]), compound(["a", "bc"]));
/// ```
#[must_use]
pub fn compound<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Vec<u8> {
    let mut key = Vec::new();
    for part in parts {
        let part = part.as_ref();
        key.extend_from_slice(&(part.len() as u32).to_be_bytes());
        key.extend_from_slice(part);
    }
    key
}

/// How often the records of one key may come, so that one sender does not take a partition from all
/// others. Each key may come `burst` times at once, and after that once in `interval`.
///
/// ```
/// use std::time::{Duration, Instant};
/// use kafka_client::producer::keys::KeyRate;
///
/// let mut rate = KeyRate::new(Duration::from_millis(100), 2);
/// let now = Instant::now();
/// assert!(rate.admit(b"hot", now).is_ok() && rate.admit(b"hot", now).is_ok());
/// // Now it is to wait, and others are not.
/// assert_eq!(rate.admit(b"hot", now), Err(Duration::from_millis(100)));
/// assert!(rate.admit(b"cold", now).is_ok());
/// ```
#[derive(Debug)]
pub struct KeyRate {
    interval: Duration,
    burst: u32,
    /// When a key has used up nothing, if it does not come before.
    full_at: HashMap<Box<[u8]>, Instant>,
    /// How many keys there may be before those that are at rest are forgotten.
    sweep_at: usize,
}

impl KeyRate {
    /// Keys are forgotten below this number only when more come.
    const KEYS: usize = 1024;

    /// A `burst` of 0 counts as 1.
    #[must_use]
    pub fn new(interval: Duration, burst: u32) -> Self {
        Self {
            interval,
            burst: burst.max(1),
            full_at: HashMap::new(),
            sweep_at: Self::KEYS,
        }
    }

    /// Whether a record of this key may be sent now.
    ///
    /// # Errors
    /// How long it has to wait; nothing is counted then.
    pub fn admit(&mut self, key: &[u8], now: Instant) -> Result<(), Duration> {
        let full_at = self.full_at.get(key).copied().unwrap_or(now).max(now);
        // What is used up, as the time until it is there again.
        let used = full_at - now;
        let room = self.interval * (self.burst - 1);
        if used > room {
            return Err(used - room);
        }
        self.full_at.insert(key.into(), full_at + self.interval);
        if self.full_at.len() > self.sweep_at {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.sweep_at = (self.full_at.len() * 2).max(Self::KEYS);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_salts_are_taken_off() {
        for key in ["a", "a#", "#", "", "a#b", "a#1x"] {
            assert_eq!(unsalted(key.as_bytes()), key.as_bytes());
        }
        assert_eq!(unsalted(&salted(b"a#7", 12)), b"a#7");
    }

    #[test]
    fn a_key_comes_back_at_its_rate_and_keys_at_rest_are_forgotten() {
        let interval = Duration::from_millis(10);
        let mut rate = KeyRate::new(interval, 3);
        let mut now = Instant::now();
        let admitted = (0..10).filter(|_| rate.admit(b"hot", now).is_ok()).count();
        assert_eq!(admitted, 3);
        for _ in 0..5 {
            assert_eq!(rate.admit(b"hot", now), Err(interval));
            now += interval;
            assert_eq!(rate.admit(b"hot", now), Ok(()));
        }
        now += interval * 100;
        for number in 0..10_000_u32 {
            now += interval;
            rate.admit(&number.to_be_bytes(), now).unwrap();
        }
        assert!(rate.full_at.len() <= KeyRate::KEYS + 1);
    }
}

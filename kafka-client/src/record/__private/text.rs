//! Comparing text at compile time.

/// Whether a record type that names `topic`, or none, may be sent to `wanted`.
pub const fn is_of_topic(topic: Option<&str>, wanted: &str) -> bool {
    match topic {
        Some(topic) => is_same(topic, wanted),
        None => true,
    }
}

pub(super) const fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics() {
        assert!(is_of_topic(None, "a") && is_of_topic(Some("a"), "a"));
        assert!(!is_of_topic(Some("b"), "a") && !is_of_topic(Some("aa"), "a"));
    }
}

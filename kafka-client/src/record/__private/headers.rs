//! Sets of headers.

use super::super::{DecodeError, HeaderReader, KafkaHeaders, RecordBuffer, RecordRef};
use super::text::is_same;

pub fn write_headers<H: KafkaHeaders>(headers: &H, buffer: &mut RecordBuffer) {
    headers.encode_headers(buffer);
}

/// `taken` has the names that other fields take.
pub fn read_headers<H: KafkaHeaders>(
    record: &'static str,
    taken: &[&[&str]],
    from: &RecordRef<'_>,
) -> Result<H, DecodeError> {
    H::decode_headers(&HeaderReader::new(record, from, taken))
}

/// Whether one of `names` is among the `taken`; for assertions at compile time.
pub const fn is_taken(names: &[&str], taken: &[&[&str]]) -> bool {
    let mut at = 0;
    while at < names.len() {
        let mut group = 0;
        while group < taken.len() {
            if contains(taken[group], names[at]) {
                return true;
            }
            group += 1;
        }
        at += 1;
    }
    false
}

const fn contains(names: &[&str], name: &str) -> bool {
    let mut at = 0;
    while at < names.len() {
        if is_same(names[at], name) {
            return true;
        }
        at += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_names() {
        let taken: &[&[&str]] = &[&["a", "bc"], &[], &["d"]];
        assert!(is_taken(&["x", "bc"], taken) && is_taken(&["d"], taken));
        assert!(!is_taken(&["b", "c", ""], taken) && !is_taken(&[], taken));
    }
}

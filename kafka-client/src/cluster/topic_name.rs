//! Names that topics may have, and names that look alike.

use std::sync::Arc;

use crate::error::Error;

/// The longest name.
const LENGTH_MAX: usize = 249;

/// Refuses a name that no topic can have.
///
/// # Errors
/// A config error: asking a broker would not change it.
pub(crate) fn check(name: &Arc<str>) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let is_good = (1..=LENGTH_MAX).contains(&name.len())
        && name.bytes().all(allowed)
        && !matches!(&**name, "." | "..");
    match is_good {
        true => Ok(()),
        false => Err(Error::config(format!(
            "{name:?} is no name for a topic: it has 1 to {LENGTH_MAX} of the characters a-z, A-Z, \
             0-9, '.', '_' and '-', and is not \".\" or \"..\""
        ))
        .at_topic(name)),
    }
}

/// The name that is most like another, if one is so like it that a mistake is likely.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.len() / 3).min(2);
    known
        .filter(|known| known.len().abs_diff(name.len()) <= limit)
        .map(|known| (distance(name.as_bytes(), known.as_bytes()), known))
        .filter(|(distance, _)| (1..=limit).contains(distance))
        .min()
        .map(|(_, known)| known)
}

/// How many bytes to insert, remove or replace to make one of the other (Levenshtein).
fn distance(a: &[u8], b: &[u8]) -> usize {
    // Of the bytes of `a` so far, to each beginning of `b`.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn names_are_those_that_kafka_allows() {
        let long = "x".repeat(250);
        for good in ["a", "...", "_-.Z9", &long[1..]] {
            check(&Arc::from(good)).unwrap();
        }
        for bad in ["", ".", "..", "a b", "a/b", "käse", "a\n", &long] {
            let error = check(&Arc::from(bad)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{bad}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_found_and_another_name_is_not() {
        let known = ["orders", "orders-eu", "payments"];
        let nearest = |name| nearest(name, known.into_iter());
        for slip in ["oders", "ordres", "Orders", "orderss"] {
            assert_eq!(nearest(slip), Some("orders"), "{slip}");
        }
        for other in ["orders", "invoices", "o", "pay"] {
            assert_eq!(nearest(other), None, "{other}");
        }
    }
}

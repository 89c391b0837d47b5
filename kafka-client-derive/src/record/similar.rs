//! What was meant by a name that there is not.

/// The name that differs from `found` by the fewest letters, if few enough for a typing error.
pub(super) fn similar<'a>(found: &str, names: &[&'a str]) -> Option<&'a str> {
    let found = found.to_lowercase();
    let (distance, name) = names
        .iter()
        .map(|name| (distance(&found, &name.to_lowercase()), *name))
        .min()?;
    (distance <= 1 + name.len() / 4).then_some(name)
}

/// "did you mean `x`?" if one of `names` is similar, else "there is `x`, `y`".
pub(crate) fn suggestion(found: &str, names: &[&str]) -> String {
    match similar(found, names) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("there is `{}`", names.join("`, `")),
    }
}

/// How many letters have to be inserted, removed, replaced or swapped with the next.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("topic", "topic"), 0);
        assert_eq!(distance("tpoic", "topic"), 1);
        assert_eq!(distance("", "key"), 3);
        assert_eq!(distance("time_stamp", "timestamp"), 1);
    }

    #[test]
    fn suggestions() {
        assert_eq!(
            suggestion("Json", &["json", "bytes"]),
            "did you mean `json`?"
        );
        assert_eq!(
            suggestion("xml", &["json", "bytes"]),
            "there is `json`, `bytes`"
        );
    }
}

//! JSON values of about 1 KB: the earthquakes of the examples, a few in each, with other digits, so
//! that no two values are alike and a codec finds no more in them than in real ones.

use std::io::Write;
use std::path::PathBuf;

use crate::Failure;

const VALUES: usize = 10_000;
const VALUE_BYTES: usize = 1000;
/// The values are the same in every run.
const SEED: u64 = 8;

/// Writes them to a new file, one a line; the file is gone with the directory.
pub(crate) fn write(directory: &tempfile::TempDir) -> Result<PathBuf, Failure> {
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/data/earthquakes.ndjson"
    );
    let rows = std::fs::read_to_string(source).map_err(|error| format!("{source}: {error}"))?;
    let mut rows = rows.lines().cycle();
    let mut random = fastrand::Rng::with_seed(SEED);
    let path = directory.path().join("values.ndjson");
    let mut out = std::io::BufWriter::new(std::fs::File::create(&path)?);
    for _ in 0..VALUES {
        let mut parts = Vec::new();
        while parts.iter().map(String::len).sum::<usize>() < VALUE_BYTES {
            let row = rows.next().ok_or("there are no earthquakes")?;
            parts.push(with_other_digits(row, &mut random));
        }
        writeln!(out, "[{}]", parts.join(","))?;
    }
    out.flush()?;
    Ok(path)
}

/// Never a zero, which JSON does not allow in front.
fn with_other_digits(row: &str, random: &mut fastrand::Rng) -> String {
    row.chars()
        .map(|character| match character {
            '0'..='9' => char::from(random.u8(b'1'..=b'9')),
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json_of_about_a_kilobyte_and_all_different() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = write(&directory).expect("the values");
        let text = std::fs::read_to_string(path).expect("the file");
        let lines: std::collections::HashSet<&str> = text.lines().collect();
        assert_eq!(lines.len(), VALUES);
        for line in lines {
            serde_json::from_str::<serde_json::Value>(line).expect("JSON");
            assert!((VALUE_BYTES..2 * VALUE_BYTES).contains(&line.len()));
        }
    }
}

//! The records of `json`: eight fields, about 200 bytes, all different and the same in every run.

use std::io::Write;
use std::path::PathBuf;

use kafka_client::KafkaRecord;
use serde::{Deserialize, Serialize};

use crate::Failure;

const ROWS: u64 = 10_000;
const SEED: u64 = 8;
const PLACES: [&str; 4] = ["Reykjavik", "Valparaiso", "Kathmandu", "Wellington"];
const UNITS: [&str; 3] = ["celsius", "hectopascal", "metres per second"];

/// A reading of an instrument.
#[derive(Debug, PartialEq, KafkaRecord, Serialize, Deserialize)]
#[kafka(format = json)]
pub(super) struct Row {
    number: u64,
    instrument: String,
    place: String,
    unit: String,
    reading: f64,
    taken_at_ms: i64,
    is_checked: bool,
    remark: Option<String>,
}

impl Row {
    fn nth(number: u64, random: &mut fastrand::Rng) -> Self {
        let choice =
            |of: &[&str], random: &mut fastrand::Rng| of[random.usize(..of.len())].to_owned();
        Self {
            number,
            instrument: format!("instrument-{:08x}", random.u32(..)),
            place: choice(&PLACES, random),
            unit: choice(&UNITS, random),
            reading: f64::from(random.i32(-100_000..100_000)) / 1000.0,
            taken_at_ms: 1_760_000_000_000 + random.i64(0..100_000_000),
            is_checked: random.bool(),
            remark: random
                .bool()
                .then(|| "calibrated before the reading".to_owned()),
        }
    }
}

/// Writes them to a new file, one a line; the file is gone with the directory.
pub(super) fn write(directory: &tempfile::TempDir) -> Result<PathBuf, Failure> {
    let mut random = fastrand::Rng::with_seed(SEED);
    let path = directory.path().join("rows.ndjson");
    let mut out = std::io::BufWriter::new(std::fs::File::create(&path)?);
    for number in 0..ROWS {
        serde_json::to_writer(&mut out, &Row::nth(number, &mut random))?;
        writeln!(out)?;
    }
    out.flush()?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_about_two_hundred_bytes_and_the_same_in_every_run() {
        let write = || {
            let directory = tempfile::tempdir().expect("a directory");
            let path = write(&directory).expect("the rows");
            std::fs::read_to_string(path).expect("the file")
        };
        let text = write();
        assert_eq!(text, write());
        let bytes = text.len() as u64 / ROWS;
        assert!((170..230).contains(&bytes), "{bytes}");
        serde_json::from_str::<Row>(text.lines().next().expect("a row")).expect("JSON");
    }
}

//! The earthquakes that the examples work with: the record, and how files of them are read.

use std::io::{self, BufRead, Read as _};

use kafka_client::KafkaRecord;
use serde::{Deserialize, Serialize};

/// One week of earthquakes, part of the program: see `examples/data/README.md` for its origin.
pub const BUNDLED: &[u8] = include_bytes!("../data/earthquakes.ndjson");

/// A seismic event as the U.S. Geological Survey lists it.
///
/// Keyed by its network, so that all events of a network are in one partition, in order.
#[derive(Debug, Clone, PartialEq, KafkaRecord, Serialize, Deserialize)]
#[kafka(topic = "earthquakes", format = json)]
pub struct Earthquake {
    /// Unique id of the event.
    pub id: String,
    /// The seismic network that reported it.
    #[kafka(key)]
    pub network: String,
    /// When it happened, in milliseconds since the Unix epoch.
    #[kafka(timestamp)]
    pub time: i64,
    /// When its entry last changed, in milliseconds since the Unix epoch.
    pub updated: i64,
    /// Its strength on the scale named by `magnitude_type`.
    pub magnitude: f64,
    /// The scale of `magnitude`, such as `ml`.
    pub magnitude_type: String,
    /// Where it was, in words.
    pub place: String,
    /// Degrees east.
    pub longitude: f64,
    /// Degrees north.
    pub latitude: f64,
    /// Kilometres below sea level; negative is above.
    pub depth_km: f64,
    /// `earthquake`, `explosion` or `quarry blast`.
    pub kind: String,
    /// `reviewed` or `automatic`.
    pub status: String,
    /// The survey's score of how much it mattered.
    pub significance: u32,
    /// How many people said they felt it.
    pub felt: Option<u32>,
    /// Whether a tsunami message went with it.
    pub tsunami: bool,
}

/// Reads one earthquake per line (NDJSON); lines of white space alone are passed over.
///
/// A line that is not an earthquake is an error of its own, and the next call goes on after it. A
/// source that cannot be read ends the iterator.
pub fn read<R: BufRead>(source: R) -> Earthquakes<R> {
    Earthquakes {
        source: Some(source),
        line: 0,
        bytes: Vec::new(),
    }
}

/// See [`read`].
#[derive(Debug)]
pub struct Earthquakes<R> {
    /// `None` once it cannot be read.
    source: Option<R>,
    line: usize,
    bytes: Vec<u8>,
}

/// What stands between a file and its earthquakes.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// One line is not an earthquake; the others may be.
    #[error("line {line}: {reason}")]
    BadLine {
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing more can be read.
    #[error("cannot read after line {line}")]
    Source {
        /// The number of the last line that was read.
        line: usize,
        /// Why.
        source: io::Error,
    },
}

impl<R: BufRead> Iterator for Earthquakes<R> {
    type Item = Result<Earthquake, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let source = self.source.as_mut()?;
            let is_whole = match next_line(source, &mut self.bytes) {
                Ok(None) => return None,
                Ok(Some(is_whole)) => is_whole,
                Err(error) => {
                    self.source = None;
                    return Some(Err(ReadError::Source {
                        line: self.line,
                        source: error,
                    }));
                }
            };
            self.line += 1;
            if self.bytes.trim_ascii().is_empty() {
                continue;
            }
            let earthquake = if is_whole {
                parse(&self.bytes)
            } else {
                Err(format!("over {LINE_MAX} bytes"))
            };
            let bad = |reason| ReadError::BadLine {
                line: self.line,
                reason,
            };
            return Some(earthquake.map_err(bad));
        }
    }
}

/// No earthquake is nearly as long: a file that is something else must not fill the memory.
const LINE_MAX: usize = 64 * 1024;

/// Reads a line into `line`. `None` is the end; `false` a line that was too long and is cut.
fn next_line<R: BufRead>(source: &mut R, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    source
        .by_ref()
        .take(LINE_MAX as u64 + 1)
        .read_until(b'\n', line)?;
    if line.is_empty() {
        return Ok(None);
    }
    let is_whole = line.ends_with(b"\n") || line.len() <= LINE_MAX;
    if !is_whole {
        source.skip_until(b'\n')?;
    }
    Ok(Some(is_whole))
}

fn parse(line: &[u8]) -> Result<Earthquake, String> {
    let earthquake: Earthquake = serde_json::from_slice(line).map_err(|error| {
        // The parser sees each line as a text of its own, which its position would say.
        let position = format!(" at line {} column {}", error.line(), error.column());
        let text = error.to_string();
        match text.strip_suffix(&position) {
            Some(reason) => format!("{reason} (column {})", error.column()),
            None => text,
        }
    })?;
    if earthquake.time < 0 {
        let time = earthquake.time;
        return Err(format!(
            "time {time} is before 1970, which a record's timestamp cannot be"
        ));
    }
    Ok(earthquake)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use kafka_client::record::{HasTopic, RecordBuffer};

    use super::*;

    fn bundled() -> Vec<Earthquake> {
        read(BUNDLED).collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn the_bundled_week_is_what_its_description_says() {
        let all = bundled();
        assert_eq!(all.len(), 1_707);
        assert_eq!(
            all.iter()
                .map(|quake| &quake.id)
                .collect::<BTreeSet<_>>()
                .len(),
            1_707
        );
        assert!(all.is_sorted_by_key(|quake| quake.time));
        let mut networks = BTreeMap::new();
        let mut kinds = BTreeMap::new();
        for quake in &all {
            *networks.entry(quake.network.as_str()).or_insert(0) += 1;
            *kinds.entry(quake.kind.as_str()).or_insert(0) += 1;
        }
        assert_eq!((networks.len(), networks.values().max()), (12, Some(&386)));
        let wanted = [
            ("earthquake", 1_679),
            ("explosion", 15),
            ("quarry blast", 13),
        ];
        assert_eq!(kinds, BTreeMap::from(wanted));
    }

    #[test]
    fn every_earthquake_is_a_record() {
        let mut buffer = RecordBuffer::new();
        for quake in bundled() {
            buffer.encode(&quake).unwrap();
            buffer.with_record(Earthquake::TOPIC_NAME, |record| {
                assert_eq!(record.key, Some(quake.network.as_bytes()));
                assert_eq!(record.timestamp, Some(quake.time));
                assert_eq!(
                    Earthquake::decode(&record.as_received(0, 0)).unwrap(),
                    quake
                );
            });
        }
    }

    #[test]
    fn bad_lines_are_named_and_the_rest_arrives() {
        let lines: Vec<&[u8]> = BUNDLED.split(|byte| *byte == b'\n').take(3).collect();
        let early = String::from_utf8_lossy(lines[0]).replace("\"time\":", "\"time\":-");
        let long = vec![b'x'; LINE_MAX * 2];
        let file = [
            lines[0],
            b"",
            b"not json",
            b"{\"id\":\"a\",\"network\":7}",
            b"{\"id\":\"a\"}\r",
            b"\xff\xfe",
            early.as_bytes(),
            &long,
            lines[1],
            b"  ",
            lines[2],
            b"[]",
        ];
        let mut ids = Vec::new();
        let mut bad = Vec::new();
        for line in read(&file.join(&b'\n')[..]) {
            match line {
                Ok(quake) => ids.push(quake.id),
                Err(error) => bad.push(error.to_string()),
            }
        }
        assert_eq!(ids, ["uw61345682", "mb80279649", "us2000crkq"]);
        assert_eq!(
            bad,
            [
                "line 3: expected ident (column 2)",
                "line 4: invalid type: integer `7`, expected a string (column 21)",
                "line 5: missing field `network` (column 10)",
                "line 6: expected value (column 1)",
                "line 7: time -1517363399650 is before 1970, which a record's timestamp cannot be",
                "line 8: over 65536 bytes",
                "line 12: invalid length 0, expected struct Earthquake with 15 elements (column 2)",
            ]
        );
    }

    #[test]
    fn a_source_that_fails_ends_it() {
        struct Failing;
        impl io::Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let good = [BUNDLED.split(|byte| *byte == b'\n').next().unwrap(), b"\n"].concat();
        let mut quakes = read(io::BufReader::new(good.chain(Failing)));
        assert!(quakes.next().unwrap().is_ok());
        let error = quakes.next().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "cannot read after line 1");
        assert!(quakes.next().is_none());
    }
}

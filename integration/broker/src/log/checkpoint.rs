//! Kafka's small text files: offset checkpoints, the leader epoch checkpoint, and the property
//! files that name a partition's topic id or the directory's cluster.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// A checkpoint of one offset per partition of a directory.
pub(crate) type Offsets = BTreeMap<(String, i32), i64>;

/// Replaces a file as a whole: a crash leaves the old or the new content, never a mix.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let mut file = File::create(&name)?;
    file.write_all(content)?;
    file.sync_data()?;
    fs::rename(&name, path)
}

/// Reads a file that may not be there.
pub(crate) fn read_if_there(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes `recovery-point-offset-checkpoint` or `log-start-offset-checkpoint`.
pub(crate) fn write_offsets(path: &Path, offsets: &Offsets) -> io::Result<()> {
    let lines = offsets
        .iter()
        .map(|((topic, partition), offset)| format!("{topic} {partition} {offset}\n"));
    write_atomically(path, checkpoint(offsets.len(), lines).as_bytes())
}

/// Reads such a file; an absent one is empty.
pub(crate) fn read_offsets(path: &Path) -> io::Result<Offsets> {
    let Some(text) = read_if_there(path)? else {
        return Ok(Offsets::new());
    };
    entries(path, &text)?
        .into_iter()
        .map(|line| match line.split(' ').collect::<Vec<_>>()[..] {
            [topic, partition, offset] => Some((
                (topic.to_owned(), partition.parse().ok()?),
                offset.parse().ok()?,
            )),
            _ => None,
        })
        .collect::<Option<_>>()
        .ok_or_else(|| damaged(path))
}

/// Writes a partition's `leader-epoch-checkpoint`: each epoch with its first offset.
pub(crate) fn write_epochs(path: &Path, epochs: &[(i32, i64)]) -> io::Result<()> {
    let lines = epochs
        .iter()
        .map(|(epoch, start)| format!("{epoch} {start}\n"));
    write_atomically(path, checkpoint(epochs.len(), lines).as_bytes())
}

/// Reads such a file; an absent one is empty.
pub(crate) fn read_epochs(path: &Path) -> io::Result<Vec<(i32, i64)>> {
    let Some(text) = read_if_there(path)? else {
        return Ok(Vec::new());
    };
    entries(path, &text)?
        .into_iter()
        .map(|line| {
            let (epoch, start) = line.split_once(' ')?;
            Some((epoch.parse().ok()?, start.parse().ok()?))
        })
        .collect::<Option<_>>()
        .ok_or_else(|| damaged(path))
}

fn checkpoint(count: usize, lines: impl Iterator<Item = String>) -> String {
    let mut text = format!("0\n{count}\n");
    text.extend(lines);
    text
}

fn entries<'text>(path: &Path, text: &'text str) -> io::Result<Vec<&'text str>> {
    let mut lines = text.lines();
    let version = lines.next();
    let count = lines.next().and_then(|line| line.parse::<usize>().ok());
    let entries: Vec<_> = lines.collect();
    if version == Some("0") && count == Some(entries.len()) {
        Ok(entries)
    } else {
        Err(damaged(path))
    }
}

fn damaged(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{} is no checkpoint file of version 0", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_written_as_kafka_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recovery-point-offset-checkpoint");
        assert_eq!(read_offsets(&path).unwrap(), Offsets::new());
        let offsets = Offsets::from([(("a".into(), 0), 5), (("b".into(), 11), 1 << 40)]);
        write_offsets(&path, &offsets).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "0\n2\na 0 5\nb 11 1099511627776\n"
        );
        assert_eq!(read_offsets(&path).unwrap(), offsets);
    }

    #[test]
    fn a_damaged_checkpoint_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("leader-epoch-checkpoint");
        write_epochs(&path, &[(0, 0), (3, 17)]).unwrap();
        assert_eq!(read_epochs(&path).unwrap(), [(0, 0), (3, 17)]);
        for text in ["", "0\n", "1\n0\n", "0\n2\n0 0\n", "0\n1\n0 x\n"] {
            fs::write(&path, text).unwrap();
            let error = read_epochs(&path).unwrap_err().to_string();
            assert!(error.contains("leader-epoch-checkpoint"), "{error}");
        }
    }
}

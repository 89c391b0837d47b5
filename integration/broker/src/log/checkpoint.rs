//! Kafka's small text files: offset checkpoints, the leader epoch checkpoint, and the property
//! files that name a partition's topic id or the directory's cluster.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::fs::{Access, Disk};

/// A checkpoint of one offset per partition of a directory.
pub(crate) type Offsets = BTreeMap<(String, i32), i64>;

/// Writes `recovery-point-offset-checkpoint` or `log-start-offset-checkpoint`.
pub(crate) fn write_offsets(disk: &Disk, path: &Path, offsets: &Offsets) -> io::Result<()> {
    let lines = offsets
        .iter()
        .map(|((topic, partition), offset)| format!("{topic} {partition} {offset}\n"));
    let text = checkpoint(offsets.len(), lines);
    disk.replace(path, text.as_bytes(), Access::Usual)
}

/// Reads such a file; an absent one is empty.
pub(crate) fn read_offsets(disk: &Disk, path: &Path) -> io::Result<Offsets> {
    let Some(text) = read(disk, path)? else {
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
pub(crate) fn write_epochs(disk: &Disk, path: &Path, epochs: &[(i32, i64)]) -> io::Result<()> {
    let lines = epochs
        .iter()
        .map(|(epoch, start)| format!("{epoch} {start}\n"));
    let text = checkpoint(epochs.len(), lines);
    disk.replace(path, text.as_bytes(), Access::Usual)
}

/// Reads such a file; an absent one is empty.
pub(crate) fn read_epochs(disk: &Disk, path: &Path) -> io::Result<Vec<(i32, i64)>> {
    let Some(text) = read(disk, path)? else {
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

fn read(disk: &Disk, path: &Path) -> io::Result<Option<String>> {
    let Some(content) = disk.read_if_there(path)? else {
        return Ok(None);
    };
    let text = String::from_utf8(content).map_err(|_| damaged(path))?;
    Ok(Some(text))
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
    use std::fs;

    use super::*;

    #[test]
    fn offsets_are_written_as_kafka_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recovery-point-offset-checkpoint");
        assert_eq!(read_offsets(&Disk::real(), &path).unwrap(), Offsets::new());
        let offsets = Offsets::from([(("a".into(), 0), 5), (("b".into(), 11), 1 << 40)]);
        write_offsets(&Disk::real(), &path, &offsets).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "0\n2\na 0 5\nb 11 1099511627776\n"
        );
        assert_eq!(read_offsets(&Disk::real(), &path).unwrap(), offsets);
    }

    #[test]
    fn a_damaged_checkpoint_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("leader-epoch-checkpoint");
        write_epochs(&Disk::real(), &path, &[(0, 0), (3, 17)]).unwrap();
        assert_eq!(
            read_epochs(&Disk::real(), &path).unwrap(),
            [(0, 0), (3, 17)]
        );
        for text in ["", "0\n", "1\n0\n", "0\n2\n0 0\n", "0\n1\n0 x\n"] {
            fs::write(&path, text).unwrap();
            let error = read_epochs(&Disk::real(), &path).unwrap_err().to_string();
            assert!(error.contains("leader-epoch-checkpoint"), "{error}");
        }
    }
}

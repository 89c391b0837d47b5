//! The bytes of one segment: a file that is only ever appended to, or memory.
//!
//! Reads happen in two steps. Under the partition's lock a [`DataSlice`] is taken, which costs a
//! reference count; its bytes are read after the lock is released, so readers and the writer of a
//! partition do not wait for each other's system calls.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};

use crate::fs::{Disk, DiskFile};

/// How many segment files may stay open between uses, over all partitions of a broker.
///
/// A partition that gets no place opens its file for each use instead, so the number of
/// partitions is not bounded by the process's file limit.
#[derive(Debug, Clone)]
pub(crate) struct HandleBudget(Arc<AtomicUsize>);

impl HandleBudget {
    pub(crate) fn new(handles: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(handles)))
    }

    fn take(&self) -> Option<Permit> {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_ok()
            .then(|| Permit(Arc::clone(&self.0)))
    }
}

#[derive(Debug)]
struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The bytes of one segment.
#[derive(Debug)]
pub(crate) enum SegmentData {
    Memory(MemoryData),
    File(FileData),
}

/// Part of a segment, to be read without the partition's lock.
#[derive(Debug)]
pub(crate) enum DataSlice {
    Memory(Vec<Bytes>),
    File {
        file: Arc<OpenFile>,
        position: u64,
        length: usize,
    },
}

/// All of a segment, for whoever reads it as a whole and keeps others from removing it.
#[derive(Debug)]
pub(crate) enum Content {
    /// Each piece is what one append gave: whole batches.
    Memory(Vec<Bytes>),
    /// Opened when its turn comes: there may be more segments than files may be open.
    File(Disk, PathBuf),
}

impl SegmentData {
    pub(crate) fn memory() -> Self {
        Self::Memory(MemoryData::default())
    }

    /// A file, made when it is not there.
    pub(crate) fn open(path: PathBuf, disk: Disk, budget: HandleBudget) -> io::Result<Self> {
        let length = disk.open(&path)?.len()?;
        Ok(Self::File(FileData {
            path,
            length,
            handle: None,
            disk,
            budget,
        }))
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Memory(data) => data.length,
            Self::File(data) => data.length,
        }
    }

    /// Appends one batch given as its patched start and the bytes after it.
    ///
    /// When this returns `Ok` the operating system has all bytes, so the death of this process
    /// loses none. After an error the segment takes no more.
    pub(crate) fn append(&mut self, start: &[u8], rest: &[u8]) -> io::Result<()> {
        match self {
            Self::Memory(data) => {
                data.append(start, rest);
                Ok(())
            }
            Self::File(data) => data.append(start, rest),
        }
    }

    /// A view of `length` bytes from `position`; both must lie inside.
    pub(crate) fn slice(&mut self, position: u64, length: usize) -> io::Result<DataSlice> {
        match self {
            Self::Memory(data) => Ok(DataSlice::Memory(data.slice(position, length))),
            Self::File(data) => Ok(DataSlice::File {
                file: data.open()?,
                position,
                length,
            }),
        }
    }

    pub(crate) fn truncate(&mut self, length: u64) -> io::Result<()> {
        match self {
            Self::Memory(data) => data.truncate(length),
            Self::File(data) => {
                data.open()?.file.set_len(length)?;
                data.length = length;
            }
        }
        Ok(())
    }

    pub(crate) fn content(&self) -> Content {
        match self {
            Self::Memory(data) => {
                Content::Memory(data.pieces.iter().map(|(_, piece)| piece.clone()).collect())
            }
            Self::File(data) => Content::File(data.disk.clone(), data.path.clone()),
        }
    }

    /// Gives the file another name; memory has none.
    pub(crate) fn rename(&mut self, path: PathBuf) -> io::Result<()> {
        if let Self::File(data) = self {
            data.disk.rename(&data.path, &path)?;
            data.path = path;
        }
        Ok(())
    }

    /// Nothing behind `length` is read any more; a file keeps it.
    pub(crate) fn hide_from(&mut self, length: u64) {
        match self {
            Self::Memory(data) => data.truncate(length),
            Self::File(data) => data.length = length,
        }
    }

    /// What makes the bytes survive the death of the machine; nothing does in memory.
    pub(crate) fn syncer(&mut self) -> io::Result<Option<Syncer>> {
        match self {
            Self::Memory(_) => Ok(None),
            Self::File(data) => Ok(Some(Syncer(data.open()?))),
        }
    }
}

/// Forces a segment to the disk, without the partition's lock.
#[derive(Debug)]
pub(crate) struct Syncer(Arc<OpenFile>);

impl Syncer {
    /// Takes as long as the disk does.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.file.sync()
    }
}

impl DataSlice {
    /// The bytes. Copies once when they come from a file or from several appends.
    pub(crate) fn read(self) -> io::Result<Bytes> {
        match self {
            Self::Memory(mut parts) if parts.len() == 1 => Ok(parts.swap_remove(0)),
            Self::Memory(parts) => Ok(parts.concat().into()),
            Self::File {
                file,
                position,
                length,
            } => {
                let mut out = BytesMut::zeroed(length);
                file.file.read_exact_at(&mut out, position)?;
                Ok(out.freeze())
            }
        }
    }
}

/// Batches in the order they came, each its own piece.
#[derive(Debug, Default)]
pub(crate) struct MemoryData {
    pieces: Vec<(u64, Bytes)>,
    length: u64,
}

impl MemoryData {
    fn append(&mut self, start: &[u8], rest: &[u8]) {
        let mut piece = BytesMut::with_capacity(start.len() + rest.len());
        piece.extend_from_slice(start);
        piece.extend_from_slice(rest);
        let position = self.length;
        self.length += piece.len() as u64;
        self.pieces.push((position, piece.freeze()));
    }

    fn slice(&self, position: u64, length: usize) -> Vec<Bytes> {
        let end = position + length as u64;
        let first = self
            .pieces
            .partition_point(|(at, piece)| at + piece.len() as u64 <= position);
        self.pieces[first..]
            .iter()
            .take_while(|(at, _)| *at < end)
            .map(|(at, piece)| {
                let from = position.saturating_sub(*at) as usize;
                let to = piece.len().min((end - at) as usize);
                piece.slice(from..to)
            })
            .collect()
    }

    fn truncate(&mut self, length: u64) {
        self.pieces.retain(|(at, _)| *at < length);
        if let Some((at, piece)) = self.pieces.last_mut() {
            piece.truncate((length - *at) as usize);
        }
        self.length = length;
    }
}

#[derive(Debug)]
pub(crate) struct FileData {
    path: PathBuf,
    length: u64,
    handle: Option<Arc<OpenFile>>,
    disk: Disk,
    budget: HandleBudget,
}

/// An open segment file, with its place in the budget if it stays open.
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: DiskFile,
    _permit: Option<Permit>,
}

impl FileData {
    fn open(&mut self) -> io::Result<Arc<OpenFile>> {
        if let Some(handle) = &self.handle {
            return Ok(Arc::clone(handle));
        }
        let permit = self.budget.take();
        let keep = permit.is_some();
        let handle = Arc::new(OpenFile {
            file: self.disk.open(&self.path)?,
            _permit: permit,
        });
        if keep {
            self.handle = Some(Arc::clone(&handle));
        }
        Ok(handle)
    }

    fn append(&mut self, start: &[u8], rest: &[u8]) -> io::Result<()> {
        // After an error a part may be there. The disk is given up then, and the next start cuts that part.
        self.open()?.file.append(start, rest)?;
        self.length += (start.len() + rest.len()) as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(test: impl Fn(SegmentData)) {
        test(SegmentData::memory());
        for handles in [0, 1] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("0.log");
            test(SegmentData::open(path, Disk::real(), HandleBudget::new(handles)).unwrap());
        }
    }

    #[test]
    fn appends_read_back_across_pieces() {
        both(|mut data| {
            data.append(b"abc", b"def").unwrap();
            data.append(b"gh", b"").unwrap();
            data.append(b"ij", b"klm").unwrap();
            assert_eq!(data.len(), 13);
            let all = b"abcdefghijklm";
            for from in 0..13 {
                for to in from + 1..=13 {
                    let slice = data.slice(from as u64, to - from).unwrap();
                    assert_eq!(slice.read().unwrap()[..], all[from..to]);
                }
            }
        });
    }

    #[test]
    fn a_truncated_segment_goes_on_where_it_was_cut() {
        both(|mut data| {
            data.append(b"abc", b"def").unwrap();
            data.append(b"ghi", b"").unwrap();
            data.truncate(4).unwrap();
            data.append(b"x", b"y").unwrap();
            assert_eq!(data.slice(0, 6).unwrap().read().unwrap()[..], b"abcdxy"[..]);
        });
    }

    #[test]
    fn a_slice_outlives_the_lock_it_was_taken_under() {
        both(|mut data| {
            data.append(b"abc", b"def").unwrap();
            let slice = data.slice(1, 4).unwrap();
            data.append(b"more", b"").unwrap();
            assert_eq!(slice.read().unwrap()[..], b"bcde"[..]);
        });
    }

    #[test]
    fn the_budget_counts_open_files() {
        let dir = tempfile::tempdir().unwrap();
        let budget = HandleBudget::new(1);
        let mut open: Vec<_> = (0..3)
            .map(|n| {
                SegmentData::open(dir.path().join(n.to_string()), Disk::real(), budget.clone())
                    .unwrap()
            })
            .collect();
        for data in &mut open {
            data.append(b"x", b"").unwrap();
        }
        let kept = open
            .iter()
            .filter(|data| matches!(data, SegmentData::File(file) if file.handle.is_some()))
            .count();
        assert_eq!(kept, 1);
        drop(open);
        assert!(budget.take().is_some());
    }
}

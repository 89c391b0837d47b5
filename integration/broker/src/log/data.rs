//! The bytes of one segment: a file that is only ever appended to, or memory.
//!
//! Reads happen in two steps. Under the partition's lock a [`DataSlice`] is taken, which costs a
//! reference count; its bytes are read after the lock is released, so readers and the writer of a
//! partition do not wait for each other's system calls.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::{Bytes, BytesMut};

use crate::fs::{Disk, DiskFile};

/// The segment files that stay open between uses, over all partitions of a broker: a limited number, so that the
/// number of partitions is not bounded by the process's file limit.
///
/// For one more, a file is closed that was not used lately: they stand in a row, and whoever comes to its front
/// used goes to the end once more.
#[derive(Debug, Clone)]
pub(crate) struct HandleBudget(Arc<Budget>);

#[derive(Debug)]
struct Budget {
    handles_max: usize,
    row: Mutex<VecDeque<Weak<Slot>>>,
}

/// The place for a segment's open file. The budget's row is locked before it, never after it.
#[derive(Debug, Default)]
struct Slot {
    handle: Mutex<Option<Arc<DiskFile>>>,
    is_used: AtomicBool,
}

impl Slot {
    fn handle(&self) -> MutexGuard<'_, Option<Arc<DiskFile>>> {
        self.handle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HandleBudget {
    pub(crate) fn new(handles_max: usize) -> Self {
        Self(Arc::new(Budget {
            handles_max,
            row: Mutex::default(),
        }))
    }

    /// Keeps a file open in its slot, which is not in the row.
    fn keep(&self, slot: &Arc<Slot>, handle: &Arc<DiskFile>) {
        if self.0.handles_max == 0 {
            return;
        }
        let mut closed = None;
        {
            let mut row = self.0.row.lock().unwrap_or_else(PoisonError::into_inner);
            // Each goes round once at most, as nothing is used meanwhile but a few.
            for _ in 0..2 * row.len() {
                if row.len() < self.0.handles_max {
                    break;
                }
                let Some(first) = row.pop_front() else { break };
                match first.upgrade() {
                    Some(used) if used.is_used.swap(false, Ordering::Relaxed) => {
                        row.push_back(first)
                    }
                    Some(other) => closed = other.handle().take(),
                    None => {}
                }
            }
            *slot.handle() = Some(Arc::clone(handle));
            row.push_back(Arc::downgrade(slot));
        }
        // The system call is for nobody to wait for.
        drop(closed);
    }
}

/// The bytes of one segment.
#[derive(Debug)]
pub(crate) enum SegmentData {
    Memory(MemoryData),
    File(FileData),
}

/// Part of a segment, to be read without the partition's lock.
#[derive(Debug, Clone)]
pub(crate) enum DataSlice {
    Memory(Vec<Bytes>),
    File {
        file: Arc<DiskFile>,
        position: u64,
        length: usize,
        uncut: Uncut,
    },
}

/// Tells whether a file has lost its end since, and may have got another one.
#[derive(Debug, Clone)]
pub(crate) struct Uncut {
    cuts: Arc<AtomicU32>,
    /// How many there had been.
    before: u32,
}

impl Uncut {
    fn check(&self) -> io::Result<()> {
        match self.cuts.load(Ordering::Acquire) == self.before {
            true => Ok(()),
            false => Err(io::Error::other("the log was cut while it was read")),
        }
    }
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
            slot: Arc::default(),
            cuts: Arc::default(),
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
                uncut: Uncut {
                    before: data.cuts.load(Ordering::Acquire),
                    cuts: Arc::clone(&data.cuts),
                },
            }),
        }
    }

    pub(crate) fn truncate(&mut self, length: u64) -> io::Result<()> {
        match self {
            Self::Memory(data) => data.truncate(length),
            Self::File(data) => {
                // First: whoever reads after it has what comes next, and must not take it for what was here.
                data.cuts.fetch_add(1, Ordering::AcqRel);
                data.open()?.set_len(length)?;
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
pub(crate) struct Syncer(Arc<DiskFile>);

impl Syncer {
    /// Takes as long as the disk does.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
}

impl DataSlice {
    /// The most that is left in a file, to be read when it is sent.
    pub(crate) const STAYS_BYTES_MAX: usize = 64 << 20;

    /// Reads it, so that it is in memory for who reads it next.
    pub(crate) fn warm(&self) -> io::Result<()> {
        const CHUNK_BYTES: usize = 1 << 20;
        let length = self.length();
        let mut chunk = vec![0; length.min(CHUNK_BYTES)];
        for at in (0..length).step_by(CHUNK_BYTES) {
            let left = (length - at).min(CHUNK_BYTES);
            self.fill(at, &mut chunk[..left])?;
        }
        Ok(())
    }

    /// Whether it is in a file.
    pub(crate) fn is_in_file(&self) -> bool {
        matches!(self, Self::File { .. })
    }

    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Memory(parts) => parts.iter().map(Bytes::len).sum(),
            Self::File { length, .. } => *length,
        }
    }

    /// A part of it, from `at` on.
    pub(crate) fn part(&self, at: usize, length: usize) -> Self {
        match self {
            Self::Memory(parts) => Self::Memory(vec![joined(parts).slice(at..at + length)]),
            Self::File {
                file,
                position,
                uncut,
                ..
            } => Self::File {
                file: Arc::clone(file),
                position: position + at as u64,
                length,
                uncut: uncut.clone(),
            },
        }
    }

    /// Copies the bytes from `at` on, as many as `out` has room for.
    pub(crate) fn fill(&self, at: usize, out: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Memory(parts) => out.copy_from_slice(&joined(parts)[at..at + out.len()]),
            Self::File {
                file,
                position,
                uncut,
                ..
            } => {
                let read = file.read_exact_at(out, position + at as u64);
                uncut.check()?;
                read?;
            }
        }
        Ok(())
    }

    /// The same, if they can be had without waiting for a disk.
    pub(crate) fn fill_cached(&self, at: usize, out: &mut [u8]) -> io::Result<bool> {
        match self {
            Self::Memory(_) => self.fill(at, out).map(|()| true),
            Self::File {
                file,
                position,
                uncut,
                ..
            } => {
                let read = file.is_read_cached(out, position + at as u64);
                uncut.check()?;
                read
            }
        }
    }

    /// Whether it can be sent from its file without a copy.
    #[cfg(target_os = "linux")]
    pub(crate) fn can_send(&self) -> bool {
        matches!(self, Self::File { file, .. } if file.can_send())
    }

    /// Sends the bytes from `at` on, `length` at most: how many. For one that [can be sent](Self::can_send).
    ///
    /// The socket has no copy: it refers to the file's pages until they have gone out. When the log is cut meanwhile and
    /// written anew, the client may get what is new; the checksum tells it.
    #[cfg(target_os = "linux")]
    pub(crate) fn send(
        &self,
        at: usize,
        length: usize,
        socket: std::os::fd::BorrowedFd<'_>,
    ) -> io::Result<usize> {
        let Self::File {
            file,
            position,
            uncut,
            ..
        } = self
        else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let sent = file.send(socket, position + at as u64, length);
        uncut.check()?;
        sent
    }

    /// Whether sending the bytes from `at` on would probably not wait for a disk: a byte of each stretch is looked at.
    #[cfg(target_os = "linux")]
    pub(crate) fn is_probably_cached(&self, at: usize, length: usize) -> io::Result<bool> {
        const STRETCH_BYTES: usize = 256 << 10;
        let last = at + length.saturating_sub(1);
        for at in (at..last).step_by(STRETCH_BYTES).chain([last]) {
            if !self.fill_cached(at, &mut [0])? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The bytes. Copies once when they come from a file or from several appends.
    pub(crate) fn read(&self) -> io::Result<Bytes> {
        match self {
            Self::Memory(parts) => Ok(joined(parts)),
            Self::File {
                file,
                position,
                length,
                uncut,
            } => {
                let read = file.read_at(*position, *length);
                uncut.check()?;
                read
            }
        }
    }

    /// The same, if they can be had without waiting for a disk.
    fn read_cached(&self) -> io::Result<Option<Bytes>> {
        match self {
            Self::Memory(parts) => Ok(Some(joined(parts))),
            Self::File { length, .. } => {
                let mut out = vec![0; *length];
                let is_read = self.fill_cached(0, &mut out)?;
                Ok(is_read.then(|| out.into()))
            }
        }
    }
}

fn joined(parts: &[Bytes]) -> Bytes {
    match parts {
        [part] => part.clone(),
        parts => parts.concat().into(),
    }
}

/// Whether a read waits for the disk.
#[derive(Debug)]
pub(crate) enum Reads {
    Waiting,
    /// It does not. What is not in memory fails with [`io::ErrorKind::WouldBlock`], and is kept here: once that was
    /// read elsewhere, it is in memory.
    Cached(RefCell<Vec<DataSlice>>),
}

impl Reads {
    pub(crate) fn read(&self, slice: DataSlice) -> io::Result<Bytes> {
        match self {
            Self::Waiting => slice.read(),
            Self::Cached(cold) => slice.read_cached()?.ok_or_else(|| {
                cold.borrow_mut().push(slice);
                io::ErrorKind::WouldBlock.into()
            }),
        }
    }

    /// What failed so.
    pub(crate) fn cold(self) -> Vec<DataSlice> {
        match self {
            Self::Waiting => Vec::new(),
            Self::Cached(cold) => cold.into_inner(),
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
    slot: Arc<Slot>,
    /// How often its end was cut.
    cuts: Arc<AtomicU32>,
    disk: Disk,
    budget: HandleBudget,
}

impl FileData {
    fn open(&mut self) -> io::Result<Arc<DiskFile>> {
        if let Some(handle) = &*self.slot.handle() {
            self.slot.is_used.store(true, Ordering::Relaxed);
            return Ok(Arc::clone(handle));
        }
        let handle = Arc::new(self.disk.open(&self.path)?);
        self.budget.keep(&self.slot, &handle);
        Ok(handle)
    }

    fn append(&mut self, start: &[u8], rest: &[u8]) -> io::Result<()> {
        // After an error a part may be there. The disk is given up then, and the next start cuts that part.
        self.open()?.append(start, rest)?;
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
    fn what_comes_behind_a_cut_is_not_taken_for_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.log");
        let mut data = SegmentData::open(path, Disk::real(), HandleBudget::new(1)).unwrap();
        data.append(b"abcdef", b"").unwrap();
        let before = data.slice(0, 6).unwrap();
        assert_eq!(before.part(1, 2).read().unwrap()[..], b"bc"[..]);
        data.truncate(2).unwrap();
        data.append(b"ghij", b"").unwrap();
        let mut out = [0; 3];
        assert!(before.read().is_err() && before.part(0, 1).read().is_err());
        assert!(before.fill(3, &mut out).is_err() && before.fill_cached(3, &mut out).is_err());
        assert_eq!(data.slice(0, 6).unwrap().read().unwrap()[..], b"abghij"[..]);
    }

    fn is_open(data: &SegmentData) -> bool {
        matches!(data, SegmentData::File(file) if file.slot.handle().is_some())
    }

    #[test]
    fn of_the_open_files_the_one_that_was_not_used_for_longest_is_closed_for_another() {
        let dir = tempfile::tempdir().unwrap();
        let budget = HandleBudget::new(2);
        let mut all: Vec<_> = (0..4)
            .map(|n| {
                let path = dir.path().join(n.to_string());
                SegmentData::open(path, Disk::real(), budget.clone()).unwrap()
            })
            .collect();
        let open = |all: &[SegmentData]| all.iter().map(is_open).collect::<Vec<_>>();
        assert_eq!(open(&all), [false; 4]);
        for n in [0, 1, 0, 2] {
            all[n].append(b"x", b"").unwrap();
        }
        assert_eq!(open(&all), [true, false, true, false]);
        // What is gone leaves its place.
        drop(all.remove(0));
        all[0].append(b"x", b"").unwrap();
        assert_eq!(open(&all), [true, true, false]);
    }

    #[test]
    fn a_slice_of_a_file_that_was_closed_for_another_is_still_there() {
        let dir = tempfile::tempdir().unwrap();
        let budget = HandleBudget::new(1);
        let [mut one, mut other] = ["1", "2"].map(|name| {
            SegmentData::open(dir.path().join(name), Disk::real(), budget.clone()).unwrap()
        });
        one.append(b"abc", b"").unwrap();
        let slice = one.slice(0, 3).unwrap();
        other.append(b"x", b"").unwrap();
        assert!(!is_open(&one));
        assert_eq!(slice.read().unwrap()[..], b"abc"[..]);
        one.append(b"def", b"").unwrap();
        assert_eq!(one.slice(0, 6).unwrap().read().unwrap()[..], b"abcdef"[..]);
    }
}

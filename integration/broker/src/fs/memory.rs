//! A disk in memory for tests of what outlives a broker, with the faults of real ones.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::crashing::Crashing;
use super::{Access, FileHandle, FileSystem};
use crate::env;

/// A disk in memory, for [`Builder::disk`](crate::Builder::disk): what a broker keeps on it is there for
/// the next broker on it. Clones are the same disk. One broker at a time.
///
/// A broker whose disk fails behaves as with a real one: all that needs the disk is refused with
/// `KAFKA_STORAGE_ERROR` until a broker starts on it anew, see
/// [`Broker::storage_failure`](crate::Broker::storage_failure).
#[derive(Debug, Clone)]
pub struct MemoryDisk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    files: Crashing,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How often the power has failed. Who has begun before that reads and writes nothing more.
    crashes: u64,
    fault: Option<(u64, DiskFault)>,
    sync_time: Duration,
    cold: Option<Cold>,
    user: Weak<()>,
}

/// What a read waits for, as long as it is not in memory.
#[derive(Debug)]
struct Cold {
    time: Duration,
    /// What is in memory: pages of files.
    cached: BTreeSet<(PathBuf, u64)>,
}

/// The size of a page.
const PAGE_BYTES: u64 = 4096;

/// What goes wrong on a [`MemoryDisk`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiskFault {
    /// Nothing more can be written (`ENOSPC`); forcing, renaming and removing work.
    Full,
    /// Nothing can be changed or forced any more (`EIO`).
    Broken,
    /// The same, and half of the first write is there.
    TornWrite,
    /// Nothing can be read from files any more (`EIO`).
    Unreadable,
}

impl MemoryDisk {
    /// An empty disk. What a [crash](Self::crash) leaves is the same in every run.
    #[must_use]
    pub fn new() -> Self {
        Self::with_seed(0)
    }

    /// An empty disk; the seed decides what a [crash](Self::crash) leaves.
    #[must_use]
    pub fn with_seed(seed: u64) -> Self {
        Self(Arc::new(Inner {
            files: Crashing::new(seed),
            state: Mutex::default(),
        }))
    }

    /// Cuts the power. A broker that runs on the disk reads and writes nothing more; the next one finds
    /// what was forced to the disk, and of what was written after that, file by file, a beginning,
    /// whose end may be torn. Faults are gone.
    pub fn crash(&self) {
        let mut state = self.state();
        state.crashes += 1;
        state.fault = None;
        self.0.files.restart();
    }

    /// Lets so many changes be made before the disk fails: writes, forced writes, renames and removals; with
    /// [`DiskFault::Unreadable`] so many reads. It then stays so until [`heal`](Self::heal).
    pub fn fail_after(&self, changes: u64, fault: DiskFault) {
        self.state().fault = Some((changes, fault));
    }

    /// Ends the disk's fault. A broker that has met it stays offline, as on a real disk.
    pub fn heal(&self) {
        self.state().fault = None;
    }

    /// How long it takes to force something to the disk. Defaults to no time. This is real time also
    /// where a test pauses the clock, and whoever forces waits for it.
    pub fn slow(&self, time: Duration) {
        self.state().sync_time = time;
    }

    /// Empties the page cache: a read of pages that nobody has read since takes this long, however many they are. What
    /// is written from now on is in the cache. No time ends it, as at the beginning. This is real time also where a
    /// test pauses the clock.
    pub fn slow_reads(&self, time: Duration) {
        self.state().cold = (!time.is_zero()).then(|| Cold {
            time,
            cached: BTreeSet::new(),
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What one broker sees, and what keeps the others away for as long as it is held.
    pub(crate) fn mount(&self) -> io::Result<(Mounted, Arc<()>)> {
        let mut state = self.state();
        if state.user.strong_count() > 0 {
            let text = "another broker uses it";
            return Err(io::Error::new(io::ErrorKind::AddrInUse, text));
        }
        let user = Arc::new(());
        state.user = Arc::downgrade(&user);
        let mounted = Mounted {
            disk: self.clone(),
            since: state.crashes,
        };
        Ok((mounted, user))
    }
}

impl Default for MemoryDisk {
    fn default() -> Self {
        Self::new()
    }
}

/// The disk in the hands of one broker.
#[derive(Debug, Clone)]
pub(crate) struct Mounted {
    disk: MemoryDisk,
    /// The crashes before.
    since: u64,
}

impl Mounted {
    fn files(&self) -> io::Result<&Crashing> {
        match self.disk.state().crashes == self.since {
            true => Ok(&self.disk.0.files),
            false => Err(io::Error::other("the power has failed")),
        }
    }

    /// The same for a change: tells whether it is to be made, or what it fails with.
    fn change(&self, is_write: bool) -> io::Result<&Crashing> {
        let files = self.files()?;
        let mut state = self.disk.state();
        match &mut state.fault {
            None => Ok(files),
            // It counts reads.
            Some((_, DiskFault::Unreadable)) => Ok(files),
            Some((left @ 1.., _)) => {
                *left -= 1;
                Ok(files)
            }
            Some((_, DiskFault::Full)) if is_write => Err(io::ErrorKind::StorageFull.into()),
            Some((_, DiskFault::Full)) => Ok(files),
            Some((_, DiskFault::Broken | DiskFault::TornWrite)) => Err(broken()),
        }
    }

    /// The same for a read of a file.
    fn read(&self) -> io::Result<()> {
        self.files()?;
        match &mut self.disk.state().fault {
            Some((left @ 1.., DiskFault::Unreadable)) => *left -= 1,
            Some((0, DiskFault::Unreadable)) => return Err(broken()),
            _ => {}
        }
        Ok(())
    }

    /// A write, of which half is there if it is the one that is torn.
    fn write(
        &self,
        content: &[u8],
        write: impl Fn(&Crashing, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        if let Some((0, fault @ DiskFault::TornWrite)) = &mut self.disk.state().fault {
            *fault = DiskFault::Broken;
            write(&self.disk.0.files, &content[..content.len() / 2])?;
        }
        write(self.change(true)?, content)
    }

    fn sync(&self, sync: impl FnOnce(&Crashing) -> io::Result<()>) -> io::Result<()> {
        let time = self.disk.state().sync_time;
        if !time.is_zero() {
            env::block(time);
        }
        sync(self.change(false)?)
    }
}

fn broken() -> io::Error {
    io::Error::other("input/output error")
}

impl FileSystem for Mounted {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.change(true)?.create_dir_all(path)
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        self.files()?.names(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn FileHandle>> {
        Ok(Arc::new(MountedFile {
            file: self.files()?.open(path)?,
            path: path.into(),
            disk: self.clone(),
        }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files()?.read(path)
    }

    fn write(&self, path: &Path, content: &[u8], access: Access) -> io::Result<()> {
        self.write(content, |files, content| files.write(path, content, access))
    }

    fn write_and_sync(&self, path: &Path, content: &[u8], access: Access) -> io::Result<()> {
        FileSystem::write(self, path, content, access)?;
        FileSystem::sync(self, path)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.sync(|files| files.sync(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(false)?.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.change(false)?.remove_file(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        self.change(false)?.remove_dir_all(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.sync(|files| files.sync_dir(path))
    }
}

#[derive(Debug)]
struct MountedFile {
    file: Arc<dyn FileHandle>,
    path: PathBuf,
    disk: Mounted,
}

impl MountedFile {
    fn pages(&self, position: u64, length: usize) -> impl Iterator<Item = (PathBuf, u64)> {
        let end = (position + length as u64).div_ceil(PAGE_BYTES);
        (position / PAGE_BYTES..end).map(|page| (self.path.clone(), page))
    }

    /// How long it takes to get so much into memory, if it is not there; after that it is.
    fn load(&self, position: u64, length: usize) -> Option<Duration> {
        let mut state = self.disk.disk.state();
        let cold = state.cold.as_mut()?;
        let before = cold.cached.len();
        cold.cached.extend(self.pages(position, length));
        (cold.cached.len() > before).then_some(cold.time)
    }

    fn is_cached(&self, position: u64, length: usize) -> bool {
        let state = self.disk.disk.state();
        let Some(cold) = &state.cold else { return true };
        let mut pages = self.pages(position, length);
        pages.all(|page| cold.cached.contains(&page))
    }
}

impl FileHandle for MountedFile {
    fn len(&self) -> io::Result<u64> {
        self.disk.files()?;
        self.file.len()
    }

    fn append(&self, start: &[u8], rest: &[u8]) -> io::Result<()> {
        let content = [start, rest].concat();
        let position = self.file.len()?;
        self.disk
            .write(&content, |_, content| self.file.append(content, &[]))?;
        self.load(position, content.len());
        Ok(())
    }

    fn read_exact_at(&self, out: &mut [u8], position: u64) -> io::Result<()> {
        if let Some(time) = self.load(position, out.len()) {
            env::block(time);
        }
        self.disk.read()?;
        self.file.read_exact_at(out, position)
    }

    fn read_cached_at(&self, out: &mut [u8], position: u64) -> io::Result<usize> {
        if !self.is_cached(position, out.len()) {
            return Ok(0);
        }
        self.read_exact_at(out, position)?;
        Ok(out.len())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.disk.change(false)?;
        self.file.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.sync(|_| self.file.sync())
    }
}

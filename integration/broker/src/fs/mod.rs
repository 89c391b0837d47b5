//! The seam to the file system: everything that the broker keeps goes through a [`Disk`].
//!
//! - `disk`: what the broker holds; after a failure nothing more is read from or written to it
//! - `real`: the file system of the machine
//! - `crashing`: one in memory that loses what was not forced to the disk
//! - `memory`: the same in the hands of those who use the broker in their tests, with the faults of a disk

pub(crate) mod crashing;
mod disk;
mod memory;
mod real;

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub(crate) use self::disk::{Disk, DiskFile};
pub use self::memory::{DiskFault, MemoryDisk};

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// As the process makes files.
    Usual,
    /// Nobody but the broker's own user, where the system has that.
    Private,
}

/// A file system.
///
/// What is written survives the death of the process at once; that of the machine only when it was forced to the
/// disk: the content by [`sync`](Self::sync) or [`FileHandle::sync`], the name by [`sync_dir`](Self::sync_dir) of
/// its directory.
pub(crate) trait FileSystem: Debug + Send + Sync {
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory.
    fn names(&self, path: &Path) -> io::Result<Vec<String>>;

    /// A file to be appended to, made when it is not there.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn FileHandle>>;

    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Writes a file as a whole. A crash in the middle leaves anything.
    fn write(&self, path: &Path, content: &[u8], access: Access) -> io::Result<()>;

    /// The same, and forces the content to the disk.
    fn write_and_sync(&self, path: &Path, content: &[u8], access: Access) -> io::Result<()>;

    /// Forces the content of a file to the disk.
    fn sync(&self, path: &Path) -> io::Result<()>;

    /// Gives a file the name of another, which is gone then.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn remove_file(&self, path: &Path) -> io::Result<()>;

    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Forces the names in a directory to the disk.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}

/// An open file.
pub(crate) trait FileHandle: Debug + Send + Sync {
    fn len(&self) -> io::Result<u64>;

    /// Writes both, one behind the other, at the end. After an error a part may be there.
    fn append(&self, start: &[u8], rest: &[u8]) -> io::Result<()>;

    fn read_exact_at(&self, out: &mut [u8], position: u64) -> io::Result<()>;

    /// The same as far as the bytes are in memory, from the first one on: how many. A file system that cannot tell
    /// reads all.
    fn read_cached_at(&self, out: &mut [u8], position: u64) -> io::Result<usize> {
        self.read_exact_at(out, position)?;
        Ok(out.len())
    }

    /// What the system can send from, without a copy through this process. `None` if it is no file of the machine.
    #[cfg(target_os = "linux")]
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }

    fn set_len(&self, length: u64) -> io::Result<()>;

    /// Forces the content to the disk. Takes as long as that does.
    fn sync(&self) -> io::Result<()>;
}

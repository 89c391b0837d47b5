//! A disk in use, which is given up at its first failure.

use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::sync::Notify;

use super::real::Real;
use super::{Access, FileHandle, FileSystem};

/// A file system that serves until it fails.
///
/// After an error nobody knows what is on the disk: a write that was told as failed may be there, and pages whose
/// `fsync` failed are taken for written by the next one. So nothing more is read, written or forced then; as in
/// Kafka, which takes the log directory offline.
#[derive(Debug, Clone)]
pub(crate) struct Disk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    files: Box<dyn FileSystem>,
    /// Why it serves no more.
    end: OnceLock<End>,
    /// Told of a failure.
    failed: Notify,
}

#[derive(Debug)]
enum End {
    /// The broker has stopped.
    Closed,
    Failed(String),
}

impl Disk {
    pub(crate) fn new(files: impl FileSystem + 'static) -> Self {
        Self(Arc::new(Inner {
            files: Box::new(files),
            end: OnceLock::new(),
            failed: Notify::new(),
        }))
    }

    /// The machine's.
    pub(crate) fn real() -> Self {
        Self::new(Real { is_durable: true })
    }

    /// The machine's, for what goes with the process: nothing is forced to the disk.
    pub(crate) fn fleeting() -> Self {
        Self::new(Real { is_durable: false })
    }

    /// What it failed with, if it did.
    pub(crate) fn failure(&self) -> Option<&str> {
        match self.0.end.get()? {
            End::Closed => None,
            End::Failed(text) => Some(text),
        }
    }

    /// Waits until it fails.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn failed(&self) -> String {
        loop {
            let failed = self.0.failed.notified();
            tokio::pin!(failed);
            // Registered before the look.
            failed.as_mut().enable();
            if let Some(text) = self.failure() {
                return text.to_owned();
            }
            failed.await;
        }
    }

    /// Nothing more is read or written.
    pub(crate) fn close(&self) {
        // It may have failed before.
        let _ = self.0.end.set(End::Closed);
    }

    /// Whether it serves.
    ///
    /// # Errors
    /// When it is given up.
    pub(crate) fn check(&self) -> io::Result<()> {
        match self.0.end.get() {
            None => Ok(()),
            Some(End::Closed) => Err(io::Error::other("the broker has stopped")),
            Some(End::Failed(text)) => Err(io::Error::other(format!(
                "the data directory is offline: {text}"
            ))),
        }
    }

    fn run<T>(
        &self,
        what: &str,
        path: &Path,
        work: impl FnOnce(&dyn FileSystem) -> io::Result<T>,
    ) -> io::Result<T> {
        self.check()?;
        work(&*self.0.files).map_err(|error| self.give_up(what, path, error))
    }

    fn give_up(&self, what: &str, path: &Path, error: io::Error) -> io::Error {
        // These tell what is there, not what the disk does.
        let tells = matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof
        );
        if tells {
            return error;
        }
        let text = format!("{what} {}: {error}", path.display());
        if self.0.end.set(End::Failed(text.clone())).is_ok() {
            tracing::error!(
                %text, "the data directory is offline: nothing more is read or written until the broker starts \
                 again"
            );
            self.0.failed.notify_waiters();
        }
        io::Error::new(error.kind(), text)
    }

    pub(crate) fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.run("cannot make", path, |files| files.create_dir_all(path))
    }

    pub(crate) fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        self.run("cannot list", path, |files| files.names(path))
    }

    pub(crate) fn open(&self, path: &Path) -> io::Result<DiskFile> {
        let file = self.run("cannot open", path, |files| files.open(path))?;
        Ok(DiskFile {
            file,
            path: path.into(),
            disk: self.clone(),
        })
    }

    pub(crate) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.run("cannot read", path, |files| files.read(path))
    }

    /// `None` if it is not there.
    pub(crate) fn read_if_there(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        match self.read(path) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a file that a crash may leave torn, until it is forced to the disk.
    pub(crate) fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.run("cannot write", path, |files| {
            files.write(path, content, Access::Usual)
        })
    }

    /// Replaces a file as a whole: a crash leaves the old or the new content, and the new one once this has
    /// returned.
    pub(crate) fn replace(&self, path: &Path, content: &[u8], access: Access) -> io::Result<()> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".tmp");
        let temporary = Path::new(&temporary);
        self.run("cannot write", path, |files| {
            files.write_and_sync(temporary, content, access)?;
            files.rename(temporary, path)?;
            path.parent()
                .map_or(Ok(()), |parent| files.sync_dir(parent))
        })
    }

    /// Gives a file the name of another, which is gone then.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.run("cannot rename", from, |files| files.rename(from, to))
    }

    pub(crate) fn sync(&self, path: &Path) -> io::Result<()> {
        self.run("cannot force to the disk", path, |files| files.sync(path))
    }

    pub(crate) fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.run("cannot force to the disk", path, |files| {
            files.sync_dir(path)
        })
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove_file(&self, path: &Path) -> io::Result<()> {
        absent_is_well(self.run("cannot remove", path, |files| files.remove_file(path)))
    }

    /// Removes a directory with all that is in it, if it is there.
    pub(crate) fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        absent_is_well(self.run("cannot remove", path, |files| files.remove_dir_all(path)))
    }
}

fn absent_is_well(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// An open file of a disk.
#[derive(Debug)]
pub(crate) struct DiskFile {
    file: Arc<dyn FileHandle>,
    path: Box<Path>,
    disk: Disk,
}

impl DiskFile {
    fn run<T>(
        &self,
        what: &str,
        work: impl FnOnce(&dyn FileHandle) -> io::Result<T>,
    ) -> io::Result<T> {
        self.disk.check()?;
        work(&*self.file).map_err(|error| self.disk.give_up(what, &self.path, error))
    }

    pub(crate) fn len(&self) -> io::Result<u64> {
        self.run("cannot read", |file| file.len())
    }

    pub(crate) fn append(&self, start: &[u8], rest: &[u8]) -> io::Result<()> {
        self.run("cannot write", |file| file.append(start, rest))
    }

    /// So many bytes from a position on.
    pub(crate) fn read_at(&self, position: u64, length: usize) -> io::Result<Bytes> {
        let mut out = vec![0; length];
        self.read_exact_at(&mut out, position)?;
        Ok(out.into())
    }

    pub(crate) fn read_exact_at(&self, out: &mut [u8], position: u64) -> io::Result<()> {
        self.run("cannot read", |file| file.read_exact_at(out, position))
    }

    /// The same if all of it is in memory; whether it is.
    pub(crate) fn is_read_cached(&self, out: &mut [u8], position: u64) -> io::Result<bool> {
        let done = self.run("cannot read", |file| file.read_cached_at(out, position))?;
        Ok(done == out.len())
    }

    /// Whether it can be sent from without a copy.
    #[cfg(target_os = "linux")]
    pub(crate) fn can_send(&self) -> bool {
        self.file.descriptor().is_some()
    }

    /// Sends so many bytes from a position on, or the first of them: how many. For who [can](Self::can_send).
    #[cfg(target_os = "linux")]
    pub(crate) fn send(
        &self,
        socket: std::os::fd::BorrowedFd<'_>,
        mut position: u64,
        length: usize,
    ) -> io::Result<usize> {
        use rustix::io::Errno;

        self.disk.check()?;
        let file = self.file.descriptor().ok_or(io::ErrorKind::Unsupported)?;
        match rustix::fs::sendfile(socket, file, Some(&mut position), length) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(sent) => Ok(sent),
            // The one that is of the disk; all others are of the connection.
            Err(error @ Errno::IO) => {
                Err(self.disk.give_up("cannot read", &self.path, error.into()))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn set_len(&self, length: u64) -> io::Result<()> {
        self.run("cannot cut", |file| file.set_len(length))
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.run("cannot force to the disk", |file| file.sync())
    }
}

//! The file system of the machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::path::Path;
use std::sync::Arc;

use super::{Access, FileHandle, FileSystem};

/// Files as the standard library has them.
#[derive(Debug)]
pub(super) struct Real {
    /// Whether anything is forced to the disk: not for what goes with the process.
    pub(super) is_durable: bool,
}

impl FileSystem for Real {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().into_string().ok());
        let names = fs::read_dir(path)?.map(name);
        // The broker's own names are text.
        names.filter_map(io::Result::transpose).collect()
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn FileHandle>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).open(path)?;
        Ok(Arc::new(RealFile {
            file,
            is_durable: self.is_durable,
        }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn write(&self, path: &Path, content: &[u8], access: Access) -> io::Result<()> {
        write(path, content, access).map(drop)
    }

    fn write_and_sync(&self, path: &Path, content: &[u8], access: Access) -> io::Result<()> {
        let file = write(path, content, access)?;
        match self.is_durable {
            true => file.sync_data(),
            false => Ok(()),
        }
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        match self.is_durable {
            // Windows forces only what may be written to.
            true => OpenOptions::new().write(true).open(path)?.sync_data(),
            false => Ok(()),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        // Windows has no such call, and orders these changes itself.
        match self.is_durable && cfg!(unix) {
            true => File::open(path)?.sync_all(),
            false => Ok(()),
        }
    }
}

fn write(path: &Path, content: &[u8], access: Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let mut file = match access {
        Access::Usual => options.open(path)?,
        Access::Private => open_privately(&mut options, path)?,
    };
    file.write_all(content)?;
    Ok(file)
}

#[cfg(unix)]
fn open_privately(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};

    const OWN: u32 = 0o600;
    let file = options.mode(OWN).open(path)?;
    // One that a crash has left behind keeps the mode it was made with.
    file.set_permissions(PermissionsExt::from_mode(OWN))?;
    Ok(file)
}

/// Elsewhere, who may read a file is a matter of its directory.
#[cfg(not(unix))]
fn open_privately(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}

#[derive(Debug)]
struct RealFile {
    file: File,
    is_durable: bool,
}

impl FileHandle for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn append(&self, mut start: &[u8], mut rest: &[u8]) -> io::Result<()> {
        let mut file = &self.file;
        while !start.is_empty() {
            match file.write_vectored(&[IoSlice::new(start), IoSlice::new(rest)]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    let of_start = written.min(start.len());
                    start = &start[of_start..];
                    rest = &rest[written - of_start..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        file.write_all(rest)
    }

    #[cfg(unix)]
    fn read_exact_at(&self, out: &mut [u8], position: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, out, position)
    }

    #[cfg(windows)]
    fn read_exact_at(&self, mut out: &mut [u8], mut position: u64) -> io::Result<()> {
        while !out.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(&self.file, out, position) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    out = &mut out[count..];
                    position += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn read_cached_at(&self, out: &mut [u8], position: u64) -> io::Result<usize> {
        use rustix::io::{Errno, ReadWriteFlags, preadv2};

        let mut done = 0;
        while done < out.len() {
            let at = position + done as u64;
            let mut rest = [io::IoSliceMut::new(&mut out[done..])];
            match preadv2(&self.file, &mut rest, at, ReadWriteFlags::NOWAIT) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => done += count,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                    self.read_exact_at(&mut out[done..], at)?;
                    done = out.len();
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(done)
    }

    #[cfg(target_os = "linux")]
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        use std::os::fd::AsFd;

        Some(self.file.as_fd())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        match self.is_durable {
            true => self.file.sync_data(),
            false => Ok(()),
        }
    }
}

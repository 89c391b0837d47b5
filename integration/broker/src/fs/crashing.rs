//! A file system in memory that loses what was not forced to the disk.
//!
//! It keeps what the process sees, and what is on the disk. At a crash, of each file the bytes that were not forced
//! are lost from a random place on, or torn there; and of each directory the changes of names that were not forced
//! are lost from a random one on.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Access, FileHandle, FileSystem};

/// The file system. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Crashing(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    random: fastrand::Rng,
    /// What the process sees.
    seen: Tree,
    /// What is on the disk.
    stored: Tree,
    /// Changes of names since their directory was forced, in their order.
    pending: Vec<(PathBuf, Change)>,
    next_inode: u64,
    files: BTreeMap<u64, Content>,
    /// How many calls that change something are done before the machine dies.
    calls_left: Option<u64>,
    /// The next call that forces something fails.
    fails_next_sync: bool,
}

/// Names by directory. A directory is there as long as it is a key.
type Tree = BTreeMap<PathBuf, BTreeMap<String, Entry>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    File(u64),
    Dir,
}

#[derive(Debug, Clone)]
enum Change {
    Put(String, Entry),
    Gone(String),
}

#[derive(Debug, Clone, Default)]
struct Content {
    seen: Vec<u8>,
    stored: Vec<u8>,
}

impl Crashing {
    pub(crate) fn new(seed: u64) -> Self {
        let mut tree = Tree::new();
        tree.insert(PathBuf::from("/"), BTreeMap::new());
        Self(Arc::new(Mutex::new(State {
            random: crate::env::random(Some(seed)),
            seen: tree.clone(),
            stored: tree,
            pending: Vec::new(),
            next_inode: 0,
            files: BTreeMap::new(),
            calls_left: None,
            fails_next_sync: false,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    /// The machine dies after so many changes more: all calls fail from then on.
    pub(crate) fn die_after(&self, changes: u64) {
        self.state().calls_left = Some(changes);
    }

    #[cfg(test)]
    /// It does not die any more.
    pub(crate) fn live(&self) {
        self.state().calls_left = None;
    }

    #[cfg(test)]
    pub(crate) fn is_dead(&self) -> bool {
        self.state().calls_left == Some(0)
    }

    #[cfg(test)]
    pub(crate) fn fail_next_sync(&self) {
        self.state().fails_next_sync = true;
    }

    /// The machine starts again, with what was on the disk.
    pub(crate) fn restart(&self) {
        let mut state = self.state();
        let state = &mut *state;
        state.calls_left = None;
        // Of each directory a beginning of its changes has made it to the disk.
        let mut lost: BTreeMap<PathBuf, bool> = BTreeMap::new();
        for (directory, change) in std::mem::take(&mut state.pending) {
            let lost = lost.entry(directory.clone()).or_default();
            *lost |= state.random.bool();
            if !*lost {
                apply(&mut state.stored, &directory, &change);
            }
        }
        // What no longer has a way to it is gone.
        let reachable: Vec<PathBuf> = state.stored.keys().cloned().collect();
        for directory in reachable {
            if !is_reachable(&state.stored, &directory) {
                state.stored.remove(&directory);
            }
        }
        for content in state.files.values_mut() {
            let common = content.seen.iter().zip(&content.stored);
            let common = common.take_while(|(one, other)| one == other).count();
            if content.seen.len() > common {
                // Appended, or written anew: some of it is there, the last of it perhaps torn.
                let kept = common + state.random.usize(..=content.seen.len() - common);
                let mut stored = content.seen[..kept].to_vec();
                if stored.len() > common && state.random.bool() {
                    let torn = state.random.usize(common..stored.len());
                    stored[torn..].fill(0);
                }
                if content.stored.len() == common || state.random.bool() {
                    content.stored = stored;
                }
            } else if content.stored.len() > common && state.random.bool() {
                // Cut.
                content.stored.truncate(common);
            }
            content.seen = content.stored.clone();
        }
        state.seen = state.stored.clone();
    }
}

fn is_reachable(tree: &Tree, directory: &Path) -> bool {
    let (Some(parent), Some(name)) = (directory.parent(), directory.file_name()) else {
        return true;
    };
    let name = name.to_string_lossy();
    tree.get(parent)
        .and_then(|names| names.get(&*name))
        .is_some_and(|entry| *entry == Entry::Dir)
        && is_reachable(tree, parent)
}

fn apply(tree: &mut Tree, directory: &Path, change: &Change) {
    match change {
        Change::Put(name, entry) => {
            // What a directory has is there even if its own name is not yet.
            let names = tree.entry(directory.to_owned()).or_default();
            names.insert(name.clone(), *entry);
            if *entry == Entry::Dir {
                tree.entry(directory.join(name)).or_default();
            }
        }
        Change::Gone(name) => {
            if let Some(names) = tree.get_mut(directory)
                && names.remove(name) == Some(Entry::Dir)
            {
                let below = directory.join(name);
                tree.retain(|path, _| !path.starts_with(&below));
            }
        }
    }
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

fn split(path: &Path) -> io::Result<(PathBuf, String)> {
    let parent = path.parent().ok_or_else(missing)?;
    let name = path.file_name().ok_or_else(missing)?;
    Ok((parent.to_owned(), name.to_string_lossy().into_owned()))
}

impl State {
    /// Counts a call that changes something.
    fn change(&mut self) -> io::Result<()> {
        match &mut self.calls_left {
            Some(0) => Err(io::Error::other("the machine is dead")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.change()?;
        match std::mem::take(&mut self.fails_next_sync) {
            true => Err(io::Error::other("input/output error")),
            false => Ok(()),
        }
    }

    fn entry(&self, path: &Path) -> io::Result<Entry> {
        let (parent, name) = split(path)?;
        let names = self.seen.get(&parent).ok_or_else(missing)?;
        names.get(&name).copied().ok_or_else(missing)
    }

    fn inode(&self, path: &Path) -> io::Result<u64> {
        match self.entry(path)? {
            Entry::File(inode) => Ok(inode),
            Entry::Dir => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn put(&mut self, directory: PathBuf, change: Change) -> io::Result<()> {
        if !self.seen.contains_key(&directory) {
            return Err(missing());
        }
        apply(&mut self.seen, &directory, &change);
        self.pending.push((directory, change));
        Ok(())
    }

    fn file(&mut self, path: &Path) -> io::Result<u64> {
        match self.inode(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.change()?;
                let (parent, name) = split(path)?;
                let inode = self.next_inode;
                self.next_inode += 1;
                self.files.insert(inode, Content::default());
                self.put(parent, Change::Put(name, Entry::File(inode)))?;
                Ok(inode)
            }
            found => found,
        }
    }

    fn content(&mut self, inode: u64) -> &mut Content {
        self.files.entry(inode).or_default()
    }
}

impl FileSystem for Crashing {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if state.seen.contains_key(path) {
            return Ok(());
        }
        state.change()?;
        let (parent, name) = split(path)?;
        state.put(parent, Change::Put(name, Entry::Dir))
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        let names = state.seen.get(path).ok_or_else(missing)?;
        Ok(names.keys().cloned().collect())
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn FileHandle>> {
        let inode = self.state().file(path)?;
        Ok(Arc::new(Handle {
            files: self.clone(),
            inode,
        }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        let inode = state.inode(path)?;
        Ok(state.content(inode).seen.clone())
    }

    fn write(&self, path: &Path, content: &[u8], _: Access) -> io::Result<()> {
        let mut state = self.state();
        let inode = state.file(path)?;
        state.change()?;
        state.content(inode).seen = content.to_vec();
        Ok(())
    }

    fn write_and_sync(&self, path: &Path, content: &[u8], access: Access) -> io::Result<()> {
        self.write(path, content, access)?;
        self.sync(path)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let inode = state.inode(path)?;
        state.sync()?;
        let content = state.content(inode);
        content.stored.clone_from(&content.seen);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let inode = state.inode(from)?;
        state.change()?;
        let ((directory, old), (other, new)) = (split(from)?, split(to)?);
        // Both in one step, as a journal has it: the new name first, so that none is without a file.
        state.put(other, Change::Put(new, Entry::File(inode)))?;
        state.put(directory, Change::Gone(old))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.inode(path)?;
        state.change()?;
        let (parent, name) = split(path)?;
        state.put(parent, Change::Gone(name))
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        let names = self.names(path)?;
        for name in names {
            // One after the other: a crash leaves some.
            self.remove_file(&path.join(name))?;
        }
        let mut state = self.state();
        state.change()?;
        let (parent, name) = split(path)?;
        state.put(parent, Change::Gone(name))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.sync()?;
        let state = &mut *state;
        let mut others: Vec<(PathBuf, Change)> = Vec::new();
        for (directory, change) in std::mem::take(&mut state.pending) {
            if directory != path {
                others.push((directory, change));
                continue;
            }
            apply(&mut state.stored, &directory, &change);
            if let Change::Gone(name) = &change {
                // What was changed in a directory of this name before is gone with it.
                let below = directory.join(name);
                others.retain(|(other, _)| !other.starts_with(&below));
            }
        }
        state.pending = others;
        Ok(())
    }
}

#[derive(Debug)]
struct Handle {
    files: Crashing,
    inode: u64,
}

impl FileHandle for Handle {
    fn len(&self) -> io::Result<u64> {
        Ok(self.files.state().content(self.inode).seen.len() as u64)
    }

    fn append(&self, start: &[u8], rest: &[u8]) -> io::Result<()> {
        let mut state = self.files.state();
        state.change()?;
        let content = state.content(self.inode);
        content.seen.extend_from_slice(start);
        content.seen.extend_from_slice(rest);
        Ok(())
    }

    fn read_exact_at(&self, out: &mut [u8], position: u64) -> io::Result<()> {
        let mut state = self.files.state();
        let seen = &state.content(self.inode).seen;
        let from = usize::try_from(position).map_err(io::Error::other)?;
        let bytes = seen.get(from..from + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.files.state();
        state.change()?;
        let length = usize::try_from(length).map_err(io::Error::other)?;
        state.content(self.inode).seen.truncate(length);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.files.state();
        state.sync()?;
        let content = state.content(self.inode);
        content.stored.clone_from(&content.seen);
        Ok(())
    }
}

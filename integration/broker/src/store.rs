//! Where a broker keeps what outlives it: its data directory, or nothing at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fs4::{FileExt, TryLockError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::config::settings::Changed;
use crate::fs::{Access, Disk, MemoryDisk};
use crate::log::checkpoint::{Offsets, read_offsets, write_offsets};
use crate::log::{HandleBudget, Opening, Place};
use crate::quota::{Entity, Limits};
use crate::security::acl::Acl;
use crate::security::delegation::StoredTokens;
use crate::security::users::StoredUsers;

/// Segment files kept open between uses, over all partitions.
const OPEN_FILES_MAX: usize = 256;
/// Where a disk in memory has its logs.
const MEMORY_DIR: &str = "/data";
const LOCK_FILE: &str = ".lock";
const META_FILE: &str = "kafka-broker.json";
const ACLS_FILE: &str = "acls.json";
const QUOTAS_FILE: &str = "client-quotas.json";
const TOKENS_FILE: &str = "delegation-tokens.json";
const SETTINGS_FILE: &str = "dynamic-configs.json";
const USERS_FILE: &str = "scram-credentials.json";
const PROPERTIES_FILE: &str = "meta.properties";
const CLEAN_FILE: &str = ".kafka_cleanshutdown";
const RECOVERY_FILE: &str = "recovery-point-offset-checkpoint";
const CLEANER_FILE: &str = "cleaner-offset-checkpoint";
const START_FILE: &str = "log-start-offset-checkpoint";

/// A broker's storage.
#[derive(Debug)]
pub(crate) enum Store {
    Memory,
    Dir(DataDir),
}

/// A data directory in use.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    disk: Disk,
    budget: HandleBudget,
    clean: bool,
    /// As the files have them.
    checkpoints: Mutex<Checkpoints>,
    /// Held as long as the directory is in use; the system lets go of it with the process.
    lock: Mutex<Option<Lock>>,
    is_in_memory: bool,
    /// Removes the directory with the broker.
    _temp: Option<TempDir>,
}

/// Keeps other brokers away for as long as it is held.
#[derive(Debug)]
enum Lock {
    File { _file: File },
    Memory { _user: Arc<()> },
}

/// What is kept of each partition, by its name.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    pub(crate) recovery_points: Offsets,
    pub(crate) start_offsets: Offsets,
    /// Up to where compacted logs are compacted.
    pub(crate) cleaned_to: Offsets,
}

/// Sizes of a volume.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Volume {
    pub(crate) total_bytes: i64,
    pub(crate) usable_bytes: i64,
}

/// What the broker must know about itself: its private file next to Kafka's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub(crate) cluster_id: String,
    pub(crate) node_id: i32,
    /// How often the broker was started; leader epochs are counted from it.
    pub(crate) starts: i32,
    /// Producer ids below were given out.
    pub(crate) next_producer_id: i64,
    pub(crate) topics: BTreeMap<String, TopicMeta>,
}

/// A topic in that file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TopicMeta {
    /// The id in Kafka's base64 form.
    pub(crate) id: String,
    pub(crate) partitions: i32,
    /// The start of the broker that made it: leader epoch 0.
    pub(crate) first_start: i32,
    /// What the topic sets itself.
    pub(crate) configs: BTreeMap<String, String>,
}

impl Store {
    /// Opens a data directory, made when it is not there.
    pub(crate) fn dir(path: PathBuf) -> io::Result<Self> {
        let lock = lock(&path)?;
        Self::open(path, Disk::real(), Some(lock), None)
    }

    /// A directory that goes with the broker.
    pub(crate) fn temp_dir() -> io::Result<Self> {
        let temp = tempfile::Builder::new().prefix("kafka-broker-").tempdir()?;
        Self::open(temp.path().to_owned(), Disk::fleeting(), None, Some(temp))
    }

    /// The directory of a disk in memory.
    pub(crate) fn memory_disk(disk: &MemoryDisk) -> io::Result<Self> {
        let (disk, user) = disk.mount()?;
        let lock = Lock::Memory { _user: user };
        Self::open(PathBuf::from(MEMORY_DIR), Disk::new(disk), Some(lock), None)
    }

    /// A directory of a disk that a test makes.
    #[cfg(test)]
    pub(crate) fn on(disk: Disk) -> io::Result<Self> {
        Self::open(PathBuf::from(MEMORY_DIR), disk, None, None)
    }

    fn open(
        path: PathBuf,
        disk: Disk,
        lock: Option<Lock>,
        temp: Option<TempDir>,
    ) -> io::Result<Self> {
        disk.create_dir_all(&path)?;
        if let Some(parent) = path.parent().filter(|parent| *parent != Path::new("")) {
            disk.sync_dir(parent)?;
        }
        let names = disk.names(&path)?;
        refuse_foreign(&path, &names)?;
        let has = |file: &str| names.iter().any(|name| name == file);
        let checkpoints = Checkpoints {
            recovery_points: read_offsets(&disk, &path.join(RECOVERY_FILE))?,
            start_offsets: read_offsets(&disk, &path.join(START_FILE))?,
            cleaned_to: read_offsets(&disk, &path.join(CLEANER_FILE))?,
        };
        Ok(Self::Dir(DataDir {
            is_in_memory: matches!(lock, Some(Lock::Memory { .. })),
            budget: HandleBudget::new(open_files()),
            clean: has(CLEAN_FILE) || !has(META_FILE),
            checkpoints: Mutex::new(checkpoints),
            path,
            disk,
            lock: Mutex::new(lock),
            _temp: temp,
        }))
    }

    /// The directory, as clients are told of it.
    pub(crate) fn path_text(&self) -> String {
        match self {
            Self::Memory => "memory".to_owned(),
            Self::Dir(dir) => dir.path.display().to_string(),
        }
    }

    /// The volume that the directory is on; `None` if there is none, or the system does not say.
    pub(crate) fn volume(&self) -> Option<Volume> {
        let Self::Dir(dir) = self else { return None };
        if dir.is_in_memory {
            return None;
        }
        let stats = fs4::statvfs(&dir.path).ok()?;
        let bytes = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Some(Volume {
            total_bytes: bytes(stats.total_space()),
            usable_bytes: bytes(stats.available_space()),
        })
    }

    /// What the disk failed with, if it did.
    pub(crate) fn failure(&self) -> Option<String> {
        match self {
            Self::Memory => None,
            Self::Dir(dir) => dir.disk.failure().map(str::to_owned),
        }
    }

    /// Waits until the disk fails.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn failed(&self) -> String {
        match self {
            Self::Memory => std::future::pending().await,
            Self::Dir(dir) => dir.disk.failed().await,
        }
    }

    /// Leaves the directory to the next broker: this one reads and writes nothing more, whoever still holds it.
    pub(crate) fn release(&self) {
        if let Self::Dir(dir) = self {
            dir.disk.close();
            let mut lock = dir.lock.lock().unwrap_or_else(PoisonError::into_inner);
            *lock = None;
        }
    }

    pub(crate) fn read_meta(&self) -> io::Result<Option<Meta>> {
        self.read(META_FILE)
    }

    pub(crate) fn write_meta(&self, meta: &Meta) -> io::Result<()> {
        self.write(META_FILE, meta, Access::Usual)
    }

    /// The rules of the authorizer.
    pub(crate) fn read_acls(&self) -> io::Result<Vec<Acl>> {
        Ok(self.read(ACLS_FILE)?.unwrap_or_default())
    }

    pub(crate) fn write_acls(&self, acls: &BTreeSet<Acl>) -> io::Result<()> {
        self.write(ACLS_FILE, acls, Access::Usual)
    }

    /// The settings that clients have changed, but those of topics.
    pub(crate) fn read_settings(&self) -> io::Result<Changed> {
        Ok(self.read(SETTINGS_FILE)?.unwrap_or_default())
    }

    pub(crate) fn write_settings(&self, changed: &Changed) -> io::Result<()> {
        // Passwords of stores may be among them.
        self.write(SETTINGS_FILE, changed, Access::Private)
    }

    /// The credentials of SCRAM that clients have set.
    pub(crate) fn read_users(&self) -> io::Result<StoredUsers> {
        Ok(self.read(USERS_FILE)?.unwrap_or_default())
    }

    pub(crate) fn write_users(&self, users: &StoredUsers) -> io::Result<()> {
        self.write(USERS_FILE, users, Access::Private)
    }

    /// The quotas of clients.
    pub(crate) fn read_quotas(&self) -> io::Result<Limits> {
        // Not a map in the file: there, a key can only be text.
        let all: Vec<(Entity, BTreeMap<String, f64>)> = self.read(QUOTAS_FILE)?.unwrap_or_default();
        Ok(all.into_iter().collect())
    }

    pub(crate) fn write_quotas(&self, quotas: &Limits) -> io::Result<()> {
        self.write(
            QUOTAS_FILE,
            &quotas.iter().collect::<Vec<_>>(),
            Access::Usual,
        )
    }

    /// The delegation tokens, without their secrets.
    pub(crate) fn read_tokens(&self) -> io::Result<StoredTokens> {
        Ok(self.read(TOKENS_FILE)?.unwrap_or_default())
    }

    pub(crate) fn write_tokens(&self, tokens: &StoredTokens) -> io::Result<()> {
        self.write(TOKENS_FILE, tokens, Access::Private)
    }

    /// One of the broker's private files; `None` if it is not there.
    fn read<T: DeserializeOwned>(&self, file: &str) -> io::Result<Option<T>> {
        let Self::Dir(dir) = self else {
            return Ok(None);
        };
        let path = dir.path.join(file);
        let Some(text) = dir.disk.read_if_there(&path)? else {
            return Ok(None);
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            let text = format!("{} is damaged: {error}", path.display());
            io::Error::new(io::ErrorKind::InvalidData, text)
        })
    }

    fn write<T: Serialize>(&self, file: &str, value: &T, access: Access) -> io::Result<()> {
        let Self::Dir(dir) = self else { return Ok(()) };
        // Some of it is a secret, or nearly one.
        let text = Zeroizing::new(serde_json::to_string_pretty(value)?);
        dir.disk
            .replace(&dir.path.join(file), text.as_bytes(), access)
    }

    /// Names the directory's cluster and node as Kafka does, for tools that look there.
    pub(crate) fn write_properties(&self, meta: &Meta, directory_id: &str) -> io::Result<()> {
        let Self::Dir(dir) = self else { return Ok(()) };
        let path = dir.path.join(PROPERTIES_FILE);
        if let Some(there) = dir.disk.read_if_there(&path)? {
            return check_properties(&path, &there, meta);
        }
        let text = format!(
            "#\nnode.id={}\ndirectory.id={directory_id}\nversion=1\ncluster.id={}\n",
            meta.node_id, meta.cluster_id
        );
        dir.disk.replace(&path, text.as_bytes(), Access::Usual)
    }

    /// Where a partition's log is.
    pub(crate) fn place(&self, topic: &str, partition: i32) -> Place {
        match self {
            Self::Memory => Place::Memory,
            Self::Dir(dir) => Place::Dir {
                path: dir.path.join(format!("{topic}-{partition}")),
                disk: dir.disk.clone(),
                budget: dir.budget.clone(),
            },
        }
    }

    /// How a partition's log was left, and its start offset.
    pub(crate) fn opening(&self, topic: &str, partition: i32) -> (Opening, i64) {
        match self {
            Self::Memory => (Opening::Clean, 0),
            Self::Dir(dir) => {
                let key = (topic.to_owned(), partition);
                let checkpoints = dir.checkpoints();
                let start = checkpoints.start_offsets.get(&key).copied().unwrap_or(0);
                let opening = if dir.clean {
                    Opening::Clean
                } else {
                    let recovery_point = checkpoints.recovery_points.get(&key).copied();
                    Opening::Unclean {
                        recovery_point: recovery_point.unwrap_or(0),
                    }
                };
                (opening, start)
            }
        }
    }

    /// Up to where a partition's log is compacted.
    pub(crate) fn cleaned_to(&self, topic: &str, partition: i32) -> i64 {
        let Self::Dir(dir) = self else { return 0 };
        let key = (topic.to_owned(), partition);
        dir.checkpoints().cleaned_to.get(&key).copied().unwrap_or(0)
    }

    /// Whether the last use of the directory ended in order, or there was none.
    pub(crate) fn was_clean(&self) -> bool {
        match self {
            Self::Memory => true,
            Self::Dir(dir) => dir.clean,
        }
    }

    /// Notes a partition's topic id in its directory.
    pub(crate) fn write_partition_id(
        &self,
        topic: &str,
        partition: i32,
        id: &str,
    ) -> io::Result<()> {
        let Self::Dir(dir) = self else { return Ok(()) };
        let path = dir.path.join(format!("{topic}-{partition}"));
        let text = format!("version: 0\ntopic_id: {id}");
        dir.disk
            .write(&path.join("partition.metadata"), text.as_bytes())
    }

    /// Removes a partition with all its files.
    pub(crate) fn remove_partition(&self, topic: &str, partition: i32) -> io::Result<()> {
        let Self::Dir(dir) = self else { return Ok(()) };
        dir.disk
            .remove_dir_all(&dir.path.join(format!("{topic}-{partition}")))
    }

    /// Removes what is left of partitions of these names, and forgets their offsets: none of it is
    /// that of new ones.
    ///
    /// # Errors
    /// When there is a directory with something else in it.
    pub(crate) fn make_room(&self, topic: &str, partitions: Range<i32>) -> io::Result<()> {
        let Self::Dir(dir) = self else { return Ok(()) };
        let mut has_removed = false;
        for partition in partitions.clone() {
            let path = dir.path.join(format!("{topic}-{partition}"));
            let names = match dir.disk.names(&path) {
                Ok(names) => names,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if let Some(foreign) = names.iter().find(|name| !is_of_a_log(name)) {
                let text = format!(
                    "{} has {foreign}, which is none of a log's files: move the directory away",
                    path.display()
                );
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
            }
            dir.disk.remove_dir_all(&path)?;
            has_removed = true;
        }
        if has_removed {
            // Else a crash brings old files back among the new ones.
            dir.disk.sync_dir(&dir.path)?;
        }
        let is_other = |(name, index): &(String, i32)| name != topic || !partitions.contains(index);
        let kept = {
            let known = dir.checkpoints();
            let keep = |offsets: &Offsets| -> Offsets {
                let kept = offsets.iter().filter(|(key, _)| is_other(key));
                kept.map(|(key, offset)| (key.clone(), *offset)).collect()
            };
            let all = [
                &known.recovery_points,
                &known.start_offsets,
                &known.cleaned_to,
            ];
            if all.iter().all(|offsets| offsets.keys().all(is_other)) {
                return Ok(());
            }
            Checkpoints {
                recovery_points: keep(all[0]),
                start_offsets: keep(all[1]),
                cleaned_to: keep(all[2]),
            }
        };
        self.write_checkpoints(kept)
    }

    /// Says that the directory is in use: until [`mark_clean`](Self::mark_clean), a start recovers.
    pub(crate) fn mark_in_use(&self) -> io::Result<()> {
        let Self::Dir(dir) = self else { return Ok(()) };
        dir.disk.remove_file(&dir.path.join(CLEAN_FILE))?;
        // Else a crash brings the mark back, and with it the belief in index files of before.
        dir.disk.sync_dir(&dir.path)
    }

    pub(crate) fn write_checkpoints(&self, new: Checkpoints) -> io::Result<()> {
        let Self::Dir(dir) = self else { return Ok(()) };
        // Held while they are written, so that the files have what is noted here.
        let mut checkpoints = dir.checkpoints();
        for (file, old, new) in [
            (
                RECOVERY_FILE,
                &checkpoints.recovery_points,
                &new.recovery_points,
            ),
            (START_FILE, &checkpoints.start_offsets, &new.start_offsets),
            (CLEANER_FILE, &checkpoints.cleaned_to, &new.cleaned_to),
        ] {
            if old != new {
                write_offsets(&dir.disk, &dir.path.join(file), new)?;
            }
        }
        *checkpoints = new;
        Ok(())
    }

    /// Says that all logs were closed in order. The last write of a clean stop.
    pub(crate) fn mark_clean(&self) -> io::Result<()> {
        let Self::Dir(dir) = self else { return Ok(()) };
        dir.disk.replace(
            &dir.path.join(CLEAN_FILE),
            b"{\"version\":0,\"brokerEpoch\":-1}",
            Access::Usual,
        )
    }
}

impl DataDir {
    fn checkpoints(&self) -> MutexGuard<'_, Checkpoints> {
        self.checkpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many segment files may stay open: where the process may have few descriptors, most of them are for
/// connections.
fn open_files() -> usize {
    #[cfg(unix)]
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    let limit: Option<u64> = None;
    let share = limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit / 8).unwrap_or(usize::MAX)
    });
    share.min(OPEN_FILES_MAX)
}

/// Keeps other brokers from a directory, made when it is not there.
fn lock(path: &Path) -> io::Result<Lock> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    // For the broker's own user alone. One that is there stays as it is.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    let lock = File::create(path.join(LOCK_FILE))?;
    match FileExt::try_lock(&lock) {
        Ok(()) => Ok(Lock::File { _file: lock }),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another broker uses it (its .lock file is locked)",
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Refuses a directory that has logs and is not known to be this broker's: it would take the logs over or
/// remove them.
fn refuse_foreign(path: &Path, names: &[String]) -> io::Result<()> {
    if names.iter().any(|name| name == META_FILE) {
        return Ok(());
    }
    let is_foreign = |name: &&String| {
        let partition = name.rsplit_once('-').map(|(_, number)| number);
        *name == PROPERTIES_FILE || partition.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    match names.iter().find(is_foreign) {
        Some(name) => {
            let text = format!(
                "{} has {name} and no {META_FILE}: it is another broker's, such as Apache Kafka's, or has lost \
                 that file; give an empty directory",
                path.display()
            );
            Err(io::Error::new(io::ErrorKind::InvalidData, text))
        }
        None => Ok(()),
    }
}

/// That the directory belongs to the cluster that it says it does.
fn check_properties(path: &Path, there: &[u8], meta: &Meta) -> io::Result<()> {
    let text = String::from_utf8_lossy(there);
    let mut lines = text.lines();
    let cluster = lines.find_map(|line| line.trim().strip_prefix("cluster.id="));
    match cluster {
        Some(id) if id.trim() != meta.cluster_id => {
            let text = format!(
                "{} names cluster {id}, and {META_FILE} beside it {}: they are of two brokers",
                path.display(),
                meta.cluster_id
            );
            Err(io::Error::new(io::ErrorKind::InvalidData, text))
        }
        _ => Ok(()),
    }
}

/// Whether a partition's directory has files of this name.
fn is_of_a_log(name: &str) -> bool {
    let suffix = [".tmp", ".deleted", ".cleaned", ".swap"].iter();
    let name = suffix.fold(name, |name, suffix| {
        name.strip_suffix(suffix).unwrap_or(name)
    });
    let is_segment = name.split_once('.').is_some_and(|(base, kind)| {
        base.parse::<u64>().is_ok() && ["log", "index", "timeindex", "snapshot"].contains(&kind)
    });
    is_segment || ["leader-epoch-checkpoint", "partition.metadata"].contains(&name)
}

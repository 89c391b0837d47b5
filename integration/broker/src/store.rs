//! Where a broker keeps what outlives it: its data directory, or nothing at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use fs4::{FileExt, TryLockError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::log::checkpoint::{
    Offsets, read_if_there, read_offsets, write_atomically, write_offsets,
};
use crate::log::{HandleBudget, Opening, Place};
use crate::quota::{Entity, Limits};
use crate::security::acl::Acl;
use crate::security::delegation::StoredTokens;
use crate::security::users::StoredUsers;

/// Segment files kept open between uses, over all partitions.
const OPEN_FILES: usize = 400;
const LOCK_FILE: &str = ".lock";
const META_FILE: &str = "kafka-broker.json";
const ACLS_FILE: &str = "acls.json";
const QUOTAS_FILE: &str = "client-quotas.json";
const TOKENS_FILE: &str = "delegation-tokens.json";
const USERS_FILE: &str = "scram-credentials.json";
const CLEAN_FILE: &str = ".kafka_cleanshutdown";
const RECOVERY_FILE: &str = "recovery-point-offset-checkpoint";
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
    budget: HandleBudget,
    clean: bool,
    recovery_points: Offsets,
    start_offsets: Offsets,
    /// Held as long as the directory is in use; the system lets go of it with the process.
    _lock: File,
    /// Removes the directory with the broker.
    _temp: Option<TempDir>,
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
        Self::open(path, None)
    }

    /// A directory that goes with the broker.
    pub(crate) fn temp_dir() -> io::Result<Self> {
        let temp = tempfile::Builder::new().prefix("kafka-broker-").tempdir()?;
        Self::open(temp.path().to_owned(), Some(temp))
    }

    fn open(path: PathBuf, temp: Option<TempDir>) -> io::Result<Self> {
        fs::create_dir_all(&path)?;
        let lock = File::create(path.join(LOCK_FILE))?;
        if let Err(error) = FileExt::try_lock(&lock) {
            return Err(match error {
                TryLockError::WouldBlock => io::Error::new(
                    io::ErrorKind::AddrInUse,
                    "another broker uses it (its .lock file is locked)",
                ),
                TryLockError::Error(error) => error,
            });
        }
        let clean = path.join(CLEAN_FILE);
        Ok(Self::Dir(DataDir {
            budget: HandleBudget::new(OPEN_FILES),
            clean: clean.exists() || !path.join(META_FILE).exists(),
            recovery_points: read_offsets(&path.join(RECOVERY_FILE))?,
            start_offsets: read_offsets(&path.join(START_FILE))?,
            path,
            _lock: lock,
            _temp: temp,
        }))
    }

    pub(crate) fn read_meta(&self) -> io::Result<Option<Meta>> {
        self.read(META_FILE)
    }

    pub(crate) fn write_meta(&self, meta: &Meta) -> io::Result<()> {
        self.write(META_FILE, meta)
    }

    /// The rules of the authorizer.
    pub(crate) fn read_acls(&self) -> io::Result<Vec<Acl>> {
        Ok(self.read(ACLS_FILE)?.unwrap_or_default())
    }

    pub(crate) fn write_acls(&self, acls: &BTreeSet<Acl>) -> io::Result<()> {
        self.write(ACLS_FILE, acls)
    }

    /// The credentials of SCRAM that clients have set.
    pub(crate) fn read_users(&self) -> io::Result<StoredUsers> {
        Ok(self.read(USERS_FILE)?.unwrap_or_default())
    }

    pub(crate) fn write_users(&self, users: &StoredUsers) -> io::Result<()> {
        self.write(USERS_FILE, users)
    }

    /// The quotas of clients.
    pub(crate) fn read_quotas(&self) -> io::Result<Limits> {
        // Not a map in the file: there, a key can only be text.
        let all: Vec<(Entity, BTreeMap<String, f64>)> = self.read(QUOTAS_FILE)?.unwrap_or_default();
        Ok(all.into_iter().collect())
    }

    pub(crate) fn write_quotas(&self, quotas: &Limits) -> io::Result<()> {
        self.write(QUOTAS_FILE, &quotas.iter().collect::<Vec<_>>())
    }

    /// The delegation tokens, without their secrets.
    pub(crate) fn read_tokens(&self) -> io::Result<StoredTokens> {
        Ok(self.read(TOKENS_FILE)?.unwrap_or_default())
    }

    pub(crate) fn write_tokens(&self, tokens: &StoredTokens) -> io::Result<()> {
        self.write(TOKENS_FILE, tokens)
    }

    /// One of the broker's private files; `None` if it is not there.
    fn read<T: DeserializeOwned>(&self, file: &str) -> io::Result<Option<T>> {
        let Self::Dir(dir) = self else {
            return Ok(None);
        };
        let path = dir.path.join(file);
        let Some(text) = read_if_there(&path)? else {
            return Ok(None);
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            let text = format!("{} is damaged: {error}", path.display());
            io::Error::new(io::ErrorKind::InvalidData, text)
        })
    }

    fn write<T: Serialize>(&self, file: &str, value: &T) -> io::Result<()> {
        let Self::Dir(dir) = self else { return Ok(()) };
        let text = serde_json::to_string_pretty(value)?;
        write_atomically(&dir.path.join(file), text.as_bytes())
    }

    /// Names the directory's cluster and node as Kafka does, for tools that look there.
    pub(crate) fn write_properties(&self, meta: &Meta, directory_id: &str) -> io::Result<()> {
        let Self::Dir(dir) = self else { return Ok(()) };
        let path = dir.path.join("meta.properties");
        if path.exists() {
            return Ok(());
        }
        let text = format!(
            "#\nnode.id={}\ndirectory.id={directory_id}\nversion=1\ncluster.id={}\n",
            meta.node_id, meta.cluster_id
        );
        write_atomically(&path, text.as_bytes())
    }

    /// Where a partition's log is.
    pub(crate) fn place(&self, topic: &str, partition: i32) -> Place {
        match self {
            Self::Memory => Place::Memory,
            Self::Dir(dir) => Place::Dir {
                path: dir.path.join(format!("{topic}-{partition}")),
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
                let start = dir.start_offsets.get(&key).copied().unwrap_or(0);
                let opening = if dir.clean {
                    Opening::Clean
                } else {
                    let recovery_point = dir.recovery_points.get(&key).copied().unwrap_or(0);
                    Opening::Unclean { recovery_point }
                };
                (opening, start)
            }
        }
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
        let path = dir
            .path
            .join(format!("{topic}-{partition}"))
            .join("partition.metadata");
        fs::write(path, format!("version: 0\ntopic_id: {id}"))
    }

    /// Removes a partition with all its files.
    pub(crate) fn remove_partition(&self, topic: &str, partition: i32) -> io::Result<()> {
        let Self::Dir(dir) = self else { return Ok(()) };
        match fs::remove_dir_all(dir.path.join(format!("{topic}-{partition}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Says that the directory is in use: until [`mark_clean`](Self::mark_clean), a start recovers.
    pub(crate) fn mark_in_use(&self) -> io::Result<()> {
        let Self::Dir(dir) = self else { return Ok(()) };
        match fs::remove_file(dir.path.join(CLEAN_FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    pub(crate) fn write_checkpoints(&self, recovery: &Offsets, starts: &Offsets) -> io::Result<()> {
        let Self::Dir(dir) = self else { return Ok(()) };
        write_offsets(&dir.path.join(RECOVERY_FILE), recovery)?;
        write_offsets(&dir.path.join(START_FILE), starts)
    }

    /// Says that all logs were closed in order. The last write of a clean stop.
    pub(crate) fn mark_clean(&self) -> io::Result<()> {
        let Self::Dir(dir) = self else { return Ok(()) };
        write_atomically(
            &dir.path.join(CLEAN_FILE),
            b"{\"version\":0,\"brokerEpoch\":-1}",
        )
    }
}

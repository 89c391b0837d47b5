//! The topics of a broker: by name and by id, with their partitions and settings.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use kafka_client_protocol::{ErrorCode, Uuid};

use crate::config::settings::Properties;
use crate::config::{BrokerConfig, PARTITIONS_MAX, TopicConfig};
use crate::env::Env;
use crate::log::{Doomed, Log};
use crate::metrics::Traffic;
use crate::partition::Partition;
use crate::refusal::Refusal;
use crate::store::{Checkpoints, Meta, Store, TopicMeta};

/// The topic that keeps committed offsets and groups.
pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";
/// Producer ids are noted in the file by blocks, so that few starts of producers write it.
const PRODUCER_ID_BLOCK: i64 = 1000;

/// All topics.
#[derive(Debug)]
pub(crate) struct Topics {
    store: Store,
    known: RwLock<Known>,
    /// What the file says; held while topics change, so that changes are one after the other.
    meta: Mutex<Meta>,
    producer_ids: Mutex<Range<i64>>,
    changes: AtomicI64,
    traffic_of_deleted: Traffic,
    /// Held from the look at the logs until their checkpoints are written: an older look must not be written over
    /// a newer one.
    checkpoint: Mutex<()>,
}

/// The one voter, as a quorum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quorum {
    pub(crate) epoch: i32,
    /// Changes of the metadata since the start.
    pub(crate) changes: i64,
}

#[derive(Debug, Default)]
struct Known {
    by_name: BTreeMap<Arc<str>, Arc<Topic>>,
    by_id: HashMap<Uuid, Arc<Topic>>,
}

/// One topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: Arc<str>,
    pub(crate) id: Uuid,
    pub(crate) partitions: Vec<Arc<Partition>>,
    pub(crate) traffic: Arc<Traffic>,
    settings: RwLock<TopicSettings>,
}

/// What a topic sets itself, and what follows from it and the broker's settings.
#[derive(Debug)]
struct TopicSettings {
    own: Properties,
    config: TopicConfig,
}

impl Topic {
    pub(crate) fn is_internal(&self) -> bool {
        is_internal(&self.name)
    }

    /// The settings as they hold now.
    pub(crate) fn config(&self) -> TopicConfig {
        let settings = self.settings.read();
        settings.unwrap_or_else(PoisonError::into_inner).config
    }

    /// The settings that are the topic's own.
    pub(crate) fn own_settings(&self) -> Properties {
        let settings = self.settings.read();
        let settings = settings.unwrap_or_else(PoisonError::into_inner);
        settings.own.clone()
    }

    fn configure(&self, settings: TopicSettings, broker: &BrokerConfig) {
        let log = settings.config.log(broker);
        let now = self.settings.write();
        *now.unwrap_or_else(PoisonError::into_inner) = settings;
        for partition in &self.partitions {
            partition.log().reconfigure(log);
        }
    }

    pub(crate) fn partition(&self, index: i32) -> Option<&Arc<Partition>> {
        self.partitions.get(usize::try_from(index).ok()?)
    }
}

impl Topics {
    /// Opens what is in the store, recovering it if the last stop was not clean.
    pub(crate) fn open(store: Store, config: &BrokerConfig, env: &Env) -> io::Result<Self> {
        let configured = config.cluster_id.clone();
        let mut meta = match store.read_meta()? {
            Some(meta) if configured.as_ref().is_some_and(|id| *id != meta.cluster_id) => {
                let text = format!(
                    "it is of cluster {}, and {} was asked for",
                    meta.cluster_id,
                    configured.unwrap_or_default()
                );
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            Some(meta) => Meta {
                starts: meta.starts + 1,
                ..meta
            },
            None => Meta {
                cluster_id: configured.unwrap_or_else(|| env.uuid().to_string()),
                ..Meta::default()
            },
        };
        meta.node_id = config.node_id;
        if !store.was_clean() {
            tracing::info!("the last stop was not clean: checking the logs");
        }
        let mut known = Known::default();
        for (name, topic) in &meta.topics {
            let opened = open_topic(&store, config, name, topic, meta.starts, env.wall_ms())?;
            known.insert(Arc::new(opened));
        }
        store.write_meta(&meta)?;
        store.write_properties(&meta, &env.uuid().to_string())?;
        store.mark_in_use()?;
        let next = meta.next_producer_id;
        Ok(Self {
            store,
            known: RwLock::new(known),
            meta: Mutex::new(meta),
            producer_ids: Mutex::new(next..next),
            changes: AtomicI64::new(1),
            traffic_of_deleted: Traffic::default(),
            checkpoint: Mutex::new(()),
        })
    }

    /// Where all is kept that outlives the broker.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn cluster_id(&self) -> String {
        self.meta().cluster_id.clone()
    }

    pub(crate) fn named(&self, name: &str) -> Option<Arc<Topic>> {
        self.known().by_name.get(name).cloned()
    }

    pub(crate) fn with_id(&self, id: Uuid) -> Option<Arc<Topic>> {
        self.known().by_id.get(&id).cloned()
    }

    /// All topics, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Topic>> {
        self.known().by_name.values().cloned().collect()
    }

    /// Checks that a topic could be made, without making it.
    pub(crate) fn check_new(
        &self,
        name: &str,
        partitions: i32,
        overrides: &BTreeMap<String, String>,
        config: &BrokerConfig,
    ) -> Result<TopicConfig, Refusal> {
        check_name(name)?;
        if let Some(taken) = self.colliding(name) {
            return Err(if *taken == *name {
                Refusal::new(
                    ErrorCode::TOPIC_ALREADY_EXISTS,
                    format!("topic {name} exists already"),
                )
            } else {
                Refusal::new(
                    ErrorCode::INVALID_TOPIC_EXCEPTION,
                    format!("topic {name} differs from {taken} only in '.' and '_'"),
                )
            });
        }
        if partitions <= 0 {
            return Err(Refusal::new(
                ErrorCode::INVALID_PARTITIONS,
                format!(
                    "topic {name}: the number of partitions must be positive, got {partitions}"
                ),
            ));
        }
        if partitions > PARTITIONS_MAX {
            return Err(Refusal::new(
                ErrorCode::POLICY_VIOLATION,
                format!("topic {name}: {partitions} partitions, at most {PARTITIONS_MAX} at once"),
            ));
        }
        config
            .topic
            .with(overrides)
            .map_err(|error| Refusal::from(&error))
    }

    /// Makes a topic.
    pub(crate) fn create(
        &self,
        name: &str,
        partitions: i32,
        overrides: BTreeMap<String, String>,
        config: &BrokerConfig,
        env: &Env,
    ) -> Result<Arc<Topic>, Refusal> {
        let mut meta = self.meta();
        self.check_new(name, partitions, &overrides, config)?;
        let id = env.uuid();
        let topic_meta = TopicMeta {
            id: id.to_string(),
            partitions,
            first_start: meta.starts,
            configs: overrides,
        };
        let made = || -> io::Result<Topic> {
            self.make_room(name, 0..partitions)?;
            let starts = meta.starts;
            let topic = open_topic(
                &self.store,
                config,
                name,
                &topic_meta,
                starts,
                env.wall_ms(),
            )?;
            for index in 0..partitions {
                self.store.write_partition_id(name, index, &topic_meta.id)?;
            }
            Ok(topic)
        };
        let topic = Arc::new(made().map_err(|error| storage_refusal(name, &error))?);
        let mut changed = meta.clone();
        changed.topics.insert(name.to_owned(), topic_meta);
        self.write_meta(&changed)
            .map_err(|error| storage_refusal(name, &error))?;
        *meta = changed;
        self.known_mut().insert(Arc::clone(&topic));
        Ok(topic)
    }

    /// Adds partitions to a topic until it has `count`, or only sees whether that could be done.
    pub(crate) fn grow(
        &self,
        topic: &Topic,
        count: i32,
        config: &BrokerConfig,
        env: &Env,
        validate_only: bool,
    ) -> Result<(), Refusal> {
        let mut meta = self.meta();
        let mut changed = meta.clone();
        let (now, topic_meta) = self.current(topic, &mut changed)?;
        let there = topic_meta.partitions;
        check_growth(&topic.name, there, count)?;
        if validate_only {
            return Ok(());
        }
        topic_meta.partitions = count;
        let opening = Opening {
            store: &self.store,
            config,
            topic: now.config(),
            name: &now.name,
            traffic: &now.traffic,
            epoch: meta.starts - topic_meta.first_start,
            now_ms: env.wall_ms(),
        };
        let made = || -> io::Result<Vec<Arc<Partition>>> {
            self.make_room(&now.name, there..count)?;
            let mut partitions = now.partitions.clone();
            for index in there..count {
                partitions.push(opening.partition(index)?);
                self.store
                    .write_partition_id(&now.name, index, &topic_meta.id)?;
            }
            Ok(partitions)
        };
        let grown = Topic {
            name: Arc::clone(&now.name),
            id: now.id,
            partitions: made().map_err(|error| storage_refusal(&now.name, &error))?,
            traffic: Arc::clone(&now.traffic),
            settings: RwLock::new(TopicSettings {
                own: now.own_settings(),
                config: now.config(),
            }),
        };
        self.write_meta(&changed)
            .map_err(|error| storage_refusal(&now.name, &error))?;
        *meta = changed;
        self.known_mut().insert(Arc::new(grown));
        Ok(())
    }

    fn write_meta(&self, meta: &Meta) -> io::Result<()> {
        self.store.write_meta(meta)?;
        self.changes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// The state of what would be the metadata's quorum.
    pub(crate) fn quorum(&self) -> Quorum {
        Quorum {
            epoch: self.meta().starts + 1,
            changes: self.changes.load(Ordering::Relaxed),
        }
    }

    /// What a failed deletion has left is not that of new partitions.
    fn make_room(&self, name: &str, partitions: Range<i32>) -> io::Result<()> {
        let _checkpointing = self.one_checkpoint();
        self.store.make_room(name, partitions)
    }

    /// A topic as it is now: it may have grown since it was looked up, or have been deleted.
    fn current<'a>(
        &self,
        topic: &Topic,
        meta: &'a mut Meta,
    ) -> Result<(Arc<Topic>, &'a mut TopicMeta), Refusal> {
        let now = self.with_id(topic.id);
        let known = meta.topics.get_mut(&*topic.name);
        now.zip(known).ok_or_else(|| {
            Refusal::new(
                ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                format!("topic {} does not exist", topic.name),
            )
        })
    }

    /// Replaces what a topic sets itself, or only sees whether that could be done.
    pub(crate) fn set(
        &self,
        topic: &Topic,
        own: Properties,
        broker: &BrokerConfig,
        validate_only: bool,
    ) -> Result<(), Refusal> {
        let config = broker.topic.with(&own);
        let config = config.map_err(|error| Refusal::from(&error))?;
        let mut meta = self.meta();
        let mut changed = meta.clone();
        let (topic, known) = self.current(topic, &mut changed)?;
        if validate_only {
            return Ok(());
        }
        known.configs.clone_from(&own);
        self.write_meta(&changed)
            .map_err(|error| storage_refusal(&topic.name, &error))?;
        *meta = changed;
        topic.configure(TopicSettings { own, config }, broker);
        Ok(())
    }

    /// Lets changed settings of the broker hold for what topics do not set themselves.
    pub(crate) fn reconfigure(&self, broker: &BrokerConfig) {
        // No topic changes its own meanwhile.
        let _meta = self.meta();
        for topic in self.all() {
            let own = topic.own_settings();
            match broker.topic.with(&own) {
                Ok(config) => topic.configure(TopicSettings { own, config }, broker),
                Err(error) => tracing::error!(topic = %topic.name, %error, "settings were left"),
            }
        }
    }

    /// The topic of a name, made if it is not there.
    pub(crate) fn get_or_create(
        &self,
        name: &str,
        partitions: i32,
        overrides: BTreeMap<String, String>,
        config: &BrokerConfig,
        env: &Env,
    ) -> Result<Arc<Topic>, Refusal> {
        match self.create(name, partitions, overrides, config, env) {
            // Somebody else was quicker.
            Err(refusal) if refusal.code == ErrorCode::TOPIC_ALREADY_EXISTS => {
                self.named(name).ok_or_else(|| {
                    let text = format!("topic {name} does not exist");
                    Refusal::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, text)
                })
            }
            result => result,
        }
    }

    /// Removes a topic with all its data.
    pub(crate) fn delete(&self, topic: &Topic) -> Result<(), Refusal> {
        let mut meta = self.meta();
        let mut changed = meta.clone();
        let (topic, _) = self.current(topic, &mut changed)?;
        changed.topics.remove(&*topic.name);
        self.write_meta(&changed)
            .map_err(|error| storage_refusal(&topic.name, &error))?;
        *meta = changed;
        self.known_mut().remove(&topic);
        self.traffic_of_deleted.add(&topic.traffic);
        for (index, partition) in (0..).zip(&topic.partitions) {
            partition.mark_deleted();
            let _ours = partition.files();
            let _turn = partition.forcing();
            self.store
                .remove_partition(&topic.name, index)
                .map_err(|error| storage_refusal(&topic.name, &error))?;
        }
        Ok(())
    }

    /// A producer id that nobody has had.
    pub(crate) fn next_producer_id(&self) -> Result<i64, Refusal> {
        let mut ids = self
            .producer_ids
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if ids.is_empty() {
            let mut meta = self.meta();
            let start = meta.next_producer_id;
            let end = start.checked_add(PRODUCER_ID_BLOCK).ok_or_else(|| {
                Refusal::new(
                    ErrorCode::UNKNOWN_SERVER_ERROR,
                    "all producer ids are used up",
                )
            })?;
            let changed = Meta {
                next_producer_id: end,
                ..meta.clone()
            };
            self.write_meta(&changed).map_err(|error| {
                Refusal::new(
                    ErrorCode::KAFKA_STORAGE_ERROR,
                    format!("no producer id: {error}"),
                )
            })?;
            *meta = changed;
            *ids = start..end;
        }
        let id = ids.start;
        ids.start += 1;
        Ok(id)
    }

    /// Forces closed segments to the disk and writes the recovery points. Takes as long as the disk
    /// does, but holds no log's lock meanwhile.
    pub(crate) fn sync(&self) -> io::Result<()> {
        for topic in self.all() {
            for partition in &topic.partitions {
                partition.sync()?;
            }
        }
        self.checkpoint()
    }

    /// Forces logs to the disk whose `flush.ms` is over.
    pub(crate) fn flush_due(&self, now_ms: i64) -> io::Result<()> {
        for topic in self.all() {
            if topic.config().log.flush_ms == i64::MAX {
                continue;
            }
            for partition in &topic.partitions {
                partition.flush_if_due(now_ms)?;
            }
        }
        Ok(())
    }

    /// Removes the segments that retention does not keep; their files are to be removed later. Of topics that are
    /// compacted it is the cleaner that does this, as in Kafka.
    pub(crate) fn remove_old_segments(&self, now_ms: i64) -> io::Result<Vec<Doomed>> {
        self.remove_old_segments_of(now_ms, |config| !config.log.compacts)
    }

    fn remove_old_segments_of(
        &self,
        now_ms: i64,
        is_of: impl Fn(&TopicConfig) -> bool,
    ) -> io::Result<Vec<Doomed>> {
        let mut all = Vec::new();
        for topic in self.all() {
            if !is_of(&topic.config()) {
                continue;
            }
            for partition in &topic.partitions {
                let _ours = partition.files();
                let removed = partition.log().remove_old_segments(now_ms)?;
                all.extend(removed.map(|removed| (Arc::clone(partition), removed)));
            }
        }
        if all.is_empty() {
            return Ok(Vec::new());
        }
        // Else a crash may leave a log without its old segments and without what says where it begins.
        self.checkpoint()?;
        let mut doomed = Vec::new();
        for (partition, removed) in all {
            let _ours = partition.files();
            if !partition.is_deleted() {
                doomed.extend(removed.rename()?);
            }
        }
        Ok(doomed)
    }

    /// Compacts the logs for which it is time, until `stop` says no; the files of what was replaced are to be removed later.
    pub(crate) fn clean(
        &self,
        now_ms: i64,
        buffer_bytes: usize,
        stop: &dyn Fn() -> bool,
    ) -> io::Result<Vec<Doomed>> {
        let mut doomed = self.remove_old_segments_of(now_ms, |config| config.log.compacts)?;
        let mut has_cleaned = false;
        for topic in self.all() {
            if !topic.config().log.compacts {
                continue;
            }
            for partition in &topic.partitions {
                // One round may have had too many keys for all of the log.
                while let Some(replaced) = partition.clean(now_ms, buffer_bytes, stop)? {
                    doomed.extend(replaced);
                    has_cleaned = true;
                }
            }
        }
        if has_cleaned {
            self.checkpoint()?;
        }
        Ok(doomed)
    }

    /// What topics had taken and given that are no more.
    pub(crate) fn traffic_of_deleted(&self) -> &Traffic {
        &self.traffic_of_deleted
    }

    /// Whether there is a disk to force anything to.
    pub(crate) fn are_on_disk(&self) -> bool {
        matches!(self.store, Store::Dir(_))
    }

    /// Writes the checkpoints of all logs as they are.
    pub(crate) fn checkpoint(&self) -> io::Result<()> {
        let _one_at_a_time = self.one_checkpoint();
        let mut all = Checkpoints::default();
        for topic in self.all() {
            for (index, partition) in (0..).zip(&topic.partitions) {
                let log = partition.log();
                let key = (topic.name.to_string(), index);
                if log.start_offset() > 0 {
                    all.start_offsets.insert(key.clone(), log.start_offset());
                }
                if log.cleaned_to() > 0 {
                    all.cleaned_to.insert(key.clone(), log.cleaned_to());
                }
                all.recovery_points.insert(key, log.recovery_point());
            }
        }
        self.store.write_checkpoints(all)
    }

    /// Closes all logs in order and says so in the directory.
    pub(crate) fn close(&self) -> io::Result<()> {
        for topic in self.all() {
            for partition in &topic.partitions {
                partition.close()?;
            }
        }
        self.checkpoint()?;
        self.store.mark_clean()
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> std::sync::RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn one_checkpoint(&self) -> MutexGuard<'_, ()> {
        let checkpoint = self.checkpoint.lock();
        checkpoint.unwrap_or_else(PoisonError::into_inner)
    }

    fn meta(&self) -> MutexGuard<'_, Meta> {
        self.meta.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A topic whose name is the same or differs only in '.' and '_', which Kafka's metric names
    /// do not tell apart.
    fn colliding(&self, name: &str) -> Option<Arc<str>> {
        let known = self.known();
        if let Some((taken, _)) = known.by_name.get_key_value(name) {
            return Some(Arc::clone(taken));
        }
        if !name.contains(['.', '_']) {
            return None;
        }
        let folded = name.replace('.', "_");
        known
            .by_name
            .keys()
            .find(|taken| taken.replace('.', "_") == folded)
            .cloned()
    }
}

impl Known {
    fn insert(&mut self, topic: Arc<Topic>) {
        self.by_id.insert(topic.id, Arc::clone(&topic));
        self.by_name.insert(Arc::clone(&topic.name), topic);
    }

    fn remove(&mut self, topic: &Topic) {
        self.by_id.remove(&topic.id);
        self.by_name.remove(&topic.name);
    }
}

pub(crate) fn is_internal(name: &str) -> bool {
    name == OFFSETS_TOPIC || name == "__transaction_state" || name == "__share_group_state"
}

/// Kafka's rules for topic names.
pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    const LENGTH_MAX: usize = 249;
    let refuse = |why: &str| {
        Err(Refusal::new(
            ErrorCode::INVALID_TOPIC_EXCEPTION,
            format!("topic name {name:?} {why}"),
        ))
    };
    match name {
        "" => refuse("is empty"),
        "." | ".." => refuse("may not be '.' or '..'"),
        name if name.len() > LENGTH_MAX => refuse("is longer than 249 characters"),
        name if !name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) =>
        {
            refuse("has characters other than ASCII letters, digits, '.', '_' and '-'")
        }
        _ => Ok(()),
    }
}

/// What it takes to open a topic's partitions.
struct Opening<'a> {
    store: &'a Store,
    config: &'a BrokerConfig,
    topic: TopicConfig,
    name: &'a Arc<str>,
    traffic: &'a Arc<Traffic>,
    epoch: i32,
    now_ms: i64,
}

impl Opening<'_> {
    fn partition(&self, index: i32) -> io::Result<Arc<Partition>> {
        let (name, store) = (self.name, self.store);
        let (opening, start) = store.opening(name, index);
        let log = self.topic.log(self.config);
        let opened = Log::open(store.place(name, index), log, opening, start, self.now_ms);
        let mut log = opened.map_err(|error| {
            io::Error::new(error.kind(), format!("partition {name}-{index}: {error}"))
        })?;
        log.lead(self.epoch);
        log.set_cleaned_to(store.cleaned_to(name, index));
        let traffic = Arc::clone(self.traffic);
        let partition = Partition::new(Arc::clone(name), index, self.epoch, log, traffic);
        Ok(Arc::new(partition))
    }
}

/// Kafka's rules for more partitions.
fn check_growth(name: &str, there: i32, count: i32) -> Result<(), Refusal> {
    let refuse = |code, why: String| Err(Refusal::new(code, format!("topic {name} {why}")));
    if count == there {
        let why = format!("already has {there} partitions");
        return refuse(ErrorCode::INVALID_PARTITIONS, why);
    }
    if count < there {
        let why = format!("has {there} partitions, {count} would be fewer");
        return refuse(ErrorCode::INVALID_PARTITIONS, why);
    }
    if count - there > PARTITIONS_MAX {
        let why = format!("may get at most {PARTITIONS_MAX} more partitions at once");
        return refuse(ErrorCode::POLICY_VIOLATION, why);
    }
    Ok(())
}

fn open_topic(
    store: &Store,
    config: &BrokerConfig,
    name: &str,
    meta: &TopicMeta,
    starts: i32,
    now_ms: i64,
) -> io::Result<Topic> {
    let invalid = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
    let id = Uuid::parse(&meta.id)
        .ok_or_else(|| invalid(format!("topic {name} has no valid id: {:?}", meta.id)))?;
    let topic_config = config
        .topic
        .with(&meta.configs)
        .map_err(|error| invalid(format!("topic {name}: {error}")))?;
    let shared: Arc<str> = name.into();
    let traffic = Arc::default();
    let opening = Opening {
        store,
        config,
        topic: topic_config,
        name: &shared,
        traffic: &traffic,
        epoch: starts - meta.first_start,
        now_ms,
    };
    let partitions = (0..meta.partitions).map(|index| opening.partition(index));
    let partitions = partitions.collect::<io::Result<_>>()?;
    Ok(Topic {
        name: shared,
        id,
        partitions,
        traffic,
        settings: RwLock::new(TopicSettings {
            own: meta.configs.clone(),
            config: topic_config,
        }),
    })
}

fn storage_refusal(name: &str, error: &io::Error) -> Refusal {
    tracing::error!(topic = name, %error, "storage failed");
    Refusal::new(
        ErrorCode::KAFKA_STORAGE_ERROR,
        format!("topic {name}: {error}"),
    )
}

//! One request for many who ask, and what never changes asked for once.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as AsyncMutex;

use super::{Asking, Registered, RegistryError, SchemaRegistry, SubjectVersion};
use crate::schema::Schema;
use crate::subject::context_of;
use crate::wire::SchemaId;

/// A registry whose answers are remembered where they never change: schemas by id, versions of subjects, and the
/// ids of schemas that are registered.
///
/// Who asks for what somebody has asked for already waits for the same request. If it fails, all who wait are
/// told, and who comes later asks anew: a failure is never remembered. If the one whose request it is goes away,
/// the next who waits takes its place.
///
/// What was used longest ago is dropped when there is too much. The newest version of a subject is asked for
/// each time.
pub struct Cached<R> {
    registry: R,
    schemas: Flights<(SchemaId, Option<String>), Arc<Schema>>,
    versions: Flights<(String, i32), SubjectVersion>,
    registered: Flights<(String, Schema), Registered>,
    found: Flights<(String, Schema), Registered>,
}

/// `max.schemas.per.subject` of Confluent's clients is for one subject; this is for all.
const ENTRIES_MAX: usize = 1000;

impl<R: SchemaRegistry> Cached<R> {
    /// Remembers up to 1000 schemas by id, versions, and ids of registered schemas.
    #[must_use]
    pub fn new(registry: R) -> Self {
        Self::with_capacity(registry, ENTRIES_MAX)
    }

    /// Remembers up to so many, at least one, of each.
    #[must_use]
    pub fn with_capacity(registry: R, entries: usize) -> Self {
        Self {
            registry,
            schemas: Flights::new(entries),
            versions: Flights::new(entries),
            registered: Flights::new(entries),
            found: Flights::new(entries),
        }
    }

    /// The registry itself.
    #[must_use]
    pub fn registry(&self) -> &R {
        &self.registry
    }
}

impl<R: fmt::Debug> fmt::Debug for Cached<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}

impl<R: SchemaRegistry> SchemaRegistry for Cached<R> {
    fn register<'a>(&'a self, subject: &'a str, schema: &'a Schema) -> Asking<'a, Registered> {
        let key = (subject.to_owned(), schema.clone());
        let ask = move || self.registry.register(subject, schema);
        Box::pin(self.registered.get(key, ask))
    }

    fn look_up<'a>(&'a self, subject: &'a str, schema: &'a Schema) -> Asking<'a, Registered> {
        let key = (subject.to_owned(), schema.clone());
        let ask = move || self.registry.look_up(subject, schema);
        Box::pin(self.found.get(key, ask))
    }

    fn latest<'a>(&'a self, subject: &'a str) -> Asking<'a, SubjectVersion> {
        self.registry.latest(subject)
    }

    fn version<'a>(&'a self, subject: &'a str, version: i32) -> Asking<'a, SubjectVersion> {
        let key = (subject.to_owned(), version);
        let ask = move || self.registry.version(subject, version);
        Box::pin(self.versions.get(key, ask))
    }

    fn schema<'a>(&'a self, id: SchemaId, subject: Option<&'a str>) -> Asking<'a, Arc<Schema>> {
        // Of a subject, only its context says which schema an id is. A GUID is one schema everywhere.
        let context = match id {
            SchemaId::Id(_) => subject.and_then(context_of).map(str::to_owned),
            SchemaId::Guid(_) => None,
        };
        let ask = move || self.registry.schema(id, subject);
        Box::pin(self.schemas.get((id, context), ask))
    }
}

/// Answers, and requests under way.
struct Flights<K, V> {
    entries: Mutex<Entries<K, V>>,
    max: usize,
}

struct Entries<K, V> {
    map: HashMap<K, Entry<V>>,
    /// Counts uses.
    now: u64,
}

struct Entry<V> {
    flight: Arc<Flight<V>>,
    used: u64,
}

/// Who holds the lock makes the request; the others wait for it. `None` while there is no answer.
type Flight<V> = AsyncMutex<Option<Result<V, RegistryError>>>;

impl<K: Hash + Eq + Clone, V: Clone> Flights<K, V> {
    fn new(max: usize) -> Self {
        let entries = Entries {
            map: HashMap::new(),
            now: 0,
        };
        Self {
            entries: Mutex::new(entries),
            max: max.max(1),
        }
    }

    async fn get<F>(&self, key: K, ask: impl FnOnce() -> F) -> Result<V, RegistryError>
    where
        F: Future<Output = Result<V, RegistryError>>,
    {
        let flight = self.flight(&key);
        let mut answer = flight.lock().await;
        if let Some(answer) = &*answer {
            return answer.clone();
        }
        let asked = ask().await;
        if asked.is_err() {
            // Before those who wait are told, so that nobody joins them any more.
            self.forget(&key, &flight);
        }
        *answer = Some(asked.clone());
        asked
    }

    fn flight(&self, key: &K) -> Arc<Flight<V>> {
        let mut entries = self.lock();
        entries.now += 1;
        let now = entries.now;
        if let Some(entry) = entries.map.get_mut(key) {
            entry.used = now;
            return entry.flight.clone();
        }
        if entries.map.len() >= self.max {
            let oldest = entries.map.iter().min_by_key(|(_, entry)| entry.used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                entries.map.remove(&oldest);
            }
        }
        let flight = Arc::new(AsyncMutex::new(None));
        let entry = Entry {
            flight: flight.clone(),
            used: now,
        };
        entries.map.insert(key.clone(), entry);
        flight
    }

    fn forget(&self, key: &K, flight: &Arc<Flight<V>>) {
        let mut entries = self.lock();
        let entry = entries.map.get(key);
        if entry.is_some_and(|entry| Arc::ptr_eq(&entry.flight, flight)) {
            entries.map.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries<K, V>> {
        // Nothing that is done under it leaves it in the middle.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

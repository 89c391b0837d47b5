//! From settings to a running broker.

use crate::config::settings::{Properties, Settings};
use crate::config::{BrokerConfig, Effect, PropertyError};
use crate::env::{self, Env};
use crate::faults::{Faults, endpoint};
use crate::fetch_sessions::FetchSessions;
use crate::group::Groups;
use crate::kept::Kept;
use crate::maintenance;
use crate::metrics::Requests;
use crate::net::connections::Connections;
use crate::net::listener::Listener;
use crate::net::unsent::Unsent;
use crate::node::Node;
use crate::quota::Quotas;
use crate::security::acl::Acl;
use crate::security::authorizer::Authorizer;
use crate::security::delegation::DelegationTokens;
use crate::security::users::Users;
use crate::store::Store;
use crate::topics::Topics;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::sync::{Semaphore, watch};

use super::Broker;
use super::builder::{Builder, StartError, Storage};
use super::listening::{accept, bind, serve_metrics};

/// A disk gains nothing from more at a time.
const COLD_READS: usize = 16;
/// With those that stay open anyway a fifth of the descriptors, where there are few.
const FILES_ON_THE_WAY: usize = 64;

impl Builder {
    /// Starts the broker on the current tokio runtime.
    ///
    /// # Errors
    /// When a property is wrong, the address is taken, or the data directory cannot be used.
    ///
    /// # Cancel safety
    /// Dropped before its end, nothing keeps running; a data directory may need recovery.
    pub async fn start(self) -> Result<Broker, StartError> {
        let wrong = |error: PropertyError| StartError::Property(error.to_string());
        let given: Properties = self.properties.iter().cloned().collect();
        for (name, value) in &given {
            if BrokerConfig::default().set(name, value).map_err(wrong)? == Effect::None {
                tracing::info!("property {name} has no effect in this broker");
            }
        }
        let store = store(&self.storage)?;
        let changed = store
            .read_settings()
            .map_err(|source| StartError::Storage {
                path: path(&self.storage),
                source,
            })?;
        let mut settings = Settings::new(given, changed).map_err(wrong)?;
        let config = Arc::clone(settings.config());
        let (listeners, sockets) = self.open_listeners(&config).await?;
        let faults_socket = match &self.faults_endpoint {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let metrics = match &self.metrics {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let env = Arc::new(Env::new(self.clock, self.seed));
        let topics = Arc::new(open(store, &self.storage, &config, &env)?);
        settings.note(&[
            ("node.id", config.node_id.to_string()),
            ("listeners", urls(&listeners, Listener::local_url)),
            ("advertised.listeners", urls(&listeners, Listener::url)),
            ("log.dirs", path(&self.storage).display().to_string()),
            ("max.connections", config.connections_max.to_string()),
            ("offsets.topic.replication.factor", "1".to_owned()),
            ("transaction.state.log.replication.factor", "1".to_owned()),
            ("transaction.state.log.min.isr", "1".to_owned()),
            (
                "share.coordinator.state.topic.replication.factor",
                "1".to_owned(),
            ),
            ("share.coordinator.state.topic.min.isr", "1".to_owned()),
        ]);
        let authorizer =
            authorizer(&config, &topics, self.acls).map_err(|source| StartError::Storage {
                path: path(&self.storage),
                source,
            })?;
        let stored_users = topics.store().read_users();
        let stored_users = stored_users.map_err(|source| StartError::Storage {
            path: path(&self.storage),
            source,
        })?;
        let quotas = topics.store().read_quotas();
        let quotas = quotas.map_err(|source| StartError::Storage {
            path: path(&self.storage),
            source,
        })?;
        let tokens = topics.store().read_tokens();
        let tokens = tokens.map_err(|source| StartError::Storage {
            path: path(&self.storage),
            source,
        })?;
        let tokens = DelegationTokens::new(config.delegation.clone(), tokens);
        let stopping = watch::Sender::new(false);
        let settings = Arc::new(Kept::new(settings));
        let groups = Arc::new(Groups::new(&topics, &settings, &env, stopping.subscribe()));
        let node = Arc::new(Node {
            tokens: Kept::new(tokens),
            quotas_change: Mutex::new(()),
            quotas: Mutex::new(Quotas::new(quotas, config.quota_window)),
            authorizer,
            cluster_id: topics.cluster_id().into(),
            listeners,
            users: Kept::new(Users::default()),
            faults: Faults::new(self.journal, self.seed),
            profile: self.profile,
            fetch_sessions: Mutex::new(FetchSessions::new(config.fetch_sessions_max)),
            unserved: Mutex::default(),
            unsent: Unsent::default(),
            cold_reads: Arc::new(Semaphore::new(COLD_READS)),
            files_on_the_way: Arc::new(Semaphore::new(FILES_ON_THE_WAY)),
            requests: Requests::default(),
            telemetry: self.telemetry.then(Mutex::default),
            under_way: Arc::default(),
            stopping,
            settings,
            env,
            topics,
            groups,
        });
        let users = self.users;
        if users.is_empty() && node.tokens().all().is_empty() {
            node.prepare(&[], stored_users);
        } else {
            // Many rounds of hashing for each.
            node.apart(move |node| node.prepare(&users, stored_users))
                .await
                .map_err(|source| StartError::Storage {
                    path: path(&self.storage),
                    source,
                })?;
        }
        node.groups.load().map_err(|refusal| StartError::Storage {
            path: path(&self.storage),
            source: io::Error::new(io::ErrorKind::InvalidData, refusal.message),
        })?;
        let connections = Connections::default();
        let mut tasks = Vec::new();
        for (socket, listener) in sockets.into_iter().zip(&node.listeners) {
            tasks.push(env::spawn(accept(
                Arc::clone(&node),
                connections.clone(),
                socket,
                Arc::clone(listener),
            )));
        }
        let mut faults_address = None;
        if let Some((socket, address)) = faults_socket {
            faults_address = Some(address);
            let serving = endpoint::serve(Arc::clone(&node), socket);
            tasks.push(env::spawn(serving));
        }
        tasks.push(env::spawn(Arc::clone(&node.groups).watch_expiry()));
        tasks.extend(maintenance::start(&node));
        let mut metrics_addr = None;
        if let Some((socket, address)) = metrics {
            metrics_addr = Some(address);
            let node = Arc::clone(&node);
            tasks.push(env::spawn(serve_metrics(node, connections.clone(), socket)));
        }
        Ok(Broker {
            node,
            tls: self.tls,
            connections,
            faults_address,
            metrics_addr,
            tasks,
        })
    }
}

fn urls(listeners: &[Arc<Listener>], url: fn(&Listener) -> String) -> String {
    let urls: Vec<String> = listeners.iter().map(|one| url(one)).collect();
    urls.join(",")
}

fn store(storage: &Storage) -> Result<Store, StartError> {
    let store = match storage {
        Storage::Memory => Ok(Store::Memory),
        Storage::TempDir => Store::temp_dir(),
        Storage::Dir(path) => Store::dir(path.clone()),
        Storage::Disk(disk) => Store::memory_disk(disk),
    };
    store.map_err(|source| StartError::Storage {
        path: path(storage),
        source,
    })
}

fn open(
    store: Store,
    storage: &Storage,
    config: &BrokerConfig,
    env: &Env,
) -> Result<Topics, StartError> {
    Topics::open(store, config, env).map_err(|source| StartError::Storage {
        path: path(storage),
        source,
    })
}

/// The authorizer with the rules of earlier brokers and those of the builder; `None` if there is to
/// be none.
fn authorizer(
    config: &BrokerConfig,
    topics: &Topics,
    acls: Vec<Acl>,
) -> io::Result<Option<Kept<Authorizer>>> {
    let settings = &config.authorizer;
    if !settings.is_on && acls.is_empty() {
        if !topics.store().read_acls()?.is_empty() {
            tracing::warn!(
                "the rules in acls.json have no effect: without authorizer.class.name everybody may \
                 do everything"
            );
        }
        return Ok(None);
    }
    let mut authorizer = Authorizer::new(settings.super_users.clone(), settings.open_without_acls);
    for acl in topics.store().read_acls()?.into_iter().chain(acls) {
        authorizer.add(acl);
    }
    topics.store().write_acls(authorizer.acls())?;
    Ok(Some(Kept::new(authorizer)))
}

fn path(storage: &Storage) -> PathBuf {
    match storage {
        Storage::Memory | Storage::Disk(_) => PathBuf::from("memory"),
        Storage::TempDir => std::env::temp_dir(),
        Storage::Dir(path) => path.clone(),
    }
}

//! The connections that are open, in all and by address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The open connections, counted.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    open: Arc<AtomicUsize>,
    /// Those from each address that has some.
    by_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
    number: Arc<AtomicU64>,
    changed: watch::Sender<()>,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            open: Arc::default(),
            by_address: Arc::default(),
            number: Arc::default(),
            changed: watch::Sender::new(()),
        }
    }
}

impl Connections {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// The number of a connection, from 1 on.
    pub(crate) fn next_number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Resolves once there are none.
    pub(crate) async fn none_left(&self) {
        let mut changed = self.changed.subscribe();
        // The sender lives in `self`.
        let _ = changed.wait_for(|()| self.count() == 0).await;
    }

    /// One more, unless there are so many already.
    pub(crate) fn open(&self, max: usize) -> Option<OpenConnection> {
        self.open
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| {
                (open < max).then_some(open + 1)
            })
            .ok()?;
        Some(OpenConnection {
            all: self.clone(),
            address: None,
        })
    }

    /// The same from an address that may have so many; the property that forbids it otherwise.
    pub(crate) fn open_from(
        &self,
        max: usize,
        address: IpAddr,
        max_of_address: usize,
    ) -> Result<OpenConnection, &'static str> {
        let mut open = self.open(max).ok_or("max.connections")?;
        let address = address.to_canonical();
        let mut by_address = self.by_address();
        let count = by_address.entry(address).or_default();
        if *count < max_of_address {
            *count += 1;
            open.address = Some(address);
            return Ok(open);
        }
        if *count == 0 {
            by_address.remove(&address);
        }
        drop(by_address);
        Err("max.connections.per.ip")
    }

    fn by_address(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        let by_address = self.by_address.lock();
        by_address.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenConnection {
    all: Connections,
    address: Option<IpAddr>,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        if let Some(address) = self.address {
            let mut by_address = self.all.by_address();
            if let Some(count) = by_address.get_mut(&address) {
                *count -= 1;
                if *count == 0 {
                    by_address.remove(&address);
                }
            }
        }
        self.all.open.fetch_sub(1, Ordering::AcqRel);
        self.all.changed.send_replace(());
    }
}

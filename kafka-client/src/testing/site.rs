//! Where the broker of a test is, while it runs and while it does not.

use std::io;
use std::sync::{Arc, Mutex};

use kafka_broker::{Broker, MemoryDisk};

use super::Setup;
use crate::env::{Connector, Dialing, Stream, lock};

/// An embedded broker that may be stopped and started again. Its logs outlive it.
#[derive(Debug)]
pub(super) struct Site {
    setup: Setup,
    pub(super) disk: MemoryDisk,
    running: Mutex<Option<Broker>>,
}

impl Site {
    pub(super) async fn start(setup: Setup) -> Result<Arc<Self>, String> {
        let site = Arc::new(Self {
            setup,
            disk: MemoryDisk::new(),
            running: Mutex::default(),
        });
        site.start_again().await?;
        site.with_broker(|broker| {
            let topics = site.setup.topics.iter();
            let made = topics.map(|(name, partitions)| {
                let made = broker.create_topic(name, *partitions);
                made.map_err(|error| format!("topic {name}: {error}"))
            });
            made.collect::<Result<(), _>>()
        })??;
        Ok(site)
    }

    pub(super) async fn start_again(&self) -> Result<(), String> {
        let builder = Broker::builder()
            .no_listener()
            .disk(&self.disk)
            .property("group.initial.rebalance.delay.ms", "0");
        let properties = self.setup.properties.iter();
        let builder = properties.fold(builder, |builder, (name, value)| {
            builder.property(name, value)
        });
        if lock(&self.running).is_some() {
            return Err("the broker runs already".to_owned());
        }
        let broker = builder.start().await.map_err(|error| error.to_string())?;
        *lock(&self.running) = Some(broker);
        Ok(())
    }

    /// From now on, connections are refused.
    pub(super) fn take(&self) -> Result<Broker, String> {
        lock(&self.running).take().ok_or_else(stopped)
    }

    pub(super) fn with_broker<T>(&self, ask: impl FnOnce(&Broker) -> T) -> Result<T, String> {
        lock(&self.running).as_ref().map(ask).ok_or_else(stopped)
    }
}

fn stopped() -> String {
    "the broker is stopped".to_owned()
}

/// The way there, whatever the address.
pub(super) struct WayTo(pub(super) Arc<Site>);

impl Connector for WayTo {
    fn connect<'a>(&'a self, _host: &'a str, _port: u16) -> Dialing<'a> {
        let stream = self.0.with_broker(Broker::connect);
        Box::pin(async move {
            let refused = |reason| io::Error::new(io::ErrorKind::ConnectionRefused, reason);
            Ok(Box::new(stream.map_err(refused)?) as Box<dyn Stream>)
        })
    }
}

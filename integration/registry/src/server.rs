//! The server: from settings to one that answers.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use kafka_client::Kafka;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::http;
use crate::log::Log;
use crate::service::Service;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on: usually another program does.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: String,
        /// Why not.
        error: io::Error,
    },
    /// The cluster was not reached, or refused something.
    #[error("the cluster: {0}")]
    Cluster(#[from] kafka_client::Error),
    /// The topic was not read to its end.
    #[error("the topic of schemas: {0}")]
    Topic(String),
}

/// Settings of a [`Server`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `start`"]
pub struct Builder {
    bootstrap: String,
    address: String,
    topic: String,
}

/// A registry that runs.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

impl Server {
    /// A server that keeps its schemas in the cluster with these addresses.
    pub fn builder(bootstrap: impl Into<String>) -> Builder {
        Builder {
            bootstrap: bootstrap.into(),
            address: "127.0.0.1:0".to_owned(),
            topic: "_schemas".to_owned(),
        }
    }

    /// The address of its API.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it: requests that have begun are answered first, for some seconds at most.
    ///
    /// # Cancel safety
    /// Cancel safe: it ends in any case.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        // It ends by itself, and a panic in it was told where it happened.
        let _ = self.running.await;
    }
}

impl Builder {
    /// `listeners`: the address to listen on; port 0 takes a free one. Defaults to `127.0.0.1:0`.
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.address = address.into();
        self
    }

    /// `kafkastore.topic`: the topic of schemas. Defaults to `_schemas`.
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.topic = topic.into();
        self
    }

    /// Reads the schemas, and begins to answer.
    ///
    /// # Errors
    /// When the cluster is not reached, or the address is taken.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started. The topic may be made.
    pub async fn start(self) -> Result<Server, StartError> {
        let listener = TcpListener::bind(&self.address).await;
        let bound = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = bound.map_err(|error| StartError::Listen {
            address: self.address.clone(),
            error,
        })?;
        let kafka = Kafka::connect(&self.bootstrap).await?;
        let log = Log::open(&kafka, &self.topic).await?;
        let caught_up = log.catch_up().await;
        caught_up.map_err(|error| StartError::Topic(error.message))?;
        let (stop, stopped) = watch::channel(false);
        let service = Arc::new(Service::new(log));
        let running = tokio::spawn(http::serve(listener, service, stopped));
        Ok(Server {
            address,
            stop,
            running,
        })
    }
}

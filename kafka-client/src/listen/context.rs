//! What all messages of a listener share.

use tokio::sync::OnceCell;

use crate::error::Error;
use crate::producer::{Producer, ProducerBuilder};

/// The state, and the way to write records.
pub(super) struct Context<S> {
    pub(super) state: S,
    pub(super) writer: Writer,
}

/// The producer of a listener, made when it is first needed.
pub(super) struct Writer {
    /// `None` in tests of the user's, which have no cluster.
    builder: Option<ProducerBuilder>,
    producer: OnceCell<Producer>,
}

impl<S> Context<S> {
    pub(super) fn new(state: S, builder: ProducerBuilder) -> Self {
        let writer = Writer {
            builder: Some(builder),
            producer: OnceCell::new(),
        };
        Self { state, writer }
    }

    pub(super) fn without_cluster(state: S) -> Self {
        let writer = Writer {
            builder: None,
            producer: OnceCell::new(),
        };
        Self { state, writer }
    }
}

impl Writer {
    /// # Errors
    /// When the producer's settings are invalid, or there is no cluster.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn producer(&self) -> Result<&Producer, Error> {
        let make = || async {
            match self.builder.clone() {
                Some(builder) => builder.build().await,
                None => Err(Error::config(
                    "a message that was made by `Message::new` has no cluster to publish to",
                )),
            }
        };
        self.producer.get_or_try_init(make).await
    }

    /// The producer, if one was needed.
    pub(super) fn made(&self) -> Option<&Producer> {
        self.producer.get()
    }
}

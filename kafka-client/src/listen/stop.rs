//! The end of a listener, told to all that waits.

use tokio::sync::watch;

/// Set once.
#[derive(Debug)]
pub(super) struct Stop(watch::Sender<bool>);

impl Stop {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(super) fn set(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it is set.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn wait(&self) {
        // The sender lives in `self`.
        let _ = self.0.subscribe().wait_for(|is_set| *is_set).await;
    }
}

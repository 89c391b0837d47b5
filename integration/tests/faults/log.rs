//! What the client says in its log.

use std::io;
use std::sync::{Arc, Mutex, Once};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What the client says, on this thread.
pub(super) struct Log {
    text: Arc<Mutex<Vec<u8>>>,
    _subscribed: DefaultGuard,
}

struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(super) fn capture() -> Self {
        Self::capture_at("kafka_client=warn")
    }

    /// By a filter of `tracing`'s.
    pub(super) fn capture_at(filter: &str) -> Self {
        // Whether anybody wants an event is remembered for the whole process. A test of another thread, which
        // has no subscriber, may be the first to come to it, just now: so there is one that wants all.
        static EVERYWHERE: Once = Once::new();
        EVERYWHERE.call_once(|| {
            let nowhere = tracing_subscriber::fmt().with_max_level(LevelFilter::INFO);
            nowhere.with_writer(io::sink).init();
        });
        let text = Arc::<Mutex<Vec<u8>>>::default();
        let lines = text.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_ansi(false)
            .without_time()
            .with_writer(move || Lines(lines.clone()))
            .finish();
        Self {
            text,
            _subscribed: tracing::subscriber::set_default(subscriber),
        }
    }

    /// The lines since the last call.
    pub(super) fn take(&self) -> Vec<String> {
        let text = std::mem::take(&mut *self.text.lock().unwrap());
        let text = String::from_utf8(text).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

//! All that is logged, to be searched for secrets.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};

use tracing_subscriber::fmt::MakeWriter;

/// All that was logged in this program, at TRACE.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Begins to write down what is logged, unless that is done already.
    pub(crate) fn begin() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        let begin = || {
            let log = Self::default();
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_ansi(false)
                .with_writer(log.clone())
                .init();
            log
        };
        LOG.get_or_init(begin).clone()
    }

    /// How many lines have these words, and those: the other tests of the program write here as well.
    pub(crate) fn count(&self, words: &str, of: &str) -> usize {
        self.lines(words, of).len()
    }

    /// Those lines.
    pub(crate) fn lines(&self, words: &str, of: &str) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        text.lines()
            .filter(|line| line.contains(words) && line.contains(of))
            .map(str::to_owned)
            .collect()
    }

    /// That none of these is to be read in it, though there is something.
    pub(crate) fn has_none_of(&self, secrets: &[&str]) {
        let text = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        assert!(
            text.contains("TRACE") || text.contains("DEBUG"),
            "nothing is logged"
        );
        for secret in secrets {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret}");
        }
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

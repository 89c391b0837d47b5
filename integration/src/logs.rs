//! Logs that outlive a test: of our clients, and of the Java programs that it starts. They are kept if
//! `KAFKA_TEST_LOGS` names a directory; it is for those who look for the reason of a failure.

use std::fs::File;
use std::path::PathBuf;

use tracing_subscriber::EnvFilter;

/// A file in that directory, beginning with `name`; `None` if none are kept or it cannot be made.
pub(crate) fn file(name: &str, id: u32) -> Option<File> {
    let directory = PathBuf::from(std::env::var_os("KAFKA_TEST_LOGS")?);
    std::fs::create_dir_all(&directory).ok()?;
    File::create(directory.join(format!("{name}-{id}.log"))).ok()
}

/// Has what this program's clients say (at DEBUG) written to a file, if logs are kept.
pub fn keep(name: &str) {
    if let Some(file) = file(name, std::process::id()) {
        // Fails only if the test has a subscriber of its own.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("kafka_client=debug"))
            .with_ansi(false)
            .with_writer(file)
            .try_init();
    }
}

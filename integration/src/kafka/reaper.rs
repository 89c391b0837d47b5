//! Removes a container when this process ends, however it ends.
//!
//! A container that a whole test binary shares lives in a static, and statics are never dropped.
//! Signal handlers would miss an abort, a `kill -9` and the plain end of the process. So a small
//! shell waits for the end of its standard input, a pipe whose other end only this process holds:
//! the operating system closes it in all of these cases, and the shell removes the container.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use super::KafkaError;

/// Removes the container when dropped, or when the process ends without dropping it.
#[derive(Debug)]
pub(super) struct Reaper {
    shell: Child,
}

impl Reaper {
    /// To be called before the container of that name exists, so that no moment is left in which a
    /// death would leak it.
    ///
    /// # Errors
    /// There is no `docker` command, or no engine that answers it.
    pub(super) fn watch(container: &str) -> Result<Self, KafkaError> {
        const SCRIPT: &str = r#"
            command -v docker > /dev/null || { echo command; exit; }
            docker version > /dev/null 2>&1 || { echo engine; exit; }
            echo watching
            cat > /dev/null
            docker rm --force --volumes "$1" > /dev/null 2>&1
        "#;
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh", container])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C in a terminal goes to the whole group, and must not end the shell too.
            .process_group(0)
            .spawn()
            .map_err(KafkaError::io("cannot run sh"))?;

        let mut state = String::new();
        if let Some(stdout) = shell.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut state)
                .map_err(KafkaError::io("cannot read from sh"))?;
        }
        let reaper = Self { shell };
        match state.trim_end() {
            "watching" => Ok(reaper),
            "engine" => Err(KafkaError::NoEngine),
            _ => Err(KafkaError::NoDockerCommand),
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

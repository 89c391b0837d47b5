//! The clients in other languages: programs beside this one, which read the same jobs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// How such a program is started; the job is its last argument.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    path: PathBuf,
    arguments: Vec<String>,
}

impl Program {
    /// This program itself.
    pub(crate) fn this() -> std::io::Result<Self> {
        Ok(Self {
            path: std::env::current_exe()?,
            arguments: vec!["worker".to_owned()],
        })
    }

    /// The program with another argument than a job.
    pub(crate) fn plain(&self, argument: &str) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).arg(argument);
        command
    }

    pub(crate) fn command(&self, job: &str) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.path);
        command.args(&self.arguments).arg(job);
        command
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Builds the Go program, or says why not.
pub(crate) fn franz_go() -> Result<Program, String> {
    let path = std::env::current_exe()
        .map_err(|error| error.to_string())?
        .with_file_name("kafka-bench-franz-go");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&path)
        .arg(".")
        .current_dir(source("go"))
        .output()
        .map_err(|error| format!("`go` does not run: {error}"))?;
    match built.status.success() {
        true => Ok(Program {
            path,
            arguments: Vec::new(),
        }),
        false => Err(format!(
            "`go build` failed: {}",
            String::from_utf8_lossy(&built.stderr).trim()
        )),
    }
}

/// Looks for `java` and `KAFKA_JARS`, or says what is missing; `program` is a file in `java`.
pub(crate) fn java(program: &str) -> Result<Program, String> {
    let jars = std::env::var("KAFKA_JARS")
        .map_err(|_| "KAFKA_JARS is not set; `.ci/jars` fetches them and prints it".to_owned())?;
    Command::new("java")
        .arg("-version")
        .output()
        .map_err(|error| format!("`java` does not run: {error}"))?;
    Ok(Program {
        path: "java".into(),
        arguments: vec![
            "-cp".to_owned(),
            format!("{jars}/*"),
            source("java").join(program).display().to_string(),
        ],
    })
}

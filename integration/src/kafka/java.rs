use std::{
    env,
    ffi::OsStr,
    fmt,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

use super::KafkaError;
use crate::logs;

/// Apache Kafka's command-line tools, by the Java classes behind the scripts.
pub mod class {
    /// `kafka-topics.sh`.
    pub const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";
    /// `kafka-console-producer.sh`.
    pub const CONSOLE_PRODUCER: &str = "org.apache.kafka.tools.ConsoleProducer";
    /// `kafka-console-consumer.sh`.
    pub const CONSOLE_CONSUMER: &str = "org.apache.kafka.tools.consumer.ConsoleConsumer";
    /// `kafka-consumer-groups.sh`.
    pub const CONSUMER_GROUPS: &str = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
    /// `kafka-groups.sh`.
    pub const GROUPS: &str = "org.apache.kafka.tools.GroupsCommand";
    /// `kafka-dump-log.sh`.
    pub const DUMP_LOG: &str = "org.apache.kafka.tools.DumpLogSegments";
    /// `kafka-broker-api-versions.sh`.
    pub const API_VERSIONS: &str = "org.apache.kafka.tools.BrokerApiVersionsCommand";
    /// `kafka-configs.sh`.
    pub const CONFIGS: &str = "kafka.admin.ConfigCommand";
    /// `kafka-acls.sh`.
    pub const ACLS: &str = "org.apache.kafka.tools.AclCommand";
    /// `kafka-delegation-tokens.sh`.
    pub const DELEGATION_TOKENS: &str = "org.apache.kafka.tools.DelegationTokenCommand";
    /// `kafka-delete-records.sh`.
    pub const DELETE_RECORDS: &str = "org.apache.kafka.tools.DeleteRecordsCommand";
    /// `kafka-get-offsets.sh`.
    pub const GET_OFFSETS: &str = "org.apache.kafka.tools.GetOffsetShell";
    /// `kafka-producer-perf-test.sh`.
    pub const PRODUCER_PERFORMANCE: &str = "org.apache.kafka.tools.ProducerPerformance";
    /// `kafka-consumer-perf-test.sh`.
    pub const CONSUMER_PERFORMANCE: &str = "org.apache.kafka.tools.ConsumerPerformance";
    /// `kafka-verifiable-consumer.sh`: a group member that reports each assignment as a line of JSON.
    pub const VERIFIABLE_CONSUMER: &str = "org.apache.kafka.tools.VerifiableConsumer";
    /// `kafka-storage.sh`.
    pub const STORAGE: &str = "kafka.tools.StorageTool";
    /// `kafka-server-start.sh`.
    pub const SERVER: &str = "kafka.Kafka";
}

/// Runs programs from Apache Kafka's jars: its tools, and single Java source files that use them.
#[derive(Clone, Debug)]
pub struct JavaTools {
    jars: PathBuf,
    limit: Duration,
}

impl JavaTools {
    /// With the jars in the directory that `KAFKA_JARS` names.
    ///
    /// # Errors
    /// It is not set, or there is no `kafka-clients` jar in it.
    pub fn from_env() -> Result<Self, KafkaError> {
        Self::find(env::var_os("KAFKA_JARS").as_deref())
    }

    /// How long [`run`](Self::run) waits for a tool to end. Defaults to 60 s.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The directory that holds the jars.
    pub fn jars(&self) -> &Path {
        &self.jars
    }

    /// Runs a tool to its end, with `stdin` as its whole input. `class` is a class name (see
    /// [`class`]) or the path of a `.java` file.
    ///
    /// # Errors
    /// It could not be started, or has not ended within the time limit; then it is killed. Its exit
    /// status is not judged: see [`Output::success`].
    ///
    /// # Cancel safety
    /// Dropping the future kills the tool.
    pub async fn run(
        &self,
        class: &str,
        args: &[&str],
        stdin: &[u8],
    ) -> Result<Output, KafkaError> {
        let mut process = self.spawn(class, args)?;
        let done = async {
            if let Some(mut input) = process.stdin.take() {
                // A tool may end before it has read everything, which is its own business.
                let _ = input.write_all(stdin).await;
            }
            process.wait().await
        };
        match timeout(self.limit, done).await {
            Ok(output) => output,
            Err(_) => Err(process.timed_out("end", self.limit)),
        }
    }

    /// Starts a tool that goes on until it is told to stop.
    ///
    /// # Errors
    /// There is no `java`, or it could not be started.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn(&self, class: &str, args: &[&str]) -> Result<JavaProcess, KafkaError> {
        self.spawn_with(&[], class, args)
    }

    /// Like [`spawn`](Self::spawn), with options for the virtual machine.
    pub(super) fn spawn_with(
        &self,
        options: &[&str],
        class: &str,
        args: &[&str],
    ) -> Result<JavaProcess, KafkaError> {
        let mut child = Command::new("java")
            .arg("-cp")
            .arg(self.jars.join("*"))
            // These programs live for seconds: the optimising compiler costs more than it brings.
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"])
            .args(options)
            .arg(class)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => KafkaError::NoJava,
                _ => KafkaError::io("cannot run java")(error),
            })?;
        let (lines, _) = watch::channel(Lines::default());
        let name = class.rsplit('.').next().unwrap_or(class);
        let log = child.id().and_then(|id| logs::file(name, id)).map(Arc::new);
        let readers = vec![
            follow(child.stdout.take(), &lines, Stream::Out, log.clone()),
            follow(child.stderr.take(), &lines, Stream::Err, log),
        ];
        Ok(JavaProcess {
            class: class.to_owned(),
            stdin: child.stdin.take(),
            // No sender stays here: the channel closes when both streams have ended.
            lines: lines.subscribe(),
            readers,
            child,
        })
    }

    fn find(jars: Option<&OsStr>) -> Result<Self, KafkaError> {
        let missing = |problem: String| KafkaError::NoJars { problem };
        let jars = PathBuf::from(jars.ok_or_else(|| missing("is not set".to_owned()))?);
        let mut names = jars
            .read_dir()
            .map_err(|error| {
                missing(format!(
                    "is {}, which cannot be read ({error})",
                    jars.display()
                ))
            })?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        if !names.any(|name| name.starts_with("kafka-clients-")) {
            let problem = format!("is {}, where no kafka-clients jar is", jars.display());
            return Err(missing(problem));
        }
        Ok(Self {
            jars,
            limit: Duration::from_secs(60),
        })
    }
}

/// What a tool wrote, and how it ended.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output, line ends as `\n`.
    pub stdout: String,
    /// Standard error, line ends as `\n`.
    pub stderr: String,
    class: String,
}

impl Output {
    /// Itself if the tool ended well.
    ///
    /// # Errors
    /// The exit status is not zero; the error carries what the tool wrote.
    pub fn success(self) -> Result<Self, KafkaError> {
        if self.status.success() {
            Ok(self)
        } else {
            Err(KafkaError::Failed {
                class: self.class.clone(),
                output: self,
            })
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}{}", self.status, self.stdout, self.stderr)
    }
}

/// A running Java program. Killed when dropped.
#[derive(Debug)]
pub struct JavaProcess {
    class: String,
    stdin: Option<ChildStdin>,
    lines: watch::Receiver<Lines>,
    readers: Vec<JoinHandle<()>>,
    child: Child,
}

impl JavaProcess {
    /// The process's id, as long as it was not seen to end.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The lines on standard output so far.
    pub fn stdout(&self) -> Vec<String> {
        self.lines.borrow().of(Stream::Out)
    }

    /// The lines on standard error so far.
    pub fn stderr(&self) -> Vec<String> {
        self.lines.borrow().of(Stream::Err)
    }

    /// Waits until the lines on standard output so far satisfy `wanted`, and returns them.
    /// `awaited` names that in the error.
    ///
    /// # Errors
    /// The program ended, or `limit` has passed, before it was so.
    ///
    /// # Cancel safety
    /// Safe: no line is lost.
    pub async fn wait_for(
        &mut self,
        awaited: &str,
        limit: Duration,
        mut wanted: impl FnMut(&[String]) -> bool,
    ) -> Result<Vec<String>, KafkaError> {
        let seen = timeout(
            limit,
            self.lines.wait_for(|lines| wanted(&lines.of(Stream::Out))),
        )
        .await
        .map(|closed| closed.map(|lines| lines.of(Stream::Out)));
        match seen {
            Ok(Ok(lines)) => Ok(lines),
            Ok(Err(_)) => Err(KafkaError::Ended {
                class: self.class.clone(),
                awaited: awaited.to_owned(),
                written: self.lines.borrow().mixed(),
            }),
            Err(_) => Err(self.timed_out(awaited, limit)),
        }
    }

    /// Writes a line to standard input.
    ///
    /// # Errors
    /// The program has ended, or [`close_stdin`](Self::close_stdin) was called.
    ///
    /// # Cancel safety
    /// Not safe: part of the line may be written.
    pub async fn send_line(&mut self, line: &str) -> Result<(), KafkaError> {
        let what = || format!("cannot write to {}", self.class);
        let Some(stdin) = &mut self.stdin else {
            return Err(KafkaError::io(what())(
                std::io::ErrorKind::BrokenPipe.into(),
            ));
        };
        let written = stdin.write_all(format!("{line}\n").as_bytes()).await;
        written.map_err(KafkaError::io(what()))
    }

    /// Ends standard input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Asks the program to end (SIGTERM), as a user would; a consumer then leaves its group.
    ///
    /// # Errors
    /// It has not ended within `limit`; then it is killed.
    ///
    /// # Cancel safety
    /// Dropping the future kills the program.
    pub async fn terminate(mut self, limit: Duration) -> Result<Output, KafkaError> {
        // No id: it has ended already.
        if let Some(pid) = self
            .child
            .id()
            .and_then(|id| Pid::from_raw(id.try_into().ok()?))
        {
            kill_process(pid, Signal::TERM)
                .map_err(|errno| KafkaError::io("cannot send SIGTERM")(errno.into()))?;
        }
        match timeout(limit, self.wait()).await {
            Ok(output) => output,
            Err(_) => Err(self.timed_out("end after SIGTERM", limit)),
        }
    }

    /// Ends the program at once (SIGKILL).
    ///
    /// # Errors
    /// The operating system refused.
    ///
    /// # Cancel safety
    /// Dropping the future kills the program.
    pub async fn kill(mut self) -> Result<Output, KafkaError> {
        self.child
            .start_kill()
            .map_err(KafkaError::io("cannot send SIGKILL"))?;
        self.wait().await
    }

    /// Waits until the program has ended by itself.
    ///
    /// # Errors
    /// The operating system refused.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn wait(&mut self) -> Result<Output, KafkaError> {
        let status = self
            .child
            .wait()
            .await
            .map_err(KafkaError::io("cannot wait for java"))?;
        // What it wrote last may still be in the pipes.
        for reader in &mut self.readers {
            if !reader.is_finished() {
                let _ = reader.await;
            }
        }
        let lines = self.lines.borrow();
        let text = |stream| -> String {
            lines
                .of(stream)
                .into_iter()
                .map(|line| line + "\n")
                .collect()
        };
        Ok(Output {
            status,
            stdout: text(Stream::Out),
            stderr: text(Stream::Err),
            class: self.class.clone(),
        })
    }

    fn timed_out(&self, awaited: &str, after: Duration) -> KafkaError {
        KafkaError::TimedOut {
            class: self.class.clone(),
            awaited: awaited.to_owned(),
            after,
            written: self.lines.borrow().mixed(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

/// Both streams in the order in which their lines came.
#[derive(Debug, Default)]
struct Lines(Vec<(Stream, String)>);

impl Lines {
    fn of(&self, wanted: Stream) -> Vec<String> {
        let of = self.0.iter().filter(|(stream, _)| *stream == wanted);
        of.map(|(_, line)| line.clone()).collect()
    }

    fn mixed(&self) -> String {
        self.0.iter().map(|(_, line)| format!("{line}\n")).collect()
    }
}

fn follow(
    from: Option<impl AsyncRead + Send + Unpin + 'static>,
    to: &watch::Sender<Lines>,
    stream: Stream,
    log: Option<Arc<File>>,
) -> JoinHandle<()> {
    let to = to.clone();
    tokio::spawn(async move {
        let Some(from) = from else { return };
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        // Bytes, not text: records on standard output need not be UTF-8.
        while matches!(from.read_until(b'\n', &mut line).await, Ok(1..)) {
            if let Some(mut log) = log.as_deref() {
                // Whoever has no room for it misses it.
                let _ = log.write_all(&line);
            }
            let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
            to.send_modify(|lines| lines.0.push((stream, text.into_owned())));
            line.clear();
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(jars: Option<&OsStr>) -> String {
        JavaTools::find(jars).expect_err("no jars").to_string()
    }

    #[test]
    fn missing_jars_are_explained_in_one_line() {
        let unset = refusal(None);
        assert_eq!(
            unset,
            "KAFKA_JARS is not set: run `export KAFKA_JARS=$(.ci/jars)` in the repository"
        );
        let empty = tempfile::tempdir().unwrap();
        let empty = refusal(Some(empty.path().as_os_str()));
        assert!(
            empty.contains("where no kafka-clients jar is: run `export"),
            "{empty}"
        );
        let absent = refusal(Some(OsStr::new("/nonexistent/jars")));
        assert!(
            absent.contains("/nonexistent/jars, which cannot be read"),
            "{absent}"
        );
        assert!(!(unset + &empty + &absent).contains('\n'));
    }
}

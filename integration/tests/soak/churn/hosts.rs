//! Programs that host members of the group, and what they tell.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard};

use integration::kafka::JavaTools;
use integration::member::{self, Settings, now};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::history::{Event, Life, Silence, What};

/// Whose client it is, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Ours, in the process of the test.
    Ours,
    /// Ours, in a process of its own.
    OursApart,
    Java,
    Librdkafka,
}

impl Kind {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::OursApart => "ours-apart",
            Self::Java => "java",
            Self::Librdkafka => "librdkafka",
        }
    }
}

/// What all members have told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) lives: Vec<Life>,
    by_name: HashMap<String, usize>,
    /// How often each record was handled, by partition and offset.
    pub(super) handled: Vec<Vec<u32>>,
    /// How many were handled at least once.
    pub(super) distinct: u64,
    /// Every line, as it came.
    log: Option<File>,
}

/// [`Told`], shared with those who listen.
#[derive(Debug, Clone, Default)]
pub(super) struct World(Arc<Mutex<Told>>);

impl World {
    /// With a file for all that is told.
    pub(super) fn new(log: &Path) -> Self {
        let world = Self::default();
        world.told().log = Some(File::create(log).unwrap());
        world
    }

    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap()
    }

    pub(super) fn born(&self, life: Life) {
        let mut told = self.told();
        let number = told.lives.len();
        told.by_name.insert(life.name.clone(), number);
        told.lives.push(life);
    }

    pub(super) fn silent(&self, name: &str, silence: Silence) {
        let mut told = self.told();
        let number = told.by_name[name];
        told.lives[number].silences.push(silence);
    }

    /// The last silence of a member is over.
    pub(super) fn woken(&self, name: &str, at: u64) {
        let mut told = self.told();
        let number = told.by_name[name];
        let silence = told.lives[number].silences.last_mut();
        silence.expect("it was silent").until = Some(at);
    }

    pub(super) fn has_left(&self, name: &str) -> bool {
        let told = self.told();
        told.lives[told.by_name[name]].left()
    }

    /// Takes a line in. One that a program was killed in the middle of is none.
    fn note(&self, line: &str) {
        let Ok(value) = serde_json::from_str::<Value>(line) else {
            return;
        };
        let event = Event::parse(&value);
        let mut told = self.told();
        let told = &mut *told;
        if let What::Handled { ranges, .. } = &event.what {
            for (partition, first, last) in ranges {
                let partition = *partition as usize;
                if told.handled.len() <= partition {
                    told.handled.resize(partition + 1, Vec::new());
                }
                let handled = &mut told.handled[partition];
                for offset in *first as usize..=*last as usize {
                    if handled.len() <= offset {
                        handled.resize(offset + 1, 0);
                    }
                    told.distinct += u64::from(handled[offset] == 0);
                    handled[offset] += 1;
                }
            }
        }
        if let Some(log) = &mut told.log {
            writeln!(log, "{line}").unwrap();
        }
        let name = value["member"].as_str().unwrap();
        told.lives[told.by_name[name]].events.push(event);
    }
}

/// How to start each kind.
#[derive(Debug)]
pub(super) struct Programs {
    settings: Settings,
    jars: PathBuf,
    classes: TempDir,
    librdkafka: Option<PathBuf>,
}

impl Programs {
    /// Compiles Java's.
    pub(super) async fn new(settings: Settings) -> Self {
        let jars = JavaTools::from_env().unwrap().jars().to_owned();
        let classes = TempDir::with_prefix("member-").unwrap();
        let names = jars.read_dir().unwrap().map(|entry| entry.unwrap().path());
        let is_clients = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("kafka-clients-")
        };
        let clients = names.into_iter().find(is_clients).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("java/Member.java");
        let compiled = Command::new("java")
            .args(["-m", "jdk.compiler/com.sun.tools.javac.Main", "-cp"])
            .arg(clients)
            .arg("-d")
            .args([classes.path(), &source])
            .status();
        assert!(compiled.await.unwrap().success(), "Member.java");
        let librdkafka = std::env::var_os("KAFKA_TEST_LIBRDKAFKA_MEMBER").map(PathBuf::from);
        if librdkafka.is_none() {
            println!(
                "KAFKA_TEST_LIBRDKAFKA_MEMBER is not set: no members of librdkafka. To have them: \
                 `cargo build -p librdkafka-member` and the path of that program"
            );
        }
        Self {
            settings,
            jars,
            classes,
            librdkafka,
        }
    }

    pub(super) fn has(&self, kind: Kind) -> bool {
        kind != Kind::Librdkafka || self.librdkafka.is_some()
    }

    fn command(&self, kind: Kind) -> Command {
        let mut command = match kind {
            Kind::Ours => unreachable!("no program"),
            Kind::OursApart => Command::new(env!("CARGO_BIN_EXE_group-member")),
            Kind::Librdkafka => Command::new(self.librdkafka.as_ref().unwrap()),
            Kind::Java => {
                let mut path = self.jars.join("*").into_os_string();
                path.push(":");
                path.push(self.classes.path());
                let mut command = Command::new("java");
                command
                    .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"])
                    .arg("-Dorg.apache.logging.log4j.level=ERROR")
                    .arg("-cp")
                    .arg(path)
                    .arg("Member");
                command
            }
        };
        command.args(self.settings.arguments());
        command
    }

    pub(super) fn start(&self, kind: Kind, world: &World) -> Host {
        let world = world.clone();
        if kind == Kind::Ours {
            let (commands, received) = mpsc::unbounded_channel();
            let tell = Arc::new(move |line: String| world.note(&line));
            let members = member::host(self.settings.clone(), received, tell);
            tokio::spawn(members);
            return Host::Here(commands);
        }
        let mut process = self
            .command(kind)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        let listener = tokio::spawn(async move {
            let mut lines = out.lines();
            while let Ok(Some(line)) = lines.next_line().await {
                world.note(&line);
            }
        });
        let input = process.stdin.take().unwrap();
        Host::Apart {
            process: Box::new(process),
            input,
            listener,
        }
    }
}

/// Where members live. A process is killed when it is dropped.
#[derive(Debug)]
pub(super) enum Host {
    Here(mpsc::UnboundedSender<String>),
    Apart {
        process: Box<Child>,
        input: ChildStdin,
        listener: JoinHandle<()>,
    },
}

impl Host {
    pub(super) async fn command(&mut self, command: &str) {
        match self {
            Self::Here(commands) => commands.send(command.to_owned()).unwrap(),
            Self::Apart { input, .. } => {
                let line = format!("{command}\n");
                input.write_all(line.as_bytes()).await.unwrap();
            }
        }
    }

    /// SIGSTOP or SIGCONT, and when.
    pub(super) fn signal(&self, signal: Signal) -> u64 {
        let Self::Apart { process, .. } = self else {
            unreachable!("the test itself is not stopped")
        };
        let at = now();
        let id = process.id().expect("it lives").cast_signed();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
        at
    }

    /// SIGKILL, and when.
    pub(super) async fn kill(self) -> u64 {
        let Self::Apart {
            mut process,
            input,
            listener,
        } = self
        else {
            unreachable!("the test itself is not killed")
        };
        let at = now();
        process.kill().await.unwrap();
        drop(input);
        listener.await.unwrap();
        at
    }

    /// Without members: it ends by itself.
    pub(super) async fn end(self) {
        if let Self::Apart {
            mut process,
            input,
            listener,
        } = self
        {
            drop(input);
            assert!(process.wait().await.unwrap().success());
            listener.await.unwrap();
        }
    }
}

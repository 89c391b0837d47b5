//! A realm of Kerberos: a KDC of MIT's, and Apache Kafka as a service of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::kafka::{KafkaError, NativeKafka, free_ports};

/// The name of the realm.
pub const REALM: &str = "KAFKA.TEST";

/// Where Debian has the programs of the KDC.
const PATH: &str = "/usr/sbin:/usr/local/sbin:/sbin:/usr/bin:/bin:/usr/local/bin";

/// A realm in a temporary directory, whose KDC listens on a free port. The KDC ends when it is dropped. Needs
/// `krb5kdc`, `kdb5_util`, `kadmin.local` and `kinit`.
#[derive(Debug)]
pub struct Realm {
    _kdc: Child,
    files: TempDir,
}

/// How a ticket is got with [`Realm::kinit`].
#[derive(Debug, Clone, Copy)]
pub struct Ticket<'a> {
    /// Whose it is.
    pub principal: &'a str,
    /// The principal's keytab.
    pub keytab: &'a Path,
    /// How long it is good for.
    pub life: Duration,
    /// The cache that it is put in.
    pub cache: &'a Path,
}

impl Realm {
    /// Makes a realm whose tickets live for so long, unless less is asked for.
    ///
    /// # Errors
    /// When a program is not there, or fails.
    ///
    /// # Cancel safety
    /// Dropping the future ends the KDC.
    pub async fn start(ticket_life: Duration) -> Result<Self, KafkaError> {
        let files = TempDir::with_prefix("realm-").map_err(KafkaError::io("realm"))?;
        let [port] = free_ports()?;
        let at = files.path().display();
        let kdc_conf = format!(
            "[kdcdefaults]\n kdc_listen = 127.0.0.1:{port}\n kdc_tcp_listen = 127.0.0.1:{port}\n\
             [realms]\n {REALM} = {{\n  database_name = {at}/principals\n  key_stash_file = {at}/stash\n  \
             acl_file = {at}/acl\n  max_life = 1d\n }}\n[logging]\n kdc = FILE:{at}/kdc.log\n"
        );
        fs::write(files.path().join("kdc.conf"), kdc_conf).map_err(KafkaError::io("kdc.conf"))?;
        write_configuration(&files.path().join("krb5.conf"), port, ticket_life)?;
        let program = |name: &str| program(name, files.path(), &files.path().join("krb5.conf"));
        let mut create = program("kdb5_util");
        create.args(["create", "-s", "-r", REALM, "-P", "of no importance"]);
        succeed(create).await?;
        let mut kdc = program("krb5kdc")
            .arg("-n")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(KafkaError::io("krb5kdc"))?;
        let mut lines = BufReader::new(kdc.stderr.take().expect("it is piped")).lines();
        loop {
            let line = lines.next_line().await.map_err(KafkaError::io("krb5kdc"))?;
            let line = line.ok_or_else(|| failed("krb5kdc has ended"))?;
            if line.contains("starting") {
                break;
            }
        }
        // Or it stops where it writes.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { _kdc: kdc, files })
    }

    /// `krb5.conf` of this realm.
    pub fn configuration(&self) -> PathBuf {
        self.files.path().join("krb5.conf")
    }

    /// Another one, which leads to a KDC on another port of this machine.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn configuration_with_kdc(&self, port: u16) -> Result<PathBuf, KafkaError> {
        let path = self.files.path().join(format!("krb5-{port}.conf"));
        write_configuration(&path, port, Duration::from_secs(3600))?;
        Ok(path)
    }

    /// The name of a file for a cache or the like.
    pub fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Makes a principal and a keytab with its key; if there is such a principal already, it gets another key, and
    /// the keytab has that alone.
    ///
    /// # Errors
    /// When the KDC's tool fails.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the principal made or not.
    pub async fn keytab(&self, principal: &str, file: &str) -> Result<PathBuf, KafkaError> {
        let path = self.file(file);
        let _ = fs::remove_file(&path);
        let add = format!("addprinc -randkey {principal}");
        let key = format!("ktadd -k {} {principal}", path.display());
        for query in [add, key] {
            let mut tool = self.program("kadmin.local");
            tool.args(["-r", REALM, "-q", &query]);
            succeed(tool).await?;
        }
        match path.exists() {
            true => Ok(path),
            false => Err(failed(&format!(
                "kadmin.local has made no keytab for {principal}"
            ))),
        }
    }

    /// Gets a ticket.
    ///
    /// # Errors
    /// When there is none.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the cache with the ticket or without.
    pub async fn kinit(&self, ticket: Ticket<'_>) -> Result<(), KafkaError> {
        let mut tool = self.program("kinit");
        tool.arg("-l").arg(format!("{}s", ticket.life.as_secs()));
        tool.arg("-c").arg(ticket.cache);
        tool.arg("-k").arg("-t").arg(ticket.keytab);
        tool.arg(ticket.principal);
        succeed(tool).await
    }

    fn program(&self, name: &str) -> Command {
        program(name, self.files.path(), &self.configuration())
    }
}

fn program(name: &str, files: &Path, configuration: &Path) -> Command {
    let mut command = Command::new(name);
    command
        .env("PATH", PATH)
        .env("KRB5_CONFIG", configuration)
        .env("KRB5_KDC_PROFILE", files.join("kdc.conf"));
    command
}

fn write_configuration(path: &Path, port: u16, ticket_life: Duration) -> Result<(), KafkaError> {
    let life = ticket_life.as_secs();
    // By TCP, as the port is free for that.
    let text = format!(
        "[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n \
         dns_canonicalize_hostname = false\n rdns = false\n udp_preference_limit = 1\n ticket_lifetime = {life}s\n\
         [realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{port}\n }}\n[domain_realm]\n localhost = {REALM}\n"
    );
    fs::write(path, text).map_err(KafkaError::io("krb5.conf"))
}

async fn succeed(mut command: Command) -> Result<(), KafkaError> {
    let output = command.kill_on_drop(true).output().await;
    let output = output.map_err(KafkaError::io(format!("{command:?}")))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(&format!(
            "{command:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ))),
    }
}

fn failed(what: &str) -> KafkaError {
    KafkaError::io("Kerberos")(std::io::Error::other(what.to_owned()))
}

/// One node of Apache Kafka as a child process, which is the service `kafka/localhost` of a realm on a listener
/// `SASL_PLAINTEXT`.
#[derive(Debug)]
pub struct KerberosKafka {
    _node: NativeKafka,
    port: u16,
}

impl KerberosKafka {
    /// The principal of the broker.
    pub const PRINCIPAL: &str = "kafka/localhost";

    /// Starts a node with these settings on top.
    ///
    /// # Errors
    /// As [`NativeKafka::start`], and when the KDC's tool fails.
    ///
    /// # Cancel safety
    /// Dropping the future kills the node.
    pub async fn start_with(realm: &Realm, settings: &[(&str, &str)]) -> Result<Self, KafkaError> {
        let keytab = realm.keytab(Self::PRINCIPAL, "broker.keytab").await?;
        let [controller, plain, port] = free_ports()?;
        let listeners = format!(
            "PLAINTEXT://127.0.0.1:{plain},SASL_PLAINTEXT://localhost:{port},\
             CONTROLLER://127.0.0.1:{controller}"
        );
        let jaas = format!(
            "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true \
             keyTab=\"{}\" principal=\"{}@{REALM}\";",
            keytab.display(),
            Self::PRINCIPAL
        );
        let voters = format!("1@127.0.0.1:{controller}");
        let mut all = vec![
            ("listeners", listeners.as_str()),
            ("controller.quorum.voters", &voters),
            (
                "listener.security.protocol.map",
                "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
            ),
            ("sasl.enabled.mechanisms", "GSSAPI"),
            ("sasl.kerberos.service.name", "kafka"),
            (
                "listener.name.sasl_plaintext.gssapi.sasl.jaas.config",
                &jaas,
            ),
        ];
        all.extend(settings);
        let option = format!(
            "-Djava.security.krb5.conf={}",
            realm.configuration().display()
        );
        let node = NativeKafka::start_with_options(&[&option], &all).await?;
        Ok(Self { _node: node, port })
    }

    /// `host:port` of the listener.
    pub fn bootstrap(&self) -> String {
        format!("localhost:{}", self.port)
    }
}

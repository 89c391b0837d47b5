//! Clients that are not ours, on the reference broker: librdkafka by confluent-kafka for Python, and by kcat.
//! Java's tools are tested with the broker itself.

use std::path::Path;
use std::process::{Output, Stdio};

use integration::security::{Certificate, PASSWORD, USER, Validity};
use tempfile::tempdir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::site::{Embedded, Site};

/// Each protocol with each mechanism, as properties of librdkafka.
fn cells(site: &impl Site, files: &Path) -> Vec<(String, Vec<String>)> {
    let write = |name: &str, text: String| {
        let path = files.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let ca = write("ca.pem", site.authority().certificate());
    let Certificate { chain, key } = site.authority().client(USER, Validity::Now);
    let (chain, key) = (write("client.pem", chain), write("client.key", key));
    let cell = |listener: &str, protocol: &str, more: Vec<String>| {
        let mut properties = vec![
            format!("bootstrap.servers={}", site.bootstrap(listener)),
            format!("security.protocol={protocol}"),
        ];
        if protocol.contains("SSL") {
            properties.push(format!("ssl.ca.location={ca}"));
        }
        properties.extend(more);
        properties
    };
    let certificates = vec![
        format!("ssl.certificate.location={chain}"),
        format!("ssl.key.location={key}"),
    ];
    let mut cells = vec![
        ("ssl".to_owned(), cell("SSL", "SSL", Vec::new())),
        ("mtls".to_owned(), cell("MTLS", "SSL", certificates)),
    ];
    for protocol in ["SASL_PLAINTEXT", "SASL_SSL"] {
        for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] {
            let mut more = vec![format!("sasl.mechanism={mechanism}")];
            match mechanism {
                "OAUTHBEARER" => more.extend([
                    "enable.sasl.oauthbearer.unsecure.jwt=true".to_owned(),
                    format!("sasl.oauthbearer.config=principal={USER}"),
                ]),
                _ => more.extend([
                    format!("sasl.username={USER}"),
                    format!("sasl.password={PASSWORD}"),
                ]),
            }
            let name = format!("{protocol}-{mechanism}").to_lowercase();
            cells.push((name, cell(protocol, protocol, more)));
        }
    }
    cells
}

async fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    child.wait_with_output().await.unwrap()
}

fn holds(name: &str, output: &Output, value: &str) {
    let (out, err) = (&output.stdout, &output.stderr);
    let (out, err) = (String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    assert!(
        output.status.success() && out.contains(value),
        "{name}: {out} {err}"
    );
}

#[tokio::test]
#[ignore = "needs KAFKA_TEST_PYTHON; .ci/run provides it"]
async fn confluent_kafka_for_python_is_let_in() {
    let python = std::env::var_os("KAFKA_TEST_PYTHON").unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/round_trip.py");
    let files = tempdir().unwrap();
    let site = Embedded::start_with(&[]).await;
    for (name, properties) in cells(&site, files.path()) {
        let mut command = Command::new(&python);
        command.arg(&script).arg(&name).args(properties);
        let output = run(&mut command, "").await;
        holds(&name, &output, &format!("by confluent-kafka to {name}"));
        println!("{name}");
    }
}

#[tokio::test]
#[ignore = "needs kcat; .ci/run provides it"]
async fn kcat_is_let_in() {
    let files = tempdir().unwrap();
    let site = Embedded::start_with(&[]).await;
    // Debian's is built with librdkafka 2.0.2, whose SCRAM Apache Kafka refuses as well.
    let cells = cells(&site, files.path()).into_iter();
    for (name, properties) in cells.filter(|(name, _)| !name.contains("scram")) {
        let kcat = |mode: &[&str]| {
            let mut command = Command::new("kcat");
            command.args(mode).args(["-t", &name]);
            for property in &properties {
                command.args(["-X", property]);
            }
            command
        };
        let value = format!("by kcat to {name}");
        holds(&name, &run(&mut kcat(&["-P"]), &value).await, "");
        let output = run(&mut kcat(&["-C", "-o", "beginning", "-c", "1"]), "").await;
        holds(&name, &output, &value);
        println!("{name}");
    }
}

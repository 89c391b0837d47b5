//! A client in another language meets the broker's faults.
#![allow(
    clippy::unwrap_used,
    reason = "in a test, a failed unwrap is the message"
)]

use std::path::Path;
use std::process::Command;

use kafka_broker::Broker;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs KAFKA_TEST_PYTHON; .ci/run provides it"]
async fn confluent_kafka_for_python_meets_faults_by_the_endpoint() {
    let python = std::env::var_os("KAFKA_TEST_PYTHON").unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults.py");
    let builder = Broker::builder().faults_endpoint("127.0.0.1:0");
    let broker = builder.start().await.unwrap();
    let endpoint = format!("http://{}", broker.faults_address().unwrap());
    let mut command = Command::new(python);
    command.arg(script).arg(broker.bootstrap()).arg(endpoint);
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let (out, err) = (&output.stdout, &output.stderr);
    let (out, err) = (String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    assert!(output.status.success(), "{out} {err}");
    assert_eq!(out, "lost answer\nlong delivery\nmoved coordinator\n");
    broker.shutdown().await.unwrap();
}

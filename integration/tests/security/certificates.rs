//! Certificates of brokers and clients: good ones, bad ones, and ones that change.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use integration::security::{Authority, Certificate, USER, Validity};
use kafka_client::record::Record;
use kafka_client::security::Tls;
use kafka_client::{Error, ErrorKind, Kafka};
use tempfile::tempdir;

use crate::site::{Embedded, Site};

#[tokio::test]
async fn a_certificate_that_proves_nothing_is_refused() {
    for (hosts, validity, words) in [
        (&["127.0.0.1"][..], Validity::Expired, "it has expired, by"),
        (&["127.0.0.1"], Validity::Later, "valid in the future, by"),
        (
            &["elsewhere.example"],
            Validity::Now,
            "the names elsewhere.example",
        ),
        (&[], Validity::Now, "subjectAltName"),
    ] {
        let authority = Authority::new("authority");
        let certificate = authority.broker(hosts, validity);
        let site = Embedded::start(authority, certificate, &[]).await;
        let error = site.client("SSL", None).connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

#[tokio::test]
async fn any_host_is_believed_if_that_is_set_but_no_other_authority() {
    let authority = Authority::new("authority");
    let certificate = authority.broker(&["elsewhere.example"], Validity::Now);
    let site = Embedded::start(authority, certificate, &[]).await;
    let at = |tls: Tls| Kafka::builder(site.bootstrap("SSL")).tls(tls.danger_accept_any_host());
    at(site.tls()).connect().await.unwrap();
    let stranger = Tls::new().ca_pem(Authority::new("stranger").certificate());
    let error = at(stranger).connect().await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no authority that this client believes"),
        "{error}"
    );
}

/// A producer has connections of its own, so each begins with what the files have then.
async fn send(kafka: &Kafka) -> Result<(), Error> {
    let producer = kafka.producer().build().await?;
    let sent = producer.send(Record::to("orders").value("v")).await;
    producer.close().await?;
    sent.map(|_| ()).map_err(Error::from)
}

#[tokio::test]
async fn certificates_are_read_anew_when_their_files_change() {
    let site = Embedded::start_with(&[]).await;
    let files = tempdir().unwrap();
    let certificate = files.path().join("client.pem");
    let write = |from: &Authority| {
        let Certificate { chain, key } = from.client(USER, Validity::Now);
        fs::write(&certificate, chain + &key).unwrap();
    };
    write(site.authority());
    let tls = site
        .tls()
        .client_certificate_files(&certificate, &certificate);
    let kafka = Kafka::builder(site.bootstrap("MTLS")).tls(tls);
    let kafka = kafka.connect().await.unwrap();
    send(&kafka).await.unwrap();
    // In the middle of a change: what was there before is used.
    fs::write(&certificate, "-----BEGIN CERT").unwrap();
    send(&kafka).await.unwrap();
    write(&Authority::new("stranger"));
    let error = send(&kafka).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
    write(site.authority());
    send(&kafka).await.unwrap();
}

/// What is inside of a key in PKCS#8: the form of its algorithm, PKCS#1 or SEC1.
fn inner(pkcs8: &[u8]) -> &[u8] {
    /// The content of the element that begins with this tag, and what follows.
    fn element(der: &[u8], tag: u8) -> (&[u8], &[u8]) {
        assert_eq!(der[0], tag);
        let (length, begin) = match der[1] {
            short @ 0..0x80 => (usize::from(short), 2),
            long => {
                let bytes = usize::from(long & 0x7f);
                let length = der[2..2 + bytes].iter();
                (
                    length.fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
                    2 + bytes,
                )
            }
        };
        der[begin..].split_at(length)
    }
    let (key, _) = element(pkcs8, 0x30);
    let (_version, rest) = element(key, 0x02);
    let (_algorithm, rest) = element(rest, 0x30);
    element(rest, 0x04).0
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

#[tokio::test]
async fn keys_come_in_every_form_of_pem() {
    let site = Embedded::start_with(&[]).await;
    // Made for this test: there is none here that makes them for RSA.
    let rsa = include_str!("keys/rsa.pem");
    for (with, label) in [(None, "EC PRIVATE KEY"), (Some(rsa), "RSA PRIVATE KEY")] {
        let certificate = match with {
            Some(key) => site.authority().client_with(USER, key),
            None => site.authority().client(USER, Validity::Now),
        };
        let lines = certificate
            .key
            .lines()
            .filter(|line| !line.starts_with("--"));
        let pkcs8 = STANDARD.decode(lines.collect::<String>()).unwrap();
        for key in [certificate.key.clone(), pem(label, inner(&pkcs8))] {
            let tls = site
                .tls()
                .client_certificate_pem(certificate.chain.clone(), key);
            let kafka = Kafka::builder(site.bootstrap("MTLS")).tls(tls);
            kafka.connect().await.unwrap();
        }
    }
}

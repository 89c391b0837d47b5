//! Registries over TLS: whom the client believes, and what it shows of itself.

use std::sync::Arc;

use kafka_client::security::Tls;
use kafka_client_formats::registry::{Registry, RegistryErrorKind, Retry};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// An authority, and what it has signed: a certificate and its key.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }
}

/// A registry that wants certificates of clients; its address.
async fn registry(authority: &Authority) -> String {
    let (certificate, key) = authority.sign("localhost");
    let mut roots = RootCertStore::empty();
    roots.add(authority.0.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("localhost:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n[\"s\"]")
                .await;
            let _ = stream.shutdown().await;
        }
    });
    format!("https://localhost:{port}")
}

fn client(url: &str, tls: Tls) -> Registry {
    let retry = Retry {
        deadline: std::time::Duration::from_secs(60),
        ..Retry::default()
    };
    Registry::builder(url)
        .tls(tls)
        .retry(retry)
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_client_with_a_certificate_is_let_in() {
    let authority = Authority::new("ours");
    let url = registry(&authority).await;
    let (certificate, key) = authority.sign("client");
    let tls = Tls::new()
        .ca_pem(authority.pem())
        .client_certificate_pem(certificate.pem(), key.serialize_pem());
    assert_eq!(client(&url, tls).subjects(false).await.unwrap(), ["s"]);
}

#[tokio::test]
async fn who_does_not_believe_or_is_not_believed_is_told() {
    let authority = Authority::new("ours");
    let url = registry(&authority).await;
    let without = Tls::new().ca_pem(authority.pem());
    let stranger = Tls::new().ca_pem(Authority::new("another").pem());
    for (tls, words) in [
        (without, "ertificate"),
        (stranger, "a certificate of another authority"),
    ] {
        // Several addresses, of which none is good, are not asked again.
        let urls = format!("{url},{url}");
        let begin = std::time::Instant::now();
        let error = client(&urls, tls).subjects(false).await.unwrap_err();
        assert_eq!(error.kind(), RegistryErrorKind::Unreachable);
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.to_string().contains("https://localhost"), "{error}");
        assert!(begin.elapsed() < std::time::Duration::from_secs(20));
    }
}

//! An identity provider: a token endpoint over HTTPS, and the keys that brokers check its tokens with.

use std::fs;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use integration::security::{Authority, Certificate, Validity};
use ring::rand::SystemRandom;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// The only client that it knows, with its secret.
pub(crate) const CLIENT: &str = "client-1";
pub(crate) const SECRET: &str = "s3cr3t-0f-cl1ent";

/// Whom brokers are to believe, and for whom tokens are.
pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const AUDIENCE: &str = "kafka";

/// The key of the issuer, and of its clients: tests need no two.
pub(crate) const KEY: &str = include_str!("keys/rsa.pem");

pub(crate) struct Issuer {
    shared: Arc<Shared>,
    port: u16,
    authority: Authority,
    files: TempDir,
    serving: JoinHandle<()>,
}

struct Shared {
    key: RsaKeyPair,
    /// How long tokens live.
    life_s: AtomicU64,
    /// How many were given out.
    issued: AtomicUsize,
    /// How many connections are cut in the middle of an answer.
    to_cut: AtomicUsize,
    /// How many requests are answered with 503 and all that they had in them.
    to_repeat: AtomicUsize,
    /// The bodies of the requests.
    requests: Mutex<Vec<String>>,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let authority = Authority::new("authority of the issuer");
        let certificate = authority.broker(&["localhost", "127.0.0.1"], Validity::Now);
        let acceptor = acceptor(&certificate);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            key: RsaKeyPair::from_pkcs8(&der(KEY)).unwrap(),
            life_s: AtomicU64::new(3600),
            issued: AtomicUsize::new(0),
            to_cut: AtomicUsize::new(0),
            to_repeat: AtomicUsize::new(0),
            requests: Mutex::default(),
        });
        let files = tempfile::tempdir().unwrap();
        fs::write(files.path().join("jwks.json"), shared.jwks().to_string()).unwrap();
        let serving = tokio::spawn(serve(listener, acceptor, shared.clone()));
        Self {
            shared,
            port,
            authority,
            files,
            serving,
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("https://localhost:{}/token", self.port)
    }

    /// In PEM, for those who are to believe it.
    pub(crate) fn certificate(&self) -> String {
        self.authority.certificate()
    }

    /// The address of the file with its keys.
    pub(crate) fn jwks(&self) -> String {
        format!("file://{}", self.files.path().join("jwks.json").display())
    }

    pub(crate) fn set_life_s(&self, seconds: u64) {
        self.shared.life_s.store(seconds, Ordering::Relaxed);
    }

    pub(crate) fn cut(&self, times: usize) {
        self.shared.to_cut.store(times, Ordering::Relaxed);
    }

    pub(crate) fn repeat(&self, times: usize) {
        self.shared.to_repeat.store(times, Ordering::Relaxed);
    }

    pub(crate) fn issued(&self) -> usize {
        self.shared.issued.load(Ordering::Relaxed)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    fn jwks(&self) -> Value {
        let public: RsaPublicKeyComponents<Vec<u8>> = self.key.public().into();
        let encode = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
        json!({"keys": [{
            "kty": "RSA", "kid": "one", "use": "sig", "alg": "RS256",
            "n": encode(&public.n), "e": encode(&public.e),
        }]})
    }

    fn token(&self, subject: &str, scope: Option<&str>) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap().as_secs();
        let mut claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now,
            "exp": now + self.life_s.load(Ordering::Relaxed),
        });
        if let Some(scope) = scope {
            claims["scope"] = scope.into();
        }
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": "one"});
        let text = format!("{}.{}", encode(&header), encode(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        let random = SystemRandom::new();
        self.key
            .sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
            .unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Who asks with this assertion, if it is good.
    fn asserted(&self, assertion: &str) -> Option<String> {
        let (text, signature) = assertion.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let public: RsaPublicKeyComponents<Vec<u8>> = self.key.public().into();
        public
            .verify(&RSA_PKCS1_2048_8192_SHA256, text.as_bytes(), &signature)
            .ok()?;
        let claims = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        let is_meant = claims["aud"] == ISSUER && claims["iss"] == CLIENT;
        is_meant.then(|| claims["sub"].as_str().map(str::to_owned))?
    }

    /// Status and body of an answer.
    fn answer(&self, head: &str, body: &str) -> (u16, Value) {
        if take_one(&self.to_repeat) {
            let all = format!("{body} {head}");
            return (503, json!({"error": "busy", "error_description": all}));
        }
        let refused = |code: &str| {
            (
                401,
                json!({"error": code, "error_description": "no such client"}),
            )
        };
        let field = |name: &str| {
            let mut pairs = body.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(found, _)| *found == name)
                .map(|(_, value)| value)
        };
        let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{SECRET}")));
        let subject = match field("grant_type") {
            Some("client_credentials") => {
                let is_known = head.lines().any(|line| {
                    let header = line.split_once(": ");
                    header.is_some_and(|(name, value)| {
                        name.eq_ignore_ascii_case("authorization") && value == basic
                    })
                });
                is_known.then(|| CLIENT.to_owned())
            }
            // The escaped name of RFC 7523.
            Some("urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer") => {
                self.asserted(field("assertion").unwrap_or_default())
            }
            _ => return (400, json!({"error": "unsupported_grant_type"})),
        };
        let Some(subject) = subject else {
            return refused("invalid_client");
        };
        self.issued.fetch_add(1, Ordering::Relaxed);
        let token = self.token(&subject, field("scope"));
        let life = self.life_s.load(Ordering::Relaxed);
        (
            200,
            json!({"access_token": token, "token_type": "Bearer", "expires_in": life}),
        )
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (acceptor, shared) = (acceptor.clone(), shared.clone());
        tokio::spawn(async move {
            // Those who do not believe it end the handshake.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let Some((head, body)) = request(&mut stream).await else {
                return;
            };
            shared.requests.lock().unwrap().push(body.clone());
            let (status, answer) = shared.answer(&head, &body);
            let answer = answer.to_string();
            let length = answer.len();
            let text = format!(
                "HTTP/1.1 {status} Words\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
                 \r\n{answer}"
            );
            let end = match take_one(&shared.to_cut) {
                true => text.len() - 10,
                false => text.len(),
            };
            let _ = stream.write_all(&text.as_bytes()[..end]).await;
            let _ = stream.shutdown().await;
        });
    }
}

/// Whether there was one left.
fn take_one(count: &AtomicUsize) -> bool {
    let taken = |count: usize| count.checked_sub(1);
    count
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken)
        .is_ok()
}

/// Head and body of a request.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<(String, String)> {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream
            .read(&mut buffer)
            .await
            .ok()
            .filter(|length| *length > 0)?;
        text += std::str::from_utf8(&buffer[..length]).ok()?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.parse::<usize>().ok())?
        });
        if body.len() >= length.unwrap_or(0) {
            return Some((head.to_owned(), body.to_owned()));
        }
    }
}

fn acceptor(Certificate { chain, key }: &Certificate) -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_single_cert(chain, key);
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

/// What is in a text of PEM.
fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

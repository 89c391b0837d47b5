//! SCRAM (RFC 5802, RFC 7677): both sides prove that they know the password, and it is never sent.
//!
//! The cryptography is that of TLS, which brings it anyway. Names and passwords are taken as they are, as
//! Kafka's own client takes them: it does not prepare them (SASLprep), so neither does this.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::mechanism::{Beginning, Responding, SaslError, SaslExchange, SaslMechanism, SaslStart};
use crate::env::{Env, lock};
use crate::security::Secret;
use crate::security::crypto::rand::{SecureRandom, SystemRandom};
use crate::security::crypto::{digest, hmac, pbkdf2};

/// Fewer iterations than this give the password away: Kafka's own client refuses them as well (RFC 7677).
const ITERATIONS_MIN: u32 = 4096;

/// A broker that asks for more only keeps the client's processor busy: Kafka's tools do not store more than
/// 16,384.
const ITERATIONS_MAX: u32 = 1_000_000;

/// The header that says: no channel binding.
const HEADER: &str = "n,,";

/// The hash function, which gives the mechanism its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    pub(super) fn mechanism(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }

    fn digest(self, bytes: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, bytes)
    }

    fn hmac(self, key: &[u8], bytes: &[u8]) -> hmac::Tag {
        let algorithm = match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        };
        hmac::sign(&hmac::Key::new(algorithm, key), bytes)
    }

    /// The password with salt, which takes as long as the iterations do.
    fn salted(self, password: &Secret, salt: &[u8], iterations: NonZeroU32) -> Zeroizing<Vec<u8>> {
        let (algorithm, length) = match self {
            Self::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, digest::SHA256_OUTPUT_LEN),
            Self::Sha512 => (pbkdf2::PBKDF2_HMAC_SHA512, digest::SHA512_OUTPUT_LEN),
        };
        let mut salted = Zeroizing::new(vec![0; length]);
        pbkdf2::derive(
            algorithm,
            iterations,
            salt,
            password.expose().as_bytes(),
            &mut salted,
        );
        salted
    }
}

/// SCRAM with one user.
#[derive(Clone)]
pub(super) struct Scram {
    env: Env,
    hash: Hash,
    user: String,
    password: Secret,
    /// The password is that of a delegation token.
    is_token: bool,
    /// The last that was made: all brokers of a cluster store the same salt.
    salted: Arc<Mutex<Option<Salted>>>,
}

/// What the iterations were spent on.
#[derive(Clone)]
struct Salted {
    salt: Vec<u8>,
    iterations: NonZeroU32,
    password: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Scram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scram")
            .field("hash", &self.hash)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Scram {
    pub(super) fn new(
        env: &Env,
        hash: Hash,
        user: &str,
        password: &Secret,
        is_token: bool,
    ) -> Self {
        Self {
            env: env.clone(),
            hash,
            user: user.to_owned(),
            password: password.clone(),
            is_token,
            salted: Arc::default(),
        }
    }

    fn start(&self, nonce: String) -> SaslStart {
        let user = self.user.replace('=', "=3D").replace(',', "=2C");
        let extensions = match self.is_token {
            true => ",tokenauth=true",
            false => "",
        };
        let first = format!("n={user},r={nonce}{extensions}");
        SaslStart {
            message: format!("{HEADER}{first}").into_bytes(),
            exchange: Box::new(Exchange {
                scram: self.clone(),
                step: Step::First { nonce, first },
            }),
        }
    }

    /// The password with this salt: made on a thread for work that takes long, unless it is known.
    async fn salted(
        &self,
        salt: Vec<u8>,
        iterations: NonZeroU32,
    ) -> Result<Zeroizing<Vec<u8>>, SaslError> {
        let known = lock(&self.salted).clone();
        let known = known.filter(|known| known.salt == salt && known.iterations == iterations);
        if let Some(known) = known {
            return Ok(known.password);
        }
        let (hash, password) = (self.hash, self.password.clone());
        let made = self.env.blocking(move || {
            let salted = hash.salted(&password, &salt, iterations);
            (salt, salted)
        });
        let (salt, password) = made
            .await
            .map_err(|error| SaslError::Unavailable(error.into()))?;
        *lock(&self.salted) = Some(Salted {
            salt,
            iterations,
            password: password.clone(),
        });
        Ok(password)
    }
}

impl SaslMechanism for Scram {
    fn name(&self) -> &str {
        self.hash.mechanism()
    }

    fn begin<'a>(&'a self, _host: &'a str) -> Beginning<'a> {
        Box::pin(async {
            let mut random = [0; 24];
            SystemRandom::new()
                .fill(&mut random)
                .map_err(|_| SaslError::Unavailable("the system gives no random numbers".into()))?;
            Ok(self.start(BASE64.encode(random)))
        })
    }
}

/// An exchange with one broker.
struct Exchange {
    scram: Scram,
    step: Step,
}

enum Step {
    /// The first message is sent; the broker answers with salt and iterations.
    First {
        nonce: String,
        first: String,
    },
    /// The proof is sent; the broker answers with its own.
    Final {
        server_signature: Vec<u8>,
    },
    Over,
}

impl SaslExchange for Exchange {
    fn respond<'a>(&'a mut self, challenge: &'a [u8]) -> Responding<'a> {
        Box::pin(async {
            let text = std::str::from_utf8(challenge)
                .map_err(|_| wrong("the broker's message is not UTF-8"))?;
            match std::mem::replace(&mut self.step, Step::Over) {
                Step::First { nonce, first } => {
                    let (proof, server_signature) = self.prove(&nonce, &first, text).await?;
                    self.step = Step::Final { server_signature };
                    Ok(Some(proof.into_bytes()))
                }
                Step::Final { server_signature } => {
                    let theirs = signature(text)?;
                    // In constant time: how much of it is right is nobody's business.
                    match bool::from(theirs.as_slice().ct_eq(&server_signature)) {
                        true => Ok(None),
                        false => Err(wrong(
                            "the broker does not know the password: its signature is wrong, so it is not \
                             the cluster that the password is for",
                        )),
                    }
                }
                Step::Over => Err(wrong("the broker goes on after the end of the exchange")),
            }
        })
    }
}

impl Exchange {
    /// The final message with the client's proof, and the signature to expect.
    async fn prove(
        &self,
        nonce: &str,
        first: &str,
        challenge: &str,
    ) -> Result<(String, Vec<u8>), SaslError> {
        let Challenge {
            nonce: full_nonce,
            salt,
            iterations,
        } = Challenge::read(challenge, nonce)?;
        let salted = self.scram.salted(salt, iterations).await?;
        let hash = self.scram.hash;
        let without_proof = format!("c={},r={full_nonce}", BASE64.encode(HEADER));
        let message = format!("{first},{challenge},{without_proof}");
        let client_key = hash.hmac(&salted, b"Client Key");
        let stored_key = hash.digest(client_key.as_ref());
        let signature = hash.hmac(stored_key.as_ref(), message.as_bytes());
        let proof: Zeroizing<Vec<u8>> = Zeroizing::new(
            client_key
                .as_ref()
                .iter()
                .zip(signature.as_ref())
                .map(|(key, signature)| key ^ signature)
                .collect(),
        );
        let server_key = hash.hmac(&salted, b"Server Key");
        let server_signature = hash.hmac(server_key.as_ref(), message.as_bytes());
        let text = format!("{without_proof},p={}", BASE64.encode(&proof));
        Ok((text, server_signature.as_ref().to_vec()))
    }
}

/// The broker's first message.
struct Challenge<'a> {
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: NonZeroU32,
}

impl<'a> Challenge<'a> {
    fn read(text: &'a str, ours: &str) -> Result<Self, SaslError> {
        let mut parts = text.split(',');
        let mut part = |name: &str| {
            let part = parts.next().and_then(|part| part.strip_prefix(name));
            part.ok_or_else(|| malformed(text))
        };
        let (nonce, salt, iterations) = (part("r=")?, part("s=")?, part("i=")?);
        // Longer than ours, or the broker has added nothing: then an old answer could be played again.
        if !nonce.starts_with(ours) || nonce.len() == ours.len() {
            return Err(wrong(
                "the broker's nonce does not go on from the client's: the answer is not to this exchange",
            ));
        }
        let salt = BASE64.decode(salt).map_err(|_| malformed(text))?;
        let iterations: u64 = iterations.parse().map_err(|_| malformed(text))?;
        let allowed = u32::try_from(iterations)
            .ok()
            .filter(|iterations| (ITERATIONS_MIN..=ITERATIONS_MAX).contains(iterations))
            .and_then(NonZeroU32::new);
        let iterations = allowed.ok_or_else(|| {
            wrong(format!(
                "the broker asks for {iterations} iterations; from {ITERATIONS_MIN} to {ITERATIONS_MAX} are \
                 taken: set the user's password anew with a number between (kafka-configs --alter --add-config \
                 'SCRAM-SHA-256=[iterations=8192,password=..]')"
            ))
        })?;
        Ok(Self {
            nonce,
            salt,
            iterations,
        })
    }
}

/// The signature in the broker's last message.
fn signature(text: &str) -> Result<Vec<u8>, SaslError> {
    if let Some(error) = text.strip_prefix("e=") {
        let error = error.split(',').next().unwrap_or_default();
        return Err(wrong(format!("the broker refuses: {error}")));
    }
    let value = text
        .strip_prefix("v=")
        .and_then(|rest| rest.split(',').next());
    let value = value.ok_or_else(|| malformed(text))?;
    BASE64.decode(value).map_err(|_| malformed(text))
}

fn wrong(text: impl Into<String>) -> SaslError {
    SaslError::refused(text)
}

fn malformed(text: &str) -> SaslError {
    const SHOWN: usize = 60;
    let shown: String = text.chars().take(SHOWN).collect();
    wrong(format!(
        "the broker's message is no SCRAM message: {shown:?}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::TcpConnector;

    fn scram(hash: Hash, user: &str, password: &str) -> Scram {
        let env = Env::new(Arc::new(TcpConnector), Some(1)).unwrap();
        Scram::new(&env, hash, user, &password.into(), false)
    }

    fn text(start: &SaslStart) -> &str {
        std::str::from_utf8(&start.message).unwrap()
    }

    /// The example of RFC 7677.
    #[tokio::test]
    async fn the_vector_of_rfc_7677() {
        let scram = scram(Hash::Sha256, "user", "pencil");
        let mut start = scram.start("rOprNGfwEbeRWgbNEkqO".to_owned());
        assert_eq!(text(&start), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let first = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                      s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let proof = start.exchange.respond(first).await.unwrap().unwrap();
        assert_eq!(
            std::str::from_utf8(&proof).unwrap(),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        let last = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        assert!(start.exchange.respond(last).await.unwrap().is_none());
    }

    const NONCE: &str = "fyko+d2lbbFgONRv9qkxdawL";

    async fn answered(challenge: &str) -> Result<Option<Vec<u8>>, SaslError> {
        let scram = scram(Hash::Sha512, "user", "pencil");
        let mut start = scram.start(NONCE.to_owned());
        start.exchange.respond(challenge.as_bytes()).await
    }

    #[tokio::test]
    async fn a_broker_that_lies_is_not_believed() {
        let salt = "s=QSXCR+Q6sek8bf92";
        assert!(
            answered(&format!("r={NONCE}more,{salt},i=4096"))
                .await
                .is_ok()
        );
        for (challenge, words) in [
            // Another exchange's, and one that adds nothing.
            (format!("r=other,{salt},i=4096"), "nonce"),
            (format!("r={NONCE},{salt},i=4096"), "nonce"),
            (format!("r={NONCE}x,{salt},i=4095"), "4095 iterations"),
            (
                format!("r={NONCE}x,{salt},i=1000000000"),
                "1000000000 iterations",
            ),
            (
                format!("r={NONCE}x,{salt},i=99999999999"),
                "99999999999 iterations",
            ),
            (format!("r={NONCE}x,{salt},i=0"), "0 iterations"),
            (format!("r={NONCE}x,{salt},i=-1"), "no SCRAM message"),
            (format!("r={NONCE}x,s=%,i=4096"), "no SCRAM message"),
            (
                format!("m=ext,r={NONCE}x,{salt},i=4096"),
                "no SCRAM message",
            ),
            ("e=unknown-user".to_owned(), "no SCRAM message"),
            (String::new(), "no SCRAM message"),
        ] {
            let error = answered(&challenge).await.unwrap_err();
            assert!(matches!(error, SaslError::Refused(_)), "{challenge}");
            let text = error.to_string();
            assert!(text.contains(words), "{challenge}: {text}");
            assert!(!text.contains("pencil"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_wrong_signature_ends_the_exchange() {
        let first = format!("r={NONCE}more,s=QSXCR+Q6sek8bf92,i=4096");
        for (last, words) in [
            (
                "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
                "does not know the password",
            ),
            ("v=", "does not know the password"),
            ("v=%", "no SCRAM message"),
            ("e=invalid-proof", "invalid-proof"),
            ("", "no SCRAM message"),
        ] {
            let scram = scram(Hash::Sha512, "user", "pencil");
            let mut start = scram.start(NONCE.to_owned());
            start.exchange.respond(first.as_bytes()).await.unwrap();
            let error = start.exchange.respond(last.as_bytes()).await.unwrap_err();
            assert!(error.to_string().contains(words), "{last}: {error}");
            let after = start.exchange.respond(b"v=").await;
            assert!(after.is_err());
        }
    }

    #[tokio::test]
    async fn names_are_escaped_and_tokens_say_that_they_are() {
        let mut scram = scram(Hash::Sha256, "a=b,c", "x");
        assert_eq!(text(&scram.start("r".to_owned())), "n,,n=a=3Db=2Cc,r=r");
        scram.is_token = true;
        let start = scram.start("r".to_owned());
        assert!(text(&start).ends_with(",tokenauth=true"));
    }

    #[tokio::test]
    async fn each_exchange_has_a_nonce_of_its_own() {
        let scram = scram(Hash::Sha256, "user", "x");
        let first = scram.begin("broker").await.unwrap().message;
        assert_ne!(first, scram.begin("broker").await.unwrap().message);
    }

    #[tokio::test]
    async fn the_salted_password_is_made_once() {
        let scram = scram(Hash::Sha512, "user", "pencil");
        let iterations = NonZeroU32::new(4096).unwrap();
        let made = scram.salted(b"salt".to_vec(), iterations).await.unwrap();
        lock(&scram.salted).as_mut().unwrap().password = Zeroizing::new(b"known".to_vec());
        let known = scram.salted(b"salt".to_vec(), iterations).await.unwrap();
        assert_eq!(known.as_slice(), b"known");
        let other = scram.salted(b"other".to_vec(), iterations).await.unwrap();
        assert_ne!(made, other);
    }
}

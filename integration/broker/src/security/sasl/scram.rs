//! SCRAM (RFC 5802, RFC 7677): the client proves that it knows the password, and the broker that it
//! has what was made from it.
//!
//! As in Kafka, why a proof fails or a name does not fit is not told; only who asks to be somebody else
//! than the name says is told so. Other than Kafka, the channel binding of the last message is compared with the header of the first one,
//! as the RFC demands.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use ring::pbkdf2;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Context, Exchange, Failure, Identity, Step, hidden, sasl_name, told};

/// The hash function of a mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    /// The mechanism that a code of the protocol stands for.
    pub(crate) fn of_code(code: i8) -> Option<Self> {
        match code {
            1 => Some(Self::Sha256),
            2 => Some(Self::Sha512),
            _ => None,
        }
    }

    pub(crate) fn code(self) -> i8 {
        match self {
            Self::Sha256 => 1,
            Self::Sha512 => 2,
        }
    }

    pub(crate) fn digest(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha512 => Sha512::digest(data).to_vec(),
        }
    }

    pub(crate) fn hmac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        fn of<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> Vec<u8> {
            // HMAC takes keys of every length; the other branch is never taken.
            M::new_from_slice(key).map_or_else(
                |_| Vec::new(),
                |mut mac| {
                    mac.update(data);
                    mac.finalize().into_bytes().to_vec()
                },
            )
        }
        match self {
            Self::Sha256 => of::<Hmac<Sha256>>(key, data),
            Self::Sha512 => of::<Hmac<Sha512>>(key, data),
        }
    }

    fn salted_password(self, password: &[u8], salt: &[u8], iterations: u32) -> Zeroizing<Vec<u8>> {
        let (algorithm, length) = match self {
            Self::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
            Self::Sha512 => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
        };
        let iterations = NonZeroU32::new(iterations).unwrap_or(NonZeroU32::MIN);
        let mut salted = Zeroizing::new(vec![0; length]);
        // Fast in every build, other than code in Rust alone: it runs for each user at each start.
        pbkdf2::derive(algorithm, iterations, salt, password, &mut salted);
        salted
    }
}

/// The rounds that Kafka takes.
pub(crate) const ITERATIONS: RangeInclusive<u32> = 4096..=16384;

/// What a broker keeps of a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScramCredential {
    pub(crate) salt: Vec<u8>,
    pub(crate) stored_key: Vec<u8>,
    pub(crate) server_key: Vec<u8>,
    pub(crate) iterations: u32,
}

impl ScramCredential {
    pub(crate) fn of(hash: Hash, password: &[u8], salt: Vec<u8>, iterations: u32) -> Self {
        let salted = hash.salted_password(password, &salt, iterations);
        Self::of_salted(hash, &salted, salt, iterations)
    }

    /// Of a password that was salted and hashed already.
    pub(crate) fn of_salted(hash: Hash, salted: &[u8], salt: Vec<u8>, iterations: u32) -> Self {
        let client_key = Zeroizing::new(hash.hmac(salted, b"Client Key"));
        Self {
            stored_key: hash.digest(&client_key),
            server_key: hash.hmac(salted, b"Server Key"),
            salt,
            iterations,
        }
    }
}

/// The credentials of one password.
pub(crate) type Credentials = BTreeMap<Hash, ScramCredential>;

impl fmt::Debug for ScramCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramCredential")
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

/// Waits for the client's name and nonce.
#[derive(Debug)]
pub(crate) struct ExpectFirst(pub(super) Hash);

impl ExpectFirst {
    pub(super) fn handle(self, message: &[u8], context: &Context<'_>) -> Step {
        match self.check(message, context) {
            Ok(next) => Step::Challenge(
                next.server_first.clone().into_bytes(),
                Exchange::ScramFinal(Box::new(next)),
            ),
            Err(failure) => failure.into(),
        }
    }

    fn check(&self, message: &[u8], context: &Context<'_>) -> Result<ExpectFinal, Failure> {
        let first = ClientFirst::read(message)
            .ok_or_else(|| hidden("Invalid SCRAM client first message format"))?;
        let nonce = context.nonce;
        let (credential, identity) = if first.is_by_token {
            let found = context.tokens.scram(&first.name, self.0, context.wall_ms);
            let (credential, token) =
                found.ok_or_else(|| hidden("Token Authentication failed: Invalid tokenId"))?;
            let identity = Identity {
                name: token.owner.clone(),
                end_wall_ms: Some(token.expiry_ms),
                is_by_token: true,
            };
            (credential, identity)
        } else {
            let found = context.users.scram(&first.name, self.0);
            let credential =
                found.ok_or_else(|| hidden("Authentication failed: Invalid user credentials"))?;
            (credential, Identity::new(first.name.clone()))
        };
        if !first.identity.is_empty() && first.identity != first.name {
            return Err(told(
                "Client requested an authorization id that is different from username",
            ));
        }
        let nonce = format!("{}{}", first.nonce, nonce());
        let server_first = format!(
            "r={nonce},s={},i={}",
            STANDARD.encode(&credential.salt),
            credential.iterations
        );
        Ok(ExpectFinal {
            hash: self.0,
            nonce,
            header: first.header.to_owned(),
            client_first_bare: first.bare.to_owned(),
            server_first,
            identity,
            credential,
        })
    }
}

/// Waits for the client's proof.
#[derive(Debug)]
pub(crate) struct ExpectFinal {
    hash: Hash,
    /// The client's and the broker's.
    nonce: String,
    header: String,
    client_first_bare: String,
    server_first: String,
    identity: Identity,
    credential: ScramCredential,
}

impl ExpectFinal {
    pub(super) fn handle(self, message: &[u8]) -> Step {
        match self.check(message) {
            Ok(answer) => Step::Done(answer.into_bytes(), self.identity),
            Err(failure) => failure.into(),
        }
    }

    fn check(&self, message: &[u8]) -> Result<String, Failure> {
        let last = ClientFinal::read(message)
            .ok_or_else(|| hidden("Invalid SCRAM client final message format"))?;
        if last.nonce != self.nonce {
            return Err(hidden("Invalid client nonce in the final client message."));
        }
        if last.channel_binding != self.header.as_bytes() {
            return Err(hidden(
                "the channel binding is not that of the first message",
            ));
        }
        let auth_message = format!(
            "{},{},{}",
            self.client_first_bare, self.server_first, last.without_proof
        );
        let signature = self
            .hash
            .hmac(&self.credential.stored_key, auth_message.as_bytes());
        if last.proof.len() != signature.len() {
            return Err(hidden("the proof has the wrong length"));
        }
        let client_key: Zeroizing<Vec<u8>> = Zeroizing::new(
            std::iter::zip(&last.proof, &signature)
                .map(|(proof, signature)| proof ^ signature)
                .collect(),
        );
        let stored_key = self.hash.digest(&client_key);
        if !bool::from(stored_key.ct_eq(&self.credential.stored_key)) {
            return Err(hidden("Invalid client credentials"));
        }
        let signature = self
            .hash
            .hmac(&self.credential.server_key, auth_message.as_bytes());
        Ok(format!("v={}", STANDARD.encode(signature)))
    }
}

/// `n,[a=identity],n=name,r=nonce[,extensions]`
struct ClientFirst<'a> {
    header: &'a str,
    bare: &'a str,
    identity: String,
    name: String,
    nonce: &'a str,
    /// The name is that of a delegation token.
    is_by_token: bool,
}

impl<'a> ClientFirst<'a> {
    fn read(message: &'a [u8]) -> Option<Self> {
        let text = text(message)?;
        // Only this form: there is no channel to bind to (`p=`), and Kafka takes no `y`.
        let rest = text.strip_prefix("n,")?;
        let (identity, bare) = rest.split_once(',')?;
        let header = &text[..text.len() - bare.len()];
        let identity = if identity.is_empty() {
            String::new()
        } else {
            sasl_name(identity.strip_prefix("a=")?)?
        };
        let mut attributes = bare.split(',');
        let mut attribute = attributes.next()?;
        if attribute.starts_with("m=") {
            attribute = attributes.next()?;
        }
        let name = sasl_name(attribute.strip_prefix("n=")?)?;
        let nonce = attributes.next()?.strip_prefix("r=")?;
        let is_nonce = !nonce.is_empty() && nonce.bytes().all(|byte| byte.is_ascii_graphic());
        let mut is_by_token = false;
        for extension in attributes {
            is_extension(extension).then_some(())?;
            if let Some(value) = extension.strip_prefix("tokenauth=") {
                is_by_token = value.eq_ignore_ascii_case("true");
            }
        }
        is_nonce.then_some(Self {
            header,
            bare,
            identity,
            name,
            nonce,
            is_by_token,
        })
    }
}

/// `c=binding,r=nonce[,extensions],p=proof`
struct ClientFinal<'a> {
    channel_binding: Vec<u8>,
    nonce: &'a str,
    proof: Vec<u8>,
    without_proof: &'a str,
}

impl<'a> ClientFinal<'a> {
    fn read(message: &'a [u8]) -> Option<Self> {
        let text = text(message)?;
        let (without_proof, proof) = text.rsplit_once(",p=")?;
        let mut attributes = without_proof.split(',');
        let channel_binding = attributes.next()?.strip_prefix("c=")?;
        let nonce = attributes.next()?.strip_prefix("r=")?;
        attributes.all(is_extension).then_some(())?;
        Some(Self {
            channel_binding: STANDARD.decode(channel_binding).ok()?,
            nonce,
            proof: STANDARD.decode(proof).ok()?,
            without_proof,
        })
    }
}

/// ASCII without zero: Kafka takes no more.
fn text(message: &[u8]) -> Option<&str> {
    let is_plain = |byte: &u8| (1..0x80).contains(byte);
    let text = std::str::from_utf8(message).ok()?;
    message.iter().all(is_plain).then_some(text)
}

fn is_extension(attribute: &str) -> bool {
    attribute.split_once('=').is_some_and(|(name, value)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic()) && !value.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::delegation::{DelegationConfig, DelegationTokens};
    use crate::security::sasl::{Mechanism, Sasl};
    use crate::security::settings::SecuritySettings;
    use crate::security::users::Users;

    /// A server whose nonces are those of a test.
    struct Server {
        sasl: Sasl,
        users: Users,
        tokens: DelegationTokens,
        nonce: &'static str,
    }

    impl Server {
        fn new(nonce: &'static str) -> Self {
            let mut settings = SecuritySettings::default();
            settings.set("sasl.enabled.mechanisms", "SCRAM-SHA-256");
            Self {
                sasl: Sasl::new(&settings.of("X")).unwrap(),
                users: Users::default(),
                tokens: DelegationTokens::new(
                    DelegationConfig {
                        secret_key: Some("key".to_owned().into()),
                        ..DelegationConfig::default()
                    },
                    BTreeMap::new(),
                ),
                nonce,
            }
        }

        fn handle(&mut self, exchange: Exchange, message: &[u8]) -> Step {
            let nonce = self.nonce;
            let context = Context {
                sasl: &self.sasl,
                users: &self.users,
                tokens: &self.tokens,
                nonce: &|| nonce.to_owned(),
                wall_ms: 0,
            };
            exchange.handle(message, &context)
        }
    }

    /// What the broker makes of a password when it gets it.
    fn credentials(password: &str) -> Credentials {
        let made = |hash| {
            let salt = b"SERVER".to_vec();
            (
                hash,
                ScramCredential::of(hash, password.as_bytes(), salt, 4096),
            )
        };
        [Hash::Sha256, Hash::Sha512].map(made).into()
    }

    impl Server {
        /// What comes of a first message and a proof with a password.
        fn prove(&mut self, bare: &str, nonce: &str, binding: &str, password: &str) -> Step {
            let hash = Hash::Sha256;
            let first = Exchange::begin(Mechanism::ScramSha256);
            let (text, next) = challenge(self.handle(first, format!("n,,{bare}").as_bytes()));
            let salted = hash.salted_password(password.as_bytes(), b"SERVER", 4096);
            let client_key = hash.hmac(&salted, b"Client Key");
            let last = format!("c={binding},r={nonce}");
            let message = format!("{bare},{text},{last}");
            let signature = hash.hmac(&hash.digest(&client_key), message.as_bytes());
            let proof: Vec<u8> = std::iter::zip(client_key, signature)
                .map(|(key, signature)| key ^ signature)
                .collect();
            let message = format!("{last},p={}", STANDARD.encode(proof));
            self.handle(next, message.as_bytes())
        }
    }

    fn challenge(step: Step) -> (String, Exchange) {
        match step {
            Step::Challenge(bytes, next) => (String::from_utf8(bytes).unwrap(), next),
            other => panic!("{other:?}"),
        }
    }

    /// RFC 7677, section 3.
    #[test]
    fn the_exchange_of_the_rfc_is_taken() {
        let hash = Hash::Sha256;
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let state = ExpectFinal {
            hash,
            nonce: "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".to_owned(),
            header: "n,,".to_owned(),
            client_first_bare: "n=user,r=rOprNGfwEbeRWgbNEkqO".to_owned(),
            server_first: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                           s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
                .to_owned(),
            identity: Identity::new("user".to_owned()),
            credential: ScramCredential::of(hash, b"pencil", salt, 4096),
        };
        let step = state.handle(
            b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
              p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        );
        match step {
            Step::Done(bytes, identity) => {
                assert_eq!(bytes, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
                assert_eq!(identity.name, "user");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_answer_has_both_nonces_salt_and_iterations() {
        let mut server = Server::new("SERVER");
        server
            .users
            .set_password("a,b=c", "secret", credentials("secret"));
        let first = Exchange::begin(Mechanism::ScramSha512);
        let (text, _) = challenge(server.handle(first, b"n,,n=a=2Cb=3Dc,r=CLIENT"));
        assert_eq!(text, "r=CLIENTSERVER,s=U0VSVkVS,i=4096");
    }

    #[test]
    fn a_wrong_proof_nonce_or_binding_fails_without_a_reason() {
        let name = "alice";
        let last = |nonce: &str, binding: &str, password: &str| {
            let mut server = Server::new("SERVER");
            server
                .users
                .set_password(name, "secret", credentials("secret"));
            server.prove("n=alice,r=CLIENT", nonce, binding, password)
        };
        assert!(matches!(
            last("CLIENTSERVER", "biws", "secret"),
            Step::Done(..)
        ));
        for (nonce, binding, password) in [
            ("CLIENTSERVER", "biws", "wrong"),
            ("CLIENT", "biws", "secret"),
            ("CLIENTSERVER", "eSws", "secret"),
        ] {
            let step = last(nonce, binding, password);
            assert!(matches!(step, Step::Failed(Failure::Hidden(_))), "{step:?}");
        }
    }

    #[test]
    fn a_delegation_token_stands_for_its_owner() {
        let mut server = Server::new("SERVER");
        let secret = server.tokens.password("id").to_string();
        let made = server.tokens.create(
            "id".to_owned(),
            ("alice", "alice"),
            vec![],
            500,
            credentials(&secret),
            0,
        );
        assert!(made.is_ok());
        let first = "n=id,r=CLIENT,tokenauth=true";
        match server.prove(first, "CLIENTSERVER", "biws", &secret) {
            Step::Done(_, identity) => {
                assert_eq!(identity.name, "alice");
                assert_eq!(
                    (identity.end_wall_ms, identity.is_by_token),
                    (Some(500), true)
                );
            }
            other => panic!("{other:?}"),
        }
        let step = server.prove(first, "CLIENTSERVER", "biws", "wrong");
        assert!(matches!(step, Step::Failed(Failure::Hidden(_))), "{step:?}");
        // Without the extension, it is the name of a user that there is not.
        for message in [&b"n,,n=id,r=C"[..], b"n,,n=alice,r=C,tokenauth=true"] {
            let first = Exchange::begin(Mechanism::ScramSha256);
            let step = server.handle(first, message);
            assert!(matches!(step, Step::Failed(Failure::Hidden(_))), "{step:?}");
        }
    }

    #[test]
    fn what_is_no_message_fails() {
        for message in [
            &b""[..],
            b"n",
            b"n,,",
            b"n,,n=alice",
            b"n,,n=,r=x",
            b"n,,n=alice,r=",
            b"n,,n=al=2Xice,r=x",
            b"n,,n=alice=,r=x",
            b"n,,n=alice,r=x y",
            b"n,,n=alice,r=x,1=2",
            b"y,,n=alice,r=x",
            b"p=tls-unique,,n=alice,r=x",
            b"n,b=alice,n=alice,r=x",
            b"n,,n=\xffalice,r=x",
            b"n,,n=bob,r=x",
        ] {
            let mut server = Server::new("S");
            server
                .users
                .set_password("alice", "secret", credentials("secret"));
            let step = server.handle(Exchange::begin(Mechanism::ScramSha256), message);
            assert!(
                matches!(step, Step::Failed(Failure::Hidden(_))),
                "{message:?}"
            );
        }
        for message in [
            &b""[..],
            b"c=biws",
            b"c=biws,r=CS",
            b"c=biws,r=CS,p=!",
            b"c=biws,r=CS,p=AA==",
        ] {
            let mut server = Server::new("S");
            server
                .users
                .set_password("alice", "secret", credentials("secret"));
            let first = Exchange::begin(Mechanism::ScramSha256);
            let (_, next) = challenge(server.handle(first, b"n,,n=alice,r=C"));
            let step = server.handle(next, message);
            assert!(
                matches!(step, Step::Failed(Failure::Hidden(_))),
                "{message:?}"
            );
        }
    }

    #[test]
    fn another_identity_is_refused_and_told() {
        let mut server = Server::new("S");
        server
            .users
            .set_password("alice", "secret", credentials("secret"));
        let first = Exchange::begin(Mechanism::ScramSha256);
        let step = server.handle(first, b"n,a=bob,n=alice,r=C");
        assert!(matches!(step, Step::Failed(Failure::Told(_))), "{step:?}");
    }
}

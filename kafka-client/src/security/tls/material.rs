//! Certificates and keys, from files or bytes.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::pem;
use crate::error::Error;
use crate::security::Secret;

/// Where a text in PEM is.
#[derive(Clone)]
pub(in crate::security) enum Source {
    File(PathBuf),
    Pem(Arc<Zeroizing<Vec<u8>>>),
}

/// The client's certificate and key.
#[derive(Clone, Default, Debug)]
pub(in crate::security) struct Identity {
    pub(in crate::security) certificate: Option<Source>,
    pub(in crate::security) key: Option<Source>,
    pub(in crate::security) password: Option<Secret>,
}

/// What a file was like when it was read.
pub(super) type Stamp = Option<(SystemTime, u64)>;

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Pem(_) => f.write_str("PEM"),
        }
    }
}

impl Source {
    pub(in crate::security) fn pem(pem: impl Into<Vec<u8>>) -> Self {
        Self::Pem(Arc::new(Zeroizing::new(pem.into())))
    }

    pub(super) fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Whether it has changed shows in this. Nothing of a text changes.
    pub(super) fn stamp(&self) -> Stamp {
        let Self::File(path) = self else {
            return None;
        };
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    }

    fn read(&self, setting: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let bytes = match self {
            Self::Pem(bytes) => bytes.clone(),
            Self::File(path) => {
                let bytes = std::fs::read(path).map_err(|error| {
                    let path = path.display();
                    Error::config(format!("{setting}: cannot read {path}: {error}"))
                })?;
                Arc::new(Zeroizing::new(bytes))
            }
        };
        match store_type(&bytes) {
            Some(store) => Err(self.wrong(setting, store)),
            None => Ok(pem::unfold(&bytes)),
        }
    }

    /// An error about what it holds.
    fn wrong(&self, setting: &str, what: impl fmt::Display) -> Error {
        match self {
            Self::File(path) => Error::config(format!("{setting}: {}: {what}", path.display())),
            Self::Pem(_) => Error::config(format!("{setting}: {what}")),
        }
    }

    /// All certificates in it, at least one.
    pub(super) fn certificates(
        &self,
        setting: &str,
    ) -> Result<Vec<CertificateDer<'static>>, Error> {
        let pem = self.read(setting)?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match certificates {
            Ok(certificates) if certificates.is_empty() => Err(self.wrong(
                setting,
                "no certificate is in it: a text in PEM is wanted, which has lines of \
                 -----BEGIN CERTIFICATE-----",
            )),
            Ok(certificates) => Ok(certificates),
            Err(error) => {
                Err(self.wrong(setting, format!("this is no PEM: {}", pem::reason(&error))))
            }
        }
    }

    /// The private key in it.
    pub(in crate::security) fn key(
        &self,
        setting: &str,
        password: Option<&Secret>,
    ) -> Result<PrivateKeyDer<'static>, Error> {
        let pem = self.read(setting)?;
        if is_encrypted(&pem) {
            let Some(password) = password else {
                let what = "the key is encrypted: set ssl.key.password";
                return Err(self.wrong(setting, what));
            };
            return decrypt(&pem, password).map_err(|what| self.wrong(setting, what));
        }
        PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
            let what = format!(
                "no private key is in it ({}): a text in PEM is wanted, with PKCS#8 \
                 (-----BEGIN PRIVATE KEY-----), PKCS#1 or SEC1",
                pem::reason(&error)
            );
            self.wrong(setting, what)
        })
    }
}

/// What the bytes are that are no PEM, with how to make PEM of them.
fn store_type(bytes: &[u8]) -> Option<&'static str> {
    const JKS: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];
    /// A sequence of DER with the version 3, which is how PKCS#12 begins.
    const VERSION: [u8; 3] = [0x02, 0x01, 0x03];
    let is_der = bytes.first() == Some(&0x30);
    let begin = &bytes[..bytes.len().min(16)];
    if bytes.starts_with(&JKS) {
        Some(
            "this is a JKS store, and PEM is wanted. Make it so: keytool -importkeystore -srckeystore \
             <this file> -destkeystore store.p12 -deststoretype PKCS12, and then openssl pkcs12 -in \
             store.p12 -nodes -out store.pem",
        )
    } else if is_der && begin.windows(3).any(|window| window == VERSION) {
        Some(
            "this is a PKCS#12 store, and PEM is wanted. Make it so: openssl pkcs12 -in <this file> -nodes \
             -out store.pem",
        )
    } else if is_der {
        Some(
            "this is DER, and PEM is wanted. Make it so: openssl x509 -inform der -in <this file> -out \
             certificate.pem",
        )
    } else {
        None
    }
}

/// How PKCS#8 with a password begins in PEM.
const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

/// Whether the key in this PEM takes a password.
fn is_encrypted(pem: &[u8]) -> bool {
    let has = |words: &str| {
        pem.windows(words.len())
            .any(|window| window == words.as_bytes())
    };
    has(ENCRYPTED) || has("Proc-Type: 4,ENCRYPTED")
}

#[cfg(not(feature = "encrypted-keys"))]
fn decrypt(_: &[u8], _: &Secret) -> Result<PrivateKeyDer<'static>, String> {
    Err(
        "the key is encrypted, which this build cannot read: build kafka-client with the feature \
         encrypted-keys, or decrypt the key: openssl pkcs8 -in <this file> -out key.pem"
            .to_owned(),
    )
}

#[cfg(feature = "encrypted-keys")]
fn decrypt(pem: &[u8], password: &Secret) -> Result<PrivateKeyDer<'static>, String> {
    use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument};
    use rustls::pki_types::PrivatePkcs8KeyDer;

    let text = std::str::from_utf8(pem).map_err(|error| format!("this is no PEM: {error}"))?;
    const END: &str = "-----END ENCRYPTED PRIVATE KEY-----";

    let begin = text.find(ENCRYPTED).ok_or(
        "the key is encrypted in OpenSSL's own form: make PKCS#8 of it: openssl pkcs8 -topk8 -v2 aes-256-cbc \
         -in <this file> -out key.pem",
    )?;
    // A certificate may follow in the same file.
    let length = text[begin..]
        .find(END)
        .map_or(text.len() - begin, |at| at + END.len());
    let (_, document) = SecretDocument::from_pem(&text[begin..begin + length])
        .map_err(|error| format!("this is no PEM: {error}"))?;
    let key = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
        .map_err(|error| format!("this is no encrypted PKCS#8: {error}"))?;
    let key = key
        .decrypt(password.expose())
        .map_err(|error| format!("the key cannot be decrypted: {error}; check ssl.key.password"))?;
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_error(pem: &[u8], password: Option<&str>) -> String {
        let password = password.map(Secret::from);
        let key = Source::pem(pem).key("ssl.keystore.key", password.as_ref());
        key.unwrap_err().to_string()
    }

    /// The library shows the bytes that it stumbles over.
    #[test]
    fn nothing_of_a_key_is_told() {
        for text in [
            "-----BEGIN PRIVATE KEY----- hunter2",
            "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE",
            "-----BEGIN hunter2\n",
            "-----BEGIN PRIVATE KEY-----\nhunter2!\n-----END PRIVATE KEY-----\n",
            "hunter2",
        ] {
            let source = Source::pem(text);
            let errors = [
                source.key("ssl.keystore.key", None).unwrap_err(),
                source
                    .certificates("ssl.truststore.certificates")
                    .unwrap_err(),
            ];
            for error in errors {
                let shown = format!("{error} {error:?}");
                assert!(!shown.contains("hunter2"), "{shown}");
                // As numbers, too.
                assert!(!shown.contains("104, 117, 110"), "{shown}");
            }
        }
    }

    #[test]
    fn stores_of_java_are_refused_with_the_way_to_convert_them() {
        for (bytes, words) in [
            (
                &[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2][..],
                "keytool -importkeystore",
            ),
            (
                &[0x30, 0x82, 0x0a, 0x29, 0x02, 0x01, 0x03, 0x30],
                "openssl pkcs12",
            ),
            (
                &[0x30, 0x82, 0x03, 0x0a, 0x30, 0x82],
                "openssl x509 -inform der",
            ),
            (b"hello", "no certificate is in it"),
            (
                b"-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n",
                "no PEM",
            ),
        ] {
            let error = Source::pem(bytes).certificates("ssl.truststore.location");
            let error = error.unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Config);
            let text = error.to_string();
            assert!(text.contains("ssl.truststore.location"), "{text}");
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let source = Source::File("/no/such/ca.pem".into());
        let error = source.certificates("ssl.truststore.location").unwrap_err();
        assert!(error.to_string().contains("/no/such/ca.pem"), "{error}");
    }

    #[test]
    fn an_encrypted_key_asks_for_its_password() {
        let pem = format!("{ENCRYPTED}\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
        let text = key_error(pem.as_bytes(), None);
        assert!(text.contains("ssl.key.password"), "{text}");
        let text = key_error(pem.as_bytes(), Some("hunter2"));
        assert!(!text.contains("hunter2"), "{text}");
        let text = key_error(b"-----BEGIN CERTIFICATE-----\n", None);
        assert!(text.contains("PKCS#8"), "{text}");
    }

    /// Made for this test: `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`, and with
    /// `openssl pkcs8 -topk8 -v2 aes-256-cbc -passout pass:sesame` after it.
    #[cfg(feature = "encrypted-keys")]
    #[test]
    fn an_encrypted_key_is_read_with_its_password() {
        const PLAIN: &[u8] = b"-----BEGIN PRIVATE KEY-----\n\
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5VAT4tSAq/KmlRYH\n\
            0Dhr/2NpcFp4lTPdPYq51Ky24tmhRANCAAQaK2XAKiDqyUTEvWp4mKq2cLCOheoT\n\
            NJKcXtKuRc/XVz2tAhZLH9b+gcBShwGl9N81utfdtWcMtAlHGSfu18DF\n\
            -----END PRIVATE KEY-----\n";
        const ENCRYPTED: &[u8] = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n\
            MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAha9zuec5YpWgICCAAw\n\
            DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEMzQSgTdZzlCetpsCbxlSqAEgZBy\n\
            i57Nd3oyoiqlghRAWgHYulJcToc8fQXhurvPEGFfSwNb6G3WeicHjM1bEKYVvTkb\n\
            io0Yp5ljXImLwz55jbL6TKHvqv7NJiZsvlhvNqTPKN7+MFtunN1K4YIG6pn2k4QF\n\
            WR2VLKR1Vdt/JHRk74MpFcOMpkbKYve9M5LBtUGJYE8o8xuRBZ9Fpttp2YbmtWg=\n\
            -----END ENCRYPTED PRIVATE KEY-----\n";
        let key = |pem: &[u8], password: &str| {
            Source::pem(pem).key("ssl.keystore.key", Some(&password.into()))
        };
        let plain = key(PLAIN, "").unwrap();
        assert_eq!(key(ENCRYPTED, "sesame").unwrap(), plain);
        let with_chain = [
            ENCRYPTED,
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ];
        assert_eq!(key(&with_chain.concat(), "sesame").unwrap(), plain);
        let error = key(ENCRYPTED, "hunter2").unwrap_err().to_string();
        assert!(error.contains("check ssl.key.password"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

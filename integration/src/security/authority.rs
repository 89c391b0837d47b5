//! Who signs certificates.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

/// An authority of a test's own.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, in PEM.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The certificate.
    pub chain: String,
    /// Its private key, in PKCS#8.
    pub key: String,
}

/// When a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// It is.
    Now,
    /// It was.
    Expired,
    /// It will be.
    Later,
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// When there is no randomness for its key.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate of itself"))
    }

    /// Its own certificate, in PEM: for those who are to believe it.
    pub fn certificate(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a broker with these host names or addresses.
    ///
    /// # Panics
    /// When a name is none.
    pub fn broker(&self, hosts: &[&str], validity: Validity) -> Certificate {
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        let params = CertificateParams::new(hosts).expect("host names");
        let key = KeyPair::generate().expect("a key");
        let usage = ExtendedKeyUsagePurpose::ServerAuth;
        self.sign(params, "broker", usage, validity, &key)
    }

    /// A certificate for a client, with its common name.
    ///
    /// # Panics
    /// When there is no randomness for its key.
    pub fn client(&self, name: &str, validity: Validity) -> Certificate {
        let key = KeyPair::generate().expect("a key");
        let (params, usage) = (
            CertificateParams::default(),
            ExtendedKeyUsagePurpose::ClientAuth,
        );
        self.sign(params, name, usage, validity, &key)
    }

    /// The same for a key that is there, in PKCS#8.
    ///
    /// # Panics
    /// When it is none.
    pub fn client_with(&self, name: &str, key: &str) -> Certificate {
        let key = KeyPair::from_pem(key).expect("a key");
        let (params, usage) = (
            CertificateParams::default(),
            ExtendedKeyUsagePurpose::ClientAuth,
        );
        self.sign(params, name, usage, Validity::Now, &key)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        name: &str,
        usage: ExtendedKeyUsagePurpose,
        validity: Validity,
        key: &KeyPair,
    ) -> Certificate {
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        let (from, to) = match validity {
            Validity::Now => (2020, 2120),
            Validity::Expired => (2010, 2020),
            Validity::Later => (2110, 2120),
        };
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let signed = params.signed_by(key, &self.0).expect("a certificate");
        Certificate {
            chain: signed.pem(),
            key: key.serialize_pem(),
        }
    }
}

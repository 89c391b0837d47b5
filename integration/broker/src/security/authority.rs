//! Certificates made in memory, for tests.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// A certificate chain and its private key, both in PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate, and those that lead from it to its authority.
    pub chain: String,
    /// The key, PKCS#8 and not encrypted when made by an [`Authority`].
    pub key: String,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("chain", &self.chain)
            .finish_non_exhaustive()
    }
}

/// A certificate authority in memory: it signs what a test needs, also what no one should accept.
///
/// ```
/// use kafka_broker::{Authority, Tls};
///
/// let authority = Authority::new("test");
/// // A broker whose certificate names another host.
/// let tls = Tls::new(authority.server(&["elsewhere.example"])).trust(authority.certificate());
/// ```
#[derive(Clone)]
pub struct Authority {
    issuer: Arc<CertifiedIssuer<'static, KeyPair>>,
}

impl Authority {
    /// An authority with a new key.
    ///
    /// # Panics
    /// When the system gives no random numbers.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("a name in ASCII");
        Self {
            issuer: Arc::new(issuer),
        }
    }

    /// The authority's own certificate in PEM, for those who are to trust it.
    #[must_use]
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// A broker's certificate for host names and addresses.
    ///
    /// # Panics
    /// When a name is not ASCII.
    #[must_use]
    pub fn server(&self, names: &[&str]) -> Certificate {
        self.sign(&server(names))
    }

    /// A broker's certificate that is valid between two moments only.
    ///
    /// # Panics
    /// When a name is not ASCII.
    #[must_use]
    pub fn server_between(&self, names: &[&str], from: SystemTime, to: SystemTime) -> Certificate {
        let mut params = server(names);
        params.not_before = from.into();
        params.not_after = to.into();
        self.sign(&params)
    }

    /// A client's certificate; without mapping rules, its principal is `User:CN=name`.
    #[must_use]
    pub fn client(&self, name: &str) -> Certificate {
        let mut params = named(name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Certificate {
        let key = key();
        let signed = params.signed_by(&key, &self.issuer);
        Certificate {
            chain: signed.expect("names in ASCII").pem(),
            key: key.serialize_pem(),
        }
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("random numbers from the system")
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn server(names: &[&str]) -> CertificateParams {
    let mut params = named(names.first().unwrap_or(&"broker"));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.subject_alt_names = names
        .iter()
        .map(|name| match name.parse::<IpAddr>() {
            Ok(address) => rcgen::SanType::IpAddress(address),
            Err(_) => rcgen::SanType::DnsName((*name).try_into().expect("a name in ASCII")),
        })
        .collect();
    params
}

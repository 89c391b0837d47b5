//! Whose cryptography it is: that of aws-lc, if this build has it, else that of ring. Both have one interface, so
//! this is the only place that knows.

#[cfg(not(any(feature = "tls", feature = "tls-aws-lc")))]
compile_error!("_tls is no feature of its own: take tls (ring) or tls-aws-lc");

#[cfg(all(test, feature = "oidc", feature = "tls-aws-lc"))]
pub(super) use aws_lc_rs::signature;
#[cfg(feature = "tls-aws-lc")]
pub(super) use aws_lc_rs::{digest, hmac, pbkdf2, rand};
#[cfg(all(test, feature = "oidc", feature = "tls", not(feature = "tls-aws-lc")))]
pub(super) use ring::signature;
#[cfg(all(feature = "tls", not(feature = "tls-aws-lc")))]
pub(super) use ring::{digest, hmac, pbkdf2, rand};
#[cfg(feature = "tls-aws-lc")]
pub(super) use rustls::crypto::aws_lc_rs::default_provider as provider;
#[cfg(all(feature = "tls", not(feature = "tls-aws-lc")))]
pub(super) use rustls::crypto::ring::default_provider as provider;

#[cfg(test)]
#[cfg(feature = "tls-aws-lc")]
mod tests {
    use std::sync::Arc;

    use rustls::crypto::CryptoProvider;
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
    use rustls::{ClientConfig, ClientConnection, NamedGroup, RootCertStore};
    use rustls::{ServerConfig, ServerConnection};

    use super::*;

    /// The key exchange that a client of this build agrees upon with a server of this cryptography.
    fn agreed(server: CryptoProvider) -> NamedGroup {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(["broker".to_owned()]).unwrap();
        let certificate = certificate.self_signed(&key).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let server = ServerConfig::builder_with_provider(Arc::new(server))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let name = ServerName::try_from("broker").unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        while client.is_handshaking() || server.is_handshaking() {
            let mut bytes = Vec::new();
            client.write_tls(&mut bytes).unwrap();
            server.read_tls(&mut bytes.as_slice()).unwrap();
            server.process_new_packets().unwrap();
            bytes.clear();
            server.write_tls(&mut bytes).unwrap();
            client.read_tls(&mut bytes.as_slice()).unwrap();
            client.process_new_packets().unwrap();
        }
        client.negotiated_key_exchange_group().unwrap().name()
    }

    #[test]
    fn the_key_exchange_is_post_quantum_with_a_server_that_has_it() {
        assert_eq!(agreed(provider()), NamedGroup::X25519MLKEM768);
    }

    #[test]
    fn the_key_exchange_is_a_usual_one_with_a_server_that_has_no_other() {
        let mut old = provider();
        old.kx_groups
            .retain(|group| group.name() != NamedGroup::X25519MLKEM768);
        assert_eq!(agreed(old), NamedGroup::X25519);
    }

    #[test]
    fn the_library_is_not_its_validated_module() {
        assert!(!provider().fips());
    }
}

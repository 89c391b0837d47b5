//! From a plain stream to an encrypted one.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};

use super::explain::handshake_failed;
use super::material::{Identity, Source, Stamp};
use super::{Tls, verify};
use crate::env::{Env, Stream, lock};
use crate::error::{Error, ErrorKind};
use crate::security::{Security, crypto};

/// Makes TLS connections with the settings of a client.
pub(crate) struct TlsConnector {
    settings: Tls,
    current: Mutex<Current>,
}

/// What the settings have come to, and what the files were like then.
#[derive(Clone)]
struct Current {
    config: Arc<ClientConfig>,
    stamps: Vec<Stamp>,
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsConnector").field(&self.settings).finish()
    }
}

impl TlsConnector {
    /// Reads certificates and keys; `None` if there is to be no TLS.
    ///
    /// # Errors
    /// When a file cannot be read, or is not what it has to be.
    pub(in crate::security) async fn new(
        env: &Env,
        security: &Security,
    ) -> Result<Option<Arc<Self>>, Error> {
        match security.tls.clone() {
            Some(settings) => Ok(Some(Arc::new(Self::of(env, settings).await?))),
            None => Ok(None),
        }
    }

    /// With these settings.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(in crate::security) async fn of(env: &Env, settings: Tls) -> Result<Self, Error> {
        if settings.any_host {
            tracing::warn!(
                "ssl.endpoint.identification.algorithm is empty: host names of brokers are not checked, so \
                 anybody with a certificate of a trusted authority can stand between client and broker"
            );
        }
        let current = read(env, &settings).await?;
        Ok(Self {
            settings,
            current: Mutex::new(current),
        })
    }

    /// Encrypts a stream to a broker, which has to prove that it is `host`.
    ///
    /// # Errors
    /// When the handshake fails: [`ErrorKind::Authentication`] if a certificate is refused by either side.
    ///
    /// # Cancel safety
    /// Dropping the future drops the stream.
    pub(crate) async fn secure(
        &self,
        env: &Env,
        host: &str,
        stream: Box<dyn Stream>,
    ) -> Result<Box<dyn Stream>, Error> {
        let secured = self.handshake(env, host, stream).await?;
        secured.map_err(handshake_failed)
    }

    /// As [`secure`](Self::secure) for whatever server: what goes wrong with it is told as it is.
    pub(in crate::security) async fn handshake(
        &self,
        env: &Env,
        host: &str,
        stream: Box<dyn Stream>,
    ) -> Result<io::Result<Box<dyn Stream>>, Error> {
        // A dot at the end says that a name is whole; certificates are without.
        let name = ServerName::try_from(host.trim_end_matches('.').to_owned()).map_err(|_| {
            let text = format!("{host:?} is no host name that a certificate could have");
            Error::authentication(text)
        })?;
        let config = self.config(env).await?;
        let connector = tokio_rustls::TlsConnector::from(config);
        let secured = connector.connect(name, stream).await;
        Ok(secured.map(|stream| Box::new(stream) as Box<dyn Stream>))
    }

    /// The configuration, made anew if files have changed. One that cannot be made, as in the middle of a
    /// change, leaves the one before.
    async fn config(&self, env: &Env) -> Result<Arc<ClientConfig>, Error> {
        let current = lock(&self.current).clone();
        let settings = self.settings.clone();
        let is_fixed = !sources(&settings).any(Source::is_file);
        if is_fixed || env.blocking(move || stamps(&settings)).await? == current.stamps {
            return Ok(current.config);
        }
        match read(env, &self.settings).await {
            Ok(new) => {
                tracing::info!("certificates have changed: new connections use the new ones");
                let config = new.config.clone();
                *lock(&self.current) = new;
                Ok(config)
            }
            Err(error) if error.kind() == ErrorKind::Closed => Err(error),
            Err(error) => {
                tracing::warn!(%error, "changed certificates cannot be used: the ones before are");
                Ok(current.config)
            }
        }
    }
}

/// Makes the configuration. Files and the system's store are read on a thread for that.
async fn read(env: &Env, settings: &Tls) -> Result<Current, Error> {
    let settings = settings.clone();
    let made = env.blocking(move || {
        // Before the files are read: what changes meanwhile is read again.
        let stamps = stamps(&settings);
        let config = Arc::new(make(&settings)?);
        Ok(Current { config, stamps })
    });
    made.await?
}

fn stamps(settings: &Tls) -> Vec<Stamp> {
    sources(settings).map(Source::stamp).collect()
}

fn sources(settings: &Tls) -> impl Iterator<Item = &Source> {
    let identity = settings.identity.iter();
    let identity = identity.flat_map(|identity| [&identity.certificate, &identity.key]);
    settings.roots.iter().chain(identity.flatten())
}

fn make(settings: &Tls) -> Result<ClientConfig, Error> {
    let provider = provider();
    let roots = Arc::new(roots(settings)?);
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::config(format!("the TLS library cannot be used: {error}")))?;
    let builder = match settings.any_host {
        false => builder.with_root_certificates(roots),
        true => builder
            .dangerous()
            .with_custom_certificate_verifier(verify::any_host(roots, &provider)),
    };
    let Some(identity) = &settings.identity else {
        return Ok(builder.with_no_client_auth());
    };
    let Identity {
        certificate: Some(certificate),
        key: Some(key),
        password,
    } = identity
    else {
        return Err(Error::config(
            "ssl.keystore: a client certificate takes a certificate chain and a key, both in PEM",
        ));
    };
    let chain = certificate.certificates("ssl.keystore.certificate.chain")?;
    let key = key.key("ssl.keystore.key", password.as_ref())?;
    builder.with_client_auth_cert(chain, key).map_err(|error| {
        Error::config(format!(
            "ssl.keystore: certificate and key cannot be used together: {error}"
        ))
    })
}

/// The cryptography: what the program has installed for all of rustls, else that of this build.
pub(in crate::security) fn provider() -> Arc<CryptoProvider> {
    let installed = CryptoProvider::get_default().cloned();
    installed.unwrap_or_else(|| Arc::new(crypto::provider()))
}

fn roots(settings: &Tls) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    for source in &settings.roots {
        for certificate in source.certificates("ssl.truststore")? {
            store.add(certificate).map_err(|error| {
                Error::config(format!(
                    "ssl.truststore: a certificate cannot be used: {error}"
                ))
            })?;
        }
    }
    if !settings.roots.is_empty() && !settings.also_system_roots {
        return Ok(store);
    }
    let native = rustls_native_certs::load_native_certs();
    // Stores of systems hold certificates that are too old to be read.
    let (taken, skipped) = store.add_parsable_certificates(native.certs);
    tracing::debug!(taken, skipped, errors = ?native.errors, "read the system's roots");
    if taken == 0 {
        let reasons: Vec<String> = native.errors.iter().map(ToString::to_string).collect();
        return Err(Error::config(format!(
            "the system has no certificates of authorities to believe in ({}): install them (the package \
             ca-certificates), or name a file with those of your brokers (ssl.truststore.location)",
            reasons.join("; ")
        )));
    }
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_has_installed_is_used() {
        // The same as without, for the sake of other tests. An error says that somebody was first.
        let _ = crypto::provider().install_default();
        let installed = CryptoProvider::get_default().unwrap();
        assert!(Arc::ptr_eq(&provider(), installed));
    }
}

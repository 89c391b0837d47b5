//! Settings of a registry's client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kafka_client::__http::{Base, Client};
use kafka_client::security::{Secret, Tls};
use kafka_client::{Connector, TcpConnector};

use super::transport::Transport;
use super::{Registry, RegistryError};

/// How long a request is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The wait after all addresses failed once; it doubles. Defaults to 100 ms.
    pub backoff: Duration,
    /// The longest wait. Defaults to 2 s.
    pub backoff_max: Duration,
    /// How long it may take with all attempts. Defaults to 30 s.
    pub deadline: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            backoff: Duration::from_millis(100),
            backoff_max: Duration::from_secs(2),
            deadline: Duration::from_secs(30),
        }
    }
}

/// Settings of a [`Registry`].
#[must_use = "a builder does nothing until `build`"]
pub struct RegistryBuilder {
    urls: String,
    authorization: Option<Secret>,
    headers: Vec<(&'static str, Secret)>,
    /// What is not to be told if a registry repeats it.
    secrets: Vec<Secret>,
    tls: Tls,
    connector: Arc<dyn Connector>,
    context: Option<String>,
    connect: Duration,
    answer: Duration,
    answer_bytes: usize,
    retry: Retry,
}

impl fmt::Debug for RegistryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryBuilder")
            .field("urls", &self.urls)
            .field("tls", &self.tls)
            .field("context", &self.context)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

impl RegistryBuilder {
    pub(super) fn new(urls: String) -> Self {
        Self {
            urls,
            authorization: None,
            headers: Vec::new(),
            secrets: Vec::new(),
            tls: Tls::new(),
            connector: Arc::new(TcpConnector),
            context: None,
            connect: Duration::from_secs(4),
            answer: Duration::from_secs(10),
            answer_bytes: 16 * 1024 * 1024,
            retry: Retry::default(),
        }
    }

    /// `basic.auth.user.info`: a user and a password.
    pub fn basic_auth(mut self, user: impl Into<String>, password: impl Into<Secret>) -> Self {
        let (user, password) = (user.into(), password.into());
        let pair = Secret::from(format!("{user}:{}", password.expose()));
        let encoded = Secret::from(STANDARD.encode(pair.expose()));
        let value = Secret::from(format!("Basic {}", encoded.expose()));
        self.secrets.extend([password, encoded]);
        self.authorization = Some(value);
        self
    }

    /// `bearer.auth.token`: a token.
    pub fn bearer_token(mut self, token: impl Into<Secret>) -> Self {
        let token = token.into();
        let value = Secret::from(format!("Bearer {}", token.expose()));
        self.secrets.push(token);
        self.authorization = Some(value);
        self
    }

    /// A header of each request, such as one that a proxy wants.
    pub fn header(mut self, name: &'static str, value: impl Into<Secret>) -> Self {
        let value = value.into();
        self.secrets.push(value.clone());
        self.headers.push((name, value));
        self
    }

    /// Whom to believe at addresses with `https`, and the client's certificate. Defaults to the authorities of
    /// the operating system, and no certificate.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// How connections are made. Defaults to TCP.
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.connector = Arc::new(connector);
        self
    }

    /// The context that subjects are in which name none, without its dot. Defaults to the one without a name.
    pub fn context(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// How long an address may take to connect, with TLS. Defaults to 4 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect = limit;
        self
    }

    /// How long an address may take to answer. Defaults to 10 s.
    pub fn request_timeout(mut self, limit: Duration) -> Self {
        self.answer = limit;
        self
    }

    /// How many bytes an answer may have. Defaults to 16 MiB.
    pub fn answer_bytes(mut self, limit: usize) -> Self {
        self.answer_bytes = limit;
        self
    }

    /// How long a request is tried. Defaults to [`Retry::default`].
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The client. Nothing is asked yet.
    ///
    /// # Errors
    /// When an address is none, or this is not called within a tokio runtime.
    pub fn build(self) -> Result<Registry, RegistryError> {
        let mut bases = Vec::new();
        for url in self.urls.split(',').map(str::trim) {
            let base = Base::parse(url);
            let wrong =
                |what| RegistryError::config(format!("schema.registry.url: {url:?} {what}"));
            bases.push(base.map_err(wrong)?);
        }
        if let Some(context) = &self.context
            && context.contains(':')
        {
            let text = format!("context: {context:?} has a colon, which no context has");
            return Err(RegistryError::config(text));
        }
        let client = Client::new(
            self.connector,
            self.tls,
            self.connect,
            self.answer,
            self.answer_bytes,
        );
        let client = client.map_err(|error| RegistryError::config(error.to_string()))?;
        let mut headers = self.headers;
        if let Some(value) = self.authorization {
            headers.push(("authorization", value));
        }
        let transport = Transport::new(client, bases, headers, self.secrets, self.retry);
        Ok(Registry::with(transport, self.context))
    }
}

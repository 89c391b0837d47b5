//! A small HTTP/1.1 client, for those who issue tokens and credentials, and for schema registries.
//!
//! One connection for each request, over the client's own [`Env`], so that a connector of the user's sees
//! these connections too. No redirect is followed, as a request carries secrets; no proxy is known. Every
//! wait and every size has a limit.
//!
//! - `url`: addresses and forms (pure)
//! - `retry`: what is tried again, and when (pure)
//! - `stream`: a stream as hyper wants it
//! - `door`: the same for the crate of formats, which asks schema registries

#[cfg(feature = "_registry")]
pub mod door;
mod retry;
mod stream;
mod url;

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderValue};
use hyper::{Method, StatusCode};
use rustls::CertificateError;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

pub(in crate::security) use self::retry::Retries;
use self::stream::HyperStream;
pub(in crate::security) use self::url::{Url, escaped, form};
use super::Secret;
use super::tls::{Tls, TlsConnector};
use crate::env::{Env, Stream};
use crate::error::Error;

/// Of the head of an answer.
const HEAD_MAX: usize = 64 * 1024;

/// Of an error that has words of a server in it, in characters.
const WORDS_MAX: usize = 500;

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::security) struct Limits {
    /// The connection, with TLS.
    pub(in crate::security) connect: Duration,
    /// From the request to the end of the answer.
    pub(in crate::security) answer: Duration,
    /// How many bytes an answer may have.
    pub(in crate::security) answer_bytes: usize,
}

impl Limits {
    /// Together no longer than brokers are given for a connection to be set up, which waits for them: so
    /// who is silent is named.
    pub(in crate::security) const DEFAULT: Self = Self {
        connect: Duration::from_secs(4),
        answer: Duration::from_secs(5),
        // No token and no list of credentials comes near it.
        answer_bytes: 1024 * 1024,
    };
}

/// A request. It may be sent several times.
pub(in crate::security) struct Request {
    pub(in crate::security) method: Method,
    pub(in crate::security) headers: Vec<(&'static str, Secret)>,
    pub(in crate::security) body: Secret,
}

impl Request {
    #[cfg(any(test, feature = "aws-msk"))]
    pub(in crate::security) fn get() -> Self {
        Self {
            method: Method::GET,
            headers: Vec::new(),
            body: Secret::from(""),
        }
    }

    /// A form, as OAuth wants it.
    pub(in crate::security) fn post(form: Secret) -> Self {
        let request = Self {
            method: Method::POST,
            headers: Vec::new(),
            body: form,
        };
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
    }

    pub(in crate::security) fn header(
        mut self,
        name: &'static str,
        value: impl Into<Secret>,
    ) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What a server says, whatever its status.
pub(in crate::security) struct Answer {
    pub(in crate::security) status: StatusCode,
    pub(in crate::security) body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// The body as text. Never shown: it may hold a token.
    #[cfg(any(test, feature = "aws-msk"))]
    pub(in crate::security) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }
}

/// Why there is no good answer.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::security) struct Failure {
    pub(in crate::security) text: String,
    pub(in crate::security) then: Then,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::security) enum Then {
    /// Try again in a moment.
    Retry,
    /// Give up for now: it has taken long already.
    Later,
    /// Nothing: it stays until somebody changes something.
    Stop,
}

impl Failure {
    pub(in crate::security) fn new(then: Then, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            then,
        }
    }

    pub(in crate::security) fn stop(text: impl Into<String>) -> Self {
        Self::new(Then::Stop, text)
    }

    /// Without these secrets, which a server may have repeated in its own words, and no longer than anybody
    /// reads.
    pub(in crate::security) fn without<'a>(
        mut self,
        secrets: impl IntoIterator<Item = &'a Secret>,
    ) -> Self {
        for secret in secrets {
            // What is shorter is no secret, and to look for it would garble the words.
            if secret.expose().len() >= 6 {
                self.text = self.text.replace(secret.expose(), "[hidden]");
                self.text = self.text.replace(&escaped(secret.expose()), "[hidden]");
            }
        }
        // Not before: half a secret would not be found.
        if let Some((end, _)) = self.text.char_indices().nth(WORDS_MAX) {
            self.text.truncate(end);
        }
        self
    }

    /// A status that is not what was hoped for, with what the server says about it.
    pub(in crate::security) fn status(url: &Url, status: StatusCode, words: &str) -> Self {
        let words = match (status.is_redirection(), words) {
            (true, _) => {
                ", which leads elsewhere and is not followed: set the address that it leads to"
            }
            (false, "") => "",
            (false, words) => &format!(": {words}"),
        };
        Self::new(
            retry::after(status),
            format!("{url} answers {}{words}", status.as_u16()),
        )
    }
}

/// The client.
pub(in crate::security) struct Http {
    env: Env,
    tls: Tls,
    /// Made when it is needed: the system's roots are not read for an address without TLS.
    connector: OnceCell<TlsConnector>,
    limits: Limits,
}

impl Http {
    pub(in crate::security) fn new(env: &Env, tls: Tls, limits: Limits) -> Self {
        Self {
            env: env.clone(),
            tls,
            connector: OnceCell::new(),
            limits,
        }
    }

    pub(in crate::security) fn env(&self) -> &Env {
        &self.env
    }

    /// Reads what TLS needs, if this address does.
    ///
    /// # Errors
    /// When a certificate cannot be read.
    #[cfg(feature = "oidc")]
    pub(in crate::security) async fn prepare(&self, url: &Url) -> Result<(), Error> {
        if url.is_https() {
            self.connector().await?;
        }
        Ok(())
    }

    async fn connector(&self) -> Result<&TlsConnector, Error> {
        let make = || TlsConnector::of(&self.env, self.tls.clone());
        self.connector.get_or_try_init(make).await
    }

    /// Asks until an answer is good, or it is time to give up; `judge` says what an answer is.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; the server may have done what it was asked for.
    pub(in crate::security) async fn ask<T>(
        &self,
        url: &Url,
        request: &Request,
        mut retries: Retries,
        judge: impl Fn(&Answer) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let begin = self.env.now();
        loop {
            let answer = self.send(url, request).await;
            let failure = match answer.and_then(|answer| judge(&answer)) {
                Ok(good) => return Ok(good),
                Err(failure) => failure,
            };
            if failure.then != Then::Retry {
                return Err(failure);
            }
            let elapsed = self.env.now().saturating_duration_since(begin);
            let chance = self.env.below(1000) as f64 / 1000.0;
            let Some(wait) = retries.next(elapsed, chance) else {
                return Err(failure);
            };
            tracing::debug!(reason = failure.text, ?wait, "asking again");
            self.env.sleep(wait).await;
        }
    }

    /// Sends a request, once.
    async fn send(&self, url: &Url, request: &Request) -> Result<Answer, Failure> {
        let limit = self.limits.connect;
        let stream = self.env.timeout(limit, self.connect(url)).await;
        let stream = stream.unwrap_or_else(|_| Err(self.not_reached(url)))?;
        let limit = self.limits.answer;
        let exchange = exchange(url, request, stream, self.limits.answer_bytes);
        let answer = self.env.timeout(limit, exchange);
        answer.await.unwrap_or_else(|_| {
            let text = format!("{url} does not answer within {limit:?}");
            Err(Failure::new(Then::Later, text))
        })
    }

    fn not_reached(&self, url: &Url) -> Failure {
        let limit = self.limits.connect;
        Failure::new(
            Then::Later,
            format!("{url} is not reached within {limit:?}"),
        )
    }

    async fn connect(&self, url: &Url) -> Result<Box<dyn Stream>, Failure> {
        let (host, port) = (url.host(), url.port());
        let fails = |error| Failure::new(Then::Retry, format!("cannot connect to {url}: {error}"));
        let addresses = self.env.resolve(host, port).await.map_err(fails)?;
        let mut last = fails(io::Error::other("its name has no addresses"));
        // One that is dead, such as that of an IPv6 that leads nowhere, leaves time for the others.
        let each = self.limits.connect / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
        for address in addresses {
            let dialed = self
                .env
                .timeout(each, self.env.connect(&address, port))
                .await;
            match dialed {
                Ok(Ok(stream)) if url.is_https() => return self.secure(url, stream).await,
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = fails(error),
                Err(_) => last = self.not_reached(url),
            }
        }
        Err(last)
    }

    async fn secure(&self, url: &Url, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, Failure> {
        let stop = |error: Error| Failure::stop(format!("{url}: {error}"));
        let connector = self.connector().await.map_err(stop)?;
        let secured = connector.handshake(&self.env, url.host(), stream).await;
        secured.map_err(stop)?.map_err(|error| {
            let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
            let text = format!("no TLS with {url}: {error}");
            match cause {
                Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                    Failure::stop(format!(
                        "{text} (a certificate of another authority takes a file with that authority's, as \
                         the system's are believed otherwise)"
                    ))
                }
                Some(_) => Failure::stop(text),
                None => Failure::new(Then::Retry, text),
            }
        })
    }
}

/// One request and its answer, on a connection for that.
async fn exchange(
    url: &Url,
    request: &Request,
    stream: Box<dyn Stream>,
    answer_bytes: usize,
) -> Result<Answer, Failure> {
    // hyper's errors name what went wrong on the connection, and nothing of what was sent.
    let fails = |error: hyper::Error| {
        let reason = match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        let text = format!("{url} does not answer as it should: {reason}");
        match is_refused(&error) {
            true => Failure::stop(text),
            false => Failure::new(Then::Retry, text),
        }
    };
    let made = make(url, request);
    let made = made.ok_or_else(|| {
        Failure::stop(format!(
            "{url} cannot be asked: something in the request has characters that no header has"
        ))
    })?;
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_MAX);
    let handshake = builder.handshake::<_, String>(HyperStream(stream)).await;
    let (mut sender, connection) = handshake.map_err(fails)?;
    let answer = async {
        let answer = sender.send_request(made).await.map_err(fails)?;
        let status = answer.status();
        let body = read(answer.into_body(), answer_bytes)
            .await
            .map_err(|error| match error {
                Some(error) => fails(error),
                None => Failure::stop(format!(
                    "{url} answers with more than {answer_bytes} bytes, which is not what was asked for"
                )),
            })?;
        Ok(Answer { status, body })
    };
    // The connection is a task in itself. When it ends, the answer does at once.
    let (mut answer, mut connection) = (pin!(answer), pin!(connection));
    let mut has_ended = false;
    poll_fn(|cx| {
        let ready = answer.as_mut().poll(cx);
        if ready.is_ready() || has_ended {
            return ready;
        }
        match connection.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(_) => {
                has_ended = true;
                answer.as_mut().poll(cx)
            }
        }
    })
    .await
}

/// Whether the server refuses this client by TLS, as it does without a certificate that it wants. In version 1.3 that
/// comes when the handshake is over.
fn is_refused(error: &hyper::Error) -> bool {
    use rustls::AlertDescription as Alert;
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let cause = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(rustls::Error::AlertReceived(alert)) = cause.and_then(|it| it.downcast_ref()) {
            return matches!(
                alert,
                Alert::CertificateRequired
                    | Alert::BadCertificate
                    | Alert::UnsupportedCertificate
                    | Alert::CertificateRevoked
                    | Alert::CertificateExpired
                    | Alert::CertificateUnknown
                    | Alert::UnknownCA
                    | Alert::AccessDenied
                    | Alert::HandshakeFailure
            );
        }
        source = error.source();
    }
    false
}

/// The request as hyper has it; `None` if something in it cannot be sent.
fn make(url: &Url, request: &Request) -> Option<hyper::Request<String>> {
    let mut made = hyper::Request::builder()
        .method(request.method.clone())
        .uri(url.target())
        .header(HOST, url.authority())
        .header(CONNECTION, "close");
    for (name, value) in &request.headers {
        let mut value = HeaderValue::from_str(value.expose()).ok()?;
        value.set_sensitive(true);
        made = made.header(*name, value);
    }
    made.body(request.body.expose().to_owned()).ok()
}

/// The whole body; `None` as error when it is too long.
async fn read(body: Incoming, max: usize) -> Result<Zeroizing<Vec<u8>>, Option<hyper::Error>> {
    let mut body = pin!(body);
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > max {
            return Err(None);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

#[cfg(test)]
pub(in crate::security) mod testing;
#[cfg(test)]
mod tests;

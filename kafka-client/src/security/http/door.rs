//! The HTTP client, for the crate of formats: a schema registry is reached with the settings of TLS and by
//! the connector that brokers are reached with. Hidden, and no part of what this crate promises.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper::Method;

use super::{Http, Limits, Request, Then, Url, escaped};
use crate::env::{Connector, Env};
use crate::error::Error;
use crate::security::{Secret, Tls};

/// The base of addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct Base(String);

impl Base {
    /// Reads one; a slash at its end changes nothing.
    ///
    /// # Errors
    /// What is wrong with it, in words that go behind a name.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.contains('?') {
            return Err("has a ?, and a path is put behind it");
        }
        Url::parse(text)?;
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Part of a path, with all but unreserved characters as `%XX`.
#[must_use]
pub fn segment(text: &str) -> String {
    escaped(text)
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
}

/// A server's answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub struct NoAnswer {
    /// The reason, which names the address.
    pub text: String,
    /// Whether it may pass by itself.
    pub may_pass: bool,
}

/// The client.
pub struct Client {
    http: Http,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// A client on the runtime of the caller. `connect` and `answer` are limits of one attempt.
    ///
    /// # Errors
    /// When there is no runtime.
    pub fn new(
        connector: Arc<dyn Connector>,
        tls: Tls,
        connect: Duration,
        answer: Duration,
        answer_bytes: usize,
    ) -> Result<Self, Error> {
        let limits = Limits {
            connect,
            answer,
            answer_bytes,
        };
        let env = Env::new(connector, None)?;
        Ok(Self {
            http: Http::new(&env, tls, limits),
        })
    }

    /// Sends a request once.
    ///
    /// # Errors
    /// When there is no whole answer.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; the server may have done what it was asked for.
    pub async fn send(
        &self,
        verb: Verb,
        base: &Base,
        path: &str,
        headers: &[(&'static str, Secret)],
        body: &str,
    ) -> Result<Answer, NoAnswer> {
        let address = format!("{base}{path}");
        let url = Url::parse(&address).map_err(|what| NoAnswer {
            text: format!("{base} with this path {what}"),
            may_pass: false,
        })?;
        let request = Request {
            method: match verb {
                Verb::Get => Method::GET,
                Verb::Post => Method::POST,
                Verb::Put => Method::PUT,
                Verb::Delete => Method::DELETE,
            },
            headers: headers.to_vec(),
            body: Secret::from(body),
        };
        match self.http.send(&url, &request).await {
            Ok(answer) => Ok(Answer {
                status: answer.status.as_u16(),
                body: answer.body.to_vec(),
            }),
            Err(failure) => Err(NoAnswer {
                may_pass: failure.then != Then::Stop,
                text: failure.text,
            }),
        }
    }

    /// Waits for a time.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn sleep(&self, time: Duration) {
        self.http.env().sleep(time).await;
    }

    /// Waits for a future for a time; `None` when it took longer.
    ///
    /// # Cancel safety
    /// As the future.
    pub async fn timeout<F: Future>(&self, time: Duration, future: F) -> Option<F::Output> {
        self.http.env().timeout(time, future).await.ok()
    }

    /// A random number from 0 to 1.
    #[must_use]
    pub fn chance(&self) -> f64 {
        self.http.env().below(1000) as f64 / 1000.0
    }
}

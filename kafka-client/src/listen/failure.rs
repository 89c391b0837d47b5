//! How an attempt to handle a record failed.

use std::fmt;

use super::classify::Classifiers;
use super::policy::Class;
use super::{BoxError, Rejection};

#[derive(Debug)]
pub(super) enum Failure {
    Handler(BoxError),
    Decode(BoxError),
    Panic(String),
}

impl Failure {
    /// Of an attempt; the outer error has the words of a panic.
    pub(super) fn of(outcome: Result<Result<(), BoxError>, String>) -> Option<Self> {
        match outcome {
            Ok(Ok(())) => None,
            Ok(Err(error)) if error.is::<Rejection>() => Some(Self::Decode(error)),
            Ok(Err(error)) => Some(Self::Handler(error)),
            Err(words) => Some(Self::Panic(words)),
        }
    }

    pub(super) fn class(&self, classifiers: &Classifiers) -> Class {
        match self {
            Self::Handler(error) => Class::Handler(classifiers.verdict(&**error)),
            Self::Decode(_) => Class::Decode,
            Self::Panic(_) => Class::Panic,
        }
    }

    /// What stands for Java's name of an exception's class: that of the error that the listener would end with.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Handler(_) => "kafka_client::listen::ListenError::Handler",
            Self::Decode(_) => "kafka_client::listen::ListenError::Decode",
            Self::Panic(_) => "kafka_client::listen::ListenError::Panicked",
        }
    }

    /// The failure and what lies behind it, a line for each: what stands for Java's stack trace.
    pub(super) fn trace(&self) -> String {
        let mut lines = format!("{}: {self}", self.kind());
        let (Self::Handler(error) | Self::Decode(error)) = self else {
            return lines;
        };
        let mut next = error.source();
        while let Some(cause) = next {
            lines.push_str(&format!("\nCaused by: {cause}"));
            next = cause.source();
        }
        lines
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handler(error) | Self::Decode(error) => error.fmt(f),
            Self::Panic(words) => write!(f, "panicked: {words}"),
        }
    }
}

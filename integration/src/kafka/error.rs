use std::{fmt, io, time::Duration};

use testcontainers::TestcontainersError;

use super::Output;

/// Why Apache Kafka, or one of its tools, could not be run. Each says in one line what to do.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum KafkaError {
    /// There is no `docker` command. It is what removes a container when the tests are killed.
    #[error("the `docker` command is missing: install Docker, or as root run `.ci/engine start`")]
    NoDockerCommand,

    /// The command is there, but no daemon answers it.
    #[error(
        "no container engine answers: start Docker (or set DOCKER_HOST), \
         or as root run `.ci/engine start`"
    )]
    NoEngine,

    /// The container did not start, or Kafka in it did not become ready.
    #[error(
        "cannot start Apache Kafka from image {image}: {source}. Where the image cannot be pulled, \
         `.ci/kafka-image` builds one: set KAFKA_TEST_IMAGE and KAFKA_TEST_TAG to what it prints"
    )]
    Container {
        /// Name and tag.
        image: String,
        /// What the engine said.
        source: Box<TestcontainersError>,
    },

    /// `KAFKA_JARS` is not set, or is not a directory with Kafka's jars in it.
    #[error("KAFKA_JARS {problem}: run `export KAFKA_JARS=$(.ci/jars)` in the repository")]
    NoJars {
        /// What is wrong with it.
        problem: String,
    },

    /// No `java` on the path.
    #[error("the `java` command is missing: install a Java runtime, version 17 or newer")]
    NoJava,

    /// A tool ended with another exit status than zero.
    #[error("{class} failed: {output}")]
    Failed {
        /// Name of the Java class.
        class: String,
        /// What it wrote.
        output: Output,
    },

    /// A tool, or a line that it should write, took too long.
    #[error("{class}: no {awaited} within {after:?}; it has written: {written}")]
    TimedOut {
        /// Name of the Java class.
        class: String,
        /// What was waited for.
        awaited: String,
        /// How long.
        after: Duration,
        /// What it wrote until then, stdout and stderr mixed.
        written: String,
    },

    /// A process ended while a line of it was waited for.
    #[error("{class} ended before {awaited}; it has written: {written}")]
    Ended {
        /// Name of the Java class.
        class: String,
        /// What was waited for.
        awaited: String,
        /// What it wrote, stdout and stderr mixed.
        written: String,
    },

    /// A process could not be started or spoken to.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// The same words as `Display`: tests unwrap, and what to do should be in the panic.
impl fmt::Debug for KafkaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl KafkaError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

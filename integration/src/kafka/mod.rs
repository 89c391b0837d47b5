//! Apache Kafka itself, for tests: in a container, as a plain process, and its command-line tools.
//!
//! * [`KafkaContainer`]: one node in a container, shared by all tests of a binary.
//! * [`NativeKafka`]: one node as a child process, for tests that kill and restart it.
//! * [`JavaTools`]: Kafka's own clients and tools, run against any broker.
//!
//! None of this is on a plain machine, so a test that uses it is ignored there:
//!
//! ```
//! # async fn f() -> Result<(), integration::kafka::KafkaError> {
//! use integration::kafka::{JavaTools, KafkaContainer, class};
//!
//! #[tokio::test]
//! #[ignore = "needs a container engine and KAFKA_JARS; .ci/run provides both"]
//! async fn topics_are_listed() {
//!     let kafka = KafkaContainer::shared().await.unwrap();
//!     let tools = JavaTools::from_env().unwrap();
//!     let listed = tools
//!         .run(class::TOPICS, &["--bootstrap-server", &kafka.bootstrap(), "--list"], b"")
//!         .await
//!         .unwrap();
//!     assert!(listed.status.success(), "{listed}");
//! }
//! # Ok(()) }
//! ```
//!
//! Environment variables:
//!
//! | name | meaning | default |
//! |---|---|---|
//! | `KAFKA_TEST_IMAGE` | image of [`KafkaContainer`] | `apache/kafka` |
//! | `KAFKA_TEST_TAG` | its tag | `4.3.1` |
//! | `KAFKA_JARS` | directory with Apache Kafka's jars; `.ci/jars` fetches them and prints it | none |
//! | `KAFKA_TEST_LOGS` | directory for logs of Java's programs and of members (see [`crate::logs`]) | none: they are not kept |
//! | `KAFKA_TEST_PYTHON` | a Python that has `confluent-kafka`, as a client of the reference broker | none |
//! | `KAFKA_TEST_NODE_MODULES` | directory of modules that has `kafkajs`, for sessions of clients of other languages | none |
//! | `KAFKA_TEST_SARAMA` | program of `integration/sarama`, for the same | none |
//! | `KAFKA_TEST_LIBRDKAFKA_MEMBER` | program of `integration/librdkafka`, for the soak of mixed groups | none: it is left out |

mod container;
mod error;
mod java;
mod native;
mod reaper;
mod settings;

pub use container::KafkaContainer;
pub use error::KafkaError;
pub use java::{JavaProcess, JavaTools, Output, class};
pub use native::NativeKafka;
pub(crate) use native::free_ports;

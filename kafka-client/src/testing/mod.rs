//! Tests with a broker of their own: feature `testing`.
//!
//! A test gets a broker that was started for it, in its own process and in some milliseconds, and a client of it. The
//! broker is the reference broker, with the answers and the storage of Kafka. No port is opened, and time is paused:
//! where all tasks wait for a time, it has come, so that a test of half an hour takes no longer than one of a second.
//!
//! ```toml
//! [dev-dependencies]
//! kafka-client = { version = "0.1", features = ["testing"] }
//! ```
//!
//! ```
//! use kafka_client::KafkaRecord;
//! use kafka_client::consumer::OffsetReset;
//! use kafka_client::testing::TestKafka;
//!
//! #[derive(Debug, KafkaRecord)]
//! #[kafka(topic = "orders")]
//! struct OrderPlaced {
//!     #[kafka(key)]
//!     order_id: String,
//!     amount_cents: u64,
//! }
//!
//! #[derive(Debug, KafkaRecord)]
//! #[kafka(topic = "invoices")]
//! struct Invoice {
//!     #[kafka(key)]
//!     order_id: String,
//!     total_cents: u64,
//! }
//!
//! /// What is tested.
//! async fn bill(kafka: &kafka_client::Kafka) -> Result<(), Box<dyn std::error::Error>> {
//!     let producer = kafka.producer().build().await?;
//!     let orders = kafka.consumer("billing").offset_reset(OffsetReset::Earliest);
//!     let mut orders = orders.topic::<OrderPlaced>().start().await?;
//!     let order = orders.recv().await?.into_value();
//!     let invoice = Invoice { order_id: order.order_id, total_cents: order.amount_cents };
//!     producer.send(&invoice).await?;
//!     orders.commit().await?;
//!     orders.close().await?;
//!     Ok(())
//! }
//!
//! #[kafka_client::test(topics("orders:3", "invoices"))]
//! async fn an_order_is_billed(kafka: TestKafka) {
//!     let order = OrderPlaced { order_id: "o-17".to_owned(), amount_cents: 1_250 };
//!     kafka.deliver(&order).await;
//!     bill(&kafka).await.unwrap();
//!     kafka.assert_sent::<Invoice>(|invoice| invoice.total_cents == 1_250).await;
//!     kafka.assert_all_committed("billing", "orders").await;
//! }
//! # fn main() {}
//! ```
//!
//! # What a test can do
//!
//! | to | use |
//! |---|---|
//! | have a record in a topic | [`TestKafka::deliver`], [`deliver_to`](TestKafka::deliver_to) |
//! | look what was sent | [`TestKafka::sent`], [`assert_sent`](TestKafka::assert_sent) |
//! | look how far a group is | [`TestKafka::committed`], [`assert_all_committed`](TestKafka::assert_all_committed) |
//! | have the broker gone for a while | [`TestKafka::restart_after`], [`crash`](TestKafka::crash) and [`start_again`](TestKafka::start_again) |
//! | have it answer wrongly, late or not at all | [`TestKafka::faults`] |
//! | have its disk fail | [`TestKafka::disk`] |
//! | ask it for anything else | [`TestKafka::with_broker`] |
//!
//! [`TestKafka`] is a [`Kafka`](crate::Kafka) too: producers and consumers are made as always. For a test without the
//! attribute, such as one with another runtime, there are [`TestKafka::start`] and [`run`].
//!
//! # Time
//!
//! With the attribute, time stands still while any task has something to do, and else goes to the next time that
//! a task waits for. `tokio::time::sleep(Duration::from_secs(3600))` returns at once, with an hour gone for
//! all. Work that tokio does not know of is not waited for, such as a thread of your own or a real socket: time
//! passes meanwhile. A test that takes more than 10 minutes of such time fails ([`Setup::time_limit`]), so none hangs.
//!
//! # The same test on a real cluster
//!
//! With `KAFKA_CLIENT_TEST_BOOTSTRAP=host:port` in the environment, the same tests run on that cluster, one after the
//! other and in real time. The topics of a test are made before it and deleted after it. A test whose topic is there
//! already fails instead: it is not the test's to delete. What only the embedded broker has, such as faults, fails with
//! a message; [`TestKafka::is_embedded`] tells.

mod kafka;
mod looking;
mod run;
mod setup;
mod site;

/// The embedded broker, its faults and its disk.
pub use kafka_broker as broker;

pub use kafka::TestKafka;
pub use run::run;
pub use setup::Setup;

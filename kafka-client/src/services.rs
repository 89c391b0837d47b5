//! Services: programs whose work is to handle records, as functions whose arguments say what they need.
//!
//! Each statement names the test of this repository that shows it; a check keeps the names true.
//!
//! # A service
//!
//! ```
//! use std::time::Duration;
//! use kafka_client::consumer::{Concurrency, OffsetReset};
//! use kafka_client::listen::{Blocking, Publish, State, Value};
//! use kafka_client::{Kafka, KafkaRecord};
//! use tower::timeout::TimeoutLayer;
//!
//! #[derive(KafkaRecord)]
//! #[kafka(topic = "orders")]
//! struct OrderPlaced {
//!     #[kafka(key)]
//!     id: String,
//!     amount_cents: u64,
//! }
//!
//! #[derive(KafkaRecord)]
//! #[kafka(topic = "invoices")]
//! struct Invoice {
//!     #[kafka(key)]
//!     order_id: String,
//!     amount_cents: u64,
//! }
//!
//! /// What the handlers share.
//! #[derive(Clone)]
//! struct Prices {
//!     discount_cents: u64,
//! }
//!
//! async fn invoice(
//!     Value(order): Value<OrderPlaced>,
//!     State(prices): State<Prices>,
//! ) -> Result<Publish<Invoice>, String> {
//!     let amount_cents = order.amount_cents.checked_sub(prices.discount_cents);
//!     let amount_cents = amount_cents.ok_or("nothing is left to pay")?;
//!     Ok(Publish::one(Invoice { order_id: order.id, amount_cents }))
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let broker = kafka_broker::Broker::builder().start().await?;
//! # broker.create_topic("orders", 1)?;
//! # let kafka = Kafka::connect(broker.bootstrap()).await?;
//! # let shutdown = std::future::ready(());
//! // let shutdown = async { drop(tokio::signal::ctrl_c().await) };
//! let report = kafka
//!     .listen("invoicing")
//!     .consumer(|consumer| consumer.offset_reset(OffsetReset::Earliest))
//!     .state(Prices { discount_cents: 100 })
//!     .on(invoice)
//!     .layer(TimeoutLayer::new(Duration::from_secs(30)))
//!     .concurrency(Concurrency::PerKey(64))
//!     .retry(Blocking::times(3))
//!     .dead_letters()
//!     .run_until(shutdown)
//!     .await?;
//! println!("{report:?}");
//! # Ok(())
//! # }
//! ```
//!
//! # Handlers
//!
//! - A handler is an async function. Its arguments are read from the record and from the state: [`FromMessage`] lists
//!   them (test: `kafka-client/tests/listen/handling.rs`: `a_handler_is_given_what_its_arguments_say`).
//! - A listener has several, by topic and by type (test: `kafka-client/tests/listen/handling.rs`:
//!   `handlers_are_found_by_topic_and_by_type`); two for one topic are refused
//!   (test: `kafka-client/tests/listen/handling.rs`:
//!   `a_listener_without_handlers_or_with_two_for_a_topic_is_refused`).
//! - Tests call it as any function (test: `kafka-client/tests/listen/replies.rs`: `handlers_are_called_by_tests`):
//!
//! ```
//! # use kafka_client::listen::{Attempt, State};
//! async fn greet(State(greeting): State<&'static str>, Attempt(attempt): Attempt) -> Result<(), String> {
//!     match attempt {
//!         1 => Err(format!("{greeting}, not yet")),
//!         _ => Ok(()),
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! assert!(greet(State("hello"), Attempt(1)).await.is_err());
//! assert!(greet(State("hello"), Attempt(2)).await.is_ok());
//! # }
//! ```
//!
//! - What it returns as [`Publish`] is written before its record counts as handled
//!   (test: `kafka-client/tests/listen/replies.rs`: `what_is_published_is_written_before_its_cause_is_committed`).
//! - With [`Ack`] it hands work on, and the record is done when that is acknowledged
//!   (test: `kafka-client/tests/listen/replies.rs`: `a_record_is_done_when_it_is_acknowledged_by_hand`).
//! - With [`Trace`] it goes on with the trace of its record (test: `kafka-client/tests/listen/replies.rs`:
//!   `the_trace_of_a_record_is_an_argument`).
//! - [`Listener::on_batch`] gives it many records at once: a batch that is full, or has waited long enough
//!   (test: `kafka-client/tests/listen/batches.rs`: `a_batch_is_handled_when_it_is_full_or_has_waited`).
//!
//! # At the same time
//!
//! By default the records of a partition are handled one after the other.
//!
//! - [`Listener::concurrency`] has more handled at the same time, with the order of each key kept
//!   (test: `kafka-client/tests/listen/handling.rs`:
//!   `keys_are_handled_at_the_same_time_and_each_in_its_order`).
//! - However slow a handler is, the member stays in its group (test: `kafka-client/tests/listen/batches.rs`:
//!   `a_slow_batch_loses_no_member_and_single_records_go_on`).
//! - A record costs no allocation beyond those of `for_each_concurrent`, also with a layer that has none
//!   (test: `integration/tests/testing/listen_cost.rs`: `a_listener_with_a_layer_allocates_nothing_for_a_record`).
//!
//! # Layers
//!
//! A handler with its arguments is a [`Service`](tower_service::Service) of tower's, so its layers limit what they
//! limit elsewhere:
//!
//! - time (test: `kafka-client/tests/listen/layers.rs`:
//!   `a_timeout_is_an_error_of_the_attempt_and_each_attempt_has_its_own`);
//! - how many run (test: `kafka-client/tests/listen/layers.rs`:
//!   `nothing_is_handed_to_a_service_that_is_not_ready`): the other records wait, up to
//!   [`max_unacked`](Listener::max_unacked) of a partition, and then less is fetched;
//! - how many run in a time (test: `kafka-client/tests/listen/layers.rs`:
//!   `a_rate_limit_counts_the_records_of_all_lanes`).
//!
//! And:
//!
//! - A layer is around the handlers that were added before it (test: `kafka-client/tests/listen/layers.rs`:
//!   `a_layer_is_around_the_handlers_before_it`).
//!
//! # The end
//!
//! When the future given to [`Listener::run_until`] is ready, nothing more is fetched.
//!
//! - What runs is waited for and committed (test: `kafka-client/tests/listen/handling.rs`:
//!   `a_shutdown_waits_for_handlers_that_run_and_commits_them`), no longer than
//!   [`shutdown_timeout`](Listener::shutdown_timeout) (test: `kafka-client/tests/listen/handling.rs`:
//!   `a_shutdown_waits_no_longer_than_its_limit`).
//! - What waits for another attempt is left for the next start (test: `kafka-client/tests/listen/failures.rs`:
//!   `a_shutdown_does_not_wait_for_another_attempt`).
//!
//! The [`ShutdownReport`](crate::listen::ShutdownReport) counts what became of all records.
//!
//! [`Ack`]: crate::listen::Ack
//! [`FromMessage`]: crate::listen::FromMessage
//! [`Listener::concurrency`]: crate::listen::Listener::concurrency
//! [`Listener::on_batch`]: crate::listen::Listener::on_batch
//! [`Listener::run_until`]: crate::listen::Listener::run_until
//! [`Publish`]: crate::listen::Publish
//! [`Trace`]: crate::listen::Trace

#[cfg(doc)]
use crate::listen::Listener;

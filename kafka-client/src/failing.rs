//! When handling fails: what follows for the record, for what is behind it, and for the offset that is committed.
//!
//! Each statement names the test of this repository that shows it; a check keeps the names true.
//!
//! # The choice
//!
//! | you want | set | order | what is behind the record |
//! |---|---|---|---|
//! | to try again soon | [`Blocking`] | kept | waits, in its lane |
//! | to try again much later | [`Topics`] | given up | goes on |
//! | to put it aside | [`Listener::dead_letters`] | given up | goes on |
//! | to pass over it | [`Verdict::Skip`] | kept | goes on |
//! | to stop and look | nothing, or [`Verdict::Fail`] | kept | waits for the next start |
//!
//! - With several, a record goes through its place, then through the topics, then to the dead letters
//!   (test: `kafka-client/tests/listen/later.rs`:
//!   `a_record_goes_through_its_place_then_the_topics_and_what_is_behind_it_goes_on`):
//!
//! ```
//! use std::time::Duration;
//! use kafka_client::Kafka;
//! use kafka_client::listen::{Blocking, CircuitBreaker, HeaderStyle, Raw, Topics, Verdict};
//!
//! const MINUTE: Duration = Duration::from_secs(60);
//!
//! async fn bill(Raw(record): Raw) -> Result<(), std::io::Error> {
//!     println!("{:?}", record.value());
//!     Ok(())
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let broker = kafka_broker::Broker::builder().start().await?;
//! # broker.create_topic("orders", 1)?;
//! # let kafka = Kafka::connect(broker.bootstrap()).await?;
//! # let shutdown = std::future::ready(());
//! let billing = kafka
//!     .listen("billing")
//!     .on_topic("orders", bill)
//!     .retry(Blocking::times(3).backoff(Duration::from_millis(100)..=Duration::from_secs(5)))
//!     .retry(Topics::after([MINUTE, 10 * MINUTE])) // orders.billing.retry-60000, ..retry-600000
//!     .dead_letters() // orders.billing.dlt
//!     .dead_letter_headers(HeaderStyle::Spring)
//!     .ensure_topics(true)
//!     .classify(|error: &std::io::Error| match error.kind() {
//!         std::io::ErrorKind::InvalidData => Verdict::DeadLetter,
//!         _ => Verdict::Retry,
//!     })
//!     .circuit_breaker(CircuitBreaker::after(50));
//! billing.run_until(shutdown).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What holds in all cases
//!
//! - Nothing is passed over unless you say so: without a place for it, a failure ends the listener, and the record
//!   comes again with the next start (test: `kafka-client/tests/listen/failures.rs`:
//!   `without_a_place_for_it_a_failure_ends_the_listener_and_the_record_comes_again`).
//! - The offset of a record is committed only after its handler has succeeded, or the broker has acknowledged its
//!   dead letter or its record in a retry topic. While that cannot be written it is tried for ever, the lane waits, and
//!   [`Kafka::health`](crate::Kafka::health) tells of it (test: `kafka-client/tests/listen/failures.rs`:
//!   `nothing_is_committed_before_its_dead_letter_is_written_and_the_wait_is_told`).
//! - Retrying in place keeps the order (test: `kafka-client/tests/listen/failures.rs`:
//!   `retries_in_place_keep_the_order_and_wait_longer_each_time`), the place in the group, and holds no other partition
//!   (test: `kafka-client/tests/listen/failures.rs`: `a_slow_retry_loses_no_member_and_holds_no_other_partition`).
//! - How often a record was handled is counted for each record, through all retry topics. What waits in one when the
//!   listener ends is handled by the next (test: `kafka-client/tests/listen/later.rs`:
//!   `what_waits_in_a_topic_when_the_listener_ends_is_handled_by_the_next`).
//!
//! # Kinds of failures
//!
//! - Errors of a type are what [`Listener::classify`] says (test: `kafka-client/tests/listen/failures.rs`:
//!   `an_error_is_what_it_is_classified_as`). Those of layers too (test: `kafka-client/tests/listen/layers.rs`:
//!   `what_is_shed_is_an_error_of_the_attempt`).
//! - A record that does not decode is a dead letter at once, as another attempt would not change it; without a topic
//!   for that the listener ends (test: `kafka-client/tests/listen/failures.rs`:
//!   `what_cannot_be_decoded_is_never_passed_over_unless_it_is_said`).
//! - A panic is treated the same (test: `kafka-client/tests/listen/failures.rs`:
//!   `a_panic_is_a_failure_of_its_own`).
//! - A batch that fails is handled again as a whole, then its records become dead letters one by one
//!   (test: `kafka-client/tests/listen/batches.rs`:
//!   `a_batch_that_fails_is_handled_again_as_a_whole_and_dies_one_by_one`); one that does not decode takes no other with
//!   it (test: `kafka-client/tests/listen/batches.rs`: `a_record_that_does_not_decode_takes_no_other_with_it`).
//!
//! # Dead letters
//!
//! - A dead letter has the key, the value, the headers and the timestamp of its record byte for byte, and then headers
//!   that say where it came from and why, in the style of Kafka's share groups, of Streams, of Spring or of Connect
//!   ([`HeaderStyle`]) (test: `kafka-client/tests/listen/failures.rs`:
//!   `a_dead_letter_is_the_record_as_it_was_with_headers_that_say_why`).
//! - One that went through retry topics names its own topic (test: `kafka-client/tests/listen/later.rs`:
//!   `what_the_last_topic_does_not_help_is_a_dead_letter_of_its_own_topic`).
//!
//! The names of the topics have the group in them, so that two groups do not get each other's failures.
//!
//! # When everything fails
//!
//! If the database is gone, all records fail, and none of them is to blame.
//!
//! - After 20 in a row the circuit breaker opens: no more dead letters are written, and one record at a time is tried,
//!   less and less often, until one succeeds; health tells of it (test: `kafka-client/tests/listen/breaker.rs`:
//!   `when_all_fail_records_wait_and_are_no_dead_letters`).
//! - So a topic of nothing but bad records stands still, and says so, unless the breaker is turned off by
//!   [`Listener::circuit_breaker`] (test: `kafka-client/tests/listen/breaker.rs`:
//!   `without_it_all_become_dead_letters`).
//!
//! # Limits
//!
//! A record that was handled may come again: after a crash, and when its partition went to another member before its
//! handler was done. Handlers have to bear that. While a record is retried in its place for longer than
//! [`revoke_timeout`](Listener::revoke_timeout) allows, a rebalance gives its partition away, and the new owner handles
//! it too. For a record that waits in a retry topic a rebalance waits a second.
//!
//! A dead letter that is larger than its topic allows is tried for ever: let `max.message.bytes` there be above that of
//! the topic it came from.
//!
//! [`Blocking`]: crate::listen::Blocking
//! [`HeaderStyle`]: crate::listen::HeaderStyle
//! [`Listener::circuit_breaker`]: crate::listen::Listener::circuit_breaker
//! [`Listener::classify`]: crate::listen::Listener::classify
//! [`Listener::dead_letters`]: crate::listen::Listener::dead_letters
//! [`Topics`]: crate::listen::Topics
//! [`Verdict::Fail`]: crate::listen::Verdict::Fail
//! [`Verdict::Skip`]: crate::listen::Verdict::Skip

#[cfg(doc)]
use crate::listen::Listener;

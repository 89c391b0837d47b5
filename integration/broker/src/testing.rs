//! Testing with the embedded broker: everything that a test can let go wrong, with an example of each.
//!
//! A broker starts in a test in milliseconds, in memory and on a free port, and goes with it:
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let broker = kafka_broker::Broker::builder().start().await?;
//! broker.create_topic("orders", 3).unwrap();
//! // Point the client under test at `broker.bootstrap()`.
//! assert_eq!(broker.end_offset("orders", 0), Some(0));
//! broker.shutdown().await.unwrap();
//! # Ok::<(), kafka_broker::StartError>(())
//! # }).unwrap();
//! ```
//!
//! Time is tokio's: with `#[tokio::test(start_paused = true)]` and connections in memory
//! ([`Broker::connect`], [`Builder::no_listener`]) a session time-out of ten seconds takes none. With
//! [`Builder::seed`] all that is left to chance is the same in every run.
//!
//! # Which requests
//!
//! A fault begins with the requests that it means: [`when`] for one API, [`when_any`] for all. All that
//! is said must hold, and the first such request is hit unless more is said.
//!
//! ```
//! use kafka_broker::{Step, when, when_any};
//! use kafka_client_protocol::ApiKey;
//! use kafka_client_protocol::api::produce::ProduceRequest;
//!
//! let _ = when(ApiKey::PRODUCE).topic("orders").partition(1).client_id("me").then([]);
//! let _ = when(ApiKey::FETCH).versions(..=12).skip(2).times(3).then([]);
//! let _ = when(ApiKey::HEARTBEAT).group("billing").member("instance-1").always().then([]);
//! let _ = when_any().listener("SASL_SSL").connection(2).then([Step::Close]);
//! let _ = when_any().probability(0.1).always().then([Step::Reset]);
//! let acks = |request: &ProduceRequest| request.acks == 0;
//! let _ = when(ApiKey::PRODUCE).matching(acks).then([Step::Close]);
//! ```
//!
//! # What happens
//!
//! A list of steps; the [table](Step) says what each does, and whether the request is applied. All
//! examples from here on have this around them:
//!
//! ```
//! # use kafka_broker::{Broker, Step, when, when_any};
//! # use kafka_client_protocol::{ApiKey, ErrorCode};
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let broker = Broker::builder().memory().start().await.unwrap();
//! let faults = broker.faults();
//! let fault = faults.inject(when(ApiKey::PRODUCE).then([Step::Close]));
//! assert_eq!(fault.hits(), 0);
//! fault.remove();
//! # });
//! ```
//!
//! **A lost request, a lost answer**: the client cannot tell them apart, which is what idempotence is
//! for.
//!
//! ```
//! # use kafka_broker::{Step, when};
//! # use kafka_client_protocol::ApiKey;
//! let lost_request = when(ApiKey::PRODUCE).then([Step::Close]);
//! let lost_answer = when(ApiKey::PRODUCE).then([Step::Apply, Step::Close]);
//! let lost_with_a_reset = when(ApiKey::PRODUCE).then([Step::Apply, Step::Reset]);
//! # let _ = (lost_request, lost_answer, lost_with_a_reset);
//! ```
//!
//! **Errors**, before or after the request is applied, for all of it or for one partition:
//!
//! ```
//! # use kafka_broker::{Step, when};
//! # use kafka_client_protocol::{ApiKey, ErrorCode};
//! let timed_out = Step::Error(ErrorCode::REQUEST_TIMED_OUT);
//! let nothing_done = when(ApiKey::PRODUCE).then([timed_out.clone()]);
//! let all_done = when(ApiKey::PRODUCE).then([Step::Apply, timed_out]);
//! let moved = Step::error_for("orders", 1, ErrorCode::NOT_LEADER_OR_FOLLOWER);
//! let one_partition = when(ApiKey::FETCH).always().then([moved]);
//! # let _ = (nothing_done, all_done, one_partition);
//! ```
//!
//! **Waiting**: for a time, or until the test lets go.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! # use kafka_broker::{Broker, Step, when};
//! # use kafka_client_protocol::ApiKey;
//! # use std::time::Duration;
//! # let broker = Broker::builder().memory().start().await.unwrap();
//! let slow = when(ApiKey::METADATA).then([Step::Delay(Duration::from_secs(5))]);
//! broker.faults().inject(slow);
//! let held = when(ApiKey::PRODUCE).then([Step::Apply, Step::Hold]);
//! let held = broker.faults().inject(held);
//! // Later, when the batch is in the log and its answer is not on its way: `wait_for_hits(1).await`.
//! held.release();
//! # });
//! ```
//!
//! **Answers that are changed**: by the test's own hand, or as other brokers do it.
//!
//! ```
//! # use kafka_broker::{Step, when};
//! # use kafka_client_protocol::ApiKey;
//! # use std::time::Duration;
//! use kafka_client_protocol::api::metadata::MetadataResponse;
//!
//! let own = Step::edit(|answer: &mut MetadataResponse| answer.controller_id = -1);
//! let _ = when(ApiKey::METADATA).then([own]);
//! let _ = when(ApiKey::METADATA).then([Step::leader("orders", 0, 7, 3)]);
//! let _ = when(ApiKey::METADATA).then([Step::no_partitions("orders")]);
//! let moved = [
//!     Step::leader_hint("orders", 0, 2, 5),
//!     Step::leader_endpoint(2, "localhost", 9093),
//! ];
//! let _ = when(ApiKey::FETCH).then(moved);
//! let _ = when(ApiKey::FETCH).then([Step::Throttle(Duration::from_secs(1))]);
//! let _ = when(ApiKey::FETCH).then([Step::UnknownTags]);
//! ```
//!
//! **Stale answers**: what a broker said before a change, said again after it.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! # use kafka_broker::{Broker, Step, when};
//! # use kafka_client_protocol::ApiKey;
//! # let broker = Broker::builder().memory().start().await.unwrap();
//! # broker.create_topic("orders", 1).unwrap();
//! let record = when(ApiKey::METADATA).then([Step::Record("before".into())]);
//! broker.faults().inject(record);
//! // The client asks for metadata; then the leader epoch changes, and it is told the old one.
//! broker.elect("orders", 0);
//! let stale = when(ApiKey::METADATA).always().then([Step::Replay("before".into())]);
//! broker.faults().inject(stale);
//! # });
//! ```
//!
//! **Broken bytes and slow lines**: half an answer, a wrong byte, the answer twice, a kilobyte a second
//! from here on.
//!
//! ```
//! # use kafka_broker::{Step, when};
//! # use kafka_client_protocol::ApiKey;
//! use std::num::NonZeroU32;
//!
//! let _ = when(ApiKey::FETCH).then([Step::Truncate(100), Step::Reset]);
//! let _ = when(ApiKey::FETCH).then([Step::Corrupt(50)]);
//! let _ = when(ApiKey::PRODUCE).then([Step::Duplicate]);
//! let slow = Step::Bandwidth(NonZeroU32::new(1024).unwrap());
//! let _ = when(ApiKey::FETCH).client_id("slow").then([slow]);
//! ```
//!
//! **Silence**: the connection stays open and dead (half-open), or the whole broker does, until the
//! fault is released or removed.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! # use kafka_broker::{Broker, Step, when_any};
//! # let broker = Broker::builder().memory().start().await.unwrap();
//! let one = when_any().connection(1).then([Step::Silence]);
//! broker.faults().inject(one);
//! let all = when_any().always().then([Step::Silence]);
//! let all = broker.faults().inject(all);
//! // The client runs into its request time-out.
//! all.remove();
//! # });
//! ```
//!
//! # The broker's state
//!
//! What happens to a cluster in operation: a new leader, an unclean election that costs records,
//! replicas that fall behind, a coordinator that moves, sessions and producers that are forgotten. See
//! [`Broker::elect`], [`Broker::truncate`], [`Broker::hold_high_watermark`],
//! [`Broker::move_coordinator`], [`Broker::evict_fetch_sessions`] and [`Broker::forget_producer`].
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! # use kafka_broker::Broker;
//! # let broker = Broker::builder().memory().start().await.unwrap();
//! # broker.create_topic("orders", 1).unwrap();
//! assert_eq!(broker.elect("orders", 0), Some(1));
//! assert_eq!(broker.truncate("orders", 0, 0).unwrap(), 0);
//! assert_eq!(broker.hold_high_watermark("orders", 0, true), Some(0));
//! assert!(broker.move_coordinator("nobody").is_err());
//! assert_eq!(broker.evict_fetch_sessions(), 0);
//! assert!(!broker.forget_producer("orders", 0, 4000).unwrap());
//! # });
//! ```
//!
//! # Disks
//!
//! A [`MemoryDisk`] outlives its brokers, so that a test can start one anew without files; and it fails
//! as real disks do: full, broken, unreadable, in the middle of a write, slow, or without power.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use kafka_broker::{Broker, DiskFault, MemoryDisk};
//!
//! let disk = MemoryDisk::with_seed(7);
//! let broker = Broker::builder().disk(&disk).start().await.unwrap();
//! disk.fail_after(0, DiskFault::Full);
//! assert!(broker.create_topic("orders", 1).is_err());
//! assert!(broker.storage_failure().is_some());
//! broker.crash().await;
//! disk.heal();
//! // What was not forced to the disk is lost.
//! disk.crash();
//! let broker = Broker::builder().disk(&disk).start().await.unwrap();
//! disk.slow(std::time::Duration::from_millis(20));
//! // Nothing is in the page cache.
//! disk.slow_reads(std::time::Duration::from_millis(5));
//! # });
//! ```
//!
//! # Other brokers
//!
//! [`Builder::profile`] serves the APIs and versions of a [`Profile`]: an older Kafka, Event Hubs or
//! Redpanda. [`Builder::strict_metadata`] makes clients wait where a cluster does.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use kafka_broker::{Broker, Profile};
//!
//! let old = Broker::builder().profile(Profile::Kafka2_8).start().await.unwrap();
//! let strict = Broker::builder().strict_metadata(true).start().await.unwrap();
//! # });
//! ```
//!
//! # The journal
//!
//! The latest requests: when and on which connection each came, what it named, how it ended, and the
//! first bytes of it and of its answer.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! # use kafka_broker::Broker;
//! # use kafka_client_protocol::ApiKey;
//! let broker = Broker::builder().journal_bodies(64 * 1024).start().await.unwrap();
//! // The client works.
//! let journal = broker.faults().journal();
//! let mut produced = journal.iter().filter(|one| one.api_key == ApiKey::PRODUCE);
//! assert!(produced.all(|one| one.topics == ["orders"]));
//! broker.faults().clear_journal();
//! # });
//! ```
//!
//! # From other languages
//!
//! The program with `--faults 127.0.0.1:9900`, or a broker with [`Builder::faults_endpoint`], answers over
//! HTTP. Off by default; whoever reaches the address may do all of this, so it belongs on the loopback
//! interface or into a container's network.
//!
//! | request | what it does |
//! |---|---|
//! | `POST /faults` | injects a fault; the answer has its `id` |
//! | `GET /faults` | all faults: `id`, `fault`, `hits`, `released` |
//! | `POST /faults/{id}/release` | as [`FaultHandle::release`] |
//! | `DELETE /faults/{id}`, `DELETE /faults` | removes one, or all |
//! | `POST /state/elect` | `{"topic": .., "partition": ..}` |
//! | `POST /state/truncate` | a partition and `offset` |
//! | `POST /state/hold_high_watermark` | a partition and `hold`, `true` or `false` |
//! | `POST /state/forget_producer` | a partition and `producer_id` |
//! | `POST /state/move_coordinator` | `{"group": ..}` |
//! | `POST /state/evict_fetch_sessions` | `{}` |
//! | `GET /journal`, `DELETE /journal` | the latest requests, with `request` and `answer` in Base64; empties it |
//!
//! A fault is `{"when": {..}, "then": [..]}`. `when` may have `api` (by Kafka's name), `versions`
//! (`[min, max]`), `topic`, `partition`, `client_id`, `group`, `member`, `listener`, `connection`,
//! `probability`, `skip`, and `times` or `always`. The steps are `"hold"`, `"apply"`, `"unknown_tags"`,
//! `"duplicate"`, `"close"`, `"reset"`, `"silence"`, and with a value `delay_ms`, `error` (by Kafka's
//! name), `error_for` (`topic`, `partition`, `error`), `record`, `replay`, `throttle_ms`, `leader` and
//! `leader_hint` (`topic`, `partition`, `leader_id`, `leader_epoch`), `leader_endpoint` (`leader_id`, `host`,
//! `port`), `no_partitions`, `corrupt`,
//! `bytes_per_second` and `truncate`. What makes no sense is answered with status 400 and the reason,
//! what the broker refuses with 409.
//!
//! ```text
//! curl -d '{"when": {"api": "Produce", "topic": "orders"}, "then": ["apply", "close"]}' \
//!     http://127.0.0.1:9900/faults
//! ```
//!
//! ```python
//! fault = {"when": {"api": "Produce", "times": 2}, "then": [{"error": "NOT_ENOUGH_REPLICAS"}]}
//! request = urllib.request.Request(endpoint + "/faults", json.dumps(fault).encode())
//! fault = json.load(urllib.request.urlopen(request))
//! ```

#[cfg(doc)]
use crate::{Broker, Builder, FaultHandle, MemoryDisk, Profile, Step, when, when_any};

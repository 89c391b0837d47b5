//! Listeners: records go to functions, which say by their arguments what they need.
//!
//! ```
//! # use std::fmt;
//! use std::time::Duration;
//! use kafka_client::consumer::{Concurrency, OffsetReset};
//! use kafka_client::listen::{Attempt, Blocking, State, Value, Verdict};
//! use kafka_client::{Kafka, KafkaRecord};
//!
//! #[derive(KafkaRecord)]
//! #[kafka(topic = "orders")]
//! struct OrderPlaced {
//!     #[kafka(key)]
//!     id: String,
//!     amount_cents: u64,
//! }
//!
//! #[derive(Clone)]
//! struct Db;
//! # impl Db { async fn charge(&self, _: &OrderPlaced) -> Result<(), BillError> { Ok(()) } }
//!
//! # #[derive(Debug)]
//! # struct BillError;
//! # impl BillError { fn is_transient(&self) -> bool { true } }
//! # impl fmt::Display for BillError {
//! #     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str("no") }
//! # }
//! # impl std::error::Error for BillError {}
//! async fn bill(
//!     Value(order): Value<OrderPlaced>,
//!     State(db): State<Db>,
//!     Attempt(attempt): Attempt,
//! ) -> Result<(), BillError> {
//!     println!("order {}, attempt {attempt}", order.id);
//!     db.charge(&order).await
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let broker = kafka_broker::Broker::builder().start().await?;
//! # broker.create_topic("orders", 1)?;
//! # let kafka = Kafka::connect(broker.bootstrap()).await?;
//! # let shutdown = std::future::ready(());
//! let report = kafka
//!     .listen("billing")
//!     .consumer(|consumer| consumer.offset_reset(OffsetReset::Earliest))
//!     .state(Db)
//!     .on(bill)
//!     .concurrency(Concurrency::PerKey(64))
//!     .retry(Blocking::times(3).backoff(Duration::from_millis(100)..=Duration::from_secs(5)))
//!     .dead_letters()
//!     .classify(|error: &BillError| match error.is_transient() {
//!         true => Verdict::Retry,
//!         false => Verdict::DeadLetter,
//!     })
//!     .run_until(shutdown)
//!     .await?;
//! println!("{} orders were billed", report.handled);
//! # Ok(())
//! # }
//! ```
//!
//! # At least once
//!
//! The offset of a record is committed only after its handler has succeeded, or the broker has acknowledged what
//! was written of it elsewhere, or a [`Verdict`] said to pass over it. So a handler may see a record again after a
//! crash or a rebalance, and no record is ever lost or passed over silently.
//!
//! # Handlers
//!
//! A [`Handler`] is an async function of up to eight arguments. Each is a [`FromMessage`], which has the list
//! of them. What it returns is a [`Reply`]. It is a plain function, which tests call.
//!
//! # When handling fails
//!
//! | failure | by default | set by |
//! |---|---|---|
//! | the handler, or a layer, returns an error | retried if a retry is set; then a dead letter, if there is a topic; else the listener ends | [`Listener::classify`] |
//! | an argument cannot be read from the record | a dead letter at once, if there is a topic; else the listener ends | [`Listener::on_decode_error`] |
//! | the handler panics | the same | [`Listener::on_panic`] |
//!
//! [`Blocking`] retries keep the order of the records: what is behind one in its lane waits. [`Topics`] give it up:
//! a record is written elsewhere, and handled again from there later. Both may be set: then a record goes through
//! its place first, then through the topics, then to the dead letters.

mod ack;
mod batch;
mod breaker;
mod classify;
mod collect;
mod context;
mod dead_letter;
mod ensure;
mod error;
mod extract;
mod extractors;
mod failure;
mod forward;
mod gate;
mod handler;
mod headers;
mod listener;
mod message;
mod pipeline;
mod policy;
mod publish;
mod reply;
mod report;
mod retry;
mod retry_record;
mod route;
mod run;
mod service;
mod state;
mod stop;
mod topics;
mod trace;

/// Calls a macro with the names of 0 to 8 types.
macro_rules! all_arities {
    ($macro:ident) => {
        $macro!();
        $macro!(T1);
        $macro!(T1, T2);
        $macro!(T1, T2, T3);
        $macro!(T1, T2, T3, T4);
        $macro!(T1, T2, T3, T4, T5);
        $macro!(T1, T2, T3, T4, T5, T6);
        $macro!(T1, T2, T3, T4, T5, T6, T7);
        $macro!(T1, T2, T3, T4, T5, T6, T7, T8);
    };
}
use all_arities;

pub use ack::{Ack, NotAcknowledged};
pub use batch::{Batch, BatchEndpoint, BatchMessage, BatchRoute, BatchTopic, FromBatch, OfBatch};
pub use breaker::CircuitBreaker;
pub use dead_letter::HeaderStyle;
pub use error::ListenError;
pub use extract::{FromMessage, Rejection};
pub use extractors::{Attempt, Key, Offset, Partition, Raw, Timestamp, Topic, Value};
pub use handler::{Handler, HandlerService, OfRecord};
pub use headers::{Header, HeaderSet, Headers, NamedHeader};
pub use listener::Listener;
pub use message::Message;
pub use policy::Verdict;
pub use publish::Publish;
pub use reply::Reply;
pub use report::ShutdownReport;
pub use retry::{Blocking, Retry, Topics};
pub use route::{Awaited, Bare, End, Endpoint, Layered, Route, Routes};
pub use state::{FromState, State};
pub use trace::{Trace, TraceParent};

/// Any error, as handlers and layers have them.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

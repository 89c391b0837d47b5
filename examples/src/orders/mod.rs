//! A billing service: it charges the orders of a topic, and publishes an invoice for each.

mod bank;
mod events;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_client::Kafka;
use kafka_client::consumer::{Concurrency, OffsetReset};
use kafka_client::listen::{Blocking, ListenError, Publish, ShutdownReport, State, Value, Verdict};

pub use bank::{Bank, Refusal};
pub use events::{Cancelled, Invoice, OrderEvent, Origin, Placed};

/// What is done with an event. A plain function: it can be called without Kafka.
///
/// # Errors
/// What the bank says.
pub async fn bill(
    Value(event): Value<OrderEvent>,
    State(bank): State<Arc<dyn Bank>>,
) -> Result<Publish<Invoice>, Refusal> {
    let invoice = match event {
        OrderEvent::Placed(placed) => Invoice::of(placed),
        OrderEvent::Cancelled(cancelled) => Invoice::credit(cancelled),
    };
    bank.charge(&invoice).await?;
    Ok(Publish::one(invoice))
}

/// The service: sixteen events at a time, those of an order in their order. What the bank refuses for now is tried
/// three times more; what it refuses for good is kept in `orders.billing.dlt` with the reason.
///
/// # Errors
/// When it cannot go on.
///
/// # Cancel safety
/// Dropped, it leaves the group; what was not done comes again.
pub async fn serve(
    kafka: &Kafka,
    bank: Arc<dyn Bank>,
    shutdown: impl Future<Output = ()>,
) -> Result<ShutdownReport, ListenError> {
    kafka
        .listen("billing")
        .consumer(|consumer| consumer.offset_reset(OffsetReset::Earliest))
        .state(bank)
        .on(bill)
        .concurrency(Concurrency::PerKey(16))
        .retry(Blocking::times(3).backoff(Duration::from_millis(100)..=Duration::from_secs(5)))
        .dead_letters()
        .ensure_topics(true)
        .classify(|refusal: &Refusal| match refusal {
            Refusal::Busy => Verdict::Retry,
            Refusal::NoMoney { .. } => Verdict::DeadLetter,
        })
        .run_until(shutdown)
        .await
}

/// What each customer has been charged, by the invoices: rebuilt from them whenever it is wanted. An invoice that was
/// published twice, as may happen after a crash, counts once.
#[must_use]
pub fn totals(invoices: impl IntoIterator<Item = Invoice>) -> BTreeMap<String, i64> {
    let each = invoices.into_iter();
    let each: BTreeMap<_, _> = each
        .map(|invoice| (invoice.number.clone(), invoice))
        .collect();
    let mut totals = BTreeMap::new();
    for invoice in each.into_values() {
        *totals.entry(invoice.customer).or_default() += invoice.cents;
    }
    totals
}

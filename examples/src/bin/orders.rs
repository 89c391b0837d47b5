//! A billing service on a topic of orders.
//!
//! `cargo run --bin orders -- localhost:9092`
//!
//! It places some orders itself, bills them until Ctrl-C, and then shows what each customer was charged. What the bank
//! refuses is in the topic `orders.billing.dlt`. Kill it, or start it twice: no order is left out.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use examples::orders::{
    Bank, Cancelled, Invoice, OrderEvent, Origin, Placed, Refusal, serve, totals,
};
use kafka_client::consumer::OffsetReset;
use kafka_client::{Kafka, NewTopic};

/// Busy now and then; and Eve has no money.
#[derive(Default)]
struct SmallBank(AtomicU32);

impl Bank for SmallBank {
    fn charge<'a>(
        &'a self,
        invoice: &'a Invoice,
    ) -> Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + 'a>> {
        let asked = self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            println!(
                "{}: {} cents of {}",
                invoice.number, invoice.cents, invoice.customer
            );
            match &*invoice.customer {
                "Eve" => Err(Refusal::NoMoney {
                    customer: "Eve".to_owned(),
                }),
                _ if asked % 4 == 3 => Err(Refusal::Busy),
                _ => Ok(()),
            }
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bootstrap = std::env::args().nth(1);
    let kafka = Kafka::connect(bootstrap.unwrap_or_else(|| "localhost:9092".to_owned())).await?;
    for topic in ["orders", "invoices"] {
        // It may be there already.
        if let Err(error) = kafka
            .create_topic(&NewTopic::new(topic).partitions(3))
            .await
        {
            println!("{error}");
        }
    }
    place_some(&kafka).await?;
    println!("billing, Ctrl-C ends");
    let shutdown = async { drop(tokio::signal::ctrl_c().await) };
    let report = serve(&kafka, Arc::new(SmallBank::default()), shutdown).await?;
    println!("{report:?}");

    let partitions = kafka.partitions("invoices").await?;
    let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
    let mut reader = reader.assign_as::<Invoice>(partitions.clone()).await?;
    let ends = reader.handle().offsets(&partitions).await?;
    let mut invoices = Vec::new();
    let all: i64 = ends.values().map(|(first, end)| end - first).sum();
    while (invoices.len() as i64) < all {
        invoices.push(reader.recv().await?.into_value());
    }
    for (customer, cents) in totals(invoices) {
        println!("{customer}: {cents} cents");
    }
    Ok(())
}

async fn place_some(kafka: &Kafka) -> Result<(), Box<dyn std::error::Error>> {
    let producer = kafka.producer().build().await?;
    for (number, customer) in ["Ada", "Bob", "Eve", "Ada"].into_iter().enumerate() {
        let order = format!("o-{number}");
        let origin = Origin {
            tenant: "north".to_owned(),
            trace_id: None,
        };
        let (customer, cents) = (customer.to_owned(), 1_000);
        let placed = Placed {
            order,
            origin,
            customer,
            cents,
        };
        producer.send(&OrderEvent::Placed(placed.clone())).await?;
        if number == 3 {
            let Placed {
                order,
                origin,
                customer,
                cents,
            } = placed;
            let cancelled = Cancelled {
                order,
                origin,
                customer,
                cents,
            };
            producer.send(&OrderEvent::Cancelled(cancelled)).await?;
        }
    }
    producer.close().await?;
    Ok(())
}

//! The billing service, in its process and with paused time.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use examples::orders::{
    Bank, Cancelled, Invoice, OrderEvent, Origin, Placed, Refusal, bill, serve, totals,
};
use kafka_client::listen::{ShutdownReport, State, Value};
use kafka_client::testing::TestKafka;
use tokio::sync::oneshot;

/// Busy at the first attempts for each customer; and Eve has no money.
#[derive(Default)]
struct TestBank {
    busy: u32,
    asked: Mutex<BTreeMap<String, Vec<String>>>,
}

impl Bank for TestBank {
    fn charge<'a>(
        &'a self,
        invoice: &'a Invoice,
    ) -> Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + 'a>> {
        let mut asked = self.asked.lock().unwrap();
        let of_order = asked.entry(invoice.order.clone()).or_default();
        of_order.push(invoice.number.clone());
        let times = of_order.iter().filter(|number| **number == invoice.number);
        let result = match &*invoice.customer {
            "Eve" => Err(Refusal::NoMoney {
                customer: "Eve".to_owned(),
            }),
            _ if times.count() <= self.busy as usize => Err(Refusal::Busy),
            _ => Ok(()),
        };
        Box::pin(std::future::ready(result))
    }
}

fn origin() -> Origin {
    Origin {
        tenant: "north".to_owned(),
        trace_id: Some("t-1".to_owned()),
    }
}

fn placed(order: &str, customer: &str) -> OrderEvent {
    OrderEvent::Placed(Placed {
        order: order.to_owned(),
        origin: origin(),
        customer: customer.to_owned(),
        cents: 1_000,
    })
}

fn cancelled(order: &str, customer: &str) -> OrderEvent {
    OrderEvent::Cancelled(Cancelled {
        order: order.to_owned(),
        origin: origin(),
        customer: customer.to_owned(),
        cents: 400,
    })
}

/// Runs the service beside what a test does; what it reports at its end.
async fn beside(
    kafka: &TestKafka,
    bank: Arc<TestBank>,
    test: impl Future<Output = ()>,
) -> ShutdownReport {
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async { drop(stopped.await) };
    let service = Box::pin(serve(kafka, bank, shutdown));
    let test = Box::pin(async {
        test.await;
        drop(stop);
    });
    let (report, ()) = tokio::join!(service, test);
    report.unwrap()
}

#[tokio::test]
async fn the_handler_is_a_function_that_a_test_calls() {
    let bank: Arc<dyn Bank> = Arc::new(TestBank::default());
    let reply = bill(Value(placed("o-1", "Ada")), State(bank))
        .await
        .unwrap();
    assert_eq!(reply.records()[0].number, "o-1-charge");
}

#[kafka_client::test(topics("orders:3", "invoices"))]
async fn each_order_is_billed_once_and_those_of_the_poor_are_kept_with_the_reason(
    kafka: TestKafka,
) {
    for number in 0..20 {
        kafka.deliver(&placed(&format!("o-{number}"), "Ada")).await;
    }
    kafka.deliver(&cancelled("o-7", "Ada")).await;
    kafka.deliver(&placed("o-99", "Eve")).await;
    let bank = Arc::new(TestBank {
        busy: 2,
        ..Default::default()
    });
    let report = beside(&kafka, bank.clone(), async {
        kafka.assert_all_committed("billing", "orders").await;
    })
    .await;
    assert_eq!((report.handled, report.dead_lettered), (21, 1));
    assert_eq!(report.retried, 2 * 21);

    let invoices = kafka.sent::<Invoice>().await;
    assert!(invoices.iter().all(|invoice| invoice.origin == origin()));
    assert_eq!(
        totals(invoices),
        BTreeMap::from([("Ada".to_owned(), 19_600)])
    );
    // Nothing of an order overtakes what came before.
    let asked = bank.asked.lock().unwrap()["o-7"].clone();
    assert_eq!(asked[..3], ["o-7-charge"; 3]);
    assert_eq!(asked[3..], ["o-7-credit"; 3]);

    let dead = &kafka.records("orders.billing.dlt").await[0];
    assert_eq!(dead.key(), Some(&b"o-99"[..]));
    let header =
        |name| String::from_utf8_lossy(dead.headers().get(name).flatten().unwrap()).into_owned();
    assert_eq!(header("__dlq.errors.topic"), "orders");
    assert!(header("__dlq.errors.message").contains("Eve has no money"));
    assert_eq!(header("tenant"), "north");
}

#[kafka_client::test(topics("orders:3", "invoices"))]
async fn a_broker_that_is_gone_in_the_middle_costs_nothing(kafka: TestKafka) {
    let report = beside(&kafka, Arc::default(), async {
        for number in 0..30 {
            kafka.deliver(&placed(&format!("o-{number}"), "Bob")).await;
            if number == 15 {
                kafka.restart_after(Duration::from_secs(20)).await;
            }
        }
        kafka.assert_all_committed("billing", "orders").await;
    })
    .await;
    assert!(report.handled >= 30);
    let totals = totals(kafka.sent::<Invoice>().await);
    assert_eq!(totals, BTreeMap::from([("Bob".to_owned(), 30_000)]));
}

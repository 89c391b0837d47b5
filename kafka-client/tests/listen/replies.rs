//! What handlers return, and what they acknowledge by hand.

use kafka_broker::{Step, when};
use kafka_client::listen::{
    Ack, Blocking, ListenError, NotAcknowledged, Publish, State, Trace, Value,
};
use kafka_client::record::{Header, Record};
use kafka_client::{ApiKey, ErrorCode, KafkaRecord};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::scene::{MS, Order, SECOND, Scene, Seen, shutdown};

#[derive(Debug, PartialEq, KafkaRecord)]
#[kafka(topic = "invoices")]
struct Invoice {
    #[kafka(key)]
    order: String,
    number: u32,
}

async fn invoice(Value(order): Value<Order>) -> Result<Publish<Invoice>, String> {
    let invoice = |number| Invoice {
        order: order.id.clone(),
        number,
    };
    match order.number {
        0 => Ok(Publish::nothing()),
        number => Ok(Publish::all([invoice(number), invoice(number + 10)])),
    }
}

/// As the handler is a plain function.
#[tokio::test]
async fn handlers_are_called_by_tests() {
    let id = "a".to_owned();
    let published = invoice(Value(Order { id, number: 1 })).await.unwrap();
    let numbers: Vec<_> = published.records().iter().map(|one| one.number).collect();
    assert_eq!(
        (published.topic(), numbers),
        (Some("invoices"), vec![1, 11])
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_published_is_written_before_its_cause_is_committed() {
    let scene = Scene::new().await;
    scene.broker.create_topic("invoices", 1).unwrap();
    scene.order("a", 0..2).await;
    let refuse = when(ApiKey::PRODUCE).topic("invoices").times(1);
    let refuse = refuse.then([Step::Error(ErrorCode::TOPIC_AUTHORIZATION_FAILED)]);
    scene.broker.faults().inject(refuse);
    let (stop, stopped) = shutdown();
    let listener = scene.listen().on(invoice);
    let listener = listener.retry(Blocking::times(1).backoff(60 * SECOND..=60 * SECOND));
    let listener = tokio::spawn(listener.run_until(stopped));
    sleep(30 * SECOND).await;
    assert_eq!(scene.stored(0).await, Some(1));
    let invoices = scene.read("invoices", 2).await;
    let invoices = invoices.iter().map(|record| record.decode::<Invoice>());
    let numbers: Vec<_> = invoices.map(|invoice| invoice.unwrap().number).collect();
    assert_eq!(numbers, [1, 11]);
    stop.send(()).unwrap();
    let report = listener.await.unwrap().unwrap();
    assert_eq!((report.handled, report.retried), (2, 1));
    assert_eq!(scene.stored(0).await, Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_record_is_done_when_it_is_acknowledged_by_hand() {
    let scene = Scene::new().await;
    scene.order("a", 0..2).await;
    let (hand_on, mut handed) = mpsc::unbounded_channel();
    let handler = async |ack: Ack, State(hand_on): State<mpsc::UnboundedSender<Ack>>| {
        hand_on.send(ack).map_err(|_| "nobody takes it")
    };
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state(hand_on).on_topic("orders", handler);
    let listener = tokio::spawn(listener.run_until(stopped));
    let first = handed.recv().await.unwrap();
    sleep(10 * SECOND).await;
    assert_ne!(scene.stored(0).await, Some(1));
    assert!(handed.try_recv().is_err(), "its lane waits");
    first.ack();
    let second = handed.recv().await.unwrap();
    sleep(10 * SECOND).await;
    assert_eq!(scene.stored(0).await, Some(1));
    stop.send(()).unwrap();
    sleep(MS).await;
    drop(second);
    let ended = listener.await.unwrap().unwrap_err();
    let ListenError::Handler { error, record } = ended else {
        panic!("{ended}");
    };
    assert!(error.is::<NotAcknowledged>());
    assert_eq!(record.offset(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_trace_of_a_record_is_an_argument() {
    let scene = Scene::new().await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [Header::new("traceparent", parent)];
    let record = Record::to("orders").partition(0);
    scene.send(record.headers(&headers)).await;
    scene.send(record).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let handler = async |Trace(trace): Trace, State(seen): State<Seen>| {
        seen.note(format!("{:x?}", trace.map(|trace| trace.trace_id[0])));
    };
    let listener = scene.listen().state(seen.clone());
    let listener = tokio::spawn(listener.on_topic("orders", handler).run_until(stopped));
    seen.wait_for(2).await;
    stop.send(()).unwrap();
    listener.await.unwrap().unwrap();
    assert_eq!(seen.all(), ["Some(a)", "None"]);
}

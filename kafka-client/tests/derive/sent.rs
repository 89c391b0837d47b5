//! Typed records through a broker: producer and consumer take them as they are.

use std::collections::BTreeMap;

use kafka_client::consumer::OffsetReset;
use kafka_client::record::{RawRecord, Record};
use kafka_client::{Kafka, KafkaHeaders, KafkaRecord, KafkaRecords};

#[derive(Debug, Clone, PartialEq, KafkaHeaders)]
struct Trace {
    #[kafka(header = "trace")]
    id: String,
}

#[derive(Debug, Clone, PartialEq, KafkaRecord)]
struct Placed {
    #[kafka(key(only))]
    id: String,
    #[kafka(headers)]
    trace: Trace,
    #[kafka(headers)]
    others: BTreeMap<String, String>,
    #[kafka(timestamp(only))]
    at_ms: i64,
    #[kafka(partition)]
    partition: Option<i32>,
    amount: u64,
}

#[derive(Debug, Clone, PartialEq, KafkaRecord)]
#[kafka(format = string, content_type = "text/plain")]
struct Note {
    #[kafka(value)]
    text: String,
}

#[derive(Debug, Clone, PartialEq, KafkaRecords)]
#[kafka(dispatch = header("type"))]
enum Event {
    Placed(Placed),
    Note(Note),
    #[kafka(other)]
    Unknown(RawRecord),
}

#[derive(Debug, Clone, PartialEq, KafkaRecord)]
#[kafka(topic = "orders")]
enum Change {
    #[kafka(tombstone)]
    Deleted {
        #[kafka(key)]
        id: String,
    },
    Event(Event),
}

#[tokio::test]
async fn enums_are_sent_and_received() {
    let broker = kafka_broker::Broker::builder().start().await.unwrap();
    broker.create_topic("orders", 1).unwrap();
    let kafka = Kafka::connect(broker.bootstrap()).await.unwrap();
    let producer = kafka.producer().build().await.unwrap();

    let placed = Placed {
        id: "o-17".into(),
        trace: Trace { id: "4bf9".into() },
        others: BTreeMap::from([("origin".into(), "web".into())]),
        at_ms: 1_700_000_000_000,
        partition: Some(0),
        amount: 99,
    };
    let note = Note {
        text: "hello".into(),
    };
    let sent = [
        Change::Event(Event::Placed(placed)),
        Change::Deleted { id: "o-17".into() },
        Change::Event(Event::Note(note)),
    ];
    for change in &sent {
        producer.send(change).await.unwrap();
    }
    let foreign = Record::to("orders").value("?").timestamp_ms(7);
    producer.send(foreign).await.unwrap();

    let reading = kafka
        .consumer("billing")
        .offset_reset(OffsetReset::Earliest);
    let mut changes = reading.topic::<Change>().start().await.unwrap();
    let mut received = Vec::new();
    for _ in 0..4 {
        received.push((*changes.recv().await.unwrap()).clone());
    }
    let unknown = RawRecord {
        value: Some(b"?".to_vec()),
        timestamp_ms: Some(7),
        ..RawRecord::default()
    };
    let wanted = [
        sent[0].clone(),
        sent[1].clone(),
        sent[2].clone(),
        Change::Event(Event::Unknown(unknown)),
    ];
    assert_eq!(received, wanted);

    changes.close().await.unwrap();
    producer.close().await.unwrap();
    broker.shutdown().await.unwrap();
}

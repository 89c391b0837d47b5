//! The serializers of Confluent's client for Python, against this registry: what each side writes, the other reads.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use kafka_broker::Broker;
use kafka_client::Kafka;
use kafka_client::consumer::{OffsetReset, TopicPartition};
use kafka_client::record::{ConsumerRecord, Header, Record};
use kafka_client_formats::avro::Avro;
use kafka_client_formats::codec::{IdIn, Register, Settings};
use kafka_client_formats::json_schema::JsonSchema;
use kafka_client_formats::protobuf::Protobuf;
use kafka_client_formats::registry::{Cached, Registry, SchemaRegistry};
use kafka_client_formats::schema::Schema;
use kafka_client_formats::wire::{Encoded, VALUE_HEADER};
use kafka_registry::Server;
use serde::{Deserialize, Serialize};

use crate::start;

/// With the names that all languages have, so that it is one type in all three.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
struct Order {
    #[prost(string, tag = "1")]
    customer: String,
    #[prost(int64, tag = "2")]
    cents: i64,
    #[prost(string, repeated, tag = "3")]
    tags: Vec<String>,
    #[prost(string, optional, tag = "4")]
    note: Option<String>,
}

const AVRO: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[
    {"name":"customer","type":"string"},
    {"name":"cents","type":"long"},
    {"name":"tags","type":{"type":"array","items":"string"}},
    {"name":"note","type":["null","string"],"default":null}]}"#;

const JSON: &str =
    r#"{"title":"Order","type":"object","properties":{"customer":{"type":"string"}}}"#;

const PROTOBUF: &str = r#"
    syntax = "proto3";
    package shop;
    message Sales {
        message Empty {}
        message Order {
            string customer = 1;
            int64 cents = 2;
            repeated string tags = 3;
            optional string note = 4;
        }
    }"#;

fn orders() -> Vec<Order> {
    let order = |customer: &str, cents, tags: &[&str], note: Option<&str>| Order {
        customer: customer.to_owned(),
        cents,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        note: note.map(str::to_owned),
    };
    vec![
        order("Ada", 1250, &[], None),
        order("Grace Ü €", -1, &["a", ""], Some("x")),
        order("", 1 << 53, &["b"; 100], Some("")),
    ]
}

/// A codec of one of the three languages.
enum Codec {
    Avro(Box<Avro<Order>>),
    Json(Box<JsonSchema<Order>>),
    Protobuf(Box<Protobuf<Order>>),
}

impl Codec {
    async fn new(
        registry: Arc<dyn SchemaRegistry>,
        format: &str,
        topic: &str,
        id_in: IdIn,
    ) -> Self {
        let settings = Settings::new(topic)
            .register(Register::AtStart)
            .id_in(id_in);
        match format {
            "avro" => {
                let codec = Avro::new(registry, Schema::avro(AVRO), settings).await;
                Self::Avro(Box::new(codec.unwrap()))
            }
            "json" => {
                let codec = JsonSchema::new(registry, Schema::json(JSON), settings);
                Self::Json(Box::new(codec.unwrap()))
            }
            _ => {
                let schema = Schema::protobuf(PROTOBUF);
                let codec = Protobuf::new(registry, schema, settings, "shop.Sales.Order");
                Self::Protobuf(Box::new(codec.unwrap()))
            }
        }
    }

    /// The bytes of a value, and its header.
    async fn write(&self, order: &Order) -> (Vec<u8>, Option<(&'static str, Vec<u8>)>) {
        let mut out = Vec::new();
        let (written, header) = match self {
            Self::Avro(codec) => (codec.write(order, &mut out).await, codec.header()),
            Self::Json(codec) => (codec.write(order, &mut out).await, codec.header()),
            Self::Protobuf(codec) => (codec.write(order, &mut out).await, codec.header()),
        };
        written.unwrap();
        (out, header.unwrap())
    }

    async fn read(&self, record: &ConsumerRecord) -> Order {
        let header = record.headers().get(VALUE_HEADER).flatten();
        let encoded = Encoded::new(record.value().unwrap()).header(header);
        let read = match self {
            Self::Avro(codec) => codec.read(encoded).await,
            Self::Json(codec) => codec.read(encoded).await,
            Self::Protobuf(codec) => codec.read(encoded).await,
        };
        read.unwrap()
    }
}

async fn python(command: &'static str, broker: &Broker, server: &Server) -> String {
    let python = std::env::var_os("KAFKA_TEST_PYTHON").unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/schemas.py");
    let mut program = Command::new(python);
    program
        .arg(script)
        .args([command, &broker.bootstrap(), &server.url()]);
    let output = tokio::task::spawn_blocking(move || program.output());
    let output = output.await.unwrap().unwrap();
    let (out, err) = (&output.stdout, &output.stderr);
    let (out, err) = (String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    assert!(output.status.success(), "{command}: {out} {err}");
    out.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs KAFKA_TEST_PYTHON; .ci/run provides it"]
async fn confluent_kafka_for_python_reads_and_is_read() {
    let (broker, server, registry) = start().await;
    let registry: Arc<Cached<Registry>> = Arc::new(Cached::new(registry));
    let kafka = Kafka::connect(broker.bootstrap()).await.unwrap();

    python("write", &broker, &server).await;
    for format in ["avro", "json", "protobuf"] {
        for form in ["prefix", "header"] {
            let topic = format!("python-{format}-{form}");
            // Another subject, so that nothing of what Python has registered is known before.
            let codec = Codec::new(registry.clone(), format, "elsewhere", IdIn::Payload).await;
            let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
            let partition = TopicPartition::new(topic.as_str(), 0);
            let mut consumer = reader.assign([partition]).await.unwrap();
            for order in orders() {
                let record = consumer.recv().await.unwrap();
                let has_header = record.headers().get(VALUE_HEADER).is_some();
                assert_eq!(has_header, form == "header", "{topic}");
                assert_eq!(codec.read(&record).await, order, "{topic}");
            }
            consumer.close().await.unwrap();
        }
    }

    let producer = kafka.producer().build().await.unwrap();
    let mut wanted = Vec::new();
    for format in ["avro", "json", "protobuf"] {
        for (form, id_in) in [
            ("prefix", IdIn::Payload),
            ("guid", IdIn::PayloadGuid),
            ("header", IdIn::Header),
        ] {
            let topic = format!("rust-{format}-{form}");
            let codec = Codec::new(registry.clone(), format, &topic, id_in).await;
            for order in orders() {
                let (value, header) = codec.write(&order).await;
                let headers = header
                    .as_ref()
                    .map(|(name, value)| Header::new(name, value));
                let headers = headers.as_slice();
                let record = Record::to(&topic)
                    .partition(0)
                    .value(&value)
                    .headers(headers);
                producer.send(record).await.unwrap();
            }
            let orders = serde_json::to_value(orders()).unwrap();
            wanted.push(serde_json::json!({"topic": topic, "orders": orders}));
        }
    }
    let read = python("read", &broker, &server).await;
    let read: Vec<serde_json::Value> = read
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(read, wanted);

    let said = python("evolve", &broker, &server).await;
    let wanted = "False\n409 409 True\nNONE\n2 True [1, 2]\n15 [1]\n404 40401\n";
    assert_eq!(said, wanted);
    producer.close().await.unwrap();
    server.shutdown().await;
    broker.shutdown().await.unwrap();
}

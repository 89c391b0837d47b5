//! Records between Java's clients and ours, over the reference broker.

use std::collections::BTreeSet;
use std::time::Duration;

use integration::kafka::{JavaTools, class};
use integration::{TestCluster, partitions};
use kafka_client::consumer::OffsetReset;
use kafka_client::producer::Compression;
use kafka_client::record::{Header, Record};

const CODECS: [(Compression, &str); 5] = [
    (Compression::None, "none"),
    (Compression::Gzip, "gzip"),
    (Compression::Snappy, "snappy"),
    (Compression::Lz4, "lz4"),
    (Compression::Zstd, "zstd"),
];
const PARTITIONS: i32 = 4;
const RECORDS: usize = 300;

fn key(number: usize) -> String {
    format!("key-{number}")
}

fn value(number: usize) -> String {
    format!("value {number} über Java")
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn what_java_writes_we_read_and_keys_go_where_ours_go() {
    let cluster = TestCluster::embedded().await;
    let tools = JavaTools::from_env().unwrap();
    let ours = cluster.kafka().await.producer().build().await.unwrap();
    let input: String = (0..RECORDS)
        .map(|number| format!("{}\t{}\n", key(number), value(number)))
        .collect();
    for (_, codec) in CODECS {
        let topic = cluster.topic("from-java", PARTITIONS).await;
        let bootstrap = cluster.bootstrap();
        let args = [
            "--bootstrap-server",
            &bootstrap,
            "--topic",
            &topic,
            "--compression-codec",
            codec,
            "--reader-property",
            "parse.key=true",
        ];
        let sent = tools
            .run(class::CONSOLE_PRODUCER, &args, input.as_bytes())
            .await;
        sent.unwrap().success().unwrap();

        let reader = cluster
            .kafka()
            .await
            .reader()
            .offset_reset(OffsetReset::Earliest);
        let mut reader = reader.assign(partitions(&topic, PARTITIONS)).await.unwrap();
        let mut next = [0; PARTITIONS as usize];
        let mut seen = BTreeSet::new();
        for _ in 0..RECORDS {
            let record = reader.recv().await.unwrap();
            let text = std::str::from_utf8(record.key().unwrap()).unwrap();
            let number: usize = text.strip_prefix("key-").unwrap().parse().unwrap();
            assert_eq!(record.value().unwrap(), value(number).as_bytes());
            assert!(seen.insert(number), "{codec}: {number} came twice");
            let next = &mut next[record.partition() as usize];
            assert!(
                number >= *next,
                "{codec}: {number} of partition {}",
                record.partition()
            );
            *next = number + 1;
            // Ours go to the same place.
            if number.is_multiple_of(10) {
                let delivered = ours.send(Record::to(&topic).key(text)).await.unwrap();
                assert_eq!(delivered.partition, record.partition(), "{text}");
            }
        }
    }
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn what_we_write_java_reads() {
    let cluster = TestCluster::embedded().await;
    let tools = JavaTools::from_env().unwrap();
    for (codec, name) in CODECS {
        let topic = cluster.topic("to-java", 1).await;
        let producer = cluster.kafka().await.producer().compression(codec);
        let producer = producer.build().await.unwrap();
        let mut deliveries = Vec::new();
        for number in 0..RECORDS {
            let (key, value) = (key(number), value(number));
            let headers = [Header::new("n", &value)];
            let record = Record::to(&topic).key(&key).value(&value).headers(&headers);
            let record = record.timestamp_ms(1_000_000 + number as i64);
            deliveries.push(producer.enqueue(record).await.unwrap());
        }
        for delivery in deliveries {
            delivery.await.unwrap();
        }
        let (bootstrap, count) = (cluster.bootstrap(), RECORDS.to_string());
        let args = [
            "--bootstrap-server",
            &bootstrap,
            "--topic",
            &topic,
            "--from-beginning",
            "--max-messages",
            &count,
            "--timeout-ms",
            "30000",
            "--formatter-property",
            "print.key=true",
            "--formatter-property",
            "print.timestamp=true",
            "--formatter-property",
            "print.offset=true",
            "--formatter-property",
            "print.headers=true",
        ];
        let read = tools.run(class::CONSOLE_CONSUMER, &args, b"").await;
        let read = read.unwrap().success().unwrap();
        let wanted: Vec<_> = (0..RECORDS)
            .map(|number| {
                let time = 1_000_000 + number;
                let (key, value) = (key(number), value(number));
                format!("CreateTime:{time}\tOffset:{number}\tn:{value}\t{key}\t{value}")
            })
            .collect();
        assert_eq!(read.stdout.lines().collect::<Vec<_>>(), wanted, "{name}");
    }
}

/// Java's admin client on our broker: topics are made, described and found.
#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn javas_tools_make_and_list_topics_on_our_broker() {
    let cluster = TestCluster::embedded().await;
    let tools = JavaTools::from_env()
        .unwrap()
        .with_time_limit(Duration::from_secs(60));
    let bootstrap = cluster.bootstrap();
    let create = [
        "--bootstrap-server",
        &bootstrap,
        "--create",
        "--topic",
        "made-by-java",
    ];
    let create = [&create[..], &["--partitions", "3"]].concat();
    tools
        .run(class::TOPICS, &create, b"")
        .await
        .unwrap()
        .success()
        .unwrap();
    let list = ["--bootstrap-server", &bootstrap, "--list"];
    let listed = tools
        .run(class::TOPICS, &list, b"")
        .await
        .unwrap()
        .success()
        .unwrap();
    assert_eq!(listed.stdout.lines().collect::<Vec<_>>(), ["made-by-java"]);
    let producer = cluster.kafka().await.producer().build().await.unwrap();
    producer
        .send(Record::to("made-by-java").partition(2).value("v"))
        .await
        .unwrap();
}

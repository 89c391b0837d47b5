//! Kafka's own tool reads the files that our broker writes.

use std::path::{Path, PathBuf};

use integration::kafka::{JavaTools, Output, class};
use integration::numbered;
use kafka_broker::Broker;
use kafka_client::Kafka;
use kafka_client::consumer::OffsetReset;
use kafka_client::producer::Compression;

/// The files of a partition's directory with this ending, joined as the tool takes them.
fn files(directory: &Path, ending: &str) -> String {
    let mut files: Vec<PathBuf> = directory
        .read_dir()
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == ending)
        })
        .collect();
    files.sort();
    assert!(
        !files.is_empty(),
        "{ending} files in {}",
        directory.display()
    );
    let names: Vec<_> = files.iter().map(|path| path.to_str().unwrap()).collect();
    names.join(",")
}

async fn dump(tools: &JavaTools, options: &[&str], files: &str) -> Output {
    let args = [options, &["--files", files]].concat();
    let dumped = tools.run(class::DUMP_LOG, &args, b"").await.unwrap();
    dumped.success().unwrap()
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn dump_log_segments_reads_segments_indexes_and_offsets() {
    const RECORDS: u64 = 30_000;
    let tools = JavaTools::from_env().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let broker = Broker::builder()
        .data_dir(directory.path())
        .start()
        .await
        .unwrap();
    let kafka = Kafka::connect(broker.bootstrap()).await.unwrap();
    let codecs = [
        ("plain", Compression::None, "none"),
        ("squeezed", Compression::Zstd, "zstd"),
    ];
    for (topic, codec, _) in codecs {
        // Several segments.
        let settings = [("segment.bytes", "1048576")];
        broker.create_topic_with(topic, 1, settings).unwrap();
        let producer = kafka.producer().compression(codec).batch_size(4096);
        let producer = producer.max_request_size(8192).build().await.unwrap();
        numbered::send(&producer, topic, 1, 0..RECORDS).await;
    }
    let member = kafka
        .consumer("readers")
        .offset_reset(OffsetReset::Earliest)
        .manual_commit();
    let mut member = member.subscribe(["plain"]).await.unwrap();
    numbered::receive(&mut member, 1234).await;
    member.commit().await.unwrap();
    member.close().await.unwrap();
    broker.shutdown().await.unwrap();

    for (topic, _, codec) in codecs {
        let partition = directory.path().join(format!("{topic}-0"));
        let dumped = dump(&tools, &["--print-data-log"], &files(&partition, "log")).await;
        let mut next = 0;
        for line in dumped.stdout.lines() {
            if line.starts_with("baseOffset: ") {
                assert!(line.contains("isvalid: true"), "{line}");
                assert!(line.contains(&format!("compresscodec: {codec}")), "{line}");
                assert!(
                    line.contains("producerId: ") && !line.contains("producerId: -1"),
                    "{line}"
                );
            } else if let Some(record) = line.strip_prefix("| offset: ") {
                let offset = record.split(' ').next().unwrap();
                assert_eq!(offset, next.to_string());
                let payload = format!("payload: {next} of many records");
                assert!(record.contains(&payload), "{line}");
                next += 1;
            }
        }
        assert_eq!(next, RECORDS, "{topic}: {dumped}");
        for index in ["index", "timeindex"] {
            let dumped = dump(&tools, &["--index-sanity-check"], &files(&partition, index)).await;
            assert!(dumped.stdout.contains("passed sanity check."), "{dumped}");
            // And entry by entry, against the log.
            let dumped = dump(&tools, &["--verify-index-only"], &files(&partition, index)).await;
            for complaint in ["Mismatches", "not found", "out of order", "Found"] {
                assert!(!dumped.stdout.contains(complaint), "{index}: {dumped}");
            }
        }
    }

    let mut offsets = String::new();
    for entry in directory.path().read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("__consumer_offsets-") {
            let dumped = dump(&tools, &["--offsets-decoder"], &files(&path, "log")).await;
            offsets.push_str(&dumped.stdout);
        }
    }
    let commits: Vec<_> = offsets
        .lines()
        .filter(|line| line.contains("1234"))
        .collect();
    assert_eq!(commits.len(), 1, "{offsets}");
    for part in [
        "\"readers\"",
        "\"plain\"",
        "\"offset\":1234",
        "\"partition\":0",
    ] {
        assert!(commits[0].contains(part), "{part}: {}", commits[0]);
    }
    let members = offsets
        .lines()
        .filter(|line| line.contains("\"protocolType\":\"consumer\""));
    assert!(members.count() > 0, "the group's own records: {offsets}");
}

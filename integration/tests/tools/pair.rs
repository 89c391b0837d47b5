//! Both brokers, side by side.

use integration::kafka::NativeKafka;
use kafka_broker::Broker;

/// What both are started with.
const PROPERTIES: &[(&str, &str)] = &[
    ("group.initial.rebalance.delay.ms", "0"),
    ("offsets.topic.num.partitions", "3"),
    ("log.retention.ms", "-1"),
    ("group.min.session.timeout.ms", "500"),
];

pub(crate) struct Pair {
    pub(crate) kafka: NativeKafka,
    pub(crate) broker: Broker,
    _directory: tempfile::TempDir,
}

impl Pair {
    pub(crate) async fn start() -> Self {
        let kafka = NativeKafka::start_with(PROPERTIES).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let mut builder = Broker::builder()
            .kafka_defaults()
            .strict_metadata(true)
            .data_dir(directory.path());
        for (name, value) in PROPERTIES {
            builder = builder.property(*name, *value);
        }
        Self {
            kafka,
            broker: builder.start().await.unwrap(),
            _directory: directory,
        }
    }

    /// Apache Kafka's address, and that of the reference broker.
    pub(crate) fn addresses(&self) -> [String; 2] {
        [self.kafka.bootstrap(), self.broker.bootstrap()]
    }
}

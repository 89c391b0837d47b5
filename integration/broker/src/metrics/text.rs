//! Metrics as Prometheus reads them, with the names that the JMX exporter's usual rules give those of Apache Kafka.

use std::fmt::{Display, Write};

use super::{Metrics, PartitionMetrics, TrafficMetrics};

impl Metrics {
    /// In the text format of Prometheus (version 0.0.4), with the names that the JMX exporter's usual rules make of
    /// Apache Kafka's.
    #[must_use]
    pub fn to_prometheus(&self) -> String {
        let mut page = Page::default();
        self.write_traffic(&mut page);
        self.write_requests(&mut page);
        self.write_logs(&mut page);
        self.write_groups(&mut page);
        page.0
    }

    fn write_traffic(&self, page: &mut Page) {
        type Value = fn(&TrafficMetrics) -> u64;
        let all: [(&str, Value); 7] = [
            ("messagesin", |traffic| traffic.messages_in),
            ("bytesin", |traffic| traffic.bytes_in),
            ("bytesout", |traffic| traffic.bytes_out),
            ("totalproducerequests", |traffic| traffic.produce_requests),
            ("failedproducerequests", |traffic| {
                traffic.produce_requests_failed
            }),
            ("totalfetchrequests", |traffic| traffic.fetch_requests),
            ("failedfetchrequests", |traffic| {
                traffic.fetch_requests_failed
            }),
        ];
        for (name, value) in all {
            let name = format!("kafka_server_brokertopicmetrics_{name}_total");
            page.begin(&name, "counter");
            page.line(&name, &[], value(&self.all_topics));
            for (topic, metrics) in &self.topics {
                page.line(&name, &[("topic", topic)], value(&metrics.traffic));
            }
        }
    }

    fn write_requests(&self, page: &mut Page) {
        const COUNT: &str = "kafka_network_requestmetrics_requests_total";
        page.begin(COUNT, "counter");
        for metrics in &self.requests {
            let request: &str = metrics.api.name().unwrap_or_default();
            for (version, count) in &metrics.by_version {
                let labels: [(&str, &dyn Display); 2] =
                    [("request", &request), ("version", version)];
                page.line(COUNT, &labels, count);
            }
        }
        const TIME: &str = "kafka_network_requestmetrics_totaltimems";
        page.begin(TIME, "summary");
        for metrics in &self.requests {
            let request: &str = metrics.api.name().unwrap_or_default();
            let labels: [(&str, &dyn Display); 1] = [("request", &request)];
            let ms = metrics.total_time.as_secs_f64() * 1000.0;
            page.line(&format!("{TIME}_sum"), &labels, ms);
            let count: u64 = metrics.by_version.values().sum();
            page.line(&format!("{TIME}_count"), &labels, count);
        }
        page.gauge(
            "kafka_server_socket_server_metrics_connection_count",
            self.connections,
        );
    }

    fn write_logs(&self, page: &mut Page) {
        type Value = fn(&PartitionMetrics) -> i64;
        let all: [(&str, Value); 4] = [
            ("size", |log| {
                i64::try_from(log.size_bytes).unwrap_or(i64::MAX)
            }),
            ("logstartoffset", |log| log.start_offset),
            ("logendoffset", |log| log.end_offset),
            ("numlogsegments", |log| {
                i64::try_from(log.segments).unwrap_or(i64::MAX)
            }),
        ];
        for (name, value) in all {
            let name = format!("kafka_log_log_{name}");
            page.begin(&name, "gauge");
            for (topic, metrics) in &self.topics {
                for (partition, log) in metrics.partitions.iter().enumerate() {
                    let labels: [(&str, &dyn Display); 2] =
                        [("topic", topic), ("partition", &partition)];
                    page.line(&name, &labels, value(log));
                }
            }
        }
        let partitions: usize = self.topics.values().map(|one| one.partitions.len()).sum();
        for (name, value) in [
            ("server_replicamanager_partitioncount", partitions),
            ("server_replicamanager_leadercount", partitions),
            ("server_replicamanager_underreplicatedpartitions", 0),
            ("server_replicamanager_underminisrpartitioncount", 0),
            ("server_replicamanager_offlinereplicacount", 0),
            ("controller_kafkacontroller_activecontrollercount", 1),
            ("controller_kafkacontroller_offlinepartitionscount", 0),
            (
                "controller_kafkacontroller_globaltopiccount",
                self.topics.len(),
            ),
            (
                "controller_kafkacontroller_globalpartitioncount",
                partitions,
            ),
        ] {
            page.gauge(&format!("kafka_{name}"), value);
        }
    }

    fn write_groups(&self, page: &mut Page) {
        const OF: &str = "kafka_coordinator_group_groupmetadatamanager_num";
        page.gauge(&format!("{OF}groups"), self.groups.values().sum::<usize>());
        for (state, count) in &self.groups {
            page.gauge(&format!("{OF}groups{}", state.to_ascii_lowercase()), count);
        }
        page.gauge(&format!("{OF}offsets"), self.committed_offsets);
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn begin(&mut self, name: &str, kind: &str) {
        // Text takes whatever is written to it.
        let _ = writeln!(self.0, "# TYPE {name} {kind}");
    }

    /// The values of labels are names of topics and APIs, and numbers: none has what would be escaped.
    fn line(&mut self, name: &str, labels: &[(&str, &dyn Display)], value: impl Display) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{label}=\"{text}\"");
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    fn gauge(&mut self, name: &str, value: impl Display) {
        self.begin(name, "gauge");
        self.line(name, &[], value);
    }
}

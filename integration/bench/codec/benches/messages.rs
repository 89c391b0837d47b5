//! Time to write and read Produce and Fetch messages: `cargo bench -p kafka-codec-bench --bench
//! messages`.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    for case in kafka_codec_bench::cases() {
        let mut group = criterion.benchmark_group(&case.task);
        group.throughput(Throughput::Elements(case.partitions as u64));
        let id = BenchmarkId::new(case.codec, case.partitions);
        group.bench_function(id, |bencher| bencher.iter(&case.run));
        group.finish();
    }
    criterion.final_summary();
}

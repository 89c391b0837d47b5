//! Time to fill, seal and read record batches: `cargo bench -p kafka-codec-bench --bench records`.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(30)
        .nresamples(10_000)
        .configure_from_args();
    for mut case in kafka_codec_bench::records::cases() {
        let mut group = criterion.benchmark_group(case.task);
        group.throughput(Throughput::Elements(case.records as u64));
        let id = BenchmarkId::new(format!("{}/{}", case.who, case.codec), case.size);
        group.bench_function(id, |bencher| bencher.iter_custom(&mut case.run));
        group.finish();
    }
    criterion.final_summary();
}

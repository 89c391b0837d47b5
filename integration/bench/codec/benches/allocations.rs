//! Allocations to write and read Produce and Fetch messages: `cargo bench -p kafka-codec-bench
//! --bench allocations`.

fn main() {
    println!(
        "{:<28} {:>10}  {:<24} {:>11} {:>12}",
        "task", "partitions", "codec", "allocations", "bytes"
    );
    for case in kafka_codec_bench::cases() {
        let taken = allocation_counter::measure(&case.run);
        println!(
            "{:<28} {:>10}  {:<24} {:>11} {:>12}",
            case.task, case.partitions, case.codec, taken.count_total, taken.bytes_total
        );
    }
}

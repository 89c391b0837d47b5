//! What many brokers, and brokers of many partitions, take of a process. Its own program, as it counts what the
//! whole process has; the tests come one after the other. Times are printed, not judged (`--nocapture`).
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    reason = "in a test, a failed unwrap is the message"
)]

#[allow(dead_code, reason = "shared with the tests of requests")]
#[path = "../broker/support.rs"]
mod support;

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kafka_broker::{Broker, Builder};
use kafka_client_protocol::api::fetch::FetchRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Handle;

use self::support::{Client, batch};

/// Keeps the tests apart.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the process has.
#[derive(Debug, Clone, Copy)]
struct Held {
    descriptors: usize,
    threads: usize,
    tasks: usize,
    resident_bytes: usize,
}

impl Held {
    fn count() -> Self {
        let entries = |path: &str| fs::read_dir(path).unwrap().count();
        let pages: usize = fs::read_to_string("/proc/self/statm")
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        Self {
            descriptors: entries("/proc/self/fd"),
            threads: entries("/proc/self/task"),
            tasks: Handle::current().metrics().num_alive_tasks(),
            resident_bytes: pages * 4096,
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .build()
        .unwrap()
}

/// Lets what was stopped come to its end.
async fn settle() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_thousand_brokers_leave_nothing_behind() {
    let _alone = alone();
    runtime().block_on(async {
        let mut before = None;
        let mut first = Duration::ZERO;
        let began = Instant::now();
        for n in 0..1000 {
            let began = Instant::now();
            let builder = Broker::builder();
            let builder = match n % 10 {
                0 => builder.temp_dir(),
                _ => builder.memory(),
            };
            let broker = builder.start().await.unwrap();
            let stream = TcpStream::connect(broker.bootstrap()).await.unwrap();
            let mut client = Client::over(stream, "test");
            broker.create_topic("t", 3).unwrap();
            let produced = client.produce("t", 1, batch(&["a"])).await;
            assert_eq!(produced.error_code, 0);
            first += began.elapsed();
            if n % 2 == 0 {
                broker.shutdown().await.unwrap();
            } else {
                drop(broker);
            }
            drop(client);
            if n == 200 {
                settle().await;
                before = Some(Held::count());
            }
        }
        let took = began.elapsed();
        settle().await;
        let (before, after) = (before.unwrap(), Held::count());
        println!(
            "1,000 brokers: {took:?}, to the first record {:?}",
            first / 1000
        );
        println!("after 200: {before:?}, after 1,000: {after:?}");
        assert!(after.descriptors <= before.descriptors);
        assert!(after.threads <= before.threads);
        assert!(after.tasks <= before.tasks);
        // Less than 5 KB of each: what an allocator keeps, no broker.
        assert!(after.resident_bytes < before.resident_bytes + (4 << 20));
    });
}

/// A broker on a directory with so many partitions, each of them with a record.
async fn with_partitions(builder: Builder, partitions: i32) -> (Broker, Client) {
    let broker = support::start(builder).await;
    broker.create_topic("t", partitions).unwrap();
    let mut client = Client::new(&broker);
    for index in 0..partitions {
        assert_eq!(
            client.produce("t", index, batch(&["a"])).await.error_code,
            0
        );
    }
    (broker, client)
}

#[test]
fn descriptors_and_tasks_do_not_grow_with_partitions() {
    let _alone = alone();
    runtime().block_on(async {
        let mut held = Vec::new();
        for partitions in [300, 600] {
            let dir = tempfile::tempdir().unwrap();
            let builder = || Broker::builder().data_dir(dir.path());
            let (broker, client) = with_partitions(builder(), partitions).await;
            held.push(Held::count());
            drop(client);
            broker.shutdown().await.unwrap();
            let broker = support::start(builder()).await;
            held.push(Held::count());
            // Whatever was let go of is opened again.
            let mut client = Client::new(&broker);
            for index in 0..partitions {
                assert_eq!(client.values("t", index, 0).await, ["a"]);
                let appended = client.produce("t", index, batch(&["b"])).await;
                assert_eq!((appended.error_code, appended.base_offset), (0, 1));
            }
            held.push(Held::count());
            drop(client);
            broker.shutdown().await.unwrap();
        }
        println!("{held:?}");
        let descriptors: Vec<_> = held.iter().map(|held| held.descriptors).collect();
        let tasks: Vec<_> = held.iter().map(|held| held.tasks).collect();
        assert_eq!(descriptors[..3], descriptors[3..]);
        assert_eq!(tasks[..3], tasks[3..]);
    });
}

#[test]
fn an_idle_partition_takes_little_memory() {
    const PARTITIONS: i32 = 10_000;
    let _alone = alone();
    let runtime = runtime();
    let dir = tempfile::tempdir().unwrap();
    let builder = || Broker::builder().data_dir(dir.path());
    runtime.block_on(async {
        let broker = support::start(builder()).await;
        let began = Instant::now();
        broker.create_topic("t", PARTITIONS).unwrap();
        println!("{PARTITIONS} partitions made in {:?}", began.elapsed());
        broker.shutdown().await.unwrap();
    });
    let mut broker = None;
    let began = Instant::now();
    // The start runs on this thread alone.
    let held = allocation_counter::measure(|| {
        broker = Some(runtime.block_on(support::start(builder())));
    });
    let bytes = held.bytes_current / i64::from(PARTITIONS);
    println!("started in {:?}, {bytes} bytes each", began.elapsed());
    runtime.block_on(async {
        let used = || rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let before = used();
        tokio::time::sleep(Duration::from_secs(2)).await;
        println!("idle for 2 s: {:?} of the processor", used() - before);
        broker.unwrap().shutdown().await.unwrap();
    });
    assert!(bytes <= 4096, "{bytes}");
}

/// How many requests well-behaved clients get answered in a while.
async fn answered_in(broker: &Broker, clients: usize, time: Duration) -> usize {
    let until = Instant::now() + time;
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let stream = TcpStream::connect(broker.bootstrap()).await.unwrap();
        let mut client = Client::over(stream, "good");
        tasks.push(tokio::spawn(async move {
            let mut answered = 0;
            while Instant::now() < until {
                assert_eq!(client.produce("t", 0, batch(&["a"])).await.error_code, 0);
                answered += 1;
            }
            answered
        }));
    }
    let mut answered = 0;
    for task in tasks {
        answered += task.await.unwrap();
    }
    answered
}

/// Asks for much and reads nothing, until the broker has enough of it.
async fn stall(bootstrap: String) {
    let stream = TcpStream::connect(bootstrap).await.unwrap();
    let mut client = Client::over(stream, "stalled");
    let mut request = FetchRequest {
        max_bytes: i32::MAX,
        ..support::fetch_request("large", 0, 0)
    };
    request.topics[0].partitions[0].partition_max_bytes = i32::MAX;
    while client.try_write(&request, 12).await {}
}

async fn send_garbage(bootstrap: String, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    loop {
        let mut stream = TcpStream::connect(&bootstrap).await.unwrap();
        let bytes: Vec<u8> = (0..512).map(|_| random.u8(..)).collect();
        // It may be closed before.
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        let _ = stream.read(&mut [0; 16]).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn who_stalls_or_sends_garbage_or_nothing_leaves_nothing_behind() {
    const LARGE: usize = 900_000;
    let _alone = alone();
    runtime().block_on(async {
        let builder = Broker::builder()
            .temp_dir()
            .write_timeout(Duration::from_secs(5));
        let broker = builder.start().await.unwrap();
        broker.create_topic("t", 1).unwrap();
        broker.create_topic("large", 1).unwrap();
        let mut client = Client::new(&broker);
        let value = "x".repeat(LARGE);
        for _ in 0..64 {
            let produced = client.produce("large", 0, batch(&[&value])).await;
            assert_eq!(produced.error_code, 0);
        }
        drop(client);
        let time = Duration::from_secs(2);
        let alone = answered_in(&broker, 500, time).await;
        settle().await;
        let before = Held::count();
        let stalled: Vec<_> = (0..50)
            .map(|_| tokio::spawn(stall(broker.bootstrap())))
            .collect();
        let garbage: Vec<_> = (0..50)
            .map(|seed| tokio::spawn(send_garbage(broker.bootstrap(), seed)))
            .collect();
        let mut silent = Vec::new();
        for _ in 0..20 {
            silent.push(TcpStream::connect(broker.bootstrap()).await.unwrap());
        }
        let look = async {
            tokio::time::sleep(time - Duration::from_millis(100)).await;
            Held::count()
        };
        let (among_others, held) = tokio::join!(answered_in(&broker, 500, time), look);
        for one in stalled {
            one.await.unwrap();
        }
        for one in garbage {
            one.abort();
        }
        drop(silent);
        let left = async {
            while broker.connections() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let left = tokio::time::timeout(Duration::from_secs(30), left).await;
        left.expect("all connections end");
        let after = Held::count();
        println!("answered alone: {alone}, among others: {among_others}");
        println!("before {before:?}, meanwhile {held:?}, after {after:?}");
        assert!(held.resident_bytes < before.resident_bytes + (512 << 20));
        assert!(after.descriptors <= before.descriptors);
        broker.shutdown().await.unwrap();
    });
}

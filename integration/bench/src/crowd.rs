//! What many small clients lose while others hold the broker up: 500 connections, of which 380 send and are answered,
//! 50 ask for much and read nothing, 50 send garbage, and 20 are silent.
//!
//! Three processes: this one has the reference broker, so that its memory and descriptors are the broker's; one has
//! the good connections; the last, with the lowest priority, the bad ones.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use comfy_table::Table;
use kafka_broker::Broker;
use kafka_client_protocol::api::fetch::{FetchPartition, FetchRequest, FetchTopic};
use kafka_client_protocol::api::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use kafka_client_protocol::frame::encode_request;
use kafka_client_protocol::records::{BatchBuilder, Seal};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

use crate::Failure;
use crate::attack::{held, start};
use crate::stats::Spread;

const GOOD: usize = 380;
const STALLED: usize = 50;
const GARBAGE: usize = 50;
const SILENT: usize = 20;

/// Each good connection sends a record so often, if the one before was acknowledged.
const PERIOD: Duration = Duration::from_millis(100);
const WINDOW: Duration = Duration::from_millis(500);

const GOOD_TOPIC: &str = "good";
/// What the stalled readers ask for.
const LARGE_TOPIC: &str = "large";
const LARGE_MIB: usize = 64;
const FETCH_VERSION: i16 = 12;
const PRODUCE_VERSION: i16 = 9;

#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// Rounds of peace and attack.
    #[arg(long, default_value_t = 5)]
    rounds: u32,

    /// Seconds of peace, and then of the attack.
    #[arg(long, default_value_t = 6)]
    seconds: u64,
}

/// What the good connections had in a window, together.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Window {
    acknowledged: u64,
    /// The longest wait for an acknowledgement.
    wait_us: u64,
    /// Connections that the broker has ended, since the beginning.
    ended: u64,
}

/// What was seen over a time.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    windows: u64,
    acknowledged: u64,
    wait_us: u64,
    ended: u64,
    memory_kib: u64,
    descriptors: u64,
}

pub(crate) async fn run(settings: &Settings) -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let broker = Broker::builder()
        .journal(false)
        .data_dir(directory.path())
        .start()
        .await?;
    broker.create_topic(GOOD_TOPIC, 4)?;
    broker.create_topic(LARGE_TOPIC, 1)?;
    let address = broker.bootstrap();
    fill(&address).await?;
    let (_, before) = held()?;
    let mut good = start(&["good-crowd", &address], false)?;
    let out = good.stdout.take().ok_or("the crowd has no output")?;
    let mut lines = BufReader::new(out).lines();
    let mut watch = async |time: Duration| -> Result<Seen, Failure> {
        let until = Instant::now() + time;
        let mut seen = Seen::default();
        while Instant::now() < until {
            let line = lines.next_line().await?.ok_or("the crowd ended")?;
            let window: Window = serde_json::from_str(&line)?;
            seen.windows += 1;
            seen.acknowledged += window.acknowledged;
            seen.wait_us = seen.wait_us.max(window.wait_us);
            seen.ended = window.ended;
            let (memory_kib, descriptors) = held()?;
            seen.memory_kib = seen.memory_kib.max(memory_kib);
            seen.descriptors = seen.descriptors.max(descriptors);
        }
        Ok(seen)
    };
    let time = Duration::from_secs(settings.seconds);
    watch(Duration::from_secs(2)).await?;
    let mut all = Vec::new();
    for round in 0..settings.rounds {
        let calm = watch(time).await?;
        let mut bad = start(&["bad-crowd", &address], true)?;
        // The attack has begun by then.
        watch(Duration::from_secs(1)).await?;
        let attacked = watch(time).await?;
        bad.kill().await?;
        watch(Duration::from_secs(1)).await?;
        eprintln!("round {round}: {calm:?} then {attacked:?}");
        all.push((calm, attacked));
    }
    good.kill().await?;
    while broker.connections() > 0 {
        sleep(Duration::from_millis(10)).await;
    }
    tell(&all);
    let (_, after) = held()?;
    println!("descriptors before all connections {before}, after them {after}");
    broker.shutdown().await?;
    Ok(())
}

fn tell(all: &[(Seen, Seen)]) {
    let show = |value: &dyn Fn(&(Seen, Seen)) -> f64| {
        let spread = Spread::of(all.iter().map(value));
        spread.map_or_else(String::new, |spread| spread.show(1.0, 1))
    };
    let each = |seen: &Seen| seen.acknowledged as f64 / seen.windows as f64;
    let mut table = Table::new();
    table.set_header(["", "in peace", "attacked"]);
    let mut row = |name: &str, value: &dyn Fn(&Seen) -> f64| {
        let both = [
            show(&|(calm, _)| value(calm)),
            show(&|(_, attacked)| value(attacked)),
        ];
        table.add_row([&[name.to_owned()][..], &both].concat());
    };
    row("acknowledged in a window of half a second", &each);
    row("longest wait, ms", &|seen| seen.wait_us as f64 / 1000.0);
    row("connections of the good that were ended", &|seen| {
        seen.ended as f64
    });
    row("memory, MiB", &|seen| seen.memory_kib as f64 / 1024.0);
    row("descriptors", &|seen| seen.descriptors as f64);
    println!("{table}");
    let lost = show(&|(calm, attacked)| 100.0 * (1.0 - each(attacked) / each(calm)));
    println!("lost to the good: {lost} %");
}

fn produce(topic: &str, index: i32, value: &[u8]) -> Result<Bytes, Failure> {
    let mut batch = BatchBuilder::new(BytesMut::new());
    batch.append(0, None, Some(value), &[])?;
    let records = batch.seal(&Seal::default())?.bytes;
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: topic.into(),
            partition_data: vec![PartitionProduceData {
                index,
                records: Some(records),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let frame = encode_request(&request, PRODUCE_VERSION, 1, Some("crowd".into()))?;
    Ok(frame.to_bytes())
}

fn fetch_much() -> Result<Bytes, Failure> {
    let request = FetchRequest {
        max_bytes: 50 << 20,
        topics: vec![FetchTopic {
            topic: LARGE_TOPIC.into(),
            partitions: vec![FetchPartition {
                partition_max_bytes: 50 << 20,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let frame = encode_request(&request, FETCH_VERSION, 1, Some("stalled".into()))?;
    Ok(frame.to_bytes())
}

/// Sends a request and reads the answer to its end.
async fn ask(stream: &mut TcpStream, request: &[u8]) -> Result<(), Failure> {
    stream.write_all(request).await?;
    let length = stream.read_i32().await?;
    let mut answer = vec![0; usize::try_from(length)?];
    stream.read_exact(&mut answer).await?;
    Ok(())
}

async fn fill(address: &str) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(address).await?;
    let request = produce(LARGE_TOPIC, 0, &vec![b'v'; 1_000_000])?;
    for _ in 0..LARGE_MIB {
        ask(&mut stream, &request).await?;
    }
    Ok(())
}

/// The good connections: each sends one record after the other, and they tell what they had, window by window.
pub(crate) async fn good(address: &str) -> Result<(), Failure> {
    #[derive(Default)]
    struct Counts {
        acknowledged: AtomicU64,
        wait_us: AtomicU64,
        ended: AtomicU64,
    }
    let counts = Arc::<Counts>::default();
    for number in 0..GOOD {
        let mut stream = TcpStream::connect(address).await?;
        let request = produce(GOOD_TOPIC, i32::try_from(number % 4)?, &[b'v'; 100])?;
        let counts = counts.clone();
        tokio::spawn(async move {
            // Not all at the same moment.
            sleep(PERIOD * u32::try_from(number).unwrap_or(0) / GOOD as u32).await;
            let mut ticks = interval(PERIOD);
            loop {
                ticks.tick().await;
                let begin = Instant::now();
                if let Err(error) = ask(&mut stream, &request).await {
                    eprintln!("good connection {number}: {error}");
                    counts.ended.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                let wait = begin.elapsed().as_micros() as u64;
                counts.acknowledged.fetch_add(1, Ordering::Relaxed);
                counts.wait_us.fetch_max(wait, Ordering::Relaxed);
            }
        });
    }
    let mut windows = interval(WINDOW);
    loop {
        windows.tick().await;
        let window = Window {
            acknowledged: counts.acknowledged.swap(0, Ordering::Relaxed),
            wait_us: counts.wait_us.swap(0, Ordering::Relaxed),
            ended: counts.ended.load(Ordering::Relaxed),
        };
        let line = serde_json::to_string(&window)?;
        let mut out = std::io::stdout().lock();
        // Nobody to tell is the end.
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            return Ok(());
        }
    }
}

/// The bad ones, until the process is killed.
pub(crate) async fn bad(address: &str) -> Result<(), Failure> {
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        silent.push(TcpStream::connect(address).await?);
    }
    let fetch = fetch_much()?;
    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        // The less its system takes, the more the broker has to hold.
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4096)?;
        let mut stream = socket.connect(address.parse()?).await?;
        stream.write_all(&fetch).await?;
        stalled.push(stream);
    }
    let mut garbage = JoinSet::new();
    for number in 0..GARBAGE {
        let address = address.to_owned();
        garbage.spawn(async move {
            let mut random = fastrand::Rng::with_seed(number as u64);
            loop {
                let mut stream = TcpStream::connect(&address).await?;
                let bytes: Vec<u8> = (0..4096).map(|_| random.u8(..)).collect();
                // It may have been let go already.
                let _ = stream.write_all(&bytes).await;
                let _ = stream.read(&mut [0; 64]).await;
            }
        });
    }
    match garbage.join_next().await {
        Some(ended) => ended?,
        None => Ok(()),
    }
}

//! What a good client loses while a bad one attacks the broker, and what the broker holds for that one.
//!
//! Three processes: this one has the reference broker, so that its memory and descriptors are the broker's; a
//! good client sends and reads at a steady rate over SASL_SSL; and another, with the lowest priority, attacks
//! from an address of its own, as fast as it gets to run.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::ValueEnum;
use comfy_table::Table;
use integration::security::{Authority, PASSWORD, USER, Validity};
use kafka_broker::Broker;
use kafka_client::Kafka;
use kafka_client::consumer::OffsetReset;
use kafka_client::record::Record;
use kafka_client::security::{Sasl, Tls};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, interval, sleep};

use crate::Failure;
use crate::stats::Spread;
use crate::usage::rss_kib;

#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// Rounds of all attacks.
    #[arg(long, default_value_t = 3)]
    rounds: u32,

    /// Seconds of peace, and then of each attack.
    #[arg(long, default_value_t = 6)]
    seconds: u64,

    /// Records that the good client sends in a second.
    #[arg(long, default_value_t = 10_000)]
    rate: u64,
}

/// What the attacker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Attack {
    /// 1,000 connections that begin the handshake of TLS and say no more.
    HalfOpen,
    /// 1,000 connections that send a byte of a request every tenth of a second.
    Slow,
    /// Connections that send random bytes, one behind the other, 16 at a time.
    Garbage,
    /// The same with a request that claims two gigabytes.
    Oversized,
    /// The same with a request that only those who are authenticated may send.
    Unauthenticated,
    /// The same to the listener with TLS, and ended as soon as they are open.
    Knock,
}

/// Where the attacker comes from: limits by address are its own. Only Linux has this address by itself.
const FROM: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

const MANY: usize = 1000;
const AT_ONCE: usize = 16;

/// How often the good client sends, and what it tells.
const TICK: Duration = Duration::from_millis(5);
const WINDOW: Duration = Duration::from_millis(500);

/// What the good client had in a window.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Window {
    acknowledged: u64,
    read: u64,
    /// The longest wait for an acknowledgement.
    wait_us: u64,
}

/// What the processes are told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Site {
    tls: String,
    plain: String,
    ca: String,
    rate: u64,
}

/// What was seen over a time.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// How many windows it has.
    windows: u64,
    acknowledged: u64,
    read: u64,
    wait_us: u64,
    memory_kib: u64,
    descriptors: u64,
}

pub(crate) async fn run(settings: &Settings) -> Result<(), Failure> {
    let authority = Authority::new("authority");
    let certificate = authority.broker(&["127.0.0.1"], Validity::Now);
    let certificate = kafka_broker::Certificate {
        chain: certificate.chain,
        key: certificate.key,
    };
    let directory = tempfile::tempdir()?;
    let broker = Broker::builder()
        .journal(false)
        .data_dir(directory.path())
        .tls(kafka_broker::Tls::new(certificate))
        .user(USER, PASSWORD)
        .listener("SASL_SSL", "127.0.0.1:0")
        .listener("SASL_PLAINTEXT", "127.0.0.1:0")
        .property("sasl.enabled.mechanisms", "SCRAM-SHA-256")
        .property("max.connections.per.ip", "1200")
        .start()
        .await?;
    broker.create_topic("good", 4)?;
    let address = |listener: &str| broker.bootstrap_of(listener).ok_or("no such listener");
    let site = Site {
        tls: address("SASL_SSL")?,
        plain: address("SASL_PLAINTEXT")?,
        ca: authority.certificate(),
        rate: settings.rate,
    };
    let site = serde_json::to_string(&site)?;
    let mut victim = start(&["good-client", &site], false)?;
    let out = victim.stdout.take().ok_or("the client has no output")?;
    let mut lines = BufReader::new(out).lines();
    let mut watch = async |time: Duration| -> Result<Seen, Failure> {
        let until = Instant::now() + time;
        let mut seen = Seen::default();
        while Instant::now() < until {
            let line = lines.next_line().await?.ok_or("the good client ended")?;
            let window: Window = serde_json::from_str(&line)?;
            seen.windows += 1;
            seen.acknowledged += window.acknowledged;
            seen.read += window.read;
            seen.wait_us = seen.wait_us.max(window.wait_us);
            let (memory_kib, descriptors) = held()?;
            seen.memory_kib = seen.memory_kib.max(memory_kib);
            seen.descriptors = seen.descriptors.max(descriptors);
        }
        Ok(seen)
    };
    let time = Duration::from_secs(settings.seconds);
    watch(Duration::from_secs(2)).await?;
    let attacks = Attack::value_variants();
    let mut all: Vec<Vec<(Seen, Seen)>> = vec![Vec::new(); attacks.len()];
    for _ in 0..settings.rounds {
        for (number, attack) in attacks.iter().enumerate() {
            let calm = watch(time).await?;
            let kind = attack.to_possible_value().ok_or("a kind without a name")?;
            let mut attacker = start(&["attacker", kind.get_name(), &site], true)?;
            // The attack has begun by then.
            watch(Duration::from_secs(1)).await?;
            let attacked = watch(time).await?;
            attacker.kill().await?;
            watch(Duration::from_secs(1)).await?;
            eprintln!("{attack:?}: {calm:?} then {attacked:?}");
            all[number].push((calm, attacked));
        }
    }
    victim.kill().await?;
    while broker.connections() > 0 {
        sleep(Duration::from_millis(10)).await;
    }
    tell(attacks, &all);
    broker.shutdown().await?;
    Ok(())
}

fn tell(attacks: &[Attack], all: &[Vec<(Seen, Seen)>]) {
    let mut table = Table::new();
    table.set_header([
        "attack",
        "acknowledged lost %",
        "read lost %",
        "longest wait ms, in peace",
        "attacked",
        "memory MiB, in peace",
        "attacked",
        "descriptors",
    ]);
    let show = |of: &[(Seen, Seen)], value: &dyn Fn(&(Seen, Seen)) -> f64| {
        let spread = Spread::of(of.iter().map(value));
        spread.map_or_else(String::new, |spread| spread.show(1.0, 1))
    };
    // Of each window: a time may have one more.
    let lost = |(calm, attacked): &(Seen, Seen), value: &dyn Fn(&Seen) -> u64| {
        let each = |seen: &Seen| value(seen) as f64 / seen.windows as f64;
        100.0 * (1.0 - each(attacked) / each(calm))
    };
    for (attack, seen) in attacks.iter().zip(all) {
        table.add_row([
            format!("{attack:?}"),
            show(seen, &|both| lost(both, &|seen| seen.acknowledged)),
            show(seen, &|both| lost(both, &|seen| seen.read)),
            show(seen, &|(calm, _)| calm.wait_us as f64 / 1000.0),
            show(seen, &|(_, attacked)| attacked.wait_us as f64 / 1000.0),
            show(seen, &|(calm, _)| calm.memory_kib as f64 / 1024.0),
            show(seen, &|(_, attacked)| attacked.memory_kib as f64 / 1024.0),
            show(seen, &|(_, attacked)| attacked.descriptors as f64),
        ]);
    }
    println!("{table}");
}

/// This program again; as the last in line for the processor, if it is not to get in the way by that alone.
pub(crate) fn start(arguments: &[&str], is_last: bool) -> Result<Child, Failure> {
    let this = std::env::current_exe()?;
    let mut command = match is_last {
        true => {
            let mut nice = Command::new("nice");
            nice.args(["-n", "19"]).arg(this);
            nice
        }
        false => Command::new(this),
    };
    let command = command.args(arguments).stdin(Stdio::null());
    Ok(command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?)
}

/// KiB of memory and descriptors of this process.
pub(crate) fn held() -> Result<(u64, u64), Failure> {
    let descriptors = std::fs::read_dir("/proc/self/fd")?.count() as u64;
    Ok((rss_kib()?, descriptors))
}

/// The good client: sends at its rate and reads all, and tells what it had, window by window.
pub(crate) async fn good_client(site: &str) -> Result<(), Failure> {
    let site: Site = serde_json::from_str(site)?;
    let kafka = Kafka::builder(&site.tls)
        .tls(Tls::new().ca_pem(site.ca))
        .sasl(Sasl::scram_sha_256(USER, PASSWORD))
        .connect()
        .await?;
    let producer = kafka.producer().build().await?;
    let consumer = kafka.consumer("good").offset_reset(OffsetReset::Latest);
    let mut consumer = consumer.subscribe(["good"]).await?;
    let counts: Arc<[AtomicU64; 3]> = Arc::default();
    let read = counts.clone();
    tokio::spawn(async move {
        loop {
            match consumer.recv_batch().await {
                Ok(batch) => {
                    read[1].fetch_add(batch.len() as u64, Ordering::Relaxed);
                }
                Err(error) => eprintln!("good client: {error}"),
            }
        }
    });
    let told = counts.clone();
    tokio::spawn(async move {
        let mut windows = interval(WINDOW);
        loop {
            windows.tick().await;
            let [acknowledged, read, wait_us] =
                [0, 1, 2].map(|at| told[at].swap(0, Ordering::Relaxed));
            let window = Window {
                acknowledged,
                read,
                wait_us,
            };
            let mut out = std::io::stdout().lock();
            // Nobody to tell is the end.
            let line = serde_json::to_string(&window).unwrap_or_default();
            if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                std::process::exit(0);
            }
        }
    });
    let value = [b'v'; 100];
    let each = site.rate * TICK.as_millis() as u64 / 1000;
    let mut ticks = interval(TICK);
    loop {
        ticks.tick().await;
        let begin = Instant::now();
        let mut deliveries = Vec::new();
        for _ in 0..each {
            deliveries.push(producer.enqueue(Record::to("good").value(&value)).await?);
        }
        let counts = counts.clone();
        tokio::spawn(async move {
            for delivery in deliveries {
                match delivery.await {
                    Ok(_) => {
                        counts[0].fetch_add(1, Ordering::Relaxed);
                    }
                    Err(error) => eprintln!("good client: {error}"),
                }
            }
            let wait = begin.elapsed().as_micros() as u64;
            counts[2].fetch_max(wait, Ordering::Relaxed);
        });
    }
}

async fn dial(to: &str) -> Result<TcpStream, Failure> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(FROM.into(), 0))?;
    Ok(socket.connect(to.parse()?).await?)
}

/// The bad client, until it is killed.
pub(crate) async fn attack(attack: Attack, site: &str) -> Result<(), Failure> {
    let site: Site = serde_json::from_str(site)?;
    // The head of a handshake of TLS that announces 512 bytes.
    let hello: &[u8] = &[0x16, 3, 1, 2, 0, 1];
    // A frame's length and the first bytes of Metadata, version 12.
    let metadata: &[u8] = &[0, 0, 0, 20, 0, 3, 0, 12, 0, 0, 0, 1, 0, 1, b'x', 0];
    match attack {
        Attack::HalfOpen | Attack::Slow => {
            let mut open = Vec::new();
            while open.len() < MANY {
                let mut stream = dial(&site.tls).await?;
                stream.write_all(hello).await?;
                open.push(stream);
            }
            loop {
                sleep(Duration::from_millis(100)).await;
                if attack == Attack::Slow {
                    for stream in &mut open {
                        // Those that are let go are opened again.
                        if stream.write_all(&[0]).await.is_err() {
                            *stream = dial(&site.tls).await?;
                            stream.write_all(hello).await?;
                        }
                    }
                }
            }
        }
        Attack::Garbage | Attack::Oversized | Attack::Unauthenticated | Attack::Knock => {
            let mut tasks = tokio::task::JoinSet::new();
            for number in 0..AT_ONCE {
                let (plain, tls) = (site.plain.clone(), site.tls.clone());
                tasks.spawn(async move {
                    let mut random = fastrand::Rng::with_seed(number as u64);
                    loop {
                        let bytes: Vec<u8> = match attack {
                            Attack::Garbage => (0..4096).map(|_| random.u8(..)).collect(),
                            Attack::Oversized => i32::MAX.to_be_bytes().to_vec(),
                            _ => [metadata, &[0; 8]].concat(),
                        };
                        let to = if attack == Attack::Knock {
                            &tls
                        } else {
                            &plain
                        };
                        let mut stream = dial(to).await?;
                        if attack != Attack::Knock {
                            // It may have been let go already.
                            let _ = stream.write_all(&bytes).await;
                            let _ = stream.read(&mut [0; 64]).await;
                        }
                    }
                });
            }
            match tasks.join_next().await {
                Some(ended) => ended?,
                None => Ok(()),
            }
        }
    }
}

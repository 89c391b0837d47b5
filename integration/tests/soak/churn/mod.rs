//! Twenty members of one group, ours beside Java's and librdkafka's, that join, leave, die, stand still,
//! work too slowly and come back, while their coordinator restarts: no partition has two owners, every record
//! is handled, commits only grow, and what a member keeps never stops. [`history`] has the rules.
//!
//! In real time, as other programs take part: `SOAK_SECONDS` is how long, `SOAK_SEED` which chances are
//! taken. librdkafka takes minutes to build, so it takes part if `KAFKA_TEST_LIBRDKAFKA_MEMBER` names its
//! program:
//!
//! ```sh
//! cargo build -p librdkafka-member
//! export KAFKA_TEST_LIBRDKAFKA_MEMBER=$PWD/target/debug/librdkafka-member KAFKA_JARS=$(.ci/jars | tail -1)
//! SOAK_SECONDS=600 cargo test -p integration --test soak churn -- --ignored --nocapture --test-threads 1
//! ```
//!
//! With `KAFKA_TEST_LOGS` naming a directory, what our members, Java's and the broker log is kept there.

mod history;
mod hosts;
mod stored;

use std::collections::BTreeMap;
use std::time::Duration;

use integration::eventually;
use integration::kafka::NativeKafka;
use integration::member::{Settings, now};
use kafka_broker::Broker;
use kafka_client::consumer::TopicPartition;
use kafka_client::producer::Producer;
use kafka_client::record::Record;
use kafka_client::{Kafka, NewTopic};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::turn;

use self::history::{History, Life, Silence};
use self::hosts::{Host, Kind, Programs, World};
use self::stored::Stored;

const TOPIC: &str = "work";
const GROUP: &str = "workers";
const PARTITIONS: i32 = 60;
const MS: Duration = Duration::from_millis(1);
const SESSION: Duration = Duration::from_secs(6);
const MAX_POLL: Duration = Duration::from_secs(10);

/// The longest that a partition may stand still which a member keeps. A rebalance that waits for one who
/// has died takes five seconds at least.
const STANDSTILL: Duration = Duration::from_secs(3);

/// The longest that members take to leave: what Java's client and librdkafka say waits behind a join that is
/// held, until the dead and the slow are out.
const LEAVING: Duration = Duration::from_secs(30);

/// Programs and how many members each hosts: twenty.
const HOSTS: [(Kind, usize); 11] = [
    (Kind::Ours, 4),
    (Kind::OursApart, 2),
    (Kind::OursApart, 1),
    (Kind::OursApart, 1),
    (Kind::OursApart, 1),
    (Kind::OursApart, 1),
    (Kind::Java, 3),
    (Kind::Java, 2),
    (Kind::Java, 1),
    (Kind::Librdkafka, 2),
    (Kind::Librdkafka, 2),
];

/// Those whose members have a `group.instance.id`.
const STATIC_HOSTS: [usize; 2] = [5, 8];

fn length() -> Duration {
    let seconds = std::env::var("SOAK_SECONDS").ok();
    Duration::from_secs(seconds.map_or(30, |seconds| seconds.parse().unwrap()))
}

fn seed() -> u64 {
    let seed = std::env::var("SOAK_SEED").ok();
    seed.map_or(1, |seed| seed.parse().unwrap())
}

/// The broker, which restarts on the same data and address.
enum Cluster {
    Reference {
        broker: Option<Box<Broker>>,
        directory: TempDir,
        address: String,
    },
    Apache(Box<NativeKafka>),
}

impl Cluster {
    fn name(&self) -> &'static str {
        match self {
            Self::Reference { .. } => "reference",
            Self::Apache(_) => "apache",
        }
    }

    async fn reference() -> Self {
        let directory = TempDir::with_prefix("churn-").unwrap();
        let broker = Self::start(&directory, "127.0.0.1:0").await;
        Self::Reference {
            address: broker.bootstrap(),
            broker: Some(Box::new(broker)),
            directory,
        }
    }

    async fn start(directory: &TempDir, listen: &str) -> Broker {
        let broker = Broker::builder().data_dir(directory.path()).listen(listen);
        let broker = broker
            .journal(false)
            .property("group.min.session.timeout.ms", "500");
        broker.start().await.unwrap()
    }

    fn bootstrap(&self) -> String {
        match self {
            Self::Reference { address, .. } => address.clone(),
            Self::Apache(kafka) => kafka.bootstrap(),
        }
    }

    /// Dies, and comes back after a while.
    async fn restart(&mut self, after: Duration) {
        match self {
            Self::Reference {
                broker,
                directory,
                address,
            } => {
                broker.take().unwrap().crash().await;
                sleep(after).await;
                *broker = Some(Box::new(Self::start(directory, address).await));
            }
            Self::Apache(kafka) => {
                kafka.kill().await.unwrap();
                sleep(after).await;
                kafka.restart().await.unwrap();
            }
        }
    }
}

/// A place for a member.
#[derive(Debug, Default)]
struct Slot {
    name: Option<String>,
    leaving: bool,
}

/// A program, and what is to become of it.
struct Place {
    kind: Kind,
    number: usize,
    host: Option<Host>,
    slots: Vec<Slot>,
    /// What is done to it next, and when: it goes on, or is started again.
    due: Option<Instant>,
    stopped: bool,
    /// Before, it is left alone: one cause at a time.
    quiet: Instant,
}

#[derive(Debug, Default)]
struct Figures {
    members: usize,
    left: usize,
    kills: usize,
    stops: usize,
    long_stops: usize,
    slow: usize,
    too_slow: usize,
    outages: usize,
}

struct Churn {
    world: World,
    programs: Programs,
    places: Vec<Place>,
    random: fastrand::Rng,
    figures: Figures,
}

impl Churn {
    fn new(programs: Programs, world: World, seed: u64) -> Self {
        let all = HOSTS.iter().enumerate();
        let all = all.filter(|(_, (kind, _))| programs.has(*kind));
        let places = all.map(|(number, (kind, members))| Place {
            kind: *kind,
            number,
            host: None,
            slots: (0..*members).map(|_| Slot::default()).collect(),
            due: None,
            stopped: false,
            quiet: Instant::now(),
        });
        Self {
            places: places.collect(),
            world,
            programs,
            random: fastrand::Rng::with_seed(seed),
            figures: Figures::default(),
        }
    }

    fn some(&mut self, ms: std::ops::Range<u32>) -> Duration {
        self.random.u32(ms) * MS
    }

    async fn join(&mut self, place: usize, slot: usize) {
        let auto_commit = self.random.bool();
        let at = &mut self.places[place];
        let count = self.figures.members;
        self.figures.members += 1;
        let name = format!("{}-{}.{slot}-{count}", at.kind.label(), at.number);
        let instance = STATIC_HOSTS.contains(&at.number);
        let instance = instance.then(|| format!("static-{}", at.number));
        let auto_commit = auto_commit && matches!(at.kind, Kind::Ours | Kind::OursApart);
        self.world.born(Life {
            name: name.clone(),
            kind: at.kind,
            auto_commit,
            instance: instance.clone(),
            from: now(),
            silences: Vec::new(),
            events: Vec::new(),
        });
        let mode = if auto_commit { "auto" } else { "manual" };
        let host = at
            .host
            .get_or_insert_with(|| self.programs.start(at.kind, &self.world));
        let command = format!("join {name} {mode} {}", instance.unwrap_or_default());
        host.command(command.trim_end()).await;
        at.slots[slot] = Slot {
            name: Some(name),
            leaving: false,
        };
    }

    async fn leave(&mut self, place: usize, slot: usize) {
        let at = &mut self.places[place];
        let at_slot = &mut at.slots[slot];
        let name = at_slot.name.as_ref().unwrap();
        let host = at.host.as_mut().unwrap();
        host.command(&format!("leave {name}")).await;
        at_slot.leaving = true;
        self.figures.left += 1;
    }

    /// Those who have left have gone, and what is due is done.
    async fn attend(&mut self) {
        for place in 0..self.places.len() {
            let at = &mut self.places[place];
            for slot in &mut at.slots {
                let gone = slot.name.as_ref().filter(|_| slot.leaving);
                if gone.is_some_and(|name| self.world.has_left(name)) {
                    *slot = Slot::default();
                }
            }
            if at.due.is_some_and(|due| due <= Instant::now()) {
                self.go_on(place).await;
            }
        }
    }

    /// It goes on after a stop, or starts again after its death.
    async fn go_on(&mut self, place: usize) {
        let at = &mut self.places[place];
        at.due = None;
        if at.stopped {
            at.stopped = false;
            let now = at.host.as_ref().unwrap().signal(Signal::CONT);
            let names = at.slots.iter().flat_map(|slot| &slot.name);
            for name in names {
                self.world.woken(name, now);
            }
            // Its next stop is another one.
            at.quiet = Instant::now() + SESSION;
        } else {
            for slot in 0..at.slots.len() {
                self.join(place, slot).await;
            }
        }
    }

    async fn kill(&mut self, place: usize) {
        let wait = self.some(200..10_000);
        let at = &mut self.places[place];
        let killed = at.host.take().unwrap().kill().await;
        for slot in &mut at.slots {
            if let Some(name) = slot.name.take() {
                let silence = Silence {
                    from: killed,
                    until: None,
                };
                self.world.silent(&name, silence);
            }
            *slot = Slot::default();
        }
        at.due = Some(Instant::now() + wait);
        self.figures.kills += 1;
    }

    fn stop(&mut self, place: usize) {
        let long = self.random.bool();
        let wait = match long {
            true => self.some(6_500..10_000),
            false => self.some(500..3_500),
        };
        let at = &mut self.places[place];
        let from = at.host.as_ref().unwrap().signal(Signal::STOP);
        for name in at.slots.iter().flat_map(|slot| &slot.name) {
            let silence = Silence {
                from,
                until: Some(u64::MAX),
            };
            self.world.silent(name, silence);
        }
        at.stopped = true;
        at.due = Some(Instant::now() + wait);
        self.figures.stops += 1;
        self.figures.long_stops += usize::from(long);
    }

    async fn be_busy(&mut self, place: usize, slot: usize) {
        let too_slow = self.random.u32(..4) == 0;
        let time = match too_slow {
            true => MAX_POLL + self.some(1_000..4_000),
            false => self.some(200..3_000),
        };
        let at = &mut self.places[place];
        let name = at.slots[slot].name.as_ref().unwrap();
        let command = format!("busy {name} {}", time.as_millis());
        at.host.as_mut().unwrap().command(&command).await;
        at.quiet = Instant::now() + time + SESSION;
        self.figures.slow += 1;
        self.figures.too_slow += usize::from(too_slow);
    }

    /// One more thing happens to somebody.
    async fn one_more(&mut self) {
        let place = self.random.usize(..self.places.len());
        let slot = self.random.usize(..self.places[place].slots.len());
        let silent = self.places.iter().filter(|at| at.due.is_some()).count();
        let at = &self.places[place];
        if at.due.is_some() || at.quiet > Instant::now() {
            return;
        }
        if at.slots[slot].name.is_none() {
            return self.join(place, slot).await;
        }
        if at.slots.iter().any(|slot| slot.leaving) {
            return;
        }
        let apart = at.kind != Kind::Ours;
        match self.random.u32(..10) {
            // A Java machine costs a second of the processor.
            0..3 if apart && silent < 2 && (at.kind != Kind::Java || self.random.bool()) => {
                self.kill(place).await;
            }
            3..6 if apart && silent < 2 => self.stop(place),
            6..8 => self.be_busy(place, slot).await,
            _ => self.leave(place, slot).await,
        }
    }

    /// All go on, and who was slow is through.
    async fn heal(&mut self) {
        for place in 0..self.places.len() {
            if self.places[place].due.is_some() {
                self.go_on(place).await;
            }
        }
        let quiet = self.places.iter().map(|at| at.quiet).max();
        tokio::time::sleep_until(quiet.unwrap()).await;
    }

    /// All members of some kinds leave.
    async fn all_leave(&mut self, kinds: &[Kind]) {
        let mut leaving = Vec::new();
        for place in 0..self.places.len() {
            if !kinds.contains(&self.places[place].kind) {
                continue;
            }
            for slot in 0..self.places[place].slots.len() {
                let at = &self.places[place].slots[slot];
                leaving.extend(at.name.clone());
                if at.name.is_some() && !at.leaving {
                    self.leave(place, slot).await;
                }
            }
        }
        let has_gone = |name: &String| self.world.has_left(name);
        let deadline = Instant::now() + LEAVING;
        while !leaving.iter().all(has_gone) {
            leaving.retain(|name| !has_gone(name));
            assert!(Instant::now() < deadline, "have not left: {leaving:?}");
            sleep(10 * MS).await;
        }
    }

    async fn end(self) -> Figures {
        for at in self.places {
            if let Some(host) = at.host {
                host.end().await;
            }
        }
        self.figures
    }
}

/// Records to all partitions, evenly, until it is stopped: when each was in the log at last.
async fn load(producer: Producer, seed: u64, stop: watch::Receiver<bool>) -> Vec<Vec<u64>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut appended = vec![Vec::new(); PARTITIONS as usize];
    let mut order: Vec<i32> = (0..PARTITIONS).collect();
    while !*stop.borrow() {
        random.shuffle(&mut order);
        for part in order.chunks(PARTITIONS as usize / 3) {
            let mut under_way = Vec::new();
            for partition in part {
                for _ in 0..random.u32(1..3) {
                    let record = Record::to(TOPIC).partition(*partition).value("work");
                    under_way.push(producer.enqueue(record).await.unwrap());
                }
            }
            for delivery in under_way {
                let delivered = delivery.await.unwrap();
                let of_it: &mut Vec<u64> = &mut appended[delivered.partition as usize];
                of_it.push(now());
                // Nobody else writes, and nothing is written twice.
                let expected = of_it.len() as i64 - 1;
                assert!(delivered.offset.is_none_or(|offset| offset == expected));
            }
            sleep(100 * MS).await;
        }
    }
    appended
}

async fn soak(mut cluster: Cluster) {
    let (seed, settings) = (seed(), settings(&cluster));
    let log = std::env::temp_dir().join(format!(
        "churn-{}-{seed}-{}.jsonl",
        cluster.name(),
        std::process::id()
    ));
    integration::logs::keep("soak");
    println!(
        "SOAK_SEED={seed} SOAK_SECONDS={}, all that is told: {}",
        length().as_secs(),
        log.display()
    );
    let kafka = Kafka::connect(cluster.bootstrap()).await.unwrap();
    let new = NewTopic::new(TOPIC).partitions(PARTITIONS);
    kafka.create_topic(&new).await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let load = tokio::spawn(load(producer, seed, stopped));

    let (programs, world) = (Programs::new(settings.clone()).await, World::new(&log));
    let mut churn = Churn::new(programs, world.clone(), seed);
    for place in 0..churn.places.len() {
        churn.go_on(place).await;
    }
    let (begun, mut outages) = (Instant::now(), Vec::new());
    let mut next_outage = churn.some(10_000..30_000);
    while begun.elapsed() < length() {
        let pause = churn.some(100..700);
        sleep(pause).await;
        churn.attend().await;
        churn.one_more().await;
        if begun.elapsed() > next_outage {
            let after = churn.some(0..2_000);
            let from = now();
            cluster.restart(after).await;
            outages.push((from, now()));
            next_outage = begun.elapsed() + churn.some(15_000..90_000);
            churn.figures.outages += 1;
        }
    }
    churn.heal().await;
    stop.send_replace(true);
    let appended = load.await.unwrap();
    let total: usize = appended.iter().map(Vec::len).sum();
    let healed = Instant::now();
    eventually("every record is handled", async || {
        world.told().distinct >= total as u64
    })
    .await;
    let took = healed.elapsed();
    // Java's client does not commit when it is closed in the middle of a rebalance, so there are members after
    // it.
    churn.all_leave(&[Kind::Java, Kind::Librdkafka]).await;
    let at = |partition: usize| TopicPartition::new(TOPIC, partition as i32);
    let ends = appended.iter().map(|of_it| of_it.len() as i64);
    let ends: BTreeMap<_, _> = ends
        .enumerate()
        .map(|(number, end)| (at(number), end))
        .collect();
    let all: Vec<_> = ends.keys().cloned().collect();
    let watcher = kafka.consumer(GROUP).manual_commit();
    let watcher = watcher.assign(all.clone()).await.unwrap();
    eventually("all is committed", async || {
        watcher.handle().committed(&all).await.unwrap() == ends
    })
    .await;
    churn.all_leave(&[Kind::Ours, Kind::OursApart]).await;
    let figures = churn.end().await;
    let stored = emptied(&kafka).await;

    let told = world.told();
    let history = History {
        settings: &settings,
        lives: &told.lives,
        appended: &appended,
        outages: &outages,
        standstill: STANDSTILL,
    };
    let verdict = history.judge();
    let away = outages.iter().map(|(from, until)| until - from).sum();
    let away = Duration::from_micros(away);
    let handled: u64 = told
        .handled
        .iter()
        .flatten()
        .map(|times| u64::from(*times))
        .sum();
    println!(
        "seed {seed}: {figures:?}, {} rebalances; {total} records, {} handled again, all handled {took:?} \
         after the last fault; {} claims, {} lost, {} commits refused; the broker was away for {away:?}",
        stored.rebalances,
        handled - total as u64,
        verdict.claims,
        verdict.lost,
        verdict.refused_commits,
    );
    for (kind, gap) in &verdict.gaps {
        let start = verdict.starts.get(kind).cloned().unwrap_or_default();
        println!(
            "{}: the longest wait of what is kept {:?} ({}), of what begins {:?} ({})",
            kind.label(),
            gap.time,
            gap.place,
            start.time,
            start.place
        );
    }
    let mut faults = verdict.faults;
    faults.extend(stored.faults());
    for (at, end) in ends {
        let last = stored.commits[&at.partition].last();
        if last != Some(&end) {
            faults.push(format!(
                "{last:?} is committed of {at}, which ends at {end}"
            ));
        }
    }
    assert!(faults.is_empty(), "{} faults: {faults:#?}", faults.len());
    std::fs::remove_file(log).unwrap();
}

fn settings(cluster: &Cluster) -> Settings {
    Settings {
        bootstrap: cluster.bootstrap(),
        topic: TOPIC.to_owned(),
        group: GROUP.to_owned(),
        session_timeout: SESSION,
        heartbeat_interval: Duration::from_secs(1),
        max_poll_interval: MAX_POLL,
    }
}

/// The group, when the last of its static members is forgotten.
async fn emptied(kafka: &Kafka) -> Stored {
    let mut stored = Stored::default();
    eventually("nobody is left", async || {
        stored = Stored::read(kafka, GROUP).await;
        stored.members == 0
    })
    .await;
    stored
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn members_of_all_clients_come_and_go_on_our_broker() {
    let _turn = turn().await;
    soak(Cluster::reference().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn members_of_all_clients_come_and_go_on_apache_kafka() {
    let _turn = turn().await;
    let kafka = NativeKafka::start().await.unwrap();
    soak(Cluster::Apache(Box::new(kafka))).await;
}

//! Fetching from several brokers: near replicas (KIP-392), leaders that move, and brokers that are
//! silent.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use integration::network::Network;
use integration::numbered;
use integration::partitions;
use kafka_broker::Broker;
use kafka_client::consumer::{Consumer, ConsumerBuilder, OffsetReset, TopicPartition};
use kafka_client::{ErrorCode, Kafka};
use kafka_client_protocol::api::fetch::{FetchRequest, FetchResponse, NodeEndpoint, PartitionData};
use kafka_client_protocol::api::list_offsets::ListOffsetsRequest;
use kafka_client_protocol::api::metadata::MetadataRequest;
use kafka_client_protocol::frame::RequestHeader;
use kafka_client_protocol::{Message, Request};

use super::edited::{Act, edit, edited_by_body};
use super::{SECOND, member, timed};

const ONE: &str = "one:9092";
const TWO: &str = "two:9092";

/// One broker that plays two, of which a test says who leads what.
struct Pair {
    broker: Broker,
    network: Network,
    leaders: Arc<Mutex<BTreeMap<i32, i32>>>,
    /// Fetch requests that each has got.
    fetches: [Arc<AtomicUsize>; 2],
}

impl Pair {
    /// `act` says what becomes of a Fetch at broker 1 or 2; it is told the request. Partitions are
    /// led by 1, unless a test says otherwise. Leaders have no epochs, so that the broker takes
    /// either for the right one.
    async fn new(
        act: impl Fn(i32, &RequestHeader, FetchRequest) -> Act + Clone + Send + Sync + 'static,
    ) -> Self {
        // An answer that leaves out what is no news could not be changed to say anything of it.
        Self::with_sessions("0", act).await
    }

    async fn with_sessions(
        slots: &str,
        act: impl Fn(i32, &RequestHeader, FetchRequest) -> Act + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::with_epoch(-1, slots, act).await
    }

    /// With leaders of this epoch, for ever.
    async fn with_epoch(
        epoch: i32,
        slots: &str,
        act: impl Fn(i32, &RequestHeader, FetchRequest) -> Act + Clone + Send + Sync + 'static,
    ) -> Self {
        let broker = Broker::builder().memory().no_listener().seed(1);
        let broker = broker.property("max.incremental.fetch.session.cache.slots", slots);
        let broker = broker.property("node.id", "1").start().await.unwrap();
        let network = Network::new();
        let leaders = Arc::<Mutex<BTreeMap<i32, i32>>>::default();
        let fetches = [Arc::<AtomicUsize>::default(), Arc::default()];
        for (node, address) in [(1, ONE), (2, TWO)] {
            let (act, leaders) = (act.clone(), leaders.clone());
            let count = fetches[node as usize - 1].clone();
            let peer = edited_by_body(broker.connector(), move |header, body| {
                if header.api_key == FetchRequest::API_KEY {
                    count.fetch_add(1, Ordering::Relaxed);
                    let request = FetchRequest::decode(body.clone(), header.api_version);
                    return act(node, header, request.unwrap());
                }
                let leaders = leaders.lock().unwrap().clone();
                edit::<MetadataRequest>(header, move |metadata| {
                    metadata.brokers = vec![member(1, ONE), member(2, TWO)];
                    for topic in &mut metadata.topics {
                        for partition in &mut topic.partitions {
                            let leader = leaders.get(&partition.partition_index);
                            partition.leader_id = leader.copied().unwrap_or(1);
                            partition.leader_epoch = epoch;
                        }
                    }
                })
            });
            network.route_to(address, peer);
        }
        Self {
            broker,
            network,
            leaders,
            fetches,
        }
    }

    async fn plain() -> Self {
        Self::with_sessions("1000", |_, _, _| Act::Pass).await
    }

    fn lead(&self, partition: i32, node: i32) {
        self.leaders.lock().unwrap().insert(partition, node);
    }

    async fn kafka(&self) -> Kafka {
        let kafka = Kafka::builder("one:9092,two:9092").seed(1);
        let kafka = kafka.connector(self.network.clone()).connect().await;
        kafka.unwrap()
    }

    async fn write(&self, topic: &str, count: i32, numbers: std::ops::Range<u64>) {
        if numbers.start == 0 {
            self.broker.create_topic(topic, count).unwrap();
        }
        let producer = self.kafka().await.producer().build().await.unwrap();
        numbered::send(&producer, topic, count, numbers).await;
        producer.close().await.unwrap();
    }

    async fn reader(&self) -> ConsumerBuilder {
        let kafka = Kafka::builder("one:9092,two:9092").seed(1);
        let kafka = kafka.metadata_max_age(10 * SECOND);
        let kafka = kafka.connector(self.network.clone()).connect().await;
        let reader = kafka.unwrap().reader();
        reader.offset_reset(OffsetReset::Earliest).rack("near")
    }

    async fn assigned(&self, topic: &str, count: i32) -> Consumer {
        let reader = self.reader().await;
        reader.assign(partitions(topic, count)).await.unwrap()
    }

    /// Writes records to a topic, and reads them within a minute.
    async fn reads(&self, count: i32, numbers: u64) -> Consumer {
        self.write("read", count, 0..numbers).await;
        let mut reader = self.assigned("read", count).await;
        let all = count as usize * numbers as usize;
        let within = tokio::time::timeout(60 * SECOND, numbered::receive(&mut reader, all));
        let read = within.await.expect("in a minute");
        read.assert_is(count, 0..numbers);
        reader
    }

    fn fetches(&self) -> [usize; 2] {
        [0, 1].map(|at| self.fetches[at].load(Ordering::Relaxed))
    }
}

fn change(
    header: &RequestHeader,
    change: impl Fn(&mut PartitionData) + Send + Sync + 'static,
) -> Act {
    edit::<FetchRequest>(header, move |answer: &mut FetchResponse| {
        let topics = answer.responses.iter_mut();
        topics
            .flat_map(|topic| &mut topic.partitions)
            .for_each(change);
    })
}

/// As a leader with a replica selector answers a consumer that names its rack.
fn refer_to(node: i32, header: &RequestHeader, request: &FetchRequest) -> Act {
    if request.rack_id.is_empty() {
        return Act::Pass;
    }
    change(header, move |partition| {
        partition.records = Some(Bytes::new());
        partition.preferred_read_replica = node;
    })
}

fn refuse(header: &RequestHeader, code: ErrorCode) -> Act {
    change(header, move |partition| {
        partition.records = Some(Bytes::new());
        partition.error_code = code.code();
    })
}

/// 45: it was ignored, and the leader asked again as fast as it answered.
#[tokio::test(start_paused = true)]
async fn the_preferred_replica_is_read_from() {
    let pair = Pair::new(|node, header, request| match node {
        1 => refer_to(2, header, &request),
        _ => Act::Pass,
    })
    .await;
    let _reader = pair.reads(2, 50).await;
    let [leader, _] = pair.fetches();
    assert!(leader <= 3, "{leader} requests to the leader");
    // The preference holds for `metadata.max.age.ms`; then the leader is asked again.
    tokio::time::sleep(35 * SECOND).await;
    let [leader, follower] = pair.fetches();
    assert!(
        (3..=12).contains(&leader),
        "{leader} requests to the leader"
    );
    assert!(follower > 50, "{follower} requests to the follower");
}

/// 45: a replica that is not in the metadata.
#[tokio::test(start_paused = true)]
async fn an_unknown_replica_strands_nobody() {
    let pair = Pair::new(|node, header, request| match node {
        1 => refer_to(7, header, &request),
        _ => Act::Pass,
    })
    .await;
    let _reader = pair.reads(1, 50).await;
    tokio::time::sleep(60 * SECOND).await;
    let [leader, follower] = pair.fetches();
    assert!(leader < 150, "{leader} requests in a minute");
    assert_eq!(follower, 0);
}

/// The same of a leader that refers even those who name no rack: nothing can be read, but it is asked
/// in peace.
#[tokio::test(start_paused = true)]
async fn a_leader_that_insists_on_an_unknown_replica_is_asked_in_peace() {
    let pair = Pair::new(|node, header, mut request| match node {
        1 => {
            request.rack_id = "any".into();
            refer_to(7, header, &request)
        }
        _ => Act::Pass,
    })
    .await;
    pair.write("read", 1, 0..50).await;
    let mut reader = pair.assigned("read", 1).await;
    let nothing = tokio::time::timeout(60 * SECOND, reader.recv()).await;
    assert!(nothing.is_err());
    let [leader, _] = pair.fetches();
    assert!(leader < 150, "{leader} requests in a minute");
}

/// 46: what the follower does not have (any more), the leader may have.
#[tokio::test(start_paused = true)]
async fn out_of_range_at_a_follower_is_asked_of_the_leader() {
    let pair = Pair::new(|node, header, request| match node {
        1 => refer_to(2, header, &request),
        _ => refuse(header, ErrorCode::OFFSET_OUT_OF_RANGE),
    })
    .await;
    pair.write("read", 1, 0..50).await;
    let mut reader = pair.assigned("read", 1).await;
    reader
        .handle()
        .seek(&TopicPartition::new("read", 0), 20)
        .unwrap();
    let within = tokio::time::timeout(60 * SECOND, numbered::receive(&mut reader, 30));
    // A reset would begin at 0.
    within.await.expect("in a minute").assert_is(1, 20..50);
    tokio::time::sleep(60 * SECOND).await;
    let [leader, follower] = pair.fetches();
    assert!(follower <= 10, "{follower} requests to the follower");
    assert!(leader < 300, "{leader} requests to the leader");
}

/// A follower that refuses, is silent, or is gone: the leader gives what there is.
#[tokio::test(start_paused = true)]
async fn a_follower_that_fails_costs_little() {
    for how in ["refuses", "silent", "gone"] {
        let pair = Pair::new(move |node, header, request| match node {
            1 => refer_to(2, header, &request),
            _ if how == "refuses" => refuse(header, ErrorCode::NOT_LEADER_OR_FOLLOWER),
            _ => Act::Pass,
        })
        .await;
        pair.write("read", 1, 0..50).await;
        let reader = pair.reader().await;
        let reader = reader.assign(partitions("read", 1));
        let mut reader = reader.await.unwrap();
        match how {
            "silent" => pair.network.silence(TWO),
            "gone" => pair.network.refuse(TWO),
            _ => {}
        }
        pair.network.cut(TWO);
        let (took, tally) = timed(numbered::receive(&mut reader, 50)).await;
        tally.assert_is(1, 0..50);
        assert!(took < 15 * SECOND, "{took:?}: {how}");
    }
}

/// A leader goes silent with a request under way, and another broker takes over.
#[tokio::test(start_paused = true)]
async fn a_silent_old_leader_does_not_hold_up_the_new_one() {
    let silent = Arc::<AtomicBool>::default();
    let is_silent = silent.clone();
    let pair = Pair::new(move |node, _, _| match node {
        1 if is_silent.load(Ordering::Relaxed) => Act::Instead(Bytes::new()),
        _ => Act::Pass,
    })
    .await;
    pair.write("read", 2, 0..50).await;
    let reader = pair.reader().await;
    let mut reader = reader.assign(partitions("read", 2)).await.unwrap();
    let read = numbered::receive(&mut reader, 100).await;
    read.assert_is(2, 0..50);
    silent.store(true, Ordering::Relaxed);
    tokio::time::sleep(SECOND).await;
    pair.lead(0, 2);
    pair.lead(1, 2);
    pair.write("read", 2, 50..100).await;
    // That the answer is late has the metadata looked at.
    let (took, read) = timed(numbered::receive(&mut reader, 100)).await;
    read.assert_is(2, 50..100);
    assert!(took < 5 * SECOND, "{took:?}");
}

/// A silent broker delayed the healthy partitions by ten seconds.
#[tokio::test(start_paused = true)]
async fn a_silent_leader_delays_only_where_to_begin_in_its_own_partitions() {
    let pair = Pair::plain().await;
    pair.write("read", 2, 0..50).await;
    pair.lead(0, 1);
    pair.lead(1, 2);
    for silent in [ONE, TWO] {
        pair.network.silence(silent);
        let kafka = Kafka::builder([ONE, TWO].into_iter().find(|at| *at != silent).unwrap());
        let kafka = kafka.connector(pair.network.clone()).seed(1);
        let reader = kafka.connect().await.unwrap().reader();
        let reader = reader.offset_reset(OffsetReset::Earliest);
        let mut reader = reader.assign(partitions("read", 2)).await.unwrap();
        let (took, tally) = timed(numbered::receive(&mut reader, 50)).await;
        assert_eq!(tally.total(), 50);
        assert!(took < SECOND, "{took:?}, {silent} is silent");
        pair.network.restore(silent);
    }
}

/// An idle partition, and a dead one, cost the others nothing, however long brokers may wait, and for
/// however many bytes.
#[tokio::test(start_paused = true)]
async fn idle_and_dead_brokers_cost_the_others_nothing() {
    for (dead, min_bytes) in [(false, 1), (true, 1), (false, 1_000)] {
        let pair = Pair::plain().await;
        pair.write("read", 2, 0..1).await;
        pair.lead(1, 2);
        let reader = pair.reader().await.fetch_max_wait(20 * SECOND);
        let reader = reader.fetch_min_bytes(min_bytes);
        let mut reader = reader.assign(partitions("read", 2)).await.unwrap();
        numbered::receive(&mut reader, 2).await;
        if dead {
            pair.network.mute(TWO);
            pair.network.silence(TWO);
        }
        let begin = tokio::time::Instant::now();
        let producer = pair.kafka().await.producer();
        let producer = producer.build().await.unwrap();
        // As large as is waited for.
        let value = "v".repeat(2_000);
        for number in 1..50 {
            let record = kafka_client::record::Record::to("read").partition(0);
            producer.send(record.value(&value)).await.unwrap();
            assert_eq!(reader.recv().await.unwrap().offset(), number);
        }
        let took = begin.elapsed();
        assert!(
            took < 2 * SECOND,
            "{took:?}, dead: {dead}, {min_bytes} bytes"
        );
    }
}

/// ListOffsets is asked of the new leader as soon as the old one says that it is none.
#[tokio::test(start_paused = true)]
async fn where_to_begin_is_asked_of_the_new_leader() {
    let pair = Pair::plain().await;
    pair.write("read", 1, 0..10).await;
    let handle = pair.broker.faults().inject(
        kafka_broker::when(ListOffsetsRequest::API_KEY)
            .then([kafka_broker::Step::Error(ErrorCode::NOT_LEADER_OR_FOLLOWER)]),
    );
    let reader = pair.reader().await;
    let mut reader = reader.assign(partitions("read", 1)).await.unwrap();
    pair.lead(0, 2);
    let read = numbered::receive(&mut reader, 10).await;
    read.assert_is(1, 0..10);
    assert_eq!(handle.hits(), 1);
}

/// KIP-227: of many partitions, requests name those that are read, and answers have those with news.
#[tokio::test(start_paused = true)]
async fn idle_partitions_cost_no_bytes() {
    let named = Arc::<AtomicUsize>::default();
    let count = named.clone();
    let pair = Pair::with_sessions("1000", move |_, _, request| {
        let topics = request.topics.iter();
        let partitions: usize = topics.map(|topic| topic.partitions.len()).sum();
        count.fetch_add(partitions, Ordering::Relaxed);
        Act::Pass
    })
    .await;
    pair.broker.create_topic("wide", 1000).unwrap();
    let reader = pair.reader().await;
    let mut reader = reader.assign(partitions("wide", 1000)).await.unwrap();
    let producer = pair.kafka().await.producer().build().await.unwrap();
    for number in 0..100 {
        let record = kafka_client::record::Record::to("wide").partition(number % 10);
        producer.send(record.value("v")).await.unwrap();
        let record = reader.recv().await.unwrap();
        assert_eq!(
            (record.partition(), record.offset()),
            (number % 10, number as i64 / 10)
        );
    }
    let named = named.load(Ordering::Relaxed);
    assert!(named < 1300, "{named} partitions were named");
}

/// KIP-951: a broker that is not the leader any more names the one that is, before the metadata does.
#[tokio::test(start_paused = true)]
async fn a_leader_that_a_refusal_names_is_asked_at_once() {
    let moved = Arc::<AtomicBool>::default();
    let has_moved = moved.clone();
    let pair = Pair::with_epoch(0, "1000", move |node, header, _| {
        if node == 2 || !has_moved.load(Ordering::Relaxed) {
            return Act::Pass;
        }
        edit::<FetchRequest>(header, |answer: &mut FetchResponse| {
            for partition in answer
                .responses
                .iter_mut()
                .flat_map(|topic| &mut topic.partitions)
            {
                partition.error_code = ErrorCode::NOT_LEADER_OR_FOLLOWER.code();
                partition.current_leader.leader_id = 2;
                partition.current_leader.leader_epoch = 1;
            }
            answer.node_endpoints.push(NodeEndpoint {
                node_id: 2,
                host: "two".into(),
                port: 9092,
                ..Default::default()
            });
        })
    })
    .await;
    pair.write("read", 1, 0..50).await;
    let reader = pair.reader().await;
    let mut reader = reader.assign(partitions("read", 1)).await.unwrap();
    numbered::receive(&mut reader, 50).await;
    pair.broker.elect("read", 0).unwrap();
    moved.store(true, Ordering::Relaxed);
    pair.write("read", 1, 50..60).await;
    let (took, read) = timed(numbered::receive(&mut reader, 10)).await;
    read.assert_is(1, 50..60);
    assert!(took < SECOND, "{took:?}");
    assert!(pair.fetches()[1] > 0);
}

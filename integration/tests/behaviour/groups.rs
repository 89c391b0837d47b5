//! Groups: members come, go, die and dawdle, and every record is processed once and in order.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use integration::numbered::{self, Tally};
use integration::{TestCluster, eventually, partitions};
use kafka_client::consumer::{
    Assignor, Consumer, ConsumerBuilder, ConsumerHandle, OffsetReset, RebalanceEvent,
    TopicPartition,
};
use kafka_client::producer::Producer;
use kafka_client::{ErrorCode, ErrorKind, Kafka, NewTopic};
use tokio::sync::watch;
use tokio::task::JoinHandle;

behaviours![
    members_come_and_go_while_records_flow,
    members_of_the_range_assignor_come_and_go_while_records_flow,
    members_of_the_sticky_assignor_come_and_go_while_records_flow,
    a_group_moves_to_the_cooperative_protocol_member_by_member,
    a_storm_of_rebalances_loses_and_doubles_nothing,
    kept_partitions_flow_while_a_rebalance_is_held_open,
    a_killed_member_is_replaced_from_its_last_commit,
    a_member_that_does_not_poll_loses_its_place,
    a_member_that_has_stopped_waiting_loses_its_place,
    a_static_member_comes_back_without_a_rebalance,
    a_second_member_of_one_name_fences_the_first,
    a_member_too_many_waits_its_turn,
    the_range_assignor_divides_each_topic_by_itself,
    a_topic_that_comes_later_is_taken_in,
];

/// A member that notices a rebalance soon.
fn member(kafka: &Kafka, group: &str) -> ConsumerBuilder {
    kafka
        .consumer(group)
        .offset_reset(OffsetReset::Earliest)
        .heartbeat_interval(Duration::from_millis(50))
}

async fn producer(cluster: &TestCluster) -> Producer {
    let kafka = cluster.kafka().await;
    kafka.producer().build().await.unwrap()
}

fn numbers(partitions: &[TopicPartition]) -> Vec<i32> {
    partitions
        .iter()
        .map(|partition| partition.partition)
        .collect()
}

/// Waits until the members own all partitions together, so many each.
async fn own(members: &[&ConsumerHandle], each: &[usize]) {
    eventually(&format!("{each:?} partitions for each"), async || {
        let owned = members.iter().map(|member| member.assignment().len());
        owned.eq(each.iter().copied())
    })
    .await;
    let all: Vec<_> = members
        .iter()
        .flat_map(|member| member.assignment())
        .collect();
    let distinct: BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "each partition has one owner");
}

/// What all members together processed.
#[derive(Clone)]
struct Processed(Arc<watch::Sender<Tally>>);

impl Processed {
    fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Tally::default())))
    }

    /// Waits until each of these partitions has so many records more than now.
    async fn more(&self, of: &[TopicPartition], records: usize) {
        let goals: Vec<_> = {
            let tally = self.0.borrow();
            let goal = |number: i32| (number, tally.of(number) + records);
            numbers(of).into_iter().map(goal).collect()
        };
        let reached = |tally: &Tally| {
            goals
                .iter()
                .all(|(number, goal)| tally.of(*number) >= *goal)
        };
        self.0.subscribe().wait_for(reached).await.unwrap();
    }

    async fn total(&self, records: usize) {
        let mut tally = self.0.subscribe();
        tally
            .wait_for(|tally| tally.total() >= records)
            .await
            .unwrap();
    }
}

/// A task that processes records, one after the other, until it is told to leave.
struct Worker {
    handle: ConsumerHandle,
    leave: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Worker {
    fn start(mut consumer: Consumer, processed: &Processed) -> Self {
        let handle = consumer.handle();
        let processed = processed.clone();
        let (leave, mut left) = watch::channel(false);
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    biased;
                    _ = left.wait_for(|leave| *leave) => break,
                    record = consumer.recv() => {
                        let record = record.unwrap();
                        processed.0.send_modify(|tally| tally.count(&record));
                    }
                }
            }
            consumer.close().await.unwrap();
        });
        Self {
            handle,
            leave,
            task,
        }
    }

    async fn leave(self) {
        self.leave.send_replace(true);
        self.task.await.unwrap();
    }
}

/// Sends numbers to every partition until it is told to stop, never far ahead of what was
/// processed; then tells how many it has sent of each.
fn flow(
    producer: Producer,
    topic: String,
    count: i32,
    processed: &Processed,
) -> (watch::Sender<bool>, JoinHandle<u64>) {
    let mut tally = processed.0.subscribe();
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(async move {
        let mut next = 0;
        while !*stopped.borrow() {
            numbered::send(&producer, &topic, count, next..next + 5).await;
            next += 5;
            let sent = next as usize * count as usize;
            tally
                .wait_for(|tally| tally.total() + 2_000 > sent)
                .await
                .unwrap();
            tokio::task::yield_now().await;
        }
        next
    });
    (stop, task)
}

async fn members_come_and_go(cluster: &TestCluster, assignor: Assignor) {
    const PARTITIONS: i32 = 6;
    let topic = cluster.topic("flowing", PARTITIONS).await;
    let group = cluster.name("come-and-go");
    let kafka = cluster.kafka().await;
    let processed = Processed::new();
    let start = async || {
        let member = member(&kafka, &group).assignors([assignor.clone()]);
        Worker::start(member.subscribe([&topic]).await.unwrap(), &processed)
    };
    let (stop, sent) = flow(
        producer(cluster).await,
        topic.clone(),
        PARTITIONS,
        &processed,
    );
    let all = partitions(&topic, PARTITIONS);

    let first = start().await;
    let second = start().await;
    own(&[&first.handle, &second.handle], &[3, 3]).await;
    processed.more(&all, 20).await;

    let third = start().await;
    own(&[&first.handle, &second.handle, &third.handle], &[2, 2, 2]).await;
    processed.more(&all, 20).await;

    first.leave().await;
    own(&[&second.handle, &third.handle], &[3, 3]).await;
    processed.more(&all, 20).await;

    stop.send_replace(true);
    let sent = sent.await.unwrap();
    processed.total(sent as usize * PARTITIONS as usize).await;
    second.leave().await;
    third.leave().await;
    // Checked at the end, so that one record too many would be here by now.
    processed.0.borrow().assert_is(PARTITIONS, 0..sent);

    // And all of it was committed: whoever comes next has nothing to do.
    let mut late = member(&kafka, &group).subscribe([&topic]).await.unwrap();
    own(&[&late.handle()], &[6]).await;
    numbered::send(&producer(cluster).await, &topic, PARTITIONS, sent..sent + 1).await;
    let received = numbered::receive(&mut late, PARTITIONS as usize).await;
    received.assert_is(PARTITIONS, sent..sent + 1);
}

async fn members_come_and_go_while_records_flow(cluster: &TestCluster) {
    members_come_and_go(cluster, Assignor::CooperativeSticky).await;
}

async fn members_of_the_range_assignor_come_and_go_while_records_flow(cluster: &TestCluster) {
    members_come_and_go(cluster, Assignor::Range).await;
}

async fn members_of_the_sticky_assignor_come_and_go_while_records_flow(cluster: &TestCluster) {
    members_come_and_go(cluster, Assignor::Sticky).await;
}

/// 66: the way of KIP-429. One member after the other is started anew, first with both assignors, which
/// keeps it eager whatever the group runs, then with the new one alone.
async fn a_group_moves_to_the_cooperative_protocol_member_by_member(cluster: &TestCluster) {
    const PARTITIONS: i32 = 6;
    let topic = cluster.topic("moving", PARTITIONS).await;
    let group = cluster.name("upgrade");
    let kafka = cluster.kafka().await;
    let processed = Processed::new();
    let start = async |assignors: &[Assignor]| {
        let member = member(&kafka, &group).assignors(assignors.to_vec());
        let (member, events) = listen(member);
        let member = member.subscribe([&topic]).await.unwrap();
        (Worker::start(member, &processed), events)
    };
    let (stop, sent) = flow(
        producer(cluster).await,
        topic.clone(),
        PARTITIONS,
        &processed,
    );
    let all = partitions(&topic, PARTITIONS);
    // How many partitions three members with two each give up when a fourth one joins.
    let given_up_for_a_fourth = async |members: &[(Worker, Events)], assignors: &[Assignor]| {
        let given_up = || {
            members
                .iter()
                .map(|(_, events)| revoked(events).len())
                .sum::<usize>()
        };
        let before = given_up();
        let (fourth, _) = start(assignors).await;
        let owned = || {
            let handles = members.iter().map(|(member, _)| &member.handle);
            let mut owned: Vec<usize> = handles
                .chain([&fourth.handle])
                .map(|handle| handle.assignment().len())
                .collect();
            owned.sort_unstable();
            owned
        };
        eventually("four members", async || owned() == [1, 1, 2, 2]).await;
        let given_up = given_up() - before;
        fourth.leave().await;
        given_up
    };

    let range = [Assignor::Range];
    let both = [Assignor::CooperativeSticky, Assignor::Range];
    let cooperative = [Assignor::CooperativeSticky];
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(start(&range).await);
    }
    for assignors in [&both[..], &cooperative] {
        for place in 0..3 {
            let handles = || -> Vec<&ConsumerHandle> {
                members.iter().map(|(member, _)| &member.handle).collect()
            };
            own(&handles(), &[2, 2, 2]).await;
            processed.more(&all, 10).await;
            let (old, _) = std::mem::replace(&mut members[place], start(assignors).await);
            old.leave().await;
        }
        let handles: Vec<_> = members.iter().map(|(member, _)| &member.handle).collect();
        own(&handles, &[2, 2, 2]).await;
        let given_up = given_up_for_a_fourth(&members, assignors).await;
        // Eager members give up all, cooperative ones the one that moves.
        let expected = if assignors == cooperative { 1 } else { 6 };
        assert_eq!(given_up, expected, "{assignors:?}");
    }

    stop.send_replace(true);
    let sent = sent.await.unwrap();
    processed.total(sent as usize * PARTITIONS as usize).await;
    for (member, _) in members {
        member.leave().await;
    }
    processed.0.borrow().assert_is(PARTITIONS, 0..sent);
}

/// Members come and go faster than the group settles (part B, 47).
async fn a_storm_of_rebalances_loses_and_doubles_nothing(cluster: &TestCluster) {
    const PARTITIONS: i32 = 8;
    let topic = cluster.topic("stormy", PARTITIONS).await;
    let group = cluster.name("storm");
    let kafka = cluster.kafka().await;
    let processed = Processed::new();
    let start = async || {
        let member = member(&kafka, &group);
        Worker::start(member.subscribe([&topic]).await.unwrap(), &processed)
    };
    let (stop, sent) = flow(
        producer(cluster).await,
        topic.clone(),
        PARTITIONS,
        &processed,
    );
    let all = partitions(&topic, PARTITIONS);
    let mut random = fastrand::Rng::with_seed(47);
    let mut workers = vec![start().await];
    for round in 0..30 {
        let leaves = workers.len() > 4 || (workers.len() > 1 && random.bool());
        if leaves {
            let leaving = workers.swap_remove(random.usize(..workers.len()));
            leaving.leave().await;
        } else {
            workers.push(start().await);
        }
        // Now and then it may settle; in between it may not.
        if round % 5 == 0 {
            processed.more(&all, 3).await;
        }
    }
    processed.more(&all, 3).await;
    stop.send_replace(true);
    let sent = sent.await.unwrap();
    processed.total(sent as usize * PARTITIONS as usize).await;
    for worker in workers {
        worker.leave().await;
    }
    processed.0.borrow().assert_is(PARTITIONS, 0..sent);
}

type Events = Arc<Mutex<Vec<RebalanceEvent>>>;

fn listen(member: ConsumerBuilder) -> (ConsumerBuilder, Events) {
    let events = Events::default();
    let heard = events.clone();
    let member = member.on_rebalance(move |event| heard.lock().unwrap().push(event.clone()));
    (member, events)
}

fn revoked(events: &Events) -> Vec<TopicPartition> {
    let events = events.lock().unwrap();
    let revoked = events.iter().filter_map(|event| match event {
        RebalanceEvent::Revoked(partitions) => Some(partitions.clone()),
        _ => None,
    });
    revoked.flatten().collect()
}

/// Receives until the condition holds.
async fn receive_until(consumer: &mut Consumer, tally: &mut Tally, until: impl Fn(&Tally) -> bool) {
    while !until(tally) {
        let record = tokio::time::timeout(Duration::from_secs(30), consumer.recv());
        tally.count(&record.await.expect("records flow").unwrap());
    }
}

/// A third member comes, and the second is busy with a record: it cannot give up a partition yet,
/// and the group waits for it. The first has given up its share and goes on with the rest.
async fn kept_partitions_flow_while_a_rebalance_is_held_open(cluster: &TestCluster) {
    const PARTITIONS: i32 = 6;
    let topic = cluster.topic("kept", PARTITIONS).await;
    let group = cluster.name("held-open");
    let kafka = cluster.kafka().await;
    let producer = producer(cluster).await;
    let mut tally = Tally::default();

    let (builder, first_events) = listen(member(&kafka, &group));
    let mut first = builder.subscribe([&topic]).await.unwrap();
    let (builder, busy_events) = listen(member(&kafka, &group));
    let mut busy = builder.subscribe([&topic]).await.unwrap();
    // Both come by now and then, so that the first gives up what the second is to have.
    eventually("three for each", async || {
        let _ = futures::poll!(std::pin::pin!(first.recv()));
        let _ = futures::poll!(std::pin::pin!(busy.recv()));
        [
            first.handle().assignment().len(),
            busy.handle().assignment().len(),
        ] == [3, 3]
    })
    .await;
    numbered::send(&producer, &topic, PARTITIONS, 0..10).await;
    for member in [&mut first, &mut busy] {
        let owned = numbers(&member.handle().assignment());
        let has_all = |tally: &Tally| owned.iter().all(|number| tally.of(*number) == 10);
        receive_until(member, &mut tally, has_all).await;
    }
    first_events.lock().unwrap().clear();
    busy_events.lock().unwrap().clear();

    // From here on `busy` does not ask for records.
    let third = member(&kafka, &group).subscribe([&topic]).await.unwrap();
    let mut next = 10;
    while revoked(&first_events).is_empty() {
        numbered::send(&producer, &topic, PARTITIONS, next..next + 1).await;
        next += 1;
        let soon = tokio::time::timeout(Duration::from_millis(50), first.recv()).await;
        if let Ok(record) = soon {
            tally.count(&record.unwrap());
        }
    }
    let kept = numbers(&first.handle().assignment());
    assert_eq!(kept.len(), 2);
    for _ in 0..30 {
        numbered::send(&producer, &topic, PARTITIONS, next..next + 1).await;
        next += 1;
        let up_to_date =
            |tally: &Tally| kept.iter().all(|number| tally.of(*number) == next as usize);
        receive_until(&mut first, &mut tally, up_to_date).await;
    }
    // All this time the group was waiting.
    assert_eq!(revoked(&busy_events), []);
    assert_eq!(busy.handle().assignment().len(), 3);
    assert_eq!(third.handle().assignment(), []);
    assert_eq!(numbers(&first.handle().assignment()), kept);

    // The busy member comes back, and the rebalance ends.
    let processed = Processed(Arc::new(watch::Sender::new(tally)));
    let workers = [first, busy, third].map(|member| Worker::start(member, &processed));
    let handles = workers.each_ref().map(|worker| &worker.handle);
    own(&handles, &[2, 2, 2]).await;
    processed.total(PARTITIONS as usize * next as usize).await;
    assert_eq!(revoked(&first_events).len(), 1);
    assert_eq!(revoked(&busy_events).len(), 1);
    for worker in workers {
        worker.leave().await;
    }
    processed.0.borrow().assert_is(PARTITIONS, 0..next);
}

/// A member whose process ends without a word (part B, 45).
async fn a_killed_member_is_replaced_from_its_last_commit(cluster: &TestCluster) {
    let topic = cluster.topic("orphaned", 2).await;
    let group = cluster.name("killed");
    numbered::send(&producer(cluster).await, &topic, 2, 0..100).await;

    let (builder, name) = (cluster.client(), topic.clone());
    let members = group.clone();
    // A runtime of its own, which ends with all its tasks in the middle of whatever they do.
    let handed_out = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.unwrap();
        let handed_out = runtime.block_on(async {
            let kafka = builder.connect().await.unwrap();
            let member = member(&kafka, &members).manual_commit();
            let member = member.session_timeout(Duration::from_secs(1));
            let mut member = member.subscribe([&name]).await.unwrap();
            let mut tally = numbered::receive(&mut member, 60).await;
            member.commit().await.unwrap();
            let committed = [tally.of(0), tally.of(1)];
            receive_until(&mut member, &mut tally, |tally| tally.total() == 90).await;
            // Never dropped: it does not even say that it leaves.
            std::mem::forget(member);
            committed
        });
        runtime.shutdown_background();
        handed_out
    });
    let committed = handed_out.await.unwrap();
    assert_eq!(committed[0] + committed[1], 60);

    let kafka = cluster.kafka().await;
    let mut heir = member(&kafka, &group).subscribe([&topic]).await.unwrap();
    let mut next = committed.map(|records| records as i64);
    while next != [100, 100] {
        let record = heir.recv().await.unwrap();
        let next = &mut next[record.partition() as usize];
        assert_eq!(
            record.offset(),
            *next,
            "of partition {}",
            record.partition()
        );
        *next += 1;
    }
    heir.close().await.unwrap();
}

/// A user who gave up waiting for a record does not wait any more.
async fn a_member_that_has_stopped_waiting_loses_its_place(cluster: &TestCluster) {
    let topic = cluster.topic("gone", 1).await;
    let kafka = cluster.kafka().await;
    let builder = member(&kafka, &cluster.name("goner"));
    let (builder, events) = listen(builder.max_poll_interval(Duration::from_millis(1500)));
    let mut goner = builder.subscribe([&topic]).await.unwrap();
    while goner.handle().assignment().is_empty() {
        let waited = tokio::time::timeout(Duration::from_millis(50), goner.recv()).await;
        assert!(waited.is_err(), "the topic is empty: {waited:?}");
    }
    let lost = RebalanceEvent::Lost(partitions(&topic, 1));
    eventually("its place is lost", async || {
        events.lock().unwrap().contains(&lost)
    })
    .await;
}

/// `max.poll.interval.ms` (part B, 49).
async fn a_member_that_does_not_poll_loses_its_place(cluster: &TestCluster) {
    let topic = cluster.topic("dawdling", 2).await;
    let group = cluster.name("dawdler");
    let kafka = cluster.kafka().await;
    let producer = producer(cluster).await;
    numbered::send(&producer, &topic, 2, 0..10).await;
    let builder = member(&kafka, &group).manual_commit();
    let (builder, events) = listen(builder.max_poll_interval(Duration::from_millis(1500)));
    let mut dawdler = builder.subscribe([&topic]).await.unwrap();
    let record = dawdler.recv().await.unwrap();
    let at = TopicPartition::new(record.topic(), record.partition());

    // It is busy with that record for longer than it may be; another takes over.
    let mut other = member(&kafka, &group).subscribe([&topic]).await.unwrap();
    let tally = numbered::receive(&mut other, 20).await;
    tally.assert_is(2, 0..10);
    let lost = RebalanceEvent::Lost(partitions(&topic, 2));
    assert!(events.lock().unwrap().contains(&lost), "{events:?}");
    let late = dawdler
        .handle()
        .commit_offsets([(at, 1)])
        .await
        .unwrap_err();
    assert_eq!(late.kind(), ErrorKind::GroupLost, "{late}");

    // Once it asks again, it is a member again; what the other has done is not repeated.
    let processed = Processed::new();
    let error = dawdler.recv().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GroupLost, "{error}");
    let text = error.to_string();
    assert!(text.contains("max.poll.interval.ms"), "{text}");
    let workers = [dawdler, other].map(|member| Worker::start(member, &processed));
    own(&workers.each_ref().map(|worker| &worker.handle), &[1, 1]).await;
    numbered::send(&producer, &topic, 2, 10..20).await;
    processed.total(20).await;
    for worker in workers {
        worker.leave().await;
    }
    processed.0.borrow().assert_is(2, 10..20);
}

/// KIP-345.
async fn a_static_member_comes_back_without_a_rebalance(cluster: &TestCluster) {
    let topic = cluster.topic("static", 4).await;
    let group = cluster.name("static");
    let kafka = cluster.kafka().await;
    let producer = producer(cluster).await;
    let processed = Processed::new();
    let start = async |name: &str| {
        let (builder, events) = listen(member(&kafka, &group).instance_id(name));
        let consumer = builder.subscribe([&topic]).await.unwrap();
        (Worker::start(consumer, &processed), events)
    };
    let (stays, events) = start("stays").await;
    let (leaves, _) = start("leaves").await;
    own(&[&stays.handle, &leaves.handle], &[2, 2]).await;
    let before = leaves.handle.assignment();
    numbered::send(&producer, &topic, 4, 0..10).await;
    processed.total(40).await;
    leaves.leave().await;
    events.lock().unwrap().clear();

    // While it is away, its partitions wait for it.
    numbered::send(&producer, &topic, 4, 10..20).await;
    let (back, _) = start("leaves").await;
    processed.total(80).await;
    processed.0.borrow().assert_is(4, 0..20);
    assert_eq!(back.handle.assignment(), before);
    assert_eq!(*events.lock().unwrap(), [], "the other has noticed nothing");
    back.leave().await;
    stays.leave().await;
}

/// Two programs with one `group.instance.id` (part B, 50).
async fn a_second_member_of_one_name_fences_the_first(cluster: &TestCluster) {
    let topic = cluster.topic("fenced", 1).await;
    let group = cluster.name("fenced");
    let kafka = cluster.kafka().await;
    let producer = producer(cluster).await;
    let start = async || {
        let member = member(&kafka, &group).instance_id("one").manual_commit();
        member.subscribe([&topic]).await.unwrap()
    };
    let mut first = start().await;
    numbered::send(&producer, &topic, 1, 0..1).await;
    assert_eq!(first.recv().await.unwrap().offset(), 0);
    let mut second = start().await;
    assert_eq!(second.recv().await.unwrap().offset(), 0);
    // The first has nothing more to receive but the error.
    let error = first.recv().await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::FENCED_INSTANCE_ID), "{error}");
    assert!(error.is_fatal());
    let error = first.commit().await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::FENCED_INSTANCE_ID), "{error}");
    second.commit().await.unwrap();
    second.close().await.unwrap();
}

async fn a_member_too_many_waits_its_turn(cluster: &TestCluster) {
    let topic = cluster.topic("scarce", 2).await;
    let group = cluster.name("crowded");
    let kafka = cluster.kafka().await;
    let processed = Processed::new();
    let mut workers = Vec::new();
    for _ in 0..3 {
        let consumer = member(&kafka, &group).subscribe([&topic]).await.unwrap();
        workers.push(Worker::start(consumer, &processed));
    }
    let owned = |workers: &[Worker]| -> Vec<usize> {
        let mut owned: Vec<_> = workers
            .iter()
            .map(|worker| worker.handle.assignment().len())
            .collect();
        owned.sort_unstable();
        owned
    };
    eventually("one without", async || owned(&workers) == [0, 1, 1]).await;
    let rich = workers
        .iter()
        .position(|worker| !worker.handle.assignment().is_empty());
    workers.swap_remove(rich.unwrap()).leave().await;
    eventually("one for each", async || owned(&workers) == [1, 1]).await;
    numbered::send(&producer(cluster).await, &topic, 2, 0..10).await;
    processed.total(20).await;
    for worker in workers {
        worker.leave().await;
    }
    processed.0.borrow().assert_is(2, 0..10);
}

async fn the_range_assignor_divides_each_topic_by_itself(cluster: &TestCluster) {
    let topics = [
        cluster.topic("range-a", 3).await,
        cluster.topic("range-b", 3).await,
    ];
    let group = cluster.name("range");
    let kafka = cluster.kafka().await;
    let processed = Processed::new();
    let start = async || {
        let member = member(&kafka, &group).assignors([Assignor::Range]);
        Worker::start(member.subscribe(&topics).await.unwrap(), &processed)
    };
    let workers = [start().await, start().await];
    let mut owned = Vec::new();
    eventually("four and two", async || {
        owned = workers
            .iter()
            .map(|worker| worker.handle.assignment())
            .collect();
        owned.sort_by_key(|owned| std::cmp::Reverse(owned.len()));
        owned[0].len() == 4 && owned[1].len() == 2
    })
    .await;
    let of = |numbers: &[i32]| -> Vec<TopicPartition> {
        let of = topics.iter().flat_map(|topic| {
            numbers
                .iter()
                .map(|number| TopicPartition::new(&**topic, *number))
        });
        of.collect()
    };
    assert_eq!(owned, [of(&[0, 1]), of(&[2])]);
    for worker in workers {
        worker.leave().await;
    }
}

async fn a_topic_that_comes_later_is_taken_in(cluster: &TestCluster) {
    let topics = [cluster.topic("early", 1).await, cluster.name("late")];
    let kafka = cluster
        .client()
        .metadata_max_age(Duration::from_millis(100));
    let kafka = kafka.connect().await.unwrap();
    let group = cluster.name("patient");
    let member = member(&kafka, &group).allow_auto_create_topics(false);
    let mut member = member.subscribe(&topics).await.unwrap();
    let handle = member.handle();
    own(&[&handle], &[1]).await;
    kafka
        .create_topic(&NewTopic::new(topics[1].clone()).partitions(2))
        .await
        .unwrap();
    numbered::send(&producer(cluster).await, &topics[1], 2, 0..5).await;
    // Waiting for records, it owns the new partitions before it sees one.
    let received = numbered::receive(&mut member, 10).await;
    received.assert_is(2, 0..5);
    own(&[&handle], &[3]).await;
    member.close().await.unwrap();
}

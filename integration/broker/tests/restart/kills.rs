//! `kill -9` of the program while clients work with it: nothing that was acknowledged is lost or
//! doubled, and the clients go on by themselves.

use std::time::Duration;

use integration::numbered::{self, Tally, receive};
use integration::{partitions, quick};
use kafka_client::consumer::{ConsumerBuilder, OffsetReset};
use kafka_client::{Kafka, NewTopic};
use tokio::sync::watch;

use crate::program::Program;

const PARTITIONS: i32 = 3;

fn member(kafka: &Kafka) -> ConsumerBuilder {
    let member = kafka.consumer("readers").offset_reset(OffsetReset::None);
    member
        .heartbeat_interval(Duration::from_millis(100))
        .manual_commit()
}

#[tokio::test]
async fn clients_survive_kills_of_the_broker_without_loss_or_doubles() {
    const KILLS: u64 = 20;
    /// Between two kills, of each partition.
    const NUMBERS: u64 = 600;
    const TOTAL: u64 = (KILLS + 1) * NUMBERS;
    let data = tempfile::tempdir().unwrap();
    let (mut program, address) = Program::start("127.0.0.1:0", data.path());
    let kafka = quick(Kafka::builder(address.clone()))
        .connect()
        .await
        .unwrap();
    let topic = "survives";
    let new = NewTopic::new(topic).partitions(PARTITIONS);
    kafka.create_topic(&new).await.unwrap();

    // The group has begun: its first member has stored an offset of each partition.
    let producer = kafka.producer().batch_size(1024).max_request_size(8 * 1024);
    let producer = producer.build().await.unwrap();
    numbered::send(&producer, topic, PARTITIONS, 0..100).await;
    let begin = kafka
        .consumer("readers")
        .offset_reset(OffsetReset::Earliest)
        .manual_commit();
    let mut begin = begin.subscribe([topic]).await.unwrap();
    let first = receive(&mut begin, 200).await;
    begin.commit().await.unwrap();
    begin.close().await.unwrap();

    // Sent without a pause, and checked: each where it belongs, once. A reader that goes along.
    let (acknowledged, mut progress) = watch::channel(100);
    let sending = tokio::spawn({
        let producer = producer.clone();
        async move {
            for next in (100..TOTAL).step_by(100) {
                numbered::send(&producer, topic, PARTITIONS, next..next + 100).await;
                acknowledged.send_replace(next + 100);
            }
        }
    });
    let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
    let mut reader = reader.assign(partitions(topic, PARTITIONS)).await.unwrap();
    let reading =
        tokio::spawn(
            async move { receive(&mut reader, PARTITIONS as usize * TOTAL as usize).await },
        );
    for kill in 1..=KILLS {
        progress
            .wait_for(|next| *next >= kill * NUMBERS)
            .await
            .unwrap();
        program.kill();
        program = Program::start(&address, data.path()).0;
    }
    sending.await.unwrap();
    reading.await.unwrap().assert_is(PARTITIONS, 0..TOTAL);

    // Read again from the disk, after one kill more.
    program.kill();
    let (_program, _) = Program::start(&address, data.path());
    let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
    let mut reader = reader.assign(partitions(topic, PARTITIONS)).await.unwrap();
    let all = receive(&mut reader, PARTITIONS as usize * TOTAL as usize).await;
    all.assert_is(PARTITIONS, 0..TOTAL);

    // The group goes on exactly where it was.
    let mut heir = member(&kafka).subscribe([topic]).await.unwrap();
    let total = PARTITIONS as usize * TOTAL as usize - first.total();
    let mut next = [0, 1, 2].map(|partition| first.of(partition) as i64);
    let mut rest = Tally::default();
    while rest.total() < total {
        let record = heir.recv().await.unwrap();
        let next = &mut next[record.partition() as usize];
        assert_eq!(
            record.offset(),
            *next,
            "of partition {}",
            record.partition()
        );
        *next += 1;
        rest.count(&record);
    }
    heir.commit().await.unwrap();
    heir.close().await.unwrap();
}

/// A member does not notice more of a kill than a pause: its place and its partitions outlive it.
#[tokio::test]
async fn a_member_goes_on_after_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let (program, address) = Program::start("127.0.0.1:0", data.path());
    let kafka = quick(Kafka::builder(address.clone()))
        .connect()
        .await
        .unwrap();
    let topic = "goes-on";
    let new = NewTopic::new(topic).partitions(PARTITIONS);
    kafka.create_topic(&new).await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    let mut tally = Tally::default();
    let member = kafka
        .consumer("readers")
        .offset_reset(OffsetReset::Earliest);
    let member = member
        .heartbeat_interval(Duration::from_millis(100))
        .manual_commit();
    let mut member = member.subscribe([topic]).await.unwrap();
    let mut program = Some(program);
    for round in 0..4 {
        if round > 0 {
            program.take().unwrap().kill();
            program = Some(Program::start(&address, data.path()).0);
        }
        numbered::send(&producer, topic, PARTITIONS, round * 50..(round + 1) * 50).await;
        let sent = PARTITIONS as usize * (round as usize + 1) * 50;
        while tally.total() < sent {
            let record = member.recv().await.unwrap();
            // Not committed yet, it would come again: the place in the group was lost.
            member.commit().await.unwrap();
            tally.count(&record);
        }
    }
    member.close().await.unwrap();
    tally.assert_is(PARTITIONS, 0..200);
}

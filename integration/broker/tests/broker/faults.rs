//! Faults on order.

use std::time::Duration;

use kafka_broker::{Broker, Fault};
use kafka_client_protocol::api::produce::ProduceRequest;
use kafka_client_protocol::{ApiKey, ErrorCode};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use crate::support::{Client, batch, produce_request, produce_request_to, start};

#[tokio::test]
async fn an_error_is_answered_and_nothing_applied() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let fault = broker.faults().inject(
        Fault::on(ApiKey::PRODUCE)
            .skip(1)
            .error(ErrorCode::NOT_ENOUGH_REPLICAS),
    );
    let mut client = Client::new(&broker);
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(client.produce("t", 0, batch(&["a"])).await.error_code);
    }
    assert_eq!(codes, [0, ErrorCode::NOT_ENOUGH_REPLICAS.code(), 0]);
    assert_eq!((fault.hits(), broker.end_offset("t", 0)), (1, Some(2)));
}

#[tokio::test]
async fn a_lost_answer_and_a_lost_request_look_the_same_to_the_client() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    for (fault, applied) in [
        (Fault::on(ApiKey::PRODUCE).close_before(), 0),
        (Fault::on(ApiKey::PRODUCE).close_after(), 1),
    ] {
        broker.faults().inject(fault);
        let mut client = Client::new(&broker);
        let sent = produce_request("t", 0, batch(&["a"]));
        assert!(client.try_call(&sent, 9).await.is_none());
        assert_eq!(broker.end_offset("t", 0), Some(applied));
    }
}

#[tokio::test]
async fn a_fault_hits_only_the_topic_partition_and_client_it_means() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("a", 2).unwrap();
    broker.create_topic("b", 2).unwrap();
    let error = ErrorCode::NOT_LEADER_OR_FOLLOWER;
    let fault = Fault::on(ApiKey::PRODUCE)
        .topic("a")
        .partition(1)
        .client_id("me")
        .always();
    let handle = broker.faults().inject(fault.error(error));
    let (mut me, mut you) = (Client::named(&broker, "me"), Client::named(&broker, "you"));
    for (topic, partition) in [("a", 0), ("b", 1)] {
        assert_eq!(
            me.produce(topic, partition, batch(&["x"])).await.error_code,
            0
        );
    }
    assert_eq!(you.produce("a", 1, batch(&["x"])).await.error_code, 0);
    assert_eq!(
        me.produce("a", 1, batch(&["x"])).await.error_code,
        error.code()
    );
    // The same topic by its id.
    let id = me.topic("a").await.topic_id;
    let answer = me
        .call(&produce_request_to("", id, 1, batch(&["x"])), 13)
        .await;
    assert_eq!(
        answer.responses[0].partition_responses[0].error_code,
        error.code()
    );
    handle.remove();
    assert_eq!(me.produce("a", 1, batch(&["x"])).await.error_code, 0);
}

#[tokio::test(start_paused = true)]
async fn delays_come_before_or_after_the_request_is_applied() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let delay = Duration::from_secs(3);
    for (fault, applied_early) in [
        (Fault::on(ApiKey::PRODUCE).delay(delay), 0),
        (Fault::on(ApiKey::PRODUCE).delay_answer(delay), 1),
    ] {
        let before = broker.end_offset("t", 0).unwrap();
        broker.faults().inject(fault);
        let mut client = Client::new(&broker);
        let asked = Instant::now();
        let sent = client
            .send(&produce_request("t", 0, batch(&["a"])), 9)
            .await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(broker.end_offset("t", 0).unwrap() - before, applied_early);
        client.receive::<ProduceRequest>(9, sent).await.unwrap();
        assert_eq!(asked.elapsed(), delay);
        assert_eq!(broker.end_offset("t", 0).unwrap() - before, 1);
    }
}

#[tokio::test]
async fn a_held_request_goes_on_when_released() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let handle = broker.faults().inject(Fault::on(ApiKey::PRODUCE).hold());
    let mut client = Client::new(&broker);
    let sent = client
        .send(&produce_request("t", 0, batch(&["a"])), 9)
        .await;
    handle.wait_for_hits(1).await;
    assert_eq!(broker.end_offset("t", 0), Some(0));
    handle.release();
    client.receive::<ProduceRequest>(9, sent).await.unwrap();
    assert_eq!(broker.end_offset("t", 0), Some(1));
}

#[tokio::test]
async fn answers_are_cut_and_corrupted() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    broker
        .faults()
        .inject(Fault::on(ApiKey::PRODUCE).truncate_answer(7));
    let mut client = Client::new(&broker);
    client
        .send(&produce_request("t", 0, batch(&["a"])), 9)
        .await;
    let mut got = Vec::new();
    client.stream().read_to_end(&mut got).await.unwrap();
    assert_eq!(got.len(), 7);

    broker
        .faults()
        .inject(Fault::on(ApiKey::PRODUCE).corrupt_answer(7));
    let mut client = Client::new(&broker);
    client
        .send(&produce_request("t", 0, batch(&["a"])), 9)
        .await;
    let mut start = [0; 8];
    client.stream().read_exact(&mut start).await.unwrap();
    assert_eq!(
        start[4..],
        [0, 0, 0, 1 ^ 0xff],
        "the correlation id's last byte"
    );
}

#[tokio::test]
async fn the_journal_tells_what_came() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::named(&broker, "me");
    client.produce("t", 0, batch(&["a"])).await;
    client.fetch("t", 0, 0).await;
    let journal = broker.faults().journal();
    let keys: Vec<_> = journal
        .iter()
        .map(|entry| (entry.api_key, entry.api_version))
        .collect();
    assert_eq!(keys, [(ApiKey::PRODUCE, 12), (ApiKey::FETCH, 12)]);
    assert_eq!(
        (journal[1].client_id.as_str(), journal[1].correlation_id),
        ("me", 2)
    );
    broker.faults().clear_journal();
    assert!(broker.faults().journal().is_empty());
}

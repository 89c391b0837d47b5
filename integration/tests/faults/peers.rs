//! Brokers that are older, newer or odd: lessons 78 and 84, part B 7, 9 and 10.

use std::time::Duration;

use integration::numbered::{self, enqueue, receive};
use integration::partitions;
use kafka_broker::{Step, when};
use kafka_client::consumer::OffsetReset;
use kafka_client_protocol::api::api_versions::{ApiVersion, ApiVersionsResponse};
use kafka_client_protocol::api::metadata::MetadataResponse;
use kafka_client_protocol::api::produce::ProduceResponse;
use kafka_client_protocol::{ApiKey, Uuid};

use super::Setting;

const SECOND: Duration = Duration::from_secs(1);

/// Part B 7: an answer under another number than is due is given to nobody, and the connection ends.
/// The requests behind it are sent again, each record with its own outcome.
#[tokio::test(start_paused = true)]
async fn an_answer_under_another_number_is_given_to_nobody() {
    let setting = Setting::new().await;
    let topic = setting.topic("numbers", 3);
    let producer = setting.kafka().await.producer().batch_size(512);
    let producer = producer.max_request_size(1024).build().await.unwrap();
    numbered::send(&producer, topic, 3, 0..1).await;
    // The last byte of the correlation id.
    let strange = when(ApiKey::PRODUCE).skip(1).times(3);
    let strange = setting.inject(strange.then([Step::Corrupt(7)]));
    let anew = setting.inject(when(ApiKey::API_VERSIONS).always().then([]));
    numbered::send(&producer, topic, 3, 1..60).await;
    // Several may come over one connection, which ends with the first.
    assert_eq!(strange.hits(), 3);
    assert!((1..=3).contains(&anew.hits()), "{}", anew.hits());
    setting.log(topic, 3).await.assert_is(3, 0..60);
}

/// Part B 5: the connection is reset in the middle of an answer, after the request was applied.
#[tokio::test(start_paused = true)]
async fn a_reset_within_an_answer_loses_and_doubles_nothing() {
    for bytes in [2, 4, 7, 8, 20, 50] {
        let setting = Setting::new().await;
        let topic = setting.topic("reset", 3);
        let producer = setting.kafka().await.producer().batch_size(512);
        let producer = producer.max_request_size(1024).build().await.unwrap();
        numbered::send(&producer, topic, 3, 0..1).await;
        let reset = |api| when(api).skip(1).times(3);
        let cut = || [Step::Apply, Step::Truncate(bytes), Step::Reset];
        let produce = setting.inject(reset(ApiKey::PRODUCE).then(cut()));
        let fetch = setting.inject(reset(ApiKey::FETCH).then(cut()));
        numbered::send(&producer, topic, 3, 1..60).await;
        let reader = setting.kafka().await.reader();
        let reader = reader.offset_reset(OffsetReset::Earliest);
        let reader = reader.max_partition_fetch_bytes(500);
        let mut reader = reader.assign(partitions(topic, 3)).await.unwrap();
        receive(&mut reader, 180).await.assert_is(3, 0..60);
        assert_eq!((produce.hits(), fetch.hits()), (3, 3), "{bytes}");
    }
}

/// Lesson 82: the metadata tells no leader epochs (Event Hubs).
#[tokio::test(start_paused = true)]
async fn brokers_without_leader_epochs_are_followed() {
    let setting = Setting::new().await;
    let topic = setting.topic("epochless", 2);
    let no_epochs = |answer: &mut MetadataResponse| {
        for topic in &mut answer.topics {
            for partition in &mut topic.partitions {
                partition.leader_epoch = -1;
            }
        }
    };
    let metadata = when(ApiKey::METADATA).always();
    setting.inject(metadata.then([Step::edit(no_epochs)]));
    let kafka = setting.client().metadata_max_age(SECOND);
    let kafka = kafka.connect().await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    let group = kafka.consumer("group").offset_reset(OffsetReset::Earliest);
    let mut member = group.subscribe([topic]).await.unwrap();
    for number in 0..10 {
        numbered::send(&producer, topic, 2, number..number + 1).await;
        receive(&mut member, 2)
            .await
            .assert_is(2, number..number + 1);
        tokio::time::sleep(SECOND).await;
    }
    member.commit().await.unwrap();
    member.close().await.unwrap();
}

/// Lesson 78: where topics have no ids, requests name them, in the last versions that can.
#[tokio::test(start_paused = true)]
async fn without_topic_ids_requests_name_topics() {
    let setting = Setting::new().await;
    let topic = setting.topic("named", 2);
    let no_ids = |answer: &mut MetadataResponse| {
        for topic in &mut answer.topics {
            topic.topic_id = Uuid::ZERO;
        }
    };
    setting.inject(when(ApiKey::METADATA).always().then([Step::edit(no_ids)]));
    let by_id = [ApiKey::PRODUCE, ApiKey::FETCH]
        .map(|api| setting.inject(when(api).versions(13..).always().then([])));
    let by_name = [ApiKey::PRODUCE, ApiKey::FETCH]
        .map(|api| setting.inject(when(api).versions(12..=12).always().then([])));
    let kafka = setting.kafka().await;
    let producer = kafka.producer().build().await.unwrap();
    numbered::send(&producer, topic, 2, 0..20).await;
    let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
    let mut reader = reader.assign(partitions(topic, 2)).await.unwrap();
    receive(&mut reader, 40).await.assert_is(2, 0..20);
    for (by_id, by_name) in by_id.iter().zip(&by_name) {
        assert_eq!(by_id.hits(), 0);
        assert!(by_name.hits() > 0);
    }
}

/// Lesson 84, part B 9: a broker from the future has versions, APIs and fields that nobody here knows.
#[tokio::test(start_paused = true)]
async fn what_a_later_broker_adds_is_passed_over() {
    let setting = Setting::new().await;
    let topic = setting.topic("future", 2);
    let versions = |answer: &mut ApiVersionsResponse| {
        for api in &mut answer.api_keys {
            api.max_version += 7;
        }
        answer.api_keys.push(ApiVersion {
            api_key: 999,
            min_version: 3,
            max_version: 5,
            ..Default::default()
        });
        answer
            .unknown_tagged_fields
            .insert(77, bytes::Bytes::from_static(b"later"));
    };
    let metadata = |answer: &mut MetadataResponse| {
        answer
            .unknown_tagged_fields
            .insert(77, bytes::Bytes::from_static(b"later"));
        for topic in &mut answer.topics {
            topic
                .unknown_tagged_fields
                .insert(78, bytes::Bytes::from_static(b"later"));
        }
    };
    let produce = |answer: &mut ProduceResponse| {
        answer
            .unknown_tagged_fields
            .insert(77, bytes::Bytes::from_static(b"later"));
    };
    for fault in [
        when(ApiKey::API_VERSIONS)
            .always()
            .then([Step::edit(versions)]),
        when(ApiKey::METADATA).always().then([Step::edit(metadata)]),
        when(ApiKey::PRODUCE).always().then([Step::edit(produce)]),
    ] {
        setting.inject(fault);
    }
    let producer = setting.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, topic, 2, 0..20).await;
    setting.log(topic, 2).await.assert_is(2, 0..20);
}

/// Part B 10: the broker is replaced by one of an older version while the client is connected.
#[tokio::test(start_paused = true)]
async fn versions_are_agreed_upon_again_with_every_connection() {
    let setting = Setting::new().await;
    let topic = setting.topic("older", 1);
    let producer = setting.kafka().await.producer();
    let producer = producer
        .delivery_timeout(20 * SECOND)
        .build()
        .await
        .unwrap();
    numbered::send(&producer, topic, 1, 0..10).await;
    let produce_up_to = |version| {
        move |answer: &mut ApiVersionsResponse| {
            let apis = answer.api_keys.iter_mut();
            for api in apis.filter(|api| api.api_key == ApiKey::PRODUCE.value()) {
                api.max_version = version;
                api.min_version = api.min_version.min(version);
            }
        }
    };
    let older = when(ApiKey::API_VERSIONS).always();
    let older = setting.inject(older.then([Step::edit(produce_up_to(9))]));
    setting.inject(when(ApiKey::PRODUCE).then([Step::Close]));
    let too_new = setting.inject(when(ApiKey::PRODUCE).versions(10..).always().then([]));
    numbered::send(&producer, topic, 1, 10..20).await;
    assert!(older.hits() > 0);
    assert_eq!(too_new.hits(), 0);
    older.remove();
    too_new.remove();

    // So old that there is nothing to agree upon: an error at once that says so, and names both sides.
    let ancient = when(ApiKey::API_VERSIONS).always();
    setting.inject(ancient.then([Step::edit(produce_up_to(1))]));
    setting.inject(when(ApiKey::PRODUCE).then([Step::Close]));
    let start = tokio::time::Instant::now();
    let delivery = enqueue(&producer, topic, 1, 20..21).await.remove(0).2;
    let error = delivery.await.unwrap_err();
    assert!(start.elapsed() < 2 * SECOND, "{:?}", start.elapsed());
    let text = error.to_string();
    assert!(
        text.contains("versions 0 to 1") && text.contains("this client 3 to"),
        "{text}"
    );
}

//! Members of groups whose calls bring nothing good: lesson 71.

use std::time::Duration;

use integration::numbered;
use kafka_broker::{Step, when};
use kafka_client::ErrorCode;
use kafka_client::consumer::OffsetReset;
use kafka_client_protocol::ApiKey;

use super::Setting;

const SECOND: Duration = Duration::from_secs(1);

/// 71: who asks for records and gets errors is there, and keeps its place.
#[tokio::test(start_paused = true)]
async fn polls_that_bring_errors_keep_a_member_in_its_group() {
    const PARTITIONS: i32 = 10;
    let setting = Setting::new().await;
    let topic = setting.topic("denied", PARTITIONS);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, topic, PARTITIONS, 0..1).await;
    let denied = Step::Error(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    setting.inject(when(ApiKey::FETCH).always().then([denied]));
    let joins = setting.inject(when(ApiKey::JOIN_GROUP).always().then([]));
    let group = setting.kafka().await.consumer("group");
    let group = group.offset_reset(OffsetReset::Earliest);
    let group = group.max_poll_interval(15 * SECOND);
    let mut member = group.subscribe([topic]).await.unwrap();
    let mut joined = None;
    for _ in 0..PARTITIONS {
        let error = member.recv().await.unwrap_err();
        let code = Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
        assert_eq!(error.code(), code, "{error}");
        // Together more than the interval, each less.
        tokio::time::sleep(10 * SECOND).await;
        assert_eq!(*joined.get_or_insert(joins.hits()), joins.hits());
        assert_eq!(member.handle().assignment().len(), PARTITIONS as usize);
    }
    member.close().await.unwrap();
}

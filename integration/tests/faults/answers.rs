//! Damaged and cut answers of every API: part B, 5, 7, 8. No panic, no hang, and once the answers
//! are sound again everything works.

use std::cell::Cell;
use std::sync::Once;
use std::time::Duration;

use integration::numbered::{self, receive};
use kafka_broker::{Fault, Step, when};
use kafka_client::consumer::OffsetReset;
use kafka_client::record::Record;
use kafka_client_protocol::ApiKey;

use super::Setting;

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// Counts panics of this test's tasks, all of which run on its thread: those of the client's would
/// go unnoticed.
fn count_panics() -> usize {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.set(PANICS.get() + 1);
            before(panic);
        }));
    });
    PANICS.get()
}

const APIS: [ApiKey; 12] = [
    ApiKey::API_VERSIONS,
    ApiKey::METADATA,
    ApiKey::INIT_PRODUCER_ID,
    ApiKey::PRODUCE,
    ApiKey::FETCH,
    ApiKey::LIST_OFFSETS,
    ApiKey::FIND_COORDINATOR,
    ApiKey::JOIN_GROUP,
    ApiKey::SYNC_GROUP,
    ApiKey::OFFSET_FETCH,
    ApiKey::HEARTBEAT,
    ApiKey::LEAVE_GROUP,
];

/// Produces and consumes while answers are damaged; how that goes is not judged, only that it ends.
async fn under(fault: Fault) {
    let what = format!("{fault:?}");
    let setting = Setting::new().await;
    let topic = setting.topic("damaged", 1);
    let fault = setting.inject(fault);
    let scenario = async {
        let limit = Duration::from_secs(5);
        let kafka = setting
            .client()
            .request_timeout(limit)
            .api_timeout(2 * limit);
        let Ok(kafka) = kafka.connect().await else {
            return;
        };
        let producer = kafka
            .producer()
            .delivery_timeout(6 * limit)
            .max_block(2 * limit);
        let producer = producer.build().await.unwrap();
        for _ in 0..3 {
            let _ = producer.send(Record::to(topic).value("v")).await;
        }
        let member = kafka.consumer("group").offset_reset(OffsetReset::Earliest);
        let mut member = member.subscribe([topic]).await.unwrap();
        for _ in 0..3 {
            let _ = tokio::time::timeout(2 * limit, member.recv()).await;
        }
        let _ = member.close().await;
        let _ = producer.close().await;
    };
    let within = tokio::time::timeout(Duration::from_secs(3600), scenario).await;
    assert!(within.is_ok(), "it ends: {what}");
    fault.remove();

    let topic = setting.topic("sound", 1);
    let kafka = setting.kafka().await;
    let producer = kafka.producer().build().await.unwrap();
    numbered::send(&producer, topic, 1, 0..3).await;
    let member = kafka.consumer("other").offset_reset(OffsetReset::Earliest);
    let mut member = member.subscribe([topic]).await.unwrap();
    receive(&mut member, 3).await.assert_is(1, 0..3);
}

#[tokio::test(start_paused = true)]
async fn no_damaged_answer_stops_or_breaks_the_client() {
    let before = count_panics();
    for api in APIS {
        for position in (0..24).chain((24..120).step_by(7)) {
            under(when(api).times(2).then([Step::Corrupt(position)])).await;
        }
    }
    assert_eq!(count_panics(), before);
}

#[tokio::test(start_paused = true)]
async fn no_cut_answer_stops_or_breaks_the_client() {
    let before = count_panics();
    for api in APIS {
        for bytes in [0, 1, 3, 4, 5, 8, 9, 13, 20, 40] {
            under(when(api).times(3).then([Step::Truncate(bytes)])).await;
        }
    }
    assert_eq!(count_panics(), before);
}

//! The topics that a listener writes to, made before it starts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::topics::TargetsByTopic;
use crate::ErrorCode;
use crate::client::{Kafka, NewTopic};
use crate::error::Error;

/// Makes those that are missing, with as many partitions as the topic whose records they take.
///
/// # Errors
/// When the cluster does not have a topic that is listened to, or refuses to make one.
///
/// # Cancel safety
/// Dropped, some may be made.
pub(super) async fn ensure(kafka: &Kafka, targets: &TargetsByTopic) -> Result<(), Error> {
    let mut wanted: BTreeMap<&Arc<str>, i32> = BTreeMap::new();
    for (topic, targets) in targets {
        let count = kafka.partitions(topic).await?.len() as i32;
        for name in targets.dead_letters.iter().chain(&targets.retries) {
            let most = wanted.entry(name).or_default();
            *most = count.max(*most);
        }
    }
    for (name, count) in wanted {
        match kafka
            .create_topic(&NewTopic::new(&**name).partitions(count))
            .await
        {
            Ok(()) => tracing::info!("made topic {name} with {count} partitions"),
            Err(error) if error.code() == Some(ErrorCode::TOPIC_ALREADY_EXISTS) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

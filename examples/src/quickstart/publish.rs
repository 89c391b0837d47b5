//! Publishing earthquakes.

use kafka_client::SendError;
use kafka_client::producer::Producer;

use super::progress::Progress;
use crate::quake::Earthquake;

/// Publishes earthquakes and waits until all of them are written.
///
/// All are under way together: `enqueue` waits for room in the buffer only, and the producer makes
/// batches of what is in it. The order within each partition is kept all the same, and nothing is
/// written twice, whatever has to be sent again on the way.
///
/// # Errors
/// The first that was not written, or perhaps not.
pub async fn publish(
    producer: &Producer,
    topic: &str,
    quakes: &[Earthquake],
    progress: &Progress,
) -> Result<(), SendError> {
    let mut under_way = Vec::with_capacity(quakes.len());
    for quake in quakes {
        under_way.push(producer.enqueue_to(topic, quake).await?);
    }
    for delivery in under_way {
        delivery.await?;
        progress.published();
    }
    Ok(())
}

//! Several things at the same time.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Waits for all of them; what they give, in their order.
///
/// # Cancel safety
/// Dropping the future drops those that have not ended.
pub(crate) async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<Result<Pin<Box<F>>, F::Output>> = futures
        .into_iter()
        .map(|future| Ok(Box::pin(future)))
        .collect();
    poll_fn(|cx| {
        let mut pending = false;
        for one in &mut running {
            if let Ok(future) = one {
                match future.as_mut().poll(cx) {
                    Poll::Ready(output) => *one = Err(output),
                    Poll::Pending => pending = true,
                }
            }
        }
        match pending {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    })
    .await;
    running.into_iter().filter_map(Result::err).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn they_run_at_the_same_time_and_end_in_their_order() {
        let begin = tokio::time::Instant::now();
        let waits = [30, 10, 20].map(|ms| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            ms
        });
        assert_eq!(all(waits).await, [30, 10, 20]);
        assert_eq!(begin.elapsed(), Duration::from_millis(30));
        assert!(all(Vec::<std::future::Ready<u8>>::new()).await.is_empty());
    }
}

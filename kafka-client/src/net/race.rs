//! Several ways to the same goal, tried one after the other and then beside each other.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use crate::env::Env;

/// How long an attempt is alone before the next one begins beside it (RFC 8305).
const STAGGER: Duration = Duration::from_millis(250);

/// How long a race lasts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Until {
    pub(crate) deadline: Option<Instant>,
    /// How long those that are silent are waited for once another has failed for good.
    pub(crate) after_final: Option<Duration>,
}

/// Tries `count` ways, which `begin` makes by number. The next one begins when one fails, or has not
/// ended in a quarter of a second; those that have failed are tried again, a quarter of a second
/// apart, while others have not ended. The first that succeeds wins and the others are dropped: what
/// is silent costs no more than that quarter, and what comes back is not missed behind it. A failure
/// that is final is not tried again.
///
/// # Errors
/// When all have failed, or at the deadline, or `until.after_final` after the first final failure: what
/// each failed with last, in order; `None` for those that have not ended, or not begun.
///
/// # Cancel safety
/// Dropping the future drops all attempts.
pub(crate) async fn race<T, E, F>(
    env: &Env,
    until: Until,
    count: usize,
    is_final: impl Fn(&E) -> bool,
    begin: impl Fn(usize) -> F,
) -> Result<T, Vec<Option<E>>>
where
    F: Future<Output = Result<T, E>>,
{
    let mut to_begin: VecDeque<usize> = (0..count).collect();
    let mut running: Vec<(usize, Pin<Box<F>>)> = Vec::new();
    let mut failures: Vec<Option<E>> = (0..count).map(|_| None).collect();
    let mut deadline = until.deadline;
    loop {
        if failures.iter().all(Option::is_some) {
            return Err(failures);
        }
        if let Some(index) = to_begin.pop_front() {
            running.push((index, Box::pin(begin(index))));
        }
        let stagger = env.now() + STAGGER;
        loop {
            // Alone until then, if there is another one to begin.
            let next = to_begin.front().map(|_| stagger);
            tokio::select! {
                biased;
                (index, output) = first(&mut running) => match output {
                    Ok(output) => return Ok(output),
                    Err(error) => {
                        if !is_final(&error) {
                            to_begin.push_back(index);
                        } else if let Some(wait) = until.after_final {
                            let end = env.after(wait);
                            deadline = Some(deadline.map_or(end, |deadline| deadline.min(end)));
                        }
                        failures[index] = Some(error);
                    }
                },
                () = env.until(deadline) => return Err(failures),
                () = env.until(next) => break,
            }
            let is_new = to_begin
                .front()
                .is_some_and(|next| failures[*next].is_none());
            if is_new || failures.iter().all(Option::is_some) {
                break;
            }
        }
    }
}

/// Waits for the first that ends, in order of their beginning, and takes it out.
async fn first<F: Future>(running: &mut Vec<(usize, Pin<Box<F>>)>) -> (usize, F::Output) {
    std::future::poll_fn(|cx| {
        for place in 0..running.len() {
            let (index, attempt) = &mut running[place];
            if let Poll::Ready(output) = attempt.as_mut().poll(cx) {
                let index = *index;
                running.remove(place);
                return Poll::Ready((index, output));
            }
        }
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::env::TcpConnector;

    const MS: Duration = Duration::from_millis(1);

    /// Attempts that end after so many milliseconds, well or not; how long it took, the result,
    /// and the number of attempts.
    async fn run(
        ends: &[(u32, bool)],
        limit: u32,
    ) -> (u128, Result<usize, Vec<Option<usize>>>, usize) {
        run_until(ends, limit, None).await
    }

    /// The same; with `after_final`, all failures are final.
    async fn run_until(
        ends: &[(u32, bool)],
        limit: u32,
        after_final: Option<Duration>,
    ) -> (u128, Result<usize, Vec<Option<usize>>>, usize) {
        let env = Env::new(Arc::new(TcpConnector), Some(1)).unwrap();
        let start = env.now();
        let begun = AtomicUsize::new(0);
        let begin = |index: usize| {
            begun.fetch_add(1, Ordering::Relaxed);
            let (env, (ms, good)) = (env.clone(), ends[index]);
            async move {
                env.sleep(ms * MS).await;
                if good { Ok(index) } else { Err(index) }
            }
        };
        let until = Until {
            deadline: Some(start + limit * MS),
            after_final,
        };
        let is_final = |_: &usize| after_final.is_some();
        let result = race(&env, until, ends.len(), is_final, begin).await;
        let took = start.elapsed().as_millis();
        (took, result, begun.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_to_succeed_wins_and_a_silent_one_costs_a_quarter_of_a_second() {
        assert_eq!(run(&[(10, true), (0, true)], 9999).await, (10, Ok(0), 1));
        assert_eq!(
            run(&[(9999, true), (10, true)], 9999).await,
            (260, Ok(1), 2)
        );
        // The slow one wins if the others are slower.
        assert_eq!(
            run(&[(300, true), (100, true)], 9999).await,
            (300, Ok(0), 2)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_begins_the_next_one_at_once() {
        let ends = [(1, false), (2, false), (3, true)];
        assert_eq!(run(&ends, 9999).await, (6, Ok(2), 3));
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_have_failed_every_error_is_given_in_order() {
        assert_eq!(run(&[], 9999).await, (0, Err(vec![]), 0));
        let ends = [(300, false), (10, false)];
        assert_eq!(
            run(&ends, 9999).await,
            (300, Err(vec![Some(0), Some(1)]), 2)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_failed_is_tried_again_behind_a_silent_one() {
        let ends = [(2000, false), (0, false)];
        // At 250 ms, and then every 250 ms, until the silent one fails as well.
        let (took, result, begun) = run(&ends, 9999).await;
        assert_eq!((took, result), (2000, Err(vec![Some(0), Some(1)])));
        assert_eq!(begun, 8);
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_tells_who_has_not_ended() {
        let ends = [
            (10, false),
            (9999, true),
            (1, false),
            (9999, true),
            (0, true),
        ];
        let expected = Err(vec![Some(0), None, Some(2), None, None]);
        assert_eq!(run(&ends, 400).await, (400, expected, 4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_final_failure_ends_the_wait_for_those_that_are_silent() {
        let second = Some(1000 * MS);
        let ends = [(9000, true), (10, false), (9000, true), (9000, true)];
        let expected = Err(vec![None, Some(1), None, None]);
        // It begins at 250 ms.
        assert_eq!(run_until(&ends, 9999, second).await, (1260, expected, 4));
        // Who is not silent wins all the same.
        let ends = [(1200, true), (10, false)];
        assert_eq!(run_until(&ends, 9999, second).await, (1200, Ok(0), 2));
        // The first one counts, and no deadline becomes later.
        let ends = [(10, false), (500, false), (9000, true)];
        let expected = Err(vec![Some(0), Some(1), None]);
        assert_eq!(run_until(&ends, 9999, second).await.1, expected.clone());
        assert_eq!(run_until(&ends, 600, second).await, (600, expected, 3));
    }
}

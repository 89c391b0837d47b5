//! Calls that are made again until they succeed, or their time is over.

use kafka_client_protocol::ApiKey;

use super::{Backoff, Cluster};
use crate::error::Error;

impl Cluster {
    /// How long to wait before a request is sent again, for a component that is named.
    pub(crate) fn retry_backoff(&self, component: &str) -> Backoff {
        let (first, max) = (self.config.retry_backoff, self.config.retry_backoff_max);
        Backoff::new(first, max, self.env.random(component))
    }

    /// Calls until it succeeds, fails for good, or `default.api.timeout.ms` is over. `again` says
    /// which errors are worth another attempt.
    ///
    /// # Cancel safety
    /// As the call's.
    // No `AsyncFn`, whose future the compiler cannot show to be `Send`: nobody could call what uses this
    // on a task.
    pub(crate) async fn retry<T, F>(
        &self,
        api: ApiKey,
        again: impl Fn(&Error) -> bool,
        call: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let env = &self.env;
        let limit = self.config.default_api_timeout;
        let deadline = env.now() + limit;
        let mut backoff = self.retry_backoff(&format!("call-{api}"));
        let mut last = None;
        loop {
            let error = match env.timeout_at(deadline, call()).await {
                Ok(Err(error)) if again(&error) => error,
                Ok(result) => return result.map_err(|error| error.at_api(api)),
                Err(_) => {
                    let error = env.elapsed("the call", limit, "default.api.timeout.ms");
                    let error = match &last {
                        Some(last) => error.caused_by(last),
                        None => error,
                    };
                    return Err(error.at_api(api));
                }
            };
            tracing::debug!(%error, "will retry");
            // Another broker may be the one to ask now.
            self.request_refresh();
            let wait = backoff.next();
            if env.now() + wait >= deadline {
                return Err(error.at_api(api));
            }
            last = Some(error);
            env.sleep(wait).await;
        }
    }
}

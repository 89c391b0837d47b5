//! Who the producer is to the brokers: a producer id and its epoch (KIP-98, KIP-360).

use std::sync::{Mutex, Weak};

use kafka_client_protocol::api::init_producer_id::InitProducerIdRequest;
use kafka_client_protocol::{ApiKey, ErrorCode};
use tokio::sync::watch;

use super::shared::Shared;
use super::window::Identity;
use crate::env::lock;
use crate::error::{Error, ErrorKind};
use crate::health::{Subject, with_advice};

/// Version 6 (KIP-939) is not finished in any broker.
const INIT_PRODUCER_ID_MAX: i16 = 5;

/// The producer's identity. Partitions follow it one by one, each when it has nothing under way.
#[derive(Debug)]
pub(crate) struct Identities {
    state: watch::Sender<State>,
    /// Why there is no identity, while it is asked for in vain.
    trouble: Mutex<Option<Error>>,
}

#[derive(Debug, Clone)]
enum State {
    /// To be asked for.
    Unknown,
    Known(Identity),
    /// The cluster will not give one; the producer has ended.
    Refused,
}

impl Identities {
    pub(crate) fn new() -> Self {
        Self::with(State::Unknown)
    }

    fn with(state: State) -> Self {
        Self {
            state: watch::Sender::new(state),
            trouble: Mutex::default(),
        }
    }

    /// Why there is no identity yet, if it was asked for in vain.
    pub(crate) fn trouble(&self) -> Option<Error> {
        lock(&self.trouble).clone()
    }

    pub(crate) fn current(&self) -> Option<Identity> {
        match &*self.state.borrow() {
            State::Known(identity) => Some(*identity),
            _ => None,
        }
    }

    /// An identity other than `before`, for a partition whose sequences must start over: the next
    /// epoch, unless another partition has moved on already. `None` while a new id is asked for,
    /// which is when the epochs are used up.
    pub(crate) fn after(&self, before: Option<Identity>) -> Option<Identity> {
        let mut found = None;
        self.state.send_if_modified(|state| match state {
            State::Known(current) if Some(*current) == before => {
                let Some(epoch) = current.epoch.checked_add(1).filter(|e| *e < i16::MAX) else {
                    *state = State::Unknown;
                    return true;
                };
                current.epoch = epoch;
                found = Some(*current);
                false
            }
            State::Known(current) => {
                found = Some(*current);
                false
            }
            _ => false,
        });
        found
    }
}

/// Asks for an identity whenever there is none.
pub(crate) async fn init_loop(shared: Weak<Shared>) {
    let Some((env, mut states, mut backoff, mut trouble)) = shared.upgrade().map(|shared| {
        let backoff = shared.cluster.retry_backoff("identity");
        let trouble = shared.cluster.health.watch(Subject::ProducerId);
        let states = shared.identities.state.subscribe();
        (shared.env().clone(), states, backoff, trouble)
    }) else {
        return;
    };
    while states
        .wait_for(|state| matches!(state, State::Unknown))
        .await
        .is_ok()
    {
        let Some(this) = shared.upgrade() else { return };
        let began = env.now();
        let pause = match ask(&this).await {
            Ok(identity) => {
                tracing::debug!(
                    id = identity.id,
                    epoch = identity.epoch,
                    "producer identity"
                );
                backoff.reset();
                trouble.over();
                *lock(&this.identities.trouble) = None;
                this.identities.state.send_replace(State::Known(identity));
                this.wake_all();
                None
            }
            Err(error) if is_final(&error) => {
                let error = with_advice(error);
                tracing::warn!(%error, "the producer cannot go on");
                this.identities.state.send_replace(State::Refused);
                this.abort(&error);
                return;
            }
            // Also what is odd, such as an answer that cannot be read, or UNKNOWN_SERVER_ERROR: another
            // broker, or the same one a moment later, may do better.
            Err(error) => {
                tracing::debug!(%error, "no producer id yet");
                trouble.failed_since(began, &error);
                *lock(&this.identities.trouble) = Some(error);
                Some(backoff.next())
            }
        };
        drop(this);
        if let Some(pause) = pause {
            env.sleep(pause).await;
        }
    }
}

/// Whether the cluster will not give an identity however often it is asked.
fn is_final(error: &Error) -> bool {
    error.kind() == ErrorKind::Unsupported
        || matches!(
            error.code(),
            Some(
                ErrorCode::CLUSTER_AUTHORIZATION_FAILED
                    | ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED
                    | ErrorCode::UNSUPPORTED_VERSION
            )
        )
}

async fn ask(shared: &Shared) -> Result<Identity, Error> {
    let connection = shared.cluster.any().await?;
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: i32::MAX,
        ..Default::default()
    };
    let limit = shared.cluster.config.request_timeout;
    let response = connection
        .call_with(&request, INIT_PRODUCER_ID_MAX, limit)
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::Unsupported => error.with_source("enable.idempotence=false does without it"),
            _ => error,
        })?;
    ErrorCode::new(response.error_code).ok().map_err(|code| {
        Error::broker(code, ApiKey::INIT_PRODUCER_ID).at_broker(connection.broker())
    })?;
    let identity = Identity {
        id: response.producer_id,
        epoch: response.producer_epoch,
    };
    if identity.id < 0 || identity.epoch < 0 {
        let text = format!(
            "the answer gives producer id {} and epoch {}",
            identity.id, identity.epoch
        );
        return Err(Error::new(ErrorKind::Protocol, text)
            .at_api(ApiKey::INIT_PRODUCER_ID)
            .at_broker(connection.broker()));
    }
    Ok(identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_epoch_is_taken_once_and_the_last_one_asks_for_a_new_id() {
        let first = Identity {
            id: 7,
            epoch: i16::MAX - 2,
        };
        let identities = Identities::with(State::Known(first));
        let second = identities.after(Some(first)).unwrap();
        assert_eq!(
            second,
            Identity {
                id: 7,
                epoch: i16::MAX - 1
            }
        );
        assert_eq!(
            identities.after(Some(first)),
            Some(second),
            "another partition follows"
        );
        assert_eq!(identities.after(Some(second)), None, "used up");
        assert_eq!(identities.current(), None);
    }
}

//! Faults as JSON, for programs in other languages.

use std::num::NonZeroU32;
use std::time::Duration;

use kafka_client_protocol::{ApiKey, ErrorCode};
use serde::Deserialize;

use super::step::Step;
use super::when::{Fault, When, when, when_any};
use crate::api;

/// A fault.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultForm {
    #[serde(default)]
    when: WhenForm,
    then: Vec<StepForm>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WhenForm {
    api: Option<String>,
    versions: Option<(i16, i16)>,
    topic: Option<String>,
    partition: Option<i32>,
    client_id: Option<String>,
    group: Option<String>,
    member: Option<String>,
    listener: Option<String>,
    connection: Option<u64>,
    probability: Option<f64>,
    skip: u64,
    times: Option<u64>,
    always: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StepForm {
    DelayMs(u64),
    Hold,
    Apply,
    Error(String),
    ErrorFor {
        topic: String,
        partition: Option<i32>,
        error: String,
    },
    Record(String),
    Replay(String),
    ThrottleMs(u64),
    Leader(LeaderForm),
    LeaderHint(LeaderForm),
    LeaderEndpoint {
        leader_id: i32,
        host: String,
        port: u16,
    },
    NoPartitions(String),
    UnknownTags,
    Corrupt(usize),
    Duplicate,
    BytesPerSecond(NonZeroU32),
    Truncate(usize),
    Close,
    Reset,
    Silence,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LeaderForm {
    topic: String,
    partition: i32,
    leader_id: i32,
    leader_epoch: i32,
}

impl FaultForm {
    /// The fault, or what is wrong with it.
    pub(super) fn into_fault(self) -> Result<Fault, String> {
        let steps: Result<Vec<Step>, String> =
            self.then.into_iter().map(StepForm::into_step).collect();
        self.when.into_when()?.try_then(steps?)
    }
}

impl WhenForm {
    fn into_when(self) -> Result<When, String> {
        let mut all = match &self.api {
            None => when_any(),
            Some(name) => {
                let mut served = ApiKey::ALL
                    .iter()
                    .filter(|api| api::served(**api).is_some());
                let api = served.find(|api| api.name() == Some(name.as_str()));
                when(*api.ok_or_else(|| format!("api {name} is not served by this broker"))?)
            }
        };
        if let Some((min, max)) = self.versions {
            all = all.versions(min..=max);
        }
        if let Some(topic) = self.topic {
            all = all.topic(topic);
        }
        if let Some(partition) = self.partition {
            all = all.partition(partition);
        }
        if let Some(client_id) = self.client_id {
            all = all.client_id(client_id);
        }
        if let Some(group) = self.group {
            all = all.group(group);
        }
        if let Some(member) = self.member {
            all = all.member(member);
        }
        if let Some(listener) = self.listener {
            all = all.listener(listener);
        }
        if let Some(connection) = self.connection {
            all = all.connection(connection);
        }
        match self.probability {
            Some(probability) if !(0.0..=1.0).contains(&probability) => {
                return Err(format!("probability {probability} is not from 0 to 1"));
            }
            Some(probability) => all = all.probability(probability),
            None => {}
        }
        all = all.skip(self.skip);
        match (self.times, self.always) {
            (Some(_), true) => Err("times and always: take one of them".to_owned()),
            (Some(times), false) => Ok(all.times(times)),
            (None, true) => Ok(all.always()),
            (None, false) => Ok(all),
        }
    }
}

impl StepForm {
    fn into_step(self) -> Result<Step, String> {
        Ok(match self {
            Self::DelayMs(ms) => Step::Delay(Duration::from_millis(ms)),
            Self::Hold => Step::Hold,
            Self::Apply => Step::Apply,
            Self::Error(name) => Step::Error(error(&name)?),
            Self::ErrorFor {
                topic,
                partition,
                error: name,
            } => Step::error_for(topic, partition, error(&name)?),
            Self::Record(name) => Step::Record(name),
            Self::Replay(name) => Step::Replay(name),
            Self::ThrottleMs(ms) => Step::Throttle(Duration::from_millis(ms)),
            Self::Leader(to) => Step::leader(to.topic, to.partition, to.leader_id, to.leader_epoch),
            Self::LeaderHint(to) => {
                Step::leader_hint(to.topic, to.partition, to.leader_id, to.leader_epoch)
            }
            Self::LeaderEndpoint {
                leader_id,
                host,
                port,
            } => Step::leader_endpoint(leader_id, host, port),
            Self::NoPartitions(topic) => Step::no_partitions(topic),
            Self::UnknownTags => Step::UnknownTags,
            Self::Corrupt(position) => Step::Corrupt(position),
            Self::Duplicate => Step::Duplicate,
            Self::BytesPerSecond(bytes) => Step::Bandwidth(bytes),
            Self::Truncate(bytes) => Step::Truncate(bytes),
            Self::Close => Step::Close,
            Self::Reset => Step::Reset,
            Self::Silence => Step::Silence,
        })
    }
}

/// An error by Kafka's name.
fn error(name: &str) -> Result<ErrorCode, String> {
    let mut all = ErrorCode::ALL.iter();
    let error = all.find(|error| error.name() == Some(name));
    error
        .copied()
        .ok_or_else(|| format!("Kafka has no error {name}"))
}

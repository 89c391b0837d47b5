//! Settings of a consumer.

use std::sync::Arc;
use std::time::Duration;

use super::group::Assignor;
use super::resets::ResetListener;
use crate::cluster::topic_name;
use crate::error::Error;

/// Where to begin where no offset is stored, or the stored one is no longer in the log
/// (`auto.offset.reset`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OffsetReset {
    /// At the first record there is.
    Earliest,
    /// At the end: only records that come later are read.
    #[default]
    Latest,
    /// Nowhere: the consumer reports an error instead.
    None,
    /// At the first record that is not older than this when it is looked for
    /// (`by_duration:`, KIP-1106).
    ByDuration(Duration),
    /// Where no offset is stored, at the first record there is. From an offset that is no longer in the
    /// log, at the record that is nearest to what was read last: the first one that is not older than its
    /// batch. So what retention has left is read, and after the loss of a log little is read again. If
    /// nothing was read since it began or the user sought, at the first record there is.
    /// Java's client has no such setting.
    Nearest,
}

/// What becomes of a partition whose topic was deleted and made anew under the same name. Offsets of the
/// old topic are never applied to the new one, nor committed for it. Brokers that are too old for topic
/// ids (before 2.8) do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RecreatedTopic {
    /// It is read from its first record on; the [reset](super::PositionReset) is told.
    #[default]
    ReadFromBeginning,
    /// It stops with an error, until the user seeks.
    Fail,
}

#[derive(Debug, Clone)]
pub(crate) struct ConsumerConfig {
    /// `group.id`
    pub(crate) group: Option<String>,
    /// `group.instance.id`
    pub(crate) instance: Option<String>,
    /// `client.rack`
    pub(crate) rack: Option<String>,
    pub(crate) assignors: Vec<Assignor>,
    pub(crate) session_timeout: Duration,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) max_poll_interval: Duration,
    /// `None` switches it off.
    pub(crate) auto_commit: Option<Duration>,
    pub(crate) reset: OffsetReset,
    /// Told of positions that are moved by that.
    pub(crate) reset_listener: Option<ResetListener>,
    /// As `reset`, for partitions that came after the consumer did.
    pub(crate) reset_of_new: OffsetReset,
    pub(crate) recreated: RecreatedTopic,
    /// With manual acknowledgement: the most records from the first in work to the last handed out.
    pub(crate) max_unacked: Option<usize>,
    /// Partitions are read apart, each by a stream.
    pub(crate) reads_apart: bool,
    /// With manual acknowledgement: how long what is in work is waited for before its partition goes.
    pub(crate) revoke_timeout: Duration,
    /// Work on a record that takes longer is told.
    pub(crate) work_long: Duration,
    pub(crate) fetch_min_bytes: i32,
    pub(crate) fetch_max_bytes: i32,
    pub(crate) max_partition_fetch_bytes: i32,
    pub(crate) fetch_max_wait: Duration,
    pub(crate) buffer_bytes: usize,
    pub(crate) max_batch_bytes: usize,
    pub(crate) check_crcs: bool,
    pub(crate) read_committed: bool,
    pub(crate) allow_auto_create_topics: bool,
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        Self {
            group: None,
            instance: None,
            rack: None,
            assignors: vec![Assignor::CooperativeSticky],
            session_timeout: Duration::from_secs(45),
            heartbeat_interval: Duration::from_secs(3),
            max_poll_interval: Duration::from_secs(300),
            auto_commit: Some(Duration::from_secs(5)),
            reset: OffsetReset::Latest,
            reset_listener: None,
            reset_of_new: OffsetReset::Earliest,
            recreated: RecreatedTopic::ReadFromBeginning,
            max_unacked: None,
            reads_apart: false,
            revoke_timeout: Duration::from_secs(30),
            work_long: Duration::from_secs(60),
            fetch_min_bytes: 1,
            fetch_max_bytes: 50 * 1024 * 1024,
            max_partition_fetch_bytes: 1024 * 1024,
            fetch_max_wait: Duration::from_millis(500),
            buffer_bytes: 64 * 1024 * 1024,
            max_batch_bytes: 256 * 1024 * 1024,
            check_crcs: true,
            read_committed: false,
            allow_auto_create_topics: true,
        }
    }
}

/// What an answer has beside its records, generously.
const ANSWER_OVERHEAD: usize = 64 * 1024;

impl ConsumerConfig {
    /// Checks that an answer as large as is asked for can be received.
    pub(crate) fn validate_receiving(&self, receive_max: usize) -> Result<(), Error> {
        let largest = usize::try_from(self.fetch_max_bytes).unwrap_or(0) + ANSWER_OVERHEAD;
        match largest > receive_max {
            true => Err(Error::config(format!(
                "fetch.max.bytes is {}, and receive.message.max.bytes only {receive_max}: it must be \
                 {largest} at least",
                self.fetch_max_bytes
            ))),
            false => Ok(()),
        }
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        if self.group.as_deref().is_some_and(str::is_empty) {
            return Err(Error::config("group.id is empty"));
        }
        if self.instance.is_some() && self.group.is_none() {
            return Err(Error::config("group.instance.id needs a group.id"));
        }
        if let Some(instance) = &self.instance {
            // The rules are those of topics (JoinGroupRequest.validateGroupInstanceId).
            topic_name::check(&Arc::from(instance.as_str())).map_err(|_| {
                Error::config(format!(
                    "group.instance.id is {instance:?}: it has 1 to 249 of the characters a-z, A-Z, \
                     0-9, '.', '_' and '-', and is not '.' or '..'"
                ))
            })?;
        }
        if self.assignors.is_empty() {
            return Err(Error::config(
                "partition.assignment.strategy names no assignor",
            ));
        }
        for (place, assignor) in self.assignors.iter().enumerate() {
            let name = assignor.name();
            // The rule of strings of the protocol.
            if name.is_empty() || name.len() > i16::MAX as usize {
                return Err(Error::config(format!(
                    "partition.assignment.strategy has an assignor with a name of {} bytes: it is 1 to \
                     {} bytes long",
                    name.len(),
                    i16::MAX
                )));
            }
            if self.assignors[..place].contains(assignor) {
                return Err(Error::config(format!(
                    "partition.assignment.strategy names {name:?} twice"
                )));
            }
        }
        for (name, duration) in [
            (
                "auto.commit.interval.ms",
                self.auto_commit.unwrap_or_default(),
            ),
            ("heartbeat.interval.ms", self.heartbeat_interval),
            ("session.timeout.ms", self.session_timeout),
            ("max.poll.interval.ms", self.max_poll_interval),
            ("fetch.max.wait.ms", self.fetch_max_wait),
        ] {
            if duration.as_millis() > i32::MAX as u128 {
                return Err(Error::config(format!("{name} is over {} ms", i32::MAX)));
            }
        }
        if self.heartbeat_interval * 3 > self.session_timeout {
            return Err(Error::config(
                "heartbeat.interval.ms is over a third of session.timeout.ms: a lost heartbeat \
                 or two would cost the membership",
            ));
        }
        if self.auto_commit.is_some_and(|interval| interval.is_zero()) {
            return Err(Error::config(
                "auto.commit.interval.ms is 0: commit by hand instead (enable.auto.commit=false)",
            ));
        }
        if self.heartbeat_interval.is_zero() {
            return Err(Error::config("heartbeat.interval.ms is 0"));
        }
        if self.fetch_max_bytes <= 0 || self.max_partition_fetch_bytes <= 0 {
            return Err(Error::config(
                "fetch.max.bytes and max.partition.fetch.bytes are at least 1 byte",
            ));
        }
        if self.buffer_bytes == 0 {
            return Err(Error::config("buffer_bytes is 0: nothing could be fetched"));
        }
        if !(1..=i32::MAX as usize).contains(&self.max_batch_bytes) {
            return Err(Error::config(format!(
                "max_batch_bytes is {}: it is 1 byte at least, and {} at most",
                self.max_batch_bytes,
                i32::MAX
            )));
        }
        if self.fetch_min_bytes < 0 {
            return Err(Error::config("fetch.min.bytes is negative"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_contradict_each_other_are_refused_with_their_names() {
        let check = |change: fn(&mut ConsumerConfig), name: &str| {
            let mut config = ConsumerConfig::default();
            change(&mut config);
            let error = config.validate().unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        };
        assert!(ConsumerConfig::default().validate().is_ok());
        check(
            |config| config.heartbeat_interval = config.session_timeout / 2,
            "heartbeat.interval.ms",
        );
        check(
            |config| config.heartbeat_interval = Duration::ZERO,
            "heartbeat.interval.ms",
        );
        // Over what 32 bits of milliseconds hold, which is 24 days.
        let days = |days| Duration::from_secs(86_400) * days;
        check(
            |config| config.session_timeout = Duration::MAX,
            "session.timeout.ms",
        );
        let month = ConsumerConfig {
            session_timeout: days(30),
            ..ConsumerConfig::default()
        };
        let error = month.validate().unwrap_err();
        assert!(error.to_string().contains("session.timeout.ms"), "{error}");
        check(
            |config| config.auto_commit = Some(Duration::ZERO),
            "auto.commit.interval.ms",
        );
        check(
            |config| config.instance = Some("one".into()),
            "group.instance.id",
        );
        check(|config| config.fetch_min_bytes = -1, "fetch.min.bytes");
        check(|config| config.max_batch_bytes = 1 << 31, "max_batch_bytes");
        check(
            |config| config.assignors.clear(),
            "partition.assignment.strategy names no assignor",
        );
        check(
            |config| config.assignors = vec![Assignor::Range, Assignor::Sticky, Assignor::Range],
            r#"partition.assignment.strategy names "range" twice"#,
        );
        let config = ConsumerConfig {
            fetch_max_bytes: 1000,
            ..ConsumerConfig::default()
        };
        let error = config.validate_receiving(66_535).unwrap_err().to_string();
        for words in [
            "fetch.max.bytes is 1000",
            "receive.message.max.bytes",
            "66536",
        ] {
            assert!(error.contains(words), "{error}");
        }
        assert!(config.validate_receiving(66_536).is_ok());
    }
}

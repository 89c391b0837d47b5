//! Settings of a producer.

use std::time::Duration;

use kafka_client_protocol::records::{Compression, CompressionConfig};

use super::partitioner::{Partitioner, Spread};
use crate::error::Error;

/// `linger.ms` by default.
const LINGER: Duration = Duration::from_millis(5);

/// How late a timer of the runtime may end.
const TIMER_LATE: Duration = Duration::from_millis(1);

/// How many replicas must have a record before it counts as written (`acks`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Acks {
    /// None: the record counts as written when it was handed to the network. It may be lost
    /// without anybody noticing, and has no offset.
    None,
    /// The leader. A record that is acknowledged is lost when the leader fails before others have
    /// copied it.
    Leader,
    /// All replicas in sync; the topic's `min.insync.replicas` says how many that are at least.
    #[default]
    All,
}

impl Acks {
    pub(crate) fn wire(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Leader => 1,
            Self::All => -1,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ProducerConfig {
    pub(crate) acks: Acks,
    pub(crate) batch_size: usize,
    /// `None` for the default: 5 ms, cut short when somebody waits for the batch.
    pub(crate) linger: Option<Duration>,
    pub(crate) buffer_memory: usize,
    pub(crate) max_request_size: usize,
    pub(crate) compression: CompressionConfig,
    pub(crate) delivery_timeout: Duration,
    pub(crate) max_block: Duration,
    pub(crate) max_in_flight: usize,
    /// `None` for the default: on, unless `acks` rules it out.
    pub(crate) idempotence: Option<bool>,
    pub(crate) partitioner: Partitioner,
    /// `partitioner.adaptive.partitioning.enable`
    pub(crate) adaptive: bool,
    /// `partitioner.ignore.keys`
    pub(crate) ignore_keys: bool,
    /// `client.rack`, where `partitioner.rack.aware` is on.
    pub(crate) rack: Option<String>,
}

impl Default for ProducerConfig {
    fn default() -> Self {
        Self {
            acks: Acks::All,
            batch_size: 16 * 1024,
            linger: None,
            buffer_memory: 32 * 1024 * 1024,
            max_request_size: 1024 * 1024,
            compression: CompressionConfig::default(),
            delivery_timeout: Duration::from_secs(120),
            max_block: Duration::from_secs(60),
            max_in_flight: 5,
            idempotence: None,
            partitioner: Partitioner::Default,
            adaptive: true,
            ignore_keys: false,
            rack: None,
        }
    }
}

impl ProducerConfig {
    pub(crate) fn linger(&self) -> Duration {
        self.linger.unwrap_or(LINGER)
    }

    /// What the timer of a batch that lingers is set to. A timer of the runtime ends up to a millisecond
    /// late: by default, a batch lingers that much less, so that its time is the most and not the least.
    pub(crate) fn linger_timer(&self) -> Duration {
        self.linger.unwrap_or(LINGER - TIMER_LATE)
    }

    pub(crate) fn idempotent(&self) -> bool {
        self.idempotence.unwrap_or(self.acks == Acks::All)
    }

    /// How records without a key are spread.
    pub(crate) fn spread(&self) -> Spread {
        Spread {
            batch_size: self.batch_size,
            adaptive: self.adaptive,
            ignore_keys: self.ignore_keys,
        }
    }

    /// How many times `batch.size` is worth a request of its own while another is under way.
    pub(crate) fn large_backlog(&self) -> usize {
        (self.max_request_size / 4 / self.batch_size).max(1)
    }

    pub(crate) fn compresses(&self) -> bool {
        self.compression.codec() != Compression::None
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        if self.batch_size == 0 {
            return Err(Error::config(
                "batch.size is at least 1 byte; with 1 every record is a batch",
            ));
        }
        if self.idempotence == Some(true) && self.acks != Acks::All {
            return Err(Error::config("enable.idempotence needs acks=all"));
        }
        if self.max_in_flight == 0 {
            return Err(Error::config(
                "max.in.flight.requests.per.connection is at least 1",
            ));
        }
        if self.idempotent() && self.max_in_flight > 5 {
            return Err(Error::config(
                "max.in.flight.requests.per.connection is at most 5 with enable.idempotence: a \
                 broker remembers five batches of a producer",
            ));
        }
        if self.max_request_size < 1024 || self.max_request_size > i32::MAX as usize / 2 {
            return Err(Error::config("max.request.size is between 1 KiB and 1 GiB"));
        }
        if self.buffer_memory > u32::MAX as usize {
            return Err(Error::config("buffer.memory is at most 4 GiB - 1"));
        }
        if self.buffer_memory < self.max_request_size {
            return Err(Error::config(
                "buffer.memory is smaller than max.request.size: the largest record would never \
                 fit",
            ));
        }
        for (name, duration) in [
            ("delivery.timeout.ms", self.delivery_timeout),
            ("max.block.ms", self.max_block),
            ("linger.ms", self.linger()),
        ] {
            if duration.as_millis() > i32::MAX as u128 {
                return Err(Error::config(format!("{name} is over {} ms", i32::MAX)));
            }
        }
        let (delivery, linger) = (self.delivery_timeout, self.linger());
        if delivery <= linger {
            return Err(Error::config(format!(
                "delivery.timeout.ms of {delivery:?} is not more than linger.ms of {linger:?}: a batch \
                 that lingers would be out of time when it is sent"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_contradict_each_other_are_refused_with_their_names() {
        let check = |change: fn(&mut ProducerConfig), name: &str| {
            let mut config = ProducerConfig::default();
            change(&mut config);
            let error = config.validate().unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        };
        check(
            |config| (config.idempotence, config.acks) = (Some(true), Acks::Leader),
            "enable.idempotence",
        );
        check(|config| config.max_in_flight = 6, "max.in.flight");
        check(|config| config.max_in_flight = 0, "max.in.flight");
        check(|config| config.batch_size = 0, "batch.size");
        check(|config| config.buffer_memory = 1000, "buffer.memory");
        check(|config| config.buffer_memory = 5 << 30, "buffer.memory");
        // A point in time that far away cannot be computed.
        check(
            |config| config.delivery_timeout = Duration::MAX,
            "delivery.timeout.ms",
        );
        check(|config| config.max_block = Duration::MAX, "max.block.ms");
        check(
            |config| config.delivery_timeout = Duration::ZERO,
            "delivery.timeout.ms",
        );
        // It would be over when the batch is sent.
        check(
            |config| {
                config.linger = Some(Duration::from_secs(7));
                config.delivery_timeout = Duration::from_secs(7);
            },
            "delivery.timeout.ms of 7s is not more than linger.ms of 7s",
        );
    }

    #[test]
    fn acks_other_than_all_switch_idempotence_off_unless_it_was_asked_for() {
        let config = ProducerConfig {
            acks: Acks::Leader,
            ..Default::default()
        };
        assert!(!config.idempotent() && config.validate().is_ok());
        assert!(ProducerConfig::default().idempotent());
    }
}

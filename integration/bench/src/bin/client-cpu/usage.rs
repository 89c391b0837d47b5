//! What a process has used, before and after.

use std::time::Instant;

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};

use crate::Failure;

/// What the measured records took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measurement {
    pub(crate) records: u64,
    pub(crate) user_ns: u64,
    pub(crate) system_ns: u64,
    pub(crate) wall_ns: u64,
    /// Of the whole life of the process.
    pub(crate) peak_rss_kib: u64,
    pub(crate) page_faults: u64,
    /// Times that a thread waited.
    pub(crate) waits: u64,
}

impl Measurement {
    pub(crate) fn cpu_ns_per_record(&self) -> f64 {
        (self.user_ns + self.system_ns) as f64 / self.records as f64
    }

    pub(crate) fn user_ns_per_record(&self) -> f64 {
        self.user_ns as f64 / self.records as f64
    }

    pub(crate) fn records_per_second(&self) -> f64 {
        self.records as f64 * 1e9 / self.wall_ns as f64
    }

    pub(crate) fn peak_rss_mib(&self) -> f64 {
        self.peak_rss_kib as f64 / 1024.0
    }
}

/// The beginning of a measurement.
pub(crate) struct Meter {
    usage: Usage,
    start: Instant,
}

impl Meter {
    pub(crate) fn start() -> Result<Self, Failure> {
        Ok(Self {
            usage: getrusage(UsageWho::RUSAGE_SELF)?,
            start: Instant::now(),
        })
    }

    /// The end: `records` took what was used since the start.
    pub(crate) fn stop(self, records: u64) -> Result<Measurement, Failure> {
        let wall = self.start.elapsed();
        let (before, after) = (self.usage, getrusage(UsageWho::RUSAGE_SELF)?);
        let since = |of: fn(&Usage) -> i64| u64::try_from(of(&after) - of(&before));
        Ok(Measurement {
            records,
            user_ns: since(|usage| usage.user_time().num_microseconds())? * 1000,
            system_ns: since(|usage| usage.system_time().num_microseconds())? * 1000,
            wall_ns: u64::try_from(wall.as_nanos())?,
            peak_rss_kib: u64::try_from(after.max_rss())?,
            page_faults: since(Usage::minor_page_faults)?,
            waits: since(Usage::voluntary_context_switches)?,
        })
    }
}

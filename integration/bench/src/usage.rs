//! What a process has used, before and after.

use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};

use crate::Failure;

/// What the measured records took. The peers in other languages print the same, as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measurement {
    pub(crate) records: u64,
    /// All that the process wrote, with what went before the measurement.
    pub(crate) written: u64,
    pub(crate) user_ns: u64,
    pub(crate) system_ns: u64,
    pub(crate) wall_ns: u64,
    /// Of the whole life of the process.
    pub(crate) peak_rss_kib: u64,
    /// Times that a thread waited.
    pub(crate) waits: u64,
    /// How long each send took, where they are timed.
    #[serde(default)]
    pub(crate) latency: Option<Latency>,
    /// How long the second send to each topic took, where the first one is what is measured.
    #[serde(default)]
    pub(crate) again: Option<Latency>,
    /// Allocations of the measured records, where they are counted.
    #[serde(default)]
    pub(crate) allocations: Option<u64>,
    /// Records of a batch, as the log has them, where that is looked up.
    #[serde(default)]
    pub(crate) batch_records: Option<f64>,
    /// What the codec alone takes for these batches.
    #[serde(default)]
    pub(crate) codec_ns_per_record: Option<f64>,
    /// Metadata requests that the broker got meanwhile, where it counts them.
    #[serde(default)]
    pub(crate) metadata_requests: Option<u64>,
    /// Bytes that the broker sent, and bytes of the batches in its log, where they are counted.
    #[serde(default)]
    pub(crate) fetched: Option<Fetched>,
    /// Resident memory before the client started, where that is looked at.
    #[serde(default)]
    pub(crate) rss_before_kib: Option<u64>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Fetched {
    pub(crate) wire_bytes: u64,
    pub(crate) log_bytes: u64,
}

/// How long the calls of a measurement took.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50_ns: u64,
    pub(crate) p99_ns: u64,
}

impl Latency {
    /// Of at least one call.
    pub(crate) fn of(mut calls: Vec<Duration>) -> Result<Self, Failure> {
        calls.sort_unstable();
        let at = |percent: usize| {
            let index = (calls.len() * percent / 100).min(calls.len().saturating_sub(1));
            let call = calls.get(index).ok_or("no call was timed")?;
            Ok::<_, Failure>(u64::try_from(call.as_nanos())?)
        };
        Ok(Self {
            p50_ns: at(50)?,
            p99_ns: at(99)?,
        })
    }
}

impl Measurement {
    pub(crate) fn cpu_ns_per_record(&self) -> f64 {
        (self.user_ns + self.system_ns) as f64 / self.records as f64
    }

    pub(crate) fn records_per_second(&self) -> f64 {
        self.records as f64 * 1e9 / self.wall_ns as f64
    }

    pub(crate) fn peak_rss_mib(&self) -> f64 {
        self.peak_rss_kib as f64 / 1024.0
    }

    /// Bytes that were sent for each byte of a batch.
    pub(crate) fn fetched_ratio(&self) -> Option<f64> {
        let Fetched {
            wire_bytes,
            log_bytes,
        } = self.fetched?;
        Some(wire_bytes as f64 / log_bytes as f64)
    }

    /// How much memory came with the client, at the most.
    pub(crate) fn grown_mib(&self) -> Option<f64> {
        Some((self.peak_rss_kib as f64 - self.rss_before_kib? as f64) / 1024.0)
    }

    /// CPU per record without the codec's share, where that is known.
    pub(crate) fn cpu_outside_codec(&self) -> Option<f64> {
        Some(self.cpu_ns_per_record() - self.codec_ns_per_record?)
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
            written: records,
            user_ns: since(|usage| usage.user_time().num_microseconds())? * 1000,
            system_ns: since(|usage| usage.system_time().num_microseconds())? * 1000,
            wall_ns: u64::try_from(wall.as_nanos())?,
            peak_rss_kib: peak_rss_kib(&after)?,
            waits: since(Usage::voluntary_context_switches)?,
            latency: None,
            again: None,
            allocations: None,
            batch_records: None,
            codec_ns_per_record: None,
            metadata_requests: None,
            fetched: None,
            rss_before_kib: None,
        })
    }
}

/// Linux keeps in `ru_maxrss` what the parent had when it started this program, so what the kernel
/// tells of this program alone is preferred.
fn peak_rss_kib(usage: &Usage) -> Result<u64, Failure> {
    match status_kib("VmHWM:") {
        Some(kib) => Ok(kib),
        None => Ok(u64::try_from(usage.max_rss())?),
    }
}

/// What this process has in memory now.
pub(crate) fn rss_kib() -> Result<u64, Failure> {
    Ok(status_kib("VmRSS:").ok_or("the kernel does not tell the resident memory")?)
}

fn status_kib(name: &str) -> Option<u64> {
    kib_in(&std::fs::read_to_string("/proc/self/status").ok()?, name)
}

fn kib_in(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Another process, by its id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// The processor time of all its threads.
    pub(crate) fn processor_time(self) -> Result<Duration, Failure> {
        // Fields 14 and 15, in ticks; the second field, a name in brackets, may have blanks.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        let (_, fields) = stat.rsplit_once(')').ok_or("an unknown form of stat")?;
        let mut ticks = 0;
        for field in fields.split_whitespace().skip(11).take(2) {
            ticks += field.parse::<u64>()?;
        }
        let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)?;
        let per_second = u64::try_from(per_second.ok_or("no length of a tick")?)?;
        Ok(Duration::from_nanos(ticks * 1_000_000_000 / per_second))
    }

    /// A figure of its memory.
    pub(crate) fn kib(self, name: &str) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0))?;
        Ok(kib_in(&status, name).ok_or("the kernel does not tell the memory")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_calls() {
        let calls = (1..=100).rev().map(Duration::from_nanos).collect();
        let latency = Latency::of(calls).expect("a hundred calls");
        assert_eq!((latency.p50_ns, latency.p99_ns), (51, 100));
        Latency::of(Vec::new()).expect_err("of nothing");
    }
}

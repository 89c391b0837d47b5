//! Records that were not delivered, for those who did not look at their deliveries.

use std::fmt;
use std::sync::Mutex;

use super::delivery::Outcome;
use crate::env::lock;
use crate::error::Error;

/// What a [`flush`](super::Producer::flush) or a [`close`](super::Producer::close) could not deliver,
/// and nobody was told of: the records' [`Delivery`](super::Delivery) was dropped, or is still to be
/// looked at.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Undelivered {
    /// Records that are not in the log.
    pub not_delivered: u64,
    /// Records that may be in the log.
    pub unknown: u64,
    /// Records whose outcome was still open when the time was over.
    pub pending: u64,
    /// Why the first of them failed.
    pub first: Option<Error>,
}

impl Undelivered {
    /// `Err` if there is anything to tell.
    pub(crate) fn check(self) -> Result<(), Self> {
        match self.not_delivered + self.unknown + self.pending {
            0 => Ok(()),
            _ => Err(self),
        }
    }
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (count, what) in [
            (self.not_delivered, "not delivered"),
            (self.unknown, "perhaps delivered"),
            (self.pending, "still under way"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        write!(f, "records were left: {}", parts.join(", "))
    }
}

impl std::error::Error for Undelivered {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.first.as_ref().map(|error| error as _)
    }
}

/// Counts what ended badly, and what of it was told. Touched by failures only.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Grows with each report, so that what is told after its report is not taken off the next.
    report: u32,
    not_delivered: u64,
    unknown: u64,
    first: Option<Error>,
}

impl Tally {
    /// A batch with so many records has ended; the number of the report that will have it.
    pub(crate) fn count(&self, outcome: &Outcome, records: u32) -> u32 {
        let (error, unknown) = match outcome {
            Outcome::NotDelivered(error) | Outcome::Rejected { error, .. } => (error, false),
            Outcome::Unknown(error) => (error, true),
            Outcome::Delivered { .. } | Outcome::Split(_) => return 0,
        };
        let mut counts = lock(&self.0);
        match unknown {
            true => counts.unknown += u64::from(records),
            false => counts.not_delivered += u64::from(records),
        }
        counts.first.get_or_insert_with(|| error.clone());
        counts.report
    }

    /// Somebody looked at the delivery of a record that ended badly.
    pub(crate) fn told(&self, report: u32, unknown: bool) {
        let mut counts = lock(&self.0);
        if counts.report != report {
            return;
        }
        match unknown {
            true => counts.unknown = counts.unknown.saturating_sub(1),
            false => counts.not_delivered = counts.not_delivered.saturating_sub(1),
        }
        if counts.not_delivered + counts.unknown == 0 {
            counts.first = None;
        }
    }

    /// What nobody was told of, beside what is `pending`. It counts as told from now on.
    pub(crate) fn take(&self, pending: u64) -> Undelivered {
        let mut counts = lock(&self.0);
        let next = Counts {
            report: counts.report.wrapping_add(1),
            ..Counts::default()
        };
        let counts = std::mem::replace(&mut *counts, next);
        Undelivered {
            not_delivered: counts.not_delivered,
            unknown: counts.unknown,
            pending,
            first: counts.first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn counts(undelivered: &Undelivered) -> (u64, u64) {
        (undelivered.not_delivered, undelivered.unknown)
    }

    #[test]
    fn what_was_told_is_not_reported_and_what_was_reported_not_again() {
        let tally = Tally::default();
        let error = || Error::new(ErrorKind::Timeout, "late");
        let report = tally.count(&Outcome::NotDelivered(error()), 3);
        tally.count(&Outcome::Unknown(error()), 2);
        tally.told(report, false);
        assert_eq!(counts(&tally.take(0)), (2, 2));

        tally.count(&Outcome::NotDelivered(error()), 1);
        // Of the first report.
        tally.told(report, false);
        let second = tally.take(0);
        assert_eq!(counts(&second), (1, 0));
        assert_eq!(second.to_string(), "records were left: 1 not delivered");
        assert!(tally.take(0).check().is_ok() && tally.take(1).check().is_err());
    }
}

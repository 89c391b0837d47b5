//! What a measure consists of: cases, and goals for what comes out of them.

use serde::Serialize;

use crate::broker::Kind;
use crate::job::{Codec, Workload};
use crate::peers::Peer;
use crate::usage::Measurement;

/// A measure, ready to be run.
pub(crate) struct Plan {
    /// Its name.
    pub(crate) measure: String,
    pub(crate) broker: Kind,
    pub(crate) cases: Vec<Case>,
    pub(crate) goals: Vec<Goal>,
}

/// One client doing one thing.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// The same for all clients that do the same.
    pub(crate) name: String,
    pub(crate) peer: Peer,
    pub(crate) partitions: i32,
    pub(crate) linger_ms: Option<u32>,
    pub(crate) codec: Codec,
    pub(crate) workload: Workload,
}

impl Case {
    /// With default settings, to `partitions`, without a codec.
    pub(crate) fn new(
        name: impl Into<String>,
        peer: Peer,
        partitions: i32,
        workload: Workload,
    ) -> Self {
        Self {
            name: name.into(),
            peer,
            partitions,
            linger_ms: None,
            codec: Codec::None,
            workload,
        }
    }

    pub(crate) fn linger(mut self, ms: u32) -> Self {
        self.linger_ms = Some(ms);
        self
    }

    pub(crate) fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }
}

/// What came out of the cases of a round.
pub(crate) struct Round<'a> {
    pub(crate) cases: &'a [Case],
    /// In the order of the cases; without those that failed.
    pub(crate) measurements: &'a [Option<Measurement>],
}

impl<'a> Round<'a> {
    pub(crate) fn get(&self, name: &str, peer: Peer) -> Option<&'a Measurement> {
        self.all(name)
            .find(|(of, _)| *of == peer)
            .map(|(_, measurement)| measurement)
    }

    /// All clients that did this.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = (Peer, &'a Measurement)> {
        self.cases
            .iter()
            .zip(self.measurements)
            .filter(move |(case, _)| case.name == name)
            .filter_map(|(case, measurement)| Some((case.peer, measurement.as_ref()?)))
    }
}

/// CPU per record of one divided by that of another.
pub(crate) fn cpu_ratio(of: &Measurement, to: &Measurement) -> Option<f64> {
    Some(of.cpu_ns_per_record() / to.cpu_ns_per_record())
}

/// Finds a figure in a round; `None` where something that it needs was not measured.
type Figure = Box<dyn Fn(&Round<'_>) -> Option<f64>>;

/// A figure of each round, and what it should be.
pub(crate) struct Goal {
    pub(crate) text: String,
    pub(crate) value: Figure,
    pub(crate) bound: Bound,
    pub(crate) unit: &'static str,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    pub(crate) fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }
}

impl Goal {
    pub(crate) fn new(
        text: impl Into<String>,
        bound: Bound,
        unit: &'static str,
        value: impl Fn(&Round<'_>) -> Option<f64> + 'static,
    ) -> Self {
        Self {
            text: text.into(),
            value: Box::new(value),
            bound,
            unit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_include_their_value() {
        assert!(Bound::AtLeast(4.5).is_met(4.5) && !Bound::AtLeast(4.5).is_met(4.4));
        assert!(Bound::AtMost(1.2).is_met(1.2) && !Bound::AtMost(1.2).is_met(1.3));
    }
}

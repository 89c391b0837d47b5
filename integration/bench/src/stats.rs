//! Medians and ranges.

use serde::Serialize;

/// A median between its extremes.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` of nothing.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let last = values.len() - 1;
        Some(Self {
            median: (values[last / 2] + values[last.div_ceil(2)]) / 2.0,
            min,
            max,
        })
    }

    /// `median (min-max)`, in `unit`s.
    pub(crate) fn show(self, unit: f64, digits: usize) -> String {
        let [median, min, max] = [self.median, self.min, self.max].map(|value| value / unit);
        format!("{median:.digits$} ({min:.digits$}-{max:.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let spread = Spread::of([4.0, 1.0, 2.0, 100.0]).expect("four values");
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 3.0, 100.0));
        let one = Spread::of([7.0]).expect("a value");
        assert_eq!(one.show(1.0, 0), "7 (7-7)");
        assert!(Spread::of([]).is_none());
    }
}

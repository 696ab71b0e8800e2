//! The median of repeated measurements, and how far it can be trusted.

/// What the rounds gave for one number.
#[derive(Debug, Clone, Default)]
pub struct Sample(Vec<f64>);

/// A median with the interval that holds the true one with a probability of 95 percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The median of the sample.
    pub median: f64,
    /// The upper end.
    pub high: f64,
}

impl Sample {
    /// Adds the result of a round.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// How many rounds there are.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.0.len()
    }

    /// The median and its interval by ranks, which assumes nothing about how the noise is distributed: the number of
    /// values below the true median is binomial with probability one half, so the interval reaches from the rank that
    /// the 2.5th percentile of that distribution names to its mirror image. `None` without a value.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len();
        let middle = |at: usize| sorted.get(at).copied();
        let median = if count % 2 == 1 {
            middle(count / 2)?
        } else {
            f64::midpoint(middle((count / 2).checked_sub(1)?)?, middle(count / 2)?)
        };
        let below = outer_ranks(count);
        Some(Interval { low: sorted[below], median, high: sorted[count - 1 - below] })
    }
}

/// How many values at each end lie outside of the interval.
fn outer_ranks(count: usize) -> usize {
    // The chance that at most k of `count` values lie below the median, summed until it passes 2.5 percent. The smallest
    // term is 2^-count, so more rounds than anyone waits for still fit into a float.
    let mut term = 0.5_f64.powi(i32::try_from(count).unwrap_or(i32::MAX));
    let mut chance = term;
    let mut k = 0;
    while chance <= 0.025 {
        term *= (count - k) as f64 / (k + 1) as f64;
        chance += term;
        k += 1;
    }
    k.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_fifteen_rounds_leaves_out_three_at_each_end() {
        let mut sample = Sample::default();
        for value in (1..=15).rev() {
            sample.push(f64::from(value));
        }
        assert_eq!(sample.interval(), Some(Interval { low: 4.0, median: 8.0, high: 12.0 }));
    }

    #[test]
    fn few_rounds_have_a_wide_interval_and_none_has_no_median() {
        let mut sample = Sample::default();
        assert_eq!(sample.interval(), None);
        sample.push(2.0);
        sample.push(1.0);
        assert_eq!(sample.interval(), Some(Interval { low: 1.0, median: 1.5, high: 2.0 }));
    }
}

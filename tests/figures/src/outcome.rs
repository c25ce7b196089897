// SPDX-License-Identifier: MIT OR Apache-2.0

//! What came of one cell, or of several together.

use crate::results::Cell;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// In order, in seconds.
    times: Vec<f64>,
    runs: u32,
    /// Whether each run had to be a success.
    must_cure: bool,
    set_ups_broken: usize,
    refused: usize,
}

/// How it is to be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Each run was a success.
    Cured,
    /// Not each was, nor had to be.
    NotNeeded,
    /// Not each was, as it should.
    Failed,
}

impl Outcome {
    /// Of these cells together.
    pub fn of<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> Self {
        let mut outcome = Self::default();
        for cell in cells {
            outcome.times.extend(&cell.seconds);
            outcome.runs += cell.runs;
            outcome.must_cure |= cell.must_cure && cell.refused.is_none();
            outcome.set_ups_broken += usize::from(cell.set_up.is_some());
            outcome.refused += usize::from(cell.refused.is_some());
        }
        outcome.times.sort_by(f64::total_cmp);
        outcome
    }

    /// The shortest time, the median and the longest, in seconds, if anything was cured. With an even number the
    /// median is the longer of the two in the middle.
    pub fn times(&self) -> Option<(f64, f64, f64)> {
        let median = self.times.get(self.times.len() / 2)?;
        Some((*self.times.first()?, *median, *self.times.last()?))
    }

    /// How many of its runs were cured, as text.
    pub fn cured(&self) -> String {
        match (self.runs, self.set_ups_broken) {
            (0, 0) if self.refused > 0 => "refused".to_owned(),
            (_, 0) => format!("{}/{}", self.times.len(), self.runs),
            (0, _) => "set-up broken".to_owned(),
            _ => format!("{}/{}, broken", self.times.len(), self.runs),
        }
    }

    /// How many runs there were, and how many of them were cured.
    pub fn counts(&self) -> (usize, u32) {
        (self.times.len(), self.runs)
    }

    /// How it is to be judged.
    pub fn verdict(&self) -> Verdict {
        let whole = self.times.len() == self.runs as usize && self.set_ups_broken == 0;
        match (whole, self.must_cure) {
            (true, _) if self.runs > 0 => Verdict::Cured,
            (_, true) => Verdict::Failed,
            _ => Verdict::NotNeeded,
        }
    }

    /// It in one line: cured of runs, median and worst time.
    pub fn line(&self) -> String {
        match self.times() {
            Some((_, median, worst)) => format!("{}, {}, {}", self.cured(), time(median), time(worst)),
            None => self.cured(),
        }
    }
}

/// A time of some seconds with its unit, of two or three figures.
pub fn time(seconds: f64) -> String {
    match seconds {
        ..0.00995 => format!("{:.1} ms", seconds * 1000.0),
        ..0.9995 => format!("{:.0} ms", seconds * 1000.0),
        ..9.995 => format!("{seconds:.2} s"),
        _ => format!("{seconds:.1} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::cell;

    #[test]
    fn cells_together_have_one_median_and_one_worst() {
        let cells = [cell("a", "f", "m", 2, &[0.3, 0.1]), cell("b", "f", "m", 2, &[0.2])];
        let outcome = Outcome::of(&cells);
        assert_eq!(outcome.times(), Some((0.1, 0.2, 0.3)));
        assert_eq!(outcome.line(), "3/4, 200 ms, 300 ms");
        assert_eq!(outcome.verdict(), Verdict::Failed);
        assert_eq!(Outcome::of(&cells[..1]).verdict(), Verdict::Cured);
    }

    #[test]
    fn what_is_refused_is_no_failure() {
        let refused = Cell { refused: Some("why".into()), ..cell("a", "f", "m", 0, &[]) };
        let outcome = Outcome::of([&refused]);
        assert_eq!((outcome.line().as_str(), outcome.verdict()), ("refused", Verdict::NotNeeded));
    }

    #[test]
    fn a_broken_set_up_is_told_apart() {
        let broken = Cell { set_up: Some("no QEMU".into()), ..cell("a", "f", "m", 0, &[]) };
        let outcome = Outcome::of([&broken]);
        assert_eq!((outcome.line().as_str(), outcome.verdict()), ("set-up broken", Verdict::Failed));
        let outcome = Outcome::of([&broken, &cell("b", "f", "m", 1, &[0.5])]);
        assert_eq!(
            (outcome.line().as_str(), outcome.verdict()),
            ("1/1, broken, 500 ms, 500 ms", Verdict::Failed)
        );
    }

    #[test]
    fn times_have_units() {
        let texts = [0.000_81, 0.0099, 0.01, 0.3126, 0.9999, 1.0, 9.99, 12.34].map(time);
        assert_eq!(texts, ["0.8 ms", "9.9 ms", "10 ms", "313 ms", "1.00 s", "1.00 s", "9.99 s", "12.3 s"]);
    }
}

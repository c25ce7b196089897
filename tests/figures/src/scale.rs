// SPDX-License-Identifier: MIT OR Apache-2.0

//! An axis of times.

/// Times that are so many times as long as others need a logarithmic axis.
const RATIO: f64 = 15.0;

/// From a time to a place between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// From 0 to so many seconds.
    Linear { end: f64, step: f64 },
    /// From one power of ten to another.
    Logarithmic { first: i32, last: i32 },
}

/// A line across the axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Its time in seconds.
    pub seconds: f64,
    /// What stands beside it, if it has a name.
    pub label: Option<String>,
}

impl Scale {
    /// One on which all of these times have a place.
    pub fn of(times: impl IntoIterator<Item = f64>) -> Self {
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        for time in times {
            least = least.min(time);
            most = most.max(time);
        }
        if most == 0.0 {
            return Self::Linear { end: 1.0, step: 0.2 };
        }
        if most / least > RATIO {
            let first = least.log10().floor() as i32;
            return Self::Logarithmic { first, last: (most.log10().ceil() as i32).max(first + 1) };
        }
        let power = 10_f64.powi(most.log10().floor() as i32);
        let steps = [0.2, 0.5, 1.0, 2.0].map(|step| step * power);
        let step = steps.into_iter().find(|step| most / step <= 8.0).unwrap_or(power);
        Self::Linear { end: (most / step).ceil() * step, step }
    }

    /// Where a time stands.
    pub fn place(self, seconds: f64) -> f64 {
        match self {
            Self::Linear { end, .. } => seconds / end,
            Self::Logarithmic { first, last } => {
                (seconds.log10() - f64::from(first)) / f64::from(last - first)
            }
        }
    }

    /// Its lines.
    pub fn ticks(self) -> Vec<Tick> {
        match self {
            Self::Linear { end, step } => {
                let count = (end / step).round() as u32;
                (0..=count)
                    .map(|number| {
                        let seconds = f64::from(number) * step;
                        Tick { seconds, label: Some(label(seconds, step)) }
                    })
                    .collect()
            }
            Self::Logarithmic { first, last } => {
                let mut ticks = Vec::new();
                for power in first..last {
                    let unit = 10_f64.powi(power);
                    ticks.push(Tick { seconds: unit, label: Some(label(unit, unit)) });
                    ticks.extend((2..10).map(|digit| Tick { seconds: f64::from(digit) * unit, label: None }));
                }
                let unit = 10_f64.powi(last);
                ticks.push(Tick { seconds: unit, label: Some(label(unit, unit)) });
                ticks
            }
        }
    }

    /// How it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear { .. } => "linear scale",
            Self::Logarithmic { .. } => "logarithmic scale",
        }
    }
}

/// A time as precise as steps of an axis need it.
fn label(seconds: f64, step: f64) -> String {
    let (value, step, unit) =
        if step < 0.099 { (seconds * 1000.0, step * 1000.0, "ms") } else { (seconds, step, "s") };
    if seconds == 0.0 {
        return "0".to_owned();
    }
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale) -> String {
        scale.ticks().into_iter().filter_map(|tick| tick.label).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn times_far_apart_are_on_powers_of_ten() {
        let scale = Scale::of([0.002, 3.0]);
        assert_eq!(scale, Scale::Logarithmic { first: -3, last: 1 });
        assert_eq!(labels(scale), "1 ms 10 ms 0.1 s 1 s 10 s");
        assert!((scale.place(0.1) - 0.5).abs() < 1e-9);
        assert_eq!(scale.ticks().len(), 4 * 9 + 1);
    }

    #[test]
    fn times_close_together_begin_at_0() {
        let scale = Scale::of([0.31, 0.62]);
        assert_eq!(labels(scale), "0 0.1 s 0.2 s 0.3 s 0.4 s 0.5 s 0.6 s 0.7 s");
        assert!((scale.place(0.35) - 0.5).abs() < 1e-9);
        assert_eq!(labels(Scale::of([0.011, 0.012])), "0 2 ms 4 ms 6 ms 8 ms 10 ms 12 ms");
    }

    #[test]
    fn no_time_and_one_time_have_a_scale() {
        assert_eq!(Scale::of([]).ticks().len(), 6);
        for time in [1e-9, 0.1, 1.0, 3600.0] {
            let scale = Scale::of([time]);
            assert!((0.0..=1.0).contains(&scale.place(time)), "{time}: {scale:?}");
        }
    }
}

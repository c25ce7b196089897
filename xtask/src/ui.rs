// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the user sees while something takes its time. Progress goes to standard error; colours and what moves
//! only to a terminal.

use std::cell::Cell;
use std::time::{Duration, Instant};

use console::{Style, style};
use gpufas_guest::kernels::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// How often a spinner moves.
const TICK: Duration = Duration::from_millis(120);

/// Something that takes its time, from its start until [`Step::done`]. Dropped before that, it has failed, and
/// what it shows goes: the error says the rest.
pub struct Step {
    bar: ProgressBar,
    name: String,
    start: Instant,
    shows_percent: Cell<bool>,
}

impl Step {
    /// Says what begins.
    pub fn start(name: impl Into<String>) -> Self {
        let name = name.into();
        let bar = ProgressBar::new(100);
        if bar.is_hidden() {
            eprintln!("{name} ...");
        } else {
            bar.set_style(spinner());
            bar.set_message(name.clone());
            bar.enable_steady_tick(TICK);
        }
        Self { bar, name, start: Instant::now(), shows_percent: Cell::new(false) }
    }

    /// Says more about what is being done.
    pub fn detail(&self, text: &str) {
        if self.bar.is_hidden() {
            eprintln!("  {text}");
        } else {
            self.shows_percent.set(false);
            self.bar.set_style(spinner());
            self.bar.set_message(format!("{}: {text}", self.name));
        }
    }

    /// Says how much of it is done.
    pub fn percent(&self, percent: f64) {
        if !self.shows_percent.replace(true) {
            self.bar.set_style(percent_bar());
        }
        // Within 0 to 100, so nothing is cut off.
        self.bar.set_position(percent.clamp(0.0, 100.0) as u64);
    }

    /// Shows what the guest library tells.
    pub fn tell(&self, progress: Progress) {
        match progress {
            Progress::Step(text) => self.detail(text),
            Progress::Percent(percent) => self.percent(percent),
        }
    }

    /// Says that it is done, and what came of it.
    pub fn done(self, result: &str) {
        let seconds = self.start.elapsed().as_secs_f64();
        let result = if result.is_empty() { String::new() } else { format!(": {result}") };
        self.bar.finish_and_clear();
        let mark = style("✔").green().for_stderr();
        let time = style(format!("{seconds:.1} s")).dim().for_stderr();
        eprintln!("{mark} {}{result} {time}", self.name);
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn spinner() -> ProgressStyle {
    template("{spinner:.cyan} {wide_msg} {elapsed:.dim}")
}

fn percent_bar() -> ProgressStyle {
    template("{spinner:.cyan} {wide_msg} {bar:20.cyan/dim} {percent:>3} % {elapsed:.dim}")
}

fn template(text: &str) -> ProgressStyle {
    ProgressStyle::with_template(text).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A heading on standard output.
pub fn heading(text: &str) {
    println!("\n{}", style(text).bold());
}

/// Says something on standard error that is neither progress nor an error.
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// Says what went wrong.
pub fn error(text: &str) {
    eprintln!("{} {text}", style("error:").red().bold().for_stderr());
}

/// Green for good, red for bad, on standard output.
pub fn verdict(good: bool, text: &str) -> String {
    let style = if good { Style::new().green() } else { Style::new().red().bold() };
    style.apply_to(text).to_string()
}

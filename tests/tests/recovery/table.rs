// SPDX-License-Identifier: MIT OR Apache-2.0

//! The results, cell by cell.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail};
use gpufas_figures::results::{self, Results};
use gpufas_guest::kernels::KERNELS;
use gpufas_tests::measured_on;
use gpufas_tests::tools::Target;

use crate::fault::Fault;
use crate::method::Method;
use crate::scene::{Harmed, SetUpFailed};

/// After so many failures one after another a cell is left: it takes a guest each time.
const FAILURES: u32 = 3;

/// The same of a cell that need not be cured: it takes a user's whole patience as well.
const FAILURES_WITHOUT_US: u32 = 2;

/// What a method did about a fault, on a kernel.
#[derive(Debug)]
pub struct Cell {
    kernel: &'static str,
    group: Option<&'static str>,
    fault: &'static str,
    method: &'static str,
    target: Target,
    /// Whether each run must be a success.
    must_cure: bool,
    /// Whether a program of ours is what it is about.
    is_program: bool,
    runs: u32,
    times: Vec<Duration>,
    /// How long all of it took: booting, making the fault, checking the guest as well.
    spent: Duration,
    failures_in_a_row: u32,
    /// The first failure.
    failure: Option<String>,
    /// The first harm that came to a guest.
    harm: Option<String>,
    /// Why it could not be tried.
    set_up: Option<String>,
    /// What the method said when it refused, as it must.
    refused: Option<String>,
}

impl Cell {
    /// A cell without any run.
    pub fn new(kernel: &'static str, fault: &'static Fault, method: &'static Method, target: Target) -> Self {
        Self {
            kernel,
            group: fault.group,
            fault: fault.name,
            method: method.name,
            target,
            must_cure: method.cures(fault) || method.refusal(fault).is_some(),
            is_program: method.is_program(),
            runs: 0,
            times: Vec::new(),
            spent: Duration::ZERO,
            failures_in_a_row: 0,
            failure: None,
            harm: None,
            set_up: None,
            refused: None,
        }
    }

    /// The method's name, with where its program runs if that is not the host's processor.
    fn method(&self) -> String {
        match self.target {
            Target::Host => self.method.to_owned(),
            Target::Cuda => format!("{}, GPU", self.method),
        }
    }

    /// Takes note of how long all of it took.
    pub fn spent(&mut self, time: Duration) {
        self.spent = time;
    }

    /// Takes note of a cure.
    pub fn cured(&mut self, time: Duration) {
        self.runs += 1;
        self.failures_in_a_row = 0;
        self.times.push(time);
    }

    /// Takes note of a failure.
    pub fn failed(&mut self, error: &Error) {
        self.failures_in_a_row += 1;
        // A kernel that dies or complains is no mere set-up, whatever was being done.
        let has_harmed = error.is::<Harmed>() || of_guest(error).any(gpufas_guest::Error::is_harm);
        if !has_harmed && (error.is::<SetUpFailed>() || of_guest(error).any(gpufas_guest::Error::is_setup)) {
            self.set_up_failed(error);
            return;
        }
        self.runs += 1;
        self.failure.get_or_insert_with(|| format!("{error:#}"));
        if has_harmed {
            self.harm.get_or_insert_with(|| format!("{error:#}"));
        }
    }

    /// Takes note that nothing could be tried.
    pub fn set_up_failed(&mut self, error: &Error) {
        self.set_up.get_or_insert_with(|| format!("{error:#}"));
    }

    /// Takes note that the method has refused, as it must.
    pub fn refused(&mut self, reason: String) {
        self.refused = Some(reason);
    }

    /// Whether there is no use in further runs.
    pub fn gives_up(&self) -> bool {
        self.failures_in_a_row >= if self.must_cure { FAILURES } else { FAILURES_WITHOUT_US }
    }

    /// What the test says of it.
    ///
    /// # Errors
    ///
    /// If something is not as it must be.
    pub fn verdict(&self) -> Result<()> {
        if let Some(message) = &self.failure
            && self.must_cure
        {
            bail!("{} of {} were cured: {message}", self.times.len(), self.runs);
        }
        // What a user has without us may do as it does. A program of ours must do no harm, be it in vain.
        if let Some(message) = &self.harm
            && self.is_program
        {
            bail!("a guest has come to harm: {message}");
        }
        if let Some(message) = &self.set_up {
            bail!("the set-up is broken: {message}");
        }
        Ok(())
    }

    fn result(&self) -> String {
        if self.refused.is_some() {
            return "refused".to_owned();
        }
        let note = if self.set_up.is_some() { ", set-up broken" } else { "" };
        format!("{}/{}{note}", self.times.len(), self.runs)
    }

    fn median(&self) -> Option<Duration> {
        let mut times = self.times.clone();
        times.sort();
        times.get(times.len() / 2).copied()
    }

    fn to_result(&self) -> results::Cell {
        results::Cell {
            kernel: self.kernel.to_owned(),
            group: self.group.map(str::to_owned),
            fault: self.fault.to_owned(),
            method: self.method(),
            target: self.target.name().to_owned(),
            must_cure: self.must_cure,
            runs: self.runs,
            seconds: self.times.iter().map(Duration::as_secs_f64).collect(),
            failure: self.failure.clone(),
            set_up: self.set_up.clone(),
            refused: self.refused.clone(),
        }
    }
}

/// What an error has of the guest's library.
fn of_guest(error: &Error) -> impl Iterator<Item = &gpufas_guest::Error> {
    error.chain().filter_map(|cause| cause.downcast_ref())
}

/// All cells.
pub struct Table {
    began: Instant,
    cells: Mutex<Vec<Cell>>,
}

impl Table {
    /// A table without cells. What takes time begins now.
    pub fn new() -> Self {
        Self { began: Instant::now(), cells: Mutex::default() }
    }

    /// Adds a cell.
    pub fn add(&self, cell: Cell) {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        cells.push(cell);
        // Cells of several kernels come in between each other.
        cells.sort_by_key(|cell| KERNELS.iter().position(|spec| spec.name == cell.kernel));
    }

    /// The table as text; none without cells.
    pub fn text(&self) -> String {
        self.text_of(&self.cells.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn text_of(&self, cells: &[Cell]) -> String {
        if cells.is_empty() {
            return String::new();
        }
        let mut lines = vec![format!(
            "{:11} {:36} {:25} {:>8} {:>9} {:>9} {:>7}",
            "kernel", "fault", "method", "cured", "median", "worst", "in all"
        )];
        let seconds = |time: Option<Duration>| {
            time.map_or("-".to_owned(), |time| format!("{:.2} s", time.as_secs_f64()))
        };
        for cell in cells.iter() {
            lines.push(format!(
                "{:11} {:36} {:25} {:>8} {:>9} {:>9} {:>7}",
                cell.kernel,
                cell.fault,
                cell.method(),
                cell.result(),
                seconds(cell.median()),
                seconds(cell.times.iter().max().copied()),
                format!("{} s", cell.spent.as_secs())
            ));
        }
        let mut totals: BTreeMap<String, (usize, u32)> = BTreeMap::new();
        for cell in cells.iter().filter(|cell| cell.must_cure && cell.refused.is_none()) {
            let total = totals.entry(cell.method()).or_default();
            total.0 += cell.times.len();
            total.1 += cell.runs;
        }
        let totals =
            totals.iter().map(|(method, (cured, runs))| format!("{method}: {cured} of {runs} cured"));
        lines.extend(totals);
        lines.push(
            "times count from the method's beginning; of what acts by itself, from the fault's".to_owned(),
        );
        let runs: u32 = cells.iter().map(|cell| cell.runs).sum();
        lines.push(format!("{runs} runs in {} minutes", self.began.elapsed().as_secs().div_ceil(60)));
        lines.join("\n") + "\n"
    }

    /// Writes it as text and, if there is anything in it, as JSON, for pictures.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
        };
        // Held until all is written: cells of two kernels may be done at once.
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        write("recovery.txt", self.text_of(&cells).as_bytes())?;
        if cells.is_empty() {
            return Ok(());
        }
        let mut kernels: Vec<&str> = cells.iter().map(|cell| cell.kernel).collect();
        // They stand together, see add().
        kernels.dedup();
        let machine =
            measured_on::this_machine(&kernels, cells.iter().any(|cell| cell.target == Target::Cuda));
        let results = Results { machine, cells: cells.iter().map(Cell::to_result).collect() };
        write("recovery.json", &serde_json::to_vec_pretty(&results)?)
    }
}

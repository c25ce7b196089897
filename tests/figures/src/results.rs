// SPDX-License-Identifier: MIT OR Apache-2.0

//! The form in which a benchmark leaves its results, as JSON: `tests/tests/recovery` writes it.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The results of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// What it ran on.
    pub machine: Machine,
    /// What came of it, in the order in which it ran.
    pub cells: Vec<Cell>,
}

/// A machine, and the versions of what ran on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The day of the run's end, UTC, as 2026-01-31.
    pub date: String,
    /// The processor's name.
    pub processor: String,
    /// How many of them the run could use.
    pub processors: usize,
    /// The machine's memory, in MiB.
    pub memory_mib: u64,
    /// The kernel's release.
    pub kernel: String,
    /// QEMU's version.
    pub qemu: String,
    /// How QEMU runs the guests' code.
    pub accelerator: String,
    /// GPUfas's version.
    pub version: String,
    /// Its commit, if it was run out of a repository.
    pub commit: Option<String>,
    /// The GPU that programs ran on, if they did.
    pub gpu: Option<String>,
    /// The guests' kernels: their names here and their releases.
    pub guests: Vec<(String, String)>,
}

/// What a method did about a fault, on a kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The kernel's name.
    pub kernel: String,
    /// What the fault is one of, if it is one of many of a kind, which are drawn together.
    pub group: Option<String>,
    /// The fault's name.
    pub fault: String,
    /// The method's name.
    pub method: String,
    /// Where its program runs.
    pub target: String,
    /// Whether each run must be a success.
    pub must_cure: bool,
    /// How often it was tried.
    pub runs: u32,
    /// How long each cure took, in seconds.
    pub seconds: Vec<f64>,
    /// The first failure.
    pub failure: Option<String>,
    /// Why it could not be tried.
    pub set_up: Option<String>,
    /// Why the method refuses: it cannot be done.
    pub refused: Option<String>,
}

impl Results {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// [`Error::NoResults`] if the file holds something else, or what cannot be.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(Error::file("read", path))?;
        let wrong = |reason: String| Error::NoResults { path: path.to_owned(), reason };
        let results: Self = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if results.cells.is_empty() {
            return Err(wrong("nothing was run".to_owned()));
        }
        for cell in &results.cells {
            cell.check().map_err(|reason| {
                wrong(format!("{}, {}, {}: {reason}", cell.kernel, cell.fault, cell.method))
            })?;
        }
        Ok(results)
    }
}

impl Cell {
    fn check(&self) -> std::result::Result<(), &'static str> {
        if self.seconds.len() > self.runs as usize {
            return Err("more cures than runs");
        }
        // A clock of nanoseconds tells no shorter time; the axis has no place for 0.
        if self.seconds.iter().any(|time| !time.is_finite() || *time <= 0.0) {
            return Err("a time that is none");
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A cell of a run.
    pub fn cell(kernel: &str, fault: &str, method: &str, runs: u32, seconds: &[f64]) -> Cell {
        Cell {
            kernel: kernel.into(),
            group: None,
            fault: fault.into(),
            method: method.into(),
            target: "host".into(),
            must_cure: true,
            runs,
            seconds: seconds.into(),
            failure: None,
            set_up: None,
            refused: None,
        }
    }

    /// A small run.
    pub fn results() -> Results {
        let mut cells = Vec::new();
        for kernel in ["5.10", "6.1", "6.1-rt"] {
            cells.push(cell(kernel, "busy, all", "signal only", 3, &[0.01, 0.02, 0.04]));
            let fails = Cell {
                failure: Some("it | hangs\nfor ever".into()),
                ..cell(kernel, "busy, all", "kill", 3, &[0.5])
            };
            cells.push(fails);
            let group = Some("signal STOP".to_owned());
            cells.push(Cell {
                group: group.clone(),
                ..cell(kernel, "STOP, sleeps", "signal only", 2, &[0.3, 0.2])
            });
            let refused = Some("nobody is woken".to_owned());
            cells.push(Cell { group, refused, ..cell(kernel, "STOP, sleeps", "kill", 0, &[]) });
        }
        let guests = vec![("5.10".to_owned(), "5.10.0-1-amd64".to_owned())];
        let machine =
            Machine { processor: "A processor".into(), processors: 2, guests, ..Machine::default() };
        Results { machine, cells }
    }

    fn read(text: &str) -> Result<Results> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.json");
        fs::write(&path, text).unwrap();
        Results::read(&path)
    }

    #[test]
    fn what_was_written_is_read() {
        assert_eq!(read(&serde_json::to_string(&results()).unwrap()).unwrap(), results());
    }

    #[test]
    fn what_is_no_result_is_one_error() {
        let mut unlikely = results();
        unlikely.cells[0].runs = 2;
        let mut timeless = results();
        timeless.cells[0].seconds[1] = 0.0;
        let empty = Results { cells: Vec::new(), ..results() };
        let texts = [&unlikely, &timeless, &empty].map(|results| serde_json::to_string(results).unwrap());
        let [unlikely, timeless, empty] = &texts;
        for (text, reason) in [
            ("[{\"kernel\": \"6.1\"", "EOF"),
            ("{\"machine\": {}, \"cells\": []}", "missing field"),
            (unlikely, "5.10, busy, all, signal only: more cures than runs"),
            (timeless, "a time that is none"),
            (empty, "nothing was run"),
        ] {
            let error = read(text).unwrap_err();
            assert!(matches!(error, Error::NoResults { .. }), "{error:?}");
            assert!(error.to_string().contains(reason), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Results::read(Path::new("/nowhere/results.json")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read /nowhere/results.json");
    }
}

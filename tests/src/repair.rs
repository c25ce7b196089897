// SPDX-License-Identifier: MIT OR Apache-2.0

//! Runs recovery programs on a guest, from the host or from a GPU, and reads the reports.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use gpufas_guest::protocol::ProcessEvent;
use serde_json::Value;

use crate::command::{Ran, run};
use crate::machine::{LIMIT, Machine, Model};
use crate::suite::Group;
use crate::tools::{Target, Tools};
use crate::{gpu, listing};

/// The bundled programs.
pub const PS: &str = "examples/ps.c";
/// See [`PS`].
pub const KILL: &str = "examples/kill.c";
/// See [`PS`].
pub const KILL_HOG: &str = "examples/kill-hog.c";
/// Sends a signal in a guest that runs on, paused by its in-kernel support.
pub const KILL_RUNNING: &str = "examples/kill-running.c";

/// A guest and where programs run that repair it. The same scenario runs on every target.
pub struct Repair {
    /// The guest.
    pub machine: Machine,
    /// Where programs run.
    pub target: Target,
}

/// Adds a case, after which the guest must run and be unharmed. Else its console is kept.
pub fn case(
    group: &mut Group<'_, Repair>,
    name: &str,
    run: impl FnOnce(&Repair) -> Result<()> + Send + 'static,
) {
    let full_name = group.full_name(name);
    group.case(name, move |repair| {
        let result = run(repair).and_then(|()| repair.machine.check_unharmed());
        result.map_err(|error| repair.machine.keep_console(&full_name, error))
    });
}

impl Repair {
    /// Boots a guest, to be repaired from a target.
    ///
    /// # Errors
    ///
    /// If it does not boot; [`Skipped`](crate::suite::Skipped) if the target is a GPU and there is none.
    pub fn new(tools: &Arc<Tools>, target: Target, model: Model) -> Result<Self> {
        if target == Target::Cuda {
            gpu::require()?;
        }
        Ok(Self { machine: Machine::boot(tools, model)?, target })
    }

    /// Runs an entry point of a program and returns what it reports with `--json`, once the facts in it that are
    /// known beforehand are checked.
    ///
    /// # Errors
    ///
    /// If it does not end with that status, or reports what is not so.
    pub fn report(&self, status: i32, source: &str, entry: &str, arguments: &[&str]) -> Result<Report> {
        self.report_with(status, source, entry, &[], arguments)
    }

    /// The same with options of `gpufas run`.
    ///
    /// # Errors
    ///
    /// See [`report`](Self::report).
    pub fn report_with(
        &self,
        status: i32,
        source: &str,
        entry: &str,
        options: &[&str],
        arguments: &[&str],
    ) -> Result<Report> {
        let ran =
            self.run(source, entry, &[options, &["--json"]].concat(), arguments)?.with_status(status)?;
        let report = Report(ran.json()?);
        let ready = self.machine.guest().ready();
        ensure!(report.0["status"] == status, "another status than the command's: {report:?}");
        ensure!(report.0["entry"] == entry, "another entry point: {report:?}");
        ensure!(report.0["guest"]["release"] == ready.release.as_str(), "another release: {report:?}");
        ensure!(report.0["guest"]["version"] == ready.version.as_str(), "another version: {report:?}");
        ensure!(report.0["error"].is_null(), "an error: {report:?}");
        let device = report.0["device"].as_str().unwrap_or_default();
        ensure!(device.starts_with(self.target.name()), "another device: {report:?}");
        for (name, value) in named(arguments) {
            let told = &report.0["arguments"][name];
            let told = told.as_str().map_or_else(|| told.to_string(), str::to_owned);
            ensure!(told == value, "argument {name} should be {value}: {report:?}");
        }
        report.check_stores()?;
        Ok(report)
    }

    /// Runs an entry point of a program.
    ///
    /// # Errors
    ///
    /// If it cannot be compiled or does not end.
    pub fn run(&self, source: &str, entry: &str, options: &[&str], arguments: &[&str]) -> Result<Ran> {
        let program = self.machine.tools().compile(source, self.target)?;
        let program = (program.as_path(), self.target);
        Ran::of(
            self.machine
                .with_source(|guest| run(self.machine.tools(), program, entry, guest, options, arguments)),
        )
    }

    /// The scenario of the demonstration: a runaway process is seen from outside, killed from outside, and gone, as
    /// the guest itself says; a hog too; all others live.
    ///
    /// # Errors
    ///
    /// If anything in it is otherwise.
    pub fn demonstrate(&self) -> Result<()> {
        let guest = self.machine.guest();
        listing::compare_both(self)?;
        let runaway = guest.spawn_runaway("runaway")?;
        self.kill_all("runaway", "KILL")?.says("signal 9 was delivered to 1")?;
        self.was_killed(runaway, 9)?;
        let hog = guest.spawn_busy_hog("hog", 48)?;
        self.report(0, KILL_HOG, "kill_hog", &["--threshold_mib", "32", "--protect", ""])?
            .says(&format!("{hog} (hog)"))?;
        self.was_killed(hog, 9)?;
        self.machine.check_unharmed()
    }

    /// Waits until a signal has ended a process.
    ///
    /// # Errors
    ///
    /// If it ends in another way, or not.
    pub fn was_killed(&self, pid: u32, signal: i32) -> Result<()> {
        let end = self.machine.guest().wait_for_end(pid, LIMIT)?;
        ensure!(
            end == ProcessEvent::Killed { pid, signal },
            "it should have been killed by {signal}: {end:?}"
        );
        ensure!(self.machine.guest().alive(&[pid])?.gone == [pid], "process {pid} was killed, and is there");
        Ok(())
    }

    /// Ends a process from inside.
    ///
    /// # Errors
    ///
    /// If it was gone before.
    pub fn clean_up(&self, pid: u32) -> Result<()> {
        ensure!(self.machine.guest().alive(&[pid])?.alive == [pid], "process {pid} should live");
        self.machine.guest().kill(pid, 9)?;
        self.was_killed(pid, 9)
    }

    /// Sends a signal to a process by its pid, which must succeed.
    ///
    /// # Errors
    ///
    /// See [`report`](Self::report).
    pub fn kill(&self, pid: u32, signal: &str) -> Result<Report> {
        self.report(0, KILL, "kill", &["--pid", &pid.to_string(), "--signal", signal])
    }

    /// Sends a signal to one thread, which must succeed.
    ///
    /// # Errors
    ///
    /// See [`report`](Self::report).
    pub fn kill_thread(&self, tid: u32, signal: &str) -> Result<Report> {
        self.report(0, KILL, "tkill", &["--tid", &tid.to_string(), "--signal", signal])
    }

    /// Sends a signal to a process by its pid, which must succeed, without waking anybody.
    ///
    /// # Errors
    ///
    /// See [`report`](Self::report).
    pub fn kill_without_waking(&self, pid: u32, signal: &str) -> Result<Report> {
        let arguments = ["--pid", &pid.to_string(), "--signal", signal];
        self.report_with(0, KILL, "kill", &["--interrupts", "never"], &arguments)
    }

    /// Wakes a process that has a signal pending.
    ///
    /// # Errors
    ///
    /// See [`report`](Self::report).
    pub fn wake(&self, pid: u32) -> Result<Report> {
        self.report(0, KILL, "wake", &["--pid", &pid.to_string()])
    }

    /// Sends a signal to all processes with a name, which must succeed.
    ///
    /// # Errors
    ///
    /// See [`report`](Self::report).
    pub fn kill_all(&self, name: &str, signal: &str) -> Result<Report> {
        self.report(0, KILL, "killall", &["--name", name, "--signal", signal])
    }
}

/// Arguments that are given as `--name value`.
fn named<'a>(arguments: &[&'a str]) -> impl Iterator<Item = (&'a str, &'a str)> {
    let pairs = arguments.chunks_exact(2);
    pairs.filter_map(|pair| Some((pair[0].strip_prefix("--")?, pair[1]))).collect::<Vec<_>>().into_iter()
}

/// What `gpufas run --json` reports.
#[derive(Debug)]
pub struct Report(pub Value);

impl Report {
    /// What the program printed.
    pub fn log(&self) -> &str {
        self.0["log"].as_str().unwrap_or_default()
    }

    /// Checks that the program printed that.
    ///
    /// # Errors
    ///
    /// If not.
    pub fn says(&self, text: &str) -> Result<()> {
        ensure!(self.log().contains(text), "the program should say {text:?}, and said:\n{}", self.log());
        Ok(())
    }

    /// Its stores to the guest's memory.
    ///
    /// # Errors
    ///
    /// If they are not reported.
    pub fn stores(&self) -> Result<&[Value]> {
        Ok(self.0["stores"].as_array().context("no list of stores")?)
    }

    /// Checks that it has written to the guest's memory, or that it has not.
    ///
    /// # Errors
    ///
    /// If not.
    pub fn has_written(&self, written: bool) -> Result<()> {
        let stores = self.stores()?;
        ensure!(stores.is_empty() != written, "{} stores: {stores:?}", stores.len());
        Ok(())
    }

    /// Checks that each interrupt that it asked for was served, and that it asked for some.
    ///
    /// # Errors
    ///
    /// If not.
    pub fn was_served(&self) -> Result<()> {
        let interrupts = self.0["interrupts"].as_array().context("no list of interrupts")?;
        // CALL_FUNCTION_SINGLE_VECTOR of arch/x86/include/asm/irq_vectors.h
        let waking: Vec<_> = interrupts.iter().filter(|interrupt| interrupt["vector"] == "0xfb").collect();
        ensure!(!waking.is_empty(), "no interrupt was sent: {:?}", self.0);
        ensure!(waking.iter().all(|interrupt| interrupt["served"] == true), "not served: {interrupts:?}");
        Ok(())
    }

    /// What its entry point returned.
    ///
    /// # Errors
    ///
    /// If it did not return.
    pub fn result(&self) -> Result<i64> {
        let end = &self.0["end"];
        ensure!(end["kind"] == "returned", "it did not return: {end}");
        end["result"].as_i64().context("no result")
    }

    /// The fault that it ended with, if it is of that kind.
    ///
    /// # Errors
    ///
    /// If it is not.
    pub fn fault(&self, kind: &str) -> Result<&Value> {
        let end = &self.0["end"];
        ensure!(end["kind"] == "fault" && end["fault"] == kind, "it should end in a fault, {kind}: {end}");
        Ok(end)
    }

    /// Every store that is reported has a place in memory and one in the source.
    fn check_stores(&self) -> Result<()> {
        for store in self.stores()? {
            number(&store["address"])?;
            number(&store["physical"])?;
            number(&store["old"])?;
            number(&store["new"])?;
            ensure!(store["size"].as_u64().is_some_and(|size| size > 0), "a store without a size: {store}");
            ensure!(store["site"]["line"].as_u64() > Some(0), "a store without a line: {store}");
        }
        ensure!(self.0["stores_lost"] == 0, "stores were lost: {:?}", self.0);
        Ok(())
    }
}

/// A number that is written in hexadecimal.
///
/// # Errors
///
/// If it is not.
pub fn number(value: &Value) -> Result<u64> {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.with_context(|| format!("{value} should be a number in hexadecimal"))
}

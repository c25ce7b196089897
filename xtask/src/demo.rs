// SPDX-License-Identifier: MIT OR Apache-2.0

//! `cargo xtask demo`: a guest with 1,000 processes and a runaway one, which is killed from outside.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use gpufas_guest::protocol::{Process, ProcessEvent};
use gpufas_guest::{Guest, Kernel, kernels};

use crate::cargo::build_release;
use crate::output;
use crate::recovery::{Target, compile};
use crate::ui::Step;
use crate::{bundle, gpu, setup, ui};

/// What the demonstration is to be like.
#[derive(clap::Args)]
pub struct Arguments {
    /// The guest's kernel
    #[arg(long, default_value = "6.1")]
    kernel: String,
    /// The guest's processors
    #[arg(long, default_value_t = 2)]
    cpus: u32,
    /// Where the recovery program runs: on the host, and on a GPU if there is one, unless told
    #[arg(long, value_enum)]
    target: Vec<Target>,
    /// Run out of this folder, which `cargo xtask bundle` made: nothing is installed or compiled
    #[arg(long, conflicts_with = "kernel")]
    bundle: Option<PathBuf>,
}

/// The processes that must live, and the one that must not.
const SLEEPERS: u32 = 1000;
const SLEEPER: &str = "sleeper";
const RUNAWAY: &str = "runaway";

/// The signal that ends it: `SIGKILL`.
const KILL: i32 = 9;

/// How long a killed process may take to be gone. It is quick; the guest may be emulated on a busy machine.
const END_LIMIT: Duration = Duration::from_secs(60);

/// How many lines of the process table are shown.
const SHOWN: usize = 6;

/// Runs the demonstration.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let source = match &arguments.bundle {
        Some(folder) => Source::Bundle(folder),
        None => {
            setup::prepare(false)?;
            Source::Build(build_release(&["gpufas-cc", "gpufas"])?)
        }
    };
    let kernel = match &source {
        Source::Bundle(folder) => bundle::kernel(folder)?,
        Source::Build(_) => setup::kernel(kernels::find(&arguments.kernel)?)?,
    };
    let mut targets = arguments.target.clone();
    if targets.is_empty() {
        targets.push(Target::Host);
        match gpu::missing() {
            None => targets.push(Target::Cuda),
            Some(reason) => ui::note(&format!("not on a GPU: {reason}")),
        }
    }
    let mut all_good = true;
    for target in targets {
        let (gpufas, program) = source.programs("kill", target, &kernel)?;
        let repair = Repair { gpufas, program, target };
        all_good &= repair.show(&kernel, arguments.cpus)?;
    }
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where programs come from.
enum Source<'a> {
    /// A folder with everything in it.
    Bundle(&'a Path),
    /// This repository; the folder is where cargo put the programs.
    Build(PathBuf),
}

impl Source<'_> {
    /// The `gpufas` command and a recovery program.
    fn programs(&self, name: &str, target: Target, kernel: &Kernel) -> Result<(PathBuf, PathBuf)> {
        Ok(match self {
            Self::Bundle(folder) => {
                let program = folder.join("programs").join(name).with_extension(target.extension());
                (folder.join("gpufas"), program)
            }
            Self::Build(folder) => {
                (folder.join("gpufas"), compile(&folder.join("gpufas-cc"), name, target, kernel, &[])?)
            }
        })
    }
}

/// One repair of one guest.
struct Repair {
    gpufas: PathBuf,
    program: PathBuf,
    target: Target,
}

/// What was checked, and whether it holds.
struct Check {
    holds: bool,
    what: String,
}

impl Repair {
    /// Boots a guest, breaks it, repairs it, and says whether the guest agrees that it is repaired.
    fn show(&self, kernel: &Kernel, cpus: u32) -> Result<bool> {
        ui::heading(&format!("Repairing a guest from the {}", self.place()));
        let step = Step::start(format!("booting a guest, Linux {}", kernel.release));
        let guest = Guest::builder(kernel).cpus(cpus).boot()?;
        step.done(&format!("{cpus} processors, {}", guest.accelerator()));
        let step = Step::start(format!("starting {SLEEPERS} sleeping processes and a runaway one"));
        let sleepers = guest.spawn_sleepers(SLEEPERS, SLEEPER)?;
        let runaway = guest.spawn_runaway(RUNAWAY)?;
        let baseline = guest.kernel_log(None)?.last();
        step.done("");

        println!("\nBefore, as the guest itself reports it:");
        summarise(&guest.processes()?, runaway);

        println!("\nThe same from outside, out of the guest's memory (gpufas ps):");
        let seen = self.list(&guest.qmp_socket(), runaway)?;

        println!("\nKilling {RUNAWAY} from outside (gpufas run):");
        self.kill(&guest.qmp_socket())?;

        let end = guest.wait_for_end(runaway, END_LIMIT);
        println!("\nAfter, as the guest itself reports it:");
        let processes = guest.processes()?;
        summarise(&processes, runaway);
        let checks = [seen].into_iter().chain(verify(&guest, &processes, &sleepers, runaway, end, baseline)?);
        let mut all = true;
        println!();
        for check in checks {
            let mark = if check.holds { "yes" } else { "NO " };
            println!("  {}  {}", ui::verdict(check.holds, mark), check.what);
            all &= check.holds;
        }
        guest.power_off()?;
        Ok(all)
    }

    fn place(&self) -> &'static str {
        match self.target {
            Target::Host => "host",
            Target::Cuda => "GPU",
        }
    }

    /// Shows the beginning of the process table and the runaway process in it.
    fn list(&self, qmp: &Path, runaway: u32) -> Result<Check> {
        let mut command = Command::new(&self.gpufas);
        command.args(["ps", "--qmp"]).arg(qmp);
        let table = succeed(&mut command)?;
        let is_runaway = |line: &&str| {
            line.contains(RUNAWAY) && line.split_whitespace().any(|word| word == runaway.to_string())
        };
        let lines: Vec<&str> = table.lines().collect();
        let found = lines.iter().skip(SHOWN).find(|line| is_runaway(line));
        for line in lines.iter().take(SHOWN).chain(found) {
            println!("  {line}");
        }
        println!("  ... {} lines in all", lines.len());
        Ok(Check {
            holds: lines.iter().any(is_runaway) && lines.len() > SLEEPERS as usize,
            what: format!("from outside, the same {SLEEPERS} processes and the runaway one were seen"),
        })
    }

    fn kill(&self, qmp: &Path) -> Result<()> {
        let mut command = Command::new(&self.gpufas);
        command.arg("run").arg(&self.program).args(["killall", "--qmp"]).arg(qmp);
        command.args(["--device", if self.target == Target::Host { "host" } else { "cuda" }]);
        command.args(["--", "--name", RUNAWAY, "--signal", "KILL"]);
        let mut lines = Vec::new();
        let status = output::stream(&mut command, |line| {
            println!("  {line}");
            lines.push(line.to_owned());
        })?;
        if !status.success() {
            bail!("`{}` failed ({status})", output::command_line(&command));
        }
        Ok(())
    }
}

/// Runs a program and takes its standard output.
fn succeed(command: &mut Command) -> Result<String> {
    let line = output::command_line(command);
    let output = command.output().with_context(|| format!("cannot run `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed ({}):\n{}", output.status, String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn summarise(processes: &[Process], runaway: u32) {
    let named = processes.iter().filter(|process| process.comm == SLEEPER).count();
    println!("  {} processes, {named} of them called {SLEEPER}", processes.len());
    match processes.iter().find(|process| process.pid == runaway) {
        Some(process) => {
            println!(
                "  process {runaway}, {}, state {}, {} KiB",
                process.comm, process.state, process.rss_kib
            );
        }
        None => println!("  no process {runaway}"),
    }
}

/// What the guest says afterwards.
fn verify(
    guest: &Guest,
    processes: &[Process],
    sleepers: &[u32],
    runaway: u32,
    end: gpufas_guest::Result<ProcessEvent>,
    baseline: Option<u64>,
) -> Result<Vec<Check>> {
    let alive = guest.alive(sleepers)?;
    let problems = guest.kernel_log(baseline)?.problems();
    for problem in &problems {
        println!("  kernel: {} ({})", problem.record.text, problem.reason);
    }
    let ended = match &end {
        Ok(ProcessEvent::Killed { signal, .. }) => format!("{RUNAWAY} was killed by signal {signal}"),
        Ok(other) => format!("{RUNAWAY} was killed by signal {KILL}; it was {other:?}"),
        Err(error) => format!("{RUNAWAY} was killed by signal {KILL}: {error}"),
    };
    Ok(vec![
        Check { holds: matches!(end, Ok(ProcessEvent::Killed { signal: KILL, .. })), what: ended },
        Check {
            holds: processes.iter().all(|process| process.pid != runaway && process.comm != RUNAWAY),
            what: format!("{RUNAWAY} is gone from the guest's process table"),
        },
        Check {
            holds: alive.gone.is_empty() && alive.alive.len() == sleepers.len(),
            what: format!("the others live: {} of {}", alive.alive.len(), sleepers.len()),
        },
        Check {
            holds: problems.is_empty(),
            what: format!("the kernel has nothing to complain of: {} new warnings", problems.len()),
        },
    ])
}
